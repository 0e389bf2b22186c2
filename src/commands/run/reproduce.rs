//! The command that makes a report again, for a shell.

use std::ffi::{OsStr, OsString};

use chrono::{DateTime, SecondsFormat, Utc};

use crate::cli::{Given, Run};
use crate::commands::session::Session;
use crate::history::History;
use crate::safe_text::is_hidden;

/// What the report does not depend on, and what is said in other words: the window by its ends, the
/// state file only where a rule asks what was there before.
const LEFT_OUT: [&str; 10] = [
    "out",
    "force",
    "quiet",
    "dry-run",
    "jobs",
    "incremental",
    "since",
    "until",
    "week",
    "state",
];

/// The command, complete and quoted for `sh`: every option as it was typed, the window as it was meant,
/// and the files that were found without being named.
pub(super) fn command(arguments: &Run, session: &Session<'_>) -> String {
    let mut words: Vec<OsString> = ["trailscan", "run"].map(OsString::from).to_vec();
    let (sources, options): (Vec<&Given>, Vec<&Given>) = arguments
        .given
        .iter()
        .partition(|given| given.option.is_empty());
    let source = sources.into_iter().flat_map(|given| &given.values).next();
    // one that looks like an option stands behind all of them
    let (first, last) = match source {
        Some(source) if looks_like_an_option(source) => (None, Some(source)),
        source => (source, None),
    };
    words.extend(first.cloned());
    let time = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::AutoSi, true);
    for (option, at) in [
        ("since", session.scope.since),
        ("until", session.scope.until),
    ] {
        if let Some(at) = at {
            add(&mut words, option, Some(OsStr::new(&time(at))));
        }
    }
    let is_given = |option: &str| options.iter().any(|given| given.option == option);
    if let (false, Some((file, _))) = (is_given("config"), &session.config.origin) {
        add(&mut words, "config", Some(OsStr::new(file)));
    }
    if History::asking(&session.rules).next().is_some()
        && let Some(file) = session.state_path()
    {
        add(&mut words, "state", Some(file.as_os_str()));
    }
    for given in options {
        if LEFT_OUT.contains(&given.option.as_str()) {
            continue;
        }
        if given.values.is_empty() {
            add(&mut words, &given.option, None);
        }
        for value in &given.values {
            add(&mut words, &given.option, Some(value));
        }
    }
    if let Some(source) = last {
        words.extend([OsString::from("--"), source.clone()]);
    }
    let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
    words.join(" ")
}

fn looks_like_an_option(word: &OsStr) -> bool {
    word != "-" && word.as_encoded_bytes().starts_with(b"-")
}

fn add(words: &mut Vec<OsString>, option: &str, value: Option<&OsStr>) {
    let mut option = OsString::from(format!("--{option}"));
    match value {
        Some(value) if value.as_encoded_bytes().starts_with(b"-") => {
            option.push("=");
            option.push(value);
            words.push(option);
        }
        value => {
            words.push(option);
            words.extend(value.map(OsStr::to_owned));
        }
    }
}

/// A word for `sh`. What cannot be seen is written by `printf`, by the numbers of its bytes.
fn quoted(word: &OsStr) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/:.,_-@=+".contains(c);
    match word.to_str() {
        Some(text) if !text.is_empty() && text.chars().all(plain) => text.to_owned(),
        Some(text) if !text.contains(is_hidden) => format!("'{}'", text.replace('\'', r"'\''")),
        _ => {
            let escaped = |byte: &u8| match byte {
                byte if byte.is_ascii_alphanumeric() || b"/:.,_-@=+ ".contains(byte) => {
                    char::from(*byte).to_string()
                }
                byte => format!(r"\{byte:03o}"),
            };
            let bytes: String = word.as_encoded_bytes().iter().map(escaped).collect();
            // the point keeps line breaks at the end, which `$()` takes away
            format!("\"$(printf '{bytes}.' | sed '$ s/.$//')\"")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_every_word_as_it_was() {
        for word in [
            "plain",
            "",
            "two words",
            "it's",
            "$HOME `id` $(id)",
            "a\\b*?[x]",
            "a\nb\tc",
            "\u{1b}[2J%s\\n'\"",
            "\u{202e}päss\u{200b}",
            "~/x",
            "-x",
        ] {
            let script = format!("printf '%s' {}", quoted(OsStr::new(word)));
            let ran = std::process::Command::new("sh")
                .args(["-c", &script])
                .output()
                .unwrap();
            assert_eq!(String::from_utf8(ran.stdout).unwrap(), word, "{script}");
            assert!(!script.contains(is_hidden), "{script}");
        }
    }
}
