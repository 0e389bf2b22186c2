//! Everything that can be done to logs and digests, done to a chain that was sound, each with its
//! near miss: `trailscan verify FOLDER` as a user types it.

use crate::chain;
use crate::product;

use std::fs;
use std::path::Path;

use chain::{Signer, WINDOW, Writer, edit, gunzip, gzip, gzip_at, key_file};
use flate2::Compression;
use product::{Ran, finish, trailscan};
use serde_json::Value;
use tempfile::TempDir;
use trailscan::digest::key::Keys;
use trailscan::digest::{self, Origin, Reader, Window, build_proof};
use trailscan::integrity::proof::State;
use trailscan::integrity::{Evidence, Integrity, Reading};
use trailscan::source::{ObjectLocation, Scope, local};

/// Six hours of three logs each.
fn six_hours() -> (TempDir, Writer) {
    let root = tempfile::tempdir().unwrap();
    let writer = Writer::hours(&root.path().join("bucket"), 6);
    (root, writer)
}

/// Verifies what the writer wrote, with its key.
fn verify(root: &TempDir, writer: &Writer, arguments: &[&str]) -> Ran {
    let keys = writer.keys(root.path());
    verify_with(root, &keys, arguments)
}

fn verify_with(root: &TempDir, keys: &Path, arguments: &[&str]) -> Ran {
    let mut command = trailscan();
    command.arg("verify").arg(root.path().join("bucket"));
    command.arg("--public-keys").arg(keys).args(arguments);
    finish(command)
}

/// The proof, as `integrity.json` has it.
fn proof(ran: &Ran) -> Value {
    ran.json("integrity.json")
}

/// Digests valid, broken, not proven.
fn digests(ran: &Ran) -> [u64; 3] {
    let proof = proof(ran);
    ["valid", "broken", "not_proven"].map(|what| proof["digests"][what].as_u64().unwrap())
}

/// Logs that are valid, altered, missing, in no digest, pending, not proven.
fn logs(ran: &Ran) -> [u64; 6] {
    let proof = proof(ran);
    let words = [
        "valid",
        "altered",
        "missing",
        "unnamed",
        "pending",
        "not_proven",
    ];
    words.map(|what| proof["logs"][what].as_u64().unwrap())
}

/// Kind, state, first and last moment of every hole.
fn holes(ran: &Ran) -> Vec<String> {
    let proof = proof(ran);
    let chains = proof["chains"].as_array().unwrap().iter();
    let holes = chains.flat_map(|chain| chain["holes"].as_array().unwrap());
    let text = |hole: &Value, key: &str| hole[key].as_str().unwrap().to_owned();
    let clock = |time: &str| time.get(11..16).unwrap().to_owned();
    holes
        .map(|hole| {
            format!(
                "{} {} {}..{}",
                text(hole, "kind"),
                text(hole, "state"),
                clock(&text(hole, "from")),
                clock(&text(hole, "to"))
            )
        })
        .collect()
}

fn assert_ends(ran: &Ran, code: i32, says: &str) {
    assert_eq!(ran.code, code, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains(says), "{says}: {}", ran.stdout);
}

#[test]
fn an_untouched_chain_is_valid_log_by_log_and_hour_by_hour() {
    let (root, writer) = six_hours();
    let ran = verify(&root, &writer, &WINDOW);
    assert_ends(
        &ran,
        0,
        "Integrity valid: 6 of 6 digests valid, 18 of 18 logs valid",
    );
    let proof = proof(&ran);
    assert_eq!(proof["schema"], "trailscan.integrity/1");
    assert_eq!(proof["state"], "valid");
    let hours = proof["chains"][0]["hours"].as_array().unwrap();
    assert_eq!(hours.len(), 6);
    assert_eq!(hours[0]["start"], "2026-11-20T00:17:28Z");
    assert_eq!(hours[0]["logs"]["matching"], 3);
    assert!(hours.iter().all(|hour| hour["state"] == "valid"));
    let objects = proof["objects"].as_array().unwrap();
    assert_eq!(objects.len(), 18);
    assert!(objects.iter().all(|object| object["state"] == "valid"));
    let saved = ran.json("public-keys.json");
    assert_eq!(
        saved["PublicKeyList"][0]["Fingerprint"],
        writer.signer.fingerprint()
    );
    // what was saved is what can be read
    let again = ran.folder.path().join("report/public-keys.json");
    assert_eq!(verify_with(&root, &again, &WINDOW).code, 0);
}

