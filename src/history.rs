//! What is new: the earliest event of every pair that a rule with `trailscan.first_seen` asks about,
//! in this run and in those before it.
//!
//! In come the groups that such rules made, by actor and value, and what the state file holds; out
//! go the groups of what is new, as any other rule makes them, and what the next run should know. An
//! event is of something new where it lies in the week in which its pair was met first, and the pair
//! was met after the rule had learnt what is usual. Both are said of events' times, so that it makes
//! no difference in which order, or in how many runs, they were read, and a past week's report stays
//! what it was.
//!
//! If a proof was asked for, only proven records are remembered: a record that somebody added to the
//! bucket makes nothing known. It may be new itself.

use std::collections::BTreeMap;

use crate::coverage::DAY;
use crate::event::time::Epoch;
use crate::finding::GROUP_SEPARATOR;
use crate::names::{NameId, Names};
use crate::rules::{FirstSeen, RuleSet};
use crate::tally::{Group, GroupKey, Learning, Period, Tally};

/// How long a rule learns if `[history]` does not say.
const LEARNING_DAYS: u16 = 30;

/// What runs know of each rule, by its name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    pub rules: BTreeMap<String, Known>,
}

/// What runs know for one rule.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// By account: the first hour with events that were held against the rule.
    pub begun: BTreeMap<String, Epoch>,
    /// By actor and value: the time of the earliest event.
    pub firsts: BTreeMap<(String, String), Epoch>,
}

impl Known {
    fn begin(&mut self, tally: &Tally) {
        for account in tally.coverage.regions.keys() {
            if let Some((first, _)) = tally.proven_span(account) {
                let begun = self.begun.entry(account.clone()).or_insert(first);
                *begun = first.min(*begun);
            }
        }
    }

    /// Learns when a pair was met; answers when it was met first.
    fn note(&mut self, pair: (String, String), first: Epoch) -> Epoch {
        let known = self.firsts.entry(pair).or_insert(first);
        *known = first.min(*known);
        *known
    }

    /// From when on it is told what is new in an account.
    fn judged_from(&self, account: &str, learning: Epoch) -> Epoch {
        let begun = self.begun.get(account);
        begun.map_or(Epoch::MAX, |begun| begun.saturating_add(learning))
    }

    /// The same for records that are not proven: an account without a proven record begins with them.
    fn judged_unproven(&self, account: &str, learning: Epoch, tally: &Tally) -> Epoch {
        let begun = self.begun.get(account).copied();
        let begun = begun.or_else(|| Some(tally.coverage.span(account)?.0));
        begun.map_or(Epoch::MAX, |begun| begun.saturating_add(learning))
    }

    /// Whether part of this run lies in the time of learning.
    fn learning(&self, tally: &Tally, learning: Epoch) -> Option<Learning> {
        let (mut open, mut told): (Option<Learning>, bool) = (None, false);
        for (account, begun) in &self.begun {
            let Some((first, last)) = tally.proven_span(account) else {
                continue;
            };
            let until = self.judged_from(account, learning);
            told |= last >= until;
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
            wholly: !told,
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

    /// Learns what the tally knows, and leaves in it, of what rules with `trailscan.first_seen` found,
    /// that which is new.
    pub fn settle(&mut self, rules: &RuleSet, tally: &mut Tally, learning_days: Option<u16>) {
        let learning = Epoch::from(learning_days.unwrap_or(LEARNING_DAYS)) * DAY;
        let rule = |place: u32| rules.rules.get(place as usize);
        let asks = |key: &GroupKey| rule(key.rule).is_some_and(|rule| rule.first_seen.is_some());
        let mut found: BTreeMap<u32, Vec<(GroupKey, Group)>> = BTreeMap::new();
        for (key, group) in tally.groups.take(asks) {
            found.entry(key.rule).or_default().push((key, group));
        }
        for (place, rule) in (0u32..).zip(&rules.rules) {
            let Some(what) = rule.first_seen else {
                continue;
            };
            let known = self.rules.entry(rule.name.clone()).or_default();
            known.begin(tally);
            let groups = found.remove(&place).unwrap_or_default();
            let count = known.tell_new(groups, what, tally, learning);
            tally.set_matches(place, count);
            if let Some(open) = known.learning(tally, learning) {
                tally.novelty.learning.insert(place, open);
            }
        }
    }
}

impl Known {
    /// Puts the groups of what is new into the tally; answers how many events they hold.
    fn tell_new(
        &mut self,
        groups: Vec<(GroupKey, Group)>,
        what: FirstSeen,
        tally: &mut Tally,
        learning: Epoch,
    ) -> u64 {
        let pair = |key: &GroupKey| (key.actor, key.value);
        // by pair, of proven events and of others
        let mut firsts: [BTreeMap<(NameId, NameId), Epoch>; 2] = Default::default();
        let [proven, unproven] = &mut firsts;
        for (key, group) in &groups {
            if let Some(time) = group.first {
                let firsts = match key.unproven {
                    true => &mut *unproven,
                    false => &mut *proven,
                };
                let first = firsts.entry(pair(key)).or_insert(time);
                *first = time.min(*first);
            }
        }
        let text = |id: &NameId| tally.names.text(*id).to_owned();
        for ((actor, value), first) in proven {
            *first = self.note((text(actor), text(value)), *first);
        }
        for ((actor, value), first) in unproven {
            let known = self.firsts.get(&(text(actor), text(value)));
            *first = known.map_or(*first, |known| (*known).min(*first));
        }
        let [proven, unproven] = firsts;
        let mut count = 0;
        for (key, group) in groups {
            let firsts = if key.unproven { &unproven } else { &proven };
            let first = firsts.get(&pair(&key)).copied();
            let accounts = group.accounts.iter().map(|id| tally.names.text(*id));
            let judged = accounts.map(|account| match key.unproven {
                true => self.judged_unproven(account, learning, tally),
                false => self.judged_from(account, learning),
            });
            if first < judged.max() || first.is_none() || Period::of(first) != key.period {
                continue;
            }
            count += group.count;
            let about = GroupKey {
                value: Names::EMPTY,
                unproven: false,
                ..key
            };
            tally.groups.put(about, group);
            let value = tally.names.text(key.value).replace(GROUP_SEPARATOR, " ");
            tally.novelty.add(about, what.as_str(), &value);
        }
        count
    }
}
