//! What the trails record, from answers that somebody saved: for folders, and for buckets whose
//! trail these credentials cannot ask.
//!
//! In: what the AWS CLI printed, one answer or several a file, each known by what is in it. Out:
//! the same trails that [`settings`](super::settings()) gives, without the time of asking, which no
//! answer holds. An answer of GetTrailStatus does not even name its trail: it is that of the only
//! one, or of the one that the file is called after.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use chrono::DateTime;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::event::time::Epoch;
use crate::small_file;
use crate::trail::{Advanced, Basic, Lookup, Selectors, Status, Trail};

/// The commands whose answers are understood.
const COMMANDS: &str = "aws cloudtrail describe-trails, get-trail, get-event-selectors, \
                        get-trail-status or get-insight-selectors";

/// Saved answers that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SavedError {
    #[error("{}: {cause}", .file.display())]
    Unreadable {
        file: PathBuf,
        cause: std::io::Error,
    },
    #[error("{} is not what {COMMANDS} prints (with --output json): {what}", .file.display())]
    Form { file: PathBuf, what: String },
    #[error(
        "{} speaks of trail {arn}, which no answer describes: add that of describe-trails or get-trail",
        .file.display()
    )]
    Undescribed { file: PathBuf, arn: String },
    #[error(
        "{} is an answer of get-trail-status, which does not say of which trail, and {} are \
         described: put the trail's name into that of the file",
        .file.display(), .trails
    )]
    Whose { file: PathBuf, trails: usize },
    #[error(
        "no answer of describe-trails or get-trail is among the saved ones: the others need it"
    )]
    NoTrail,
}

/// Reads the answers and joins those that are about the same trail.
///
/// # Errors
/// A file cannot be read or holds something else, or its trail is not described.
pub fn saved(files: &[PathBuf]) -> Result<BTreeSet<Trail>, SavedError> {
    let mut trails: BTreeMap<String, Trail> = BTreeMap::new();
    let mut others = Vec::new();
    for file in files {
        for answer in answers(file)? {
            match answer {
                Answer::Trails(described) => {
                    let described = described.into_iter().map(Described::trail);
                    trails.extend(described.map(|trail| (trail.arn.clone(), trail)));
                }
                other => others.push((file, other)),
            }
        }
    }
    if trails.is_empty() {
        return Err(SavedError::NoTrail);
    }
    for (file, answer) in others {
        let undescribed = |arn: &str| SavedError::Undescribed {
            file: file.clone(),
            arn: arn.to_owned(),
        };
        match answer {
            Answer::Trails(_) => {}
            Answer::Selectors(arn, selectors) => {
                let trail = trails.get_mut(&arn).ok_or_else(|| undescribed(&arn))?;
                trail.selectors = Lookup::Answered(selectors);
            }
            Answer::Insights(arn, kinds) => {
                let trail = trails.get_mut(&arn).ok_or_else(|| undescribed(&arn))?;
                trail.insights = Lookup::Answered(kinds);
            }
            Answer::Status(status) => {
                let count = trails.len();
                let whose = whose(file, &mut trails).ok_or_else(|| SavedError::Whose {
                    file: file.clone(),
                    trails: count,
                })?;
                whose.status = Lookup::Answered(status);
            }
        }
    }
    Ok(trails.into_values().collect())
}

/// The only trail, or else the one whose name stands in that of the file; of `audit` and
/// `audit-organization` the longer.
fn whose<'t>(file: &Path, trails: &'t mut BTreeMap<String, Trail>) -> Option<&'t mut Trail> {
    let only = trails.len() == 1;
    let called = file.file_stem().unwrap_or_default().to_string_lossy();
    let named = trails.values_mut();
    let mut named: Vec<_> = named
        .filter(|trail| only || called.contains(&trail.name))
        .collect();
    named.sort_by_key(|trail| std::cmp::Reverse(trail.name.len()));
    let lengths = named.iter().map(|trail| trail.name.len());
    let mut lengths = lengths.take(2);
    (lengths.next() != lengths.next()).then(|| named.swap_remove(0))
}

