//! What somebody who carries the project on reads first is true: paths that the documents name exist,
//! and scripts call what they say they call.

use std::collections::BTreeSet;
use std::fs;

use crate::product::root;

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The texts between backticks that are paths of the repository.
fn paths(text: &str) -> BTreeSet<&str> {
    const BELOW: [&str; 9] = [
        "src/",
        "rules/",
        "samples/",
        "benches/",
        "tests/",
        ".github/",
        ".ci/",
        ".cargo/",
        ".licenses/",
    ];
    const FILES: [&str; 5] = [
        "Cargo.toml",
        "Cargo.lock",
        "README.md",
        ".clippy.toml",
        ".trailscan.toml",
    ];
    let code = text.split('`').skip(1).step_by(2);
    code.filter(|code| !code.contains(char::is_whitespace))
        .filter(|code| FILES.contains(code) || BELOW.iter().any(|below| code.starts_with(below)))
        .collect()
}

#[test]
fn every_path_that_the_documents_name_exists() {
    for (document, least) in [
        (".github/CONTRIBUTING.md", 30),
        (".github/SECURITY.md", 0),
        (".github/CHANGELOG.md", 0),
        (".github/pull_request_template.md", 1),
        ("README.md", 3),
        ("src/lib.rs", 1),
    ] {
        let text = read(document);
        let paths = paths(&text);
        assert!(
            paths.len() >= least,
            "{document} names {} paths",
            paths.len()
        );
        for path in paths {
            assert!(
                root().join(path).exists(),
                "{document}: {path} is not there"
            );
        }
        // links to other files
        for link in text.split("](").skip(1) {
            let link = link.split([')', '#']).next().unwrap();
            if document.ends_with(".md") && !link.is_empty() && !link.contains("://") {
                let folder = root().join(document);
                let target = folder.parent().unwrap().join(link);
                assert!(target.exists(), "{document} links to {link}");
            }
        }
    }
}

#[test]
fn each_thing_to_add_has_its_files() {
    let text = read(".github/CONTRIBUTING.md");
    for thing in [
        "rule",
        "report format",
        "field of a JSON file",
        "source of logs",
        "derived field",
        "setting",
        "command",
        "guide",
    ] {
        let section = text
            .split("\n### … a ")
            .find(|section| section.starts_with(thing))
            .unwrap_or_else(|| panic!("no section on adding a {thing}"));
        assert!(paths(section).len() >= 2, "{thing}: {section}");
    }
}

#[test]
fn the_top_level_holds_what_a_package_needs_and_folders_of_hosts_the_rest() {
    let allowed = [
        "Cargo.toml",
        "Cargo.lock",
        "src",
        "rules",
        "samples",
        "benches",
        "tests",
        "README.md",
        // made by a build or a run, and ignored by git
        "target",
        "report",
    ];
    for entry in fs::read_dir(root()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let is_state = name.starts_with("trailscan.state");
        let known = name.starts_with('.') || allowed.contains(&name.as_str());
        assert!(known || is_state, "{name}");
    }
    for file in [
        ".github/CONTRIBUTING.md",
        ".github/CHANGELOG.md",
        ".github/SECURITY.md",
        ".github/pull_request_template.md",
        ".github/ISSUE_TEMPLATE/bug.md",
        ".cargo/deny.toml",
        ".ci/quick",
    ] {
        assert!(!read(file).is_empty());
    }
}

#[test]
fn the_hosted_workflow_calls_the_scripts() {
    let workflow = read(".github/workflows/ci.yml");
    for call in [
        "bash .ci/run\n",
        "bash .ci/run --long\n",
        "check advisories",
    ] {
        assert!(workflow.contains(call), "{call}");
    }
    assert!(read(".ci/run").contains("check licenses bans sources"));
}
