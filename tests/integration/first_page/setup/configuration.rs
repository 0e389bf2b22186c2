//! Configuration that can never match is refused; what is legal and odd is said.

use std::fs;

use crate::product::{run, samples, trailscan};

/// What `run` says under a configuration: exit code, standard output, standard error, page.
fn under(config: &str, arguments: &[&str]) -> (i32, String, String, String) {
    let (folder, mut command) = super::breach_under(config);
    command.args(["--out", "out"]).args(arguments);
    let (code, stdout, stderr) = super::said(command);
    let page = fs::read_to_string(folder.path().join("out/report.html")).unwrap_or_default();
    (code, stdout, stderr, page)
}

#[test]
fn configuration_that_can_never_match_is_refused_with_what_was_expected() {
    const CLOCK: &str = "[calendar]\ntimezone = \"America/New_York\"\n";
    for (config, key, expected) in [
        (
            "[phi]\nbuckets = [\"s3://x-files/prod\"]",
            "phi.buckets",
            "s3://clinic-files",
        ),
        (
            "[phi]\nbuckets = [\"x files\"]",
            "phi.buckets",
            "clinic-files",
        ),
        ("[phi]\nbuckets = []", "phi.buckets", "the list is empty"),
        ("[phi]\nbuckets = [\"\"]", "phi.buckets", "clinic-files"),
        (
            "[phi]\nkms_keys = [\"alias/x\"]",
            "phi.kms_keys",
            "arn:aws:kms:REGION:ACCOUNT:key/ID",
        ),
        (
            "[phi]\nkms_keys = [\"arn:aws:kms:us-east-1:11112222333:key/1\"]",
            "phi.kms_keys",
            "twelve digits",
        ),
        (
            "[phi]\nsecrets = [\"arn:aws:s3:::x\"]",
            "phi.secrets",
            "clinic/db",
        ),
        (
            "[trusted]\naccounts = [\"11112222333\"]",
            "trusted.accounts",
            "11 digits",
        ),
        (
            "[environments]\nprod = [\"11112222333\"]",
            "environments.prod",
            "11 digits",
        ),
        (
            "[environments]\nprod = []",
            "environments.prod",
            "the list is empty",
        ),
        (
            "[principals]\nworkload = [\"111122223333\"]",
            "principals.workload",
            "its ARN",
        ),
        (
            "[s3]\nrequired_encryption = { clinic = [] }",
            "s3.required_encryption.\"clinic\"",
            "the list is empty",
        ),
        (
            "[s3]\nrequired_encryption = {}",
            "s3.required_encryption",
            "names no bucket",
        ),
        (
            "[s3]\nallowed_list_prefix = [\"s3://x/y\"]",
            "s3.allowed_list_prefix",
            "prefix alone",
        ),
        (
            "[scope]\nregions = [\"US East\"]",
            "scope.regions",
            "such as us-east-1",
        ),
        (
            "[scope]\naccounts = [\"1111-2222-3333\"]",
            "scope.accounts",
            "twelve digits",
        ),
        (
            "[phi]\ntables = [\"arn:aws:s3:::x\"]",
            "phi.tables",
            "such as patients",
        ),
        (
            "[phi]\ndatabases = [\"arn:aws:rds:us-east-1:1111:db:x\"]",
            "phi.databases",
            "twelve digits",
        ),
        (
            "[phi]\nsnapshots = [\"arn:aws:rds:us-east-1:111122223333:db:x\"]",
            "phi.snapshots",
            "snap-0123456789abcdef0",
        ),
        (
            "[principals]\nterminated = []",
            "principals.terminated",
            "the list is empty",
        ),
        (
            "[principals]\nautomation = [\"111122223333\"]",
            "principals.automation",
            "its ARN",
        ),
        (
            "[groups]\nprivileged = [\"arn:aws:iam::111122223333:role/admins\"]",
            "groups.privileged",
            "such as admins",
        ),
        (
            "[secrets]\nallowed_regions = [\"us_east_1\"]",
            "secrets.allowed_regions",
            "such as us-east-1",
        ),
        (
            "[secrets]\nallow = {}",
            "secrets.allow",
            "names no role or user",
        ),
        (
            "[secrets.allow]\napp = []",
            "secrets.allow.\"app\"",
            "the list is empty",
        ),
        (
            "[secrets.allow]\n\"111122223333\" = [\"x\"]",
            "secrets.allow",
            "its ARN",
        ),
        (
            "[secrets.allow]\napp = [\"arn:aws:ssm:us-east-1:111122223333:document/x\"]",
            "secrets.allow.\"app\"",
            "ARN of a parameter",
        ),
        (
            "[networks]\nallowed = [\"198.51.100.7/24\"]",
            "networks.allowed",
            "write the network, 198.51.100.0/24",
        ),
        (
            "[networks]\nallowed = [\"office\"]",
            "networks.allowed",
            "such as 198.51.100.0/24",
        ),
        (
            "[networks]\nallowed = []",
            "networks.allowed",
            "the list is empty",
        ),
        (
            "[session]\nmax_hours = 0",
            "session.max_hours",
            "at least 1",
        ),
        (
            "[log]\nbuckets = [\"s3://logs/AWSLogs\"]",
            "log.buckets",
            "names a prefix",
        ),
        (
            "[log]\ngroups = [\"arn:aws:sns:us-east-1:111122223333:x\"]",
            "log.groups",
            "such as /aws/cloudtrail",
        ),
        ("[backup]\nroles = [\"\"]", "backup.roles", "an empty text"),
        (
            "[placeholders]\nlog_buckets = [\"x\"]",
            "placeholders.log_buckets",
            "log.buckets",
        ),
        (
            "[iam]\naccess_keys = []",
            "iam.access_keys",
            "the list is empty",
        ),
        (
            "[history]\nlearning_days = 0",
            "history.learning_days",
            "at least 1",
        ),
        (
            "[placeholders]\nphi_buckets = [\"x\"]",
            "placeholders.phi_buckets",
            "phi.buckets",
        ),
        (
            "[rules.aws_root_login]\nthreshold = 5",
            "rules.aws_root_login",
            "no rule has this name",
        ),
        (
            "[rules.aws_cloudtrail_trail_stoped]\nenabled = false",
            "rules.aws_cloudtrail_trail_stoped",
            "is it aws_cloudtrail_trail_stopped?",
        ),
        (
            "[rules.aws_cloudtrail_trail_stopped]\nthreshold = 5",
            "rules.aws_cloudtrail_trail_stopped.threshold",
            "counts none",
        ),
        (
            "[rules.aws_cloudtrail_trail_stopped]\ntimespan = \"1h\"",
            "rules.aws_cloudtrail_trail_stopped.timespan",
            "counts none",
        ),
        (
            "[rules.aws_s3_object_change_volume]\nthreshold = 0",
            "rules.aws_s3_object_change_volume.threshold",
            "above zero",
        ),
        (
            "[rules.aws_s3_object_change_volume]\ntimespan = \"0s\"",
            "rules.aws_s3_object_change_volume.timespan",
            "such as 15m",
        ),
        (
            &format!("{CLOCK}hours = {{}}"),
            "calendar.hours",
            "no day has working hours",
        ),
        (
            &format!("{CLOCK}hours = {{ monday = [] }}"),
            "calendar.hours",
            "08:00-18:00",
        ),
        (
            &format!("{CLOCK}hours = {{ monday = [\"08:00-08:00\"] }}"),
            "calendar.hours.monday",
            "00:00-24:00",
        ),
        (
            &format!("{CLOCK}hours = {{ mon = [\"08:00-18:00\"], monday = [\"19:00-20:00\"] }}"),
            "calendar.hours",
            "second time",
        ),
        (
            &format!("{CLOCK}hours = {{ mondag = [] }}"),
            "calendar.hours",
            "monday to sunday",
        ),
        (
            "[calendar]\ntimezone = \"new york\"\nhours = {}",
            "calendar.timezone",
            "America/New_York?",
        ),
        (
            "[phi]\nbuckets = [\"aaa\"]\nbuckets = [\"bbb\"]",
            "buckets",
            "duplicate key",
        ),
    ] {
        let (code, stdout, stderr, _) = under(config, &[]);
        assert_eq!((code, stdout.as_str()), (2, ""), "{config}: {stderr}");
        for part in ["trailscan.toml", key, expected] {
            assert!(stderr.contains(part), "{config}: {part}: {stderr}");
        }
    }
}

