//! The placeholders that `trailscan.toml` fills: `%phi_buckets%` has the values of `phi.buckets`.

/// Every built-in placeholder with the configuration key that fills it.
pub const BUILT_IN: [(&str, &str); 22] = [
    ("scope_accounts", "scope.accounts"),
    ("scope_regions", "scope.regions"),
    ("phi_buckets", "phi.buckets"),
    ("phi_secrets", "phi.secrets"),
    ("phi_kms_keys", "phi.kms_keys"),
    ("phi_databases", "phi.databases"),
    ("phi_tables", "phi.tables"),
    ("phi_snapshots", "phi.snapshots"),
    ("principals_workload", "principals.workload"),
    ("principals_human", "principals.human"),
    ("principals_admins", "principals.admins"),
    ("principals_break_glass", "principals.break_glass"),
    ("principals_terminated", "principals.terminated"),
    ("principals_automation", "principals.automation"),
    ("groups_privileged", "groups.privileged"),
    ("secrets_allowed_regions", "secrets.allowed_regions"),
    ("s3_allowed_list_prefix", "s3.allowed_list_prefix"),
    ("trusted_accounts", "trusted.accounts"),
    ("log_buckets", "log.buckets"),
    ("log_kms_keys", "log.kms_keys"),
    ("log_groups", "log.groups"),
    ("backup_roles", "backup.roles"),
];

/// The configuration key that fills a placeholder: `phi.buckets` for `phi_buckets`, and
/// `placeholders.mine` for a placeholder that only a user's rule knows.
pub fn key_of(placeholder: &str) -> String {
    let mut known = BUILT_IN.iter();
    match known.find(|(name, _)| *name == placeholder) {
        Some((_, key)) => (*key).to_owned(),
        None => format!("placeholders.{placeholder}"),
    }
}

/// The placeholder that a configuration key fills.
pub fn filled_by(key: &str) -> &str {
    match BUILT_IN.iter().find(|(_, known)| *known == key) {
        Some((name, _)) => name,
        None => key.strip_prefix("placeholders.").unwrap_or(key),
    }
}
