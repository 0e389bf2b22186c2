//! A view in one line: whether a rule was assessed, and if not everywhere, why and where not.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Display};

use super::{ELSEWHERE, Place, View};
use crate::assess::Assessment;
use crate::coverage::{EventClass, HOUR, Hours};
use crate::event::time::{Epoch, iso};
use crate::words::{plural, thousands};

/// How many reasons are named; the rest are in `coverage.json`.
const MOST_REASONS: usize = 3;

/// Where one reason holds.
#[derive(Default)]
struct Reach<'v> {
    /// By their groups: a reason may hold in many runs of hours of one group.
    places: BTreeMap<usize, &'v [Place]>,
    hours: Hours,
    /// Places times hours.
    weight: Epoch,
}

/// The verdict on all places and hours together.
pub(in crate::assess) fn sum(view: &View) -> Assessment {
    let mut reasons: BTreeMap<&str, Reach<'_>> = BTreeMap::new();
    let (mut blind, mut all) = (0, 0);
    let mut everywhere: BTreeSet<&Place> = BTreeSet::new();
    let mut hours = 0;
    for (at, group) in view.0.iter().enumerate() {
        everywhere.extend(&group.places);
        let places = Epoch::try_from(group.places.len()).unwrap_or(Epoch::MAX);
        hours = group.runs.iter().map(|run| run.until - run.from).sum();
        for run in &group.runs {
            let weight = places * (run.until - run.from);
            all += weight;
            if let Assessment::NotAssessed { .. } = run.verdict {
                blind += weight;
            }
            if let Some(reason) = run.verdict.reason() {
                let reach = reasons.entry(reason).or_default();
                reach.places.insert(at, &group.places);
                reach.hours.add(run.from, run.until);
                reach.weight += weight;
            }
        }
    }
    if all == 0 {
        return Assessment::not("no log file was read");
    }
    if reasons.is_empty() {
        return Assessment::Assessed;
    }
    let mut reasons: Vec<_> = reasons.into_iter().collect();
    reasons.sort_by_key(|(reason, reach)| (-reach.weight, *reason));
    let more = reasons.len().saturating_sub(MOST_REASONS);
    let mut parts: Vec<String> = reasons
        .iter()
        .take(MOST_REASONS)
        .map(|(reason, reach)| match reach.limits(&everywhere, hours) {
            limits if limits.is_empty() => (*reason).to_owned(),
            limits => format!("{reason} ({limits})"),
        })
        .collect();
    if more > 0 {
        parts.push(format!(
            "{} in coverage.json",
            plural(more as u64, "more reason")
        ));
    }
    let reason = parts.join("; ");
    if blind == all {
        Assessment::not(reason)
    } else {
        Assessment::partly(reason)
    }
}

impl Reach<'_> {
    /// Where and when, as far as it is not everywhere and always.
    fn limits(&self, everywhere: &BTreeSet<&Place>, hours: Epoch) -> String {
        let mut limits = Vec::new();
        let places: BTreeSet<&Place> = self.places.values().copied().flatten().collect();
        if places.len() < everywhere.len() {
            limits.push(places_in_words(&places, everywhere));
        }
        let runs = self.hours.runs();
        let lost: Epoch = runs.iter().map(|(from, until)| until - from).sum();
        match runs {
            _ if lost >= hours => {}
            [(from, until)] => limits.push(format!(
                "in the hours from {} to {}",
                iso(*from),
                iso(*until)
            )),
            _ => {
                let (lost, hours) = ((lost / HOUR).unsigned_abs(), (hours / HOUR).unsigned_abs());
                limits.push(format!("{} of {}", thousands(lost), plural(hours, "hour")));
            }
        }
        limits.join(", ")
    }
}

fn places_in_words(places: &BTreeSet<&Place>, everywhere: &BTreeSet<&Place>) -> String {
    let accounts: BTreeSet<&str> = everywhere.iter().map(|one| one.account.as_str()).collect();
    let mut some = places.iter();
    match (some.next(), some.next()) {
        (Some(one), None) => {
            let region = match one.region.as_str() {
                ELSEWHERE => "every other Region",
                region => region,
            };
            if accounts.len() == 1 {
                format!("in {region}")
            } else {
                format!("in {region} of account {}", one.account)
            }
        }
        _ => format!(
            "in {} of {}",
            thousands(places.len() as u64),
            plural(everywhere.len() as u64, "account-Region")
        ),
    }
}

/// The words for a kind of event.
pub(super) fn kind(sight: &EventClass) -> impl Display {
    const READS: &str = "(such as AssumeRole, GetSecretValue and kms:Decrypt)";
    fmt::from_fn(move |f| match sight {
        EventClass::ManagementWrite => f.write_str("management write event"),
        EventClass::ManagementRead => write!(f, "management read event {READS}"),
        EventClass::Kms => f.write_str("event of kms.amazonaws.com"),
        EventClass::SignIn => f.write_str("sign-in event"),
        EventClass::DataWrite(kind) => write!(f, "data write event of {kind}"),
        EventClass::DataRead(kind) => write!(f, "data read event of {kind}"),
    })
}
