//! Whole days without a file are days of the organization's time zone, so a week of that zone is judged
//! from its first day to its last.

use std::fs;
use std::path::Path;

use super::{ACCOUNT, ROLES, holds, lacks};
use crate::product::{Ran, finish, trailscan};

/// A folder with one log on each of these hours (UTC) of November 2026, and the configuration of a zone.
fn logs(zone: &str, delivered: &[(u32, u32)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let root = format!("logs/AWSLogs/{ACCOUNT}/CloudTrail/us-east-1/2026/11");
    for (day, hour) in delivered {
        let path = folder.path().join(format!("{root}/{day:02}"));
        fs::create_dir_all(&path).unwrap();
        let name = format!(
            "{ACCOUNT}_CloudTrail_us-east-1_202611{day:02}T{hour:02}20Z_0123456789abcdef.json"
        );
        let record = format!(
            r#"{{"Records":[{{"eventVersion":"1.11","eventTime":"2026-11-{day:02}T{hour:02}:10:00Z","eventSource":"sts.amazonaws.com","eventName":"GetCallerIdentity","awsRegion":"us-east-1","eventID":"e-{day}-{hour}","recipientAccountId":"{ACCOUNT}","readOnly":true,"managementEvent":true,"eventCategory":"Management","userIdentity":{{"type":"IAMUser","arn":"arn:aws:iam::{ACCOUNT}:user/ops","accountId":"{ACCOUNT}","userName":"ops"}},"sourceIPAddress":"198.51.100.7"}}]}}"#
        );
        fs::write(path.join(name), record).unwrap();
    }
    let config =
        format!("[calendar]\ntimezone = \"{zone}\"\nhours = {{ monday = [\"08:00-18:00\"] }}\n");
    fs::write(folder.path().join("clinic.toml"), config).unwrap();
    folder
}

/// A run over ISO week 2026-W47 of the zone, 16 to 22 November.
fn week(folder: &Path) -> Ran {
    let mut command = trailscan();
    command
        .env("SOURCE_DATE_EPOCH", "1795478400")
        .arg("run")
        .arg(folder.join("logs"))
        .arg("--config")
        .arg(folder.join("clinic.toml"))
        .args(["--week", "2026-W47"])
        .args(ROLES);
    finish(command)
}

/// A log at four in the afternoon of New York on each of these days.
fn afternoons(days: impl IntoIterator<Item = u32>) -> Vec<(u32, u32)> {
    days.into_iter().map(|day| (day, 21)).collect()
}

#[test]
fn the_first_day_of_a_week_in_another_zone_is_judged() {
    let new_york = |days: &[(u32, u32)]| week(logs("America/New_York", days).path());
    let whole = afternoons(16..=22);
    let ran = new_york(&whole);
    assert_eq!(ran.code, 0, "{}", ran.stdout);
    for (gone, date) in [(16, "2026-11-16"), (19, "2026-11-19"), (22, "2026-11-22")] {
        let ran = new_york(&afternoons((16..=22).filter(|day| *day != gone)));
        assert_eq!(ran.code, 3, "{date}: {}", ran.stdout);
        holds(
            &ran.stdout,
            &format!("1 whole day: {date} (America/New_York, by delivery)"),
        );
    }
}

#[test]
fn a_file_counts_for_the_day_that_the_clocks_of_the_zone_showed() {
    // 19 November has files by UTC alone: at 02:20 UTC it is still the 18th in New York
    let mut delivered = afternoons((16..=22).filter(|day| *day != 19));
    delivered.push((19, 2));
    let ran = week(logs("America/New_York", &delivered).path());
    assert_eq!(ran.code, 3, "{}", ran.stdout);
    holds(&ran.stdout, "1 whole day: 2026-11-19");
    // and a UTC day without a file is none of New York that has one at 23:20 there
    let mut delivered = afternoons((16..=22).filter(|day| *day != 19));
    delivered.push((20, 4));
    let ran = week(logs("America/New_York", &delivered).path());
    assert_eq!(ran.code, 0, "{}", ran.stdout);
    lacks(&ran.stdout, "whole day");
}

#[test]
fn zones_half_an_hour_off_and_east_of_greenwich_are_judged_by_the_same_rule() {
    // 12:20 UTC is 17:50 in Kolkata and 21:20 in Tokyo
    for zone in ["Asia/Kolkata", "Asia/Tokyo", "UTC"] {
        let noons = |gone: u32| -> Vec<(u32, u32)> {
            let days = (16..=22).filter(|day| *day != gone);
            days.map(|day| (day, 12)).collect()
        };
        assert_eq!(week(logs(zone, &noons(0)).path()).code, 0, "{zone}");
        for gone in [16, 20, 22] {
            let ran = week(logs(zone, &noons(gone)).path());
            assert_eq!(ran.code, 3, "{zone}: {}", ran.stdout);
            holds(
                &ran.stdout,
                &format!("1 whole day: 2026-11-{gone} ({zone}, by delivery)"),
            );
        }
    }
}

#[test]
fn a_dormant_weekday_is_one_of_the_zone() {
    // the 21st and 22nd are Saturday and Sunday in New York
    let folder = logs("America/New_York", &afternoons(16..=20));
    assert_eq!(week(folder.path()).code, 3);
    let config = folder.path().join("clinic.toml");
    let text = fs::read_to_string(&config).unwrap();
    let dormant = "[[dormant]]\naccount = \"111122223333\"\nweekdays = [\"sat\", \"sun\"]\n";
    fs::write(&config, text + dormant).unwrap();
    let ran = week(folder.path());
    assert_eq!(ran.code, 0, "{}", ran.stdout);
}
