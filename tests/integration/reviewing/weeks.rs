//! Weeks in a row: new, decided, excepted, carried, expired, late, missing, and found later.

use super::{Office, run_week, stops_a_trail, write_logs};

#[test]
fn weeks_in_a_row_carry_open_matters_and_show_what_is_late_missing_or_expired() {
    let mut office = Office::new();
    let o = &mut office;
    write_logs(
        o,
        "first.json",
        &[
            stops_a_trail("alice", "2026-11-03T10:00:00Z"),
            stops_a_trail("bob", "2026-11-04T10:00:00Z"),
            stops_a_trail("bob", "2026-11-17T10:00:00Z"),
            stops_a_trail("carol", "2026-11-18T10:00:00Z"),
            stops_a_trail("bob", "2026-11-24T10:00:00Z"),
        ],
    );

    // the first week: one matter is under investigation, one is left open by name
    o.at("2026-11-09T08:00:00Z");
    let first = run_week(o, "2026-W45", "report/2026-W45").ends(1, &["2 findings to decide"]);
    first.lacks("Review:");
    let alice = o.ids("report/2026-W45", "alice").remove(0);
    let bob = o.ids("report/2026-W45", "bob").remove(0);
    let (alice, bob) = (alice.as_str(), bob.as_str());
    let short = |id: &str| id.get(..8).unwrap().to_owned();
    o.review("list").ends(
        0,
        &[
            "2 open matters, 0 of earlier periods",
            alice,
            bob,
            "undecided",
        ],
    );
    o.review("sign --reviewer Ortiz --role officer")
        .ends(2, &["must name what is open", &short(alice), &short(bob)]);
    o.review(&format!(
        "decide {alice} --disposition investigating --reason asked --by Ortiz"
    ))
    .ends(2, &["--owner and --due"]);
    o.review(&format!(
        "decide {} --disposition investigating --reason asked --by Ortiz --owner Chen --due 2026-11-12 --ticket T-1",
        short(alice)
    ))
    .ends(0, &["needs investigation", "line 2, head"]);
    o.review("approve --approver Silva --role cto")
        .ends(2, &["was not signed yet"]);
    let statement = format!("Bob does not answer; undecided: {}", short(bob));
    let sign = [
        "review",
        "sign",
        "--reviewer",
        "Ortiz",
        "--role",
        "officer",
        "--statement",
        &statement,
    ];
    o.say(&sign)
        .ends(0, &["Signed 2026-W45", "1 undecided", "line 4, head"]);
    o.say(&sign).ends(2, &["was signed by Ortiz", "addendum"]);
    o.review("approve --approver ortiz --role cto")
        .ends(2, &["another person"]);
    o.review("approve --approver Silva --role cto")
        .ends(0, &["Approved 2026-W45"]);
    o.review("verify --bundles report").ends(
        0,
        &["Signed: 1 period, of them 0 not approved", "Bundles: 1 is"],
    );
    run_week(o, "2026-W45", "report/2026-W45").ends(2, &["signed run, which is never replaced"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode =
            |name: &str| o.path().join(name).metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode("report/2026-W45/findings.json"), 0o400);
        assert_eq!(mode("report/2026-W45"), 0o500);
        assert_eq!(mode("trailscan.ledger"), 0o600);
    }

    // nobody reviews the second week; in the third, bob's stops are excepted and the old matters are back
    o.at("2026-12-03T08:00:00Z");
    let except =
        "except --rule trail_stopped --reason maintenance --owner Bob --approver Silva --by Ortiz";
    o.review(except).ends(2, &["needs a scope"]);
    o.review(&format!("{except} --actor *"))
        .ends(2, &["needs a scope"]);
    o.review(&format!("{except} --actor *user/bob --expires 2028-01-01"))
        .ends(2, &["2027-12-03"]);
    o.review(&format!("{except} --actor *user/nobody"))
        .ends(0, &["hides 0 findings", "matches no finding"]);
    o.review("except --revoke x6 --reason typo --by Ortiz")
        .ends(0, &["Ended exception x6"]);
    o.review(&format!("{except} --actor *user/bob --expires 2026-12-05"))
        .ends(0, &["Exception x8 until 2026-12-05"]);
    let third = run_week(o, "2026-W47", "report/2026-W47");
    let third = third.ends(
        1,
        &[
            "1 finding to decide (1 critical) (1 hidden by exceptions)",
            "Review: 2 open matters of earlier periods",
            "2 open matters of earlier periods are overdue",
            "Exception x8 (trail_stopped, actor *user/bob) expires on 2026-12-05",
        ],
    );
    third.lacks("x6");
    let page = std::fs::read_to_string(o.path().join("report/2026-W47/report.html")).unwrap();
    assert!(
        page.contains("2026-11-12 overdue") && page.contains("excepted by"),
        "{page}"
    );
    let list = o.review("list").ends(
        0,
        &[
            "3 open matters, 2 of earlier periods",
            "1 hidden",
            "OVERDUE since 2026-11-12",
        ],
    );
    list.lacks("excepted");
    o.review(&format!("show {alice}")).ends(
        0,
        &["needs investigation by Ortiz: asked, ticket T-1, owner Chen"],
    );
    o.review(&format!(
        "decide {alice} --disposition true-positive --reason incident --by Ortiz"
    ))
    .ends(0, &[]);
    o.review(&format!(
        "decide {bob} --disposition benign --reason drill --by Ortiz"
    ))
    .ends(0, &[]);

    // what somebody fills in in a spreadsheet counts
    let csv = o.path().join("report/2026-W47/findings.csv");
    let text = std::fs::read_to_string(&csv).unwrap();
    let carol = o.ids("report/2026-W47", "carol").remove(0);
    let fill = |end: &str| {
        let line = |line: &str| match line.starts_with(carol.as_str()) {
            true => format!("{}{end}\n", line.strip_suffix(",,,").unwrap()),
            false => format!("{line}\n"),
        };
        text.lines().map(line).collect::<String>()
    };
    std::fs::write(&csv, fill(",Fine,because,Ortiz")).unwrap();
    o.review("import report/2026-W47/findings.csv")
        .ends(2, &["line 2", "`Fine`", "true positive"]);
    std::fs::write(&csv, fill(",True positive,,Ortiz")).unwrap();
    o.review("import report/2026-W47/findings.csv")
        .ends(2, &["the reason is empty"]);
    std::fs::write(&csv, fill(",Expected,planned; CHG-9,")).unwrap();
    o.review("import report/2026-W47/findings.csv")
        .ends(2, &["decided_by is empty"]);
    o.review("import report/2026-W47/findings.csv --by Ortiz")
        .ends(0, &["1 decision imported"]);
    o.review("import report/2026-W47/findings.csv --by Ortiz")
        .ends(0, &["0 decisions imported, 1 recorded before"]);
    o.review("sign --reviewer Ortiz --role officer")
        .ends(0, &["0 undecided"]);
    let sealed = o.json("report/2026-W47/review.json");
    assert_eq!(sealed["closed"].as_array().unwrap().len(), 2, "{sealed}");
    assert_eq!(sealed["hidden"].as_object().unwrap().len(), 1);
    o.review("register").ends(
        0,
        &[
            "2026-W46  MISSING",
            "2026-W47",
            "(3 days LATE)",
            "(in time)",
            "not approved",
            "approved by Silva",
        ],
    );
    o.review("register --format csv")
        .ends(0, &["2026-W46,,MISSING", "2026-W47,2026-12-03T08:00:00Z"]);
    o.review("verify").ends(
        3,
        &["nobody signed for 2026-W46", "1 not approved", "No anchor"],
    );

    // in the fourth week the exception has expired, and the closed matters are gone
    o.at("2026-12-07T08:00:00Z");
    let fourth = run_week(o, "2026-W48", "report/2026-W48");
    let fourth = fourth.ends(
        1,
        &[
            "1 finding to decide (1 critical)",
            "Exception x8 (trail_stopped, actor *user/bob) expired on 2026-12-05",
        ],
    );
    fourth.lacks("hidden");
    let page = std::fs::read_to_string(o.path().join("report/2026-W48/report.html")).unwrap();
    assert!(
        page.contains("id=\"review\"") && !page.contains(alice),
        "closed matters are listed once"
    );

    // an event of the first week arrives late: the signed week stays, an addendum records it
    write_logs(
        o,
        "late.json",
        &[stops_a_trail("dave", "2026-11-05T10:00:00Z")],
    );
    run_week(o, "2026-W45", "report/2026-W45-2")
        .ends(1, &["was signed as report", "1 new finding, 0 gone"]);
    let add = "addendum --run report/2026-W45-2 --reason late --by Ortiz";
    o.review(add)
        .ends(0, &["Addendum to 2026-W45: 1 new finding"]);
    o.review(add).ends(2, &["in the ledger already"]);
    let dave = o.ids("report/2026-W45-2", "dave").remove(0);
    o.review("list --run report/2026-W48")
        .ends(0, &["1 of earlier periods", &dave, "due 2026-12-14"]);

    // the missing week is reviewed late, with the real date
    run_week(o, "2026-W46", "report/2026-W46").ends(0, &["no event was evaluated"]);
    o.review("sign --run report/2026-W46 --reviewer Ortiz --role officer")
        .ends(0, &["Signed 2026-W46"]);
    o.review("register").ends(
        0,
        &[
            "2026-W46  created 2026-12-07",
            "(14 days LATE)",
            "1 later report",
        ],
    );
    o.review("verify --bundles report")
        .ends(0, &["Bundles: 4 are what was signed"]);
}

