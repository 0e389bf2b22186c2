//! How the cost of a run grows with what an input chooses: trail changes, trails, accounts, Regions,
//! callers, rules, findings, weeks, groups of correlations over correlations, names of calls, rules that
//! watch one another. Each grows to ten times while everything else stays. What a run
//! takes with one of them is subtracted, and the exponent is log10 of the ratio of what is left: 1 is
//! linear, 2 quadratic.
//!
//! A run here is everything from the files to the written reports (JSON, CSV, HTML, coverage), on one
//! thread, in CPU time. `SIZE=n` multiplies all sizes.
//!
//! Run: `cargo bench --bench growth`; with `-- --test` once on next to nothing; with a name, that one only.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    dead_code,
    unreachable_pub,
    reason = "a bench tells its numbers, and uses its part of what the benches share"
)]

#[path = "support/corpus.rs"]
mod corpus;
#[path = "support/job.rs"]
mod job;
#[path = "support/measure.rs"]
mod measure;

use std::io;
use std::path::Path;

use chrono::{DateTime, SecondsFormat, Utc};
use trailscan::config::Config;
use trailscan::correlate::correlate;
use trailscan::detect::Detector;
use trailscan::pipeline::{self, Input, Options, Progress, Work};
use trailscan::provenance::Provenance;
use trailscan::report::{Report, csv, html, json};
use trailscan::rules::load::{self, RuleText};
use trailscan::source::{Scope, local};

/// What grows, and by how much.
struct Growth {
    name: &'static str,
    /// Its size at once; ten times as much is the other.
    one: usize,
    records: fn(usize) -> Vec<Record>,
    rules: fn(usize) -> Vec<RuleText>,
}

/// What differs between the records of a bench.
struct Record {
    /// Seconds after the first Monday.
    at: usize,
    account: usize,
    region: String,
    session: usize,
    source: &'static str,
    name: String,
    request: String,
}

const WEEK: usize = 7 * 86_400;
/// 2026-11-16, a Monday.
const MONDAY: i64 = 1_794_787_200;

fn record(at: usize) -> Record {
    Record {
        at,
        account: 0,
        region: "us-east-1".to_owned(),
        session: 0,
        source: "s3.amazonaws.com",
        name: "GetBucketAcl".to_owned(),
        request: "null".to_owned(),
    }
}

/// A change of one of so many trails.
fn change(at: usize, number: usize, trails: usize) -> Record {
    const CALLS: [&str; 5] = [
        "StopLogging",
        "StartLogging",
        "UpdateTrail",
        "PutEventSelectors",
        "CreateTrail",
    ];
    Record {
        source: "cloudtrail.amazonaws.com",
        name: CALLS[number % CALLS.len()].to_owned(),
        request: format!("{{\"name\":\"trail-{}\"}}", number % trails),
        ..record(at)
    }
}

/// So many records, evenly over the week.
fn each(count: usize, make: impl Fn(usize, usize) -> Record) -> Vec<Record> {
    (0..count)
        .map(|number| make(number * WEEK / count, number))
        .collect()
}

/// Keys that so many sessions create, each for a user of its own.
fn created_keys(count: usize) -> Vec<Record> {
    each(count, |at, number| Record {
        session: number,
        source: "iam.amazonaws.com",
        name: "CreateAccessKey".to_owned(),
        request: format!("{{\"userName\":\"user-{number}\"}}"),
        ..record(at)
    })
}

fn builtin(_: usize) -> Vec<RuleText> {
    load::builtin()
}

