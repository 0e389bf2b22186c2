//! Least privilege: what roles used, compared with their policies, and the narrower policies proposed.

use std::path::Path;

use serde_json::{Value, json};
use trailscan::assess::privileges::Privileges;
use trailscan::derive::Organization;
use trailscan::detect::Detector;
use trailscan::pipeline::{self, Input, Options, Progress, Work};
use trailscan::policy::Policies;
use trailscan::rules::RuleSet;
use trailscan::safe_text::TerminalText;
use trailscan::source::{Scope, local};
use trailscan::tally::Tally;

use crate::product::{root, run, samples, trailscan};

const ROLE: &str = "clinic-backend-task-role";
const BUCKET: &str = "clinic-attachments-prod";

struct Quiet;

impl Progress for Quiet {
    fn listed(&self, _: u64) {}
    fn object(&self, _: u64, _: u64) {}
    fn remark(&self, _: &TerminalText) {}
}

/// A call of a session of the role. `more` replaces members of the record.
fn call(number: u32, name: &str, parameters: Value, more: Value) -> Value {
    let (service, name) = name.split_once(':').unwrap();
    let is_data = (service == "s3" && name.contains("Object")) || name == "SendMessage";
    let mut record = json!({
        "eventVersion": "1.11", "eventTime": format!("2026-11-{:02}T10:00:00Z", 10 + number % 9),
        "eventSource": format!("{service}.amazonaws.com"), "eventName": name, "awsRegion": "us-east-1",
        "sourceIPAddress": "10.0.0.1", "userAgent": "app", "requestParameters": parameters, "responseElements": null,
        "eventID": format!("00000000-0000-4000-8000-{number:012}"), "eventType": "AwsApiCall",
        "readOnly": !name.starts_with("Put") && !name.starts_with("Delete"),
        "managementEvent": !is_data, "eventCategory": if is_data { "Data" } else { "Management" },
        "recipientAccountId": "111122223333",
        "userIdentity": {"type": "AssumedRole", "principalId": "AROAEXAMPLE:task-1", "accountId": "111122223333",
            "arn": format!("arn:aws:sts::111122223333:assumed-role/{ROLE}/task-1"), "accessKeyId": "ASIAEXAMPLE",
            "sessionContext": {"attributes": {"creationDate": "2026-11-10T09:00:00Z", "mfaAuthenticated": "false"},
                "sessionIssuer": {"type": "Role", "userName": ROLE, "arn": format!("arn:aws:iam::111122223333:role/{ROLE}")}}}
    });
    if is_data {
        let kind = if service == "s3" {
            "AWS::S3::Object"
        } else {
            "AWS::SQS::Queue"
        };
        record["resources"] =
            json!([{"type": kind, "ARNPrefix": format!("arn:aws:s3:::{BUCKET}/")}]);
    }
    for (member, value) in more.as_object().unwrap() {
        record[member] = value.clone();
    }
    record
}

fn write(folder: &Path, name: &str, records: &[Value]) {
    let text = json!({"Records": records}).to_string();
    std::fs::write(folder.join(name), text).unwrap();
}

fn secret(name: &str) -> Value {
    json!({"secretId": name})
}

fn object(key: &str) -> Value {
    json!({"bucketName": BUCKET, "key": key, "x-amz-server-side-encryption": "AES256"})
}

fn list(prefix: &str) -> Value {
    json!({"bucketName": BUCKET, "prefix": prefix, "list-type": "2"})
}

