//! Values of the configuration: each is brought into the form that rules compare with, or refused with
//! what was expected, because a value that can never match switches its rule off without a word.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::partition::is_region_code;
use crate::source::key::is_account;

/// A list that, where it is written, has at least one value. Notes an empty list and each value that
/// `read` refuses, with the key; the others are kept.
pub(super) fn list(
    key: &str,
    written: Option<Vec<String>>,
    read: impl Fn(&str) -> Result<String, String>,
    faults: &mut Vec<String>,
) -> Vec<String> {
    let Some(written) = written else {
        return Vec::new();
    };
    if written.is_empty() {
        faults.push(format!(
            "{key}: the list is empty and can never match: name at least one value, or delete the line"
        ));
    }
    let one = |text: &String| match read(text) {
        Ok(value) => Some(value),
        Err(what) => {
            faults.push(format!("{key}: {what}"));
            None
        }
    };
    written.iter().filter_map(one).collect()
}

/// Any text that is not blank.
pub(super) fn text(text: &str) -> Result<String, String> {
    match text.trim().is_empty() {
        true => Err("an empty text can never match: name a value, or delete it".to_owned()),
        false => Ok(text.to_owned()),
    }
}

/// A bucket by name, ARN or URI; `*` and `?` are wildcards. The result is what CloudTrail writes as
/// `bucketName`: the name, or the ARN of an access point.
pub(super) fn bucket(written: &str) -> Result<String, String> {
    let expected = |why: &str| {
        format!(
            "`{written}` {why}: write the bucket's name (clinic-files), its ARN (arn:aws:s3:::clinic-files) \
             or its URI (s3://clinic-files)"
        )
    };
    let parts: Vec<&str> = written.splitn(6, ':').collect();
    let name = match parts.as_slice() {
        ["arn", _, service, region, account, resource]
            if ["s3", "s3-object-lambda", "s3-outposts", "s3express"].contains(service)
                && !region.is_empty()
                && !resource.is_empty() =>
        {
            arn_account(written, account)?;
            return Ok(written.to_owned());
        }
        ["arn", _, "s3", "", "", name] => *name,
        ["arn", ..] => return Err(expected("is not the ARN of a bucket")),
        _ => match written.split_once("://") {
            Some(("s3" | "s3a" | "s3n" | "S3", name)) => name,
            Some(_) => return Err(expected("is not the URI of a bucket")),
            None => written,
        },
    };
    let (name, prefix) = name.split_once('/').unwrap_or((name, ""));
    if !["", "*"].contains(&prefix) {
        return Err(expected(
            "names a prefix, and rules compare whole buckets, so it can never match",
        ));
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || ".-_*?".contains(c);
    if name.is_empty() || !name.chars().all(allowed) {
        return Err(expected("is not a bucket"));
    }
    let is_pattern = name.contains('*');
    if name.len() > 255 || (name.len() < 3 && !is_pattern) {
        return Err(expected(
            "is not a bucket name, which has 3 to 63 characters",
        ));
    }
    Ok(name.to_owned())
}

/// A prefix of keys, as a request for a listing names it.
pub(super) fn prefix(written: &str) -> Result<String, String> {
    match written.starts_with("s3://") || written.starts_with("arn:") {
        true => Err(format!(
            "`{written}` names a bucket: write the prefix alone, such as workspace-*/"
        )),
        false => Ok(written.to_owned()),
    }
}

/// An account: twelve digits, some of which may be wildcards.
pub(super) fn account(written: &str) -> Result<String, String> {
    let is_pattern = written.contains('*') || (written.len() == 12 && written.contains('?'));
    let digits = written
        .chars()
        .all(|c| c.is_ascii_digit() || "*?".contains(c));
    if is_account(written) || (is_pattern && digits && written.len() <= 12) {
        return Ok(written.to_owned());
    }
    let count = written.chars().filter(char::is_ascii_digit).count();
    Err(match count == written.chars().count() {
        true => format!(
            "`{written}` has {count} digits: an account id has twelve, such as 111122223333"
        ),
        false => format!("`{written}` is not an account id: write twelve digits, 111122223333"),
    })
}

/// The account of an ARN, which is checked where it is no pattern.
fn arn_account(arn: &str, account: &str) -> Result<(), String> {
    let is_named = account.is_empty() || account == "aws";
    match is_named || account.contains(['*', '?']) || is_account(account) {
        true => Ok(()),
        false => Err(format!(
            "`{arn}`: `{account}` is not an account id of twelve digits, such as 111122223333"
        )),
    }
}

/// A KMS key by its ARN.
pub(super) fn kms_key(written: &str) -> Result<String, String> {
    let parts: Vec<&str> = written.splitn(6, ':').collect();
    let is_key = match parts.as_slice() {
        // a pattern may begin or end anywhere
        _ if written.starts_with('*') => true,
        ["arn", partition, "kms" | "*", region, account, key] => {
            arn_account(written, account)?;
            let has_id = key.strip_prefix("key/").is_some_and(|id| !id.is_empty());
            let key = has_id || *key == "*";
            key && !partition.is_empty() && !region.is_empty() && !account.is_empty()
        }
        [.., last] => parts.len() < 6 && parts.first() == Some(&"arn") && last.ends_with('*'),
        [] => false,
    };
    match is_key {
        true => Ok(written.to_owned()),
        false => Err(format!(
            "`{written}` is not the ARN of a KMS key: write arn:aws:kms:REGION:ACCOUNT:key/ID (CloudTrail \
             records keys by it, not by id or alias)"
        )),
    }
}

/// A secret by name or ARN; the result is its name, by which rules compare: an ARN ends in six random
/// characters that are no part of it (Secrets Manager user guide).
pub(super) fn secret(written: &str) -> Result<String, String> {
    if !written.starts_with("arn:") {
        return text(written);
    }
    let parts: Vec<&str> = written.splitn(7, ':').collect();
    let ["arn", _, "secretsmanager", _, account, "secret", name] = parts.as_slice() else {
        return Err(format!(
            "`{written}` is not the ARN of a secret: write its name, clinic/db, or \
             arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME"
        ));
    };
    arn_account(written, account)?;
    let bare = match name.rsplit_once('-') {
        Some((bare, tail)) if tail.len() == 6 => bare,
        _ => *name,
    };
    text(bare)
}

/// A role or user by name or ARN, as it stands.
pub(super) fn principal(written: &str) -> Result<String, String> {
    if let Some(digits) = only_digits(written) {
        return Err(format!(
            "`{digits}` is not a role or user: write its name, clinic-backend, or its ARN"
        ));
    }
    if !written.starts_with("arn:") {
        return text(written);
    }
    let parts: Vec<&str> = written.splitn(6, ':').collect();
    match parts.as_slice() {
        ["arn", _, "iam" | "sts", "", account, name] if !name.is_empty() => {
            arn_account(written, account)?;
            Ok(written.to_owned())
        }
        _ if parts.len() < 6 && written.ends_with('*') => Ok(written.to_owned()),
        _ => Err(format!(
            "`{written}` is not the ARN of a role or user: write arn:aws:iam::ACCOUNT:role/NAME, or the name"
        )),
    }
}

/// What can belong to an environment: an account, or the name of a role, bucket or secret. ARNs become
/// the names that rules compare with.
pub(super) fn member(written: &str) -> Result<String, String> {
    if only_digits(written).is_some() {
        return account(written);
    }
    if written.contains("://") {
        return bucket(written);
    }
    let parts: Vec<&str> = written.splitn(6, ':').collect();
    match parts.as_slice() {
        ["arn", _, "s3", ..] => bucket(written),
        ["arn", _, "secretsmanager", ..] => secret(written),
        ["arn", _, "iam", ..] => {
            let arn = principal(written)?;
            let name = arn.rsplit('/').next().unwrap_or_default();
            text(name)
        }
        _ => text(written),
    }
}

/// A Region by its code, as CloudTrail writes `awsRegion`; `*` and `?` are wildcards.
pub(super) fn region(written: &str) -> Result<String, String> {
    let expected = || {
        format!("`{written}` is not the code of a Region: write such as us-east-1 or us-gov-west-1")
    };
    let is_pattern = written.contains(['*', '?']);
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-*?".contains(c);
    if written.is_empty() || !written.chars().all(allowed) {
        return Err(expected());
    }
    match is_pattern || is_region_code(written) {
        true => Ok(written.to_owned()),
        false => Err(expected()),
    }
}

/// A network in CIDR notation, or one address.
pub(super) fn network(written: &str) -> Result<IpNet, String> {
    let network = written.parse::<IpNet>().ok();
    let address = || written.parse::<IpAddr>().ok().map(IpNet::from);
    let Some(network) = network.or_else(address) else {
        return Err(format!(
            "`{written}` is not a network: write such as 198.51.100.0/24, 2001:db8::/32 or 203.0.113.7"
        ));
    };
    match network == network.trunc() {
        true => Ok(network),
        false => Err(format!(
            "`{written}` is an address inside a network: write the network, {}",
            network.trunc()
        )),
    }
}

/// A secret or an SSM parameter, by name or ARN; the result is its name.
pub(super) fn secret_or_parameter(written: &str) -> Result<String, String> {
    match written.starts_with("arn:") && written.split(':').nth(2) == Some("ssm") {
        true => named(written, &[("ssm", "parameter/")], "parameter", "/clinic/db"),
        false => secret(written),
    }
}

/// A CloudWatch log group by name or ARN; the result is its name.
pub(super) fn log_group(written: &str) -> Result<String, String> {
    let name = named(
        written,
        &[("logs", "log-group:")],
        "log group",
        "/aws/cloudtrail",
    )?;
    // the ARN of a group ends in `:*`, which stands for its streams
    Ok(name.strip_suffix(":*").unwrap_or(&name).to_owned())
}

/// A group of IAM users by name or ARN; the result is its name.
pub(super) fn group(written: &str) -> Result<String, String> {
    let name = named(written, &[("iam", "group/")], "group of users", "admins")?;
    Ok(name.rsplit('/').next().unwrap_or_default().to_owned())
}

/// A database or a cluster by name or ARN; the result is its name.
pub(super) fn database(written: &str) -> Result<String, String> {
    let kinds = [
        ("rds", "db:"),
        ("rds", "cluster:"),
        ("redshift", "cluster:"),
    ];
    named(written, &kinds, "database", "clinic-db")
}

/// A DynamoDB table by name or ARN; the result is its name.
pub(super) fn table(written: &str) -> Result<String, String> {
    named(written, &[("dynamodb", "table/")], "table", "patients")
}

/// A snapshot of a database or volume by id or ARN; the result is its id.
pub(super) fn snapshot(written: &str) -> Result<String, String> {
    let kinds = [
        ("rds", "snapshot:"),
        ("rds", "cluster-snapshot:"),
        ("ec2", "snapshot/"),
        ("redshift", "snapshot:"),
    ];
    named(written, &kinds, "snapshot", "snap-0123456789abcdef0")
}

/// The name in an ARN of one of these services and kinds of resource, or the name as written.
fn named(
    written: &str,
    kinds: &[(&str, &str)],
    what: &str,
    example: &str,
) -> Result<String, String> {
    if !written.starts_with("arn:") {
        return text(written);
    }
    let parts: Vec<&str> = written.splitn(6, ':').collect();
    if let ["arn", _, service, _, account, resource] = parts.as_slice() {
        arn_account(written, account)?;
        let mut kinds = kinds.iter().filter(|(known, _)| known == service);
        if let Some(name) = kinds.find_map(|(_, kind)| resource.strip_prefix(kind)) {
            return text(name);
        }
    }
    Err(format!(
        "`{written}` is not the ARN of a {what}: write its name, such as {example}"
    ))
}

fn only_digits(text: &str) -> Option<&str> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_understood_in_every_form_and_a_prefix_is_refused() {
        for (written, name) in [
            ("clinic-files", "clinic-files"),
            ("phi-*", "phi-*"),
            ("*", "*"),
            ("arn:aws:s3:::clinic-files", "clinic-files"),
            ("arn:aws-cn:s3:::clinic-files/*", "clinic-files"),
            ("s3://clinic-files", "clinic-files"),
            ("s3://clinic-files/", "clinic-files"),
            (
                "arn:aws:s3:us-east-1:111122223333:accesspoint/phi",
                "arn:aws:s3:us-east-1:111122223333:accesspoint/phi",
            ),
        ] {
            assert_eq!(bucket(written).as_deref(), Ok(name));
        }
        for wrong in [
            "",
            "ab",
            "clinic files",
            "s3://",
            "s3://clinic/prod",
            "clinic/prod",
            "arn:aws:s3:::",
            "arn:aws:sqs:us-east-1:111122223333:q",
            "arn:aws:s3:us-east-1:1111222233:accesspoint/phi",
            "https://clinic.s3.amazonaws.com",
        ] {
            let error = bucket(wrong).unwrap_err();
            assert!(
                error.contains(wrong) && (error.contains("write") || error.contains("such as")),
                "{error}"
            );
        }
    }

    #[test]
    fn accounts_keys_secrets_and_principals_have_their_form() {
        assert!(account("111122223333").is_ok() && account("1111*").is_ok());
        for wrong in ["11112222333", "1111222233334", "1111-2222-3333", "", "prod"] {
            assert!(account(wrong).unwrap_err().contains("twelve"), "{wrong}");
        }
        let key = "arn:aws:kms:us-east-1:111122223333:key/";
        for sound in [
            format!("{key}1-2"),
            format!("{key}*"),
            "arn:aws:kms:*".into(),
            "*".into(),
        ] {
            assert!(kms_key(&sound).is_ok(), "{sound}");
        }
        for wrong in [
            key,
            "1234abcd-12ab-34cd-56ef-1234567890ab",
            "alias/phi",
            "arn:aws:kms:us-east-1:11112222333:key/1",
            "arn:aws:kms:us-east-1:111122223333:alias/phi",
            "arn:aws:s3:::bucket",
            "",
        ] {
            assert!(kms_key(wrong).is_err(), "{wrong}");
        }
        let arn = "arn:aws:secretsmanager:us-east-1:111122223333:secret:clinic/db-a1B2c3";
        assert_eq!(secret(arn).as_deref(), Ok("clinic/db"));
        assert!(secret("arn:aws:s3:::x").is_err() && secret(" ").is_err());
        assert!(principal("arn:aws:iam::111122223333:role/app/*").is_ok());
        for wrong in [
            "",
            "111122223333",
            "arn:aws:iam::1111:role/a",
            "arn:aws:s3:::x",
        ] {
            assert!(principal(wrong).is_err(), "{wrong}");
        }
        assert_eq!(
            member("arn:aws:iam::111122223333:role/a/b").as_deref(),
            Ok("b")
        );
        assert_eq!(member("s3://clinic").as_deref(), Ok("clinic"));
        assert!(member("11112222333").unwrap_err().contains("11 digits"));
    }

    #[test]
    fn names_are_read_from_the_arns_of_their_kind() {
        let own = "us-east-1:111122223333";
        type Read = fn(&str) -> Result<String, String>;
        let cases: [(Read, String, &str); 12] = [
            (database, "clinic-db".into(), "clinic-db"),
            (
                database,
                format!("arn:aws:rds:{own}:db:clinic-db"),
                "clinic-db",
            ),
            (
                database,
                format!("arn:aws:rds:{own}:cluster:clinic"),
                "clinic",
            ),
            (
                table,
                format!("arn:aws:dynamodb:{own}:table/patients"),
                "patients",
            ),
            (
                snapshot,
                format!("arn:aws:ec2:us-east-1:{}:snapshot/snap-1", ""),
                "snap-1",
            ),
            (
                snapshot,
                format!("arn:aws:rds:{own}:cluster-snapshot:a-1"),
                "a-1",
            ),
            (
                log_group,
                format!("arn:aws:logs:{own}:log-group:/aws/x:*"),
                "/aws/x",
            ),
            (log_group, "/aws/cloudtrail*".into(), "/aws/cloudtrail*"),
            (
                group,
                "arn:aws:iam::111122223333:group/team/admins".into(),
                "admins",
            ),
            (
                secret_or_parameter,
                format!("arn:aws:ssm:{own}:parameter/clinic/db"),
                "clinic/db",
            ),
            (
                secret_or_parameter,
                format!("arn:aws:secretsmanager:{own}:secret:clinic/db-AbCdEf"),
                "clinic/db",
            ),
            (secret_or_parameter, "/clinic/db*".into(), "/clinic/db*"),
        ];
        for (read, written, name) in cases {
            assert_eq!(read(&written).as_deref(), Ok(name), "{written}");
        }
        let wrong: [(Read, String); 5] = [
            (database, format!("arn:aws:rds:{own}:snapshot:x")),
            (table, format!("arn:aws:dynamodb:{own}:table/")),
            (group, "arn:aws:iam::111122223333:user/x".into()),
            (log_group, "arn:aws:logs".into()),
            (snapshot, " ".into()),
        ];
        for (read, written) in wrong {
            assert!(read(&written).is_err(), "{written}");
        }
    }

    #[test]
    fn regions_and_networks_have_their_form() {
        for sound in [
            "us-east-1",
            "us-gov-west-1",
            "ap-southeast-7",
            "eusc-de-east-1",
            "us-*",
            "*",
        ] {
            assert_eq!(region(sound).as_deref(), Ok(sound));
        }
        for wrong in [
            "",
            "us-east",
            "US-EAST-1",
            "useast1",
            "us-east-1a",
            "us east 1",
            "eu-1",
        ] {
            assert!(region(wrong).unwrap_err().contains("us-east-1"), "{wrong}");
        }
        for (sound, read) in [
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("203.0.113.7", "203.0.113.7/32"),
            ("2001:db8::/32", "2001:db8::/32"),
            ("2001:db8::1", "2001:db8::1/128"),
        ] {
            assert_eq!(network(sound).unwrap().to_string(), read);
        }
        for wrong in ["", "10.0.0.0/33", "10.1.0.0/8", "10.0.0.*", "office"] {
            assert!(network(wrong).unwrap_err().contains("write"), "{wrong}");
        }
    }
}
