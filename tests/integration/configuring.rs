//! The configuration, checked and shown; and rules under former names.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use trailscan::config::Config;

use crate::product::{Ran, finish, run, signed_in, trailscan};

/// What a command prints, on both streams, and its exit code.
fn said(arguments: &[&str], folder: &Path) -> (i32, String) {
    let mut command = trailscan();
    command.current_dir(folder).args(arguments);
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let text = text(output.stdout) + &text(output.stderr);
    (output.status.code().unwrap(), text)
}

fn folder_with(config: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("trailscan.toml"), config).unwrap();
    folder
}

#[test]
fn check_names_every_fault_with_its_line_and_what_was_expected() {
    let folder = folder_with(
        "[phi]\nbukets = [\"x\"]\nbuckets = [\n  \"clinic-files\",\n  \"s3://clinic/prefix\",\n  \"no bucket\",\n]\n\
         [session]\nmax_hours = \"twelve\"\n[scope]\nregions = []\n\
         [principals]\nhuman = [\"111122223333\"]\n[rules.no_such_rule]\nlevel = \"low\"\n",
    );
    let (code, text) = said(&["config", "check"], folder.path());
    assert_eq!(code, 2, "{text}");
    for line in [
        "trailscan.toml:2: error: unknown field `bukets`, expected one of `buckets`",
        "trailscan.toml:5: error: phi.buckets: `s3://clinic/prefix` names a prefix",
        "trailscan.toml:6: error: phi.buckets: `no bucket` is not a bucket: write the bucket's name",
        "trailscan.toml:9: error: session.max_hours: invalid type: string \"twelve\", expected u16",
        "trailscan.toml:11: error: scope.regions: the list is empty",
        "trailscan.toml:13: error: principals.human: `111122223333` is not a role or user",
        "trailscan.toml cannot be used: 6 faults",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    // what only the rules can tell is reported once the form is sound, by `run` in the same words
    let folder = folder_with("\n[rules.aws_iam_root_activty]\nlevel = \"low\"\n");
    let line = "no rule has this name: is it aws_iam_root_activity?";
    let (code, checked) = said(&["config", "check"], folder.path());
    assert_eq!(code, 2, "{checked}");
    assert!(checked.contains("trailscan.toml:2: error: rules.aws_iam_root_activty:"));
    let (code, ran) = said(&["run", "."], folder.path());
    assert_eq!(code, 2, "{ran}");
    for text in [checked, ran] {
        assert!(text.contains(line), "{text}");
    }
}

#[test]
fn check_ends_with_0_where_the_configuration_is_sound_and_lists_warnings() {
    let folder =
        folder_with("[calendar]\ntimezone = \"EST\"\nhours = { monday = [\"08:00-18:00\"] }\n");
    let (code, text) = said(&["config", "check"], folder.path());
    assert_eq!(code, 0, "{text}");
    assert!(
        text.contains("trailscan.toml:2: warning: calendar.timezone"),
        "{text}"
    );
    assert!(text.contains("is sound, with 1 warning: "), "{text}");
    let (code, text) = said(&["config", "check", "no-such.toml"], folder.path());
    assert_eq!(code, 2, "{text}");
    let empty = tempfile::tempdir().unwrap();
    let (code, text) = said(&["config", "check"], empty.path());
    assert!(code == 0 && text.contains("no configuration"), "{text}");
}

#[test]
fn show_tells_each_value_with_its_origin_and_the_rules_that_each_missing_key_disables() {
    let folder = folder_with(
        "[phi]\nbuckets = [\"arn:aws:s3:::clinic-files\"]\n\n[history]\n\n\
         [rules.aws_s3_object_change_volume]\nthreshold = 500\n",
    );
    let mut command = trailscan();
    command
        .args(["config", "show", "--format", "json"])
        .current_dir(folder.path())
        .env("TRAILSCAN_CONFIG", "trailscan.toml");
    let shown: Value = serde_json::from_slice(&command.output().unwrap().stdout).unwrap();
    assert_eq!(shown["file"]["origin"], "environment: TRAILSCAN_CONFIG");
    let value = |key: &str| {
        let all = shown["values"].as_array().unwrap();
        all.iter().find(|one| one["key"] == key).unwrap().clone()
    };
    assert_eq!(
        value("phi.buckets"),
        json!({"key": "phi.buckets", "value": ["clinic-files"], "origin": "trailscan.toml:2"})
    );
    assert_eq!(value("history.learning_days")["value"], 30);
    assert_eq!(value("history.learning_days")["origin"], "default");
    let threshold = value("rules.aws_s3_object_change_volume.threshold");
    assert_eq!(threshold["value"], 500);
    assert_eq!(threshold["origin"], "trailscan.toml:7");
    assert!(
        threshold["default"].as_f64().unwrap() > 500.0,
        "{threshold}"
    );
    let missing = shown["missing"].as_array().unwrap();
    let disabled = |key: &str| {
        let one = missing.iter().find(|one| one["key"] == key);
        one.map(|one| one["disables"].as_array().unwrap().clone())
    };
    assert_eq!(disabled("phi.buckets"), None);
    let by_calendar = disabled("calendar").unwrap();
    assert!(by_calendar.contains(&json!("aws_secretsmanager_secret_read_after_hours")));
    // one rule may wait for several keys, and stands below each
    let phi = json!("aws_secretsmanager_phi_secret_read_after_hours");
    assert!(by_calendar.contains(&phi) && disabled("phi.secrets").unwrap().contains(&phi));
    // every rule that waits is named, and no other
    let mut listed = trailscan();
    listed
        .args(["rules", "list", "--format", "json"])
        .current_dir(folder.path());
    let listed: Value = serde_json::from_slice(&listed.output().unwrap().stdout).unwrap();
    let waits = |rule: &&Value| !rule["missing"].as_array().unwrap().is_empty();
    let waiting = listed["rules"].as_array().unwrap().iter().filter(waits);
    let waiting: BTreeSet<&str> = waiting.map(|rule| rule["name"].as_str().unwrap()).collect();
    let named = missing
        .iter()
        .flat_map(|one| one["disables"].as_array().unwrap());
    assert_eq!(
        named
            .map(|rule| rule.as_str().unwrap())
            .collect::<BTreeSet<_>>(),
        waiting
    );
    let (code, text) = said(&["config", "show"], folder.path());
    assert_eq!(code, 0);
    for line in [
        "Configuration: trailscan.toml (found in the working directory)",
        "  phi.buckets = [\"clinic-files\"]  (trailscan.toml:2)",
        "  calendar.timezone = \"UTC\"  (default)",
        "  calendar: disables ",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}

const HEAD: &str = "logsource: {product: aws, service: cloudtrail}\nlevel: low\n";
const KEYS: &str =
    "detection: {call: {eventName: [CreateAccessKey, DeleteAccessKey]}, condition: call}\n";

fn rule(name: &str, id: char, detection: &str, more: &str) -> String {
    format!(
        "title: {name}\nname: {name}\nid: {id}0000000-0000-4000-8000-000000000000\n{HEAD}{detection}{more}"
    )
}

/// A run under these rules and this configuration on one log of two calls.
fn renamed(rules: &str, config: &str) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    let record = |name: &str, number: u32| {
        json!({
            "eventVersion": "1.11", "eventSource": "iam.amazonaws.com", "eventName": name,
            "eventTime": "2026-11-18T15:00:00Z", "awsRegion": "us-east-1",
            "userIdentity": {"type": "IAMUser", "userName": "anna", "arn": "arn:aws:iam::111122223333:user/anna"},
            "eventID": format!("00000000-0000-4000-8000-{number:012}"),
            "recipientAccountId": "111122223333",
        })
    };
    let records = [record("CreateAccessKey", 1), record("DeleteAccessKey", 2)];
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let log = write("log.json", &json!({ "Records": records }).to_string());
    let (rules, config) = (write("r.yml", rules), write("trailscan.toml", config));
    run(
        log,
        &["--no-builtin-rules", "--rules", &rules, "--config", &config],
    )
}

fn findings(ran: &Ran) -> Vec<Value> {
    ran.json("findings.json")["findings"]
        .as_array()
        .unwrap()
        .clone()
}

#[test]
fn a_rule_that_was_renamed_or_split_keeps_the_ids_of_its_findings_and_its_settings() {
    let old = findings(&renamed(&rule("key_change", 'a', KEYS, ""), ""));
    let old_id = old[0]["id"].as_str().unwrap();
    assert_eq!(old[0].get("aliases"), None);
    // renamed: settings under the old name and the old id apply, with a notice
    let related = "related: [{id: a0000000-0000-4000-8000-000000000000, type: renamed}]\n";
    let more = format!("{related}trailscan: {{aliases: [key_change]}}\n");
    let new = rule("access_key_change", 'b', KEYS, &more);
    for key in ["key_change", "a0000000-0000-4000-8000-000000000000"] {
        let ran = renamed(&new, &format!("[rules.{key}]\nlevel = \"high\"\n"));
        let found = findings(&ran);
        assert_eq!(found[0]["level"], "high");
        assert_ne!(found[0]["id"], old_id);
        assert_eq!(found[0]["aliases"], json!([old_id]));
        assert!(
            ran.stderr.contains(&format!(
                "note: rules.{key}: the rule is called access_key_change now"
            )),
            "{}",
            ran.stderr
        );
    }
    // so do accepted blind spots
    let accepted =
        "[[accepted_blind_spots]]\nrule = \"key_change\"\nreason = \"x\"\nuntil = \"2999-01-01\"\n";
    let page = renamed(&new, accepted).file("report.html");
    assert!(!page.contains("which is not in use"));
    let disabled = renamed(
        &(rule("other", 'd', KEYS, "---\n") + &new),
        "[rules.key_change]\nenabled = false\n",
    );
    let rules: Vec<Value> = findings(&disabled)
        .iter()
        .map(|one| one["rule"].clone())
        .collect();
    assert_eq!(rules, ["other"]);
    // split: both halves lead back to the finding that they came from
    let half = |name: &str, id, call: &str| {
        let detection = format!("detection: {{call: {{eventName: {call}}}, condition: call}}\n");
        rule(name, id, &detection, "trailscan: {aliases: [key_change]}\n")
    };
    let halves = half("created", 'b', "CreateAccessKey")
        + "---\n"
        + &half("deleted", 'c', "DeleteAccessKey");
    let found = findings(&renamed(&halves, ""));
    assert_eq!(found.len(), 2);
    for half in found {
        assert_eq!(half["aliases"], json!([old_id]));
    }
    // a filter that names the old rule still filters
    let filter = "---\ntitle: F\nlogsource: {product: aws, service: cloudtrail}\n\
                  filter: {rules: [key_change], call: {eventName: DeleteAccessKey}, condition: not call}\n";
    assert_eq!(findings(&renamed(&(new + filter), ""))[0]["count"], 1);
}

#[test]
fn an_alias_that_another_rule_has_for_a_name_is_an_error_of_lint_and_an_unknown_technique_is_named()
{
    let folder = tempfile::tempdir().unwrap();
    let tags = "tags: [attack.t1098.100, attack.t1562.008, attack.t1098.001]\n";
    let text = rule("one", 'a', KEYS, tags)
        + "---\n"
        + &rule("two", 'b', KEYS, "trailscan: {aliases: [one, gone]}\n")
        + "---\n"
        + &rule("three", 'c', KEYS, "trailscan: {aliases: [three]}\n");
    fs::write(folder.path().join("r.yml"), text).unwrap();
    let (code, said) = said(
        &["rules", "lint", "r.yml", "--no-builtin-rules"],
        folder.path(),
    );
    assert_eq!(code, 1, "{said}");
    for line in [
        "error: two: its alias `one` is the name of the rule in r.yml:1",
        "error: three: its alias `three` is its own name",
        "warning: one: ATT&CK 19 has no technique T1098.100",
        "warning: one: ATT&CK 19 no longer has the technique T1562.008: write attack.t1685.002",
        "3 rules can be used, 0 cannot; 2 warnings",
    ] {
        assert!(said.contains(line), "{line}\n{said}");
    }
}

/// Three weeks of an organization: an instance at all hours, a user whose key a program seems to use, a
/// person in the office of New York, CloudTrail's own deliveries, and one call from elsewhere.
fn three_weeks() -> Vec<Value> {
    let mut records = Vec::new();
    let mut add = |day: u32,
                   hour: u32,
                   who: Value,
                   agent: &str,
                   address: &str,
                   call: [&str; 2],
                   what: Value| {
        let number = records.len();
        records.push(json!({
            "eventVersion": "1.11", "eventSource": format!("{}.amazonaws.com", call[0]), "eventName": call[1],
            "eventTime": format!("2026-11-{day:02}T{hour:02}:{:02}:00Z", number % 60),
            "awsRegion": if day == 9 && hour == 3 { "eu-west-3" } else { "us-east-1" },
            "userIdentity": who, "sourceIPAddress": address, "userAgent": agent, "requestParameters": what,
            "eventID": format!("00000000-0000-4000-8000-{number:012}"), "recipientAccountId": "111122223333",
        }));
    };
    let role = |name: &str, session: &str| {
        json!({"type": "AssumedRole", "accountId": "111122223333", "accessKeyId": "ASIAIOSFODNN7EXAMPLE",
            "arn": format!("arn:aws:sts::111122223333:assumed-role/{name}/{session}"),
            "sessionContext": {"sessionIssuer": {"type": "Role", "userName": name,
                "arn": format!("arn:aws:iam::111122223333:role/{name}")}}})
    };
    let user = json!({"type": "IAMUser", "userName": "ci-bot", "accountId": "111122223333",
        "arn": "arn:aws:iam::111122223333:user/ci-bot", "accessKeyId": "AKIAIOSFODNN7EXAMPLE"});
    let trail = json!({"type": "AWSService", "invokedBy": "cloudtrail.amazonaws.com"});
    let person = "AWSReservedSSO_Admin_0123456789abcdef";
    for day in 2..=22 {
        for hour in 0..24 {
            let mut app = role("app", "i-0123456789abcdef0");
            app["sessionContext"]["ec2RoleDelivery"] = json!("2.0");
            let secret = json!({"secretId": "clinic/db"});
            add(
                day,
                hour,
                app,
                "Boto3/1.2",
                "10.0.0.4",
                ["secretsmanager", "GetSecretValue"],
                secret,
            );
            let list = json!({"bucketName": "assets"});
            add(
                day,
                hour,
                user.clone(),
                "aws-sdk-go/1",
                "10.0.0.5",
                ["s3", "ListBucket"],
                list,
            );
        }
        add(
            day,
            1,
            trail.clone(),
            "cloudtrail.amazonaws.com",
            "cloudtrail.amazonaws.com",
            ["s3", "PutObject"],
            json!({"bucketName": "audit-trail"}),
        );
        // a name that a service might have given, and nothing of AWS's that says so
        let batch = role("batch", "i-0123456789abcdef0");
        let list = json!({"bucketName": "assets"});
        add(day, 5, batch, "x", "10.0.0.6", ["s3", "ListBucket"], list);
        // 2026-11-02 was a Monday; 08:00 to 17:00 in New York is 13:00 to 22:00
        if (day - 2) % 7 < 5 {
            let anna = || role(person, "anna@clinic.example");
            add(
                day,
                13,
                anna(),
                "Mozilla/5.0",
                "198.51.100.7",
                ["signin", "ConsoleLogin"],
                Value::Null,
            );
            for hour in 13..22 {
                for _ in 0..2 {
                    let files = json!({"bucketName": "clinic-phi-files"});
                    add(
                        day,
                        hour,
                        anna(),
                        "Mozilla/5.0",
                        "198.51.100.7",
                        ["s3", "GetObject"],
                        files,
                    );
                }
            }
        }
    }
    records
}

#[test]
fn logs_propose_a_configuration_that_loads_and_hides_nothing_on_weak_evidence() {
    let folder = tempfile::tempdir().unwrap();
    let mut records = three_weeks();
    for record in &mut records {
        if record["eventName"] == "ConsoleLogin" {
            record["responseElements"] = json!({"ConsoleLogin": "Success"});
        }
    }
    let log = json!({ "Records": records }).to_string();
    fs::write(folder.path().join("log.json"), log).unwrap();
    let (code, text) = said(&["init", "--from-logs", "log.json"], folder.path());
    assert_eq!(code, 0, "{text}");
    let path = folder.path().join("trailscan.toml");
    let proposed = fs::read_to_string(&path).unwrap();
    let config = Config::parse(&proposed, &path).unwrap();
    let list = |key: &str| config.lists.get(key).cloned().unwrap_or_default();
    let person = "AWSReservedSSO_Admin_0123456789abcdef";
    for (key, values) in [
        // AWS says that the instance is a program; of the user only the caller says so
        ("principals.workload", &["app"][..]),
        ("principals.human", &[person]),
        ("scope.accounts", &["111122223333"]),
        ("scope.regions", &["us-east-1"]),
        ("phi.buckets", &["clinic-phi-files"]),
        ("phi.secrets", &["clinic/db"]),
        ("log.buckets", &["audit-trail"]),
        ("networks.allowed", &[]),
    ] {
        assert_eq!(list(key), values, "{key}\n{proposed}");
    }
    let calendar = config.organization.calendar.as_ref().unwrap();
    assert_eq!(calendar.zone.name(), "America/New_York");
    assert_eq!(calendar.hours[0], [(8 * 60, 17 * 60)]);
    assert!(calendar.hours[5].is_empty() && config.organization.allowed_secrets.is_empty());
    // what would silence rules is there with its evidence, and loads once somebody has looked at it
    for line in [
        "#:     \"ci-bot\",  # 504 calls on 21 days, in 24 of 24 hours; 0 of programs as AWS records, 0 in sessions named as services do, 504 of SDKs",
        "#:     \"batch\",  # 21 calls on 21 days, in 1 of 24 hours; 0 of programs as AWS records, 21 in sessions",
        "#:     \"eu-west-3\",  # on 1 of 21 days",
        "#:     \"198.51.100.0/24\",  # 1 principal, active on up to 15 days",
        "#: allow = { \"app\" = [\"clinic/db\"] }",
        "    \"app\",  # 504 calls on 21 days, in 24 of 24 hours; AWS records of each to which program it gave the session",
    ] {
        assert!(proposed.contains(line), "{line}\n{proposed}");
    }
    let looked_at: String = proposed
        .lines()
        .map(|line| line.strip_prefix("#: ").unwrap_or(line).to_owned() + "\n")
        .collect();
    let config = Config::parse(&looked_at, &path).unwrap();
    assert_eq!(
        config.lists["principals.workload"],
        ["app", "batch", "ci-bot"]
    );
    assert_eq!(config.lists["networks.allowed"], ["198.51.100.0/24"]);
    assert_eq!(config.organization.allowed_secrets.len(), 1);
    // an existing file is never overwritten
    let (code, text) = said(&["init", "--from-logs", "log.json"], folder.path());
    assert!(code == 2 && text.contains("never overwritten"), "{text}");
    assert_eq!(fs::read_to_string(&path).unwrap(), proposed);
}

#[test]
fn names_in_logs_cannot_write_lines_of_the_proposed_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let mut record = three_weeks().swap_remove(0);
    let names = [
        "x\"]\n[rules.aws_iam_root_activity]\nenabled = false\n#",
        "phi\u{202e}\u{1f600}\\",
        "phi-*",
        "patients' phi",
    ];
    let records: Vec<Value> = names
        .iter()
        .zip(1..)
        .map(|(name, number)| {
            record["requestParameters"]["secretId"] = json!(format!("phi {name}"));
            record["eventID"] = json!(format!("00000000-0000-4000-8000-{number:012}"));
            record.clone()
        })
        .collect();
    fs::write(
        folder.path().join("log.json"),
        json!({ "Records": records }).to_string(),
    )
    .unwrap();
    let (code, text) = said(&["init", "--from-logs", "log.json"], folder.path());
    assert_eq!(code, 0, "{text}");
    let path = folder.path().join("trailscan.toml");
    let proposed = fs::read_to_string(&path).unwrap();
    let config = Config::parse(&proposed, &path).unwrap();
    assert!(config.rules.overrides.is_empty(), "{proposed}");
    // each name is taken literally, and one that would be a pattern is left out
    let mut expected: Vec<String> = names.iter().map(|name| format!("phi {name}")).collect();
    expected.retain(|name| !name.contains('*'));
    expected.sort();
    assert_eq!(config.lists["phi.secrets"], expected);
    assert!(!proposed.contains('\u{202e}'));
}

