//! A call as an investigation sees it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::json;

use crate::derive::{identity, target};
use crate::event::json::Raw;
use crate::event::time::Epoch;
use crate::event::{Event, Key};
use crate::finding::Outcome;
use crate::rules::load::RuleText;
use crate::search::Line;
use crate::tally::StoredRecord;

/// The places in the rule set of [`rules`]: what is asked for, calls that give out credentials or enter
/// machines, and calls that may undo a change.
pub const SELECTED: u32 = 0;
pub const ISSUES: u32 = 1;
pub const CHANGES: u32 = 2;

/// Calls that begin a session without an access key in their response, or lead into a machine.
const ENTRIES: [&str; 9] = [
    "CreateUser",
    "CreateLoginProfile",
    "ConsoleLogin",
    "GetRoleCredentials",
    "CreateOAuth2Token",
    "SendCommand",
    "StartSession",
    "ResumeSession",
    "SendSSHPublicKey",
];

/// Those that lead into a machine.
const ENTERING: [&str; 4] = [
    "SendCommand",
    "StartSession",
    "ResumeSession",
    "SendSSHPublicKey",
];

/// The rule files of an investigation, in the order of [`SELECTED`], [`ISSUES`] and [`CHANGES`].
pub fn rules(selected: RuleText) -> [RuleText; 3] {
    let rule = |name: &str, detection: serde_json::Value| {
        let rule = json!({
            "title": name,
            "name": name,
            "level": "informational",
            "logsource": { "product": "aws", "service": "cloudtrail" },
            "detection": { "selection": detection, "condition": "selection" },
        });
        RuleText::new(name, rule.to_string())
    };
    let issues = json!([
        { "responseElements.credentials.accessKeyId|exists": true },
        { "responseElements.accessKey.accessKeyId|exists": true },
        { "eventName": ENTRIES },
    ]);
    let changes = json!({ "eventName": super::changes::undoing() });
    [selected, rule("issues", issues), rule("changes", changes)]
}

/// What an investigation asks of a record.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) line: Line,
    /// What it was about, each resource by itself.
    pub(super) targets: Vec<String>,
    pub(super) time: Option<Epoch>,
    pub(super) outcome: Outcome,
    pub(super) writes: bool,
    /// The name of the role's session.
    pub(super) session: String,
    /// Access keys in the response.
    pub(super) issued: Vec<String>,
    /// The session or user that the call began or created, as a principal.
    pub(super) began: String,
    /// Instances that the call entered.
    pub(super) instances: Vec<String>,
    /// Ids and names in the request, and those that the response gave, by the name of their parameter.
    pub(super) subjects: BTreeMap<&'static str, String>,
    /// Bytes sent to and by S3.
    pub(super) bytes: (u64, u64),
    /// The object's key in S3.
    pub(super) object_key: String,
    /// The session comes from a sign-in to the console.
    pub(super) from_console: bool,
    /// The automation that made the call; empty for people and programs of their own.
    pub(super) tool: &'static str,
}

/// Automation, by a part of its user agent.
const TOOLS: [(&str, &str); 6] = [
    ("Terraform", "Terraform"),
    ("OpenTofu", "OpenTofu"),
    ("Pulumi", "Pulumi"),
    ("cloudformation.amazonaws.com", "CloudFormation"),
    ("aws-cdk", "CDK"),
    ("Crossplane", "Crossplane"),
];

/// Parameters that name what a call is about.
const SUBJECTS: [&str; 26] = [
    "userName",
    "roleName",
    "groupName",
    "policyArn",
    "policyName",
    "accessKeyId",
    "serialNumber",
    "bucketName",
    "name",
    "trailName",
    "functionName",
    "snapshotId",
    "imageId",
    "groupId",
    "instanceId",
    "keyId",
    "secretId",
    "dBSnapshotIdentifier",
    "dBInstanceIdentifier",
    "detectorId",
    "flowLogId",
    "trustAnchorId",
    "profileId",
    "instanceProfileName",
    "queueUrl",
    "topicArn",
];

