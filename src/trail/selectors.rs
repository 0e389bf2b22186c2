//! Event selectors: which events a trail records.
//!
//! In: what GetEventSelectors answers or what a PutEventSelectors event asked for, basic or
//! advanced. Out: for a class of events, whether all of it, some of it or none of it is recorded,
//! and what stands in the way. Basic selectors are written as the advanced ones they stand for, so
//! that there is one way to judge (AWS, "Filtering data events"; API reference, `EventSelector`,
//! `AdvancedFieldSelector`).

mod size;

use std::borrow::Cow;
use std::collections::BTreeSet;

use bitcode::{Decode, Encode};
use serde::{Deserialize, Serialize};

use super::class::{Category, Class};
use crate::partition::in_main_partition;

/// The selectors of one trail: an event is recorded where any of them takes it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Encode, Decode)]
pub struct Selectors(Vec<Selector>);

/// A selector takes an event where every one of its fields does.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Encode, Decode)]
pub(super) struct Selector(Vec<FieldSelector>);

/// What one field of the event must be. Positive conditions are alternatives; none of the negative
/// ones may hold.
#[derive(
    Debug,
    Clone,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    Encode,
    Decode,
)]
#[serde(default)]
pub struct FieldSelector {
    #[serde(alias = "Field")]
    pub field: String,
    #[serde(alias = "Equals", skip_serializing_if = "Vec::is_empty")]
    pub equals: Vec<String>,
    #[serde(
        rename = "startsWith",
        alias = "StartsWith",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub starts_with: Vec<String>,
    #[serde(
        rename = "endsWith",
        alias = "EndsWith",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub ends_with: Vec<String>,
    #[serde(
        rename = "notEquals",
        alias = "NotEquals",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub not_equals: Vec<String>,
    #[serde(
        rename = "notStartsWith",
        alias = "NotStartsWith",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub not_starts_with: Vec<String>,
    #[serde(
        rename = "notEndsWith",
        alias = "NotEndsWith",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub not_ends_with: Vec<String>,
}

/// The fields of each selector.
impl<'s> IntoIterator for &'s Selectors {
    type Item = &'s [FieldSelector];
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        let fields = self.0.iter().map(|selector| selector.0.as_slice());
        fields.collect::<Vec<_>>().into_iter()
    }
}

/// A basic selector, as AWS writes it in answers (`ReadWriteType`) and in events (`readWriteType`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Basic {
    #[serde(rename = "readWriteType", alias = "ReadWriteType")]
    pub read_write_type: String,
    #[serde(rename = "includeManagementEvents", alias = "IncludeManagementEvents")]
    pub include_management_events: bool,
    #[serde(rename = "dataResources", alias = "DataResources")]
    pub data_resources: Vec<DataResource>,
    #[serde(
        rename = "excludeManagementEventSources",
        alias = "ExcludeManagementEventSources"
    )]
    pub exclude_management_event_sources: Vec<String>,
}

impl Default for Basic {
    /// What is not said: all management events and no data events.
    fn default() -> Self {
        Self {
            read_write_type: "All".to_owned(),
            include_management_events: true,
            data_resources: Vec::new(),
            exclude_management_event_sources: Vec::new(),
        }
    }
}

/// The objects, functions or tables of a basic selector.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct DataResource {
    #[serde(rename = "type", alias = "Type")]
    pub kind: String,
    #[serde(alias = "Values")]
    pub values: Vec<String>,
}

/// An advanced selector, in either spelling.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Advanced {
    #[serde(rename = "fieldSelectors", alias = "FieldSelectors")]
    pub field_selectors: Vec<FieldSelector>,
}

/// How much of a class of events is recorded.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    None(Obstacle),
    Some(Obstacle),
    All,
}

/// What keeps events of a class from being recorded.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Obstacle {
    /// No selector takes management events.
    NoManagement,
    /// No selector takes data events of that resource type.
    NoData,
    /// Only events that write are taken.
    WritesOnly,
    /// Only events that read are taken.
    ReadsOnly,
    /// The service is left out.
    Source,
    /// The resource is not among those named, or not all of it.
    Resource,
    /// The call is left out by its name, or some calls are.
    Name,
    /// Another field decides (`userIdentity.arn`, `errorCode`, …), so some events are left out.
    Field(String),
}

