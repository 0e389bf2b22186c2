//! Rule coverage: which classes of events could be seen, account by account, Region by Region, hour by hour.
//!
//! In: the trails as CloudTrail describes them, the changes seen in the logs, and what kinds of event
//! were seen where. Out: runs of hours with one verdict each. Where CloudTrail was not asked, or did
//! not answer, only what the files prove counts: a kind of event that was seen was recorded, up to
//! the next change of a trail; of one that was not seen nothing is known.

mod runs;
mod summary;
mod trails;
mod undecided;
mod view;

use std::collections::{BTreeMap, BTreeSet};

use super::Assessment;
use super::completeness::Days;
use crate::coverage::{Coverage, EventClass, HOUR, RegionCoverage, hour_of};
use crate::event::time::Epoch;
use crate::provenance::Provenance;
use crate::rules::{RecordedIn, Requirement};
use crate::trail::{Category, Trail, TrailVisibility, global_region};
use crate::window::KnownWindow;
use runs::{Stretch, blank, in_hours, limited, together, without};
use summary::kind;
pub(super) use summary::sum;
pub(super) use trails::changed;
use trails::{Changes, Class, Shared, Trails};
pub(super) use undecided::UndecidedAt;
pub use view::{Group, Place, Run, View, Visibility};

/// Regions without files, taken together.
const ELSEWHERE: &str = "*";

/// Judges classes of events by place and hour.
pub(super) struct VisibilityAssessor<'c> {
    coverage: &'c Coverage,
    window: Option<(Epoch, Epoch)>,
    changes: Changes<'c>,
    trails: Trails<'c>,
    /// Trails that nobody described and that were changed.
    changed: Trails<'c>,
    /// The Regions asked for; all where none is named.
    regions: &'c [String],
    /// Whole days without a file of an account that has files.
    empty: &'c [Days],
    /// Where the class is recorded, by account and Region.
    places: BTreeSet<Place>,
    /// Where data events of a bucket were seen, by account and Region.
    buckets: BTreeMap<&'c str, BTreeSet<(&'c str, &'c str)>>,
}

