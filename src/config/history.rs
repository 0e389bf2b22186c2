//! `[history]`: how long rules learn before they report what is new.

use schemars::JsonSchema;
use serde::Deserialize;

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct HistoryTable {
    /// How many days of logs a rule needs before it reports what is new.
    learning_days: Option<u16>,
}

impl HistoryTable {
    /// The days; `None` if none are configured. Fails if they are none.
    pub(super) fn learning_days(&self) -> Result<Option<u16>, String> {
        match self.learning_days {
            Some(0) => Err(
                "history.learning_days: after 0 days of learning everything would be new: write at \
                 least 1, such as 30"
                    .to_owned(),
            ),
            days => Ok(days),
        }
    }
}
