//! The keys CloudTrail writes: reading one, and planning which to list for a window.
//!
//! `[prefix/]AWSLogs/[o-org/]ACCOUNT/CloudTrail/REGION/YYYY/MM/DD/
//! ACCOUNT_CloudTrail_REGION_YYYYMMDDTHHmmZ_UNIQUE.json.gz` (AWS, "Finding your CloudTrail log
//! files"). The date and the stamp are those of *delivery*, in UTC.

use std::ops::RangeInclusive;

use chrono::{DateTime, Months, NaiveDate, NaiveDateTime, Utc};

use crate::event::time::DELIVERY_DELAY;

/// Which of CloudTrail's own folders an object lies in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LogKind {
    Log,
    Digest,
    Insight,
    NetworkActivity,
    Aggregated,
}

impl LogKind {
    /// The folders of logs.
    pub const EVENT_FOLDERS: [&str; 3] = [
        "CloudTrail",
        "CloudTrail-Insight",
        "CloudTrail-NetworkActivity",
    ];

    /// True for the folders that hold records of events. Digests are read to verify logs, and
    /// aggregated files count what data events already say one by one: no request can be judged
    /// from them ([aggregated events](https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-aggregated-events.html)).
    pub const fn holds_events(self) -> bool {
        matches!(self, Self::Log | Self::Insight | Self::NetworkActivity)
    }

    /// The folder below an account's that holds files of this kind.
    pub const fn folder(self) -> &'static str {
        match self {
            Self::Log => "CloudTrail",
            Self::Digest => "CloudTrail-Digest",
            Self::Insight => "CloudTrail-Insight",
            Self::NetworkActivity => "CloudTrail-NetworkActivity",
            Self::Aggregated => "CloudTrail-Aggregated",
        }
    }

    /// The kind of a folder that stands below an account's.
    pub fn from_folder(folder: &str) -> Option<Self> {
        match folder {
            "CloudTrail" => Some(Self::Log),
            "CloudTrail-Digest" => Some(Self::Digest),
            "CloudTrail-Insight" => Some(Self::Insight),
            "CloudTrail-NetworkActivity" => Some(Self::NetworkActivity),
            "CloudTrail-Aggregated" => Some(Self::Aggregated),
            _ => None,
        }
    }
}

/// What a key in CloudTrail's form says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogKey {
    pub kind: LogKind,
    pub account: String,
    pub region: String,
    /// The date folder: the UTC day of delivery.
    pub day: NaiveDate,
    /// The stamp in the file name, to the minute; up to 8 minutes *before* the newest event.
    pub delivered: Option<DateTime<Utc>>,
}

impl LogKey {
    /// Reads a key or a path; `None` if it is not in CloudTrail's form. Whatever stands before
    /// the account's folder (a prefix, `AWSLogs`, an organization) is passed over, so that a copy of
    /// any part of the tree is understood; folders below the date are passed over, too.
    pub fn parse(key: &str) -> Option<Self> {
        let parts: Vec<&str> = key.split('/').collect();
        let at = parts.windows(2).rposition(is_log_folder)?;
        let [account, folder, region, year, month, day, .., file] = parts.get(at..)? else {
            return None;
        };
        let kind = LogKind::from_folder(folder)?;
        Some(Self {
            kind,
            account: (*account).to_owned(),
            region: (*region).to_owned(),
            day: date([year, month, day])?,
            delivered: delivered(kind, file),
        })
    }

    /// That of another file in the same folder.
    pub fn beside(&self, file: &str) -> Self {
        Self {
            delivered: delivered(self.kind, file),
            ..self.clone()
        }
    }
}

/// The time in a file's name.
fn delivered(kind: LogKind, file: &str) -> Option<DateTime<Utc>> {
    match kind {
        LogKind::Digest => DigestName::parse(file).and_then(|name| time(name.end)),
        _ => stamp(file),
    }
}

/// The day of a date folder's three parts, in the one spelling that CloudTrail uses.
pub fn date(parts: [&str; 3]) -> Option<NaiveDate> {
    let spelt = [4, 2, 2];
    let digits = |(part, length): (&&str, usize)| {
        part.len() == length && part.bytes().all(|b| b.is_ascii_digit())
    };
    if !parts.iter().zip(spelt).all(digits) {
        return None;
    }
    let [year, month, day] = parts;
    NaiveDate::from_ymd_opt(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?)
}

