//! The names of the objects that evidence points to.
//!
//! Nearly every object may be named in the end, and few are: the last names are in memory, the others
//! in a temporary file.

use std::io;

use super::spill::Spill;

/// The most bytes of names that are held in memory.
const ROOM: usize = 1 << 20;

/// Names of objects by their place in the order of the run.
#[derive(Debug)]
pub(super) struct Objects {
    /// The objects, ascending, and where in all names theirs ends.
    ends: Vec<(u32, u64)>,
    /// What comes behind that in the file.
    young: String,
    spill: Spill,
}

impl Default for Objects {
    fn default() -> Self {
        Self {
            ends: Vec::new(),
            young: String::new(),
            spill: Spill::beyond(ROOM),
        }
    }
}

impl Objects {
    /// Notes a name. Objects must come in their order.
    pub(super) fn insert(&mut self, object: u32, name: &str) {
        if self.spill.is_due(self.young.len()) && self.spill.append(self.young.as_bytes()).is_some()
        {
            self.young.clear();
        }
        self.young.push_str(name);
        let end = self.spill.end() + self.young.len() as u64;
        self.ends.push((object, end));
    }

    /// The name of an object; empty where none was noted.
    ///
    /// # Errors
    /// It could not be read back.
    pub(super) fn name(&self, object: u32) -> io::Result<String> {
        let Ok(place) = self.ends.binary_search_by_key(&object, |(known, _)| *known) else {
            return Ok(String::new());
        };
        let end = |place: usize| self.ends.get(place).map_or(0, |(_, end)| *end);
        let (from, to) = (place.checked_sub(1).map_or(0, end), end(place));
        let length = usize::try_from(to - from).map_err(io::Error::other)?;
        if let Some(from) = from.checked_sub(self.spill.end()) {
            let from = usize::try_from(from).map_err(io::Error::other)?;
            let name = self.young.get(from..from + length);
            return Ok(name.unwrap_or_default().to_owned());
        }
        let mut bytes = vec![0; length];
        self.spill.read(from, &mut bytes)?;
        String::from_utf8(bytes).map_err(io::Error::other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(spill: Spill) -> Objects {
        let mut objects = Objects {
            spill,
            ..Objects::default()
        };
        for object in 0..1_000 {
            objects.insert(object * 3, &name(object * 3));
        }
        objects
    }

    fn name(object: u32) -> String {
        "ü".repeat(object as usize % 7) + &object.to_string()
    }

    #[test]
    fn every_name_is_told_wherever_it_lies() {
        let objects = filled(Spill::beyond(100));
        assert!(objects.young.len() < 200 && objects.spill.end() > 5_000);
        for object in 0..1_000 {
            assert_eq!(objects.name(object * 3).unwrap(), name(object * 3));
            assert_eq!(objects.name(object * 3 + 1).unwrap(), "", "not noted");
        }
    }

    #[test]
    fn where_no_file_can_be_had_they_stay_and_what_is_lost_is_no_secret() {
        let readable = tempfile::NamedTempFile::new().unwrap();
        let objects = filled(Spill::on(
            std::fs::File::open(readable.path()).unwrap(),
            100,
        ));
        assert_eq!(objects.spill.end(), 0);
        assert_eq!(objects.name(1_500).unwrap(), name(1_500));
        let file = tempfile::tempfile().unwrap();
        let objects = filled(Spill::on(file.try_clone().unwrap(), 100));
        file.set_len(0).unwrap();
        assert!(objects.name(0).is_err());
    }
}
