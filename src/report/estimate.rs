//! What a run would read, before it reads anything: accounts × Regions × days, and what that costs.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use chrono::{Datelike as _, NaiveDate};

use super::visible::visible;
use crate::source::ObjectRef;
use crate::words::{estimated_duration, plural, thousands};

/// More columns than this do not fit a screen: days become months, months become years.
const MOST_COLUMNS: usize = 14;

/// S3 Standard in us-east-1, list price in dollars a request (<https://aws.amazon.com/s3/pricing/>).
const LIST_PRICE: f64 = 0.005 / 1_000.0;
const GET_PRICE: f64 = 0.000_4 / 1_000.0;
/// KMS: one decryption for every object that a key of one's own encrypts.
const KMS_PRICE: f64 = 0.03 / 10_000.0;
/// From AWS to the internet, a gigabyte.
const TRANSFER_PRICE: f64 = 0.09;
/// Until the first byte of a small object, in seconds
/// ([S3 performance](https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html): 100 to 200 ms).
const LATENCY: f64 = 0.1;
/// Stored bytes that one worker scans in a second (benches/results).
const SCANNED: f64 = 30e6;

/// Objects to read, and their bytes as stored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Volume {
    pub objects: u64,
    pub bytes: u64,
}

impl Volume {
    const fn add(&mut self, other: Self) {
        self.objects += other.objects;
        self.bytes += other.bytes;
    }
}

/// Where an object belongs: its account and Region, by its key.
type ObjectLocation = (String, String);

/// What a run would read.
#[derive(Debug, Default)]
pub struct ReadEstimate {
    /// By account and Region, then by day of delivery; the place is empty and the day missing where
    /// the key says nothing.
    grid: BTreeMap<ObjectLocation, BTreeMap<Option<NaiveDate>, Volume>>,
    /// Of the objects: those that an archive class keeps from being read.
    archived: Volume,
    /// Of the objects: those whose size the listing did not tell.
    unsized_objects: u64,
}

/// What the estimate needs to know of the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EstimateInputs {
    /// Listing requests made; `None` if nothing is asked over the network.
    pub lists: Option<u64>,
    /// Requests under way at the same time: listings and reads.
    pub lists_at_once: usize,
    pub reads_at_once: usize,
    pub workers: usize,
}

impl ReadEstimate {
    /// Counts an object.
    pub fn add(&mut self, object: &ObjectRef) {
        let amount = Volume {
            objects: 1,
            bytes: object.size.unwrap_or(0),
        };
        self.unsized_objects += u64::from(object.size.is_none());
        if object.archived.is_some() {
            self.archived.add(amount);
        }
        let (place, day) = match &object.key {
            Some(key) => ((key.account.clone(), key.region.clone()), Some(key.day)),
            None => (ObjectLocation::default(), None),
        };
        let days = self.grid.entry(place).or_default();
        days.entry(day).or_default().add(amount);
    }

    /// All objects.
    pub fn total(&self) -> Volume {
        let mut total = Volume::default();
        for amount in self.grid.values().flat_map(BTreeMap::values) {
            total.add(*amount);
        }
        total
    }

    /// The grid and the estimate, as text; the grid in parts that are no wider than `width`.
    pub fn text(&self, means: &EstimateInputs, width: Option<usize>) -> String {
        let mut out = String::new();
        self.table(width, &mut out);
        let total = self.total();
        let places = self.grid.keys().filter(|(account, _)| !account.is_empty());
        let accounts: BTreeSet<_> = places.clone().map(|(account, _)| account).collect();
        let days: BTreeSet<_> = self.grid.values().flat_map(BTreeMap::keys).collect();
        let _ = writeln!(
            out,
            "{} in {}, {}: {}, {}",
            plural(accounts.len() as u64, "account"),
            plural(places.count() as u64, "account-Region"),
            plural(days.into_iter().flatten().count() as u64, "day"),
            plural(total.objects, "object"),
            bytes(total.bytes),
        );
        if self.unsized_objects > 0 {
            let _ = writeln!(out, "{} of unknown size", thousands(self.unsized_objects));
        }
        if self.archived.objects > 0 {
            let _ = writeln!(
                out,
                "{} of them ({}) archived: restore them to have them read",
                thousands(self.archived.objects),
                bytes(self.archived.bytes)
            );
        }
        out.push('\n');
        self.estimate(means, &mut out);
        out
    }

