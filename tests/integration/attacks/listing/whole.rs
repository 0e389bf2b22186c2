//! The identity begins at what the store holds.

use std::fs;

use crate::loopback::{self, Answer, BUCKET, Memory, log};
use crate::product::{self, Ran};

const ONE: &str = "111122223333";

/// One event of its own.
pub(super) fn event(id: &str) -> Vec<u8> {
    format!(
        r#"{{"Records":[{{"eventVersion":"1.08","eventTime":"2026-11-20T11:00:00Z","eventSource":"s3.amazonaws.com","eventName":"ListBuckets","awsRegion":"us-east-1","eventID":"{id}","recipientAccountId":"111122223333"}}]}}"#
    )
    .into_bytes()
}

fn key(prefix: &str, minute: usize) -> String {
    let stamp = format!("20261120T11{minute:02}");
    format!("{prefix}{}", log(ONE, "us-east-1", &stamp))
}

/// A bucket with an event in each object.
fn bucket(keys: &[String]) -> Memory {
    let keys = keys.iter().enumerate();
    keys.fold(Memory::new([""; 0]), |memory, (n, key)| {
        memory.with(key.clone(), Answer::Body(event(&format!("event-{n}"))))
    })
}

async fn run(memory: Memory) -> Ran {
    let url = loopback::serve(memory).await;
    let mut command = product::signed_in();
    command.args(["run", &format!("s3://{BUCKET}"), "--endpoint-url", &url]);
    command.args(["--since", "2026-11-20", "--until", "2026-11-21"]);
    command.args(["--fail-on", "never"]);
    tokio::task::spawn_blocking(move || product::finish(command))
        .await
        .unwrap()
}

/// `found = listed + digests + other files + passed over`, and how many were found.
fn found(ran: &Ran) -> u64 {
    ran.assert_identities();
    let store = &ran.json("coverage.json")["store"];
    let entries = store["passed_over"].as_array().unwrap();
    let passed = entries
        .iter()
        .map(|entry| entry["objects"].as_u64().unwrap());
    let handed = ["listed", "digests", "foreign"].map(|what| ran.count("objects", what));
    let found = store["found"].as_u64().unwrap();
    assert_eq!(
        found,
        handed.iter().sum::<u64>() + passed.sum::<u64>(),
        "{store}"
    );
    found
}

