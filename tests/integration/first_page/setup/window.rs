//! Dates and weeks are those of the organization's zone.

use std::fs;

use serde_json::Value;

use crate::product::samples;

const NEW_YORK: &str =
    "[calendar]\ntimezone = \"America/New_York\"\nhours = { monday = [\"08:00-18:00\"] }\n";

/// A run in a folder with that configuration; the summary, the folder's reports, and run.json.
fn ran(config: &str, arguments: &[&str]) -> (String, Vec<String>, Value) {
    let (folder, mut command) = super::breach_under(config);
    command.args(["--fail-on", "never"]).args(arguments);
    let (code, stdout, stderr) = super::said(command);
    assert_ne!(code, 2, "{stderr}");
    let reports = fs::read_dir(folder.path().join("report")).unwrap();
    let reports: Vec<_> = reports.map(|entry| entry.unwrap().path()).collect();
    let json = fs::read_to_string(reports[0].join("run.json")).unwrap();
    let name = |path: &std::path::PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
    (
        stdout,
        reports.iter().map(name).collect(),
        serde_json::from_str(&json).unwrap(),
    )
}

/// The ends of the window.
fn ends(run: &Value) -> [String; 2] {
    let text = run.to_string();
    ["since", "until"].map(|key| {
        let (_, rest) = text.split_once(&format!("\"{key}\":\"")).unwrap();
        rest.split('"').next().unwrap().to_owned()
    })
}

#[test]
fn dates_and_weeks_are_those_of_the_configured_zone_else_of_utc() {
    let dates = ["--since", "2026-11-16", "--until", "2026-11-23"];
    let week = ["--week", "2026-W47"];
    for arguments in [&dates[..], &week] {
        let (stdout, reports, run) = ran(NEW_YORK, arguments);
        assert_eq!(ends(&run), ["2026-11-16T05:00:00Z", "2026-11-23T05:00:00Z"]);
        assert_eq!(reports, ["2026-W47"]);
        let window =
            "Window: 2026-W47, 2026-11-16 00:00 EST up to 2026-11-23 00:00 EST (America/New_York)";
        assert!(stdout.contains(window), "{stdout}");
        let (stdout, reports, run) = ran("", arguments);
        assert_eq!(ends(&run), ["2026-11-16T00:00:00Z", "2026-11-23T00:00:00Z"]);
        assert_eq!(reports, ["2026-W47"]);
        assert!(stdout.contains("2026-11-16 00:00 UTC up to"), "{stdout}");
    }
    // the clocks went back on 1 November: the week has 169 hours
    let (stdout, reports, run) = ran(NEW_YORK, &["--week", "2026-w44"]);
    assert_eq!(ends(&run), ["2026-10-26T04:00:00Z", "2026-11-02T05:00:00Z"]);
    assert_eq!(reports, ["2026-W44"]);
    assert!(
        stdout.contains("00:00 EDT up to 2026-11-02 00:00 EST"),
        "{stdout}"
    );
    // a week of UTC is none of New York, and takes no other's folder
    let utc = [
        "--since",
        "2026-11-16T00:00:00Z",
        "--until",
        "2026-11-23T00:00:00Z",
    ];
    let (_, reports, _) = ran(NEW_YORK, &utc);
    assert_eq!(reports, ["2026-11-16T000000Z_2026-11-23T000000Z"]);
}

#[test]
fn the_last_week_is_the_one_before_this_one_in_the_zone() {
    // the tests run on Sunday 2026-11-22, in week 47
    let (_, reports, _) = ran(NEW_YORK, &["--week", "last"]);
    assert_eq!(reports, ["2026-W46"]);
}

#[test]
fn the_page_says_the_week_and_its_zone_and_the_command_makes_it_again() {
    let (folder, mut command) = super::breach_under(NEW_YORK);
    command.args(["--week", "2026-W47"]);
    let (code, _, stderr) = super::said(command);
    assert_ne!(code, 2, "{stderr}");
    let page = fs::read_to_string(folder.path().join("report/2026-W47/report.html")).unwrap();
    assert!(page.contains("ISO week 2026-W47 (America/New_York)"));
    assert!(page.contains("--since 2026-11-16T05:00:00Z --until 2026-11-23T05:00:00Z"));
    assert!(!page.contains("--week"));
}

#[test]
fn a_week_that_is_none_or_stands_beside_dates_is_refused() {
    let quiet = samples("trails/quiet").display().to_string();
    for (arguments, expected) in [
        (&["--week", "2026-W54"][..], "weeks 01 to 53"),
        (&["--week", "2027-W53"], "weeks 01 to 52"),
        (&["--week", "2026-47"], "use 2026-W47, or last"),
        (&["--week", "last", "--since", "7d"], "cannot be used with"),
        (
            &["--week", "last", "--until", "2026-11-20"],
            "cannot be used with",
        ),
    ] {
        for command in ["run", "coverage", "verify"] {
            let (code, _, stderr) = super::typed(&[&[command, &quiet], arguments].concat());
            assert_eq!(code, 2, "{stderr}");
            assert!(
                stderr.contains(expected),
                "{command} {arguments:?}: {stderr}"
            );
        }
    }
}
