//! `trailscan run` without its files: what stands between a listing and the report.

use std::path::Path;

use chrono::{DateTime, Utc};
use trailscan::config::Config;
use trailscan::correlate::correlate;
use trailscan::detect::Detector;
use trailscan::pipeline::{self, Input, Options, Progress, Work};
use trailscan::provenance::Provenance;
use trailscan::report::Report;
use trailscan::rules::load::{self, RuleText};
use trailscan::source::{Scope, local};

/// The rules in use and their configuration.
pub struct Job {
    pub config: Config,
    texts: Vec<RuleText>,
}

struct Silent;

impl Progress for Silent {
    fn listed(&self, _objects: u64) {}
    fn object(&self, _bytes: u64, _events: u64) {}
    fn remark(&self, _: &trailscan::safe_text::TerminalText) {}
}

impl Job {
    /// Our rules, those of the folder that `RULES` names, and the example configuration.
    pub fn new() -> Self {
        let mut texts = load::builtin();
        if let Some(folder) = std::env::var_os("RULES") {
            texts.extend(load::folder(Path::new(&folder)).expect("a folder of rules"));
        }
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(".trailscan.toml");
        let config = Config::load(Some(&path)).expect("the example configuration");
        Self { config, texts }
    }

    /// Everything there is, at the end of the generator's week.
    pub fn scope() -> Scope {
        Scope::all(DateTime::<Utc>::from_timestamp(1_795_478_400, 0).expect("a time"))
    }

    /// From the folder to the report.
    pub fn run(&self, folder: &Path, jobs: usize) -> Report {
        let tree = local::walk(folder, &Self::scope()).expect("a folder");
        self.scan(Input::Files(tree), jobs)
    }

    /// From the objects to the report; asserts that all of them were read.
    pub fn scan(&self, input: Input, jobs: usize) -> Report {
        let rules = load::load(&self.texts, &self.config.rules);
        let detector = Detector::new(&rules, &self.config.organization);
        let options = Options {
            jobs,
            max_object_mib: 1_024,
            ..Options::default()
        };
        let mut tally = pipeline::run(
            input,
            Work::rules(&detector),
            &Self::scope(),
            &options,
            &Silent,
        );
        let bursts = correlate(&rules, &mut tally);
        let report = Report::new(Provenance::default(), &rules, tally, bursts);
        assert!(report.coverage.identities_hold());
        assert!(
            report.coverage.is_complete(),
            "{:?}",
            report.coverage.problems
        );
        report
    }
}

/// Our own rules over and over, each time under other names, until there are so many or a few more.
pub fn many_rules(count: usize) -> Vec<RuleText> {
    let builtin = load::builtin();
    let mut texts = Vec::new();
    // whole copies: a correlation needs the rules that it watches
    for copy in 0.. {
        if texts.len() >= count {
            break;
        }
        texts.extend(builtin.iter().map(|rule| renamed(rule, copy)));
    }
    texts
}

/// The names of rules begin with `aws_`, wherever they stand.
fn renamed(rule: &RuleText, copy: usize) -> RuleText {
    let text = rule.text.replace("aws_", &format!("aws{copy}_"));
    let ids = text.lines().map(|line| match line.strip_prefix("id: ") {
        Some(id) => format!("id: {copy:08x}{}\n", id.get(8..).unwrap_or_default()),
        None => format!("{line}\n"),
    });
    RuleText {
        fault: None,
        file: format!("{copy}/{}", rule.file),
        text: ids.collect(),
    }
}
