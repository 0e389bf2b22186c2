//! What runs remember: the state file, opened for this run.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Request;
use crate::commands::note;
use crate::commands::writers::warn_of_writers;
use crate::config::Config;
use crate::history::History;
use crate::rules::RuleSet;
use crate::safe_text::text;
use crate::sha256;
use crate::state::State;
use crate::tally::Tally;
use crate::words::plural;

/// Decides what is new, by what the state file knows, and has it know of this run.
pub(in crate::commands) fn apply_history(
    rules: &RuleSet,
    tally: &mut Tally,
    state: Option<&State>,
    learning_days: Option<u16>,
) -> anyhow::Result<()> {
    let mut history = history(rules, state)?;
    history.settle(rules, tally, learning_days);
    if let Some(state) = state {
        state.remember(&history)?;
    }
    Ok(())
}

/// What earlier runs know of what was first seen when.
pub(in crate::commands) fn history(
    rules: &RuleSet,
    state: Option<&State>,
) -> anyhow::Result<History> {
    let Some(state) = state else {
        return Ok(History::default());
    };
    let mut history = state.history(History::asking(rules))?;
    history.take_over(rules, &state.history(History::formerly(rules))?);
    Ok(history)
}

/// The state file: the one that was named, or with `--incremental` the one beside the configuration.
pub(super) fn path(request: &Request<'_>, config: &Config) -> Option<PathBuf> {
    let beside = || {
        let origin = config.origin.as_ref().map(|(file, _)| Path::new(file));
        let folder = origin.and_then(Path::parent).unwrap_or(Path::new(""));
        folder.join("trailscan.state")
    };
    let default = || request.incremental.then(beside);
    request.state.map(Path::to_owned).or_else(default)
}

/// Opens the state file, where one is asked for. Cached scans are opened for these rules, this configuration
/// and this program: what was learned with others does not hold.
pub(super) fn open(
    request: &Request<'_>,
    config: &Config,
    rules: &RuleSet,
) -> anyhow::Result<Option<Arc<State>>> {
    let Some(path) = path(request, config) else {
        return Ok(None);
    };
    warn_of_writers(path.parent().unwrap_or(&path));
    if !request.incremental {
        return Ok(Some(Arc::new(State::open(&path, None)?)));
    }
    let (_, text) = config.origin.clone().unwrap_or_default();
    // cached scans refer to rules by their index in the set
    let places: Vec<_> = rules.rules.iter().map(|rule| &*rule.name).collect();
    let files: Vec<_> = config.files.iter().map(|(_, hash)| &**hash).collect();
    let cached_with = [
        env!("TRAILSCAN_BUILD"),
        &rules.hash,
        &places.join(" "),
        &text,
        &files.join(" "),
        &request.running.max_object_mib.to_string(),
    ];
    let fingerprint = sha256::hex([cached_with.join("\n").as_bytes()]);
    let state = State::open(&path, Some(&fingerprint))?;
    if state.discarded() > 0 {
        note(&text!(
            "{} was written with other rules, configuration or version; re-reading {}",
            path.as_path(),
            plural(state.discarded(), "object")
        ));
    }
    Ok(Some(Arc::new(state)))
}
