//! `trailscan init --from-policy`: the configuration that IAM policies imply, each value with the statement
//! that it comes from.

mod written;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context as _;

use crate::commands::{Exit, note, print};
use crate::config::Config;
use crate::policy::{Effect, Pattern, Policies, Principal, Statement};
use crate::safe_text::{TerminalText, text};
use crate::source::key::is_account;
use written::{comment, list, section, table};

/// Actions that programs use and people do not. A principal that holds one is a workload, whatever its trust
/// policy says.
const OF_PROGRAMS: [&str; 6] = [
    "cloudwatch:PutMetricData",
    "ecr:BatchGetImage",
    "logs:PutLogEvents",
    "rds-db:connect",
    "sqs:ReceiveMessage",
    "xray:PutTraceSegments",
];

const OBJECTS: [&str; 3] = ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"];
const SECRETS: [&str; 3] = [
    "secretsmanager:DescribeSecret",
    "secretsmanager:GetSecretValue",
    "ssm:GetParameter",
];

pub(super) fn run(files: &[String]) -> anyhow::Result<Exit> {
    let policies = Policies::read(files, Path::new(""))?;
    for remark in &policies.remarks {
        note(&text!("{}", remark));
    }
    let proposal = propose(&policies, files);
    // what is printed must be what `trailscan` reads
    Config::parse(&proposal, Path::new("trailscan.toml"))
        .context("the proposed configuration cannot be read, which is a bug in trailscan")?;
    print(&TerminalText::from_escaped(format_args!("{proposal}")))?;
    Ok(Exit::Done)
}

/// Values of one key, each with the statements that it comes from.
type Values = BTreeMap<String, Vec<String>>;

/// What the policies imply.
#[derive(Default)]
struct Found {
    accounts: Values,
    regions: Values,
    buckets: Values,
    secrets: Values,
    kms_keys: Values,
    tables: Values,
    workload: Values,
    secret_regions: Values,
    /// By role or user.
    allow: BTreeMap<String, Values>,
    /// By bucket.
    encryption: BTreeMap<String, Values>,
    prefixes: Values,
    environments: BTreeMap<&'static str, Values>,
    /// What could not be proposed, and why.
    open: Vec<String>,
}

/// The configuration.
fn propose(policies: &Policies, files: &[String]) -> String {
    let mut found = Found::default();
    for principal in &policies.principals {
        found.principal(principal);
    }
    found.close();
    let mut out = String::from(
        "# Proposed by `trailscan init --from-policy`. Each value names the statement that it comes from. A\n\
         # policy says what a role may do, not what is right: review every line. `trailscan init` explains\n\
         # all keys.\n",
    );
    section(
        &mut out,
        "scope",
        &[("accounts", &found.accounts), ("regions", &found.regions)],
    );
    section(
        &mut out,
        "phi",
        &[
            ("buckets", &found.buckets),
            ("secrets", &found.secrets),
            ("kms_keys", &found.kms_keys),
            ("tables", &found.tables),
        ],
    );
    section(&mut out, "principals", &[("workload", &found.workload)]);
    section(
        &mut out,
        "secrets",
        &[("allowed_regions", &found.secret_regions)],
    );
    table(&mut out, "secrets.allow", &found.allow);
    section(&mut out, "s3", &[("allowed_list_prefix", &found.prefixes)]);
    table(&mut out, "s3.required_encryption", &found.encryption);
    let environments = found.environments.into_iter();
    let environments = environments.map(|(name, values)| (name.to_owned(), values));
    table(&mut out, "environments", &environments.collect());
    let files = files.iter().map(|file| (file.clone(), Vec::new()));
    out.push_str(
        "\n# The documents that `trailscan privileges` and the report compare use with.\n[iam]\n",
    );
    list(&mut out, "policies", &files.collect());
    if !found.open.is_empty() {
        out.push_str("\n# Not proposed:\n");
    }
    for open in found.open {
        let _ = writeln!(out, "# {}", comment(&open));
    }
    out
}

impl Found {
    fn principal(&mut self, principal: &Principal) {
        if let Some(account) = principal.arn.as_deref().and_then(account_of) {
            let evidence = principal.arn.clone().unwrap_or_default();
            put(&mut self.accounts, account, evidence);
        }
        self.workload(principal);
        self.environment(&principal.name, &principal.name);
        for statement in &principal.statements {
            if statement.effect == Effect::Allow {
                self.statement(principal, statement);
            }
        }
    }