/// What the role does in the stories: within its documents, outside of them, and refused.
fn story() -> Vec<Value> {
    let get = "secretsmanager:GetSecretValue";
    let nothing = || json!({});
    let denied = json!({"errorCode": "AccessDenied", "errorMessage": "Access Denied"});
    vec![
        call(1, get, secret("clinic/jwt-secret"), nothing()),
        call(2, get, secret("clinic/jwt-secret"), nothing()),
        call(3, get, secret("clinic/payroll"), nothing()),
        call(
            4,
            get,
            secret("clinic/jwt-secret"),
            json!({"awsRegion": "us-west-2"}),
        ),
        call(5, "s3:ListObjects", list("tenant-7/scans/"), nothing()),
        call(6, "s3:ListObjects", list(""), nothing()),
        call(7, "s3:PutObject", object("tenant-7/a.jpg"), nothing()),
        call(
            8,
            "s3:PutObject",
            json!({"bucketName": BUCKET, "key": "tenant-7/b.jpg"}),
            denied.clone(),
        ),
        call(
            9,
            "s3:GetObject",
            json!({"bucketName": BUCKET, "key": "tenant-7/b.jpg"}),
            denied,
        ),
        call(
            10,
            "sqs:SendMessage",
            json!({"queueUrl": "https://sqs.us-east-1.amazonaws.com/111122223333/clinic-mail"}),
            nothing(),
        ),
    ]
}

fn read(logs: &Path, policies: &Policies) -> Tally {
    let scope = Scope::all(std::time::UNIX_EPOCH.into());
    let (rules, organization) = (RuleSet::default(), Organization::default());
    let detector = Detector::new(&rules, &organization).counting_uses(policies, false);
    let options = Options {
        jobs: 1,
        max_object_mib: 16,
        ..Options::default()
    };
    let input = Input::Files(local::walk(logs, &scope).unwrap());
    pipeline::run(input, Work::rules(&detector), &scope, &options, &Quiet)
}

fn assess(logs: &Path, policies: &Policies) -> Privileges {
    Privileges::new(
        policies,
        &Organization::default(),
        &read(logs, policies),
        false,
    )
}

fn sample_role() -> Policies {
    Policies::read(&["clinic-backend-task-role.json"], &samples("policies")).unwrap()
}

/// `action calls resource`, the account and Region left out.
fn lines(rows: &[trailscan::assess::privileges::Used]) -> Vec<String> {
    let line = |row: &trailscan::assess::privileges::Used| {
        format!(
            "{} {} {}{}",
            row.action,
            row.calls,
            row.resource,
            if row.undecided { " ?" } else { "" }
        )
    };
    rows.iter().map(line).collect()
}

#[test]
fn a_role_that_goes_beyond_its_documents_is_reported_with_each_condition() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "a.json", &story());
    // another trail delivers the same records: they count once
    write(folder.path(), "b.json", &story());
    let privileges = assess(folder.path(), &sample_role());
    let [role] = privileges.principals.as_slice() else {
        panic!("{privileges:?}");
    };
    let secret = |region: &str, name: &str| {
        format!("arn:aws:secretsmanager:{region}:111122223333:secret:{name}-??????")
    };
    assert_eq!(
        lines(&role.used),
        [
            format!("s3:ListBucket 1 arn:aws:s3:::{BUCKET}"),
            format!("s3:PutObject 1 arn:aws:s3:::{BUCKET}/*"),
            format!(
                "secretsmanager:GetSecretValue 2 {}",
                secret("us-east-1", "clinic/jwt-secret")
            ),
            "sqs:SendMessage 1 arn:aws:sqs:us-east-1:111122223333:clinic-mail".to_owned(),
        ]
    );
    assert_eq!(
        lines(&role.outside),
        [
            // the whole bucket was listed, against the prefix condition
            format!("s3:ListBucket 1 arn:aws:s3:::{BUCKET}"),
            format!(
                "secretsmanager:GetSecretValue 1 {}",
                secret("us-east-1", "clinic/payroll")
            ),
            format!(
                "secretsmanager:GetSecretValue 1 {}",
                secret("us-west-2", "clinic/jwt-secret")
            ),
        ]
    );
    // reads never carry the encryption header, so the documents do not allow them either
    let refused: Vec<_> = role
        .refused
        .iter()
        .map(|one| (&*one.action, one.documents))
        .collect();
    let not_allowed = "do not allow it";
    assert_eq!(
        refused,
        [("s3:GetObject", not_allowed), ("s3:PutObject", not_allowed)]
    );
    let unused: Vec<String> = role
        .unused
        .iter()
        .map(|one| format!("{} {}", one.action, one.unseen.is_some()))
        .collect();
    assert_eq!(
        unused,
        [
            "secretsmanager:DescribeSecret false",
            "secretsmanager:GetSecretValue false",
            "s3:GetObject false",
            "s3:DeleteObject false",
            "rds-db:connect true",
            "cloudwatch:PutMetricData true",
        ]
    );
    assert!(role.unused[1].resources[0].contains("database-url") && role.unused[1].used_on_others);
    let wildcard = role
        .wildcards
        .iter()
        .find(|one| one.pattern == "sqs:*")
        .unwrap();
    assert_eq!(wildcard.used, ["sqs:SendMessage"]);
    let proposal = role.proposal.as_ref().unwrap();
    assert!(
        proposal.warnings[0].contains("90 days"),
        "{:?}",
        proposal.warnings
    );
    assert_eq!(
        proposal.left_out,
        ["s3:ListBucket", "secretsmanager:GetSecretValue"]
    );
    assert!(proposal.kept_unseen.contains(&"rds-db:connect".to_owned()));
}

