//! `trailscan.toml`: as written, then as meant. Unknown keys are refused, so that a typo cannot
//! silently switch a rule off.

mod access;
mod expected;
mod fault;
mod history;
mod keys;
mod lists;
mod review;
mod schema;
mod values;
mod working_hours;
mod zone;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Deserialize;

use crate::coverage::Expected;
use crate::derive::access_keys::{AccessKeys, AccessKeysError};
use crate::derive::{Organization, principals::PrincipalGroup};
use crate::policy::Policies;
use crate::review::ReviewSettings;
use crate::rules::load::{Override, Settings};
use crate::rules::{FirstSeen, Placeholders, placeholders};
use crate::small_file;
use crate::wildcard::Wildcard;
use access::{NetworksTable, S3Table, SecretsTable, SessionTable};
use expected::{AcceptedTable, DormantTable};
use fault::taken;
pub use fault::{ConfigError, Fault};
use history::HistoryTable;
pub use keys::Keys;
use lists::{
    BackupTable, GroupsTable, LogTable, PhiTable, PrincipalsTable, ScopeTable, TrustedTable,
};
use review::ReviewTable;
pub use schema::schema;
use working_hours::CalendarTable;

/// trailscan.toml: what trailscan must know of your organization. `trailscan init` writes one with comments.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(title = "trailscan.toml")]
struct RawConfig {
    /// Your organization.
    organization: OrganizationTable,
    /// The accounts and Regions that you use.
    scope: ScopeTable,
    /// Normal working hours. Without this table, rules on after-hours access are not assessed.
    calendar: Option<CalendarTable>,
    /// Where ePHI is stored.
    phi: PhiTable,
    /// Groups of roles and users, by name or ARN; `*` and `?` are wildcards.
    principals: PrincipalsTable,
    /// Groups of IAM users.
    groups: GroupsTable,
    /// Where secrets may be read, and by whom.
    secrets: SecretsTable,
    /// How objects must be encrypted, and what may be listed.
    s3: S3Table,
    /// Accounts other than your own that may have access.
    trusted: TrustedTable,
    /// The networks that calls may come from.
    networks: NetworksTable,
    /// How long sessions may last.
    session: SessionTable,
    /// Where audit logs are stored.
    log: LogTable,
    /// Who makes and restores backups.
    backup: BackupTable,
    /// When access keys were created. Without it, rules on the age of keys are not assessed.
    iam: IamTable,
    /// With this table, rules report what is new; add `--state FILE` to every run.
    history: Option<HistoryTable>,
    /// The weekly review: where decisions are kept, and when they are due.
    review: ReviewTable,
    /// By a person's name: the roles, users and sessions that they use.
    people: BTreeMap<String, Vec<String>>,
    /// By environment: its accounts, roles, users and resources; `*` and `?` are wildcards.
    environments: BTreeMap<String, Vec<String>>,
    /// The values of placeholders in your own rules, by name.
    placeholders: BTreeMap<String, Vec<String>>,
    /// Accounts that may have whole days without a log file.
    dormant: Vec<DormantTable>,
    /// Blind spots of rules that you accept for a time.
    accepted_blind_spots: Vec<AcceptedTable>,
    /// Settings of single rules, by name or ID.
    rules: BTreeMap<String, Override>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct OrganizationTable {
    /// Its name, for reports.
    name: String,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct IamTable {
    /// Output of `aws iam list-access-keys` or `get-credential-report`, or credential reports (CSV): paths
    /// relative to this file.
    access_keys: Option<Vec<PathBuf>>,
    /// IAM policy documents, as FILE (named after its role or user) or ROLE=FILE, and output of `aws iam
    /// get-account-authorization-details`: paths relative to this file.
    policies: Option<Vec<String>>,
}

/// The configuration, as meant.
#[derive(Debug, Default)]
pub struct Config {
    pub name: String,
    pub organization: Organization,
    pub rules: Settings,
    /// What it says to expect of the logs.
    pub expected: Expected,
    pub review: ReviewSettings,
    /// The IAM policies that it names.
    pub policies: Policies,
    /// What is legal and most likely not what was meant.
    pub remarks: Vec<String>,
    /// The file it came from and the SHA-256 of its text; nothing without a file.
    pub origin: Option<(String, String)>,
    /// The files that it names, with the SHA-256 of what they hold.
    pub files: Vec<(String, String)>,
    /// The keys as written.
    pub keys: Keys,
    /// Lists whose values have one form however they are written, by key: names of buckets, networks.
    pub lists: BTreeMap<String, Vec<String>>,
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
        let (written, keys, mut faults) = keys::read(text);
        let folder = path.parent().unwrap_or(Path::new(""));
        let mut config = match written {
            Some(written) => {
                let mut found = Vec::new();
                let config = written.resolve(folder, &mut found);
                faults.extend(found.into_iter().map(|what| Fault {
                    line: keys.line_of_message(&what),
                    what,
                }));
                config
            }
            None => Self::default(),
        };
        if !faults.is_empty() {
            faults.sort_by_key(|fault| fault.line);
            let path = path.to_owned();
            return Err(ConfigError::Faulty { path, faults });
        }
        config.keys = keys;
        Ok(config)
    }

    /// Adds when access keys were made, from an answer of IAM or a file of that name.
    ///
    /// # Errors
    /// The text is none that is understood.
    pub fn add_access_keys(&mut self, name: String, text: &str) -> Result<(), AccessKeysError> {
        const KEY: &str = "iam.access_keys";
        self.organization.access_keys.add(text)?;
        if !self.rules.configured.contains(&KEY) {
            self.rules.configured.push(KEY);
        }
        let hash = crate::sha256::hex([text.as_bytes()]);
        self.files.push((name, hash));
        Ok(())
    }

    /// Where in the file a message is that begins with a key: `trailscan.toml:12`.
    pub fn place(&self, message: &str) -> String {
        let file = self.origin.as_ref().map_or("", |(file, _)| file);
        match self.keys.line_of_message(message) {
            Some(line) => format!("{file}:{line}"),
            None => file.to_owned(),
        }
    }
}

impl RawConfig {
    /// What is written, in a configuration that lies in that folder. Notes every fault and goes on
    /// without what is faulty.
    fn resolve(mut self, folder: &Path, faults: &mut Vec<String>) -> Config {
        let mut configured = Vec::new();
        let mut lists = BTreeMap::new();
        let expected = expected::resolve(self.dormant, self.accepted_blind_spots);
        let expected = taken(expected, faults);
        let review = review::resolve(self.review, self.people, folder, faults);
        let mut remarks = Vec::new();
        let calendar = taken(self.calendar.map(CalendarTable::meant).transpose(), faults);
        if let Some(calendar) = &calendar {
            configured.push("calendar");
            remarks.extend(zone::remark(calendar.zone));
        }
        let required_encryption = taken(self.s3.encryption(faults), faults);
        if !required_encryption.is_empty() {
            configured.push("s3.required_encryption");
        }
        let mut environments = Vec::new();
        for (name, members) in self.environments {
            let key = format!("environments.{name}");
            let members = values::list(&key, Some(members), values::member, faults);
            environments.push((name, patterns(&members)));
            lists.insert(key, members);
        }
        if !environments.is_empty() {
            configured.push("environments");
        }
        let (access_keys, mut files) = taken(self.iam.read(folder), faults);
        if !files.is_empty() {
            configured.push("iam.access_keys");
        }
        let policies = taken(self.iam.policies(folder), faults);
        files.extend(policies.files.iter().cloned());
        remarks.extend(policies.remarks.iter().cloned());
        files.extend(self.principals.read_leavers(folder, faults));
        let learning_days = match &self.history {
            None => None,
            Some(table) => {
                configured.push(FirstSeen::NEEDS);
                taken(table.learning_days(), faults)
            }
        };
        let session_max_hours = taken(self.session.max_hours(), faults);
        if session_max_hours.is_some() {
            configured.push("session.max_hours");
        }
        let allowed_networks = taken(self.networks.allowed(), faults);
        if !allowed_networks.is_empty() {
            configured.push("networks.allowed");
            let networks = allowed_networks.iter().map(ToString::to_string);
            lists.insert("networks.allowed".to_owned(), networks.collect());
        }
        let allowed_secrets = taken(self.secrets.allow(faults), faults);
        if !allowed_secrets.is_empty() {
            configured.push("secrets.allow");
        }
        let mut fillings = Placeholders::new();
        for (name, list) in self.placeholders {
            let key = format!("placeholders.{name}");
            let table = placeholders::key_of(&name);
            if table != key {
                faults.push(format!("{key}: write it as {table}"));
                continue;
            }
            let list = values::list(&key, Some(list), values::text, faults);
            fillings.insert(name, list);
        }
        let (scope, phi, principals, log) = (self.scope, self.phi, self.principals, self.log);
        let written: [(&str, Option<Vec<String>>, Reader); placeholders::BUILT_IN.len()] = [
            ("scope_accounts", scope.accounts, values::account),
            ("scope_regions", scope.regions, values::region),
            ("phi_buckets", phi.buckets, values::bucket),
            ("phi_secrets", phi.secrets, values::secret),
            ("phi_kms_keys", phi.kms_keys, values::kms_key),
            ("phi_databases", phi.databases, values::database),
            ("phi_tables", phi.tables, values::table),
            ("phi_snapshots", phi.snapshots, values::snapshot),
            (
                "principals_workload",
                principals.workload,
                values::principal,
            ),
            ("principals_human", principals.human, values::principal),
            ("principals_admins", principals.admins, values::principal),
            (
                "principals_break_glass",
                principals.break_glass,
                values::principal,
            ),
            (
                "principals_terminated",
                principals.terminated,
                values::principal,
            ),
            (
                "principals_automation",
                principals.automation,
                values::principal,
            ),
            ("groups_privileged", self.groups.privileged, values::group),
            (
                "secrets_allowed_regions",
                self.secrets.allowed_regions,
                values::region,
            ),
            (
                "s3_allowed_list_prefix",
                self.s3.allowed_list_prefix,
                values::prefix,
            ),
            ("trusted_accounts", self.trusted.accounts, values::account),
            ("log_buckets", log.buckets, values::bucket),
            ("log_kms_keys", log.kms_keys, values::kms_key),
            ("log_groups", log.groups, values::log_group),
            ("backup_roles", self.backup.roles, values::principal),
        ];
        for (name, list, read) in written {
            let list = values::list(&placeholders::key_of(name), list, read, faults);
            fillings.insert(name.to_owned(), list);
        }
        let patterns_of = |name: &str| fillings.get(name).map_or(Vec::new(), |list| patterns(list));
        let trusted = [
            patterns_of("trusted_accounts"),
            patterns_of("scope_accounts"),
        ]
        .concat();
        let mut groups = Vec::new();
        for group in PrincipalGroup::ALL {
            let members = patterns_of(&format!("principals_{}", group.as_str()));
            if !members.is_empty() {
                configured.push(group.needs());
                groups.push((*group, members));
            }
        }
        let organization = Organization {
            calendar,
            workload: patterns_of("principals_workload"),
            groups,
            trusted,
            allowed_networks,
            allowed_secrets,
            session_max_hours,
            required_encryption,
            environments,
            access_keys,
            learning_days,
        };
        let overrides = overrides(self.rules, faults);
        for (name, list) in &fillings {
            if !list.is_empty() {
                lists.insert(placeholders::key_of(name), list.clone());
            }
        }
        Config {
            name: self.organization.name,
            organization,
            expected,
            review,
            policies,
            rules: Settings {
                placeholders: fillings,
                configured,
                overrides,
            },
            remarks,
            files,
            lists,
            ..Config::default()
        }
    }
}

/// Brings a value into the form that rules compare with.
type Reader = fn(&str) -> Result<String, String>;

fn patterns(list: &[String]) -> Vec<Wildcard> {
    list.iter().map(|text| Wildcard::parse(text)).collect()
}

/// The settings of single rules. Whether the rules exist and count is known when they are loaded.
fn overrides(
    written: BTreeMap<String, Override>,
    faults: &mut Vec<String>,
) -> BTreeMap<String, Override> {
    for (rule, settings) in &written {
        if let Some(threshold) = settings.threshold
            && !(threshold.is_finite() && threshold > 0.0)
        {
            faults.push(format!(
                "rules.{rule}.threshold: {threshold} is not a number above zero"
            ));
        }
        if settings.timespan == Some(0) {
            faults.push(format!(
                "rules.{rule}.timespan: it is zero: write a span such as 15m, 24h or 7d"
            ));
        }
    }
    written
}

impl IamTable {
    /// The policies that are named.
    fn policies(&self, folder: &Path) -> Result<Policies, String> {
        match self.policies.as_deref() {
            None => Ok(Policies::default()),
            Some([]) => {
                Err("iam.policies: no file is named: name one, or delete the line".to_owned())
            }
            Some(files) => {
                Policies::read(files, folder).map_err(|error| format!("iam.policies: {error}"))
            }
        }
    }

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
    fn groups_networks_secrets_and_sessions_are_read() {
        let config = parse(
            "[principals]\nadmins = [\"ops\"]\nterminated = [\"leaver\"]\n[trusted]\naccounts = [\"444455556666\"]\n\
             [scope]\naccounts = [\"111122223333\"]\nregions = [\"us-east-1\"]\n[networks]\nallowed = [\"10.0.0.0/8\"]\n\
             [session]\nmax_hours = 12\n[secrets]\nallowed_regions = [\"us-east-1\"]\nallow = { app = [\"a\", \"b\"] }\n",
        )
        .unwrap();
        let organization = &config.organization;
        let groups: Vec<_> = organization
            .groups
            .iter()
            .map(|(group, _)| group.as_str())
            .collect();
        assert_eq!(groups, ["terminated", "admins"]);
        assert_eq!(organization.trusted.len(), 2);
        assert_eq!(organization.allowed_networks.len(), 1);
        assert_eq!(organization.session_max_hours, Some(12));
        assert_eq!(organization.allowed_secrets[0].1.len(), 2);
        assert_eq!(
            config.rules.configured,
            [
                "session.max_hours",
                "networks.allowed",
                "secrets.allow",
                "principals.terminated",
                "principals.admins"
            ]
        );
        for (name, value) in [
            ("scope_regions", "us-east-1"),
            ("secrets_allowed_regions", "us-east-1"),
            ("principals_terminated", "leaver"),
        ] {
            assert_eq!(config.rules.placeholders[name], [value]);
        }
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