impl Selectors {
    /// Those of a trail that nobody configured: all management events, no data events (AWS, API
    /// reference, `PutEventSelectors`).
    pub fn of_a_new_trail() -> Self {
        Self::basic([Basic::default()])
    }

    /// Basic selectors, as the advanced ones they stand for.
    pub fn basic(selectors: impl IntoIterator<Item = Basic>) -> Self {
        Self(selectors.into_iter().flat_map(as_advanced).collect())
    }

    /// Advanced selectors.
    pub fn advanced(selectors: impl IntoIterator<Item = Advanced>) -> Self {
        let fields = selectors.into_iter().map(|one| one.field_selectors);
        Self(fields.map(Selector::of).collect())
    }

    /// True where every management event is recorded: each one that reads and each one that writes, of
    /// every service. A selector that takes data events adds to that and never takes away.
    pub fn selects_all_management(&self) -> bool {
        // a service that a selector names may be taken by another one; any other service stands for
        // all that are not named
        let fields = self.0.iter().flat_map(|selector| &selector.0);
        let sources = fields.filter(|field| field.field == "eventSource");
        let named = sources.flat_map(|field| [&field.equals, &field.not_equals]);
        let mut sources: BTreeSet<&str> = named.flatten().map(String::as_str).collect();
        sources.insert("any-other.amazonaws.com");
        let whole = |reads: bool, source: &str| {
            self.reach(&Class::management(reads).of([source])) == Reach::All
        };
        sources
            .into_iter()
            .all(|source| whole(false, source) && whole(true, source))
    }

    /// How much of the class is recorded, and where not all, why. Of several selectors the one that
    /// comes closest decides.
    pub fn reach(&self, class: &Class) -> Reach {
        let judged = self.0.iter().map(|selector| selector.reach(class));
        let best = judged.max_by_key(|(part, depth, _)| (*part, *depth));
        match best {
            Some((Part::All, _, _)) => Reach::All,
            Some((Part::Some, _, field)) => Reach::Some(obstacle(field, class)),
            Some((Part::None, _, field)) => Reach::None(obstacle(field, class)),
            None => Reach::None(obstacle(CATEGORY, class)),
        }
    }
}

const CATEGORY: &str = "eventCategory";

/// The fields, the most telling first: where two stand in the way, the first is named.
const ORDER: [&str; 6] = [
    CATEGORY,
    "resources.type",
    "readOnly",
    "eventSource",
    "resources.ARN",
    "eventName",
];

/// How much of a class passes a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    None,
    Some,
    All,
}

impl Selector {
    fn of(mut fields: Vec<FieldSelector>) -> Self {
        for field in fields.iter_mut().filter(|one| one.field == "resources.ARN") {
            field.each_value(|arn| {
                if let Cow::Owned(same) = in_main_partition(arn) {
                    *arn = same;
                }
            });
        }
        fields.sort_by_key(|field| (depth(&field.field), field.field.clone()));
        Self(fields)
    }

    /// The part of the class that is taken, and the field that decides with its depth in [`ORDER`].
    fn reach(&self, class: &Class) -> (Part, usize, &str) {
        let mut all = (Part::All, usize::MAX, "");
        for field in &self.0 {
            let part = field.part(class);
            if part < all.0 {
                all = (part, depth(&field.field), &field.field);
            }
        }
        all
    }
}

fn depth(field: &str) -> usize {
    let known = ORDER.iter().position(|known| *known == field);
    known.unwrap_or(ORDER.len())
}

fn obstacle(field: &str, class: &Class) -> Obstacle {
    match (field, &class.category) {
        (CATEGORY | "resources.type", Category::Management) => Obstacle::NoManagement,
        (CATEGORY | "resources.type", Category::Data(_)) => Obstacle::NoData,
        ("readOnly", _) if class.reads => Obstacle::WritesOnly,
        ("readOnly", _) => Obstacle::ReadsOnly,
        ("eventSource", _) => Obstacle::Source,
        ("resources.ARN", _) => Obstacle::Resource,
        ("eventName", _) => Obstacle::Name,
        (other, _) => Obstacle::Field(other.to_owned()),
    }
}