    fn table(&self, terminal: Option<usize>, out: &mut String) {
        let columns = self.columns();
        let days = self.grid.values().flat_map(BTreeMap::keys);
        let starts: BTreeSet<_> = days.map(|day| columns.start(*day)).collect();
        let mut rows = vec![["account", "Region"].map(str::to_owned).to_vec()];
        let heads = starts.iter().map(|start| columns.name(*start));
        rows[0].extend(heads.chain(["objects", "bytes"].map(str::to_owned)));
        for ((account, region), days) in &self.grid {
            let account = if account.is_empty() {
                "(other)"
            } else {
                account
            };
            let mut sum = Volume::default();
            let mut cells: BTreeMap<Option<NaiveDate>, u64> = BTreeMap::new();
            for (day, amount) in days {
                sum.add(*amount);
                *cells.entry(columns.start(*day)).or_default() += amount.objects;
            }
            let mut row = vec![visible(account), visible(region)];
            let cell = |start| cells.get(start).map_or_else(String::new, |n| thousands(*n));
            row.extend(starts.iter().map(cell));
            row.extend([thousands(sum.objects), bytes(sum.bytes)]);
            rows.push(row);
        }
        let mut widths: Vec<usize> = Vec::new();
        for row in &rows {
            widths.resize(row.len(), 0);
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        for columns in parts(&widths, terminal) {
            for row in &rows {
                let cells = columns.iter().filter_map(|at| row.get(*at));
                let cells = cells.zip(columns.iter().filter_map(|at| widths.get(*at)));
                for (place, (cell, width)) in cells.enumerate() {
                    let _ = match place {
                        0 => write!(out, "{cell:<width$}"),
                        1 => write!(out, "  {cell:<width$}"),
                        _ => write!(out, "  {cell:>width$}"),
                    };
                }
                out.push('\n');
            }
        }
    }

    /// The finest columns that fit.
    fn columns(&self) -> Columns {
        let days: BTreeSet<_> = self.grid.values().flat_map(BTreeMap::keys).collect();
        let fits = |columns: &Columns| {
            let starts: BTreeSet<_> = days.iter().map(|day| columns.start(**day)).collect();
            starts.len() <= MOST_COLUMNS
        };
        let finest = [Columns::Days, Columns::Months].into_iter().find(fits);
        finest.unwrap_or(Columns::Years)
    }

    #[allow(
        clippy::cast_precision_loss,
        reason = "an estimate, printed with two digits"
    )]
    fn estimate(&self, means: &EstimateInputs, out: &mut String) {
        let total = self.total();
        let gets = total.objects - self.archived.objects;
        let stored = (total.bytes - self.archived.bytes) as f64;
        let scanning = stored / SCANNED / means.workers as f64;
        let Some(lists) = means.lists else {
            let _ = writeln!(
                out,
                "Time      about {}: {} MB of stored bytes a second and worker, {}",
                estimated_duration(scanning),
                SCANNED / 1e6,
                plural(means.workers as u64, "worker"),
            );
            return;
        };
        let requests = lists as f64 * LIST_PRICE + gets as f64 * GET_PRICE;
        let listing = lists as f64 * LATENCY / means.lists_at_once as f64;
        let reading = gets as f64 * LATENCY / means.reads_at_once as f64;
        let _ = writeln!(
            out,
            "Requests  {} LIST (made for this plan; a run makes them again), {} GET",
            thousands(lists),
            thousands(gets)
        );
        let _ = writeln!(
            out,
            "Cost      about ${requests:.2}: LIST $0.005 and GET $0.0004 per 1,000 (S3 Standard, us-east-1)"
        );
        let _ = writeln!(
            out,
            "          and up to ${:.2} where a KMS key encrypts each log by itself ($0.03 per 10,000),",
            gets as f64 * KMS_PRICE
        );
        let _ = writeln!(
            out,
            "          and ${:.2} where the run is not in AWS (${TRANSFER_PRICE} a GB)",
            stored / 1e9 * TRANSFER_PRICE
        );
        let _ = writeln!(
            out,
            "Time      about {}: {} ms a request, {} listings or {} reads at once;",
            estimated_duration(listing + reading.max(scanning)),
            LATENCY * 1e3,
            means.lists_at_once,
            means.reads_at_once,
        );
        let _ = writeln!(
            out,
            "          {} MB of stored bytes a second and worker, {}",
            SCANNED / 1e6,
            plural(means.workers as u64, "worker")
        );
    }
}

