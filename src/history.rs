//! What is new: the earliest event of every pair that a rule with `trailscan.first_seen` asks about,
//! in this run and in those before it.
//!
//! In come the groups that such rules made, by actor and value, and what the state file holds; out
//! go the groups of what is new, as any other rule makes them, and what the next run should know. An
//! event is of something new where it lies in the week in which its pair was seen first, and the pair
//! was seen after the rule had learned what is usual. Both are said of events' times, so that it makes
//! no difference in which order, or in how many runs, they were read, and a past week's report stays
//! what it was.
//!
//! If a proof was asked for, only proven records are remembered: a record that somebody added to the
//! bucket makes nothing known. It may be new itself.

use std::collections::BTreeMap;

use crate::coverage::{Coverage, DAY};
use crate::event::time::Epoch;
use crate::finding::GROUP_SEPARATOR;
use crate::interner::{Interner, Symbol};
use crate::rules::RuleSet;
use crate::tally::{GroupKey, Learning, Period, Tally};

/// How long a rule learns if `[history]` does not say.
pub const LEARNING_DAYS: u16 = 30;

/// What runs know of each rule, by its name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    pub rules: BTreeMap<String, RuleHistory>,
}

/// What runs know for one rule.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RuleHistory {
    /// By account: the first hour with events that the rule was evaluated on.
    pub begun: BTreeMap<String, Epoch>,
    /// By actor and value: the time of the earliest event.
    pub first_times: BTreeMap<(String, String), Epoch>,
}

impl RuleHistory {
    fn begin(&mut self, tally: &Tally) {
        for account in tally.coverage.regions.keys() {
            if let Some((first, _)) = tally.proven_span(account) {
                let begun = self.begun.entry(account.clone()).or_insert(first);
                *begun = first.min(*begun);
            }
        }
    }

    /// Takes the earlier of both times of everything.
    fn merge(&mut self, other: &Self) {
        for (account, at) in &other.begun {
            let begun = self.begun.entry(account.clone()).or_insert(*at);
            *begun = (*begun).min(*at);
        }
        for (pair, at) in &other.first_times {
            self.note(pair.clone(), *at);
        }
    }

    /// Learns when a pair was seen; answers when it was seen first.
    fn note(&mut self, pair: (String, String), first: Epoch) -> Epoch {
        let known = self.first_times.entry(pair).or_insert(first);
        *known = first.min(*known);
        *known
    }

    /// Replaces the times of a run by the earliest that are known, and remembers those of proven events.
    fn compare(&mut self, first_times: &mut EarliestTimes, names: &Interner) {
        let text = |id: &Symbol| names.text(*id).to_owned();
        for ((actor, value), first) in &mut first_times.proven {
            *first = self.note((text(actor), text(value)), *first);
        }
        for ((actor, value), first) in &mut first_times.unproven {
            let known = self.first_times.get(&(text(actor), text(value)));
            *first = known.map_or(*first, |known| (*known).min(*first));
        }
    }

    /// The time from which new activity in an account is reported.
    fn judged_from(&self, account: &str, learning: Epoch) -> Epoch {
        let begun = self.begun.get(account);
        begun.map_or(Epoch::MAX, |begun| begun.saturating_add(learning))
    }

    /// The same for records that are not proven: an account without a proven record begins with them.
    fn judged_unproven(&self, account: &str, learning: Epoch, coverage: &Coverage) -> Epoch {
        let begun = self.begun.get(account).copied();
        let begun = begun.or_else(|| Some(coverage.span(account)?.0));
        begun.map_or(Epoch::MAX, |begun| begun.saturating_add(learning))
    }

    /// Whether part of this run lies in the time of learning.
    fn learning(&self, tally: &Tally, learning: Epoch) -> Option<Learning> {
        let (mut open, mut any_judged): (Option<Learning>, bool) = (None, false);
        for (account, begun) in &self.begun {
            let Some((first, last)) = tally.proven_span(account) else {
                continue;
            };
            let until = self.judged_from(account, learning);
            any_judged |= last >= until;
            if first < until && open.as_ref().is_none_or(|known| known.until < until) {
                open = Some(Learning {
                    account: account.clone(),
                    begun: *begun,
                    until,
                    wholly: false,
                });
            }
        }
        open.map(|open| Learning {
            wholly: !any_judged,
            ..open
        })
    }
}

impl History {
    /// The names of the rules that ask for a history.
    pub fn asking(rules: &RuleSet) -> impl Iterator<Item = &str> {
        let asking = rules.rules.iter().filter(|rule| rule.first_seen.is_some());
        asking.map(|rule| &*rule.name)
    }

