//! ListObjectsV2, page after page, from a server that may be hostile or broken.
//!
//! S3 lists keys in their order, each once, says how many a page holds, and ends. Whatever does not is
//! named and ends the listing there: nothing is read twice or for ever, nothing is lost silently.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Output;
use aws_sdk_s3::types::{EncodingType, Object, OptionalObjectAttributes};
use percent_encoding::percent_decode_str;
use tokio::time::Instant;

use crate::aws::{Fault, FaultKind};

/// How much a listing may take. The program uses the defaults; tests set small ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one page: 1,000 keys of at most 1,024 bytes, escaped, with what stands beside them,
    /// take less than 8 MiB.
    pub page_bytes: u64,
    /// Pages of one folder: 20 million keys.
    pub pages: u64,
    /// Pages in a row that hold nothing.
    pub empty_pages: u32,
    /// How long the listing of a folder may take, and how much longer with each page: one page is
    /// bounded by the client's time-outs, thousands that drip are not.
    pub time: Duration,
    pub time_a_page: Duration,
    /// Folders that are found on the way to the logs.
    pub folders: usize,
    /// Folders outside CloudTrail's layout that are searched for `AWSLogs`, and how deep.
    pub searched: usize,
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            page_bytes: 16 << 20,
            pages: 20_000,
            empty_pages: 100,
            time: Duration::from_secs(300),
            time_a_page: Duration::from_secs(2),
            folders: 2_000_000,
            searched: 1_000,
            depth: 6,
        }
    }
}

/// Attempts at a page that holds another number of entries than it says.
const ATTEMPTS: u32 = 3;

/// One listing under way.
#[derive(Debug)]
pub(super) struct PageStream<'l> {
    client: &'l Client,
    bucket: &'l str,
    prefix: &'l str,
    delimiter: Option<&'static str>,
    limits: &'l Limits,
    requests: &'l AtomicU64,
    token: Option<String>,
    /// The last key and the last folder so far.
    last: [Option<Arc<str>>; 2],
    pages: u64,
    empty: u32,
    /// How long the server took so far.
    spent: Duration,
    ended: bool,
}

/// What a page holds, in order, each once.
#[derive(Debug, Default)]
pub(super) struct RawPage {
    pub(super) objects: Vec<Object>,
    /// With a `/` at the end.
    pub(super) folders: Vec<String>,
    /// Objects that the page named more than once.
    pub(super) repeated: Vec<String>,
    /// Why the listing ends here although it is not complete.
    pub(super) fault: Option<Fault>,
}

impl<'l> PageStream<'l> {
    pub(super) fn new(
        (client, bucket): (&'l Client, &'l str),
        prefix: &'l str,
        delimiter: Option<&'static str>,
        limits: &'l Limits,
        requests: &'l AtomicU64,
    ) -> Self {
        Self {
            client,
            bucket,
            prefix,
            delimiter,
            limits,
            requests,
            token: None,
            last: [None, None],
            pages: 0,
            empty: 0,
            spent: Duration::ZERO,
            ended: false,
        }
    }

    /// The next page; `None` after the last, and after one with a fault.
    pub(super) async fn next(&mut self) -> Option<RawPage> {
        if self.ended {
            return None;
        }
        let began = Instant::now();
        let answer = self.request().await;
        self.spent += began.elapsed();
        let (page, fault) = match answer {
            Ok(answer) => answer,
            Err(fault) => {
                self.ended = true;
                return Some(RawPage {
                    fault: Some(fault),
                    ..RawPage::default()
                });
            }
        };
        let next = self.following(&page);
        let mut raw = self.checked(page);
        raw.fault = fault.or(raw.fault);
        match next {
            _ if raw.fault.is_some() => self.ended = true,
            Ok(None) => self.ended = true,
            Ok(next) => self.token = next,
            Err(what) => {
                self.ended = true;
                raw.fault = Some(broken(what));
            }
        }
        Some(raw)
    }

    /// Asks for a page, again if it does not hold what it says. What the last attempt held is kept.
    async fn request(&self) -> Result<(ListObjectsV2Output, Option<Fault>), Fault> {
        let mut attempt = 1;
        loop {
            self.requests.fetch_add(1, Ordering::Relaxed);
            let request = self.client.list_objects_v2().bucket(self.bucket);
            let request = request
                .prefix(self.prefix)
                // XML cannot hold control characters, and keys can
                .encoding_type(EncodingType::Url)
                .set_continuation_token(self.token.clone())
                .set_delimiter(self.delimiter.map(str::to_owned))
                .optional_object_attributes(OptionalObjectAttributes::RestoreStatus);
            let page = request.send().await.map_err(|error| Fault::of(&error))?;
            let (keys, folders) = (page.contents().len(), page.common_prefixes().len());
            let whole = keys + folders;
            // some servers count the keys alone
            let counted = page
                .key_count()
                .and_then(|count| usize::try_from(count).ok());
            let Some(said) = counted.filter(|said| ![whole, keys].contains(said)) else {
                return Ok((page, None));
            };
            if attempt >= ATTEMPTS {
                let what = format!(
                    "a page of the listing says that it holds {said} entries and holds {whole} \
                     ({attempt} attempts)"
                );
                return Ok((page, Some(broken(what))));
            }
            attempt += 1;
        }
    }

