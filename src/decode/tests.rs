//! Every way a log can look, and every way it can be broken.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;
use crate::event::json::Raw;
use crate::event::{Event, Key};

const ONE: &str = r#"{"eventVersion":"1.08","eventName":"A","eventSource":"s3.amazonaws.com","eventID":"1","requestParameters":{"key":"a,b}"}}"#;
const TWO: &str = r#"{"eventVersion":"1.08","eventName":"B","eventSource":"sts.amazonaws.com","eventID":"2","resources":[{"ARN":"x"}]}"#;

pub(super) fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

/// The names of the good records, and the account of the object.
fn read(stored: &[u8]) -> Result<(Vec<String>, Decoded), DecodeError> {
    let mut names = Vec::new();
    let decoded = Decoder::new(64).decode(stored, &mut |at, event| {
        names.push(format!("{at}{}", event.text(Key::EventName)));
    })?;
    Ok((names, decoded))
}

fn names(text: &str) -> Vec<String> {
    read(text.as_bytes()).unwrap().0
}

#[test]
fn every_wrapping_gives_the_same_two_records() {
    let lookup = |record: &str| {
        format!(
            "{{\"EventId\":\"1\",\"CloudTrailEvent\":{}}}",
            serde_json::to_string(record).unwrap()
        )
    };
    let message = |record: &str| {
        format!(
            "{{\"id\":\"1\",\"message\":{}}}",
            serde_json::to_string(record).unwrap()
        )
    };
    let bridge = |record: &str| {
        format!(
            "{{\"version\":\"0\",\"detail-type\":\"AWS API Call via CloudTrail\",\"detail\":{record}}}"
        )
    };
    for text in [
        format!("{{\"Records\":[{ONE},{TWO}]}}"),
        format!("{{ \"Records\" : [\r\n  {ONE} ,\r\n {TWO}\r\n ]\r\n}}\r\n"),
        format!("{{\"note\":[1,{{\"Records\":[]}}],\"Records\":[{ONE},{TWO}]}}"),
        format!("\u{feff}{{\"Records\":[{ONE},{TWO}]}}"),
        format!("[{ONE},{TWO}]"),
        format!("{ONE}\n{TWO}\n"),
        format!("{ONE}{TWO}"),
        format!("{}\n{}", lookup(ONE), lookup(TWO)),
        format!(
            "{{\"Events\":[{},{}],\"NextToken\":\"x\"}}",
            lookup(ONE),
            lookup(TWO)
        ),
        format!("{}\n{}", bridge(ONE), bridge(TWO)),
        format!(
            "{{\"messageType\":\"DATA_MESSAGE\",\"logEvents\":[{},{}]}}",
            message(ONE),
            message(TWO)
        ),
    ] {
        assert_eq!(names(&text), ["0A", "1B"], "{text}");
        assert_eq!(read(&gzip(text.as_bytes())).unwrap().0, ["0A", "1B"]);
    }
    assert_eq!(names(ONE), ["0A"]);
}

#[test]
fn all_gzip_members_are_read_and_zero_padding_is_harmless() {
    let text = format!("{{\"Records\":[{ONE},{TWO}]}}");
    let (front, back) = text.as_bytes().split_at(50);
    let mut stored = [gzip(front), gzip(back)].concat();
    stored.extend([0; 512]);
    let (names, decoded) = read(&stored).unwrap();
    assert_eq!(names, ["0A", "1B"]);
    assert_eq!(decoded.trailing, 0);
}

#[test]
fn bytes_behind_the_last_member_are_reported() {
    let mut stored = gzip(format!("{{\"Records\":[{ONE}]}}").as_bytes());
    stored.extend(b"{\"Records\":[]}");
    assert_eq!(read(&stored).unwrap().1.trailing, 14);
}

