//! The tools for those who write rules: list, lint, test and explain.

use crate::product;

use std::fs;
use std::path::Path;

use product::{run, samples, shared_data, trailscan};

/// What `trailscan rules ARGUMENTS` says, and its exit code. The folder's own name is left out.
fn rules(arguments: &[&str], folder: &Path) -> String {
    let output = trailscan().arg("rules").args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let said = format!(
        "{}{}exit {}",
        text(output.stdout),
        text(output.stderr),
        output.status.code().unwrap()
    );
    said.replace(&folder.display().to_string(), "FOLDER")
}

fn said(arguments: &[&str]) -> String {
    rules(arguments, Path::new("/no/such/folder"))
}

const HEAD: &str = "logsource: {product: aws, service: cloudtrail}\nlevel: low\nid: 7f1b0b5a-0f3f-4f0e-9d4e-0c8f6a4f0a01\n";

const KEY_DELETED: &str =
    "title: Key deleted\nname: key_deleted\nlogsource: {product: aws, service: cloudtrail}
level: low
id: 7f1b0b5a-0f3f-4f0e-9d4e-0c8f6a4f0a02
detection:
  call:
    eventSource: iam.amazonaws.com
    eventName: DeleteAccessKey
  filter_self:
    requestParameters.userName|fieldref: userIdentity.userName
  condition: call and not filter_self
";

fn deleted(by: &str, key_of: &str) -> String {
    format!(
        r#"{{"eventID":"a150ec6a-7b27-4b35-80ca-dde11f3575fe","eventTime":"2026-11-18T15:00:00Z","eventSource":"iam.amazonaws.com","eventName":"DeleteAccessKey","userIdentity":{{"type":"IAMUser","userName":"{by}"}},"requestParameters":{{"userName":"{key_of}"}}}}"#
    )
}

#[test]
fn help_says_what_each_tool_does() {
    for tool in ["list", "lint", "test", "explain"] {
        insta::assert_snapshot!(format!("help_{tool}"), said(&[tool, "--help"]));
    }
}

#[test]
fn rules_are_listed_by_level_and_name_and_can_be_asked_for() {
    let config = samples("rules/trailscan.toml");
    let config = config.to_str().unwrap();
    insta::assert_snapshot!(
        "list_kms",
        said(&["list", "--service", "kms", "--config", config])
    );
    let names = |arguments: &[&str]| -> Vec<String> {
        let all = [&["list", "--format", "json", "--config", config], arguments].concat();
        let output = trailscan().arg("rules").args(all).output().unwrap();
        let listing: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let rules = listing["rules"].as_array().unwrap();
        rules
            .iter()
            .map(|rule| rule["name"].as_str().unwrap().to_owned())
            .collect()
    };
    let critical = names(&["--level", "critical"]);
    assert!(critical.contains(&"aws_signin_root_console_no_mfa".to_owned()));
    assert!(critical.len() < names(&["--level", "high"]).len());
    assert!(!names(&["--attack", "t1078"]).is_empty());
    assert_eq!(names(&["--attack", "T107"]), [""; 0]);
    let cited = names(&["--citation", "164.308(a)(5)"]);
    assert!(!cited.is_empty() && cited.len() < names(&[]).len());
}

#[test]
fn a_list_tells_what_waits_for_configuration_and_what_a_run_could_not_see() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty.toml");
    fs::write(&empty, "").unwrap();
    let ran = run(samples("trails/seed"), &[]);
    let json = ran.folder.path().join("report/run.json");
    let arguments = [
        "list",
        "--service",
        "s3",
        "--level",
        "high",
        "--config",
        empty.to_str().unwrap(),
        "--seen-by",
        json.to_str().unwrap(),
    ];
    insta::assert_snapshot!("list_seen_by", said(&arguments));
    let count = |config: &Path| {
        let said = said(&["list", "--config", config.to_str().unwrap()]);
        said.lines().filter(|line| line.contains(" aws_")).count()
    };
    assert_eq!(count(&empty), count(&samples("rules/trailscan.toml")));
}

