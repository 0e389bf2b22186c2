//! Conditions that narrow a principal of `*` (S3 user guide, "The meaning of public"; IAM user guide,
//! "AWS global condition context keys").

use ipnet::IpNet;
use serde_json::Value as Json;

use super::{Granter, Reach, account_of_arn};
use crate::derive::parameters::{list, text};

/// Operators that demand a value. `IfExists` and `ForAllValues` hold where the request has none, and
/// those that end in `NotEquals` and the like exclude a few.
const DEMANDING: [&str; 6] = [
    "arnequals",
    "arnlike",
    "ipaddress",
    "stringequals",
    "stringequalsignorecase",
    "stringlike",
];

const ACCOUNTS: [&str; 5] = [
    "aws:principalaccount",
    "aws:sourceaccount",
    "aws:sourceowner",
    "kms:calleraccount",
    "s3:dataaccesspointaccount",
];

const ARNS: [&str; 3] = ["aws:principalarn", "aws:sourcearn", "s3:dataaccesspointarn"];

const ORGANIZATIONS: [&str; 5] = [
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:sourceorgid",
    "aws:sourceorgpaths",
    "aws:vpceorgid",
];

/// A network or a session that the policy's writer has made.
const OWN: [&str; 5] = [
    "aws:sourcevpc",
    "aws:sourcevpcarn",
    "aws:sourcevpce",
    "aws:vpceaccount",
    "aws:userid",
];

const ADDRESSES: [&str; 2] = ["aws:sourceip", "aws:vpcsourceip"];

impl Granter<'_> {
    /// Whom a condition leaves of everybody; `None` where it leaves everybody. Every part of a condition
    /// must hold, so that the narrowest counts.
    pub(super) fn narrowed(&self, condition: &Json) -> Option<Reach> {
        let operators = condition.as_object().into_iter().flatten();
        let limits = operators.flat_map(|(operator, keys)| {
            let operator = operator.to_ascii_lowercase();
            let keys = keys.as_object().into_iter().flatten();
            keys.filter_map(move |(key, values)| self.limit(&operator, key, values))
        });
        limits.min()
    }

    /// Whom one key leaves. Any of its values may hold, so that the widest counts.
    fn limit(&self, operator: &str, key: &str, values: &Json) -> Option<Reach> {
        let key = key.to_ascii_lowercase();
        if key == "elasticfilesystem:accessedviamounttarget" {
            let is_true = list(values)
                .iter()
                .any(|value| text(value).is_some_and(|value| value == "true"));
            return (operator == "bool" && is_true).then_some(Reach::Own);
        }
        let operator = operator.strip_prefix("foranyvalue:").unwrap_or(operator);
        if !DEMANDING.contains(&operator) {
            return None;
        }
        let of = |value: &Json| self.left_by(&key, text(value)?.trim());
        let all: Option<Vec<Reach>> = list(values).iter().map(of).collect();
        all?.into_iter().max()
    }

    /// Whom one value of a key leaves; `None` where it is as good as no limit.
    fn left_by(&self, key: &str, value: &str) -> Option<Reach> {
        let is_fixed = |text: &str| !text.is_empty() && !text.contains(['*', '?']);
        // a pattern must begin with more than the letters that every id of its kind begins with
        let beginning = value.split(['*', '?']).next().unwrap_or_default();
        if ACCOUNTS.contains(&key) {
            return is_fixed(value).then(|| self.account(value));
        }
        if ARNS.contains(&key) {
            let account = account_of_arn(value)?;
            // buckets have no account in their ARN
            let bucket = value.split(':').nth(5).unwrap_or_default();
            return match account.is_empty() {
                true => (!bucket.is_empty() && !bucket.starts_with('*')).then_some(Reach::Own),
                false => is_fixed(account).then(|| self.account(account)),
            };
        }
        if ORGANIZATIONS.contains(&key) {
            return (beginning.len() > 2).then_some(Reach::Trusted);
        }
        if OWN.contains(&key) {
            return (beginning.len() > 4).then_some(Reach::Own);
        }
        if ADDRESSES.contains(&key) {
            let address = || {
                value
                    .parse()
                    .ok()
                    .map(|address: std::net::IpAddr| address.into())
            };
            let network = value.parse::<IpNet>().ok().or_else(address)?;
            let widest = if network.addr().is_ipv4() { 8 } else { 32 };
            return (network.prefix_len() >= widest).then_some(Reach::Trusted);
        }
        None
    }
}
