//! `trailscan.toml`: as written, then as meant. Unknown keys are refused, so that a typo cannot
//! silently switch a rule off.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use serde::Deserialize;

use crate::derive::Organization;
use crate::derive::access_keys::AccessKeys;
use crate::derive::calendar::{self, Calendar};
use crate::rules::load::{Override, Settings};
use crate::rules::{FirstSeen, Placeholders};
use crate::small_file;
use crate::wildcard::Wildcard;

/// The file, as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Written {
    organization: OrganizationTable,
    calendar: Option<CalendarTable>,
    phi: PhiTable,
    principals: PrincipalsTable,
    s3: S3Table,
    trusted: TrustedTable,
    iam: IamTable,
    history: Option<HistoryTable>,
    /// Environment name to accounts, principals and resources.
    environments: BTreeMap<String, Vec<String>>,
    /// Values of a user's own placeholders.
    placeholders: BTreeMap<String, Vec<String>>,
    /// Rule name or id to what is different about it here.
    rules: BTreeMap<String, Override>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct OrganizationTable {
    name: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CalendarTable {
    timezone: String,
    #[serde(default)]
    name: String,
    hours: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    holidays: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct PhiTable {
    buckets: Vec<String>,
    secrets: Vec<String>,
    kms_keys: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct PrincipalsTable {
    workload: Vec<String>,
    human: Vec<String>,
    admins: Vec<String>,
    break_glass: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct S3Table {
    required_encryption: BTreeMap<String, Vec<String>>,
    allowed_list_prefix: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct TrustedTable {
    accounts: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct IamTable {
    /// Files, seen from the configuration.
    access_keys: Vec<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct HistoryTable {
    learning_days: Option<u16>,
}

/// The configuration, as meant.
#[derive(Debug, Default)]
pub struct Config {
    pub name: String,
    pub organization: Organization,
    pub rules: Settings,
    /// The file it came from and the SHA-256 of its text; nothing without a file.
    pub origin: Option<(String, String)>,
    /// The files that it names, with the SHA-256 of what they hold.
    pub files: Vec<(String, String)>,
}

/// A configuration that cannot be used; the message says where and what to write instead.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("cannot read {path}: {error}")]
    Unreadable {
        path: PathBuf,
        error: std::io::Error,
    },
    #[error("{path}: {error}")]
    Syntax {
        path: PathBuf,
        error: Box<toml::de::Error>,
    },
    #[error("{path}: {what}")]
    Value { path: PathBuf, what: String },
}

impl Config {
    /// Where a configuration is looked for when none is named: in the working directory. Never
    /// beside the logs, which are not to be trusted.
    const NAMES: [&'static str; 2] = ["trailscan.toml", ".trailscan.toml"];

    /// Reads the file named, or the one in the working directory, or none.
    pub fn load(named: Option<&Path>) -> Result<Self, ConfigError> {
        let found = Self::NAMES
            .iter()
            .map(Path::new)
            .find(|path| path.is_file());
        let Some(path) = named.or(found) else {
            return Ok(Self::default());
        };
        let text = small_file::read_text(path, small_file::MOST_TEXT);
        let text = text.map_err(|error| ConfigError::Unreadable {
            path: path.to_owned(),
            error,
        })?;
        let mut config = Self::parse(&text, path)?;
        let hash = crate::sha256::hex([text.as_bytes()]);
        config.origin = Some((path.display().to_string(), hash));
        Ok(config)
    }

    /// Reads a configuration's text; `path` is for messages only.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let written: Written = toml::from_str(text).map_err(|error| ConfigError::Syntax {
            path: path.to_owned(),
            error: Box::new(error),
        })?;
        let folder = path.parent().unwrap_or(Path::new(""));
        written.meant(folder).map_err(|what| ConfigError::Value {
            path: path.to_owned(),
            what,
        })
    }
}

impl Written {
    /// What is written, in a configuration that lies in that folder.
    fn meant(self, folder: &Path) -> Result<Config, String> {
        let mut configured = Vec::new();
        let calendar = self.calendar.map(CalendarTable::meant).transpose()?;
        if calendar.is_some() {
            configured.push("calendar");
        }
        for (bucket, algorithms) in &self.s3.required_encryption {
            if let Some(wrong) = algorithms
                .iter()
                .find(|name| !["AES256", "aws:kms", "aws:kms:dsse"].contains(&name.as_str()))
            {
                return Err(format!(
                    "s3.required_encryption.\"{bucket}\": `{wrong}` is not AES256, aws:kms or aws:kms:dsse"
                ));
            }
        }
        if !self.s3.required_encryption.is_empty() {
            configured.push("s3.required_encryption");
        }
        if !self.environments.is_empty() {
            configured.push("environments");
        }
        let (access_keys, files) = self.iam.read(folder)?;
        if !files.is_empty() {
            configured.push("iam.access_keys");
        }
        if self.history.is_some() {
            configured.push(FirstSeen::NEEDS);
        }
        let patterns = |list: &[String]| {
            list.iter()
                .map(|text| Wildcard::parse(text))
                .collect::<Vec<_>>()
        };
        let organization = Organization {
            calendar,
            workload: patterns(&self.principals.workload),
            required_encryption: self
                .s3
                .required_encryption
                .iter()
                .map(|(bucket, algorithms)| (Wildcard::parse(bucket), algorithms.clone()))
                .collect(),
            environments: self
                .environments
                .iter()
                .map(|(name, list)| (name.clone(), patterns(list)))
                .collect(),
            access_keys,
            learning_days: self.history.as_ref().and_then(|table| table.learning_days),
        };
        let mut placeholders: Placeholders = self.placeholders;
        for (name, values) in [
            ("phi_buckets", self.phi.buckets),
            ("phi_secrets", self.phi.secrets),
            ("phi_kms_keys", self.phi.kms_keys),
            ("principals_workload", self.principals.workload),
            ("principals_human", self.principals.human),
            ("principals_admins", self.principals.admins),
            ("principals_break_glass", self.principals.break_glass),
            ("s3_allowed_list_prefix", self.s3.allowed_list_prefix),
            ("trusted_accounts", self.trusted.accounts),
        ] {
            placeholders.insert(name.to_owned(), values);
        }
        Ok(Config {
            name: self.organization.name,
            organization,
            rules: Settings {
                placeholders,
                configured,
                overrides: self.rules,
            },
            origin: None,
            files,
        })
    }
}

impl IamTable {
    /// What the files tell, and each with the SHA-256 of what it holds.
    fn read(&self, folder: &Path) -> Result<(AccessKeys, Vec<(String, String)>), String> {
        let mut keys = AccessKeys::default();
        let mut files = Vec::new();
        for file in &self.access_keys {
            let path = folder.join(file);
            let fault = |what: String| format!("iam.access_keys: {}: {what}", path.display());
            let text = small_file::read_text(&path, small_file::MOST_ANSWERS);
            let text = text.map_err(|error| fault(error.to_string()))?;
            keys.add(&text).map_err(|error| fault(error.to_string()))?;
            let hash = crate::sha256::hex([text.as_bytes()]);
            files.push((path.display().to_string(), hash));
        }
        Ok((keys, files))
    }
}

impl CalendarTable {
    fn meant(self) -> Result<Calendar, String> {
        let zone = self.timezone.parse().map_err(|_unknown| {
            format!(
                "calendar.timezone: `{}` is not an IANA time zone such as America/New_York",
                self.timezone
            )
        })?;
        let mut hours: [Vec<(u32, u32)>; 7] = Default::default();
        for (day, spans) in &self.hours {
            let weekday: chrono::Weekday = day
                .parse()
                .map_err(|_unknown| format!("calendar.hours: `{day}` is not a weekday"))?;
            let Some(slot) = hours.get_mut(weekday.num_days_from_monday() as usize) else {
                continue;
            };
            for span in spans {
                slot.push(calendar::parse_span(span).ok_or_else(|| {
                    format!("calendar.hours.{day}: `{span}` is not a span such as 08:00-18:00")
                })?);
            }
        }
        let date = |text: &String| {
            text.parse::<NaiveDate>().map_err(|_invalid| {
                format!("calendar.holidays: `{text}` is not a date such as 2026-11-26")
            })
        };
        let name = if self.name.is_empty() {
            "business hours".to_owned()
        } else {
            self.name
        };
        Ok(Calendar {
            name,
            zone,
            hours,
            holidays: self.holidays.iter().map(date).collect::<Result<_, _>>()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, String> {
        Config::parse(text, Path::new("trailscan.toml")).map_err(|error| error.to_string())
    }

    #[test]
    fn a_configuration_fills_placeholders_and_the_calendar() {
        let config = parse(
            "[calendar]\ntimezone = \"America/New_York\"\nhours = { monday = [\"08:00-18:00\"] }\n\
             [phi]\nbuckets = [\"phi-*\"]\n[rules.aws_x]\nenabled = false\ntimespan = \"2h\"\n",
        )
        .unwrap();
        assert_eq!(config.rules.placeholders["phi_buckets"], ["phi-*"]);
        assert_eq!(config.rules.configured, ["calendar"]);
        assert_eq!(config.rules.overrides["aws_x"].timespan, Some(7_200));
        assert_eq!(
            config.organization.calendar.unwrap().hours[0],
            [(480, 1080)]
        );
    }

    #[test]
    fn mistakes_are_named_with_what_to_write_instead() {
        for (text, named) in [
            ("[phy]\n", "phy"),
            ("[phi]\nbukets = []\n", "bukets"),
            ("[calendar]\ntimezone = \"EST5\"\nhours = {}\n", "IANA"),
            (
                "[calendar]\ntimezone = \"UTC\"\nhours = { mondag = [] }\n",
                "weekday",
            ),
            (
                "[calendar]\ntimezone = \"UTC\"\nhours = { monday = [\"8-18\"] }\n",
                "08:00-18:00",
            ),
            ("[s3]\nrequired_encryption = { b = [\"aes\"] }\n", "AES256"),
            ("[rules.x]\nlevel = \"urgent\"\n", "level"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(named), "{error}");
        }
    }
}
