#!/usr/bin/env python3
"""Makes the sample trails: the folders `trails/` and `broken/` beside this file.

    python3 samples/make_trails.py            write the files
    python3 samples/make_trails.py --check    compare what is there with what would be written
    python3 samples/make_trails.py --sign     sign the digests of trails/signed with a new key

Standard library only. The seed is fixed and gzip carries no time, so every run writes the same
bytes. Nothing here is real: account ids, keys, addresses and mails are those that AWS and the RFCs
reserve for documentation, and all people, clinics and secrets are made up.

The trails follow CloudTrail's own layout,
AWSLogs/ACCOUNT/CloudTrail/REGION/YYYY/MM/DD/ACCOUNT_CloudTrail_REGION_STAMP_UNIQUE.json.gz,
and times are UTC. The organization works in New York (UTC-5 in November 2026).
"""

import gzip
import hashlib
import json
import random
import sys
import uuid
from datetime import datetime, timedelta, timezone
from pathlib import Path

import signing

HERE = Path(__file__).resolve().parent
ACCOUNT = "111122223333"
REGION = "us-east-1"
ATTACHMENTS = "pazpaz-attachments-prod"
UPLOADS = "talentbase-prod-uploads"
DEV_UPLOADS = "talentbase-dev-uploads"
LOG_BUCKET = "pazpaz-cloudtrail-logs"
TASK_ROLE = "pazpaz-backend-task-role"
EXECUTION_ROLE = "pazpaz-ecs-task-execution-role"
TRAIL_ARN = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/pazpaz-iam-audit"
UPLOADS_KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/11111111-2222-3333-4444-555555555555"
OFFICE = "203.0.113.10"
ELSEWHERE = "198.51.100.77"
CLI = "aws-cli/2.31.6 md/awscrt#0.27.6 ua/2.1 os/linux#6.8.0 md/arch#x86_64 lang/python#3.13.7"
BOTO_IN_ECS = "Boto3/1.40.49 md/Botocore#1.40.49 ua/2.1 os/linux#5.10.240 lang/python#3.13.7 exec-env/AWS_ECS_FARGATE"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"
TERRAFORM = "APN/1.0 HashiCorp/1.0 Terraform/1.13.3 terraform-provider-aws/6.15.0 aws-sdk-go-v2/1.39.2"
READS = ("Get", "List", "Describe", "Head", "Batch", "Lookup", "AssumeRole", "Decrypt", "GenerateDataKey")

SIDE_FILE = ".metadata.json"

rng = random.Random(20261116)


# ---------------------------------------------------------------- names and numbers

def utc(text):
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)


def iso(at):
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def guid():
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))


