//! A narrower policy: the documents, without what was not used.
//!
//! Each statement that allows something is kept with its conditions and cut down to the actions and
//! resources that were used under it; statements that deny stay as they are. So the proposal allows what
//! was used and was allowed, and nothing that the documents do not allow.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Map, Value as Json, json};

use super::principal::{About, unseen};
use super::{ENOUGH_DAYS, PrincipalUse, Used};
use crate::policy::{Effect, Set, Statement, characters};
use crate::words::plural;

/// The most characters, without white space, of a managed policy, and the most managed policies of a role
/// before its quota is raised (IAM user guide, "IAM and AWS STS quotas").
const MOST_CHARACTERS: usize = 6_144;
const MOST_POLICIES: usize = 10;

/// A policy that allows what was used.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Proposal {
    /// One document, or several if one would be too long for a managed policy. All of them are needed.
    pub documents: Vec<Json>,
    /// What to consider before it is used.
    pub warnings: Vec<String>,
    /// Actions that it allows although no use was seen, because their use cannot be seen.
    pub kept_unseen: Vec<String>,
    /// Actions that were used outside the documents and that it does not allow.
    pub left_out: Vec<String>,
}

/// What is allowed of one statement: resources by action. An empty resource stands for the statement's own.
type Cut = BTreeMap<String, BTreeSet<String>>;

/// Proposes a policy.
///
/// # Errors
/// None can be proposed; the text says why.
pub(super) fn propose(
    about: &About<'_>,
    uses: &PrincipalUse,
    outside: bool,
) -> Result<Proposal, String> {
    if about.is_break_glass {
        return Err(
            "it is for emergencies (principals.break_glass): what an emergency needs is not what was used \
             before it"
                .to_owned(),
        );
    }
    let principal = about.principal;
    let mut cuts: BTreeMap<usize, Cut> = BTreeMap::new();
    let mut new = Cut::new();
    for used in &uses.used {
        match (used.at, principal.has_document) {
            (Some(at), _) => add(cuts.entry(at).or_default(), used),
            (None, false) => add(&mut new, used),
            // a key policy, or a policy that was not given, allows it
            (None, true) => {}
        }
    }
    let mut kept_unseen = BTreeSet::new();
    for (at, statement) in principal.statements.iter().enumerate() {
        if statement.effect == Effect::Deny {
            continue;
        }
        let patterns = statement.actions.patterns.iter();
        let literal = patterns.filter(|pattern| !statement.actions.except && pattern.is_literal());
        let hidden = literal.filter(|pattern| unseen(pattern.as_str(), about.coverage).is_some());
        let hidden = hidden.map(|pattern| pattern.as_str().to_owned());
        let has_wildcard =
            |set: &Set| set.except || !set.patterns.iter().all(|one| one.is_literal());
        let below = about.hidden_below(statement).into_iter();
        let below = below.filter(|_| has_wildcard(&statement.actions));
        let is_seen = |action: &String| {
            let mut used = uses.used.iter();
            used.any(|one| one.action.eq_ignore_ascii_case(action))
        };
        for action in hidden.chain(below.map(|(action, _)| action.to_owned())) {
            if is_seen(&action) {
                continue;
            }
            let cut = cuts.entry(at).or_default();
            cut.insert(action.clone(), BTreeSet::from([String::new()]));
            kept_unseen.insert(action);
        }
    }
    for used in uses.outside.iter().filter(|_| outside) {
        add(&mut new, used);
    }
    if cuts.is_empty() && new.is_empty() {
        return Err("nothing that its documents allow was used: consider removing it".to_owned());
    }
    let mut statements = Vec::new();
    for (at, statement) in principal.statements.iter().enumerate() {
        match (statement.effect, cuts.get(&at)) {
            (Effect::Deny, _) => statements.push(whole(statement)),
            (Effect::Allow, Some(cut)) => statements.extend(cut_down(statement, cut)),
            (Effect::Allow, None) => {}
        }
    }
    statements.extend(grouped(&new).into_iter().map(|(actions, resources)| {
        let resources = match resources.contains("") {
            true => BTreeSet::from(["*".to_owned()]),
            false => resources,
        };
        json!({"Sid": "Used", "Effect": "Allow", "Action": actions, "Resource": resources})
    }));
    let mut statements = divided(statements);
    name_apart(&mut statements);
    let documents = packed(statements);
    let left_out = uses.outside.iter().filter(|_| !outside);
    let left_out: BTreeSet<String> = left_out.map(|used| used.action.clone()).collect();
    Ok(Proposal {
        warnings: warnings(about, &documents),
        documents,
        kept_unseen: kept_unseen.into_iter().collect(),
        left_out: left_out.into_iter().collect(),
    })
}

fn add(cut: &mut Cut, used: &Used) {
    let resources = cut.entry(used.action.clone()).or_default();
    resources.insert(used.resource.clone());
}

fn warnings(about: &About<'_>, documents: &[Json]) -> Vec<String> {
    let mut warnings = Vec::new();
    if about.evidence_days < ENOUGH_DAYS {
        warnings.push(format!(
            "It rests on {} of logs. With less than {ENOUGH_DAYS} days it may lack what is done once a month \
             or a quarter",
            plural(about.evidence_days, "day")
        ));
    }
    if documents.len() > 1 {
        warnings.push(format!(
            "It is split into {} documents, because IAM takes at most {MOST_CHARACTERS} characters in a managed \
             policy; attach all of them",
            documents.len()
        ));
    }
    if documents.len() > MOST_POLICIES {
        warnings.push(format!(
            "A role has at most {MOST_POLICIES} managed policies unless AWS raises the quota"
        ));
    }
    if !about.principal.missing.is_empty() {
        warnings.push(
            "Policies that are attached and whose documents were not given stay as they are"
                .to_owned(),
        );
    }
    warnings
}