const GROWTHS: [Growth; 11] = [
    Growth {
        name: "trail changes",
        one: 300,
        records: |count| each(count, |at, number| change(at, number, 1)),
        rules: builtin,
    },
    Growth {
        name: "changed trails",
        one: 300,
        records: |count| each(count, |at, number| change(at, number, count)),
        rules: builtin,
    },
    Growth {
        name: "accounts",
        one: 300,
        records: |count| {
            let mut all = each(count, |at, number| Record {
                account: number,
                ..change(at, 0, 1)
            });
            all.extend(each(count, |at, number| Record {
                account: number,
                ..record(at)
            }));
            all
        },
        rules: builtin,
    },
    Growth {
        name: "Regions",
        one: 300,
        records: |count| {
            each(count, |at, number| Record {
                region: format!("xx-made-{number}"),
                ..record(at)
            })
        },
        rules: builtin,
    },
    Growth {
        name: "callers",
        one: 3_000,
        records: |count| {
            each(count, |at, number| Record {
                session: number,
                ..record(at)
            })
        },
        rules: builtin,
    },
    Growth {
        name: "rules",
        one: 300,
        records: |_| each(2_000, |at, number| change(at, number, 5)),
        rules: job::many_rules,
    },
    Growth {
        name: "findings",
        one: 3_000,
        records: created_keys,
        rules: builtin,
    },
    Growth {
        name: "weeks",
        one: 100,
        records: |count| {
            each(count, |_, number| Record {
                source: "iam.amazonaws.com",
                name: "CreateAccessKey".to_owned(),
                ..record(number * WEEK)
            })
        },
        rules: builtin,
    },
    Growth {
        name: "chained groups",
        one: 1_000,
        records: created_keys,
        rules: |_| {
            let upper = correlation("c2", "c1", "requestParameters.userName");
            rule_text(&[
                detection("CreateAccessKey"),
                correlation("c1", "t0", "awsRegion"),
                upper,
            ])
        },
    },
    Growth {
        name: "call names",
        one: 3_000,
        records: |count| {
            each(count, |at, number| Record {
                name: format!("Get{number}"),
                ..record(at)
            })
        },
        rules: |_| rule_text(&[detection("'Get*'")]),
    },
    Growth {
        name: "linked rules",
        one: 150,
        records: |_| each(10, |at, _| record(at)),
        // chains of ten, each before what it watches
        rules: |count| {
            let link = |at: usize| {
                let next = format!("c{}", at + 1);
                let watched = if at % 10 == 9 { "t0" } else { &next };
                correlation(&format!("c{at}"), watched, "awsRegion")
            };
            let mut texts: Vec<String> = (0..count.next_multiple_of(10)).map(link).collect();
            texts.push(detection("GetBucketAcl"));
            rule_text(&texts)
        },
    },
];

fn rule_text(documents: &[String]) -> Vec<RuleText> {
    vec![RuleText {
        fault: None,
        file: "growth.yml".to_owned(),
        text: documents.join("---\n"),
    }]
}

/// A rule `t0` for calls of that name.
fn detection(name: &str) -> String {
    format!(
        "title: T\nname: t0\nlogsource: {{product: aws, service: cloudtrail}}\nlevel: high\n\
         detection:\n  s:\n    eventName: {name}\n  condition: s\n"
    )
}

fn correlation(name: &str, watched: &str, group: &str) -> String {
    format!(
        "title: {name}\nname: {name}\nlevel: high\ncorrelation:\n  type: event_count\n  \
         rules: [{watched}]\n  group-by: [{group}]\n  timespan: 30d\n  condition: {{gte: 1}}\n"
    )
}

impl Record {
    fn text(&self, number: usize) -> String {
        let seconds = MONDAY + i64::try_from(self.at).expect("a time");
        let time = DateTime::<Utc>::from_timestamp(seconds, 0).expect("a time");
        let time = time.to_rfc3339_opts(SecondsFormat::Secs, true);
        let account = 111_122_223_333 + self.account;
        let Self {
            region,
            session,
            source,
            name,
            request,
            ..
        } = self;
        format!(
            "{{\"eventVersion\":\"1.11\",\"eventTime\":\"{time}\",\"eventSource\":\"{source}\",\
             \"eventName\":\"{name}\",\"awsRegion\":\"{region}\",\"sourceIPAddress\":\"198.51.100.7\",\
             \"userAgent\":\"aws-cli/2.0\",\"userIdentity\":{{\"type\":\"AssumedRole\",\
             \"accountId\":\"{account}\",\"principalId\":\"AROAEXAMPLE:s{session}\",\
             \"arn\":\"arn:aws:sts::{account}:assumed-role/ops/s{session}\",\"sessionContext\":\
             {{\"sessionIssuer\":{{\"type\":\"Role\",\"userName\":\"ops\",\"accountId\":\"{account}\",\
             \"arn\":\"arn:aws:iam::{account}:role/ops\"}}}}}},\"requestParameters\":{request},\
             \"recipientAccountId\":\"{account}\",\"eventType\":\"AwsApiCall\",\"readOnly\":false,\
             \"managementEvent\":true,\"eventID\":\"00000000-0000-4000-8000-{number:012x}\"}}"
        )
    }
}