impl<'c> VisibilityAssessor<'c> {
    /// `changed` are the trails that [`changed`] finds in the coverage.
    pub(super) fn new(
        provenance: &'c Provenance,
        coverage: &'c Coverage,
        changed: &'c [Trail],
        empty: &'c [Days],
    ) -> Self {
        let window = provenance.known_window(coverage).map(KnownWindow::hours);
        let until = window.map_or(0, |(_, until)| until);
        let changes = Changes::new(&coverage.changes);
        let mut judge = Self {
            coverage,
            window,
            trails: Trails::new(&coverage.trails, &changes, until),
            changed: Trails::new(changed, &changes, Epoch::MAX),
            changes,
            regions: &provenance.regions,
            empty,
            places: BTreeSet::new(),
            buckets: BTreeMap::new(),
        };
        for (account, regions) in &coverage.regions {
            for (region, seen_in_logs) in regions {
                for (bucket, _) in seen_in_logs.buckets.keys() {
                    let places = judge.buckets.entry(bucket).or_default();
                    places.insert((account, region));
                }
            }
            let global = regions
                .keys()
                .next()
                .map_or("us-east-1", |one| global_region(one));
            let elsewhere =
                (judge.regions.is_empty() && !judge.trails.is_empty()).then_some(ELSEWHERE);
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
    pub(super) fn view(&self, needs: &BTreeSet<Requirement>, undecided: &UndecidedAt) -> View {
        self.view_of(needs, undecided, &|_, _| true)
    }

    /// The same of those needs and places alone that `counts` takes; a rule without needs is asked as
    /// `None`.
    pub(super) fn view_of(
        &self,
        needs: &BTreeSet<Requirement>,
        undecided: &UndecidedAt,
        counts: &dyn Fn(Option<&Requirement>, &Place) -> bool,
    ) -> View {
        let mut groups: BTreeMap<Vec<Stretch>, Vec<Place>> = BTreeMap::new();
        let shared = Shared::default();
        for place in &self.places {
            let here = needs.iter().enumerate();
            let here =
                here.filter(|(_, need)| self.concerns(need, place) && counts(Some(need), place));
            let mut here: Vec<Class<'_>> = here
                .map(|(at, need)| Class {
                    place: at,
                    need: Some(need),
                })
                .collect();
            if needs.is_empty() && self.has_files(place) && counts(None, place) {
                here.push(Class {
                    place: 0,
                    need: None,
                });
            }
            let undecided = undecided.at(place);
            if !here.is_empty() || undecided.is_some() {
                let mut runs = self.runs(&here, place, &shared);
                if let Some((hours, why)) = undecided {
                    runs = limited(runs, hours, &Assessment::partly(why));
                }
                let limited_somewhere = runs
                    .iter()
                    .any(|(.., verdict)| *verdict != Assessment::Assessed);
                if limited_somewhere || place.region != ELSEWHERE {
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
    fn concerns(&self, need: &Requirement, place: &Place) -> bool {
        let region = place.region.as_str();
        // the data events of a bucket are recorded in the bucket's own Region
        if let Some(places) = need
            .class
            .bucket()
            .and_then(|bucket| self.buckets.get(bucket))
        {
            return places.contains(&(place.account.as_str(), region));
        }
        match need.place {
            RecordedIn::Everywhere => region == ELSEWHERE || self.has_files(place),
            RecordedIn::Global => region != ELSEWHERE && region == global_region(region),
            RecordedIn::SignIn => region == ELSEWHERE || region == global_region(region),
        }
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

    /// The runs of hours of a place, each with what holds for all of the classes together.
    fn runs(&self, classes: &[Class<'_>], place: &Place, shared: &Shared) -> Vec<Stretch> {
        let Some((from, until)) = self.window else {
            return Vec::new();
        };
        let account = &*place.account;
        let limited_somewhere = self.trails.moments(account);
        let moments = limited_somewhere.chain(self.changes.moments(account).iter().copied());
        let mut moments: Vec<Epoch> = moments.filter(|at| (from..=until).contains(at)).collect();
        moments.extend([from, until]);
        moments.sort_unstable();
        moments.dedup();
        let pieces: Vec<(Epoch, Epoch)> = moments
            .windows(2)
            .filter_map(|pair| Some((*pair.first()?, *pair.last()?)))
            .collect();
        let mut columns: Vec<_> = classes
            .iter()
            .map(|class| self.verdicts(*class, place, shared, &pieces).into_iter())
            .collect();
        let stretches = pieces.iter().map(|(begin, end)| {
            let verdicts: Vec<Assessment> = columns.iter_mut().filter_map(Iterator::next).collect();
            (*begin, *end, together(&verdicts))
        });
        let runs = in_hours(&stretches.collect::<Vec<_>>());
        let runs = without(runs, &self.unread_hours(place).collect());
        let empty = self
            .empty
            .iter()
            .filter(|days| days.account == place.account);
        let seen_in_logs = |hour| self.region(place).is_some_and(|one| one.has_events(hour));
        empty.fold(runs, |runs, days| blank(runs, &days.runs, &seen_in_logs))
    }

    /// Hours some of whose events may lie in files that could not be read: those of their delivery
    /// and those before.
    fn unread_hours(&self, place: &Place) -> impl Iterator<Item = Epoch> + 'c {
        let hours = self.region(place).into_iter().flat_map(|one| &one.hours);
        hours
            .filter(|(_, hour)| hour.unread + hour.broken > 0)
            .flat_map(|(at, _)| [*at - HOUR, *at])
    }

    /// The verdicts on one class, or on anything at all, for each of `pieces`: from one moment to the
    /// next at which something changes.
    fn verdicts(
        &self,
        class: Class<'_>,
        place: &Place,
        shared: &Shared,
        pieces: &[(Epoch, Epoch)],
    ) -> Vec<Assessment> {
        if self.coverage.objects.read == 0 {
            return vec![Assessment::not("no log file was read"); pieces.len()];
        }
        if !self.regions.is_empty() && !self.regions.contains(&place.region) {
            let verdict = Assessment::not(format!(
                "--region excludes {}, where IAM and most sign-ins are recorded",
                place.region
            ));
            return vec![verdict; pieces.len()];
        }
        let need = class.need;
        let seen_by_trail = |trail: usize| {
            let mut known = shared.seen_in_logs.borrow_mut();
            let seen_in_logs = || self.seen_by(self.trails.trail(trail), need);
            *known
                .entry((trail, class.place))
                .or_insert_with(seen_in_logs)
        };
        let by_trails =
            |piece, sees, trail| self.one(need, place, piece, sees, &|| seen_by_trail(trail));
        let by_files = |piece, sees, _| self.by_files(need, place, piece, Some(sees));
        let by_trails = self
            .trails
            .verdicts(class, place, &shared.described, pieces, by_trails);
        by_trails
            .or_else(|| {
                self.changed
                    .verdicts(class, place, &shared.changed, pieces, by_files)
            })
            .unwrap_or_else(|| {
                let pieces = pieces.iter();
                pieces
                    .map(|piece| self.by_files(need, place, *piece, None))
                    .collect()
            })
    }

    /// The verdict on a class where a trail records the account; `sees` is what the best of them saw.
    fn one(
        &self,
        need: Option<&Requirement>,
        place: &Place,
        (from, until): (Epoch, Epoch),
        sees: TrailVisibility,
        seen_by_trail: &dyn Fn() -> bool,
    ) -> Assessment {
        let seen_in_logs = || self.seen(need, place, from, until);
        let seen_afterwards = || self.seen_after(need, place, from, until);
        match sees {
            TrailVisibility::Yes => Assessment::Assessed,
            TrailVisibility::Partly(why) => Assessment::partly(why),
            TrailVisibility::ByToday(why) => {
                if seen_by_trail() {
                    Assessment::Assessed
                } else {
                    Assessment::partly(why)
                }
            }
            TrailVisibility::No(why) => match seen_afterwards() {
                Assessment::NotAssessed { .. } => Assessment::not(why),
                _ => Assessment::partly(format!("such events were read although {why}")),
            },
            TrailVisibility::Unknown(why) => match seen_in_logs() {
                Assessment::NotAssessed { reason } => {
                    Assessment::not(format!("{why}, and {reason}"))
                }
                seen_in_logs => seen_in_logs,
            },
        }
    }

    /// What the files prove; where they do not, the changes of trails may tell why: `sees` is what the
    /// best of the trails saw that were changed.
    fn by_files(
        &self,
        need: Option<&Requirement>,
        place: &Place,
        (from, until): (Epoch, Epoch),
        sees: Option<TrailVisibility>,
    ) -> Assessment {
        let seen_in_logs = || self.seen(need, place, from, until);
        match sees {
            Some(TrailVisibility::No(why)) => match self.seen_after(need, place, from, until) {
                Assessment::NotAssessed { .. } => Assessment::not(why),
                seen_in_logs => seen_in_logs,
            },
            Some(TrailVisibility::Partly(why)) => match seen_in_logs() {
                Assessment::NotAssessed { .. } => Assessment::not(why),
                seen_in_logs => seen_in_logs,
            },
            Some(TrailVisibility::Unknown(why)) if !why.is_empty() => match seen_in_logs() {
                Assessment::NotAssessed { reason } => {
                    Assessment::not(format!("{why}, and {reason}"))
                }
                seen_in_logs => seen_in_logs,
            },
            Some(
                TrailVisibility::Unknown(_) | TrailVisibility::ByToday(_) | TrailVisibility::Yes,
            )
            | None => seen_in_logs(),
        }
    }

    /// What the files alone prove of the time behind the moment at which something ended: the call that
    /// ended it may itself be an event of that hour.
    fn seen_after(
        &self,
        need: Option<&Requirement>,
        place: &Place,
        from: Epoch,
        until: Epoch,
    ) -> Assessment {
        match self.window {
            Some((first, _)) if from > first => self.seen(need, place, hour_of(from) + HOUR, until),
            _ => self.seen(need, place, from, until),
        }
    }

    /// What the files alone prove.
    fn seen(
        &self,
        need: Option<&Requirement>,
        place: &Place,
        from: Epoch,
        until: Epoch,
    ) -> Assessment {
        let region = self.region(place);
        let Some(need) = need else {
            let mut hours = region
                .into_iter()
                .flat_map(|one| one.hours.range(from..until.max(from)));
            return if hours.any(|(_, hour)| hour.events > 0) {
                Assessment::Assessed
            } else {
                Assessment::not(
                    "no such event was found, and the logs cannot show whether there were any",
                )
            };
        };
        let seen = |sight: &EventClass| {
            let hours = region.and_then(|region| region.seen.get(sight));
            hours.is_some_and(|hours| hours.any_within(from, until))
        };
        if let Some(missing) = need.proof.iter().find(|sight| !seen(sight)) {
            return Assessment::not(format!(
                "no {} was found, and the logs cannot show whether they are recorded",
                kind(missing)
            ));
        }
        let Category::Data(data) = &need.class.category else {
            return Assessment::Assessed;
        };
        match need.class.bucket() {
            Some(bucket) => {
                let at = (bucket.to_owned(), need.class.reads);
                let hours = region.and_then(|region| region.buckets.get(&at));
                if hours.is_some_and(|hours| hours.any_within(from, until)) {
                    Assessment::Assessed
                } else {
                    Assessment::not(format!(
                        "no data event of bucket {bucket} was found, and the logs cannot show whether they are recorded"
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
    fn seen_by(&self, trail: Option<&Trail>, need: Option<&Requirement>) -> bool {
        let (Some((from, until)), Some(trail)) = (self.window, trail) else {
            return false;
        };
        let accounts = &self.coverage.regions;
        let all = accounts.iter().filter(|_| trail.organization);
        let own = (!trail.organization).then(|| accounts.get_key_value(trail.owner()));
        let ours = all.chain(own.flatten());
        let mut places = ours.flat_map(|(account, regions)| {
            regions.keys().map(|region| Place {
                account: account.clone(),
                region: region.clone(),
            })
        });
        places.any(|place| {
            !matches!(
                self.seen(need, &place, from, until),
                Assessment::NotAssessed { .. }
            )
        })
    }
}

#[cfg(test)]
mod tests;
