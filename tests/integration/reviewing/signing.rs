//! Signatures: with keys, of people who are actors, of runs that are not whole, of files that change later.

use std::fs;
use std::process::Command;

use serde_json::Value;

use super::{Office, run_week, stops_a_trail, write_logs};

fn office() -> Office {
    let mut office = Office::new();
    write_logs(
        &office,
        "a.json",
        &[stops_a_trail("bob", "2026-11-17T10:00:00Z")],
    );
    office.at("2026-11-24T08:00:00Z");
    run_week(&office, "2026-W47", "report/2026-W47").ends(1, &[]);
    let id = office.ids("report/2026-W47", "bob").remove(0);
    office
        .review(&format!(
            "decide {id} --disposition benign --reason drill --by Ortiz"
        ))
        .ends(0, &[]);
    office
}

fn has_ssh_keygen() -> bool {
    // it has no option that only prints; without arguments that fit it ends with an error
    Command::new("ssh-keygen").arg("-?").output().is_ok()
}

#[test]
fn keys_sign_and_what_they_signed_cannot_be_changed_even_with_a_new_chain() {
    let o = office();
    o.say(&[
        "review",
        "sign",
        "--reviewer",
        "J. Ortiz",
        "--role",
        "officer",
        "--ssh-key",
        "absent",
    ])
    .ends(2, &["absent"]);
    let mut without = o.command(&[
        "review",
        "sign",
        "--reviewer",
        "J. Ortiz",
        "--role",
        "officer",
        "--ssh-key",
        "key",
    ]);
    without.env("PATH", "/nonexistent");
    super::finished(without.output().unwrap()).ends(2, &["ssh-keygen is not installed"]);
    if !has_ssh_keygen() {
        eprintln!("ssh-keygen is absent: signatures are not tested");
        return;
    }
    for key in ["ortiz", "silva"] {
        let made = Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-C", "", "-f"])
            .arg(o.path().join(key))
            .status();
        assert!(made.unwrap().success());
    }
    let sign = [
        "review",
        "sign",
        "--reviewer",
        "J. Ortiz",
        "--role",
        "officer",
        "--ssh-key",
        "ortiz",
    ];
    let said = o.say(&sign).ends(
        0,
        &["For allowed_signers: j-ortiz namespaces=\"trailscan-review\" ssh-ed25519 "],
    );
    let approve = |key: &str| {
        o.say(&[
            "review",
            "approve",
            "--approver",
            "M. Silva",
            "--role",
            "cto",
            "--ssh-key",
            key,
        ])
    };
    approve("ortiz").ends(2, &["use your own"]);
    let approved = approve("silva").ends(0, &["m-silva"]);
    o.review("verify").ends(
        0,
        &["SSH: 2 signatures valid, by the keys that their lines name"],
    );
    let signer = |said: &str| {
        said.split("allowed_signers: ")
            .nth(1)
            .unwrap()
            .lines()
            .next()
            .unwrap()
            .to_owned()
    };
    let signers = format!("{}\n{}\n", signer(&said.out), signer(&approved.out));
    fs::write(o.path().join("signers"), &signers).unwrap();
    o.review("verify --allowed-signers signers")
        .ends(0, &["2 signatures valid, by allowed keys"]);
    // the key of another person
    let swapped = signers
        .replace("j-ortiz", "x")
        .replace("m-silva", "j-ortiz");
    fs::write(o.path().join("swapped"), swapped).unwrap();
    o.review("verify --allowed-signers swapped")
        .ends(4, &["not of an allowed key"]);
    // somebody changes a statement and computes every hash again: the chain holds, the signature does not
    let text = String::from_utf8(o.ledger()).unwrap();
    let mut previous = trailscan::ledger::NO_LINE.to_owned();
    let (mut rewritten, mut signature) = (Vec::new(), String::new());
    for line in text.lines() {
        let mut line: Value = serde_json::from_str(line).unwrap();
        line["prev"] = previous.into();
        if line["type"] == "signature" {
            line["statement"] = "Nothing at all".into();
        }
        if line["type"] == "approval" {
            line["signature"] = signature.clone().into();
        }
        let bytes = format!("{line}\n").into_bytes();
        previous = trailscan::sha256::hex([bytes.as_slice()]);
        if line["type"] == "signature" {
            signature.clone_from(&previous);
        }
        rewritten.extend(bytes);
    }
    fs::write(o.path().join("trailscan.ledger"), rewritten).unwrap();
    o.review("verify").ends(
        4,
        &[
            "every line names the hash",
            "the SSH signature of line 3 says something else than the line",
        ],
    );
}

