//! Build script: reads the rules in `rules/` and writes the list of them, so that a new rule is a new
//! file and nothing else, and the program need not read YAML at each start; names the build by what it
//! is made of, because what one build learned of a log another may read differently; and says which test
//! material is there.
#![allow(
    clippy::print_stdout,
    reason = "it is how a build script talks to cargo"
)]

use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use yaml_serde::Mapping;

fn main() -> io::Result<()> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let mut files = Vec::new();
    walk(&root.join("rules"), &["yml", "yaml"], &mut files)?;
    let name = |file: &PathBuf| {
        let name = file.strip_prefix(&root).unwrap_or(file);
        name.display().to_string()
    };
    files.sort_by_key(name);
    let mut list = String::from("&[\n");
    for file in &files {
        let _ = writeln!(
            list,
            "    Builtin {{ file: {:?}, text: include_str!({:?}), read: {} }},",
            name(file),
            file.display().to_string(),
            read(&fs::read_to_string(file)?)
                .as_deref()
                .unwrap_or("None")
        );
    }
    list.push(']');
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    fs::write(out.join("builtin_rules.rs"), list)?;
    println!("cargo::rustc-env=TRAILSCAN_BUILD={:016x}", build(&root)?);
    test_material(&root);
    Ok(())
}

/// A rule file as the program takes it, in Rust; `None` if it must read the file itself: one of
/// several documents, or one that does not come out of JSON as it went in.
fn read(text: &str) -> Option<String> {
    if text.lines().any(|line| line.starts_with("---")) {
        return None;
    }
    let document: Mapping = yaml_serde::from_str(text).ok()?;
    if document.contains_key("action") {
        return None;
    }
    let json = serde_json::to_string(&document).ok()?;
    let back: Mapping = serde_json::from_str(&json).ok()?;
    (back == document).then(|| format!("Some({json:?})"))
}

/// Says what tests may rely on, so that the others are built as ignored: libtest cannot ignore a test at
/// run time. `shared_data` is not watched: cargo would read all of it before each build.
fn test_material(root: &Path) {
    println!("cargo::rustc-check-cfg=cfg(shared_data, ci_tools)");
    if root.join("../shared/data").is_dir() {
        println!("cargo::rustc-cfg=shared_data");
    }
    println!("cargo::rerun-if-env-changed=TRAILSCAN_REQUIRE_ALL");
    if env::var_os("TRAILSCAN_REQUIRE_ALL").is_some_and(|all| all == "1") {
        println!("cargo::rustc-cfg=ci_tools");
    }
}

/// A number that changes with the sources and with the versions of what they use.
fn build(root: &Path) -> io::Result<u64> {
    let lock = root.join("Cargo.lock");
    println!("cargo::rerun-if-changed={}", lock.display());
    let mut files = vec![lock];
    walk(&root.join("src"), &["rs"], &mut files)?;
    files.sort();
    let mut hasher = DefaultHasher::new();
    for file in files {
        file.strip_prefix(root).unwrap_or(&file).hash(&mut hasher);
        // a published crate may come without its lock file
        fs::read(&file).unwrap_or_default().hash(&mut hasher);
    }
    Ok(hasher.finish())
}

/// Every file of those endings below a folder; the folder and its folders are watched for new files.
fn walk(folder: &Path, endings: &[&str], files: &mut Vec<PathBuf>) -> io::Result<()> {
    println!("cargo::rerun-if-changed={}", folder.display());
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            walk(&path, endings, files)?;
        } else if path
            .extension()
            .is_some_and(|end| endings.iter().any(|ending| end == *ending))
        {
            println!("cargo::rerun-if-changed={}", path.display());
            files.push(path);
        }
    }
    Ok(())
}
