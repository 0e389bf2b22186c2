//! What could be seen: for classes of events, account by account, Region by Region, hour by hour.
//!
//! In: the trails as CloudTrail describes them, the changes met in the logs, and what kinds of event
//! were met where. Out: runs of hours with one verdict each. Where CloudTrail was not asked, or did
//! not answer, only what the files prove counts: a kind of event that was met was recorded, up to
//! the next change of a trail; of one that was not met nothing is known.

mod summary;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{Assessment, Provenance};
use crate::coverage::{Coverage, HOUR, RegionCoverage, Sight, hour_of};
use crate::event::time::{Epoch, iso};
use crate::finding::iso_time;
use crate::rules::{Need, Where};
use crate::trail::{Category, Change, Sees, Timeline, TrailChange, global_region};
pub(super) use summary::sum;

/// What rules could see. Rules that need the same share a view.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Visibility {
    /// The window in whole hours, `[from, until)`; nothing where no hour is known.
    #[serde(serialize_with = "iso_time")]
    pub from: Option<Epoch>,
    #[serde(serialize_with = "iso_time")]
    pub until: Option<Epoch>,
    pub views: Vec<View>,
}

/// Verdicts by place.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct View(pub Vec<Group>);

/// Accounts and Regions for which the same holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Group {
    pub places: Vec<Place>,
    /// In order and without gaps, over the whole window.
    pub runs: Vec<Run>,
}

/// An account and a Region; `*` stands for every Region without log files.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    pub account: String,
    pub region: String,
}

/// Hours `[from, until)` with one verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Run {
    #[serde(serialize_with = "plain_time")]
    pub from: Epoch,
    #[serde(serialize_with = "plain_time")]
    pub until: Epoch,
    #[serde(flatten)]
    pub verdict: Assessment,
}

/// Times are seconds inside and RFC 3339 outside.
fn plain_time<S: serde::Serializer>(time: &Epoch, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&iso(*time))
}

/// Regions without files, taken together.
const ELSEWHERE: &str = "*";

/// Judges classes of events by place and hour.
pub(super) struct Judge<'c> {
    coverage: &'c Coverage,
    window: Option<(Epoch, Epoch)>,
    timelines: Vec<Timeline<'c>>,
    /// The Regions asked for; all where none is named.
    regions: &'c [String],
    /// Where the class is recorded, by account and Region.
    places: BTreeSet<Place>,
}

/// The window of a report in whole hours: what was asked for, else what the events span.
pub(super) fn window(provenance: &Provenance, coverage: &Coverage) -> Option<(Epoch, Epoch)> {
    let from = hour_of(provenance.since.or(coverage.first)?);
    let until = provenance.until.or(coverage.last.map(|last| last + 1))?;
    let until = hour_of(until + HOUR - 1);
    (from < until).then_some((from, until))
}

impl<'c> Judge<'c> {
    pub(super) fn new(provenance: &'c Provenance, coverage: &'c Coverage) -> Self {
        let window = window(provenance, coverage);
        let until = window.map_or(0, |(_, until)| until);
        let timelines = coverage.trails.iter();
        let timelines = timelines.map(|trail| Timeline::new(trail, &coverage.changes, until));
        let mut judge = Self {
            coverage,
            window,
            timelines: timelines.collect(),
            regions: &provenance.regions,
            places: BTreeSet::new(),
        };
        for (account, regions) in &coverage.regions {
            let global = regions.keys().next().map_or("us-east-1", |one| global_region(one));
            let elsewhere = (judge.regions.is_empty() && !judge.timelines.is_empty())
                .then_some(ELSEWHERE);
            let regions = regions.keys().map(String::as_str);
            let places = regions.chain([global]).chain(elsewhere).map(|region| Place {
                account: account.clone(),
                region: region.to_owned(),
            });
            judge.places.extend(places);
        }
        judge
    }

    /// What could be seen of all of these.
    pub(super) fn view(&self, needs: &BTreeSet<Need>) -> View {
        let mut groups: BTreeMap<Vec<(Epoch, Epoch, Assessment)>, Vec<Place>> = BTreeMap::new();
        for place in &self.places {
            let here = needs.iter().filter(|need| self.concerns(need, place));
            let here: Vec<&Need> = here.collect();
            if !here.is_empty() || (needs.is_empty() && self.has_files(place)) {
                let runs = self.runs(&here, place);
                let told = runs.iter().any(|(.., verdict)| *verdict != Assessment::Assessed);
                if told || place.region != ELSEWHERE {
                    groups.entry(runs).or_default().push(place.clone());
                }
            }
        }
        let run = |(from, until, verdict)| Run {
            from,
            until,
            verdict,
        };
        let groups = groups.into_iter().map(|(runs, places)| Group {
            places,
            runs: runs.into_iter().map(run).collect(),
        });
        View(groups.collect())
    }

    /// True where events of the class are recorded in that Region, if anywhere.
    fn concerns(&self, need: &Need, place: &Place) -> bool {
        let region = place.region.as_str();
        match need.place {
            Where::Everywhere => region == ELSEWHERE || self.has_files(place),
            Where::Global => region != ELSEWHERE && region == global_region(region),
            Where::SignIn => region == ELSEWHERE || region == global_region(region),
        }
    }

