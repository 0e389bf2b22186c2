//! What a chain changed that outlives its session, and what was done about it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::calls::Call;

/// Changes that persist: the call, what it makes in words, and the calls that undo it. From the actions of
/// each service's API reference.
const PERSISTENT: [(&str, &str, &[&str]); 61] = [
    (
        "CreateAccessKey",
        "access key created",
        &["DeleteAccessKey", "UpdateAccessKey"],
    ),
    (
        "UpdateAccessKey",
        "access key switched on or off",
        &["UpdateAccessKey", "DeleteAccessKey"],
    ),
    ("DeleteAccessKey", "access key deleted", &[]),
    ("CreateUser", "user created", &["DeleteUser"]),
    ("DeleteUser", "user deleted", &["CreateUser"]),
    (
        "CreateLoginProfile",
        "console password created",
        &["DeleteLoginProfile"],
    ),
    (
        "UpdateLoginProfile",
        "console password changed",
        &["UpdateLoginProfile", "DeleteLoginProfile"],
    ),
    (
        "DeactivateMFADevice",
        "MFA device deactivated",
        &["EnableMFADevice"],
    ),
    (
        "EnableMFADevice",
        "MFA device enabled",
        &["DeactivateMFADevice"],
    ),
    ("CreateRole", "role created", &["DeleteRole"]),
    (
        "UpdateAssumeRolePolicy",
        "trust policy of a role changed",
        &["UpdateAssumeRolePolicy", "DeleteRole"],
    ),
    (
        "AttachUserPolicy",
        "policy attached to a user",
        &["DetachUserPolicy"],
    ),
    (
        "AttachRolePolicy",
        "policy attached to a role",
        &["DetachRolePolicy"],
    ),
    (
        "AttachGroupPolicy",
        "policy attached to a group",
        &["DetachGroupPolicy"],
    ),
    (
        "PutUserPolicy",
        "inline policy of a user",
        &["DeleteUserPolicy"],
    ),
    (
        "PutRolePolicy",
        "inline policy of a role",
        &["DeleteRolePolicy"],
    ),
    (
        "PutGroupPolicy",
        "inline policy of a group",
        &["DeleteGroupPolicy"],
    ),
    (
        "DetachUserPolicy",
        "policy detached from a user",
        &["AttachUserPolicy"],
    ),
    (
        "DetachRolePolicy",
        "policy detached from a role",
        &["AttachRolePolicy"],
    ),
    (
        "AddUserToGroup",
        "user added to a group",
        &["RemoveUserFromGroup"],
    ),
    ("CreatePolicy", "policy created", &["DeletePolicy"]),
    (
        "CreatePolicyVersion",
        "policy version created",
        &["DeletePolicyVersion", "SetDefaultPolicyVersion"],
    ),
    (
        "SetDefaultPolicyVersion",
        "default policy version changed",
        &["SetDefaultPolicyVersion"],
    ),
    (
        "CreateTrustAnchor",
        "Roles Anywhere trust anchor created",
        &["DeleteTrustAnchor", "DisableTrustAnchor"],
    ),
    (
        "CreateProfile",
        "Roles Anywhere profile created",
        &["DeleteProfile", "DisableProfile"],
    ),
    (
        "CreateSAMLProvider",
        "SAML provider created",
        &["DeleteSAMLProvider"],
    ),
    (
        "CreateOpenIDConnectProvider",
        "OIDC provider created",
        &["DeleteOpenIDConnectProvider"],
    ),
    ("StopLogging", "trail stopped", &["StartLogging"]),
    ("DeleteTrail", "trail deleted", &["CreateTrail"]),
    ("UpdateTrail", "trail changed", &["UpdateTrail"]),
    (
        "PutEventSelectors",
        "event selectors of a trail changed",
        &["PutEventSelectors"],
    ),
    ("DeleteFlowLogs", "flow logs deleted", &["CreateFlowLogs"]),
    (
        "DeleteDetector",
        "GuardDuty detector deleted",
        &["CreateDetector"],
    ),
    (
        "UpdateDetector",
        "GuardDuty detector changed",
        &["UpdateDetector"],
    ),
    (
        "DeleteConfigurationRecorder",
        "Config recorder deleted",
        &["PutConfigurationRecorder"],
    ),
    (
        "StopConfigurationRecorder",
        "Config recorder stopped",
        &["StartConfigurationRecorder"],
    ),
    (
        "PutBucketPolicy",
        "bucket policy changed",
        &["PutBucketPolicy", "DeleteBucketPolicy"],
    ),
    (
        "DeleteBucketPolicy",
        "bucket policy deleted",
        &["PutBucketPolicy"],
    ),
    ("PutBucketAcl", "bucket ACL changed", &["PutBucketAcl"]),
    (
        "PutBucketLifecycle",
        "bucket lifecycle changed",
        &["PutBucketLifecycle", "DeleteBucketLifecycle"],
    ),
    (
        "PutBucketReplication",
        "bucket replication changed",
        &["DeleteBucketReplication"],
    ),
    (
        "PutBucketPublicAccessBlock",
        "public access block changed",
        &["PutBucketPublicAccessBlock"],
    ),
    (
        "DeleteBucketPublicAccessBlock",
        "public access block deleted",
        &["PutBucketPublicAccessBlock"],
    ),
    (
        "PutBucketVersioning",
        "bucket versioning changed",
        &["PutBucketVersioning"],
    ),
    ("DeleteBucket", "bucket deleted", &[]),
    (
        "ModifySnapshotAttribute",
        "snapshot shared or withdrawn",
        &["ModifySnapshotAttribute", "DeleteSnapshot"],
    ),
    (
        "ModifyImageAttribute",
        "image shared or withdrawn",
        &["ModifyImageAttribute", "DeregisterImage"],
    ),
    (
        "ModifyDBSnapshotAttribute",
        "database snapshot shared or withdrawn",
        &["ModifyDBSnapshotAttribute", "DeleteDBSnapshot"],
    ),
    ("CreateSnapshot", "snapshot created", &["DeleteSnapshot"]),
    (
        "CreateDBSnapshot",
        "database snapshot created",
        &["DeleteDBSnapshot"],
    ),
    (
        "AuthorizeSecurityGroupIngress",
        "security group opened",
        &["RevokeSecurityGroupIngress"],
    ),
    (
        "CreateFunction20150331",
        "function created",
        &["DeleteFunction20150331"],
    ),
    (
        "UpdateFunctionCode20150331v2",
        "function code changed",
        &["UpdateFunctionCode20150331v2", "DeleteFunction20150331"],
    ),
    (
        "UpdateFunctionConfiguration20150331v2",
        "function configuration changed",
        &["UpdateFunctionConfiguration20150331v2"],
    ),
    (
        "AddPermission20150331v2",
        "function opened to another caller",
        &["RemovePermission20150331v2"],
    ),
    (
        "RunInstances",
        "instances started",
        &["TerminateInstances", "StopInstances"],
    ),
    ("DeleteSecret", "secret deleted", &["RestoreSecret"]),
    (
        "PutResourcePolicy",
        "resource policy changed",
        &["DeleteResourcePolicy", "PutResourcePolicy"],
    ),
    (
        "ScheduleKeyDeletion",
        "KMS key scheduled for deletion",
        &["CancelKeyDeletion"],
    ),
    ("DisableKey", "KMS key disabled", &["EnableKey"]),
    ("PutKeyPolicy", "KMS key policy changed", &["PutKeyPolicy"]),
];

