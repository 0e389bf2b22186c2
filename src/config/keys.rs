//! Which keys a configuration's text has, where each is written, and every fault of its form.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Deserialize as _;
use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Error};

use super::{Fault, RawConfig};
use crate::safe_text;
use crate::small_file::line_of;

/// The most faults that are listed: a file that is no configuration has one a line.
const MOST_FAULTS: usize = 100;
/// The most characters of a line that are shown.
const MOST_SHOWN: usize = 80;

/// The keys that are written, by their dotted names: `phi.buckets`, `calendar.hours.monday`.
#[derive(Debug, Clone, Default)]
pub struct Keys(BTreeMap<String, Key>);

/// A key as written.
#[derive(Debug, Clone)]
struct Key {
    /// Where it stands, from 1.
    line: usize,
    /// Its value; `None` for a table, whose keys stand beside it.
    value: Option<Value>,
    /// The texts and keys below it, with their lines.
    items: Vec<(String, usize)>,
}

impl Keys {
    /// Every key that has a value, in the order of their names.
    pub fn values(&self) -> impl Iterator<Item = (&str, usize, &Value)> {
        let keys = self.0.iter();
        keys.filter_map(|(name, key)| Some((&**name, key.line, key.value.as_ref()?)))
    }

    /// The line of a key or table.
    pub fn line(&self, key: &str) -> Option<usize> {
        self.0.get(&plain(key)).map(|key| key.line)
    }

    /// The line that a message is about: messages begin with the key they are about, and name a value
    /// in backticks.
    pub fn line_of_message(&self, message: &str) -> Option<usize> {
        let message = plain(message);
        let is_about = |name: &str| {
            let rest = message.strip_prefix(name);
            rest.is_some_and(|rest| rest.starts_with([':', '.', ' ']))
        };
        let about = self.0.iter().filter(|(name, _)| is_about(name));
        let (_, key) = about.max_by_key(|(name, _)| name.len())?;
        let is_named = |(text, _): &&(String, usize)| message.contains(&format!("`{text}`"));
        let item = key.items.iter().find(is_named);
        Some(item.map_or(key.line, |(_, line)| *line))
    }

    /// Notes a table's keys, and answers all that is below it.
    fn note(&mut self, text: &str, above: &str, table: &DeTable<'_>) -> Vec<(String, usize)> {
        let mut all = Vec::new();
        for (key, value) in table {
            let line = line_of(text.as_bytes(), key.span().start);
            let bare = key.get_ref().as_ref();
            let name = match above {
                "" => bare.to_owned(),
                above => format!("{above}.{bare}"),
            };
            all.push((bare.to_owned(), line));
            let (items, value) = match value.get_ref() {
                DeValue::Table(below) => (self.note(text, &name, below), None),
                _ => {
                    let mut items = Vec::new();
                    scalars(text, value, &mut items);
                    (items, Some(json(value.get_ref())))
                }
            };
            all.extend(items.iter().cloned());
            self.0.insert(plain(&name), Key { line, value, items });
        }
        all
    }
}

/// A name without quotes, which are written in some places and not in others.
fn plain(name: &str) -> String {
    name.replace('"', "")
}

/// The texts at or below a value, with their lines.
fn scalars(text: &str, value: &Spanned<DeValue<'_>>, found: &mut Vec<(String, usize)>) {
    let line = line_of(text.as_bytes(), value.span().start);
    match value.get_ref() {
        DeValue::Array(list) => list.iter().for_each(|item| scalars(text, item, found)),
        DeValue::Table(table) => {
            for (key, value) in table {
                found.push((key.get_ref().as_ref().to_owned(), line));
                scalars(text, value, found);
            }
        }
        DeValue::String(string) => found.push((string.as_ref().to_owned(), line)),
        other => found.push((json(other).to_string(), line)),
    }
}

fn json(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => text.as_ref().into(),
        DeValue::Integer(number) => number
            .as_str()
            .parse::<i64>()
            .map_or_else(|_| number.as_str().into(), Value::from),
        DeValue::Float(number) => number
            .as_str()
            .parse::<f64>()
            .map_or_else(|_| number.as_str().into(), Value::from),
        DeValue::Boolean(yes) => (*yes).into(),
        DeValue::Datetime(time) => time.to_string().into(),
        DeValue::Array(list) => list.iter().map(|item| json(item.get_ref())).collect(),
        DeValue::Table(table) => {
            let member = |(key, value): (&Spanned<_>, &Spanned<DeValue<'_>>)| {
                let key: &std::borrow::Cow<'_, str> = key.get_ref();
                (key.as_ref().to_owned(), json(value.get_ref()))
            };
            Value::Object(table.iter().map(member).collect())
        }
    }
}

