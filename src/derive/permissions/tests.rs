use serde_json::{Value as Json, json};

use super::*;
use crate::derive::tests::event;
use crate::policy::Fact;

#[test]
fn the_table_is_sound() {
    assert!(TABLE.actions.contains_key("s3") && !TABLE.unrecorded.is_empty());
    for class in TABLE.data_events.values() {
        assert!(crate::coverage::EventClass::of(class).is_some(), "{class}");
    }
}

#[test]
fn calls_need_the_actions_that_iam_asks_for() {
    let bucket = |more: Json| {
        let mut parameters = json!({"bucketName": "files"});
        for (name, value) in more.as_object().unwrap() {
            parameters[name] = value.clone();
        }
        parameters
    };
    let key = |more: Json| {
        let mut parameters = bucket(more);
        parameters["key"] = json!("a/b.pdf");
        parameters
    };
    let object = "arn:aws:s3:::files/a/b.pdf";
    let here = "us-east-1:111122223333";
    for (service, call, parameters, expected) in [
        (
            "s3",
            "HeadObject",
            key(json!({})),
            vec![format!("s3:GetObject {object}")],
        ),
        (
            "s3",
            "GetObject",
            key(json!({"versionId": "v"})),
            vec![format!("s3:GetObjectVersion {object}")],
        ),
        (
            "s3",
            "PutObject",
            key(json!({"x-amz-acl": "private"})),
            vec![
                format!("s3:PutObject {object}"),
                format!("s3:PutObjectAcl {object}"),
            ],
        ),
        (
            "s3",
            "UploadPart",
            key(json!({})),
            vec![format!("s3:PutObject {object}")],
        ),
        (
            "s3",
            "CopyObject",
            key(json!({"x-amz-copy-source": "/from/c%20d"})),
            vec![
                format!("s3:PutObject {object}"),
                "s3:GetObject arn:aws:s3:::from/c d".into(),
            ],
        ),
        (
            "s3",
            "DeleteObjects",
            bucket(json!({})),
            vec!["s3:DeleteObject arn:aws:s3:::files/Below".into()],
        ),
        (
            "s3",
            "ListObjects",
            bucket(json!({"list-type": "2"})),
            vec!["s3:ListBucket arn:aws:s3:::files".into()],
        ),
        (
            "s3",
            "PutBucketLifecycle",
            bucket(json!({})),
            vec!["s3:PutLifecycleConfiguration arn:aws:s3:::files".into()],
        ),
        (
            "monitoring",
            "PutMetricAlarm",
            json!({}),
            vec!["cloudwatch:PutMetricAlarm ".into()],
        ),
        (
            "lambda",
            "Invoke",
            json!({"functionName": "f"}),
            vec![format!(
                "lambda:InvokeFunction arn:aws:lambda:{here}:function:f"
            )],
        ),
        (
            "lambda",
            "GetFunction20150331v2",
            json!({"functionName": "f"}),
            vec![format!(
                "lambda:GetFunction arn:aws:lambda:{here}:function:f"
            )],
        ),
        (
            "secretsmanager",
            "GetSecretValue",
            json!({"secretId": "app/jwt"}),
            vec![format!(
                "secretsmanager:GetSecretValue arn:aws:secretsmanager:{here}:secret:app/jwtSecretSuffix"
            )],
        ),
        (
            "secretsmanager",
            "BatchGetSecretValue",
            json!({"secretIdList": ["a"]}),
            vec![
                "secretsmanager:BatchGetSecretValue ".into(),
                format!(
                    "secretsmanager:GetSecretValue arn:aws:secretsmanager:{here}:secret:aSecretSuffix"
                ),
            ],
        ),
        (
            "ssm",
            "GetParametersByPath",
            json!({"path": "/app"}),
            vec![format!(
                "ssm:GetParametersByPath arn:aws:ssm:{here}:parameter/app/Below"
            )],
        ),
        (
            "logs",
            "CreateLogStream",
            json!({"logGroupName": "/ecs/app", "logStreamName": "s"}),
            vec![format!(
                "logs:CreateLogStream arn:aws:logs:{here}:log-group:/ecs/app:log-stream:s"
            )],
        ),
        (
            "sqs",
            "SendMessageBatch",
            json!({"queueUrl": "https://sqs.us-east-1.amazonaws.com/444455556666/q"}),
            vec!["sqs:SendMessage arn:aws:sqs:us-east-1:444455556666:q".into()],
        ),
        (
            "iam",
            "PassThing",
            json!({"roleName": "app"}),
            vec!["iam:PassThing arn:aws:iam::111122223333:role/app".into()],
        ),
        (
            "apigateway",
            "CreateRestApi",
            json!({}),
            vec!["apigateway:POST ".into()],
        ),
        (
            "sts",
            "AssumeRole",
            json!({"roleArn": "arn:aws:iam::111122223333:role/app"}),
            vec!["sts:AssumeRole arn:aws:iam::111122223333:role/app".into()],
        ),
        ("sts", "GetCallerIdentity", json!({}), vec![]),
    ] {
        let record = json!({"eventVersion": "1.11", "eventSource": format!("{service}.amazonaws.com"), "eventName": call, "awsRegion": "us-east-1",
            "recipientAccountId": "111122223333", "eventType": "AwsApiCall", "requestParameters": parameters});
        let needs = said(&of(&event(&record.to_string())));
        assert_eq!(needs, expected, "{call}");
    }
}

fn said(needs: &[Need]) -> Vec<String> {
    let rest = |name: &Name| match name.rest {
        Rest::Nothing => String::new(),
        rest => format!("{rest:?}"),
    };
    let resource = |need: &Need| {
        let names = need.resource.names.iter();
        let names: Vec<String> = names
            .map(|name| format!("{}{}", name.text, rest(name)))
            .collect();
        names.join("|")
    };
    needs
        .iter()
        .map(|need| format!("{} {}", need.action, resource(need)))
        .collect()
}

#[test]
fn a_refusal_says_which_action_was_refused_and_who_refused_it() {
    let record = json!({"eventVersion": "1.11", "eventSource": "sts.amazonaws.com", "eventName": "AssumeRole", "awsRegion": "us-east-1",
        "recipientAccountId": "111122223333", "requestParameters": null, "errorCode": "AccessDenied",
        "errorMessage": "User: arn:aws:iam::111122223333:user/a is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/b with an explicit deny in a service control policy"});
    let text = record.to_string();
    let refused = event(&text);
    assert_eq!(
        said(&of(&refused)),
        ["sts:AssumeRole arn:aws:iam::111122223333:role/b"]
    );
    assert_eq!(refused_by(&refused), "service control policy");
    assert_eq!(
        fact(&refused, "s3:prefix"),
        Fact::Unknown,
        "no parameters were recorded"
    );
    let service = text.replace(
        "\"eventName\"",
        "\"eventType\":\"AwsServiceEvent\",\"eventName\"",
    );
    assert!(of(&event(&service)).is_empty());
}
