//! To whom a call gives access: by policy documents, access control lists, attributes of snapshots and
//! images, grants, resource shares and replication.

use serde_json::Value as Json;

use super::parameters::{self, at, list, member, texts};
use super::policy::{allows, statements_of};
use super::{Organization, omitted};
use crate::event::{Event, Key};
use crate::wildcard::Wildcard;

mod condition;

/// Who gets access, from narrow to wide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// The account itself, an AWS service, or an identity provider.
    Own,
    /// An account of `trusted.accounts` or `scope.accounts`, or principals that a condition limits to an
    /// organization or to a network.
    Trusted,
    /// Any other account.
    Foreign,
    Public,
}

impl Reach {
    /// The word in `trailscan.shared_with`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Trusted => "trusted",
            Self::Foreign => "foreign",
            Self::Public => "public",
        }
    }
}

/// The widest principal to whom a call gives access, or tries to. `None` for calls that give access to
/// nobody.
pub fn widest(event: &Event<'_>, organization: &Organization) -> Option<Reach> {
    let parameters = event.raw(Key::RequestParameters);
    // a call that only reads gives nothing away
    if event.text(Key::ReadOnly) == "true" || !parameters.is_object() || omitted::request(event) {
        return None;
    }
    let account = event.account();
    let granter = Granter {
        account: &account,
        trusted: &organization.trusted,
    };
    let parameters = parameters::of(event);
    let service = event.service();
    let name = event.text(Key::EventName);
    let mut found = match &*service {
        // the policy of an endpoint limits who may pass it, and gives access to nothing
        "ec2" => granter.attributes(&parameters),
        _ => granter.documents(&parameters, DOCUMENT_DEPTH),
    };
    if service.starts_with("s3") {
        found.extend(granter.acl(&parameters));
        found.extend(granter.replication(&parameters));
    }
    found.extend(granter.named(&name, &parameters));
    found.into_iter().max()
}

/// Parameters that hold a resource policy or the trust policy of a role (the services' API references:
/// IAM, S3, KMS, Secrets Manager, SNS, SQS, ECR, Lambda, Backup, OpenSearch, Glue, CloudWatch Logs). Policies
/// of identities stand in `policyDocument` as well, and name no principal.
const DOCUMENTS: [&str; 10] = [
    "accessPolicies",
    "accessPolicy",
    "assumeRolePolicyDocument",
    "attributeValue",
    "bucketPolicy",
    "policy",
    "policyDocument",
    "policyInJson",
    "policyText",
    "resourcePolicy",
];

/// How deep below the parameters a document may stand: `attributes.Policy` (SNS, SQS), `policy.policy`
/// (S3 Glacier), and what some services wrap into one more object.
const DOCUMENT_DEPTH: usize = 2;

/// Calls that name accounts or principals in a parameter of their own, with the beginning of the call's
/// name (Lambda adds the version of its API).
const NAMED: [(&str, &[&str]); 12] = [
    ("AddLayerVersionPermission", &["principal"]),
    // Lambda; SNS and SQS
    (
        "AddPermission",
        &["principal", "aWSAccountId", "aWSAccountIds"],
    ),
    ("AssociateResourceShare", &["principals"]),
    ("AuthorizeDataShare", &["consumerIdentifier"]),
    ("AuthorizeSnapshotAccess", &["accountWithRestoreAccess"]),
    ("CreateGrant", &["granteePrincipal"]),
    ("CreateResourceShare", &["principals"]),
    ("ModifyDBClusterSnapshotAttribute", &["valuesToAdd"]),
    ("ModifyDBSnapshotAttribute", &["valuesToAdd"]),
    ("ModifyDocumentPermission", &["accountIdsToAdd"]),
    ("PutPermission", &["principal"]),
    ("UpdateWorkspaceImagePermission", &["sharedAccountId"]),
];

/// Whose resources are shared, and whom it trusts.
struct Granter<'e> {
    account: &'e str,
    trusted: &'e [Wildcard],
}