#[test]
fn without_data_events_the_use_of_s3_is_unknown_and_its_rights_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let management: Vec<Value> = story()
        .into_iter()
        .filter(|one| one["eventCategory"] == "Management")
        .collect();
    write(folder.path(), "a.json", &management);
    let privileges = assess(folder.path(), &sample_role());
    let role = &privileges.principals[0];
    let hidden = |action: &str| {
        role.limits
            .iter()
            .any(|limit| limit.starts_with(action) && limit.contains("data events are off"))
    };
    for action in ["s3:GetObject", "s3:PutObject", "s3:ListBucket"] {
        assert!(hidden(action), "{:?}", role.limits);
    }
    let proposal = role.proposal.as_ref().unwrap();
    assert!(
        proposal.kept_unseen.contains(&"s3:DeleteObject".to_owned()),
        "{proposal:?}"
    );
    let text = proposal.documents[0].to_string();
    assert!(
        text.contains("s3:DeleteObject") && text.contains("AES256"),
        "{text}"
    );
}

/// Everything that the documents allowed and that was used is allowed by the proposal, and what was not
/// used is not: other secrets, queues, Regions, prefixes and actions.
#[test]
fn a_proposal_allows_what_was_used_and_nothing_beyond_its_resources() {
    let logs = tempfile::tempdir().unwrap();
    write(logs.path(), "a.json", &story());
    let policies = sample_role();
    let used = read(logs.path(), &policies);
    let privileges = Privileges::new(&policies, &Organization::default(), &used, false);
    let proposal = privileges.principals[0].proposal.as_ref().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut files = Vec::new();
    for (at, document) in proposal.documents.iter().enumerate() {
        assert_eq!(document["Version"], "2012-10-17");
        std::fs::write(
            folder.path().join(format!("{at}.json")),
            document.to_string(),
        )
        .unwrap();
        files.push(format!("{ROLE}={at}.json"));
    }
    let narrower = Policies::read(&files, folder.path()).unwrap();
    let again = assess(logs.path(), &narrower);
    let before = &privileges.principals[0];
    assert_eq!(lines(&again.principals[0].used), lines(&before.used));
    assert_eq!(lines(&again.principals[0].outside), lines(&before.outside));
    // within the documents, and not used
    let mut unused = Vec::new();
    let mut number = 100;
    for (name, parameters) in [
        ("secretsmanager:DescribeSecret", secret("clinic/jwt-secret")),
        (
            "secretsmanager:GetSecretValue",
            secret("clinic/database-url"),
        ),
        (
            "secretsmanager:GetSecretValue",
            secret("clinic/jwt-secret-2"),
        ),
        ("s3:DeleteObject", object("tenant-7/a.jpg")),
        (
            "sqs:SendMessage",
            json!({"queueUrl": "https://sqs.us-east-1.amazonaws.com/111122223333/clinic-other"}),
        ),
        (
            "sqs:DeleteQueue",
            json!({"queueUrl": "https://sqs.us-east-1.amazonaws.com/111122223333/clinic-mail"}),
        ),
    ] {
        number += 1;
        unused.push(call(number, name, parameters, json!({})));
    }
    let other = tempfile::tempdir().unwrap();
    write(other.path(), "a.json", &unused);
    let allowed = assess(other.path(), &policies);
    assert_eq!(
        allowed.principals[0].used.len(),
        unused.len(),
        "{:?}",
        allowed.principals[0].used
    );
    let allowed = assess(other.path(), &narrower);
    assert_eq!(lines(&allowed.principals[0].used), Vec::<String>::new());
    assert_eq!(allowed.principals[0].outside.len(), unused.len());
    // the granularity: objects of a bucket are not distinguished
    write(
        other.path(),
        "a.json",
        &[call(
            200,
            "s3:PutObject",
            object("tenant-8/b.jpg"),
            json!({}),
        )],
    );
    assert_eq!(
        lines(&assess(other.path(), &narrower).principals[0].outside),
        Vec::<String>::new()
    );
}

