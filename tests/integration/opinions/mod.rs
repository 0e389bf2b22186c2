//! What our engine says of every record at hand, and how another engine's opinion is compared with
//! it: record by record, rule by rule, with a written list of the differences that are meant.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "each test file uses its part, and a test may fail loudly"
)]

pub mod histories;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value, json};
use trailscan::decode::{Content, Decoder};
use trailscan::derive::Organization;
use trailscan::event::Event;
use trailscan::rules::load::{self, RuleText, Settings};
use trailscan::rules::{RuleKind, RuleSet};

use super::product::{samples, shared, shared_data};

/// Rule → the places of the records it matches.
pub type Matches = BTreeMap<String, BTreeSet<String>>;

/// Records of one origin.
pub struct Corpus {
    pub name: String,
    pub records: Vec<Record>,
    pub ours: Matches,
}

/// Files by name, with their bytes.
pub type Files = Vec<(String, Vec<u8>)>;

/// One record as our decoder found it.
pub struct Record {
    /// File and place in it.
    pub place: String,
    pub value: Value,
}

/// The rules that another engine can run as well: SigmaHQ's, and of ours those that use nothing
/// but Sigma. For tests that are ignored without `cfg(shared_data)`.
pub fn standard_rules() -> (RuleSet, BTreeMap<String, String>) {
    let mut texts = load::folder(&shared_data("sigmahq/cloudtrail")).unwrap();
    texts.extend(load::builtin().into_iter().filter(is_plain_sigma));
    let rules = load::load(&texts, &Settings::default());
    assert_eq!(rules.rejected, []);
    assert_eq!(rules.unconfigured, []);
    let by_name: BTreeMap<String, String> = texts
        .into_iter()
        .map(|RuleText { file, text, .. }| (stem(Path::new(&file)), text))
        .collect();
    for rule in &rules.rules {
        assert!(by_name.contains_key(&rule.name), "{}", rule.name);
    }
    (rules, by_name)
}

fn is_plain_sigma(rule: &RuleText) -> bool {
    let text = &rule.text;
    !["trailscan.", "|expand", "correlation:", "filter:"]
        .iter()
        .any(|ours| text.contains(ours))
}

pub fn stem(path: &Path) -> String {
    path.file_stem().unwrap().to_string_lossy().into_owned()
}

/// Every folder of `../shared/data` that holds records, then our own samples.
pub fn corpora(rules: &RuleSet) -> Vec<Corpus> {
    let mut corpora = Vec::new();
    each_corpus(&mut |name, files| {
        let mut corpus = Corpus {
            name: name.to_owned(),
            records: Vec::new(),
            ours: Matches::new(),
        };
        for (file, bytes) in files {
            let mut found = Vec::new();
            let sound = each_record(bytes, &mut |number, event| {
                let place = format!("{file}#{number}");
                match as_json(event) {
                    Some(value) => found.push((Record { place, value }, names(rules, event))),
                    // what serde_json cannot read, no other engine here can
                    None => {
                        println!("not compared, serde_json cannot read it: {name} {place}");
                        assert_eq!(name, "malformed-made", "{place}");
                    }
                }
            });
            if sound {
                for (record, matched) in found {
                    for rule in matched {
                        let places = corpus.ours.entry(rule).or_default();
                        places.insert(record.place.clone());
                    }
                    corpus.records.push(record);
                }
            }
        }
        if !corpus.records.is_empty() {
            corpora.push(corpus);
        }
    });
    corpora
}

/// Calls `visit` with every corpus: its name and its files.
pub fn each_corpus(visit: &mut dyn FnMut(&str, &Files)) {
    if let Some(data) = shared("") {
        let mut folders: Vec<PathBuf> = fs::read_dir(&data)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.is_dir())
            .collect();
        folders.sort();
        for folder in folders {
            let mut files = Vec::new();
            read_files(&folder, &folder, &mut files);
            visit(&stem(&folder), &files);
        }
    }
    for folder in ["sigmahq", "rules"] {
        let mut files = Vec::new();
        read_files(&samples(folder), &samples(folder), &mut files);
        files.retain(|(name, _)| name.ends_with(".jsonl"));
        for (_, bytes) in &mut files {
            *bytes = events_of_cases(bytes);
        }
        visit(&format!("samples/{folder}"), &files);
    }
}

fn read_files(root: &Path, folder: &Path, files: &mut Files) {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            read_files(root, &path, files);
        } else {
            let name = path.strip_prefix(root).unwrap().display().to_string();
            files.push((name, fs::read(&path).unwrap()));
        }
    }
}

