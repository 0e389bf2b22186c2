//! Rules against one event: from an [`Event`] to [`Hit`]s.

use crate::derive::{Organization, identity, outcome, target};
use crate::event::{Event, Key};
use crate::finding::{BaseHit, Call, EventId, GROUP_SEPARATOR, Hit, Outcome, Sample};
use crate::rules::{Correlation, Field, Rule, RuleSet};

/// From this threshold on, a correlation keeps where its events lie but not what they say: a volume
/// rule may have tens of millions of them.
const GREAT_VOLUME: f64 = 1_000.0;

/// The rule set with what detection needs to know beside each rule.
#[derive(Debug)]
pub struct Detector<'r> {
    rules: &'r RuleSet,
    organization: &'r Organization,
    /// Per rule: the correlations that watch it.
    watchers: Vec<Vec<(usize, usize, &'r Correlation)>>,
}

impl<'r> Detector<'r> {
    /// Prepares a rule set.
    pub fn new(rules: &'r RuleSet, organization: &'r Organization) -> Self {
        let watchers = (0..rules.rules.len()).map(|rule| rules.listeners(rule));
        Self {
            rules,
            organization,
            watchers: watchers.collect(),
        }
    }

    /// Adds a hit for every rule that matches the event, which stands at `record` of `object`.
    pub fn detect(&self, event: &Event<'_>, object: &str, record: u32, hits: &mut Vec<Hit>) {
        self.rules.matches(event, self.organization, |place| {
            if let Some(rule) = self.rules.rules.get(place) {
                hits.push(self.hit(place, rule, event, (object, record)));
            }
        });
    }

    fn hit(&self, place: usize, rule: &Rule, event: &Event<'_>, at: (&str, u32)) -> Hit {
        let watchers = self
            .watchers
            .get(place)
            .map(Vec::as_slice)
            .unwrap_or_default();
        let bases = watchers.iter().filter_map(|(correlation, watched, meant)| {
            let (actor, resource) = self.who_and_what(self.rules.rules.get(*correlation)?, event);
            Some(BaseHit {
                correlation: *correlation,
                place: *watched,
                group: self.group(meant.group_fields.get(*watched)?, event),
                value: self.joined(&meant.fields, event),
                actor,
                resource,
            })
        });
        let bases = bases.collect();
        let great = |watcher: &(usize, usize, &Correlation)| {
            let numbers = &watcher.2.thresholds;
            numbers.iter().any(|(_, number)| *number >= GREAT_VOLUME)
        };
        let full = !(rule.silent && watchers.iter().all(great));
        let outcome = outcome::of(event);
        let (actor, resource) = if rule.silent {
            (String::new(), String::new())
        } else {
            self.who_and_what(rule, event)
        };
        Hit {
            rule: place,
            silent: rule.silent,
            record: at.1,
            event_id: EventId::parse(&event.text(Key::EventId)),
            time: event.time(),
            call: Call {
                name: event.text(Key::EventName).into_owned(),
                outcome,
            },
            actor,
            resource,
            bases,
            sample: full.then(|| Box::new(sample(event, outcome, at))),
        }
    }

    /// The values of the fields to group by; nothing where one is missing.
    fn group(&self, fields: &[Field], event: &Event<'_>) -> Option<String> {
        let mut group = String::new();
        for (place, field) in fields.iter().enumerate() {
            let value = field.text(event, self.organization);
            if value.is_empty() {
                return None;
            }
            if place > 0 {
                group.push(GROUP_SEPARATOR);
            }
            group.push_str(&value);
        }
        Some(group)
    }

    fn joined(&self, fields: &[Field], event: &Event<'_>) -> String {
        let values: Vec<String> = fields
            .iter()
            .map(|field| field.text(event, self.organization))
            .collect();
        if values.iter().all(String::is_empty) {
            return String::new();
        }
        values.join("\u{1f}")
    }

    /// The actor and resource of a finding: what the rule says, else the principal and the target.
    fn who_and_what(&self, rule: &Rule, event: &Event<'_>) -> (String, String) {
        let field = |field: &Option<Field>| {
            field
                .as_ref()
                .map(|field| field.text(event, self.organization))
        };
        (
            field(&rule.actor).unwrap_or_else(|| identity::actor(event).into_owned()),
            field(&rule.resource).unwrap_or_else(|| target::of(event).into_owned()),
        )
    }
}

/// The facts a reviewer asks for first. Request and response values stay in the log: they hold
/// session tokens and may hold PHI.
fn sample(event: &Event<'_>, outcome: Outcome, (object, record): (&str, u32)) -> Sample {
    let text = |key| event.text(key).into_owned();
    Sample {
        time: event.time(),
        event_id: text(Key::EventId),
        object: object.to_owned(),
        record,
        event_source: text(Key::EventSource),
        event_name: text(Key::EventName),
        account: event.account().into_owned(),
        region: text(Key::AwsRegion),
        principal: identity::principal(event).into_owned(),
        target: target::of(event).into_owned(),
        source_ip: text(Key::SourceIpAddress),
        user_agent: text(Key::UserAgent),
        outcome: outcome.as_str().to_owned(),
        error_code: text(Key::ErrorCode),
        error_message: text(Key::ErrorMessage),
    }
}
