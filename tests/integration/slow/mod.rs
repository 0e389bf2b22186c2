//! The slow twin of `trailscan::decode`: the whole file through serde_json, nothing skipped, every
//! value copied; and how a record of the fast one is compared with it.
//!
//! Where serde_json refuses a file, a scanner that looks at one byte at a time says whether its
//! brackets hold together, and cuts it into documents, lines and records that serde_json can be
//! asked about one by one.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::string_slice,
    reason = "a test may fail loudly"
)]

pub mod compare;
pub mod damage;
mod tree;

use std::io::Read as _;

use trailscan::decode::Content;

use compare::Record;
pub use tree::Tree;

/// What an object holds.
#[derive(Debug, Default)]
pub struct Account {
    pub content: Content,
    /// In file order; of a bad one what serde_json says of it.
    pub records: Vec<Result<Record, String>>,
    /// Of the bad ones: what stands in a list and is none of CloudTrail's.
    pub strangers: usize,
    digests: usize,
    empty_list: bool,
    pub inflated: u64,
    pub trailing: u64,
    pub repaired: u64,
    /// What serde_json says of the whole, where it does not take it.
    pub refused: Option<String>,
    /// What it says of a damaged document that is no list of records: nobody can tell how many were
    /// wrapped in it.
    pub unclear: Option<String>,
}

/// Reads an object. The error says why nothing in it can be trusted.
pub fn read(stored: &[u8]) -> Result<Account, String> {
    let mut account = Account::default();
    let bytes = inflate(stored, &mut account.trailing)?;
    account.inflated = bytes.len() as u64;
    account.repaired = invalid(&bytes);
    let text = String::from_utf8_lossy(&bytes);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    match text.trim_start().chars().next() {
        None => return Err("empty".to_owned()),
        Some('{' | '[') => {}
        Some(_) => {
            account.content = Content::Foreign;
            return Ok(account);
        }
    }
    match Tree::read_all(text) {
        Ok(documents) if documents.iter().any(Tree::is_scalar) => {
            return Err("text between documents".to_owned());
        }
        Ok(documents) => {
            for document in &documents {
                sound(document, &mut account)?;
            }
        }
        Err(error) => {
            account.refused = Some(error.to_string());
            damaged(text, &mut account)?;
        }
    }
    if account.records.len() == account.strangers && !account.empty_list {
        account.content = match account.digests {
            0 => Content::Foreign,
            _ => Content::Digest,
        };
        account.records.clear();
    }
    Ok(account)
}

/// The bytes behind the gzip; `None` if it is damaged.
pub fn inflated(stored: &[u8]) -> Option<Vec<u8>> {
    inflate(stored, &mut 0).ok()
}

/// Every member of the gzip file, each by its own reader; plain bytes as they are.
#[allow(
    clippy::disallowed_types,
    reason = "one member at a time is what is asked for"
)]
fn inflate(stored: &[u8], trailing: &mut u64) -> Result<Vec<u8>, String> {
    if !stored.starts_with(&[0x1f, 0x8b]) {
        return Ok(stored.to_vec());
    }
    let (mut rest, mut bytes) = (stored, Vec::new());
    while rest.starts_with(&[0x1f, 0x8b]) {
        let mut member = flate2::bufread::GzDecoder::new(rest);
        let read = member.read_to_end(&mut bytes);
        read.map_err(|error| format!("gzip: {error}"))?;
        rest = member.into_inner();
    }
    if rest.iter().any(|byte| *byte != 0) {
        *trailing = rest.len() as u64;
    }
    Ok(bytes)
}

/// Places where the bytes are not UTF-8.
fn invalid(mut bytes: &[u8]) -> u64 {
    let mut places = 0;
    while let Err(error) = std::str::from_utf8(bytes) {
        places += 1;
        let length = error.error_len().unwrap_or(bytes.len());
        let behind = error.valid_up_to().saturating_add(length);
        bytes = bytes.get(behind..).unwrap_or_default();
    }
    places
}

/// What JSON takes for white space, and nothing else.
const BLANKS: [char; 4] = [' ', '\t', '\r', '\n'];

type Records = Vec<Result<Record, String>>;

