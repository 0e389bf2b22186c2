//! Do the built-in rules see what others call suspicious, and are they silent on what others call
//! harmless? The seeds' sentences come from our own samples; the other material is not ours and lies
//! outside of the checkout.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value};
use trailscan::config::Config;
use trailscan::decode::Decoder;
use trailscan::rule_test::RuleTester;
use trailscan::rules::RuleSet;
use trailscan::rules::load;
use trailscan::rules::samples::{self, Expect, Story};
use trailscan::severity::Severity;

use crate::product::{self, shared_data};

/// The built-in rules under the configuration of the example organization.
fn example() -> (RuleSet, Config) {
    let config = Config::load(Some(&product::samples("rules/trailscan.toml"))).unwrap();
    let rules = load::load(&load::builtin(), &config.rules);
    (rules, config)
}

/// The rules of medium or higher that find something in the events.
fn medium_or_higher(rules: &RuleSet, trial: &RuleTester<'_>, events: &[Value]) -> BTreeSet<String> {
    let story = Story::Events(events.iter().map(Value::to_string).collect());
    let is_reported = |name: &String| {
        let rule = rules.rules.iter().find(|rule| rule.name == *name);
        rule.is_some_and(|rule| !rule.silent && rule.level >= Severity::Medium)
    };
    trial
        .found(&story)
        .into_iter()
        .filter(is_reported)
        .collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sentence {
    document: String,
    sentence: String,
    #[serde(default)]
    rules: Vec<String>,
    sample: Option<String>,
    not_from_cloudtrail: Option<String>,
}

/// Every sentence of the documents of the first users that names something to watch has a rule that finds
/// a record made for it, or the reason why CloudTrail cannot show it.
#[test]
fn every_sentence_of_the_seeds_is_watched_or_has_its_reason() {
    #[derive(Deserialize)]
    struct Table {
        sentence: Vec<Sentence>,
    }
    let text = std::fs::read_to_string(product::samples("seed-sentences.toml")).unwrap();
    let table: Table = toml::from_str(&text).unwrap();
    let (rules, config) = example();
    let trial = RuleTester::new(&rules, &config.organization);
    let files = samples::files(&product::samples("rules")).unwrap();
    assert!(table.sentence.len() >= 60, "{}", table.sentence.len());
    for one in &table.sentence {
        let at = format!("{}: {}", one.document, one.sentence);
        if one.rules.is_empty() {
            let reason = one.not_from_cloudtrail.as_deref().unwrap_or_default();
            assert!(reason.len() > 20, "no rule and no reason: {at}");
            continue;
        }
        assert!(one.sample.is_some(), "no sample: {at}");
        for name in &one.rules {
            let rule = rules.rules.iter().find(|rule| rule.name == *name);
            assert!(rule.is_some(), "no rule {name}: {at}");
            let cases = samples::cases(&files[name]).unwrap();
            let hit = cases.iter().find(|case| case.expect == Expect::Match);
            let found = trial.found(&hit.expect("a rule has a hit").story);
            assert!(found.contains(name), "{name} finds nothing: {at}");
        }
    }
}

/// Tests that call suspicious what is outside of the catalogue, because it is ordinary work by itself, each
/// with the reason.
const OUT_OF_SCOPE: [(&str, &str); 14] = [
    (
        "AWS.CloudTrail.Account.Discovery",
        "one read of the account's contacts; bursts are found",
    ),
    (
        "AWS.CloudTrail.UserAccessKeyAuth",
        "one GetCallerIdentity by a key",
    ),
    (
        "AWS.CloudTrail.UnauthorizedAPICall",
        "one refused call; bursts are found",
    ),
    (
        "AWS.Console.LoginWithoutSAML",
        "a sign-in with a second factor; who must use SAML is not configured",
    ),
    ("AWS.Console.Sign-In", "a sign-in through Identity Center"),
    ("AWS.EC2.StopInstances", "an instance was stopped"),
    (
        "AWS.IAM.Group.Read.Only.Events",
        "one read of a group; bursts are found",
    ),
    (
        "AWS.S3.DeleteObject",
        "one deletion in a bucket without ePHI",
    ),
    ("Role.Assumed.by.AWS.Service", "AWS's own service"),
    (
        "Sign-in.with.AWS.CLI.prompt",
        "a sign-in through Identity Center",
    ),
    (
        "Standard.BruteForceByIP",
        "one failed sign-in; bursts are found",
    ),
    (
        "Standard.BruteForceByUser",
        "one failed sign-in; bursts are found",
    ),
    (
        "Standard.NewUserAccountCreated",
        "CloudTrail writes no record without an eventSource",
    ),
    ("Standard.OTX.MaliciousIndicator", "not a CloudTrail record"),
];

/// Tests that call suspicious what ours do not rate medium or higher, though it is in the catalogue.
const RATED_LOWER: [(&str, &str); 9] = [
    (
        "AWS.ECR.CRUD",
        "a person pushes an image: low outside of production",
    ),
    (
        "AWS.ECR.EVENTS",
        "a person pushes an image: low outside of production",
    ),
    (
        "AWS.CloudTrail.PasswordSpraying",
        "one failed sign-in; spraying is found",
    ),
    (
        "AWS.CloudTrail.SnapshotMadePublic",
        "shared with an account that the example organization trusts",
    ),
    (
        "AWS.EC2.ManualSecurityGroupChange",
        "it opens nothing to the whole internet: in the register",
    ),
    (
        "AWS.IAM.CreateRole",
        "in the register; an open trust or wide rights are found",
    ),
    (
        "AWS.IAM.PolicyModified",
        "rights are taken away: evidence, not a finding",
    ),
    (
        "AWS.S3.CopyObjectToExternalAccountBucket",
        "the record does not say which of its buckets is whose",
    ),
    (
        "Standard.NewAWSAccountCreated",
        "in the register of the organization",
    ),
];

/// Tests that call something harmless which ours rate medium or higher: another rule is right.
const RATED_HIGHER: [(&str, &str); 9] = [
    (
        "AWS.IAM.AttachAdminUserPolicy",
        "a policy attached to a user (the seeds' AttachUserPolicy)",
    ),
    ("AWS.IAM.CreateRole", "administrator rights for a user"),
    (
        "AWS.IAM.Backdoor.User.Keys",
        "a new access key (the seeds' CreateAccessKey)",
    ),
    (
        "AWS.CloudTrail.RootAccessKeyCreated",
        "root made an access key for somebody else",
    ),
    (
        "AWS.CloudTrail.SecurityConfigurationChange",
        "a refused attempt to delete the trail is rated medium",
    ),
    (
        "Standard.BruteForceByIP",
        "a console sign-in without a second factor",
    ),
    (
        "Standard.BruteForceByUser",
        "a console sign-in without a second factor",
    ),
    (
        "Standard.ImpossibleTravel.Login",
        "a console sign-in without a second factor",
    ),
    (
        "AWS.CloudTrail.AMIModifiedForPublicAccess",
        "an image shared with somebody else",
    ),
];

#[derive(Deserialize)]
struct PantherTest {
    rule_id: String,
    test_name: String,
    expected: bool,
    event: Map<String, Value>,
}

/// How far the rules agree with the single-event tests that the authors of Panther's rules wrote: at least
/// 85 % of what they call suspicious within our scope, at most 8 % of what they call harmless.
#[test]
#[cfg_attr(not(shared_data), ignore = "needs ../shared/data")]
fn the_rules_agree_with_panthers_tests() {
    let text = std::fs::read_to_string(shared_data("panther").join("tests.dev.jsonl")).unwrap();
    let (rules, config) = example();
    let trial = RuleTester::new(&rules, &config.organization);
    let (mut agree, mut of) = ([0, 0], [0, 0]);
    let mut wrong = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let test: PantherTest = serde_json::from_str(line).unwrap();
        let mut event = test.event;
        event.retain(|key, _| !key.starts_with("p_"));
        event.insert(
            "eventID".into(),
            format!("00000000-0000-4000-8000-{number:012}").into(),
        );
        let found = medium_or_higher(&rules, &trial, &[Value::Object(event)]);
        let side = usize::from(test.expected);
        of[side] += 1;
        if found.is_empty() != test.expected {
            agree[side] += 1;
            continue;
        }
        let reasons: &[(&str, &str)] = match test.expected {
            true => &RATED_LOWER,
            false => &RATED_HIGHER,
        };
        let is_listed = |list: &[(&str, &str)]| list.iter().any(|(rule, _)| *rule == test.rule_id);
        if test.expected && is_listed(&OUT_OF_SCOPE) {
            of[side] -= 1;
        } else if !is_listed(reasons) {
            wrong.push(format!("{} / {}: {found:?}", test.rule_id, test.test_name));
        }
    }
    assert_eq!(wrong, Vec::<String>::new(), "without a reason");
    let [harmless, suspicious] = [0, 1].map(|side| (agree[side], of[side]));
    println!("suspicious {suspicious:?}, harmless {harmless:?}");
    assert!(suspicious.0 * 100 >= suspicious.1 * 85, "{suspicious:?}");
    assert!(
        (harmless.1 - harmless.0) * 100 <= harmless.1 * 8,
        "{harmless:?}"
    );
}

/// The records of a gzip file `{"Records":[…]}`.
fn records(file: &Path) -> Vec<Value> {
    let bytes = std::fs::read(file).unwrap();
    let mut decoder = Decoder::new(64);
    let whole: Value = serde_json::from_slice(decoder.open(&bytes).unwrap()).unwrap();
    whole["Records"].as_array().unwrap().clone()
}

/// Every attack technique that the simulator recorded gives a finding of medium or higher.
#[test]
#[cfg_attr(not(shared_data), ignore = "needs ../shared/data")]
fn every_simulated_attack_technique_is_found() {
    let (rules, config) = example();
    let trial = RuleTester::new(&rules, &config.organization);
    let folder = shared_data("stratus").join("records");
    let mut unseen = Vec::new();
    let mut count = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        count += 1;
        if medium_or_higher(&rules, &trial, &records(&path)).is_empty() {
            unseen.push(path);
        }
    }
    assert_eq!(count, 16);
    assert_eq!(unseen, Vec::<std::path::PathBuf>::new());
}
