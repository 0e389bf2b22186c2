//! The names of the objects that evidence points to.
//!
//! Nearly every object may be named in the end, and few are: the last names are in memory, the others
//! in a temporary file, and where a name lies is known to within a few of them.

use std::io;

use super::spill::SpillFile;

/// The most bytes of names that are held in memory.
const ROOM: usize = 1 << 18;

/// A page ends with the name that fills it.
const PAGE: u64 = 1 << 12;

/// Names of objects by their place in the order of the run.
#[derive(Debug)]
pub(super) struct Objects {
    /// The first object of each page, ascending, and where in all pages it begins. No page lies partly
    /// in the file.
    pages: Vec<(u32, u64)>,
    /// What comes behind that in the file: of each object its place, the length of its name, the name.
    buffer: Vec<u8>,
    spill: SpillFile,
}

impl Default for Objects {
    fn default() -> Self {
        Self {
            pages: Vec::new(),
            buffer: Vec::new(),
            spill: SpillFile::with_capacity(ROOM),
        }
    }
}

impl Objects {
    /// Notes a name. Objects must come in their order.
    pub(super) fn insert(&mut self, object: u32, name: &str) {
        if self.spill.should_spill(self.buffer.len()) && self.spill.append(&self.buffer).is_some() {
            self.buffer.clear();
        }
        let at = self.end();
        let full = |(_, begin): &(u32, u64)| at - begin >= PAGE;
        if self.buffer.is_empty() || self.pages.last().is_none_or(full) {
            self.pages.push((object, at));
        }
        self.buffer.extend(object.to_le_bytes());
        self.buffer.extend(name.len().to_le_bytes());
        self.buffer.extend(name.as_bytes());
    }

    fn end(&self) -> u64 {
        self.spill.end() + self.buffer.len() as u64
    }

    /// The name of an object; empty where none was noted.
    ///
    /// # Errors
    /// It could not be read back.
    pub(super) fn name(&self, object: u32) -> io::Result<String> {
        let next = self.pages.partition_point(|(first, _)| *first <= object);
        let page = next.checked_sub(1).and_then(|page| self.pages.get(page));
        let Some((_, from)) = page else {
            return Ok(String::new());
        };
        let to = self.pages.get(next).map_or(self.end(), |(_, next)| *next);
        let length = usize::try_from(to - from).map_err(io::Error::other)?;
        let mut read = Vec::new();
        let page = match from.checked_sub(self.spill.end()) {
            Some(from) => {
                let from = usize::try_from(from).map_err(io::Error::other)?;
                self.buffer.get(from..from + length).unwrap_or_default()
            }
            None => {
                read.resize(length, 0);
                self.spill.read(*from, &mut read)?;
                &read
            }
        };
        numbered(page, object).map_err(io::Error::other)
    }
}

/// The name of an object in a page; empty where it does not stand there.
fn numbered(mut page: &[u8], object: u32) -> Result<String, std::str::Utf8Error> {
    while let Some((number, rest)) = page.split_first_chunk()
        && let Some((length, rest)) = rest.split_first_chunk()
        && let Some((name, rest)) = rest.split_at_checked(usize::from_le_bytes(*length))
    {
        if u32::from_le_bytes(*number) == object {
            return std::str::from_utf8(name).map(str::to_owned);
        }
        page = rest;
    }
    Ok(String::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(spill: SpillFile) -> Objects {
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
    fn every_name_is_found_wherever_it_lies() {
        for (room, most_pages) in [(100, 300), (20_000, 10), (1 << 20, 10)] {
            let objects = filled(SpillFile::with_capacity(room));
            assert!(objects.buffer.len() < room + 50);
            assert_eq!(objects.spill.end() > 0, room < 1 << 20);
            assert!(objects.pages.len() < most_pages, "{}", objects.pages.len());
            for object in 0..1_000 {
                assert_eq!(objects.name(object * 3).unwrap(), name(object * 3));
                assert_eq!(objects.name(object * 3 + 1).unwrap(), "", "not noted");
            }
        }
    }

    #[test]
    fn without_a_temporary_file_they_stay_and_what_is_lost_is_no_secret() {
        let readable = tempfile::NamedTempFile::new().unwrap();
        let objects = filled(SpillFile::on(
            std::fs::File::open(readable.path()).unwrap(),
            100,
        ));
        assert_eq!(objects.spill.end(), 0);
        assert_eq!(objects.name(1_500).unwrap(), name(1_500));
        let file = tempfile::tempfile().unwrap();
        let objects = filled(SpillFile::on(file.try_clone().unwrap(), 100));
        file.set_len(0).unwrap();
        assert!(objects.name(0).is_err());
    }
}
