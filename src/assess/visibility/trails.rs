//! What the trails of an account saw over time, worked out once and shared.
//!
//! What a trail sees changes only when the trail does. So each trail is judged once for each class of
//! events, from one of its changes to the next, and these steps serve every account and Region that
//! the trail records. For one place the steps of its trails are merged in a single sweep over time, so
//! the cost grows with the number of changes and not with its square.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::Place;
use crate::assess::Assessment;
use crate::coverage::Coverage;
use crate::event::time::Epoch;
use crate::rules::Requirement;
use crate::trail::{Lookup, Status, Timeline, Trail, TrailChange, TrailVisibility};

/// The changes of trails, by what the caller named.
pub(super) struct Changes<'t> {
    by_arn: BTreeMap<&'t str, Vec<&'t TrailChange>>,
    /// By name, account and Region.
    by_name: BTreeMap<[&'t str; 3], Vec<&'t TrailChange>>,
    /// When anything changed in an account.
    moments: BTreeMap<&'t str, Vec<Epoch>>,
}

impl<'t> Changes<'t> {
    pub(super) fn new(changes: impl IntoIterator<Item = &'t TrailChange>) -> Self {
        let mut all = Self {
            by_arn: BTreeMap::new(),
            by_name: BTreeMap::new(),
            moments: BTreeMap::new(),
        };
        for change in changes {
            let (name, account, region) = (&*change.trail, &*change.account, &*change.region);
            all.by_arn.entry(name).or_default().push(change);
            let named = all.by_name.entry([name, account, region]);
            named.or_default().push(change);
            let moments = all.moments.entry(account).or_default();
            moments.extend(change.time);
        }
        all
    }

    /// When trails were changed by calls in the account.
    pub(super) fn moments(&self, account: &str) -> &[Epoch] {
        self.moments.get(account).map_or(&[], Vec::as_slice)
    }

    /// The changes that may be the trail's: those that name its ARN or its name.
    fn of(&self, trail: &'t Trail) -> impl Iterator<Item = &'t TrailChange> + use<'_, 't> {
        let name = [trail.name.as_str(), trail.owner(), &trail.home_region];
        let by_name = (trail.name != trail.arn).then(|| self.by_name.get(&name));
        let by_arn = self.by_arn.get(trail.arn.as_str());
        let both = by_arn.into_iter().chain(by_name.flatten());
        both.flatten().copied()
    }
}

/// Trails with their changes, by the account that they record.
pub(super) struct Trails<'t> {
    timelines: Vec<Timeline<'t>>,
    organization: Vec<usize>,
    by_owner: BTreeMap<&'t str, Vec<usize>>,
}

/// From a moment on a trail sees this.
type Step = (Epoch, TrailVisibility);

/// What was worked out for one view, for all of its places.
#[derive(Default)]
pub(super) struct Shared {
    pub(super) described: Steps,
    pub(super) changed: Steps,
    /// Whether a trail recorded a class anywhere: by trail and class.
    pub(super) seen_in_logs: RefCell<BTreeMap<(usize, usize), bool>>,
}

/// A trail, a class, and whether the Region is the trail's own.
type Line = (usize, usize, bool);

/// The steps of trails.
#[derive(Default)]
pub(super) struct Steps(RefCell<BTreeMap<Line, Rc<[Step]>>>);

/// A class of events, by its place among the classes of its view; anything at all where there is none.
#[derive(Clone, Copy)]
pub(super) struct Class<'n> {
    pub(super) place: usize,
    pub(super) need: Option<&'n Requirement>,
}

impl<'t> Trails<'t> {
    pub(super) fn new(
        trails: impl IntoIterator<Item = &'t Trail>,
        changes: &Changes<'t>,
        until: Epoch,
    ) -> Self {
        let mut all = Self {
            timelines: Vec::new(),
            organization: Vec::new(),
            by_owner: BTreeMap::new(),
        };
        for (place, trail) in trails.into_iter().enumerate() {
            let timeline = Timeline::new(trail, changes.of(trail), until);
            all.timelines.push(timeline);
            match trail.organization {
                true => all.organization.push(place),
                false => all.by_owner.entry(trail.owner()).or_default().push(place),
            }
        }
        all
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.timelines.is_empty()
    }

    /// The trails that record an account.
    fn of(&self, account: &str) -> impl Iterator<Item = (usize, &Timeline<'t>)> {
        let own = self.by_owner.get(account).into_iter().flatten();
        let places = self.organization.iter().chain(own);
        places.filter_map(|place| Some((*place, self.timelines.get(*place)?)))
    }

