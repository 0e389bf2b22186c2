//! What a record says of condition keys.

use std::borrow::Cow;

use crate::derive::{identity, omitted, principals};
use crate::event::{Event, Key};
use crate::policy::Fact;

/// What a record says of a condition key, which is in lower case (IAM user guide, "AWS global condition
/// context keys"; Service Authorization Reference of each service).
pub fn fact(event: &Event<'_>, key: &str) -> Fact {
    let known = |text: Cow<'_, str>| match text.is_empty() {
        true => Fact::Unknown,
        false => Fact::one(text),
    };
    // a header or parameter that was not sent is absent, unless the record leaves parameters out
    let sent = |name: &str| {
        let value = event.at(Key::RequestParameters, &[name]);
        match value.is_null() {
            false => Fact::one(event.read(value)),
            true if event.raw(Key::RequestParameters).is_object() && !omitted::request(event) => {
                Fact::Absent
            }
            true => Fact::Unknown,
        }
    };
    match key {
        "aws:requestedregion" => known(event.text(Key::AwsRegion)),
        "aws:principalarn" => known(identity::caller(event)),
        "aws:principalaccount" => known(event.read(event.user().account_id())),
        "aws:username" => match event.user().kind().is_text("IAMUser") {
            true => known(event.read(event.user().user_name())),
            false => Fact::Absent,
        },
        "aws:userid" => known(event.read(event.user().principal_id())),
        "aws:useragent" => known(event.text(Key::UserAgent)),
        "aws:sourcevpce" => {
            let endpoint = event.text(Key::VpcEndpointId);
            if endpoint.is_empty() {
                Fact::Absent
            } else {
                Fact::one(endpoint)
            }
        }
        "aws:sourceip" => {
            let address = event.source_ip();
            match address.parse::<std::net::IpAddr>() {
                Ok(_) => Fact::one(address),
                Err(_) => Fact::Unknown,
            }
        }
        // calls by services and the console say nothing of TLS
        "aws:securetransport" => match event.at(Key::TlsDetails, &["tlsVersion"]).is_null() {
            true => Fact::Unknown,
            false => Fact::one("true"),
        },
        "aws:multifactorauthpresent" => match principals::mfa(event) {
            Some(mfa) => Fact::one(mfa.to_string()),
            None => Fact::Unknown,
        },
        "s3:prefix" => sent("prefix"),
        "s3:delimiter" => sent("delimiter"),
        "s3:max-keys" => sent("max-keys"),
        "s3:versionid" => sent("versionId"),
        "cloudwatch:namespace" => sent("namespace"),
        "sts:externalid" => sent("externalId"),
        "sts:rolesessionname" => sent("roleSessionName"),
        "secretsmanager:versionstage" => sent("versionStage"),
        "secretsmanager:versionid" => sent("versionId"),
        _ => match key.strip_prefix("s3:") {
            Some(header) if header.starts_with("x-amz-") => sent(header),
            _ => Fact::Unknown,
        },
    }
}
