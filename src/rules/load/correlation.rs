//! Correlation rules, linked to the rules they watch.

use std::collections::{BTreeMap, BTreeSet};

use rsigma_parser::{CorrelationCondition, CorrelationRule};

use super::condition;
use super::limits;
use super::metadata::{Header, name_of};
use super::{Called, Loader, Numbers};
use crate::rules::{
    Chained, Comparison, Condition, Correlation, Field, Measure, Origin, Rule, RuleKind,
};

/// A correlation that is not linked yet.
pub(super) struct Pending {
    pub(super) origin: Origin,
    pub(super) rule: CorrelationRule,
    pub(super) numbers: Numbers,
    pub(super) header: Header,
}

pub(super) enum Unlinked {
    /// The rule of that name is not loaded.
    Interner(String),
    Fault(String),
    /// The configuration sets a threshold, and the rule compares with none.
    Threshold,
}

fn fault(reason: impl Into<String>) -> Unlinked {
    Unlinked::Fault(reason.into())
}

fn field(name: &str) -> Result<Field, Unlinked> {
    Field::shown(name).map_err(|refused| fault(refused.to_string()))
}

fn measure(rule: &CorrelationRule, percentile: Option<f64>) -> Result<Measure, Unlinked> {
    use rsigma_parser::CorrelationType as Type;
    Ok(match rule.correlation_type {
        Type::EventCount => Measure::EventCount,
        Type::ValueCount => Measure::ValueCount,
        Type::Temporal => Measure::Temporal,
        Type::TemporalOrdered => Measure::TemporalOrdered,
        Type::ValueSum => Measure::ValueSum,
        Type::ValueAvg => Measure::ValueAvg,
        Type::ValuePercentile => Measure::ValuePercentile(percentile.unwrap_or(50.0)),
        Type::ValueMedian => {
            return Err(fault(
                "`value_median` is not in Sigma 2.1: write `value_percentile` with `percentile: 50`",
            ));
        }
    })
}

