//! What calls to S3 say of objects: whose they are, and when they expire.

use std::borrow::Cow;

use serde_json::Value as Json;

use super::parameters::{self, at, list, member};
use super::part;
use crate::event::{Event, Key, time};

/// Seconds in a day.
const DAY: i64 = 86_400;

/// The first segment of an object's key, or of the prefix of a listing: the tenant, where keys are built
/// like that. Empty for an object that lies in no folder.
pub fn prefix<'a>(event: &Event<'a>) -> Cow<'a, str> {
    let [key, prefix] = event.members_of(Key::RequestParameters, &["key", "prefix"]);
    let key = event.read(key);
    let key = if key.is_empty() {
        event.read(prefix)
    } else {
        key
    };
    let first = part(key, |key| {
        let key = key.strip_prefix('/').unwrap_or(key);
        key.split_once('/').map(|(first, _)| first)
    });
    first.unwrap_or_default()
}

/// The fewest days after which a bucket's lifecycle configuration deletes objects or their old versions,
/// by its enabled rules (S3 API reference, PutBucketLifecycleConfiguration). A date counts from the time
/// of the call. `None` for other calls and where nothing expires.
pub fn lifecycle_days(event: &Event<'_>) -> Option<i64> {
    if !event.is_from("s3") || !event.text(Key::EventName).starts_with("PutBucketLifecycle") {
        return None;
    }
    let parameters = parameters::of(event);
    let configuration = member(&parameters, "LifecycleConfiguration");
    let rules = [
        member(configuration, "Rule"),
        member(configuration, "Rules"),
    ];
    let rules = rules.into_iter().flat_map(list).filter(|rule| {
        let status = member(rule, "Status").as_str();
        status.is_none_or(|status| status.eq_ignore_ascii_case("Enabled"))
    });
    rules.flat_map(|rule| days(rule, event.time())).min()
}

/// The days after which a rule deletes something.
fn days(rule: &Json, now: Option<time::Epoch>) -> Vec<i64> {
    let number = |path: &[&str]| parameters::text(at(rule, path))?.parse::<i64>().ok();
    let until = || {
        let date = at(rule, &["Expiration", "Date"]).as_str()?;
        // a date may stand there without a time
        let date = time::parse(date).or_else(|| time::parse(&format!("{date}T00:00:00Z")))?;
        Some((date - now?).div_euclid(DAY).max(0))
    };
    let old_versions = ["NoncurrentVersionExpiration", "NoncurrentDays"];
    let all = [
        number(&["Expiration", "Days"]),
        number(&old_versions),
        until(),
    ];
    all.into_iter().flatten().collect()
}
