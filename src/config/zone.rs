//! The time zone of the configuration, and what somebody should know who chose it.

use chrono::{Offset as _, TimeZone as _};
use chrono_tz::Tz;

/// Names that stand for a fixed offset or for a rule of their own, with the zone of a place that is
/// most likely meant (IANA time zone database, `backward` and `etcetera`).
const ABBREVIATIONS: [(&str, &str); 12] = [
    ("EST", "America/New_York"),
    ("MST", "America/Denver, or America/Phoenix in Arizona"),
    ("HST", "Pacific/Honolulu"),
    ("GMT", "Europe/London"),
    ("EST5EDT", "America/New_York"),
    ("CST6CDT", "America/Chicago"),
    ("MST7MDT", "America/Denver"),
    ("PST8PDT", "America/Los_Angeles"),
    ("WET", "Europe/Lisbon"),
    ("CET", "Europe/Paris"),
    ("MET", "Europe/Paris"),
    ("EET", "Europe/Athens"),
];

/// The zone of that IANA name.
///
/// # Errors
/// There is none; the message names one that is spelled alike, or an example.
pub(super) fn zone(written: &str) -> Result<Tz, String> {
    written.parse().map_err(|_unknown| {
        let folded = |name: &str| name.to_lowercase().replace([' ', '-'], "_");
        let typed = folded(written);
        let alike = chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name());
        let mut alike = alike.filter(|name| {
            let (name, city) = (
                folded(name),
                folded(name.rsplit('/').next().unwrap_or(name)),
            );
            name == typed || city == typed
        });
        match alike.next() {
            Some(name) => format!("`{written}` is not an IANA time zone: is it {name}?"),
            None => format!("`{written}` is not an IANA time zone such as America/New_York"),
        }
    })
}

/// A remark where the zone is an abbreviation or a fixed offset: most of them never change to daylight
/// saving time, and working hours would be wrong by an hour in summer.
pub(super) fn remark(zone: Tz) -> Option<String> {
    let name = zone.name();
    let known = ABBREVIATIONS.iter().find(|(known, _)| *known == name);
    let is_fixed = name.starts_with("Etc/GMT") || name.starts_with("GMT");
    let meant = match known {
        Some((_, meant)) => (*meant).to_owned(),
        None if is_fixed => of_offset(offset(zone, 1)).to_owned(),
        None => return None,
    };
    let is_unchanging = offset(zone, 1) == offset(zone, 7);
    let what = match is_unchanging {
        true => format!(
            "it is UTC{} all year and has no daylight saving time",
            signed(offset(zone, 1))
        ),
        false => "it is an abbreviation that stands for no place".to_owned(),
    };
    Some(format!(
        "calendar.timezone = \"{name}\": {what}; write the zone of a place, such as {meant}"
    ))
}

/// The offset from UTC in hours at the first day of a month.
fn offset(zone: Tz, month: u32) -> i32 {
    let day = chrono::NaiveDate::from_ymd_opt(2026, month, 1).unwrap_or_default();
    let offset = zone.offset_from_utc_date(&day).fix();
    offset.local_minus_utc() / 3_600
}

fn signed(hours: i32) -> String {
    match hours {
        0 => String::new(),
        hours => format!("{hours:+}"),
    }
}

/// A zone of a place that has this offset in winter.
const fn of_offset(hours: i32) -> &'static str {
    match hours {
        -10 => "Pacific/Honolulu",
        -9 => "America/Anchorage",
        -8 => "America/Los_Angeles",
        -7 => "America/Denver",
        -6 => "America/Chicago",
        -4 => "America/Puerto_Rico",
        0 => "Europe/London",
        1 => "Europe/Paris",
        2 => "Europe/Athens",
        9 => "Asia/Tokyo",
        10 => "Australia/Sydney",
        _ => "America/New_York",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_without_daylight_saving_are_named_with_a_place() {
        for (name, words) in [
            ("EST", ["UTC-5 all year", "America/New_York"]),
            ("MST", ["UTC-7 all year", "America/Denver"]),
            ("HST", ["UTC-10 all year", "Pacific/Honolulu"]),
            ("Etc/GMT+5", ["UTC-5 all year", "America/New_York"]),
            ("Etc/GMT+8", ["UTC-8 all year", "America/Los_Angeles"]),
            ("GMT", ["UTC all year", "Europe/London"]),
            ("EST5EDT", ["abbreviation", "America/New_York"]),
        ] {
            let said = remark(zone(name).unwrap()).unwrap();
            assert!(words.iter().all(|word| said.contains(word)), "{said}");
        }
        for sound in [
            "America/New_York",
            "UTC",
            "Etc/UTC",
            "America/Phoenix",
            "US/Eastern",
        ] {
            assert_eq!(remark(zone(sound).unwrap()), None);
        }
        assert!(zone("new york").unwrap_err().contains("America/New_York?"));
        assert!(zone("EST5").unwrap_err().contains("such as"));
    }
}
