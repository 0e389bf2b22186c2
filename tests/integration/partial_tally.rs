//! Ranges of objects that are scanned apart and merged in order give what one pass gives, byte for
//! byte, wherever the objects are cut.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use trailscan::config::Config;
use trailscan::correlate::correlate;
use trailscan::detect::Detector;
use trailscan::digest::key::Keys;
use trailscan::digest::{Origin, Reader, Window, build_proof};
use trailscan::history::History;
use trailscan::pipeline::{self, Input, Options, Progress, Work};
use trailscan::provenance::Provenance;
use trailscan::report::{Report, csv, html, json};
use trailscan::rules::RuleSet;
use trailscan::rules::load::{self, RuleText};
use trailscan::safe_text::TerminalText;
use trailscan::source::local::{self, Tree};
use trailscan::source::{ObjectRef, Scope};
use trailscan::tally::{Partial, Tally};

use crate::product::samples;

struct Quiet;

impl Progress for Quiet {
    fn listed(&self, _objects: u64) {}
    fn object(&self, _bytes: u64, _events: u64) {}
    fn remark(&self, _remark: &TerminalText) {}
}

/// The same numbers in every run (the constants of Knuth's MMIX).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        let next = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = next.wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end
    }
}

/// Objects, and what is done with them.
struct Job<'r> {
    config: Config,
    rules: RuleSet,
    objects: Vec<ObjectRef>,
    scope: Scope,
    reader: Option<&'r Reader>,
}

impl Job<'_> {
    /// All files of a folder.
    fn new<'r>(folder: &Path, rules: &[RuleText], reader: Option<&'r Reader>) -> Job<'r> {
        let config = Config::load(Some(&samples("rules/trailscan.toml"))).unwrap();
        let now = chrono::DateTime::from_timestamp(1_795_305_600, 0).unwrap();
        let scope = Scope {
            digests: reader.is_some(),
            ..Scope::all(now)
        };
        Job {
            rules: load::load(rules, &config.rules),
            config,
            objects: local::list(folder, &scope).unwrap().objects,
            scope,
            reader,
        }
    }

    fn options(&self, jobs: usize) -> Options {
        Options {
            jobs,
            max_object_mib: 64,
            ..Options::default()
        }
    }

    /// Everything that a report consists of.
    fn files(&self, mut tally: Tally) -> String {
        History::default().settle(&self.rules, &mut tally, None);
        let bursts = correlate(&self.rules, &mut tally);
        let proof = self.reader.map(|reader| {
            let window = Window {
                since: None,
                until: None,
                now: self.scope.now.timestamp(),
                copy: true,
                original: None,
                buckets: Default::default(),
                trails: Vec::new(),
            };
            build_proof(&mut tally.integrity, &reader.keys, &window)
        });
        let report = Report {
            integrity: proof,
            ..Report::new(Provenance::default(), &self.rules, tally, bursts)
        };
        let mut out = Vec::new();
        json::findings(&report, &mut out).unwrap();
        json::coverage(&report, &mut out).unwrap();
        json::run(&report, &mut out).unwrap();
        csv::findings(&report, &mut out).unwrap();
        if report.findings.len() < 1_000 {
            html::write(&report, &mut out).unwrap();
        }
        String::from_utf8(out).unwrap()
    }

    fn work<'w>(&'w self, detector: &'w Detector<'w>) -> Work<'w> {
        Work {
            detector: Some(detector),
            digests: self.reader,
            ledger: None,
        }
    }

    fn in_one_pass(&self) -> String {
        let detector = Detector::new(&self.rules, &self.config.organization);
        let input = Input::Files(Tree::of(self.objects.clone()));
        let (work, options) = (self.work(&detector), self.options(2));
        self.files(pipeline::run(input, work, &self.scope, &options, &Quiet))
    }

    /// The objects are cut at these places; the parts are merged in a grouping that the dice choose.
    fn in_parts(&self, cuts: &[usize], dice: &mut Dice) -> String {
        let detector = Detector::new(&self.rules, &self.config.organization);
        let work = self.work(&detector);
        let ends = cuts.iter().copied().chain([self.objects.len()]);
        let mut first = 0;
        let mut parts: Vec<Partial> = Vec::new();
        for end in ends {
            let objects = self.objects[first..end].to_vec();
            let input = Input::Files(Tree::of(objects));
            let options = self.options(1 + dice.below(3));
            let part =
                pipeline::scan_range(input, first as u64, work, &self.scope, &options, &Quiet);
            assert_eq!(*part.range(), first as u64..end as u64);
            parts.push(part);
            first = end;
        }
        while parts.len() > 1 {
            let left = dice.below(parts.len() - 1);
            let right = parts.remove(left + 1);
            parts[left].merge(right).unwrap();
        }
        let input = Input::Files(Tree::of(Vec::new()));
        let again = pipeline::rereader(&input, &self.options(1));
        let merged = parts.pop().unwrap();
        self.files(pipeline::tally(merged, work, &again))
    }

    /// Compares one pass with `rounds` random cuts into 1 to 5 parts, some of which are empty.
    fn check(&self, rounds: usize, dice: &mut Dice) -> String {
        let whole = self.in_one_pass();
        for round in 0..rounds {
            let mut cuts: Vec<usize> = (0..(round + 1) % 5)
                .map(|_| dice.below(self.objects.len() + 1))
                .collect();
            cuts.sort_unstable();
            let merged = self.in_parts(&cuts, dice);
            if merged != whole {
                let pairs = merged.lines().zip(whole.lines());
                let (merged, whole) = pairs.into_iter().find(|(one, two)| one != two).unwrap();
                panic!("cut at {cuts:?}:\n{merged:.400}\n{whole:.400}");
            }
        }
        whole
    }
}

