//! Every file that trailscan writes, from its table of files: each has a snapshot, and `--format` chooses
//! among those that it can name.

use std::collections::BTreeSet;

use trailscan::report::output::Output;

use crate::product::{Ran, root, run, samples, trailscan};

/// A verified run with a rule set and a configuration of its own, so that only a change of a format changes
/// the files.
fn verified(arguments: &[&str]) -> Ran {
    let own = [
        "--no-builtin-rules",
        "--rules",
        "tests/integration/formats/sign_in.yml",
        "--config",
        "tests/integration/formats/trailscan.toml",
        "--since",
        "2026-11-23T14:00:00Z",
        "--until",
        "2026-11-23T17:00:00Z",
        "--verify",
        "--public-keys",
        "samples/trails/signed-public-keys.json",
    ];
    run("samples/trails/signed", &[&own, arguments].concat())
}

/// The page, an element a line, without its style and the hash of it: how it looks is no part of what it says.
fn without_style(page: &str) -> String {
    let (head, rest) = page.split_once("<style>").unwrap();
    let (_, body) = rest.split_once("</style>").unwrap();
    let (before, rest) = head.split_once("'sha256-").unwrap();
    let (_, head) = rest.split_once('\'').unwrap();
    format!("{before}'sha256-…'{head}<style>…</style>{body}").replace("><", ">\n<")
}

fn written(ran: &Ran) -> BTreeSet<String> {
    let folder = ran.folder.path().join("report");
    let entries = std::fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.collect()
}

#[test]
fn every_file_has_a_snapshot() {
    let ran = verified(&[]);
    let all = Output::ALL.iter().map(|output| output.file().to_owned());
    assert_eq!(written(&ran), all.collect(), "{}", ran.stderr);
    for output in Output::ALL {
        let text = ran.file(output.file());
        let text = match output {
            Output::Html => without_style(&text),
            _ => text,
        };
        insta::assert_snapshot!(output.file().replace('.', "_"), text);
    }
}

#[test]
fn the_format_option_chooses_among_the_table() {
    let help = trailscan().args(["run", "--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let words = help.split_whitespace().collect::<Vec<_>>().join(" ");
    let formats: Vec<&str> = Output::formats().filter_map(Output::format).collect();
    assert!(words.contains(&format!("[possible values: {}]", formats.join(", "))));
    assert!(words.contains(&format!("[default: {}]", formats.join(" "))));
    for output in Output::ALL
        .iter()
        .filter(|one| one.writer(&[**one]).is_some())
    {
        assert!(words.contains(output.file()), "{}", output.file());
    }
    for output in Output::formats() {
        let ran = verified(&["--format", output.format().unwrap()]);
        let chosen = Output::ALL
            .iter()
            .filter(|other| other.format().is_none() || **other == output);
        let chosen = chosen.map(|output| output.file().to_owned());
        assert_eq!(written(&ran), chosen.collect(), "{output:?}");
    }
    let none = run(samples("trails/quiet"), &["--format", "coverage"]);
    assert_eq!(none.code, 2, "{}", none.stderr);
}

/// CONTRIBUTING says that a new format is a module and one entry in the table: this holds as long as no other
/// source names a file that is written.
#[test]
fn only_the_table_names_the_files() {
    let exempt = [
        "src/report/output.rs",
        // these refer readers to another file, in words
        "src/report/json/v1/findings.rs",
        "src/report/html/integrity.rs",
    ];
    let mut folders = vec![root().join("src")];
    let mut read = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(root()).unwrap().display().to_string();
            let is_code = name.ends_with(".rs") && !name.ends_with("tests.rs");
            if !is_code || name.contains("/tests/") || exempt.contains(&&*name) {
                continue;
            }
            read += 1;
            let text = std::fs::read_to_string(path).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap();
            for output in Output::ALL {
                let literal = format!("\"{}\"", output.file());
                assert!(!code.contains(&literal), "{name} names {literal}");
            }
        }
    }
    assert!(read > 200, "{read}");
    let contributing = std::fs::read_to_string(root().join(".github/CONTRIBUTING.md")).unwrap();
    let (_, section) = contributing.split_once("### … a report format").unwrap();
    let (section, _) = section.split_once("###").unwrap();
    for file in [
        exempt[0],
        "tests/integration/formats.rs",
        "tests/integration/snapshots/",
    ] {
        assert!(section.contains(&format!("`{file}`")), "{file}");
    }
}
