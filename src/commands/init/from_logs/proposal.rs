//! The proposed configuration as TOML: each line with its evidence, and those that would silence rules
//! left out of effect unless the evidence is strong.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use super::evidence::{Evidence, Principal, Use};
use super::hours::{Office, office};
use crate::commands::init::quoted;
use crate::config::Config;
use crate::derive::network::network_of;
use crate::event::time;
use crate::report::visible::visible;
use crate::words::{plural, thousands};

/// Words in the names of buckets and secrets that hold health information.
const PHI_WORDS: [&str; 22] = [
    "phi",
    "ephi",
    "patient",
    "patients",
    "health",
    "medical",
    "clinic",
    "clinical",
    "hipaa",
    "ehr",
    "emr",
    "fhir",
    "hl7",
    "dicom",
    "imaging",
    "prescription",
    "prescriptions",
    "claims",
    "lab",
    "labs",
    "attachments",
    "records",
];

/// The least days of logs from which working hours are taken without a look.
const LEAST_DAYS: usize = 14;
/// The least calls of people for the same.
const LEAST_CALLS: u64 = 200;
const WEEKDAYS: [&str; 7] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];

/// The most hours that office hours may have for the same.
const MOST_HOURS: i64 = 12;

const HEAD: &str = "\
# Proposed by `trailscan init --from-logs`. Every line says what it rests on. Lines that begin with `#:` were
# seen in the logs but would silence rules, so they are not in effect: check each and take the two
# characters away. Who was already inside when these logs were written is in the evidence as well.
#
# What is in effect without a look: lines that add findings or take none away (PHI, log buckets, people), and
# lines that silence where the evidence is strong:
#   workloads: AWS records in every call to which instance, service, cluster or pipeline it gave the session,
#     and nobody signed in (names of sessions are no proof: whoever assumes a role chooses them);
#   Regions: used on at least half of the days; accounts: those whose own logs were read on as many;
#   working hours: at least 14 days, 200 calls of people, and at most 12 hours a day.
";

/// Writes sections.
struct Writer {
    out: String,
}

impl Writer {
    fn section(&mut self, name: &str) {
        let _ = writeln!(self.out, "\n[{name}]");
    }

    /// Comment lines; values in them are made visible.
    fn comment(&mut self, text: &str) {
        let _ = writeln!(self.out, "# {}", visible(text));
    }

    /// A list of the values that can be written, each in effect or behind `#:`. A list of which no value
    /// is in effect stands behind it as a whole.
    fn list(&mut self, section: &str, key: &str, values: &[Line]) {
        let usable = |line: &&Line| is_usable(section, key, &line.value);
        let usable: Vec<&Line> = values.iter().filter(usable).collect();
        if usable.is_empty() {
            return;
        }
        let mark = |in_effect| if in_effect { "" } else { "#: " };
        let around = mark(usable.iter().any(|line| line.in_effect));
        let _ = writeln!(self.out, "{around}{key} = [");
        for Line {
            value,
            evidence,
            in_effect,
        } in usable
        {
            let mark = mark(*in_effect);
            let _ = writeln!(
                self.out,
                "{mark}    {},  # {}",
                quoted(value),
                visible(evidence)
            );
        }
        let _ = writeln!(self.out, "{around}]");
    }
}

/// A value with its evidence.
struct Line {
    value: String,
    evidence: String,
    in_effect: bool,
}

impl Line {
    fn new(value: &str, evidence: String, in_effect: bool) -> Self {
        let value = value.to_owned();
        Self {
            value,
            evidence,
            in_effect,
        }
    }
}

/// Whether the configuration takes a name from the logs as this key's value, and takes it literally.
fn is_usable(section: &str, key: &str, value: &str) -> bool {
    let text = format!("[{section}]\n{key} = [{}]\n", quoted(value));
    !value.contains(['*', '?']) && Config::parse(&text, Path::new("trailscan.toml")).is_ok()
}

/// The configuration that the evidence suggests.
pub(super) fn text(evidence: &Evidence, source: &str) -> String {
    let mut to = Writer {
        out: HEAD.to_owned(),
    };
    let date = |at: Option<i64>| at.map(|at| time::utc(at).date_naive().to_string());
    let calls: u64 = evidence.principals.values().map(|one| one.calls).sum();
    to.comment(&format!(
        "Logs: {source}, {} to {} ({} with events, {} of people and programs)",
        date(evidence.first).unwrap_or_default(),
        date(evidence.last).unwrap_or_default(),
        plural(evidence.days.len() as u64, "day"),
        plural(calls, "call"),
    ));
    scope(&mut to, evidence);
    calendar(&mut to, evidence);
    principals(&mut to, evidence);
    networks(&mut to, evidence);
    phi(&mut to, evidence);
    secrets(&mut to, evidence);
    logs(&mut to, evidence);
    to.out
}

