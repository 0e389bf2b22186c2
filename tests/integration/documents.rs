//! report.pdf and report.xlsx of the real program, read by libraries that are not ours.
//!
//! Runs where `PDF_PYTHON` names an interpreter that has pikepdf (which checks with qpdf), pypdf and
//! openpyxl; `documents.py` says what they read.

use crate::product;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use product::{Ran, root, run, samples, tool};
use serde_json::{Value, json};

const FORMATS: [&str; 2] = ["--format", "json,csv,pdf,xlsx"];

/// What the libraries read.
fn read(ran: &Ran) -> Value {
    let report = ran.folder.path().join("report");
    let out = Command::new(tool("PDF_PYTHON"))
        .arg(root().join("tests/integration/documents.py"))
        .args([report.join("report.pdf"), report.join("report.xlsx")])
        .output()
        .unwrap();
    assert!(
        out.status.success(),
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
    serde_json::from_slice(&out.stdout).unwrap()
}

fn bytes(ran: &Ran, name: &str) -> Vec<u8> {
    std::fs::read(ran.folder.path().join("report").join(name)).unwrap()
}

fn texts(list: &Value) -> Vec<&str> {
    let list = list.as_array().unwrap().iter();
    list.map(|one| one.as_str().unwrap()).collect()
}

/// The values of a column of a sheet, below its head.
fn column<'v>(read: &'v Value, sheet: &str, name: &str) -> Vec<&'v str> {
    let rows = read["xlsx"]["sheets"][sheet]["rows"].as_array().unwrap();
    let head = texts(&rows[0]);
    let at = head.iter().position(|one| *one == name).unwrap();
    let cells = rows[1..].iter().map(|row| &row[at]);
    cells
        .map(|cell| cell.as_str().unwrap_or_default())
        .collect()
}

/// What must hold of every document, whatever the logs say.
fn assert_sound(read: &Value, ran: &Ran) {
    let pdf = &read["pdf"];
    assert_eq!(
        pdf["problems"],
        json!([]),
        "qpdf reads it without a complaint"
    );
    assert_eq!(pdf["declared"], json!(["3", "A", "1"]));
    assert_eq!(pdf["language"], "en-US");
    assert_eq!(pdf["active"], json!([]), "nothing runs or leads out of it");
    for font in pdf["fonts"].as_array().unwrap() {
        assert_eq!(font[1], true, "{font} is embedded");
    }
    let attached = pdf["attached"]["findings.json"].as_str().unwrap();
    let attached = base64::engine::general_purpose::STANDARD.decode(attached);
    assert_eq!(attached.unwrap(), bytes(ran, "findings.json"));
    let pages = texts(&pdf["pages"]);
    let id = ran.json("run.json")["report_id"]
        .as_str()
        .unwrap()
        .to_owned();
    for (at, page) in pages.iter().enumerate() {
        let foot = format!("Page {} of {}", at + 1, pages.len());
        for mark in [&*foot, &id, "Confidential – contains system activity"] {
            assert!(page.contains(mark), "page {}: {mark}", at + 1);
        }
        let hides = |c: char| c != '\n' && trailscan::safe_text::is_hidden(c);
        assert!(!page.contains(hides), "page {}", at + 1);
    }
    for name in texts(&read["xlsx"]["order"]) {
        let sheet = &read["xlsx"]["sheets"][name];
        assert_eq!(sheet["formulas"], json!([]), "{name}");
        assert_eq!(sheet["links"], json!([]), "{name}");
        assert!(sheet["frozen"].as_str().unwrap().ends_with('2'), "{name}");
        assert!(
            sheet["filter"].as_str().unwrap().starts_with("A1:"),
            "{name}"
        );
    }
}

#[test]
#[cfg_attr(
    not(ci_tools),
    ignore = "needs pikepdf, pypdf, openpyxl and PDF_PYTHON: .ci/run"
)]
fn the_pdf_and_the_workbook_say_what_the_other_files_say() {
    let ran = run(samples("trails/breach"), &FORMATS);
    let read = read(&ran);
    assert_sound(&read, &ran);
    let (pdf, book) = (&read["pdf"], &read["xlsx"]);
    let pages = texts(&pdf["pages"]);

    // page one decides
    for words in [
        "45 CFR 164.308(a)(1)(ii)(D)",
        "PazPaz Clinic (example)",
        "Needs decision",
        "Logging stopped",
        "Not checked",
        "PHI touched",
        "Overdue",
        "Sign-off",
        "Reviewer",
        "Approver",
    ] {
        assert!(pages[0].contains(words), "{words}");
    }
    let verdict = ran.json("run.json")["verdict"].as_str().unwrap().to_owned();
    let in_a_row = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        in_a_row(pages[0]).contains(&in_a_row(&verdict)),
        "{verdict}"
    );

    // every finding has a card with its id, and a bookmark with its title
    let findings = ran.json("findings.json");
    let findings = findings["findings"].as_array().unwrap();
    let all = pages.join("\n");
    let bookmarks = texts(&pdf["bookmarks"]);
    for finding in findings {
        let id = finding["id"].as_str().unwrap();
        assert!(all.contains(id), "{id}");
        let title = format!("  {}", finding["title"].as_str().unwrap());
        assert!(bookmarks.contains(&&*title), "{title}");
    }

    // the crosswalk is the last page, and the pages it names hold what it says
    let last = pages[pages.len() - 1];
    let line = last
        .lines()
        .find(|line| line.contains("Which rights were granted"));
    let page: usize = line.unwrap().rsplit(' ').next().unwrap().parse().unwrap();
    assert!(pages[page - 1].contains("Changes of access"));

    // for who reads by ear
    let count = |tag: &str| pdf["tags"][tag].as_u64().unwrap_or_default();
    assert_eq!(count("/H1"), 1);
    assert!(count("/H2") > 10 && count("/H3") > 38 && count("/Figure") == 1);
    assert!(count("/Table") > 38 && count("/TH") > count("/Table"));
    assert_eq!(
        count("/THead"),
        count("/Table"),
        "a repeated head is read once"
    );

    // the workbook
    assert_eq!(
        texts(&book["order"]),
        [
            "report",
            "findings",
            "access changes",
            "coverage",
            "problems",
            "integrity",
            "rules",
            "exceptions"
        ]
    );
    let ids: Vec<&str> = findings
        .iter()
        .map(|one| one["id"].as_str().unwrap())
        .collect();
    assert_eq!(column(&read, "findings", "id"), ids);
    let csv = ran.file("findings.csv");
    let head = csv.lines().next().unwrap();
    let rows = book["sheets"]["findings"]["rows"].as_array().unwrap();
    assert_eq!(texts(&rows[0]).join(","), head);
    assert!(book["sheets"]["findings"]["dates"].as_u64().unwrap() >= ids.len() as u64);
    let calls: BTreeSet<&str> = column(&read, "access changes", "call")
        .into_iter()
        .collect();
    assert!(
        calls.contains("AttachUserPolicy") && calls.contains("CreateAccessKey"),
        "{calls:?}"
    );
    let looks = |call: &&&str| call.starts_with("Get") || call.starts_with("List");
    assert_eq!(calls.iter().find(looks), None);
    assert_eq!(column(&read, "coverage", "account"), ["111122223333"; 2]);
    let rules = column(&read, "rules", "state");
    assert!(rules.contains(&"partly assessed") && rules.contains(&"not configured"));

    // the same again
    let again = run(samples("trails/breach"), &FORMATS);
    for name in ["report.pdf", "report.xlsx"] {
        assert_eq!(bytes(&again, name), bytes(&ran, name), "{name}");
    }
}

