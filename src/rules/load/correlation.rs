//! Correlation rules, linked to the rules they watch.

use rsigma_parser::{CorrelationCondition, CorrelationRule};

use super::condition;
use super::metadata::{Header, level, name_of};
use super::{Called, Loader, Numbers};
use crate::rules::{
    Chained, Comparison, Condition, Correlation, Field, Measure, Origin, Rule, RuleKind,
};

pub(super) enum Unlinked {
    /// The rule of that name is not loaded.
    Names(String),
    Fault(String),
    /// The configuration sets a threshold, and the rule compares with none.
    Threshold,
}

fn fault(reason: impl Into<String>) -> Unlinked {
    Unlinked::Fault(reason.into())
}

fn field(name: &str) -> Result<Field, Unlinked> {
    Field::new(name).map_err(|unknown| fault(unknown.to_string()))
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
        let mut waiting = std::mem::take(&mut self.correlations);
        loop {
            let before = waiting.len();
            let mut still = Vec::new();
            for (origin, correlation, numbers) in waiting {
                match self.correlation(&origin, &correlation, &numbers) {
                    Ok(rule) => self.add(rule),
                    Err(Unlinked::Names(_)) if before > 1 => {
                        still.push((origin, correlation, numbers))
                    }
                    Err(unlinked) => self.unlinked(&origin, &correlation, unlinked),
                }
            }
            waiting = still;
            if waiting.len() == before || waiting.is_empty() {
                break;
            }
        }
        for (origin, correlation, numbers) in waiting {
            if let Err(unlinked) = self.correlation(&origin, &correlation, &numbers) {
                self.unlinked(&origin, &correlation, unlinked);
            }
        }
        self.hush_watched();
    }

    fn unlinked(&mut self, origin: &Origin, correlation: &CorrelationRule, unlinked: Unlinked) {
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
            Unlinked::Names(name) => match self.missing(&name).map(<[String]>::to_vec) {
                Some(missing) => {
                    let rule = name_of(correlation.name.as_deref(), origin);
                    let called = Called::new(rule, correlation.id.clone());
                    return self.waits(&correlation.title, called, missing);
                }
                None => format!("it watches `{name}`, which is not loaded"),
            },
        };
        self.reject(origin, &correlation.title, reason);
    }

    fn correlation(
        &self,
        origin: &Origin,
        rule: &CorrelationRule,
        numbers: &Numbers,
    ) -> Result<Rule, Unlinked> {
        let name = name_of(rule.name.as_deref(), origin);
        let settings = self.override_of(&name, rule.id.as_deref());
        let wanted = match &rule.condition {
            CorrelationCondition::Extended(expression) if rule.rules.is_empty() => {
                condition::named(expression)
            }
            _ => rule.rules.clone(),
        };
        let watched = self.watched(&wanted)?;
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
        let beneath = names.iter().chain(&names);
        let correlation = Correlation {
            measure,
            group_by: rule.group_by.clone(),
            group_fields: beneath
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
        let header = Header {
            title: rule.title.clone(),
            id: rule.id.clone(),
            name: rule.name.clone(),
            description: rule.description.clone(),
            level: rule.level.map(level),
            status: rule
                .status
                .map(|status| format!("{status:?}").to_lowercase()),
            author: rule.author.clone(),
            references: rule.references.clone(),
            false_positives: rule.falsepositives.clone(),
            tags: rule.tags.clone(),
            attributes: rule.custom_attributes.get("trailscan").cloned(),
        };
        self.rule(origin, header, RuleKind::Correlation(correlation))
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
        let rules = self.set.rules.iter().enumerate();
        if let Some((place, _)) = rules.clone().find(|(_, rule)| rule.name == name) {
            return Ok(place);
        }
        let found: Vec<(usize, &Rule)> = rules.filter(|(_, rule)| rule.id == name).collect();
        match found.as_slice() {
            [(place, _)] => Ok(*place),
            [] => Err(Unlinked::Names(name.to_owned())),
            several => {
                let names: Vec<&str> = several.iter().map(|(_, rule)| rule.name.as_str()).collect();
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
    fn hush_watched(&mut self) {
        let places = 0..self.set.rules.len();
        let hushed: Vec<usize> = places
            .filter(|place| {
                let generates: Vec<bool> = self
                    .set
                    .watchers(*place)
                    .map(|(_, _, watcher)| watcher.generate)
                    .collect();
                !generates.is_empty() && !generates.contains(&true)
            })
            .collect();
        for place in hushed {
            if let Some(rule) = self.set.rules.get_mut(place) {
                rule.silent = true;
            }
        }
    }
}