#[test]
fn a_bucket_is_understood_by_name_arn_and_uri() {
    let mut found = Vec::new();
    for bucket in [
        "talentbase-prod-uploads",
        "arn:aws:s3:::talentbase-prod-uploads",
        "arn:aws:s3:::talentbase-prod-uploads/*",
        "s3://talentbase-prod-uploads",
        "s3://talentbase-prod-uploads/",
    ] {
        let config = format!("[phi]\nbuckets = [\"{bucket}\"]\n");
        let (code, stdout, stderr, _) = under(&config, &["--fail-on", "never"]);
        assert_ne!(code, 2, "{stderr}");
        assert!(
            stdout.contains("Long-lived access key used on a bucket with ePHI"),
            "{bucket}: {stdout}"
        );
        found.push(stdout);
    }
    found.dedup();
    assert_eq!(found.len(), 1);
}

#[test]
fn a_rule_of_ours_that_is_left_out_is_no_unknown_rule() {
    let folder = tempfile::tempdir().unwrap();
    let rule = "title: T\nname: own\nlogsource: {product: aws, service: cloudtrail}\nlevel: low\n\
                detection: {s: {eventName: X}, condition: s}\n";
    fs::write(folder.path().join("own.yml"), rule).unwrap();
    let rules = folder.path().display().to_string();
    let config =
        "[rules.aws_cloudtrail_trail_stopped]\nenabled = false\n[rules.own]\nlevel = \"high\"\n";
    let own = ["--no-builtin-rules", "--rules", &rules];
    let (code, _, stderr, _) = under(config, &own);
    assert_ne!(code, 2, "{stderr}");
    // without the folder the rule is not there
    let (code, _, stderr, _) = under(config, &[]);
    assert_eq!(code, 2);
    assert!(
        stderr.contains("rules.own") && stderr.contains("--rules"),
        "{stderr}"
    );
}

