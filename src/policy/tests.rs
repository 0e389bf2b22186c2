use serde_json::{Value as Json, json};

use super::*;

fn read(statement: Json) -> Vec<Statement> {
    let document = json!({"Version": "2012-10-17", "Statement": statement});
    statements(&document, "document").unwrap()
}

/// The decision on a call: `=` allowed, `-` denied, `.` not allowed, `?` undecided.
fn ask(
    statements: &[Statement],
    action: &str,
    resource: &Resource,
    facts: &[(&str, Fact)],
) -> char {
    let fact = |key: &str| {
        let known = facts.iter().find(|(name, _)| *name == key);
        known.map_or(Fact::Unknown, |(_, fact)| fact.clone())
    };
    match decide(
        statements,
        &Request {
            action,
            resource,
            fact: &fact,
        },
    ) {
        Decision::Allowed(_) => '=',
        Decision::Denied(_) => '-',
        Decision::NotAllowed => '.',
        Decision::Undecided(_) => '?',
    }
}

#[test]
fn wildcards_are_read_as_iam_reads_them() {
    let secret = |name: &str| {
        let arn = format!("arn:aws:secretsmanager:us-east-1:111122223333:secret:{name}");
        Resource::named(arn, Rest::SecretSuffix)
    };
    let object = Resource::arn("arn:aws:s3:::files/Reports/a.pdf");
    let batch = Resource::named("arn:aws:s3:::files/", Rest::Below);
    for (action, resource, asked, about, expected) in [
        // actions without case, resources with it
        (
            "S3:getobject",
            "arn:aws:s3:::files/*",
            "s3:GetObject",
            &object,
            '=',
        ),
        (
            "s3:Get*",
            "arn:aws:s3:::files/reports/*",
            "s3:GetObject",
            &object,
            '.',
        ),
        (
            "s3:GetObjec?",
            "arn:aws:s3:::files/?eports/*",
            "s3:GetObject",
            &object,
            '=',
        ),
        ("s3:*", "*", "sqs:SendMessage", &object, '.'),
        ("*", "arn:aws:s3", "s3:GetObject", &object, '='),
        // a variable may be anything, but not what does not fit around it
        (
            "s3:*",
            "arn:aws:s3:::files/${aws:username}/*",
            "s3:GetObject",
            &object,
            '?',
        ),
        (
            "s3:*",
            "arn:aws:s3:::other/${aws:username}/*",
            "s3:GetObject",
            &object,
            '.',
        ),
        (
            "s3:*",
            "arn:aws:s3:::files/${*}/*",
            "s3:GetObject",
            &object,
            '.',
        ),
        // the last characters of a secret's ARN are not in the record
        (
            "*",
            "arn:aws:secretsmanager:*:*:secret:app/jwt-*",
            "s3:x",
            &secret("app/jwt"),
            '=',
        ),
        (
            "*",
            "arn:aws:secretsmanager:*:*:secret:app/jwt-??????",
            "s3:x",
            &secret("app/jwt"),
            '=',
        ),
        (
            "*",
            "arn:aws:secretsmanager:*:*:secret:app/jwt-AbC123",
            "s3:x",
            &secret("app/jwt"),
            '?',
        ),
        (
            "*",
            "arn:aws:secretsmanager:*:*:secret:app/jwt",
            "s3:x",
            &secret("app/jwt"),
            '.',
        ),
        (
            "*",
            "arn:aws:secretsmanager:us-west-2:*:secret:*",
            "s3:x",
            &secret("app/jwt"),
            '.',
        ),
        // nor are the keys of a batch delete
        ("*", "arn:aws:s3:::files/*", "s3:DeleteObject", &batch, '='),
        (
            "*",
            "arn:aws:s3:::files/Reports/*",
            "s3:DeleteObject",
            &batch,
            '?',
        ),
        ("*", "arn:aws:s3:::other/*", "s3:DeleteObject", &batch, '.'),
        // what the record does not name is covered by * alone
        ("*", "*", "ec2:RunInstances", &Resource::default(), '='),
        (
            "*",
            "arn:aws:ec2:*",
            "ec2:RunInstances",
            &Resource::default(),
            '?',
        ),
    ] {
        let statements = read(json!({"Effect": "Allow", "Action": action, "Resource": resource}));
        assert_eq!(
            ask(&statements, asked, about, &[]),
            expected,
            "{action} {resource} {about:?}"
        );
    }
    let except = read(
        json!([{"Effect": "Allow", "NotAction": ["iam:*", "s3:Delete*"], "Resource": "*"},
        {"Effect": "Deny", "Action": "s3:*", "NotResource": "arn:aws:s3:::files/*"}]),
    );
    let of = |action: &str, arn: &str| ask(&except, action, &Resource::arn(arn), &[]);
    assert_eq!(of("s3:GetObject", "arn:aws:s3:::files/a"), '=');
    assert_eq!(of("s3:DeleteObject", "arn:aws:s3:::files/a"), '.');
    assert_eq!(of("s3:GetObject", "arn:aws:s3:::other/a"), '-');
    assert_eq!(ask(&except, "s3:GetObject", &Resource::default(), &[]), '?');
}

