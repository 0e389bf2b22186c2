//! A trail over time: its settings today, and the changes seen in the logs.
//!
//! CloudTrail tells only today's settings. What held before the first change inside the window is
//! therefore not known, and what a change set holds until the next one.

use std::collections::BTreeSet;

use super::selectors::{Obstacle, Reach, Selectors};
use super::{Category, Change, Class, Lookup, Trail, TrailChange};
use crate::event::time::{Epoch, HOUR, iso};

/// Whether a trail could see a class of events. The better of two trails counts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum TrailVisibility {
    No(String),
    Unknown(String),
    Partly(String),
    /// By today's selectors alone, for a time that had passed when CloudTrail was asked.
    ByToday(String),
    Yes,
}

/// A trail and what was done to it inside a window, in order.
///
/// Each kind of change is kept apart and sorted, so that the last one before a moment and the first one
/// after it are found by bisection: a trail may be changed thousands of times in a week.
#[derive(Debug, Clone)]
pub struct Timeline<'t> {
    pub trail: &'t Trail,
    /// CreateTrail (true) and DeleteTrail.
    existence: Vec<(Epoch, bool)>,
    /// CreateTrail, and whether for all Regions.
    created: Vec<(Epoch, bool)>,
    /// StartLogging (true) and StopLogging.
    switched: Vec<(Epoch, bool)>,
    /// StartLogging alone.
    started: Vec<Epoch>,
    buckets: Vec<(Epoch, &'t str)>,
    multi_region: Vec<(Epoch, bool)>,
    selectors: Vec<(Epoch, Result<&'t Selectors, &'static str>)>,
    /// When any of these happened, each moment once.
    moments: Vec<Epoch>,
    until: Epoch,
}

/// How long before the end of a window CloudTrail may have been asked, or after, so that today's
/// settings are those of the window.
const TODAY: Epoch = HOUR;

impl<'t> Timeline<'t> {
    /// Takes the changes of this trail out of `changes`; `until` is the window's end.
    pub fn new(
        trail: &'t Trail,
        changes: impl IntoIterator<Item = &'t TrailChange>,
        until: Epoch,
    ) -> Self {
        let changes = changes.into_iter().filter(|one| one.is_believed());
        let ours = changes.filter(|one| one.concerns(trail));
        let mut changes: Vec<(Epoch, &Change)> = ours
            .filter_map(|one| Some((one.time?, &one.change)))
            .collect();
        changes.sort_by_key(|(time, _)| *time);
        let mut timeline = Self {
            trail,
            existence: Vec::new(),
            created: Vec::new(),
            switched: Vec::new(),
            started: Vec::new(),
            buckets: Vec::new(),
            multi_region: Vec::new(),
            selectors: Vec::new(),
            moments: changes.iter().map(|(time, _)| *time).collect(),
            until,
        };
        for (time, change) in changes {
            timeline.add(time, change);
        }
        if let Lookup::Answered(status) = &trail.status {
            let started = status.started.map(|time| (time, true));
            let stopped = status.stopped.map(|time| (time, false));
            timeline.switched.extend(started.into_iter().chain(stopped));
        }
        timeline.switched.sort_unstable();
        let on = timeline.switched.iter().filter(|(_, on)| *on);
        timeline.started = on.map(|(time, _)| *time).collect();
        let switched = timeline.switched.iter().map(|(time, _)| *time);
        timeline.moments.extend(switched);
        timeline.moments.sort_unstable();
        timeline.moments.dedup();
        timeline
    }

    fn add(&mut self, time: Epoch, change: &'t Change) {
        match change {
            Change::Created { multi_region } => {
                self.existence.push((time, true));
                self.created.push((time, *multi_region));
                self.multi_region.push((time, *multi_region));
            }
            Change::Deleted => self.existence.push((time, false)),
            Change::Started => self.switched.push((time, true)),
            Change::Stopped => self.switched.push((time, false)),
            Change::Updated {
                multi_region,
                bucket,
            } => {
                let bucket = bucket.as_deref();
                self.buckets.extend(bucket.map(|bucket| (time, bucket)));
                self.multi_region
                    .extend(multi_region.map(|set| (time, set)));
            }
            Change::Selectors(selectors) => {
                let why = "the record does not say to what";
                self.selectors.push((time, selectors.as_ref().ok_or(why)));
            }
            Change::TooManySelectors => {
                let why = "the record lists more selectors than CloudTrail accepts";
                self.selectors.push((time, Err(why)));
            }
            Change::SelectorsBeyondBound => {
                let why = "the logs hold more selectors than trailscan keeps";
                self.selectors.push((time, Err(why)));
            }
            Change::Insights => {}
        }
    }

    /// The moments at which what the trail sees may change, in order, each once.
    pub fn moments(&self) -> &[Epoch] {
        &self.moments
    }

