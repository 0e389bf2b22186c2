//! Rule texts: ours, and those of folders; and the YAML documents in them.

use std::path::{Path, PathBuf};

use yaml_serde::{Mapping, Value};

/// A file with rules.
#[derive(Debug, Clone)]
pub struct RuleText {
    pub file: String,
    pub text: String,
}

/// A folder or file of rules that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read rules from {path}: {error}")]
pub struct UnreadableRules {
    path: PathBuf,
    error: std::io::Error,
}

/// Our own rules: name and text.
const BUILTIN: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/builtin_rules.rs"));

/// The rules that are part of the program.
pub fn builtin() -> Vec<RuleText> {
    let text = |(file, text): &(&str, &str)| RuleText {
        file: format!("builtin:{file}"),
        text: (*text).to_owned(),
    };
    BUILTIN.iter().map(text).collect()
}

/// The names of the rules that are part of the program, by their files: each has its own.
pub fn builtin_names() -> impl Iterator<Item = &'static str> {
    BUILTIN.iter().map(|(file, _)| super::stem(file))
}

/// Every `.yml` and `.yaml` at or below a path, in the order of their names.
pub fn folder(path: &Path) -> Result<Vec<RuleText>, UnreadableRules> {
    let unreadable = |error| UnreadableRules {
        path: path.to_owned(),
        error,
    };
    let mut texts = Vec::new();
    if path.is_file() {
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        texts.push(RuleText {
            file: path.display().to_string(),
            text,
        });
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