#[test]
fn conditions_decide_only_what_the_record_says() {
    let one = |text: &str| Fact::one(text);
    for (condition, key, fact, expected) in [
        (
            json!({"StringEquals": {"aws:RequestedRegion": "us-east-1"}}),
            "aws:requestedregion",
            one("us-east-1"),
            '=',
        ),
        (
            json!({"StringEquals": {"aws:RequestedRegion": "us-east-1"}}),
            "aws:requestedregion",
            one("us-west-2"),
            '.',
        ),
        (
            json!({"StringLike": {"s3:prefix": ["workspace-*/*"]}}),
            "s3:prefix",
            one("workspace-1/a"),
            '=',
        ),
        (
            json!({"StringLike": {"s3:prefix": ["workspace-*/*"]}}),
            "s3:prefix",
            one(""),
            '.',
        ),
        (
            json!({"StringLike": {"s3:prefix": ["workspace-*/*"]}}),
            "s3:prefix",
            Fact::Absent,
            '.',
        ),
        (
            json!({"StringLike": {"s3:prefix": ["workspace-*/*"]}}),
            "s3:prefix",
            Fact::Unknown,
            '?',
        ),
        (
            json!({"StringLike": {"s3:prefix": "${aws:username}/*"}}),
            "s3:prefix",
            one("dana/x"),
            '?',
        ),
        (
            json!({"StringEquals": {"s3:x-amz-server-side-encryption": "AES256"}}),
            "s3:x-amz-server-side-encryption",
            Fact::Absent,
            '.',
        ),
        (
            json!({"StringEqualsIfExists": {"s3:x-amz-server-side-encryption": "AES256"}}),
            "s3:x-amz-server-side-encryption",
            Fact::Absent,
            '=',
        ),
        (
            json!({"StringNotEquals": {"aws:RequestedRegion": "us-east-1"}}),
            "aws:requestedregion",
            Fact::Absent,
            '=',
        ),
        (
            json!({"StringNotEquals": {"aws:RequestedRegion": ["us-east-1", "us-west-2"]}}),
            "aws:requestedregion",
            one("us-west-2"),
            '.',
        ),
        (
            json!({"Null": {"s3:prefix": "true"}}),
            "s3:prefix",
            Fact::Absent,
            '=',
        ),
        (
            json!({"Null": {"s3:prefix": "false"}}),
            "s3:prefix",
            Fact::Absent,
            '.',
        ),
        (
            json!({"Bool": {"aws:MultiFactorAuthPresent": true}}),
            "aws:multifactorauthpresent",
            one("true"),
            '=',
        ),
        (
            json!({"Bool": {"aws:MultiFactorAuthPresent": "true"}}),
            "aws:multifactorauthpresent",
            Fact::Unknown,
            '?',
        ),
        (
            json!({"BoolIfExists": {"aws:MultiFactorAuthPresent": "true"}}),
            "aws:multifactorauthpresent",
            one("false"),
            '.',
        ),
        (
            json!({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}),
            "aws:sourceip",
            one("10.1.2.3"),
            '=',
        ),
        (
            json!({"NotIpAddress": {"aws:SourceIp": ["10.0.0.0/8"]}}),
            "aws:sourceip",
            one("10.1.2.3"),
            '.',
        ),
        (
            json!({"NumericLessThan": {"s3:max-keys": "10"}}),
            "s3:max-keys",
            one("9"),
            '=',
        ),
        (
            json!({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/app-*"}}),
            "aws:principalarn",
            one("arn:aws:iam::111122223333:role/app-1"),
            '=',
        ),
        (
            json!({"ForAllValues:StringEquals": {"aws:TagKeys": ["a"]}}),
            "aws:tagkeys",
            Fact::Absent,
            '=',
        ),
        (
            json!({"ForAnyValue:StringEquals": {"aws:TagKeys": ["a"]}}),
            "aws:tagkeys",
            Fact::Absent,
            '.',
        ),
        (
            json!({"DateLessThan": {"aws:CurrentTime": "2026-01-01T00:00:00Z"}}),
            "aws:currenttime",
            one("2026-01-01T00:00:00Z"),
            '?',
        ),
        (
            json!({"SomethingNew": {"aws:RequestedRegion": "us-east-1"}}),
            "aws:requestedregion",
            one("us-east-1"),
            '?',
        ),
    ] {
        let facts = [(key, fact)];
        let with = |effect: &str| {
            read(json!([{"Effect": "Allow", "Action": "*", "Resource": "*"},
            {"Effect": effect, "Action": "*", "Resource": "*", "Condition": condition}]))
        };
        let mut allow = with("Allow");
        allow.remove(0);
        let anything = Resource::default();
        assert_eq!(
            ask(&allow, "s3:ListBucket", &anything, &facts),
            expected,
            "{condition} {facts:?}"
        );
        // the same condition in a deny
        let denied = match expected {
            '=' => '-',
            '.' => '=',
            undecided => undecided,
        };
        assert_eq!(
            ask(&with("Deny"), "s3:ListBucket", &anything, &facts),
            denied,
            "{condition}"
        );
    }
}

#[test]
fn hostile_files_are_refused_with_their_name_and_the_place() {
    let folder = tempfile::tempdir().unwrap();
    let deep = format!(
        "{}{}",
        r#"{"Statement":"#.to_owned() + &"[".repeat(5_000),
        "]".repeat(5_000)
    );
    let long = json!({"Statement": {"Effect": "Allow", "Action": vec!["s3:GetObject"; 700_000], "Resource": "*"}});
    let inside = json!({"RoleDetailList": [{"RoleName": "app", "RolePolicyList": [
        {"PolicyName": "own", "PolicyDocument": "%7B%22Statement%22%3A"}]}]});
    for (text, place) in [
        ("not json".to_owned(), "line 1 column 2"),
        ("{\n  \"Statement\": [\n}".to_owned(), "line 3"),
        (deep, "recursion limit"),
        (long.to_string(), "IAM takes at most 10240"),
        (inside.to_string(), "own: not JSON: EOF"),
        (r#"{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"allow","Action":"*","Resource":"*"}]}"#.to_owned(), "statement 2, Effect"),
        (r#"{"Statement":{"Effect":"Allow","Action":{"a":1},"Resource":"*"}}"#.to_owned(), "statement 1, Action"),
        (r#"{"Statement":{"Effect":"Allow","Action":"*","NotAction":"*","Resource":"*"}}"#.to_owned(), "stands beside NotAction"),
        (r#"{"Statement":{"Effect":"Allow","Action":"*"}}"#.to_owned(), "statement 1, Resource"),
        (r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":["x"]}}"#.to_owned(), "statement 1, Condition"),
        (r#"{"Statement":{"Effect":"Allow","Acti\u202eon":"*","Resource":"*"}}"#.to_owned(), "not an element"),
        (r#"{"Records":[]}"#.to_owned(), "no policy document"),
    ] {
        std::fs::write(folder.path().join("app.json"), &text).unwrap();
        let error = Policies::read(&["app.json"], folder.path()).unwrap_err().to_string();
        assert!(error.contains("app.json: ") && error.contains(place), "{error}");
        assert!(error.len() < 500, "{error}");
    }
    std::fs::write(folder.path().join("a role.json"), r#"{"Statement":[]}"#).unwrap();
    let error = Policies::read(&["a role.json"], folder.path())
        .unwrap_err()
        .to_string();
    assert!(error.contains("write ROLE=FILE"), "{error}");
    let named = Policies::read(&["app=a role.json"], folder.path()).unwrap();
    assert_eq!(named.principals[0].name, "app");
}

#[test]
fn account_details_give_each_principal_its_own_groups_and_managed_policies() {
    let samples = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/policies");
    let policies = Policies::read(&["account-details.json"], &samples).unwrap();
    let labels = |name: &str| -> Vec<String> {
        let (_, principal) = policies
            .find(
                &format!("arn:aws:iam::111122223333:{name}"),
                name.rsplit('/').next().unwrap(),
            )
            .unwrap();
        principal.statements.iter().map(Statement::label).collect()
    };
    assert_eq!(
        labels("role/service/clinic-task-execution-role"),
        [
            "task-secrets, SecretsForTasks",
            "clinic-images, Images",
            "clinic-images, NoDelete"
        ],
        "the default version counts, and no other"
    );
    assert_eq!(labels("user/clinic-reports"), ["read-reports, Reports"]);
    let [auditor, _, execution] = policies.principals.as_slice() else {
        panic!("{policies:?}");
    };
    assert_eq!(
        auditor.missing.first().unwrap(),
        "arn:aws:iam::aws:policy/SecurityAudit"
    );
    assert_eq!(
        execution.boundary.as_deref(),
        Some("arn:aws:iam::111122223333:policy/workload-boundary")
    );
    assert_eq!(execution.trust[0].trusted, ["ecs-tasks.amazonaws.com"]);
    assert!(
        policies
            .find(
                "arn:aws:iam::444455556666:role/clinic-auditor",
                "clinic-auditor"
            )
            .is_none()
    );
}
