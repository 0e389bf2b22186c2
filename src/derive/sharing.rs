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

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use crate::derive::Organization;
    use crate::derive::tests::ask;
    use crate::wildcard::Wildcard;

    /// `trailscan.shared_with` of a call in account 111122223333, which trusts 444455556666.
    fn shared(call: &str, parameters: &Json) -> String {
        let (service, name) = call.split_once(':').unwrap();
        let organization = Organization {
            trusted: vec![Wildcard::parse("444455556666")],
            ..Default::default()
        };
        let record = json!({
            "eventVersion": "1.11",
            "eventSource": format!("{service}.amazonaws.com"),
            "eventName": name,
            "recipientAccountId": "111122223333",
            "requestParameters": parameters,
        });
        ask("trailscan.shared_with", &record.to_string(), &organization)
    }

    fn statement(principal: &Json, condition: &Json) -> String {
        let mut statement =
            json!({"Effect": "Allow", "Principal": principal, "Action": "x:*", "Resource": "*"});
        if !condition.is_null() {
            statement["Condition"] = condition.clone();
        }
        json!({"Version": "2012-10-17", "Statement": statement}).to_string()
    }

    fn by_policy(principal: Json, condition: Json) -> String {
        let policy = statement(&principal, &condition);
        shared("kms:PutKeyPolicy", &json!({"keyId": "k", "policy": policy}))
    }

    #[test]
    fn the_widest_principal_of_a_policy_counts() {
        for (principal, expected) in [
            (json!("*"), "public"),
            (json!({"AWS": "*"}), "public"),
            (
                json!({"AWS": ["arn:aws:iam::111122223333:root", "*"]}),
                "public",
            ),
            (json!({"AWS": "arn:aws:iam::777788889999:root"}), "foreign"),
            (json!({"AWS": "777788889999"}), "foreign"),
            (
                json!({"AWS": ["arn:aws:iam::444455556666:role/x", "arn:aws:iam::777788889999:user/y"]}),
                "foreign",
            ),
            (
                json!({"AWS": "arn:aws:sts::777788889999:assumed-role/r/s"}),
                "foreign",
            ),
            (
                json!({"AWS": "arn:aws:iam::444455556666:role/x"}),
                "trusted",
            ),
            (json!({"AWS": "arn:aws:iam::111122223333:root"}), "own"),
            (
                json!({"AWS": "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1"}),
                "own",
            ),
            (json!({"Service": "ecs-tasks.amazonaws.com"}), "own"),
            (
                json!({"Federated": "arn:aws:iam::777788889999:saml-provider/idp"}),
                "own",
            ),
            // the id of a principal that was deleted
            (json!({"AWS": "AIDACKCEVSQ6C2EXAMPLE"}), ""),
            (
                json!({"CanonicalUser": "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"}),
                "",
            ),
        ] {
            assert_eq!(
                by_policy(principal.clone(), Json::Null),
                expected,
                "{principal}"
            );
        }
        let mut denied: Json = serde_json::from_str(&statement(&json!("*"), &Json::Null)).unwrap();
        denied["Statement"]["Effect"] = json!("Deny");
        assert_eq!(shared("kms:PutKeyPolicy", &json!({"policy": denied})), "");
        let except = json!({"Statement": [{"Effect": "Allow", "NotPrincipal": {"AWS": "111122223333"}, "Action": "*"}]});
        assert_eq!(
            shared(
                "sqs:SetQueueAttributes",
                &json!({"attributes": {"Policy": except.to_string()}})
            ),
            "public"
        );
    }

    #[test]
    fn a_condition_narrows_everybody() {
        for (condition, expected) in [
            (
                json!({"StringEquals": {"aws:SourceAccount": "111122223333"}}),
                "own",
            ),
            (
                json!({"StringEquals": {"AWS:SourceOwner": "111122223333"}}),
                "own",
            ),
            (
                json!({"StringEquals": {"kms:CallerAccount": "777788889999"}}),
                "foreign",
            ),
            (
                json!({"StringEquals": {"aws:PrincipalAccount": ["111122223333", "444455556666"]}}),
                "trusted",
            ),
            (
                json!({"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}}),
                "trusted",
            ),
            (
                json!({"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-a1b2c3d4e5/r-ab12/*"}}),
                "trusted",
            ),
            (
                json!({"StringEquals": {"aws:SourceVpce": "vpce-1a2b3c4d"}}),
                "own",
            ),
            (
                json!({"StringEquals": {"aws:SourceVpc": ["vpc-1a2b3c4d"]}}),
                "own",
            ),
            (
                json!({"IpAddress": {"aws:SourceIp": ["198.51.100.0/24", "203.0.113.7"]}}),
                "trusted",
            ),
            (
                json!({"ArnLike": {"aws:SourceArn": "arn:aws:s3:::clinic-files"}}),
                "own",
            ),
            (
                json!({"ArnLike": {"aws:SourceArn": "arn:aws:sns:*:111122223333:*"}}),
                "own",
            ),
            (
                json!({"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::777788889999:role/x"}}),
                "foreign",
            ),
            (
                json!({"Bool": {"elasticfilesystem:AccessedViaMountTarget": "true"}}),
                "own",
            ),
            // the narrowest of several
            (
                json!({"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5", "aws:SourceVpc": "vpc-1a2b3c4d"}}),
                "own",
            ),
            (json!({"Bool": {"aws:SecureTransport": "true"}}), "public"),
            (
                json!({"StringLike": {"aws:Referer": "https://clinic.example/*"}}),
                "public",
            ),
            (
                json!({"StringLike": {"aws:PrincipalOrgID": "o-*"}}),
                "public",
            ),
            (
                json!({"StringLike": {"aws:PrincipalAccount": "*"}}),
                "public",
            ),
            (
                json!({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/x"}}),
                "public",
            ),
            (
                json!({"ArnLike": {"aws:SourceArn": "arn:aws:s3:::*"}}),
                "public",
            ),
            (
                json!({"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}),
                "public",
            ),
            (
                json!({"IpAddress": {"aws:SourceIp": ["198.51.100.0/24", "0.0.0.0/1"]}}),
                "public",
            ),
            (
                json!({"NotIpAddress": {"aws:SourceIp": "198.51.100.0/24"}}),
                "public",
            ),
            (
                json!({"StringNotEquals": {"aws:SourceVpc": "vpc-1a2b3c4d"}}),
                "public",
            ),
            (
                json!({"StringEqualsIfExists": {"aws:PrincipalAccount": "111122223333"}}),
                "public",
            ),
            (
                json!({"ForAllValues:StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}}),
                "public",
            ),
            (json!({"StringEquals": {"aws:SourceAccount": []}}), "public"),
            (json!({}), "public"),
        ] {
            assert_eq!(
                by_policy(json!("*"), condition.clone()),
                expected,
                "{condition}"
            );
        }
        // a condition does not make a foreign account one's own
        let foreign = json!({"AWS": "777788889999"});
        let condition =
            json!({"StringEquals": {"sts:ExternalId": "x", "aws:SourceAccount": "111122223333"}});
        assert_eq!(by_policy(foreign, condition), "foreign");
    }

    #[test]
    fn documents_are_found_in_the_parameters_of_every_service() {
        let public = statement(&json!("*"), &Json::Null);
        let object: Json = serde_json::from_str(&public).unwrap();
        let encoded: String = public.bytes().map(|byte| format!("%{byte:02X}")).collect();
        for (call, parameters) in [
            (
                "s3:PutBucketPolicy",
                json!({"bucketName": "b", "bucketPolicy": object, "policy": [""]}),
            ),
            (
                "s3:PutAccessPointPolicy",
                json!({"PutAccessPointPolicyRequest": {"Policy": public}}),
            ),
            ("kms:CreateKey", json!({"policy": public})),
            (
                "secretsmanager:PutResourcePolicy",
                json!({"secretId": "s", "resourcePolicy": public}),
            ),
            (
                "sns:SetTopicAttributes",
                json!({"attributeName": "Policy", "attributeValue": public}),
            ),
            (
                "sns:CreateTopic",
                json!({"name": "t", "attributes": {"Policy": public}}),
            ),
            (
                "sqs:SetQueueAttributes",
                json!({"queueUrl": "q", "attributes": {"Policy": public}}),
            ),
            (
                "ecr:SetRepositoryPolicy",
                json!({"repositoryName": "r", "policyText": public}),
            ),
            (
                "backup:PutBackupVaultAccessPolicy",
                json!({"backupVaultName": "v", "policy": public}),
            ),
            (
                "es:UpdateDomainConfig",
                json!({"domainName": "d", "accessPolicies": public}),
            ),
            ("glue:PutResourcePolicy", json!({"policyInJson": public})),
            (
                "glacier:SetVaultAccessPolicy",
                json!({"policy": {"policy": public}}),
            ),
            (
                "iam:CreateRole",
                json!({"roleName": "r", "assumeRolePolicyDocument": encoded}),
            ),
            (
                "iam:UpdateAssumeRolePolicy",
                json!({"roleName": "r", "policyDocument": public}),
            ),
        ] {
            assert_eq!(shared(call, &parameters), "public", "{call}");
        }
        for (call, parameters) in [
            // the policy of an endpoint is a filter
            (
                "ec2:ModifyVpcEndpoint",
                json!({"ModifyVpcEndpointRequest": {"PolicyDocument": public}}),
            ),
            // an identity's policy names no principal
            (
                "iam:PutRolePolicy",
                json!({"policyDocument": r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#}),
            ),
            (
                "iam:CreateRole",
                json!({"assumeRolePolicyDocument": "not json"}),
            ),
            ("iam:CreateRole", json!({"assumeRolePolicyDocument": "[]"})),
            (
                "s3:PutBucketPolicy",
                json!({"omitted": true, "originalSize": 131021, "reason": "requestParameters too large"}),
            ),
            ("s3:PutBucketPolicy", Json::Null),
        ] {
            assert_eq!(shared(call, &parameters), "", "{call}");
        }
    }

    #[test]
    fn access_control_lists_name_groups_owners_and_others() {
        let uri = |group: &str| format!("http://acs.amazonaws.com/groups/{group}");
        let grants = |grants: Json| json!({"bucketName": "b", "AccessControlPolicy": {"Owner": {"ID": "aa"}, "AccessControlList": {"Grant": grants}}});
        for (parameters, expected) in [
            (json!({"x-amz-acl": "public-read"}), "public"),
            (json!({"X-Amz-Acl": ["public-read-write"]}), "public"),
            (json!({"x-amz-acl": "authenticated-read"}), "public"),
            (json!({"x-amz-acl": "private"}), "own"),
            (json!({"x-amz-acl": "bucket-owner-full-control"}), "own"),
            (json!({"acl": ""}), ""),
            (
                grants(json!({"Grantee": {"URI": uri("global/AllUsers")}, "Permission": "READ"})),
                "public",
            ),
            (
                grants(
                    json!([{"Grantee": {"ID": "aa"}}, {"Grantee": {"URI": uri("global/AuthenticatedUsers")}}]),
                ),
                "public",
            ),
            (
                grants(json!([{"Grantee": {"URI": uri("s3/LogDelivery")}}])),
                "own",
            ),
            (grants(json!({"Grantee": {"ID": "aa"}})), "own"),
            (
                grants(json!([{"Grantee": {"ID": "aa"}}, {"Grantee": {"ID": "bb"}}])),
                "foreign",
            ),
            (grants(json!({"Grantee": {"ID": super::DELIVERY}})), "own"),
            (
                json!({"AccessControlList": {"x_amz_grant_read": format!("uri={}", uri("global/AllUsers"))}}),
                "public",
            ),
            (
                json!({"x-amz-grant-read": format!("uri=\"{}\"", uri("global/AllUsers"))}),
                "public",
            ),
            (json!({"x-amz-grant-read": "id=\"aa\""}), ""),
        ] {
            assert_eq!(
                shared("s3:PutObjectAcl", &parameters),
                expected,
                "{parameters}"
            );
        }
        assert_eq!(
            shared("sqs:SendMessage", &json!({"x-amz-acl": "public-read"})),
            ""
        );
    }

    #[test]
    fn snapshots_images_and_documents_are_shared_by_attributes() {
        let added = |name: &str, items: Json| json!({name: {"add": {"items": items}}});
        let all = json!([{"group": "all"}]);
        for (call, parameters, expected) in [
            (
                "ec2:ModifySnapshotAttribute",
                added("createVolumePermission", all.clone()),
                "public",
            ),
            (
                "ec2:ModifySnapshotAttribute",
                added(
                    "createVolumePermission",
                    json!([{"userId": "777788889999"}]),
                ),
                "foreign",
            ),
            (
                "ec2:ModifySnapshotAttribute",
                added(
                    "createVolumePermission",
                    json!([{"userId": "444455556666"}]),
                ),
                "trusted",
            ),
            (
                "ec2:ModifySnapshotAttribute",
                json!({"createVolumePermission": {"add": [{"userId": "111122223333"}]}}),
                "own",
            ),
            (
                "ec2:ModifySnapshotAttribute",
                json!({"createVolumePermission": {"remove": {"items": all}}}),
                "",
            ),
            (
                "ec2:ModifyImageAttribute",
                added("launchPermission", all.clone()),
                "public",
            ),
            (
                "ec2:ModifyImageAttribute",
                added("launchPermission", json!([{"userId": 777788889999_u64}])),
                "foreign",
            ),
            (
                "ec2:ModifyImageAttribute",
                added("someThing", all.clone()),
                "",
            ),
            (
                "ec2:ModifyImageAttribute",
                added(
                    "launchPermission",
                    json!([{"organizationArn": "arn:aws:organizations::777788889999:organization/o-1"}]),
                ),
                "foreign",
            ),
            (
                "rds:ModifyDBSnapshotAttribute",
                json!({"attributeName": "restore", "valuesToAdd": ["all"]}),
                "public",
            ),
            (
                "rds:ModifyDBSnapshotAttribute",
                json!({"attributeName": "restore", "valuesToAdd": ["777788889999"]}),
                "foreign",
            ),
            (
                "rds:ModifyDBSnapshotAttribute",
                json!({"attributeName": "restore", "valuesToAdd": []}),
                "",
            ),
            (
                "rds:ModifyDBSnapshotAttribute",
                json!({"attributeName": "restore", "valuesToRemove": ["all"]}),
                "",
            ),
            (
                "rds:ModifyDBClusterSnapshotAttribute",
                json!({"attributeName": "restore", "valuesToAdd": ["444455556666"]}),
                "trusted",
            ),
            (
                "redshift:AuthorizeSnapshotAccess",
                json!({"accountWithRestoreAccess": "777788889999"}),
                "foreign",
            ),
            (
                "ssm:ModifyDocumentPermission",
                json!({"permissionType": "Share", "accountIdsToAdd": ["All"]}),
                "public",
            ),
            (
                "ssm:ModifyDocumentPermission",
                json!({"accountIdsToAdd": ["777788889999"]}),
                "foreign",
            ),
            (
                "ssm:ModifyDocumentPermission",
                json!({"accountIdsToRemove": ["all"]}),
                "",
            ),
        ] {
            assert_eq!(shared(call, &parameters), expected, "{call} {parameters}");
        }
    }

    #[test]
    fn permissions_grants_shares_and_replicas_name_principals() {
        let replica = |account: &str| json!({"ReplicationConfiguration": {"Role": "arn:aws:iam::111122223333:role/r", "Rule": {"Destination": {"Bucket": "arn:aws:s3:::x", "Account": account}}}});
        let share = |principal: &str| json!({"name": "s", "principals": [principal]});
        for (call, parameters, expected) in [
            (
                "lambda:AddPermission20150331v2",
                json!({"principal": "*", "functionUrlAuthType": "NONE"}),
                "public",
            ),
            (
                "lambda:AddPermission20150331v2",
                json!({"principal": "*", "principalOrgID": "o-1"}),
                "trusted",
            ),
            (
                "lambda:AddPermission20150331v2",
                json!({"principal": "*", "sourceAccount": "111122223333"}),
                "own",
            ),
            (
                "lambda:AddPermission20150331v2",
                json!({"principal": "777788889999"}),
                "foreign",
            ),
            (
                "lambda:AddPermission20150331v2",
                json!({"principal": "s3.amazonaws.com", "sourceArn": "arn:aws:s3:::b"}),
                "own",
            ),
            (
                "lambda:AddPermission20150331",
                json!({"functionName": "f"}),
                "",
            ),
            (
                "lambda:AddLayerVersionPermission20181031",
                json!({"principal": "*"}),
                "public",
            ),
            (
                "lambda:AddLayerVersionPermission20181031",
                json!({"principal": "*", "organizationId": "o-1"}),
                "trusted",
            ),
            (
                "sns:AddPermission",
                json!({"aWSAccountId": ["777788889999"], "label": "x"}),
                "foreign",
            ),
            (
                "sqs:AddPermission",
                json!({"aWSAccountIds": ["111122223333"], "label": "x"}),
                "own",
            ),
            ("events:PutPermission", json!({"principal": "*"}), "public"),
            (
                "events:PutPermission",
                json!({"principal": "*", "condition": {"type": "StringEquals", "key": "aws:PrincipalOrgID", "value": "o-1"}}),
                "trusted",
            ),
            (
                "kms:CreateGrant",
                json!({"granteePrincipal": "arn:aws:iam::777788889999:role/x"}),
                "foreign",
            ),
            (
                "kms:CreateGrant",
                json!({"granteePrincipal": "111122223333:aws:ec2-infrastructure:i-81e2f56c"}),
                "own",
            ),
            (
                "kms:CreateGrant",
                json!({"granteePrincipal": "dynamodb.us-west-2.amazonaws.com"}),
                "own",
            ),
            (
                "kms:CreateGrant",
                json!({"granteePrincipal": "EX_PRINCIPAL_ID"}),
                "",
            ),
            ("ram:CreateResourceShare", share("777788889999"), "foreign"),
            (
                "ram:AssociateResourceShare",
                share("444455556666"),
                "trusted",
            ),
            (
                "ram:CreateResourceShare",
                share("arn:aws:organizations::777788889999:ou/o-1/ou-1"),
                "trusted",
            ),
            (
                "s3:PutBucketReplication",
                replica("777788889999"),
                "foreign",
            ),
            (
                "s3:PutBucketReplication",
                replica("444455556666"),
                "trusted",
            ),
            (
                "s3:PutBucketReplication",
                json!({"ReplicationConfiguration": {"Rule": [{"Destination": {"Bucket": "arn:aws:s3:::x"}}]}}),
                "",
            ),
        ] {
            assert_eq!(shared(call, &parameters), expected, "{call} {parameters}");
        }
    }

    #[test]
    fn a_call_that_reads_shares_nothing_and_an_attempt_counts() {
        let record = |more: &str| {
            format!(
                r#"{{"eventVersion":"1.11","eventSource":"kms.amazonaws.com","eventName":"PutKeyPolicy","recipientAccountId":"111122223333",{more}
                "requestParameters":{{"policy":"{{\"Statement\":{{\"Effect\":\"Allow\",\"Principal\":\"*\"}}}}"}}}}"#
            )
        };
        let ask = |more: &str| {
            ask(
                "trailscan.shared_with",
                &record(more),
                &Organization::default(),
            )
        };
        assert_eq!(ask(r#""readOnly":true,"#), "");
        assert_eq!(
            ask(r#""readOnly":false,"errorCode":"AccessDenied","#),
            "public"
        );
        // text that serde_json refuses must not hide the document
        assert_eq!(ask(r#""readOnly":false,"x":"\ud800","#), "public");
        let lone = record("").replace("\"policy\"", "\"keyId\":\"\\ud800\",\"policy\"");
        assert_eq!(
            crate::derive::tests::ask("trailscan.shared_with", &lone, &Organization::default()),
            "public"
        );
    }
}
