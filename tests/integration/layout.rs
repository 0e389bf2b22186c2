//! The house as `lib.rs` draws it: modules import only what stands above them, files stay small,
//! and samples name nobody real.

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

/// The lines of a file before its tests.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    text.split("#[cfg(test)]").next().unwrap().to_owned()
}

#[test]
fn a_module_imports_only_what_stands_above_it() {
    let table = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let order: Vec<&str> = table
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'))
        .collect();
    let place = |module: &str| order.iter().position(|name| *name == module);
    for file in files(&root().join("src"), ".rs") {
        let below = file.strip_prefix(root().join("src")).unwrap();
        let first = below
            .iter()
            .next()
            .unwrap()
            .to_string_lossy()
            .replace(".rs", "");
        let Some(own) = place(&first) else { continue };
        for (number, line) in code(&file).lines().enumerate() {
            for import in line.split("crate::").skip(1) {
                let module = import
                    .split(|c: char| !c.is_alphanumeric() && c != '_')
                    .next()
                    .unwrap();
                if let Some(theirs) = place(module) {
                    assert!(
                        theirs <= own,
                        "{}:{}: {first} imports {module}, which stands below it",
                        below.display(),
                        number + 1
                    );
                }
            }
        }
    }
}

#[test]
fn no_file_is_longer_than_a_reader_can_hold() {
    for file in files(&root().join("src"), ".rs") {
        let lines = code(&file).lines().count();
        assert!(
            lines <= 450,
            "{}: {lines} lines before its tests: split it by noun",
            file.display()
        );
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
