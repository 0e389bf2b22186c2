//! How much event selectors hold.

use super::{FieldSelector, Selectors};

impl Selectors {
    /// How many values all conditions of all selectors have, conditions without one counted as one.
    pub fn values(&self) -> usize {
        let fields = self.0.iter().flat_map(|selector| &selector.0);
        let values = |field: &FieldSelector| {
            let lists = [
                &field.equals,
                &field.starts_with,
                &field.ends_with,
                &field.not_equals,
                &field.not_starts_with,
                &field.not_ends_with,
            ];
            let values: usize = lists.into_iter().map(Vec::len).sum();
            values.max(1)
        };
        self.0.len().max(fields.map(values).sum())
    }
}