/// The columns of a table in parts that fit the terminal, each with the first two, which name the row.
fn parts(widths: &[usize], terminal: Option<usize>) -> Vec<Vec<usize>> {
    const NAMES: usize = 2;
    let names: usize = widths.iter().take(NAMES).map(|width| width + 2).sum();
    let mut parts: Vec<Vec<usize>> = Vec::new();
    let mut used = 0;
    for (at, width) in widths.iter().enumerate().skip(NAMES) {
        let is_full = terminal.is_some_and(|terminal| used + width > terminal);
        if parts.is_empty() || is_full {
            parts.push((0..NAMES).collect());
            used = names;
        }
        if let Some(part) = parts.last_mut() {
            part.push(at);
        }
        used += width + 2;
    }
    parts
}

/// What a column of the grid stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Columns {
    Days,
    Months,
    Years,
}

impl Columns {
    /// The first day of the column that a day belongs to.
    fn start(self, day: Option<NaiveDate>) -> Option<NaiveDate> {
        let day = day?;
        match self {
            Self::Days => Some(day),
            Self::Months => day.with_day(1),
            Self::Years => NaiveDate::from_yo_opt(day.year(), 1),
        }
    }

    fn name(self, day: Option<NaiveDate>) -> String {
        match (self, day) {
            (_, None) => "no day".to_owned(),
            (Self::Days, Some(day)) => day.format("%m-%d").to_string(),
            (Self::Months, Some(day)) => day.format("%Y-%m").to_string(),
            (Self::Years, Some(day)) => day.year().to_string(),
        }
    }
}

