//! One record as CloudTrail writes it, in its order of keys and with its nesting: 1.6 KB in the mean,
//! more than the 1.3 KB of accounts that log management events only, because data events of S3 are
//! longer; compressed about 7 to 1.
//!
//! The texts of the calls are forms: in them `^` stands for a hexadecimal digit, `$` for one of base
//! 32, `%` for a decimal one, `ACCOUNT` and `REGION` for the record's own.

use std::fmt::Write as _;

use super::RandomNumbers;

/// Where and when a record was written.
#[derive(Clone, Copy)]
pub struct Scene {
    pub account: &'static str,
    pub region: &'static str,
    /// Seconds after Monday 2026-11-16.
    pub second: u64,
}

/// A kind of call.
struct Call {
    source: &'static str,
    name: &'static str,
    read_only: bool,
    request: &'static str,
    response: &'static str,
    /// Members between `responseElements` and the tail: `additionalEventData`.
    additional: &'static str,
    resources: &'static str,
}

const fn read(source: &'static str, name: &'static str, request: &'static str) -> Call {
    Call {
        source,
        name,
        read_only: true,
        request,
        response: "null",
        additional: "",
        resources: "",
    }
}

const fn write(
    source: &'static str,
    name: &'static str,
    request: &'static str,
    response: &'static str,
) -> Call {
    Call {
        read_only: false,
        response,
        ..read(source, name, request)
    }
}

