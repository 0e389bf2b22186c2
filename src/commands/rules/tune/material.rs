//! What a filter is made from and proven with: benign findings and records, and what must stay.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde_json::Value;

use super::facts::Facts;
use super::tester;
use crate::cli::TuneRule;
use crate::commands::rules::test::{config_of, folders};
use crate::config::Config;
use crate::decode::Decoder;
use crate::event::Key;
use crate::report::output::Output;
use crate::rules::load::{self, RuleText};
use crate::rules::samples::{self, Case, Expect, Story};
use crate::rules::{Rule, RuleKind, RuleSet};
use crate::small_file;
use crate::words::plural;

/// The most MiB a log file may inflate to.
const CAP: u64 = 256;
/// The most bytes of a findings.json.
const MOST_FINDINGS: u64 = 1 << 30;

/// A finding or record that is benign.
pub(super) struct Benign {
    pub(super) name: String,
    count: u64,
    pub(super) facts: Facts,
    /// Its records, as far as they could be read.
    pub(super) records: Vec<String>,
}

impl Benign {
    /// One line about it.
    pub(super) fn described(&self) -> String {
        let Self {
            name,
            count,
            records,
            ..
        } = self;
        let count = plural(*count, "event");
        match records.len() as u64 {
            0 => {
                format!("{name}: {count}, by the facts in findings.json (its logs are not at hand)")
            }
            read => format!("{name}: {count}; {read} read again and tried"),
        }
    }
}

/// Another finding of the rule in the same report.
pub(super) struct Other {
    pub(super) name: String,
    pub(super) facts: Facts,
}

/// The benign findings and records that were named, and the report's other findings of the rule.
pub(super) fn benign(
    arguments: &TuneRule,
    rule: &Rule,
) -> anyhow::Result<(Vec<Benign>, Vec<Other>)> {
    let (mut benign, mut others) = (Vec::new(), Vec::new());
    if let Some(folder) = &arguments.report {
        let path = folder.join(Output::Findings.file());
        let text = small_file::read_text(&path, MOST_FINDINGS);
        let text = text.with_context(|| format!("cannot read {}", path.display()))?;
        let report: Value = serde_json::from_str(&text)
            .with_context(|| format!("{} is not a report's findings", path.display()))?;
        let source = report["provenance"]["source"].as_str().unwrap_or_default();
        let findings = report["findings"].as_array().map_or(&[][..], Vec::as_slice);
        let is = |finding: &Value, id: &str| {
            let former = finding["aliases"].as_array().into_iter().flatten();
            finding["id"] == id || former.into_iter().any(|alias| alias == id)
        };
        for id in &arguments.benign {
            let Some(finding) = findings.iter().find(|finding| is(finding, id)) else {
                bail!("{} has no finding {id}", path.display());
            };
            let of = finding["rule"].as_str().unwrap_or_default();
            if !rule.is_called(of) {
                bail!("finding {id} is one of {of}, not of {}", rule.name);
            }
            benign.push(Benign {
                name: name(finding),
                count: finding["count"].as_u64().unwrap_or_default(),
                facts: Facts::of_finding(finding, has_target(rule)),
                records: records(finding, Path::new(source)),
            });
        }
        let is_other = |finding: &&Value| {
            let named = arguments.benign.iter().any(|id| is(finding, id));
            !named
                && finding["rule"]
                    .as_str()
                    .is_some_and(|of| rule.is_called(of))
        };
        others.extend(findings.iter().filter(is_other).map(|finding| Other {
            name: name(finding),
            facts: Facts::of_finding(finding, has_target(rule)),
        }));
    }
    for file in &arguments.events {
        let mut found = Vec::new();
        each_record(file, &mut |_, record, event| {
            found.push(Benign {
                name: format!("event {}", event.text(Key::EventId)),
                count: 1,
                facts: Facts::of_event(event),
                records: vec![record.to_owned()],
            });
        })?;
        if found.is_empty() {
            bail!("{} holds no record", file.display());
        }
        benign.extend(found);
    }
    Ok((benign, others))
}

/// True if the resource of the rule's findings is the target of their events.
const fn has_target(rule: &Rule) -> bool {
    rule.resource.is_none() && matches!(rule.kind, RuleKind::Detection(_))
}

fn name(finding: &Value) -> String {
    let text = |key: &str| finding[key].as_str().unwrap_or_default();
    format!(
        "{}: {} → {}, {}",
        text("id"),
        text("actor"),
        text("resource"),
        text("period")
    )
}

/// The records of a finding's evidence, where the logs lie in a folder that is still there.
fn records(finding: &Value, source: &Path) -> Vec<String> {
    let mut wanted: BTreeMap<PathBuf, Vec<u64>> = BTreeMap::new();
    for sample in finding["samples"].as_array().into_iter().flatten() {
        let object = sample["object"].as_str().unwrap_or_default();
        let path = match source.is_file() {
            true => source.to_owned(),
            false => source.join(object),
        };
        // a report may come from anywhere: nothing outside the logs is opened for it
        let is_below = Path::new(object)
            .components()
            .all(|part| matches!(part, std::path::Component::Normal(_)));
        if is_below && path.is_file() {
            let places = wanted.entry(path).or_default();
            places.extend(sample["record"].as_u64());
        }
    }
    let mut found = Vec::new();
    for (path, places) in wanted {
        // a log that has changed since proves nothing, and neither does one that is gone
        drop(each_record(&path, &mut |at, record, _| {
            if places.contains(&u64::from(at)) {
                found.push(record.to_owned());
            }
        }));
    }
    found
}

