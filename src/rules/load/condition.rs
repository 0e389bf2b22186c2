//! The condition of a temporal correlation, from an expression over rule names to alternatives.

use std::collections::BTreeSet;

use rsigma_parser::{ConditionExpr, Quantifier, SelectorPattern};

use crate::rules::{Alternative, Condition};
use crate::wildcard::Wildcard;

/// More alternatives than this are a mistake and would be slow to look for.
const MOST_ALTERNATIVES: usize = 256;

/// The rules that an expression names one by one, in the order of their first appearance.
pub(super) fn named(expression: &ConditionExpr) -> Vec<String> {
    let mut names = Vec::new();
    collect(expression, &mut names);
    names
}

fn collect(expression: &ConditionExpr, names: &mut Vec<String>) {
    match expression {
        ConditionExpr::And(parts) | ConditionExpr::Or(parts) => {
            parts.iter().for_each(|part| collect(part, names));
        }
        ConditionExpr::Not(part) => collect(part, names),
        ConditionExpr::Identifier(name) if !names.contains(name) => names.push(name.clone()),
        ConditionExpr::Identifier(_) | ConditionExpr::Selector { .. } => {}
    }
}

/// Works the expression out. `watched` has, for each rule watched, everything it can be called;
/// first the name that the correlation uses. The reason where it cannot be used.
pub(super) fn condition(
    expression: &ConditionExpr,
    watched: &[Vec<&str>],
) -> Result<Condition, String> {
    let mut reader = Reader {
        watched,
        read: BTreeSet::new(),
    };
    let alternatives = simplify(reader.alternatives(expression, true)?);
    if let Some(unread) = (0..watched.len()).find(|place| !reader.read.contains(place)) {
        let name = watched.get(unread).and_then(|names| names.first());
        return Err(format!(
            "its condition does not name `{}`, which it watches",
            name.unwrap_or(&"")
        ));
    }
    if alternatives.is_empty() {
        return Err("its condition can never hold".into());
    }
    if alternatives.iter().any(|one| one.needs.is_empty()) {
        return Err("its condition holds where nothing happened: it must need an event".into());
    }
    let text = expression.to_string();
    // the parser shows every `and` and `or` in parentheses, the outermost too
    let bare = text
        .strip_prefix('(')
        .and_then(|text| text.strip_suffix(')'));
    let joins = matches!(expression, ConditionExpr::And(_) | ConditionExpr::Or(_));
    Ok(Condition {
        text: bare.filter(|_| joins).unwrap_or(&text).to_owned(),
        alternatives,
    })
}

struct Reader<'n> {
    watched: &'n [Vec<&'n str>],
    /// The rules that the expression reads.
    read: BTreeSet<usize>,
}

impl Reader<'_> {
    /// What makes the expression true, or false where `wanted` is.
    fn alternatives(
        &mut self,
        expression: &ConditionExpr,
        wanted: bool,
    ) -> Result<Vec<Alternative>, String> {
        match expression {
            ConditionExpr::Not(part) => self.alternatives(part, !wanted),
            ConditionExpr::And(parts) | ConditionExpr::Or(parts) => {
                let each = parts
                    .iter()
                    .map(|part| self.alternatives(part, wanted))
                    .collect::<Result<Vec<_>, _>>()?;
                if matches!(expression, ConditionExpr::And(_)) == wanted {
                    every(&each)
                } else {
                    Ok(each.concat())
                }
            }
            ConditionExpr::Identifier(name) => {
                let place = self.place(name)?;
                Ok(vec![self.single(place, wanted)])
            }
            ConditionExpr::Selector {
                quantifier,
                pattern,
            } => {
                let places = self.selected(pattern)?;
                let many = places.len();
                let least = match quantifier {
                    Quantifier::Any => 1,
                    Quantifier::All => many,
                    Quantifier::Count(least) => usize::try_from(*least).unwrap_or(usize::MAX),
                };
                let each: Vec<Vec<Alternative>> = places
                    .into_iter()
                    .map(|place| vec![self.single(place, wanted)])
                    .collect();
                // fewer than so many hold where that many are missing
                let least = if wanted {
                    least
                } else {
                    (many + 1).saturating_sub(least)
                };
                at_least(least, &each)
            }
        }
    }

    fn single(&mut self, place: usize, wanted: bool) -> Alternative {
        self.read.insert(place);
        let place = vec![u32::try_from(place).unwrap_or(u32::MAX)];
        let (needs, lacks) = if wanted {
            (place, Vec::new())
        } else {
            (Vec::new(), place)
        };
        Alternative { needs, lacks }
    }

    fn place(&self, name: &str) -> Result<usize, String> {
        let called = |names: &Vec<&str>| names.contains(&name);
        self.watched
            .iter()
            .position(called)
            .ok_or_else(|| format!("its condition names `{name}`, which it does not watch"))
    }

    fn selected(&self, pattern: &SelectorPattern) -> Result<Vec<usize>, String> {
        let fits = |names: &Vec<&str>| match pattern {
            SelectorPattern::Them => names.iter().all(|name| !name.starts_with('_')),
            SelectorPattern::Pattern(pattern) => {
                let pattern = Wildcard::parse(pattern);
                names.iter().any(|name| pattern.matches(name))
            }
        };
        let places = self.watched.iter().enumerate();
        let places: Vec<usize> = places
            .filter(|(_, names)| fits(names))
            .map(|(place, _)| place)
            .collect();
        if places.is_empty() {
            return Err(format!("`{pattern}` in its condition selects no rule"));
        }
        Ok(places)
    }
}

