//! `trailscan init`: a commented configuration to begin with.

mod from_logs;
mod from_policy;

use std::borrow::Cow;
use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, bail};

use super::{Exit, print_fitted};
use crate::cli::Init;
use crate::safe_text::{is_hidden, text};

const TEMPLATE: &str = include_str!("init.toml");

pub(super) fn run(arguments: &Init) -> anyhow::Result<Exit> {
    if !arguments.from_policy.is_empty() {
        return from_policy::run(&arguments.from_policy);
    }
    // logs are not read for a file that cannot be written
    if Path::new("trailscan.toml").symlink_metadata().is_ok() {
        bail!("cannot write trailscan.toml: it exists, and an existing one is never overwritten");
    }
    let text: Cow<'_, str> = match &arguments.from_logs {
        Some(source) => from_logs::propose(arguments, source)?.into(),
        None => TEMPLATE.into(),
    };
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open("trailscan.toml")
        .context("cannot write trailscan.toml (an existing one is never overwritten)")?;
    file.write_all(text.as_bytes())?;
    print_fitted(&match arguments.from_logs {
        None => text!("Wrote trailscan.toml; each setting is explained by a comment.\n"),
        Some(_) => text!(
            "Wrote trailscan.toml; each line has its evidence in a comment. Lines that would silence rules \
             begin with `#:` until somebody has looked at them.\n"
        ),
    })?;
    Ok(Exit::Done)
}

/// A TOML string. Characters that cannot be seen stand as escapes.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if is_hidden(c) => {
                let _ = write!(out, "\\U{:08x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_template_is_a_configuration_with_or_without_its_comments() {
        let path = std::path::Path::new("trailscan.toml");
        crate::config::Config::parse(super::TEMPLATE, path).unwrap();
        let bare: String = super::TEMPLATE
            .lines()
            .map(|line| line.strip_prefix("#: ").unwrap_or(line).to_owned() + "\n")
            .collect();
        // it names files that are not there
        let missing = crate::config::Config::parse(&bare, path).unwrap_err();
        assert!(
            missing.to_string().contains("access-keys.json"),
            "{missing}"
        );
        let folder = tempfile::tempdir().unwrap();
        let policy = r#"{"Version":"2012-10-17","Statement":[]}"#;
        let role = "clinic-backend-task-role.json";
        std::fs::write(folder.path().join(role), policy).unwrap();
        let keys = r#"{"AccessKeyMetadata":[]}"#;
        for (file, text) in [
            ("access-keys.json", keys),
            ("credential-report.csv", keys),
            ("leavers.txt", "# 2026\nleaver.jones\n"),
        ] {
            std::fs::write(folder.path().join(file), text).unwrap();
        }
        let path = folder.path().join("trailscan.toml");
        let config = crate::config::Config::parse(&bare, &path).unwrap();
        assert_eq!(
            config.rules.configured,
            [
                "calendar",
                "s3.required_encryption",
                "environments",
                "iam.access_keys",
                "history",
                "session.max_hours",
                "networks.allowed",
                "secrets.allow",
                "principals.terminated",
                "principals.break_glass",
                "principals.admins",
                "principals.automation"
            ]
        );
        assert_eq!(config.organization.learning_days, Some(30));
        for (name, key) in crate::rules::placeholders::BUILT_IN {
            let filled = config.rules.placeholders.get(name).map(Vec::len);
            assert!(filled > Some(0), "the template shows no example of {key}");
        }
    }
}