#[cfg(unix)]
#[test]
fn the_proof_is_for_its_owner_alone_and_nothing_else_is_left() {
    use std::os::unix::fs::PermissionsExt as _;
    let (root, writer) = six_hours();
    let ran = verify(&root, &writer, &WINDOW);
    let mut names = Vec::new();
    for entry in fs::read_dir(ran.folder.path().join("report")).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(
            entry.metadata().unwrap().permissions().mode() & 0o777,
            0o600
        );
        names.push(entry.file_name().into_string().unwrap());
    }
    names.sort();
    assert_eq!(names, ["integrity.json", "public-keys.json"]);
}

#[test]
fn without_a_window_everything_that_is_there_is_checked() {
    let (root, writer) = six_hours();
    let ran = verify(&root, &writer, &[]);
    assert_ends(&ran, 0, "6 of 6 digests valid, 18 of 18 logs valid");
}

#[test]
fn an_altered_log_is_found_and_a_recompressed_one_is_the_same_log() {
    let (root, writer) = six_hours();
    let path = writer.log_path(2, 1);
    fs::write(&path, gzip_at(&gunzip(&path), Compression::none())).unwrap();
    assert_ends(&verify(&root, &writer, &WINDOW), 0, "18 of 18 logs valid");
    edit(&path, "DescribeInstances", "RunInstances");
    let ran = verify(&root, &writer, &WINDOW);
    assert_ends(&ran, 4, "BROKEN: 6 of 6 digests valid, 17 of 18 logs valid");
    assert_eq!(logs(&ran), [17, 1, 0, 0, 0, 0]);
    let object = proof(&ran)["objects"][0].clone();
    assert_eq!(object["fault"], "altered");
    assert!(writer.hours[2].logs[1].ends_with(object["object"].as_str().unwrap()));
}

#[test]
fn a_log_that_is_not_one_whole_gzip_member_is_not_what_cloudtrail_wrote() {
    let (root, writer) = six_hours();
    let path = writer.log_path(2, 1);
    let sound = fs::read(&path).unwrap();
    let text = gunzip(&path);
    let half = text.len() / 2;
    let planted = br#"{"Records":[{"eventName":"Nothing"}]}"#;
    for (what, bytes) in [
        ("cut", sound[..sound.len() - 9].to_vec()),
        ("empty", Vec::new()),
        ("garbage behind", [&sound[..], b"garbage"].concat()),
        ("padding behind", [&sound[..], &[0; 512]].concat()),
        ("a member more", [&sound[..], &gzip(planted)].concat()),
        ("an empty member more", [&sound[..], &gzip(b"")].concat()),
        (
            "the same text in two members",
            [gzip(&text[..half]), gzip(&text[half..])].concat(),
        ),
        ("not compressed", text.clone()),
        ("no log at all", b"nothing".to_vec()),
    ] {
        fs::write(&path, bytes).unwrap();
        let ran = verify(&root, &writer, &WINDOW);
        assert_eq!(ran.code, 4, "{what}: {}", ran.stdout);
        assert_eq!(logs(&ran), [17, 1, 0, 0, 0, 0], "{what}");
    }
    fs::write(&path, sound).unwrap();
    assert_eq!(verify(&root, &writer, &WINDOW).code, 0);
}

