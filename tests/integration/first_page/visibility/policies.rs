//! Administrator rights, read as IAM reads policies.

use super::{has, over, record};
use serde_json::{Value, json};

#[test]
fn administrator_rights_are_read_as_iam_reads_them() {
    let granted = |statement: Value| {
        let document = json!({"Version": "2012-10-17", "Statement": statement}).to_string();
        let more = json!({"requestParameters": {"roleName": "r", "policyDocument": document}});
        has(
            &over(&[record(0, "iam.amazonaws.com", "PutRolePolicy", more)]),
            "aws_iam_admin_rights_granted",
        )
    };
    let allow = |of: &str, actions: Value, on: &str, resources: Value| json!([{"Effect": "Allow", of: actions, on: resources}]);
    for (of, actions, on, resources) in [
        ("Action", json!("**"), "Resource", json!("**")),
        ("Action", json!("*:*"), "Resource", json!("arn:aws:*")),
        ("Action", json!("iam:**"), "Resource", json!("*")),
        (
            "Action",
            json!("IAM:*"),
            "Resource",
            json!("arn:aws:iam::111122223333:*"),
        ),
        (
            "Action",
            json!("iam:?*"),
            "Resource",
            json!("arn:aws:iam::*:role/*"),
        ),
        (
            "Action",
            json!("iam:*"),
            "Resource",
            json!("arn:aws:iam::*:user/${aws:username}"),
        ),
        (
            "Action",
            json!("*"),
            "NotResource",
            json!("arn:aws:s3:::audit/*"),
        ),
        (
            "Action",
            json!(["*"]),
            "NotResource",
            json!(["arn:aws:iam::*"]),
        ),
        ("NotAction", json!("s3:*"), "Resource", json!("*")),
        (
            "NotAction",
            json!(["iam:*", "organizations:*"]),
            "Resource",
            json!("*"),
        ),
        (
            "NotAction",
            json!("s3:*"),
            "NotResource",
            json!("arn:aws:s3:::audit"),
        ),
    ] {
        let statement = allow(of, actions, on, resources);
        assert!(granted(statement.clone()), "{statement}");
    }
    for (of, actions, on, resources) in [
        ("Action", json!("s3:**"), "Resource", json!("*")),
        (
            "Action",
            json!(["iam:Get*", "iam:List*"]),
            "Resource",
            json!("*"),
        ),
        (
            "Action",
            json!("*"),
            "Resource",
            json!("arn:aws:s3:::reports/*"),
        ),
        (
            "Action",
            json!("iam:*AccessKey*"),
            "Resource",
            json!("arn:aws:iam::*:user/${aws:username}"),
        ),
        (
            "Action",
            json!("iam:*"),
            "Resource",
            json!("arn:aws:iam::111122223333:role/reports"),
        ),
        ("Action", json!("*"), "NotResource", json!("**")),
        ("NotAction", json!("**"), "Resource", json!("*")),
        (
            "NotAction",
            json!("s3:*"),
            "Resource",
            json!("arn:aws:s3:::reports/*"),
        ),
    ] {
        let statement = allow(of, actions, on, resources);
        assert!(!granted(statement.clone()), "{statement}");
    }
    let own = json!([{"Effect": "Deny", "NotAction": "s3:*", "Resource": "*"}]);
    assert!(!granted(own));
}