/// Writes the records as logs of some hundreds each.
fn write(folder: &Path, records: &[Record]) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    for (file, chunk) in records.chunks(500).enumerate() {
        let texts = chunk.iter().enumerate();
        let texts: Vec<String> = texts
            .map(|(place, record)| record.text(file * 500 + place))
            .collect();
        let text = format!("{{\"Records\":[{}]}}", texts.join(","));
        std::fs::write(folder.join(format!("{file:06}.json")), text)?;
    }
    Ok(())
}

struct Silent;

impl Progress for Silent {
    fn listed(&self, _objects: u64) {}
    fn object(&self, _bytes: u64, _events: u64) {}
    fn remark(&self, _text: &trailscan::safe_text::TerminalText) {}
}

/// The whole job; answers the number of findings.
fn run(folder: &Path, texts: &[RuleText], config: &Config) -> usize {
    let scope =
        Scope::all(DateTime::<Utc>::from_timestamp(MONDAY + 7 * 86_400, 0).expect("a time"));
    let rules = load::load(texts, &config.rules);
    // where copies of our rules are cut off, a correlation may miss a rule it watches
    assert!(rules.rejected.len() < 4, "{:?}", rules.rejected);
    let detector = Detector::new(&rules, &config.organization);
    let options = Options {
        jobs: 1,
        max_object_mib: 1_024,
        ..Options::default()
    };
    let input = Input::Files(local::walk(folder, &scope).expect("a folder"));
    let mut tally = pipeline::run(input, Work::rules(&detector), &scope, &options, &Silent);
    let bursts = correlate(&rules, &mut tally);
    let report = Report::new(Provenance::default(), &rules, tally, bursts);
    let written = [
        json::findings(&report, io::sink()),
        csv::findings(&report, io::sink()),
        html::write(&report, &mut io::sink()),
        json::coverage(&report, io::sink()),
        json::run(&report, io::sink()),
    ];
    written
        .into_iter()
        .for_each(|done| done.expect("a sink takes all"));
    report.findings.len()
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let test = arguments.iter().any(|argument| argument == "--test");
    let wanted = arguments
        .iter()
        .find(|argument| !argument.starts_with("--"));
    let times = corpus::number("SIZE", 1);
    let times = usize::try_from(times).expect("a size");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(".trailscan.toml");
    let config = Config::load(Some(&path)).expect("the example configuration");
    let scratch = tempfile::tempdir().expect("a place for the logs");
    println!(
        "{:15} {:>7} {:>10} {:>10} {:>10}  exponent",
        "", "1 ×", "one: ms", "1 ×: ms", "10 ×: ms"
    );
    for growth in GROWTHS {
        if wanted.is_some_and(|wanted| wanted != growth.name) {
            continue;
        }
        let one = if test { 3 } else { growth.one * times };
        let took = [1, one, 10 * one].map(|size| {
            let folder = scratch.path().join(format!("{} {size}", growth.name));
            write(&folder, &(growth.records)(size)).expect("room for the logs");
            let rules = (growth.rules)(size);
            let rounds = if test { 1 } else { 3 };
            let rounds = (0..rounds).map(|_| {
                let (findings, took) = measure::time(|| run(&folder, &rules, &config));
                std::hint::black_box(findings);
                took.cpu
            });
            measure::median_ms(rounds.collect::<Vec<_>>())
        });
        let [nothing, short, long] = took;
        let exponent = ((long - nothing) / (short - nothing)).log10();
        println!(
            "{:15} {one:>7} {nothing:10.1} {short:10.1} {long:10.1}  {exponent:8.2}",
            growth.name
        );
    }
}
