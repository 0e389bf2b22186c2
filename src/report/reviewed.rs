//! The report with what people decided: what is left to decide, and what an exception hides.

use std::collections::BTreeMap;

use super::Report;
use crate::severity::Severity;

impl Report {
    /// How many findings at each level nobody has decided and no exception hides, most severe first; levels
    /// without any left out.
    pub fn to_decide(&self) -> Vec<(Severity, usize)> {
        let Some(view) = &self.review else {
            return self.by_level();
        };
        let mut settled: BTreeMap<Severity, usize> = BTreeMap::new();
        for finding in self.findings.iter().filter(|one| view.is_settled(&one.id)) {
            *settled.entry(finding.level).or_default() += 1;
        }
        let left = |(level, count): (Severity, usize)| {
            (
                level,
                count - settled.get(&level).copied().unwrap_or_default(),
            )
        };
        let levels = self.by_level().into_iter().map(left);
        levels.filter(|(_, count)| *count > 0).collect()
    }

    /// `3 decided, 2 hidden by exceptions`; `None` if there is neither.
    pub fn settled(&self) -> Option<String> {
        let view = self.review.as_ref()?;
        let levels: BTreeMap<&str, Severity> = (self.findings.iter())
            .map(|one| (one.id.as_str(), one.level))
            .collect();
        view.counts(|id| levels.get(id).copied())
    }

    /// The most severe level of all findings that no exception hides. Those that are not kept in full, and
    /// those below the least level shown, are never hidden.
    pub fn worst_not_excepted(&self) -> Option<Severity> {
        let Some(view) = self.review.as_ref().filter(|view| !view.hidden.is_empty()) else {
            return self.worst;
        };
        let shown = self
            .findings
            .iter()
            .filter(|one| !view.hidden.contains_key(&one.id));
        let shown = shown.map(|one| one.level).max();
        let folded = self.folded.levels.keys().copied().max();
        // those left out are known only by their number: at worst they are just below what is shown
        let below = Severity::DESCENDING
            .into_iter()
            .find(|level| *level < self.provenance.min_level);
        let left_out = below.filter(|_| self.left_out > 0);
        shown.max(folded).max(left_out)
    }
}
