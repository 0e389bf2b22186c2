//! Correlation rules, linked to the rules they watch.

use rsigma_parser::{CorrelationCondition, CorrelationRule};

use super::metadata::{Header, level, name_of};
use super::{Loader, Thresholds};
use crate::rules::{Comparison, Correlation, Field, Measure, Origin, Rule, RuleKind, Unconfigured};

pub(super) enum Unlinked {
    /// The rule of that name is not loaded.
    Names(String),
    Fault(String),
}

pub(super) fn measure(rule: &CorrelationRule, percentile: Option<u64>) -> Result<Measure, String> {
    use rsigma_parser::CorrelationType as Type;
    Ok(match rule.correlation_type {
        Type::EventCount => Measure::EventCount,
        Type::ValueCount => Measure::ValueCount,
        Type::Temporal => Measure::Temporal,
        Type::TemporalOrdered => Measure::TemporalOrdered,
        Type::ValueSum => Measure::ValueSum,
        Type::ValueAvg => Measure::ValueAvg,
        #[allow(clippy::cast_precision_loss, reason = "a percentage")]
        Type::ValuePercentile => Measure::ValuePercentile(percentile.unwrap_or(50) as f64),
        Type::ValueMedian => return Err("`value_median` is not in Sigma 2.1".into()),
    })
}

impl Loader<'_> {
    /// Resolves correlations after everything they may watch, other correlations included.
    pub(super) fn link_correlations(&mut self) {
        let mut waiting = std::mem::take(&mut self.correlations);
        loop {
            let before = waiting.len();
            let mut still = Vec::new();
            for (origin, correlation, thresholds) in waiting {
                match self.correlation(&origin, &correlation, &thresholds) {
                    Ok(rule) => self.add(rule),
                    Err(Unlinked::Names(_)) if before > 1 => {
                        still.push((origin, correlation, thresholds))
                    }
                    Err(unlinked) => self.unlinked(&origin, &correlation, unlinked),
                }
            }
            waiting = still;
            if waiting.len() == before || waiting.is_empty() {
                break;
            }
        }
        for (origin, correlation, thresholds) in waiting {
            if let Err(unlinked) = self.correlation(&origin, &correlation, &thresholds) {
                self.unlinked(&origin, &correlation, unlinked);
            }
        }
        self.hush_watched();
    }

    fn unlinked(&mut self, origin: &Origin, correlation: &CorrelationRule, unlinked: Unlinked) {
        match unlinked {
            Unlinked::Fault(reason) => self.reject(origin, &correlation.title, reason),
            Unlinked::Names(name) => {
                let waits = self
                    .set
                    .unconfigured
                    .iter()
                    .find(|rule| rule.rule == name)
                    .cloned();
                match waits {
                    Some(base) => {
                        let rule = name_of(correlation.name.as_deref(), origin);
                        self.set.unconfigured.push(Unconfigured {
                            rule,
                            title: correlation.title.clone(),
                            missing: base.missing,
                        });
                    }
                    None => self.reject(
                        origin,
                        &correlation.title,
                        format!("it watches `{name}`, which is not loaded"),
                    ),
                }
            }
        }
    }

    fn correlation(
        &self,
        origin: &Origin,
        rule: &CorrelationRule,
        thresholds: &Thresholds,
    ) -> Result<Rule, Unlinked> {
        let fault = |reason: String| Unlinked::Fault(reason);
        let mut watched = Vec::new();
        for name in &rule.rules {
            let place = self
                .set
                .rules
                .iter()
                .position(|known| known.name == *name || known.id == *name);
            watched.push(place.ok_or_else(|| Unlinked::Names(name.clone()))?);
        }
        if watched.is_empty() {
            return Err(fault("it watches no rule".into()));
        }
        let (fields, percentile) = match &rule.condition {
            CorrelationCondition::Threshold {
                field, percentile, ..
            } => (field.clone().unwrap_or_default(), *percentile),
            CorrelationCondition::Extended(_) => {
                return Err(fault("an extended condition is not supported yet".into()));
            }
        };
        let measure = measure(rule, percentile).map_err(fault)?;
        let needs_field = !matches!(
            measure,
            Measure::EventCount | Measure::Temporal | Measure::TemporalOrdered
        );
        if needs_field && fields.is_empty() {
            return Err(fault("its condition needs a `field`".into()));
        }
        let name = name_of(rule.name.as_deref(), origin);
        let settings = self.settings.overrides.get(&name);
        let mut thresholds = thresholds.clone();
        if matches!(measure, Measure::Temporal | Measure::TemporalOrdered) && thresholds.is_empty()
        {
            #[allow(clippy::cast_precision_loss, reason = "a handful of rules")]
            thresholds.push((Comparison::Gte, watched.len() as f64));
        }
        if thresholds.is_empty() {
            return Err(fault("its condition has no threshold".into()));
        }
        if let Some(threshold) = settings.and_then(|settings| settings.threshold) {
            thresholds
                .iter_mut()
                .for_each(|(_, number)| *number = threshold);
        }
        let field = |name: &String| {
            Field::new(name).map_err(|_unknown| fault(format!("`{name}` is not a field")))
        };
        let group_of = |name: &String, watched: &String| {
            let alias = rule
                .aliases
                .iter()
                .find(|alias| alias.alias == *name)
                .and_then(|alias| alias.mapping.get(watched));
            field(alias.unwrap_or(name))
        };
        let group_fields: Result<Vec<Vec<_>>, _> = rule
            .rules
            .iter()
            .map(|watched| {
                rule.group_by
                    .iter()
                    .map(|name| group_of(name, watched))
                    .collect()
            })
            .collect();
        let correlation = Correlation {
            measure,
            rules: watched,
            group_by: rule.group_by.clone(),
            group_fields: group_fields?,
            fields: fields.iter().map(field).collect::<Result<_, _>>()?,
            timespan: settings
                .and_then(|settings| settings.timespan)
                .unwrap_or_else(|| i64::try_from(rule.timespan.seconds).unwrap_or(i64::MAX)),
            thresholds,
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
