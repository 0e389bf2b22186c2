//! The cases beside a rule: events it must find and near misses it must leave alone, one a line.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use crate::event::{Key, time};
use crate::small_file;

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
struct RawSample {
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
    let text = small_file::read_text(path, small_file::MOST_TEXT)
        .map_err(|error| unreadable(path, error))?;
    let case = |(line, text): (usize, &str)| {
        let fault = |what: String| SampleError::Case {
            path: path.to_owned(),
            line,
            what,
        };
        let written: RawSample = serde_json::from_str(text)
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
        (Some(event), None, None) => Ok(Story::Events(vec![record(&event)?])),
        (None, Some(events), None) if !events.is_empty() => Ok(Story::Events(
            events.iter().map(record).collect::<Result<_, _>>()?,
        )),
        (None, None, Some(repeat)) if repeat.times > MOST_COPIES => {
            Err(format!("`times` is more than {MOST_COPIES}"))
        }
        (None, None, Some(repeat)) if !has_time(&repeat.event) => {
            Err("the event to repeat has no `eventTime` such as 2026-11-18T15:00:00Z".to_owned())
        }
        (None, None, Some(repeat)) => Ok(Story::Repeat {
            event: record(&repeat.event)?,
            times: repeat.times,
            every_seconds: repeat.every_seconds,
        }),
        _ => Err("a case has one of `event`, `events` and `repeat`".to_owned()),
    }
}

/// A record's text. Anything else would pass for a near miss of every rule.
fn record(event: &Value) -> Result<String, String> {
    let known = [Key::EventName, Key::EventId, Key::EventVersion];
    if known.iter().any(|key| event.get(key.as_str()).is_some()) {
        Ok(event.to_string())
    } else {
        Err("an event of the case is not a CloudTrail record: it has no `eventName`".to_owned())
    }
}

fn has_time(event: &Value) -> bool {
    let text = event.get(Key::EventTime.as_str()).and_then(Value::as_str);
    text.and_then(time::parse).is_some()
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

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Case>, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.jsonl");
        std::fs::write(&path, text).unwrap();
        assert_eq!(files(folder.path()).unwrap().get("x"), Some(&path));
        cases(&path).map_err(|error| error.to_string())
    }

    #[test]
    fn a_case_that_could_pass_for_a_near_miss_by_accident_is_refused() {
        for (case, named) in [
            (r#"{"expect":"pass","event":{}}"#, "eventName"),
            (
                r#"{"expect":"pass","event":[{"eventName":"X"}]}"#,
                "eventName",
            ),
            (r#"{"expect":"pass","events":[]}"#, "one of `event`"),
            (r#"{"expect":"pass"}"#, "one of `event`"),
            (r#"{"expect":"hit","event":{"eventName":"X"}}"#, "match"),
            (r#"{"expect":"pass","evnt":{"eventName":"X"}}"#, "evnt"),
            (
                r#"{"expect":"pass","repeat":{"event":{"eventName":"X"},"times":3,"every_seconds":1}}"#,
                "eventTime",
            ),
            ("not json", "x.jsonl:2"),
        ] {
            let error = read(&format!("\n{case}\n")).unwrap_err();
            assert!(error.contains(named) && error.contains(":2: "), "{error}");
        }
        let good = read("{\"expect\":\"pass\",\"event\":{\"eventName\":\"X\"}}\n\n").unwrap();
        assert_eq!((good.len(), good[0].line), (1, 1));
    }
}
