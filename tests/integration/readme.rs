//! The README's commands print what the README shows. `…` stands for anything; line breaks and spaces do
//! not count, because the README wraps long lines.

use std::os::unix::fs::symlink;

use crate::product::{root, trailscan};

/// A command of a console block that needs only the checkout, and what is shown of its output.
struct Shown {
    arguments: Vec<String>,
    output: String,
}

/// The commands of the README that run on samples, or on the built-in rules alone.
fn shown() -> Vec<Shown> {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let mut all: Vec<Shown> = Vec::new();
    for block in readme.split("```console\n").skip(1) {
        let block = block.split("```").next().unwrap();
        for command in block.split("$ ").skip(1) {
            let (line, output) = command.split_once('\n').unwrap_or((command, ""));
            let line = line.split(" #").next().unwrap();
            let words = line
                .strip_prefix("cargo run -- ")
                .or(line.strip_prefix("trailscan "));
            let Some(words) = words else { continue };
            let alone = words.starts_with("rules test ") || words.starts_with("rules lint");
            if alone || words.contains("samples/") {
                all.push(Shown {
                    arguments: words.split_whitespace().map(str::to_owned).collect(),
                    output: output.to_owned(),
                });
            }
        }
    }
    all
}

fn collapsed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn its_commands_print_what_it_shows() {
    let shown = shown();
    assert!(
        shown.len() >= 5,
        "the README shows {} commands",
        shown.len()
    );
    let folder = tempfile::tempdir().unwrap();
    for name in ["samples", "rules", ".trailscan.toml"] {
        symlink(root().join(name), folder.path().join(name)).unwrap();
    }
    for Shown { arguments, output } in shown {
        let mut command = trailscan();
        // after the samples' last delivery
        command.env("SOURCE_DATE_EPOCH", "1798761600");
        let ran = command
            .args(&arguments)
            .current_dir(folder.path())
            .output()
            .unwrap();
        let printed = collapsed(&String::from_utf8(ran.stdout).unwrap());
        let said = String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.code().unwrap() < 2, "{arguments:?}: {said}");
        let mut rest = printed.as_str();
        for part in output.split('…') {
            let part = collapsed(part);
            let (_, behind) = rest.split_once(&part).unwrap_or_else(|| {
                panic!("{arguments:?} does not print\n  {part}\nbut\n  {printed}")
            });
            rest = behind;
        }
    }
}