/// `1.2 MB`, in decimal units, as AWS counts them for its prices.
#[allow(
    clippy::cast_precision_loss,
    reason = "printed with two digits or three"
)]
fn bytes(count: u64) -> String {
    let units = ["kB", "MB", "GB", "TB"];
    let mut amount = count as f64;
    let mut unit = "B";
    for larger in units {
        if amount < 1_000.0 {
            break;
        }
        amount /= 1_000.0;
        unit = larger;
    }
    match unit {
        "B" => format!("{count} B"),
        _ if amount < 10.0 => format!("{amount:.1} {unit}"),
        _ => format!("{amount:.0} {unit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::key::LogKey;

    fn object(account: &str, region: &str, day: &str, size: u64) -> ObjectRef {
        let name = format!("AWSLogs/{account}/CloudTrail/{region}/{day}/x.json.gz");
        ObjectRef {
            key: LogKey::parse(&name),
            place: crate::source::ObjectLocation::Stdin,
            name,
            size: Some(size),
            archived: None,
            version: None,
            written: None,
        }
    }

    const FAR: EstimateInputs = EstimateInputs {
        lists: Some(12),
        lists_at_once: 64,
        reads_at_once: 256,
        workers: 2,
    };

    #[test]
    fn columns_stand_in_the_order_of_time() {
        let mut outlook = ReadEstimate::default();
        for day in ["2027/01/01", "2026/12/31"] {
            outlook.add(&object("111122223333", "us-east-1", day, 1));
        }
        let text = outlook.text(&FAR, None);
        assert!(text.find("12-31") < text.find("01-01"), "{text}");
    }

    #[test]
    fn the_grid_adds_up_and_the_estimate_says_what_it_assumes() {
        let mut outlook = ReadEstimate::default();
        for day in ["2026/11/10", "2026/11/11", "2026/11/11"] {
            outlook.add(&object("111122223333", "us-east-1", day, 8_000));
        }
        outlook.add(&object("444455556666", "eu-west-1", "2026/11/10", 500));
        outlook.add(&ObjectRef {
            archived: Some("GLACIER".to_owned()),
            ..object("444455556666", "eu-west-1", "2026/11/12", 2_000)
        });
        let text = outlook.text(&FAR, None);
        let lines: Vec<_> = text.lines().map(str::trim_end).collect();
        assert_eq!(
            lines[..4],
            [
                "account       Region     11-10  11-11  11-12  objects   bytes",
                "111122223333  us-east-1      1      2               3   24 kB",
                "444455556666  eu-west-1      1             1        2  2.5 kB",
                "2 accounts in 2 account-Regions, 3 days: 5 objects, 26 kB",
            ]
        );
        for said in [
            "1 of them (2.0 kB) archived",
            "12 LIST",
            "4 GET",
            "about $0.00",
            "100 ms",
        ] {
            assert!(text.contains(said), "{said}: {text}");
        }
    }

    #[test]
    fn a_week_of_a_large_organization_costs_what_the_price_list_says() {
        let mut outlook = ReadEstimate::default();
        let week = outlook.grid.entry(ObjectLocation::default()).or_default();
        week.insert(
            None,
            Volume {
                objects: 3_400_000,
                bytes: 27_200_000_000,
            },
        );
        let means = EstimateInputs {
            lists: Some(15_000),
            ..FAR
        };
        let text = outlook.text(&means, None);
        // 1.36 for reading, 0.075 for listing
        for said in [
            "about $1.44",
            "up to $10.20",
            "$2.45 where",
            "about 23 minutes",
        ] {
            assert!(text.contains(said), "{said}: {text}");
        }
    }

    #[test]
    fn a_long_window_is_shown_by_month_and_a_longer_one_by_year() {
        let heads = |months: u32| {
            let mut outlook = ReadEstimate::default();
            for month in 0..months {
                let day = format!("{}/{:02}/05", 2020 + month / 12, month % 12 + 1);
                outlook.add(&object("111122223333", "us-east-1", &day, 1));
                let next = format!("{}6", day.trim_end_matches('5'));
                outlook.add(&object("111122223333", "us-east-1", &next, 1));
            }
            let text = outlook.text(&EstimateInputs { lists: None, ..FAR }, None);
            text.lines()
                .next()
                .unwrap_or_default()
                .split_whitespace()
                .count()
                - 4
        };
        assert_eq!((heads(7), heads(8), heads(14), heads(15)), (14, 8, 14, 2));
    }

    #[test]
    fn a_grid_wider_than_the_terminal_is_shown_in_parts() {
        let mut outlook = ReadEstimate::default();
        for day in 1..=12 {
            let day = format!("2026/11/{day:02}");
            outlook.add(&object("111122223333", "us-east-1", &day, 8_000));
        }
        let text = outlook.text(&FAR, Some(60));
        let table: Vec<&str> = text.lines().take(6).collect();
        assert!(
            table.iter().all(|line| line.chars().count() <= 60),
            "{text}"
        );
        let heads = table.iter().filter(|line| line.starts_with("account"));
        assert_eq!(heads.count(), 3, "{text}");
        assert!(table.concat().contains("11-12"), "{text}");
    }
}
