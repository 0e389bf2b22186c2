//! `trailscan rules list --catalogue`: every detection with its rules, or the reason why it has none.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use crate::rules::RuleSet;
use crate::rules::catalogue::{Detection, catalogue};

/// One detection as it is listed. The field names are those of `--format json`.
#[derive(Serialize)]
pub(super) struct Row {
    id: String,
    title: String,
    /// The names of its rules.
    rules: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_from_cloudtrail: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    served_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    covered_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limits: Option<String>,
}

/// The detections of the catalogue, by id, with the rules of `rules` that bear their ids.
pub(super) fn rows(rules: &RuleSet) -> Vec<Row> {
    let mut named: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for rule in &rules.rules {
        let names = named.entry(&rule.catalogue).or_default();
        names.push(rule.name.clone());
    }
    let row = |(id, detection): (String, Detection)| {
        let mut rules = named.remove(&*id).unwrap_or_default();
        rules.sort();
        Row {
            id,
            title: detection.title,
            rules,
            not_from_cloudtrail: detection.not_from_cloudtrail,
            served_by: detection.served_by,
            covered_by: detection.covered_by,
            limits: detection.limits,
        }
    };
    catalogue().into_iter().map(row).collect()
}

/// A line for each detection, below it its rules and what they cannot see.
pub(super) fn text(rows: &[Row]) -> String {
    let mut out = String::new();
    for row in rows {
        let _ = writeln!(out, "{}  {}", row.id, row.title);
        for name in &row.rules {
            let _ = writeln!(out, "     {name}");
        }
        let why = [
            ("not from CloudTrail", &row.not_from_cloudtrail),
            ("served by others", &row.served_by),
            ("covered by", &row.covered_by),
            ("limits", &row.limits),
        ];
        for (label, text) in why {
            if let Some(text) = text {
                let _ = writeln!(out, "     {label}: {text}");
            }
        }
    }
    let with_rules = rows.iter().filter(|row| !row.rules.is_empty()).count();
    let without = rows.iter().filter(|row| row.not_from_cloudtrail.is_some());
    let _ = writeln!(
        out,
        "{} detections: {with_rules} with rules, {} not from CloudTrail",
        rows.len(),
        without.count()
    );
    out
}