#[test]
fn a_deleted_log_is_missed_and_one_that_was_renamed_is_found_under_its_new_name() {
    let (root, writer) = six_hours();
    let path = writer.log_path(3, 0);
    let renamed = path.with_file_name(
        "111122223333_CloudTrail_us-east-1_20261120T0320Z_ffffffffffffffff.json.gz",
    );
    fs::rename(&path, &renamed).unwrap();
    let ran = verify(&root, &writer, &WINDOW);
    assert_ends(&ran, 4, "ffffffffffffffff");
    // the name that is missing, and the file that is there
    assert_eq!(logs(&ran), [17, 0, 1, 1, 0, 0]);
    assert_eq!(proof(&ran)["objects"][0]["fault"], "moved");
    fs::remove_file(&renamed).unwrap();
    let ran = verify(&root, &writer, &WINDOW);
    assert_ends(&ran, 4, "missing");
    assert_eq!(logs(&ran), [17, 0, 1, 0, 0, 0]);
    assert_eq!(proof(&ran)["objects"][0]["fault"], "missing");
}

#[test]
fn a_log_that_no_digest_names_is_found_and_a_new_one_is_awaited() {
    let (root, mut writer) = six_hours();
    writer.log("2026-11-20T03:40:00Z".parse().unwrap());
    let ran = verify(&root, &writer, &WINDOW);
    assert_ends(&ran, 4, "in no digest");
    assert_eq!(logs(&ran), [18, 0, 0, 1, 0, 0]);

    let (root, mut writer) = six_hours();
    writer.log("2026-11-20T06:30:00Z".parse().unwrap());
    // the runner's clock stands at midnight two days later
    let early = ["--until", "2026-11-20T06:40:00Z"];
    let ran = verify(&root, &writer, &early);
    assert_eq!(logs(&ran), [18, 0, 0, 0, 0, 1]);
    assert_ends(
        &ran,
        4,
        "there is no digest after 2026-11-20T06:17:28Z, and logs were delivered",
    );
    let ran = at("2026-11-20T06:40:00Z", &root, &writer, &early);
    assert_ends(&ran, 0, "6 of 6 digests valid, 18 of 18 logs valid");
    assert_eq!(logs(&ran), [18, 0, 0, 0, 1, 0]);
}

/// The same with another clock.
fn at(now: &str, root: &TempDir, writer: &Writer, arguments: &[&str]) -> Ran {
    let now: chrono::DateTime<chrono::Utc> = now.parse().unwrap();
    let mut command = trailscan();
    command.env("SOURCE_DATE_EPOCH", now.timestamp().to_string());
    command.arg("verify").arg(root.path().join("bucket"));
    command
        .arg("--public-keys")
        .arg(writer.keys(root.path()))
        .args(arguments);
    finish(command)
}

#[test]
fn missing_digests_are_found_one_two_in_a_row_the_newest_and_the_oldest() {
    for (gone, hole, proven) in [
        (&[2][..], "missing broken 02:17..03:17", 15),
        (&[2, 3], "missing broken 02:17..04:17", 12),
        (&[5], "end broken 05:17..06:17", 15),
        (&[4, 5], "end broken 04:17..06:17", 12),
        (&[0], "missing broken 00:17..01:17", 15),
    ] {
        let (root, writer) = six_hours();
        for hour in gone {
            fs::remove_file(writer.digest_path(*hour)).unwrap();
        }
        let ran = verify(&root, &writer, &WINDOW);
        assert_eq!(ran.code, 4, "{gone:?}: {}", ran.stdout);
        assert_eq!(holes(&ran), [hole]);
        assert_eq!(logs(&ran), [proven, 0, 0, 0, 0, 18 - proven], "{gone:?}");
        let reasons = proof(&ran)["objects"].to_string();
        assert!(reasons.contains("no digest covers its hour"), "{reasons}");
    }
}