/// True for an account and one of CloudTrail's folders in it.
pub fn is_log_folder(pair: &[&str]) -> bool {
    matches!(pair, [account, folder] if is_account(account) && LogKind::from_folder(folder).is_some())
}

/// True for the prefix of some years, months or days of a Region.
pub fn is_below_region(prefix: &str) -> bool {
    let parts: Vec<&str> = prefix.split('/').filter(|part| !part.is_empty()).collect();
    let at = parts.windows(2).rposition(is_log_folder);
    at.is_some_and(|at| parts.len() > at + 3)
}

/// What a digest's name says:
/// `ACCOUNT_CloudTrail-Digest_REGION_TRAIL_HOME-REGION_YYYYMMDDTHHMMSSZ[_backfill].json.gz`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DigestName<'a> {
    pub account: &'a str,
    pub region: &'a str,
    /// May hold `_` itself.
    pub trail: &'a str,
    pub home_region: &'a str,
    /// The end of the hour it speaks for, in seconds since 1970.
    pub end: i64,
    pub backfill: bool,
}

impl<'a> DigestName<'a> {
    /// Reads a key, a path or a file's name.
    pub fn parse(key: &'a str) -> Option<Self> {
        let file = key.rsplit('/').next()?;
        let name = file.strip_suffix(".gz").unwrap_or(file);
        let name = name.strip_suffix(".json")?;
        let hourly = name.strip_suffix("_backfill");
        let (rest, stamp) = hourly.unwrap_or(name).rsplit_once('_')?;
        let (rest, home_region) = rest.rsplit_once('_')?;
        let mut parts = rest.splitn(4, '_');
        let account = parts.next().filter(|account| is_account(account))?;
        parts.next().filter(|kind| *kind == "CloudTrail-Digest")?;
        let (region, trail) = (parts.next()?, parts.next()?);
        let end = NaiveDateTime::parse_from_str(stamp, "%Y%m%dT%H%M%SZ").ok()?;
        Some(Self {
            account,
            region,
            trail,
            home_region,
            end: end.and_utc().timestamp(),
            backfill: hourly.is_some(),
        })
    }
}

/// The key from the account's folder on, which is the same in every copy; `None` if the key is
/// not in CloudTrail's form.
pub fn from_account(key: &str) -> Option<&str> {
    LogKey::parse(key)?;
    let mut starts = key.rmatch_indices('/').map(|(at, _)| at + 1).chain([0]);
    starts.find_map(|at| {
        let tail = key.get(at..)?;
        let (account, rest) = tail.split_once('/')?;
        let (folder, _) = rest.split_once('/')?;
        (is_account(account) && LogKind::from_folder(folder).is_some()).then_some(tail)
    })
}

/// The key from the account's folder on, by the file's name alone: what CloudTrail would call it.
pub fn from_file_name(file: &str) -> Option<String> {
    let mut parts = file.split('_');
    let (account, folder, region) = (parts.next()?, parts.next()?, parts.next()?);
    let kind = LogKind::from_folder(folder).filter(|_| is_account(account))?;
    let day = day_folder(delivered(kind, file)?.date_naive());
    Some(format!("{account}/{folder}/{region}/{day}/{file}"))
}

/// True for a key or a path that CloudTrail itself gives to a log: the folders, and in the file's name
/// the account, kind and Region of the folders, the minute of delivery and 16 letters or digits (AWS,
/// "Finding your CloudTrail log files"). A copy may have been unpacked, so `.gz` is optional.
pub fn is_log_name(key: &str) -> bool {
    let Some(tail) = from_account(key) else {
        return false;
    };
    let parts: Vec<&str> = tail.split('/').collect();
    let [account, folder, region, _, _, _, file] = parts[..] else {
        return false;
    };
    let name = file.strip_suffix(".gz").unwrap_or(file);
    let parts: Option<Vec<&str>> = name
        .strip_suffix(".json")
        .map(|name| name.split('_').collect());
    let Some([own_account, own_folder, own_region, minute, unique]) = parts.as_deref() else {
        return false;
    };
    [account, folder, region] == [*own_account, *own_folder, *own_region]
        && minute.len() == "20230710T1145Z".len()
        && stamp(file).is_some()
        && unique.len() == 16
        && unique.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Where a file of CloudTrail's lies: what stands before the account's folder, and the key from the
/// account on, which is the same in every copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// Empty, or with a `/` at the end.
    pub front: String,
    pub tail: String,
}