#[test]
fn who_signs_about_their_own_calls_is_flagged() {
    let o = office();
    fs::write(
        o.path().join("trailscan.toml"),
        "[people]\n\"B. Jones\" = [\"bob\"]\nSilva = [\"silva\"]\n",
    )
    .unwrap();
    o.say(&[
        "review",
        "sign",
        "--reviewer",
        "b. jones",
        "--role",
        "admin",
    ])
    .ends(0, &["signs for 1 finding about their own calls"]);
    o.review("approve --approver Silvia --role cto")
        .ends(0, &["does not name Silvia"]);
    o.review("verify")
        .ends(0, &["Flag: b. jones signed 2026-W47"]);
    assert!(
        fs::read_to_string(o.path().join("report/2026-W47/review.html"))
            .unwrap()
            .contains("their own calls")
    );
}

#[test]
fn an_incomplete_run_must_be_named_and_changed_files_are_found() {
    let mut o = office();
    fs::write(o.path().join("logs/broken.json"), "{\"Records\":[").unwrap();
    run_week(&o, "2026-W47", "report/2026-W47").ends(3, &["nothing left to decide (1 decided)"]);
    o.review("sign --reviewer Ortiz --role officer")
        .ends(2, &["The run is incomplete"]);
    let sign = [
        "review",
        "sign",
        "--reviewer",
        "Ortiz",
        "--role",
        "officer",
        "--statement",
    ];
    o.say(&[&sign[..], &["The run is incomplete: a log is damaged."]].concat())
        .ends(0, &["Signed"]);
    let anchor = o
        .review("verify --bundles report")
        .ends(0, &["Bundles: 1 is"])
        .out;
    fs::write(o.path().join("anchor.txt"), &anchor).unwrap();
    o.review("register").ends(0, &["INCOMPLETE, "]);

    let findings = o.path().join("report/2026-W47/findings.json");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let writable =
            |path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        writable(findings.parent().unwrap().to_owned(), 0o700);
        writable(findings.clone(), 0o600);
    }
    let text = fs::read_to_string(&findings).unwrap();
    fs::write(&findings, text.replace("bob", "eve")).unwrap();
    fs::write(findings.with_file_name("more.txt"), "").unwrap();
    o.review("verify --bundles report")
        .ends(4, &["findings.json was changed", "more.txt was added"]);
    o.review("approve --approver Silva --role cto")
        .ends(2, &["is not what was signed"]);

    // the end of the ledger is cut: only the anchor shows it
    o.at("2026-11-25T08:00:00Z");
    let ledger = o.ledger();
    let whole = ledger[..ledger.len() - 1]
        .iter()
        .rposition(|byte| *byte == b'\n')
        .unwrap();
    fs::write(o.path().join("trailscan.ledger"), &ledger[..=whole]).unwrap();
    o.review("verify").ends(0, &["No anchor"]);
    o.review("verify --anchor anchor.txt")
        .ends(4, &["lines were cut from the end"]);
    // the head before the signature, which lies in the sealed folder, is not cut
    o.review("verify --anchor report/2026-W47/review.json")
        .ends(0, &["Anchor "]);
    o.review("verify --anchor nothing")
        .ends(2, &["neither a head"]);
}
