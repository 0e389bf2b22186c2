//! What is printed fits the terminal, shells complete what can be typed, and an explanation is JSON.

use serde_json::Value;

use super::{said, typed};
use crate::product::{samples, trailscan};

const COMMANDS: [&[&str]; 12] = [
    &[],
    &["run"],
    &["coverage"],
    &["verify"],
    &["rules"],
    &["rules", "list"],
    &["rules", "lint"],
    &["rules", "test"],
    &["rules", "explain"],
    &["init"],
    &["policy"],
    &["completions"],
];

/// No line is wider than 80 columns, but for one whose words cannot be broken.
fn assert_fits(text: &str) {
    for line in text.lines() {
        let longest = line
            .split_whitespace()
            .map(|word| word.chars().count())
            .max();
        let is_identifier = longest.unwrap_or_default() > 60 && line.trim().split(' ').count() <= 3;
        assert!(line.chars().count() <= 80 || is_identifier, "{line}");
    }
}

#[test]
fn help_errors_and_summaries_fit_80_columns() {
    let in_80 = |arguments: &[&str]| {
        let mut command = trailscan();
        command.args(arguments).env("COLUMNS", "80");
        said(command)
    };
    for command in COMMANDS {
        for flag in ["--help", "-h"] {
            let (code, stdout, stderr) = in_80(&[command, &[flag]].concat());
            assert_eq!(code, 0, "{stderr}");
            assert_fits(&stdout);
        }
    }
    let out = tempfile::tempdir().unwrap();
    let out = out.path().join("r").display().to_string();
    for sample in ["breach", "quiet"] {
        let source = samples(&format!("trails/{sample}")).display().to_string();
        let (_, stdout, stderr) = in_80(&["run", &source, "--out", &out, "--force"]);
        assert_fits(&stdout);
        assert_fits(&stderr);
        for arguments in [
            &["run", &source, "--dry-run"][..],
            &["coverage", &source],
            &["coverage", &source, "--since", "2026-01-01"],
            &[
                "verify",
                &source,
                "--public-keys",
                "samples/trails/signed-public-keys.json",
            ],
        ] {
            let out = ["--out", &out, "--force"];
            let more = if arguments.contains(&"--dry-run") || arguments[0] == "coverage" {
                &[]
            } else {
                &out[..]
            };
            let (_, stdout, stderr) = in_80(&[arguments, more].concat());
            assert!(!stdout.is_empty(), "{arguments:?}: {stderr}");
            assert_fits(&stdout);
            assert_fits(&stderr);
        }
        let (_, wide, _) = typed(&["run", &source, "--out", &out, "--force"]);
        assert!(
            wide.lines().any(|line| line.chars().count() > 80),
            "a file is not wrapped"
        );
    }
    for arguments in [
        &["rules", "list"][..],
        &["rules", "list", "--no-builtin-rules"],
        &["rules", "lint"],
        &["rules", "test"],
        &[
            "rules",
            "explain",
            "aws_s3_phi_mass_delete",
            "samples/rules/s3/aws_s3_phi_mass_delete.jsonl#0",
        ],
    ] {
        let (_, stdout, stderr) = in_80(arguments);
        assert_fits(&stdout);
        assert_fits(&stderr);
    }
    let (code, _, stderr) = in_80(&["run", "no-such-folder", "--public-keys", "keys.json"]);
    assert_eq!(code, 2);
    assert_fits(&stderr);
}