    /// A role that a service assumes, and whoever holds what only programs use, works at any hour.
    fn workload(&mut self, principal: &Principal) {
        for statement in &principal.trust {
            let services = statement.trusted.iter();
            let mut services = services.filter(|one| one.contains(".amazonaws.com"));
            if let Some(service) = services.next() {
                let evidence = format!("{} trusts {service}", statement.label());
                put(&mut self.workload, &principal.name, evidence);
            }
            for account in statement.trusted.iter().filter_map(|one| account_of(one)) {
                let own = principal.arn.as_deref().and_then(account_of);
                if own.is_some_and(|own| own != account) {
                    self.open.push(format!(
                        "trusted.accounts: {account}, which {} trusts: add it if that is right",
                        statement.label()
                    ));
                }
            }
        }
        let of_programs =
            |statement: &&Statement| statement.effect == Effect::Allow && !statement.actions.except;
        for statement in principal.statements.iter().filter(of_programs) {
            let literal = statement
                .actions
                .patterns
                .iter()
                .filter(|one| one.is_literal());
            let mut own = literal.filter(|one| {
                let text = one.as_str();
                OF_PROGRAMS
                    .iter()
                    .any(|known| known.eq_ignore_ascii_case(text))
            });
            if let Some(action) = own.next() {
                let evidence = evidence(principal, statement, action.as_str(), "");
                put(&mut self.workload, &principal.name, evidence);
            }
        }
        if !self.workload.contains_key(&principal.name) {
            self.open.push(format!(
                "principals.workload: {}, whose policies do not say whether it is a program: add it if it is",
                principal.name
            ));
        }
    }

    fn statement(&mut self, principal: &Principal, statement: &Statement) {
        let action_of = |known: &[&'static str]| {
            let decides = |action: &&&str| statement.actions.decide(action) == Some(true);
            known.iter().find(decides).copied()
        };
        let objects = action_of(&OBJECTS);
        let secrets = action_of(&SECRETS);
        for resource in &statement.resources.patterns {
            if statement.resources.except {
                break;
            }
            let fields: Vec<&str> = resource.as_str().splitn(6, ':').collect();
            let ["arn", _, service, region, account, rest] = fields.as_slice() else {
                continue;
            };
            let because = |action: &str| evidence(principal, statement, action, resource.as_str());
            let first = statement
                .actions
                .patterns
                .first()
                .map_or("", Pattern::as_str);
            if is_region(region) {
                put(&mut self.regions, region, because(first));
            }
            if is_account(account) {
                put(&mut self.accounts, account, because(first));
            }
            match (*service, objects, secrets) {
                ("s3", Some(action), _) => {
                    let name = rest.split('/').next().unwrap_or(rest);
                    self.bucket(principal, statement, name, &because(action));
                }
                ("s3", None, _) if statement.actions.decide("s3:ListBucket") == Some(true) => {
                    self.prefixes(principal, statement);
                }
                ("secretsmanager" | "ssm", _, Some(action)) => {
                    self.secret(&principal.name, rest, &because(action));
                    let limited = regions_of(statement);
                    match (is_region(region), limited.is_empty()) {
                        (true, _) => put(&mut self.secret_regions, region, because(action)),
                        (false, false) => {
                            for region in limited {
                                put(&mut self.secret_regions, region, because(action));
                            }
                        }
                        (false, true) => self.open.push(format!(
                            "secrets.allowed_regions: {} allows every Region",
                            because(action)
                        )),
                    }
                }
                ("kms", ..) if rest.starts_with("key/") && is_account(account) => {
                    put(&mut self.kms_keys, resource.as_str(), because(first));
                }
                ("dynamodb", ..) => {
                    let name = rest.strip_prefix("table/").unwrap_or_default();
                    let name = name.split('/').next().unwrap_or_default();
                    if is_name(name) && name != "*" {
                        put(&mut self.tables, name, because(first));
                    }
                }
                _ => {}
            }
        }
        if objects.is_some() {
            self.prefixes(principal, statement);
        }
        for region in regions_of(statement) {
            let because = evidence(principal, statement, "aws:RequestedRegion", "");
            put(&mut self.regions, region, because);
        }
    }

    /// A bucket whose objects may be read or written.
    fn bucket(&mut self, principal: &Principal, statement: &Statement, name: &str, because: &str) {
        let (plain, changed) = without_placeholder(name);
        if plain == "*" || !is_name(&plain) {
            self.open
                .push(format!("phi.buckets: {because} names no bucket"));
            return;
        }
        let because = match changed {
            true => format!("{because}; the placeholder in braces is read as *"),
            false => because.to_owned(),
        };
        self.environment(&plain, &because);
        for condition in &statement.conditions {
            let is_header = condition.key == "s3:x-amz-server-side-encryption";
            let is_equal = condition
                .operator
                .to_ascii_lowercase()
                .starts_with("stringequals");
            for value in condition.values.iter().filter(|_| is_header && is_equal) {
                if ["AES256", "aws:kms", "aws:kms:dsse"].contains(&value.as_str()) {
                    let because = evidence(principal, statement, &condition.operator, value);
                    let values = self.encryption.entry(plain.clone()).or_default();
                    put(values, value, because);
                }
            }
        }
        put(&mut self.buckets, &plain, because);
    }

