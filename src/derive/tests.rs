//! The derived fields on record shapes of AWS's own documentation.

use super::*;
use crate::event::json::Raw;

pub(super) fn event(text: &str) -> Event<'_> {
    Event::of(Raw::new(text))
}

pub(super) fn ask(field: &str, text: &str, organization: &Organization) -> String {
    let derived = Derived::from_field(field).unwrap();
    derived
        .value(&event(text), organization)
        .and_then(|value| value.as_text().map(Cow::into_owned))
        .unwrap_or_default()
}

pub(super) fn plain(field: &str, text: &str) -> String {
    ask(field, text, &Organization::default())
}

const DENIED: &str = r#"{"eventVersion":"1.08","userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/bert","accountId":"111122223333","accessKeyId":"AKIAEXAMPLE","userName":"bert"},
 "eventSource":"sts.amazonaws.com","eventName":"AssumeRole","errorCode":"AccessDenied",
 "errorMessage":"User: arn:aws:iam::111122223333:user/bert is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/x","requestParameters":null}"#;

const TASK: &str = r#"{"eventVersion":"1.08","eventTime":"2026-11-20T04:10:00Z","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:0f9c2d3e4b5a69788796a5b4c3d2e1f0","arn":"arn:aws:sts::111122223333:assumed-role/pazpaz-backend-task-role/0f9c2d3e4b5a69788796a5b4c3d2e1f0","accountId":"111122223333","accessKeyId":"ASIAEXAMPLE",
 "sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/pazpaz-backend-task-role","userName":"pazpaz-backend-task-role"},"attributes":{"creationDate":"2026-11-20T00:10:00Z","mfaAuthenticated":"false"}}},
 "eventSource":"secretsmanager.amazonaws.com","eventName":"GetSecretValue","requestParameters":{"secretId":"arn:aws:secretsmanager:us-east-1:111122223333:secret:pazpaz/jwt-secret-AbCdEf"}}"#;

#[test]
fn a_denied_assume_role_names_its_target_only_in_the_message() {
    assert_eq!(
        plain("trailscan.target", DENIED),
        "arn:aws:iam::111122223333:role/x"
    );
    assert_eq!(plain("trailscan.outcome", DENIED), "denied");
    assert_eq!(plain("trailscan.principal_kind", DENIED), "human");
    assert_eq!(plain("trailscan.key_kind", DENIED), "long_lived");
}

