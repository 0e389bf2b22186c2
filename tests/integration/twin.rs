//! The fast decoder against its slow twin: every real corpus, our samples, records nobody would
//! write, and thousands of accidents. What skipping does not look at must not hide damage.
//!
//! `TWIN_ROUNDS=20` makes twenty times as many accidents, `TWIN_SEED=7` others.

use crate::product;
use crate::slow;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::fs;
use std::path::{Path, PathBuf};

use product::{samples, shared};
use slow::damage::{self, RandomNumbers};
use slow::{Account, compare};
use trailscan::decode::{Content, DecodeError, Decoded, Decoder};

/// What an object may inflate to, in MiB.
const CAP: u64 = 100;

/// How the two differ on an object: the kind of the difference, and the words for it.
type Difference = (String, String);

/// Differences that are known, each with its reason. Whoever mends one takes it out.
const KNOWN: [(&str, &str); 2] = [
    (
        "a bad record passed: recursion limit exceeded",
        "no damage: serde_json holds with 128 levels, which a sound record may exceed",
    ),
    (
        "a bad record passed: number out of range",
        "no damage: 1e400 is JSON, and the digits stay as written",
    ),
];

/// Both read the object; the differences that nobody has written down. Of the first so many
/// records every path is asked for as well.
fn differences(decoder: &mut Decoder, stored: &[u8], paths: usize) -> Vec<Difference> {
    let mut found = all_differences(decoder, stored, paths);
    found.retain(|(kind, _)| !KNOWN.iter().any(|(known, _)| kind.starts_with(known)));
    found
}

fn all_differences(decoder: &mut Decoder, stored: &[u8], paths: usize) -> Vec<Difference> {
    let slow = slow::read(stored);
    let records = slow.as_ref().map(|account| account.records.as_slice());
    let mut found = Vec::new();
    let mut visited = Vec::new();
    let fast = decoder.decode(stored, &mut |place, event| {
        visited.push(place);
        let twin = records.ok().and_then(|records| records.get(place as usize));
        let Some(Ok(twin)) = twin else {
            // nothing to hold it against: whatever it says, asking must not panic
            return compare::ask(event);
        };
        let same = twin
            .same(event)
            .and_then(|()| match visited.len() <= paths {
                true => twin.same_paths(event),
                false => Ok(()),
            });
        if let Err(what) = same {
            found.push((
                "another record".to_owned(),
                format!("record {place}: {what}"),
            ));
        }
    });
    match (fast, slow) {
        (Err(_), Err(_)) => found.clear(),
        (Err(fast), Ok(slow)) => {
            found.clear();
            found.push(refused(&fast, &slow));
        }
        (Ok(fast), Err(slow)) => {
            found.clear();
            if fast.bad.is_empty() {
                found.push((format!("damage not found: {slow}"), format!("{fast:?}")));
            }
        }
        (
            Ok(fast),
            Ok(Account {
                unclear: Some(why), ..
            }),
        ) => {
            found.clear();
            if fast.bad.is_empty() && fast.content == Content::Log {
                found.push(passed(&why));
            }
        }
        (Ok(fast), Ok(slow)) => accounts(&fast, &slow, &visited, &mut found),
    }
    found
}

/// Only what is damaged may be refused, and whole only where its brackets do not hold.
fn refused(fast: &DecodeError, slow: &Account) -> Difference {
    let kind = match &slow.refused {
        None => "a sound object refused",
        Some(_) => "refused whole",
    };
    (kind.to_owned(), format!("{fast}, but {:?}", slow.refused))
}

fn accounts(fast: &Decoded, slow: &Account, visited: &[u32], found: &mut Vec<Difference>) {
    let counts = (fast.inflated, fast.trailing, fast.repaired);
    let twins = (slow.inflated, slow.trailing, slow.repaired);
    if counts != twins {
        found.push(unlike("other counts of bytes", &counts, &twins));
    }
    if fast.content != slow.content {
        found.push(unlike(
            "another kind of content",
            &fast.content,
            &slow.content,
        ));
    }
    if fast.records as usize != slow.records.len() {
        let bad: Vec<_> = slow
            .records
            .iter()
            .map(|record| record.as_ref().err())
            .collect();
        found.push(unlike("another number of records", fast, &bad));
        return;
    }
    let bad: BTreeMap<u32, &str> = fast.bad.iter().collect();
    let every = visited.len() + fast.bad.len() == fast.records as usize
        && visited.iter().all(|place| !bad.contains_key(place));
    if !every {
        found.push(unlike("visits that do not add up", fast, &visited));
    }
    for (place, record) in (0u32..).zip(&slow.records) {
        match (record, bad.get(&place)) {
            (Ok(_), Some(why)) => found.push(unlike("a good record lost", &place, why)),
            (Err(why), None) => found.push(passed(why)),
            _ => {}
        }
    }
}