/// What is known of a field in a class of events.
enum FieldValues<'c> {
    Is(&'c str),
    /// Each of these occurs.
    OneOf(&'c BTreeSet<String>),
    /// Any text that begins so.
    Below(&'c str),
    Anything,
}

impl FieldSelector {
    fn each_value(&mut self, mut change: impl FnMut(&mut String)) {
        let lists = [
            &mut self.equals,
            &mut self.starts_with,
            &mut self.ends_with,
            &mut self.not_equals,
            &mut self.not_starts_with,
            &mut self.not_ends_with,
        ];
        lists.into_iter().flatten().for_each(&mut change);
    }

    fn part(&self, class: &Class) -> Part {
        let known = match self.field.as_str() {
            CATEGORY => FieldValues::Is(class.category.name()),
            "resources.type" => match &class.category {
                Category::Data(kind) => FieldValues::Is(kind),
                Category::Management => FieldValues::Anything,
            },
            "readOnly" => FieldValues::Is(if class.reads { "true" } else { "false" }),
            "eventSource" if !class.sources.is_empty() => FieldValues::OneOf(&class.sources),
            "eventName" if !class.names.is_empty() => FieldValues::OneOf(&class.names),
            "resources.ARN" => class
                .below
                .as_deref()
                .map_or(FieldValues::Anything, FieldValues::Below),
            _ => FieldValues::Anything,
        };
        let wanted = [
            (&self.equals, Fit::Equal),
            (&self.starts_with, Fit::Start),
            (&self.ends_with, Fit::End),
        ];
        let unwanted = [
            (&self.not_equals, Fit::Equal),
            (&self.not_starts_with, Fit::Start),
            (&self.not_ends_with, Fit::End),
        ];
        let positive = if wanted.iter().all(|(values, _)| values.is_empty()) {
            Part::All
        } else {
            known.fits(&wanted)
        };
        let negative = match known.fits(&unwanted) {
            Part::None => Part::All,
            Part::Some => Part::Some,
            Part::All => Part::None,
        };
        positive.min(negative)
    }
}

/// How a value must lie to the field's text.
#[derive(Clone, Copy)]
enum Fit {
    Equal,
    Start,
    End,
}

impl FieldValues<'_> {
    /// How much of what the field may hold fits any of the values.
    fn fits(&self, lists: &[(&Vec<String>, Fit)]) -> Part {
        if let Self::OneOf(texts) = self {
            let parts = texts.iter().map(|text| FieldValues::Is(text).fits(lists));
            let (least, most) = parts.fold((Part::All, Part::None), |(least, most), part| {
                (least.min(part), most.max(part))
            });
            return if least == most { least } else { Part::Some };
        }
        let parts = lists
            .iter()
            .flat_map(|(values, fit)| values.iter().map(|value| self.fits_one(value, *fit)));
        parts.max().unwrap_or(Part::None)
    }

    fn fits_one(&self, value: &str, fit: Fit) -> Part {
        let whole = |fits: bool| if fits { Part::All } else { Part::None };
        let some = |may: bool| if may { Part::Some } else { Part::None };
        match (self, fit) {
            // names of calls and services come out of rules, which are read without case
            (Self::Is(text), Fit::Equal) => whole(text.eq_ignore_ascii_case(value)),
            (Self::Is(text), Fit::Start) => whole(begins(text, value)),
            (Self::Is(text), Fit::End) => {
                let (text, value) = (text.to_lowercase(), value.to_lowercase());
                whole(text.ends_with(&value))
            }
            (Self::Below(prefix), Fit::Equal) => some(value.starts_with(prefix)),
            (Self::Below(prefix), Fit::Start) if prefix.starts_with(value) => Part::All,
            (Self::Below(prefix), Fit::Start) => some(value.starts_with(prefix)),
            (Self::Below(_), Fit::End) | (Self::Anything | Self::OneOf(_), _) => Part::Some,
        }
    }
}

fn begins(text: &str, value: &str) -> bool {
    text.get(..value.len())
        .is_some_and(|head| head.eq_ignore_ascii_case(value))
}

/// The advanced selectors that a basic one stands for: one for management events, one for each of
/// its data resources.
fn as_advanced(basic: Basic) -> Vec<Selector> {
    let read_only = match basic.read_write_type.as_str() {
        "ReadOnly" => Some("true"),
        "WriteOnly" => Some("false"),
        _ => None,
    };
    let read_only = read_only.map(|value| field("readOnly", &[value]));
    let mut selectors = Vec::new();
    if basic.include_management_events {
        let mut fields = vec![field(CATEGORY, &["Management"])];
        fields.extend(read_only.clone());
        if !basic.exclude_management_event_sources.is_empty() {
            fields.push(FieldSelector {
                field: "eventSource".to_owned(),
                not_equals: basic.exclude_management_event_sources,
                ..FieldSelector::default()
            });
        }
        selectors.push(Selector::of(fields));
    }
    for resource in basic.data_resources {
        let mut fields = vec![
            field(CATEGORY, &["Data"]),
            field("resources.type", &[&resource.kind]),
        ];
        fields.extend(read_only.clone());
        // a bucket with or without the beginning of a key, or all of a service (`arn:aws:lambda`),
        // are beginnings; functions and tables are named whole
        let (starts_with, equals): (Vec<_>, Vec<_>) = resource
            .values
            .into_iter()
            .partition(|arn| resource.kind == "AWS::S3::Object" || arn.split(':').count() == 3);
        // without a value it takes nothing
        let nothing = starts_with.is_empty() && equals.is_empty();
        fields.push(FieldSelector {
            field: "resources.ARN".to_owned(),
            equals: if nothing { vec![String::new()] } else { equals },
            starts_with,
            ..FieldSelector::default()
        });
        selectors.push(Selector::of(fields));
    }
    selectors
}

fn field(name: &str, equals: &[&str]) -> FieldSelector {
    FieldSelector {
        field: name.to_owned(),
        equals: equals.iter().map(ToString::to_string).collect(),
        ..FieldSelector::default()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::json;

    use super::*;

    pub(in crate::trail) fn basic(selectors: serde_json::Value) -> Selectors {
        Selectors::basic(serde_json::from_value::<Vec<Basic>>(selectors).unwrap())
    }

    pub(in crate::trail) fn advanced(selectors: serde_json::Value) -> Selectors {
        Selectors::advanced(serde_json::from_value::<Vec<Advanced>>(selectors).unwrap())
    }

    pub(in crate::trail) fn assume_role() -> Class {
        Class::management(true)
            .of(["sts.amazonaws.com"])
            .named(["AssumeRole"])
    }

    pub(in crate::trail) fn decrypt() -> Class {
        Class::management(true).of(["kms.amazonaws.com"])
    }

    pub(in crate::trail) fn object(reads: bool) -> Class {
        Class::data("AWS::S3::Object", reads)
    }

    pub(in crate::trail) fn in_bucket(bucket: &str) -> Class {
        object(false).below(format!("arn:aws:s3:::{bucket}/"))
    }

    #[test]
    fn a_new_trail_records_all_management_events_and_no_data() {
        for selectors in [
            Selectors::of_a_new_trail(),
            basic(
                json!([{"ReadWriteType": "All", "IncludeManagementEvents": true, "DataResources": [], "ExcludeManagementEventSources": []}]),
            ),
            advanced(
                json!([{"Name": "all", "FieldSelectors": [{"Field": "eventCategory", "Equals": ["Management"]}]}]),
            ),
        ] {
            for class in [
                assume_role(),
                decrypt(),
                Class::management(false),
                Class::management(true),
            ] {
                assert_eq!(selectors.reach(&class), Reach::All, "{class:?}");
            }
            assert_eq!(
                selectors.reach(&object(false)),
                Reach::None(Obstacle::NoData)
            );
        }
    }

    #[test]
    fn a_write_only_trail_never_sees_a_role_assumed() {
        for selectors in [
            basic(json!([{"readWriteType": "WriteOnly"}])),
            advanced(json!([{"fieldSelectors": [
                {"field": "eventCategory", "equals": ["Management"]}, {"field": "readOnly", "equals": ["false"]}]}])),
        ] {
            assert_eq!(
                selectors.reach(&assume_role()),
                Reach::None(Obstacle::WritesOnly)
            );
            assert_eq!(selectors.reach(&Class::management(false)), Reach::All);
        }
        let reads = basic(json!([{"readWriteType": "ReadOnly"}]));
        assert_eq!(reads.reach(&assume_role()), Reach::All);
        assert_eq!(
            reads.reach(&Class::management(false)),
            Reach::None(Obstacle::ReadsOnly)
        );
    }

    #[test]
    fn an_excluded_service_is_not_seen_and_others_are() {
        for selectors in [
            basic(
                json!([{"excludeManagementEventSources": ["kms.amazonaws.com", "rdsdata.amazonaws.com"]}]),
            ),
            advanced(json!([{"fieldSelectors": [
                {"field": "eventCategory", "equals": ["Management"]},
                {"field": "eventSource", "notEquals": ["kms.amazonaws.com", "rdsdata.amazonaws.com"]}]}])),
        ] {
            assert_eq!(selectors.reach(&decrypt()), Reach::None(Obstacle::Source));
            assert_eq!(selectors.reach(&assume_role()), Reach::All);
            // a rule that names no service is about all of them
            assert_eq!(
                selectors.reach(&Class::management(true)),
                Reach::Some(Obstacle::Source)
            );
            let both = Class::management(true).of(["kms.amazonaws.com", "sts.amazonaws.com"]);
            assert_eq!(selectors.reach(&both), Reach::Some(Obstacle::Source));
        }
    }

    #[test]
    fn a_trail_without_management_events_sees_data_only() {
        let selectors = basic(json!([{"includeManagementEvents": false, "dataResources": [
            {"type": "AWS::S3::Object", "values": ["arn:aws:s3"]}]}]));
        assert_eq!(
            selectors.reach(&Class::management(false)),
            Reach::None(Obstacle::NoManagement)
        );
        assert_eq!(selectors.reach(&object(true)), Reach::All);
        assert_eq!(selectors.reach(&in_bucket("phi")), Reach::All);
        let lambda = Class::data("AWS::Lambda::Function", true);
        assert_eq!(selectors.reach(&lambda), Reach::None(Obstacle::NoData));
        assert_eq!(
            advanced(json!([])).reach(&Class::management(false)),
            Reach::None(Obstacle::NoManagement)
        );
    }

    #[test]
    fn basic_data_resources_cover_buckets_prefixes_and_exact_functions() {
        let of = |kind: &str, values: &[&str]| {
            basic(
                json!([{"readWriteType": "All", "dataResources": [{"type": kind, "values": values}]}]),
            )
        };
        let phi = of("AWS::S3::Object", &["arn:aws:s3:::phi/"]);
        assert_eq!(phi.reach(&in_bucket("phi")), Reach::All);
        assert_eq!(
            phi.reach(&in_bucket("phi2")),
            Reach::None(Obstacle::Resource)
        );
        assert_eq!(phi.reach(&object(false)), Reach::Some(Obstacle::Resource));
        // phi-*: nothing is known of the rest of the name
        let pattern = object(false).below("arn:aws:s3:::ph");
        assert_eq!(phi.reach(&pattern), Reach::Some(Obstacle::Resource));
        let images = of("AWS::S3::Object", &["arn:aws:s3:::phi/images"]);
        assert_eq!(
            images.reach(&in_bucket("phi")),
            Reach::Some(Obstacle::Resource)
        );
        assert_eq!(
            of("AWS::S3::Object", &[]).reach(&object(false)),
            Reach::None(Obstacle::Resource)
        );
        let government = of("AWS::S3::Object", &["arn:aws-us-gov:s3:::phi/"]);
        assert_eq!(government.reach(&in_bucket("phi")), Reach::All);
        let function = "arn:aws:lambda:us-east-1:111122223333:function:hello";
        let one = of("AWS::Lambda::Function", &[function]);
        let class = Class::data("AWS::Lambda::Function", true);
        assert_eq!(one.reach(&class), Reach::Some(Obstacle::Resource));
        let hello2 = class.clone().below(format!("{function}2"));
        assert_eq!(one.reach(&hello2), Reach::None(Obstacle::Resource));
        let all = of("AWS::Lambda::Function", &["arn:aws:lambda"]);
        assert_eq!(all.reach(&class), Reach::All);
        let reads = basic(json!([{"readWriteType": "ReadOnly", "dataResources": [
            {"type": "AWS::S3::Object", "values": ["arn:aws:s3"]}]}]));
        assert_eq!(reads.reach(&object(true)), Reach::All);
        assert_eq!(
            reads.reach(&object(false)),
            Reach::None(Obstacle::ReadsOnly)
        );
    }

    #[test]
    fn advanced_conditions_are_ored_within_a_field_and_anded_across() {
        let data = |conditions: serde_json::Value| {
            let mut fields = vec![
                json!({"field": "eventCategory", "equals": ["Data"]}),
                json!({"field": "resources.type", "equals": ["AWS::S3::Object"]}),
            ];
            fields.extend(conditions.as_array().unwrap().iter().cloned());
            advanced(json!([{"fieldSelectors": fields}]))
        };
        let two = data(
            json!([{"field": "resources.ARN", "startsWith": ["arn:aws:s3:::phi/", "arn:aws:s3:::other/"]}]),
        );
        assert_eq!(two.reach(&in_bucket("other")), Reach::All);
        assert_eq!(
            two.reach(&in_bucket("third")),
            Reach::None(Obstacle::Resource)
        );
        let but = data(
            json!([{"field": "resources.ARN", "notStartsWith": ["arn:aws:s3:::logs/", "arn:aws:s3:::phi/tmp/"]}]),
        );
        assert_eq!(
            but.reach(&in_bucket("logs")),
            Reach::None(Obstacle::Resource)
        );
        assert_eq!(
            but.reach(&in_bucket("phi")),
            Reach::Some(Obstacle::Resource)
        );
        assert_eq!(but.reach(&in_bucket("third")), Reach::All);
        // positive and negative conditions of one field hold together
        let both = data(
            json!([{"field": "eventName", "startsWith": ["Put", "Delete"], "notEquals": ["DeleteObjects"]}]),
        );
        let named = |names: &[&str]| object(false).named(names.iter().copied());
        assert_eq!(both.reach(&named(&["PutObject"])), Reach::All);
        assert_eq!(
            both.reach(&named(&["DeleteObjects"])),
            Reach::None(Obstacle::Name)
        );
        assert_eq!(
            both.reach(&named(&["PutObject", "CopyObject"])),
            Reach::Some(Obstacle::Name)
        );
        assert_eq!(both.reach(&object(false)), Reach::Some(Obstacle::Name));
        let ends = data(json!([{"field": "eventName", "endsWith": ["Object"]}]));
        assert_eq!(ends.reach(&named(&["PutObject"])), Reach::All);
        assert_eq!(
            ends.reach(&named(&["DeleteObjects"])),
            Reach::None(Obstacle::Name)
        );
        let callers = data(
            json!([{"field": "userIdentity.arn", "notStartsWith": ["arn:aws:sts::111122223333:assumed-role/backup/"]}]),
        );
        let field = Obstacle::Field("userIdentity.arn".to_owned());
        assert_eq!(callers.reach(&in_bucket("phi")), Reach::Some(field));
    }

    #[test]
    fn of_several_selectors_any_is_enough_and_the_closest_gives_the_reason() {
        let selectors = advanced(json!([
            {"fieldSelectors": [{"field": "eventCategory", "equals": ["Management"]}, {"field": "readOnly", "equals": ["false"]}]},
            {"fieldSelectors": [{"field": "eventCategory", "equals": ["Data"]}, {"field": "resources.type", "equals": ["AWS::S3::Object"]},
                {"field": "readOnly", "equals": ["false"]}]},
            {"fieldSelectors": [{"field": "eventCategory", "equals": ["Data"]}, {"field": "resources.type", "equals": ["AWS::S3::Object"]},
                {"field": "resources.ARN", "startsWith": ["arn:aws:s3:::phi/"]}]},
        ]));
        assert_eq!(
            selectors.reach(&assume_role()),
            Reach::None(Obstacle::WritesOnly)
        );
        assert_eq!(selectors.reach(&object(false)), Reach::All);
        assert_eq!(
            selectors.reach(&object(true)),
            Reach::Some(Obstacle::Resource)
        );
        let list = object(true).below("arn:aws:s3:::phi/");
        assert_eq!(selectors.reach(&list), Reach::All);
    }
}