#[test]
fn a_ledger_that_is_broken_hides_nothing_and_takes_no_entry() {
    let mut office = Office::new();
    let o = &mut office;
    write_logs(o, "a.json", &[stops_a_trail("bob", "2026-11-17T10:00:00Z")]);
    o.at("2026-11-24T08:00:00Z");
    run_week(o, "2026-W47", "report/2026-W47").ends(1, &[]);
    let except =
        "except --rule trail_stopped --actor *bob --reason x --owner B --approver S --by O";
    o.review(except).ends(0, &["hides 1 finding"]);
    run_week(o, "2026-W47", "report/2026-W47")
        .ends(0, &["nothing left to decide (1 hidden by exceptions)"]);
    let ledger = String::from_utf8(o.ledger()).unwrap();
    let (head, exception) = ledger.split_once('\n').unwrap();
    let changed = format!(
        "{}\n{exception}",
        head.replace("trailscan 0", "trailscan 9")
    );
    std::fs::write(o.path().join("trailscan.ledger"), changed).unwrap();
    run_week(o, "2026-W47", "report/2026-W47")
        .ends(
            1,
            &[
                "1 finding to decide",
                "is broken: line 2",
                "No decision and no exception was applied",
            ],
        )
        .lacks("hidden");
    o.review(except).ends(
        2,
        &["is broken: line 2 does not follow line 1, which was changed"],
    );
    o.review("verify").ends(4, &["BROKEN: line 2"]);
    o.say(&["run", "logs", "--ledger", "absent", "--out", "r"])
        .ends(2, &["no ledger absent"]);
}