    /// The prefixes that may be listed.
    fn prefixes(&mut self, principal: &Principal, statement: &Statement) {
        for condition in statement
            .conditions
            .iter()
            .filter(|one| one.key == "s3:prefix")
        {
            let operator = condition.operator.to_ascii_lowercase();
            let is_positive =
                operator.starts_with("stringlike") || operator.starts_with("stringequals");
            for value in condition.values.iter().filter(|_| is_positive) {
                let (plain, _) = without_placeholder(value);
                let because = evidence(principal, statement, "s3:ListBucket with prefix", value);
                put(&mut self.prefixes, &plain, because);
            }
        }
    }

    fn secret(&mut self, role: &str, rest: &str, because: &str) {
        let name = rest
            .strip_prefix("secret:")
            .or(rest.strip_prefix("parameter/"));
        let Some(name) = name else {
            return;
        };
        // the ARN of a secret ends in a hyphen and six random characters, its name does not
        let name = match (rest.starts_with("secret:"), name.rsplit_once('-')) {
            (true, Some((bare, "*"))) => format!("{bare}*"),
            (true, Some((bare, "??????"))) => bare.to_owned(),
            (true, Some((bare, tail)))
                if tail.len() == 6 && tail.chars().all(|c| c.is_ascii_alphanumeric()) =>
            {
                bare.to_owned()
            }
            _ => name.to_owned(),
        };
        let (name, _) = without_placeholder(&name);
        if !is_name(&name) {
            self.open
                .push(format!("secrets.allow: {because} is not a name"));
            return;
        }
        let values = self.allow.entry(role.to_owned()).or_default();
        put(values, &name, because.to_owned());
        let family = name
            .split_once('/')
            .map(|(family, _)| format!("{family}/*"));
        let family = family.unwrap_or(name);
        if family != "*" {
            put(&mut self.secrets, &family, because.to_owned());
        }
    }

    /// Environments show in names: `-prod` at the end or between hyphens.
    fn environment(&mut self, name: &str, because: &str) {
        for (environment, words) in [
            ("dev", ["dev", "development"]),
            ("staging", ["staging", "stage"]),
            ("prod", ["prod", "production"]),
        ] {
            for word in words {
                let (pattern, fits) = match name.ends_with(&format!("-{word}")) {
                    true => (format!("*-{word}"), true),
                    false => (format!("*-{word}-*"), name.contains(&format!("-{word}-"))),
                };
                if fits {
                    let values = self.environments.entry(environment).or_default();
                    put(values, &pattern, because.to_owned());
                }
            }
        }
    }

    fn close(&mut self) {
        self.open.sort();
        self.open.dedup();
    }
}

fn put(values: &mut Values, value: &str, because: String) {
    let evidence = values.entry(value.to_owned()).or_default();
    if !evidence.contains(&because) {
        evidence.push(because);
    }
}

/// The statement, with the action and the resource or value that decide.
fn evidence(principal: &Principal, statement: &Statement, action: &str, resource: &str) -> String {
    let on = if resource.is_empty() { "" } else { " on " };
    format!(
        "{}: {}: {action}{on}{resource}",
        principal.name,
        statement.label_of(&principal.name)
    )
}

/// The Regions to which a condition limits the statement.
fn regions_of(statement: &Statement) -> Vec<&str> {
    let limits = statement.conditions.iter().filter(|one| {
        one.key == "aws:requestedregion" && one.operator.eq_ignore_ascii_case("StringEquals")
    });
    let regions = limits.flat_map(|one| &one.values).map(String::as_str);
    regions.filter(|region| is_region(region)).collect()
}

fn is_region(text: &str) -> bool {
    let parts = text.split('-').count();
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (3..=4).contains(&parts)
        && text.chars().all(allowed)
        && text.ends_with(|c: char| c.is_ascii_digit())
}

fn account_of(arn: &str) -> Option<&str> {
    let account = match arn.starts_with("arn:") {
        true => arn.split(':').nth(4)?,
        false => arn,
    };
    Some(account).filter(|account| is_account(account))
}

/// True for a name, or a pattern of names, that the configuration takes.
fn is_name(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "/_+=.@-*?".contains(c);
    (text.len() >= 3 || text == "*") && text.chars().all(allowed)
}

/// `{env}` stands for what a script fills in: any text. True if there was one.
fn without_placeholder(text: &str) -> (String, bool) {
    let mut plain = String::new();
    let mut rest = text;
    let mut changed = false;
    while let Some((before, behind)) = rest.split_once('{')
        && let Some((_, behind)) = behind.split_once('}')
    {
        plain.push_str(before.strip_suffix('$').unwrap_or(before));
        plain.push('*');
        rest = behind;
        changed = true;
    }
    plain.push_str(rest);
    (plain, changed)
}

#[cfg(test)]
mod tests;
