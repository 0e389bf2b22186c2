//! What could be seen: for classes of events, account by account, Region by Region, hour by hour.
//!
//! In: the trails as CloudTrail describes them, the changes met in the logs, and what kinds of event
//! were met where. Out: runs of hours with one verdict each. Where CloudTrail was not asked, or did
//! not answer, only what the files prove counts: a kind of event that was met was recorded, up to
//! the next change of a trail; of one that was not met nothing is known.

mod changed;
mod runs;
mod summary;
mod undecided;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Display};

use serde::Serialize;

use super::{Assessment, Provenance};
use crate::coverage::{Coverage, HOUR, RegionCoverage, Sight, hour_of};
use crate::event::time::{Epoch, iso};
use crate::finding::iso_time;
use crate::rules::{Need, Where};
use crate::trail::{Category, Sees, Timeline, Trail, TrailChange, global_region};
use changed::changed;
use runs::{Stretch, in_hours, limited, together, without};
pub(super) use summary::sum;
pub(super) use undecided::UndecidedAt;

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
    /// Trails that nobody described and that were changed.
    changed: Vec<Trail>,
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
            changed: changed(coverage),
            regions: &provenance.regions,
            places: BTreeSet::new(),
        };
        for (account, regions) in &coverage.regions {
            let global = regions
                .keys()
                .next()
                .map_or("us-east-1", |one| global_region(one));
            let elsewhere =
                (judge.regions.is_empty() && !judge.timelines.is_empty()).then_some(ELSEWHERE);
            let regions = regions.keys().map(String::as_str);
            let places = regions
                .chain([global])
                .chain(elsewhere)
                .map(|region| Place {
                    account: account.clone(),
                    region: region.to_owned(),
                });
            judge.places.extend(places);
        }
        judge
    }

    /// What could be seen of all of these; hours with events that could not be decided are partly
    /// assessed.
    pub(super) fn view(&self, needs: &BTreeSet<Need>, undecided: &UndecidedAt) -> View {
        let mut groups: BTreeMap<Vec<Stretch>, Vec<Place>> = BTreeMap::new();
        for place in &self.places {
            let here = needs.iter().filter(|need| self.concerns(need, place));
            let here: Vec<&Need> = here.collect();
            let undecided = undecided.at(place);
            if !here.is_empty()
                || undecided.is_some()
                || (needs.is_empty() && self.has_files(place))
            {
                let mut runs = self.runs(&here, place);
                if let Some((hours, why)) = undecided {
                    runs = limited(runs, hours, &Assessment::partly(why));
                }
                let told = runs
                    .iter()
                    .any(|(.., verdict)| *verdict != Assessment::Assessed);
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
        // the data events of a bucket are recorded in the bucket's own Region
        if let Some(bucket) = bucket(need)
            && self.places.iter().any(|place| self.shows(place, bucket))
        {
            return self.shows(place, bucket);
        }
        match need.place {
            Where::Everywhere => region == ELSEWHERE || self.has_files(place),
            Where::Global => region != ELSEWHERE && region == global_region(region),
            Where::SignIn => region == ELSEWHERE || region == global_region(region),
        }
    }

    /// True where the files of a place hold data events of the bucket.
    fn shows(&self, place: &Place, bucket: &str) -> bool {
        let shown = |region: &RegionCoverage| region.buckets.keys().any(|(name, _)| name == bucket);
        self.region(place).is_some_and(shown)
    }

    fn has_files(&self, place: &Place) -> bool {
        self.region(place).is_some()
    }

    fn region(&self, place: &Place) -> Option<&'c RegionCoverage> {
        self.coverage
            .regions
            .get(&place.account)?
            .get(&place.region)
    }

    /// The runs of hours of a place, each with what holds for all of the needs together.
    fn runs(&self, needs: &[&Need], place: &Place) -> Vec<Stretch> {
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
        let runs = in_hours(&pieces.collect::<Vec<_>>());
        without(runs, &self.unread_hours(place).collect())
    }

    /// When what can be said of a place may change.
    fn moments<'a>(&'a self, place: &'a Place) -> impl Iterator<Item = Epoch> + 'a {
        let told = self.timelines.iter().flat_map(Timeline::moments);
        told.chain(self.changes(&place.account).filter_map(|one| one.time))
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
        // the call that ended it may itself be an event of that hour
        let met_after = || match self.window {
            Some((first, _)) if from > first => self.met(need, place, hour_of(from) + HOUR, until),
            _ => self.met(need, place, from, until),
        };
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
            Some((Sees::No(why), _)) => match met_after() {
                Assessment::NotAssessed { .. } => Assessment::not(why),
                _ => Assessment::partly(format!("such events were read although {why}")),
            },
            Some((Sees::Unknown(why), _)) => match met() {
                Assessment::NotAssessed { reason } => {
                    Assessment::not(format!("{why}, and {reason}"))
                }
                met => met,
            },
            None => self.by_files(need, place, from, [&met, &met_after]),
        }
    }

    /// What the files prove; where they do not, the changes of trails may tell why.
    fn by_files(
        &self,
        need: Option<&Need>,
        place: &Place,
        from: Epoch,
        [met, met_after]: [&dyn Fn() -> Assessment; 2],
    ) -> Assessment {
        let (account, region) = (place.account.as_str(), place.region.as_str());
        let ours = self.changed.iter().filter(|trail| trail.owner() == account);
        let told = ours.map(|trail| {
            let timeline = Timeline::new(trail, &self.coverage.changes, Epoch::MAX);
            match need {
                Some(need) => timeline.sees(&need.class, account, region, from),
                None => timeline.records(account, region, from),
            }
        });
        match told.max() {
            Some(Sees::No(why)) => match met_after() {
                Assessment::NotAssessed { .. } => Assessment::not(why),
                met => met,
            },
            Some(Sees::Partly(why)) => match met() {
                Assessment::NotAssessed { .. } => Assessment::not(why),
                met => met,
            },
            Some(Sees::Unknown(why)) if !why.is_empty() => match met() {
                Assessment::NotAssessed { reason } => {
                    Assessment::not(format!("{why}, and {reason}"))
                }
                met => met,
            },
            Some(Sees::Unknown(_) | Sees::ByToday(_) | Sees::Yes) | None => met(),
        }
    }

    /// What the files alone prove.
    fn met(&self, need: Option<&Need>, place: &Place, from: Epoch, until: Epoch) -> Assessment {
        let region = self.region(place);
        let Some(need) = need else {
            let mut hours = region
                .into_iter()
                .flat_map(|one| one.hours.range(from..until.max(from)));
            return if hours.any(|(_, hour)| hour.events > 0) {
                Assessment::Assessed
            } else {
                Assessment::not(
                    "no event was read, and the files do not tell whether there were any",
                )
            };
        };
        let seen = |sight: &Sight| {
            let hours = region.and_then(|region| region.seen.get(sight));
            hours.is_some_and(|hours| hours.any_within(from, until))
        };
        if let Some(missing) = need.proof.iter().find(|sight| !seen(sight)) {
            return Assessment::not(format!(
                "no {} was read, and the files do not tell whether they are recorded",
                kind(missing)
            ));
        }
        let Category::Data(data) = &need.class.category else {
            return Assessment::Assessed;
        };
        match bucket(need) {
            Some(bucket) => {
                let at = (bucket.to_owned(), need.class.reads);
                let hours = region.and_then(|region| region.buckets.get(&at));
                if hours.is_some_and(|hours| hours.any_within(from, until)) {
                    Assessment::Assessed
                } else {
                    Assessment::not(format!(
                        "no data event of bucket {bucket} was read, and the files do not tell \
                         whether they are recorded"
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
            !matches!(
                self.met(need, &place, from, until),
                Assessment::NotAssessed { .. }
            )
        })
    }
}

/// The one bucket that a need is about.
fn bucket(need: &Need) -> Option<&str> {
    let below = need.class.below.as_deref()?;
    below.strip_prefix("arn:aws:s3:::")?.strip_suffix('/')
}

/// The words for a kind of event.
fn kind(sight: &Sight) -> impl Display {
    const READS: &str = "(AssumeRole, GetSecretValue and kms:Decrypt are such)";
    fmt::from_fn(move |f| match sight {
        Sight::ManagementWrite => f.write_str("management event that changes anything"),
        Sight::ManagementRead => write!(f, "management event that only reads {READS}"),
        Sight::Kms => f.write_str("event of kms.amazonaws.com"),
        Sight::SignIn => f.write_str("sign-in event"),
        Sight::DataWrite(kind) => write!(f, "data event of {kind} that changes anything"),
        Sight::DataRead(kind) => write!(f, "data event of {kind} that only reads"),
    })
}

#[cfg(test)]
mod tests;