/// Calls that take rights or credentials from a caller.
const CONTAINING: [&str; 18] = [
    "UpdateAccessKey",
    "DeleteAccessKey",
    "DeleteLoginProfile",
    "UpdateLoginProfile",
    "AttachUserPolicy",
    "AttachRolePolicy",
    "PutUserPolicy",
    "PutRolePolicy",
    "DetachUserPolicy",
    "DetachRolePolicy",
    "DeleteUserPolicy",
    "DeleteRolePolicy",
    "DeleteUser",
    "DeleteRole",
    "UpdateAssumeRolePolicy",
    "RemoveUserFromGroup",
    "StopInstances",
    "TerminateInstances",
];

/// The names of all calls that can undo a change or contain a caller.
pub(super) fn undoing() -> BTreeSet<&'static str> {
    let undoing = PERSISTENT
        .iter()
        .flat_map(|(_, _, undoing)| undoing.iter().copied());
    undoing.chain(CONTAINING).collect()
}

/// A change that the chain made.
#[derive(Debug, Clone, Serialize)]
pub struct Change {
    pub time: String,
    pub what: &'static str,
    pub event_name: String,
    pub principal: String,
    /// What was changed: names and ids.
    pub subject: String,
    pub account: String,
    /// The automation that made it, by its user agent, which whoever calls can choose.
    pub tool: &'static str,
    pub event_id: String,
    /// The call that undid it, if one is in the logs.
    pub undone: Option<Undone>,
    #[serde(skip)]
    subjects: BTreeMap<&'static str, String>,
    #[serde(skip)]
    by: &'static [&'static str],
}

