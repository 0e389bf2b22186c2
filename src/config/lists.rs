//! The tables that only hold lists of names, each of which fills a placeholder.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Deserialize;

use super::values;
use crate::small_file;

/// The accounts and Regions that the organization uses.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ScopeTable {
    /// The IDs of your accounts.
    pub(super) accounts: Option<Vec<String>>,
    /// The Regions that you use.
    pub(super) regions: Option<Vec<String>>,
}

/// Where ePHI lies.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct PhiTable {
    /// Buckets with ePHI, by name, ARN or s3:// URI, without a prefix; `*` and `?` are wildcards.
    pub(super) buckets: Option<Vec<String>>,
    /// Secrets, by name or ARN; `*` and `?` are wildcards.
    pub(super) secrets: Option<Vec<String>>,
    /// KMS keys, by ARN; `*` and `?` are wildcards.
    pub(super) kms_keys: Option<Vec<String>>,
    /// RDS databases, by name or ARN; `*` and `?` are wildcards.
    pub(super) databases: Option<Vec<String>>,
    /// DynamoDB tables, by name or ARN; `*` and `?` are wildcards.
    pub(super) tables: Option<Vec<String>>,
    /// Snapshots, by name or ARN; `*` and `?` are wildcards.
    pub(super) snapshots: Option<Vec<String>>,
}

/// Groups of roles and users.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct PrincipalsTable {
    /// Programs, which may work at any hour.
    pub(super) workload: Option<Vec<String>>,
    /// People, for rules of yours that use `%principals_human%`.
    pub(super) human: Option<Vec<String>>,
    /// Administrators.
    pub(super) admins: Option<Vec<String>>,
    /// Identities for emergencies: every use is reported.
    pub(super) break_glass: Option<Vec<String>>,
    /// People who have left, by user name, session name, e-mail address or Identity Center user ID.
    pub(super) terminated: Option<Vec<String>>,
    /// Files with the names of people who have left, one a line: paths relative to this file.
    terminated_files: Option<Vec<PathBuf>>,
    /// Deployment pipelines, which may change access, code and infrastructure.
    pub(super) automation: Option<Vec<String>>,
}

impl PrincipalsTable {
    /// Adds the names in the files to those that are written: one a line, `#` begins a comment. Answers
    /// each file with the SHA-256 of what it holds; notes what cannot be read or is no name.
    pub(super) fn read_leavers(
        &mut self,
        folder: &Path,
        faults: &mut Vec<String>,
    ) -> Vec<(String, String)> {
        const KEY: &str = "principals.terminated_files";
        let mut files = Vec::new();
        let Some(written) = self.terminated_files.take() else {
            return files;
        };
        if written.is_empty() {
            faults.push(format!(
                "{KEY}: the list is empty: name at least one file, or delete the line"
            ));
        }
        for file in written {
            let path = folder.join(file);
            let shown = path.display();
            let text = match small_file::read_text(&path, small_file::MOST_TEXT) {
                Ok(text) => text,
                Err(error) => {
                    faults.push(format!("{KEY}: {shown}: {error}"));
                    continue;
                }
            };
            let all = self.terminated.get_or_insert_default();
            let mut count = 0;
            for (line, name) in (1..).zip(text.lines()) {
                let name = name.split('#').next().unwrap_or_default().trim();
                if name.is_empty() {
                    continue;
                }
                match values::principal(name) {
                    Ok(name) => all.push(name),
                    Err(what) => faults.push(format!("{KEY}: {shown}:{line}: {what}")),
                }
                count += 1;
            }
            if count == 0 {
                faults.push(format!(
                    "{KEY}: {shown} names nobody: write one name a line"
                ));
            }
            files.push((shown.to_string(), crate::sha256::hex([text.as_bytes()])));
        }
        files
    }
}

/// Groups of IAM users.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct GroupsTable {
    /// IAM groups that give administrator rights or access to ePHI.
    pub(super) privileged: Option<Vec<String>>,
}

/// Where the stores of the audit logs are.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct LogTable {
    /// Buckets with audit logs.
    pub(super) buckets: Option<Vec<String>>,
    /// KMS keys that encrypt audit logs, by ARN.
    pub(super) kms_keys: Option<Vec<String>>,
    /// CloudWatch log groups with audit logs.
    pub(super) groups: Option<Vec<String>>,
}

/// Who makes and restores backups.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct BackupTable {
    /// Roles that make, copy, restore and delete backups.
    pub(super) roles: Option<Vec<String>>,
}

/// Accounts besides the own ones that may have access.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct TrustedTable {
    /// Accounts other than your own that may have access.
    pub(super) accounts: Option<Vec<String>>,
}