/// Accounts and Regions, those in use on half of the days first.
fn scope(to: &mut Writer, evidence: &Evidence) {
    to.section("scope");
    let all = evidence.days.len();
    for (key, places) in [
        ("accounts", &evidence.accounts),
        ("regions", &evidence.regions),
    ] {
        let line = |(name, days): (&String, &BTreeSet<i64>)| {
            let seen = format!("on {} of {all} days", days.len());
            Line::new(name, seen, days.len() * 2 >= all)
        };
        to.list("scope", key, &places.iter().map(line).collect::<Vec<_>>());
    }
}

/// The working hours of people.
fn calendar(to: &mut Writer, evidence: &Evidence) {
    let people: Vec<&Principal> = people(evidence).map(|(_, one)| one).collect();
    let (mut hours, mut weekdays) = ([0; 24], [0; 7]);
    let mut days = BTreeSet::new();
    for one in &people {
        days.extend(one.days.iter().copied());
        for (sum, calls) in hours.iter_mut().zip(one.hours) {
            *sum += calls;
        }
        for (sum, calls) in weekdays.iter_mut().zip(one.weekdays) {
            *sum += calls;
        }
    }
    let regions: Vec<&str> = evidence.regions.keys().map(String::as_str).collect();
    let at = evidence.last.unwrap_or_default();
    let Some(found) = office(&hours, &weekdays, &regions, at) else {
        let _ = writeln!(to.out);
        to.comment("No calls of people were seen: working hours ([calendar]) are yours to write.");
        return;
    };
    let Office {
        zone,
        from,
        to: until,
        utc,
        calls,
        ..
    } = &found;
    let span = (until - from).rem_euclid(24 * 60);
    let is_strong =
        days.len() >= LEAST_DAYS && *calls >= LEAST_CALLS && span <= MOST_HOURS * 60 && span > 0;
    let mark = if is_strong { "" } else { "#: " };
    let _ = writeln!(to.out);
    to.comment(&format!(
        "95 % of {} of {} on {} lie between {:02}:00 and {:02}:00 UTC; which zone that is is a guess from the \
         Regions: check it.",
        plural(*calls, "call"),
        plural(people.len() as u64, "person or user"),
        plural(days.len() as u64, "day"),
        utc.0,
        utc.1,
    ));
    let clock = |minutes: i64| format!("{:02}:{:02}", minutes / 60, minutes % 60);
    let days = found.days.iter().filter_map(|day| WEEKDAYS.get(*day));
    let days: Vec<String> = days
        .map(|day| format!("{day} = [\"{}-{}\"]", clock(*from), clock(*until)))
        .collect();
    let _ = writeln!(to.out, "{mark}[calendar]");
    let _ = writeln!(to.out, "{mark}timezone = \"{}\"", zone.name());
    let _ = writeln!(to.out, "{mark}hours = {{ {} }}", days.join(", "));
}

/// Principals that are not programs by what AWS or their hours say.
fn people(evidence: &Evidence) -> impl Iterator<Item = (&String, &Principal)> {
    let all = evidence.principals.iter();
    all.filter(|(name, one)| {
        !name.is_empty() && one.named_by_program == 0 && !is_like_a_program(one)
    })
}

/// True for a principal that behaves like a program, though AWS does not say that it is one.
fn is_like_a_program(one: &Principal) -> bool {
    let mostly_sdk = one.by_sdk * 10 >= one.calls * 9;
    !one.signs_in && mostly_sdk && one.is_around_the_clock() && one.days.len() >= 7
}