    /// Whether the trail saw the class in an account and Region from a moment to the next one.
    pub fn sees(&self, class: &Class, account: &str, region: &str, at: Epoch) -> TrailVisibility {
        match self.records(account, region, at) {
            TrailVisibility::No(why) => TrailVisibility::No(why),
            records => records.min(self.selected(class, at)),
        }
    }

    /// Whether the trail recorded anything at all.
    pub fn records(&self, account: &str, region: &str, at: Epoch) -> TrailVisibility {
        if !self.trail.holds_account(account) {
            let (name, owner) = (&self.trail.name, self.trail.owner());
            return TrailVisibility::No(format!("trail {name} records account {owner} only"));
        }
        let states = [
            self.exists(at),
            self.logging(at),
            self.bucket(at),
            self.region(region, at),
        ];
        states.into_iter().min().unwrap_or(TrailVisibility::Yes)
    }

    fn exists(&self, at: Epoch) -> TrailVisibility {
        let name = &self.trail.name;
        match around(&self.existence, at) {
            (Some((time, false)), _) => {
                TrailVisibility::No(format!("trail {name} was deleted at {}", iso(time)))
            }
            (None, Some((time, true))) => {
                TrailVisibility::No(format!("trail {name} was only created at {}", iso(time)))
            }
            _ => TrailVisibility::Yes,
        }
    }

    /// When the trail was last created up to a moment.
    fn created(&self, at: Epoch) -> Option<Epoch> {
        around(&self.created, at).0.map(|(time, _)| time)
    }

    /// When logging was next started after a moment.
    fn started_after(&self, at: Epoch) -> Option<Epoch> {
        let after = self.started.partition_point(|time| *time <= at);
        self.started.get(after).copied()
    }

    fn logging(&self, at: Epoch) -> TrailVisibility {
        let name = &self.trail.name;
        let (before, after) = around(&self.switched, at);
        let created = self.created(at);
        let before = before.filter(|(time, _)| created.is_none_or(|created| *time >= created));
        match (before, after) {
            (Some((_, true)), _) => TrailVisibility::Yes,
            (Some((time, false)), _) => TrailVisibility::No(match self.started_after(at) {
                Some(end) => format!(
                    "logging of trail {name} was stopped from {} to {}",
                    iso(time),
                    iso(end)
                ),
                None => format!("logging of trail {name} was stopped at {}", iso(time)),
            }),
            (None, _) if created.is_some() => {
                TrailVisibility::No(format!("trail {name} was created but not started"))
            }
            (None, Some((_, false))) => TrailVisibility::Yes,
            (None, Some((time, true))) => TrailVisibility::Unknown(format!(
                "logging of trail {name} was started at {}: whether it ran before is not known",
                iso(time)
            )),
            (None, None) => match &self.trail.status {
                Lookup::Answered(status) if status.logging => TrailVisibility::Yes,
                Lookup::Answered(_) => TrailVisibility::No(format!("trail {name} is stopped")),
                Lookup::Unknown(why) => TrailVisibility::Unknown(why.clone()),
            },
        }
    }

    fn bucket(&self, at: Epoch) -> TrailVisibility {
        let name = &self.trail.name;
        match around(&self.buckets, at) {
            _ if self.trail.bucket.is_empty() => TrailVisibility::Yes,
            (Some((time, other)), _) if other != self.trail.bucket => TrailVisibility::No(format!(
                "trail {name} writes to bucket {other} since {}",
                iso(time)
            )),
            (None, Some((time, _))) => TrailVisibility::Unknown(format!(
                "trail {name} was updated at {}: where it wrote before is not known",
                iso(time)
            )),
            _ => TrailVisibility::Yes,
        }
    }

    fn region(&self, region: &str, at: Epoch) -> TrailVisibility {
        let home = &self.trail.home_region;
        let name = &self.trail.name;
        if home == region {
            return TrailVisibility::Yes;
        }
        let (set, after) = around(&self.multi_region, at);
        match (set.map(|(_, set)| set), after) {
            (None, Some((time, _))) => TrailVisibility::Unknown(format!(
                "trail {name} was updated at {}: whether it recorded Regions other than {home} \
                 before is not known",
                iso(time)
            )),
            (set, _) if set.unwrap_or(self.trail.multi_region) => TrailVisibility::Yes,
            _ => TrailVisibility::No(format!("single-region trail: {name} records {home} only")),
        }
    }

