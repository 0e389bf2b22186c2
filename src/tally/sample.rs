//! Evidence as the report shows it.

use super::{Evidence, Tally};
use crate::finding::Sample;
use crate::interner::Symbol;

impl Tally {
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
