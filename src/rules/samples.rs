//! The cases beside a rule: events it must find and near misses it must leave alone, one a line.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

/// The most copies of one event that a case may ask for.
const MOST_COPIES: u32 = 1_000_000;

/// One line of a rule's samples.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// From 1.
    pub line: usize,
    pub expect: Expect,
    /// What the case is about.
    pub why: String,
    pub story: Story,
}

/// What a rule should make of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Expect {
    /// The rule finds something.
    Match,
    /// The rule stays silent.
    Pass,
}

impl Expect {
    /// The word in the file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Match => "match",
            Self::Pass => "pass",
        }
    }
}

/// What happens in a case. Events are the JSON text of records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Story {
    /// In no order.
    Events(Vec<String>),
    /// Copies with ids of their own, each so many seconds after the last.
    Repeat {
        event: String,
        times: u32,
        every_seconds: i64,
    },
}

/// Samples that cannot be used; the message says where and what to write instead.
#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    #[error("cannot read samples from {path}: {error}")]
    Unreadable {
        path: PathBuf,
        error: std::io::Error,
    },
    #[error("{path}:{line}: {what}")]
    Case {
        path: PathBuf,
        line: usize,
        what: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    expect: Expect,
    #[serde(default)]
    why: String,
    event: Option<Value>,
    events: Option<Vec<Value>>,
    repeat: Option<Repeat>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Repeat {
    event: Value,
    times: u32,
    every_seconds: i64,
}

/// The cases of one file. Empty lines are passed over.
pub fn cases(path: &Path) -> Result<Vec<Case>, SampleError> {
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(path, error))?;
    let case = |(line, text): (usize, &str)| {
        let fault = |what: String| SampleError::Case {
            path: path.to_owned(),
            line,
            what,
        };
        let written: Written = serde_json::from_str(text)
            .map_err(|error| fault(format!("not a case of a rule: {error}")))?;
        Ok(Case {
            line,
            expect: written.expect,
            why: written.why,
            story: story(written.event, written.events, written.repeat).map_err(fault)?,
        })
    };
    (1..)
        .zip(text.lines())
        .filter(|(_, line)| !line.trim().is_empty())
        .map(case)
        .collect()
}

fn story(
    event: Option<Value>,
    events: Option<Vec<Value>>,
    repeat: Option<Repeat>,
) -> Result<Story, String> {
    match (event, events, repeat) {
        (Some(event), None, None) => Ok(Story::Events(vec![event.to_string()])),
        (None, Some(events), None) if !events.is_empty() => {
            Ok(Story::Events(events.iter().map(Value::to_string).collect()))
        }
        (None, None, Some(repeat)) if repeat.times > MOST_COPIES => Err(format!(
            "`times` is more than {MOST_COPIES}: a threshold can be lowered for the samples in their trailscan.toml"
        )),
        (None, None, Some(repeat)) => Ok(Story::Repeat {
            event: repeat.event.to_string(),
            times: repeat.times,
            every_seconds: repeat.every_seconds,
        }),
        _ => Err("a case has one of `event`, `events` and `repeat`".to_owned()),
    }
}

/// Every `.jsonl` at or below a folder, by its stem: the name of the rule it belongs to.
pub fn files(folder: &Path) -> Result<BTreeMap<String, PathBuf>, SampleError> {
    let mut found = BTreeMap::new();
    let entries = std::fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    for entry in entries.map_err(|error| unreadable(folder, error))? {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else if let (Some(stem), true) = (
            path.file_stem().and_then(std::ffi::OsStr::to_str),
            path.extension().is_some_and(|end| end == "jsonl"),
        ) {
            found.insert(stem.to_owned(), path.clone());
        }
    }
    Ok(found)
}

fn unreadable(path: &Path, error: std::io::Error) -> SampleError {
    SampleError::Unreadable {
        path: path.to_owned(),
        error,
    }
}
