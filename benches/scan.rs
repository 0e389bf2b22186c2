//! The whole job in this process, from a folder of gzip files to the report: CPU and wall time
//! beside libdeflate inflating the same files, two threads against one, start-up, peak memory.
//!
//! Corpora: `support/corpus.rs`, 100,000 events (`EVENTS=n`), busy (900 a file in the mean) and
//! quiet (50, as real accounts have it); or the folder that `CORPUS` names. Beside our own rules
//! those of the folder that `RULES` names.
//!
//! Run: `cargo bench --bench scan`; with `-- --test` each part runs once on next to nothing.
//! `cargo bench --bench scan -- --write DIR EVENTS MEAN` writes a corpus and does nothing else.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    dead_code,
    unreachable_pub,
    reason = "a bench tells its numbers, and uses its part of the generator"
)]

#[path = "support/corpus.rs"]
mod corpus;
#[path = "support/job.rs"]
mod job;
#[path = "support/measure.rs"]
mod measure;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use job::Job;
use measure::{Floor, Took};
use trailscan::decode::Decoder;
use trailscan::detect::{Detection, Detector};
use trailscan::rules::load;
use trailscan::tally::ObjectScan;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["--write", folder, events, mean, ..] => {
            let number = |text: &str| text.parse().expect("a number");
            let written = corpus::trail(Path::new(folder), number(events), number(mean));
            println!("{}", written.expect("a folder that can be written"));
        }
        // a process of its own, because a process never forgets its peak
        ["--peak", folder, ..] => {
            Job::new().run(Path::new(folder), 2);
            println!("{}", measure::peak_mib().unwrap_or(f64::NAN));
        }
        _ => bench(arguments.contains(&"--test")),
    }
}

fn bench(test: bool) {
    let events = corpus::number("EVENTS", if test { 300 } else { 100_000 });
    let rounds = if test { 1 } else { 5 };
    let scratch = tempfile::tempdir().expect("a place for the corpora");
    let write = |name: &str, events, mean| {
        let folder = scratch.path().join(name);
        let written = corpus::trail(&folder, events, mean).expect("room for the corpora");
        (format!("{name}: {written}"), folder)
    };
    let corpora = match std::env::var_os("CORPUS") {
        Some(folder) => vec![(format!("{}", folder.display()), PathBuf::from(folder))],
        None => vec![write("busy", events, 900), write("quiet", events, 50)],
    };
    startup(rounds);
    for (name, folder) in corpora {
        println!("{name}");
        against_the_floor(&folder, rounds);
        println!("  peak memory {:.0} MiB", peak(&folder));
    }
    if std::env::var_os("CORPUS").is_none() {
        let (name, folder) = write("ten times as many, busy", 10 * events, 900);
        println!("{name}\n  peak memory {:.0} MiB", peak(&folder));
    }
}

/// The job with two threads, with one, and the floor, in turn; ratios are medians pair by pair.
fn against_the_floor(folder: &Path, rounds: usize) {
    let job = Job::new();
    let files = measure::files(folder);
    let mut floor = Floor::default();
    let mut rows: Vec<[Took; 3]> = Vec::new();
    for _ in 0..rounds {
        let inflate = || {
            for file in &files {
                let stored = std::fs::read(file).expect("a file that was just written");
                std::hint::black_box(floor.inflate(&stored).len());
            }
        };
        let ((), least) = measure::time(inflate);
        let (_, two) = measure::time(|| job.run(folder, 2));
        let (_, one) = measure::time(|| job.run(folder, 1));
        rows.push([least, two, one]);
    }
    let cpu = |column: usize| measure::median_ms(rows.iter().map(|row| row[column].cpu));
    let wall = |column: usize| measure::median_ms(rows.iter().map(|row| row[column].wall));
    let ratio = |of: fn(&[Took; 3]) -> f64| measure::median(rows.iter().map(of).collect());
    let [two, one] = [
        ratio(|row| over(row[1].cpu, row[0].cpu)),
        ratio(|row| over(row[2].cpu, row[0].cpu)),
    ];
    println!("  libdeflate  {:9.1} ms of CPU", cpu(0));
    println!(
        "  two threads {:9.1} ms of CPU, {two:.2} × that, in {:9.1} ms",
        cpu(1),
        wall(1)
    );
    println!(
        "  one thread  {:9.1} ms of CPU, {one:.2} × that, in {:9.1} ms",
        cpu(2),
        wall(2)
    );
    println!(
        "  two threads take {:.2} × the time of one",
        ratio(|row| over(row[1].wall, row[2].wall))
    );
}

fn over(a: Duration, b: Duration) -> f64 {
    a.as_secs_f64() / b.as_secs_f64()
}

/// From the texts of the rules to the first event they are evaluated against.
fn startup(rounds: usize) {
    let text = corpus::file(&mut corpus::RandomNumbers::new(7), 1, 0);
    for count in [60, 1_000] {
        let texts = job::many_rules(count);
        let job = Job::new();
        let start = || {
            let rules = load::load(&texts, &job.config.rules);
            let detector = Detector::new(&rules, &job.config.organization);
            let mut detection = Detection::new(&detector);
            let mut scanned = ObjectScan::default();
            detection.begin();
            Decoder::new(100)
                .decode(text.as_bytes(), &mut |place, event| {
                    detection.take(event, place, &mut scanned);
                })
                .expect("a sound record");
            assert_eq!(rules.rejected, []);
            rules.rules.len()
        };
        let times = (0..rounds).map(|_| measure::time(start));
        let (loaded, times): (Vec<_>, Vec<_>) =
            times.map(|(rules, took)| (rules, took.wall)).unzip();
        println!(
            "start-up with {} rules: {:.1} ms to the first event",
            loaded.first().copied().unwrap_or_default(),
            measure::median_ms(times)
        );
    }
}

fn peak(folder: &Path) -> f64 {
    let bench = std::env::current_exe().expect("the path of this program");
    let output = Command::new(bench).arg("--peak").arg(folder).output();
    let output = output.expect("a second process").stdout;
    let text = String::from_utf8_lossy(&output);
    text.trim().parse().unwrap_or(f64::NAN)
}
