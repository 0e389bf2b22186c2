//! The techniques of ATT&CK for Enterprise, by id: `attack.txt`, which says its version and how it was
//! made.

/// The list: an id a line, or `OLD > NEW` for one that was revoked.
const LIST: &str = include_str!("attack.txt");

/// The version of ATT&CK whose ids the list has.
pub(super) fn version() -> &'static str {
    let mut lines = LIST.lines();
    let version = lines.find_map(|line| line.strip_prefix("# version "));
    version.unwrap_or_default()
}

/// What is wrong with a technique id in upper case; `None` if the list has it.
pub(super) fn fault(id: &str) -> Option<String> {
    let entries = LIST.lines().filter(|line| !line.starts_with('#'));
    for entry in entries {
        match entry.split_once(" >") {
            None if entry == id => return None,
            Some((old, new)) if old == id => {
                let new = match new.trim() {
                    "" => String::new(),
                    new => format!(": write attack.{}", new.to_lowercase()),
                };
                return Some(format!(
                    "ATT&CK {} no longer has the technique {id}{new}",
                    version()
                ));
            }
            _ => {}
        }
    }
    Some(format!("ATT&CK {} has no technique {id}", version()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::load;

    #[test]
    fn the_list_has_as_many_ids_as_the_release_and_successors_are_in_it() {
        let entries = || LIST.lines().filter(|line| !line.starts_with('#'));
        let live: Vec<&str> = entries().filter(|line| !line.contains('>')).collect();
        let techniques = live.iter().filter(|id| !id.contains('.')).count();
        // https://attack.mitre.org/resources/updates/updates-april-2026/
        assert_eq!((techniques, live.len() - techniques), (222, 475));
        assert!(live.is_sorted());
        for (old, new) in entries().filter_map(|line| line.split_once(" >")) {
            assert!(!live.contains(&old), "{old}");
            assert!(new.is_empty() || live.contains(&new.trim()), "{old}");
        }
        assert_eq!(version(), "19");
    }

    #[test]
    fn every_technique_of_the_built_in_rules_exists() {
        // a rule that waits for configuration states its techniques too
        let tags: Vec<String> = load::builtin()
            .iter()
            .flat_map(|text| text.text.lines().map(str::to_owned).collect::<Vec<_>>())
            .filter_map(|line| Some(line.trim().strip_prefix("- attack.t")?.to_owned()))
            .filter(|tag| tag.starts_with(|c: char| c.is_ascii_digit()))
            .collect();
        assert!(tags.len() > 100);
        for tag in tags {
            assert_eq!(fault(&format!("T{}", tag.to_uppercase())), None);
        }
        assert_eq!(
            fault("T1562.008").unwrap(),
            "ATT&CK 19 no longer has the technique T1562.008: write attack.t1685.002"
        );
        assert_eq!(
            fault("T1098.100").unwrap(),
            "ATT&CK 19 has no technique T1098.100"
        );
    }
}
