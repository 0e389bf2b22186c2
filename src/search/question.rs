//! From what was typed to a Sigma rule.

use serde_json::{Map, Value, json};

use crate::finding::Outcome;
use crate::rules::load::RuleText;

/// What is asked for. An event must fit every field that is given; of several values of a field, one. All
/// values are Sigma values: letter case does not count, `*` and `?` are wildcards.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Question {
    /// ARNs, or names of users, roles and sessions.
    pub principals: Vec<String>,
    /// Ids of access keys: calls made with them, and calls that issued or changed them.
    pub access_keys: Vec<String>,
    /// Source addresses, or networks in CIDR notation.
    pub addresses: Vec<String>,
    /// Part of the user agent.
    pub user_agents: Vec<String>,
    /// Names of calls.
    pub events: Vec<String>,
    /// Services: `s3` or `s3.amazonaws.com`.
    pub services: Vec<String>,
    /// Part of the name or ARN of a bucket, object, secret, key, role or another resource.
    pub resources: Vec<String>,
    pub outcomes: Vec<Outcome>,
    /// Error codes.
    pub errors: Vec<String>,
    /// Event ids.
    pub event_ids: Vec<String>,
    /// Texts that all occur somewhere in the record.
    pub texts: Vec<String>,
    /// A Sigma detection in YAML: a selection, or search identifiers with their `condition`.
    pub detection: Option<String>,
    /// Of access keys only the calls that were made with them.
    pub callers_only: bool,
}

/// A question that cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum QuestionError {
    #[error(
        "nothing was asked for: add at least one of --principal, --access-key, --ip, --user-agent, \
         --event-name, --service, --resource, --outcome, --error-code, --event-id, --text, --where"
    )]
    Empty,
    #[error("--where: {0}")]
    Yaml(String),
    #[error(
        "--where: a Sigma detection is a mapping such as 'eventName: ConsoleLogin', or search \
         identifiers with a `condition`"
    )]
    Shape,
    #[error(
        "--where: the search identifier `{0}` begins with `_`, which is kept for the other options"
    )]
    Reserved(String),
}

impl Question {
    /// The question as a rule file with one rule.
    ///
    /// # Errors
    /// Nothing is asked for, or the detection is not a mapping in YAML.
    pub fn rule(&self) -> Result<RuleText, QuestionError> {
        let mut parts = Parts::default();
        parts.any(
            "_principal",
            self.principals.iter().flat_map(|name| principal(name)),
        );
        parts.any(
            "_access_key",
            self.access_keys
                .iter()
                .flat_map(|key| access_key(key, self.callers_only)),
        );
        parts.any(
            "_address",
            self.addresses.iter().map(|address| source_ip(address)),
        );
        let contains = |field: &str, text: &str| json!({ field: enclosed(text) });
        let agents = self.user_agents.iter();
        parts.any(
            "_user_agent",
            agents.map(|agent| contains("userAgent", agent)),
        );
        parts.field("_event", "eventName", &self.events);
        let sources: Vec<String> = self
            .services
            .iter()
            .map(|service| event_source(service))
            .collect();
        parts.field("_service", "eventSource", &sources);
        parts.any(
            "_resource",
            self.resources.iter().flat_map(|name| resource(name)),
        );
        let outcomes: Vec<String> = self
            .outcomes
            .iter()
            .map(|one| one.as_str().to_owned())
            .collect();
        parts.field("_outcome", "trailscan.outcome", &outcomes);
        parts.field("_error", "errorCode", &self.errors);
        parts.field("_event_id", "eventID", &self.event_ids);
        if !self.texts.is_empty() {
            parts.add("_text", json!({ "|all": self.texts }));
        }
        if let Some(detection) = &self.detection {
            parts.detection(detection)?;
        }
        if parts.conditions.is_empty() {
            return Err(QuestionError::Empty);
        }
        let mut detection = parts.identifiers;
        detection.insert(
            "condition".to_owned(),
            Value::from(parts.conditions.join(" and ")),
        );
        // JSON is YAML
        let rule = json!({
            "title": "Search",
            "name": "search",
            "level": "informational",
            "logsource": { "product": "aws", "service": "cloudtrail" },
            "detection": detection,
        });
        Ok(RuleText::new("the search", rule.to_string()))
    }
}