/// One answer.
enum Answer {
    Trails(Vec<Described>),
    /// Of the trail with that ARN.
    Selectors(String, Selectors),
    Insights(String, Vec<String>),
    Status(Status),
}

/// The answers in a file: one after the other.
fn answers(file: &Path) -> Result<Vec<Answer>, SavedError> {
    let text = small_file::read(file, small_file::MOST_ANSWERS);
    let text = text.map_err(|cause| SavedError::Unreadable {
        file: file.to_owned(),
        cause,
    })?;
    let form = |what: String| SavedError::Form {
        file: file.to_owned(),
        what,
    };
    let values = serde_json::Deserializer::from_slice(&text).into_iter::<Value>();
    let answers: Result<Vec<_>, String> = values
        .map(|value| Answer::of(&value.map_err(|error| error.to_string())?))
        .collect();
    match answers {
        Ok(answers) if answers.is_empty() => Err(form("it is empty".to_owned())),
        Ok(answers) => Ok(answers),
        Err(what) => Err(form(what)),
    }
}

impl Answer {
    /// Tells an answer by the fields that only it has.
    fn of(value: &Value) -> Result<Self, String> {
        let arn = || part::<String>(value, "TrailARN").map(Option::unwrap_or_default);
        if let Some(trails) = part(value, "trailList")? {
            return Ok(Self::Trails(trails));
        }
        if let Some(trail) = part(value, "Trail")? {
            return Ok(Self::Trails(vec![trail]));
        }
        if let Some(advanced) = part::<Vec<Advanced>>(value, "AdvancedEventSelectors")?
            && !advanced.is_empty()
        {
            return Ok(Self::Selectors(arn()?, Selectors::advanced(advanced)));
        }
        if let Some(basic) = part::<Vec<Basic>>(value, "EventSelectors")? {
            let selectors = match basic.is_empty() {
                true => Selectors::of_a_new_trail(),
                false => Selectors::basic(basic),
            };
            return Ok(Self::Selectors(arn()?, selectors));
        }
        if let Some(insights) = part::<Vec<Insight>>(value, "InsightSelectors")? {
            let kinds = insights.into_iter().map(|one| one.insight_type);
            return Ok(Self::Insights(arn()?, kinds.collect()));
        }
        if value.get("IsLogging").is_some() {
            let status: RawStatus =
                serde_json::from_value(value.clone()).map_err(|e| e.to_string())?;
            return Ok(Self::Status(status.status()?));
        }
        Err(match value.get("Trails") {
            Some(_) => "list-trails says too little of them".to_owned(),
            None => "none of their fields is in it".to_owned(),
        })
    }
}

/// A field of an answer, where it has it.
fn part<T: DeserializeOwned>(value: &Value, name: &str) -> Result<Option<T>, String> {
    let field = value.get(name).filter(|field| !field.is_null());
    let read = field.map(|field| serde_json::from_value(field.clone()));
    read.transpose().map_err(|error| format!("{name}: {error}"))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Insight {
    insight_type: String,
}

/// A trail as DescribeTrails and GetTrail show it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Described {
    name: String,
    #[serde(rename = "TrailARN")]
    arn: String,
    #[serde(rename = "S3BucketName", default)]
    bucket: String,
    #[serde(rename = "S3KeyPrefix", default)]
    prefix: Option<String>,
    home_region: Option<String>,
    #[serde(default)]
    is_multi_region_trail: bool,
    #[serde(default)]
    is_organization_trail: bool,
    #[serde(default)]
    log_file_validation_enabled: bool,
    has_custom_event_selectors: Option<bool>,
    has_insight_selectors: Option<bool>,
}