impl Granter<'_> {
    fn account(&self, account: &str) -> Reach {
        match account {
            own if own == self.account => Reach::Own,
            other if self.trusted.iter().any(|known| known.matches(other)) => Reach::Trusted,
            _ => Reach::Foreign,
        }
    }

    /// Who a principal of a policy is: `*`, an account, an ARN, or a service. `None` for the ids of
    /// principals that were deleted, which say nothing of their account.
    fn principal(&self, text: &str) -> Option<Reach> {
        let text = text.trim();
        let begins_with_account = text.split_once(':').map_or(text, |(account, _)| account);
        if text == "*" {
            return Some(Reach::Public);
        }
        if let Some(account) = account_of_arn(text) {
            return Some(match account {
                // services and CloudFront's identities
                "" | "aws" | "cloudfront" => Reach::Own,
                pattern if pattern.contains(['*', '?']) => Reach::Public,
                account => self.account(account),
            });
        }
        // EC2 grants to `111122223333:aws:ec2-infrastructure:i-…`
        if begins_with_account.len() == 12
            && begins_with_account
                .bytes()
                .all(|byte| byte.is_ascii_digit())
        {
            return Some(self.account(begins_with_account));
        }
        let service = text.ends_with(".amazonaws.com") || text.ends_with(".amazonaws.com.cn");
        service.then_some(Reach::Own)
    }

    /// Who gets access by the policy documents in an object.
    fn documents(&self, object: &Json, depth: usize) -> Vec<Reach> {
        let mut found = Vec::new();
        for (name, value) in object.as_object().into_iter().flatten() {
            if DOCUMENTS
                .iter()
                .any(|known| name.eq_ignore_ascii_case(known))
            {
                let statements = statements_of(value);
                found.extend(statements.iter().filter_map(|one| self.statement(one)));
            }
            if let (true, Some(depth)) = (value.is_object(), depth.checked_sub(1)) {
                found.extend(self.documents(value, depth));
            }
        }
        found
    }

    /// Who gets access by a statement. Conditions count where it names everybody (S3 user guide, "The
    /// meaning of public").
    fn statement(&self, statement: &Json) -> Option<Reach> {
        if !allows(statement) {
            return None;
        }
        let principal = member(statement, "Principal");
        let mut found = Vec::new();
        if !member(statement, "NotPrincipal").is_null() {
            found.push(Reach::Public);
        }
        found.extend(texts(principal).filter_map(|text| self.principal(text)));
        for (kind, names) in principal.as_object().into_iter().flatten() {
            match kind.to_ascii_lowercase().as_str() {
                "service" | "federated" => found.push(Reach::Own),
                "aws" | "*" => found.extend(texts(names).filter_map(|text| self.principal(text))),
                // the id of an account that CloudTrail names nowhere else
                _ => {}
            }
        }
        let widest = found.into_iter().max()?;
        let narrowed = || self.narrowed(member(statement, "Condition"));
        match widest {
            Reach::Public => Some(narrowed().unwrap_or(Reach::Public)),
            other => Some(other),
        }
    }

    /// Who gets access by an access control list of S3: a canned one, a list of grants, or headers (S3 user
    /// guide, "Access control list overview").
    fn acl(&self, parameters: &Json) -> Vec<Reach> {
        let mut found = Vec::new();
        let canned = texts(member(parameters, "x-amz-acl"));
        found.extend(
            canned
                .filter(|word| !word.is_empty())
                .map(|word| match word {
                    "public-read" | "public-read-write" | "authenticated-read" => Reach::Public,
                    _ => Reach::Own,
                }),
        );
        let policy = member(parameters, "AccessControlPolicy");
        let owner = at(policy, &["Owner", "ID"]).as_str();
        let lists = at(policy, &["AccessControlList", "Grant"]);
        for grant in list(lists) {
            let grantee = member(grant, "Grantee");
            let id = member(grantee, "ID").as_str().filter(|id| !id.is_empty());
            let uri = member(grantee, "URI").as_str();
            found.extend(uri.map(of_group));
            found.extend(id.map(|id| match Some(id) == owner || id == DELIVERY {
                true => Reach::Own,
                // each account has one id
                false => Reach::Foreign,
            }));
        }
        for object in [parameters, member(parameters, "AccessControlList")] {
            for (name, value) in object.as_object().into_iter().flatten() {
                let name = name.to_ascii_lowercase().replace('_', "-");
                let header = name.starts_with("x-amz-grant-");
                let values = texts(value).filter(|text| header && text.contains("uri="));
                found.extend(values.map(of_group));
            }
        }
        found
    }

    /// The accounts that own replicas (S3 API reference, PutBucketReplication). Without an account the
    /// record does not say whose the destination is.
    fn replication(&self, parameters: &Json) -> Vec<Reach> {
        let configuration = member(parameters, "ReplicationConfiguration");
        let rules = [
            member(configuration, "Rule"),
            member(configuration, "Rules"),
        ];
        let rules = rules.into_iter().flat_map(list);
        let accounts = rules.filter_map(|rule| {
            let account = at(rule, &["Destination", "Account"]);
            parameters::text(account).map(|account| self.account(&account))
        });
        accounts.collect()
    }

    /// The groups and accounts that a snapshot or an image is shared with (EC2 API reference,
    /// ModifySnapshotAttribute, ModifyImageAttribute, ModifyFpgaImageAttribute).
    fn attributes(&self, parameters: &Json) -> Vec<Reach> {
        let permissions = [
            "createVolumePermission",
            "launchPermission",
            "loadPermission",
        ];
        let added = permissions.map(|name| at(parameters, &[name, "add"]));
        let added = added.into_iter().flat_map(list);
        let reach = added.flat_map(|one| {
            let group = member(one, "group").as_str();
            let everybody = group.filter(|group| group.eq_ignore_ascii_case("all"));
            let names = ["userId", "organizationArn", "organizationalUnitArn"];
            let accounts = names.map(|name| parameters::text(member(one, name)));
            let accounts = accounts.into_iter().flatten();
            let accounts = accounts.map(|name| self.principal(&name).unwrap_or(Reach::Foreign));
            everybody.map(|_| Reach::Public).into_iter().chain(accounts)
        });
        reach.collect()
    }

    /// The principals in parameters of their own.
    fn named(&self, call: &str, parameters: &Json) -> Vec<Reach> {
        let mut known = NAMED.iter();
        let Some((_, names)) = known.find(|(beginning, _)| call.starts_with(beginning)) else {
            return Vec::new();
        };
        let values = names.iter().flat_map(|name| list(member(parameters, name)));
        let principals = values.filter_map(parameters::text);
        let reach = principals.filter_map(|name| match name.as_ref() {
            "" => None,
            all if all.eq_ignore_ascii_case("all") => Some(Reach::Public),
            "*" => Some(
                self.narrowed_by_parameters(parameters)
                    .unwrap_or(Reach::Public),
            ),
            // only the own organization can be named (RAM user guide, "Sharing your resources")
            arn if call.ends_with("ResourceShare") && arn.contains(":organizations:") => {
                Some(Reach::Trusted)
            }
            name => self.principal(name),
        });
        reach.collect()
    }

    /// Limits to `*` that calls take in place of a condition: Lambda's AddPermission and
    /// AddLayerVersionPermission, EventBridge's PutPermission.
    fn narrowed_by_parameters(&self, parameters: &Json) -> Option<Reach> {
        let text = |name: &str| {
            let value = parameters::text(member(parameters, name));
            value.filter(|text| !text.is_empty() && !text.starts_with('*'))
        };
        let organization = text("principalOrgID").or_else(|| text("organizationId"));
        let source = text("sourceArn").map(|arn| match account_of_arn(&arn) {
            Some(account) if !account.is_empty() => self.account(account),
            _ => Reach::Own,
        });
        let condition = at(parameters, &["condition", "key"]).as_str();
        let of_organization =
            condition.is_some_and(|key| key.eq_ignore_ascii_case("aws:PrincipalOrgID"));
        let account = text("sourceAccount").map(|account| self.account(&account));
        let limits = [
            organization.map(|_| Reach::Trusted),
            of_organization.then_some(Reach::Trusted),
            account,
            source,
        ];
        limits.into_iter().flatten().min()
    }
}

/// The canonical user that CloudFront delivers its logs as (CloudFront developer guide, "Standard logging").
const DELIVERY: &str = "c4c1ede66af53448b93c283ce9448c4ba468c9432aa01d700d3878632f77d2d0";

/// Who belongs to one of S3's predefined groups; all but the one that delivers logs are open to everybody
/// or to every AWS account.
fn of_group(uri: &str) -> Reach {
    match uri.contains("/global/AllUsers") || uri.contains("/global/AuthenticatedUsers") {
        true => Reach::Public,
        false => Reach::Own,
    }
}

/// The account in an ARN, which may be empty; `None` for other texts.
fn account_of_arn(text: &str) -> Option<&str> {
    let mut parts = text.splitn(6, ':');
    let account = parts.nth(4)?;
    text.starts_with("arn:").then_some(account)
}