def letters(count, text=None):
    """Letters and digits as AWS ids have them: random, or always the same for a given text."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
    source = random.Random(hashlib.sha256(text.encode()).digest()) if text else rng
    return "".join(source.choice(alphabet) for _ in range(count))


def access_key(prefix="ASIA"):
    return prefix + letters(9) + "EXAMPLE"


def principal_id(prefix, name):
    return prefix + letters(10, name) + "EXAMPLE"


def task_id():
    return f"{rng.getrandbits(128):032x}"


def role_arn(role, account=ACCOUNT):
    return f"arn:aws:iam::{account}:role/{role}"


def secret_arn(name):
    suffix = letters(6, "secret " + name)
    return f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:{name}-{suffix[:1]}{suffix[1:].swapcase()}"


# ---------------------------------------------------------------- who calls

class Caller:
    """A userIdentity with the address and the client it calls from."""

    def __init__(self, identity, ip, agent, console=False):
        self.identity, self.ip, self.agent, self.console = identity, ip, agent, console

    @property
    def by_service(self):
        return not any(letter.isdigit() for letter in self.ip)


def user(name, key="AKIAIOSFODNN7EXAMPLE", ip=OFFICE, agent=CLI, since=None, mfa="false", account=ACCOUNT):
    """An IAM user: with its long-lived key, or (since) with a session, as from the console."""
    identity = {
        "type": "IAMUser",
        "principalId": principal_id("AIDA", name),
        "arn": f"arn:aws:iam::{account}:user/{name}",
        "accountId": account,
        "accessKeyId": key,
        "userName": name,
    }
    if since:
        identity["sessionContext"] = {"attributes": {"creationDate": iso(since), "mfaAuthenticated": mfa}}
    return Caller(identity, ip, agent, console=since is not None)


def session(role, name, since, key=None, ip="192.0.2.21", agent=CLI, path="", console=False, account=ACCOUNT, **more):
    """A role session. `more` goes into the sessionContext."""
    role_id = principal_id("AROA", role)
    context = {
        "sessionIssuer": {
            "type": "Role",
            "principalId": role_id,
            "arn": f"arn:aws:iam::{account}:role/{path}{role}",
            "accountId": account,
            "userName": role,
        },
        "attributes": {"creationDate": iso(since), "mfaAuthenticated": "false"},
    }
    context.update(more)
    identity = {
        "type": "AssumedRole",
        "principalId": f"{role_id}:{name}",
        "arn": f"arn:aws:sts::{account}:assumed-role/{role}/{name}",
        "accountId": account,
        "accessKeyId": key or access_key(),
        "sessionContext": context,
    }
    return Caller(identity, ip, agent, console)


def sso(person, permission_set, since, ip=OFFICE, agent=BROWSER, console=True):
    role = f"AWSReservedSSO_{permission_set}_0123456789abcdef"
    path = "aws-reserved/sso.amazonaws.com/"
    return session(role, f"{person}@example.com", since, ip=ip, agent=agent, path=path, console=console)


def root(ip=OFFICE, agent=BROWSER, since=None, key="ASIAIOSFODNN7EXAMPLE"):
    identity = {"type": "Root", "principalId": ACCOUNT, "arn": f"arn:aws:iam::{ACCOUNT}:root", "accountId": ACCOUNT}
    if since:
        identity["accessKeyId"] = key
        identity["sessionContext"] = {"attributes": {"creationDate": iso(since), "mfaAuthenticated": "true"}}
    return Caller(identity, ip, agent, console=since is not None)


def service(name):
    host = f"{name}.amazonaws.com"
    return Caller({"type": "AWSService", "invokedBy": host}, host, host)


def through(caller, name):
    """The same caller, but an AWS service makes the call for it (a forward access session)."""
    host = f"{name}.amazonaws.com"
    return Caller({**caller.identity, "invokedBy": host}, host, host)


# ---------------------------------------------------------------- what is called

def call(at, source, name, who, params=None, result=None, *, region=REGION, read=None, error=None, message=None,
         resources=None, additional=None, data=False, kind="AwsApiCall", request_id=True, **more):
    """One CloudTrail record, its members in the order in which CloudTrail writes them."""
    host = f"{source}.amazonaws.com"
    event = {
        "eventVersion": "1.11",
        "userIdentity": who.identity,
        "eventTime": iso(at),
        "eventSource": host,
        "eventName": name,
        "awsRegion": region,
        "sourceIPAddress": who.ip,
        "userAgent": f"[{who.agent}]" if source == "s3" and not who.by_service else who.agent,
    }
    if error:
        event["errorCode"] = error
    if message:
        event["errorMessage"] = message
    event["requestParameters"] = params
    event["responseElements"] = result
    if additional is not None:
        event["additionalEventData"] = additional
    if request_id:
        event["requestID"] = letters(16) if source == "s3" else guid()
    event["eventID"] = guid()
    event["readOnly"] = name.startswith(READS) if read is None else read
    if resources:
        event["resources"] = resources
    event["eventType"] = kind
    event["managementEvent"] = not data
    event["recipientAccountId"] = ACCOUNT
    event["eventCategory"] = "Data" if data else "Management"
    if not who.by_service and kind == "AwsApiCall":
        asked = (params or {}).get("Host") or (host if source == "iam" else f"{source}.{region}.amazonaws.com")
        event["tlsDetails"] = {"tlsVersion": "TLSv1.3", "cipherSuite": "TLS_AES_128_GCM_SHA256",
                               "clientProvidedHostHeader": asked}
    if who.console and kind == "AwsApiCall":
        event["sessionCredentialFromConsole"] = "true"
    event.update(more)
    return event


def assume_role(at, who, role, name, key=None, api="AssumeRole", account=ACCOUNT, region=REGION):
    """AssumeRole, granted. `role` is a role name."""
    arn = role_arn(role, account)
    result = {
        "credentials": {"accessKeyId": key or access_key(), "sessionToken": "IQoJEXAMPLETOKEN",
                        "expiration": (at + timedelta(hours=1)).strftime("%b %d, %Y, %I:%M:%S %p")},
        "assumedRoleUser": {"assumedRoleId": f"{principal_id('AROA', role)}:{name}",
                            "arn": f"arn:aws:sts::{account}:assumed-role/{role.split('/')[-1]}/{name}"},
    }
    more = {"sharedEventID": guid()} if who.identity["type"] == "AWSService" else {}
    return call(at, "sts", api, who, {"roleArn": arn, "roleSessionName": name}, result, region=region,
                resources=[{"accountId": account, "type": "AWS::IAM::Role", "ARN": arn}], **more)


def assume_role_denied(at, who, role, account=ACCOUNT):
    """AssumeRole, refused: no requestParameters, the role stands in the message only."""
    message = (f"User: {who.identity.get('arn', who.ip)} is not authorized to perform: sts:AssumeRole "
               f"on resource: {role_arn(role, account)}")
    return call(at, "sts", "AssumeRole", who, error="AccessDenied", message=message)


def get_secret(at, who, secret_id, **more):
    return call(at, "secretsmanager", "GetSecretValue", who, {"secretId": secret_id}, **more)


def denied_secret(at, who, name):
    message = (f"User: {who.identity['arn']} is not authorized to perform: secretsmanager:GetSecretValue on resource: "
               f"{name} because no identity-based policy allows the secretsmanager:GetSecretValue action")
    return get_secret(at, who, name, error="AccessDenied", message=message)


def decrypt(at, who, key_arn, context=None, **more):
    params = {"encryptionAlgorithm": "SYMMETRIC_DEFAULT"}
    if context:
        params["encryptionContext"] = context
    return call(at, "kms", "Decrypt", who, params,
                resources=[{"accountId": ACCOUNT, "type": "AWS::KMS::Key", "ARN": key_arn}], **more)


def decrypt_denied(at, who, key_arn, error="AccessDenied"):
    message = (f"User: {who.identity['arn']} is not authorized to perform: kms:Decrypt on resource: {key_arn} "
               "because no identity-based policy allows the kms:Decrypt action")
    return call(at, "kms", "Decrypt", who, {"encryptionAlgorithm": "SYMMETRIC_DEFAULT"}, error=error, message=message)


def s3_object(at, name, who, bucket, key=None, params=None, result=None, sse=None, error=None, message=None, **more):
    """A data event of S3. `sse` is additionalEventData.SSEApplied."""
    host = f"{bucket}.s3.us-east-1.amazonaws.com"
    request = {"bucketName": bucket, "Host": host}
    if key is not None:
        request["key"] = key
    request.update(params or {})
    additional = {"SignatureVersion": "SigV4", "CipherSuite": "TLS_AES_128_GCM_SHA256",
                  "bytesTransferredIn": 0, "AuthenticationMethod": "AuthHeader", "x-amz-id-2": letters(24) + "EXAMPLE=",
                  "bytesTransferredOut": 0}
    if sse:
        additional["SSEApplied"] = sse
    if name in ("PutObject", "PostObject"):
        additional["bytesTransferredIn"] = rng.randrange(2_000, 900_000)
    if name == "GetObject" and not error:
        additional["bytesTransferredOut"] = rng.randrange(2_000, 900_000)
    bucket_arn = f"arn:aws:s3:::{bucket}"
    resources = [{"type": "AWS::S3::Object", "ARNPrefix" if key is None else "ARN": f"{bucket_arn}/{key or ''}"},
                 {"accountId": ACCOUNT, "type": "AWS::S3::Bucket", "ARN": bucket_arn}]
    return call(at, "s3", name, who, request, result, additional=additional, resources=resources, data=True,
                error=error, message=message, **more)


def upload(at, who, bucket, key, header=None, sse=None, kms_key=None, name="PutObject"):
    """A stored upload: with the header the client sent, or (header None) by the bucket's default."""
    sse = sse or {None: "Default_SSE_S3", "AES256": "SSE_S3", "aws:kms": "SSE_KMS"}[header]
    algorithm = "aws:kms" if "KMS" in sse else "AES256"
    params = {}
    result = {"x-amz-server-side-encryption": algorithm}
    if header:
        params["x-amz-server-side-encryption"] = header
    if kms_key:
        result["x-amz-server-side-encryption-aws-kms-key-id"] = kms_key
        if header:
            params["x-amz-server-side-encryption-aws-kms-key-id"] = kms_key
    return s3_object(at, name, who, bucket, key, params, result, sse)


def upload_sse_c(at, who, bucket, key):
    header = {"x-amz-server-side-encryption-customer-algorithm": "AES256"}
    return s3_object(at, "PutObject", who, bucket, key, header, dict(header), "SSE_C")


def list_objects(at, who, bucket, prefix, error=None, message=None):
    params = {"list-type": "2", "encoding-type": "url"}
    if prefix is not None:
        params["prefix"] = prefix
    return s3_object(at, "ListObjects", who, bucket, None, params, error=error, message=message)


def batch_delete_key(at, bucket, key):
    """The record that S3 adds for each key of a DeleteObjects request."""
    who = Caller({"accountId": ACCOUNT, "invokedBy": "s3.amazonaws.com"}, "s3.amazonaws.com", "s3.amazonaws.com")
    return s3_object(at, "DeleteObject", who, bucket, key, kind="AwsServiceEvent")


def sign_in(at, who, mfa="Yes", failure=None, region=REGION, **additional):
    """ConsoleLogin. A failure has an errorMessage, no errorCode, and an identity without arn."""
    identity = {name: value for name, value in who.identity.items() if name not in ("accessKeyId", "sessionContext")}
    if who.identity["type"] == "AssumedRole":
        identity = {**who.identity}
    if failure:
        identity = {name: value for name, value in identity.items() if name != "arn"}
    extra = {"LoginTo": "https://console.aws.amazon.com/console/home", "MobileVersion": "No", "MFAUsed": mfa, **additional}
    return call(at, "signin", "ConsoleLogin", Caller(identity, who.ip, BROWSER), None,
                {"ConsoleLogin": "Failure" if failure else "Success"}, region=region, read=False, message=failure,
                additional=extra, kind="AwsConsoleSignIn", request_id=False)


def iam(at, name, who, params, result=None, **more):
    return call(at, "iam", name, who, params, result, read=False, **more)


def create_key(at, who, owner, new_key=None, named=True):
    result = {"accessKey": {"userName": owner, "accessKeyId": new_key or access_key("AKIA"), "status": "Active",
                            "createDate": at.strftime("%b %d, %Y %I:%M:%S %p")}}
    return iam(at, "CreateAccessKey", who, {"userName": owner} if named else None, result)