#[test]
fn a_zone_without_daylight_saving_is_said_with_the_zone_that_was_meant() {
    for (zone, meant) in [
        ("EST", "America/New_York"),
        ("MST", "America/Denver"),
        ("HST", "Pacific/Honolulu"),
        ("EST5EDT", "America/New_York"),
        ("Etc/GMT+5", "America/New_York"),
    ] {
        let config = format!(
            "[calendar]\ntimezone = \"{zone}\"\nhours = {{ monday = [\"08:00-18:00\"] }}\n"
        );
        let (code, _, stderr, _) = under(&config, &[]);
        assert_ne!(code, 2, "{stderr}");
        assert!(
            stderr.contains("note: calendar.timezone"),
            "{zone}: {stderr}"
        );
        assert!(stderr.contains(meant), "{zone}: {stderr}");
        let is_unchanging = zone != "EST5EDT";
        assert_eq!(
            stderr.contains("no daylight saving time"),
            is_unchanging,
            "{stderr}"
        );
    }
    let sound =
        "[calendar]\ntimezone = \"America/New_York\"\nhours = { monday = [\"08:00-18:00\"] }\n";
    assert_eq!(under(sound, &[]).2, "");
}

#[test]
fn a_run_without_configuration_says_so_with_the_number_of_rules_that_wait() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = trailscan();
    command
        .current_dir(folder.path())
        .arg("run")
        .arg(samples("trails/breach"))
        .args(["--out", "out"]);
    let (_, stdout, _) = super::said(command);
    let json = fs::read_to_string(folder.path().join("out/run.json")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let waiting = json["rules_not_configured"].as_array().unwrap().len();
    assert!(waiting > 5);
    let said =
        format!("No configuration was found: {waiting} rules wait for one and are not assessed.");
    assert!(stdout.contains(&said), "{stdout}");
    let page = fs::read_to_string(folder.path().join("out/report.html")).unwrap();
    let (first, _) = page.split_once("Sign-off").unwrap();
    assert!(first.contains(&said), "page one says it");
    // the repository has a configuration
    let ran = run(samples("trails/breach"), &[]);
    assert!(!ran.stdout.contains("No configuration"), "{}", ran.stdout);
}
