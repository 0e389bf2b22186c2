//! What a command that reads logs is asked for: the groups of arguments that such commands share.

use std::path::{Path, PathBuf};

use anyhow::bail;

use crate::cli::{
    AwsChoice, Coverage, DigestChoice, Init, Investigate, Privileges, RuleSource, Run, Running,
    Search, Selection, Verify,
};

/// The arguments that [`Session::open`](super::Session::open) resolves.
#[derive(Clone, Copy)]
pub(in crate::commands) struct Request<'a> {
    pub(in crate::commands) source: Option<&'a str>,
    pub(in crate::commands) selection: &'a Selection,
    /// The configuration file, if one was named.
    pub(in crate::commands) config: Option<&'a Path>,
    /// `None` for a command that evaluates no rules.
    pub(in crate::commands) rules: Option<&'a RuleSource>,
    /// IAM's credential report: a file, or `live`.
    pub(in crate::commands) credential_report: Option<&'a Path>,
    /// Files with saved settings of trails.
    pub(in crate::commands) trail_settings: &'a [PathBuf],
    /// Compare logs with their digests.
    pub(in crate::commands) verify: bool,
    /// Read digests and the logs they name, and no events; the window is one of delivery.
    pub(in crate::commands) only_digests: bool,
    pub(in crate::commands) digests: Option<&'a DigestChoice>,
    /// The state file, if one was named.
    pub(in crate::commands) state: Option<&'a Path>,
    /// Read only objects that no earlier run has read.
    pub(in crate::commands) incremental: bool,
    pub(in crate::commands) running: &'a Running,
    pub(in crate::commands) aws: &'a AwsChoice,
    pub(in crate::commands) quiet: bool,
}

impl<'a> From<&'a Run> for Request<'a> {
    fn from(run: &'a Run) -> Self {
        Self {
            source: run.source.as_deref(),
            selection: &run.selection,
            config: run.rule_choice.config.as_deref(),
            rules: Some(&run.rule_choice.from),
            credential_report: run.credential_report.as_deref(),
            trail_settings: &run.trails.trail_settings,
            verify: run.verify,
            only_digests: false,
            digests: Some(&run.digests),
            state: run.state.as_deref(),
            incremental: run.incremental,
            running: &run.running,
            aws: &run.aws,
            quiet: run.quiet,
        }
    }
}

impl<'a> From<&'a Coverage> for Request<'a> {
    fn from(coverage: &'a Coverage) -> Self {
        Self {
            source: coverage.source.as_deref(),
            selection: &coverage.selection,
            config: coverage.rule_choice.config.as_deref(),
            rules: Some(&coverage.rule_choice.from),
            credential_report: None,
            trail_settings: &coverage.trails.trail_settings,
            verify: coverage.verify,
            only_digests: false,
            digests: Some(&coverage.digests),
            state: coverage.state.as_deref(),
            incremental: false,
            running: &coverage.running,
            aws: &coverage.aws,
            quiet: coverage.quiet,
        }
    }
}

impl<'a> From<&'a Verify> for Request<'a> {
    fn from(verify: &'a Verify) -> Self {
        Self {
            source: verify.source.as_deref(),
            selection: &verify.selection,
            config: verify.config.as_deref(),
            rules: None,
            credential_report: None,
            trail_settings: &[],
            verify: true,
            only_digests: true,
            digests: Some(&verify.digests),
            state: None,
            incremental: false,
            running: &verify.running,
            aws: &verify.aws,
            quiet: verify.quiet,
        }
    }
}

impl<'a> From<&'a Privileges> for Request<'a> {
    fn from(privileges: &'a Privileges) -> Self {
        Self {
            source: privileges.source.as_deref(),
            config: privileges.config.as_deref(),
            ..Self::of_records(
                &privileges.selection,
                &privileges.running,
                &privileges.aws,
                privileges.quiet,
            )
        }
    }
}

impl<'a> From<&'a Search> for Request<'a> {
    fn from(search: &'a Search) -> Self {
        Self {
            source: search.source.as_deref(),
            config: search.config.as_deref(),
            ..Self::of_records(
                &search.selection,
                &search.running,
                &search.aws,
                search.quiet,
            )
        }
    }
}

impl<'a> From<&'a Investigate> for Request<'a> {
    fn from(investigate: &'a Investigate) -> Self {
        Self {
            source: investigate.source.as_deref(),
            config: investigate.config.as_deref(),
            ..Self::of_records(
                &investigate.selection,
                &investigate.running,
                &investigate.aws,
                investigate.quiet,
            )
        }
    }
}

impl<'a> Request<'a> {
    /// A request of a command that reads records, with rules of its own or none.
    const fn of_records(
        selection: &'a Selection,
        running: &'a Running,
        aws: &'a AwsChoice,
        quiet: bool,
    ) -> Self {
        Self {
            source: None,
            selection,
            config: None,
            rules: None,
            credential_report: None,
            trail_settings: &[],
            verify: false,
            only_digests: false,
            digests: None,
            state: None,
            incremental: false,
            running,
            aws,
            quiet,
        }
    }
}

impl<'a> Request<'a> {
    /// What `init --from-logs` reads.
    pub(in crate::commands) const fn of_init(init: &'a Init, source: &'a str) -> Self {
        Self {
            source: Some(source),
            ..Self::of_records(&init.selection, &init.running, &init.aws, false)
        }
    }
}

impl Request<'_> {
    /// Options about digests have no effect if none are read.
    pub(super) fn check_digests(&self) -> anyhow::Result<()> {
        let about_digests = |choice: &DigestChoice| {
            !choice.public_keys.is_empty() || choice.original_bucket.is_some()
        };
        if self.digests.is_some_and(about_digests) && !self.verify {
            bail!("--public-keys and --original-bucket are for digests: add --verify");
        }
        Ok(())
    }
}
