//! Records that share an event id and differ in content, as problems of the coverage.

use super::Tally;
use super::duplicates::Conflicts;
use super::object_names::Objects;
use crate::coverage::ProblemKind;
use crate::finding::EventId;

impl Tally {
    /// Ends the comparison of records, and names those that say something else than others under their
    /// id: no object comes any more.
    pub fn close(&mut self) {
        match std::mem::take(&mut self.event_ids_seen).finish() {
            Ok(conflicts) => conflicts
                .into_iter()
                .for_each(|(object, conflicts)| self.conflict(object, &conflicts)),
            Err(error) => {
                self.note_loss("records that bear one id may be unnamed", &error);
            }
        }
        self.places = Objects::default();
    }

    fn conflict(&mut self, object: u32, conflicts: &Conflicts) {
        let (other, record) = conflicts.other;
        let name = |object| self.objects.name(object).unwrap_or_default();
        let id = match &conflicts.id {
            EventId::Missing => String::new(),
            id => format!(" {id}"),
        };
        let what = format!(
            "{} of its records have the event id of another record and different content, the first is \
             record {}: its id{id} is also that of record {record} of {}. All were evaluated; one of two \
             may have been put there to hide the other",
            conflicts.count,
            conflicts.record,
            name(other),
        );
        let object = name(object);
        self.coverage.problem(&object, ProblemKind::Conflict, what);
    }
}
