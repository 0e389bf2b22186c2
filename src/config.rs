//! `trailscan.toml`: as written, then as meant. Unknown keys are refused, so that a typo cannot
//! silently switch a rule off.

mod expected;
mod values;
mod zone;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use serde::Deserialize;

use crate::coverage::Expected;
use crate::derive::Organization;
use crate::derive::access_keys::AccessKeys;
use crate::derive::calendar::{self, Calendar};
use crate::rules::load::{Override, Settings};
use crate::rules::{FirstSeen, Placeholders};
use crate::small_file;
use crate::wildcard::Wildcard;
use expected::{AcceptedTable, DormantTable};

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
    /// Accounts that may have whole days without a log file.
    dormant: Vec<DormantTable>,
    /// Blind spots of rules that the organization has accepted for a time.
    accepted_blind_spots: Vec<AcceptedTable>,
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
    buckets: Option<Vec<String>>,
    secrets: Option<Vec<String>>,
    kms_keys: Option<Vec<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct PrincipalsTable {
    workload: Option<Vec<String>>,
    human: Option<Vec<String>>,
    admins: Option<Vec<String>>,
    break_glass: Option<Vec<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct S3Table {
    required_encryption: Option<BTreeMap<String, Vec<String>>>,
    allowed_list_prefix: Option<Vec<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct TrustedTable {
    accounts: Option<Vec<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct IamTable {
    /// Files, seen from the configuration.
    access_keys: Option<Vec<PathBuf>>,
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
    /// What it says to expect of the logs.
    pub expected: Expected,
    /// What is legal and most likely not what was meant.
    pub remarks: Vec<String>,
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
    fn meant(mut self, folder: &Path) -> Result<Config, String> {
        let mut configured = Vec::new();
        let expected = expected::meant(self.dormant, self.accepted_blind_spots)?;
        let mut remarks = Vec::new();
        let calendar = self.calendar.map(CalendarTable::meant).transpose()?;
        if let Some(calendar) = &calendar {
            configured.push("calendar");
            remarks.extend(zone::remark(calendar.zone));
        }
        let required_encryption = self.s3.encryption()?;
        if !required_encryption.is_empty() {
            configured.push("s3.required_encryption");
        }
        let mut environments = Vec::new();
        for (name, members) in self.environments {
            let key = format!("environments.{name}");
            let members = values::list(&key, Some(members), values::member)?;
            environments.push((name, patterns(&members)));
        }
        if !environments.is_empty() {
            configured.push("environments");
        }
        let (access_keys, files) = self.iam.read(folder)?;
        if !files.is_empty() {
            configured.push("iam.access_keys");
        }
        let learning_days = match &self.history {
            None => None,
            Some(table) => {
                configured.push(FirstSeen::NEEDS);
                table.learning_days()?
            }
        };
        let mut placeholders = Placeholders::new();
        for (name, list) in self.placeholders {
            let key = format!("placeholders.{name}");
            if let Some((_, table)) = PLACEHOLDERS.iter().find(|(known, _)| *known == name) {
                return Err(format!("{key}: write it as {table}"));
            }
            placeholders.insert(name, values::list(&key, Some(list), values::text)?);
        }
        let (phi, principals) = (self.phi, self.principals);
        let lists: [(Option<Vec<String>>, Reader); 9] = [
            (phi.buckets, values::bucket),
            (phi.secrets, values::secret),
            (phi.kms_keys, values::kms_key),
            (principals.workload, values::principal),
            (principals.human, values::principal),
            (principals.admins, values::principal),
            (principals.break_glass, values::principal),
            (self.s3.allowed_list_prefix, values::prefix),
            (self.trusted.accounts, values::account),
        ];
        for ((name, key), (list, read)) in PLACEHOLDERS.into_iter().zip(lists) {
            placeholders.insert(name.to_owned(), values::list(key, list, read)?);
        }
        let workload = placeholders.get("principals_workload");
        let organization = Organization {
            calendar,
            workload: workload.map(|list| patterns(list)).unwrap_or_default(),
            required_encryption,
            environments,
            access_keys,
            learning_days,
        };
        let overrides = overrides(self.rules)?;
        Ok(Config {
            name: self.organization.name,
            organization,
            expected,
            rules: Settings {
                placeholders,
                configured,
                overrides,
            },
            remarks,
            origin: None,
            files,
        })
    }
}

/// Brings a value into the form that rules compare with.
type Reader = fn(&str) -> Result<String, String>;

/// Our own placeholders and the keys that fill them.
const PLACEHOLDERS: [(&str, &str); 9] = [
    ("phi_buckets", "phi.buckets"),
    ("phi_secrets", "phi.secrets"),
    ("phi_kms_keys", "phi.kms_keys"),
    ("principals_workload", "principals.workload"),
    ("principals_human", "principals.human"),
    ("principals_admins", "principals.admins"),
    ("principals_break_glass", "principals.break_glass"),
    ("s3_allowed_list_prefix", "s3.allowed_list_prefix"),
    ("trusted_accounts", "trusted.accounts"),
];

fn patterns(list: &[String]) -> Vec<Wildcard> {
    list.iter().map(|text| Wildcard::parse(text)).collect()
}

/// The settings of single rules. Whether the rules exist and count is known when they are loaded.
fn overrides(written: BTreeMap<String, Override>) -> Result<BTreeMap<String, Override>, String> {
    for (rule, settings) in &written {
        if let Some(threshold) = settings.threshold
            && !(threshold.is_finite() && threshold > 0.0)
        {
            return Err(format!(
                "rules.{rule}.threshold: {threshold} is not a number above zero"
            ));
        }
        if settings.timespan == Some(0) {
            return Err(format!(
                "rules.{rule}.timespan: it is zero: write a span such as 15m, 24h or 7d"
            ));
        }
    }
    Ok(written)
}

impl HistoryTable {
    fn learning_days(&self) -> Result<Option<u16>, String> {
        match self.learning_days {
            Some(0) => Err(
                "history.learning_days: 0 days teach nothing, so everything would be new: write at \
                 least 1, such as 30"
                    .to_owned(),
            ),
            days => Ok(days),
        }
    }
}

impl S3Table {
    /// The algorithms that uploads may use, by bucket.
    fn encryption(&mut self) -> Result<Vec<(Wildcard, Vec<String>)>, String> {
        const KEY: &str = "s3.required_encryption";
        let Some(written) = self.required_encryption.take() else {
            return Ok(Vec::new());
        };
        if written.is_empty() {
            return Err(format!(
                "{KEY}: it names no bucket: name one, or delete the line"
            ));
        }
        let algorithm = |name: &str| match ["AES256", "aws:kms", "aws:kms:dsse"].contains(&name) {
            true => Ok(name.to_owned()),
            false => Err(format!("`{name}` is not AES256, aws:kms or aws:kms:dsse")),
        };
        let mut found = Vec::new();
        for (bucket, algorithms) in written {
            let key = format!("{KEY}.\"{bucket}\"");
            let name = values::bucket(&bucket).map_err(|what| format!("{KEY}: {what}"))?;
            let algorithms = values::list(&key, Some(algorithms), algorithm)?;
            found.push((Wildcard::parse(&name), algorithms));
        }
        Ok(found)
    }
}

impl IamTable {
    /// What the files tell, and each with the SHA-256 of what it holds.
    fn read(&self, folder: &Path) -> Result<(AccessKeys, Vec<(String, String)>), String> {
        let mut keys = AccessKeys::default();
        let mut files = Vec::new();
        if self.access_keys.as_ref().is_some_and(Vec::is_empty) {
            return Err(
                "iam.access_keys: the list is empty: name at least one file, or delete the line"
                    .to_owned(),
            );
        }
        for file in self.access_keys.iter().flatten() {
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
        let zone =
            zone::zone(&self.timezone).map_err(|what| format!("calendar.timezone: {what}"))?;
        let mut hours: [Vec<(u32, u32)>; 7] = Default::default();
        let mut named = std::collections::BTreeSet::new();
        for (day, spans) in &self.hours {
            let weekday: chrono::Weekday = day.parse().map_err(|_unknown| {
                format!("calendar.hours: `{day}` is not a weekday: write monday to sunday")
            })?;
            let number = weekday.num_days_from_monday();
            if !named.insert(number) {
                let name = calendar::weekday_name(weekday);
                return Err(format!(
                    "calendar.hours: `{day}` names {name} a second time"
                ));
            }
            let spans = spans.iter().map(|span| open_hours(day, span));
            let spans = spans.collect::<Result<Vec<_>, _>>()?;
            hours
                .get_mut(number as usize)
                .ok_or_else(|| format!("calendar.hours: `{day}` is not a weekday"))?
                .extend(spans);
        }
        if hours.iter().all(Vec::is_empty) {
            return Err(
                "calendar.hours: no day has working hours, so all work would be after hours: write \
                 such as monday = [\"08:00-18:00\"], or delete the table"
                    .to_owned(),
            );
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

/// A span of working hours. One without length is refused: it may mean nothing or a whole day.
fn open_hours(day: &str, span: &str) -> Result<(u32, u32), String> {
    let (open, close) = calendar::parse_span(span).ok_or_else(|| {
        format!("calendar.hours.{day}: `{span}` is not a span such as 08:00-18:00")
    })?;
    if open == close || open == 24 * 60 {
        return Err(format!(
            "calendar.hours.{day}: `{span}` has no length: write a span such as 08:00-18:00, or \
             00:00-24:00 for the whole day"
        ));
    }
    Ok((open, close))
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
            (
                "[s3]\nrequired_encryption = { bbb = [\"aes\"] }\n",
                "AES256",
            ),
            ("[rules.x]\nlevel = \"urgent\"\n", "level"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(named), "{error}");
        }
    }
}
