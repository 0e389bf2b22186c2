//! Our own rules, which the build script has read: YAML takes twenty times as long to read as JSON.

use super::text::RuleText;

/// What comes before the file names of our own rules.
const PREFIX: &str = "builtin:";

/// A rule file that is part of the program.
struct Builtin {
    file: &'static str,
    text: &'static str,
    /// Its one document as JSON, as the build script has read it.
    read: Option<&'static str>,
}

/// In the order of their names.
static BUILTIN: &[Builtin] = include!(concat!(env!("OUT_DIR"), "/builtin_rules.rs"));

/// The rules that are part of the program.
pub fn builtin() -> Vec<RuleText> {
    let text = |rule: &Builtin| RuleText::new(format!("{PREFIX}{}", rule.file), rule.text);
    BUILTIN.iter().map(text).collect()
}

/// The names of the rules that are part of the program, by their files: each has its own.
pub fn builtin_names() -> impl Iterator<Item = &'static str> {
    BUILTIN.iter().map(|rule| super::stem(rule.file))
}

/// What the build script has read of a rule file; `None` if the file is not one of ours, or has
/// been changed since.
pub(super) fn read_at_build(file: &RuleText) -> Option<&'static str> {
    let name = file.file.strip_prefix(PREFIX)?;
    let place = BUILTIN.binary_search_by_key(&name, |rule| rule.file).ok()?;
    let rule = BUILTIN.get(place).filter(|rule| rule.text == file.text)?;
    rule.read
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::load::{Settings, direct, load};
    use crate::rules::{RuleSet, configured, placeholders};

    fn settings() -> Settings {
        let filling = |(name, _): &(&str, &str)| ((*name).to_owned(), vec!["x".to_owned()]);
        Settings {
            placeholders: placeholders::BUILT_IN.iter().map(filling).collect(),
            configured: configured::all_keys().collect(),
            ..Settings::default()
        }
    }

    #[test]
    fn a_rule_read_at_build_is_the_rule_of_its_file() {
        for settings in [Settings::default(), settings()] {
            let at_build = builtin();
            // a text that is not the one built in is read as any user's is
            let mut as_files = builtin();
            for file in &mut as_files {
                file.text.push('\n');
                assert!(read_at_build(file).is_none());
            }
            let [at_build, as_files] = [at_build, as_files].map(|texts| load(&texts, &settings));
            assert_eq!(at_build.rules.len(), as_files.rules.len());
            for (at_build, as_file) in at_build.rules.iter().zip(&as_files.rules) {
                let [at_build, as_file] = [at_build, as_file].map(|rule| format!("{rule:#?}"));
                assert_eq!(at_build, as_file);
            }
            let rest = |set: RuleSet| (set.rejected, set.unconfigured, set.unusable_settings);
            assert_eq!(rest(at_build), rest(as_files));
        }
    }

    #[test]
    fn every_rule_of_ours_is_built_without_the_parsers_yaml() {
        let mut conditions = direct::Conditions::new();
        for rule in BUILTIN {
            let document = serde_json::from_str(rule.read.unwrap_or_default()).unwrap();
            let built = direct::collection(&document, &mut conditions);
            assert!(built.is_some(), "{}", rule.file);
        }
    }

    #[test]
    fn the_build_script_has_read_every_rule_file() {
        let unread = BUILTIN.iter().filter(|rule| rule.read.is_none());
        let unread: Vec<&str> = unread.map(|rule| rule.file).collect();
        assert_eq!(unread, [""; 0]);
        assert!(BUILTIN.is_sorted_by_key(|rule| rule.file));
    }
}
