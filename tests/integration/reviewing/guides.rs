//! The officer's and the auditor's guide, followed to the letter: every command of their console blocks that
//! does not need a bucket, in order, in one folder.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use trailscan::guide;

use super::{Office, run_week, stops_a_trail, write_logs};
use crate::product::root;

/// The commands of a guide, each with what is shown of its output.
fn commands(name: &str) -> Vec<(String, String)> {
    let text = guide::find(name).unwrap().text;
    let blocks = text.split("```console\n").skip(1);
    let blocks = blocks.map(|block| block.split("\n```").next().unwrap());
    let mut all: Vec<(String, String)> = Vec::new();
    for block in blocks {
        for command in format!("\n{block}").split("\n$ ").skip(1) {
            let command = command.replace("\\\n", " ");
            let (line, shown) = command.split_once('\n').unwrap_or((&command, ""));
            all.push((line.to_owned(), shown.to_owned()));
        }
    }
    all
}

fn collapsed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Runs the commands by a shell, and compares what they print; returns how many.
fn follow(name: &str, folder: &Path, now: &str, wanted: impl Fn(&str) -> bool) -> usize {
    let program = Path::new(env!("CARGO_BIN_EXE_trailscan"));
    let path = format!("{}:/usr/bin:/bin", program.parent().unwrap().display());
    let all = commands(name);
    let wanted = all
        .iter()
        .filter(|(line, _)| line != "echo $?" && wanted(line));
    let mut count = 0;
    for (line, shown) in wanted {
        let ran = Command::new("bash")
            .args(["-c", line])
            .current_dir(folder)
            .env_clear()
            .env("PATH", &path)
            .env("SOURCE_DATE_EPOCH", now)
            .env("NO_COLOR", "1")
            .output()
            .unwrap();
        let printed = collapsed(&String::from_utf8(ran.stdout).unwrap());
        let errors = String::from_utf8(ran.stderr).unwrap();
        assert!(
            ran.status.code().unwrap() < 2,
            "{line}: {printed}\n{errors}"
        );
        let mut rest = printed.as_str();
        for part in shown.split('…').map(collapsed) {
            let (_, behind) = rest.split_once(&part).unwrap_or_else(|| {
                panic!("{name}: {line} does not print\n  {part}\nbut\n  {printed}\n  {errors}")
            });
            rest = behind;
        }
        count += 1;
    }
    count
}

#[test]
fn the_officers_guide_goes_from_a_run_to_an_approved_week() {
    let mut office = Office::new();
    symlink(root().join("samples"), office.path().join("samples")).unwrap();
    office.at("2026-11-24T08:00:00Z");
    let alone = |line: &str| !line.contains("s3://");
    let count = follow("officer", office.path(), &office.now, alone);
    assert!(count >= 8, "{count} commands");
    let verify = office.review("verify --bundles report");
    verify.ends(
        0,
        &["Signed: 1 period, of them 0 not approved", "Bundles: 1 is"],
    );
}

#[test]
fn the_auditors_guide_checks_ledger_and_bundle_without_trailscan() {
    let mut office = Office::new();
    let o = &mut office;
    write_logs(o, "a.json", &[stops_a_trail("bob", "2026-11-17T10:00:00Z")]);
    o.at("2026-11-24T08:00:00Z");
    run_week(o, "2026-W47", "report/2026-W47").ends(1, &[]);
    let id = o.ids("report/2026-W47", "bob").remove(0);
    o.review(&format!(
        "decide {id} --disposition benign --reason drill --by Ortiz"
    ))
    .ends(0, &[]);
    let key = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(o.path().join("key"))
        .status();
    let has_key = key.is_ok_and(|status| status.success());
    let mut sign = vec![
        "review",
        "sign",
        "--reviewer",
        "J. Ortiz",
        "--role",
        "officer",
    ];
    sign.extend(
        has_key
            .then_some(["--ssh-key", "key"])
            .into_iter()
            .flatten(),
    );
    let signed = o.say(&sign).ends(0, &[]).out;
    o.review("approve --approver Silva --role cto").ends(0, &[]);
    if let Some((_, line)) = signed.split_once("For allowed_signers: ") {
        fs::write(
            o.path().join("allowed_signers"),
            line.lines().next().unwrap(),
        )
        .unwrap();
    }
    let (_, head) = signed.split_once(", head ").unwrap();
    fs::write(
        o.path().join("anchor.txt"),
        format!("{}\n", head.get(..64).unwrap()),
    )
    .unwrap();
    let of_key = |line: &str| line.contains("message");
    let wanted = |line: &str| !line.contains("samples/") && (has_key || !of_key(line));
    let count = follow("auditor", o.path(), &o.now, wanted);
    assert!(count >= 10, "{count} commands");

    // the same commands see that a line was changed
    let text = String::from_utf8(o.ledger()).unwrap();
    fs::write(
        o.path().join("trailscan.ledger"),
        text.replace("drill", "brawl"),
    )
    .unwrap();
    let chain = commands("auditor")
        .into_iter()
        .find(|(line, _)| line.contains("while"))
        .unwrap()
        .0;
    let ran = Command::new("bash")
        .args(["-c", &chain])
        .current_dir(o.path())
        .output()
        .unwrap();
    let printed = String::from_utf8(ran.stdout).unwrap();
    assert!(printed.contains("broken: 3"), "{printed}");
}
