//! Counts and durations in words: the one place where they are written for people.

use crate::event::time::{DAY, Epoch, HOUR, MINUTE};

/// The text with its first letter in upper case.
pub fn upper_first(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

/// `1 finding`, `2 findings`, `2 addresses`, with thousands marked.
pub fn plural(count: u64, noun: &str) -> String {
    let ending = match noun.ends_with(['s', 'x']) {
        _ if count == 1 => "",
        true => "es",
        false => "s",
    };
    format!("{} {noun}{ending}", thousands(count))
}

/// `12,003`.
pub fn thousands(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `10 minutes`, `24 hours`: exact, in the largest unit that needs no fraction.
pub fn exact_duration(seconds: Epoch) -> String {
    let (unit, name) = match seconds {
        s if s % DAY == 0 && s > DAY => (DAY, "day"),
        s if s % HOUR == 0 => (HOUR, "hour"),
        s if s % MINUTE == 0 => (MINUTE, "minute"),
        _ => (1, "second"),
    };
    plural((seconds / unit).unsigned_abs(), name)
}

/// `3 hours`, `2 hours 20 minutes`: to the second, in as many units as that takes.
pub fn full_duration(seconds: Epoch) -> String {
    let units = [
        (DAY, "day"),
        (HOUR, "hour"),
        (MINUTE, "minute"),
        (1, "second"),
    ];
    let mut rest = seconds.saturating_abs();
    let mut parts = Vec::new();
    for (unit, name) in units {
        // up to two days, hours say more
        if rest >= unit && (unit < DAY || rest >= 2 * unit) {
            parts.push(plural((rest / unit).unsigned_abs(), name));
            rest %= unit;
        }
    }
    match parts.is_empty() {
        true => plural(0, "second"),
        false => parts.join(" "),
    }
}

/// `42 minutes`: rounded down, in the largest unit that keeps two digits of truth.
pub fn rounded_duration(seconds: Epoch) -> String {
    let (unit, noun) = match seconds.abs() {
        0..120 => (1, "second"),
        HOUR => (HOUR, "hour"),
        120..7_200 => (MINUTE, "minute"),
        7_200..172_800 => (HOUR, "hour"),
        _ => (DAY, "day"),
    };
    plural((seconds / unit).unsigned_abs(), noun)
}

/// `1 second`, `7 minutes`, `3 hours`, rounded up: an estimate.
pub fn estimated_duration(seconds: f64) -> String {
    let (amount, noun) = match seconds {
        s if s <= 90.0 => (s, "second"),
        s if s <= 5_400.0 => (s / 60.0, "minute"),
        s => (s / 3_600.0, "hour"),
    };
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a number of seconds, minutes or hours, never below nought"
    )]
    let amount = amount.ceil().max(1.0) as u64;
    plural(amount, noun)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_exact_or_rounded_as_their_function_says() {
        assert_eq!(
            [exact_duration(600), exact_duration(DAY)],
            ["10 minutes", "24 hours"]
        );
        assert_eq!(
            [exact_duration(2 * DAY), exact_duration(61)],
            ["2 days", "61 seconds"]
        );
        assert_eq!(full_duration(2 * HOUR + 20 * MINUTE), "2 hours 20 minutes");
        assert_eq!(full_duration(0), "0 seconds");
        assert_eq!(full_duration(3 * DAY + 1), "3 days 1 second");
        assert_eq!(
            [rounded_duration(2_520), rounded_duration(59)],
            ["42 minutes", "59 seconds"]
        );
        assert_eq!(
            [rounded_duration(HOUR), rounded_duration(7_199)],
            ["1 hour", "119 minutes"]
        );
        assert_eq!(
            [estimated_duration(0.2), estimated_duration(91.0)],
            ["1 second", "2 minutes"]
        );
    }

    #[test]
    fn counts_have_their_thousands_marked() {
        assert_eq!(thousands(12_003), "12,003");
        assert_eq!(
            [plural(1, "file"), plural(1_000, "file")],
            ["1 file", "1,000 files"]
        );
        assert_eq!(upper_first("all"), "All");
    }
}
