//! A generator of trails with a fixed seed: the same files on every machine, in the mix of services,
//! the shapes, the sizes and the compression that real accounts show.

mod record;

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

use record::{Scene, record};

/// xorshift64*: no more than a bench needs.
pub struct RandomNumbers(u64);

impl RandomNumbers {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn below(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % sides
    }

    fn among<'t, T>(&mut self, from: &'t [T]) -> &'t T {
        &from[usize::try_from(self.below(from.len() as u64)).unwrap_or(0)]
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        *self.among(from)
    }
}

const ACCOUNTS: [&str; 3] = ["111122223333", "444455556666", "777788889999"];

const REGIONS: [&str; 5] = [
    "us-east-1",
    "us-east-1",
    "us-east-1",
    "us-west-2",
    "eu-west-1",
];

/// Seconds of the week that the trail covers.
const WEEK: u64 = 7 * 86_400;

/// How many records files hold, in hundredths of the mean: most hold a few and a few very many
/// (the sixteen quantiles of a log-normal distribution with sigma 1).
const SIZES: [u64; 16] = [
    10, 17, 23, 29, 36, 43, 51, 59, 69, 82, 96, 115, 140, 177, 241, 412,
];

/// `2026-11-18T03:11:09Z`, so many seconds after Monday 2026-11-16.
fn time(second: u64) -> String {
    let (day, rest) = (16 + second / 86_400, second % 86_400);
    format!(
        "2026-11-{day:02}T{:02}:{:02}:{:02}Z",
        rest / 3_600,
        rest / 60 % 60,
        rest % 60
    )
}

/// A size that an environment variable asks for, or what the bench takes by itself.
pub fn number(variable: &str, default: u64) -> u64 {
    let asked = std::env::var(variable).ok();
    asked.and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// One file's content, not compressed: records of five minutes from `second` on.
pub fn file(dice: &mut RandomNumbers, records: u64, second: u64) -> String {
    let scene = Scene {
        account: dice.pick(&ACCOUNTS),
        region: dice.pick(&REGIONS),
        second,
    };
    content(dice, records, scene)
}

fn content(dice: &mut RandomNumbers, records: u64, scene: Scene) -> String {
    let mut text = String::from("{\"Records\":[");
    for n in 0..records {
        if n > 0 {
            text.push(',');
        }
        let second = scene.second + dice.below(300);
        text.push_str(&record(dice, Scene { second, ..scene }));
    }
    text.push_str("]}");
    text
}

pub fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(6));
    encoder.write_all(text.as_bytes()).expect("memory");
    encoder.finish().expect("memory")
}

/// What was written.
#[derive(Debug, Default, Clone, Copy)]
pub struct Written {
    pub events: u64,
    pub files: u64,
    pub stored: u64,
    pub inflated: u64,
}

impl std::fmt::Display for Written {
    #[allow(clippy::cast_precision_loss, reason = "for people")]
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mb = |bytes: u64| bytes as f64 / 1e6;
        write!(
            f,
            "{} events in {} files, {:.1} MB of gzip, {:.1} MB inflated",
            self.events,
            self.files,
            mb(self.stored),
            mb(self.inflated)
        )
    }
}

/// A file as it lies in a bucket.
pub struct Object {
    pub key: String,
    pub stored: Vec<u8>,
    pub inflated: u64,
}

/// One file of that many records, somewhere in the week.
pub fn object(dice: &mut RandomNumbers, records: u64) -> Object {
    let scene = Scene {
        account: dice.pick(&ACCOUNTS),
        region: dice.pick(&REGIONS),
        second: dice.below(WEEK - 400),
    };
    let text = content(dice, records, scene);
    Object {
        key: key(dice, scene),
        stored: gzip(&text),
        inflated: text.len() as u64,
    }
}

/// The key of a file delivered soon after its last event.
fn key(dice: &mut RandomNumbers, scene: Scene) -> String {
    let delivered = time(scene.second + 330);
    let (date, clock) = delivered.split_once('T').unwrap_or_default();
    let clock: String = clock.split(':').take(2).collect();
    let (account, region) = (scene.account, scene.region);
    let mut key = format!(
        "AWSLogs/{account}/CloudTrail/{region}/{}/{account}_CloudTrail_{region}_{}T{clock}Z_",
        date.replace('-', "/"),
        date.replace('-', ""),
    );
    for _ in 0..4 {
        let _ = write!(key, "{:04x}", dice.below(1 << 16));
    }
    key.push_str(".json.gz");
    key
}

/// Writes a trail of that many events into a folder, in CloudTrail's layout, `mean` of them a file.
pub fn trail(root: &Path, events: u64, mean: u64) -> std::io::Result<Written> {
    let mut dice = RandomNumbers::new(7);
    let mut written = Written::default();
    while written.events < events {
        let records = (mean * dice.pick(&SIZES) / 100).max(1);
        let records = records.min(events - written.events);
        let object = object(&mut dice, records);
        let path = root.join(&object.key);
        std::fs::create_dir_all(path.parent().unwrap_or(root))?;
        std::fs::write(&path, &object.stored)?;
        written.events += records;
        written.files += 1;
        written.stored += object.stored.len() as u64;
        written.inflated += object.inflated;
    }
    Ok(written)
}