/// The entry of a reason.
pub(super) fn passed(ran: &Ran, reason: &str) -> serde_json::Value {
    let store = ran.json("coverage.json")["store"].clone();
    let entries = store["passed_over"].as_array().unwrap();
    let entry = entries.iter().find(|entry| entry["reason"] == reason);
    entry.unwrap_or_else(|| panic!("{reason}: {store}")).clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_below_two_prefixes_are_all_read() {
    let first = (0..9).map(|minute| key("AWSLogs/", minute));
    let second = (0..23).flat_map(|minute| {
        [
            "prod/AWSLogs/",
            "prod/AWSLogs/o-abc123/",
            "org/a/b/AWSLogs/",
        ]
        .map(|at| key(at, minute))
    });
    let keys: Vec<_> = first.chain(second).collect();
    let ran = run(bucket(&keys)).await;
    assert_eq!(ran.count("objects", "read"), 78, "{}", ran.stdout);
    assert_eq!(ran.count("records", "evaluated"), 78);
    assert_eq!((ran.code, found(&ran)), (0, 78));
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_are_found_however_their_folders_are_spelled() {
    let right = key("AWSLogs/", 0);
    let keys = [
        right.clone(),
        key("awslogs/", 1),
        key("AWSLogs/AWSLogs/", 2),
        key("AWSLogs/restored/", 3),
        right.replace("/CloudTrail/", "/cloudtrail/"),
        right.replace("us-east-1/", "US-EAST-1/"),
        right.replace("/2026/11/20/", "/restored/2026/11/20/"),
        right.replace("/2026/11/20/", "/2026/11/20/again/"),
        right.replace("/2026/11/20/", "/"),
        // out of its folder, but named like a log
        format!("AWSLogs/{}", right.rsplit('/').next().unwrap()),
        // a folder's marker with content, below CloudTrail's folders
        right.replace(".json.gz", ".json.gz/"),
    ];
    let ran = run(bucket(&keys)).await;
    assert_eq!(
        ran.count("objects", "read"),
        keys.len() as u64,
        "{}",
        ran.stdout
    );
    assert_eq!(found(&ran), keys.len() as u64);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert!(!ran.stdout.contains("not read:"), "{}", ran.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_read_is_named_with_its_number_and_reason() {
    let mut keys = vec![key("AWSLogs/", 0)];
    keys.extend((0..25).map(|n| format!("notes/{n:02}.txt")));
    keys.extend(
        [
            "a/b/c/d/e/f/g/h.json.gz",
            "AWSLogs/111122223333/Config/x.json.gz",
        ]
        .map(str::to_owned),
    );
    let memory = bucket(&keys).with("AWSLogs/", Answer::Body(Vec::new()));
    let ran = run(memory).await;
    assert_eq!(found(&ran), 1 + 25 + 1);
    let notes = passed(&ran, "outside_layout");
    assert_eq!(notes["objects"], 25);
    assert_eq!(
        notes["names"].as_array().unwrap().len(),
        10,
        "names are bounded"
    );
    assert_eq!(passed(&ran, "folder_marker")["objects"], 1);
    let service = passed(&ran, "other_service");
    assert_eq!(service["names"][0], "AWSLogs/111122223333/Config/");
    let deep = passed(&ran, "not_searched");
    assert_eq!(deep["names"][0], "a/b/c/d/e/f/");
    let coverage = ran.json("coverage.json");
    let notes = coverage["notes"].to_string();
    assert!(
        notes.contains("25 objects outside CloudTrail's folders"),
        "{notes}"
    );
    assert!(notes.contains("and 15 more"), "{notes}");
    assert!(notes.contains("1 folder of other services"), "{notes}");
    assert!(ran.file("report.html").contains("notes/00.txt"));
    // one line in the summary: the most frequent reason first, and no names
    let mut lines = ran.stdout.lines();
    let line = lines.find(|line| line.contains("not read: ")).unwrap();
    assert!(
        line.contains("not read: 2 folders and 25 objects (25 objects outside CloudTrail's"),
        "{line}"
    );
    assert!(
        line.contains("; 1 folder of other services below an account"),
        "{line}"
    );
    assert!(!line.contains("notes/00.txt"), "{line}");
    assert!(
        lines.all(|line| !line.contains("not read: ")),
        "{}",
        ran.stdout
    );
}

#[test]
fn a_log_may_be_called_as_metadata_is_and_metadata_belongs_to_a_digest() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    };
    let digest = format!(
        "AWSLogs/{ONE}/CloudTrail-Digest/us-east-1/2026/11/20/\
         {ONE}_CloudTrail-Digest_us-east-1_trail_us-east-1_20261120T110000Z.json.gz"
    );
    write(&key("AWSLogs/", 0), &event("plain"));
    write(
        &key("AWSLogs/", 1).replace(".json.gz", ".metadata.json"),
        &event("hidden"),
    );
    write(
        &format!("{}.metadata.json", key("AWSLogs/", 0)),
        &event("beside a log"),
    );
    write("flat.metadata.json", &event("flat"));
    write(&digest, b"{\"digestStartTime\":\"x\",\"logFiles\":[]}");
    write(&format!("{digest}.metadata.json"), b"{\"Metadata\":{}}");
    write(
        &digest
            .replace("T11", "T12")
            .replace(".gz", ".gz.metadata.json"),
        &event("no digest"),
    );
    let ran = product::run(folder.path(), &["--fail-on", "never"]);
    assert_eq!(ran.count("records", "evaluated"), 5, "{}", ran.stdout);
    assert_eq!(passed(&ran, "digest_metadata")["objects"], 1);
    assert_eq!(found(&ran), 7);
}

#[cfg(unix)]
#[test]
fn what_a_folder_holds_besides_files_is_named() {
    use std::os::unix::fs::symlink;
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("logs")).unwrap();
    fs::write(folder.path().join("logs/a.json"), event("a")).unwrap();
    symlink("logs", folder.path().join("again")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(folder.path().join("socket")).unwrap();
    let ran = product::run(folder.path(), &["--fail-on", "never"]);
    assert_eq!(ran.count("records", "evaluated"), 1);
    assert_eq!(passed(&ran, "linked_twice")["names"][0], "again/");
    assert_eq!(passed(&ran, "not_a_file")["names"][0], "socket");
    assert_eq!(found(&ran), 2);
}
