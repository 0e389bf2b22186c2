//! Rules against events: microseconds an event beyond decoding, for the rules in use and for 10, 100
//! and 1,000 made-up ones, with what the program uses, with every rule in turn, and beside
//! rsigma-eval on the same events in the same run (beyond its own reading: inflating and serde_json).
//!
//! Corpus: `support/corpus.rs`, in memory, 20,000 events (`EVENTS=n` for more); or the files of the
//! folder that `CORPUS` names. Beside our own rules stand those of the folder that `RULES` names
//! (`../shared/data/sigmahq/cloudtrail` where that is there); `CONFIG` names another configuration
//! than the example, `.trailscan.toml`. rsigma-eval gets the rules that are
//! Sigma and nothing else: it knows no derived fields and reads placeholders as field names.
//! Run: `cargo bench --bench detect`. `cargo bench --bench detect -- --test` runs each part once.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    dead_code,
    unreachable_pub,
    reason = "a bench tells its numbers, and uses its part of the generator"
)]

#[path = "support/corpus.rs"]
mod corpus;

use std::path::{Path, PathBuf};
use std::time::Instant;

use trailscan::config::Config;
use trailscan::decode::Decoder;
use trailscan::derive::{Organization, outcome};
use trailscan::event::Event;
use trailscan::rules::Matcher;
use trailscan::rules::load::{self, RuleText};

/// Seconds that the best of so many passes took.
fn best(passes: u32, mut pass: impl FnMut()) -> f64 {
    let mut seconds = f64::INFINITY;
    for _ in 0..passes {
        let began = Instant::now();
        pass();
        seconds = seconds.min(began.elapsed().as_secs_f64());
    }
    seconds
}

/// Rules that differ only in their names and the calls they look for, of services that the logs
/// hold.
fn made_up(count: usize) -> Vec<RuleText> {
    const SERVICES: [&str; 8] = [
        "s3",
        "sts",
        "kms",
        "iam",
        "ec2",
        "ssm",
        "signin",
        "secretsmanager",
    ];
    let text = |n: usize| RuleText {
        fault: None,
        file: format!("made-up-{n}.yml"),
        text: format!(
            "title: T{n}\nname: made_up_{n}\nlevel: low\nlogsource: {{product: aws, service: cloudtrail}}\n\
             detection:\n  selection:\n    eventSource: {}.amazonaws.com\n    eventName: [Call{n}, Other{n}]\n    errorCode: null\n  condition: selection\n",
            SERVICES[n % SERVICES.len()]
        ),
    };
    (0..count).map(text).collect()
}

fn is_plain_sigma(rule: &RuleText) -> bool {
    let ours = ["trailscan.", "|expand", "correlation:", "filter:"];
    !ours.iter().any(|ours| rule.text.contains(ours))
}

/// Rules under a name, and what each engine made of them.
struct Line {
    what: &'static str,
    rules: usize,
    matches: u64,
    /// Seconds beyond decoding: with what the program uses, and with every rule in turn.
    program: f64,
    each: f64,
    /// The same rules in rsigma-eval: matches, and seconds beyond its own reading.
    theirs: Option<(u64, f64)>,
}

/// What rsigma-eval takes beyond inflating and reading the files.
struct Theirs<'f> {
    files: &'f [Vec<u8>],
    passes: u32,
    reading: f64,
}

impl<'f> Theirs<'f> {
    fn new(files: &'f [Vec<u8>], passes: u32) -> Self {
        let mut theirs = Self {
            files,
            passes,
            reading: 0.0,
        };
        theirs.reading = best(passes, || theirs.over(&mut |_| {}));
        theirs
    }

    fn over(&self, each: &mut dyn FnMut(&serde_json::Value)) {
        for file in self.files {
            let log = flate2::read::MultiGzDecoder::new(file.as_slice());
            let log: serde_json::Value =
                serde_json::from_reader(std::io::BufReader::new(log)).expect("a sound corpus");
            log["Records"]
                .as_array()
                .expect("records")
                .iter()
                .for_each(&mut *each);
        }
    }

    fn measure(&self, texts: &[RuleText]) -> (u64, f64) {
        let mut engine = rsigma_eval::Engine::new();
        for text in texts {
            let rules = rsigma_parser::parse_sigma_yaml(&text.text).expect("a sound rule");
            engine.add_collection(&rules).expect("a rule it knows");
        }
        let mut matches = 0;
        let seconds = best(self.passes, || {
            matches = 0;
            self.over(&mut |record| {
                let event = rsigma_eval::event::JsonEvent::borrow(record);
                matches += engine.evaluate(&event).len() as u64;
            });
        });
        (matches, seconds - self.reading)
    }
}

