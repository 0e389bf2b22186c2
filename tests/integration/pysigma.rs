//! A third opinion: the rules as SQL, written by pySigma's SQLite backend and run by SQLite.
//!
//! Runs where `PYSIGMA_PYTHON` names an interpreter that has pySigma 2.0.1 and
//! pysigma-backend-sqlite 2.1.1; `pysigma.py` says how a record becomes a row.

use crate::opinions;
use crate::product;

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use opinions::histories::{self, MEANT_ALIKE, NOT_ALIKE};
use opinions::{Matches, compare, corpora, standard_rules};
use product::{root, tool};
use serde_json::{Value, json};

/// What the script answers.
fn asked_of(python: &str, asked: &Value) -> Vec<u8> {
    let mut child = Command::new(python)
        .arg(root().join("tests/integration/pysigma.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    serde_json::to_writer(child.stdin.take().unwrap(), asked).unwrap();
    let answered = child.wait_with_output().unwrap();
    assert!(answered.status.success());
    answered.stdout
}

#[test]
#[cfg_attr(not(ci_tools), ignore = "needs pySigma and PYSIGMA_PYTHON: .ci/run")]
fn sql_written_by_pysigma_correlates_what_we_correlate() {
    let python = tool("PYSIGMA_PYTHON");
    let histories = histories::histories();
    let records: Vec<Vec<&Value>> = histories
        .iter()
        .map(|history| history.iter().map(|(_, event)| event).collect())
        .collect();
    let sections = MEANT_ALIKE.iter().chain(&NOT_ALIKE);
    let texts: BTreeMap<&str, String> = sections
        .map(|section| (*section, histories::correlation(section)))
        .collect();
    let asked = json!({ "correlations": texts, "histories": records });
    let fires: BTreeMap<String, Vec<usize>> =
        serde_json::from_slice(&asked_of(&python, &asked)).unwrap();
    for section in texts.keys() {
        histories::compare(section, &histories, &|number| {
            fires[*section].contains(&number)
        });
    }
}

#[test]
#[cfg_attr(
    not(all(ci_tools, shared_data)),
    ignore = "needs ../shared/data, and pySigma and PYSIGMA_PYTHON: .ci/run"
)]
fn sql_written_by_pysigma_matches_what_we_match() {
    let python = tool("PYSIGMA_PYTHON");
    let (rules, texts) = standard_rules();
    let corpora = corpora(&rules);
    let records: BTreeMap<&str, Vec<&Value>> = corpora
        .iter()
        .map(|corpus| {
            let records = corpus.records.iter().map(|record| &record.value);
            (corpus.name.as_str(), records.collect())
        })
        .collect();
    let asked = json!({ "rules": texts, "corpora": records });
    let answered = asked_of(&python, &asked);
    let places: BTreeMap<String, BTreeMap<String, Vec<usize>>> =
        serde_json::from_slice(&answered).unwrap();
    compare("pysigma-sqlite", &corpora, &|corpus| {
        let mut matches = Matches::new();
        for (rule, found) in &places[&corpus.name] {
            let place = |at: &usize| corpus.records[*at].place.clone();
            matches.insert(rule.clone(), found.iter().map(place).collect());
        }
        matches
    });
}