#[test]
fn of_a_copy_nobody_knows_whether_its_newest_digest_was_removed_or_not_yet_written() {
    let (root, writer) = six_hours();
    fs::remove_file(writer.digest_path(5)).unwrap();
    let ran = verify(&root, &writer, &[]);
    assert_ends(
        &ran,
        3,
        "NOT PROVEN: 5 of 5 digests valid, 15 of 18 logs valid",
    );
    assert!(
        ran.stdout.contains("--until says up to when"),
        "{}",
        ran.stdout
    );
    for hour in [3, 4] {
        fs::remove_file(writer.digest_path(hour)).unwrap();
    }
    let ran = verify(&root, &writer, &[]);
    assert_ends(&ran, 4, "there is no digest after 2026-11-20T03:17:28Z");
}

#[test]
fn nothing_under_a_bad_digest_is_valid() {
    let (root, writer) = six_hours();
    let digest = writer.digest_path(2);
    let sound = fs::read(&digest).unwrap();
    // the attacker alters a log and the digest that names it
    let log = writer.log_path(2, 1);
    let before = sha256(&gunzip(&log));
    edit(&log, "DescribeInstances", "RunInstances");
    edit(&digest, &before, &sha256(&gunzip(&log)));
    let ran = verify(&root, &writer, &WINDOW);
    assert_ends(&ran, 4, "signature verification failed");
    assert_eq!(
        (digests(&ran), logs(&ran)),
        ([5, 1, 0], [15, 0, 0, 0, 0, 3])
    );
    for state in proof(&ran)["objects"].as_array().unwrap() {
        let of_that_hour = state["digest"].as_str().unwrap().contains("T031728Z");
        assert_eq!(state["state"] == "not_proven", of_that_hour, "{state}");
    }
    // and where only the log is, the digest shows it
    fs::write(&digest, sound).unwrap();
    assert_eq!(logs(&verify(&root, &writer, &WINDOW)), [17, 1, 0, 0, 0, 0]);
}

fn sha256(bytes: &[u8]) -> String {
    trailscan::sha256::hex([bytes])
}

#[test]
fn a_digest_signed_by_somebody_else_or_without_its_signature_is_bad() {
    let other = Signer::other();
    for (what, edit_side) in [
        ("a digit", ("\"signature\":\"", "\"signature\":\"0")),
        ("algorithm", ("SHA256withRSA", "SHA1withRSA")),
    ] {
        let (root, writer) = six_hours();
        let side = writer.side_path(2);
        let text = fs::read_to_string(&side).unwrap();
        fs::write(&side, text.replacen(edit_side.0, edit_side.1, 1)).unwrap();
        let ran = verify(&root, &writer, &WINDOW);
        assert_eq!((ran.code, digests(&ran)), (4, [5, 1, 0]), "{what}");
    }
    let (root, mut writer) = six_hours();
    writer.signer = other;
    writer.hour(3);
    // the forger cannot put his key into AWS's list, but he can name AWS's
    let aws = Signer::new().fingerprint();
    let forged = writer.digest_path(6);
    edit(&forged, &writer.signer.fingerprint(), &aws);
    writer.signer = Signer::new();
    let window = [WINDOW[0], WINDOW[1], "--until", "2026-11-20T07:17:28Z"];
    let ran = verify(&root, &writer, &window);
    assert_eq!((ran.code, digests(&ran)), (4, [6, 1, 0]));
    assert_eq!(logs(&ran), [18, 0, 0, 0, 0, 3]);
}

#[test]
fn a_digest_that_aws_signed_and_the_chain_does_not_know_was_put_in_its_place() {
    let (root, writer) = six_hours();
    let sound = fs::read(writer.digest_path(2)).unwrap();
    // the same place and hour in another life of the trail: one log less, and rightly signed
    let twin = tempfile::tempdir().unwrap();
    let mut other = Writer::new(twin.path());
    other.hour(3);
    other.hour(3);
    other.hour(2);
    for (path, from) in [
        (writer.digest_path(2), other.digest_path(2)),
        (writer.side_path(2), other.side_path(2)),
    ] {
        fs::copy(from, path).unwrap();
    }
    let ran = verify(&root, &writer, &WINDOW);
    assert_ends(&ran, 4, "it was replaced");
    assert_eq!(digests(&ran), [5, 1, 0]);
    // content alone put back: the signature beside it is still that of the other
    fs::write(writer.digest_path(2), sound).unwrap();
    assert_ends(
        &verify(&root, &writer, &WINDOW),
        4,
        "signature verification failed",
    );
}

