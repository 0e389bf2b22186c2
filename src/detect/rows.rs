//! The activity rows of one object, each once.

use std::hash::Hasher as _;

use hashbrown::HashTable;
use rustc_hash::FxHasher;

use crate::derive::identity;
use crate::event::json::same;
use crate::event::{Event, Key};
use crate::finding::Outcome;
use crate::tally::{Activity, Scanned};

/// Where each row stands, by the hash of its parts.
#[derive(Debug, Default)]
pub(super) struct Rows {
    places: HashTable<(u64, u32)>,
}

impl Rows {
    /// Forgets the rows of the last object.
    pub(super) fn clear(&mut self) {
        self.places.clear();
    }

    /// The row of an event. A row is found by the hash of its parts and compared before it is
    /// believed; nothing is allocated for one that is there.
    pub(super) fn of(&mut self, event: &Event<'_>, outcome: Outcome, scanned: &mut Scanned) -> u32 {
        let texts = [
            event.account(),
            event.text(Key::AwsRegion),
            event.text(Key::EventSource),
            event.text(Key::EventName),
            identity::caller(event),
        ];
        let hour = event.time().map(|time| time - time.rem_euclid(3_600));
        let mut hasher = FxHasher::default();
        for text in &texts {
            hasher.write(text.as_bytes());
        }
        hasher.write_i64(hour.unwrap_or(i64::MIN));
        hasher.write_u8(match outcome {
            Outcome::Success => 0,
            Outcome::Denied => 1,
            Outcome::Failed => 2,
        });
        let hash = hasher.finish();
        let (rows, names) = (&mut scanned.rows, &mut scanned.names);
        let known = self.places.find(hash, |(known, place)| {
            *known == hash
                && rows.get(*place as usize).is_some_and(|row| {
                    let parts = [row.account, row.region, row.source, row.name, row.caller];
                    row.hour == hour
                        && row.outcome == outcome
                        && parts
                            .iter()
                            .zip(&texts)
                            .all(|(part, text)| same(names.text(*part), text))
                })
        });
        if let Some((_, place)) = known {
            return *place;
        }
        let place = u32::try_from(rows.len()).unwrap_or(u32::MAX);
        self.places
            .insert_unique(hash, (hash, place), |(hash, _)| *hash);
        let [account, region, source, name, caller] = texts.map(|text| names.id(&text));
        rows.push(Activity {
            account,
            region,
            source,
            name,
            caller,
            outcome,
            hour,
        });
        place
    }
}
