//! The catalogue of detections: what each id stands for, and what CloudTrail cannot show of it.

use std::collections::BTreeMap;

use serde::Deserialize;

/// One detection of the catalogue.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Detection {
    pub title: String,
    /// Why it has no rule.
    pub not_from_cloudtrail: Option<String>,
    /// The detections whose rules watch it, too.
    pub served_by: Option<String>,
    /// What shows it in place of a rule.
    pub covered_by: Option<String>,
    /// What its rules cannot see.
    pub limits: Option<String>,
}

/// All detections, by id (`A01`).
///
/// # Panics
/// Never: a test reads the file.
pub fn catalogue() -> BTreeMap<String, Detection> {
    toml::from_str(include_str!("catalogue.toml")).expect("the catalogue is part of the program")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::rules::load::{self, Settings};
    use crate::rules::{configured, placeholders};

    #[test]
    fn every_detection_has_a_rule_or_the_reason_why_it_has_none() {
        let filling = |(name, _): &(&str, &str)| ((*name).to_owned(), vec!["x".to_owned()]);
        let settings = Settings {
            placeholders: placeholders::BUILT_IN.iter().map(filling).collect(),
            configured: configured::all_keys().collect(),
            ..Settings::default()
        };
        let rules = load::load(&load::builtin(), &settings);
        let named: BTreeSet<&str> = rules.rules.iter().map(|rule| &*rule.catalogue).collect();
        let catalogue = catalogue();
        assert_eq!(catalogue.len(), 121 + 17);
        for (id, detection) in &catalogue {
            let why = [
                &detection.not_from_cloudtrail,
                &detection.served_by,
                &detection.covered_by,
            ];
            let reasons = why.into_iter().flatten().count();
            let rules = usize::from(named.contains(&**id));
            assert_eq!(rules + reasons, 1, "{id}: a rule or one reason");
        }
        for id in named.into_iter().filter(|id| !id.is_empty()) {
            assert!(catalogue.contains_key(id), "{id} is not in the catalogue");
        }
    }
}
