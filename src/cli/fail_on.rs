//! A level at which a command fails, or never.

use crate::severity::Severity;

/// `--fail-on` and `--fail-on-unassessed`: a level, or never.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailOn(pub Option<Severity>);

impl std::str::FromStr for FailOn {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.eq_ignore_ascii_case("never") {
            return Ok(Self(None));
        }
        text.parse()
            .map(|level| Self(Some(level)))
            .map_err(|_error| format!("`{text}` is not a level: use critical, high, medium, low, informational or never"))
    }
}

impl std::fmt::Display for FailOn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(level) => level.fmt(f),
            None => f.write_str("never"),
        }
    }
}
