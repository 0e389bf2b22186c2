//! The partitions of AWS: which Regions each has, and how its ARNs and host names are spelled.
//!
//! One table for all modules. Sources: IAM User Guide, "Identify AWS resources with ARNs"; the
//! `partitions.json` of AWS's SDKs (Region prefixes and DNS suffixes); CloudTrail User Guide, "Global
//! service events" (the Region that records IAM).

use std::borrow::Cow;

/// A partition: a group of Regions with accounts of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Partition {
    Aws,
    AwsCn,
    AwsUsGov,
    AwsIso,
    AwsIsoB,
    AwsIsoE,
    AwsIsoF,
    AwsEusc,
}

/// What the names of a partition's Regions begin with, and the partition. A longer beginning stands
/// before a shorter one of it.
const BY_REGION: [(&str, Partition); 7] = [
    ("cn-", Partition::AwsCn),
    ("us-gov-", Partition::AwsUsGov),
    ("us-isob-", Partition::AwsIsoB),
    ("us-isof-", Partition::AwsIsoF),
    ("eu-isoe-", Partition::AwsIsoE),
    ("us-iso-", Partition::AwsIso),
    ("eusc-", Partition::AwsEusc),
];

/// True for text in the form of a Region's code: `us-east-1`, `us-gov-west-1`. New Regions count, so the
/// names themselves are not compared with a list.
pub fn is_region_code(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let is_number = |part: &str| {
        (1..=2).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    let is_word = |part: &&str| part.len() >= 2 && part.bytes().all(|b| b.is_ascii_lowercase());
    match parts.as_slice() {
        [words @ .., number] => words.len() >= 2 && words.iter().all(is_word) && is_number(number),
        [] => false,
    }
}

impl Partition {
    /// All of them, the main one first.
    pub const ALL: [Self; 8] = [
        Self::Aws,
        Self::AwsCn,
        Self::AwsUsGov,
        Self::AwsIso,
        Self::AwsIsoB,
        Self::AwsIsoE,
        Self::AwsIsoF,
        Self::AwsEusc,
    ];

    /// The partition of a Region; the main one for a Region that is not known.
    pub fn of_region(region: &str) -> Self {
        let mut known = BY_REGION.iter();
        let known = known.find(|(beginning, _)| region.starts_with(beginning));
        known.map_or(Self::Aws, |(_, partition)| *partition)
    }

    /// The partition that ARNs spell so; `None` if there is none.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }

    /// As ARNs spell it: `aws-us-gov`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::AwsCn => "aws-cn",
            Self::AwsUsGov => "aws-us-gov",
            Self::AwsIso => "aws-iso",
            Self::AwsIsoB => "aws-iso-b",
            Self::AwsIsoE => "aws-iso-e",
            Self::AwsIsoF => "aws-iso-f",
            Self::AwsEusc => "aws-eusc",
        }
    }

    /// The Region in which CloudTrail records services that belong to none (IAM above all).
    pub const fn global_region(self) -> &'static str {
        match self {
            Self::Aws => "us-east-1",
            Self::AwsCn => "cn-north-1",
            Self::AwsUsGov => "us-gov-west-1",
            Self::AwsIso => "us-iso-east-1",
            Self::AwsIsoB => "us-isob-east-1",
            Self::AwsIsoE => "eu-isoe-west-1",
            Self::AwsIsoF => "us-isof-south-1",
            Self::AwsEusc => "eusc-de-east-1",
        }
    }

    /// What the host names of its services end with.
    pub const fn dns_suffix(self) -> &'static str {
        match self {
            Self::Aws | Self::AwsUsGov => "amazonaws.com",
            Self::AwsCn => "amazonaws.com.cn",
            Self::AwsIso => "c2s.ic.gov",
            Self::AwsIsoB => "sc2s.sgov.gov",
            Self::AwsIsoE => "cloud.adc-e.uk",
            Self::AwsIsoF => "csp.hci.ic.gov",
            Self::AwsEusc => "amazonaws.eu",
        }
    }
}

/// The ARN, or the beginning of one, spelled as in the main partition: `arn:aws:s3:::b` for
/// `arn:aws-cn:s3:::b`. ARNs that are compared so need no partition of their own: the bucket names and
/// accounts in them exist in one partition only. Other text is returned as it is.
pub fn in_main_partition(arn: &str) -> Cow<'_, str> {
    let rest = arn.strip_prefix("arn:").unwrap_or_default();
    let (name, rest) = match rest.split_once(':') {
        Some((name, rest)) => (name, Some(rest)),
        None => (rest, None),
    };
    match (Partition::from_name(name), rest) {
        (None | Some(Partition::Aws), _) => Cow::Borrowed(arn),
        (Some(_), None) => Cow::Owned("arn:aws".to_owned()),
        (Some(_), Some(rest)) => Cow::Owned(format!("arn:aws:{rest}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn region_codes_have_words_and_a_number() {
        for code in [
            "us-east-1",
            "ap-southeast-12",
            "us-gov-west-1",
            "eusc-de-east-1",
        ] {
            assert!(is_region_code(code), "{code}");
        }
        for text in [
            "",
            "mars",
            "us-east1",
            "us-east",
            "US-EAST-1",
            "us-east-1a",
            "us-1",
            "-1",
        ] {
            assert!(!is_region_code(text), "{text}");
        }
    }

    #[test]
    fn the_partition_follows_from_the_region() {
        for (region, name) in [
            ("us-east-1", "aws"),
            ("il-central-1", "aws"),
            ("", "aws"),
            ("cn-northwest-1", "aws-cn"),
            ("us-gov-east-1", "aws-us-gov"),
            ("us-iso-west-1", "aws-iso"),
            ("us-isob-east-1", "aws-iso-b"),
            ("eu-isoe-west-1", "aws-iso-e"),
            ("us-isof-south-1", "aws-iso-f"),
            ("eusc-de-east-1", "aws-eusc"),
        ] {
            assert_eq!(Partition::of_region(region).name(), name, "{region}");
        }
        for one in Partition::ALL {
            assert_eq!(Partition::from_name(one.name()), Some(one));
            assert_eq!(Partition::of_region(one.global_region()), one);
        }
        assert_eq!(Partition::from_name("aws-moon"), None);
    }

    #[test]
    fn arns_of_every_partition_are_compared_without_it() {
        for partition in Partition::ALL {
            let arn = |rest: &str| format!("arn:{}{rest}", partition.name());
            assert_eq!(in_main_partition(&arn(":s3:::b/k:1")), "arn:aws:s3:::b/k:1");
            assert_eq!(in_main_partition(&arn("")), "arn:aws");
        }
        for other in ["", "arn:aws-moon:s3:::b", "b", "arn:", "arn:aws-c"] {
            assert_eq!(in_main_partition(other), other);
        }
    }
}
