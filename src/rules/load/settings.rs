//! What the configuration says about rules, and whether a rule can do anything with it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::Loader;
use crate::rules::Placeholders;
use crate::severity::Severity;

/// What the configuration says about a single rule.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Override {
    /// Whether the rule is in use.
    pub enabled: Option<bool>,
    /// Another level for its findings.
    pub level: Option<Severity>,
    /// Of a correlation rule: the number that its condition compares with.
    pub threshold: Option<f64>,
    /// Of a correlation rule: its time span, such as `15m`, `24h` or `7d`; here in seconds.
    #[serde(default, deserialize_with = "timespan")]
    #[schemars(
        with = "Option<String>",
        description = "Of a correlation rule: its time span, such as 15m, 24h or 7d."
    )]
    pub timespan: Option<i64>,
}

fn timespan<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
    let text = String::deserialize(from)?;
    let span = rsigma_parser::Timespan::parse(&text).map_err(serde::de::Error::custom)?;
    Ok(i64::try_from(span.seconds).ok())
}

/// What rules are compiled against.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    pub placeholders: Placeholders,
    /// Tables of the configuration that derived fields need and that are there.
    pub configured: Vec<&'static str>,
    /// By rule name or id.
    pub overrides: BTreeMap<String, Override>,
}

impl<'s> Loader<'s> {
    /// What the configuration says about a rule under its name or id,
    /// or else under a former one.
    pub(super) fn override_of(
        &self,
        name: &str,
        id: Option<&str>,
        aliases: &[String],
    ) -> Option<&'s Override> {
        let overrides = &self.settings.overrides;
        let now = overrides.get(name).or_else(|| overrides.get(id?));
        let mut former = aliases.iter();
        now.or_else(|| former.find_map(|alias| overrides.get(alias)))
    }

    /// The keys of `[rules]` that are the name or id of no rule, in use or not. A rule that cannot be
    /// used is reported as such, so its file's name is enough.
    pub(super) fn unknown_overrides(&self) -> Vec<String> {
        let in_use = |key: &str| {
            let mut rules = self.set.rules.iter();
            rules.any(|rule| rule.is_called(key))
        };
        let is_rejected = |key: &str| {
            let mut rejected = self.set.rejected.iter();
            rejected.any(|bad| stem(&bad.origin.file) == key)
        };
        let keys = self.settings.overrides.keys();
        let unknown =
            keys.filter(|key| !in_use(key) && self.missing(key).is_none() && !is_rejected(key));
        unknown.cloned().collect()
    }

    /// Notes the settings of a rule that finds single events: it has no use for a number or a span.
    pub(super) fn note_settings_of_detection(
        &mut self,
        name: &str,
        id: Option<&str>,
        aliases: &[String],
    ) {
        let Some(settings) = self.override_of(name, id, aliases) else {
            return;
        };
        for (key, is_set) in [
            ("threshold", settings.threshold.is_some()),
            ("timespan", settings.timespan.is_some()),
        ] {
            if is_set {
                self.note_unusable(name, key, "it finds single events and counts none");
            }
        }
    }

    /// Notes a setting that its rule has no use for.
    pub(super) fn note_unusable(&mut self, name: &str, key: &str, why: &str) {
        let setting = format!("rules.{name}.{key}: {why}, so delete the line");
        self.set.unusable_settings.push(setting);
    }
}

/// The name of a rule's file without folder and ending.
pub fn stem(file: &str) -> &str {
    let name = file.rsplit(['/', '\\', ':']).next().unwrap_or(file);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}