impl Loader<'_> {
    /// Resolves correlations after everything they may watch, other correlations included.
    pub(super) fn link_correlations(&mut self) {
        let all = self.take_correlations();
        // each is tried in the order of the files, pass after pass, but again only once the rule that it
        // lacked last is there
        let mut due: BTreeSet<(usize, usize)> = (0..all.len()).map(|at| (0, at)).collect();
        let mut waiting: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        let mut held = 0;
        while let Some((pass, at)) = due.pop_first() {
            let Some(pending) = all.get(at) else {
                continue;
            };
            let rule = match self.correlation(pending, held) {
                Ok(rule) => rule,
                Err(Unlinked::Interner(name)) => {
                    waiting.entry(name).or_default().push(at);
                    continue;
                }
                Err(unlinked) => {
                    self.unlinked(pending, unlinked);
                    continue;
                }
            };
            let (place, names) = (self.set.rules.len(), [rule.name.clone(), rule.id.clone()]);
            let chain = match &rule.kind {
                RuleKind::Correlation(meant) => self.chain(&meant.rules, held),
                RuleKind::Detection(_) => Ok(limits::Chain::default()),
            };
            self.add(rule);
            if self.set.rules.len() == place {
                continue;
            }
            let chain = chain.unwrap_or_default();
            held += chain.held();
            self.chains.insert(place, chain);
            let released = names.iter().filter_map(|name| waiting.remove(name));
            for other in released.flatten() {
                due.insert((pass + usize::from(other < at), other));
            }
        }
        let mut left: Vec<usize> = waiting.into_values().flatten().collect();
        left.sort_unstable();
        for pending in left.into_iter().filter_map(|at| all.get(at)) {
            if let Err(unlinked) = self.correlation(pending, held) {
                self.unlinked(pending, unlinked);
            }
        }
        self.silence_watched();
    }

    /// The correlations of all files, as many as may be linked.
    fn take_correlations(&mut self) -> Vec<Pending> {
        let mut all = std::mem::take(&mut self.correlations);
        let most = limits::MOST_CORRELATIONS;
        for Pending { origin, rule, .. } in all.drain(most.min(all.len())..) {
            let reason = format!("the rule files have more than {most} correlations");
            self.reject(&origin, &rule.title, reason);
        }
        all
    }

    /// What stands between a correlation over rules at these places and events.
    fn chain(&self, watched: &[usize], held: u64) -> Result<limits::Chain, String> {
        let chain = |place: &usize| self.chains.get(place).copied().unwrap_or_default();
        let below: Vec<limits::Chain> = watched.iter().map(chain).collect();
        limits::Chain::over(&below, held)
    }

    fn unlinked(&mut self, pending: &Pending, unlinked: Unlinked) {
        let Pending {
            origin,
            rule: correlation,
            header,
            ..
        } = pending;
        let reason = match unlinked {
            Unlinked::Fault(reason) => reason,
            Unlinked::Threshold => {
                let name = name_of(correlation.name.as_deref(), origin);
                self.note_unusable(
                    &name,
                    "threshold",
                    "its condition combines rules and counts none",
                );
                "the configuration sets a threshold for it, and it compares with none".to_owned()
            }
            Unlinked::Interner(name) => match self.missing(&name).map(<[String]>::to_vec) {
                Some(missing) => {
                    let rule = name_of(correlation.name.as_deref(), origin);
                    let called = Called::new(rule, correlation.id.clone(), header.aliases.clone());
                    return self.waits(&correlation.title, called, missing);
                }
                None => format!("it watches `{name}`, which is not loaded"),
            },
        };
        self.reject(origin, &correlation.title, reason);
    }

    fn correlation(&self, pending: &Pending, held: u64) -> Result<Rule, Unlinked> {
        let Pending {
            origin,
            rule,
            numbers,
            header,
        } = pending;
        let name = name_of(rule.name.as_deref(), origin);
        let settings = self.override_of(&name, rule.id.as_deref(), &header.aliases);
        let wanted = match &rule.condition {
            CorrelationCondition::Extended(expression) if rule.rules.is_empty() => {
                condition::named(expression)
            }
            _ => rule.rules.clone(),
        };
        let watched = self.watched(&wanted)?;
        self.chain(&watched, held).map_err(Unlinked::Fault)?;
        let measure = measure(rule, numbers.percentile)?;
        let condition = self.condition(rule, measure, &wanted, &watched)?;
        let fields = match &rule.condition {
            CorrelationCondition::Threshold { field, .. } => field.clone().unwrap_or_default(),
            CorrelationCondition::Extended(_) => Vec::new(),
        };
        if measure.needs_field() && fields.is_empty() {
            return Err(fault("its condition needs a `field`"));
        }
        if !measure.needs_field() && !fields.is_empty() {
            return Err(fault(
                "`field` is for correlations of values: `value_count` and the like",
            ));
        }
        if numbers.percentile.is_some() && !matches!(measure, Measure::ValuePercentile(_)) {
            return Err(fault("`percentile` is for `value_percentile`"));
        }
        let mut thresholds = numbers.thresholds.clone();
        if let Some(threshold) = settings.and_then(|settings| settings.threshold) {
            if condition.is_some() {
                return Err(Unlinked::Threshold);
            }
            match thresholds.as_mut_slice() {
                [] => thresholds.push((Comparison::Gte, threshold)),
                several => several
                    .iter_mut()
                    .for_each(|(_, number)| *number = threshold),
            }
        }
        if thresholds.is_empty() && !measure.is_temporal() {
            return Err(fault("its condition has no threshold"));
        }
        let condition = condition.or_else(|| {
            let all = || Condition::all_of(&wanted);
            thresholds.is_empty().then(all)
        });
        let timespan = settings
            .and_then(|settings| settings.timespan)
            .unwrap_or_else(|| i64::try_from(rule.timespan.seconds).unwrap_or(i64::MAX));
        if timespan == 0 {
            return Err(fault("its timespan is zero"));
        }
        let names = self.group_names(rule, &wanted, &watched)?;
        let nested_names = names.iter().chain(&names);
        let correlation = Correlation {
            measure,
            group_by: rule.group_by.clone(),
            group_fields: nested_names
                .map(|names| names.iter().map(|name| field(name)).collect())
                .collect::<Result<_, _>>()?,
            chained: self.chained(&watched, &names),
            rules: watched,
            fields: fields
                .iter()
                .map(|name| field(name))
                .collect::<Result<_, _>>()?,
            timespan,
            thresholds,
            condition,
            generate: rule.generate,
        };
        self.rule(origin, header.clone(), RuleKind::Correlation(correlation))
            .map_err(|(_, reason)| Unlinked::Fault(reason))
    }

    /// The places of the rules of those names or ids.
    fn watched(&self, names: &[String]) -> Result<Vec<usize>, Unlinked> {
        let mut watched = Vec::new();
        for name in names {
            let place = self.named(name)?;
            if watched.contains(&place) {
                return Err(fault(format!("it watches `{name}` twice")));
            }
            let rule = self.set.rules.get(place);
            if rule.is_some_and(|rule| rule.first_seen.is_some()) {
                return Err(fault(format!(
                    "it watches `{name}`, which finds what is new: that is known only when all is read"
                )));
            }
            watched.push(place);
        }
        if watched.is_empty() {
            return Err(fault("it watches no rule"));
        }
        Ok(watched)
    }

    /// The rule of that name, or else of that id. Published rules share ids now and then: an id
    /// that several have names none of them.
    fn named(&self, name: &str) -> Result<usize, Unlinked> {
        if let Some(place) = self.by_name.get(name) {
            return Ok(*place);
        }
        let found = self.places_of_id.get(name);
        match found.map_or(&[][..], Vec::as_slice) {
            [place] => Ok(*place),
            [] => Err(Unlinked::Interner(name.to_owned())),
            several => {
                let rules = several
                    .iter()
                    .filter_map(|place| self.set.rules.get(*place));
                let names: Vec<&str> = rules.map(|rule| rule.name.as_str()).collect();
                Err(fault(format!(
                    "it watches `{name}`, which is the id of {}: write the name instead",
                    names.join(" and ")
                )))
            }
        }
    }

    /// What a rule that a correlation watches can be called: first as the correlation writes it.
    fn called<'s>(&'s self, written: &'s str, place: usize) -> Vec<&'s str> {
        let rule = self.set.rules.get(place);
        let names = rule.map(|rule| [rule.name.as_str(), rule.id.as_str()]);
        std::iter::once(written)
            .chain(names.into_iter().flatten())
            .filter(|name| !name.is_empty())
            .collect()
    }

    fn condition(
        &self,
        rule: &CorrelationRule,
        measure: Measure,
        wanted: &[String],
        watched: &[usize],
    ) -> Result<Option<Condition>, Unlinked> {
        let CorrelationCondition::Extended(expression) = &rule.condition else {
            return Ok(None);
        };
        if !measure.is_temporal() {
            return Err(fault(
                "a condition over rules is for `temporal` and `temporal_ordered` only",
            ));
        }
        let places = wanted.iter().zip(watched);
        let called: Vec<Vec<&str>> = places
            .map(|(written, place)| self.called(written, *place))
            .collect();
        condition::condition(expression, &called)
            .map(Some)
            .map_err(fault)
    }

    /// Per watched rule, the field that each entry of `group-by` means.
    fn group_names(
        &self,
        rule: &CorrelationRule,
        wanted: &[String],
        watched: &[usize],
    ) -> Result<Vec<Vec<String>>, Unlinked> {
        let called: Vec<Vec<&str>> = wanted
            .iter()
            .zip(watched)
            .map(|(written, place)| self.called(written, *place))
            .collect();
        for alias in &rule.aliases {
            let known = |name: &String| called.iter().any(|names| names.contains(&name.as_str()));
            let mut rules: Vec<&String> = alias.mapping.keys().collect();
            rules.sort();
            if let Some(unknown) = rules.into_iter().find(|name| !known(name)) {
                return Err(fault(format!(
                    "the alias `{}` is for `{unknown}`, which it does not watch",
                    alias.alias
                )));
            }
        }
        let meant = |name: &String, names: &[&str]| {
            rule.aliases
                .iter()
                .filter(|alias| alias.alias == *name)
                .find_map(|alias| names.iter().find_map(|rule| alias.mapping.get(*rule)))
                .unwrap_or(name)
                .clone()
        };
        let of = |names: &Vec<&str>| {
            rule.group_by
                .iter()
                .map(|name| meant(name, names))
                .collect()
        };
        Ok(called.iter().map(of).collect())
    }

    /// How the bursts of each watched rule find their group.
    fn chained(&self, watched: &[usize], names: &[Vec<String>]) -> Vec<Chained> {
        let of = |(place, names): (&usize, &Vec<String>)| {
            let Some(RuleKind::Correlation(below)) =
                self.set.rules.get(*place).map(|rule| &rule.kind)
            else {
                return Chained::Event;
            };
            let place = |name: &String| below.group_by.iter().position(|known| known == name);
            let places: Option<Vec<usize>> = names.iter().map(place).collect();
            places.map_or(Chained::Events, Chained::Places)
        };
        watched.iter().zip(names).map(of).collect()
    }

    /// A rule that correlations watch reports by itself only where one of them says `generate`.
    fn silence_watched(&mut self) {
        // whether one of its watchers says `generate`
        let mut watched: BTreeMap<usize, bool> = BTreeMap::new();
        for rule in &self.set.rules {
            if let RuleKind::Correlation(watcher) = &rule.kind {
                for place in &watcher.rules {
                    *watched.entry(*place).or_default() |= watcher.generate;
                }
            }
        }
        let hushed = watched.into_iter().filter(|(_, generates)| !generates);
        for (place, _) in hushed {
            if let Some(rule) = self.set.rules.get_mut(place) {
                rule.silent = true;
            }
        }
    }
}