    /// The trail of that place.
    pub(super) fn trail(&self, place: usize) -> Option<&'t Trail> {
        self.timelines.get(place).map(|timeline| timeline.trail)
    }

    /// When what the trails of an account see may change.
    pub(super) fn moments(&self, account: &str) -> impl Iterator<Item = Epoch> {
        let ours = self.of(account);
        ours.flat_map(|(_, timeline)| timeline.moments().iter().copied())
    }

    /// What the trails see of a class in a place, for each of `pieces` at its beginning: the best of
    /// them all and the trail that it is. The pieces are in order. `None` where no trail records the
    /// account.
    pub(super) fn verdicts(
        &self,
        class: Class<'_>,
        place: &Place,
        shared: &Steps,
        pieces: &[(Epoch, Epoch)],
        mut judge: impl FnMut((Epoch, Epoch), TrailVisibility, usize) -> Assessment,
    ) -> Option<Vec<Assessment>> {
        let ours = self.of(&place.account);
        let lines: Vec<_> = ours
            .map(|(trail, timeline)| (trail, shared.of(trail, timeline, class, place)))
            .collect();
        if lines.is_empty() {
            return None;
        }
        // what every trail sees at the moment of the sweep
        let mut now: BTreeSet<(&TrailVisibility, usize)> = BTreeSet::new();
        let mut to_come: Vec<(Epoch, usize, &[Step])> = Vec::new();
        for (trail, steps) in &lines {
            let Some(((_, first), _)) = steps.split_first() else {
                continue;
            };
            now.insert((first, *trail));
            let pairs = steps.windows(2);
            to_come.extend(pairs.filter_map(|pair| Some((pair.last()?.0, *trail, pair))));
        }
        to_come.sort_by_key(|(at, trail, _)| (*at, *trail));
        let mut to_come = to_come.into_iter().peekable();
        let verdicts = pieces.iter().map(|piece| {
            while let Some((_, trail, pair)) = to_come.next_if(|(at, ..)| *at <= piece.0) {
                if let [(_, before), (_, after)] = pair {
                    now.remove(&(before, trail));
                    now.insert((after, trail));
                }
            }
            match now.last() {
                Some((best, trail)) => judge(*piece, (*best).clone(), *trail),
                None => Assessment::Assessed,
            }
        });
        Some(verdicts.collect())
    }
}

impl Steps {
    /// What a trail sees of a class, from each of its changes on; the first step is from ever on.
    fn of(
        &self,
        trail: usize,
        timeline: &Timeline<'_>,
        class: Class<'_>,
        place: &Place,
    ) -> Rc<[Step]> {
        let (account, region) = (place.account.as_str(), place.region.as_str());
        let key = (trail, class.place, timeline.trail.home_region == region);
        let mut known = self.0.borrow_mut();
        let steps = known.entry(key).or_insert_with(|| {
            let sees = |at| match class.need {
                Some(need) => timeline.sees(&need.class, account, region, at),
                None => timeline.records(account, region, at),
            };
            let moments = timeline.moments();
            let before = moments.first().map_or(0, |first| first.saturating_sub(1));
            let mut steps: Vec<Step> = vec![(Epoch::MIN, sees(before))];
            for at in moments {
                let sees = sees(*at);
                if steps.last().is_none_or(|(_, last)| *last != sees) {
                    steps.push((*at, sees));
                }
            }
            steps.into()
        });
        Rc::clone(steps)
    }
}

/// The trails that were changed, as far as the calls that changed them tell: where they write, and
/// what they recorded before, is not known.
pub(in crate::assess) fn changed(coverage: &Coverage) -> Vec<Trail> {
    let mut trails: BTreeMap<String, Trail> = BTreeMap::new();
    for change in coverage.changes.iter().filter(|one| one.is_believed()) {
        let name = change.trail.rsplit('/').next().unwrap_or_default();
        let arn = match change.trail.starts_with("arn:") {
            true => change.trail.clone(),
            false => format!(
                "arn:aws:cloudtrail:{}:{}:trail/{name}",
                change.region, change.account
            ),
        };
        trails.entry(arn.clone()).or_insert_with(|| Trail {
            name: name.to_owned(),
            home_region: arn.split(':').nth(3).unwrap_or_default().to_owned(),
            arn,
            bucket: String::new(),
            prefix: String::new(),
            multi_region: true,
            organization: false,
            validation: false,
            selectors: Lookup::Unknown(String::new()),
            // running, unless a call says otherwise: only what it could not see is believed
            status: Lookup::Answered(Status {
                logging: true,
                ..Status::default()
            }),
            insights: Lookup::Unknown(String::new()),
            asked: None,
        });
    }
    trails.into_values().collect()
}