    fn selected(&self, class: &Class, at: Epoch) -> TrailVisibility {
        let name = &self.trail.name;
        let created = self.created(at);
        let (set, after) = around(&self.selectors, at);
        let set = set.filter(|(time, _)| created.is_none_or(|created| *time >= created));
        match (set, after) {
            (Some((_, Ok(selectors))), _) => self.reach(selectors, class, true),
            (Some((time, Err(why))), _) => TrailVisibility::Unknown(format!(
                "the event selectors of trail {name} were changed at {}, and {why}",
                iso(time)
            )),
            (None, _) if created.is_some() => self.reach(&Selectors::of_a_new_trail(), class, true),
            (None, Some((time, _))) => TrailVisibility::Unknown(format!(
                "the event selectors of trail {name} were changed at {}: what it recorded before \
                 is not known",
                iso(time)
            )),
            (None, None) => match &self.trail.selectors {
                Lookup::Answered(selectors) => {
                    let asked = self.trail.asked;
                    let today = asked.is_some_and(|asked| asked <= self.until + TODAY);
                    self.reach(selectors, class, today)
                }
                Lookup::Unknown(why) => TrailVisibility::Unknown(why.clone()),
            },
        }
    }

    /// `sure` where the selectors are known to have held at the time, and not only later.
    fn reach(&self, selectors: &Selectors, class: &Class, sure: bool) -> TrailVisibility {
        match selectors.reach(class) {
            Reach::All if sure => TrailVisibility::Yes,
            Reach::All => TrailVisibility::ByToday(format!(
                "trail {} records them by the selectors of {}, but none was read: a change \
                 between the window and then would not show here",
                self.trail.name,
                self.trail
                    .asked
                    .map_or_else(|| "a time that is not known".to_owned(), iso)
            )),
            Reach::Some(obstacle) => TrailVisibility::Partly(self.sentence(&obstacle, class, true)),
            Reach::None(obstacle) => TrailVisibility::No(self.sentence(&obstacle, class, false)),
        }
    }

    fn sentence(&self, obstacle: &Obstacle, class: &Class, some: bool) -> String {
        let trail = format!("trail {}", self.trail.name);
        let data = match &class.category {
            Category::Data(kind) => Some(kind.as_str()),
            Category::Management => None,
        };
        let reads = match (class.names.len(), data) {
            (0, Some(_)) => "reads of data are left out".to_owned(),
            (0, None) => "AssumeRole, GetSecretValue and kms:Decrypt are reads".to_owned(),
            (1, _) => format!("{} is a read", listed(&class.names)),
            _ => format!("{} are reads", listed(&class.names)),
        };
        match (obstacle, data) {
            (Obstacle::NoManagement, _) => format!("{trail} records no management events"),
            (Obstacle::NoData, _) => {
                format!(
                    "{trail} records no data events of {}",
                    data.unwrap_or_default()
                )
            }
            (Obstacle::WritesOnly, None) => {
                format!("write-only trail: {trail} excludes management read events, and {reads}")
            }
            (Obstacle::WritesOnly, Some(kind)) => {
                format!("{trail} records only data write events of {kind}, and {reads}")
            }
            (Obstacle::ReadsOnly, None) => {
                format!("read-only trail: {trail} excludes management write events")
            }
            (Obstacle::ReadsOnly, Some(kind)) => {
                format!("{trail} records only data read events of {kind}")
            }
            (Obstacle::Source, _) if some || class.sources.is_empty() => {
                format!("{trail} excludes the events of some services")
            }
            (Obstacle::Source, _) => {
                format!("{trail} excludes events of {}", listed(&class.sources))
            }
            (Obstacle::Resource, _) => {
                let kind = data.unwrap_or_default();
                match (class.bucket_beginning(), some) {
                    (Some(bucket), true) => {
                        format!("{trail} records data events of a part of bucket {bucket} only")
                    }
                    (Some(bucket), false) => {
                        format!("{trail} records no data events of bucket {bucket}")
                    }
                    (None, true) => {
                        format!("{trail} records data events of {kind} for some resources only")
                    }
                    (None, false) => {
                        format!("{trail} records no data events of these resources ({kind})")
                    }
                }
            }
            (Obstacle::Name, _) if some || class.names.is_empty() => {
                format!("{trail} selects events by name and excludes others")
            }
            (Obstacle::Name, _) => {
                format!("{trail} excludes {} by name", listed(&class.names))
            }
            (Obstacle::Field(field), _) => {
                format!("{trail} selects events by {field} and excludes others")
            }
        }
    }
}

/// Something and when it happened.
type At<T> = (Epoch, T);

/// The last entry up to a moment and the first one after it, of entries in the order of their times.
fn around<T: Copy>(entries: &[At<T>], at: Epoch) -> (Option<At<T>>, Option<At<T>>) {
    let after = entries.partition_point(|(time, _)| *time <= at);
    let before = after.checked_sub(1).and_then(|last| entries.get(last));
    (before.copied(), entries.get(after).copied())
}

/// The first few of some names.
fn listed(names: &BTreeSet<String>) -> String {
    const FEW: usize = 3;
    let mut few: Vec<&str> = names.iter().take(FEW).map(String::as_str).collect();
    if names.len() > FEW {
        few.push("…");
    }
    few.join(", ")
}