#[test]
fn a_digest_that_is_damaged_or_lies_elsewhere_is_bad() {
    let (root, writer) = six_hours();
    let path = writer.digest_path(2);
    let sound = fs::read(&path).unwrap();
    for (what, bytes) in [
        ("cut", sound[..sound.len() - 9].to_vec()),
        ("more behind", [&sound[..], b"more"].concat()),
        ("no JSON", gzip(b"nothing")),
        ("another JSON", gzip(b"{}")),
    ] {
        fs::write(&path, bytes).unwrap();
        let ran = verify(&root, &writer, &WINDOW);
        assert_eq!((ran.code, digests(&ran)), (4, [5, 1, 0]), "{what}");
        assert_eq!(logs(&ran)[0], 15, "{what}");
    }
    fs::write(&path, sound).unwrap();
    let moved = path.to_string_lossy().replace("T031728Z", "T031729Z");
    fs::rename(&path, &moved).unwrap();
    fs::rename(chain::side(&path), chain::side(Path::new(&moved))).unwrap();
    let ran = verify(&root, &writer, &WINDOW);
    assert_ends(&ran, 4, "it was moved here");
    assert_eq!((digests(&ran), logs(&ran)[0]), ([5, 1, 0], 15));
}

#[test]
fn the_key_decides_and_not_its_label() {
    let (root, writer) = six_hours();
    let (own, other) = (&writer.signer, Signer::other());
    let file = root.path().join("some-keys.json");
    let with = |keys: Value| {
        fs::write(&file, keys.to_string()).unwrap();
        verify_with(&root, &file, &WINDOW)
    };
    let spki = with(key_file(&own.fingerprint(), &own.spki()));
    assert_ends(&spki, 0, "18 of 18 logs valid");
    let unlabelled = with(key_file("", &own.pkcs1()));
    assert_ends(&unlabelled, 0, "18 of 18 logs valid");
    let wrong = with(key_file(&own.fingerprint(), &other.pkcs1()));
    assert_ends(&wrong, 4, "signature verification failed");
    assert_eq!((digests(&wrong), logs(&wrong)[0]), ([0, 6, 0], 0));
    let none = with(key_file(&other.fingerprint(), &other.pkcs1()));
    assert_ends(&none, 3, "no public key with fingerprint");
    assert_eq!((digests(&none), logs(&none)[0]), ([0, 0, 6], 0));
    let garbage = with(key_file(&own.fingerprint(), b"garbage"));
    assert_ends(&garbage, 4, "neither PKCS #1 nor an RSA SPKI");
    for text in ["", "{}", r#"{"PublicKeyList":[]}"#] {
        fs::write(&file, text).unwrap();
        let ran = verify_with(&root, &file, &WINDOW);
        assert_eq!(ran.code, 2, "{text}");
        assert!(ran.stderr.contains("list-public-keys"), "{}", ran.stderr);
    }
}

#[test]
fn without_metadata_the_next_digest_proves_the_one_before() {
    let (root, writer) = six_hours();
    // one side file less: the next digest, signed itself, holds the hash
    fs::remove_file(writer.side_path(2)).unwrap();
    assert_ends(&verify(&root, &writer, &WINDOW), 0, "6 of 6 digests valid");
    // none at all: the next digest holds the signature, and the newest has no next
    for hour in [0, 1, 3, 4, 5] {
        fs::remove_file(writer.side_path(hour)).unwrap();
    }
    let ran = verify(&root, &writer, &WINDOW);
    assert_ends(&ran, 3, "aws s3api head-object");
    assert_eq!(
        (digests(&ran), logs(&ran)),
        ([5, 0, 1], [15, 0, 0, 0, 0, 3])
    );
    // and what was altered still shows, by a digest that is proven and by one that is not
    for (hour, says) in [
        (2, "says another hash of it"),
        (4, "one of the two was altered"),
    ] {
        edit(&writer.digest_path(hour), "tomorrow", "yesterday");
        let ran = verify(&root, &writer, &WINDOW);
        assert_ends(&ran, 4, says);
    }
}