fn principals(to: &mut Writer, evidence: &Evidence) {
    to.section("principals");
    let described = |one: &Principal, why: &str| {
        format!(
            "{} on {}, in {} of 24 hours; {why}",
            plural(one.calls, "call"),
            plural(one.days.len() as u64, "day"),
            one.busy_hours()
        )
    };
    let (mut programs, mut persons) = (Vec::new(), Vec::new());
    for (name, one) in evidence
        .principals
        .iter()
        .filter(|(name, _)| !name.is_empty())
    {
        if one.by_program == one.calls && !one.signs_in && one.calls > 0 {
            let evidence = described(
                one,
                "AWS records of each to which program it gave the session",
            );
            programs.push(Line::new(name, evidence, true));
        } else if one.named_by_program > 0 || is_like_a_program(one) {
            let why = format!(
                "{} of programs as AWS records, {} in sessions named as services do, {} of SDKs as the caller \
                 says{}; a person with its keys would \
                 look the same",
                thousands(one.by_program),
                thousands(one.named_by_program),
                thousands(one.by_sdk),
                if one.signs_in {
                    ", and somebody signed in"
                } else {
                    ""
                }
            );
            programs.push(Line::new(name, described(one, &why), false));
        } else if one.signs_in {
            persons.push(Line::new(
                name,
                described(one, "signed in to the console"),
                true,
            ));
        }
    }
    to.comment("Programs: rules on working hours and on what people do leave them out.");
    to.list("principals", "workload", &programs);
    to.list("principals", "human", &persons);
}

/// The networks that people call from.
fn networks(to: &mut Writer, evidence: &Evidence) {
    let mut networks: BTreeMap<String, (BTreeSet<&str>, BTreeSet<i64>)> = BTreeMap::new();
    for (name, one) in people(evidence) {
        for network in one
            .addresses
            .iter()
            .filter_map(|address| network_of(address))
        {
            let known = networks.entry(network).or_default();
            known.0.insert(name);
            known.1.extend(one.days.iter().copied());
        }
    }
    if networks.is_empty() {
        return;
    }
    to.section("networks");
    to.comment("Networks of people: an intruder's would be among them.");
    let lines: Vec<_> = networks
        .into_iter()
        .map(|(network, (who, days))| {
            let who = plural(who.len() as u64, "principal");
            let days = plural(days.len() as u64, "day");
            Line::new(&network, format!("{who}, active on up to {days}"), false)
        })
        .collect();
    to.list("networks", "allowed", &lines);
}

fn is_phi(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let mut words = lower.split(|c: char| !c.is_ascii_alphanumeric());
    words.any(|word| PHI_WORDS.contains(&word))
}

fn used((name, one): (&String, &Use)) -> Line {
    let who = plural(one.by.len() as u64, "principal");
    Line::new(
        name,
        format!("{} by {who}", plural(one.calls, "call")),
        true,
    )
}

/// Buckets and secrets whose names speak of health information.
fn phi(to: &mut Writer, evidence: &Evidence) {
    let of = |uses: &BTreeMap<String, Use>| -> Vec<Line> {
        uses.iter()
            .filter(|(name, _)| is_phi(name))
            .map(used)
            .collect()
    };
    let (buckets, secrets) = (of(&evidence.buckets), of(&evidence.secrets));
    to.section("phi");
    to.comment("By their names only, out of those in use: complete both lists.");
    to.list("phi", "buckets", &buckets);
    to.list("phi", "secrets", &secrets);
}

/// Which secrets each role or user reads.
fn secrets(to: &mut Writer, evidence: &Evidence) {
    let mut by: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (secret, uses) in evidence.secrets.iter().filter(|(name, _)| !name.is_empty()) {
        for principal in &uses.by {
            let role = principal.split_once(":role/").map(|(_, rest)| rest);
            let role = role.and_then(|rest| rest.split('/').next());
            let name = role.unwrap_or_else(|| principal.rsplit('/').next().unwrap_or_default());
            let list = by.entry(name).or_default();
            if !list.contains(&secret.as_str()) {
                list.push(secret);
            }
        }
    }
    let usable = |text: &str| is_usable("phi", "secrets", text);
    by.retain(|name, list| {
        list.retain(|secret| usable(secret));
        !list.is_empty() && is_usable("principals", "human", name)
    });
    if by.is_empty() {
        return;
    }
    to.section("secrets");
    to.comment("Secrets that each role and user read: whether it should is not in the logs.");
    let lists = by.iter().map(|(name, list)| {
        let list: Vec<String> = list.iter().map(|secret| quoted(secret)).collect();
        format!("{} = [{}]", quoted(name), list.join(", "))
    });
    let _ = writeln!(
        to.out,
        "#: allow = {{ {} }}",
        lists.collect::<Vec<_>>().join(", ")
    );
}

/// Where CloudTrail delivers to.
fn logs(to: &mut Writer, evidence: &Evidence) {
    if evidence.log_buckets.is_empty() {
        return;
    }
    to.section("log");
    let lines: Vec<_> = evidence
        .log_buckets
        .iter()
        .map(|(name, one)| {
            let count = plural(one.calls, "log file");
            Line::new(name, format!("CloudTrail delivered {count} to it"), true)
        })
        .collect();
    to.list("log", "buckets", &lines);
}
