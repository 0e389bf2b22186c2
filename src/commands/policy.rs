//! `trailscan policy`: what to allow, and no more.

use anyhow::bail;
use serde_json::{Value, json};

use super::{Exit, print};
use crate::cli::Policy;
use crate::partition::Partition;
use crate::safe_text::TerminalText;

pub(super) fn run(arguments: &Policy) -> anyhow::Result<Exit> {
    let key = arguments.kms_key.as_ref();
    let said = [
        arguments.partition,
        arguments.bucket.partition,
        key.map(|key| key.partition),
    ];
    let mut said = said.into_iter().flatten();
    let partition = said.next().unwrap_or(Partition::Aws);
    if let Some(other) = said.find(|other| *other != partition) {
        bail!(
            "the bucket, the key and --partition must be of one partition: {} and {} are not",
            partition.name(),
            other.name()
        );
    }
    let bucket = format!("arn:{}:s3:::{}", partition.name(), arguments.bucket.name);
    let prefix = match arguments.prefix.trim_matches('/') {
        "" => String::new(),
        prefix => format!("{}/", literal(prefix)),
    };
    let mut statements = vec![
        allow(
            "FindTrails",
            json!(["cloudtrail:DescribeTrails", "cloudtrail:ListTrails"]),
            "*",
        ),
        allow(
            "SeeWhatTrailsRecord",
            json!([
                "cloudtrail:GetEventSelectors",
                "cloudtrail:GetTrailStatus",
                "cloudtrail:GetInsightSelectors"
            ]),
            "*",
        ),
        allow("ListLogs", json!("s3:ListBucket"), &bucket),
        allow(
            "ReadLogs",
            json!("s3:GetObject"),
            &format!("{bucket}/{prefix}AWSLogs/*"),
        ),
        allow("VerifyLogs", json!("cloudtrail:ListPublicKeys"), "*"),
    ];
    if arguments.credential_report {
        statements.push(allow(
            "ReadCredentialReport",
            json!(["iam:GenerateCredentialReport", "iam:GetCredentialReport"]),
            "*",
        ));
    }
    if let Some(key) = key {
        let mut decrypt = allow("DecryptLogs", json!("kms:Decrypt"), &key.arn);
        let service = format!("s3.*.{}", partition.dns_suffix());
        decrypt["Condition"] = json!({"StringLike": {"kms:ViaService": service}});
        statements.push(decrypt);
    }
    let policy = json!({"Version": "2012-10-17", "Statement": statements});
    print(&TerminalText::json(&format!("{policy:#}\n")))?;
    Ok(Exit::Done)
}

fn allow(sid: &str, action: Value, resource: &str) -> Value {
    json!({"Sid": sid, "Effect": "Allow", "Action": action, "Resource": resource})
}

/// A prefix as IAM takes it literally (IAM User Guide, "Policy variables": special characters).
fn literal(prefix: &str) -> String {
    let mut literal = String::new();
    for c in prefix.chars() {
        match c {
            '*' | '?' | '$' => literal.extend(["${", &c.to_string(), "}"]),
            c => literal.push(c),
        }
    }
    literal
}