#[test]
fn long_proposals_are_split_into_documents_that_iam_takes() {
    let logs = tempfile::tempdir().unwrap();
    let name = |number: u32| format!("clinic/{}-{number}", "a-long-name-of-a-secret".repeat(3));
    let records: Vec<Value> = (0..90)
        .map(|number| {
            call(
                number,
                "secretsmanager:GetSecretValue",
                secret(&name(number)),
                json!({}),
            )
        })
        .collect();
    write(logs.path(), "a.json", &records);
    let folder = tempfile::tempdir().unwrap();
    let document = json!({"Version": "2012-10-17", "Statement": [
        {"Sid": "Secrets", "Effect": "Allow", "Action": "secretsmanager:*", "Resource": "*"},
        {"Sid": "Secrets", "Effect": "Deny", "Action": "secretsmanager:DeleteSecret", "Resource": "*"}]});
    std::fs::write(
        folder.path().join(format!("{ROLE}.json")),
        document.to_string(),
    )
    .unwrap();
    let policies = Policies::read(&[format!("{ROLE}.json")], folder.path()).unwrap();
    let privileges = assess(logs.path(), &policies);
    let proposal = privileges.principals[0].proposal.as_ref().unwrap();
    assert!(proposal.documents.len() > 1);
    assert!(
        proposal
            .warnings
            .iter()
            .any(|warning| warning.contains("split into")),
        "{:?}",
        proposal.warnings
    );
    let mut resources = 0;
    for document in &proposal.documents {
        let size = document
            .to_string()
            .chars()
            .filter(|c| !c.is_whitespace())
            .count();
        assert!(size <= 6_144, "{size}");
        let statements = document["Statement"].as_array().unwrap();
        let mut sids: Vec<&str> = statements
            .iter()
            .map(|one| one["Sid"].as_str().unwrap())
            .collect();
        let count = sids.len();
        sids.sort_unstable();
        sids.dedup();
        assert_eq!(sids.len(), count, "a Sid stands once in a document");
        let allowing = statements.iter().filter(|one| one["Effect"] == "Allow");
        resources += allowing
            .map(|one| one["Resource"].as_array().unwrap().len())
            .sum::<usize>();
    }
    assert_eq!(resources, 90);
    assert!(
        proposal
            .documents
            .iter()
            .any(|one| one.to_string().contains("Deny"))
    );
}

fn privileges(arguments: &[&str], folder: &Path) -> (Option<i32>, String, String) {
    let ran = trailscan()
        .arg("privileges")
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (ran.status.code(), text(ran.stdout), text(ran.stderr))
}