fn unlike(kind: &str, fast: &dyn Debug, slow: &dyn Debug) -> Difference {
    (kind.to_owned(), format!("{fast:?} and {slow:?}"))
}

fn passed(why: &str) -> Difference {
    let kind = why.split(" at line").next().unwrap_or_default();
    (format!("a bad record passed: {kind}"), why.to_owned())
}

fn number(variable: &str, default: u64) -> u64 {
    let text = std::env::var(variable).ok();
    text.map_or(default, |text| text.parse().unwrap())
}

fn dice(own: u64) -> RandomNumbers {
    RandomNumbers::new(own + 1_000 * number("TWIN_SEED", 0))
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// Every file of the samples (of the made trails, which repeat themselves, every eighth), and of the
/// material of others where it is at hand.
fn everything() -> Vec<(String, Vec<u8>)> {
    let (mut paths, mut trails) = (Vec::new(), Vec::new());
    files(&samples(""), &mut paths);
    files(&samples("trails"), &mut trails);
    paths.retain(|path| !trails.contains(path));
    paths.extend(trails.into_iter().step_by(8));
    if let Some(data) = shared("") {
        files(&data, &mut paths);
    }
    let read = |path: PathBuf| (path.display().to_string(), fs::read(path).unwrap());
    paths.into_iter().map(read).collect()
}

#[test]
fn every_file_at_hand_reads_the_same() {
    let mut decoder = Decoder::new(CAP);
    let mut seen = 0;
    for (name, stored) in everything() {
        let found = differences(&mut decoder, &stored, 20);
        assert_eq!(found, [], "{name}");
        seen += 1;
    }
    println!("{seen} files");
}

#[test]
fn odd_but_sound_records_read_the_same() {
    let mut dice = dice(1);
    let mut decoder = Decoder::new(CAP);
    for round in 0..600 * number("TWIN_ROUNDS", 1) {
        let text = damage::odd_log(&mut dice);
        let stored = match round % 2 {
            0 => text.clone().into_bytes(),
            _ => damage::gzip_members(&mut dice, text.as_bytes()),
        };
        let found = differences(&mut decoder, &stored, 1);
        assert_eq!(found, [], "{text}");
    }
}

/// Small files of every kind, inflated: what accidents happen to.
fn victims() -> Vec<(String, Vec<u8>)> {
    let mut decoder = Decoder::new(CAP);
    let mut dice = dice(2);
    let mut victims: Vec<_> = everything()
        .into_iter()
        .filter_map(|(name, stored)| Some((name, slow::inflated(&stored)?)))
        .filter(|(_, text)| text.len() < 9_000 && text.starts_with(b"{"))
        .filter(|(_, text)| {
            let decoded = decoder.decode(text, &mut |_, _| {});
            decoded.is_ok_and(|decoded| decoded.content == Content::Log && decoded.records > 0)
        })
        .collect();
    victims.extend((0..60).map(|n| (format!("odd {n}"), damage::odd_log(&mut dice).into_bytes())));
    victims
}

#[test]
fn accidents_to_the_text_are_found_by_both() {
    let victims = victims();
    let mut dice = dice(3);
    let mut decoder = Decoder::new(CAP);
    for round in 0..6_000 * number("TWIN_ROUNDS", 1) {
        let (name, text) = &victims[dice.below(victims.len())];
        let mut text = text.clone();
        let mut accidents = Vec::new();
        for _ in 0..=dice.below(2) {
            accidents.push(damage::accident(&mut dice, &mut text));
        }
        let stored = match round % 4 {
            0 => damage::gzip_members(&mut dice, &text),
            _ => text.clone(),
        };
        let found = differences(&mut decoder, &stored, usize::from(round % 8 == 0));
        let text = String::from_utf8_lossy(&text);
        assert_eq!(found, [], "round {round}, {name}, {accidents:?}:\n{text}");
    }
}

#[test]
fn accidents_to_the_gzip_are_found_by_both() {
    let victims = victims();
    let mut dice = dice(4);
    let mut decoder = Decoder::new(CAP);
    for round in 0..2_000 * number("TWIN_ROUNDS", 1) {
        let (name, text) = &victims[dice.below(victims.len())];
        let mut stored = damage::gzip_members(&mut dice, text);
        let accident = damage::accident(&mut dice, &mut stored);
        let found = differences(&mut decoder, &stored, 0);
        assert_eq!(found, [], "{name}, {accident}, round {round}");
    }
}
