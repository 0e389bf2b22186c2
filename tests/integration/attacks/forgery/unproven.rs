//! Records that nothing proves may be findings; they must not keep others from being found.

use super::*;
use crate::product::Ran;

/// A moment at which the log of 06:30 waits for its digest.
const WAITING: &str = "2026-11-20T06:40:00Z";

fn rule(name: &str, detection: &str) -> String {
    format!(
        "title: {name}\nname: {name}\nlevel: high\n\
         logsource: {{product: aws, service: cloudtrail}}\ndetection: {detection}\n"
    )
}

fn correlation(name: &str, body: &str) -> String {
    format!(
        "title: {name}\nname: {name}\nlevel: high\ncorrelation:\n  group-by: [recipientAccountId]\n  \
         timespan: 10m\n{body}"
    )
}

/// A call of one user.
fn call(time: &str, name: &str, number: u32) -> Value {
    json!({
        "eventVersion": "1.11", "eventID": format!("00000000-0000-4000-8000-{number:012}"),
        "eventTime": time, "eventSource": "s3.amazonaws.com", "eventName": name,
        "awsRegion": "us-east-1", "sourceIPAddress": "198.51.100.7", "readOnly": false,
        "requestParameters": {"bucketName": "records"},
        "eventType": "AwsApiCall", "eventCategory": "Management",
        "recipientAccountId": "111122223333",
        "userIdentity": {"type": "IAMUser", "principalId": "AIDAX", "accountId": "111122223333",
            "userName": "anna", "arn": "arn:aws:iam::111122223333:user/anna"},
    })
}

/// The same as a record that belongs into the folder of network activity.
fn as_network(mut record: Value) -> Value {
    record["eventType"] = "AwsVpceEvents".into();
    record["eventCategory"] = "NetworkActivity".into();
    record
}

/// A signed chain of so many hours with a usual log an hour, and with these records.
fn signed(hours: i64, records: &[Value]) -> Attack {
    let root = tempfile::tempdir().unwrap();
    let mut writer = Writer::new(&root.path().join("bucket"));
    let begin = at(WINDOW[1]);
    for hour in 0..hours {
        let start = begin + chrono::Duration::hours(hour);
        let end = start + chrono::Duration::hours(1);
        let mut logs = vec![writer.log(start + chrono::Duration::minutes(20))];
        for record in records {
            let time = at(record["eventTime"].as_str().unwrap());
            if start <= time && time < end {
                logs.push(writer.file("CloudTrail", time, record));
            }
        }
        writer.digest(start, end, &logs, None);
    }
    let now = "2026-11-22T12:00:00Z";
    Attack { root, writer, now }
}

impl Attack {
    /// Puts a record into the network activity of its time, which no digest names.
    fn plant(&mut self, record: Value) -> String {
        let time = at(record["eventTime"].as_str().unwrap());
        let record = as_network(record);
        self.writer
            .file("CloudTrail-NetworkActivity", time, &record)
            .0
    }

    /// A run with rules of its own; what its code is depends on the findings as well.
    fn run_with(&self, rules: &[String], arguments: &[&str]) -> Ran {
        let folder = self.root.path().join("own-rules");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("rules.yml"), rules.join("---\n")).unwrap();
        let mut command = trailscan();
        let now: chrono::DateTime<chrono::Utc> = self.now.parse().unwrap();
        command.env("SOURCE_DATE_EPOCH", now.timestamp().to_string());
        command.arg("run").arg(self.root.path().join("bucket"));
        command.args(["--fail-on", "never", "--no-builtin-rules", "--rules"]);
        command.arg(folder).args(arguments);
        finish(command)
    }

    fn verified(&self, rules: &[String], arguments: &[&str]) -> Ran {
        let keys = self.writer.keys(self.root.path()).display().to_string();
        let verify = ["--verify", "--public-keys", &keys];
        self.run_with(rules, &[&verify[..], arguments].concat())
    }
}