impl Location {
    /// Splits a key or a path. A file that was taken out of its folders is known by its name: it
    /// lies below what is left of its path without the folders that CloudTrail gives. `None` if
    /// neither says which account the file is of.
    pub fn of(path: &str) -> Option<Self> {
        if let Some(tail) = from_account(path) {
            let front = path.strip_suffix(tail)?.to_owned();
            return Some(Self {
                front,
                tail: tail.to_owned(),
            });
        }
        let (folders, file) = path.rsplit_once('/').unwrap_or(("", path));
        let tail = from_file_name(file)?;
        let mut left: Vec<&str> = folders.split('/').filter(|part| !part.is_empty()).collect();
        while left
            .last()
            .is_some_and(|last| tail.split('/').any(|part| part == *last))
        {
            left.pop();
        }
        let front = left.iter().map(|part| format!("{part}/")).collect();
        Some(Self { front, tail })
    }

    /// The part of the front that CloudTrail itself gives: `AWSLogs/`, or `AWSLogs/o-…/` of an
    /// organization's trail. `None` if the path does not show it.
    pub fn layout(&self) -> Option<&str> {
        let at = self.front.rfind("AWSLogs/")?;
        let (before, layout) = self.front.split_at_checked(at)?;
        let below = layout.strip_prefix("AWSLogs/")?;
        let organization =
            below.is_empty() || (below.starts_with("o-") && below.matches('/').count() == 1);
        (organization && (before.is_empty() || before.ends_with('/'))).then_some(layout)
    }
}

fn time(epoch: i64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(epoch, 0)
}

/// True for the twelve digits of an AWS account.
pub fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

/// The delivery stamp in a log's file name (`…_20230710T1145Z_…`).
fn stamp(file: &str) -> Option<DateTime<Utc>> {
    let text = file.split('_').nth(3)?;
    let day = date([text.get(..4)?, text.get(4..6)?, text.get(6..8)?])?;
    let clock = text.get(8..)?.strip_prefix('T')?.strip_suffix('Z')?;
    let part = |at: usize| {
        let part = clock.get(at..at + 2)?;
        let digits = part.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| part.parse().ok()).flatten()
    };
    let second = match clock.len() {
        4 => 0,
        6 => part(4)?,
        _ => return None,
    };
    let time = day.and_hms_opt(part(0)?, part(2)?, second)?;
    Some(time.and_utc())
}

/// The first and the last delivery day that can hold events of `[since, until)`.
///
/// A stamp may lie a little before its newest event (in the example of AWS's page on the
/// [digest file structure](https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-digest-file-structure.html)
/// by eight minutes), and delivery may be late
/// ([log files](https://docs.aws.amazon.com/awscloudtrail/latest/userguide/get-and-view-cloudtrail-log-files.html)): so the days begin 15 minutes before `since` and end `slack` after `until`, but never after `now`.
pub fn delivery_days(
    since: DateTime<Utc>,
    until: DateTime<Utc>,
    slack: chrono::Duration,
    now: DateTime<Utc>,
) -> RangeInclusive<NaiveDate> {
    let early = chrono::Duration::seconds(DELIVERY_DELAY);
    let first = since.checked_sub_signed(early).unwrap_or(since);
    let last = until.checked_add_signed(slack).unwrap_or(until);
    first.date_naive()..=last.min(now.max(until)).date_naive()
}

/// True if a folder of dates below a Region (`2026`, `2026/11`, `2026/11/10`) may hold one of the
/// days. A folder that CloudTrail does not spell so may hold anything.
pub fn may_hold_days(date: &str, days: &RangeInclusive<NaiveDate>) -> bool {
    let mut parts = date.split('/').filter(|part| !part.is_empty());
    let parts = [parts.next(), parts.next(), parts.next()];
    let (first, last) = match parts {
        [None, ..] => return true,
        [Some(year), None, _] => (date_of(year, "01", "01"), date_of(year, "12", "31")),
        [Some(year), Some(month), None] => {
            let first = date_of(year, month, "01");
            let last = first.and_then(|first| first.checked_add_months(Months::new(1)));
            (first, last.and_then(|last| last.pred_opt()))
        }
        [Some(year), Some(month), Some(day)] => {
            let day = date_of(year, month, day);
            (day, day)
        }
    };
    match (first, last) {
        (Some(first), Some(last)) => first <= *days.end() && last >= *days.start(),
        _ => true,
    }
}