#[test]
fn lint_names_what_cannot_be_used_and_what_can_never_match() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, detection: &str| {
        let text = format!("title: {name}\nname: {name}\n{HEAD}detection:\n{detection}\n");
        fs::write(folder.path().join(format!("{name}.yml")), text).unwrap();
    };
    write(
        "sounds_like",
        "  call: {eventName|sounds: x}\n  condition: call",
    );
    write(
        "status_field",
        "  call:\n    eventName: DeleteSAMLProvider\n    status: success\n  condition: call",
    );
    write(
        "misspelt_field",
        "  call:\n    eventname: DeleteUser\n  condition: call",
    );
    write(
        "short_source",
        "  call: {eventSource: kms, eventName: Decrypt}\n  condition: call",
    );
    write(
        "vpc_source",
        "  call:\n    eventSource: vpc.amazonaws.com\n    eventName: [DeleteVpc, DeleteSubnet]\n  condition: call",
    );
    write(
        "domain_calls",
        "  call:\n    eventSource: route53.amazonaws.com\n    eventName: [CreateHostedZone, TransferDomain]\n  condition: call",
    );
    write(
        "wrong_word",
        "  call:\n    eventName: GetSecretValue\n    trailscan.outcome: refused\n  condition: call",
    );
    write(
        "idle_filters",
        "  call: {eventName: UpdateLoginProfile}\n  filter_arn:\n    userIdentity.arn|fieldref: requestParameters.userName\n  filter_path:\n    userIdentity.arn|contains: requestParameters.userName\n  condition: call and not 1 of filter_*",
    );
    write(
        "everything",
        "  call:\n    sourceIPAddress|cidr: 192.0.2.0/24\n  condition: call",
    );
    fs::write(
        folder.path().join("bare.yml"),
        "title: Bare\nlogsource: {product: aws, service: cloudtrail}\ndetection:\n  call: {eventName: DeleteUser}\n  condition: call\n",
    )
    .unwrap();
    fs::write(folder.path().join("key_deleted.yml"), KEY_DELETED).unwrap();
    let path = folder.path().to_str().unwrap();
    insta::assert_snapshot!("lint", rules(&["lint", path], folder.path()));
    let good = folder.path().join("key_deleted.yml");
    let good = good.to_str().unwrap();
    assert!(said(&["lint", "--strict", good]).ends_with("exit 0"));
    let idle = folder.path().join("idle_filters.yml");
    let idle = idle.to_str().unwrap();
    assert!(said(&["lint", idle]).ends_with("exit 0"));
    assert!(said(&["lint", "--strict", idle]).ends_with("exit 1"));
}

#[test]
fn our_own_rules_give_no_warning() {
    let said = said(&["lint", "--strict"]);
    assert!(said.ends_with("exit 0"), "{said}");
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs ../shared/data")]
fn of_the_rules_of_others_only_those_known_to_be_wrong_are_named() {
    let folder = shared_data("sigmahq");
    let said = said(&["lint", folder.to_str().unwrap()]);
    let mut named: Vec<&str> = said
        .lines()
        .filter(|line| line.contains("error: ") || line.contains("warning: "))
        .filter_map(|line| line.split("warning: ").nth(1)?.split(':').next())
        .collect();
    named.dedup();
    assert_eq!(
        named,
        [
            "aws_delete_saml_provider",
            "aws_iam_backdoor_users_keys",
            "aws_route_53_domain_transferred_lock_disabled",
            "aws_route_53_domain_transferred_to_another_account",
            "aws_update_login_profile",
        ]
    );
    assert!(said.contains("57 rules can be used, 0 cannot"), "{said}");
}

#[test]
fn a_rule_of_two_files_is_tried_and_what_goes_wrong_is_explained() {
    let folder = tempfile::tempdir().unwrap();
    let rule = folder.path().join("rules");
    let cases = folder.path().join("samples/rules");
    fs::create_dir_all(&rule).unwrap();
    fs::create_dir_all(&cases).unwrap();
    fs::write(rule.join("key_deleted.yml"), KEY_DELETED).unwrap();
    let case = |expect: &str, why: &str, by: &str, key_of: &str| {
        let event = deleted(by, key_of);
        format!("{{\"expect\":\"{expect}\",\"why\":\"{why}\",\"event\":{event}}}\n")
    };
    let file = cases.join("key_deleted.jsonl");
    let good = [
        case("match", "another's key", "ops-admin", "app"),
        case("pass", "her own key", "ops-admin", "ops-admin"),
    ];
    fs::write(&file, good.concat()).unwrap();
    let path = rule.to_str().unwrap();
    let arguments = ["test", "key_deleted", "--rules", path];
    insta::assert_snapshot!("test_good", rules(&arguments, folder.path()));
    let bad = [
        case("match", "her own key", "ops-admin", "ops-admin"),
        case("match", "another's key", "ops-admin", "app"),
    ];
    fs::write(&file, bad.concat()).unwrap();
    insta::assert_snapshot!("test_bad", rules(&arguments, folder.path()));
    fs::write(&file, "{\"expect\":\"match\",\"evnt\":{}}\n").unwrap();
    insta::assert_snapshot!("test_broken", rules(&arguments, folder.path()));
    fs::remove_dir_all(folder.path().join("samples")).unwrap();
    let mut command = trailscan();
    command.current_dir(folder.path());
    let output = command.args(["rules", "test"]).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr.contains("--samples DIR"), "{stderr}");
}