/// The rules of the findings, each once.
fn found(ran: &Ran) -> Vec<String> {
    let findings = ran.json("findings.json");
    let findings = findings["findings"].as_array().unwrap().iter();
    let mut found: Vec<String> = findings
        .map(|one| one["rule"].as_str().unwrap().to_owned())
        .collect();
    found.sort();
    found.dedup();
    found
}

#[test]
fn an_unproven_record_satisfies_no_not_of_a_correlation_and_no_upper_bound() {
    let calls = [
        rule("a", "{s: {eventName: CallA}, condition: s}"),
        rule("b", "{s: {eventName: CallB}, condition: s}"),
        rule("d", "{s: {eventName: CallD}, condition: s}"),
    ];
    let burst = "  type: event_count\n  rules: [b]\n  condition: {gte: 1}\n";
    for (type_and_condition, more) in [
        (
            "  type: temporal\n  rules: [a, b]\n  condition: a and not b\n",
            None,
        ),
        (
            "  type: temporal_ordered\n  rules: [a, b]\n  condition: a and not b\n",
            None,
        ),
        (
            "  type: temporal_ordered\n  rules: [a, b, d]\n  condition: a and not b and d\n",
            None,
        ),
        // the planted record is an event of the correlation itself
        (
            "  type: event_count\n  rules: [a, b]\n  condition: {lt: 3, gt: 1}\n",
            None,
        ),
        // it is hidden in a burst that the correlation watches
        (
            "  type: temporal\n  rules: [a, bs]\n  condition: a and not bs\n",
            Some(burst),
        ),
    ] {
        let mut rules = calls.to_vec();
        rules.extend(more.map(|burst| correlation("bs", burst)));
        rules.push(correlation("c", type_and_condition));
        let real = [
            call("2026-11-20T06:10:00Z", "CallA", 1),
            call("2026-11-20T06:12:00Z", "CallD", 2),
            call("2026-11-20T06:13:00Z", "CallA", 3),
        ];
        let real = match type_and_condition.contains("event_count") {
            true => vec![real[0].clone(), real[2].clone()],
            false => real[..2].to_vec(),
        };
        let b = call("2026-11-20T06:11:00Z", "CallB", 4);
        let says = |ran: &Ran| found(ran).contains(&"c".to_owned());

        let mut attack = signed(6, &real);
        assert!(
            says(&attack.verified(&rules, &WINDOW)),
            "{type_and_condition}"
        );
        attack.plant(b.clone());
        let ran = attack.verified(&rules, &WINDOW);
        assert_eq!(ran.code, 0, "{}", ran.stdout);
        assert!(says(&ran), "{type_and_condition}");
        // without a proof, all records are alike
        assert!(
            !says(&attack.run_with(&rules, &WINDOW)),
            "{type_and_condition}"
        );

        // a log that waits for its digest is not proven yet
        let mut attack = signed(6, &real);
        attack.now = WAITING;
        attack
            .writer
            .file("CloudTrail", at("2026-11-20T06:30:00Z"), &b);
        let window = [WINDOW[0], WINDOW[1], "--until", WAITING];
        let ran = attack.verified(&rules, &window);
        assert_eq!((ran.code, logs(&ran, "pending")), (0, 1), "{}", ran.stdout);
        assert!(says(&ran), "{type_and_condition}");

        // a record of a proven log counts
        let all = [real, vec![b]].concat();
        assert!(
            !says(&signed(6, &all).verified(&rules, &WINDOW)),
            "{type_and_condition}"
        );
    }
}

