//! The bucket of an organization as large as one likes, made up key by key when it is listed: no
//! memory of its own, so that what is measured is the reader's.

use s3s::dto::{
    CommonPrefix, ETag, GetObjectInput, GetObjectOutput, ListObjectsV2Input, ListObjectsV2Output,
    Object, StreamingBlob,
};
use s3s::{Body, S3, S3Request, S3Response};

use super::Reply;

const REGIONS: [&str; 17] = [
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];
const ID: &str = "o-abc1234567";
const PAGE: usize = 1_000;

/// So many accounts, each with 17 Regions, each with so many logs a day, on every day there is.
#[derive(Debug, Clone, Copy)]
pub struct Organization {
    pub accounts: usize,
    pub logs_a_day: usize,
}

impl Organization {
    /// Objects to list for seven days of events: their own, and those of the last quarter of an
    /// hour before.
    pub fn in_a_week(self) -> u64 {
        let late = |n: &usize| self.minute(*n) >= 24 * 60 - 15;
        let before = (0..self.logs_a_day).filter(late).count();
        (self.accounts * REGIONS.len() * (7 * self.logs_a_day + before)) as u64
    }

    /// The minute of the day at which the nth log is delivered.
    const fn minute(self, n: usize) -> usize {
        n * 1_440 / self.logs_a_day
    }

    fn folders(self, prefix: &str) -> Vec<String> {
        let parts: Vec<_> = prefix.split('/').collect();
        let below = |names: Vec<String>| {
            let folders = names.into_iter().map(|name| format!("{prefix}{name}/"));
            folders.collect()
        };
        match parts.as_slice() {
            [""] => below(vec!["AWSLogs".to_owned()]),
            ["AWSLogs", ""] => below(vec![ID.to_owned()]),
            ["AWSLogs", _, ""] => below((0..self.accounts).map(account).collect()),
            ["AWSLogs", _, _, ""] => below(vec!["CloudTrail".to_owned()]),
            ["AWSLogs", _, _, _, ""] => below(REGIONS.map(str::to_owned).into()),
            ["AWSLogs", _, _, _, _, ""] => below(vec!["2025".to_owned(), "2026".to_owned()]),
            ["AWSLogs", _, _, _, _, _, ""] => below((1..=12).map(two_digits).collect()),
            ["AWSLogs", _, _, _, _, _, month, ""] => {
                let days = match *month {
                    "02" => 28,
                    "04" | "06" | "09" | "11" => 30,
                    _ => 31,
                };
                below((1..=days).map(two_digits).collect())
            }
            _ => Vec::new(),
        }
    }

    fn listed(self, input: &ListObjectsV2Input) -> ListObjectsV2Output {
        let prefix = input.prefix.clone().unwrap_or_default();
        if input.delimiter.is_some() {
            let folders = self
                .folders(&prefix)
                .into_iter()
                .map(|folder| CommonPrefix {
                    prefix: Some(folder),
                });
            return ListObjectsV2Output {
                common_prefixes: Some(folders.collect()),
                is_truncated: Some(false),
                ..Default::default()
            };
        }
        let from: usize = match &input.continuation_token {
            Some(token) => token.parse().unwrap(),
            None => 0,
        };
        let parts: Vec<_> = prefix.split('/').collect();
        let ["AWSLogs", _, account, _, region, year, month, day, ""] = parts.as_slice() else {
            // only whether there is anything is asked so
            let first = Object {
                key: Some("AWSLogs/first".to_owned()),
                ..Default::default()
            };
            return ListObjectsV2Output {
                contents: Some(vec![first]),
                is_truncated: Some(true),
                next_continuation_token: Some("1".to_owned()),
                ..Default::default()
            };
        };
        let to = self.logs_a_day.min(from + PAGE);
        let object = |n: usize| {
            let minute = self.minute(n);
            let stamp = format!("{year}{month}{day}T{:02}{:02}Z", minute / 60, minute % 60);
            Object {
                key: Some(format!(
                    "{prefix}{account}_CloudTrail_{region}_{stamp}_{n:016}.json.gz"
                )),
                size: Some(8_000),
                e_tag: Some(ETag::Strong(format!("{n:032x}"))),
                ..Default::default()
            }
        };
        ListObjectsV2Output {
            contents: Some((from..to).map(object).collect()),
            is_truncated: Some(to < self.logs_a_day),
            next_continuation_token: (to < self.logs_a_day).then(|| to.to_string()),
            ..Default::default()
        }
    }
}

fn two_digits(n: u32) -> String {
    format!("{n:02}")
}

fn account(n: usize) -> String {
    format!("{:012}", 100_000_000_000_usize + n)
}

impl S3 for Organization {
    fn list_objects_v2<'a, 'b>(
        &'a self,
        request: S3Request<ListObjectsV2Input>,
    ) -> Reply<'b, ListObjectsV2Output>
    where
        'a: 'b,
        Self: 'b,
    {
        Box::pin(async move { Ok(S3Response::new(self.listed(&request.input))) })
    }

    fn get_object<'a, 'b>(
        &'a self,
        _request: S3Request<GetObjectInput>,
    ) -> Reply<'b, GetObjectOutput>
    where
        'a: 'b,
        Self: 'b,
    {
        Box::pin(async move {
            let body = Body::from("{\"Records\":[]}".to_owned());
            Ok(S3Response::new(GetObjectOutput {
                body: Some(StreamingBlob::from(body)),
                ..Default::default()
            }))
        })
    }
}
