//! From stored bytes to records: nanoseconds an event and megabytes a second, beside libdeflate
//! inflating the same bytes and serde_json parsing them.
//!
//! Corpus: `support/corpus.rs`, in memory, 20,000 events (`EVENTS=n`), 50 and 900 a file in the
//! mean. Run: `cargo bench --bench decode`; with `-- --test` each part runs once.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    dead_code,
    unreachable_pub,
    reason = "a bench tells its numbers, and uses its part of the generator"
)]

#[path = "support/corpus.rs"]
mod corpus;
#[path = "support/measure.rs"]
mod measure;

use std::hint::black_box;
use std::time::Duration;

use serde::Deserialize;
use trailscan::decode::Decoder;
use trailscan::event::{Event, Key};

use measure::Floor;

/// The dozen fields that nearly every question asks for, as one writes them with serde.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code, reason = "reading them is what is measured")]
struct Hot<'a> {
    #[serde(borrow)]
    event_time: Option<std::borrow::Cow<'a, str>>,
    event_source: Option<std::borrow::Cow<'a, str>>,
    event_name: Option<std::borrow::Cow<'a, str>>,
    aws_region: Option<std::borrow::Cow<'a, str>>,
    error_code: Option<std::borrow::Cow<'a, str>>,
    recipient_account_id: Option<std::borrow::Cow<'a, str>>,
    #[serde(rename = "eventID")]
    event_id: Option<std::borrow::Cow<'a, str>>,
    user_identity: Option<HotIdentity<'a>>,
}

#[derive(Deserialize)]
#[allow(dead_code, reason = "reading them is what is measured")]
struct HotIdentity<'a> {
    #[serde(rename = "type")]
    kind: Option<std::borrow::Cow<'a, str>>,
    #[serde(borrow)]
    arn: Option<std::borrow::Cow<'a, str>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct File<T> {
    records: Vec<T>,
}

const HOT: [Key; 7] = [
    Key::EventTime,
    Key::EventSource,
    Key::EventName,
    Key::AwsRegion,
    Key::ErrorCode,
    Key::RecipientAccountId,
    Key::EventId,
];

/// Bytes that a question looked at, so that nothing is left out.
fn hot(event: &Event<'_>) -> usize {
    let fields: usize = HOT.iter().map(|key| event.text(*key).len()).sum();
    let user = event.user();
    fields + user.kind().as_str().len() + user.arn().as_str().len()
}

fn main() {
    let test = std::env::args().any(|argument| argument == "--test");
    let events = corpus::number("EVENTS", if test { 100 } else { 20_000 });
    let rounds = if test { 1 } else { 7 };
    for mean in [50, 900] {
        let mut dice = corpus::RandomNumbers::new(7);
        let (mut stored, mut inflated) = (Vec::new(), 0);
        for _ in 0..events.div_ceil(mean) {
            let object = corpus::object(&mut dice, mean.min(events));
            inflated += object.inflated;
            stored.push(object.stored);
        }
        let events = stored.len() as u64 * mean.min(events);
        bench(
            &format!("{events} events, {mean} a file"),
            &stored,
            inflated,
            events,
            rounds,
        );
    }
}

fn bench(what: &str, stored: &[Vec<u8>], inflated: u64, events: u64, rounds: usize) {
    let mut floor = Floor::default();
    let mut decoder = Decoder::new(4_095);
    let mut decode = |question: &dyn Fn(&Event<'_>) -> usize| {
        for file in stored {
            let mut sum = 0;
            let decoded = decoder
                .decode(file, &mut |_, event| sum += question(event))
                .expect("a sound corpus");
            black_box((decoded, sum));
        }
    };
    let mut serde =
        |parse: &dyn Fn(&[u8])| stored.iter().for_each(|file| parse(floor.inflate(file)));
    let mut rows: Vec<(&str, Vec<Duration>)> = vec![
        ("libdeflate, and nothing else: the floor", Vec::new()),
        ("records found", Vec::new()),
        ("… and their hot fields read", Vec::new()),
        ("… and every value of theirs read", Vec::new()),
        ("libdeflate and serde_json, typed hot fields", Vec::new()),
        ("libdeflate and serde_json::Value", Vec::new()),
    ];
    // in turn, so that a noisy neighbour troubles all of them
    for _ in 0..rounds {
        for (row, (_, times)) in rows.iter_mut().enumerate() {
            let ((), took) = measure::time(|| match row {
                0 => serde(&|text| {
                    black_box(text.len());
                }),
                1 => decode(&|_| 0),
                2 => decode(&hot),
                3 => decode(&|event| event.leaves().map(|leaf| leaf.as_str().len()).sum()),
                4 => serde(&|text| {
                    let file: File<Hot<'_>> = serde_json::from_slice(text).expect("JSON");
                    black_box(file.records.len());
                }),
                _ => serde(&|text| {
                    let file: File<serde_json::Value> = serde_json::from_slice(text).expect("JSON");
                    black_box(file.records.len());
                }),
            });
            times.push(took.cpu);
        }
    }
    #[allow(clippy::cast_precision_loss, reason = "for people")]
    let (events, inflated) = (events as f64, inflated as f64);
    println!("{what}:");
    let least = measure::median_ms(rows.first().into_iter().flat_map(|row| row.1.clone()));
    for (name, times) in rows {
        let ms = measure::median_ms(times);
        println!(
            "  {name:46} {:7.0} ns an event {:6.0} MB/s {:6.2} × the floor",
            ms * 1e6 / events,
            inflated / ms / 1e3,
            ms / least
        );
    }
}
