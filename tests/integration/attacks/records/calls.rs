//! Calls with request parameters of the shapes that derived fields read.

use serde_json::{Value, json};

/// One record a shape.
pub(super) fn calls() -> Vec<Value> {
    let policy = r#"{"Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"x:*","Condition":{"StringEquals":{"aws:SourceAccount":"111122223333"},"IpAddress":{"aws:SourceIp":["198.51.100.0/24"]}}}]}"#;
    let all_users = "http://acs.amazonaws.com/groups/global/AllUsers";
    let calls = [
        (
            "s3",
            "PutBucketLifecycle",
            json!({"LifecycleConfiguration": {"Rule": [{"Status": "Enabled", "Expiration": {"Days": 7, "Date": "2026-12-01T00:00:00Z"}, "NoncurrentVersionExpiration": {"NoncurrentDays": 3}}]}}),
        ),
        (
            "s3",
            "PutBucketAcl",
            json!({"x-amz-acl": "private", "AccessControlPolicy": {"Owner": {"ID": "a"}, "AccessControlList": {"Grant": [{"Grantee": {"URI": all_users}}, {"Grantee": {"ID": "b"}}]}}, "accessControlList": {"x-amz-grant-read": format!("uri={all_users}")}}),
        ),
        (
            "s3",
            "PutBucketReplication",
            json!({"ReplicationConfiguration": {"Rule": {"Destination": {"Account": "444455556666"}}}}),
        ),
        (
            "s3",
            "GetObject",
            json!({"bucketName": "b", "key": "workspace-1/a", "prefix": "workspace-1/"}),
        ),
        ("kms", "PutKeyPolicy", json!({"policy": policy})),
        (
            "kms",
            "CreateGrant",
            json!({"granteePrincipal": "arn:aws:iam::444455556666:role/x"}),
        ),
        (
            "sqs",
            "SetQueueAttributes",
            json!({"attributes": {"Policy": policy}}),
        ),
        (
            "iam",
            "PutRolePolicy",
            json!({"roleName": "r", "policyDocument": policy}),
        ),
        (
            "iam",
            "AttachUserPolicy",
            json!({"userName": "u", "policyArn": "arn:aws:iam::aws:policy/AmazonS3FullAccess"}),
        ),
        (
            "sso",
            "PutInlinePolicyToPermissionSet",
            json!({"inlinePolicy": policy}),
        ),
        (
            "ec2",
            "ModifySnapshotAttribute",
            json!({"createVolumePermission": {"add": {"items": [{"group": "all"}, {"userId": "444455556666"}]}}}),
        ),
        (
            "ec2",
            "AuthorizeSecurityGroupIngress",
            json!({"ipPermissions": {"items": [{"ipProtocol": "tcp", "fromPort": 22, "toPort": 22, "ipRanges": {"items": [{"cidrIp": "0.0.0.0/0"}]}, "ipv6Ranges": {"items": [{"cidrIpv6": "::/0"}]}}]}}),
        ),
        (
            "ec2",
            "ModifySecurityGroupRules",
            json!({"ModifySecurityGroupRulesRequest": {"SecurityGroupRule": {"SecurityGroupRule": {"CidrIpv4": "0.0.0.0/0", "FromPort": 22, "ToPort": 22, "IpProtocol": "tcp"}}}}),
        ),
        (
            "ec2",
            "CreateNetworkAclEntry",
            json!({"cidrBlock": "0.0.0.0/0", "egress": false, "ruleAction": "allow", "aclProtocol": "6", "portRange": {"from": 22, "to": 22}}),
        ),
        (
            "rds",
            "ModifyDBSnapshotAttribute",
            json!({"valuesToAdd": ["all", "444455556666"]}),
        ),
        (
            "ram",
            "CreateResourceShare",
            json!({"principals": ["444455556666", "arn:aws:organizations::444455556666:organization/o-1"]}),
        ),
        (
            "lambda",
            "AddPermission20150331v2",
            json!({"principal": "*", "sourceArn": "arn:aws:s3:::b", "condition": {"key": "aws:PrincipalOrgID"}}),
        ),
        ("ssm", "GetParametersByPath", json!({"path": "/clinic/"})),
        (
            "ssm",
            "ModifyDocumentPermission",
            json!({"accountIdsToAdd": ["all"]}),
        ),
    ];
    let record = |(service, name, parameters): (&str, &str, Value)| {
        json!({
            "eventVersion": "1.11",
            "eventTime": "2026-11-20T12:00:00Z",
            "eventSource": format!("{service}.amazonaws.com"),
            "eventName": name,
            "recipientAccountId": "111122223333",
            "userIdentity": {"type": "IAMUser", "userName": "u", "accountId": "111122223333"},
            "requestParameters": parameters,
        })
    };
    calls.map(record).into()
}
