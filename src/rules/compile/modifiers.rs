//! Which modifiers can stand together. One that another takes no notice of would be passed over,
//! and with it what the writer wanted.

use rsigma_parser::Modifier;

/// What a field is asked, by the modifier that says so; text where none does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Regex,
    Network,
    Exists,
    FieldRef,
    Number,
    Time,
}

const fn kind(modifier: &Modifier) -> Option<Kind> {
    Some(match modifier {
        Modifier::Re => Kind::Regex,
        Modifier::Cidr => Kind::Network,
        Modifier::Exists => Kind::Exists,
        Modifier::FieldRef => Kind::FieldRef,
        Modifier::Lt | Modifier::Lte | Modifier::Gt | Modifier::Gte => Kind::Number,
        Modifier::Minute
        | Modifier::Hour
        | Modifier::Day
        | Modifier::Week
        | Modifier::Month
        | Modifier::Year => Kind::Time,
        _ => return None,
    })
}

/// True where a modifier means something beside those that say the kind.
const fn accepts(kind: Kind, modifier: &Modifier) -> bool {
    use Modifier as M;
    match modifier {
        M::All | M::Expand => !matches!(kind, Kind::Exists | Kind::FieldRef),
        M::Neq => !matches!(kind, Kind::Exists | Kind::Number),
        M::Contains | M::StartsWith | M::EndsWith | M::Cased => {
            matches!(kind, Kind::Text | Kind::FieldRef)
        }
        M::IgnoreCase | M::Multiline | M::DotAll => matches!(kind, Kind::Regex),
        M::Base64 | M::Base64Offset | M::Wide | M::Utf16 | M::Utf16be | M::WindAsh => {
            matches!(kind, Kind::Text)
        }
        _ => true,
    }
}

/// Of each of these at most one can stand.
const ONE_OF: [&[Modifier]; 6] = [
    &[Modifier::Contains, Modifier::StartsWith, Modifier::EndsWith],
    &[Modifier::Base64, Modifier::Base64Offset],
    &[Modifier::Wide, Modifier::Utf16, Modifier::Utf16be],
    &[Modifier::Lt, Modifier::Lte, Modifier::Gt, Modifier::Gte],
    &[
        Modifier::Minute,
        Modifier::Hour,
        Modifier::Day,
        Modifier::Week,
        Modifier::Month,
        Modifier::Year,
    ],
    &[Modifier::Neq, Modifier::All],
];

/// Why these modifiers cannot stand together; `None` if they can.
pub(super) fn conflict(modifiers: &[Modifier]) -> Option<String> {
    let word = |modifier: &Modifier| format!("`{modifier:?}`").to_lowercase();
    let both = |a: &Modifier, b: &Modifier| {
        Some(format!("{} and {} cannot stand together", word(a), word(b)))
    };
    for (at, modifier) in modifiers.iter().enumerate() {
        let before = modifiers.get(..at).unwrap_or_default();
        if before.contains(modifier) {
            return Some(format!("{} stands twice", word(modifier)));
        }
        let rival = |other: &&Modifier| {
            ONE_OF
                .iter()
                .any(|group| group.contains(modifier) && group.contains(other))
        };
        if let Some(other) = before.iter().find(rival) {
            return both(other, modifier);
        }
    }
    let mut says = modifiers.iter().filter(|modifier| kind(modifier).is_some());
    let first = says.next();
    let mut whole = first.and_then(kind).unwrap_or(Kind::Text);
    for other in says {
        // the hour of a time is a number to compare
        whole = match (whole, kind(other)) {
            (Kind::Time, Some(Kind::Number)) | (Kind::Number, Some(Kind::Time)) => Kind::Time,
            _ => return both(first?, other),
        };
    }
    let idle = modifiers
        .iter()
        .find(|modifier| !accepts(whole, modifier))?;
    match first {
        Some(first) => both(first, idle),
        None => Some(format!("{} needs `re` beside it", word(idle))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Option<String> {
        let modifiers: Vec<Modifier> = text.split('|').map(|word| word.parse().unwrap()).collect();
        conflict(&modifiers)
    }

    #[test]
    fn what_means_something_together_may_stand_together() {
        for text in [
            "contains|all",
            "contains|windash",
            "wide|base64offset|contains",
            "utf16be|base64|contains",
            "contains|cased|all",
            "contains|expand",
            "startswith|neq",
            "re|i|m|s",
            "re|all",
            "re|neq",
            "cidr|expand",
            "cidr|neq",
            "exists",
            "fieldref|neq",
            "fieldref|startswith|cased",
            "hour|gte",
            "lt|hour",
            "gte",
            "week|neq",
        ] {
            assert_eq!(of(text), None, "{text}");
        }
    }

    #[test]
    fn what_one_of_two_would_pass_over_is_refused() {
        for (text, reason) in [
            ("contains|startswith", "`contains` and `startswith`"),
            ("re|contains", "`re` and `contains`"),
            ("cidr|startswith", "`cidr` and `startswith`"),
            ("re|cidr", "`re` and `cidr`"),
            ("exists|contains", "`exists` and `contains`"),
            ("exists|neq", "`exists` and `neq`"),
            ("fieldref|all", "`fieldref` and `all`"),
            ("fieldref|expand", "`fieldref` and `expand`"),
            ("i", "needs `re`"),
            ("contains|i", "needs `re`"),
            ("gt|lt", "`gt` and `lt`"),
            ("gt|contains", "`gt` and `contains`"),
            ("lt|neq", "`lt` and `neq`"),
            ("hour|minute", "`hour` and `minute`"),
            ("neq|all", "`neq` and `all`"),
            ("base64|base64offset", "`base64` and `base64offset`"),
            ("wide|utf16", "`wide` and `utf16`"),
            ("cased|re", "`re` and `cased`"),
            ("contains|contains", "`contains` stands twice"),
        ] {
            let refused = of(text).unwrap();
            assert!(refused.contains(reason), "{text}: {refused}");
        }
    }
}
