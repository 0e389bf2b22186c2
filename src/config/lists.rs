//! The tables that only hold lists of names, each of which fills a placeholder.

use serde::Deserialize;

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
    pub(super) automation: Option<Vec<String>>,
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
