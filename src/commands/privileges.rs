//! `trailscan privileges`: granted rights, used rights, and a narrower policy.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, bail};

use super::session::{Request, Session};
use super::verdict::Outcome;
use super::{Exit, note, print, print_fitted};
use crate::assess::completeness::Completeness;
use crate::assess::privileges::{PrincipalUse, Privileges};
use crate::cli::{self, PrivilegesFormat};
use crate::config::Config;
use crate::detect::Detector;
use crate::policy::Policies;
use crate::report::privileges::{Document, text};
use crate::rules::RuleSet;
use crate::safe_text::{TerminalText, text};

pub(super) fn run(arguments: &cli::Privileges) -> anyhow::Result<Exit> {
    let config = Config::load(arguments.config.as_deref())?;
    let mut policies = match arguments.policies.as_slice() {
        [] => config.policies.clone(),
        files => {
            no_folders(files)?;
            Policies::read(files, Path::new(""))?
        }
    };
    let (source, roles) = source_and_roles(arguments, &policies);
    select(&mut policies, &roles)?;
    if !arguments.quiet {
        let remarks = config.remarks.iter().chain(&policies.remarks);
        remarks.for_each(|remark| note(&text!("{}", remark)));
    }
    let session = Session::open(Request {
        source: source.as_deref(),
        ..Request::from(arguments)
    })?;
    let found = session.find()?;
    let name = found.source.clone();
    let rules = RuleSet::default();
    let organization = &session.config.organization;
    let detector = Detector::new(&rules, organization);
    let detector = detector.counting_uses(&policies, arguments.sessions);
    let tally = session.detect(found, &detector, None).tally;
    let outside = arguments.include_outside;
    let mut privileges = Privileges::new(&policies, organization, &tally, outside);
    if roles.is_empty() {
        privileges.note_others(&policies, &tally);
    }
    let provenance = session.provenance(&name);
    let completeness = Completeness::new(&provenance, &tally.coverage);
    if !completeness.complete {
        let limit = "This run is incomplete: `trailscan coverage` names what was not read";
        privileges.limits.push(limit.to_owned());
    }
    let window = session.scope.window();
    let document = Document {
        schema: "trailscan.privileges/1",
        source: &provenance.source,
        window: match window.is_asked() {
            true => window.in_words(session.zone()),
            false => String::new(),
        },
        privileges: &privileges,
    };
    if let Some(folder) = &arguments.proposals {
        write_proposals(folder, &privileges.principals, arguments.force)?;
    }
    write(arguments, &document)?;
    let outcome = Outcome {
        incomplete: !completeness.complete,
        ..Outcome::default()
    };
    Ok(outcome.verdict())
}

/// `--policies` takes all that follows it, a SOURCE too.
fn no_folders(files: &[String]) -> anyhow::Result<()> {
    let is_source = |file: &&String| Path::new(file).is_dir() || file.starts_with("s3://");
    match files.iter().find(is_source) {
        Some(folder) => bail!("--policies: {folder} is not a file: write SOURCE before --policies"),
        None => Ok(()),
    }
}

/// The source, and the roles that were named. The first word is a role if the policies name it and no file
/// or folder has its name.
fn source_and_roles(
    arguments: &cli::Privileges,
    policies: &Policies,
) -> (Option<String>, Vec<String>) {
    let mut roles = arguments.role.clone();
    let is_role = |word: &&String| policies.names(word) && !Path::new(word).exists();
    let source = match arguments.source.as_ref().filter(is_role) {
        Some(role) => {
            roles.push(role.clone());
            None
        }
        None => arguments.source.clone(),
    };
    roles.extend(arguments.roles.iter().cloned());
    (source, roles)
}

/// Keeps the roles and users that were named. One without a document is reported by what it used.
fn select(policies: &mut Policies, roles: &[String]) -> anyhow::Result<()> {
    if !roles.is_empty() {
        policies.retain(|one| roles.iter().any(|role| one.is_named(role)));
        for role in roles {
            if !policies.names(role) {
                policies.add_name(role);
            }
        }
    }
    if policies.principals.is_empty() {
        bail!(
            "no role or user is named: give policy documents with --policies FILE, iam.policies in the \
             configuration, or a role with --role"
        );
    }
    Ok(())
}

fn write(arguments: &cli::Privileges, document: &Document<'_>) -> anyhow::Result<()> {
    let is_json = arguments.format == PrivilegesFormat::Json;
    let text = match is_json {
        true => TerminalText::json(&format!("{}\n", serde_json::to_string_pretty(document)?)),
        false => text(document),
    };
    match &arguments.out {
        Some(file) => create(file, text.as_str(), arguments.force),
        None if is_json => print(&text),
        None => print_fitted(&text),
    }
}

fn write_proposals(folder: &Path, principals: &[PrincipalUse], force: bool) -> anyhow::Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    for principal in principals {
        let documents = principal
            .proposal
            .iter()
            .flat_map(|proposal| &proposal.documents);
        for (at, document) in (1..).zip(documents) {
            let number = if at == 1 {
                String::new()
            } else {
                format!("-{at}")
            };
            let file = folder.join(format!("{}{number}.json", principal.name));
            create(
                &file,
                &format!("{}\n", serde_json::to_string_pretty(document)?),
                force,
            )?;
        }
    }
    Ok(())
}

/// Writes a file; one that exists only if it may be replaced.
fn create(path: &Path, text: &str, force: bool) -> anyhow::Result<()> {
    let mut options = OpenOptions::new();
    let options = match force {
        true => options.write(true).create(true).truncate(true),
        false => options.write(true).create_new(true),
    };
    let file = options.open(path);
    let mut file = file.with_context(|| {
        format!(
            "cannot write {} (--force replaces a file that exists)",
            path.display()
        )
    })?;
    file.write_all(text.as_bytes())?;
    Ok(())
}
