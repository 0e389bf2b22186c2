//! Who may read which secret, from which networks calls come, how old a session may be, and how uploads are
//! encrypted.

use std::collections::BTreeMap;

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{patterns, values};
use crate::wildcard::Wildcard;

/// Where secrets may be read, and by whom.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct SecretsTable {
    /// The Regions in which secrets may be read.
    pub(super) allowed_regions: Option<Vec<String>>,
    /// By role or user: the names of the secrets and SSM parameters that it may read.
    allow: Option<BTreeMap<String, Vec<String>>>,
}

/// How objects must be encrypted, and what may be listed.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct S3Table {
    /// By bucket: the algorithms that an upload may use: `AES256`, `aws:kms`, `aws:kms:dsse`.
    required_encryption: Option<BTreeMap<String, Vec<String>>>,
    /// The only prefixes that may be listed.
    pub(super) allowed_list_prefix: Option<Vec<String>>,
}

/// The networks that calls may come from.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct NetworksTable {
    /// Networks of your offices, VPNs, NAT gateways and VPCs, such as `198.51.100.0/24`.
    allowed: Option<Vec<String>>,
}

/// Sessions of roles.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct SessionTable {
    /// The most hours that a session may last.
    max_hours: Option<u16>,
}

impl SecretsTable {
    /// The secrets that callers may read, by patterns of both. Fails with where the mistake is and what
    /// to write instead.
    pub(super) fn allow(
        &mut self,
        faults: &mut Vec<String>,
    ) -> Result<Vec<(Wildcard, Vec<Wildcard>)>, String> {
        const KEY: &str = "secrets.allow";
        let Some(written) = self.allow.take() else {
            return Ok(Vec::new());
        };
        if written.is_empty() {
            return Err(format!(
                "{KEY}: it names no role or user: name one, or delete the line"
            ));
        }
        let mut found = Vec::new();
        for (caller, secrets) in written {
            let name = values::principal(&caller).map_err(|what| format!("{KEY}: {what}"))?;
            let key = format!("{KEY}.\"{caller}\"");
            let secrets = values::list(&key, Some(secrets), values::secret_or_parameter, faults);
            found.push((Wildcard::parse(&name), patterns(&secrets)));
        }
        Ok(found)
    }
}

impl NetworksTable {
    /// The networks. A single address is a network of its own.
    pub(super) fn allowed(&mut self) -> Result<Vec<IpNet>, String> {
        const KEY: &str = "networks.allowed";
        let Some(written) = self.allowed.take() else {
            return Ok(Vec::new());
        };
        if written.is_empty() {
            return Err(format!(
                "{KEY}: the list is empty and can never match: name at least one value, or delete the line"
            ));
        }
        let read = |text: &String| values::network(text).map_err(|what| format!("{KEY}: {what}"));
        written.iter().map(read).collect()
    }
}

impl SessionTable {
    /// The most hours that a session may last.
    pub(super) fn max_hours(&self) -> Result<Option<u16>, String> {
        match self.max_hours {
            Some(0) => Err(
                "session.max_hours: with 0 every session would be over the limit: write at least 1, \
                 such as 12"
                    .to_owned(),
            ),
            hours => Ok(hours),
        }
    }
}

impl S3Table {
    /// The algorithms that uploads may use, by bucket.
    pub(super) fn encryption(
        &mut self,
        faults: &mut Vec<String>,
    ) -> Result<Vec<(Wildcard, Vec<String>)>, String> {
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
            let algorithms = values::list(&key, Some(algorithms), algorithm, faults);
            found.push((Wildcard::parse(&name), algorithms));
        }
        Ok(found)
    }
}