/// The records of one sound document.
fn sound(document: &Tree, account: &mut Account) -> Result<(), String> {
    if let Some(list) = document.get("Records", false) {
        let Tree::List(items) = list else {
            return Err("`Records` is not a list".to_owned());
        };
        account.empty_list |= items.is_empty();
        for item in items {
            item_of(item, account);
        }
    } else if let Tree::List(items) = document {
        for item in items {
            in_list(item, account);
        }
    } else {
        one(document, account);
    }
    Ok(())
}

/// An item of a list of records.
fn item_of(item: &Tree, account: &mut Account) {
    let record = Record::new(item);
    match item {
        Tree::Members(_) if record.may_be_one() => account.records.push(Ok(record)),
        Tree::Members(_) => {
            let (before, digests) = (account.records.len(), account.digests);
            one(item, account);
            account.digests = digests;
            if account.records.len() == before {
                account.records.push(Err("no record".to_owned()));
                account.strangers += 1;
            }
        }
        _ => account.records.push(Err("not an object".to_owned())),
    }
}

/// An item of another list.
fn in_list(item: &Tree, account: &mut Account) {
    match item {
        Tree::Members(_) => one(item, account),
        _ => {
            account.records.push(Err("not an object".to_owned()));
            account.strangers += 1;
        }
    }
}

/// An object that is a record, a digest, or what other tools wrapped records in.
fn one(object: &Tree, account: &mut Account) {
    let record = Record::new(object);
    let records = &mut account.records;
    if record.looks_like_one() {
        records.push(Ok(record));
        return;
    }
    let member = |name| object.get(name, false);
    if member("digestStartTime").is_some() && matches!(member("logFiles"), Some(Tree::List(_))) {
        account.digests += 1;
        return;
    }
    if let Some(detail @ Tree::Members(_)) = member("detail") {
        let record = Record::new(detail);
        let known = record.looks_like_one();
        records.extend(known.then_some(Ok(record)));
        return;
    }
    if let Some(text) = member("CloudTrailEvent") {
        written_as_text(Some(text), records);
        return;
    }
    for (list, name) in [
        ("Events", "CloudTrailEvent"),
        ("logEvents", "message"),
        ("events", "message"),
    ] {
        for row in member(list).map(Tree::items).unwrap_or_default() {
            written_as_text(row.get(name, false), records);
        }
    }
}

fn written_as_text(value: Option<&Tree>, records: &mut Records) {
    let Some(Tree::Text(text)) = value else {
        return;
    };
    if !text.trim_start().starts_with('{') {
        return;
    }
    match Tree::read(text) {
        Ok(tree) => {
            let record = Record::new(&tree);
            let known = record.looks_like_one();
            records.extend(known.then_some(Ok(record)));
        }
        Err(error) => records.push(Err(error.to_string())),
    }
}

/// The records of a text that serde_json does not take: line by line where its first line is
/// sound and others follow, else piece by piece as its brackets say.
fn damaged(text: &str, account: &mut Account) -> Result<(), String> {
    let lines = || text.lines().filter(|line| !line.trim().is_empty());
    let several = text.trim_start().split_once('\n').is_some_and(|(_, rest)| {
        let mut lines = rest.lines();
        lines.any(|line| line.starts_with('{'))
    });
    let first_is_sound = lines()
        .next()
        .is_some_and(|line| Tree::read_all(line).is_ok());
    if several && first_is_sound && scan(text).is_err() {
        for line in lines() {
            // whatever was read of the line before that counts as well
            if let Err(why) = pieces(line, account) {
                account.records.push(Err(why));
            }
        }
        return Ok(());
    }
    pieces(text, account)
}

fn pieces(text: &str, account: &mut Account) -> Result<(), String> {
    for document in scan(text)? {
        if let Ok(tree) = Tree::read(document) {
            sound(&tree, account)?;
            continue;
        }
        let (list, others) = match document.as_bytes().first() {
            Some(b'[') => (Some(document), Ok(())),
            _ => listed(document)?,
        };
        let Some(list) = list else {
            account.unclear = Tree::read(document).err().map(|error| error.to_string());
            continue;
        };
        for item in inside(list) {
            if !is_one(item) {
                return Err("text behind a record".to_owned());
            }
            if item.is_empty() {
                return Err("a comma too much".to_owned());
            }
            match Tree::read(item) {
                Ok(tree) if document.starts_with('[') => in_list(&tree, account),
                Ok(tree) => item_of(&tree, account),
                Err(error) => account.records.push(Err(error.to_string())),
            }
        }
        others?;
        account.empty_list |= document.starts_with('{') && inside(list).is_empty();
    }
    Ok(())
}

