//! What a trail must record for a rule to see its events: the rule's `requires`, narrowed to the
//! services, calls and buckets that its condition names.

use std::collections::BTreeSet;

use super::matcher::{Check, Node, Test, ValueTest};
use super::{Field, Rule, RuleKind, RuleSet};
use crate::coverage::EventClass;
use crate::derive::Derived;
use crate::event::{Key, Path};
use crate::trail::{Category, Class};

/// One class of events that a rule is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Requirement {
    pub class: Class,
    /// The kinds of event which, seen in the logs, together prove that the class was recorded.
    pub proof: BTreeSet<EventClass>,
    pub place: RecordedIn,
}

/// In which Regions a class of events is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RecordedIn {
    Everywhere,
    /// Only in the Region for services that belong to none: IAM above all
    /// ([global service events](https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-concepts.html#cloudtrail-concepts-global-service-events)).
    Global,
    /// In the Region of the sign-in endpoint: mostly the global one, at times another.
    SignIn,
}

/// Services that record in the global Region.
const GLOBAL: [&str; 2] = ["iam.amazonaws.com", "cloudfront.amazonaws.com"];
const KMS: &str = "kms.amazonaws.com";
const SIGN_IN: &str = "signin.amazonaws.com";
const OBJECT: &str = "AWS::S3::Object";

impl RuleSet {
    /// The classes of events that a rule is about; those of the rules it watches where it is a
    /// correlation. None where the rule does not say.
    pub fn needs(&self, rule: &Rule) -> BTreeSet<Requirement> {
        match &rule.kind {
            RuleKind::Detection(node) => needs(&rule.requires, &Named::by(node)),
            RuleKind::Correlation(correlation) => {
                let watched = correlation.rules.iter();
                let watched = watched.filter_map(|place| self.rules.get(*place));
                // a rule is loaded after those it watches, so this ends
                let theirs: BTreeSet<Requirement> =
                    watched.flat_map(|rule| self.needs(rule)).collect();
                if theirs.is_empty() {
                    needs(&rule.requires, &Named::default())
                } else {
                    theirs
                }
            }
        }
    }
}

/// What a condition names; empty where it may be anything.
#[derive(Default)]
struct Named {
    sources: BTreeSet<String>,
    calls: BTreeSet<String>,
    /// As [`Class::in_buckets`] takes them.
    buckets: BTreeSet<String>,
}

impl Named {
    fn by(node: &Node) -> Self {
        let source = Field::Path(Path::Key(Key::EventSource));
        let call = Field::Path(Path::Key(Key::EventName));
        // what a call to S3 aims at is its bucket
        let bucket = Field::Path(Path::new("requestParameters.bucketName"));
        let target = Field::Derived(Derived::Target);
        let buckets = [bucket, target].map(|field| bound(node, &field, &prefixes));
        Self {
            sources: bound(node, &source, &literals).unwrap_or_default(),
            calls: bound(node, &call, &literals).unwrap_or_default(),
            buckets: buckets.into_iter().flatten().next().unwrap_or_default(),
        }
    }
}

