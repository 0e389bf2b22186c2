//! The layout that `lib.rs` describes: modules import only what is listed above them, files stay
//! small, citations can be followed, and samples name nobody real.

use crate::product;

use std::fs;
use std::path::{Path, PathBuf};

use product::root;

fn files(below: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(below).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.to_string_lossy().ends_with(ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// A line of code with its number in the file, from 1.
type Line<'t> = (usize, &'t str);

/// The lines of a source file without the items under `#[cfg(test)]`. Relies on rustfmt, which closes an
/// item at the indentation at which it begins.
fn code(text: &str) -> Vec<Line<'_>> {
    let mut code = Vec::new();
    let mut lines = text.lines().enumerate().map(|(at, line)| (at + 1, line));
    while let Some((number, line)) = lines.next() {
        if line.trim() != "#[cfg(test)]" {
            code.push((number, line));
            continue;
        }
        let indent = line.len() - line.trim_start().len();
        for (_, line) in lines.by_ref() {
            let at_indent = line.len() - line.trim_start().len() == indent;
            let is_attribute =
                line.trim_start().starts_with("#[") || line.trim_start().starts_with("//");
            let ends = line.ends_with([';', ',', '}']);
            if at_indent && !line.is_empty() && !is_attribute && ends {
                break;
            }
        }
    }
    code
}

/// Every source file below a folder: its path from there, and its text.
fn sources(below: &str) -> Vec<(String, String)> {
    let folder = root().join(below);
    let read = |path: PathBuf| {
        let name = path.strip_prefix(&folder).unwrap().display().to_string();
        (name, fs::read_to_string(&path).unwrap())
    };
    files(&folder, ".rs").into_iter().map(read).collect()
}

#[test]
fn code_is_all_of_a_file_but_its_tests() {
    let text = "mod a;\n\n#[cfg(test)]\nmod tests;\n\nuse x;\n\n#[cfg(test)]\n#[allow(\n    dead_code\n)]\nimpl A {\n    \
                fn b() {\n    }\n}\n\nfn c() {\n    #[cfg(test)]\n    d();\n    e();\n}\n\n#[cfg(test)]\nmod more {\n    fn f() {}\n}\n";
    let left: Vec<&str> = code(text).into_iter().map(|(_, line)| line).collect();
    let left: Vec<&str> = left.into_iter().filter(|line| !line.is_empty()).collect();
    assert_eq!(left, ["mod a;", "use x;", "fn c() {", "    e();", "}"]);
    // `mod tests;` is near the top of this file: all behind it counts
    let trail = fs::read_to_string(root().join("src/trail.rs")).unwrap();
    let lines = code(&trail);
    assert!(lines.len() + 5 > trail.lines().count(), "{}", lines.len());
}

#[test]
fn a_module_imports_only_what_stands_above_it() {
    let table = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let order: Vec<&str> = table
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'))
        .collect();
    let place = |module: &str| order.iter().position(|name| *name == module);
    for (file, text) in sources("src") {
        let first = file.split('/').next().unwrap().replace(".rs", "");
        let Some(own) = place(&first) else { continue };
        for (number, line) in code(&text) {
            for import in line.split("crate::").skip(1) {
                let module = import
                    .split(|c: char| !c.is_alphanumeric() && c != '_')
                    .next()
                    .unwrap();
                if let Some(theirs) = place(module) {
                    assert!(
                        theirs <= own,
                        "{file}:{number}: {first} imports {module}, which is listed below it"
                    );
                }
            }
        }
    }
}

/// The lines of code below `src` that hold one of these words, but for files of tests.
fn lines_with(words: &[&str]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (file, text) in sources("src") {
        if file.ends_with("tests.rs") || file.contains("/tests/") {
            continue;
        }
        for (number, line) in code(&text) {
            if words.iter().any(|word| line.contains(word)) {
                let place = format!("{}: {}", number, line.trim());
                found.push((file.clone(), place));
            }
        }
    }
    found
}

#[test]
fn the_report_formats_what_was_assessed_and_changes_nothing() {
    let analysis = ["Grid::new", "Completeness::new", "trail::stops", "Timeline"];
    let changes = [
        "&mut Coverage",
        "coverage.problem(",
        "take_digests",
        "coverage.internal(",
    ];
    let words: Vec<&str> = analysis.into_iter().chain(changes).collect();
    let lines = lines_with(&words).into_iter();
    let of_report: Vec<_> = lines
        .filter(|(file, _)| file.starts_with("report/") || file == "report.rs")
        .collect();
    assert!(
        of_report.is_empty(),
        "belongs into src/assess or a stage before it: {of_report:?}"
    );
}

#[test]
fn durations_are_worded_and_the_window_is_turned_into_seconds_in_one_place() {
    for (words, own) in [
        (&["\"minute\"", "\"second\""], "words.rs"),
        (&["since.map(|", "until.map(|time"], "window.rs"),
    ] {
        for (file, line) in lines_with(words) {
            let is_time = line.contains(".timestamp()") || own == "words.rs";
            assert!(
                file == own || !is_time,
                "src/{file}:{line}: belongs into src/{own}"
            );
        }
    }
}

#[test]
fn no_file_is_longer_than_a_reader_can_hold() {
    for (file, text) in sources("src") {
        let lines = code(&text).len();
        assert!(
            lines <= 450,
            "{file}: {lines} lines without its tests: split it by noun"
        );
    }
}

#[test]
fn citations_can_be_followed_from_the_checkout() {
    for (file, text) in sources("src") {
        for (number, line) in text.lines().enumerate() {
            // research notes that are not part of the repository, and their sections
            for note in [
                "(facts,",
                "hipaa.md",
                "design, section",
                "house.md",
                "sigma.md",
            ] {
                assert!(
                    !line.to_lowercase().contains(note),
                    "src/{file}:{}: cite AWS's page, the CFR section or a module, not {note}",
                    number + 1
                );
            }
        }
    }
}

#[test]
fn samples_name_only_documentation_accounts() {
    let known = [
        "111122223333",
        "444455556666",
        "777788889999",
        "123456789012",
        "555555555555",
    ];
    for file in files(&root().join("samples"), ".jsonl") {
        let text = fs::read_to_string(&file).unwrap();
        for piece in text
            .split("\"accountId\":\"")
            .skip(1)
            .chain(text.split("\"recipientAccountId\":\"").skip(1))
        {
            let account = piece.split('"').next().unwrap();
            let is_account = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
            assert!(
                !is_account || known.contains(&account),
                "{}: {account}",
                file.display()
            );
        }
    }
}
