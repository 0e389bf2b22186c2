//! Outputs must harm nobody: no followed links, no terminal escapes, no half-written report.
#![cfg(unix)]

mod terminal;

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::chain::Writer;
use crate::product::{samples, trailscan};

/// `trailscan run samples/trails/TRAIL --out OUT ARGUMENTS`.
fn run_into(out: &Path, trail: &str, arguments: &[&str]) -> Output {
    command(out, trail, arguments).output().unwrap()
}

fn command(out: &Path, trail: &str, arguments: &[&str]) -> Command {
    let mut command = trailscan();
    command.arg("run").arg(samples("trails").join(trail));
    command.args(["--fail-on", "never"]).args(arguments);
    command.arg("--out").arg(out);
    command
}

fn said(output: &Output) -> String {
    let text = [&*output.stdout, &*output.stderr].concat();
    String::from_utf8(text).unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn fifo(path: &Path) {
    let made = Command::new("mkfifo").arg(path).status().unwrap();
    assert!(made.success());
}

fn mode(path: &Path) -> u32 {
    let metadata = fs::symlink_metadata(path).unwrap();
    assert!(metadata.is_file(), "{}", path.display());
    metadata.permissions().mode() & 0o7777
}

/// The id on the page, in findings.json and in run.json, which must be one and the same.
fn id(folder: &Path) -> String {
    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    let id = |name: &str| {
        let json: Value = serde_json::from_str(&read(name)).unwrap();
        json["report_id"].as_str().unwrap().to_owned()
    };
    let run = id("run.json");
    assert_eq!(id("findings.json"), run);
    assert!(read("report.html").contains(&format!("<title>Activity review {run}")));
    run
}

const FILES: [&str; 5] = [
    "coverage.json",
    "findings.csv",
    "findings.json",
    "report.html",
    "run.json",
];

#[test]
fn planted_links_pipes_and_leftovers_are_neither_followed_nor_waited_for() {
    let root = tempfile::tempdir().unwrap();
    let out = root.path().join("out");
    fs::create_dir(&out).unwrap();
    let victim = root.path().join("victim");
    fs::write(&victim, "precious").unwrap();
    for name in [
        ".trailscan-probe",
        ".integrity.objects",
        ".findings.json.new",
        "report.html",
        "integrity.json",
    ] {
        symlink(&victim, out.join(name)).unwrap();
    }
    for name in [".run.json.new", "findings.csv", "coverage.json"] {
        fifo(&out.join(name));
    }
    let leftover = out.join(".report.html.new");
    fs::write(&leftover, "").unwrap();
    fs::set_permissions(&leftover, fs::Permissions::from_mode(0o666)).unwrap();
    let writer = Writer::hours(&root.path().join("bucket"), 6);
    let mut command = trailscan();
    command.arg("run").arg(root.path().join("bucket"));
    command.args(["--fail-on", "never", "--verify", "--public-keys"]);
    command.arg(writer.keys(root.path())).arg("--out").arg(&out);
    let ran = command.output().unwrap();
    assert_ne!(ran.status.code(), Some(2), "{}", said(&ran));
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
    for name in FILES.iter().chain(&["integrity.json", "public-keys.json"]) {
        assert_eq!(mode(&out.join(name)), 0o600, "{name}");
    }
}

#[test]
fn a_folder_that_is_a_link_or_open_to_everybody_is_refused_before_anything_is_read() {
    let root = tempfile::tempdir().unwrap();
    let (real, link) = (root.path().join("real"), root.path().join("link"));
    fs::create_dir(&real).unwrap();
    symlink(&real, &link).unwrap();
    for spelled in [link.clone(), link.join(""), link.join(".")] {
        let ran = run_into(&spelled, "quiet", &["--force"]);
        assert_eq!(ran.status.code(), Some(2), "{}", said(&ran));
        assert!(said(&ran).contains("is a link"), "{}", said(&ran));
    }
    assert_eq!(names(&real), [""; 0]);
    fs::set_permissions(&real, fs::Permissions::from_mode(0o777)).unwrap();
    let ran = run_into(&real, "quiet", &[]);
    assert_eq!(ran.status.code(), Some(2), "{}", said(&ran));
    assert!(said(&ran).contains("--force"), "{}", said(&ran));
    assert_eq!(names(&real), [""; 0]);
    let ran = run_into(&real, "quiet", &["--force"]);
    assert_eq!(ran.status.code(), Some(0), "{}", said(&ran));
    assert_eq!(names(&real), FILES);
}

#[test]
fn a_folder_where_a_file_belongs_is_named_before_anything_is_read() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("findings.json")).unwrap();
    let ran = run_into(root.path(), "quiet", &[]);
    assert_eq!(ran.status.code(), Some(2), "{}", said(&ran));
    assert!(said(&ran).contains("findings.json"), "{}", said(&ran));
    assert_eq!(names(root.path()), ["findings.json"]);
}