    /// The names that these rules had before.
    pub fn formerly(rules: &RuleSet) -> impl Iterator<Item = &str> {
        let asking = rules.rules.iter().filter(|rule| rule.first_seen.is_some());
        asking.flat_map(|rule| rule.former_names.iter().map(String::as_str))
    }

    /// Gives rules what is known under their former names: the earlier time of each pair.
    pub fn take_over(&mut self, rules: &RuleSet, former: &Self) {
        for rule in rules.rules.iter().filter(|rule| rule.first_seen.is_some()) {
            for before in rule
                .former_names
                .iter()
                .filter_map(|name| former.rules.get(name))
            {
                self.rules
                    .entry(rule.name.clone())
                    .or_default()
                    .merge(before);
            }
        }
    }

    /// Learns what the tally knows, and leaves in it, of what rules with `trailscan.first_seen` found,
    /// that which is new.
    pub fn settle(&mut self, rules: &RuleSet, tally: &mut Tally, learning_days: Option<u16>) {
        // most runs have no such rule: no finding is read back from disk for nothing
        if Self::asking(rules).next().is_none() {
            return;
        }
        let learning = Epoch::from(learning_days.unwrap_or(LEARNING_DAYS)) * DAY;
        let rule = |place: u32| rules.rules.get(place as usize);
        let asks = |key: &GroupKey| rule(key.rule).and_then(|rule| rule.first_seen);
        let lost = "what is new is not all known";
        let mut first_times: BTreeMap<u32, EarliestTimes> = BTreeMap::new();
        let read = tally.groups.each(|key, group| {
            if let (Some(_), Some(time)) = (asks(key), group.first) {
                first_times.entry(key.rule).or_default().note(key, time);
            }
        });
        if let Err(error) = read {
            tally.note_loss(lost, &error);
        }
        for (place, rule) in (0u32..).zip(&rules.rules) {
            if rule.first_seen.is_none() {
                continue;
            }
            let known = self.rules.entry(rule.name.clone()).or_default();
            known.begin(tally);
            if let Some(first_times) = first_times.get_mut(&place) {
                known.compare(first_times, &tally.names);
            }
            if let Some(open) = known.learning(tally, learning) {
                tally.novelty.learning.insert(place, open);
            }
        }
        // how many events the groups of what is new hold
        let mut counts: BTreeMap<u32, u64> = BTreeMap::new();
        let (names, novelty, coverage) = (&tally.names, &mut tally.novelty, &tally.coverage);
        let known = |key: &GroupKey| self.rules.get(&*rule(key.rule)?.name);
        let rewritten = tally.groups.rewrite(|key, group| {
            let Some(what) = asks(key) else {
                return Some(*key);
            };
            let first = first_times.get(&key.rule)?.of(key);
            let known = known(key)?;
            let accounts = group.accounts.iter().map(|id| names.text(*id));
            let judged = accounts.map(|account| match key.unproven {
                true => known.judged_unproven(account, learning, coverage),
                false => known.judged_from(account, learning),
            });
            if first < judged.max() || first.is_none() || Period::of(first) != key.period {
                return None;
            }
            *counts.entry(key.rule).or_default() += group.count;
            let about = GroupKey {
                value: Interner::EMPTY,
                unproven: false,
                ..*key
            };
            let value = names.text(key.value).replace(GROUP_SEPARATOR, " ");
            novelty.add(about, what.as_str(), &value);
            Some(about)
        });
        if let Err(error) = rewritten {
            tally.note_loss(lost, &error);
        }
        for (place, rule) in (0u32..).zip(&rules.rules) {
            if rule.first_seen.is_some() {
                tally.set_matches(place, counts.get(&place).copied().unwrap_or_default());
            }
        }
    }
}

/// The earliest times of the pairs of a rule.
#[derive(Debug, Default)]
struct EarliestTimes {
    /// Of the events that are proven; of all events if no proof was asked for.
    proven: ByPair,
    /// Of all others.
    unproven: ByPair,
}

/// The time of the earliest event of every actor and value.
type ByPair = BTreeMap<(Symbol, Symbol), Epoch>;

const fn pair(key: &GroupKey) -> (Symbol, Symbol) {
    (key.actor, key.value)
}

impl EarliestTimes {
    /// Adds the first event of a group.
    fn note(&mut self, key: &GroupKey, time: Epoch) {
        let by_pair = match key.unproven {
            true => &mut self.unproven,
            false => &mut self.proven,
        };
        let first = by_pair.entry(pair(key)).or_insert(time);
        *first = time.min(*first);
    }

    /// The earliest time of a group's pair.
    fn of(&self, key: &GroupKey) -> Option<Epoch> {
        let by_pair = match key.unproven {
            true => &self.unproven,
            false => &self.proven,
        };
        by_pair.get(&pair(key)).copied()
    }
}
