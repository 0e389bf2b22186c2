//! The tables that only hold lists of names, each of which fills a placeholder.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::values;
use crate::small_file;

/// The accounts and Regions that the organization uses.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ScopeTable {
    pub(super) accounts: Option<Vec<String>>,
    pub(super) regions: Option<Vec<String>>,
}

/// Where ePHI lies.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct PhiTable {
    pub(super) buckets: Option<Vec<String>>,
    pub(super) secrets: Option<Vec<String>>,
    pub(super) kms_keys: Option<Vec<String>>,
    pub(super) databases: Option<Vec<String>>,
    pub(super) tables: Option<Vec<String>>,
    pub(super) snapshots: Option<Vec<String>>,
}

/// Groups of roles and users.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct PrincipalsTable {
    pub(super) workload: Option<Vec<String>>,
    pub(super) human: Option<Vec<String>>,
    pub(super) admins: Option<Vec<String>>,
    pub(super) break_glass: Option<Vec<String>>,
    pub(super) terminated: Option<Vec<String>>,
    /// Files with names of people who have left, seen from the configuration.
    terminated_files: Option<Vec<PathBuf>>,
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
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct GroupsTable {
    pub(super) privileged: Option<Vec<String>>,
}

/// Where the stores of the audit logs are.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct LogTable {
    pub(super) buckets: Option<Vec<String>>,
    pub(super) kms_keys: Option<Vec<String>>,
    pub(super) groups: Option<Vec<String>>,
}

/// Who makes and restores backups.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct BackupTable {
    pub(super) roles: Option<Vec<String>>,
}

/// Accounts besides the own ones that may have access.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct TrustedTable {
    pub(super) accounts: Option<Vec<String>>,
}
