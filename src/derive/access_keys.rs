//! When access keys were made: CloudTrail does not say it, IAM does
//! ([credential reports](https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_getting-report.html)).
//!
//! In come the answers of `aws iam list-access-keys` and of `aws iam get-credential-report`, as
//! printed, or the credential report itself (CSV). The first name keys by their id. The report names
//! only users: of one with two keys the younger is taken, so that an age is "at least so many days".

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use crate::event::Event;
use crate::event::time::{self, DAY, Epoch};

/// What is known of access keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccessKeys {
    /// By the key's id.
    made: BTreeMap<String, Epoch>,
    /// By the user's ARN.
    users: BTreeMap<String, UsersKeys>,
}

/// The keys of one user, as a credential report tells them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct UsersKeys {
    /// When each was made, or last changed.
    made: Vec<Epoch>,
    /// When the report was made, where it says so: it knows of no later key.
    reported_at: Option<Epoch>,
}

/// A file that is none of those that are understood.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccessKeysError {
    #[error(
        "neither what `aws iam list-access-keys` or `aws iam get-credential-report` print, nor a credential report (CSV): {0}"
    )]
    Form(String),
    #[error("the credential report has no column `{0}`")]
    Column(&'static str),
    #[error("`{0}` is not a time")]
    Time(String),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Answer {
    #[serde(rename_all = "PascalCase")]
    Keys { access_key_metadata: Vec<Key> },
    #[serde(rename_all = "PascalCase")]
    Report {
        content: String,
        generated_time: Option<String>,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Key {
    access_key_id: String,
    create_date: String,
}

/// The columns that are read; a report has more.
#[derive(Deserialize)]
struct Line {
    arn: String,
    #[serde(rename = "access_key_1_last_rotated")]
    first: String,
    #[serde(rename = "access_key_2_last_rotated")]
    second: String,
}

impl AccessKeys {
    /// Adds one file; a later one wins.
    ///
    /// # Errors
    /// It is none of the three, or a time in it is none.
    pub fn add(&mut self, text: &str) -> Result<(), AccessKeysError> {
        if !text.trim_start().starts_with('{') {
            return self.report(text, None);
        }
        let answer = serde_json::from_str(text);
        match answer.map_err(|error| AccessKeysError::Form(error.to_string()))? {
            Answer::Keys {
                access_key_metadata,
            } => {
                for key in access_key_metadata {
                    self.made
                        .insert(key.access_key_id, moment(&key.create_date)?);
                }
                Ok(())
            }
            Answer::Report {
                content,
                generated_time,
            } => {
                let form = |what: &str| AccessKeysError::Form(what.to_owned());
                let bytes = STANDARD.decode(content.trim());
                let bytes = bytes.map_err(|_error| form("`Content` is not base64"))?;
                let text = String::from_utf8(bytes);
                let text = text.map_err(|_error| form("`Content` is not text"))?;
                let reported_at = generated_time.as_deref().map(moment).transpose()?;
                self.report(&text, reported_at)
            }
        }
    }

    fn report(&mut self, text: &str, reported_at: Option<Epoch>) -> Result<(), AccessKeysError> {
        let form = |error: csv::Error| AccessKeysError::Form(error.to_string());
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let columns = reader.headers().map_err(form)?;
        for column in [
            "arn",
            "access_key_1_last_rotated",
            "access_key_2_last_rotated",
        ] {
            if !columns.iter().any(|known| known == column) {
                return Err(AccessKeysError::Column(column));
            }
        }
        for line in reader.deserialize() {
            let line: Line = line.map_err(form)?;
            let mut keys = UsersKeys {
                made: Vec::new(),
                reported_at,
            };
            for rotated in [line.first, line.second] {
                // what a report says where there is no key
                if !["N/A", "no_information", "not_supported", ""].contains(&&*rotated) {
                    keys.made.push(moment(&rotated)?);
                }
            }
            self.users.insert(line.arn, keys);
        }
        Ok(())
    }

    /// How many whole days old the key of a call was, at least. Nothing for temporary credentials and
    /// for keys that no file lists.
    pub fn age_days(&self, event: &Event<'_>) -> Option<i64> {
        let key = event.read(event.user().access_key_id());
        let time = event.time()?;
        if !key.starts_with("AKIA") {
            return None;
        }
        let made = match self.made.get(&*key) {
            Some(made) => Some(*made),
            None => {
                let user = self.users.get(&*event.read(event.user().arn()))?;
                if user
                    .reported_at
                    .is_some_and(|reported_at| time > reported_at)
                {
                    return None;
                }
                let before = user.made.iter().filter(|made| **made <= time);
                before.max().copied()
            }
        };
        made.filter(|made| *made <= time)
            .map(|made| (time - made).div_euclid(DAY))
    }
}

fn moment(text: &str) -> Result<Epoch, AccessKeysError> {
    time::parse(text).ok_or_else(|| AccessKeysError::Time(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::json::Raw;

    const REPORT: &str = "user,arn,user_creation_time,access_key_1_active,access_key_1_last_rotated,access_key_2_active,access_key_2_last_rotated\n\
        <root_account>,arn:aws:iam::111122223333:root,2020-01-01T00:00:00+00:00,false,N/A,false,N/A\n\
        anna,arn:aws:iam::111122223333:user/anna,2024-01-01T00:00:00+00:00,true,2026-05-01T00:00:00+00:00,false,N/A\n\
        bert,arn:aws:iam::111122223333:user/bert,2024-01-01T00:00:00+00:00,true,2026-05-01T00:00:00+00:00,true,2026-11-01T00:00:00Z\n";

    fn age(keys: &AccessKeys, key: &str, user: &str, time: &str) -> Option<i64> {
        let identity = format!(
            r#"{{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/{user}","accessKeyId":"{key}"}}"#
        );
        let time = format!("\"{time}\"");
        let mut event = Event::default();
        event.note("userIdentity".into(), Raw::new(&identity));
        event.note("eventTime".into(), Raw::new(&time));
        event.finish();
        keys.age_days(&event)
    }

    #[test]
    fn the_list_of_keys_tells_the_age_of_each() {
        let mut keys = AccessKeys::default();
        keys.add(
            r#"{"AccessKeyMetadata":[{"UserName":"anna","AccessKeyId":"AKIAIOSFODNN7EXAMPLE","Status":"Active","CreateDate":"2026-08-20T12:00:00+00:00"}]}"#,
        )
        .unwrap();
        let at = |time| age(&keys, "AKIAIOSFODNN7EXAMPLE", "anna", time);
        assert_eq!(at("2026-11-18T12:00:00Z"), Some(90));
        assert_eq!(at("2026-11-18T11:59:59Z"), Some(89), "whole days");
        assert_eq!(at("2026-08-01T00:00:00Z"), None, "before it was made");
        let other = age(
            &keys,
            "AKIAI44QH8DHBEXAMPLE",
            "anna",
            "2026-11-18T12:00:00Z",
        );
        assert_eq!(other, None);
    }

    #[test]
    fn the_credential_report_tells_how_old_it_is_at_least() {
        let mut keys = AccessKeys::default();
        keys.add(REPORT).unwrap();
        let at = |user, time| age(&keys, "AKIAIOSFODNN7EXAMPLE", user, time);
        assert_eq!(at("anna", "2026-08-09T00:00:00Z"), Some(100));
        assert_eq!(at("bert", "2026-11-11T00:00:00Z"), Some(10), "the younger");
        assert_eq!(at("bert", "2026-05-11T00:00:00Z"), Some(10), "the only one");
        assert_eq!(at("carl", "2026-11-11T00:00:00Z"), None);
        let temporary = age(
            &keys,
            "ASIAIOSFODNN7EXAMPLE",
            "anna",
            "2026-08-09T00:00:00Z",
        );
        assert_eq!(temporary, None);
    }

    #[test]
    fn what_aws_prints_says_when_it_was_made_and_knows_of_no_later_key() {
        let mut keys = AccessKeys::default();
        let content = STANDARD.encode(REPORT);
        keys.add(&format!(
            r#"{{"Content":"{content}","ReportFormat":"text/csv","GeneratedTime":"2026-11-15T00:00:00+00:00"}}"#
        ))
        .unwrap();
        let at = |time| age(&keys, "AKIAIOSFODNN7EXAMPLE", "anna", time);
        assert_eq!(at("2026-11-15T00:00:00Z"), Some(198));
        assert_eq!(at("2026-11-15T00:00:01Z"), None);
    }

    #[test]
    fn other_files_are_refused_with_what_is_wrong() {
        let refused = |text: &str| AccessKeys::default().add(text).unwrap_err().to_string();
        assert!(refused("{}").contains("list-access-keys"));
        assert!(refused("user,arn\nanna,x\n").contains("`access_key_1_last_rotated`"));
        assert!(refused(r#"{"Content":"%"}"#).contains("base64"));
        let wrong = REPORT.replace("2026-11-01T00:00:00Z", "yesterday");
        assert_eq!(refused(&wrong), "`yesterday` is not a time");
    }
}
