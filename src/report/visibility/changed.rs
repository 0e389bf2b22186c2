//! Trails that nobody described and that were changed.

use std::collections::BTreeMap;

use crate::coverage::Coverage;
use crate::trail::{Asked, Status, Trail};

/// The trails that were changed, as far as the calls that changed them tell: where they write, and
/// what they recorded before, is not known.
pub(super) fn changed(coverage: &Coverage) -> Vec<Trail> {
    let mut trails: BTreeMap<String, Trail> = BTreeMap::new();
    for change in &coverage.changes {
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
            selectors: Asked::Unknown(String::new()),
            // running, unless a call says otherwise: only what it could not see is believed
            status: Asked::Told(Status {
                logging: true,
                ..Status::default()
            }),
            insights: Asked::Unknown(String::new()),
            asked: None,
        });
    }
    trails.into_values().collect()
}
