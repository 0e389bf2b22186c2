//! `trailscan run --incremental`: each object is read once, in whatever order objects come and
//! whenever the program is killed, and the report is that of a run that reads everything.

use crate::loopback;
use crate::product;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use loopback::{Answer, BUCKET, Memory, log};
use product::{Ran, finish, run, samples};

const WEEK: [&str; 4] = ["--since", "2026-11-16", "--until", "2026-11-23"];
const FILES: [&str; 4] = ["findings.json", "findings.csv", "run.json", "report.html"];

/// What a server was asked, and where it is.
struct Served {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Served {
    async fn new(memory: Memory) -> Self {
        let asked = memory.asked();
        let url = loopback::serve(memory).await;
        Self { url, asked }
    }

    /// The sample bucket, each read taking some milliseconds.
    async fn breach() -> Self {
        Self::new(Memory::copy_of(&samples("trails/breach")).bearing(1_000)).await
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = product::signed_in();
        let source = format!("s3://{BUCKET}");
        command.args(["run", &source, "--endpoint-url", &self.url, "--jobs", "2"]);
        command.args(arguments);
        command
    }

    async fn run(&self, arguments: &[&str]) -> Ran {
        let command = self.command(arguments);
        tokio::task::spawn_blocking(move || finish(command))
            .await
            .unwrap()
    }

    async fn incremental(&self, state: &Path, arguments: &[&str]) -> Ran {
        let state = state.display().to_string();
        let remembering = ["--incremental", "--state", &state];
        self.run(&[&remembering[..], arguments].concat()).await
    }

    /// The keys read since this was asked last.
    fn reads(&self) -> Vec<String> {
        let mut asked = self.asked.lock().unwrap();
        let asked = std::mem::take(&mut *asked).into_iter();
        let key = |call: String| call.strip_prefix("GET ").map(str::to_owned);
        asked.filter_map(key).collect()
    }
}

fn state() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trailscan.state");
    (folder, path)
}

/// A file without the command that makes the report again, which names what was typed.
fn content(ran: &Ran, file: &str) -> String {
    let command = ran.json("run.json")["command"].clone();
    let command = command.as_str().unwrap();
    assert!(command.starts_with("trailscan run "), "{command}");
    ran.file(file).replace(command, "")
}

