//! What somebody who can write the ledger may try, and what happens when the program is killed.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use trailscan::ledger::entry::{Entry, Line, Revocation};
use trailscan::ledger::{Appender, FaultKind, Ledger, LedgerError, NO_LINE};
use trailscan::sha256;

use super::{Office, run_week, stops_a_trail, write_logs};
use crate::product::samples;

fn entry(reason: &str) -> Entry {
    Entry::Revocation(Revocation {
        exception: "x1".to_owned(),
        reason: reason.to_owned(),
    })
}

/// A ledger of six lines: the first, and five entries.
fn ledger(folder: &Path) -> (PathBuf, Vec<String>) {
    let path = folder.join("trailscan.ledger");
    let mut appender = Appender::open(&path, 1_000).unwrap();
    for number in 0..5 {
        appender
            .append(1_001 + number, "Ortiz", entry(&format!("entry {number}")))
            .unwrap();
    }
    let text = fs::read_to_string(&path).unwrap();
    (
        path,
        text.split_inclusive('\n').map(str::to_owned).collect(),
    )
}

fn of(lines: &[String]) -> Ledger {
    Ledger::of(Path::new("x"), lines.concat().as_bytes())
}

/// The same entries, with every hash computed again.
fn written_again(lines: &[String]) -> Vec<String> {
    let mut previous = NO_LINE.to_owned();
    let mut out = Vec::new();
    for (line, n) in lines.iter().zip(1..) {
        let mut line = Line::parse(line.as_bytes()).unwrap();
        (line.prev, line.n) = (previous, n);
        let bytes = line.to_bytes().unwrap();
        previous = sha256::hex([bytes.as_slice()]);
        out.push(String::from_utf8(bytes).unwrap());
    }
    out
}

#[test]
fn changed_removed_reordered_and_joined_lines_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let (_, lines) = ledger(folder.path());
    assert!(of(&lines).chain.faults.is_empty());
    let broken = |lines: &[String], line: u64, words: &str| {
        let ledger = of(lines);
        let fault = ledger
            .chain
            .broken()
            .unwrap_or_else(|| panic!("not found: {words}"));
        assert_eq!(fault.line, line, "{fault:?}");
        assert!(fault.what.contains(words), "{fault:?}");
    };
    for at in 0..5 {
        let mut changed = lines.clone();
        changed[at] = changed[at].replace(if at == 0 { "0.1" } else { "entry" }, "9.9");
        assert_ne!(changed, lines);
        broken(&changed, at as u64 + 2, "which was changed");
        let mut removed = lines.clone();
        removed.remove(at);
        let words = if at == 0 {
            "lines before it were removed"
        } else {
            "were removed"
        };
        broken(&removed, at as u64 + 1, words);
        let mut swapped = lines.clone();
        swapped.swap(at, at + 1);
        assert!(of(&swapped).chain.broken().is_some());
        let mut nothing = lines.clone();
        nothing[at] = "\n".to_owned();
        broken(&nothing, at as u64 + 1, "is not an entry");
    }
    let mut swapped = lines.clone();
    swapped.swap(2, 3);
    broken(&swapped, 3, "re-ordered");
    let mut twice = lines.clone();
    twice.insert(3, lines[2].clone());
    broken(&twice, 4, "was written behind what is now line 2");
    broken(
        &[lines.clone(), lines.clone()].concat(),
        7,
        "two ledgers were joined",
    );
    let mut renumbered = lines.clone();
    renumbered[5] = renumbered[5].replace("\"n\":6", "\"n\":7");
    broken(&renumbered, 6, "says that it is line 7");
    // every single bit of every line but the last matters to the chain
    let bytes = lines.concat().into_bytes();
    let last = bytes.len() - lines[5].len();
    for at in (0..last).step_by(7) {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1;
        assert!(
            Ledger::of(Path::new("x"), &flipped)
                .chain
                .broken()
                .is_some(),
            "byte {at}"
        );
    }
}

#[test]
fn a_cut_end_a_rewrite_and_a_fork_are_found_with_an_anchor_only() {
    let folder = tempfile::tempdir().unwrap();
    let (_, lines) = ledger(folder.path());
    let head = of(&lines).head().to_owned();
    assert_eq!(of(&lines).place_of(&head), Some(6));
    let mut changed = lines.clone();
    changed[5] = changed[5].replace("entry 4", "entry 5");
    let rewritten = written_again(&changed);
    let mut fork = lines[..5].to_vec();
    fork.push(lines[5].replace("Ortiz", "Chen"));
    for hidden in [
        &lines[..5],
        changed.as_slice(),
        rewritten.as_slice(),
        fork.as_slice(),
    ] {
        let ledger = of(hidden);
        assert!(
            ledger.chain.broken().is_none(),
            "a chain alone cannot show it"
        );
        assert_eq!(ledger.place_of(&head), None, "the anchor shows it");
    }
    // a later ledger contains every earlier head
    let earlier = of(&lines[..4]).head().to_owned();
    assert_eq!(of(&lines).place_of(&earlier.to_uppercase()), Some(4));
}

