//! When logging was stopped: one value for the grid, the rules, the first page and the exit code.

use std::collections::{BTreeMap, BTreeSet};

use super::{Change, Lookup, Trail, TrailChange};
use crate::event::time::Epoch;

/// A time in which a trail did not log.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stop {
    /// The account that owns the trail.
    pub account: String,
    /// The trail of an organization: its stop concerns every account.
    pub organization: bool,
    /// The trail's name.
    pub trail: String,
    /// The second of the call that stopped it, and of the call that started it again; `None` if no
    /// such call is known.
    pub from: Epoch,
    pub until: Option<Epoch>,
}

impl Stop {
    /// True if events of that account may be missing because of it.
    pub fn concerns(&self, account: &str) -> bool {
        self.organization || self.account == account
    }
}

/// The stops that the recorded calls show, and those that the status of a described trail shows. A call
/// may name a trail by its name or by its ARN. A start that is not proven ends no stop.
pub fn stops<'a>(
    changes: impl IntoIterator<Item = &'a TrailChange>,
    trails: &BTreeSet<Trail>,
) -> Vec<Stop> {
    // each trail by its owner and name: the seconds at which it was started (true) and stopped
    let mut switched: BTreeMap<(&str, &str), BTreeSet<(Epoch, bool)>> = BTreeMap::new();
    for change in changes.into_iter().filter(|one| one.is_believed()) {
        let started = match change.change {
            Change::Stopped | Change::Deleted => false,
            Change::Started => true,
            _ => continue,
        };
        if let Some(time) = change.time {
            let trail = (owner(change), short(&change.trail));
            switched.entry(trail).or_default().insert((time, started));
        }
    }
    for trail in trails {
        if let Lookup::Answered(status) = &trail.status {
            let times = switched.entry((trail.owner(), &trail.name)).or_default();
            times.extend(status.started.map(|time| (time, true)));
            times.extend(status.stopped.map(|time| (time, false)));
        }
    }
    let organizations: BTreeSet<(&str, &str)> = trails
        .iter()
        .filter(|trail| trail.organization)
        .map(|trail| (trail.owner(), trail.name.as_str()))
        .collect();
    let mut stops = Vec::new();
    for (key @ (account, trail), times) in switched {
        let stop = |from, until| Stop {
            account: account.to_owned(),
            organization: organizations.contains(&key),
            trail: trail.to_owned(),
            from,
            until,
        };
        let mut since = None;
        for (time, started) in times {
            match (since, started) {
                (None, false) => since = Some(time),
                (Some(from), true) => {
                    stops.push(stop(from, Some(time)));
                    since = None;
                }
                _ => {}
            }
        }
        stops.extend(since.map(|from| stop(from, None)));
    }
    stops.sort_unstable();
    stops
}

/// The account of the trail: that of its ARN if the call names one.
fn owner(change: &TrailChange) -> &str {
    let arn = change.trail.strip_prefix("arn:");
    let owner = arn.and_then(|rest| rest.split(':').nth(3));
    owner.unwrap_or(&change.account)
}

/// A trail's name, out of its ARN where it is one.
fn short(trail: &str) -> &str {
    trail.rsplit('/').next().unwrap_or(trail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trail::{Selectors, Status};

    const ACCOUNT: &str = "111122223333";

    fn call(time: Epoch, trail: &str, change: Change) -> TrailChange {
        TrailChange {
            time: Some(time),
            account: ACCOUNT.to_owned(),
            region: "us-east-1".to_owned(),
            trail: trail.to_owned(),
            event_name: String::new(),
            event_id: String::new(),
            change,
            unproven: false,
        }
    }

    fn drawn(stops: &[Stop]) -> Vec<(&str, bool, Epoch, Option<Epoch>)> {
        let one = |stop: &Stop| (stop.organization, stop.from, stop.until);
        stops
            .iter()
            .map(|stop| {
                let (organization, from, until) = one(stop);
                (stop.trail.as_str(), organization, from, until)
            })
            .collect()
    }

    #[test]
    fn a_stop_lasts_from_the_call_to_the_next_start_by_name_or_arn() {
        let arn = format!("arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/audit");
        let changes = [
            call(100, &arn, Change::Stopped),
            call(150, "audit", Change::Stopped),
            call(200, "audit", Change::Started),
            call(300, "other", Change::Deleted),
        ];
        assert_eq!(
            drawn(&stops(&changes, &BTreeSet::new())),
            [
                ("audit", false, 100, Some(200)),
                ("other", false, 300, None)
            ]
        );
    }

    #[test]
    fn the_status_of_a_trail_adds_what_no_call_shows() {
        let trail = Trail {
            name: "audit".to_owned(),
            arn: format!("arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/audit"),
            bucket: String::new(),
            prefix: String::new(),
            home_region: "us-east-1".to_owned(),
            multi_region: true,
            organization: true,
            validation: false,
            selectors: Lookup::Answered(Selectors::of_a_new_trail()),
            status: Lookup::Answered(Status {
                logging: true,
                stopped: Some(100),
                started: Some(200),
                ..Status::default()
            }),
            insights: Lookup::Answered(Vec::new()),
            asked: None,
        };
        let all = stops(&[call(100, "audit", Change::Stopped)], &[trail].into());
        assert_eq!(drawn(&all), [("audit", true, 100, Some(200))]);
        assert!(all[0].concerns("444455556666"));
    }
}
