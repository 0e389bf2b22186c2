//! Texts, each kept once and named by a number.
//!
//! Millions of events say the same few thousand texts. They lie one after another in one buffer, so
//! that a text costs its bytes and sixteen more, and finding it again costs a hash and a comparison.

use std::hash::BuildHasher as _;
use std::ops::Range;

use bitcode::{Decode, Encode};
use hashbrown::HashTable;

use crate::seeded::Seeded;

/// A text of one [`Interner`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
pub struct Symbol(u32);

impl Symbol {
    /// Its place in the order in which the texts came.
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// Its place as sets of ids keep it.
    pub(crate) const fn number(self) -> u32 {
        self.0
    }

    /// The text with that [`number`](Self::number).
    pub(crate) const fn from_number(number: u32) -> Self {
        Self(number)
    }
}

/// Texts, each once. The empty text is always there.
#[derive(Debug, Clone, Encode, Decode)]
pub struct Interner {
    text: String,
    /// Where each text ends in `text`.
    ends: Vec<usize>,
    /// Half a hash beside each place, so that neither growing nor a miss reads the texts.
    /// Not stored with texts that are kept for a later run: those are only read, and none is added.
    #[bitcode(skip)]
    table: HashTable<(u32, u32)>,
}

impl Default for Interner {
    fn default() -> Self {
        let mut names = Self {
            text: String::new(),
            ends: Vec::new(),
            table: HashTable::new(),
        };
        names.id("");
        names
    }
}

impl Interner {
    /// Forgets every text but the empty one, and keeps the room.
    pub fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
        self.table.clear();
        self.id("");
    }

    /// The id of the empty text.
    pub const EMPTY: Symbol = Symbol(0);

    /// The id of a text, given out at its first appearance.
    pub fn id(&mut self, text: &str) -> Symbol {
        if text.is_empty() && !self.ends.is_empty() {
            return Self::EMPTY;
        }
        let hash = hash(text);
        if let Some(known) = self.find(hash, text) {
            return known;
        }
        self.text.push_str(text);
        self.add(hash)
    }

    /// [`Interner::id`] of these parts as one text, which is made where it will stand.
    fn id_of_parts(&mut self, parts: &[&str]) -> Symbol {
        let before = self.text.len();
        self.text.extend(parts.iter().copied());
        let text = self.text.get(before..).unwrap_or_default();
        let hash = hash(text);
        match self.find(hash, text) {
            Some(known) => {
                self.text.truncate(before);
                known
            }
            None => self.add(hash),
        }
    }

    #[inline]
    fn find(&self, hash: u32, text: &str) -> Option<Symbol> {
        let (all, ends) = (self.text.as_bytes(), &self.ends);
        let same = |(known, place): &(u32, u32)| {
            *known == hash && same_bytes(lookup(all, ends, *place), text.as_bytes())
        };
        let known = self.table.find(spread(hash), same);
        known.map(|(_, place)| Symbol(*place))
    }

    /// Gives an id to the text that was put behind the others, of that hash.
    #[inline]
    fn add(&mut self, hash: u32) -> Symbol {
        let place = u32::try_from(self.ends.len()).expect("a run has fewer than 2^32 texts");
        self.ends.push(self.text.len());
        self.table
            .insert_unique(spread(hash), (hash, place), |(hash, _)| spread(*hash));
        Symbol(place)
    }

    /// The id of a text that is likely to be that of `last`, which takes it.
    pub(crate) fn intern_hint(&mut self, last: &mut Symbol, text: &str) -> Symbol {
        if !self.is(*last, text) {
            *last = self.id(text);
        }
        *last
    }

    /// [`Interner::intern_hint`] for these parts as one text.
    pub(crate) fn intern_parts_hint(&mut self, last: &mut Symbol, parts: &[&str]) -> Symbol {
        let mut rest = self.text(*last);
        let same = |part: &&str| match rest.strip_prefix(*part) {
            Some(behind) => {
                rest = behind;
                true
            }
            None => false,
        };
        if !(parts.iter().all(same) && rest.is_empty()) {
            *last = self.id_of_parts(parts);
        }
        *last
    }

    /// The text of an id.
    ///
    /// # Panics
    /// The id is none of these names'.
    pub fn text(&self, id: Symbol) -> &str {
        let text = self.text.get(range(&self.ends, id.0));
        text.expect("an id belongs to its names")
    }

    /// True where that is the text of an id.
    pub(crate) fn is(&self, id: Symbol, text: &str) -> bool {
        let known = lookup(self.text.as_bytes(), &self.ends, id.0);
        same_bytes(known, text.as_bytes())
    }

    /// How many texts there are.
    pub const fn count(&self) -> usize {
        self.ends.len()
    }

    /// Every text, in the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0_u32..)
            .zip(&self.ends)
            .map(|(place, _)| self.text(Symbol(place)))
    }
}

