//! Runs the real program: a clean environment, no network, its own folder for the report.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "each test file uses its part, and a test may fail loudly"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// A finished `trailscan run` and what it wrote.
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
    pub folder: tempfile::TempDir,
}

impl Ran {
    pub fn file(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join("report").join(name))
            .unwrap_or_else(|error| panic!("{name}: {error}\n{}", self.stderr))
    }

    pub fn json(&self, name: &str) -> Value {
        serde_json::from_str(&self.file(name)).unwrap()
    }

    /// `run.json`'s counts: `objects` or `records`.
    pub fn count(&self, of: &str, what: &str) -> u64 {
        self.json("run.json")["coverage"][of][what]
            .as_u64()
            .unwrap()
    }

    /// Both identities of the design, from the numbers as printed.
    pub fn assert_identities(&self) {
        let o = |what| self.count("objects", what);
        let r = |what| self.count("records", what);
        assert_eq!(
            o("listed"),
            o("read") + o("refused") + o("archived") + o("broken")
        );
        assert_eq!(
            r("records"),
            r("bad") + r("outside") + r("duplicates") + r("evaluated")
        );
    }

    /// Rule, level, actor, resource and count of every finding.
    pub fn findings(&self) -> Vec<String> {
        let findings = self.json("findings.json");
        let text = |finding: &Value, key: &str| finding[key].as_str().unwrap().to_owned();
        let line = |finding: &Value| {
            format!(
                "{} {} {} → {}: {}",
                text(finding, "level"),
                text(finding, "rule"),
                text(finding, "actor"),
                text(finding, "resource"),
                finding["count"]
            )
        };
        findings["findings"]
            .as_array()
            .unwrap()
            .iter()
            .map(line)
            .collect()
    }
}

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub fn samples(below: &str) -> PathBuf {
    root().join("samples").join(below)
}

/// Public logs and rules of others, beside the checkout, for a test that also uses them. A test that is
/// about nothing else is ignored without them (`cfg(shared_data)`) and calls [`shared_data`].
pub fn shared(below: &str) -> Option<PathBuf> {
    let path = root().parent()?.join("shared/data").join(below);
    path.exists().then_some(path)
}

/// The same for a test that is about nothing else.
///
/// # Panics
/// It is absent: since the tests were built, or the test was run although it is ignored.
pub fn shared_data(below: &str) -> PathBuf {
    shared(below).unwrap_or_else(|| {
        panic!("../shared/data/{below} is not here (once it is: touch src/rules/embed.rs)")
    })
}

/// A program or server that `.ci/run` provides, for a test that is ignored without it (`cfg(ci_tools)`).
///
/// # Panics
/// The variable is not set.
pub fn tool(variable: &str) -> String {
    std::env::var(variable)
        .unwrap_or_else(|_| panic!("{variable} is not set: `bash .ci/run` installs it and sets it"))
}

/// The program with nothing of this machine in its environment.
pub fn trailscan() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trailscan"));
    command
        .env_clear()
        .env("SOURCE_DATE_EPOCH", "1795305600")
        .env("NO_COLOR", "1")
        .current_dir(root());
    command
}

/// The program with the credentials of the servers on loopback.
pub fn signed_in() -> Command {
    let mut command = trailscan();
    command
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("AWS_REGION", "us-east-1");
    command
}

/// `trailscan run SOURCE ARGUMENTS`.
pub fn run(source: impl AsRef<std::ffi::OsStr>, arguments: &[&str]) -> Ran {
    let mut command = trailscan();
    command.arg("run").arg(source).args(arguments);
    finish(command)
}

/// Arguments for tests that are not about rules: a small set of rules that does not grow with the
/// program's own, so that a new rule changes no snapshot of another subject. It also starts faster.
pub const FIXED_RULES: [&str; 3] = ["--no-builtin-rules", "--rules", "tests/integration/rules"];

/// `trailscan run SOURCE ARGUMENTS` with [`FIXED_RULES`].
pub fn run_fixed(source: impl AsRef<std::ffi::OsStr>, arguments: &[&str]) -> Ran {
    run(source, &[arguments, &FIXED_RULES].concat())
}

/// Runs a prepared `trailscan run`, with a folder for its report.
pub fn finish(mut command: Command) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    let Output {
        status,
        stdout,
        stderr,
    } = command
        .arg("--out")
        .arg(folder.path().join("report"))
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ran {
        code: status.code().unwrap(),
        stdout: text(stdout),
        stderr: text(stderr),
        folder,
    }
}