/// A later call that undid a change.
#[derive(Debug, Clone, Serialize)]
pub struct Undone {
    pub time: String,
    pub event_name: String,
    pub principal: String,
    pub event_id: String,
    /// The chain did it itself.
    pub by_chain: bool,
    /// The automation that did it, by its user agent.
    pub tool: &'static str,
}

/// A call of somebody else that took rights or credentials from the chain.
#[derive(Debug, Clone, Serialize)]
pub struct Containment {
    pub time: String,
    pub event_name: String,
    pub principal: String,
    pub subject: String,
    pub outcome: &'static str,
    pub event_id: String,
}

impl Change {
    /// True if no call undoes it.
    pub const fn is_final(&self) -> bool {
        self.by.is_empty()
    }
}

/// Changes in the order of time.
#[derive(Debug, Default)]
pub(super) struct Changes {
    pub(super) made: Vec<Change>,
    pub(super) contained: Vec<Containment>,
}

impl Changes {
    /// Adds a call of the chain.
    pub(super) fn own(&mut self, call: &Call) {
        if !call.succeeded() {
            return;
        }
        self.undo(call, true);
        let name = call.line.event_name.as_str();
        let known = PERSISTENT.iter().find(|(change, ..)| *change == name);
        if let Some((_, what, by)) = known {
            self.made.push(Change {
                time: call.line.time.clone(),
                what,
                event_name: name.to_owned(),
                principal: call.line.principal.clone(),
                subject: subject(call),
                account: call.line.account.clone(),
                tool: call.tool,
                event_id: call.line.event_id.clone(),
                undone: None,
                subjects: call.subjects.clone(),
                by,
            });
        }
    }

    /// Adds a call of somebody else; `is_chains` tells whether a name or id belongs to the chain.
    pub(super) fn others(&mut self, call: &Call, is_chains: impl Fn(&str, &str) -> bool) {
        if call.succeeded() {
            self.undo(call, false);
        }
        let name = call.line.event_name.as_str();
        let touches = |(kind, value): (&&str, &String)| is_chains(kind, value);
        if CONTAINING.contains(&name) && call.subjects.iter().any(touches) {
            self.contained.push(Containment {
                time: call.line.time.clone(),
                event_name: name.to_owned(),
                principal: call.line.principal.clone(),
                subject: subject(call),
                outcome: call.line.outcome,
                event_id: call.line.event_id.clone(),
            });
        }
    }

    fn undo(&mut self, call: &Call, by_chain: bool) {
        let name = call.line.event_name.as_str();
        for change in &mut self.made {
            let same = change.account == call.line.account
                && change.by.contains(&name)
                && is_same(&change.subjects, &call.subjects);
            if same && change.undone.is_none() {
                change.undone = Some(Undone {
                    time: call.line.time.clone(),
                    event_name: name.to_owned(),
                    principal: call.line.principal.clone(),
                    event_id: call.line.event_id.clone(),
                    by_chain,
                    tool: call.tool,
                });
            }
        }
    }
}

/// Names and ids of a call, else its target.
fn subject(call: &Call) -> String {
    let values: Vec<&str> = call.subjects.values().map(String::as_str).collect();
    match values.is_empty() {
        true => call.line.target.clone(),
        false => values.join(" "),
    }
}

/// True if two calls are about the same: all that both name is equal, and both name something.
fn is_same(one: &BTreeMap<&'static str, String>, other: &BTreeMap<&'static str, String>) -> bool {
    let shared = one
        .iter()
        .filter_map(|(kind, value)| Some((value, other.get(kind)?)));
    let mut any = false;
    for (one, other) in shared {
        if last_part(one) != last_part(other) {
            return false;
        }
        any = true;
    }
    any
}

/// A name, whether it stands alone or at the end of an ARN.
fn last_part(text: &str) -> &str {
    match text.strip_prefix("arn:") {
        Some(rest) => rest.rsplit(['/', ':']).next().unwrap_or(rest),
        None => text,
    }
}