#[test]
fn times_without_validation_are_named_and_what_was_delivered_in_them_is_not_proven() {
    let root = tempfile::tempdir().unwrap();
    let mut writer = Writer::hours(&root.path().join("bucket"), 2);
    writer.skip(2);
    writer.restart();
    writer.hour(3);
    let window = [WINDOW[0], WINDOW[1], "--until", "2026-11-20T05:17:28Z"];
    let ran = verify(&root, &writer, &window);
    assert_ends(&ran, 3, "validation or logging was switched off");
    assert_eq!(holes(&ran), ["off not_proven 02:17..04:17"]);
    assert_eq!((digests(&ran), logs(&ran)), ([3, 0, 0], [9, 0, 0, 0, 0, 0]));
    writer.log("2026-11-20T03:00:00Z".parse().unwrap());
    let ran = verify(&root, &writer, &window);
    assert_ends(&ran, 3, "1 log delivered in it");
    assert_eq!(logs(&ran), [9, 0, 0, 0, 0, 1]);
    // a window that begins less than an hour before the trail leaves nothing to prove, but for logs
    let day = [
        "--since",
        "2026-11-20T00:00:00Z",
        "--until",
        "2026-11-20T02:17:28Z",
    ];
    let (root, mut writer) = six_hours();
    let ran = verify(&root, &writer, &day);
    assert_eq!(
        (ran.code, holes(&ran)),
        (0, vec!["off valid 00:00..00:17".to_owned()])
    );
    writer.log("2026-11-20T00:01:00Z".parse().unwrap());
    let ran = verify(&root, &writer, &day);
    assert_eq!((ran.code, logs(&ran)[5]), (3, 1), "{}", ran.stdout);
}

#[test]
fn the_window_is_all_that_is_asked_about() {
    let (root, writer) = six_hours();
    fs::remove_file(writer.log_path(0, 0)).unwrap();
    fs::remove_file(writer.digest_path(5)).unwrap();
    let inside = [
        "--since",
        "2026-11-20T02:17:28Z",
        "--until",
        "2026-11-20T04:17:28Z",
    ];
    let ran = verify(&root, &writer, &inside);
    assert_eq!((ran.code, holes(&ran).len()), (0, 0), "{}", ran.stdout);
    let beyond = [
        "--since",
        "2026-11-20T02:17:28Z",
        "--until",
        "2026-11-20T09:00:00Z",
    ];
    let ran = verify(&root, &writer, &beyond);
    assert_eq!(ran.code, 4);
    assert_eq!(holes(&ran), ["end broken 05:17..09:00"]);
}

#[test]
fn a_backfill_digest_speaks_for_logs_that_their_hour_missed() {
    let root = tempfile::tempdir().unwrap();
    let mut writer = Writer::hours(&root.path().join("bucket"), 3);
    let late = writer.log("2026-11-20T01:40:00Z".parse().unwrap());
    let window = [WINDOW[0], WINDOW[1], "--until", "2026-11-20T03:17:28Z"];
    let before = verify(&root, &writer, &window);
    assert_eq!((before.code, logs(&before)), (4, [9, 0, 0, 1, 0, 0]));
    let (start, end) = (writer.hours[1].start, writer.hours[1].end);
    let hourly = writer.hours.len();
    writer.restart();
    writer.digest(start, end, &[late], Some("2026-11-21T00:00:00.000Z"));
    let ran = verify(&root, &writer, &window);
    assert_ends(&ran, 0, "4 of 4 digests valid, 10 of 10 logs valid");
    assert_eq!(proof(&ran)["chains"].as_array().unwrap().len(), 2);
    edit(&writer.digest_path(hourly), "tomorrow", "yesterday");
    let ran = verify(&root, &writer, &window);
    assert_eq!((ran.code, digests(&ran), logs(&ran)[0]), (4, [3, 1, 0], 9));
}