fn main() {
    let test = std::env::args().any(|argument| argument == "--test");
    let passes = if test { 1 } else { 7 };
    let files = files(test);
    let mut decoder = Decoder::new(4_095);
    let mut events = 0u64;
    let mut over = |each: &mut dyn FnMut(&Event<'_>)| {
        events = 0;
        for file in &files {
            let decoded = decoder
                .decode(file, &mut |_, event| each(event))
                .expect("a sound corpus");
            events += u64::from(decoded.records);
        }
    };
    let theirs = Theirs::new(&files, passes.min(3));
    let mut in_use = load::builtin();
    match foreign_rules() {
        Some(folder) => in_use.extend(load::folder(&folder).expect("a folder of rules")),
        None => println!("without SigmaHQ's rules: RULES names no folder"),
    }
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/.trailscan.toml");
    let config = std::env::var_os("CONFIG").map_or_else(|| example.into(), PathBuf::from);
    let config = Config::load(Some(&config)).expect("a sound configuration");
    let plain: Vec<RuleText> = in_use
        .iter()
        .filter(|rule| is_plain_sigma(rule))
        .cloned()
        .collect();
    let nobody = (load::Settings::default(), Organization::default());
    let configured = (config.rules, config.organization);
    let sets = [
        ("rules in use", in_use, &configured),
        ("of them plain Sigma", plain, &nobody),
        ("made up", made_up(10), &nobody),
        ("made up", made_up(100), &nobody),
        ("made up", made_up(1_000), &nobody),
    ];
    let sets = sets.map(|(what, texts, (settings, organization))| {
        let rules = load::load(&texts, settings);
        assert_eq!(rules.rejected, []);
        (what, texts, rules, organization)
    });
    // one pass of each after the other, round after round: a slow minute falls on all alike
    let mut decode = f64::INFINITY;
    let mut program = [(0u64, f64::INFINITY); 5];
    for _ in 0..passes {
        decode = decode.min(best(1, || over(&mut |_| {})));
        for ((.., rules, organization), (matches, seconds)) in sets.iter().zip(&mut program) {
            *matches = 0;
            *seconds = seconds.min(best(1, || {
                let mut matcher = Matcher::new(rules);
                let mut found = Vec::new();
                over(&mut |event| {
                    matcher.matches(event, outcome::of(event), organization, &mut found);
                    *matches += found.len() as u64;
                    found.clear();
                });
            }));
        }
    }
    let mut lines = Vec::new();
    for ((what, texts, rules, organization), (matches, program)) in sets.iter().zip(program) {
        let each = best(passes.min(2), || {
            over(&mut |event| {
                std::hint::black_box(rules.matches_linear(event, organization));
            });
        });
        lines.push(Line {
            what,
            rules: rules.rules.len(),
            matches,
            program: program - decode,
            each: each - decode,
            theirs: texts
                .iter()
                .all(is_plain_sigma)
                .then(|| theirs.measure(texts)),
        });
    }
    #[allow(clippy::cast_precision_loss, reason = "for people")]
    let micros = |seconds: f64| seconds * 1e6 / events as f64;
    println!(
        "{events} events; µs an event: decoding alone {:.3}, rsigma-eval's reading (inflate, serde_json) {:.3}",
        micros(decode),
        micros(theirs.reading)
    );
    for line in lines {
        print!(
            "{:5} {:19} {:7.3} µs an event beyond decoding, {:7.3} with every rule in turn, {} matches",
            line.rules,
            line.what,
            micros(line.program),
            micros(line.each),
            line.matches
        );
        match line.theirs {
            Some((matches, seconds)) => println!(
                "; rsigma-eval {:.3} µs beyond its reading, {matches} matches",
                micros(seconds)
            ),
            None => println!(),
        }
    }
}

/// The folder of rules to stand beside our own.
fn foreign_rules() -> Option<PathBuf> {
    let named = std::env::var_os("RULES").map(PathBuf::from);
    let usual = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/sigmahq/cloudtrail");
    named.or_else(|| usual.is_dir().then_some(usual))
}

/// The corpus, compressed as it lies in a bucket.
fn files(test: bool) -> Vec<Vec<u8>> {
    if let Some(folder) = std::env::var_os("CORPUS") {
        let scope = trailscan::source::Scope::all(chrono::DateTime::UNIX_EPOCH);
        let listing = trailscan::source::local::list(Path::new(&folder), &scope).expect("a folder");
        let read = |object: &trailscan::source::ObjectRef| match &object.place {
            trailscan::source::ObjectLocation::File(path) => {
                std::fs::read(path).expect("a readable file")
            }
            _ => Vec::new(),
        };
        return listing.objects.iter().map(read).collect();
    }
    let events = std::env::var("EVENTS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(if test { 200 } else { 20_000 });
    let mut dice = corpus::RandomNumbers::new(7);
    (0..events / 100)
        .map(|n| corpus::gzip(&corpus::file(&mut dice, 100, n * 300 % (6 * 86_400))))
        .collect()
}