fn date_of(year: &str, month: &str, day: &str) -> Option<NaiveDate> {
    date([year, month, day])
}

/// True where a log delivered at that time may hold events of the window; unknown times may.
pub fn may_hold(
    delivered: Option<DateTime<Utc>>,
    since: Option<DateTime<Utc>>,
    until: Option<DateTime<Utc>>,
    slack: chrono::Duration,
) -> bool {
    let Some(delivered) = delivered else {
        return true;
    };
    // the difference of two times cannot overflow, their sum with a span can
    let early =
        since.is_some_and(|since| since - delivered > chrono::Duration::seconds(DELIVERY_DELAY));
    let late = until.is_some_and(|until| delivered - until > slack);
    !early && !late
}

/// `2026/11/20`, the date folder of a day.
pub fn day_folder(day: NaiveDate) -> String {
    day.format("%Y/%m/%d").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone as _;

    const LOG: &str = "AWSLogs/111122223333/CloudTrail/us-east-1/2023/07/10/\
        111122223333_CloudTrail_us-east-1_20230710T1145Z_7xgocspSowgK0Gto.json.gz";

    fn at(day: u32, hour: u32, minute: u32) -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2026, 11, day, hour, minute, 0)
            .unwrap()
    }

    #[test]
    fn a_key_tells_account_region_and_delivery_wherever_the_tree_begins() {
        for prefix in ["", "logs/prod/", "AWSLogs/o-abc123/", "copy of bucket/"] {
            let key = LogKey::parse(&format!("{prefix}{LOG}")).unwrap();
            assert_eq!(
                (key.account.as_str(), key.region.as_str()),
                ("111122223333", "us-east-1")
            );
            assert_eq!(key.kind, LogKind::Log);
            assert_eq!(
                key.delivered.unwrap().to_rfc3339(),
                "2023-07-10T11:45:00+00:00"
            );
        }
    }

    #[test]
    fn digests_are_recognized_and_other_services_are_not_cloudtrail() {
        let digest = "AWSLogs/111122223333/CloudTrail-Digest/us-east-1/2023/07/10/\
            111122223333_CloudTrail-Digest_us-east-1_trail_us-east-1_20230710T130000Z.json.gz";
        let key = LogKey::parse(digest).unwrap();
        assert_eq!(key.kind, LogKind::Digest);
        let end = key.delivered.unwrap();
        assert_eq!(end.to_rfc3339(), "2023-07-10T13:00:00+00:00");
        assert!(
            LogKey::parse("AWSLogs/111122223333/vpcflowlogs/us-east-1/2023/07/10/x.log.gz")
                .is_none()
        );
        assert!(LogKey::parse("AWSLogs/1111/CloudTrail/us-east-1/2023/07/10/x.json.gz").is_none());
        assert!(LogKey::parse("x.json.gz").is_none());
        let spelt = LOG.replace("/07/10/", "/7/10/");
        assert!(LogKey::parse(&spelt).is_none(), "no folder of CloudTrail's");
    }

    #[test]
    fn a_name_of_a_log_is_exact() {
        assert!(is_log_name(LOG) && is_log_name(LOG.strip_suffix(".gz").unwrap()));
        let insight = LOG.replace("CloudTrail", "CloudTrail-Insight");
        assert!(is_log_name(&insight) && !is_log_name(LOG.rsplit('/').next().unwrap()));
        for (from, to) in [
            ("/10/", "/10/restored/"),
            ("/111122223333_", "/444455556666_"),
            ("/111122223333_CloudTrail_us-east-1_", "/a_b_c_"),
            ("_CloudTrail_", "_CloudTrail-Insight_"),
            ("_us-east-1_", "_us-east-2_"),
            ("T1145Z", "T114500Z"),
            ("T1145Z", "T2545Z"),
            ("_7xgocspSowgK0Gto", ""),
            ("_7xgocspSowgK0Gto", "_7xgocspSowgK0Gt"),
            ("_7xgocspSowgK0Gto", "_7xgocspSowgK0Gt-"),
            ("_7xgocspSowgK0Gto", "_7xgocspSowgK0Gto_x"),
            (".json.gz", ".gz"),
        ] {
            assert!(!is_log_name(&LOG.replace(from, to)), "{from} {to}");
        }
    }

    #[test]
    fn a_folder_below_the_date_changes_nothing() {
        let deeper = LOG.replace("/10/", "/10/restored/");
        assert_eq!(LogKey::parse(&deeper), LogKey::parse(LOG));
    }

    #[test]
    fn a_prefix_of_some_days_differs_from_a_place_with_all_of_them() {
        let region = "logs/AWSLogs/111122223333/CloudTrail-Digest/us-east-1";
        for whole in ["", "logs", "logs/AWSLogs/111122223333/", region] {
            assert!(!is_below_region(whole), "{whole}");
        }
        for part in ["2026", "2026/11/10/"] {
            assert!(is_below_region(&format!("{region}/{part}")), "{part}");
        }
    }

    #[test]
    fn a_digest_is_of_a_trail_whatever_the_trail_is_called() {
        let file = "111122223333_CloudTrail-Digest_eu-west-1_my_trail_us-east-1_20230710T130001Z";
        let name = format!("AWSLogs/{file}_backfill.json.gz");
        let name = DigestName::parse(&name).unwrap();
        assert_eq!((name.account, name.region), ("111122223333", "eu-west-1"));
        assert_eq!((name.trail, name.home_region), ("my_trail", "us-east-1"));
        assert!(name.backfill);
        let hourly = format!("{file}.json.gz");
        let hourly = DigestName::parse(&hourly).unwrap();
        assert!(!hourly.backfill && hourly.end == name.end);
        assert!(DigestName::parse(LOG).is_none());
        assert!(DigestName::parse(file).is_none(), "no .json");
    }

    #[test]
    fn copies_of_a_key_are_the_same_from_the_account_on() {
        let tail = LOG.strip_prefix("AWSLogs/").unwrap();
        assert_eq!(from_account(LOG), Some(tail));
        assert_eq!(from_account(tail), Some(tail));
        assert_eq!(
            from_account(&format!("/copy/AWSLogs/o-1/{tail}")),
            Some(tail)
        );
        assert_eq!(from_account("x.json.gz"), None);
        let (_, file) = LOG.rsplit_once('/').unwrap();
        assert_eq!(from_file_name(file).as_deref(), Some(tail));
        assert_eq!(from_file_name("x.json.gz"), None);
    }

    #[test]
    fn a_window_lists_the_day_before_midnight_and_the_days_of_late_delivery() {
        let hours = chrono::Duration::hours;
        let days = delivery_days(at(10, 0, 5), at(12, 23, 30), hours(1), at(20, 0, 0));
        assert_eq!(day_folder(*days.start()), "2026/11/09");
        assert_eq!(day_folder(*days.end()), "2026/11/13");
        let today = delivery_days(at(19, 12, 0), at(20, 0, 0), hours(24), at(20, 0, 0));
        assert_eq!(day_folder(*today.end()), "2026/11/20", "nothing after now");
    }

    #[test]
    fn a_date_folder_is_entered_if_it_may_hold_a_day_of_the_window() {
        let day = |month, day| NaiveDate::from_ymd_opt(2026, month, day).unwrap();
        let days = day(10, 31)..=day(11, 2);
        for inside in ["", "2026/", "2026", "2026/10/", "2026/11", "2026/10/31/"] {
            assert!(may_hold_days(inside, &days), "{inside}");
        }
        for outside in [
            "2025",
            "2027/",
            "2026/09",
            "2026/12/",
            "2026/10/30/",
            "2026/11/03",
        ] {
            assert!(!may_hold_days(outside, &days), "{outside}");
        }
        for other in [
            "restored",
            "2026/1",
            "2026/13",
            "2026/11/2/",
            "2026/11/02/again",
        ] {
            assert!(may_hold_days(other, &days), "{other}");
        }
        let ever = NaiveDate::MIN..=NaiveDate::MAX;
        assert!(may_hold_days("9999/12", &ever) && may_hold_days("0000", &ever));
    }

    #[test]
    fn the_stamp_decides_what_to_fetch_with_slack_on_both_sides() {
        let slack = chrono::Duration::hours(1);
        let holds = |time| may_hold(Some(time), Some(at(10, 0, 0)), Some(at(11, 0, 0)), slack);
        assert!(holds(at(9, 23, 50)), "stamped before its newest event");
        assert!(!holds(at(9, 23, 30)));
        assert!(holds(at(11, 0, 55)), "delivered late");
        assert!(!holds(at(11, 1, 5)));
        assert!(may_hold(None, Some(at(10, 0, 0)), None, slack));
    }
}