impl Described {
    /// What it says without the other answers: also that nobody configured selectors.
    fn trail(self) -> Trail {
        let name = &self.name;
        // its ARN is of its home, too
        let of_arn = || self.arn.split(':').nth(3).unwrap_or_default().to_owned();
        let home_region = self.home_region.unwrap_or_else(of_arn);
        let not_given = |what: &str, command: &str| {
            format!(
                "the {what} of trail {name} are not known: no saved answer of {command} tells them"
            )
        };
        Trail {
            selectors: match self.has_custom_event_selectors {
                Some(false) => Lookup::Answered(Selectors::of_a_new_trail()),
                _ => Lookup::Unknown(not_given("event selectors", "get-event-selectors")),
            },
            status: Lookup::Unknown(not_given("times of logging", "get-trail-status")),
            insights: match self.has_insight_selectors {
                Some(false) => Lookup::Answered(Vec::new()),
                _ => Lookup::Unknown(not_given("Insights", "get-insight-selectors")),
            },
            prefix: self.prefix.unwrap_or_default().trim_matches('/').to_owned(),
            multi_region: self.is_multi_region_trail,
            organization: self.is_organization_trail,
            validation: self.log_file_validation_enabled,
            name: self.name,
            arn: self.arn,
            bucket: self.bucket,
            home_region,
            asked: None,
        }
    }
}

/// A status as GetTrailStatus tells it: times are numbers or texts, by the version of the CLI, and
/// empty texts stand for nothing.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[derive(Default)]
struct RawStatus {
    is_logging: bool,
    start_logging_time: Value,
    stop_logging_time: Value,
    latest_delivery_time: Value,
    latest_delivery_error: Option<String>,
    latest_digest_delivery_time: Value,
    latest_digest_delivery_error: Option<String>,
}

impl RawStatus {
    fn status(self) -> Result<Status, String> {
        let error = |error: Option<String>| error.filter(|error| !error.is_empty());
        Ok(Status {
            logging: self.is_logging,
            started: moment(&self.start_logging_time)?,
            stopped: moment(&self.stop_logging_time)?,
            delivered: moment(&self.latest_delivery_time)?,
            delivery_error: error(self.latest_delivery_error),
            digest_delivered: moment(&self.latest_digest_delivery_time)?,
            digest_error: error(self.latest_digest_delivery_error),
        })
    }
}