#[test]
fn the_walk_asks_for_one_matter_after_the_other_and_can_undo() {
    use std::io::Write as _;
    let mut office = Office::new();
    let o = &mut office;
    let stops = ["2026-11-17T10:00:00Z", "2026-11-18T10:00:00Z"];
    write_logs(
        o,
        "a.json",
        &[
            stops_a_trail("bob", stops[0]),
            stops_a_trail("amy", stops[1]),
        ],
    );
    o.at("2026-11-24T08:00:00Z");
    run_week(o, "2026-W47", "report/2026-W47").ends(1, &[]);
    o.review("").ends(2, &["--by NAME"]);
    let mut command = o.command(&["review", "--by", "Ortiz"]);
    command
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    let typed = "?\nb\n\nknown\n\nu\ni\nunclear\nT-1\nChen\nsoon\n14d\ne\nplanned\n\n";
    child
        .stdin
        .take()
        .unwrap()
        .write_all(typed.as_bytes())
        .unwrap();
    let said = super::finished(child.wait_with_output().unwrap());
    said.ends(
        0,
        &[
            "1 of 2",
            "2 of 2",
            "Evidence:",
            "StopLogging",
            "line 5, head",
            "2 decided, 0 left",
        ],
    );
    let list = o.review("list --all").ends(
        0,
        &[
            "1 open matter",
            "investigating",
            "due 2026-12-08",
            "expected",
        ],
    );
    list.lacks("benign");
}