/// The words of `--help`, in one line.
fn help(command: &[&str]) -> String {
    let (_, stdout, _) = typed(&[command, &["--help"]].concat());
    stdout.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn help_uses_the_terms_of_the_field() {
    for (command, words) in [
        (
            &["run"][..],
            "Evaluate rules against CloudTrail logs and write the audit report",
        ),
        (
            &["run"],
            "Skip log files already processed with this state file; the report equals that of a full run",
        ),
        (
            &["run"],
            "State file: first-seen history and, with --incremental, cached results per log file",
        ),
        (&["run"], "[default: the buckets of your trails]"),
        (
            &["coverage"],
            "Report log coverage and which rules could be assessed, by account, Region and hour",
        ),
        (&["verify"], "[default: the buckets of your trails]"),
    ] {
        let help = help(command);
        assert!(help.contains(words), "{command:?} lacks `{words}`: {help}");
    }
    for command in COMMANDS {
        let help = help(command).to_lowercase();
        for word in [
            "hold them",
            "what was there",
            "is asked where",
            "takes a near miss",
        ] {
            assert!(!help.contains(word), "{command:?} says `{word}`: {help}");
        }
    }
}

#[test]
fn messages_use_the_terms_of_the_field() {
    let folder = tempfile::tempdir().unwrap();
    let mut init = trailscan();
    init.current_dir(folder.path()).arg("init");
    let (code, stdout, _) = said(init);
    assert_eq!(code, 0);
    assert!(
        stdout.starts_with("Wrote trailscan.toml; each setting is explained by a comment."),
        "{stdout}"
    );
    let source = samples("trails/breach").display().to_string();
    let (_, stdout, _) = typed(&["run", &source, "--dry-run"]);
    assert!(stdout.starts_with("Dry run of "), "{stdout}");
    assert!(stdout.contains(": no log file was read"), "{stdout}");
    let (_, stdout, _) = typed(&["coverage", &source]);
    assert!(
        stdout.contains(
            "Trail settings were not available, so a rule counts as assessed if the logs contain the \
             events it needs."
        ),
        "{stdout}"
    );
    let ran = crate::product::run(&source, &[]);
    let (page, findings) = (ran.file("report.html"), ran.file("findings.json"));
    assert!(page.contains("Reproducing this report"));
    assert!(page.contains(
        "Basis of the findings: what the trails record, which logs were found, and which were read."
    ));
    assert!(findings.contains("; threshold: "), "{findings}");
    assert!(!findings.contains("fires at"), "{findings}");
}

#[test]
fn shells_complete_levels_rules_files_and_folders() {
    let script = |shell: &str| typed(&["completions", shell]).1;
    let (bash, zsh, fish) = (script("bash"), script("zsh"), script("fish"));
    for word in [
        "critical",
        "informational",
        "never",
        "aws_cloudtrail_trail_stopped",
    ] {
        for script in [&bash, &zsh] {
            assert!(script.contains(word), "{word}");
        }
    }
    let line = |script: &str, option: &str| {
        let mut lines = script.lines().filter(|line| line.contains(option));
        lines.next().unwrap().to_owned()
    };
    for (option, hint) in [
        ("'--out=[", "_files -/"),
        ("'*--rules=[", "_files"),
        ("'--config=[", "_files"),
        ("'--state=[", "_files"),
        ("'--min-level=[", "critical high medium low informational"),
        ("'--fail-on=[", "informational never"),
    ] {
        let line = line(&zsh, option);
        assert!(line.contains(hint), "{line}");
    }
    assert!(fish.contains("never\\t"), "{fish}");
    // a name of one's own is taken all the same
    let (code, _, stderr) = typed(&["rules", "explain", "own_rule", "x.json"]);
    assert_eq!(code, 2);
    assert!(stderr.contains("there is no rule `own_rule`"), "{stderr}");
    let (_, list, _) = typed(&["rules", "list", "--format", "json"]);
    let list: Value = serde_json::from_str(&list).unwrap();
    let names = list.to_string();
    for (name, _) in names.match_indices("\"name\":\"aws_").map(|(at, _)| {
        let rest = names.get(at + 8..).unwrap().split('"').next().unwrap();
        (rest.to_owned(), at)
    }) {
        assert!(bash.contains(&name), "{name}");
    }
}

#[test]
fn an_explanation_as_json_says_every_derived_value_and_what_matched() {
    let folder = tempfile::tempdir().unwrap();
    let event = r#"{"Records":[{"eventVersion":"1.08","eventTime":"2026-11-21T02:00:00Z","eventSource":"s3.amazonaws.com","eventName":"ListObjects","awsRegion":"us-east-1","eventID":"e-1","recipientAccountId":"111122223333","userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/ops","accountId":"111122223333","userName":"ops"},"requestParameters":{"bucketName":"talentbase-prod-uploads"},"sourceIPAddress":"198.51.100.7"}]}"#;
    std::fs::write(folder.path().join("event.json"), event).unwrap();
    let rules = "title: At night\nname: at_night\nid: 4d6e9b52-6f1f-4a52-93ea-0c2f9c1d2b10\n\
        logsource: {product: aws, service: cloudtrail}\nlevel: high\n\
        detection:\n  listing: {eventName: ListObjects}\n  night: {trailscan.calendar.after_hours: true}\n  \
        machine: {trailscan.principal_kind: workload}\n  condition: listing and night and not machine\n---\n\
        title: Often\nname: often\nlevel: high\n\
        correlation: {type: event_count, rules: [at_night], group-by: [trailscan.target], timespan: 1h, condition: {gte: 5}}\n";
    std::fs::write(folder.path().join("rules.yml"), rules).unwrap();
    let config = samples("rules/trailscan.toml");
    let explained = |rule: &str| {
        let mut command = trailscan();
        command
            .current_dir(folder.path())
            .args(["rules", "explain", rule, "event.json"]);
        command.args([
            "--format",
            "json",
            "--rules",
            "rules.yml",
            "--no-builtin-rules",
            "--config",
        ]);
        let (code, stdout, stderr) = said({
            command.arg(&config);
            command
        });
        assert_eq!(code, 0, "{stderr}");
        stdout
    };
    insta::with_settings!({snapshot_path => "../../snapshots"}, {
        insta::assert_snapshot!("explain_json", explained("at_night"));
    });
    let json: Value = serde_json::from_str(&explained("at_night")).unwrap();
    assert_eq!(json["matches"], true);
    assert_eq!(json["matched"], serde_json::json!(["listing", "night"]));
    assert_eq!(json["derived"]["trailscan.calendar.after_hours"], "true");
    assert_eq!(json["derived"]["trailscan.principal_kind"], "human");
    let json: Value = serde_json::from_str(&explained("often")).unwrap();
    assert_eq!(json["matches"], Value::Null);
    assert_eq!(
        json["derived"]["trailscan.target"],
        "talentbase-prod-uploads"
    );
    assert_eq!(
        json["watches"][0]["group"]["trailscan.target"],
        "talentbase-prod-uploads"
    );
    assert_eq!(json["watches"][0]["matches"], true);
}
