//! One value of a rule, its modifiers applied, as what is asked of an event's value.

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use ipnet::IpNet;
use rsigma_parser::{Modifier, SigmaString, SigmaValue, SpecialChar, StringPart};

use crate::rules::Comparison;
use crate::rules::matcher::{TimePart, ValueTest};
use crate::rules::regexp::{Flags, Regexp};
use crate::wildcard::{Part, Wildcard};

/// The most bytes of a pattern with wildcards, and the most `?` in it: an event's text is searched for
/// it, which may take the length of the text times this.
const MOST_PATTERN: usize = 8 << 10;
const MOST_ONES: usize = 256;

/// One value of a rule as what is asked of an event's value; several where a modifier yields
/// variants. The modifiers apply in the order written.
pub(super) fn want(value: &SigmaValue, modifiers: &[Modifier]) -> Result<Vec<ValueTest>, String> {
    if let Some(part) = modifiers.iter().find_map(time_part) {
        let comparison = modifiers
            .iter()
            .find_map(comparison)
            .unwrap_or(Comparison::Eq);
        return Ok(vec![ValueTest::Time(part, comparison, number(value)?)]);
    }
    if let Some(comparison) = modifiers.iter().find_map(comparison) {
        return Ok(vec![ValueTest::Number(comparison, number(value)?)]);
    }
    let text = match value {
        SigmaValue::Null => return Ok(vec![ValueTest::Null]),
        SigmaValue::Integer(number) => SigmaString::from_raw(&number.to_string()),
        // with its point, as JSON has it
        SigmaValue::Float(number) => SigmaString::from_raw(&format!("{number:?}")),
        SigmaValue::Bool(truth) => SigmaString::from_raw(if *truth { "true" } else { "false" }),
        SigmaValue::String(text) => text.clone(),
    };
    if modifiers.contains(&Modifier::Re) {
        let flags = Flags {
            ignore_case: modifiers.contains(&Modifier::IgnoreCase),
            multi_line: modifiers.contains(&Modifier::Multiline),
            dot_all: modifiers.contains(&Modifier::DotAll),
        };
        let regex = Regexp::new(&text.original, flags)
            .map_err(|error| format!("the regular expression cannot be used: {error}"))?;
        return Ok(vec![ValueTest::Regex(Box::new(regex))]);
    }
    if modifiers.contains(&Modifier::Cidr) {
        let address = text.original.parse::<IpAddr>().map(IpNet::from);
        let net: IpNet = address
            .or_else(|_network| text.original.parse())
            .map_err(|_invalid| format!("`{}` is not a network", text.original))?;
        if net.addr() != net.network() {
            return Err(format!(
                "`{net}` has bits set behind its prefix: did you mean `{}`?",
                net.trunc()
            ));
        }
        return Ok(vec![ValueTest::Net(net)]);
    }
    let mut variants = vec![pieces(&text)];
    let mut cased = modifiers.contains(&Modifier::Cased);
    let mut bytes = false;
    for modifier in modifiers {
        cased |= matches!(modifier, Modifier::Base64 | Modifier::Base64Offset);
        variants = variants
            .into_iter()
            .map(|variant| transformed(modifier, variant, bytes))
            .collect::<Result<Vec<_>, _>>()?
            .concat();
        bytes |= matches!(
            modifier,
            Modifier::Wide | Modifier::Utf16 | Modifier::Utf16be
        );
    }
    let wants = variants.into_iter().map(|pieces| {
        let pattern = Wildcard::new(pieces, cased);
        let (bytes, ones) = pattern.size();
        if bytes > MOST_PATTERN {
            return Err(format!(
                "a pattern with wildcards is longer than {MOST_PATTERN} bytes"
            ));
        }
        if ones > MOST_ONES {
            return Err(format!("a pattern has more than {MOST_ONES} `?`"));
        }
        Ok(match pattern.is_anything() {
            true => ValueTest::Present,
            false => ValueTest::Text(pattern),
        })
    });
    wants.collect()
}

fn pieces(text: &SigmaString) -> Vec<Part> {
    let piece = |part: &StringPart| match part {
        StringPart::Plain(text) => Part::Text(text.clone()),
        StringPart::Special(SpecialChar::WildcardMulti) => Part::Many,
        StringPart::Special(SpecialChar::WildcardSingle) => Part::One,
    };
    text.parts.iter().map(piece).collect()
}