#[test]
fn damaged_objects_are_refused_whole() {
    let good = gzip(format!("{{\"Records\":[{ONE},{TWO}]}}").as_bytes());
    let mut wrong_sum = good.clone();
    let at = wrong_sum.len() - 6;
    wrong_sum[at] ^= 1;
    assert!(matches!(read(&wrong_sum), Err(DecodeError::Gzip(_))));
    for length in 10..good.len() {
        assert!(read(&good[..length]).is_err(), "cut at {length}");
    }
    assert_eq!(read(b""), Err(DecodeError::Empty));
    assert_eq!(read(&gzip(b"  ")), Err(DecodeError::Empty));
    assert_eq!(read(b"{\"Records\":null}"), Err(DecodeError::NoRecords));
    for text in [
        format!("{{\"Records\":[{ONE},{{\"eventVersion\":\"1.08"),
        format!("{{\"Records\":[{ONE}"),
        format!("{{\"Records\":[{ONE}]"),
        format!("{{\"Records\":[{ONE}}}]"),
        format!("{{\"Records\":[{ONE}]}} trailing"),
        format!("{{\"Records\":[{ONE} {TWO}]}}"),
    ] {
        assert!(read(text.as_bytes()).is_err(), "{text}");
    }
}

#[test]
fn one_bad_record_costs_one_record() {
    for bad in [
        r#"{"eventName":NaN}"#,
        r#"{"eventName":"x","requestParameters":{"a":[1,NaN]}}"#,
        r#"{"eventName" "x"}"#,
        r#"{"eventName":"x" "y":1}"#,
        r#"{"eventName":tru}"#,
        r#"{"a":{"b":undefined},"c":1}"#,
        "7",
        "null",
        "[1,{}]",
    ] {
        let text = format!("{{\"Records\":[{ONE},{bad},{TWO}]}}");
        let (names, decoded) = read(text.as_bytes()).unwrap();
        assert_eq!(names, ["0A", "2B"], "{bad}");
        assert_eq!((decoded.records, decoded.bad.len()), (3, 1), "{bad}");
    }
}

#[test]
fn one_bad_line_costs_one_record() {
    for bad in ["{\"eventName\":\"x", "{\"eventName\":{", "}}"] {
        let (names, decoded) = read(format!("{ONE}\n{bad}\n{TWO}\n").as_bytes()).unwrap();
        assert_eq!(names, ["0A", "2B"], "{bad}");
        assert_eq!(decoded.bad.len(), 1, "{bad}");
    }
}

#[test]
fn other_files_are_distinguished_from_logs() {
    let content = |text: &str| read(text.as_bytes()).unwrap().1.content;
    assert_eq!(content("version account-id interface"), Content::Foreign);
    assert_eq!(content("{\"configuration\":{}}"), Content::Foreign);
    assert_eq!(content("[]"), Content::Foreign);
    assert_eq!(
        content("{\"digestStartTime\":\"x\",\"logFiles\":[]}"),
        Content::Digest
    );
    assert_eq!(content("{\"Records\":[]}"), Content::Log);
}

#[test]
fn a_bomb_is_refused_at_the_cap_and_nesting_costs_no_stack() {
    let mut decoder = Decoder::new(1);
    let bomb = gzip(&vec![b' '; 8 << 20]);
    let refused = decoder.decode(&bomb, &mut |_, _| {});
    assert_eq!(refused, Err(DecodeError::TooLarge { cap: 1 }));
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let text =
        format!("{{\"Records\":[{{\"eventName\":\"A\",\"requestParameters\":{deep}}},{TWO}]}}");
    assert_eq!(names(&text), ["0A", "1B"]);
}

#[test]
fn bytes_that_are_no_text_cost_their_characters_only() {
    let mut stored = format!("{{\"Records\":[{ONE},{TWO}]}}").into_bytes();
    let at = stored.windows(3).position(|w| w == b"a,b").unwrap();
    stored[at] = 0xE9;
    let (names, decoded) = read(&stored).unwrap();
    assert_eq!(names, ["0A", "1B"]);
    assert_eq!(decoded.repaired, 1);
}

