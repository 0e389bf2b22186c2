//! Rule texts: ours, and those of folders; and the YAML documents in them.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use yaml_serde::{Mapping, Value};

use crate::small_file;

/// A file with rules.
#[derive(Debug, Clone)]
pub struct RuleText {
    pub file: String,
    pub text: String,
    /// Why the file is refused as a whole, and the line.
    pub fault: Option<(usize, String)>,
}

impl RuleText {
    /// A rule file of that name.
    pub fn new(file: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            file: file.into(),
            text: text.into(),
            fault: None,
        }
    }

    /// A file as it was read. One that is too large or not UTF-8 refuses itself, and no other.
    fn read(path: &Path) -> std::io::Result<Self> {
        let file = path.display().to_string();
        let refused = |line, reason: String| Self {
            fault: Some((line, reason)),
            ..Self::new(&file, "")
        };
        let bytes = match small_file::read(path, small_file::MOST_TEXT) {
            Err(error) if error.kind() == ErrorKind::FileTooLarge => {
                return Ok(refused(1, error.to_string()));
            }
            read => read?,
        };
        Ok(match String::from_utf8(bytes) {
            Ok(text) => Self::new(&file, text),
            Err(error) => {
                let place = error.utf8_error().valid_up_to();
                let line = small_file::line_of(error.as_bytes(), place);
                refused(line, "the file is not UTF-8".to_owned())
            }
        })
    }
}

/// A folder or file of rules that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read rules from {path}: {error}")]
pub struct UnreadableRules {
    path: PathBuf,
    error: std::io::Error,
}

/// Every `.yml` and `.yaml` at or below a path, in the order of their names.
pub fn folder(path: &Path) -> Result<Vec<RuleText>, UnreadableRules> {
    let unreadable = |error| UnreadableRules {
        path: path.to_owned(),
        error,
    };
    let mut texts = Vec::new();
    if path.is_file() {
        texts.push(RuleText::read(path).map_err(unreadable)?);
        return Ok(texts);
    }
    let entries = std::fs::read_dir(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let mut entries = entries.map_err(unreadable)?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let is_rule = path
            .extension()
            .is_some_and(|end| end.eq_ignore_ascii_case("yml") || end.eq_ignore_ascii_case("yaml"));
        if path.is_dir() || is_rule {
            texts.extend(folder(&path)?);
        }
    }
    Ok(texts)
}

/// The documents of a file, each with the line it begins at.
pub(super) fn documents(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let (mut from, mut line, mut at) = (0, 1, 0);
    for (number, content) in text.split_inclusive('\n').enumerate() {
        // `--- # a remark` begins a document as well
        let rest = content.strip_prefix("---").map(str::trim);
        if rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('#')) {
            found.push((line, text.get(from..at).unwrap_or_default()));
            from = at + content.len();
            line = number + 2;
        }
        at += content.len();
    }
    found.push((line, text.get(from..).unwrap_or_default()));
    let says_something = |text: &str| {
        text.lines()
            .any(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'))
    };
    found.retain(|(_, text)| says_something(text));
    found
}

/// `over` laid over `base`, mappings within mappings.
pub(super) fn merged(base: &Mapping, over: &Mapping) -> Mapping {
    let mut out = base.clone();
    for (key, value) in over {
        let value = match (out.get(key), value) {
            (Some(Value::Mapping(below)), Value::Mapping(above)) => {
                Value::Mapping(merged(below, above))
            }
            _ => value.clone(),
        };
        out.insert(key.clone(), value);
    }
    out
}
