//! The weekly review: decisions, exceptions, signatures and the ledger that keeps them for years.

mod attacks;
mod guides;
mod signing;
mod weeks;

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::product::trailscan;

/// A folder in which somebody reviews, at a time of their own.
pub(super) struct Office {
    pub(super) folder: tempfile::TempDir,
    pub(super) now: String,
}

/// How a command ended.
pub(super) struct Said {
    pub(super) code: i32,
    pub(super) out: String,
    pub(super) err: String,
}

impl Said {
    #[track_caller]
    pub(super) fn ends(self, code: i32, parts: &[&str]) -> Self {
        let all = format!("{}\n{}", self.out, self.err);
        assert_eq!(self.code, code, "{all}");
        for part in parts {
            assert!(all.contains(part), "no `{part}` in: {all}");
        }
        self
    }

    #[track_caller]
    pub(super) fn lacks(&self, part: &str) {
        assert!(!self.out.contains(part), "{}", self.out);
    }
}

impl Office {
    pub(super) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            now: String::new(),
        }
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Sets the clock.
    pub(super) fn at(&mut self, time: &str) -> &mut Self {
        let at: chrono::DateTime<chrono::Utc> = time.parse().unwrap();
        self.now = at.timestamp().to_string();
        self
    }

    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = trailscan();
        command
            .current_dir(self.path())
            .env("SOURCE_DATE_EPOCH", &self.now)
            .args(arguments);
        command
    }

    pub(super) fn say(&self, arguments: &[&str]) -> Said {
        finished(self.command(arguments).output().unwrap())
    }

    /// `trailscan review` with arguments of one word each.
    pub(super) fn review(&self, arguments: &str) -> Said {
        let words = std::iter::once("review").chain(arguments.split_whitespace());
        self.say(&words.collect::<Vec<_>>())
    }

    /// The ids of the run's findings about one actor.
    pub(super) fn ids(&self, folder: &str, actor: &str) -> Vec<String> {
        let findings = self.json(&format!("{folder}/findings.json"));
        let all = findings["findings"].as_array().unwrap().iter();
        let about = all.filter(|one| one["actor"].as_str().unwrap().ends_with(actor));
        about
            .map(|one| one["id"].as_str().unwrap().to_owned())
            .collect()
    }

    pub(super) fn json(&self, name: &str) -> Value {
        let text = std::fs::read_to_string(self.path().join(name)).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    pub(super) fn ledger(&self) -> Vec<u8> {
        std::fs::read(self.path().join("trailscan.ledger")).unwrap()
    }
}

pub(super) fn finished(output: Output) -> Said {
    Said {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Somebody stops a trail: a critical finding of our own rules.
pub(super) fn stops_a_trail(who: &str, time: &str) -> Value {
    json!({
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "IAMUser",
            "arn": format!("arn:aws:iam::111122223333:user/{who}"),
            "accountId": "111122223333",
            "userName": who,
        },
        "eventTime": time,
        "eventSource": "cloudtrail.amazonaws.com",
        "eventName": "StopLogging",
        "awsRegion": "us-east-1",
        "sourceIPAddress": "198.51.100.7",
        "requestParameters": {"name": format!("trail-of-{who}")},
        "eventID": format!("{who}-{time}"),
        "recipientAccountId": "111122223333",
    })
}

pub(super) fn write_logs(office: &Office, name: &str, records: &[Value]) {
    let logs = office.path().join("logs");
    std::fs::create_dir_all(&logs).unwrap();
    let log = json!({"Records": records}).to_string();
    std::fs::write(logs.join(name), log).unwrap();
}

/// One rule, so that a test sees the findings that it made.
pub(super) const RULE: &str = "
title: Audit trail stopped
name: trail_stopped
level: critical
logsource: {product: aws, service: cloudtrail}
detection:
  selection:
    eventName: StopLogging
  condition: selection
";

/// Runs a week of the office's logs into that folder.
pub(super) fn run_week(office: &Office, week: &str, out: &str) -> Said {
    std::fs::write(office.path().join("rule.yml"), RULE).unwrap();
    let arguments = [
        "run",
        "logs",
        "--week",
        week,
        "--out",
        out,
        "--no-builtin-rules",
        "--rules",
        "rule.yml",
    ];
    office.say(&arguments)
}
