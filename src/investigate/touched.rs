//! Data and keys that a chain reached for.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::calls::Call;
use crate::wildcard::Wildcard;

/// One bucket, secret, parameter, key or table, with what the chain did to it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Touched {
    pub kind: &'static str,
    pub name: String,
    /// The configuration names it as holding ePHI.
    pub phi: bool,
    /// Successful calls that read it, changed it, deleted it.
    pub reads: u64,
    pub writes: u64,
    pub deletes: u64,
    /// Calls that were refused or failed.
    pub refused: u64,
    /// Bytes that S3 sent and received; `0` where the log does not say.
    pub bytes_out: u64,
    pub bytes_in: u64,
    /// How many distinct objects, counted up to a million.
    pub objects: usize,
    /// How many distinct first parts of object keys: often a tenant or patient each.
    pub prefixes: usize,
    pub first: String,
    pub last: String,
}

/// The most object keys that are distinguished for one bucket.
const MOST_OBJECTS: usize = 1_000_000;

#[derive(Debug, Default)]
pub(super) struct TouchedTable(BTreeMap<(&'static str, String), (Touched, BTreeSet<String>)>);

impl TouchedTable {
    pub(super) fn add(&mut self, call: &Call) {
        let line = &call.line;
        let Some(kind) = kind(call) else {
            return;
        };
        for name in call.targets.iter().filter(|name| !name.is_empty()) {
            let entry = self.0.entry((kind, name.clone())).or_default();
            let (touched, keys) = entry;
            if touched.name.is_empty() {
                touched.kind = kind;
                name.clone_into(&mut touched.name);
                touched.first.clone_from(&line.time);
            }
            touched.last.clone_from(&line.time);
            match (call.succeeded(), call.writes) {
                (false, _) => touched.refused += 1,
                (true, false) => touched.reads += 1,
                (true, true) if line.event_name.starts_with("Delete") => touched.deletes += 1,
                (true, true) => touched.writes += 1,
            }
            if call.succeeded() {
                touched.bytes_in += call.bytes.0;
                touched.bytes_out += call.bytes.1;
                if !call.object_key.is_empty() && keys.len() < MOST_OBJECTS {
                    keys.insert(call.object_key.clone());
                }
            }
        }
    }

    /// What was touched, the most reached for first, and the object keys of each bucket.
    pub(super) fn finish(
        self,
        phi: &[String],
    ) -> (Vec<Touched>, BTreeMap<String, BTreeSet<String>>) {
        let phi: Vec<Wildcard> = phi.iter().map(|pattern| Wildcard::parse(pattern)).collect();
        let mut objects = BTreeMap::new();
        let mut all: Vec<Touched> = Vec::new();
        for ((_, name), (mut touched, keys)) in self.0 {
            touched.phi = phi.iter().any(|pattern| pattern.matches(&name));
            touched.objects = keys.len();
            let prefix = |key: &String| key.split('/').next().unwrap_or_default().to_owned();
            touched.prefixes = keys.iter().map(prefix).collect::<BTreeSet<_>>().len();
            if !keys.is_empty() {
                objects.insert(name, keys);
            }
            all.push(touched);
        }
        all.sort_by_key(|one| {
            let calls = one.reads + one.writes + one.deletes;
            (
                !one.phi,
                std::cmp::Reverse((calls, one.refused)),
                one.kind,
                one.name.clone(),
            )
        });
        (all, objects)
    }
}

/// What sort of data a call is about; `None` if about none.
fn kind(call: &Call) -> Option<&'static str> {
    let name = call.line.event_name.as_str();
    let is_object =
        || name.contains("Object") || name.contains("Part") || name == "SelectObjectContent";
    Some(match call.line.event_source.split('.').next()? {
        "s3" | "s3express" if is_object() => "S3 bucket",
        "secretsmanager" if name.contains("SecretValue") || name == "DeleteSecret" => "secret",
        "ssm" if name.starts_with("GetParameter") => "parameter",
        "kms"
            if matches!(name, "Decrypt" | "Encrypt" | "ReEncrypt")
                || name.starts_with("GenerateDataKey") =>
        {
            "KMS key"
        }
        "dynamodb" if !name.starts_with("Describe") && !name.starts_with("List") => {
            "DynamoDB table"
        }
        "ec2" if name.contains("Snapshot") && !name.starts_with("Describe") => "snapshot",
        "ec2" if name == "GetPasswordData" => "instance password",
        "rds" if name.contains("Snapshot") && !name.starts_with("Describe") => "database snapshot",
        "lambda" if name.starts_with("GetFunction") => "function code",
        _ => return None,
    })
}
