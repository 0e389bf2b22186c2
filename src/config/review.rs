//! `[review]` and `[people]`: where decisions are kept, when they are due, and who is who.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Deserialize;

use super::values;
use crate::review::{People, ReviewSettings};
use crate::wildcard::Wildcard;

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ReviewTable {
    /// The file of decisions and signatures, relative to this file; trailscan.ledger beside it if absent.
    ledger: Option<PathBuf>,
    /// Days after the end of a week in which it is to be signed, from 1 to 365; 7 if absent.
    due_days: Option<u16>,
}

/// Reads the tables of a configuration in that folder; mistakes are added to `faults`.
pub(super) fn resolve(
    table: ReviewTable,
    people: BTreeMap<String, Vec<String>>,
    folder: &Path,
    faults: &mut Vec<String>,
) -> ReviewSettings {
    let mut settings = ReviewSettings::default();
    if let Some(ledger) = table.ledger {
        if ledger.as_os_str().is_empty() {
            faults.push("review.ledger: it is empty: name a file, or delete the line".to_owned());
        } else {
            settings.ledger = Some(folder.join(ledger));
        }
    }
    match table.due_days {
        Some(0) | Some(366..) => {
            faults.push("review.due_days: write a number of days from 1 to 365".to_owned());
        }
        Some(days) => settings.due_days = days,
        None => {}
    }
    let mut all: Vec<(String, Vec<Wildcard>)> = Vec::new();
    for (name, principals) in people {
        let key = format!("people.\"{name}\"");
        let principals = values::list(&key, Some(principals), values::principal, faults);
        if name.trim().is_empty()
            || all
                .iter()
                .any(|(other, _)| crate::review::same_person(other, &name))
        {
            faults.push(format!(
                "{key}: the name is empty, or stands in the table twice"
            ));
            continue;
        }
        let patterns = principals.iter().map(|one| Wildcard::parse(one)).collect();
        all.push((name, patterns));
    }
    settings.people = People(all);
    settings
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::config::Config;

    fn parse(text: &str) -> Result<Config, String> {
        let config = Config::parse(text, Path::new("conf/trailscan.toml"));
        config.map_err(|error| error.to_string())
    }

    #[test]
    fn the_ledger_lies_beside_the_configuration_and_people_have_principals() {
        let config = parse(
            "[review]\nledger = \"keep/w.ledger\"\ndue_days = 10\n[people]\n\"J. Ortiz\" = [\"jortiz\"]\n",
        )
        .unwrap();
        let ledger = config.review.ledger.unwrap();
        assert_eq!(ledger, Path::new("conf/keep/w.ledger"));
        assert_eq!(config.review.due_days, 10);
        assert!(config.review.people.knows("j.  ortiz"));
        for (text, named) in [
            ("[review]\nledger = \"\"\n", "review.ledger"),
            ("[review]\ndue_days = 0\n", "1 to 365"),
            ("[people]\nx = []\n", "people"),
            ("[people]\nx = [\"a\"]\nX = [\"b\"]\n", "twice"),
            ("[review]\nleger = \"x\"\n", "leger"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(named), "{error}");
        }
    }
}
