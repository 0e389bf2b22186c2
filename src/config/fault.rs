//! What is wrong with a configuration.

use std::path::{Path, PathBuf};

/// One thing that is wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// From 1; `None` if it is about no line.
    pub line: Option<usize>,
    /// The key, what is wrong with it and what was expected.
    pub what: String,
}

/// A configuration that cannot be used; the message says where and what to write instead.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("cannot read {path}: {error}")]
    Unreadable {
        path: PathBuf,
        error: std::io::Error,
    },
    #[error("{}", listed(.path, .faults))]
    Faulty { path: PathBuf, faults: Vec<Fault> },
}

/// A line for each fault: `trailscan.toml:12: phi.buckets: …`.
fn listed(path: &Path, faults: &[Fault]) -> String {
    let one = |fault: &Fault| {
        let line = fault.line.map(|line| format!(":{line}"));
        format!(
            "{}{}: {}",
            path.display(),
            line.unwrap_or_default(),
            fault.what
        )
    };
    faults.iter().map(one).collect::<Vec<_>>().join("\n")
}

/// Takes a value, or notes the fault and goes on without it.
pub(super) fn taken<T: Default>(read: Result<T, String>, faults: &mut Vec<String>) -> T {
    read.unwrap_or_else(|what| {
        faults.push(what);
        T::default()
    })
}
