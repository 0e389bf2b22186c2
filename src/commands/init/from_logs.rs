//! `trailscan init --from-logs`: a configuration proposed from what logs show.
//!
//! What is asked of the logs is asked by rules of the usual kind, which are made here: who works at
//! which hours and on which days, which buckets and secrets are in use. Their groups are the evidence.

mod evidence;
mod hours;
mod proposal;

use std::path::Path;

use chrono_tz::Tz;

use crate::cli::Init;
use crate::commands::session::{Request, Session};
use crate::config::Config;
use crate::derive::Organization;
use crate::derive::calendar::Calendar;
use crate::detect::Detector;
use crate::rules::RuleSet;
use crate::rules::load::{self, RuleText, Settings};
use crate::tally::Tally;
use evidence::Evidence;

/// The rules that ask: name, condition, and the field that their groups are made by.
const QUESTIONS: [(&str, &str, &str); 9] = [
    // what AWS itself records of the session; its name is chosen by whoever assumes the role
    (
        "program_proven",
        "[{trailscan.principal_kind: workload, userIdentity.inScopeOf.issuerType|exists: true}, \
         {trailscan.principal_kind: workload, userIdentity.sessionContext.ec2RoleDelivery|exists: true}, \
         {trailscan.principal_kind: workload, \
         userIdentity.sessionContext.webIdFederationData.federatedProvider|contains: [oidc.eks., \
         token.actions.githubusercontent.com]}]",
        "userIdentity.type",
    ),
    (
        "program_days",
        "{trailscan.principal_kind: workload}",
        "trailscan.calendar.weekday",
    ),
    (
        "program_hours",
        "{trailscan.principal_kind: workload}",
        "trailscan.calendar.hour",
    ),
    (
        "person_days",
        "{trailscan.principal_kind: human}",
        "trailscan.calendar.weekday",
    ),
    (
        "person_hours",
        "{trailscan.principal_kind: human}",
        "trailscan.calendar.hour",
    ),
    (
        "person_sdk",
        "{trailscan.principal_kind: human, userAgent|contains: [Boto3/, aws-sdk-, aws-sdk/, Botocore/, \
         Terraform/, APN/1.0 HashiCorp]}",
        "userIdentity.type",
    ),
    (
        "sign_in",
        "{eventName: ConsoleLogin, trailscan.outcome: success}",
        "userIdentity.type",
    ),
    (
        "buckets",
        "{eventSource: s3.amazonaws.com, trailscan.outcome: success, requestParameters.bucketName|exists: true}",
        "requestParameters.bucketName",
    ),
    (
        "secrets",
        "{eventName: GetSecretValue, trailscan.outcome: success}",
        "trailscan.secret_name",
    ),
];

/// The bucket that CloudTrail delivers to (CloudTrail User Guide, "Bucket policy": its service calls
/// PutObject).
const DELIVERIES: (&str, &str, &str) = (
    "deliveries",
    "{eventName: PutObject, userIdentity.invokedBy: cloudtrail.amazonaws.com}",
    "requestParameters.bucketName",
);

/// Reads the logs and proposes a configuration, as TOML.
///
/// # Errors
/// The source cannot be read, or holds no event.
pub(super) fn propose(arguments: &Init, source: &str) -> anyhow::Result<String> {
    let rules = questions();
    let (mut tally, name) = read_source(arguments, source, &rules)?;
    let evidence = Evidence::of(&rules, &mut tally)?;
    if evidence.days.is_empty() {
        anyhow::bail!("{name} holds no dated event: nothing can be proposed");
    }
    let text = proposal::text(&evidence, &name);
    // what is proposed must load: a name in the logs that makes it fail is a bug here
    Config::parse(&text, Path::new("trailscan.toml"))?;
    Ok(text)
}

fn questions() -> RuleSet {
    let all = QUESTIONS.iter().chain([&DELIVERIES]);
    let texts: Vec<RuleText> = all
        .map(|(name, condition, field)| {
            let text = format!(
                "title: {name}\nname: {name}\nlevel: informational\nlogsource: {{product: aws, service: \
                 cloudtrail}}\ndetection: {{call: {condition}, condition: call}}\ntrailscan: {{actor: trailscan.role, resource: {field}}}\n"
            );
            RuleText::new(format!("{name}.yml"), text)
        })
        .collect();
    let settings = Settings {
        configured: vec!["calendar"],
        ..Settings::default()
    };
    load::load(&texts, &settings)
}

/// What the rules find in the source, and the source as it is called.
fn read_source(arguments: &Init, source: &str, rules: &RuleSet) -> anyhow::Result<(Tally, String)> {
    let session = Session::open(Request::of_init(arguments, source))?;
    let found = session.find()?;
    let name = found.source.clone();
    // hours and weekdays in UTC: the zone is what is looked for
    let organization = Organization {
        calendar: Some(Calendar {
            name: String::new(),
            zone: Tz::UTC,
            hours: Default::default(),
            holidays: std::collections::BTreeSet::new(),
        }),
        ..Organization::default()
    };
    let detector = Detector::new(rules, &organization);
    Ok((session.detect(found, &detector, None).tally, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_question_is_a_rule_that_can_be_used() {
        let rules = questions();
        assert_eq!((rules.rejected, rules.unconfigured), (vec![], vec![]));
        assert_eq!(rules.rules.len(), QUESTIONS.len() + 1);
    }
}