fn hash(text: &str) -> u32 {
    (Seeded.hash_one(text) >> 32) as u32
}

/// Half a hash as a whole one: the table takes some bits from the top and some from the bottom.
const fn spread(hash: u32) -> u64 {
    (hash as u64) << 32 | hash as u64
}

fn range(ends: &[usize], place: u32) -> Range<usize> {
    let place = place as usize;
    let from = match place.checked_sub(1) {
        Some(before) => ends.get(before).copied().unwrap_or(usize::MAX),
        None => 0,
    };
    from..ends.get(place).copied().unwrap_or(0)
}

#[inline]
fn lookup<'n>(all: &'n [u8], ends: &[usize], place: u32) -> &'n [u8] {
    all.get(range(ends, place)).unwrap_or_default()
}

/// True for two equal texts. Keys are short, and for them a call of memcmp costs more than the
/// comparison.
#[inline]
pub(crate) fn same(left: &str, right: &str) -> bool {
    same_bytes(left.as_bytes(), right.as_bytes())
}

#[inline]
fn same_bytes(left: &[u8], right: &[u8]) -> bool {
    if left.len() != right.len() {
        return false;
    }
    match left.len() {
        0 => true,
        1..=3 => left.iter().eq(right),
        4..=7 => ends::<4>(left) == ends::<4>(right),
        8..=16 => ends::<8>(left) == ends::<8>(right),
        17..=32 => ends::<16>(left) == ends::<16>(right),
        33..=64 => ends::<32>(left) == ends::<32>(right),
        65..=128 => ends::<64>(left) == ends::<64>(right),
        _ => left == right,
    }
}

/// Its first and last bytes, which overlap where it is shorter than both together.
#[inline]
fn ends<const N: usize>(bytes: &[u8]) -> Option<([u8; N], [u8; N])> {
    Some((*bytes.first_chunk()?, *bytes.last_chunk()?))
}

/// Some texts that are compared with others again and again: they lie one behind the other.
#[derive(Debug)]
pub(crate) struct Joined<const N: usize> {
    all: Box<[u8]>,
    lengths: [u32; N],
}

impl<const N: usize> Joined<N> {
    pub(crate) fn new(texts: [&str; N]) -> Self {
        Self {
            all: texts.concat().into_bytes().into(),
            lengths: texts.map(length),
        }
    }

    /// True where these are the same texts.
    pub(crate) fn are(&self, texts: [&str; N]) -> bool {
        let mut rest = &*self.all;
        self.lengths == texts.map(length)
            && texts.into_iter().all(|text| {
                let own = rest.split_at_checked(text.len());
                own.is_some_and(|(own, others)| {
                    rest = others;
                    same_bytes(own, text.as_bytes())
                })
            })
    }
}

/// Longer texts than a number holds are all of one length here; they are compared all the same.
fn length(text: &str) -> u32 {
    u32::try_from(text.len()).unwrap_or(u32::MAX)
}

/// The ids of one [`Interner`] as those of another. A text that is not there is added only when it is
/// asked for.
#[derive(Debug)]
pub struct SymbolMap<'n> {
    from: &'n Interner,
    known: Vec<Option<Symbol>>,
}