    fn has_files(&self, place: &Place) -> bool {
        self.region(place).is_some()
    }

    fn region(&self, place: &Place) -> Option<&'c RegionCoverage> {
        self.coverage.regions.get(&place.account)?.get(&place.region)
    }

    /// The runs of hours of a place, each with what holds for all of the needs together.
    fn runs(&self, needs: &[&Need], place: &Place) -> Vec<(Epoch, Epoch, Assessment)> {
        let Some((from, until)) = self.window else {
            return Vec::new();
        };
        let mut moments: BTreeSet<Epoch> = self.moments(place).collect();
        moments.extend([from, until]);
        let moments: Vec<Epoch> = moments.range(from..=until).copied().collect();
        let pieces = moments.windows(2).filter_map(|pair| match pair {
            [begin, end] => Some((*begin, *end, self.verdict(needs, place, *begin, *end))),
            _ => None,
        });
        in_hours(pieces.collect())
    }

    /// When what can be said of a place may change.
    fn moments<'a>(&'a self, place: &'a Place) -> impl Iterator<Item = Epoch> + 'a {
        let told = self.timelines.iter().flat_map(Timeline::moments);
        let met = self.changes(&place.account).filter_map(|one| one.time);
        let unread = self.unread_hours(place);
        told.chain(met)
            .chain(unread.flat_map(|hour| [hour, hour + HOUR]))
    }

    fn changes<'a>(&'a self, account: &'a str) -> impl Iterator<Item = &'c TrailChange> + 'a {
        let changes = self.coverage.changes.iter();
        changes.filter(move |change| change.account == account)
    }

    /// Hours some of whose events may lie in files that could not be read: those of their delivery
    /// and those before.
    fn unread_hours(&self, place: &Place) -> impl Iterator<Item = Epoch> + 'c {
        let hours = self.region(place).into_iter().flat_map(|one| &one.hours);
        hours
            .filter(|(_, hour)| hour.unread + hour.broken > 0)
            .flat_map(|(at, _)| [*at - HOUR, *at])
    }

    fn verdict(&self, needs: &[&Need], place: &Place, from: Epoch, until: Epoch) -> Assessment {
        if self.coverage.objects.read == 0 {
            return Assessment::not("no log file was read");
        }
        if !self.regions.is_empty() && !self.regions.contains(&place.region) {
            return Assessment::not(format!(
                "--region leaves out {}, where IAM and most sign-ins are recorded",
                place.region
            ));
        }
        let one = |need: &&Need| self.one(Some(need), place, from, until);
        let mut verdicts: Vec<Assessment> = needs.iter().map(one).collect();
        if needs.is_empty() {
            verdicts.push(self.one(None, place, from, until));
        }
        if self.unread_hours(place).any(|hour| hour < until && hour + HOUR > from) {
            verdicts.push(Assessment::partly("log files of this time could not be read"));
        }
        together(&verdicts)
    }

    /// The verdict on one class, or on anything at all, from one moment to the next at which
    /// something changes.
    fn one(&self, need: Option<&Need>, place: &Place, from: Epoch, until: Epoch) -> Assessment {
        let (account, region) = (place.account.as_str(), place.region.as_str());
        let trails = self.timelines.iter();
        let ours = trails.filter(|one| one.trail.holds_account(account));
        let told = ours.map(|one| match need {
            Some(need) => (one.sees(&need.class, account, region, from), one),
            None => (one.records(account, region, from), one),
        });
        let told = told.max_by(|(a, _), (b, _)| a.cmp(b));
        let met = || self.met(need, place, from, until);
        match told {
            Some((Sees::Yes, _)) => Assessment::Assessed,
            Some((Sees::Partly(why), _)) => Assessment::partly(why),
            Some((Sees::ByToday(why), trail)) => {
                if self.met_by(trail, need) {
                    Assessment::Assessed
                } else {
                    Assessment::partly(why)
                }
            }
            Some((Sees::No(why), _)) => match met() {
                Assessment::NotAssessed { .. } => Assessment::not(why),
                _ => Assessment::partly(format!("such events were read although {why}")),
            },
            Some((Sees::Unknown(why), _)) => match met() {
                Assessment::NotAssessed { reason } => Assessment::not(format!("{why}, and {reason}")),
                met => met,
            },
            None => match (met(), self.stopped(place, from)) {
                (Assessment::NotAssessed { .. }, Some(why)) => Assessment::not(why),
                (met, _) => met,
            },
        }
    }

    /// What the files alone prove.
    fn met(&self, need: Option<&Need>, place: &Place, from: Epoch, until: Epoch) -> Assessment {
        let region = self.region(place);
        let Some(need) = need else {
            let mut hours = region.into_iter().flat_map(|one| one.hours.range(from..until));
            return if hours.any(|(_, hour)| hour.events > 0) {
                Assessment::Assessed
            } else {
                Assessment::not("no event was read: the files do not tell whether there were any")
            };
        };
        let seen = |sight: &Sight| {
            let hours = region.and_then(|region| region.seen.get(sight));
            hours.is_some_and(|hours| hours.any_within(from, until))
        };
        if let Some(missing) = need.proof.iter().find(|sight| !seen(sight)) {
            return Assessment::not(format!(
                "no {} was read: the files do not tell whether they are recorded",
                kind(missing)
            ));
        }
        let Category::Data(data) = &need.class.category else {
            return Assessment::Assessed;
        };
        let below = need.class.below.as_deref().unwrap_or_default();
        match below.strip_prefix("arn:aws:s3:::").and_then(|rest| rest.strip_suffix('/')) {
            Some(bucket) => {
                let at = (bucket.to_owned(), need.class.reads);
                let hours = region.and_then(|region| region.buckets.get(&at));
                if hours.is_some_and(|hours| hours.any_within(from, until)) {
                    Assessment::Assessed
                } else {
                    Assessment::not(format!(
                        "the files show no data event of bucket {bucket}: they do not tell whether \
                         its data events are recorded"
                    ))
                }
            }
            None => Assessment::partly(format!(
                "the files show data events of {data}, not whether they are recorded for every \
                 resource"
            )),
        }
    }

    /// True where the trail recorded such events anywhere in the window.
    fn met_by(&self, timeline: &Timeline<'_>, need: Option<&Need>) -> bool {
        let Some((from, until)) = self.window else {
            return false;
        };
        let accounts = self.coverage.regions.iter();
        let ours = accounts.filter(|(account, _)| timeline.trail.holds_account(account));
        let mut places = ours.flat_map(|(account, regions)| {
            regions.keys().map(|region| Place {
                account: account.clone(),
                region: region.clone(),
            })
        });
        places.any(|place| {
            !matches!(self.met(need, &place, from, until), Assessment::NotAssessed { .. })
        })
    }

    /// Whether logging stood still, as far as the events of the account tell.
    fn stopped(&self, place: &Place, at: Epoch) -> Option<String> {
        let switches = self.changes(&place.account).filter(|change| {
            change.time.is_some_and(|time| time <= at)
                && matches!(change.change, Change::Started | Change::Stopped | Change::Deleted)
        });
        let last = switches.max_by_key(|change| change.time)?;
        let done = match last.change {
            Change::Stopped => "logging of trail",
            Change::Deleted => "trail",
            _ => return None,
        };
        let end = if last.change == Change::Stopped { "stopped" } else { "deleted" };
        let time = last.time.map(iso).unwrap_or_default();
        Some(format!("{done} {} was {end} at {time}, and no such event was read after that", last.trail))
    }
}