/// Applies one modifier to the pieces of a text. After UTF-16 its characters stand for `bytes`.
fn transformed(
    modifier: &Modifier,
    mut pieces: Vec<Part>,
    bytes: bool,
) -> Result<Vec<Vec<Part>>, String> {
    Ok(match modifier {
        Modifier::Contains => {
            pieces.insert(0, Part::Many);
            pieces.push(Part::Many);
            vec![pieces]
        }
        Modifier::StartsWith => {
            pieces.push(Part::Many);
            vec![pieces]
        }
        Modifier::EndsWith => {
            pieces.insert(0, Part::Many);
            vec![pieces]
        }
        Modifier::Wide => vec![bytes_as_text(&utf16(&plain(&pieces)?, u16::to_le_bytes))],
        Modifier::Utf16be => vec![bytes_as_text(&utf16(&plain(&pieces)?, u16::to_be_bytes))],
        Modifier::Utf16 => {
            let with_mark = [vec![0xff, 0xfe], utf16(&plain(&pieces)?, u16::to_le_bytes)].concat();
            vec![bytes_as_text(&with_mark)]
        }
        Modifier::Base64 => {
            let encoded =
                base64::engine::general_purpose::STANDARD.encode(as_bytes(&plain(&pieces)?, bytes));
            vec![vec![Part::Text(encoded)]]
        }
        Modifier::Base64Offset => {
            let bytes = as_bytes(&plain(&pieces)?, bytes);
            (0..3)
                .map(|shift| vec![Part::Text(shifted_base64(&bytes, shift))])
                .collect()
        }
        Modifier::WindAsh => dashes(pieces),
        _ => vec![pieces],
    })
}

/// Text without wildcards, for the encodings.
fn plain(pieces: &[Part]) -> Result<String, String> {
    pieces
        .iter()
        .map(|piece| match piece {
            Part::Text(text) => Ok(text.as_str()),
            Part::One | Part::Many => Err("wildcards cannot be encoded".to_owned()),
        })
        .collect()
}

/// Bytes travel between the encoding modifiers as characters U+0000 to U+00FF.
fn bytes_as_text(bytes: &[u8]) -> Vec<Part> {
    vec![Part::Text(
        bytes.iter().map(|byte| char::from(*byte)).collect(),
    )]
}

/// The bytes of a text: those that its characters stand for, or its UTF-8.
fn as_bytes(text: &str, bytes: bool) -> Vec<u8> {
    if !bytes {
        return text.as_bytes().to_vec();
    }
    text.chars()
        .filter_map(|c| u8::try_from(u32::from(c)).ok())
        .collect()
}

fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(bytes).collect()
}

/// The part of an encoding that does not depend on what stands around the text.
fn shifted_base64(bytes: &[u8], shift: usize) -> String {
    let padded = [vec![0; shift], bytes.to_vec()].concat();
    let encoded = STANDARD_NO_PAD.encode(&padded);
    let from = [0, 2, 3].get(shift).copied().unwrap_or(0);
    let unstable = usize::from(padded.len() % 3 != 0);
    encoded
        .get(from..encoded.len() - unstable)
        .unwrap_or_default()
        .to_owned()
}

/// A flag that begins with any of the dashes Windows takes for one, or with a slash.
fn dashes(pieces: Vec<Part>) -> Vec<Vec<Part>> {
    const DASHES: [char; 5] = ['-', '/', '\u{2013}', '\u{2014}', '\u{2015}'];
    let begins_flag = |text: &str| {
        let mut before = ' ';
        text.chars().any(|c| {
            let flag = matches!(c, '-' | '/') && !before.is_alphanumeric();
            before = c;
            flag
        })
    };
    if !pieces
        .iter()
        .any(|piece| matches!(piece, Part::Text(text) if begins_flag(text)))
    {
        return vec![pieces];
    }
    let with = |dash: char| {
        let replace = |piece: &Part| match piece {
            Part::Text(text) => {
                let mut before = ' ';
                Part::Text(
                    text.chars()
                        .map(|c| {
                            let flag = matches!(c, '-' | '/') && !before.is_alphanumeric();
                            before = c;
                            if flag { dash } else { c }
                        })
                        .collect(),
                )
            }
            other => other.clone(),
        };
        pieces.iter().map(replace).collect()
    };
    DASHES.into_iter().map(with).collect()
}

const fn comparison(modifier: &Modifier) -> Option<Comparison> {
    match modifier {
        Modifier::Lt => Some(Comparison::Lt),
        Modifier::Lte => Some(Comparison::Lte),
        Modifier::Gt => Some(Comparison::Gt),
        Modifier::Gte => Some(Comparison::Gte),
        _ => None,
    }
}

const fn time_part(modifier: &Modifier) -> Option<TimePart> {
    match modifier {
        Modifier::Minute => Some(TimePart::Minute),
        Modifier::Hour => Some(TimePart::Hour),
        Modifier::Day => Some(TimePart::Day),
        Modifier::Week => Some(TimePart::Week),
        Modifier::Month => Some(TimePart::Month),
        Modifier::Year => Some(TimePart::Year),
        _ => None,
    }
}

fn number(value: &SigmaValue) -> Result<f64, String> {
    let text = value.to_string();
    text.trim()
        .parse()
        .map_err(|_not_a_number| format!("`{text}` is not a number"))
}