/// The planted record is a needed event: of several matches that end with one event, the last to begin
/// decides, and that one has an event before it that it must lack.
#[test]
fn an_unproven_record_takes_no_match_away_from_proven_ones() {
    let rules = [
        rule("b", "{s: {eventName: CallB}, condition: s}"),
        rule("a", "{s: {eventName: CallA}, condition: s}"),
        rule("d", "{s: {eventName: CallD}, condition: s}"),
        correlation(
            "c",
            "  type: temporal_ordered\n  rules: [b, a, d]\n  condition: a and d and not b\n",
        ),
    ];
    let real = [
        call("2026-11-20T02:30:00Z", "CallA", 1),
        call("2026-11-20T02:31:00Z", "CallB", 2),
        call("2026-11-20T02:33:00Z", "CallD", 3),
    ];
    let mut attack = signed(6, &real);
    assert_eq!(found(&attack.verified(&rules, &WINDOW)), ["c"]);
    attack.plant(call("2026-11-20T02:32:00Z", "CallA", 4));
    assert_eq!(found(&attack.verified(&rules, &WINDOW)), ["c"]);
    assert!(found(&attack.run_with(&rules, &WINDOW)).is_empty());
}

#[test]
fn an_unproven_record_makes_nothing_known_and_may_be_new_itself() {
    let rules = [rule(
        "new",
        "{s: {eventName: GetObject, trailscan.first_seen.target: true}, condition: s}",
    )];
    let by = |who: &str, time: &str, number: u32| {
        let mut record = call(time, "GetObject", number);
        record["userIdentity"]["userName"] = who.into();
        record["userIdentity"]["arn"] = format!("arn:aws:iam::111122223333:user/{who}").into();
        record
    };
    let mut attack = signed(30, &[by("anna", "2026-11-21T03:30:00Z", 1)]);
    let config = attack.root.path().join("trailscan.toml");
    fs::write(&config, "[history]\nlearning_days = 1\n").unwrap();
    let config = config.display().to_string();
    let state = |name: &str| attack.root.path().join(name).display().to_string();
    let (one, two) = (state("one.state"), state("two.state"));
    let window = [
        "--since",
        WINDOW[1],
        "--until",
        "2026-11-21T06:17:28Z",
        "--config",
        &config,
    ];
    let actors = |ran: &Ran| -> Vec<String> {
        let findings = ran.json("findings.json");
        let findings = findings["findings"].as_array().unwrap().iter();
        let actor = |one: &Value| {
            one["actor"]
                .as_str()
                .unwrap()
                .rsplit('/')
                .next()
                .unwrap()
                .to_owned()
        };
        let mut actors: Vec<String> = findings.map(actor).collect();
        actors.sort();
        actors
    };
    let with = |state| [&window[..], &["--state", state]].concat();
    assert_eq!(actors(&attack.verified(&rules, &window)), ["anna"]);
    attack.plant(by("anna", "2026-11-20T02:30:00Z", 2));
    let foreign = attack.plant(by("bert", "2026-11-21T04:30:00Z", 3));
    // another account in the group would put off the judgement
    let mut elsewhere = by("anna", "2026-11-21T03:31:00Z", 4);
    elsewhere["recipientAccountId"] = "444455556666".into();
    attack.plant(elsewhere);
    let ran = attack.verified(&rules, &with(&one));
    assert_eq!(
        (ran.code, actors(&ran)),
        (0, vec!["anna".to_owned(), "bert".to_owned()])
    );
    // what is not proven is not remembered either: a later run still finds the same
    fs::remove_file(attack.path(&foreign)).unwrap();
    attack.plant(by("bert", "2026-11-21T05:30:00Z", 5));
    let again = attack.verified(&rules, &with(&one));
    assert_eq!(actors(&again), ["anna", "bert"]);
    // without a proof, all records are alike
    assert_eq!(actors(&attack.run_with(&rules, &with(&two))), ["bert"]);
}

