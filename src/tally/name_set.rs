//! Sets of texts that stay small where they are large: a finding may have a million access keys.

use std::collections::BTreeSet;

use roaring::RoaringBitmap;

use crate::interner::{Interner, Symbol};

/// Texts of one [`Interner`], each once. The empty text is never among them.
#[derive(Debug, Clone, Default)]
pub struct NameSet(RoaringBitmap);

impl NameSet {
    /// Adds a text.
    pub fn insert(&mut self, id: Symbol) {
        if id != Interner::EMPTY && self.0.insert(id.number()) {
            let count = self.0.len();
            // nearly all there are become a few runs
            if count >= 256 && count.is_power_of_two() {
                self.0.optimize();
            }
        }
    }

    /// Adds all of another.
    pub fn extend(&mut self, other: &Self) {
        self.0 |= &other.0;
    }

    /// Its texts by their numbers, ascending.
    pub(super) fn numbers(&self) -> impl Iterator<Item = u32> {
        self.0.iter()
    }

    /// How many texts there are.
    pub fn count(&self) -> usize {
        usize::try_from(self.0.len()).unwrap_or(usize::MAX)
    }

    /// The first `most` by their spelling, and how many more there are.
    pub fn first(&self, most: usize, names: &Interner) -> (BTreeSet<String>, usize) {
        let ids = self.0.iter().map(Symbol::from_number);
        let mut texts: Vec<&str> = ids.map(|id| names.text(id)).collect();
        let more = texts.len().saturating_sub(most);
        if more > 0 {
            texts.select_nth_unstable(most);
            texts.truncate(most);
        }
        (texts.into_iter().map(str::to_owned).collect(), more)
    }
}

impl FromIterator<u32> for NameSet {
    /// From `NameSet::numbers`.
    fn from_iter<I: IntoIterator<Item = u32>>(numbers: I) -> Self {
        Self(numbers.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_by_spelling_are_named_and_the_others_counted() {
        let mut names = Interner::default();
        let mut set = NameSet::default();
        for number in (0..1_000).rev() {
            set.insert(names.id(&format!("{number:04}")));
        }
        set.insert(Interner::EMPTY);
        set.insert(names.id("0003"));
        assert_eq!(set.count(), 1_000);
        let (first, more) = set.first(2, &names);
        assert_eq!(first.into_iter().collect::<Vec<_>>(), ["0000", "0001"]);
        assert_eq!(more, 998);
        assert_eq!(set.first(1_000, &names).1, 0);
    }
}
