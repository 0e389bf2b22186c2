//! Where calls came from, without a text for each of millions of addresses.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::LazyLock;

use bitcode::{Decode, Encode};
use roaring::RoaringBitmap;

use crate::interner::{Interner, Symbol, SymbolMap};
use crate::seeded::SeededMap;

/// `sourceIPAddress`: an IPv4 address, or by its name whatever else stands there, which is an IPv6
/// address or the name of a service (CloudTrail record contents).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
pub enum SourceIp {
    V4(u32),
    Named(Symbol),
}

impl Default for SourceIp {
    fn default() -> Self {
        Self::Named(Interner::EMPTY)
    }
}

impl SourceIp {
    /// The text of one that is no IPv4 address.
    pub(super) const fn name(self) -> Option<Symbol> {
        match self {
            Self::V4(_) => None,
            Self::Named(name) => Some(name),
        }
    }

    /// The address of that spelling.
    pub fn of(text: &str, names: &mut Interner) -> Self {
        match text.parse() {
            Ok(address) => Self::V4(Ipv4Addr::to_bits(address)),
            Err(_) => Self::Named(names.id(text)),
        }
    }

    /// The same by the names in `to`.
    pub(super) fn translated(self, names: &mut SymbolMap<'_>, to: &mut Interner) -> Self {
        match self {
            Self::V4(_) => self,
            Self::Named(name) => Self::Named(names.id(name, to)),
        }
    }

    /// As it was spelled; empty where nothing stood there.
    pub fn text(self, names: &Interner) -> String {
        match self {
            Self::V4(address) => Ipv4Addr::from_bits(address).to_string(),
            Self::Named(name) => names.text(name).to_owned(),
        }
    }
}

/// An address of one [`SourceIpTable`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Encode, Decode)]
pub struct SourceIpId(u32);

impl SourceIpId {
    /// Its place in the table.
    pub(super) const fn number(self) -> u32 {
        self.0
    }
}

/// Every address that was seen, once.
#[derive(Debug, Clone, Default)]
pub struct SourceIpTable {
    ids: SeededMap<SourceIp, u32>,
    listed: Vec<SourceIp>,
}

impl SourceIpTable {
    /// The number of an address.
    pub fn id(&mut self, source_ip: SourceIp) -> SourceIpId {
        let id = self.ids.entry(source_ip).or_insert_with(|| {
            self.listed.push(source_ip);
            u32::try_from(self.listed.len() - 1).expect("a run has fewer than 2^32 addresses")
        });
        SourceIpId(*id)
    }

    /// The address of a number.
    pub fn get(&self, id: SourceIpId) -> SourceIp {
        let known = self.listed.get(id.0 as usize);
        *known.expect("an address has a number of this table")
    }
}

/// Many of them, each once. A finding may have a million, and many findings may have the same.
#[derive(Debug, Clone, Default)]
pub struct SourceIps(RoaringBitmap);

impl FromIterator<u32> for SourceIps {
    /// From [`SourceIps::numbers`].
    fn from_iter<I: IntoIterator<Item = u32>>(numbers: I) -> Self {
        Self(numbers.into_iter().collect())
    }
}

impl SourceIps {
    /// Its addresses by their numbers, ascending.
    pub(super) fn numbers(&self) -> impl Iterator<Item = u32> {
        self.0.iter()
    }

    /// Adds one.
    pub fn insert(&mut self, id: SourceIpId) {
        if self.0.insert(id.0) {
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

    /// The first `most` by their spelling, and how many more there are.
    pub fn first(
        &self,
        most: usize,
        table: &SourceIpTable,
        names: &Interner,
    ) -> (BTreeSet<String>, usize) {
        let (mut addresses, mut texts) = (Vec::new(), Vec::new());
        for id in &self.0 {
            match table.get(SourceIpId(id)) {
                SourceIp::V4(address) => addresses.push((spelling(address), address)),
                SourceIp::Named(name) => texts.push(names.text(name)),
            }
        }
        texts.retain(|text| !text.is_empty());
        let more = (addresses.len() + texts.len()).saturating_sub(most);
        keep_first(&mut addresses, most);
        keep_first(&mut texts, most);
        let addresses = addresses.into_iter().map(|(_, one)| SourceIp::V4(one));
        let addresses = addresses.map(|address| address.text(names));
        let texts = texts.into_iter().map(str::to_owned);
        let mut first: Vec<String> = addresses.chain(texts).collect();
        keep_first(&mut first, most);
        (first.into_iter().collect(), more)
    }
}

fn keep_first<T: Ord>(many: &mut Vec<T>, most: usize) {
    if many.len() > most {
        many.select_nth_unstable(most);
        many.truncate(most);
    }
}

/// A number that orders addresses as their spelling does: what ends a byte comes before every digit,
/// so the spelling of one byte after the other decides.
fn spelling(address: u32) -> u32 {
    /// The place of every byte's spelling among those of all: 0, 1, 10, 100, 101 and so on.
    static PLACES: LazyLock<[u8; 256]> = LazyLock::new(|| {
        let mut bytes: Vec<u8> = (0..=u8::MAX).collect();
        bytes.sort_by_cached_key(u8::to_string);
        let mut places = [0; 256];
        for (place, byte) in (0..=u8::MAX).zip(bytes) {
            if let Some(slot) = places.get_mut(usize::from(byte)) {
                *slot = place;
            }
        }
        places
    });
    let place = |byte| PLACES.get(usize::from(byte)).copied().unwrap_or_default();
    u32::from_be_bytes(address.to_be_bytes().map(place))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_usual_ipv4_address_keeps_its_spelling() {
        let mut names = Interner::default();
        for text in [
            "203.0.113.9",
            "0.0.0.0",
            "255.255.255.255",
            "010.0.0.1",
            "1.2.3",
            " 1.2.3.4",
            "2001:db8::1",
            "::ffff:203.0.113.9",
            "s3.amazonaws.com",
            "AWS Internal",
            "",
        ] {
            let address = SourceIp::of(text, &mut names);
            assert_eq!(address.text(&names), text);
            assert_eq!(SourceIp::of(text, &mut names), address);
        }
        assert_eq!(SourceIp::default(), SourceIp::of("", &mut names));
        assert!(matches!(
            SourceIp::of("203.0.113.9", &mut names),
            SourceIp::V4(_)
        ));
    }

    #[test]
    fn the_first_of_many_are_those_of_their_spellings() {
        let mut names = Interner::default();
        let mut random = 7u32;
        let mut texts: BTreeSet<String> = ["ssm.amazonaws.com", "10.0.0.01", "2001:db8::1", ""]
            .map(str::to_owned)
            .into();
        for _ in 0..3_000 {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            texts.insert(Ipv4Addr::from_bits(random).to_string());
        }
        texts.extend((0..=255).map(|byte| format!("10.{byte}.0.{}", 255 - byte)));
        let mut many = SourceIps::default();
        let mut table = SourceIpTable::default();
        for text in texts.iter().chain(&texts) {
            many.insert(table.id(SourceIp::of(text, &mut names)));
        }
        texts.remove("");
        for most in [0, 1, 20, 300, texts.len(), texts.len() + 1] {
            let (first, more) = many.first(most, &table, &names);
            assert!(first.iter().eq(texts.iter().take(most)), "{most}");
            assert_eq!(more, texts.len().saturating_sub(most));
        }
    }
}