fn needs(requires: &[EventClass], named: &Named) -> BTreeSet<Requirement> {
    let asks = |sight: &EventClass| requires.contains(sight);
    let kms = asks(&EventClass::Kms);
    let mut kinds: Vec<(Category, bool)> = Vec::new();
    for sight in requires {
        match sight {
            EventClass::ManagementWrite => kinds.push((Category::Management, false)),
            EventClass::ManagementRead => kinds.push((Category::Management, true)),
            EventClass::DataWrite(kind) => kinds.push((Category::Data(kind.clone()), false)),
            EventClass::DataRead(kind) => kinds.push((Category::Data(kind.clone()), true)),
            EventClass::Kms | EventClass::SignIn => {}
        }
    }
    if kms && !asks(&EventClass::ManagementRead) && !asks(&EventClass::ManagementWrite) {
        kinds.extend([(Category::Management, false), (Category::Management, true)]);
    }
    // which of the calls read and which write is known only where all are of one kind
    let calls = |reads: bool| {
        let one_kind = kinds.iter().all(|(_, other)| *other == reads) && !asks(&EventClass::SignIn);
        named.calls.iter().filter(move |_| one_kind).cloned()
    };
    let mut all = BTreeSet::new();
    for (category, reads) in &kinds {
        let sources = match category {
            Category::Management if kms => BTreeSet::from([KMS.to_owned()]),
            _ => named.sources.clone(),
        };
        let global = !sources.is_empty() && sources.iter().all(|one| GLOBAL.contains(&&**one));
        let proof = match (category, reads) {
            (Category::Management, true) => EventClass::ManagementRead,
            (Category::Management, false) => EventClass::ManagementWrite,
            (Category::Data(kind), true) => EventClass::DataRead(kind.clone()),
            (Category::Data(kind), false) => EventClass::DataWrite(kind.clone()),
        };
        let by_kms = (kms && *category == Category::Management).then_some(EventClass::Kms);
        let class = match category {
            Category::Management => Class::management(*reads),
            Category::Data(kind) => Class::data(kind, *reads),
        };
        let class = class.of(sources).named(calls(*reads));
        let mut classes = vec![class.clone()];
        if *category == Category::Data(OBJECT.to_owned()) && !named.buckets.is_empty() {
            let below = named
                .buckets
                .iter()
                .map(|one| class.clone().in_buckets(one));
            classes = below.collect();
        }
        all.extend(classes.into_iter().map(|class| Requirement {
            class,
            proof: by_kms.iter().cloned().chain([proof.clone()]).collect(),
            place: if global {
                RecordedIn::Global
            } else {
                RecordedIn::Everywhere
            },
        }));
    }
    if asks(&EventClass::SignIn) {
        all.insert(Requirement {
            class: Class::management(false).of([SIGN_IN]),
            proof: [EventClass::SignIn].into(),
            place: RecordedIn::SignIn,
        });
    }
    all
}

/// The values that a field must have for the condition to hold; `None` if it may have others.
fn bound(
    node: &Node,
    field: &Field,
    values: &impl Fn(&Test) -> Option<BTreeSet<String>>,
) -> Option<BTreeSet<String>> {
    match node {
        Node::All(nodes) => {
            let mut bounds = nodes.iter().filter_map(|node| bound(node, field, values));
            let first = bounds.next()?;
            // what every one of them allows; should that be nothing, the first is as good
            let both = |a: BTreeSet<String>, b| {
                let common: BTreeSet<_> = a.intersection(&b).cloned().collect();
                if common.is_empty() { a } else { common }
            };
            Some(bounds.fold(first, both))
        }
        Node::Any(nodes) | Node::AtLeast(_, nodes) if !nodes.is_empty() => {
            let all: Option<Vec<_>> = nodes
                .iter()
                .map(|node| bound(node, field, values))
                .collect();
            Some(all?.into_iter().flatten().collect())
        }
        Node::Any(_) | Node::AtLeast(..) | Node::Not(_) => None,
        Node::Named(_, node) => bound(node, field, values),
        Node::Test(test) if test.field == *field => values(test),
        Node::Test(_) => None,
    }
}

/// The values of a test as written, where none of them is a pattern.
fn literals(test: &Test) -> Option<BTreeSet<String>> {
    let (Check::Any(wants) | Check::Every(wants)) = &test.check else {
        return None;
    };
    let plain =
        |want: &ValueTest| matches!(want, ValueTest::Text(text) if text.literal().is_some());
    let written = wants.iter().filter(|want| !want.is_in_china()).count();
    let all = wants.iter().all(plain) && written == test.wanted.len();
    all.then(|| test.wanted.iter().cloned().collect())
}

/// The buckets that a test names: `name/`, or the beginning of names.
fn prefixes(test: &Test) -> Option<BTreeSet<String>> {
    let (Check::Any(wants) | Check::Every(wants)) = &test.check else {
        return None;
    };
    let arn = |want: &ValueTest| match want {
        ValueTest::Text(text) => Some(match text.literal() {
            Some(bucket) => format!("{bucket}/"),
            None => text.beginning().to_owned(),
        }),
        _ => None,
    };
    wants.iter().map(arn).collect()
}
