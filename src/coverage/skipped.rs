//! What a listing showed and the run did not read, by reason.
//!
//! "All logs found were read" is true only if it is known what was found. So a source counts every
//! object that it sees, and everything that it does not hand out is counted here under a reason, with
//! the first names. Names are bounded; counts are not.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Serialize, Serializer, ser::SerializeSeq as _};

/// Names kept for each reason.
const MOST_NAMES: usize = 10;

/// Why an object or a folder was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SkipReason {
    /// The key says: outside the window, accounts or Regions asked for.
    OutsideScope,
    /// An empty object that stands for a folder.
    FolderMarker,
    /// The metadata of a digest beside it; it is read with the digest.
    DigestMetadata,
    /// A folder of digests, which only `--verify` reads.
    Digests,
    /// A folder of aggregated events, from which no request can be judged.
    Aggregated,
    /// A folder of another service below an account.
    OtherService,
    /// An object outside CloudTrail's folders whose name is not a log's.
    OutsideLayout,
    /// A folder outside CloudTrail's folders that was not searched: it lies too deep, or there are
    /// too many.
    NotSearched,
    /// A folder beside the one that the trail writes to.
    OutsideTrail,
    /// The server listed the same key twice.
    ListedTwice,
    /// A link to a folder that is read under another name.
    LinkedTwice,
    /// A link that leads out of the source's folder.
    LinkedOutside,
    /// A socket, pipe or device.
    NotAFile,
}

impl SkipReason {
    /// False where there may be as many as objects in the bucket, all of them by the user's own choice.
    const fn keeps_names(self) -> bool {
        !matches!(
            self,
            Self::OutsideScope | Self::FolderMarker | Self::DigestMetadata
        )
    }

    /// What it means, as the end of a sentence that begins with what was passed over. `None` for what
    /// a reader need not hear of: it was not asked for, or it holds no events of its own.
    pub const fn sentence(self) -> Option<&'static str> {
        Some(match self {
            Self::OutsideScope | Self::FolderMarker | Self::DigestMetadata | Self::Digests => {
                return None;
            }
            Self::Aggregated => "with aggregated events, from which no request can be judged",
            Self::OtherService => "of other services below an account",
            Self::OutsideLayout => "outside CloudTrail's folders, not named like a log",
            Self::NotSearched => {
                "outside CloudTrail's folders, not searched for logs (too deep or too many)"
            }
            Self::OutsideTrail => "beside the folder that the trail writes to",
            Self::ListedTwice => "listed twice by the server",
            Self::LinkedTwice => "linked to that are read under another name",
            Self::LinkedOutside => "that are links to places outside the source's folder",
            Self::NotAFile => "that are not files (sockets, pipes, devices)",
        })
    }
}

/// What was passed over for one reason.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Passed {
    pub objects: u64,
    /// Folders, with whatever lies in them.
    pub folders: u64,
    /// The first names in their order; folders end with `/`.
    pub names: BTreeSet<String>,
}

/// Everything that was passed over. `merge` is associative and commutative.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SkippedObjects(BTreeMap<SkipReason, Passed>);

impl SkippedObjects {
    /// Counts an object.
    pub fn object(&mut self, reason: SkipReason, name: &str) {
        self.0.entry(reason).or_default().objects += 1;
        self.name(reason, name);
    }

    /// Counts a folder.
    pub fn folder(&mut self, reason: SkipReason, name: &str) {
        self.0.entry(reason).or_default().folders += 1;
        self.name(reason, name);
    }

    fn name(&mut self, reason: SkipReason, name: &str) {
        if !reason.keeps_names() {
            return;
        }
        let names = &mut self.0.entry(reason).or_default().names;
        let full = names.len() >= MOST_NAMES;
        // most names of a large listing come after those that are kept
        if full && names.last().is_some_and(|last| name >= last.as_str()) {
            return;
        }
        names.insert(name.to_owned());
        if names.len() > MOST_NAMES {
            names.pop_last();
        }
    }

    /// How many objects were passed over, those in folders not included.
    pub fn objects(&self) -> u64 {
        self.0.values().map(|passed| passed.objects).sum()
    }

    /// What was passed over for that reason.
    pub fn get(&self, reason: SkipReason) -> Option<&Passed> {
        self.0.get(&reason)
    }

    /// The names kept, of all reasons.
    pub fn names(&self) -> BTreeSet<&str> {
        let all = self.0.values();
        let names = all.flat_map(|passed| &passed.names);
        names.map(String::as_str).collect()
    }

    /// By reason.
    pub fn iter(&self) -> impl Iterator<Item = (SkipReason, &Passed)> {
        self.0.iter().map(|(reason, passed)| (*reason, passed))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds what was passed over elsewhere.
    pub fn merge(&mut self, other: Self) {
        for (reason, theirs) in other.0 {
            let ours = self.0.entry(reason).or_default();
            ours.objects += theirs.objects;
            ours.folders += theirs.folders;
            for name in &theirs.names {
                self.name(reason, name);
            }
        }
    }
}

/// As a list, one entry a reason.
impl Serialize for SkippedObjects {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Entry<'p> {
            reason: SkipReason,
            #[serde(flatten)]
            passed: &'p Passed,
        }
        let mut list = to.serialize_seq(Some(self.0.len()))?;
        for (reason, passed) in self.iter() {
            list.serialize_element(&Entry { reason, passed })?;
        }
        list.end()
    }
}

/// What the listings showed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Store {
    /// Objects or files that the listings named.
    pub found: u64,
    /// Of these and of folders: what was not read.
    pub passed_over: SkippedObjects,
}

impl Store {
    /// Adds what another listing showed.
    pub fn merge(&mut self, other: Self) {
        self.found += other.found;
        self.passed_over.merge(other.passed_over);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_names_are_kept_in_any_order_and_all_are_counted() {
        let of = |numbers: &[u32]| {
            let mut passed = SkippedObjects::default();
            for number in numbers {
                passed.object(SkipReason::OutsideLayout, &format!("{number:03}"));
            }
            passed
        };
        let forward: Vec<u32> = (0..100).collect();
        let backward: Vec<u32> = (0..100).rev().collect();
        assert_eq!(of(&forward), of(&backward));
        let (first, second) = forward.split_at(30);
        let mut merged = of(second);
        merged.merge(of(first));
        assert_eq!(merged, of(&forward));
        assert_eq!(merged.objects(), 100);
        let names = merged.names();
        assert_eq!(names.len(), MOST_NAMES);
        assert_eq!(names.first(), Some(&"000"));
    }
}
