//! Rules against events: microseconds an event beyond decoding, for 10, 100 and 1,000 rules, with
//! the index and without it.
//!
//! Corpus: `support/corpus.rs`, in memory, 20,000 events (`EVENTS=n` for more); or the files of the
//! folder that `CORPUS` names, and beside our own rules those of the folder that `RULES` names.
//! Run: `cargo bench --bench detect`. `cargo bench --bench detect -- --test` runs each part once.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    dead_code,
    unreachable_pub,
    reason = "a bench tells its numbers, and uses its part of the generator"
)]

#[path = "support/corpus.rs"]
mod corpus;

use std::path::Path;
use std::time::Instant;

use trailscan::config::Config;
use trailscan::decode::Decoder;
use trailscan::derive::Organization;
use trailscan::rules::{RuleSet, load};

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

/// Rules that differ only in their names and the calls they look for.
fn made_up(count: usize) -> RuleSet {
    let text = |n: usize| load::RuleText {
        file: format!("made-up-{n}.yml"),
        text: format!(
            "title: T{n}\nname: made_up_{n}\nlevel: low\nlogsource: {{product: aws, service: cloudtrail}}\n\
             detection:\n  selection:\n    eventSource: svc{}.amazonaws.com\n    eventName: [Call{n}, Other{n}]\n    errorCode: null\n  condition: selection\n",
            n % 40
        ),
    };
    load::load(
        &(0..count).map(text).collect::<Vec<_>>(),
        &load::Settings::default(),
    )
}

fn main() {
    let test = std::env::args().any(|argument| argument == "--test");
    let passes = if test { 1 } else { 7 };
    let files = files(test);
    let mut decoder = Decoder::new(4_095);
    let mut events = 0u64;
    let mut over = |each: &mut dyn FnMut(&trailscan::event::Event<'_>)| {
        events = 0;
        for file in &files {
            let decoded = decoder
                .decode(file, &mut |_, event| each(event))
                .expect("a sound corpus");
            events += u64::from(decoded.records);
        }
    };
    let decode = best(passes, || over(&mut |_| {}));
    let mut ours = load::builtin();
    if let Some(folder) = std::env::var_os("RULES") {
        ours.extend(load::folder(Path::new(&folder)).expect("a folder of rules"));
    }
    let config = Config::load(Some(Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/.trailscan.toml"
    ))))
    .expect("the example configuration");
    let ours = load::load(&ours, &config.rules);
    let nobody = Organization::default();
    let sets = [
        ("rules in use", &ours, &config.organization),
        ("made up", &made_up(10), &nobody),
        ("made up", &made_up(100), &nobody),
        ("made up", &made_up(1_000), &nobody),
    ];
    let mut lines = Vec::new();
    for (what, rules, organization) in sets {
        let mut hits = 0u64;
        let indexed = best(passes, || {
            hits = 0;
            over(&mut |event| rules.matches(event, organization, |_| hits += 1));
        });
        let linear = best(passes.min(2), || {
            over(&mut |event| {
                std::hint::black_box(rules.matches_linear(event, organization));
            })
        });
        lines.push((what, rules.rules.len(), hits, indexed, linear));
    }
    #[allow(clippy::cast_precision_loss, reason = "for people")]
    let micros = |seconds: f64| seconds * 1e6 / events as f64;
    println!(
        "{events} events, decoding alone {:.3} µs an event",
        micros(decode)
    );
    for (what, rules, hits, indexed, linear) in lines {
        println!(
            "{rules:5} {what}: {:.3} µs an event beyond decoding with the index, {:.3} without, {hits} matches",
            micros(indexed - decode),
            micros(linear - decode)
        );
    }
}

/// The corpus, compressed as it lies in a bucket.
fn files(test: bool) -> Vec<Vec<u8>> {
    if let Some(folder) = std::env::var_os("CORPUS") {
        let scope = trailscan::source::Scope::all(chrono::DateTime::UNIX_EPOCH);
        let listing = trailscan::source::local::list(Path::new(&folder), &scope).expect("a folder");
        let read = |object: &trailscan::source::ObjectRef| match &object.place {
            trailscan::source::Place::File(path) => std::fs::read(path).expect("a readable file"),
            _ => Vec::new(),
        };
        return listing.objects.iter().map(read).collect();
    }
    let events = std::env::var("EVENTS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(if test { 200 } else { 20_000 });
    let mut dice = corpus::Dice::new(7);
    (0..events / 100)
        .map(|n| corpus::gzip(&corpus::file(&mut dice, 100, n * 300 % (6 * 86_400))))
        .collect()
}