#[test]
fn a_file_of_somebody_elses_is_not_taken_for_a_report_of_ours() {
    let root = tempfile::tempdir().unwrap();
    let theirs = root.path().join("coverage.json");
    fs::write(&theirs, r#"{"total":{"lines":{"pct":97}}}"#).unwrap();
    let ran = run_into(root.path(), "quiet", &["--format", "html"]);
    assert_eq!(ran.status.code(), Some(2), "{}", said(&ran));
    assert!(said(&ran).contains("coverage.json"), "{}", said(&ran));
    assert!(said(&ran).contains("--force"), "{}", said(&ran));
    assert!(fs::read_to_string(&theirs).unwrap().contains("97"));
    // a name that no report of this run needs is no reason to lose it either
    fs::rename(&theirs, root.path().join("findings.json")).unwrap();
    let ran = run_into(root.path(), "quiet", &["--format", "html", "--force"]);
    assert_eq!(ran.status.code(), Some(0), "{}", said(&ran));
    let kept = fs::read_to_string(root.path().join("findings.json")).unwrap();
    assert!(kept.contains("97"));
}

#[test]
fn a_new_report_replaces_the_earlier_one_whole_and_nothing_else() {
    let root = tempfile::tempdir().unwrap();
    for with_notes in [false, true] {
        let out = root.path().join(format!("report {with_notes}"));
        let ran = run_into(&out, "breach", &[]);
        assert_eq!(ran.status.code(), Some(0), "{}", said(&ran));
        assert_eq!(names(&out), FILES);
        if with_notes {
            fs::write(out.join("notes.txt"), "ask Anna").unwrap();
            fs::create_dir(out.join("2026-W46")).unwrap();
        }
        fs::set_permissions(&out, fs::Permissions::from_mode(0o750)).unwrap();
        let ran = run_into(&out, "quiet", &["--format", "html"]);
        assert_eq!(ran.status.code(), Some(0), "{}", said(&ran));
        let mut expected = vec!["coverage.json", "report.html", "run.json"];
        if with_notes {
            expected.extend(["2026-W46", "notes.txt"]);
            expected.sort_unstable();
        }
        assert_eq!(names(&out), expected);
        let folder = fs::metadata(&out).unwrap().permissions().mode();
        assert_eq!(
            folder & 0o777,
            0o750,
            "the folder stays as its owner set it"
        );
    }
    assert_eq!(names(root.path()), ["report false", "report true"]);
}

#[test]
fn what_somebody_wrote_into_findings_csv_is_never_lost_unasked() {
    let root = tempfile::tempdir().unwrap();
    let out = root.path().join("report");
    run_into(&out, "breach", &[]);
    let csv = out.join("findings.csv");
    let text = fs::read_to_string(&csv).unwrap();
    let (head, rows) = text.split_once('\n').unwrap();
    let rows = rows.replacen(",,,\n", ",false positive,backup job,Anna\n", 1);
    let rows = rows.replacen(",,\n", ",backup job,Anna\n", 1);
    let filled = format!("{head}\n{rows}");
    assert_ne!(filled, text);
    // as it is, and as a spreadsheet stores it in countries with a decimal comma
    for stored in [filled.clone(), format!("\u{feff}{filled}")] {
        fs::write(&csv, &stored).unwrap();
        let before = names(&out);
        for format in ["html", "csv", "json"] {
            let ran = run_into(&out, "quiet", &["--format", format]);
            assert_eq!(ran.status.code(), Some(2), "{}", said(&ran));
            assert!(said(&ran).contains("--force"), "{}", said(&ran));
        }
        assert_eq!(fs::read_to_string(&csv).unwrap(), stored);
        assert_eq!(names(&out), before);
    }
    let ran = run_into(&out, "quiet", &["--force"]);
    assert_eq!(ran.status.code(), Some(0), "{}", said(&ran));
    assert!(!fs::read_to_string(&csv).unwrap().contains("Anna"));
    // an untouched one is no reason to stop
    assert_eq!(run_into(&out, "quiet", &[]).status.code(), Some(0));
}

#[test]
fn two_runs_into_one_folder_leave_the_report_of_one() {
    let root = tempfile::tempdir().unwrap();
    for with_notes in [false, true] {
        let out = root.path().join(format!("{with_notes}"));
        fs::create_dir(&out).unwrap();
        if with_notes {
            fs::write(out.join("notes.txt"), "").unwrap();
        }
        for _ in 0..4 {
            let start = |trail: &str| {
                let mut command = command(&out, trail, &["--quiet"]);
                command.stderr(Stdio::piped()).spawn().unwrap()
            };
            for run in ["quiet", "seed", "quiet"].map(start) {
                let ended = run.wait_with_output().unwrap();
                assert_eq!(ended.status.code(), Some(0), "{}", said(&ended));
            }
            id(&out);
            assert_eq!(names(&out).len(), FILES.len() + usize::from(with_notes));
        }
    }
    assert_eq!(names(root.path()), ["false", "true"]);
}

#[test]
fn a_kill_leaves_the_old_report_or_the_new_one() {
    let root = tempfile::tempdir().unwrap();
    let out = root.path().join("report");
    let new = |arguments: &[&str]| {
        let ran = run_into(&out, "quiet", arguments);
        assert_eq!(ran.status.code(), Some(0), "{}", said(&ran));
        id(&out)
    };
    let begun = std::time::Instant::now();
    let ids = [new(&["--min-level", "high"]), new(&[])];
    let whole = begun.elapsed() / 2;
    assert_ne!(ids[0], ids[1]);
    let (mut killed, mut left) = (0, 0);
    for attempt in 0..40 {
        let arguments = if attempt % 2 == 0 {
            &["--min-level", "high"][..]
        } else {
            &[]
        };
        let mut run = command(&out, "quiet", arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(whole * attempt / 36 + Duration::from_micros(300));
        run.kill().unwrap();
        killed += u32::from(run.wait().unwrap().code().is_none());
        assert!(ids.contains(&id(&out)));
        assert_eq!(names(&out), FILES);
        left += usize::from(names(root.path()) != ["report"]);
    }
    assert!(killed > 10, "{killed} were killed");
    // in the instant of the exchange there are two folders; the next run takes the other one away
    assert!(left < 5, "{left} left something");
    new(&[]);
    assert_eq!(names(root.path()), ["report"]);
}

#[test]
fn what_a_kill_left_in_the_instant_of_the_exchange_goes_with_the_next_run() {
    let root = tempfile::tempdir().unwrap();
    let (out, left) = (
        root.path().join("report"),
        root.path().join(".trailscan-folder-a1"),
    );
    run_into(&out, "quiet", &[]);
    run_into(&left, "quiet", &[]);
    let notes = root.path().join(".trailscan-folder-b2");
    fs::create_dir(&notes).unwrap();
    fs::write(notes.join("notes.txt"), "not a report's").unwrap();
    run_into(&out, "seed", &[]);
    assert_eq!(names(root.path()), [".trailscan-folder-b2", "report"]);
    assert_eq!(names(&notes), ["notes.txt"]);
    // where the folder holds other files, each file is replaced by itself
    fs::write(out.join("notes.txt"), "").unwrap();
    fs::write(out.join(".trailscan-file-a1"), "half a rep").unwrap();
    run_into(&out, "quiet", &[]);
    assert_eq!(names(&out).len(), FILES.len() + 1);
}

#[test]
fn a_full_disk_leaves_the_old_report() {
    let root = tempfile::tempdir().unwrap();
    let out = root.path().join("report");
    run_into(&out, "quiet", &[]);
    let before = id(&out);
    // no file may be longer than 8 blocks of 512 bytes, as on a disk that has no more
    let ran = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 8; exec \"$@\"", "sh"])
        .arg(env!("CARGO_BIN_EXE_trailscan"))
        .args(["run", "samples/trails/breach", "--out"])
        .arg(&out)
        .env("SOURCE_DATE_EPOCH", "1795305600")
        .current_dir(crate::product::root())
        .output()
        .unwrap();
    assert_eq!(ran.status.code(), Some(2), "{}", said(&ran));
    assert_eq!(id(&out), before);
    assert_eq!(names(&out), FILES);
    assert_eq!(names(root.path()), ["report"]);
    // where there was none there is none
    let ran = run_into(&root.path().join("new"), "no-such-trail", &[]);
    assert_eq!(ran.status.code(), Some(2), "{}", said(&ran));
    assert_eq!(names(root.path()), ["report"]);
}