/// The events of a file of cases, as a log.
fn events_of_cases(cases: &[u8]) -> Vec<u8> {
    let mut events = Vec::new();
    for line in std::str::from_utf8(cases).unwrap().lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        if let Some(list) = case["events"].as_array() {
            events.extend(list.iter().cloned());
        }
        events.extend([&case["event"], &case["repeat"]["event"]].map(Clone::clone));
    }
    events.retain(Value::is_object);
    serde_json::to_vec(&json!({ "Records": events })).unwrap()
}

/// Calls `visit` with every record of an object; false where the object counts for nothing.
pub fn each_record(bytes: &[u8], visit: &mut dyn FnMut(u32, &Event<'_>)) -> bool {
    Decoder::new(64)
        .decode(bytes, visit)
        .is_ok_and(|decoded| decoded.content == Content::Log)
}

/// The record's own text as JSON; `None` if serde_json cannot read it.
fn as_json(event: &Event<'_>) -> Option<Value> {
    let members: Option<Map<String, Value>> = event
        .members()
        .map(|(name, raw)| Some((name.to_owned(), serde_json::from_str(raw.as_str()).ok()?)))
        .collect();
    members.map(Value::Object)
}

/// The names of the rules that match.
pub fn names(rules: &RuleSet, event: &Event<'_>) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    rules.matches(event, &Organization::default(), |place| {
        let rule = &rules.rules[place];
        assert!(matches!(rule.kind, RuleKind::Detection(_)));
        names.insert(rule.name.clone());
    });
    names
}

/// A difference that is meant.
#[derive(Deserialize)]
struct Difference {
    /// Whose opinion differs.
    opinion: String,
    rule: String,
    /// Who says that the rule matches, and is alone with it: `ours` or `theirs`.
    only: String,
    /// How many records, by corpus.
    records: BTreeMap<String, usize>,
    /// The sentence that decides it.
    because: String,
}

#[derive(Deserialize)]
struct Differences {
    difference: Vec<Difference>,
}

/// Compares an opinion on every corpus with ours. Fails where they differ and the list does not say
/// so, and where the list says so and they do not differ any more.
pub fn compare(opinion: &str, corpora: &[Corpus], theirs: &dyn Fn(&Corpus) -> Matches) {
    let mut found: BTreeMap<(String, &str, String), Vec<String>> = BTreeMap::new();
    let mut agreed = 0;
    for corpus in corpora {
        let theirs = theirs(corpus);
        let nowhere = BTreeSet::new();
        let rules: BTreeSet<&String> = corpus.ours.keys().chain(theirs.keys()).collect();
        for rule in rules {
            let ours = corpus.ours.get(rule).unwrap_or(&nowhere);
            let theirs = theirs.get(rule).unwrap_or(&nowhere);
            agreed += ours.intersection(theirs).count();
            for (only, places) in [
                ("ours", ours.difference(theirs)),
                ("theirs", theirs.difference(ours)),
            ] {
                let places: Vec<String> = places.cloned().collect();
                if !places.is_empty() {
                    found.insert((rule.clone(), only, corpus.name.clone()), places);
                }
            }
        }
    }
    let list =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/integration/opinions/differences.toml");
    let list: Differences = toml::from_str(&fs::read_to_string(list).unwrap()).unwrap();
    let mut meant = BTreeMap::new();
    for difference in list.difference {
        assert!(!difference.because.is_empty());
        if difference.opinion != opinion {
            continue;
        }
        let only = match difference.only.as_str() {
            "ours" => "ours",
            "theirs" => "theirs",
            other => panic!("`only` is ours or theirs, not {other}"),
        };
        for (corpus, count) in difference.records {
            meant.insert((difference.rule.clone(), only, corpus), count);
        }
    }
    let mut wrong = Vec::new();
    for (key, places) in &found {
        if meant.get(key) != Some(&places.len()) {
            wrong.push(format!(
                "not on the list: {key:?} {} × {places:?}",
                places.len()
            ));
        }
    }
    for (key, count) in &meant {
        if !found.contains_key(key) {
            wrong.push(format!("on the list, but gone: {key:?} {count} ×"));
        }
    }
    println!(
        "{opinion}: {agreed} matches agreed, {} differ as listed",
        found.values().map(Vec::len).sum::<usize>()
    );
    assert!(wrong.is_empty(), "{opinion}:\n{}", wrong.join("\n"));
}

/// A table of our matches: a line for each rule and corpus.
pub fn print_matches(corpora: &[Corpus]) {
    let records: usize = corpora.iter().map(|corpus| corpus.records.len()).sum();
    println!("{} corpora, {records} records", corpora.len());
    for corpus in corpora {
        let total: usize = corpus.ours.values().map(BTreeSet::len).sum();
        println!(
            "{}: {} records, {total} matches",
            corpus.name,
            corpus.records.len()
        );
        for (rule, places) in &corpus.ours {
            println!("  {rule}: {}", places.len());
        }
    }
}
