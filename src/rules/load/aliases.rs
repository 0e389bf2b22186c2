//! Former names and ids of rules: what the configuration, filters and earlier runs call a rule that was
//! renamed, merged or split.
//!
//! Sigma's `related` has the former ids (`type` renamed, obsolete or merged); former names, from which
//! the ids of findings follow, stand in `trailscan.aliases`.

use std::collections::BTreeMap;

use yaml_serde::{Mapping, Value};

use super::metadata::{Header, name_of};
use super::read::Document;
use super::{Called, Loader, RuleText};
use crate::rules::{Origin, Rejected};

/// The relations in which the other rule is a former self (Sigma specification 2.1, "Related").
const FORMER: [&str; 3] = ["renamed", "obsolete", "merged"];

/// The names and ids that the rules of a load have now.
#[derive(Debug, Default)]
pub(super) struct Taken {
    names: BTreeMap<String, Origin>,
    ids: BTreeMap<String, Origin>,
}

impl Taken {
    pub(super) fn of(texts: &[RuleText], documents: &[Vec<Document>]) -> Self {
        let mut taken = Self::default();
        for (text, documents) in texts.iter().zip(documents) {
            for document in documents {
                let Ok(yaml) = &document.yaml else {
                    continue;
                };
                let origin = Origin::of(text, document.line);
                let name = name_of(yaml.get("name").and_then(Value::as_str), &origin);
                taken.names.entry(name).or_insert_with(|| origin.clone());
                if let Some(id) = yaml.get("id").and_then(Value::as_str) {
                    taken.ids.entry(id.to_owned()).or_insert(origin);
                }
            }
        }
        taken
    }
}

/// The former names and ids that a document states, names first.
pub(super) fn stated(document: &Mapping, attributes: Option<&Value>) -> Vec<String> {
    let named = attributes.and_then(|attributes| attributes.as_mapping()?.get("aliases"));
    let named = named.and_then(Value::as_sequence).into_iter().flatten();
    let named = named.filter_map(Value::as_str);
    let related = document.get("related").and_then(Value::as_sequence);
    let related = related.into_iter().flatten().filter_map(|one| {
        let one = one.as_mapping()?;
        let kind = one.get("type")?.as_str()?;
        FORMER.contains(&kind).then(|| one.get("id")?.as_str())?
    });
    let mut aliases: Vec<String> = Vec::new();
    for alias in named.chain(related) {
        if !alias.trim().is_empty() && !aliases.iter().any(|known| known == alias) {
            aliases.push(alias.to_owned());
        }
    }
    aliases
}

/// True for a UUID, which is never a rule's name.
fn is_uuid(text: &str) -> bool {
    let hex = |c: char| c.is_ascii_hexdigit() || c == '-';
    text.len() == 36 && text.matches('-').count() == 4 && text.chars().all(hex)
}

/// The aliases that are names: the ids of findings follow from names.
pub(super) fn names(aliases: &[String]) -> Vec<String> {
    let named = aliases.iter().filter(|alias| !is_uuid(alias));
    named.cloned().collect()
}

impl Loader<'_> {
    /// Leaves a rule the aliases that no rule has for a name or id now. One that is a name is a mistake:
    /// settings under it would change two rules. An obsolete rule that is still loaded keeps its own id.
    pub(super) fn settle_aliases(&mut self, origin: &Origin, header: &mut Header) {
        let (mut free, mut faults) = (Vec::new(), Vec::new());
        for alias in std::mem::take(&mut header.aliases) {
            match (self.taken.names.get(&alias), self.taken.ids.get(&alias)) {
                (Some(own), _) if own == origin => {
                    faults.push(format!("its alias `{alias}` is its own name: delete it"));
                }
                (Some(other), _) => faults.push(format!(
                    "its alias `{alias}` is the name of the rule in {}:{}: an alias is a name that no \
                     rule has any more",
                    other.file, other.line
                )),
                (None, Some(_)) => {}
                (None, None) => free.push(alias),
            }
        }
        header.aliases = free;
        self.set
            .alias_faults
            .extend(faults.into_iter().map(|reason| Rejected {
                origin: origin.clone(),
                rule: header.title.clone(),
                reason,
            }));
    }

    /// Settings below `[rules]` that stand under a former name or id of their rule: key and remark.
    pub(super) fn renamed_overrides(&self) -> Vec<String> {
        let in_use = self.set.rules.iter();
        let in_use = in_use.map(|rule| (&*rule.name, &*rule.id, &*rule.aliases));
        let absent = self.absent.iter().map(|(called, _)| {
            let Called { name, id, aliases } = called;
            (&**name, id.as_deref().unwrap_or_default(), &**aliases)
        });
        let all: Vec<(&str, &str, &[String])> = in_use.chain(absent).collect();
        let mut remarks = Vec::new();
        for key in self.settings.overrides.keys() {
            if all.iter().any(|(name, id, _)| name == key || id == key) {
                continue;
            }
            let called = all.iter().filter(|(_, _, aliases)| aliases.contains(key));
            let mut called: Vec<&str> = called.map(|(name, ..)| *name).collect();
            called.sort_unstable();
            if !called.is_empty() {
                remarks.push(format!(
                    "rules.{key}: the rule is called {} now, and the settings apply to it: rename the table",
                    called.join(" and ")
                ));
            }
        }
        remarks
    }
}