#[test]
fn an_unproven_start_does_not_end_a_recorded_stop() {
    let switch = |time: &str, name: &str, number: u32| {
        let mut record = call(time, name, number);
        record["eventSource"] = "cloudtrail.amazonaws.com".into();
        record["requestParameters"] = json!({"name": "main_trail"});
        record
    };
    let rules = [rule("a", "{s: {eventName: StopLogging}, condition: s}")];
    let stopped = |ran: &Ran| -> String {
        let said = ran.stdout.split("LOGGING WAS STOPPED for ").nth(1);
        let said = said.unwrap_or_else(|| panic!("{}", ran.stdout));
        said.split([';', ':']).next().unwrap().to_owned()
    };
    let mut attack = signed(6, &[switch("2026-11-20T02:30:00Z", "StopLogging", 1)]);
    let before = stopped(&attack.verified(&rules, &WINDOW));
    attack.plant(switch("2026-11-20T02:31:00Z", "StartLogging", 2));
    assert_eq!(stopped(&attack.verified(&rules, &WINDOW)), before);
    assert_ne!(stopped(&attack.run_with(&rules, &WINDOW)), before);
    // a stop is believed of any record
    let mut attack = signed(6, &[]);
    attack.plant(switch("2026-11-20T02:30:00Z", "StopLogging", 1));
    assert_eq!(stopped(&attack.verified(&rules, &WINDOW)), before);
}

#[test]
fn an_unproven_record_does_not_show_that_a_trail_records_its_kind() {
    let text = rule("data", "{s: {eventName: GetObject}, condition: s}")
        + "trailscan: {requires: ['data_read:AWS::S3::Object']}\n";
    let mut attack = signed(6, &[]);
    let is_blind = |ran: &Ran| ran.stdout.contains("1 in use, 1 not assessed");
    let rules = [text];
    assert!(is_blind(&attack.verified(&rules, &WINDOW)));
    attack.now = WAITING;
    let mut record = call("2026-11-20T06:16:00Z", "PutObject", 1);
    record["eventName"] = "HeadObject".into();
    record["eventCategory"] = "Data".into();
    record["managementEvent"] = false.into();
    record["readOnly"] = true.into();
    record["resources"] = json!([{"type": "AWS::S3::Object", "ARN": "arn:aws:s3:::records/a"}]);
    attack
        .writer
        .file("CloudTrail", at("2026-11-20T06:30:00Z"), &record);
    let window = [WINDOW[0], WINDOW[1], "--until", WAITING];
    let ran = attack.verified(&rules, &window);
    assert!(is_blind(&ran), "{}", ran.stdout);
    let ran = attack.run_with(&rules, &window);
    assert!(!is_blind(&ran), "{}", ran.stdout);
}

#[test]
fn of_two_copies_of_a_record_the_proven_one_is_evidence_whichever_is_read_first() {
    let rules = [rule("a", "{s: {eventName: CallA}, condition: s}")];
    let record = call("2026-11-20T04:30:00Z", "CallA", 1);
    let evidence = |ran: &Ran| -> Vec<String> {
        let findings = ran.json("findings.json");
        let findings = findings["findings"].as_array().unwrap().iter();
        let samples = findings.flat_map(|one| one["samples"].as_array().unwrap());
        samples
            .map(|one| one["object"].as_str().unwrap().to_owned())
            .collect()
    };
    for hour in ["00:30", "06:00"] {
        for signatures in [true, false] {
            let mut attack = signed(8, std::slice::from_ref(&record));
            let real = attack.writer.hours[4].logs[1].clone();
            let time = at(&format!("2026-11-20T{hour}:00Z"));
            let (planted, _) = attack.writer.file("CloudTrail", time, &record);
            if !signatures {
                // as `aws s3 sync` copies
                (0..8).for_each(|hour| fs::remove_file(attack.writer.side_path(hour)).unwrap());
            }
            let ran = attack.verified(&rules, &WINDOW);
            assert_eq!(ran.code, 4, "{}", ran.stdout);
            assert!(ran.stdout.contains(&planted), "{}", ran.stdout);
            assert_eq!(evidence(&ran), [real], "{hour} {signatures}");
            assert_eq!(ran.count("records", "duplicates"), 1);
            ran.assert_identities();
        }
    }
}