fn same(one: &Ran, other: &Ran, files: &[&str], why: &str) {
    one.assert_identities();
    assert_eq!(one.code, other.code, "{why}: {}", one.stderr);
    for file in files {
        // not assert_eq!: nobody reads two reports side by side
        let equal = content(one, file) == content(other, file);
        assert!(equal, "{why}: {file} differs");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_run_reads_nothing_and_says_the_same() {
    let (_folder, state) = state();
    let served = Served::breach().await;
    let plain = served.run(&WEEK).await;
    let all = served.reads();
    let first = served.incremental(&state, &WEEK).await;
    assert_eq!(served.reads().len(), all.len());
    same(&first, &plain, &FILES, "the first");
    assert_eq!(first.stderr, "");
    let dry = [&WEEK[..], &["--dry-run"]].concat();
    let plan = served.incremental(&state, &dry).await.stdout;
    assert!(plan.contains(" 0 objects, 0 B"), "{plan}");
    let known = format!("{} objects known from earlier runs", all.len());
    assert!(plan.contains(&known), "{plan}");
    let second = served.incremental(&state, &WEEK).await;
    assert_eq!(served.reads(), [""; 0]);
    same(&second, &plain, &FILES, "the second");
    // from a folder of the bucket its objects have other names, and are the same objects
    let mut below = product::signed_in();
    let source = format!("s3://{BUCKET}/AWSLogs/");
    let path = state.display().to_string();
    below.args(["run", &source, "--endpoint-url", &served.url]);
    below.args(["--incremental", "--state", &path]).args(WEEK);
    let below = tokio::task::spawn_blocking(move || finish(below));
    let below = below.await.unwrap();
    assert_eq!(served.reads(), [""; 0]);
    assert_eq!(below.findings(), plain.findings());
    let cited = below.json("findings.json")["findings"][0]["samples"][0]["object"].to_string();
    assert!(
        !cited.contains("AWSLogs") && cited.contains("CloudTrail"),
        "{cited}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn cached_scans_hold_for_every_window_account_and_region() {
    let (_folder, state) = state();
    let served = Served::breach().await;
    let longer = ["--since", "2026-11-01", "--until", "2026-12-01"];
    served.incremental(&state, &longer).await;
    served.reads();
    let windows: [&[&str]; 6] = [
        &WEEK,
        &["--since", "2026-11-18", "--until", "2026-11-20"],
        &[
            "--since",
            "2026-11-18T05:00:00Z",
            "--until",
            "2026-11-19T15:00:00Z",
        ],
        &["--since", "2026-11-16", "--region", "us-east-1"],
        &["--since", "2026-11-16", "--account", "111122223333"],
        &["--since", "2026-11-16", "--account", "444455556666"],
    ];
    for window in windows {
        let known = served.incremental(&state, window).await;
        assert_eq!(served.reads(), [""; 0], "{window:?}");
        // the same history, and everything read
        let history = state.display().to_string();
        let plain = [window, &["--state", &history]].concat();
        let plain = served.run(&plain).await;
        assert!(served.reads().len() > 1 || window[3] == "444455556666");
        same(&known, &plain, &FILES, &format!("{window:?}"));
    }
    // an hour cut in two by the window: the same findings, whatever the event classes say
    let cut = [
        "--since",
        "2026-11-18T05:17:31Z",
        "--until",
        "2026-11-19T14:00:01Z",
    ];
    let known = served.incremental(&state, &cut).await;
    assert_eq!(served.reads(), [""; 0]);
    let plain = served.run(&cut).await;
    assert!(!plain.findings().is_empty());
    same(&known, &plain, &["findings.csv"], "cut");
    assert_eq!(known.findings(), plain.findings());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_weeks_one_after_the_other_read_no_object_twice() {
    let (_folder, state) = state();
    let served = Served::breach().await;
    let mut reads = Vec::new();
    for week in [["2026-11-09", "2026-11-16"], ["2026-11-16", "2026-11-23"]] {
        let window = ["--since", week[0], "--until", week[1]];
        let known = served.incremental(&state, &window).await;
        reads.extend(served.reads());
        let plain = served.run(&window).await;
        served.reads();
        same(&known, &plain, &FILES, week[0]);
    }
    let count = reads.len();
    reads.sort();
    reads.dedup();
    assert_eq!(reads.len(), count);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_delivery_is_read_though_newer_logs_were_read_before() {
    let (_folder, state) = state();
    let folder = samples("trails/breach");
    let whole = Memory::copy_of(&folder);
    let served = Served::new(Memory::copy_of(&folder)).await;
    served.run(&WEEK).await;
    let mut keys = served.reads();
    keys.sort();
    // one log of Wednesday comes when all others were read
    let late = keys[keys.len() / 2].clone();
    let before = Served::new(Memory::copy_of(&folder).without(&late)).await;
    before.incremental(&state, &WEEK).await;
    assert_eq!(before.reads().len(), keys.len() - 1);
    let after = Served::new(whole).await;
    let known = after.incremental(&state, &WEEK).await;
    assert_eq!(after.reads(), [late]);
    let plain = after.run(&WEEK).await;
    same(&known, &plain, &FILES, "after the late one");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_version_is_another_object_and_a_broken_one_is_not_cached() {
    let (_folder, state) = state();
    let key = |minute: u32| {
        let stamp = format!("20261120T11{minute:02}");
        format!("AWSLogs/{}", log("111122223333", "us-east-1", &stamp))
    };
    let event = |id: &str| {
        let text = format!(
            r#"{{"Records":[{{"eventVersion":"1.08","eventTime":"2026-11-20T11:00:00Z","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","awsRegion":"us-east-1","eventID":"{id}","recipientAccountId":"111122223333","requestParameters":{{"roleSessionName":"patient-doe"}},"responseElements":{{"credentials":{{"sessionToken":"FwoG-secret"}}}}}}]}}"#
        );
        Answer::Body(text.into_bytes())
    };
    let bucket = |second: Answer| {
        let memory = Memory::new([""; 0]);
        let memory = memory.with(key(0), event("a")).with(key(1), second);
        memory.with(key(2), Answer::Denied("Access Denied"))
    };
    let served = Served::new(bucket(event("b"))).await;
    let first = served.incremental(&state, &WEEK).await;
    assert_eq!((first.code, served.reads().len()), (3, 3));
    assert_eq!(first.count("records", "evaluated"), 2);
    // the second was replaced by a longer one, and the third may still not be read
    let served = Served::new(bucket(event("another"))).await;
    let second = served.incremental(&state, &WEEK).await;
    assert_eq!(second.code, 3);
    let mut reads = served.reads();
    reads.sort();
    assert_eq!(reads, [key(1), key(2)]);
    // what a request asked and a response gave stays in the log
    for file in std::fs::read_dir(state.parent().unwrap()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        let holds = |text: &str| {
            bytes
                .windows(text.len())
                .any(|part| part == text.as_bytes())
        };
        assert!(!holds("FwoG-secret") && !holds("patient-doe"));
    }
}

#[test]
fn with_other_rules_everything_is_read_again_and_a_note_says_so() {
    let (folder, state) = state();
    let state = state.display().to_string();
    let source = samples("trails/quiet");
    let remembering = ["--incremental", "--state", &state];
    let first = run(&source, &remembering);
    assert_eq!(first.stderr, "");
    let second = run(&source, &remembering);
    assert_eq!(second.stderr, "");
    same(&second, &first, &FILES, "a folder");
    let rule = folder.path().join("rule.yml");
    let builtin = product::root().join("rules/iam/aws_iam_access_key_deleted.yml");
    let text = std::fs::read_to_string(builtin).unwrap();
    let text = text.replace("name: aws_iam_access_key_deleted", "name: another");
    let text = text.replace("id: ", "id: 00000000-0000-4000-8000-000000000000 # ");
    std::fs::write(&rule, text).unwrap();
    let rule = rule.display().to_string();
    let other = run(&source, &[&remembering[..], &["--rules", &rule]].concat());
    assert!(other.stderr.contains("re-reading"), "{}", other.stderr);
    assert!(
        other
            .stderr
            .contains("was written with other rules, configuration or version")
    );
}

#[test]
fn a_state_file_that_is_none_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let other = folder.path().join("notes");
    std::fs::write(&other, "my notes".repeat(200)).unwrap();
    let other = other.display().to_string();
    let source = samples("trails/quiet");
    let refused = run(&source, &["--incremental", "--state", &other]);
    assert_eq!(refused.code, 2);
    assert!(
        refused.stderr.contains("is not a trailscan state file"),
        "{}",
        refused.stderr
    );
    let alone = run(&source, &["--state", &other]);
    assert_eq!(alone.code, 2);
    assert!(
        alone.stderr.contains("is not a trailscan state file"),
        "{}",
        alone.stderr
    );
}

/// The program is killed when so many objects were read, again and again, until it ends by itself.
#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_moment_and_started_again_it_says_what_an_undisturbed_run_says() {
    let served = Served::breach().await;
    let undisturbed = served.run(&WEEK).await;
    let all = served.reads().len();
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for round in 0..2 {
        let (_folder, state) = state();
        let path = state.display().to_string();
        let (mut kills, mut reads) = (0, 0);
        loop {
            // xorshift: the moments differ, and are the same in every test run
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let moment = usize::try_from(random % 60).unwrap();
            let out = tempfile::tempdir().unwrap();
            let mut command = served.command(&WEEK);
            command.args(["--incremental", "--state", &path, "--out"]);
            command.arg(out.path());
            command.stdout(Stdio::null()).stderr(Stdio::null());
            let asked = Arc::clone(&served.asked);
            let killed = move || {
                let mut child = command.spawn().unwrap();
                loop {
                    if child.try_wait().unwrap().is_some() {
                        return false;
                    }
                    let gets = asked.lock().unwrap();
                    let gets = gets.iter().filter(|call| call.starts_with("GET"));
                    if gets.count() > moment {
                        // SIGKILL
                        child.kill().unwrap();
                        child.wait().unwrap();
                        return true;
                    }
                    std::thread::sleep(std::time::Duration::from_millis(1));
                }
            };
            let killed = tokio::task::spawn_blocking(killed).await.unwrap();
            reads += served.reads().len();
            if !killed {
                break;
            }
            kills += 1;
            assert!(kills < 200, "it never gets to its end");
        }
        let ran = served.incremental(&state, &WEEK).await;
        assert_eq!(served.reads(), [""; 0], "all was kept");
        same(&ran, &undisturbed, &FILES, &format!("after {kills} kills"));
        assert!(kills > 0, "round {round} was not killed at all");
        println!("round {round}: {kills} kills, {reads} reads of {all} objects");
    }
}
