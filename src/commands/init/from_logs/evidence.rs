//! What the groups of the questions say, by principal, bucket and secret.

use std::collections::{BTreeMap, BTreeSet};

use crate::event::time::{DAY, Epoch};
use crate::interner::Interner;
use crate::rules::RuleSet;
use crate::tally::{Group, Tally};

/// The most addresses of one principal that are looked at.
const MOST_ADDRESSES: usize = 50;

/// What is known of one principal.
#[derive(Debug, Default)]
pub(super) struct Principal {
    pub(super) calls: u64,
    /// Calls of which AWS records that it gave their session to an instance, service, cluster or pipeline.
    pub(super) by_program: u64,
    /// Calls of sessions that are named as services name them.
    pub(super) named_by_program: u64,
    /// Calls of SDKs, as the callers say.
    pub(super) by_sdk: u64,
    /// Days since 1970 with calls.
    pub(super) days: BTreeSet<i64>,
    /// Calls by hour of the day in UTC.
    pub(super) hours: [u64; 24],
    /// Calls by weekday in UTC, Monday first.
    pub(super) weekdays: [u64; 7],
    pub(super) signs_in: bool,
    pub(super) addresses: BTreeSet<String>,
}

impl Principal {
    /// In how many hours of the day it works.
    pub(super) fn busy_hours(&self) -> usize {
        self.hours.iter().filter(|calls| **calls > 0).count()
    }

    /// True if it works at all hours and on all weekdays, as programs do.
    pub(super) fn is_around_the_clock(&self) -> bool {
        self.busy_hours() >= 20 && self.weekdays.iter().all(|calls| *calls > 0)
    }
}

/// How often something was used, by whom, and on how many days.
#[derive(Debug, Default)]
pub(super) struct Use {
    pub(super) calls: u64,
    pub(super) by: BTreeSet<String>,
}

/// All that the logs show.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    pub(super) first: Option<Epoch>,
    pub(super) last: Option<Epoch>,
    pub(super) days: BTreeSet<i64>,
    pub(super) principals: BTreeMap<String, Principal>,
    /// Days on which people or programs worked in each Region.
    pub(super) regions: BTreeMap<String, BTreeSet<i64>>,
    pub(super) accounts: BTreeMap<String, BTreeSet<i64>>,
    pub(super) buckets: BTreeMap<String, Use>,
    pub(super) secrets: BTreeMap<String, Use>,
    pub(super) log_buckets: BTreeMap<String, Use>,
}

impl Evidence {
    /// Reads the groups.
    ///
    /// # Errors
    /// What was set aside on disk cannot be read back.
    pub(super) fn of(rules: &RuleSet, tally: &mut Tally) -> anyhow::Result<Self> {
        let mut evidence = Self::default();
        let (names, addresses) = (&tally.names, &tally.source_ips);
        tally.groups.each(|key, group| {
            let Some(rule) = rules.rules.get(key.rule as usize) else {
                return;
            };
            let actor = names.text(key.actor);
            let resource = names.text(key.resource);
            let used = |uses: &mut BTreeMap<String, Use>| {
                let one = uses.entry(resource.to_owned()).or_default();
                one.calls += group.count;
                one.by.extend(group.actors.first(MOST_ADDRESSES, names).0);
            };
            match rule.name.as_str() {
                "buckets" => return used(&mut evidence.buckets),
                "secrets" => return used(&mut evidence.secrets),
                "deliveries" => return used(&mut evidence.log_buckets),
                _ => {}
            }
            let principal = evidence.principals.entry(actor.to_owned()).or_default();
            match rule.name.as_str() {
                "program_proven" => principal.by_program += group.count,
                "person_sdk" => principal.by_sdk += group.count,
                "sign_in" => principal.signs_in = true,
                "program_hours" | "person_hours" => {
                    let hour = resource.parse::<usize>().ok();
                    if let Some(calls) = hour.and_then(|hour| principal.hours.get_mut(hour)) {
                        *calls += group.count;
                    }
                }
                of_days => {
                    let day = day(group);
                    principal.calls += group.count;
                    if of_days == "program_days" {
                        principal.named_by_program += group.count;
                    }
                    let (found, _) = group.source_ips.first(MOST_ADDRESSES, addresses, names);
                    principal.addresses.extend(found);
                    let weekday = day.map(|day| (day + 3).rem_euclid(7));
                    let weekday = weekday.and_then(|day| usize::try_from(day).ok());
                    if let Some(calls) = weekday.and_then(|day| principal.weekdays.get_mut(day)) {
                        *calls += group.count;
                    }
                    principal.days.extend(day);
                    evidence.note(group, day, names);
                }
            }
        })?;
        Ok(evidence)
    }

    /// Notes where and when a principal worked on one day.
    fn note(&mut self, group: &Group, day: Option<i64>, names: &Interner) {
        self.first = self.first.into_iter().chain(group.first).min();
        self.last = self.last.max(group.last);
        self.days.extend(day);
        for (places, found) in [
            (&mut self.regions, &group.regions),
            (&mut self.accounts, &group.accounts),
        ] {
            for place in found {
                let place = names.text(*place);
                if !place.is_empty() {
                    places.entry(place.to_owned()).or_default().extend(day);
                }
            }
        }
    }
}

/// The day of a group of one weekday in one week.
fn day(group: &Group) -> Option<i64> {
    group.first.map(|first| first.div_euclid(DAY))
}