    /// The token of the page after this one.
    fn following(&mut self, page: &ListObjectsV2Output) -> Result<Option<String>, String> {
        self.pages += 1;
        let holds = page.contents().len() + page.common_prefixes().len();
        self.empty = if holds == 0 { self.empty + 1 } else { 0 };
        match (page.is_truncated(), page.next_continuation_token()) {
            (Some(true), None) => {
                Err("the server cut the listing short without saying where to go on".to_owned())
            }
            (Some(true), Some(token)) => {
                if self.token.as_deref() == Some(token) {
                    return Err(
                        "the server names the same next page again: the listing would never end"
                            .to_owned(),
                    );
                }
                if self.empty >= self.limits.empty_pages {
                    return Err(format!(
                        "the server sent {} empty pages in a row and promises more",
                        self.empty
                    ));
                }
                let pages = u32::try_from(self.pages).unwrap_or(u32::MAX);
                let time = self.limits.time_a_page.saturating_mul(pages);
                if self.spent > self.limits.time.saturating_add(time) {
                    return Err(format!(
                        "the server is too slow: {} pages took {:.1} s",
                        self.pages,
                        self.spent.as_secs_f64()
                    ));
                }
                if self.pages >= self.limits.pages {
                    return Err(format!(
                        "the listing has more than {} pages, which no folder of logs has",
                        self.limits.pages
                    ));
                }
                Ok(Some(token.to_owned()))
            }
            _ => Ok(None),
        }
    }

    /// The entries in order, each once, all below the prefix and behind those of the last page.
    fn checked(&mut self, page: ListObjectsV2Output) -> RawPage {
        let encoded = is_encoded(&page);
        let named = |name: Option<&str>| match (name.unwrap_or_default(), encoded) {
            (name, true) => decoded(name),
            (name, false) => name.to_owned(),
        };
        let mut raw = RawPage::default();
        let prefixes = page.common_prefixes().iter();
        raw.folders = prefixes.map(|one| named(one.prefix())).collect();
        raw.folders.sort_unstable();
        raw.folders.dedup();
        raw.objects = page.contents.unwrap_or_default();
        if encoded {
            for object in &mut raw.objects {
                object.key = Some(named(object.key()));
            }
        }
        let key = |object: &Object| object.key().unwrap_or_default().to_owned();
        if !raw.objects.is_sorted_by(|a, b| a.key() < b.key()) {
            raw.objects.sort_by_cached_key(key);
            let repeated = &mut raw.repeated;
            raw.objects.dedup_by(|again, first| {
                let same = again.key() == first.key();
                if same {
                    repeated.push(key(again));
                }
                same
            });
        }
        if raw
            .objects
            .iter()
            .any(|one| one.key().is_none_or(str::is_empty))
        {
            return RawPage {
                fault: Some(broken(
                    "the server listed an object without a key".to_owned(),
                )),
                ..RawPage::default()
            };
        }
        let ends = |first: Option<&str>, last: Option<&str>| {
            first.zip(last).map(|(a, b)| (a.to_owned(), b.to_owned()))
        };
        let entries = [
            ends(
                raw.objects.first().and_then(Object::key),
                raw.objects.last().and_then(Object::key),
            ),
            ends(
                raw.folders.first().map(String::as_str),
                raw.folders.last().map(String::as_str),
            ),
        ];
        for (ends, before) in entries.into_iter().zip(&mut self.last) {
            let Some((first, last)) = ends else { continue };
            let outside = [&first, &last]
                .into_iter()
                .find(|name| !name.starts_with(self.prefix));
            if outside.is_some() {
                raw = RawPage::default();
                raw.fault = Some(broken(
                    "the server listed keys that do not lie below the folder asked for".to_owned(),
                ));
                break;
            }
            if let Some(before) = before.as_deref().filter(|before| *before >= &*first) {
                let what = format!(
                    "the server's listing goes back from {before} to {first}: it would be read twice"
                );
                raw = RawPage::default();
                raw.fault = Some(broken(what));
                break;
            }
            *before = Some(last.into());
        }
        raw
    }
}

/// True if the names in an answer are URL-encoded: keys and prefixes, but no tokens (AWS,
/// ListObjectsV2: `EncodingType`). A server that does not know the parameter sends names as they are.
pub(super) fn is_encoded(page: &ListObjectsV2Output) -> bool {
    page.encoding_type() == Some(&EncodingType::Url)
}

/// A URL-encoded name as it is.
pub(super) fn decoded(name: &str) -> String {
    percent_decode_str(&name.replace('+', " "))
        .decode_utf8_lossy()
        .into_owned()
}

fn broken(message: String) -> Fault {
    Fault {
        kind: FaultKind::Other,
        code: String::new(),
        message,
    }
}