#[test]
fn leavers_stand_in_files_of_names_and_a_file_that_names_nobody_is_a_fault() {
    let folder =
        folder_with("[principals]\nterminated = [\"a\"]\nterminated_files = [\"leavers.txt\"]\n");
    let path = folder.path().join("trailscan.toml");
    let load = |leavers: &str| {
        fs::write(folder.path().join("leavers.txt"), leavers).unwrap();
        Config::load(Some(&path)).map_err(|error| error.to_string())
    };
    let config = load("# left in 2026\nbert.smith # July\n\ndora@clinic.example\n").unwrap();
    assert_eq!(
        config.lists["principals.terminated"],
        ["a", "bert.smith", "dora@clinic.example"]
    );
    assert_eq!(config.files.len(), 1);
    assert!(config.rules.configured.contains(&"principals.terminated"));
    for (leavers, what) in [
        ("# nobody\n", "names nobody"),
        ("x\n111122223333\n", "leavers.txt:2: `111122223333`"),
    ] {
        let error = load(leavers).unwrap_err();
        assert!(
            error.contains("trailscan.toml:3: principals.terminated_files: "),
            "{error}"
        );
        assert!(error.contains(what), "{error}");
    }
}

/// IAM on loopback: a report that is made on the second request, or a refusal.
fn iam(allows: bool) -> (String, std::thread::JoinHandle<Vec<String>>) {
    use std::io::{Read as _, Write as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let calls = if allows { 3 } else { 1 };
    let server = std::thread::spawn(move || {
        let mut seen = Vec::new();
        for stream in listener.incoming().take(calls) {
            let mut stream = stream.unwrap();
            let mut request = Vec::new();
            while !request.windows(7).any(|text| text == b"Version")
                || !request.ends_with(b"-05-08")
            {
                let mut piece = [0; 4096];
                let count = stream.read(&mut piece).unwrap();
                assert!(count > 0, "{}", String::from_utf8_lossy(&request));
                request.extend_from_slice(&piece[..count]);
            }
            let request = String::from_utf8(request).unwrap();
            let csv = "user,arn,access_key_1_last_rotated,access_key_2_last_rotated\n\
                       anna,arn:aws:iam::111122223333:user/anna,2025-01-01T00:00:00+00:00,N/A\n";
            let content = base64(csv);
            let state = if seen.is_empty() {
                "STARTED"
            } else {
                "COMPLETE"
            };
            let (status, body) = match (allows, request.contains("Action=GetCredentialReport")) {
                (false, _) => ("403 Forbidden", "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>".to_owned()),
                (true, false) => ("200 OK", format!("<R><State>{state}</State></R>")),
                (true, true) => ("200 OK", format!("<R><Content>{content}</Content><GeneratedTime>2026-11-20T00:00:00Z</GeneratedTime></R>")),
            };
            seen.push(request);
            write!(
                stream,
                "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            )
            .unwrap();
        }
        seen
    });
    (url, server)
}

fn base64(text: &str) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for bytes in text.as_bytes().chunks(3) {
        let number = (0..3).fold(0u32, |sum, at| {
            sum << 8 | u32::from(*bytes.get(at).unwrap_or(&0))
        });
        for at in 0..4 {
            let digit = DIGITS[(number >> (18 - 6 * at) & 63) as usize];
            out.push(if at > bytes.len() { '=' } else { digit as char });
        }
    }
    out
}

#[test]
fn the_credential_report_is_asked_from_iam_and_a_refusal_leaves_rules_not_assessed() {
    let folder = tempfile::tempdir().unwrap();
    let rule = rule(
        "old_key",
        'a',
        "detection: {call: {trailscan.key_age_days|gte: 90}, condition: call}\n",
        "",
    );
    fs::write(folder.path().join("r.yml"), rule).unwrap();
    let record = json!({
        "eventVersion": "1.11", "eventSource": "iam.amazonaws.com", "eventName": "ListUsers",
        "eventTime": "2026-11-18T15:00:00Z", "awsRegion": "us-east-1",
        "userIdentity": {"type": "IAMUser", "userName": "anna", "arn": "arn:aws:iam::111122223333:user/anna",
            "accessKeyId": "AKIAIOSFODNN7EXAMPLE"},
        "eventID": "00000000-0000-4000-8000-000000000001", "recipientAccountId": "111122223333",
    });
    fs::write(
        folder.path().join("log.json"),
        json!({ "Records": [record] }).to_string(),
    )
    .unwrap();
    let run = |url: &str| {
        let mut command = signed_in();
        command.current_dir(folder.path()).args([
            "run",
            "log.json",
            "--rules",
            "r.yml",
            "--credential-report",
            "live",
            "--endpoint-url",
            url,
        ]);
        finish(command)
    };
    let (url, server) = iam(true);
    let ran = run(&url);
    let seen = server.join().unwrap();
    let old: Vec<Value> = findings(&ran)
        .into_iter()
        .filter(|one| one["rule"] == "old_key")
        .collect();
    assert_eq!(old.len(), 1, "{}", ran.stderr);
    for (request, action) in seen.iter().zip(["Generate", "Generate", "Get"]) {
        assert!(request.starts_with("POST / HTTP/1.1"), "{request}");
        assert!(request.contains(&format!(
            "Action={action}CredentialReport&Version=2010-05-08"
        )));
        assert!(request.contains("/us-east-1/iam/aws4_request"), "{request}");
    }
    assert_eq!(
        ran.json("run.json")["provenance"]["config_files"][0][0],
        "IAM credential report (live)"
    );
    let (url, server) = iam(false);
    let ran = run(&url);
    server.join().unwrap();
    assert!(
        ran.stderr
            .contains("note: no credential report: allow iam:GenerateCredentialReport"),
        "{}",
        ran.stderr
    );
    let waiting = ran.json("run.json")["rules_not_configured"].clone();
    let waiting = waiting
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["rule"] == "old_key");
    assert_eq!(waiting.unwrap()["missing"], json!(["iam.access_keys"]));
}