#[test]
fn the_role_is_found_in_the_message_however_that_is_escaped() {
    let role = "arn:aws:iam::111122223333:role/x";
    for (before, behind) in [
        ("bert is not authorized on resource: ", ""),
        ("on resource: ", "."),
        ("\"bert\"\nis not authorized on resource: ", "\" because"),
        ("on resource: ", "\nbecause no \"policy\""),
        ("tab\tor \\ on resource: ", ", 'x'"),
        ("on resource: ", " with C:\\ behind"),
    ] {
        let said = format!("{before}{role}{behind}");
        let message = serde_json::to_string(&said).unwrap();
        let escapes = said.chars().map(|c| format!("\\u{:04x}", c as u32));
        let escaped: String = escapes.collect();
        for message in [message, format!("\"{escaped}\"")] {
            let text = format!(
                r#"{{"eventVersion":"1","eventSource":"sts.amazonaws.com","errorMessage":{message}}}"#
            );
            assert_eq!(plain("trailscan.target", &text), role, "{message}");
        }
    }
    // what else is escaped is part of it
    for (message, expected) in [
        (r"on resource: arn:a\\b", r"arn:a\b"),
        (r"on resource: arn:a\/b c", "arn:a/b"),
        (r"on resource: arn:a\tb", "arn:a\tb"),
        (r"on resource: \u0061rn:a", "arn:a"),
        (r"arn:a", ""),
        // what a caller typed, and IAM's way to write it
        (r"on resource: x", "x"),
        (
            r"on resource: clinic/db because no policy allows it",
            "clinic/db",
        ),
        (r#"on resource: \"clinic/db\" because"#, "clinic/db"),
        (r"on resource: user dana with an explicit deny", "dana"),
        (r"on resource: role eks-reader.", "eks-reader"),
        (r"on resource: user because", "user"),
        (r"on resource: *", ""),
        (r"on resource: * because no policy", ""),
        (
            r"on resource: arn:aws-cn:iam::111122223333:role/x",
            "arn:aws-cn:iam::111122223333:role/x",
        ),
    ] {
        let text = format!(
            r#"{{"eventVersion":"1","eventSource":"sts.amazonaws.com","errorMessage":"{message}"}}"#
        );
        assert_eq!(plain("trailscan.target", &text), expected, "{message}");
    }
}

#[test]
fn a_task_is_a_workload_and_its_sessions_are_one_actor() {
    let task = event(TASK);
    assert_eq!(plain("trailscan.principal_kind", TASK), "workload");
    assert_eq!(
        identity::actor(&task),
        "arn:aws:iam::111122223333:role/pazpaz-backend-task-role"
    );
    assert!(identity::principal(&task).ends_with("/0f9c2d3e4b5a69788796a5b4c3d2e1f0"));
    assert_eq!(plain("trailscan.secret_name", TASK), "pazpaz/jwt-secret");
    assert_eq!(plain("trailscan.session_age_hours", TASK), "4");
    let person = TASK.replace("0f9c2d3e4b5a69788796a5b4c3d2e1f0", "dana@example.com");
    assert_eq!(plain("trailscan.principal_kind", &person), "human");
    let organization = Organization {
        workload: vec![Wildcard::parse("pazpaz-*")],
        ..Default::default()
    };
    assert_eq!(
        ask("trailscan.principal_kind", &person, &organization),
        "workload"
    );
}

#[test]
fn failed_sign_ins_have_no_error_code() {
    let failure = r#"{"eventVersion":"1.08","eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin","responseElements":{"ConsoleLogin":"Failure"}}"#;
    assert_eq!(plain("trailscan.outcome", failure), "failed");
    assert_eq!(
        plain("trailscan.outcome", &failure.replace("Failure", "Success")),
        "success"
    );
    for code in [
        "AccessDeniedException",
        "Client.UnauthorizedOperation",
        "VpceAccessDenied",
    ] {
        let text = format!(r#"{{"eventVersion":"1.08","errorCode":"{code}"}}"#);
        assert_eq!(plain("trailscan.outcome", &text), "denied", "{code}");
    }
    assert_eq!(
        plain(
            "trailscan.outcome",
            r#"{"eventVersion":"1","errorCode":"NoSuchBucket"}"#
        ),
        "failed"
    );
}

#[test]
fn uploads_are_judged_by_what_s3_applied() {
    let organization = Organization {
        required_encryption: vec![
            (Wildcard::parse("phi"), vec!["AES256".into()]),
            (Wildcard::parse("kms-*"), vec!["aws:kms".into()]),
        ],
        ..Default::default()
    };
    for (bucket, applied, expected) in [
        ("phi", "SSE_S3", "met"),
        ("phi", "SSE_KMS", "met"),
        ("phi", "Default_SSE_S3", "default_used"),
        ("kms-1", "Default_SSE_S3", "weaker"),
        ("kms-1", "SSE_S3", "weaker"),
        ("kms-1", "Default_SSE_KMS", "default_used"),
        ("phi", "SSE_C", "customer_key"),
        ("phi", "", "unknown"),
        ("other", "SSE_S3", "not_required"),
    ] {
        let text = format!(
            r#"{{"eventVersion":"1.11","eventTime":"2026-11-20T00:00:00Z","eventSource":"s3.amazonaws.com","eventName":"PutObject","requestParameters":{{"bucketName":"{bucket}"}},"additionalEventData":{{"SSEApplied":"{applied}"}}}}"#
        );
        assert_eq!(
            ask("trailscan.encryption_check", &text, &organization),
            expected,
            "{bucket} {applied}"
        );
    }
    let old = r#"{"eventVersion":"1.08","eventTime":"2022-06-01T00:00:00Z","eventSource":"s3.amazonaws.com","eventName":"PutObject","requestParameters":{"bucketName":"phi"}}"#;
    assert_eq!(
        ask("trailscan.encryption_check", old, &organization),
        "unencrypted"
    );
    assert_eq!(
        plain(
            "trailscan.encryption",
            &old.replace("PutObject", "GetObject")
        ),
        ""
    );
}

#[test]
fn administrator_rights_are_found_in_arns_and_in_documents_of_every_form() {
    let with = |parameters: &str| {
        format!(
            r#"{{"eventVersion":"1.08","eventName":"PutUserPolicy","requestParameters":{parameters}}}"#
        )
    };
    let document = |json: &str| {
        with(&format!(
            r#"{{"policyDocument":{}}}"#,
            serde_json::to_string(json).unwrap()
        ))
    };
    for (text, expected) in [
        (
            with(r#"{"policyArn":"arn:aws:iam::aws:policy/AdministratorAccess"}"#),
            "true",
        ),
        (
            with(r#"{"policyArn":"arn:aws-us-gov:iam::aws:policy/job-function/PowerUserAccess"}"#),
            "true",
        ),
        (
            with(r#"{"policyArn":"arn:aws:iam::aws:policy/ReadOnlyAccess"}"#),
            "false",
        ),
        (
            with(r#"{"policyArn":"arn:aws:iam::111122223333:policy/AdministratorAccess"}"#),
            "false",
        ),
        (
            document(r#"{"Statement":{"Action":"*","Resource":"*","Effect":"Allow"}}"#),
            "true",
        ),
        (
            document(
                r#"{"Statement":[{"Effect":"Allow","Action":["s3:Get*","iam:*"],"Resource":["*"]}]}"#,
            ),
            "true",
        ),
        (
            document(r#"{"Statement":[{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}]}"#),
            "true",
        ),
        (
            document(r#"{"Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}"#),
            "false",
        ),
        (
            document(
                r#"{"Statement":[{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::b/*"}]}"#,
            ),
            "false",
        ),
        (
            document(
                "%7B%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C%22Action%22%3A%22%2A%22%2C%22Resource%22%3A%22%2A%22%7D%5D%7D",
            ),
            "true",
        ),
        (document("not json"), "false"),
    ] {
        assert_eq!(
            plain("trailscan.policy_grants_admin", &text),
            expected,
            "{text}"
        );
    }
}

#[test]
fn iam_calls_that_name_nobody_are_on_the_caller() {
    let text = r#"{"eventVersion":"1.08","eventSource":"iam.amazonaws.com","eventName":"CreateAccessKey","requestParameters":null,"userIdentity":{"type":"IAMUser","userName":"alice","arn":"arn:aws:iam::111122223333:user/alice"}}"#;
    assert_eq!(plain("trailscan.target", text), "alice");
}

#[test]
fn every_field_reads_its_own_name_and_a_record_of_nothing_is_survived() {
    for derived in Derived::ALL {
        assert_eq!(Derived::from_field(derived.as_str()), Some(*derived));
        let _ = derived.value(&Event::default(), &Organization::default());
    }
}

fn session_of(name: &str, more: &str, role: &str) -> String {
    format!(
        r#"{{"eventVersion":"1.11","userIdentity":{{"type":"AssumedRole","principalId":"AROAEXAMPLE:{name}","arn":"arn:aws:sts::111122223333:assumed-role/{role}/{name}","accountId":"111122223333","accessKeyId":"ASIAEXAMPLE",
        "sessionContext":{{{more}"sessionIssuer":{{"type":"Role","arn":"arn:aws:iam::111122223333:role/{role}","userName":"{role}"}}}}}},"eventSource":"s3.amazonaws.com","eventName":"GetObject"}}"#
    )
}

#[test]
fn sessions_of_machines_are_workloads_and_those_of_people_are_not() {
    let kind = |text: &str| plain("trailscan.principal_kind", text);
    for name in [
        "i-0123456789abcdef0",
        "mi-0123456789abcdef0",
        "0f9c2d3e4b5a69788796a5b4c3d2e1f0",
        "AWSCodeBuild-2c6f1a2b-90ab-4cde-8f01-23456789abcd",
        "Automation-2c6f1a2b-90ab-4cde-8f01-23456789abcd",
        "eks-clinic-api-7f6d9c-4f0c1a52-0000-4000-8000-00000000abcd",
        "botocore-session-1795305600",
        "aws-go-sdk-1795305600123456789",
        "GlueJobRunnerSession",
        "AWS-Crawler",
        "GiJTBTZxCiCqwAVvjjxCqnKAxQXbBhfs",
    ] {
        assert_eq!(kind(&session_of(name, "", "app")), "workload", "{name}");
    }
    for (more, name) in [
        (r#""ec2RoleDelivery":"2.0","#, "anything"),
        (
            r#""webIdFederationData":{"federatedProvider":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.us-east-1.amazonaws.com/id/EXAMPLE","attributes":{}},"#,
            "reader",
        ),
        (
            r#""webIdFederationData":{"federatedProvider":"arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"},"#,
            "GitHubActions",
        ),
    ] {
        assert_eq!(kind(&session_of(name, more, "app")), "workload", "{more}");
    }
    let function = session_of("rotate", "", "app").replace(
        "\"sessionContext\"",
        r#""inScopeOf":{"issuerType":"AWS::Lambda::Function","credentialsIssuedTo":"arn:aws:lambda:us-east-1:111122223333:function:rotate"},"sessionContext""#,
    );
    assert_eq!(kind(&function), "workload");
    // people: their names, and whoever comes through Identity Center
    for (name, role) in [
        ("dana", "Admin"),
        ("dana@example.com", "Admin"),
        ("d.abc-1", "Admin"),
        ("123456789012", "AWSReservedSSO_Admin_0123456789abcdef"),
        (
            "4f0c1a52-0000-4000-8000-00000000abcd",
            "AWSReservedSSO_Admin_0123456789abcdef",
        ),
    ] {
        let text = session_of(name, "", role);
        assert_eq!(kind(&text), "human", "{name}");
        assert!(identity::actor(&event(&text)).ends_with(name), "{name}");
    }
    let empty = session_of("dana", "", "Admin")
        .replace("\"sessionContext\"", r#""inScopeOf":{},"sessionContext""#);
    assert_eq!(kind(&empty), "human", "nothing is in scope");
}

#[test]
fn who_signs_nothing_is_anonymous_however_it_is_spelled() {
    for user in [
        r#"{"type":"AWSAccount","principalId":"","accountId":"ANONYMOUS_PRINCIPAL"}"#,
        r#"{"type":"AWSAccount","principalId":"","accountId":"anonymous"}"#,
        r#"{"type":"AWSAccount","principalId":"Anonymous"}"#,
        r#"{"type":"Unknown","principalId":"ANONYMOUS_USER"}"#,
        r#"{"type":"Anonymous"}"#,
        r#"{"accountId":"anonymous"}"#,
    ] {
        let text = format!(
            r#"{{"eventVersion":"1.11","userIdentity":{user},"sourceIPAddress":"198.51.100.7","recipientAccountId":"111122223333"}}"#
        );
        assert_eq!(
            plain("trailscan.principal", &text),
            "anonymous from 198.51.100.7",
            "{user}"
        );
        assert_eq!(
            plain("trailscan.principal_kind", &text),
            "anonymous",
            "{user}"
        );
    }
    let named = r#"{"eventVersion":"1.11","userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/anonymous","principalId":"anonymous"}}"#;
    assert_eq!(
        plain("trailscan.principal_kind", named),
        "human",
        "a user may have that name"
    );
}

#[test]
fn callers_of_another_account_are_named_by_it() {
    let text = r#"{"eventVersion":"1.11","userIdentity":{"type":"AWSAccount","principalId":"AIDAVENDORX","accountId":"444455556666"},"recipientAccountId":"111122223333"}"#;
    assert_eq!(
        plain("trailscan.principal", text),
        "AWSAccount:444455556666:AIDAVENDORX"
    );
    let federated = r#"{"eventVersion":"1.11","userIdentity":{"type":"SAMLUser","userName":"dana"},"recipientAccountId":"111122223333"}"#;
    assert_eq!(
        plain("trailscan.principal", federated),
        "SAMLUser:111122223333:dana"
    );
    for (region, arn) in [
        ("us-east-1", "arn:aws:iam::111122223333:root"),
        ("cn-north-1", "arn:aws-cn:iam::111122223333:root"),
        ("us-gov-west-1", "arn:aws-us-gov:iam::111122223333:root"),
    ] {
        let text = format!(
            r#"{{"eventVersion":"1.11","awsRegion":"{region}","userIdentity":{{"type":"Root","accountId":"111122223333"}}}}"#
        );
        assert_eq!(plain("trailscan.principal", &text), arn);
    }
}

#[test]
fn a_record_without_a_recipient_account_still_belongs_to_an_account() {
    let text = r#"{"eventVersion":"1.01","userIdentity":{"type":"AWSAccount","accountId":"anonymous"},"resources":[{"ARN":"arn:aws:s3:::b"},{"accountId":"777788889999"}]}"#;
    let event = event(text);
    assert_eq!(
        event.account(),
        "777788889999",
        "the owner of what was asked for"
    );
    event.note_log_account("111122223333");
    assert_eq!(
        event.account(),
        "111122223333",
        "the key of the log says it"
    );
    let own = self::event(r#"{"eventVersion":"1.01","userIdentity":{"accountId":"444455556666"}}"#);
    assert_eq!(own.account(), "444455556666");
    let none = self::event(r#"{"eventVersion":"1.01"}"#);
    assert_eq!(none.account(), "unknown");
    let said = self::event(r#"{"eventVersion":"1.11","recipientAccountId":"111122223333"}"#);
    said.note_log_account("444455556666");
    assert_eq!(said.account(), "111122223333");
}

#[test]
fn calls_that_name_several_targets_list_each_once() {
    let targets = |text: &str| -> Vec<String> {
        target::several(&event(text))
            .into_iter()
            .map(Cow::into_owned)
            .collect()
    };
    assert_eq!(
        targets(
            r#"{"eventVersion":"1","eventSource":"secretsmanager.amazonaws.com.cn","eventName":"BatchGetSecretValue","requestParameters":{"secretIdList":["a","arn:aws-cn:secretsmanager:cn-north-1:111122223333:secret:clinic/db-AbCdEf","a"]}}"#
        ),
        ["a", "clinic/db", "clinic/db-AbCdEf"]
    );
    assert_eq!(
        targets(
            r#"{"eventVersion":"1","eventSource":"s3.amazonaws.com","eventName":"CopyObject","requestParameters":{"bucketName":"out","x-amz-copy-source":"/clinic-phi/patients%2F1"}}"#
        ),
        ["out", "clinic-phi"]
    );
    assert_eq!(
        targets(r#"{"eventVersion":"1","eventSource":"kms.amazonaws.com","eventName":"ReEncrypt","resources":[{"ARN":"arn:aws:kms:us-east-1:111122223333:key/1"},{"ARN":"arn:aws:kms:us-east-1:111122223333:key/2"}]}"#).len(),
        2
    );
    assert_eq!(
        targets(
            r#"{"eventVersion":"1","eventName":"CopyObject","requestParameters":{"bucketName":"a","x-amz-copy-source":"a/b"}}"#
        ),
        [""; 0]
    );
}