def trail_call(at, name, who, params=None, **more):
    return call(at, "cloudtrail", name, who, params or {"name": "pazpaz-iam-audit"}, read=False, **more)


# ---------------------------------------------------------------- ordinary days

class Trail:
    """Collects records and writes them as files of five minutes, as CloudTrail delivers them."""

    def __init__(self, name):
        self.folder = f"trails/{name}"
        self.records = []
        self.delays = {}  # by the usual stamp of a file: how much later it is delivered

    def add(self, *records):
        self.records.extend(records)

    def files(self):
        slots = {}
        for record in self.records:
            at = utc(record["eventTime"])
            stamp = at - timedelta(minutes=at.minute % 5, seconds=at.second) + timedelta(minutes=5)
            slots.setdefault((record["awsRegion"], stamp), []).append(record)
        for (region, stamp), records in sorted(slots.items()):
            rng.shuffle(records)  # CloudTrail promises no order
            yield log_key(self.folder, region, stamp + self.delays.get(stamp, timedelta())), as_gzip({"Records": records})


def log_key(folder, region, stamp, account=ACCOUNT):
    unique = letters(16)
    return (f"{folder}/AWSLogs/{account}/CloudTrail/{region}/{stamp:%Y/%m/%d}/"
            f"{account}_CloudTrail_{region}_{stamp:%Y%m%dT%H%MZ}_{unique}.json.gz")


def as_gzip(value):
    return gzip.compress(json.dumps(value, separators=(",", ":")).encode(), 9, mtime=0)


def steps(start, count, within=230):
    """`count` moments in order, inside one delivery slot that `start` opens."""
    return [start + timedelta(seconds=second) for second in sorted(rng.randrange(within) for _ in range(count))]


def task(since):
    """The session of the application: the task role, in a container."""
    return session(TASK_ROLE, task_id(), since, ip="192.0.2.40", agent=BOTO_IN_ECS)


def task_start(trail, at):
    """ECS starts a task, by day or by night: two role sessions, five secrets. Gives the task's session."""
    moments = steps(at, 17)
    task_name = task_id()
    ecs = service("ecs-tasks")
    agent = session(EXECUTION_ROLE, task_name, at, ip="192.0.2.40",
                    agent="aws-sdk-go-v2/1.38.0 os/linux lang/go#1.24 md/GOOS#linux Amazon ECS Agent - Fargate")
    app = session(TASK_ROLE, task_name, at, ip="192.0.2.40", agent=BOTO_IN_ECS)
    trail.add(
        assume_role(moments[0], ecs, EXECUTION_ROLE, task_name, agent.identity["accessKeyId"]),
        assume_role(moments[1], ecs, TASK_ROLE, task_name, app.identity["accessKeyId"]),
        call(moments[2], "ecr", "GetAuthorizationToken", agent, None),
        call(moments[3], "ecr", "BatchGetImage", agent,
             {"registryId": ACCOUNT, "repositoryName": "pazpaz-backend", "imageIds": [{"imageTag": "latest"}]}),
        call(moments[4], "ecr", "GetDownloadUrlForLayer", agent,
             {"repositoryName": "pazpaz-backend", "layerDigest": "sha256:" + "0f" * 32}),
        get_secret(moments[5], agent, secret_arn("pazpaz/database-url")),
        get_secret(moments[6], agent, secret_arn("pazpaz/redis-url")),
        decrypt(moments[7], through(agent, "secretsmanager"), UPLOADS_KEY,
                {"SecretARN": secret_arn("pazpaz/database-url")}),
        call(moments[8], "logs", "CreateLogStream", agent,
             {"logGroupName": "/ecs/pazpaz-backend", "logStreamName": f"ecs/pazpaz-backend/{task_name}"}),
        call(moments[9], "sts", "GetCallerIdentity", app, None),
        get_secret(moments[10], app, "pazpaz/encryption-key-v1"),
        get_secret(moments[11], app, "pazpaz/jwt-secret"),
        get_secret(moments[12], app, "pazpaz/email-credentials"),
        decrypt(moments[13], through(app, "secretsmanager"), UPLOADS_KEY,
                {"SecretARN": secret_arn("pazpaz/jwt-secret")}),
    )
    return app


def application(trail, at, app, count):
    """The application works: uploads with the header its policy asks for, reads, a delete, listings."""
    for moment in steps(at, count):
        workspace = rng.randrange(1, 40)
        key = f"workspace-{workspace}/sessions/{guid()[:8]}.jpg"
        what = rng.random()
        if what < 0.35:
            trail.add(upload(moment, app, ATTACHMENTS, key, "AES256"))
        elif what < 0.85:
            trail.add(s3_object(moment, "GetObject", app, ATTACHMENTS, key))
        elif what < 0.90:
            trail.add(s3_object(moment, "DeleteObject", app, ATTACHMENTS, key))
        else:
            trail.add(list_objects(moment, app, ATTACHMENTS, f"workspace-{workspace}/"))


def development(trail, at, count):
    """TalentBase's development user works on the development bucket with its key."""
    who = user("talentbase-backend-dev", "AKIAI44QH8DHBEXAMPLE", "198.51.100.20", "Boto3/1.35.36 md/Botocore#1.35.36")
    for moment in steps(at, count):
        key = f"cv/{guid()[:8]}.pdf"
        if rng.random() < 0.5:
            trail.add(upload(moment, who, DEV_UPLOADS, key))
        else:
            trail.add(s3_object(moment, "GetObject", who, DEV_UPLOADS, key))


CONSOLE_PAGES = [
    ("ecs", "ListClusters"), ("ecs", "DescribeClusters"), ("ecs", "ListServices"), ("ecs", "DescribeServices"),
    ("logs", "DescribeLogGroups"), ("logs", "DescribeLogStreams"), ("monitoring", "DescribeAlarms"),
    ("monitoring", "GetMetricData"), ("ec2", "DescribeVpcs"), ("ec2", "DescribeSubnets"),
    ("ec2", "DescribeSecurityGroups"), ("rds", "DescribeDBInstances"), ("iam", "ListRoles"), ("iam", "GetAccountSummary"),
    ("s3", "ListBuckets"), ("health", "DescribeEventAggregates"), ("tagging", "GetResources"),
]


def console(trail, at, person, permission_set, refused=4):
    """Somebody opens the console through Identity Center and looks around.

    The sign-in says MFAUsed "No": the identity provider asked for the second factor, AWS cannot know.
    A page asks for more than its reader may see, hence a few refusals.
    """
    who = sso(person, permission_set, at)
    trail.add(sign_in(at, who, mfa="No"))
    moments = steps(at + timedelta(seconds=5), len(CONSOLE_PAGES), 220)
    for number, (moment, (source, name)) in enumerate(zip(moments, CONSOLE_PAGES)):
        if number % 4 == 3 and refused:
            refused -= 1
            trail.add(call(moment, source, name, who, None, error="AccessDenied",
                           message=f"User: {who.identity['arn']} is not authorized to perform: {source}:{name}"))
        else:
            trail.add(call(moment, source, name, who, None))
    return who