#[derive(Default)]
struct Parts {
    identifiers: Map<String, Value>,
    conditions: Vec<String>,
}

impl Parts {
    fn add(&mut self, name: &str, part: Value) {
        self.identifiers.insert(name.to_owned(), part);
        self.conditions.push(name.to_owned());
    }

    /// One of several selections.
    fn any(&mut self, name: &str, selections: impl Iterator<Item = Value>) {
        let selections: Vec<Value> = selections.collect();
        if !selections.is_empty() {
            self.add(name, Value::from(selections));
        }
    }

    /// One of several values of a field.
    fn field(&mut self, name: &str, field: &str, values: &[String]) {
        if !values.is_empty() {
            self.add(name, json!({ field: values }));
        }
    }

    fn detection(&mut self, text: &str) -> Result<(), QuestionError> {
        let parsed: Value =
            yaml_serde::from_str(text).map_err(|error| QuestionError::Yaml(error.to_string()))?;
        let Value::Object(mut members) = parsed else {
            return Err(QuestionError::Shape);
        };
        match members.remove("condition") {
            None if members.is_empty() => return Err(QuestionError::Shape),
            None => self.add("_where", Value::Object(members)),
            Some(Value::String(condition)) => {
                if let Some(name) = members.keys().find(|name| name.starts_with('_')) {
                    return Err(QuestionError::Reserved(name.clone()));
                }
                self.identifiers.extend(members);
                self.conditions.push(format!("({condition})"));
            }
            Some(_) => return Err(QuestionError::Shape),
        }
        Ok(())
    }
}

/// A value that may stand anywhere in a field. What has wildcards of its own means what it says.
fn enclosed(text: &str) -> String {
    match text.contains('*') {
        true => text.to_owned(),
        false => format!("*{text}*"),
    }
}

/// Selections of the calls of a principal.
fn principal(name: &str) -> Vec<Value> {
    if name.starts_with("arn:") {
        // the ARN of a session, or that of its role
        return vec![
            json!({ "userIdentity.arn": name }),
            json!({ "userIdentity.sessionContext.sessionIssuer.arn": name }),
            json!({ "trailscan.principal": name }),
        ];
    }
    let mut selections: Vec<Value> = [
        "userIdentity.userName",
        "userIdentity.sessionContext.sessionIssuer.userName",
        "userIdentity.sessionContext.sourceIdentity",
        "userIdentity.invokedBy",
        "trailscan.session_name",
        "trailscan.sign_in_user",
        "trailscan.principal",
    ]
    .iter()
    .map(|field| json!({ *field: name }))
    .collect();
    if name.eq_ignore_ascii_case("root") {
        selections.push(json!({ "userIdentity.type": "Root" }));
    }
    selections
}

/// Selections of the calls that a key made, issued or changed.
fn access_key(key: &str, callers_only: bool) -> Vec<Value> {
    [
        "userIdentity.accessKeyId",
        "responseElements.credentials.accessKeyId",
        "responseElements.accessKey.accessKeyId",
        "requestParameters.accessKeyId",
    ]
    .iter()
    .take(if callers_only { 1 } else { usize::MAX })
    .map(|field| json!({ *field: key }))
    .collect()
}

fn source_ip(address: &str) -> Value {
    match address.contains('/') {
        true => json!({ "sourceIPAddress|cidr": address }),
        false => json!({ "sourceIPAddress": address }),
    }
}

/// CloudTrail's name of a service.
fn event_source(service: &str) -> String {
    match service.contains(['.', '*']) {
        true => service.to_owned(),
        false => format!("{service}.amazonaws.com"),
    }
}

/// Selections of the calls about a resource.
fn resource(name: &str) -> Vec<Value> {
    let text = enclosed(name);
    [
        "trailscan.target",
        "trailscan.secret_name",
        "resources.ARN",
        "requestParameters.bucketName",
        "requestParameters.key",
        "requestParameters.secretId",
        "requestParameters.keyId",
        "requestParameters.roleArn",
        "requestParameters.roleName",
        "requestParameters.userName",
        "requestParameters.policyArn",
        "requestParameters.functionName",
        "requestParameters.name",
    ]
    .iter()
    .map(|field| json!({ *field: text }))
    .collect()
}
