//! Values of logs in text that is put together as a string.

use crate::safe_text;

/// Every character that hides, moves or reorders others becomes U+FFFD ([`safe_text::line`]).
pub fn visible(text: &str) -> String {
    safe_text::line(text, usize::MAX).into_owned()
}
