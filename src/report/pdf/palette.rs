//! The colors of the page. Each is dark enough to be read in gray; a word always stands beside it.

use crate::severity::Severity;

/// Red, green, blue.
pub(super) type Color = [u8; 3];

pub(super) const INK: Color = [0x1c, 0x24, 0x30];
pub(super) const MUTED: Color = [0x5b, 0x66, 0x75];
pub(super) const RULE: Color = [0xd3, 0xd9, 0xe0];
pub(super) const PANEL: Color = [0xf4, 0xf6, 0xf8];
pub(super) const WHITE: Color = [0xff, 0xff, 0xff];
pub(super) const ACCENT: Color = [0x0f, 0x4c, 0x64];
pub(super) const ALERT: Color = [0xa1, 0x1f, 0x2c];
pub(super) const ALERT_PANEL: Color = [0xfb, 0xee, 0xee];

pub(super) const SUCCEEDED: Color = [0x9d, 0xb4, 0xc3];
pub(super) const FAILED: Color = [0xc9, 0x8a, 0x1b];
pub(super) const DENIED: Color = [0xa1, 0x1f, 0x2c];

pub(super) const fn level_color(level: Severity) -> Color {
    match level {
        Severity::Critical => ALERT,
        Severity::High => [0xa8, 0x4a, 0x06],
        Severity::Medium => [0x7a, 0x62, 0x00],
        Severity::Low => [0x2c, 0x5d, 0x8f],
        Severity::Informational => MUTED,
    }
}