/// A log of one trail that is stopped and one user who gets rights, with a text in every field that a
/// caller chooses.
fn log(root: &Path, text: &str) {
    let record = |name: &str, source: &str, parameters: Value, at: usize| {
        json!({
            "eventVersion": "1.11",
            "eventTime": format!("2026-11-19T14:00:{at:02}Z"),
            "eventSource": source,
            "eventName": name,
            "awsRegion": "us-east-1",
            "sourceIPAddress": text,
            "userAgent": text,
            "errorCode": text,
            "errorMessage": text,
            "eventID": format!("00000000-0000-4000-8000-0000000000{at:02}"),
            "recipientAccountId": "111122223333",
            "userIdentity": {
                "type": "IAMUser",
                "accountId": "111122223333",
                "arn": format!("arn:aws:iam::111122223333:user/{text}"),
                "principalId": text,
                "userName": text,
                "accessKeyId": text,
            },
            "requestParameters": parameters,
        })
    };
    let records = [
        record(
            "StopLogging",
            "cloudtrail.amazonaws.com",
            json!({"name": text}),
            1,
        ),
        record(
            "AttachUserPolicy",
            "iam.amazonaws.com",
            json!({"userName": text, "policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}),
            2,
        ),
        record(
            "DeleteBucketPolicy",
            "s3.amazonaws.com",
            json!({"bucketName": text}),
            3,
        ),
        record(
            "CreateAccessKey",
            "iam.amazonaws.com",
            json!({"userName": text}),
            4,
        ),
    ];
    let text = serde_json::to_string(&json!({ "Records": records })).unwrap();
    std::fs::write(root.join("log.json"), text).unwrap();
}

#[test]
#[cfg_attr(
    not(ci_tools),
    ignore = "needs pikepdf, pypdf, openpyxl and PDF_PYTHON: .ci/run"
)]
fn a_hostile_text_in_every_field_changes_nothing_but_text() {
    let shape = |read: &Value| -> Vec<String> {
        let counts = &read["pdf"]["tags"];
        let mut shape: Vec<String> = ["/H1", "/H2", "/H3", "/H4", "/Table", "/TR", "/L", "/LI"]
            .iter()
            .map(|tag| format!("{tag} {}", counts[tag]))
            .collect();
        shape.extend(
            texts(&read["pdf"]["bookmarks"])
                .into_iter()
                .map(str::to_owned),
        );
        for name in texts(&read["xlsx"]["order"]) {
            let rows = read["xlsx"]["sheets"][name]["rows"].as_array().unwrap();
            shape.push(format!(
                "{name} {} × {}",
                rows.len(),
                rows[0].as_array().unwrap().len()
            ));
        }
        shape
    };
    let reading = |text: &str| {
        let source = tempfile::tempdir().unwrap();
        log(source.path(), text);
        let ran = run(source.path(), &FORMATS);
        let read = read(&ran);
        assert_sound(&read, &ran);
        read
    };
    let harmless = reading("somebody");
    let hostile = [
        "=HYPERLINK(\"https://example.com\",\"x\")",
        "</w:t><c t=\"str\"><f>1+1</f></c>(\\) >> endobj %%EOF",
        "\u{1b}]8;;https://example.com\u{7}\r\n",
        "\u{202e}fdp.exe\u{200f}\u{2066}\u{feff}\u{fffe}\u{e000}",
        "שלום مرحبا 患者 😀👩‍⚕️",
    ]
    .concat();
    for text in [hostile, "x".repeat(256 << 10)] {
        let read = reading(&text);
        assert_eq!(shape(&read), shape(&harmless));
        let shown = text.starts_with('=').then_some("=HYPERLINK(");
        let pages = texts(&read["pdf"]["pages"]).join("");
        assert!(shown.is_none_or(|shown| pages.contains(shown)));
    }
}