def terraform(trail, at):
    """A deployment by day: the pipeline takes its role through its own identity provider and plans, then applies."""
    provider = "token.actions.githubusercontent.com"
    web = Caller({"type": "WebIdentityUser", "principalId": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{provider}",
                  "userName": "repo:pazpaz/infrastructure:ref:refs/heads/main", "identityProvider": provider},
                 "192.0.2.200", "aws-sdk-js/3.888.0")
    key = access_key()
    moments = steps(at, 30)
    trail.add(assume_role(at, web, "pazpaz-terraform-role", "GitHubActions", key, "AssumeRoleWithWebIdentity"))
    who = session("pazpaz-terraform-role", "GitHubActions", at, key, "192.0.2.200", TERRAFORM,
                  webIdFederationData={"federatedProvider": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{provider}",
                                       "attributes": {}})
    plan = [("sts", "GetCallerIdentity"), ("ec2", "DescribeVpcs"), ("ec2", "DescribeSecurityGroups"),
            ("ecs", "DescribeTaskDefinition"), ("ecs", "DescribeServices"), ("iam", "GetRole"),
            ("iam", "ListRolePolicies"), ("iam", "GetRolePolicy"), ("iam", "ListAttachedRolePolicies"),
            ("s3", "GetBucketPolicy"), ("s3", "GetBucketEncryption"), ("s3", "GetBucketVersioning"),
            ("kms", "DescribeKey"), ("kms", "GetKeyPolicy"), ("secretsmanager", "DescribeSecret"),
            ("secretsmanager", "GetResourcePolicy"), ("rds", "DescribeDBInstances"), ("logs", "DescribeLogGroups"),
            ("cloudtrail", "DescribeTrails"), ("cloudtrail", "GetTrailStatus"), ("cloudtrail", "GetEventSelectors")]
    for moment, (source, name) in zip(moments, plan):
        trail.add(call(moment, source, name, who, None))
    policy = json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": ["secretsmanager:GetSecretValue"],
         "Resource": [f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:pazpaz/database-url-*"]}]})
    trail.add(
        call(moments[21], "ssm", "GetParameter", who,
             {"name": "/aws/service/ami-amazon-linux-latest/al2023", "withDecryption": True}),
        get_secret(moments[22], who, secret_arn("pazpaz/database-url")),
        iam(moments[23], "PutRolePolicy", who,
            {"roleName": EXECUTION_ROLE, "policyName": "pazpaz-execution-secrets", "policyDocument": policy}),
        iam(moments[24], "AttachRolePolicy", who,
            {"roleName": EXECUTION_ROLE,
             "policyArn": "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"}),
        call(moments[25], "ecs", "RegisterTaskDefinition", who, {"family": "pazpaz-backend"}, read=False),
        call(moments[26], "ecs", "UpdateService", who,
             {"cluster": "pazpaz-cluster", "service": "pazpaz-backend", "forceNewDeployment": True}, read=False),
    )


def operator(trail, at, mfa="Yes"):
    """An IAM user signs in with a second factor. CloudTrail writes "Yes" or "YES"."""
    who = user("ops-admin", access_key(), since=at, mfa="true", agent=BROWSER)
    trail.add(sign_in(at, who, mfa=mfa, MFAIdentifier=f"arn:aws:iam::{ACCOUNT}:mfa/ops-admin"))
    for moment, (source, name) in zip(steps(at + timedelta(seconds=5), 8, 200), CONSOLE_PAGES[6:14]):
        trail.add(call(moment, source, name, who, None))


def services(trail, at, region=REGION):
    """What AWS does by itself: deliveries of this very trail, service roles, backups."""
    moments = steps(at, 4)
    stamp = f"{moments[0]:%Y/%m/%d}/{ACCOUNT}_CloudTrail_{region}_{moments[0]:%Y%m%dT%H%MZ}_{letters(16)}.json.gz"
    backup = Caller({"accountId": ACCOUNT, "invokedBy": "backup.amazonaws.com"},
                    "backup.amazonaws.com", "backup.amazonaws.com")
    trail.add(
        s3_object(moments[0], "PutObject", service("cloudtrail"), LOG_BUCKET,
                  f"AWSLogs/{ACCOUNT}/CloudTrail/{region}/{stamp}", {"x-amz-server-side-encryption": "AES256"},
                  {"x-amz-server-side-encryption": "AES256"}, "SSE_S3", region=region),
        assume_role(moments[1], service("config"), "aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig",
                    "AWSConfig-Describe", region=region),
        assume_role(moments[2], service("backup"), "service-role/AWSBackupDefaultServiceRole", "AWSBackup-Session",
                    region=region),
        call(moments[3], "backup", "BackupJobStarted", backup, None, read=False, kind="AwsServiceEvent", region=region,
             serviceEventDetails={"backupJobId": guid(), "state": "RUNNING"}),
    )


def away(trail, at):
    """The second region: next to nothing."""
    services(trail, at, "us-west-2")
    who = session("AWSServiceRoleForConfig", "AWSConfig-Describe", at, ip="config.amazonaws.com",
                  agent="config.amazonaws.com", path="aws-service-role/config.amazonaws.com/")
    for moment, name in zip(steps(at, 3), ("DescribeVpcs", "DescribeSubnets", "DescribeInstances")):
        trail.add(call(moment, "ec2", name, who, None, region="us-west-2"))


def ordinary_day(trail, day, size, weekday):
    """A day of the clinic. Nothing in it deserves a finding."""
    app = task_start(trail, day + timedelta(hours=8, minutes=1))  # 03:01 in New York
    application(trail, day + timedelta(hours=8, minutes=1), app, size // 4)
    services(trail, day + timedelta(hours=8, minutes=1))
    if weekday < 5:
        console(trail, day + timedelta(hours=14, minutes=1), "maya.cohen", "Developer")
        terraform(trail, day + timedelta(hours=14, minutes=1))
        operator(trail, day + timedelta(hours=14, minutes=1), "YES" if weekday % 2 else "Yes")
        development(trail, day + timedelta(hours=14, minutes=1), size // 4)
    application(trail, day + timedelta(hours=18, minutes=31), app, size)
    services(trail, day + timedelta(hours=18, minutes=31))
    return app


# ---------------------------------------------------------------- the four trails

def quiet():
    """2026-11-09 to 15: a week in which there is nothing to report."""
    trail = Trail("quiet")
    for number in range(7):
        day = utc("2026-11-09T00:00:00Z") + timedelta(days=number)
        ordinary_day(trail, day, 24, number)
    away(trail, utc("2026-11-12T12:01:00Z"))
    return trail


def seed_trail():
    """2026-11-16 to 22, recorded by the trail of the seed: one region, management events only."""
    trail = Trail("seed")
    admin = sso("noa.levi", "Administrator", utc("2026-11-16T14:00:00Z"), agent=CLI, console=False)
    created = utc("2026-11-16T14:02:00Z")
    trail.add(
        trail_call(created, "CreateTrail", admin, {"name": "pazpaz-iam-audit", "s3BucketName": LOG_BUCKET,
                   "includeGlobalServiceEvents": True, "isMultiRegionTrail": False, "enableLogFileValidation": False}),
        trail_call(created + timedelta(seconds=9), "StartLogging", admin),
    )
    for number in range(7):
        day = utc("2026-11-16T00:00:00Z") + timedelta(days=number)
        task_start(trail, day + timedelta(hours=20, minutes=1))
        if number < 5 and number % 2 == 0:
            console(trail, day + timedelta(hours=20, minutes=1), "maya.cohen", "Developer", refused=2)
    developer = sso("maya.cohen", "Developer", utc("2026-11-18T15:58:00Z"), agent=CLI, console=False)
    trail.add(assume_role_denied(utc("2026-11-18T16:02:11Z"), developer, TASK_ROLE),
              assume_role_denied(utc("2026-11-18T16:03:40Z"), developer, TASK_ROLE))
    return trail


SILENCE = (utc("2026-11-19T14:00:00Z"), utc("2026-11-19T17:00:00Z"))


def breach():
    """2026-11-16 to 22: the same clinic, and everything that the report should find. See README.md."""
    trail = Trail("breach")
    apps = []
    for number in range(7):
        day = utc("2026-11-16T00:00:00Z") + timedelta(days=number)
        if number == 3:  # the day with stopped logging is generated hour by hour
            app = task_start(trail, day + timedelta(hours=8, minutes=1))
            for hour in list(range(0, 14)) + list(range(17, 24)):
                application(trail, day + timedelta(hours=hour, minutes=1), app, 6)
                services(trail, day + timedelta(hours=hour, minutes=1))
        else:
            app = ordinary_day(trail, day, 60, number)
            application(trail, day + timedelta(hours=22, minutes=1), app, 40)
            away(trail, day + timedelta(hours=18, minutes=31))
        apps.append(app)

    sign_in_without_mfa(trail)
    role_hunting(trail)
    failed_decryption(trail)
    policy_fault(trail, apps[2])
    uploads_against_the_policy(trail, apps[0])
    developer_at_night(trail)
    silence(trail)
    production_key(trail)
    takeover(trail)
    mass_delete(trail)
    return trail


def narrowed():
    """2026-11-16 to 18: on Tuesday somebody narrows what the trail records, on Wednesday it is put right."""
    trail = Trail("narrowed")
    for number in range(3):
        ordinary_day(trail, utc("2026-11-16T00:00:00Z") + timedelta(days=number), 24, number)
    since, until = utc("2026-11-17T09:30:00Z"), utc("2026-11-18T15:00:00Z")

    def recorded(record):
        if not record["managementEvent"]:
            return record["requestParameters"]["bucketName"] == UPLOADS and not record["readOnly"]
        return not record["readOnly"] and record["eventSource"] != "kms.amazonaws.com"

    trail.records = [record for record in trail.records
                     if not since <= utc(record["eventTime"]) < until or recorded(record)]
    narrow = {"readWriteType": "WriteOnly", "includeManagementEvents": True,
              "dataResources": [{"type": "AWS::S3::Object", "values": [f"arn:aws:s3:::{UPLOADS}/"]}],
              "excludeManagementEventSources": ["kms.amazonaws.com"]}
    wide = [{"name": "management", "fieldSelectors": [{"field": "eventCategory", "equals": ["Management"]}]},
            {"name": "objects", "fieldSelectors": [{"field": "eventCategory", "equals": ["Data"]},
                                                   {"field": "resources.type", "equals": ["AWS::S3::Object"]}]}]
    admin = sso("noa.levi", "Administrator", since - timedelta(minutes=20), agent=CLI, console=False)
    trail.add(trail_call(since, "PutEventSelectors", admin,
                         {"trailName": "pazpaz-iam-audit", "eventSelectors": [narrow]}),
              trail_call(until, "PutEventSelectors", admin,
                         {"trailName": TRAIL_ARN, "advancedEventSelectors": wide}))
    trail.delays[utc("2026-11-18T18:35:00Z")] = timedelta(hours=2)
    return trail


def legacy(since, ip=OFFICE):
    return user("ops-legacy", access_key(), ip, BROWSER, since=since)


def sign_in_without_mfa(trail):
    """Monday: two wrong passwords, then in without a second factor."""
    who = legacy(utc("2026-11-16T14:03:20Z"), ELSEWHERE)
    trail.add(sign_in(utc("2026-11-16T14:02:10Z"), who, "No", "Failed authentication"),
              sign_in(utc("2026-11-16T14:02:41Z"), who, "No", "Failed authentication"),
              sign_in(utc("2026-11-16T14:03:20Z"), who, "No"))


def role_hunting(trail):
    """Tuesday: a contractor's key is refused six times on three roles, and granted a fourth."""
    who = user("contractor-dan", "AKIAI7HUNTERSEXAMPLE", ELSEWHERE)
    start = utc("2026-11-17T15:01:00Z")
    for second, role in enumerate(["pazpaz-admin-role", "pazpaz-admin-role", "pazpaz-terraform-role",
                                   "pazpaz-rds-admin-role", "pazpaz-rds-admin-role", "pazpaz-admin-role"]):
        trail.add(assume_role_denied(start + timedelta(seconds=35 * second), who, role))
    trail.add(assume_role(start + timedelta(minutes=12), who, "pazpaz-support-role", "dan"))


def failed_decryption(trail):
    """Tuesday: six refused decryptions with three keys in four minutes."""
    who = sso("sam.ortiz", "Support", utc("2026-11-17T18:58:00Z"), agent=CLI, console=False)
    keys = [f"arn:aws:kms:us-east-1:{ACCOUNT}:key/{number}0000000-1111-2222-3333-444444444444" for number in "789"]
    for number in range(6):
        trail.add(decrypt_denied(utc("2026-11-17T19:01:00Z") + timedelta(seconds=37 * number), who, keys[number % 3]))


def policy_fault(trail, app):
    """Wednesday: the application may not read its own bucket, 400 times in eight minutes."""
    start = utc("2026-11-18T16:01:00Z")
    for number in range(400):
        at = start + timedelta(seconds=1.2 * number)
        trail.add(s3_object(at, "GetObject", app, ATTACHMENTS, f"workspace-{number % 37}/sessions/{number:04}.jpg",
                            error="AccessDenied", message=f"User: {app.identity['arn']} is not authorized to perform: "
                            f's3:GetObject on resource: "arn:aws:s3:::{ATTACHMENTS}/workspace-{number % 37}" because no '
                            "identity-based policy allows the s3:GetObject action"))


def uploads_against_the_policy(trail, app):
    """Monday: three uploads without the header. Friday: two with a key that only the client knows."""
    for number, moment in enumerate(steps(utc("2026-11-16T18:31:00Z"), 3)):
        trail.add(upload(moment, app, ATTACHMENTS, f"workspace-7/sessions/plain-{number}.jpg"))
    who = legacy(utc("2026-11-20T19:40:00Z"), ELSEWHERE)
    for number, moment in enumerate(steps(utc("2026-11-20T19:46:00Z"), 2)):
        trail.add(upload_sse_c(moment, who, ATTACHMENTS, f"workspace-7/sessions/locked-{number}.jpg"))


def developer_at_night(trail):
    """Wednesday 23:10 in New York: a developer takes the task role and reads a secret with it."""
    who = sso("maya.cohen", "Developer", utc("2026-11-19T04:05:00Z"), ELSEWHERE, CLI, console=False)
    key = access_key()
    at = utc("2026-11-19T04:10:07Z")
    borrowed = session(TASK_ROLE, "local-testing", at, key, ELSEWHERE, CLI)
    trail.add(assume_role(at, who, TASK_ROLE, "local-testing", key),
              call(at + timedelta(seconds=6), "sts", "GetCallerIdentity", borrowed, None),
              get_secret(at + timedelta(seconds=41), borrowed, "pazpaz/jwt-secret"))


def silence(trail):
    """Thursday: logging is stopped for three hours. Nothing is delivered in between."""
    start, end = SILENCE
    who = legacy(start - timedelta(minutes=10), ELSEWHERE)
    trail.add(trail_call(start, "StopLogging", who, {"name": TRAIL_ARN}),
              trail_call(end, "StartLogging", who, {"name": TRAIL_ARN}))


def production_key(trail):
    """Three days: TalentBase's production user works on its bucket with a long-lived key, properly encrypted."""
    who = user("talentbase-backend-prod", "AKIAI55OLDKEYEXAMPLE", "198.51.100.30", "Boto3/1.35.36 md/Botocore#1.35.36")
    for day in (16, 17, 18):
        for moment in steps(utc(f"2026-11-{day}T18:31:00Z"), 25):
            key = f"cv/{guid()[:8]}.pdf"
            if rng.random() < 0.5:
                trail.add(upload(moment, who, UPLOADS, key, "aws:kms", kms_key=UPLOADS_KEY))
            else:
                trail.add(s3_object(moment, "GetObject", who, UPLOADS, key))


NEW_KEY = "AKIAI66NEWKEYEXAMPLE"


def takeover(trail):
    """Friday: a key for somebody else, administrator rights for that user, the old key gone. Evening: a secret."""
    who = legacy(utc("2026-11-20T19:40:00Z"), ELSEWHERE)
    victim = "talentbase-backend-prod"
    at = utc("2026-11-20T19:41:05Z")
    trail.add(create_key(at, who, victim, NEW_KEY),
              iam(at + timedelta(seconds=40), "AttachUserPolicy", who,
                  {"userName": victim, "policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}),
              iam(at + timedelta(seconds=95), "DeleteAccessKey", who,
                  {"userName": victim, "accessKeyId": "AKIAI55OLDKEYEXAMPLE"}))
    at = utc("2026-11-21T01:51:00Z")  # Friday 20:51 in New York
    late = legacy(at - timedelta(minutes=4), ELSEWHERE)
    trail.add(get_secret(at, late, "pazpaz/email-credentials"),
              list_objects(at + timedelta(seconds=50), late, UPLOADS, ""))


def mass_delete(trail):
    """Saturday 02:00 UTC: 12,000 DeleteObject and 3 DeleteObjects with the new key, in forty minutes.

    These records leave out what a rule does not read, to stay small. S3 adds one record of its own for
    each key of a batch delete; each batch has ten here.
    """
    who = user("talentbase-backend-prod", NEW_KEY, ELSEWHERE, "Boto3/1.40.49")
    start = utc("2026-11-21T02:00:00Z")

    def small(record):
        record["additionalEventData"] = {"SignatureVersion": "SigV4", "CipherSuite": "TLS_AES_128_GCM_SHA256",
                                         "AuthenticationMethod": "AuthHeader"}
        return record

    for number in range(12_000):
        at = start + timedelta(seconds=number // 5)
        trail.add(small(s3_object(at, "DeleteObject", who, UPLOADS, f"cv/{number // 100:03}/{number % 100:02}.pdf")))
    for batch in range(3):
        at = start + timedelta(minutes=41, seconds=20 * batch)
        trail.add(small(s3_object(at, "DeleteObjects", who, UPLOADS, None, {"delete": ""})))
        for key in range(10):
            trail.add(batch_delete_key(at + timedelta(seconds=1), UPLOADS, f"cv/batch-{batch}/{key}.pdf"))


def beside_the_logs(files):
    """What also lies in a log bucket: a file delivered twice, a digest, another service's logs."""
    first = next(key for key in sorted(files) if "/us-east-1/2026/11/17/" in key)
    files[first.rsplit("_", 1)[0] + "_" + letters(16) + ".json.gz"] = files[first]

    root_folder = f"trails/breach/AWSLogs/{ACCOUNT}"
    digest = f"{root_folder}/CloudTrail-Digest/us-east-1/2026/11/17/{ACCOUNT}_CloudTrail-Digest_us-east-1_pazpaz-iam-audit_us-east-1_20261117T090000Z.json.gz"
    files[digest] = as_gzip(digest_document(digest.removeprefix("trails/breach/"), []))
    balancer = f"{root_folder}/elasticloadbalancing/us-east-1/2026/11/17/{ACCOUNT}_elasticloadbalancing_us-east-1_app.pazpaz-alb.0123456789abcdef_20261117T0905Z_192.0.2.44_2h4k6m8p.log.gz"
    line = ('https 2026-11-17T09:01:02.123456Z app/pazpaz-alb/0123456789abcdef 203.0.113.90:51234 192.0.2.40:8000 0.001 '
            '0.012 0.000 200 200 412 1534 "GET https://app.example.com:443/health HTTP/2.0" "curl/8.16.0"\n')
    files[balancer] = gzip.compress(line.encode(), 9, mtime=0)


def signed():
    """A Monday's five hours with their digests, the last of them empty, and the key they are signed with."""
    trail = Trail("signed")
    since = utc("2026-11-23T13:17:28Z")
    app = task_start(trail, utc("2026-11-23T13:31:00Z"))
    for time, count in (("13:36", 6), ("14:21", 8), ("15:46", 5), ("16:06", 7)):
        application(trail, utc(f"2026-11-23T{time}:00Z"), app, count)
    console(trail, utc("2026-11-23T14:01:00Z"), "maya.cohen", "Developer", refused=0)
    operator(trail, utc("2026-11-23T15:01:00Z"))
    files = dict(trail.files())
    root, keys = f"{trail.folder}/", "trails/signed-public-keys.json"
    if "--sign" in sys.argv[1:]:
        signer = signing.Signer.new()
    else:
        kept = {path.relative_to(HERE / root).as_posix().removesuffix(SIDE_FILE):
                json.loads(path.read_bytes())["Metadata"]["signature"]
                for path in (HERE / root).rglob("*" + SIDE_FILE)}
        signer = signing.Signer.of((HERE / keys).read_bytes(), kept)
    logs = [(key.removeprefix(root), utc_of_stamp(key), gzip.decompress(content)) for key, content in sorted(files.items())]
    for key, content, signature in signing.digests(logs, since, 5, signer, account=ACCOUNT, region=REGION,
                                                   trail="pazpaz-iam-audit", bucket=LOG_BUCKET):
        files[root + key] = gzip.compress(content, 9, mtime=0)
        head = {"Metadata": {"signature": signature, "signature-algorithm": signing.ALGORITHM}}
        files[root + key + SIDE_FILE] = (json.dumps(head, indent=4) + "\n").encode()
    files[keys] = signer.keys()
    return files


def utc_of_stamp(key):
    return datetime.strptime(key.split("_")[3], "%Y%m%dT%H%MZ").replace(tzinfo=timezone.utc)


def digest_document(key, log_files):
    return {
        "awsAccountId": ACCOUNT, "digestStartTime": "2026-11-17T08:00:00Z", "digestEndTime": "2026-11-17T09:00:00Z",
        "digestS3Bucket": LOG_BUCKET, "digestS3Object": key,
        "digestPublicKeyFingerprint": "0" * 32, "digestSignatureAlgorithm": "SHA256withRSA",
        "newestEventTime": None, "oldestEventTime": None, "previousDigestS3Bucket": None, "previousDigestS3Object": None,
        "previousDigestHashValue": None, "previousDigestHashAlgorithm": None, "previousDigestSignature": None,
        "logFiles": log_files,
    }


# ---------------------------------------------------------------- files that are broken or wrapped

def broken():
    """One small file for each way in which a file can be odd, and EXPECTED.json that says what to make of it."""
    at = utc("2026-11-16T14:00:00Z")
    who = user("ops-admin")
    names = ["ListUsers", "ListRoles", "GetAccountSummary"]
    records = [call(at + timedelta(seconds=number), "iam", name, who, None) for number, name in enumerate(names)]

    def text(value):
        return json.dumps(value, separators=(",", ":"))

    log = text({"Records": records})

    def pack(content):
        return gzip.compress(content.encode() if isinstance(content, str) else content, 9, mtime=0)

    good = pack(log)
    wrong_sum = bytearray(good)
    wrong_sum[-8] ^= 1
    agent = text(CLI)
    surrogate = log.replace(agent, '"cut here \\ud83d"', 1)
    latin = log.encode().replace(agent.encode(), b'"caf\xe9"', 1)
    nan = log.replace('"requestParameters":null', '"requestParameters":NaN', 1)
    deep = log.replace('"requestParameters":null', '"requestParameters":{"nested":' + "[" * 20_000 + "]" * 20_000 + "}", 1)
    digest_key = f"AWSLogs/{ACCOUNT}/CloudTrail-Digest/us-east-1/2026/11/16/{ACCOUNT}_CloudTrail-Digest_us-east-1_pazpaz-iam-audit_us-east-1_20261116T150000Z.json.gz"
    insight = {"eventVersion": "1.09", "eventTime": iso(at), "awsRegion": REGION, "eventID": guid(),
               "eventType": "AwsCloudTrailInsight", "recipientAccountId": ACCOUNT, "sharedEventID": guid(),
               "insightDetails": {"state": "Start", "eventSource": "iam.amazonaws.com", "eventName": "ListUsers",
                                  "insightType": "ApiCallRateInsight",
                                  "insightContext": {"statistics": {"baseline": {"average": 0.1}, "insight": {"average": 9}}}},
               "eventCategory": "Insight"}
    bridge = {"version": "0", "id": guid(), "detail-type": "AWS API Call via CloudTrail", "source": "aws.iam",
              "account": ACCOUNT, "time": iso(at), "region": REGION, "resources": [], "detail": records[0]}
    rows = {"Events": [{"EventId": record["eventID"], "EventName": record["eventName"], "ReadOnly": "true",
                        "Username": "ops-admin", "CloudTrailEvent": text(record)} for record in records]}
    watch = {"messageType": "DATA_MESSAGE", "owner": ACCOUNT, "logGroup": "pazpaz-cloudtrail",
             "logStream": f"{ACCOUNT}_CloudTrail_us-east-1", "subscriptionFilters": ["all"],
             "logEvents": [{"id": str(number), "timestamp": int(at.timestamp() * 1000), "message": text(record)}
                           for number, record in enumerate(records)]}
    cases = [
        ("truncated-gzip.json.gz", good[:len(good) * 6 // 10], 0, 0, "gzip cut at 60 percent: the file is broken, none of it counts"),
        ("bad-crc.json.gz", bytes(wrong_sum), 0, 0, "one bit of the checksum is wrong: the file is broken"),
        ("two-members.json.gz", pack(log[:900]) + pack(log[900:]), 3, 0, "two gzip members, one text: fine"),
        ("bom.json.gz", pack(b"\xef\xbb\xbf" + log.encode()), 3, 0, "UTF-8 byte order mark: fine"),
        ("empty.json.gz", b"", 0, 0, "no bytes at all: the file is broken"),
        ("not-cloudtrail.txt", b"version account-id interface-id srcaddr dstaddr\n2 111122223333 eni-0 192.0.2.1 192.0.2.2\n",
         0, 0, "another service's log: foreign, no record"),
        ("json-lines.json.gz", pack("\n".join(map(text, records)) + "\n"), 3, 0, "one record a line: fine"),
        ("pretty-crlf.json.gz", pack(json.dumps({"Records": records}, indent=2).replace("\n", "\r\n")), 3, 0,
         "indented, with CR LF: fine"),
        ("bad-utf8.json.gz", pack(latin), 3, 0, "a Latin-1 byte in one string: the byte is replaced, the record counts"),
        ("lone-surrogate.json.gz", pack(surrogate), 3, 0, "half a surrogate pair in one string: the record counts"),
        ("nan-in-one-record.json.gz", pack(nan), 2, 1, "NaN is not JSON: one bad record, two good ones"),
        ("digest-file.json.gz", pack(text(digest_document(digest_key, []))), 0, 0, "a digest, no log: no record"),
        ("insight-file.json.gz", pack(text({"Records": [insight, {**insight, "eventID": guid()}]})), 2, 0,
         "two Insight records: read, but they are no API calls and no rule may match them"),
        ("trailing-garbage.json.gz", good + b"these bytes are no gzip", 3, 0,
         "bytes behind the last gzip member: the records count, the bytes are reported"),
        ("records-null.json.gz", pack('{"Records":null}'), 0, 0, "Records is null: the file is broken"),
        ("no-records-key.json.gz", pack('{"configurationItems":[]}'), 0, 0, "JSON, but no log: foreign"),
        ("eventbridge-envelope.json", text(bridge).encode(), 1, 0, "an EventBridge event: the record is its detail"),
        ("lookup-events.json", text(rows).encode(), 3, 0, "the answer of LookupEvents: records are JSON strings"),
        ("cloudwatch-envelope.json", text(watch).encode(), 3, 0, "a CloudWatch Logs subscription: records are JSON strings"),
        ("bare-array.json", text(records).encode(), 3, 0, "a list of records without Records"),
        ("single-event.json", text(records[0]).encode(), 1, 0, "one record and nothing around it"),
        ("deep-nesting.json.gz", pack(deep), 3, 0, "20,000 nested lists in one field: no stack overflow, the records count"),
    ]
    files = {f"broken/{name}": content for name, content, *_ in cases}
    expected = {name: {"records": records, "bad": bad, "what": what} for name, _, records, bad, what in cases}
    files["broken/EXPECTED.json"] = (json.dumps(expected, indent=2) + "\n").encode()
    return files


# ---------------------------------------------------------------- an incident

LEAKED, PLANTED = "AKIAI9LEAKEDXEXAMPLE", "AKIAI8PLANTEDEXAMPLE"
ATTACKER, SECOND_PLACE = "198.51.100.140", "198.51.100.201"
INSTANCE = "i-0123456789abcdef0"
KALI = "aws-cli/2.31.6 md/awscrt#0.27.6 ua/2.1 os/linux#6.12.13-amd64 lang/python#3.13.7 kali"


def denied(at, source, name, who, params=None, action=None):
    message = f"User: {who.identity['arn']} is not authorized to perform: {source}:{action or name}"
    return call(at, source, name, who, params, error="AccessDenied", message=message)


def incident():
    """2026-11-24: a leaked key, followed through roles, an instance and a planted user. See README.md.

    The records are labelled, so that a test can check an investigation event by event.
    """
    trail = Trail("incident")
    labels = {"attack": [], "automation": [], "containment": []}
    day = utc("2026-11-24T00:00:00Z")
    ordinary_day(trail, day, 30, 1)

    def add(label, *records):
        trail.add(*records)
        labels[label].extend((record["eventTime"], record["eventID"]) for record in records)

    def at(clock):
        return utc(f"2026-11-24T{clock}Z")

    owner = user("ci-deploy", LEAKED, "192.0.2.80", TERRAFORM)
    for clock in ("01:00:00", "05:00:00"):  # the pipeline that the key belongs to
        add("automation", call(at(clock), "sts", "GetCallerIdentity", owner),
            call(at(clock) + timedelta(seconds=3), "iam", "GetRole", owner, {"roleName": "pazpaz-support-role"}))

    thief = user("ci-deploy", LEAKED, ATTACKER, KALI)
    add("attack", call(at("02:10:00"), "sts", "GetCallerIdentity", thief),
        call(at("02:10:20"), "s3", "ListBuckets", thief),
        denied(at("02:10:41"), "iam", "ListUsers", thief),
        call(at("02:11:05"), "iam", "ListRoles", thief),
        assume_role_denied(at("02:12:00"), thief, "pazpaz-admin-role"),
        assume_role_denied(at("02:12:31"), thief, "pazpaz-terraform-role"))
    first, second = access_key(), access_key()
    add("attack", assume_role(at("02:13:02"), thief, "pazpaz-support-role", "aws-cli-1", first))
    support = session("pazpaz-support-role", "aws-cli-1", at("02:13:02"), first, ATTACKER, KALI)
    add("attack", denied(at("02:14:00"), "secretsmanager", "ListSecrets", support),
        assume_role(at("02:15:10"), support, "pazpaz-ops-role", "aws-cli-2", second))
    ops = session("pazpaz-ops-role", "aws-cli-2", at("02:15:10"), second, ATTACKER, KALI)

    # the instance works for itself all day; its credentials are then used from elsewhere
    issued = access_key()
    ec2 = service("ec2")
    trail.add(assume_role(at("01:55:00"), ec2, "pazpaz-worker-role", INSTANCE, issued))
    own = session("pazpaz-worker-role", INSTANCE, at("01:55:00"), issued, "192.0.2.55", BOTO_IN_ECS)
    for clock in ("02:05:00", "02:30:00", "03:30:00", "04:00:00"):
        trail.add(s3_object(at(clock), "GetObject", own, ATTACHMENTS, "workspace-3/sessions/0001.jpg"))
    add("attack", call(at("02:20:00"), "ssm", "SendCommand", ops,
                       {"documentName": "AWS-RunShellScript", "instanceIds": [INSTANCE]},
                       {"command": {"commandId": guid(), "instanceIds": [INSTANCE]}}, read=False))
    stolen = session("pazpaz-worker-role", INSTANCE, at("01:55:00"), issued, ATTACKER, KALI)
    add("attack", call(at("02:24:00"), "sts", "GetCallerIdentity", stolen),
        call(at("02:24:40"), "ec2", "DescribeInstances", stolen, {}),
        get_secret(at("02:25:10"), stolen, "pazpaz/jwt-secret"),
        get_secret(at("02:25:31"), stolen, "pazpaz/email-credentials"),
        denied_secret(at("02:25:52"), stolen, "pazpaz/db-master"),
        denied(at("02:26:20"), "kms", "ListKeys", stolen))

    planted = {"user": {"userName": "svc-backup", "userId": principal_id("AIDA", "svc-backup"), "path": "/",
                        "arn": f"arn:aws:iam::{ACCOUNT}:user/svc-backup", "createDate": "Nov 24, 2026 2:31:00 AM"}}
    add("attack", iam(at("02:31:00"), "CreateUser", ops, {"userName": "svc-backup"}, planted),
        iam(at("02:31:30"), "AttachUserPolicy", ops,
            {"userName": "svc-backup", "policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}),
        iam(at("02:32:00"), "CreateLoginProfile", ops, {"userName": "svc-backup", "passwordResetRequired": False},
            {"loginProfile": {"userName": "svc-backup", "passwordResetRequired": False}}),
        create_key(at("02:32:40"), ops, "svc-backup", PLANTED))
    console = user("svc-backup", access_key(), ATTACKER, BROWSER, since=at("02:40:30"))
    add("attack", sign_in(at("02:40:00"), console, "No", "Failed authentication"),
        sign_in(at("02:40:30"), console, "No"),
        call(at("02:41:00"), "iam", "ListMFADevices", console, {"userName": "svc-backup"}))

    backdoor = user("svc-backup", PLANTED, SECOND_PLACE, "Boto3/1.40.12 md/Botocore#1.40.12")
    for number in range(40):
        add("attack", s3_object(at("03:00:00") + timedelta(seconds=7 * number), "GetObject", backdoor, ATTACHMENTS,
                                f"workspace-{number % 9}/sessions/{number:04}.jpg"))
    add("attack",
        iam(at("03:10:00"), "UpdateAssumeRolePolicy", ops,
            {"roleName": "pazpaz-support-role",
             "policyDocument": json.dumps({"Version": "2012-10-17", "Statement": [
                 {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::444455556666:root"},
                  "Action": "sts:AssumeRole"}]})}),
        call(at("03:12:00"), "ec2", "ModifySnapshotAttribute", ops,
             {"snapshotId": "snap-0123456789abcdef0", "attributeType": "CREATE_VOLUME_PERMISSION",
              "createVolumePermission": {"add": {"items": [{"userId": "444455556666"}]}}}, {"_return": True}, read=False),
        call(at("03:14:00"), "s3", "PutBucketPolicy", ops,
             {"bucketName": UPLOADS, "Host": f"{UPLOADS}.s3.us-east-1.amazonaws.com", "policy": "",
              "bucketPolicy": {"Version": "2012-10-17", "Statement": [
                  {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::444455556666:root"},
                   "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{UPLOADS}/*"}]}}, read=False),
        call(at("03:16:00"), "lambda", "UpdateFunctionCode20150331v2", ops,
             {"functionName": "pazpaz-notify", "dryRun": False, "publish": False},
             {"functionName": "pazpaz-notify", "functionArn": f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:pazpaz-notify"},
             read=False),
        denied(at("03:20:00"), "cloudtrail", "StopLogging", ops, {"name": TRAIL_ARN}),
        denied(at("03:20:30"), "cloudtrail", "DeleteTrail", ops, {"name": TRAIL_ARN}),
        denied(at("03:21:00"), "cloudtrail", "PutEventSelectors", ops, {"trailName": "pazpaz-iam-audit"}))

    # the pipeline puts back what its code says; an administrator contains the rest
    trust = {"roleName": "pazpaz-support-role", "policyDocument": "{}"}
    add("automation", iam(at("07:00:10"), "UpdateAssumeRolePolicy", owner, trust),
        call(at("07:00:30"), "s3", "DeleteBucketPolicy", owner,
             {"bucketName": UPLOADS, "Host": f"{UPLOADS}.s3.us-east-1.amazonaws.com", "policy": ""}, read=False))
    admin = sso("noa.levi", "Administrator", at("08:15:00"))
    add("containment",
        iam(at("08:20:00"), "UpdateAccessKey", admin,
            {"userName": "ci-deploy", "accessKeyId": LEAKED, "status": "Inactive"}),
        iam(at("08:21:00"), "DeleteLoginProfile", admin, {"userName": "svc-backup"}),
        iam(at("08:21:30"), "DeleteAccessKey", admin, {"userName": "svc-backup", "accessKeyId": PLANTED}),
        iam(at("08:22:00"), "DetachUserPolicy", admin,
            {"userName": "svc-backup", "policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}),
        iam(at("08:22:30"), "DeleteUser", admin, {"userName": "svc-backup"}),
        call(at("08:25:00"), "ec2", "ModifySnapshotAttribute", admin,
             {"snapshotId": "snap-0123456789abcdef0", "attributeType": "CREATE_VOLUME_PERMISSION",
              "createVolumePermission": {"remove": {"items": [{"userId": "444455556666"}]}}}, {"_return": True},
             read=False))
    files = dict(trail.files())
    sorted_labels = {label: [event for _, event in sorted(events)] for label, events in labels.items()}
    files["trails/incident-events.json"] = (json.dumps(sorted_labels, indent=2) + "\n").encode()
    return files


# ---------------------------------------------------------------- write

def everything():
    files = {}
    for make in (quiet, seed_trail, breach):
        files.update(make().files())
    beside_the_logs(files)
    files.update(broken())
    files.update(narrowed().files())
    files.update(signed())
    files.update(incident())
    return files


def main():
    files = everything()
    lying = {path.relative_to(HERE).as_posix(): path
             for folder in ("trails", "broken") for path in (HERE / folder).rglob("*") if path.is_file()}
    if "--check" in sys.argv[1:]:
        wrong = sorted(lying.keys() - files.keys())
        wrong += [name for name, content in files.items() if name not in lying or lying[name].read_bytes() != content]
        print("\n".join(wrong) or f"all {len(files)} files are as they would be written")
        return 1 if wrong else 0
    for name in lying.keys() - files.keys():
        lying[name].unlink()
    for name, content in files.items():
        target = HERE / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    print(f"{len(files)} files, {sum(map(len, files.values())):,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
