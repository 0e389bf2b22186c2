//! Selectors that record fewer management events, and those that add.

use super::{has, over, record};
use serde_json::{Value, json};

fn narrowed(request: Value) -> bool {
    let more = json!({"requestParameters": request});
    let ran = over(&[record(
        0,
        "cloudtrail.amazonaws.com",
        "PutEventSelectors",
        more,
    )]);
    has(&ran, "aws_cloudtrail_event_selectors_narrowed")
}

fn advanced(selectors: &[Value]) -> Value {
    let with = |fields: &Value| {
        let mut all = vec![json!({"field": "eventCategory", "equals": ["Management"]})];
        all.extend(fields.as_array().unwrap().iter().cloned());
        json!({"name": "s", "fieldSelectors": all})
    };
    let selectors: Vec<Value> = selectors.iter().map(with).collect();
    json!({"trailName": "audit", "advancedEventSelectors": selectors})
}

#[test]
fn every_way_of_narrowing_selectors_is_a_match() {
    for field in [
        json!({"field": "readOnly", "equals": ["false"]}),
        json!({"field": "readOnly", "equals": ["true"]}),
        json!({"field": "readOnly", "equals": [false]}),
        json!({"field": "readOnly", "equals": ["false"], "startsWith": null}),
        json!({"field": "eventSource", "notEquals": ["iam.amazonaws.com"]}),
        json!({"field": "eventSource", "equals": ["kms.amazonaws.com"]}),
        json!({"field": "eventName", "notStartsWith": ["Delete"]}),
        json!({"field": "userIdentity.arn", "notEquals": ["arn:aws:iam::111122223333:user/mallory"]}),
        json!({"field": "sessionCredentialFromConsole", "equals": ["true"]}),
        json!({"field": "eventType", "notEquals": ["AwsServiceEvent"]}),
    ] {
        assert!(narrowed(advanced(&[json!([field])])), "{field}");
    }
    for basic in [
        json!([{"readWriteType": "WriteOnly", "includeManagementEvents": true}]),
        json!([{"readWriteType": "All", "includeManagementEvents": false}]),
        json!([{"readWriteType": "All", "includeManagementEvents": true,
            "excludeManagementEventSources": ["rdsdata.amazonaws.com"]}]),
    ] {
        assert!(
            narrowed(json!({"trailName": "audit", "eventSelectors": basic})),
            "{basic}"
        );
    }
}

#[test]
fn a_selector_that_adds_narrows_nothing() {
    let all = json!([]);
    let writes = json!([{"field": "readOnly", "equals": ["false"]}]);
    let reads = json!([{"field": "readOnly", "equals": ["true"]}]);
    assert!(!narrowed(advanced(std::slice::from_ref(&all))));
    assert!(!narrowed(advanced(&[all.clone(), writes.clone()])));
    assert!(!narrowed(advanced(&[writes.clone(), reads])));
    assert!(narrowed(advanced(&[writes.clone(), writes])));
    let kms = json!([{"field": "eventSource", "equals": ["kms.amazonaws.com"]}]);
    let rest = json!([{"field": "eventSource", "notEquals": ["kms.amazonaws.com"]}]);
    assert!(!narrowed(advanced(&[kms, rest])));
    let data = json!({"readWriteType": "ReadOnly", "includeManagementEvents": false,
        "dataResources": [{"type": "AWS::S3::Object", "values": ["arn:aws:s3"]}]});
    let basic = json!([{"readWriteType": "All", "includeManagementEvents": true}, data]);
    assert!(!narrowed(
        json!({"trailName": "audit", "eventSelectors": basic})
    ));
}
