//! State files that were damaged, or whose entries changed places.

use crate::product;

use std::path::Path;

use product::{Ran, run, samples};
use rusqlite::Connection;

const REPORTS: [&str; 3] = ["findings.json", "findings.csv", "coverage.json"];

/// A run over the sample logs with few rules, one of which asks what is new: loading all of them would
/// be most of what hundreds of runs take.
fn run_with(more: &[&str]) -> Ran {
    let rules = [
        "iam/aws_iam_access_key_new_network.yml",
        "iam/aws_iam_access_key_created.yml",
    ];
    let rules = rules.map(|rule| {
        product::root()
            .join("rules")
            .join(rule)
            .display()
            .to_string()
    });
    let mut arguments = vec!["--jobs", "1", "--format", "json,csv", "--no-builtin-rules"];
    arguments.extend(rules.iter().flat_map(|rule| ["--rules", rule.as_str()]));
    arguments.extend(more);
    run(samples("trails/breach"), &arguments)
}

/// A run with a state file.
fn incremental(state: &Path) -> Ran {
    run_with(&["--incremental", "--state", &state.display().to_string()])
}

/// A sound state file of the sample logs, in one piece.
fn sound_state(folder: &Path) -> Vec<u8> {
    let path = folder.join("sound");
    incremental(&path).assert_identities();
    let connection = Connection::open(&path).unwrap();
    let whole = "PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE;";
    connection.execute_batch(whole).unwrap();
    drop(connection);
    std::fs::read(path).unwrap()
}

/// Numbers that look random and are the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }
}

/// Flips one bit of one value somewhere in a table.
fn flip_a_value(path: &Path, random: &mut Random) -> String {
    let connection = Connection::open(path).unwrap();
    let columns = [
        ("cached_scans", "payload"),
        ("cached_scans", "payload"),
        ("cached_scans", "object"),
        ("cached_scans", "version"),
        ("cached_scans", "age"),
        ("cached_scans", "seal"),
        ("begun", "at"),
        ("firsts", "at"),
        ("firsts", "value"),
        ("firsts", "seal"),
        ("histories", "sum"),
        ("learnt", "age"),
        ("learnt", "fingerprint"),
    ];
    let (table, column) = columns[random.below(columns.len())];
    let key = match table {
        "begun" => "rule || account",
        "firsts" => "rule || actor || value",
        "histories" => "rule",
        _ => "rowid",
    };
    let count: i64 = connection
        .query_row(&format!("SELECT count(*) FROM {table}"), [], |row| {
            row.get(0)
        })
        .unwrap();
    let place = random.below(usize::try_from(count).unwrap().max(1));
    let bytes: Option<(Vec<u8>, String)> = connection
        .query_row(
            &format!("SELECT CAST({column} AS BLOB), typeof({column}) FROM {table} LIMIT 1 OFFSET {place}"),
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .ok();
    let Some((mut bytes, kind)) = bytes.filter(|(bytes, _)| !bytes.is_empty()) else {
        return format!("{table} is empty");
    };
    let (at, bit) = (random.below(bytes.len()), random.below(8));
    bytes[at] ^= 1 << bit;
    let cast = match kind.as_str() {
        "integer" => "CAST(CAST(?1 AS TEXT) AS INTEGER)",
        "text" => "CAST(?1 AS TEXT)",
        _ => "?1",
    };
    let update = format!(
        "UPDATE OR IGNORE {table} SET {column} = {cast}
         WHERE {key} = (SELECT {key} FROM {table} LIMIT 1 OFFSET {place})"
    );
    connection.execute(&update, [bytes]).unwrap();
    format!("bit {bit} of byte {at} of {table}.{column}, row {place}")
}

#[test]
fn no_damage_to_a_state_file_changes_the_report_unsaid_or_ends_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let sound = sound_state(folder.path());
    let without = run_with(&[]);
    let path = folder.path().join("damaged");
    let mut random = Random(18);
    let (mut same, mut said, mut refused) = (0, 0, 0);
    for attack in 0..200 {
        for beside in ["damaged", "damaged-wal", "damaged-shm", "damaged-journal"] {
            drop(std::fs::remove_file(folder.path().join(beside)));
        }
        std::fs::write(&path, &sound).unwrap();
        let what = match attack % 2 {
            0 => flip_a_value(&path, &mut random),
            _ => {
                let mut bytes = sound.clone();
                let flips = 1 + random.below(8);
                for _ in 0..flips {
                    let at = random.below(bytes.len());
                    bytes[at] ^= 1 << random.below(8);
                }
                std::fs::write(&path, bytes).unwrap();
                format!("{flips} bits of the file")
            }
        };
        let ran = incremental(&path);
        assert!(
            !ran.stderr.contains("panicked"),
            "{attack}, {what}: {}",
            ran.stderr
        );
        if ran.code == 2 {
            assert!(
                ran.stderr.contains("damaged"),
                "{attack}, {what}: {}",
                ran.stderr
            );
            refused += 1;
            continue;
        }
        let is_said = ran.stderr.contains("Damaged") || ran.stderr.contains("re-reading");
        let is_same = REPORTS
            .iter()
            .all(|file| ran.file(file) == without.file(file));
        assert!(
            is_same || is_said,
            "{attack}, {what}: the report changed unsaid"
        );
        if ran.stderr.contains("Damaged") {
            assert!(
                ran.file("coverage.json").contains("Damaged"),
                "{attack}, {what}"
            );
            said += 1;
        }
        same += usize::from(is_same);
    }
    assert!(
        said > 20 && same > 50,
        "{same} alike, {said} said, {refused} refused"
    );
}

#[test]
fn entries_of_a_state_file_that_changed_places_are_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    std::fs::write(&path, sound_state(folder.path())).unwrap();
    let without = run_with(&[]);
    let connection = Connection::open(&path).unwrap();
    // every cached scan takes the place of the next
    connection
        .execute_batch(
            "CREATE TEMP TABLE old AS SELECT row_number() OVER (ORDER BY object) AS at, * FROM cached_scans;
             UPDATE cached_scans SET (payload, seal) = (SELECT payload, seal FROM old AS one WHERE one.at =
                 (SELECT at FROM old AS own WHERE own.object = cached_scans.object) % (SELECT count(*) FROM old) + 1);",
        )
        .unwrap();
    drop(connection);
    let ran = incremental(&path);
    assert!(ran.stderr.contains("Damaged entries"), "{}", ran.stderr);
    for file in ["findings.json", "findings.csv"] {
        let (one, other) = (ran.json("findings.json"), without.json("findings.json"));
        assert_eq!(one["findings"], other["findings"], "{file}");
    }
    // and the next run has sound entries again
    assert!(!incremental(&path).stderr.contains("Damaged"));
}