impl<'n> SymbolMap<'n> {
    /// Finds every text that is there already. The other texts lie far apart in memory: what one look
    /// needs is asked for while others still wait for theirs, which is why each step is taken for all.
    pub fn new(from: &'n Interner, to: &Interner) -> Self {
        let mut known = vec![None; from.count()];
        let place_there = |(hash, place): &(u32, u32)| {
            let alike = |(other, _): &(u32, u32)| other == hash;
            let (_, there) = to.table.find(spread(*hash), alike)?;
            Some((*place, *there))
        };
        let places: Vec<_> = from.table.iter().filter_map(place_there).collect();
        let ranges = places.iter().map(|(_, there)| range(&to.ends, *there));
        let ranges: Vec<_> = ranges.collect();
        for ((place, there), range) in places.into_iter().zip(ranges) {
            let text = to.text.as_bytes().get(range).unwrap_or_default();
            let own = lookup(from.text.as_bytes(), &from.ends, place);
            if let Some(slot) = known.get_mut(place as usize)
                && same_bytes(own, text)
            {
                *slot = Some(Symbol(there));
            }
        }
        Self { from, known }
    }

    /// The id in `to` of the text that `id` names in the other; `to` must be the same at every call.
    pub fn id(&mut self, id: Symbol, to: &mut Interner) -> Symbol {
        match self.known.get_mut(id.index()) {
            Some(Some(known)) => *known,
            Some(slot) => *slot.insert(to.id(self.from.text(id))),
            None => panic!("an id belongs to its names"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_the_same_where_every_byte_is() {
        for length in 0..140 {
            let text = "x".repeat(length);
            assert!(same(&text, &text.clone()) && !same(&text, &format!("{text}x")));
            for at in 0..length {
                let mut other = text.clone();
                other.replace_range(at..=at, "y");
                assert!(!same(&text, &other), "{at} of {length}");
            }
        }
    }

    #[test]
    fn a_text_has_one_id_however_often_it_comes() {
        let mut names = Interner::default();
        assert_eq!(names.id(""), Interner::EMPTY);
        let texts: Vec<String> = (0..1_000).map(|n| format!("role-{}", n % 300)).collect();
        let ids: Vec<Symbol> = texts.iter().map(|text| names.id(text)).collect();
        assert_eq!(names.count(), 301);
        for (id, text) in ids.iter().zip(&texts) {
            assert_eq!(names.text(*id), text);
        }
        assert_eq!(ids[0], ids[300]);
    }

    #[test]
    fn a_text_in_parts_is_the_text() {
        let mut names = Interner::default();
        let whole = names.id("role/session");
        let mut last = Interner::EMPTY;
        assert_eq!(
            names.intern_parts_hint(&mut last, &["role", "/", "session"]),
            whole
        );
        let other = names.intern_parts_hint(&mut last, &["role", "/", "sessions"]);
        assert_eq!((names.text(other), last), ("role/sessions", other));
        for parts in [
            ["role", "/", "session"],
            ["role/", "session", ""],
            ["", "", "role/session"],
        ] {
            assert_eq!(names.intern_parts_hint(&mut last, &parts), whole);
        }
        assert_eq!(
            names.intern_parts_hint(&mut last, &["", ""]),
            Interner::EMPTY
        );
        assert_eq!(names.count(), 3);
    }

    #[test]
    fn a_translation_names_the_same_texts() {
        let (mut from, mut to) = (Interner::default(), Interner::default());
        let ids = ["a", "b", "", "c"].map(|text| from.id(text));
        to.id("c");
        let mut translation = SymbolMap::new(&from, &to);
        let there = ids.map(|id| translation.id(id, &mut to));
        assert_eq!(there.map(|id| to.text(id)), ["a", "b", "", "c"]);
        assert_eq!(translation.id(ids[0], &mut to), there[0]);
    }
}
