//! Which digests are one chain.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::integrity::{Chain, DigestFact, Hash, PreviousDigest, SignatureStatus};
use crate::seeded::SeededMap;

pub(super) type Digests = BTreeMap<Arc<str>, DigestFact>;

/// The digests of one trail, account and Region, which may lie in several places: a trail that was
/// given another bucket or prefix goes on with its chain there.
#[derive(Debug)]
pub(super) struct Joined {
    /// That of the newest digest.
    pub(super) chain: Arc<Chain>,
    pub(super) places: BTreeSet<String>,
    pub(super) digests: Digests,
}

/// Joins the chains that link to one another. A link is that a digest names the other with its hash;
/// that two chains have one name is none.
pub(super) fn join(chains: BTreeMap<Arc<Chain>, Digests>) -> Vec<Joined> {
    let mut joined: Vec<Option<Joined>> = Vec::new();
    let mut of_name: SeededMap<Arc<str>, usize> = SeededMap::default();
    let mut of_hash: SeededMap<Hash, usize> = SeededMap::default();
    for (chain, digests) in chains {
        for (name, fact) in &digests {
            of_name.insert(Arc::clone(name), joined.len());
            of_hash.insert(fact.sha256, joined.len());
        }
        joined.push(Some(Joined {
            places: BTreeSet::from([chain.place.clone()]),
            chain,
            digests,
        }));
    }
    let links: Vec<(usize, usize)> = links(&joined, &of_name, &of_hash);
    // where each chain went
    let mut went: Vec<usize> = (0..joined.len()).collect();
    let end = |went: &[usize], mut at: usize| {
        while let Some(&next) = went.get(at).filter(|next| **next != at) {
            at = next;
        }
        at
    };
    for (one, other) in links {
        let (one, other) = (end(&went, one), end(&went, other));
        if one == other {
            continue;
        }
        let (into, from) = (one.min(other), one.max(other));
        if let Some(from_slot) = went.get_mut(from) {
            *from_slot = into;
        }
        let moved = joined.get_mut(from).and_then(Option::take);
        if let (Some(moved), Some(Some(kept))) = (moved, joined.get_mut(into)) {
            let newest = |one: &Joined| one.digests.values().map(|fact| fact.end).max();
            // what does not say where it is from says nothing of the chain
            if newest(&moved) > newest(kept) && !moved.is_nameless() || kept.is_nameless() {
                kept.chain = moved.chain;
            }
            kept.places.extend(moved.places);
            kept.digests.extend(moved.digests);
        }
    }
    joined.into_iter().flatten().collect()
}

impl Joined {
    /// True if its digests could not be read, so that only their names say what they are.
    fn is_nameless(&self) -> bool {
        let mut facts = self.digests.values();
        facts.all(|fact| matches!(fact.before, PreviousDigest::Unknown))
    }
}

fn links(
    joined: &[Option<Joined>],
    of_name: &SeededMap<Arc<str>, usize>,
    of_hash: &SeededMap<Hash, usize>,
) -> Vec<(usize, usize)> {
    let mut links = Vec::new();
    let one_trail = |a: &Chain, b: &Chain| {
        let of = |chain: &Chain| {
            let Chain {
                account,
                region,
                trail,
                home_region,
                backfill,
                ..
            } = chain.clone();
            (account, region, trail, home_region, backfill)
        };
        of(a) == of(b)
    };
    let mut last_of_place: Option<(usize, &Joined)> = None;
    for (at, one) in joined.iter().enumerate() {
        let Some(one) = one else { continue };
        // a digest that cannot be read belongs to the chain that lies in its place
        if let Some((before, other)) = last_of_place
            && one_trail(&one.chain, &other.chain)
            && one.chain.place == other.chain.place
            && (one.is_nameless() || other.is_nameless())
        {
            links.push((before, at));
        }
        last_of_place = Some((at, one));
        for fact in one.digests.values() {
            let (PreviousDigest::Digest(previous), false) = (
                &fact.before,
                matches!(fact.standing, SignatureStatus::Bad(_)),
            ) else {
                continue;
            };
            // in a copy, the name may be that of a place which the copy does not show
            let target = of_name.get(&*previous.name).or_else(|| {
                let unknown = previous.name.starts_with("s3://");
                of_hash.get(&previous.sha256).filter(|_| unknown)
            });
            let Some((&target, Some(Some(other)))) = target.map(|at| (at, joined.get(*at))) else {
                continue;
            };
            let linked = other
                .digests
                .values()
                .any(|fact| fact.sha256 == previous.sha256);
            if target != at && linked && one_trail(&one.chain, &other.chain) {
                links.push((at, target));
            }
        }
    }
    links
}
