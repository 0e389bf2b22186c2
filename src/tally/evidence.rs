//! The events that stand as evidence for findings: chosen while objects are merged, shown at the end.

use super::current::{Found, Own};
use super::sample_cutoffs::GroupNames;
use super::{Details, Evidence, FoundEvidence, SampleDecision, Tally};
use crate::finding::{EventId, Sample};
use crate::interner::Symbol;

impl Tally {
    /// Keeps an event as evidence for its group, where the group still takes it; `None` where it points to
    /// nothing, or to a group without a hit.
    pub(super) fn evidence(
        &mut self,
        evidence: &FoundEvidence,
        groups: &[Found<'_>],
        own: &mut Own<'_>,
    ) -> Option<()> {
        let (seen, row) = own.event(evidence.seen)?;
        let fact = own.facts.get(evidence.fact as usize)?;
        let found = groups.get(evidence.group as usize)?;
        let names = &mut self.names;
        let (key, group) = self.groups.at(found.place?)?;
        let source_ip = fact.source_ip.translated(&mut own.names, names);
        let origin = own.origin(row, self.source_ips.id(source_ip), fact.access_key, names);
        let mut evidence = Evidence {
            time: seen.time,
            event_id: EventId::Missing,
            object: own.object,
            record: seen.record,
            call: own.names.id(row.name, names),
            outcome: row.outcome,
            actor: own.names.id(found.group.actor, names),
            origin,
            details: Details::None,
        };
        let wanted = group.samples.would_keep(seen.time, evidence.traits());
        if wanted != SampleDecision::No {
            evidence.event_id = seen.id.clone();
        }
        match wanted {
            SampleDecision::No => {}
            SampleDecision::Latest => {
                evidence.details = Details::owned(fact.texts(own.texts));
                group.samples.keep_latest(evidence);
            }
            SampleDecision::Sample => {
                let before = group.samples.cutoff();
                evidence.details = Details::Interned(Box::new(own.texts(fact, names)));
                group.samples.keep(evidence);
                if let Some(Some(tenth)) = group.samples.cutoff()
                    && before != Some(Some(tenth))
                {
                    let group = GroupNames {
                        rule: key.rule,
                        period: key.period,
                        actor: self.names.text(key.actor),
                        resource: self.names.text(key.resource),
                        value: self.names.text(key.value),
                    };
                    self.sample_cutoffs.set(group, tenth);
                }
            }
        }
        Some(())
    }

    /// An event as the report shows it.
    pub fn sample(&self, evidence: &Evidence) -> Sample {
        let text = |id: Symbol| self.names.text(id).to_owned();
        let mut sample = Sample {
            time: evidence.time,
            event_id: evidence.event_id.to_string(),
            object: match self.objects.name(evidence.object) {
                Ok(name) => name,
                Err(error) => format!("its name could not be read back: {error}"),
            },
            record: evidence.record,
            event_name: text(evidence.call),
            principal: text(evidence.actor),
            outcome: evidence.outcome.as_str().to_owned(),
            event_source: text(evidence.origin.event_source),
            account: text(evidence.origin.account),
            region: text(evidence.origin.region),
            source_ip: self
                .source_ips
                .get(evidence.origin.source_ip)
                .text(&self.names),
            access_key: text(evidence.origin.access_key),
            ..Sample::default()
        };
        if let Some(texts) = evidence.details.texts(&self.names) {
            let [principal, target, user_agent, error_code, error_message] =
                texts.map(str::to_owned);
            sample = Sample {
                principal,
                target,
                user_agent,
                error_code,
                error_message,
                ..sample
            };
        }
        sample
    }
}