/// A copied folder without CloudTrail's folders is read by file name, so a planted file may come first.
#[test]
fn of_a_flat_copy_as_well() {
    let rules = [rule("a", "{s: {eventName: CallA}, condition: s}")];
    let record = call("2026-11-20T04:30:00Z", "CallA", 1);
    let attack = signed(8, std::slice::from_ref(&record));
    let flat = flat(&attack);
    let real = attack.writer.hours[4].logs[1].rsplit('/').next().unwrap();
    fs::write(
        flat.join("000.json"),
        json!({ "Records": [record] }).to_string(),
    )
    .unwrap();
    fs::rename(&flat, attack.root.path().join("bucket")).unwrap();
    let ran = attack.verified(&rules, &WINDOW);
    let sample = &ran.json("findings.json")["findings"][0]["samples"][0];
    assert_eq!(sample["object"], real, "{}", ran.stdout);
}

/// Moves the bucket's files into one folder.
fn flat(attack: &Attack) -> PathBuf {
    fn files(folder: &Path, to: &Path) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => files(&path, to),
                false => fs::rename(&path, to.join(path.file_name().unwrap())).unwrap(),
            }
        }
    }
    let to = attack.root.path().join("flat");
    fs::create_dir(&to).unwrap();
    let bucket = attack.root.path().join("bucket");
    files(&bucket, &to);
    fs::remove_dir_all(bucket).unwrap();
    to
}

/// One call that two accounts recorded: a planted record has the ids of the caller and another name.
#[test]
fn a_finding_names_the_caller_of_its_own_events() {
    let rules = [rule("a", "{s: {eventName: CallA}, condition: s}")];
    let mut record = call("2026-11-20T04:30:00Z", "CallA", 1);
    record["sharedEventID"] = "f78e1ffa-d9cf-4a0c-849a-b16681866856".into();
    let actors = |ran: &Ran| -> Vec<String> {
        let findings = ran.json("findings.json");
        let findings = findings["findings"].as_array().unwrap().iter();
        findings
            .map(|one| one["actor"].as_str().unwrap().to_owned())
            .collect()
    };
    let anna = "arn:aws:iam::111122223333:user/anna";
    for identity in [
        json!({"arn": "arn:aws:iam::111122223333:user/bert", "userName": "anna"}),
        json!({"arn": "", "userName": "bert"}),
        json!({"arn": anna, "type": "AssumedRole", "sessionContext": {"sessionIssuer": {
            "arn": "arn:aws:iam::111122223333:role/bert", "userName": "bert"}}}),
    ] {
        let mut attack = signed(6, std::slice::from_ref(&record));
        let mut planted = record.clone();
        planted["eventID"] = "00000000-0000-4000-8000-000000000002".into();
        planted["recipientAccountId"] = "444455556666".into();
        for (member, value) in identity.as_object().unwrap() {
            planted["userIdentity"][member] = value.clone();
        }
        attack
            .writer
            .file("CloudTrail", at("2026-11-20T00:30:00Z"), &planted);
        for ran in [
            attack.run_with(&rules, &WINDOW),
            attack.verified(&rules, &WINDOW),
        ] {
            let actors = actors(&ran);
            assert!(actors.contains(&anna.to_owned()), "{actors:?} {identity}");
        }
        // a record that gives only ids is of the same call
        planted["userIdentity"] = json!({"type": "AWSAccount", "principalId": "AIDAX",
            "accountId": "111122223333"});
        let mut attack = signed(6, std::slice::from_ref(&record));
        attack
            .writer
            .file("CloudTrail", at("2026-11-20T04:30:00Z"), &planted);
        let ran = attack.verified(&rules, &WINDOW);
        assert_eq!(actors(&ran), [anna]);
        assert_eq!(ran.count("records", "duplicates"), 1);
    }
}

#[test]
fn an_incomplete_run_never_says_that_its_logs_are_as_aws_signed_them() {
    let attack = Attack::new();
    fs::write(attack.path("odd.json.gz"), b"\x1f\x8b\x08 no gzip").unwrap();
    let ran = attack.command("run", &WINDOW);
    assert_eq!(ran.code, 3, "{}", ran.stdout);
    let said = "INCOMPLETE: not all logs could be read, 18 of 19 as AWS signed them";
    assert!(ran.stdout.contains(said), "{}", ran.stdout);
    assert!(
        ran.file("report.html")
            .contains("18 of 19 log files are what AWS signed.")
    );
}