fn count(report: &str, what: &str) -> u64 {
    let after = report.split_once(&format!("\"{what}\": ")).unwrap().1;
    let digits = after.split(|c: char| !c.is_ascii_digit()).next().unwrap();
    digits.parse().unwrap()
}

#[test]
fn samples_cut_anywhere_give_the_report_of_one_pass() {
    let mut dice = Dice(11);
    let job = Job::new(&samples("trails/breach"), &load::builtin(), None);
    assert!(job.objects.len() > 20);
    job.check(3, &mut dice);
}

/// Which logs are proven is known only when all digests are read, and proven logs count first.
#[test]
fn digests_in_one_part_prove_logs_in_another() {
    let reader = Reader {
        keys: Keys::from_file(&samples("trails/signed-public-keys.json")).unwrap(),
        origin: Origin::Copy { bucket: None },
        scope: Scope::all(chrono::DateTime::UNIX_EPOCH),
        digested: None,
    };
    let few: Vec<RuleText> = load::builtin().into_iter().take(20).collect();
    let job = Job::new(&samples("trails/signed"), &few, Some(&reader));
    let report = job.check(4, &mut Dice(5));
    assert!(count(&report, "valid") > 0);
}

const RULES: [(&str, &str); 3] = [
    (
        "read.yml",
        "title: Object read\nid: 11111111-1111-4111-8111-111111111111\nname: object_read\nlogsource: {product: aws, service: cloudtrail}\ndetection: {selection: {eventName: GetObject}, condition: selection}\nlevel: low\n",
    ),
    (
        "denied.yml",
        "title: Object denied\nid: 22222222-2222-4222-8222-222222222222\nname: object_denied\nlogsource: {product: aws, service: cloudtrail}\ndetection: {selection: {eventName: GetObject, errorCode: AccessDenied}, condition: selection}\nlevel: low\n",
    ),
    (
        "many.yml",
        "title: Many denied\nid: 33333333-3333-4333-8333-333333333333\nname: many_denied\ncorrelation: {type: event_count, rules: [object_denied], group-by: [userIdentity.arn], timespan: 1h, condition: {gte: 40}}\nlevel: high\n",
    ),
];

fn rules() -> Vec<RuleText> {
    let text = |(file, text): (&str, &str)| RuleText {
        file: file.to_owned(),
        text: text.to_owned(),
        fault: None,
    };
    RULES.into_iter().map(text).collect()
}