impl Call {
    pub(super) fn new(found: &StoredRecord, object: String) -> Self {
        let event = Event::of(Raw::new(&found.text));
        let outcome = crate::derive::outcome::of(&event);
        let succeeded = outcome == Outcome::Success;
        let response = |path: &[&str]| event.text_at(Key::ResponseElements, path).into_owned();
        let request = |path: &[&str]| event.text_at(Key::RequestParameters, path).into_owned();
        let mut issued = Vec::new();
        for path in [["credentials", "accessKeyId"], ["accessKey", "accessKeyId"]] {
            let key = response(&path);
            if succeeded && !key.is_empty() {
                issued.push(key);
            }
        }
        let name = event.text(Key::EventName).into_owned();
        let mut subjects: BTreeMap<&'static str, String> = BTreeMap::new();
        for subject in SUBJECTS {
            let value = request(&[subject]);
            if !value.is_empty() {
                subjects.insert(subject, value);
            }
        }
        if let Some(key) = issued.first().filter(|_| name == "CreateAccessKey") {
            subjects.insert("accessKeyId", key.clone());
        }
        for (subject, path) in [
            ("userName", ["accessKey", "userName"]),
            ("userName", ["user", "userName"]),
            ("roleName", ["role", "roleName"]),
            ("policyArn", ["policy", "arn"]),
        ] {
            let value = response(&path);
            if !value.is_empty() && !subjects.contains_key(subject) {
                subjects.insert(subject, value);
            }
        }
        let began = match name.as_str() {
            "CreateUser" if succeeded => response(&["user", "arn"]),
            _ if issued.is_empty() => String::new(),
            "AssumeRole" | "AssumeRoleWithSAML" | "AssumeRoleWithWebIdentity" => {
                let (role, session) = (request(&["roleArn"]), request(&["roleSessionName"]));
                let session = match session.is_empty() {
                    // SAML names the session in its assertion
                    true => response(&["assumedRoleUser", "arn"])
                        .rsplit('/')
                        .next()
                        .unwrap_or_default()
                        .to_owned(),
                    false => session,
                };
                format!("{role}/{session}")
            }
            "GetFederationToken" => response(&["federatedUser", "arn"]),
            _ => String::new(),
        };
        let mut instances = Vec::new();
        if succeeded && ENTERING.contains(&name.as_str()) {
            for field in ["target", "instanceId", "instanceIds", "targets"] {
                let ids = event.at(Key::RequestParameters, &[field]).leaves();
                let ids = ids.filter_map(|id| id.text().map(Cow::into_owned));
                instances.extend(ids.filter(|id| id.starts_with("i-")));
            }
        }
        let number = |name: &str| {
            event
                .text_at(Key::AdditionalEventData, &[name])
                .parse()
                .unwrap_or(0.0)
        };
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "CloudTrail writes whole numbers as 1024.0"
        )]
        let bytes = (
            number("bytesTransferredIn") as u64,
            number("bytesTransferredOut") as u64,
        );
        let line = Line::of(&event, object, found.record);
        let reads = ["Get", "List", "Describe", "Head", "Lookup", "BatchGet"];
        let writes = match line.read_only.as_str() {
            "true" => false,
            "false" => true,
            _ => !reads.iter().any(|prefix| name.starts_with(prefix)),
        };
        let tool = TOOLS
            .iter()
            .find(|(part, _)| line.user_agent.contains(part));
        let targets = targets(&event, &line, &subjects);
        Self {
            time: event.time(),
            outcome,
            writes,
            session: identity::session_name(&event).into_owned(),
            issued,
            began,
            instances,
            subjects,
            bytes,
            object_key: match event.is_from("s3") {
                true => request(&["key"]),
                false => String::new(),
            },
            tool: tool.map_or("", |(_, name)| name),
            from_console: event.text(Key::SessionCredentialFromConsole) == "true",
            line: Line {
                target: targets.join(", "),
                ..line
            },
            targets,
        }
    }

    pub(super) fn succeeded(&self) -> bool {
        self.outcome == Outcome::Success
    }

    /// True if the call gave out credentials, created a user, or was a sign-in.
    pub(super) fn gives_credentials(&self) -> bool {
        let is_sign_in = self.line.event_name == "ConsoleLogin";
        !self.issued.is_empty() || !self.began.is_empty() || is_sign_in
    }
}

/// What the call was about, each resource by itself; for IAM with the policy, group or key beside the user
/// or role.
fn targets(
    event: &Event<'_>,
    line: &Line,
    subjects: &BTreeMap<&'static str, String>,
) -> Vec<String> {
    let several = target::several(event);
    if several.len() > 1 {
        return several.into_iter().map(Cow::into_owned).collect();
    }
    let mut target = line.target.clone();
    if event.is_from("iam") {
        for subject in [
            "policyArn",
            "policyName",
            "groupName",
            "accessKeyId",
            "instanceProfileName",
        ] {
            if let Some(value) = subjects
                .get(subject)
                .filter(|value| !target.contains(value.as_str()))
            {
                target = format!("{target} {value}");
            }
        }
    }
    vec![target]
}