/// A statement as it is written.
fn whole(statement: &Statement) -> Json {
    let mut members = head(statement);
    put_set(&mut members, &statement.actions, ["Action", "NotAction"]);
    put_set(
        &mut members,
        &statement.resources,
        ["Resource", "NotResource"],
    );
    tail(members, statement)
}

/// The statements that allow of a statement what was used.
fn cut_down(statement: &Statement, cut: &Cut) -> Vec<Json> {
    let groups = grouped(cut).into_iter();
    groups
        .map(|(actions, resources)| {
            let mut members = head(statement);
            members.insert("Action".to_owned(), json!(actions));
            match resources.contains("") {
                true => put_set(
                    &mut members,
                    &statement.resources,
                    ["Resource", "NotResource"],
                ),
                false => {
                    members.insert("Resource".to_owned(), json!(resources));
                }
            }
            tail(members, statement)
        })
        .collect()
}

/// Actions that have the same resources, together.
fn grouped(cut: &Cut) -> Vec<(Vec<String>, BTreeSet<String>)> {
    let mut groups: Vec<(Vec<String>, BTreeSet<String>)> = Vec::new();
    for (action, resources) in cut {
        let alike = |resources: &BTreeSet<String>| match resources.contains("") {
            true => BTreeSet::from([String::new()]),
            false => resources.clone(),
        };
        let resources = alike(resources);
        match groups.iter_mut().find(|(_, known)| *known == resources) {
            Some((actions, _)) => actions.push(action.clone()),
            None => groups.push((vec![action.clone()], resources)),
        }
    }
    groups
}

fn head(statement: &Statement) -> Map<String, Json> {
    let effect = match statement.effect {
        Effect::Allow => "Allow",
        Effect::Deny => "Deny",
    };
    let sid: String = statement
        .sid
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect();
    let mut members = Map::new();
    if !sid.is_empty() {
        members.insert("Sid".to_owned(), json!(sid));
    }
    members.insert("Effect".to_owned(), json!(effect));
    members
}

fn put_set(members: &mut Map<String, Json>, set: &Set, [of, except]: [&str; 2]) {
    let patterns: Vec<&str> = set
        .patterns
        .iter()
        .map(|pattern| pattern.as_str())
        .collect();
    let name = if set.except { except } else { of };
    members.insert(name.to_owned(), json!(patterns));
}

fn tail(mut members: Map<String, Json>, statement: &Statement) -> Json {
    if !statement.condition.is_null() {
        members.insert("Condition".to_owned(), statement.condition.clone());
    }
    Json::Object(members)
}

/// Gives every statement a Sid of its own: IAM refuses a document that has one twice.
fn name_apart(statements: &mut [Json]) {
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    let mut given: BTreeSet<String> = BTreeSet::new();
    for statement in statements {
        let Some(sid) = statement
            .get("Sid")
            .and_then(Json::as_str)
            .map(str::to_owned)
        else {
            continue;
        };
        let count = known.entry(sid.clone()).or_default();
        let apart = loop {
            *count += 1;
            let apart = match *count {
                1 => sid.clone(),
                number => format!("{sid}{number}"),
            };
            if given.insert(apart.clone()) {
                break apart;
            }
        };
        if let Some(members) = statement.as_object_mut() {
            members.insert("Sid".to_owned(), json!(apart));
        }
    }
}

/// The characters of a document with these statements.
fn size(statements: &[Json]) -> usize {
    characters(&document(statements).to_string())
}

/// Statements that each fit a managed policy. One that is too long is divided by its resources, else by
/// its actions.
fn divided(statements: Vec<Json>) -> Vec<Json> {
    let mut waiting: Vec<Json> = statements.into_iter().rev().collect();
    let mut fitting = Vec::new();
    while let Some(next) = waiting.pop() {
        // room for the numbers that make Sids differ
        match halves(&next).filter(|_| size(std::slice::from_ref(&next)) + 20 > MOST_CHARACTERS) {
            Some([first, second]) => waiting.extend([second, first]),
            None => fitting.push(next),
        }
    }
    fitting
}

/// Documents that IAM takes as managed policies.
fn packed(statements: Vec<Json>) -> Vec<Json> {
    let mut documents = Vec::new();
    let mut open: Vec<Json> = Vec::new();
    for next in statements {
        open.push(next);
        if size(&open) > MOST_CHARACTERS && open.len() > 1 {
            let last = open.pop();
            documents.push(document(&open));
            open = last.into_iter().collect();
        }
    }
    documents.push(document(&open));
    documents
}

fn document(statements: &[Json]) -> Json {
    json!({"Version": "2012-10-17", "Statement": statements})
}

/// The longest list of a statement in two; `None` if no list can be divided. What a list excludes must
/// stay together.
fn halves(statement: &Json) -> Option<[Json; 2]> {
    let length = |name: &&str| {
        let list = statement.get(*name).and_then(Json::as_array);
        list.map_or(0, |list| {
            list.iter().map(|one| one.to_string().len()).sum::<usize>()
        })
    };
    let divisible = |name: &&str| {
        let list = statement.get(*name).and_then(Json::as_array);
        list.is_some_and(|list| list.len() > 1)
    };
    let names = ["Resource", "Action"].into_iter().filter(divisible);
    let name = names.max_by_key(length)?;
    let list = statement.get(name)?.as_array()?;
    let (first, second) = list.split_at(list.len() / 2);
    let with = |part: &[Json]| {
        let mut one = statement.clone();
        one.as_object_mut()?.insert(name.to_owned(), json!(part));
        Some(one)
    };
    Some([with(first)?, with(second)?])
}