/// The list of records of a damaged document, and what is wrong with its other members.
fn listed(document: &str) -> Result<(Option<&str>, Result<(), String>), String> {
    let mut list = None;
    let mut others = Ok(());
    for member in inside(document) {
        let value = member
            .strip_prefix("\"Records\"")
            .and_then(|rest| rest.trim_start_matches(BLANKS).strip_prefix(':'))
            .map(|rest| rest.trim_start_matches(BLANKS));
        match value {
            Some(value) if value.starts_with('[') && scan(value)? == [value] => list = Some(value),
            Some(value) if value.starts_with('[') => return Err("text behind a list".to_owned()),
            Some(_) => return Err("`Records` is not a list".to_owned()),
            None if member.is_empty() => return Err("a comma too much".to_owned()),
            None => {
                let alone = Tree::read(&format!("{{{member}}}"));
                others = others.and(alone.map(drop).map_err(|error| error.to_string()));
            }
        }
    }
    Ok((list, others))
}

/// One byte after another: whether it stands in a string, and how deep.
#[derive(Default)]
struct Scan {
    inside: bool,
    escaped: bool,
    due: Vec<u8>,
}

impl Scan {
    /// Takes in the next byte. The error is why the text cannot be JSON.
    fn step(&mut self, byte: u8) -> Result<(), String> {
        if self.inside {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.inside = false,
                _ => {}
            }
            return Ok(());
        }
        match byte {
            b'"' => self.inside = true,
            b'\\' => return Err("a backslash outside of a string".to_owned()),
            b'{' => self.due.push(b'}'),
            b'[' => self.due.push(b']'),
            b'}' | b']' if self.due.pop() != Some(byte) => {
                return Err("brackets do not match".to_owned());
            }
            _ => {}
        }
        Ok(())
    }
}

/// The documents of a text, by their brackets alone.
fn scan(text: &str) -> Result<Vec<&str>, String> {
    let mut scan = Scan::default();
    let mut documents = Vec::new();
    let mut from = 0;
    for (at, byte) in text.bytes().enumerate() {
        if scan.due.is_empty() {
            match byte {
                b'{' | b'[' => from = at,
                b' ' | b'\t' | b'\r' | b'\n' => continue,
                _ => return Err("text between documents".to_owned()),
            }
        }
        scan.step(byte)?;
        if scan.due.is_empty() {
            documents.push(&text[from..=at]);
        }
    }
    match scan.due.is_empty() {
        true => Ok(documents),
        false => Err("it ends too early".to_owned()),
    }
}

/// True for one object or list, and for a text without any mark.
fn is_one(item: &str) -> bool {
    if item.starts_with(['{', '[']) {
        return scan(item).is_ok_and(|documents| documents == [item]);
    }
    let mut scan = Scan::default();
    item.bytes().all(|byte| {
        let marked = !scan.inside && b"{}[]:".contains(&byte);
        !marked && scan.step(byte).is_ok()
    })
}

/// What stands between the commas of an object or list, trimmed; `None` if it is empty.
fn inside(text: &str) -> Vec<&str> {
    let inner = &text[1..text.len() - 1];
    if inner.trim_matches(BLANKS).is_empty() {
        return Vec::new();
    }
    let mut scan = Scan::default();
    let (mut parts, mut from) = (Vec::new(), 0);
    for (at, byte) in inner.bytes().enumerate() {
        if byte == b',' && !scan.inside && scan.due.is_empty() {
            parts.push(inner[from..at].trim_matches(BLANKS));
            from = at + 1;
        }
        scan.step(byte).unwrap();
    }
    parts.push(inner[from..].trim_matches(BLANKS));
    parts
}
