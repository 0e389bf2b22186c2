//! Sigma filters: conditions that are added to rules which stand elsewhere.

use rsigma_parser::{FilterRule, FilterRuleTarget};

use super::metadata::name_of;
use super::{Called, Loader, not_cloudtrail};
use crate::rules::compile;
use crate::rules::matcher::Node;
use crate::rules::{Origin, Rule, RuleKind};

impl Loader<'_> {
    /// ANDs each filter's condition, as written, to the rules it names (as pySigma does).
    pub(super) fn apply_filters(&mut self) {
        for (origin, filter) in std::mem::take(&mut self.filters) {
            self.filter(&origin, &filter);
        }
    }

    fn filter(&mut self, origin: &Origin, filter: &FilterRule) {
        if let Some(why) = filter.logsource.as_ref().and_then(not_cloudtrail) {
            return self.reject(origin, &filter.title, why);
        }
        let compiled = compile::detections(&filter.detection, &self.settings.placeholders)
            .and_then(|(node, keys)| self.needs_configured(&node, keys.missing).map(|()| node));
        let node = match compiled {
            Ok(node) => node,
            Err(error) => {
                let name = name_of(filter.name.as_deref(), origin);
                let called = Called::new(name, filter.id.clone(), Vec::new());
                return self.refuse(origin, &filter.title, called, error);
            }
        };
        match &filter.rules {
            FilterRuleTarget::Any => {
                self.narrow(filter, &node, &|_| true);
            }
            FilterRuleTarget::Specific(names) => {
                for name in names {
                    let is_meant = |rule: &Rule| rule.is_called(name);
                    // a rule that is not in use needs no filter
                    if !self.narrow(filter, &node, &is_meant) && self.missing(name).is_none() {
                        let reason =
                            format!("it filters `{name}`, which is not a loaded detection rule");
                        self.reject(origin, &filter.title, reason);
                    }
                }
            }
        }
    }

    /// Adds the filter to every detection rule that is meant by its name or id; true where there is
    /// one.
    fn narrow(
        &mut self,
        filter: &FilterRule,
        node: &Node,
        is_meant: &dyn Fn(&Rule) -> bool,
    ) -> bool {
        let mut applied = false;
        for rule in &mut self.set.rules {
            if is_meant(rule)
                && let RuleKind::Detection(old) = &mut rule.kind
            {
                let filtered = Node::Named(filter.title.clone(), Box::new(node.clone()));
                let unfiltered = std::mem::replace(old, Node::All(Vec::new()));
                *old = Node::All(vec![unfiltered, filtered]);
                applied = true;
            }
        }
        applied
    }
}