#[test]
fn every_account_region_and_trail_has_its_own_chain() {
    let root = tempfile::tempdir().unwrap();
    let bucket = root.path().join("bucket");
    let chain = |account: &'static str, region: &'static str, trail: &'static str| {
        let mut writer = Writer::new(&bucket);
        (writer.account, writer.region, writer.trail) = (account, region, trail);
        writer.front = "prod/AWSLogs/o-abc123/".to_owned();
        for _ in 0..3 {
            writer.hour(2);
        }
        writer
    };
    let first = chain("111122223333", "us-east-1", "main");
    chain("111122223333", "eu-west-1", "main");
    let quiet = chain("444455556666", "us-east-1", "main");
    let window = [WINDOW[0], WINDOW[1], "--until", "2026-11-20T03:17:28Z"];
    let ran = verify(&root, &first, &window);
    assert_ends(&ran, 0, "9 of 9 digests valid, 18 of 18 logs valid");
    // an account of which every digest was removed
    for hour in 0..3 {
        fs::remove_file(quiet.digest_path(hour)).unwrap();
    }
    let ran = verify(&root, &first, &window);
    assert_ends(
        &ran,
        3,
        "444455556666 us-east-1 (6 logs): there is no digest",
    );
    assert_eq!(
        (digests(&ran), logs(&ran)),
        ([6, 0, 0], [12, 0, 0, 0, 0, 6])
    );
    let one = ["--account", "111122223333", "--region", "eu-west-1"];
    let ran = verify(&root, &first, &[&window[..], &one].concat());
    assert_ends(&ran, 0, "3 of 3 digests valid, 6 of 6 logs valid");
}

#[test]
fn a_copy_is_held_to_the_bucket_it_is_said_to_be_of() {
    let (root, writer) = six_hours();
    let of = |bucket: &str| {
        let arguments = [&WINDOW[..], &["--original-bucket", bucket]].concat();
        verify(&root, &writer, &arguments)
    };
    assert_eq!(of(chain::BUCKET).code, 0);
    assert_ends(
        &of("another"),
        4,
        "it is of bucket trail-logs, not of the copied bucket another",
    );
    let verified = verify(&root, &writer, &WINDOW).stdout;
    assert!(
        verified.contains("not checked without --original-bucket"),
        "{verified}"
    );
    // any part of the tree will do
    let mut command = trailscan();
    command.arg("verify");
    command.arg(root.path().join("bucket/AWSLogs/111122223333"));
    command
        .arg("--public-keys")
        .arg(root.path().join("keys.json"));
    assert_eq!(finish(command).code, 0);
}

#[test]
fn files_without_their_folders_are_known_by_their_names() {
    let (root, writer) = six_hours();
    let flat = root.path().join("flat");
    fs::create_dir(&flat).unwrap();
    for hour in 0..6 {
        let logs = (0..3).map(|log| writer.log_path(hour, log));
        let digest = [writer.digest_path(hour), writer.side_path(hour)];
        for path in logs.chain(digest) {
            fs::rename(&path, flat.join(path.file_name().unwrap())).unwrap();
        }
    }
    fs::remove_dir_all(root.path().join("bucket")).unwrap();
    fs::rename(flat, root.path().join("bucket")).unwrap();
    let ran = verify(&root, &writer, &[]);
    assert_ends(&ran, 0, "6 of 6 digests valid, 18 of 18 logs valid");
}

#[test]
fn threads_do_not_change_a_byte_of_the_proof() {
    let (root, writer) = six_hours();
    fs::remove_file(writer.digest_path(2)).unwrap();
    edit(&writer.log_path(4, 0), "DescribeInstances", "RunInstances");
    fs::remove_file(writer.log_path(4, 1)).unwrap();
    let run = |jobs: &str| {
        let arguments = [&WINDOW[..], &["--jobs", jobs]].concat();
        verify(&root, &writer, &arguments).file("integrity.json")
    };
    let one = run("1");
    assert!((2..6).all(|jobs| run(&jobs.to_string()) == one));
}

