//! `trailscan policy`: what can be typed.

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser as _};

use crate::partition::Partition;
use crate::source::key::is_account;

/// `trailscan policy`
#[derive(Debug, Args)]
pub struct Policy {
    /// The bucket the trail writes to: its name or ARN
    #[arg(default_value = "LOG-BUCKET", value_parser = parse_bucket)]
    pub bucket: Bucket,
    /// The trail's prefix in it
    #[arg(default_value = "")]
    pub prefix: String,
    /// The KMS key that the trail encrypts with; without it the policy has no KMS statement
    #[arg(long, value_name = "ARN", value_parser = parse_kms_key)]
    pub kms_key: Option<KmsKey>,
    /// Also allow reading IAM's credential report (`run --credential-report live`)
    #[arg(long)]
    pub credential_report: bool,
    /// Partition of the ARNs [default: that of the bucket's or key's ARN, else aws]
    #[arg(long, value_name = "PARTITION", value_parser = partitions())]
    pub partition: Option<Partition>,
}

/// Takes the name of a partition, as ARNs spell it.
fn partitions() -> impl clap::builder::TypedValueParser<Value = Partition> {
    let names = PossibleValuesParser::new(Partition::ALL.map(Partition::name));
    names.map(|name| Partition::from_name(&name).unwrap_or(Partition::Aws))
}

/// A bucket by its name or ARN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    pub name: String,
    /// That of its ARN.
    pub partition: Option<Partition>,
}

/// The ARN of a KMS key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KmsKey {
    pub arn: String,
    pub partition: Partition,
}

/// A bucket's name has letters, digits, `.`, `-` and, if it is old, `_` (Amazon S3 User Guide, "Bucket
/// naming rules"): anything else IAM would take for a pattern, or refuse.
fn parse_bucket(text: &str) -> Result<Bucket, String> {
    let (partition, name) = match text.strip_prefix("arn:") {
        None => (None, text),
        Some(rest) => {
            let (partition, name) = rest.split_once(":s3:::").unwrap_or_default();
            match Partition::from_name(partition) {
                Some(partition) => (Some(partition), name),
                None => {
                    return Err(format!(
                        "`{text}` is not a bucket's ARN: arn:aws:s3:::BUCKET"
                    ));
                }
            }
        }
    };
    let sound = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
    if !(3..=255).contains(&name.len()) || !name.chars().all(sound) {
        return Err(format!(
            "`{text}` is not a bucket name or ARN: write 3 to 63 characters, without s3:// and without a prefix"
        ));
    }
    Ok(Bucket {
        name: name.to_owned(),
        partition,
    })
}

fn parse_kms_key(text: &str) -> Result<KmsKey, String> {
    let parts: Vec<&str> = text.split(':').collect();
    let key = match parts.as_slice() {
        ["arn", partition, "kms", region, account, key]
            if !region.is_empty()
                && is_account(account)
                && key.strip_prefix("key/").is_some_and(|id| {
                    !id.is_empty() && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
                }) =>
        {
            Partition::from_name(partition)
        }
        _ => None,
    };
    let partition = key.ok_or_else(|| {
        format!(
            "`{text}` is not a KMS key's ARN: arn:aws:kms:REGION:ACCOUNT:key/ID (IAM does not take \
             the name of an alias)"
        )
    })?;
    Ok(KmsKey {
        arn: text.to_owned(),
        partition,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_a_name_or_an_arn_and_nothing_that_iam_takes_for_a_pattern() {
        let bucket = parse_bucket("arn:aws-cn:s3:::my.logs-1").unwrap();
        assert_eq!(bucket.name, "my.logs-1");
        assert_eq!(bucket.partition, Some(Partition::AwsCn));
        assert_eq!(parse_bucket("Old_Bucket").unwrap().partition, None);
        let wrong = ["", "ab", "*", "s3://logs", "logs/prod", "a b c", "${aws:x}"];
        for text in wrong
            .into_iter()
            .chain(["arn:aws:s3:::", "arn:other:s3:::logs"])
        {
            assert!(parse_bucket(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_key_is_named_by_its_own_arn() {
        let arn = "arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/mrk-1234";
        assert_eq!(parse_kms_key(arn).unwrap().partition, Partition::AwsUsGov);
        for text in [
            "TRAIL-KEY-ARN",
            "arn:aws:kms:us-east-1:111122223333:alias/trail",
            "arn:aws:kms:us-east-1:111122223333:key/",
            "arn:aws:kms:us-east-1:111122223333:key/*",
            "arn:aws:kms::111122223333:key/1234",
            "1234abcd-12ab-34cd-56ef-1234567890ab",
        ] {
            assert!(parse_kms_key(text).is_err(), "{text}");
        }
    }
}