#[test]
fn a_proof_does_not_replace_the_report_of_a_run() {
    let root = tempfile::tempdir().unwrap();
    let out = root.path().join("report");
    run_into(&out, "quiet", &[]);
    let verify = |arguments: &[&str]| {
        let mut command = trailscan();
        command.args(["verify", "samples/trails/signed", "--public-keys"]);
        command.arg("samples/trails/signed-public-keys.json");
        command.args(arguments).arg("--out").arg(&out);
        command.output().unwrap()
    };
    let ran = verify(&[]);
    assert_eq!(ran.status.code(), Some(2), "{}", said(&ran));
    assert!(said(&ran).contains("--force"), "{}", said(&ran));
    assert_eq!(names(&out), FILES);
    verify(&["--force"]);
    assert_eq!(names(&out), ["integrity.json", "public-keys.json"]);
    // a run's report has its own proof or none
    run_into(&out, "quiet", &[]);
    assert_eq!(names(&out), FILES);
}

#[test]
fn the_state_file_is_its_owners_alone_and_no_link_is_followed() {
    let root = tempfile::tempdir().unwrap();
    let state = root.path().join("state");
    let run = || {
        let state = state.to_str().unwrap();
        let out = root.path().join("report");
        run_into(&out, "seed", &["--incremental", "--state", state])
    };
    assert_eq!(run().status.code(), Some(0));
    // what lies beside it is mended too: SQLite gives it the mode of the file, or finds it
    let open = |name: &str| {
        let path = root.path().join(name);
        fs::write(&path, fs::read(&path).unwrap_or_default()).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
    };
    for name in ["state", "state-wal", "state-shm"] {
        open(name);
    }
    let ran = run();
    assert_eq!(ran.status.code(), Some(0), "{}", said(&ran));
    for name in names(root.path()) {
        if name.starts_with("state") {
            assert_eq!(mode(&root.path().join(&name)), 0o600, "{name}");
        }
    }
    let victim = root.path().join("victim");
    for name in ["state", "state-wal", "state-shm", "state-journal"] {
        let path = root.path().join(name);
        let kept = fs::read(&path).ok();
        for pipe in [false, true] {
            drop(fs::remove_file(&path));
            fs::write(&victim, "").unwrap();
            match pipe {
                true => fifo(&path),
                false => symlink(&victim, &path).unwrap(),
            }
            let ran = run();
            assert_eq!(ran.status.code(), Some(2), "{name}: {}", said(&ran));
            assert!(said(&ran).contains(name), "{}", said(&ran));
            assert_eq!(fs::read(&victim).unwrap(), b"");
        }
        fs::remove_file(&path).unwrap();
        if let Some(kept) = kept {
            fs::write(&path, kept).unwrap();
        }
    }
    assert_eq!(run().status.code(), Some(0));
}

