//! The proposed configuration as TOML, with the evidence in comments.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::Values;
use crate::commands::init::quoted;
use crate::safe_text::line;

pub(super) fn section(out: &mut String, name: &str, keys: &[(&str, &Values)]) {
    let keys = keys.iter().filter(|(_, values)| !values.is_empty());
    let keys: Vec<_> = keys.collect();
    if keys.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n[{name}]");
    for (key, values) in keys {
        list(out, key, values);
    }
}

pub(super) fn table(out: &mut String, name: &str, keys: &BTreeMap<String, Values>) {
    if keys.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n[{name}]");
    for (key, values) in keys {
        list(out, &quoted(key), values);
    }
}

pub(super) fn list(out: &mut String, key: &str, values: &Values) {
    let _ = writeln!(out, "{key} = [");
    for (value, evidence) in values {
        let _ = write!(out, "    {},", quoted(value));
        match evidence.as_slice() {
            [] => {}
            [first] => {
                let _ = write!(out, " # {}", comment(first));
            }
            [first, others @ ..] => {
                let more = others.len();
                let _ = write!(out, " # {} (and {more} more)", comment(first));
            }
        }
        out.push('\n');
    }
    out.push_str("]\n");
}

/// Evidence on one line.
pub(super) fn comment(text: &str) -> String {
    line(text, 300).into_owned()
}