/// What administrators, deployments and consoles do all day, each about as often as the others.
const CALLS: [Call; 26] = [
    read(
        "ec2",
        "DescribeInstances",
        r#"{"instancesSet":{"items":[{"instanceId":"i-0^^^^^^^^^^^^^^^^"}]},"filterSet":{}}"#,
    ),
    read(
        "ec2",
        "DescribeInstances",
        r#"{"maxResults":%%%,"instancesSet":{},"filterSet":{"items":[{"name":"instance-state-name","valueSet":{"items":[{"value":"running"}]}}]}}"#,
    ),
    read(
        "ec2",
        "DescribeSecurityGroups",
        r#"{"securityGroupSet":{},"securityGroupIdSet":{"items":[{"groupId":"sg-0^^^^^^^^^^^^^^^^"}]},"filterSet":{}}"#,
    ),
    read(
        "ec2",
        "DescribeVolumes",
        r#"{"volumeSet":{},"filterSet":{"items":[{"name":"attachment.instance-id","valueSet":{"items":[{"value":"i-0^^^^^^^^^^^^^^^^"}]}}]}}"#,
    ),
    read(
        "ec2",
        "DescribeNetworkInterfaces",
        r#"{"networkInterfaceIdSet":{},"filterSet":{"items":[{"name":"vpc-id","valueSet":{"items":[{"value":"vpc-0^^^^^^^^^^^^^^^^"}]}}]}}"#,
    ),
    write(
        "ec2",
        "CreateTags",
        r#"{"resourcesSet":{"items":[{"resourceId":"vol-0^^^^^^^^^^^^^^^^"}]},"tagSet":{"items":[{"key":"Name","value":"data-%%"},{"key":"kubernetes.io/cluster/prod","value":"owned"}]}}"#,
        r#"{"requestId":"^^^^^^^^-^^^^-4^^^-a^^^-^^^^^^^^^^^^","_return":true}"#,
    ),
    write(
        "ec2",
        "RunInstances",
        r#"{"instancesSet":{"items":[{"imageId":"ami-0^^^^^^^^^^^^^^^^","minCount":1,"maxCount":1,"keyName":"ops"}]},"instanceType":"m6i.large","blockDeviceMapping":{},"monitoring":{"enabled":false},"disableApiTermination":false,"clientToken":"^^^^^^^^-^^^^-4^^^-a^^^-^^^^^^^^^^^^","tagSpecificationSet":{"items":[{"resourceType":"instance","tags":[{"key":"Name","value":"etl-%%"},{"key":"team","value":"data"}]}]}}"#,
        r#"{"requestId":"^^^^^^^^-^^^^-4^^^-a^^^-^^^^^^^^^^^^","reservationId":"r-0^^^^^^^^^^^^^^^^","ownerId":"ACCOUNT","groupSet":{},"instancesSet":{"items":[{"instanceId":"i-0^^^^^^^^^^^^^^^^","imageId":"ami-0^^^^^^^^^^^^^^^^","currentState":{"code":0,"name":"pending"},"privateDnsName":"ip-10-0-%%-%%.ec2.internal","keyName":"ops","amiLaunchIndex":0,"productCodes":{},"instanceType":"m6i.large","launchTime":1795%%%%%%000,"placement":{"availabilityZone":"REGIONa","tenancy":"default"},"monitoring":{"state":"disabled"},"subnetId":"subnet-0^^^^^^^^^^^^^^^^","vpcId":"vpc-0^^^^^^^^^^^^^^^^","privateIpAddress":"10.0.%%.%%","stateReason":{"code":"pending","message":"pending"},"architecture":"x86_64","rootDeviceType":"ebs","rootDeviceName":"/dev/xvda","blockDeviceMapping":{},"virtualizationType":"hvm","hypervisor":"xen","tagSet":{"items":[{"key":"Name","value":"etl-%%"},{"key":"team","value":"data"}]},"groupSet":{"items":[{"groupId":"sg-0^^^^^^^^^^^^^^^^","groupName":"etl"}]},"sourceDestCheck":true,"networkInterfaceSet":{"items":[{"networkInterfaceId":"eni-0^^^^^^^^^^^^^^^^","subnetId":"subnet-0^^^^^^^^^^^^^^^^","vpcId":"vpc-0^^^^^^^^^^^^^^^^","ownerId":"ACCOUNT","status":"in-use","macAddress":"0a:^^:^^:^^:^^:^^","privateIpAddress":"10.0.%%.%%","sourceDestCheck":true,"interfaceType":"interface","groupSet":{"items":[{"groupId":"sg-0^^^^^^^^^^^^^^^^","groupName":"etl"}]},"attachment":{"attachmentId":"eni-attach-0^^^^^^^^^^^^^^^^","deviceIndex":0,"networkCardIndex":0,"status":"attaching","attachTime":1795%%%%%%000,"deleteOnTermination":true},"privateIpAddressesSet":{"item":[{"privateIpAddress":"10.0.%%.%%","primary":true}]},"ipv6AddressesSet":{},"tagSet":{}}]},"ebsOptimized":false,"cpuOptions":{"coreCount":1,"threadsPerCore":2},"enclaveOptions":{"enabled":false},"metadataOptions":{"state":"pending","httpTokens":"required","httpPutResponseHopLimit":2,"httpEndpoint":"enabled","httpProtocolIpv4":"enabled","httpProtocolIpv6":"disabled","instanceMetadataTags":"disabled"}}]}}"#,
    ),
    write(
        "ec2",
        "AuthorizeSecurityGroupIngress",
        r#"{"groupId":"sg-0^^^^^^^^^^^^^^^^","ipPermissions":{"items":[{"ipProtocol":"tcp","fromPort":5432,"toPort":5432,"groups":{"items":[{"groupId":"sg-0^^^^^^^^^^^^^^^^"}]},"ipRanges":{},"ipv6Ranges":{},"prefixListIds":{}},{"ipProtocol":"tcp","fromPort":443,"toPort":443,"groups":{},"ipRanges":{"items":[{"cidrIp":"10.0.%%.0/24"}]},"ipv6Ranges":{},"prefixListIds":{}}]}}"#,
        r#"{"requestId":"^^^^^^^^-^^^^-4^^^-a^^^-^^^^^^^^^^^^","_return":true,"securityGroupRuleSet":{"items":[{"groupOwnerId":"ACCOUNT","groupId":"sg-0^^^^^^^^^^^^^^^^","securityGroupRuleId":"sgr-0^^^^^^^^^^^^^^^^","isEgress":false,"ipProtocol":"tcp","fromPort":5432,"toPort":5432}]}}"#,
    ),
    read("iam", "ListRoles", r#"{"maxItems":100}"#),
    read("iam", "GetRole", r#"{"roleName":"analytics-reader"}"#),
    write(
        "iam",
        "CreateRole",
        r#"{"roleName":"job-%%%%","path":"/jobs/","assumeRolePolicyDocument":"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"Service\":\"ecs-tasks.amazonaws.com\"},\"Action\":\"sts:AssumeRole\"}]}"}"#,
        r#"{"role":{"path":"/jobs/","roleName":"job-%%%%","roleId":"AROA$$$$$$$$$$$$$$$$$","arn":"arn:aws:iam::ACCOUNT:role/jobs/job-%%%%","createDate":"Nov 18, 2026, 3:24:29 PM","assumeRolePolicyDocument":"%7B%22Version%22%3A%222012-10-17%22%7D"}}"#,
    ),
    write(
        "iam",
        "AttachRolePolicy",
        r#"{"roleName":"job-%%%%","policyArn":"arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"}"#,
        "null",
    ),
    Call {
        resources: r#"[{"accountId":"ACCOUNT","type":"AWS::KMS::Key","ARN":"arn:aws:kms:REGION:ACCOUNT:key/11111111-2222-3333-4444-555555555555"}]"#,
        ..read(
            "kms",
            "Decrypt",
            r#"{"encryptionAlgorithm":"SYMMETRIC_DEFAULT","encryptionContext":{"aws:s3:arn":"arn:aws:s3:::pazpaz-attachments-prod/workspace-%%%/^^^^^^^^-^^^^-4^^^-a^^^-^^^^^^^^^^^^.bin"}}"#,
        )
    },
    Call {
        resources: r#"[{"accountId":"ACCOUNT","type":"AWS::KMS::Key","ARN":"arn:aws:kms:REGION:ACCOUNT:key/11111111-2222-3333-4444-555555555555"}]"#,
        ..read(
            "kms",
            "GenerateDataKey",
            r#"{"keyId":"arn:aws:kms:REGION:ACCOUNT:key/11111111-2222-3333-4444-555555555555","keySpec":"AES_256","encryptionContext":{"aws:ebs:id":"vol-0^^^^^^^^^^^^^^^^"}}"#,
        )
    },
    read(
        "secretsmanager",
        "GetSecretValue",
        r#"{"secretId":"arn:aws:secretsmanager:REGION:ACCOUNT:secret:pazpaz/prod/database-Ab12Cd"}"#,
    ),
    read(
        "logs",
        "DescribeLogStreams",
        r#"{"logGroupName":"/ecs/backend","orderBy":"LastEventTime","descending":true,"limit":50}"#,
    ),
    write(
        "logs",
        "CreateLogStream",
        r#"{"logGroupName":"/ecs/backend","logStreamName":"backend/app/^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^"}"#,
        "null",
    ),
    read(
        "lambda",
        "GetFunction20150331v2",
        r#"{"functionName":"arn:aws:lambda:REGION:ACCOUNT:function:thumbnails"}"#,
    ),
    read(
        "rds",
        "DescribeDBInstances",
        r#"{"dBInstanceIdentifier":"prod-%%"}"#,
    ),
    read(
        "cloudtrail",
        "LookupEvents",
        r#"{"maxResults":50,"lookupAttributes":[{"attributeKey":"ReadOnly","attributeValue":"false"}]}"#,
    ),
    read("monitoring", "DescribeAlarms", r#"{"maxRecords":100}"#),
    read(
        "ssm",
        "GetParameters",
        r#"{"names":["/prod/backend/url","/prod/backend/flags"],"withDecryption":false}"#,
    ),
    read(
        "ecs",
        "DescribeTasks",
        r#"{"cluster":"prod","tasks":["arn:aws:ecs:REGION:ACCOUNT:task/prod/^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^"]}"#,
    ),
    write(
        "ecs",
        "RegisterTaskDefinition",
        r#"{"family":"backend","networkMode":"awsvpc","requiresCompatibilities":["FARGATE"],"cpu":"512","memory":"1024","executionRoleArn":"arn:aws:iam::ACCOUNT:role/ecs-agent","containerDefinitions":[{"name":"app","image":"ACCOUNT.dkr.ecr.REGION.amazonaws.com/backend:%%%%","essential":true,"portMappings":[{"containerPort":8080,"protocol":"tcp"}],"environment":[{"name":"STAGE","value":"prod"},{"name":"REGION","value":"REGION"}],"logConfiguration":{"logDriver":"awslogs","options":{"awslogs-group":"/ecs/backend","awslogs-stream-prefix":"backend"}}}]}"#,
        r#"{"taskDefinition":{"taskDefinitionArn":"arn:aws:ecs:REGION:ACCOUNT:task-definition/backend:%%%%","family":"backend","revision":%1,"status":"ACTIVE","volumes":[],"placementConstraints":[],"compatibilities":["EC2","FARGATE"],"registeredAt":"Nov 18, 2026, 3:24:29 PM"}}"#,
    ),
    Call {
        additional: r#"{"SignatureVersion":"SigV4","CipherSuite":"TLS_AES_128_GCM_SHA256","bytesTransferredIn":0,"AuthenticationMethod":"AuthHeader","x-amz-id-2":"$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$=","bytesTransferredOut":%%%}"#,
        resources: r#"[{"accountId":"ACCOUNT","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::talentbase-prod-uploads"}]"#,
        ..read(
            "s3",
            "GetBucketAcl",
            r#"{"bucketName":"talentbase-prod-uploads","Host":"talentbase-prod-uploads.s3.REGION.amazonaws.com","acl":""}"#,
        )
    },
    read("dynamodb", "DescribeTable", r#"{"tableName":"sessions"}"#),
];

const PUT: Call = Call {
    name: "PutObject",
    read_only: false,
    request: r#"{"bucketName":"BUCKET","Host":"BUCKET.s3.amazonaws.com","key":"KEY","x-amz-server-side-encryption":"AES256"}"#,
    response: r#"{"x-amz-server-side-encryption":"AES256"}"#,
    additional: r#"{"SignatureVersion":"SigV4","CipherSuite":"TLS_AES_128_GCM_SHA256","bytesTransferredIn":%%%%%,"SSEApplied":"SSE_S3","AuthenticationMethod":"AuthHeader","x-amz-id-2":"$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$=","bytesTransferredOut":0}"#,
    ..GET
};

const GET: Call = Call {
    source: "s3",
    name: "GetObject",
    read_only: true,
    request: r#"{"bucketName":"BUCKET","Host":"BUCKET.s3.amazonaws.com","key":"KEY"}"#,
    response: "null",
    additional: r#"{"SignatureVersion":"SigV4","CipherSuite":"TLS_AES_128_GCM_SHA256","bytesTransferredIn":0,"AuthenticationMethod":"AuthHeader","x-amz-id-2":"$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$=","bytesTransferredOut":%%%%%}"#,
    resources: r#"[{"type":"AWS::S3::Object","ARN":"arn:aws:s3:::BUCKET/KEY"},{"accountId":"ACCOUNT","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::BUCKET"}]"#,
};

const ASSUME: Call = Call {
    response: r#"{"credentials":{"accessKeyId":"ASIA$$$$$$$$$$$$$$$$","sessionToken":"$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$","expiration":"Nov 21, 2026, 9:11:09 PM"},"assumedRoleUser":{"assumedRoleId":"AROAEXAMPLE:^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^","arn":"arn:aws:sts::ACCOUNT:assumed-role/ROLE/^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^"}}"#,
    resources: r#"[{"accountId":"ACCOUNT","type":"AWS::IAM::Role","ARN":"arn:aws:iam::ACCOUNT:role/ROLE"}]"#,
    ..read(
        "sts",
        "AssumeRole",
        r#"{"roleArn":"arn:aws:iam::ACCOUNT:role/ROLE","roleSessionName":"^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^"}"#,
    )
};

const ROLES: [&str; 6] = [
    "pazpaz-backend-task-role",
    "talentbase-backend-prod",
    "etl-nightly",
    "analytics-reader",
    "ci-deployer",
    "backup-runner",
];

const BUCKETS: [&str; 4] = [
    "pazpaz-attachments-prod",
    "talentbase-prod-uploads",
    "etl-landing",
    "static-web",
];

const AGENTS: [&str; 4] = [
    "aws-sdk-java/2.25.11 Linux/5.10.217 OpenJDK_64-Bit_Server_VM/17.0.11",
    "Boto3/1.34.84 md/Botocore#1.34.84 ua/2.0 os/linux#5.10.215 md/arch#x86_64 lang/python#3.11.9",
    "aws-cli/2.15.38 Python/3.11.8 Linux/5.10 exe/x86_64",
    "[AWSConsole aws-internal/3 aws-sdk-java/1.12.750]",
];

/// Puts the form into the text, with everything that stands for something else filled in.
fn fill(dice: &mut RandomNumbers, text: &mut String, form: &str) {
    for c in form.chars() {
        match c {
            '^' => text.push(dice.pick(&HEX)),
            '$' => text.push(dice.pick(&BASE_32)),
            '%' => text.push(dice.pick(&HEX[1..10])),
            c => text.push(c),
        }
    }
}

const HEX: [char; 16] = [
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f',
];

const BASE_32: [char; 32] = [
    'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', 'N', 'O', 'P', 'Q', 'R', 'S',
    'T', 'U', 'V', 'W', 'X', 'Y', 'Z', '2', '3', '4', '5', '6', '7',
];

/// One record: a third reads objects, a tenth writes them, an eighth are roles that services
/// assume, the rest is everything else; one call in fifty is refused.
pub fn record(dice: &mut RandomNumbers, scene: Scene) -> String {
    let (call, data) = match dice.below(100) {
        0..33 => (&GET, true),
        33..43 => (&PUT, true),
        43..55 => (&ASSUME, false),
        _ => (dice.among(&CALLS), false),
    };
    let by_service = call.name == "AssumeRole";
    let refused = dice.below(50) == 0;
    let role = dice.pick(&ROLES);
    let (account, region) = (scene.account, scene.region);
    let mut key = String::new();
    if data {
        fill(
            dice,
            &mut key,
            "workspace-%%%/^^^^^^^^-^^^^-4^^^-a^^^-^^^^^^^^^^^^.bin",
        );
    }
    let bucket = dice.pick(&BUCKETS);
    let own = |form: &str| {
        form.replace("ACCOUNT", account)
            .replace("REGION", region)
            .replace("BUCKET", bucket)
            .replace("ROLE", role)
            .replace("KEY", &key)
    };
    let time = super::time(scene.second);
    let mut out = String::with_capacity(2_000);
    let version = if data {
        "1.11"
    } else {
        dice.pick(&["1.08", "1.09", "1.10", "1.11"])
    };
    let _ = write!(out, r#"{{"eventVersion":"{version}","userIdentity":"#);
    if by_service {
        out.push_str(r#"{"type":"AWSService","invokedBy":"ecs-tasks.amazonaws.com"}"#);
    } else {
        let form = identity(dice, version, role, scene);
        fill(dice, &mut out, &own(&form));
    }
    let (source, name) = (call.source, call.name);
    let _ = write!(
        out,
        r#","eventTime":"{time}","eventSource":"{source}.amazonaws.com","eventName":"{name}","awsRegion":"{region}","#
    );
    if by_service {
        out.push_str(
            r#""sourceIPAddress":"ecs-tasks.amazonaws.com","userAgent":"ecs-tasks.amazonaws.com","#,
        );
    } else {
        let agent = dice.pick(&AGENTS);
        let _ = write!(
            out,
            r#""sourceIPAddress":"{}.{}","userAgent":"{agent}","#,
            dice.pick(&["198.51.100", "203.0.113", "192.0.2", "10.0.12"]),
            dice.below(256)
        );
    }
    if refused {
        let _ = write!(
            out,
            r#""errorCode":"AccessDenied","errorMessage":"User: arn:aws:sts::{account}:assumed-role/{role}/session is not authorized to perform: {source}:{name} on resource: * because no identity-based policy allows the {source}:{name} action","#
        );
    }
    out.push_str("\"requestParameters\":");
    fill(dice, &mut out, &own(call.request));
    out.push_str(",\"responseElements\":");
    let response = if refused { "null" } else { call.response };
    fill(dice, &mut out, &own(response));
    if !call.additional.is_empty() {
        out.push_str(",\"additionalEventData\":");
        fill(dice, &mut out, call.additional);
    }
    fill(
        dice,
        &mut out,
        if source == "s3" {
            r#","requestID":"$$$$$$$$$$$$$$$$""#
        } else {
            r#","requestID":"^^^^^^^^-^^^^-4^^^-a^^^-^^^^^^^^^^^^""#
        },
    );
    fill(
        dice,
        &mut out,
        r#","eventID":"^^^^^^^^-^^^^-4^^^-a^^^-^^^^^^^^^^^^""#,
    );
    let _ = write!(out, r#","readOnly":{}"#, call.read_only);
    if !call.resources.is_empty() {
        let _ = write!(out, ",\"resources\":{}", own(call.resources));
    }
    let _ = write!(
        out,
        r#","eventType":"AwsApiCall","managementEvent":{},"recipientAccountId":"{account}","#,
        !data
    );
    if by_service {
        fill(
            dice,
            &mut out,
            r#""sharedEventID":"^^^^^^^^-^^^^-4^^^-a^^^-^^^^^^^^^^^^","#,
        );
    }
    let category = if data { "Data" } else { "Management" };
    let _ = write!(out, r#""eventCategory":"{category}""#);
    if !by_service {
        let _ = write!(
            out,
            r#","tlsDetails":{{"tlsVersion":"TLSv1.3","cipherSuite":"TLS_AES_128_GCM_SHA256","clientProvidedHostHeader":"{source}.{region}.amazonaws.com"}}"#
        );
    }
    out.push('}');
    out
}

/// Who called: mostly workloads, some people by single sign-on, some long-lived keys.
fn identity(dice: &mut RandomNumbers, version: &str, role: &str, scene: Scene) -> String {
    let made = super::time(scene.second - scene.second % 3_600);
    let attributes =
        format!(r#""attributes":{{"creationDate":"{made}","mfaAuthenticated":"false"}}"#);
    // members that say nothing ended with version 1.09
    let empty = if version == "1.08" {
        r#""webIdFederationData":{},"#
    } else {
        ""
    };
    match dice.below(100) {
        0..10 => {
            let user = dice.pick(&["talentbase-uploader", "dana", "omar", "legacy-report"]);
            format!(
                r#"{{"type":"IAMUser","principalId":"AIDA{:0>17}","arn":"arn:aws:iam::ACCOUNT:user/{user}","accountId":"ACCOUNT","accessKeyId":"AKIA{:0>16}","userName":"{user}"}}"#,
                user.len(),
                user.len()
            )
        }
        10..20 => {
            let person = dice.pick(&["alice", "bruno", "chen", "divya"]);
            format!(
                r#"{{"type":"AssumedRole","principalId":"AROAEXAMPLESSO0000000:{person}@example.org","arn":"arn:aws:sts::ACCOUNT:assumed-role/AWSReservedSSO_Operators_0123456789abcdef/{person}@example.org","accountId":"ACCOUNT","accessKeyId":"ASIA$$$$$$$$$$$$$$$$","sessionContext":{{"sessionIssuer":{{"type":"Role","principalId":"AROAEXAMPLESSO0000000","arn":"arn:aws:iam::ACCOUNT:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Operators_0123456789abcdef","accountId":"ACCOUNT","userName":"AWSReservedSSO_Operators_0123456789abcdef"}},{empty}{attributes}}}}}"#
            )
        }
        _ => {
            let session = format!("i-0{:016x}", 0xabcd_ef01_2345_6789 ^ dice.below(200));
            format!(
                r#"{{"type":"AssumedRole","principalId":"AROAEXAMPLE{:0>10}:{session}","arn":"arn:aws:sts::ACCOUNT:assumed-role/{role}/{session}","accountId":"ACCOUNT","accessKeyId":"ASIA$$$$$$$$$$$$$$$$","sessionContext":{{"sessionIssuer":{{"type":"Role","principalId":"AROAEXAMPLE{:0>10}","arn":"arn:aws:iam::ACCOUNT:role/{role}","accountId":"ACCOUNT","userName":"{role}"}},{empty}{attributes}}}}}"#,
                role.len(),
                role.len()
            )
        }
    }
}