#[test]
fn a_torn_end_is_set_aside_and_named_and_a_clock_that_was_set_back_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    let (path, lines) = ledger(folder.path());
    for (number, torn) in [lines[5].get(..40).unwrap(), "\0\0\0\0", "{"]
        .into_iter()
        .enumerate()
    {
        let before = fs::read(&path).unwrap();
        fs::write(&path, [before.as_slice(), torn.as_bytes()].concat()).unwrap();
        let read = Ledger::read(&path).unwrap().unwrap();
        assert_eq!((read.torn, read.chain.faults.len()), (torn.len(), 0));
        let mut appender = Appender::open(&path, 2_000).unwrap();
        let aside = appender.set_aside.clone().unwrap();
        assert_eq!(fs::read(&aside).unwrap(), torn.as_bytes());
        assert_eq!(fs::read(&path).unwrap(), before);
        assert_eq!(
            aside.to_string_lossy().ends_with("Z"),
            number == 0,
            "a name of its own"
        );
        appender
            .append(2_000 + number as i64, "Ortiz", entry("behind it"))
            .unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(
                aside.metadata().unwrap().permissions().mode() & 0o777,
                0o600
            );
        }
    }
    let mut appender = Appender::open(&path, 0).unwrap();
    appender
        .append(1_500, "Ortiz", entry("an hour of yesterday"))
        .unwrap();
    let read = Ledger::read(&path).unwrap().unwrap();
    let fault = &read.chain.faults[0];
    assert_eq!(
        (fault.line, fault.kind),
        (10, FaultKind::ClockSetBack),
        "{fault:?}"
    );
    assert!(read.chain.broken().is_none());
    drop(appender);
    #[cfg(unix)]
    {
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        let refused = Appender::open(&link, 0);
        assert!(matches!(refused, Err(LedgerError::Io { .. })));
    }
}

#[test]
fn a_ledger_of_the_first_version_is_read_for_ever() {
    let bytes = fs::read(samples("ledger/trailscan.ledger")).unwrap();
    let ledger = Ledger::of(Path::new("x"), &bytes);
    assert!(ledger.chain.faults.is_empty(), "{:?}", ledger.chain.faults);
    assert_eq!(ledger.torn, 0);
    // each kind of entry is in it, and each is written as it was
    let kinds: std::collections::BTreeSet<String> = bytes
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| {
            let value: serde_json::Value = serde_json::from_slice(line).unwrap();
            value["type"].as_str().unwrap().to_owned()
        })
        .collect();
    let all = [
        "addendum",
        "approval",
        "bundle",
        "disposition",
        "exception",
        "head",
        "revocation",
        "signature",
    ];
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), all);
    let again: Vec<u8> = (ledger.chain.lines.iter())
        .flat_map(|line| line.to_bytes().unwrap())
        .collect();
    assert_eq!(again, bytes);
}

/// An office with one finding to decide, again and again.
fn office() -> (Office, String) {
    let mut office = Office::new();
    write_logs(
        &office,
        "a.json",
        &[stops_a_trail("bob", "2026-11-17T10:00:00Z")],
    );
    office.at("2026-11-24T08:00:00Z");
    run_week(&office, "2026-W47", "report/2026-W47").ends(1, &[]);
    let id = office.ids("report/2026-W47", "bob").remove(0);
    (office, id)
}

fn decide(office: &Office, id: &str, reason: &str) -> std::process::Child {
    let arguments = [
        "review",
        "decide",
        id,
        "--disposition",
        "benign",
        "--by",
        "O",
        "--reason",
        reason,
    ];
    let mut command = office.command(&arguments);
    command
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// The line and the head that a command acknowledged.
fn acknowledged(out: &str) -> Option<(usize, String)> {
    let (_, said) = out.split_once(": line ")?;
    let (line, head) = said.trim().split_once(", head ")?;
    (head.len() == 64).then(|| (line.parse().unwrap(), head.to_owned()))
}

#[test]
fn kill_9_at_any_moment_loses_no_acknowledged_line() {
    let (office, id) = office();
    let begin = std::time::Instant::now();
    decide(&office, &id, "to know how long one takes")
        .wait()
        .unwrap();
    let whole = begin.elapsed();
    let (mut killed, mut all) = (0, Vec::new());
    for number in 0..20_u32 {
        let mut child = decide(&office, &id, &format!("decision {number}"));
        std::thread::sleep(whole * number / 16);
        child.kill().unwrap();
        let mut out = String::new();
        child
            .stdout
            .take()
            .unwrap()
            .read_to_string(&mut out)
            .unwrap();
        killed += usize::from(!child.wait().unwrap().success());
        all.extend(acknowledged(&out));
    }
    assert!(killed > 0, "every command had ended before it was killed");
    office
        .review(&format!(
            "decide {id} --disposition benign --reason last --by O"
        ))
        .ends(0, &["Recorded"]);
    let ledger = Ledger::of(Path::new("x"), &office.ledger());
    assert!(
        ledger.chain.faults.is_empty() && ledger.torn == 0,
        "{:?}",
        ledger.chain.faults
    );
    for (line, head) in all {
        assert_eq!(
            ledger.place_of(&head),
            Some(line),
            "line {line} was acknowledged and is lost"
        );
    }
}

#[test]
fn two_processes_at_once_write_one_chain() {
    let (office, id) = office();
    let children: Vec<_> = (0..6)
        .map(|number| decide(&office, &id, &format!("number {number}")))
        .collect();
    let mut lines = Vec::new();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        lines.push(
            acknowledged(&String::from_utf8(output.stdout).unwrap())
                .unwrap()
                .0,
        );
    }
    lines.sort_unstable();
    assert_eq!(lines, [2, 3, 4, 5, 6, 7]);
    let ledger = Ledger::of(Path::new("x"), &office.ledger());
    assert!(ledger.chain.faults.is_empty(), "{:?}", ledger.chain.faults);
}

#[test]
fn another_writer_is_waited_for() {
    let (office, id) = office();
    let path = office.path().join("trailscan.ledger");
    let appender = Appender::open(&path, 0).unwrap();
    let mut child = decide(&office, &id, "patience");
    std::thread::sleep(Duration::from_millis(300));
    assert!(
        child.try_wait().unwrap().is_none(),
        "it wrote while somebody else did"
    );
    drop(appender);
    assert!(child.wait().unwrap().success());
}