#[test]
fn a_name_that_cloudtrail_never_gives_is_neither_pending_nor_of_another_kind() {
    let folder = "CloudTrail-NetworkActivity";
    for to in [
        "a_b_c_20261120T0230Z_0000000000000019.json.gz",
        "x_20261120T0230Z.json.gz",
    ] {
        let mut attack = Attack::new();
        let (key, _) = attack
            .writer
            .file(folder, at("2026-11-20T02:30:00Z"), &network());
        let named = Path::new(&key).with_file_name(to);
        fs::rename(attack.path(&key), attack.path(named.to_str().unwrap())).unwrap();
        let ended = attack.assert_found(3, to);
        assert_eq!(
            (
                logs(&ended.run, "other_kinds"),
                logs(&ended.run, "not_proven")
            ),
            (0, 1)
        );
    }
    let window = [WINDOW[0], WINDOW[1], "--until", WAITING];
    for to in [
        "a_b_c_20261120T0630Z_0000000000000019.json.gz",
        "a_b_c_20261120T0630Z_x.json.gz",
    ] {
        let mut attack = Attack::new();
        attack.now = WAITING;
        let (key, _) = attack.writer.log(at("2026-11-20T06:30:00Z"));
        let named = Path::new(&key).with_file_name(to);
        fs::rename(attack.path(&key), attack.path(named.to_str().unwrap())).unwrap();
        let ended = attack.assert_found_in(&window, 3, to);
        assert_eq!(
            (logs(&ended.run, "pending"), logs(&ended.run, "not_proven")),
            (0, 1)
        );
    }
}

#[test]
fn a_copy_says_on_page_one_that_nobody_can_notice_what_is_absent_as_a_whole() {
    let attack = Attack::new();
    let mut other = Writer::new(&attack.root.path().join("bucket"));
    other.region = "eu-west-1";
    (0..6).for_each(|_| other.hour(1));
    let ended = attack.ended(&WINDOW);
    // all that is left of that Region is nothing
    for folder in ["CloudTrail", "CloudTrail-Digest"] {
        let region = format!("AWSLogs/111122223333/{folder}/eu-west-1");
        fs::remove_dir_all(attack.path(&region)).unwrap();
    }
    for ended in [ended, attack.ended(&WINDOW)] {
        for ran in [&ended.verify, &ended.run] {
            assert_eq!(ran.code, 0, "{}", ran.stdout);
            let said = "it cannot show that whole parts are missing";
            assert!(ran.stdout.contains(said), "{}", ran.stdout);
        }
        let page = ended.run.file("report.html");
        assert!(page.contains("it cannot show that a whole trail"));
    }
}

#[test]
fn verify_names_what_is_called_like_a_log_in_a_flat_copy_and_is_none() {
    let name = "111122223333_CloudTrail_us-east-1_20261120T0230Z_AAAAAAAAAAAAAAAA.json.gz";
    let utf16: Vec<u8> = "{\"Records\":[]}"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let html = b"<!DOCTYPE html><html></html>".to_vec();
    for content in [
        Vec::new(),
        utf16.clone(),
        gzip(&utf16),
        html.clone(),
        gzip(&html),
        gzip(b""),
    ] {
        let attack = Attack::new();
        let flat = flat(&attack);
        fs::write(flat.join(name), &content).unwrap();
        fs::rename(&flat, attack.root.path().join("bucket")).unwrap();
        let [verify, run] = ["verify", "run"].map(|command| attack.command(command, &WINDOW));
        assert_eq!(
            verify.code, run.code,
            "{content:?}\n{}\n{}",
            verify.stdout, run.stdout
        );
        assert!(verify.code >= 3, "{}", verify.stdout);
        assert!(verify.stdout.contains(name) || verify.stderr.contains(name));
        assert!(run.stdout.contains(name), "{}", run.stdout);
        for ran in [&verify, &run] {
            assert!(!ran.stdout.contains(SIGNED), "{}", ran.stdout);
        }
    }
}
