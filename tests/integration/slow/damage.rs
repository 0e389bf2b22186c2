//! Numbers that look random and are the same in every run, and what they do to a file: records
//! nobody would write but JSON allows, and accidents.

use std::fmt::Write as _;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

/// SplitMix64.
pub struct RandomNumbers(u64);

impl RandomNumbers {
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to below `end`; 0 where there is nothing to choose from.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end.max(1) as u64).unwrap()
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

/// One accident, and its name.
pub fn accident(dice: &mut RandomNumbers, bytes: &mut Vec<u8>) -> &'static str {
    let at = dice.below(bytes.len());
    let run = at..(at + 1 + dice.below(8)).min(bytes.len());
    let marks: Vec<usize> = (0..bytes.len())
        .filter(|at| b"{}[]:,\"".contains(&bytes[*at]))
        .collect();
    let mark = marks.get(dice.below(marks.len())).copied().unwrap_or(0);
    match dice.below(14) {
        _ if bytes.is_empty() => "nothing left to damage",
        0 => {
            bytes[at] ^= 1 << dice.below(8);
            "a bit flipped"
        }
        1 => {
            bytes[at] = u8::try_from(dice.below(256)).unwrap();
            "another byte"
        }
        2 => {
            bytes[at] = dice.pick(b"{}[]:,\"\\");
            "a mark in place of a byte"
        }
        3 => {
            bytes.drain(run);
            "bytes lost"
        }
        4 => {
            bytes.remove(mark);
            "a mark lost"
        }
        5 => {
            bytes[mark] = dice.pick(b"{}[]:,\"");
            "a mark for another"
        }
        6 => {
            bytes.insert(mark, bytes[mark]);
            "a mark twice"
        }
        7 => {
            let other = marks.get(dice.below(marks.len())).copied().unwrap_or(0);
            bytes.swap(mark, other);
            "two marks swapped"
        }
        8 => {
            bytes.truncate(at);
            "cut at the end"
        }
        9 => {
            bytes.drain(..at);
            "cut at the beginning"
        }
        10 => {
            let from = dice.below(bytes.len());
            let piece = bytes[from..(from + dice.below(70)).min(bytes.len())].to_vec();
            bytes.splice(at..at, piece);
            "a piece of it in the wrong place"
        }
        11 => {
            let blanks = vec![dice.pick(b" \t\r\n\x0b\0"); 1 + dice.below(70)];
            bytes.splice(mark..mark, blanks);
            "blanks, or what looks like them"
        }
        12 => {
            let odd: &[u8] = dice.pick(&[
                &b"\xff"[..],
                b"\xc0\xaf",
                b"\xed\xa0\x80",
                b"\xe2\x82",
                b"\xf4\x90\x80\x80",
                b"\x80",
                "\u{2028}".as_bytes(),
                "\u{feff}".as_bytes(),
            ]);
            bytes.splice(at..at, odd.iter().copied());
            "bytes that are no text, or odd text"
        }
        _ => {
            let odd = dice.pick(&[
                "NaN",
                "tru",
                "nulll",
                "01",
                "1.",
                ".5",
                "-",
                "1e",
                "+1",
                "0x1",
                "'a'",
                "//",
                "{}",
                "[]",
                "\\",
                "\\\\\\",
                "\\u12",
                "\\ud800",
                "\\x",
                "\"\"",
                "1e400",
                "-0",
                "12345678901234567890123",
            ]);
            bytes.splice(mark..mark, odd.bytes());
            "a word nobody wrote"
        }
    }
}

/// A log of records that nobody would write and JSON allows.
pub fn odd_log(dice: &mut RandomNumbers) -> String {
    let mut text = String::new();
    blanks(dice, &mut text);
    text.push_str("{\"Records\"");
    blanks(dice, &mut text);
    text.push(':');
    blanks(dice, &mut text);
    let length = 1 + dice.below(4);
    list(dice, &mut text, length, &mut |dice, text| {
        text.push('{');
        let names = [
            "eventVersion",
            "userIdentity",
            "eventTime",
            "eventSource",
            "eventName",
            "errorCode",
            "requestParameters",
            "responseElements",
            "resources",
            "eventID",
            "somethingNew",
        ];
        let first = dice.below(4);
        let mut any = false;
        for name in names.into_iter().skip(first) {
            if dice.below(4) == 0 {
                continue;
            }
            if any {
                text.push(',');
            }
            any = true;
            blanks(dice, text);
            let _ = write!(text, "\"{name}\"");
            blanks(dice, text);
            text.push(':');
            value(dice, text, 5);
        }
        text.push('}');
    });
    text.push('}');
    blanks(dice, &mut text);
    text
}

