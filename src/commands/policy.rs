//! `trailscan policy`: what to allow, and no more.

use super::{Exit, say};
use crate::cli::Policy;
use crate::safe_text::TerminalText;

pub(super) fn run(arguments: &Policy) -> anyhow::Result<Exit> {
    let prefix = arguments.prefix.trim_matches('/');
    let below = if prefix.is_empty() {
        String::new()
    } else {
        format!("{prefix}/")
    };
    let policy = serde_json::json!({
        "Version": "2012-10-17",
        "Statement": [
            {"Sid": "FindTrails", "Effect": "Allow", "Action": ["cloudtrail:DescribeTrails", "cloudtrail:ListTrails"], "Resource": "*"},
            {"Sid": "SeeWhatTrailsRecord", "Effect": "Allow", "Action": ["cloudtrail:GetEventSelectors", "cloudtrail:GetTrailStatus", "cloudtrail:GetInsightSelectors"], "Resource": "*"},
            {"Sid": "ListLogs", "Effect": "Allow", "Action": "s3:ListBucket", "Resource": format!("arn:aws:s3:::{}", arguments.bucket)},
            {"Sid": "ReadLogs", "Effect": "Allow", "Action": "s3:GetObject", "Resource": format!("arn:aws:s3:::{}/{below}AWSLogs/*", arguments.bucket)},
            {"Sid": "DecryptLogs", "Effect": "Allow", "Action": "kms:Decrypt", "Resource": "TRAIL-KEY-ARN", "Condition": {"StringLike": {"kms:ViaService": "s3.*.amazonaws.com"}}},
            {"Sid": "VerifyLogs", "Effect": "Allow", "Action": "cloudtrail:ListPublicKeys", "Resource": "*"},
        ],
    });
    say(&TerminalText::json(&format!("{policy:#}\n")))?;
    Ok(Exit::Done)
}