#[test]
fn a_folder_without_a_digest_proves_nothing() {
    let (root, writer) = six_hours();
    fs::remove_dir_all(
        root.path()
            .join("bucket/AWSLogs/111122223333/CloudTrail-Digest"),
    )
    .unwrap();
    let ran = verify(&root, &writer, &WINDOW);
    assert_ends(&ran, 3, "NOT PROVEN: no digest was found");
    assert_eq!(logs(&ran), [0, 0, 0, 0, 0, 18]);
}

/// What one worker learns of each object, in the order of the listing.
fn evidence(root: &Path, keys: &Path, scope: &Scope) -> (Reader, Vec<Evidence>) {
    let reader = Reader {
        keys: Keys::from_file(keys).unwrap(),
        origin: Origin::Copy { bucket: None },
        scope: scope.clone(),
        digested: None,
    };
    let mut objects = local::list(root, scope).unwrap().objects;
    // metadata whose digest is gone is a file of its own, and no gzip
    objects.retain(|object| !object.name.ends_with(".metadata.json"));
    let evidence = objects.iter().filter_map(|object| {
        let ObjectLocation::File(path) = &object.place else {
            panic!("no file");
        };
        let bytes = gunzip(path);
        match digest::is_digest(object) {
            true => reader.digest(object, &bytes, &local::metadata(path)),
            false => {
                let hash = trailscan::sha256::of(&bytes);
                Some(reader.log(object, Reading::Content(hash), None))
            }
        }
    });
    let evidence = evidence.collect();
    (reader, evidence)
}

#[test]
fn facts_merge_in_any_order_and_any_split_to_the_same_proof() {
    let (root, mut writer) = six_hours();
    writer.log("2026-11-20T03:40:00Z".parse().unwrap());
    fs::remove_file(writer.digest_path(3)).unwrap();
    fs::remove_file(writer.side_path(1)).unwrap();
    fs::remove_file(writer.log_path(4, 1)).unwrap();
    edit(&writer.log_path(0, 1), "DescribeInstances", "RunInstances");
    let keys = writer.keys(root.path());
    let mut scope = Scope::all("2026-11-22T00:00:00Z".parse().unwrap());
    scope.digests = true;
    let (reader, evidence) = evidence(&root.path().join("bucket"), &keys, &scope);
    let window = Window {
        since: None,
        until: None,
        now: scope.now.timestamp(),
        copy: true,
        original: None,
        buckets: Default::default(),
        trails: Vec::new(),
    };
    let proof = |mut parts: Vec<Integrity>| {
        let mut whole = Integrity::default();
        while let Some(part) = parts.pop() {
            whole.merge(part);
        }
        build_proof(&mut whole, &reader.keys, &window)
    };
    let mut in_order = Integrity::default();
    evidence
        .iter()
        .cloned()
        .for_each(|one| in_order.absorb(one));
    let expected = proof(vec![in_order]);
    assert_eq!(expected.state(), State::Broken);
    assert_eq!(expected.logs.valid, 13, "{expected:#?}");
    for seed in 1..200_usize {
        // deals the objects to a few workers, in an order that depends on the seed
        let mut order: Vec<usize> = (0..evidence.len()).collect();
        order.sort_by_key(|at| (at + 1) * (seed * 7919 + 13) % 104_729);
        let workers = 1 + seed % 5;
        let mut parts: Vec<Integrity> = (0..workers).map(|_| Integrity::default()).collect();
        for at in order {
            let worker = at * seed % workers;
            parts[worker].absorb(evidence[at].clone());
        }
        if seed % 2 == 0 && workers > 2 {
            let last = parts.pop().unwrap();
            parts[0].merge(last);
        }
        assert_eq!(proof(parts), expected, "seed {seed}");
    }
}