/// The walk never accepts a document that serde_json would find unbalanced, and never loses a
/// record that serde_json reads: bytes of a sound file are changed one at a time.
#[test]
fn the_walk_agrees_with_serde_json_on_damaged_files() {
    let text = format!("{{\"Records\":[{ONE},{TWO}]}}");
    for at in 0..text.len() {
        for byte in [b'"', b'{', b'}', b'[', b']', b',', b':', b'\\', b'x', b' '] {
            let mut damaged = text.clone().into_bytes();
            damaged[at] = byte;
            let Ok(oracle) = serde_json::from_slice::<serde_json::Value>(&damaged) else {
                let _ = read(&damaged);
                continue;
            };
            let expected = oracle
                .get("Records")
                .and_then(|r| r.as_array())
                .map_or(0, Vec::len);
            if expected > 0 {
                let (names, decoded) = read(&damaged).unwrap();
                assert_eq!(
                    names.len(),
                    expected,
                    "{}",
                    String::from_utf8_lossy(&damaged)
                );
                assert!(decoded.bad.is_empty());
            }
        }
    }
}

/// What a value says, member by member, down to its scalars.
fn describe(value: Raw<'_>, out: &mut String) {
    for (name, member) in value.members() {
        out.push_str(&format!("{name}={}", member.as_str()));
        describe(member, out);
    }
    for item in value.items() {
        out.push_str(&format!("[{}", item.as_str()));
        describe(item, out);
    }
}

/// Values read by their marks and values read byte by byte must tell the same.
#[test]
fn marks_and_bytes_tell_the_same() {
    let deep = r#"{"eventName":"C","eventID":"3","requestParameters":{"a":[{"b":[1,[2,{}],"x,}"]},[]],"c" : { "d\"e" : null , "f":{}}},"responseElements":[ ],"additionalEventData":"s"}"#;
    for text in [
        format!("{{\"Records\":[{ONE},{TWO},{deep}]}}"),
        format!("{{ \"Records\" : [\n {ONE} ,\n {deep} ] }}"),
        format!("[{deep}]"),
    ] {
        let mut seen = 0;
        Decoder::new(1)
            .decode(text.as_bytes(), &mut |_, event| {
                for key in Key::ALL {
                    let (mut marked, mut scanned) = (String::new(), String::new());
                    describe(event.raw(*key), &mut marked);
                    describe(Raw::new(event.raw(*key).as_str()), &mut scanned);
                    assert_eq!(marked, scanned, "{text}");
                    seen += marked.len();
                }
            })
            .unwrap();
        assert!(seen > 50);
    }
}

#[test]
fn an_escape_is_read_wherever_it_stands_among_records_without_any() {
    let record = |agent: &str, name: &str| {
        format!(
            r#"{{"eventVersion":"1.08","eventName":"{name}","userAgent":"{agent}","requestParameters":{{"k":"v"}}}}"#
        )
    };
    // every place of a record that may hold one, and every place of the record among the blocks
    for spaces in 0..140 {
        let pad = "x".repeat(spaces);
        for escaped in 0..4 {
            let records = [0, 1, 2].map(|at| match at == escaped {
                false => record(&pad, "A"),
                true if spaces % 2 == 0 => record(&format!(r"{pad}\u0041\\"), "A"),
                true => record(&pad, r"\u0041"),
            });
            let text = format!("{{\"Records\":[{}]}}", records.join(","));
            let mut got = Vec::new();
            let decoded = Decoder::new(64).decode(text.as_bytes(), &mut |_, event| {
                got.push([Key::EventName, Key::UserAgent].map(|key| event.text(key).into_owned()));
            });
            assert_eq!(decoded.map(|decoded| decoded.records), Ok(3));
            for (got, record) in got.iter().zip(&records) {
                let slow: serde_json::Value = serde_json::from_str(record).unwrap();
                let slow = ["eventName", "userAgent"].map(|key| slow[key].as_str().unwrap());
                assert_eq!(got, &slow, "{text}");
            }
        }
    }
}