/// The words for a kind of event.
fn kind(sight: &Sight) -> String {
    match sight {
        Sight::ManagementWrite => "management event that changes anything".to_owned(),
        Sight::ManagementRead => {
            "management event that only reads (AssumeRole, GetSecretValue and kms:Decrypt are such)"
                .to_owned()
        }
        Sight::Kms => "event of kms.amazonaws.com".to_owned(),
        Sight::SignIn => "sign-in event".to_owned(),
        Sight::DataWrite(kind) => format!("data event of {kind} that changes anything"),
        Sight::DataRead(kind) => format!("data event of {kind} that only reads"),
    }
}

/// One verdict for several classes of events: assessed where all are, and not at all where none is.
fn together(verdicts: &[Assessment]) -> Assessment {
    let mut reasons: Vec<&str> = Vec::new();
    let mut blind = 0;
    for verdict in verdicts {
        blind += usize::from(matches!(verdict, Assessment::NotAssessed { .. }));
        if let Some(reason) = verdict.reason()
            && !reasons.contains(&reason)
        {
            reasons.push(reason);
        }
    }
    match (reasons.is_empty(), blind) {
        (true, _) => Assessment::Assessed,
        (false, blind) if blind == verdicts.len() => Assessment::not(reasons.join("; ")),
        (false, _) => Assessment::partly(reasons.join("; ")),
    }
}

/// Stretches of time as runs of whole hours. An hour in which the verdict changes is partly assessed.
fn in_hours(pieces: Vec<(Epoch, Epoch, Assessment)>) -> Vec<(Epoch, Epoch, Assessment)> {
    let mut runs: Vec<(Epoch, Epoch, Assessment)> = Vec::new();
    let mut push = |from: Epoch, until: Epoch, verdict: Assessment| {
        match runs.last_mut() {
            _ if from >= until => {}
            Some((_, end, last)) if *end == from && *last == verdict => *end = until,
            _ => runs.push((from, until, verdict)),
        }
    };
    // the verdicts of the hour that is not whole yet
    let mut mixed: Vec<Assessment> = Vec::new();
    for (from, until, verdict) in pieces {
        let (mut from, last) = (from, hour_of(until));
        if from != hour_of(from) {
            mixed.push(verdict.clone());
            let end = hour_of(from) + HOUR;
            if until < end {
                continue;
            }
            push(end - HOUR, end, together(&mixed));
            mixed.clear();
            from = end;
        }
        push(from, last, verdict.clone());
        if until > last && until > from {
            mixed.push(verdict);
        }
    }
    runs
}

#[cfg(test)]
mod tests;