/// No event tells by itself whether it is new: what would have to be is said.
#[test]
fn a_first_seen_rule_names_what_must_be_new() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("trailscan.toml", "[history]\n");
    let new = KEY_DELETED
        .replace("key_deleted", "key_newly_deleted")
        .replace(
            "  call:\n",
            "  call:\n    trailscan.first_seen.target: true\n",
        );
    write("rule.yml", &new);
    write("one.json", &deleted("ops-admin", "app"));
    write(
        "other.json",
        &deleted("ops-admin", "app").replace("DeleteAccessKey", "ListAccessKeys"),
    );
    let explain = |event: &str, rest: &[&str]| {
        let path = |name: &str| folder.path().join(name).display().to_string();
        let (rule, config, event) = (path("rule.yml"), path("trailscan.toml"), path(event));
        let of = [
            "explain",
            "--rules",
            &rule,
            "--config",
            &config,
            "key_newly_deleted",
            &event,
        ];
        rules(&[&of[..], rest].concat(), folder.path())
    };
    let said = explain("one.json", &[]);
    let pair =
        "key_newly_deleted matches if IAMUser:unknown:ops-admin was never seen with target app";
    assert!(said.contains(pair), "{said}");
    assert!(explain("one.json", &["--format", "json"]).contains("\"matches\": null"));
    let other = explain("other.json", &[]);
    assert!(
        other.contains("key_newly_deleted does not match"),
        "{other}"
    );
}

#[test]
fn a_rule_is_explained_over_one_event() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log.json");
    let records = [deleted("ops-admin", "app"), deleted("app", "app\\u001b[2J")].join(",");
    fs::write(&log, format!("{{\"Records\":[{records}]}}")).unwrap();
    let one = folder.path().join("one.json");
    fs::write(&one, deleted("app", "app")).unwrap();
    let rule = folder.path().join("key_deleted.yml");
    fs::write(&rule, KEY_DELETED).unwrap();
    let explain = |rest: &[&str]| {
        let rule = rule.to_str().unwrap();
        let all = [&["explain", "--rules", rule, "key_deleted"], rest].concat();
        rules(&all, folder.path())
    };
    let nth = |n: usize| format!("{}#{n}", log.display());
    insta::assert_snapshot!("explain_hit", explain(&[&nth(0)]));
    insta::assert_snapshot!("explain_miss", explain(&[one.to_str().unwrap()]));
    assert!(explain(&[&nth(1)]).contains("app\u{fffd}[2J"));
    for (event, named) in [
        (nth(2), "they are 0 to 1"),
        (log.display().to_string(), "log.json#N (0 to 1)"),
        (nth(0).replace("log", "no"), "cannot read FOLDER/no.json"),
        (rule.display().to_string(), "no CloudTrail record"),
    ] {
        let said = explain(&[&event]);
        assert!(said.contains(named) && said.ends_with("exit 2"), "{said}");
    }
    let id = ["--event-id", "a150ec6a-7b27-4b35-80ca-dde11f3575fe"];
    assert!(explain(&[&[log.to_str().unwrap()], &id[..]].concat()).contains("matches"));
    let json = explain(&[&nth(0), "--format", "json"]);
    let json: serde_json::Value =
        serde_json::from_str(json.strip_suffix("exit 0").unwrap()).unwrap();
    assert_eq!(
        (&json["rule"], &json["matches"]),
        (&"key_deleted".into(), &true.into())
    );
}

#[test]
fn a_correlation_is_explained_by_the_rules_it_watches() {
    let folder = tempfile::tempdir().unwrap();
    let one = folder.path().join("one.json");
    fs::write(&one, deleted("app", "app")).unwrap();
    let arguments = [
        "explain",
        "aws_kms_decrypt_failed_burst",
        one.to_str().unwrap(),
    ];
    insta::assert_snapshot!("explain_correlation", rules(&arguments, folder.path()));
    assert!(said(&["explain", "kms_decrypt", "-"]).contains("did you mean aws_kms_decrypt_failed"));
}