#[test]
fn the_caller_is_the_same_whether_walked_or_read_byte_by_byte() {
    let identities = [
        "null",
        "[]",
        "{}",
        r#""x""#,
        r#"{"type":"Root","type":"IAMUser","arn":"a","userName":"n"}"#,
        r#"{"type":"AssumedRole","sessionContext":{"sessionIssuer":{"type":"Role","arn":"r","userName":"n"},"attributes":{"creationDate":"c"}},"invokedBy":"s"}"#,
        r#"{"sessionContext":{"attributes":{},"sessionIssuer":{"arn":"1","type":"Role"}},"sessionContext":{"sessionIssuer":{"arn":"2"}}}"#,
        r#"{"sessionContext":{"sessionIssuer":{"arn":"1","type":"Role"},"sessionIssuer":{"arn":"2"}}}"#,
        r#"{"sessionContext":{"sessionIssuer":{"arn":"1"}},"sessionContext":null}"#,
        r#"{"sessionContext":{"sessionIssuer":{"arn":"1"},"sessionIssuer":7}}"#,
        r#"{"sessionContext":{"sessionIssuer":{"arn":"1"}},"sessionContext":[{"sessionIssuer":{"arn":"2"}}]}"#,
        r#"{"sessionContext":{"sessionIssuer":[{"arn":"1"}]}}"#,
        r#"{"sessionContext":{"sessionIssuer":{}},"type":"A"}"#,
        r#"{"sessionContext":{"sessionIssuer.type":"Role","x":{"y":[{"z":1}]}}}"#,
        r#"{"session\u0043ontext":{"session\u0049ssuer":{"\u0061rn":"e"}},"t\u0079pe":"T"}"#,
        r#"{"x":{"sessionIssuer":{"arn":"no"}},"sessionContext":{"x":{"arn":"no"},"sessionIssuer":{"x":{"arn":"no"},"arn":"yes"}}}"#,
        r#"{"sessionContext":{"sessionIssuer":{"arn":"1","type": "spaced"}}}"#,
    ];
    let describe = |event: &Event<'_>| {
        let (user, issuer) = (event.user(), event.session_issuer());
        let texts = [
            user.kind(),
            user.principal_id(),
            user.arn(),
            user.account_id(),
            user.access_key_id(),
            user.user_name(),
            user.session_context(),
            user.invoked_by(),
            issuer.kind(),
            issuer.principal_id(),
            issuer.arn(),
            issuer.account_id(),
            issuer.user_name(),
        ];
        let texts = texts.map(|raw| raw.as_str().to_owned());
        (texts, user.is_plain, issuer.is_plain)
    };
    let member = |identity: &&str| format!(r#""userIdentity":{identity},"#);
    let once = identities.iter().map(member);
    let twice = identities.iter().flat_map(|first| {
        let second = identities.iter().map(member);
        second.map(move |second| member(first) + &second)
    });
    for members in once.chain(twice).chain([String::new()]) {
        let record = format!(r#"{{"eventVersion":"1.08",{members}"eventName":"A"}}"#);
        let slow = describe(&Event::of(Raw::new(&record)));
        // a record before it, of which nothing may be left
        let before = identities[5];
        let text =
            format!(r#"{{"Records":[{{"eventName":"B","userIdentity":{before}}},{record}]}}"#);
        let mut walked = None;
        let decoded = Decoder::new(64).decode(text.as_bytes(), &mut |_, event| {
            walked = Some(describe(event));
        });
        assert_eq!(decoded.map(|decoded| decoded.records), Ok(2));
        assert_eq!(walked, Some(slow), "{record}");
    }
}