fn list(
    dice: &mut RandomNumbers,
    text: &mut String,
    length: usize,
    item: &mut dyn FnMut(&mut RandomNumbers, &mut String),
) {
    text.push('[');
    for place in 0..length {
        if place > 0 {
            text.push(',');
        }
        blanks(dice, text);
        item(dice, text);
        blanks(dice, text);
    }
    text.push(']');
}

fn value(dice: &mut RandomNumbers, text: &mut String, depth: usize) {
    blanks(dice, text);
    match dice.below(if depth == 0 { 7 } else { 12 }) {
        0 => text.push_str(dice.pick(&["null", "true", "false"])),
        1 => text.push_str(dice.pick(&[
            "0",
            "-0",
            "12",
            "-1.5e3",
            "1E-2",
            "18446744073709551615",
            "9.0",
        ])),
        2..7 => string(dice, text),
        7 | 8 => {
            let length = dice.below(4);
            list(dice, text, length, &mut |dice, text| {
                value(dice, text, depth - 1)
            });
        }
        _ => {
            text.push('{');
            for place in 0..dice.below(5) {
                if place > 0 {
                    text.push(',');
                }
                blanks(dice, text);
                match dice.below(3) {
                    0 => text.push_str(dice.pick(&[
                        "\"type\"",
                        "\"arn\"",
                        "\"items\"",
                        "\"sessionContext\"",
                    ])),
                    1 => {
                        let _ = write!(text, "\"k{}\"", dice.below(4));
                    }
                    _ => string(dice, text),
                }
                blanks(dice, text);
                text.push(':');
                value(dice, text, depth - 1);
            }
            text.push('}');
        }
    }
    blanks(dice, text);
}

/// Quotes, backslashes and brackets where they mean nothing, in runs of any length.
fn string(dice: &mut RandomNumbers, text: &mut String) {
    text.push('"');
    for _ in 0..dice.below(9) {
        match dice.below(12) {
            0 => text.push_str(&"\\\\".repeat(dice.below(40))),
            1 => text.push_str("\\\""),
            2 => text
                .push_str(dice.pick(&["{", "}", "[", "]", ":", ",", "}]}", "\\\\\\\"", "[{\\\""])),
            3 => text.push_str(dice.pick(&[
                "\\n",
                "\\t",
                "\\/",
                "\\b",
                "\\u0041",
                "\\u20ac",
                "\\u0000",
                "\\ud83d\\ude00",
            ])),
            4 => text.push_str(dice.pick(&["é", "€", "😀", "\u{2028}", "\u{7f}"])),
            5 => text.push_str(dice.pick(&["2026-11-20T03:11:09Z", "null", "s3.amazonaws.com"])),
            _ => {
                for _ in 0..dice.below(30) {
                    text.push(dice.pick(&['a', 'b', ' ', '-', '/', '0']));
                }
            }
        }
    }
    text.push('"');
}

fn blanks(dice: &mut RandomNumbers, text: &mut String) {
    if dice.below(8) == 0 {
        for _ in 0..dice.below(70) {
            text.push(dice.pick(&[' ', ' ', '\t', '\n', '\r']));
        }
    }
}

/// One gzip member, at any level, with what a header may hold.
pub fn gzip(dice: &mut RandomNumbers, bytes: &[u8]) -> Vec<u8> {
    let mut builder = flate2::GzBuilder::new();
    if dice.below(3) == 0 {
        builder = builder.filename("a name.json").comment("a comment");
    }
    if dice.below(3) == 0 {
        builder = builder.extra(vec![7; dice.below(300)]).mtime(1);
    }
    let level = Compression::new(u32::try_from(dice.below(10)).unwrap());
    let mut encoder: GzEncoder<_> = builder.write(Vec::new(), level);
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A gzip file of one or several members, some of them empty.
pub fn gzip_members(dice: &mut RandomNumbers, bytes: &[u8]) -> Vec<u8> {
    let mut stored = Vec::new();
    let mut rest = bytes;
    for _ in 0..dice.below(3) {
        let (front, back) = rest.split_at(dice.below(rest.len() + 1));
        stored.extend(gzip(dice, front));
        rest = back;
    }
    stored.extend(gzip(dice, rest));
    if dice.below(4) == 0 {
        stored.extend(vec![0; dice.below(600)]);
    }
    stored
}
