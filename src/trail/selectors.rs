//! Event selectors: which events a trail records.
//!
//! In: what GetEventSelectors answers or what a PutEventSelectors event asked for, basic or
//! advanced. Out: for a class of events, whether all of it, some of it or none of it is recorded,
//! and what stands in the way. Basic selectors are written as the advanced ones they stand for, so
//! that there is one way to judge (AWS, "Filtering data events"; API reference, `EventSelector`,
//! `AdvancedFieldSelector`).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::class::{Category, Class};

/// The selectors of one trail: an event is recorded where any of them takes it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Selectors(Vec<Selector>);

/// A selector takes an event where every one of its fields does.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub(super) struct Selector(Vec<FieldSelector>);

/// What one field of the event must be. Positive conditions are alternatives; none of the negative
/// ones may hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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
            field.each_value(|arn| *arn = without_partition(arn));
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
enum Known<'c> {
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
            CATEGORY => Known::Is(class.category.name()),
            "resources.type" => match &class.category {
                Category::Data(kind) => Known::Is(kind),
                Category::Management => Known::Anything,
            },
            "readOnly" => Known::Is(if class.reads { "true" } else { "false" }),
            "eventSource" if !class.sources.is_empty() => Known::OneOf(&class.sources),
            "eventName" if !class.names.is_empty() => Known::OneOf(&class.names),
            "resources.ARN" => class.below.as_deref().map_or(Known::Anything, Known::Below),
            _ => Known::Anything,
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

impl Known<'_> {
    /// How much of what the field may hold fits any of the values.
    fn fits(&self, lists: &[(&Vec<String>, Fit)]) -> Part {
        if let Self::OneOf(texts) = self {
            let parts = texts.iter().map(|text| Known::Is(text).fits(lists));
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

/// ARNs are compared as those of the main partition: a bucket's name says which one it is in.
fn without_partition(arn: &str) -> String {
    for partition in ["arn:aws-us-gov:", "arn:aws-cn:"] {
        if let Some(rest) = arn.strip_prefix(partition) {
            return format!("arn:aws:{rest}");
        }
    }
    arn.to_owned()
}