#[test]
fn the_command_reads_policies_from_arguments_and_from_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("logs")).unwrap();
    write(&folder.path().join("logs"), "a.json", &story());
    let policy = samples("policies/clinic-backend-task-role.json")
        .display()
        .to_string();
    let (code, text, errors) = privileges(
        &[
            "logs",
            ROLE,
            "--policies",
            &policy,
            "--sessions",
            "--proposals",
            "narrower",
        ],
        folder.path(),
    );
    assert_eq!(code, Some(0), "{errors}");
    for shown in [
        "used outside the documents",
        "granted and never used",
        "session task-1",
        "not an IAM simulator",
        "proposed policy",
    ] {
        assert!(text.contains(shown), "{shown}: {text}");
    }
    let proposed =
        std::fs::read_to_string(folder.path().join(format!("narrower/{ROLE}.json"))).unwrap();
    let proposed: Value = serde_json::from_str(&proposed).unwrap();
    assert_eq!(proposed["Version"], "2012-10-17");
    // the configuration names the policies, and the role is for emergencies
    let config =
        format!("[principals]\nbreak_glass = [\"{ROLE}\"]\n[iam]\npolicies = [{policy:?}]\n");
    std::fs::write(folder.path().join("trailscan.toml"), config).unwrap();
    let (code, text, errors) = privileges(&["logs", "--format", "json"], folder.path());
    assert_eq!(code, Some(0), "{errors}");
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["schema"], "trailscan.privileges/1");
    let role = &document["principals"][0];
    assert!(
        role["proposal"].is_null()
            && role["no_proposal"]
                .as_str()
                .unwrap()
                .contains("emergencies"),
        "{role}"
    );
    // a role without documents is known by what it used
    let (code, text, _) = privileges(&["logs", "--role", "nobody"], folder.path());
    assert_eq!(
        (code, text.contains("No policy document was given")),
        (Some(0), true),
        "{text}"
    );
    std::fs::write(folder.path().join("bad.json"), "{\"Statement\":[{]}").unwrap();
    let (code, _, errors) = privileges(&["logs", "--policies", "bad.json"], folder.path());
    assert_eq!(code, Some(2));
    assert!(
        errors.contains("bad.json: not JSON") && errors.contains("column 16"),
        "{errors}"
    );
}

#[test]
fn the_report_has_a_table_of_rights_or_says_why_it_has_none() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("logs")).unwrap();
    write(&folder.path().join("logs"), "a.json", &story());
    let logs = folder.path().join("logs");
    let none = run(&logs, &["--quiet"]).file("report.html");
    assert!(
        none.contains("Granted and used rights") && none.contains("configuration missing"),
        "no table"
    );
    let policy = samples("policies/clinic-backend-task-role.json")
        .display()
        .to_string();
    let config = folder.path().join("trailscan.toml");
    std::fs::write(&config, format!("[iam]\npolicies = [{policy:?}]\n")).unwrap();
    let html = run(&logs, &["--quiet", "--config", config.to_str().unwrap()]).file("report.html");
    let (_, table) = html.split_once("Granted and used rights").unwrap();
    for shown in [
        ROLE,
        "secretsmanager:DescribeSecret",
        "rds-db:connect",
        "not an IAM simulator",
    ] {
        assert!(table.contains(shown), "{shown}");
    }
    let catalogue = trailscan()
        .args(["rules", "list", "--catalogue"])
        .current_dir(root())
        .output()
        .unwrap();
    let catalogue = String::from_utf8(catalogue.stdout).unwrap();
    let (_, d14) = catalogue.split_once("D14").unwrap();
    assert!(
        d14.lines()
            .nth(1)
            .unwrap()
            .contains("covered by: `trailscan privileges`"),
        "{d14}"
    );
}

/// The policies that the project began with, from its own documents: the values that its rules need.
#[test]
fn init_proposes_the_configuration_of_the_sample_policies() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| samples("policies").join(name).display().to_string();
    let ran = trailscan()
        .args([
            "init",
            "--from-policy",
            &file("clinic-backend-task-role.json"),
            &file("account-details.json"),
        ])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert_eq!(
        ran.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        0,
        "it only prints"
    );
    std::fs::write(folder.path().join("proposed.toml"), ran.stdout).unwrap();
    let (code, text, errors) = privileges(
        &[
            samples("trails/quiet").to_str().unwrap(),
            "--config",
            "proposed.toml",
        ],
        folder.path(),
    );
    assert!(matches!(code, Some(0 | 3)), "{errors}");
    assert!(
        text.contains(ROLE) && text.contains("clinic-task-execution-role"),
        "{text}"
    );
}