/// One alternative of each part, in every combination.
fn every(parts: &[Vec<Alternative>]) -> Result<Vec<Alternative>, String> {
    let nothing = Alternative {
        needs: Vec::new(),
        lacks: Vec::new(),
    };
    parts.iter().try_fold(vec![nothing], |so_far, part| {
        let both = |(a, b): (&Alternative, &Alternative)| Alternative {
            needs: union(&a.needs, &b.needs),
            lacks: union(&a.lacks, &b.lacks),
        };
        let pairs = so_far.iter().flat_map(|a| part.iter().map(move |b| (a, b)));
        bounded(simplify(pairs.map(both).collect()))
    })
}

/// The alternatives of at least so many of the parts.
fn at_least(least: usize, parts: &[Vec<Alternative>]) -> Result<Vec<Alternative>, String> {
    if least > parts.len() {
        return Ok(Vec::new());
    }
    // by how many parts are seen: what they need together
    let mut by_count: Vec<Vec<Alternative>> = vec![Vec::new(); least + 1];
    if let Some(none) = by_count.first_mut() {
        none.extend(every(&[])?);
    }
    for part in parts {
        for count in (1..=least).rev() {
            let with = every(&[
                by_count.get(count - 1).cloned().unwrap_or_default(),
                part.clone(),
            ])?;
            if let Some(slot) = by_count.get_mut(count) {
                slot.extend(with);
                *slot = bounded(simplify(std::mem::take(slot)))?;
            }
        }
    }
    Ok(by_count.pop().unwrap_or_default())
}

fn bounded(alternatives: Vec<Alternative>) -> Result<Vec<Alternative>, String> {
    if alternatives.len() > MOST_ALTERNATIVES {
        return Err(format!(
            "its condition has more than {MOST_ALTERNATIVES} alternatives"
        ));
    }
    Ok(alternatives)
}

/// Without what can never hold and what another alternative says already.
fn simplify(mut alternatives: Vec<Alternative>) -> Vec<Alternative> {
    alternatives.retain(|one| !one.needs.iter().any(|place| one.lacks.contains(place)));
    alternatives.sort_by_key(|one| (one.needs.len() + one.lacks.len(), one.needs.clone()));
    let mut kept: Vec<Alternative> = Vec::new();
    for one in alternatives {
        let within = |part: &[u32], whole: &[u32]| part.iter().all(|place| whole.contains(place));
        let said = |other: &Alternative| {
            within(&other.needs, &one.needs) && within(&other.lacks, &one.lacks)
        };
        if !kept.iter().any(said) {
            kept.push(one);
        }
    }
    kept
}

fn union(a: &[u32], b: &[u32]) -> Vec<u32> {
    let all: BTreeSet<u32> = a.iter().chain(b).copied().collect();
    all.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WATCHED: [&[&str]; 4] = [&["a"], &["b", "id-b"], &["c_x"], &["c_y"]];

    fn read(text: &str) -> Result<Condition, String> {
        let watched: Vec<Vec<&str>> = WATCHED.iter().map(|names| names.to_vec()).collect();
        condition(&rsigma_parser::parse_condition(text).unwrap(), &watched)
    }

    /// Every way in which rules may have found something, against the expression itself.
    #[test]
    fn the_alternatives_say_what_the_expression_says() {
        for (text, truth) in [
            (
                "a and not b and 1 of c_*",
                (|[a, b, x, y]| a && !b && (x || y)) as fn([bool; 4]) -> bool,
            ),
            ("a and b or c_x and not c_y", |[a, b, x, y]| {
                a && b || x && !y
            }),
            ("a and not (b or c_x) or c_y", |[a, b, x, y]| {
                a && !(b || x) || y
            }),
            ("2 of them", |[a, b, x, y]| {
                [a, b, x, y].iter().filter(|is| **is).count() >= 2
            }),
            ("a and id-b and not all of c_*", |[a, b, x, y]| {
                a && b && !(x && y)
            }),
            ("all of them", |all| all.iter().all(|is| *is)),
            ("any of them", |all| all.iter().any(|is| *is)),
            ("not (not a or b) and (c_x or not c_y)", |[a, b, x, y]| {
                a && !b && (x || !y)
            }),
        ] {
            let condition = read(text).unwrap();
            for bits in 0..16u32 {
                let found = [0, 1, 2, 3].map(|place: u32| bits & (1 << place) != 0);
                let holds = condition.alternatives.iter().any(|one| {
                    one.needs.iter().all(|place| found[*place as usize])
                        && !one.lacks.iter().any(|place| found[*place as usize])
                });
                assert_eq!(holds, truth(found), "{text} {found:?}");
            }
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for (text, reason) in [
            ("a and b and 1 of c_* and d", "`d`, which it does not watch"),
            ("a and b and c_x", "does not name `c_y`"),
            ("a and not a and 1 of them", "never hold"),
            ("5 of them", "never hold"),
            ("not a or b and all of c_*", "nothing happened"),
            ("1 of d* and all of them", "selects no rule"),
        ] {
            let refused = read(text).unwrap_err();
            assert!(refused.contains(reason), "{text}: {refused}");
        }
    }
}
