//! What calls to S3 say of objects: whose they are, and when they expire.

use std::borrow::Cow;

use serde_json::Value as Json;

use super::parameters::{self, at, list, member};
use super::part;
use crate::event::json::Value;
use crate::event::{Event, Key, time};

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
        Some((date - now?).div_euclid(time::DAY).max(0))
    };
    let old_versions = ["NoncurrentVersionExpiration", "NoncurrentDays"];
    let all = [
        number(&["Expiration", "Days"]),
        number(&old_versions),
        until(),
    ];
    all.into_iter().flatten().collect()
}

/// What an S3 data event says went over the wire, in bytes (S3 user guide, "CloudTrail log file
/// entries": `additionalEventData`). Other services say nothing of the kind.
pub fn transferred<'a>(event: &Event<'a>, way: &str) -> Option<Value<'a>> {
    let bytes = event.text_at(Key::AdditionalEventData, &[way]);
    // some records write a fraction where there is none: 83.0
    let whole = bytes.strip_suffix(".0").unwrap_or(&bytes);
    whole
        .parse::<u64>()
        .ok()
        .map(|bytes| Value::Number(Cow::Owned(bytes.to_string())))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use crate::derive::tests::plain;

    #[test]
    fn the_shortest_life_of_objects_counts() {
        let days = |rules: Json| {
            let record = json!({"eventVersion": "1.11", "eventTime": "2026-11-20T12:00:00Z", "eventSource": "s3.amazonaws.com", "eventName": "PutBucketLifecycle",
                "requestParameters": {"bucketName": "b", "LifecycleConfiguration": {"Rule": rules, "xmlns": "x"}}});
            plain("trailscan.lifecycle_days", &record.to_string())
        };
        for (rules, expected) in [
            (
                json!({"ID": "a", "Status": "Enabled", "Expiration": {"Days": 1}}),
                "1",
            ),
            (
                json!({"Status": "Enabled", "Expiration": {"Days": "30"}}),
                "30",
            ),
            (
                json!([{"Status": "Enabled", "Expiration": {"Days": 90}}, {"Status": "Enabled", "NoncurrentVersionExpiration": {"NoncurrentDays": 7}}]),
                "7",
            ),
            (
                json!([{"Status": "Disabled", "Expiration": {"Days": 1}}, {"Status": "Enabled", "Expiration": {"Days": 400}}]),
                "400",
            ),
            (
                json!({"Status": "Enabled", "Expiration": {"Date": "2026-11-27T12:00:00.000Z"}}),
                "7",
            ),
            (
                json!({"Status": "Enabled", "Expiration": {"Date": "2020-01-01T00:00:00Z"}}),
                "0",
            ),
            (
                json!({"Status": "Enabled", "Transition": {"Days": 30, "StorageClass": "GLACIER"}}),
                "",
            ),
            (
                json!({"Status": "Enabled", "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}}),
                "",
            ),
            (
                json!({"Status": "Enabled", "Expiration": {"ExpiredObjectDeleteMarker": true}}),
                "",
            ),
        ] {
            assert_eq!(days(rules.clone()), expected, "{rules}");
        }
        let other = r#"{"eventVersion":"1","eventSource":"s3.amazonaws.com","eventName":"GetBucketLifecycle","requestParameters":{"LifecycleConfiguration":{"Rule":{"Expiration":{"Days":1}}}}}"#;
        assert_eq!(plain("trailscan.lifecycle_days", other), "");
        let newer = other.replace("GetBucketLifecycle", "PutBucketLifecycleConfiguration");
        assert_eq!(plain("trailscan.lifecycle_days", &newer), "1");
    }

    #[test]
    fn a_key_names_its_tenant_first() {
        for (parameters, expected) in [
            (json!({"key": "workspace-12/scan.pdf"}), "workspace-12"),
            (json!({"key": "/workspace-12/a/b"}), "workspace-12"),
            (json!({"prefix": "workspace-12/"}), "workspace-12"),
            (json!({"key": "scan.pdf"}), ""),
            (json!({"prefix": ""}), ""),
            (json!({"key": ["a/b"]}), ""),
            (Json::Null, ""),
        ] {
            let record = json!({"eventVersion": "1.11", "eventSource": "s3.amazonaws.com", "eventName": "GetObject", "requestParameters": parameters});
            assert_eq!(
                plain("trailscan.object_prefix", &record.to_string()),
                expected,
                "{parameters}"
            );
        }
    }
}