fn moment(value: &Value) -> Result<Option<Epoch>, String> {
    let wrong = || format!("{value} is not a time");
    match value {
        Value::Null => Ok(None),
        Value::String(text) if text.is_empty() => Ok(None),
        Value::String(text) => match DateTime::parse_from_rfc3339(text) {
            Ok(time) => Ok(Some(time.timestamp())),
            Err(_) => Err(wrong()),
        },
        // of 1454022144.869 the whole seconds
        Value::Number(number) => {
            let text = number.to_string();
            let seconds = text.split('.').next().unwrap_or_default();
            seconds.parse().map(Some).map_err(|_| wrong())
        }
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const ARN: &str = "arn:aws:cloudtrail:us-east-1:111122223333:trail/audit";

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn file(&self, name: &str, text: &str) -> PathBuf {
            let path = self.0.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        }
    }

    fn described(name: &str) -> Value {
        let arn = ARN.replace("audit", name);
        json!({"Name": name, "TrailARN": arn, "S3BucketName": "logs", "HomeRegion": "us-east-1",
            "IsMultiRegionTrail": true, "LogFileValidationEnabled": true,
            "HasCustomEventSelectors": true, "HasInsightSelectors": false})
    }

    #[test]
    fn answers_are_joined_in_any_order_and_from_any_number_of_files() {
        let folder = Folder::new();
        let selectors = json!({"TrailARN": ARN, "EventSelectors":
            [{"ReadWriteType": "WriteOnly", "IncludeManagementEvents": true, "DataResources": []}]});
        let status = json!({"IsLogging": false, "StartLoggingTime": 1_446_834_998.695,
            "StopLoggingTime": "2026-11-20T06:10:00.120000+01:00", "LatestDeliveryError": "",
            "LatestDeliveryTime": "", "TimeLoggingStarted": "2015-11-06T18:36:38Z"});
        let trail = json!({"Trail": described("audit")});
        let one = folder.file("all.json", &format!("{selectors}\n{status}\n{trail}"));
        let apart = [
            folder.file("a.json", &status.to_string()),
            folder.file("b.json", &trail.to_string()),
            folder.file("c.json", &selectors.to_string()),
        ];
        let trails = saved(&[one]).unwrap();
        assert_eq!(trails, saved(&apart).unwrap());
        let trail = trails.first().unwrap();
        assert!(trail.multi_region && trail.validation && trail.asked.is_none());
        let write_only = Basic {
            read_write_type: "WriteOnly".to_owned(),
            ..Basic::default()
        };
        assert_eq!(
            trail.selectors,
            Lookup::Answered(Selectors::basic([write_only]))
        );
        let Lookup::Answered(status) = &trail.status else {
            panic!("{trail:?}");
        };
        assert_eq!(status.started, Some(1_446_834_998));
        assert_eq!(status.stopped, Some(1_795_151_400));
        assert_eq!((status.delivered, &status.delivery_error), (None, &None));
        assert_eq!(trail.insights, Lookup::Answered(Vec::new()));
    }

    #[test]
    fn a_description_alone_tells_what_nobody_configured_and_no_more() {
        let folder = Folder::new();
        let mut plain = described("plain");
        plain["HasCustomEventSelectors"] = false.into();
        let list = json!({"trailList": [described("audit"), plain]});
        let trails = saved(&[folder.file("trails.json", &list.to_string())]).unwrap();
        let [audit, plain] = &trails.iter().collect::<Vec<_>>()[..] else {
            panic!("{trails:?}");
        };
        assert!(
            matches!(&audit.selectors, Lookup::Unknown(why) if why.contains("get-event-selectors"))
        );
        assert_eq!(
            plain.selectors,
            Lookup::Answered(Selectors::of_a_new_trail())
        );
    }

    #[test]
    fn a_status_is_that_of_the_trail_its_file_is_called_after() {
        let folder = Folder::new();
        let list = json!({"trailList": [described("audit"), described("audit-organization")]});
        let list = folder.file("trails.json", &list.to_string());
        let status = r#"{"IsLogging": true}"#;
        let named = folder.file("status-audit-organization.json", status);
        let trails = saved(&[list.clone(), named]).unwrap();
        let logging: Vec<bool> = trails
            .iter()
            .map(|trail| matches!(&trail.status, Lookup::Answered(status) if status.logging))
            .collect();
        assert_eq!(logging, [false, true]);
        let error = saved(&[list, folder.file("status.json", status)]).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("does not say of which trail, and 2 are described")
        );
    }

    #[test]
    fn what_is_no_answer_is_named_with_the_reason() {
        let folder = Folder::new();
        let trail = json!({"Trail": described("audit")}).to_string();
        let trail = folder.file("trail.json", &trail);
        for (text, reason) in [
            ("", "it is empty"),
            ("TRAILLIST True audit", "expected value at line 1"),
            (r#"{"PublicKeyList": []}"#, "none of their fields is in it"),
            (r#"{"Trails": []}"#, "list-trails says too little"),
            (
                r#"{"trailList": [{"Name": "x"}]}"#,
                "trailList: missing field `TrailARN`",
            ),
            (
                r#"{"IsLogging": true, "StopLoggingTime": "soon"}"#,
                "\"soon\" is not a time",
            ),
            (
                r#"{"TrailARN": "arn:other", "EventSelectors": []}"#,
                "speaks of trail arn:other",
            ),
        ] {
            let file = folder.file("answer.json", text);
            let error = saved(&[trail.clone(), file]).unwrap_err().to_string();
            assert!(
                error.contains("answer.json") && error.contains(reason),
                "{error}"
            );
        }
        let alone = folder.file("answer.json", r#"{"IsLogging": true}"#);
        assert!(matches!(saved(&[alone]), Err(SavedError::NoTrail)));
        let nowhere = saved(&[folder.0.path().join("nowhere")]).unwrap_err();
        assert!(matches!(nowhere, SavedError::Unreadable { .. }));
    }
}