#[test]
fn a_folder_that_the_group_may_write_to_is_named_with_its_mode_and_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let quiet = samples("trails/quiet").display().to_string();
    let said = |out: u32, state: u32| {
        let make = |name: &str, mode: u32| {
            let path = folder.path().join(format!("{name}{mode:o}"));
            fs::create_dir_all(&path).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            path.display().to_string()
        };
        let (out, state) = (make("out", out), make("state", state));
        let file = format!("{state}/trailscan.state");
        let mut command = trailscan();
        command.args([
            "run",
            &quiet,
            "--quiet",
            "--fail-on",
            "never",
            "--out",
            &out,
        ]);
        command.args(["--state", &file]);
        let output = command.output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{stderr}");
        assert_eq!(mode(Path::new(&file)), 0o600);
        (stderr, out, state)
    };
    let (stderr, ..) = said(0o700, 0o755);
    assert!(!stderr.contains("chmod"), "{stderr}");
    for group in [0o770, 0o775] {
        let (stderr, out, state) = said(group, group);
        for path in [out, state] {
            let warning = format!("{path} may be written to by other users (mode {group:04o})");
            assert!(stderr.contains(&warning), "{stderr}");
            assert!(
                stderr.contains(&format!("run: chmod go-w {path}")),
                "{stderr}"
            );
        }
    }
}