/// Reads the text: what is written, the keys with their lines, and the faults of form. A key that is
/// unknown or of the wrong type is left out, so that the others are checked all the same; `None` if
/// the text is not TOML.
pub(super) fn read(text: &str) -> (Option<RawConfig>, Keys, Vec<Fault>) {
    let fault = |error: &Error| Fault {
        line: error
            .span()
            .map(|span| line_of(text.as_bytes(), span.start)),
        what: error.message().trim().to_owned(),
    };
    let (mut document, errors) = DeTable::parse_recoverable(text);
    let mut keys = Keys::default();
    if !errors.is_empty() {
        // such an error names no key, so the line is shown
        let shown = |error: &Error| {
            let mut fault = fault(error);
            let line = fault.line.and_then(|line| text.lines().nth(line - 1));
            if let Some(line) = line.map(str::trim).filter(|line| !line.is_empty()) {
                fault.what = format!("{}: `{}`", fault.what, safe_text::line(line, MOST_SHOWN));
            }
            fault
        };
        let faults = errors.iter().map(shown).take(MOST_FAULTS).collect();
        return (None, keys, faults);
    }
    keys.note(text, "", document.get_ref());
    let mut faults = Vec::new();
    loop {
        let error = match RawConfig::deserialize(toml::Deserializer::from(document.clone())) {
            Ok(written) => return (Some(written), keys, faults),
            Err(error) => error,
        };
        let place = error.span().unwrap_or_default();
        let left_out = leave_out(document.get_mut(), &place);
        let mut fault = fault(&error);
        if let Some(key) = left_out.as_deref()
            // an unknown key is named by the message itself
            && !fault.what.starts_with("unknown field")
        {
            fault.what = format!("{key}: {}", fault.what);
        }
        faults.push(fault);
        if left_out.is_none() || faults.len() == MOST_FAULTS {
            return (None, keys, faults);
        }
    }
}

/// Removes the innermost key of a table whose name or value holds that place, and answers its dotted
/// name.
fn leave_out(table: &mut DeTable<'_>, place: &Range<usize>) -> Option<String> {
    let holds = |span: Range<usize>| span.start <= place.start && place.end <= span.end;
    let mut own = None;
    for (key, value) in table.iter_mut() {
        if let DeValue::Table(below) = value.get_mut()
            && let Some(name) = leave_out(below, place)
        {
            return Some(format!("{}.{name}", key.get_ref()));
        }
        if holds(key.span()) || holds(value.span()) {
            own = Some(key.get_ref().clone());
        }
    }
    let own = own?;
    table.remove(&*own)?;
    Some(own.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_of_form_is_found_with_its_line_and_the_rest_is_read() {
        let text = "[phi]\nbukets = [\"x\"]\nbuckets = [\"phi-a\"]\n\n[calendar]\ntimezone = 3\n\n\
                    [sessoin]\nmax_hours = 1\n[session]\nmax_hours = \"x\"\n";
        let (written, keys, faults) = read(text);
        assert_eq!(written.unwrap().phi.buckets.unwrap(), ["phi-a"]);
        let mut lines: Vec<_> = faults.iter().map(|fault| fault.line.unwrap()).collect();
        lines.sort_unstable();
        // the calendar is named once for its zone, once for the hours that it lacks
        assert_eq!(lines, [2, 5, 6, 8, 11], "{faults:?}");
        assert_eq!(keys.line("phi.buckets"), Some(3));
        let (none, _, faults) = read("[phi]\nbuckets = [\n\"x\"\n[s3]\n");
        assert!(none.is_none() && faults[0].line.is_some(), "{faults:?}");
    }

    #[test]
    fn a_message_leads_to_the_line_of_the_value_that_it_names() {
        let text = "[phi]\nbuckets = [\n  \"good\",\n  \"bad one\",\n]\n[s3]\n\
                    required_encryption = { \"clinic\" = [] }\n[calendar.hours]\nmondag = []\n";
        let (_, keys, _) = read(text);
        for (message, line) in [
            ("phi.buckets: `bad one` is not a bucket", 4),
            ("phi.buckets: the list is empty", 2),
            ("s3.required_encryption.\"clinic\": the list is empty", 7),
            ("calendar.hours: `mondag` is not a weekday", 9),
        ] {
            assert_eq!(keys.line_of_message(message), Some(line), "{message}");
        }
        assert_eq!(keys.line_of_message("phi.bucketsx: no"), Some(1));
        assert_eq!(keys.line_of_message("other: no"), None);
    }
}