/// Calls `visit` with every record of a log file: its number and its text.
fn each_record(
    path: &Path,
    visit: &mut dyn FnMut(u32, &str, &crate::event::Event<'_>),
) -> anyhow::Result<()> {
    let bytes = small_file::read(path, CAP << 20);
    let bytes = bytes.with_context(|| format!("cannot read {}", path.display()))?;
    Decoder::new(CAP)
        .decode(&bytes, &mut |at, event| visit(at, event.whole(), event))
        .with_context(|| path.display().to_string())?;
    Ok(())
}

/// What the rule must still find.
pub(super) struct Kept {
    /// Under the samples' configuration.
    samples: Vec<Case>,
    samples_file: Option<PathBuf>,
    samples_config: Config,
    /// Under the configuration of the command.
    named: Vec<(PathBuf, Case)>,
}

/// The hits of the rule's samples and of what was named. Fails if there are none, or if the rule does
/// not find them without a filter: then they would prove nothing.
pub(super) fn kept(
    arguments: &TuneRule,
    rule: &Rule,
    rules: &RuleSet,
    config: &Config,
) -> anyhow::Result<Kept> {
    let folders = folders(arguments.samples.as_deref(), &arguments.choice.from.rules);
    let folders = match (folders, arguments.keep.is_empty()) {
        (Ok(folders), _) => folders,
        (Err(_), false) => Vec::new(),
        (Err(error), true) => return Err(error),
    };
    let mut samples_file = None;
    for folder in &folders {
        samples_file = samples_file.or(samples::files(folder)?.remove(&rule.name));
    }
    let is_hit = |case: &Case| case.expect == Expect::Match;
    let mut cases = match &samples_file {
        Some(file) => samples::cases(file)?,
        None => Vec::new(),
    };
    cases.retain(is_hit);
    let mut named = Vec::new();
    for file in &arguments.keep {
        let mut of_file = match file.extension().is_some_and(|end| end == "jsonl") {
            true => samples::cases(file)?,
            false => {
                let mut cases = Vec::new();
                each_record(file, &mut |at, record, _| {
                    cases.push(Case {
                        line: at as usize,
                        expect: Expect::Match,
                        why: String::new(),
                        story: Story::Events(vec![record.to_owned()]),
                    });
                })?;
                cases
            }
        };
        of_file.retain(is_hit);
        named.extend(of_file.into_iter().map(|case| (file.clone(), case)));
    }
    if cases.is_empty() && named.is_empty() {
        bail!(
            "nothing would show that a filter keeps what {} must find: there are no samples of it; name \
             some with --samples DIR or --keep FILE",
            rule.name
        );
    }
    let tester = tester(rules, config);
    for (file, case) in &named {
        if !tester.found(&case.story).contains(&rule.name) {
            bail!(
                "{}:{}: {} does not find it, so there is nothing to keep",
                file.display(),
                case.line,
                rule.name
            );
        }
    }
    let samples_config = Config::load(config_of(None, &folders).as_deref())?;
    Ok(Kept {
        samples: cases,
        samples_file,
        samples_config,
        named,
    })
}

impl Kept {
    /// The first hit that the rule no longer finds with these texts.
    pub(super) fn lost(
        &self,
        texts: &[RuleText],
        rule: &Rule,
        tuned: &RuleSet,
        config: &Config,
    ) -> anyhow::Result<Option<String>> {
        let first_lost = |set: &RuleSet, config: &Config, cases: &[(&Path, &Case)]| {
            let tester = tester(set, config);
            let is_lost =
                |(_, case): &&(&Path, &Case)| !tester.found(&case.story).contains(&rule.name);
            let lost = cases.iter().find(is_lost);
            lost.map(|(file, case)| format!("{}:{}", file.display(), case.line))
        };
        let named = self.named.iter().map(|(file, case)| (file.as_path(), case));
        if let Some(lost) = first_lost(tuned, config, &named.collect::<Vec<_>>()) {
            return Ok(Some(lost));
        }
        let Some(file) = &self.samples_file else {
            return Ok(None);
        };
        let own = load::load(texts, &self.samples_config.rules);
        let cases = self.samples.iter().map(|case| (file.as_path(), case));
        Ok(first_lost(
            &own,
            &self.samples_config,
            &cases.collect::<Vec<_>>(),
        ))
    }

    /// One line for each file.
    pub(super) fn described(&self) -> Vec<String> {
        let mut counts: BTreeMap<&Path, u64> = BTreeMap::new();
        for (file, _) in &self.named {
            *counts.entry(file).or_default() += 1;
        }
        if let Some(file) = &self.samples_file {
            *counts.entry(file).or_default() += self.samples.len() as u64;
        }
        let line = |(file, count): (&&Path, &u64)| {
            let hits = if *count == 1 { "the hit" } else { "all hits" };
            format!("{hits} of {} ({count})", file.display())
        };
        counts.iter().map(line).collect()
    }
}