/// Files of events, of which every third is also in another file: as it was, in another notation, or with
/// other content. Every tenth call is denied, so that what a correlation counts lies in all files.
fn corpus(folder: &Path, files: usize, events: usize, dice: &mut Dice) {
    let mut texts = vec![String::new(); files];
    for event in 0..events {
        let (second, user) = (event % 60, event % 7);
        let at = 1_795_000_000 + event * 9;
        let time = chrono::DateTime::from_timestamp(i64::try_from(at).unwrap(), 0).unwrap();
        let time = time.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        let error = match event % 10 {
            0 => ",\"errorCode\":\"AccessDenied\"",
            _ => "",
        };
        let record = |space: &str, agent: &str| {
            format!(
                "{{\"eventVersion\":\"1.11\",{space}\"eventID\":\"{event:08x}-0000-4000-8000-000000000000\",\
                 \"eventTime\":\"{time}\",\"eventSource\":\"s3.amazonaws.com\",\"eventName\":\"GetObject\",\
                 \"awsRegion\":\"us-east-1\",\"recipientAccountId\":\"111122223333\",\
                 \"sourceIPAddress\":\"203.0.113.{second}\",\"userAgent\":\"{agent}\"{error},\
                 \"userIdentity\":{{\"type\":\"IAMUser\",\"accountId\":\"111122223333\",\
                 \"arn\":\"arn:aws:iam::111122223333:user/u{user}\",\"userName\":\"u{user}\",\
                 \"principalId\":\"AIDAEXAMPLE{user}\"}},\
                 \"resources\":[{{\"ARN\":\"arn:aws:s3:::b{event}/x\"}}],\
                 \"requestParameters\":{{\"bucketName\":\"b{event}\",\"key\":\"k{event}\"}}}}"
            )
        };
        let mut add = |file: usize, record: String| {
            let comma = if texts[file].is_empty() { "" } else { "," };
            write!(texts[file], "{comma}{record}").unwrap();
        };
        let own = event * files / events;
        add(own, record("", "agent"));
        match event % 12 {
            0 => add(dice.below(files), record("", "agent")),
            3 => add(dice.below(files), record(" ", "agent")),
            6 => add(dice.below(files), record("", "another agent")),
            _ => {}
        }
    }
    for (file, text) in texts.iter().enumerate() {
        let text = format!("{{\"Records\":[{text}]}}");
        fs::write(folder.join(format!("log-{file:03}.json")), text).unwrap();
    }
}

#[test]
fn copies_conflicts_and_correlations_across_a_cut_are_those_of_one_pass() {
    let folder = tempfile::tempdir().unwrap();
    corpus(folder.path(), 40, 1_200, &mut Dice(3));
    let job = Job::new(folder.path(), &rules(), None);
    let report = job.check(12, &mut Dice(7));
    assert!(count(&report, "duplicates") > 100, "copies");
    assert!(report.contains("many_denied"), "correlations");
    assert!(report.contains("different content"), "conflicts");
}

/// More findings than the tally holds in memory.
#[test]
fn findings_on_disk_are_those_of_one_pass() {
    let folder = tempfile::tempdir().unwrap();
    corpus(folder.path(), 12, 1_700, &mut Dice(1));
    // the same rule under twenty names
    let read = rules().swap_remove(0);
    let named = |n: usize| RuleText {
        file: format!("{n}.yml"),
        text: (read.text.replace("11111111-", &format!("{n:08}-")))
            .replace("object_read", &format!("object_read_{n}")),
        fault: None,
    };
    let job = Job::new(folder.path(), &(0..20).map(named).collect::<Vec<_>>(), None);
    let report = job.check(1, &mut Dice(9));
    // page one names few of them, the table all
    let findings = report.matches(",object_read_").count();
    assert!(findings > 1 << 15, "{findings} findings: none on disk");
}

#[test]
fn ranges_that_are_not_adjacent_cannot_be_merged() {
    let mut first = Partial::new(0);
    let error = first.merge(Partial::new(3)).unwrap_err();
    assert!(error.to_string().contains("not adjacent"), "{error}");
    first.merge(Partial::new(0)).unwrap();
}
