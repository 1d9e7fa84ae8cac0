//! What [`split`](super::split) finds and refuses, and what the helpers make of a slice.

mod json_cases;
mod properties;

use super::{oracle::texts, *};

fn top(text: &str) -> Vec<(&'static str, &str)> {
    texts(text, &split(text).expect("the test's text is JSON").top)
}

fn data(text: &str) -> Vec<(&'static str, &str)> {
    texts(text, &split(text).expect("the test's text is JSON").data)
}

fn fault(text: &str) -> NotJson {
    *split(text).expect_err("the test's text is not JSON")
}

fn seen(text: &str) -> Vec<(&'static str, &str)> {
    texts(text, &fault(text).seen.top)
}

fn seen_in_data(text: &str) -> Vec<(&'static str, &str)> {
    texts(text, &fault(text).seen.data)
}

#[test]
fn the_verdict_is_that_of_json_parse() {
    for text in json_cases::ACCEPTED {
        assert!(split(text).is_ok(), "refused: {text:?}");
    }
    for text in json_cases::REFUSED {
        assert!(split(text).is_err(), "accepted: {text:?}");
    }
}

#[test]
fn every_known_member_is_found_whatever_its_order() {
    let text = r#"{"code":1,"message":"m","requestId":"r","data":[2],"event":"e","messageType":"t","success":true,"error":null,"results":{"x":[1,{}]},"id":"a","name":"tool"}"#;
    assert_eq!(
        top(text),
        [
            ("id", r#""a""#),
            ("results", r#"{"x":[1,{}]}"#),
            ("error", "null"),
            ("success", "true"),
            ("messageType", r#""t""#),
            ("event", r#""e""#),
            ("data", "[2]"),
            ("requestId", r#""r""#),
            ("message", r#""m""#),
            ("code", "1"),
        ]
    );
}

#[test]
fn unknown_and_nearly_known_keys_are_passed_over() {
    let text = r#"{"":0,"ID":1,"id ":2,"i":3,"idx":4,"message_type":5,"messagetype":6,"timestamp":7}"#;
    assert_eq!(top(text), []);
}

#[test]
fn a_span_leaves_out_the_white_space_around_the_value() {
    let text = "\t{ \"id\" :\r\n 1 ,\"results\"\n: [ ] , \"data\" : { \"id\" :  \"b\"  }  }\n";
    assert_eq!(top(text), [("id", "1"), ("results", "[ ]"), ("data", r#"{ "id" :  "b"  }"#)]);
    assert_eq!(data(text), [("id", r#""b""#)]);
}

#[test]
fn known_names_inside_other_values_are_not_members() {
    let text = r#"{"results":{"id":"x","data":{"error":1}},"x":[{"id":"y"}],"message":"\"id\":1"}"#;
    assert_eq!(top(text), [("results", r#"{"id":"x","data":{"error":1}}"#), ("message", r#""\"id\":1""#)]);
    assert_eq!(data(text), []);
}

#[test]
fn a_message_that_is_no_object_has_no_members() {
    for text in [r#"[{"id":1}]"#, r#""id""#, "1", "null", "[]", "{}", r#"[{"data":{"id":1}}]"#] {
        assert_eq!(split(text), Ok(Envelope::default()), "{text}");
    }
}

#[test]
fn an_escaped_key_is_the_key() {
    assert_eq!(top(r#"{"\u0069d":1,"d\u0061t\u0061":{"cod\u0065":2}}"#).first(), Some(&("id", "1")));
    assert_eq!(data(r#"{"d\u0061t\u0061":{"cod\u0065":2}}"#), [("code", "2")]);
    let longest: String = "messageType".bytes().map(|byte| format!("\\u{byte:04X}")).collect();
    assert_eq!(top(&format!(r#"{{"{longest}":"pong"}}"#)), [("messageType", r#""pong""#)]);
    assert_eq!(top(&format!(r#"{{"{longest}\u0000":"pong"}}"#)), []);
    assert_eq!(top(r#"{"\ud800id":1,"id\u0000":2,"\\u0069d":3}"#), []);
}

#[test]
fn of_duplicate_keys_the_last_wins() {
    assert_eq!(top(r#"{"id":"a","id":"b","\u0069d":"c"}"#), [("id", r#""c""#)]);
    assert_eq!(top(r#"{"results":1,"id":2,"results":null}"#), [("id", "2"), ("results", "null")]);
}

#[test]
fn members_of_the_object_in_data_are_found() {
    let text = r#"{"event":"response","data":{"results":[1],"id":7,"data":{"id":8}}}"#;
    assert_eq!(data(text), [("id", "7"), ("results", "[1]"), ("data", r#"{"id":8}"#)]);
}

#[test]
fn data_that_is_no_object_has_no_members() {
    for text in [r#"{"data":[{"id":1}]}"#, r#"{"data":"id"}"#, r#"{"data":{}}"#, r#"{"data":0}"#] {
        assert_eq!(data(text), [], "{text}");
    }
}

#[test]
fn a_later_data_discards_what_an_earlier_one_gave() {
    assert_eq!(data(r#"{"data":{"id":1,"error":2},"data":{"id":3}}"#), [("id", "3")]);
    let replaced = r#"{"data":{"id":1},"data":[{"id":2}]}"#;
    assert_eq!((top(replaced), data(replaced)), (vec![("data", r#"[{"id":2}]"#)], vec![]));
}

#[test]
fn a_fault_leaves_the_members_completed_before_it() {
    assert_eq!(seen(r#"{"id":"a","results":nope}"#), [("id", r#""a""#)]);
    assert_eq!(seen(r#"{"id":"a","results":{"x":1}"#), [("id", r#""a""#), ("results", r#"{"x":1}"#)]);
    assert_eq!(seen(r#"{"results":[1,2,"id":"a"}"#), []);
    assert_eq!(seen(r#"{"id":"a"}}"#), [("id", r#""a""#)]);
    assert_eq!(seen(r#"{"id":"a" "results":1}"#), [("id", r#""a""#)]);
    assert_eq!(seen(r#"nonsense "id":"a""#), []);
}

#[test]
fn a_fault_in_data_leaves_the_members_completed_inside_it() {
    let text = r#"{"event":"response","data":{"id":"a","results":[}"#;
    assert_eq!(seen(text), [("event", r#""response""#)]);
    assert_eq!(seen_in_data(text), [("id", r#""a""#)]);
}

#[test]
fn a_fault_in_a_repeated_member_discards_the_earlier_value() {
    assert_eq!(seen(r#"{"id":"a","id":"b"#), []);
    assert_eq!(seen(r#"{"id":"a","id":}"#), []);
    let text = r#"{"data":{"id":"a"},"data":{"code":1,"id":"b"#;
    assert_eq!((seen(text), seen_in_data(text)), (vec![], vec![("code", "1")]));
}

#[test]
fn a_number_that_the_text_breaks_off_in_does_not_count() {
    assert_eq!(seen(r#"{"error":0,"id":12"#), [("error", "0")]);
    assert_eq!(seen_in_data(r#"{"data":{"id":12"#), []);
    assert_eq!(seen(r#"{"id":12 "#), [("id", "12")]);
    assert_eq!(seen(r#"{"id":"12""#), [("id", r#""12""#)]);
}

#[test]
fn the_offset_is_the_first_byte_that_cannot_be() {
    let offsets = [
        ("", 0),
        ("  ", 2),
        ("\u{feff}{}", 0),
        ("1 x", 2),
        ("01", 1),
        ("-", 1),
        ("1.e5", 2),
        ("1e+", 3),
        ("nul", 3),
        ("nulx", 3),
        ("\"abc", 4),
        ("\"a\u{1}\"", 2),
        (r#""\x""#, 2),
        (r#""\u12g4""#, 5),
        ("[1,]", 3),
        ("[1 2]", 3),
        ("[1}", 2),
        (r#"{"a":1,}"#, 7),
        (r#"{"a" 1}"#, 5),
        (r#"{"a":1]"#, 6),
        (r#"{"é":é}"#, 6),
        (r#"{"data":{"id":1],"#, 15),
    ];
    for (text, offset) in offsets {
        assert_eq!(fault(text).offset, offset, "{text:?}");
    }
}

#[test]
fn a_control_character_is_found_wherever_it_stands_in_a_string() {
    for length in (0..70).chain(120..200) {
        for byte in 0..=0x7f_u8 {
            let text = format!("\"{}{}{}\"", "é".repeat(length / 2), char::from(byte), "ü".repeat(length));
            let plain = byte >= 0x20 && byte != b'"' && byte != b'\\';
            assert_eq!(split(&text).is_ok(), plain, "{byte:#x} after {length} bytes");
        }
    }
}

#[test]
fn ten_million_levels_neither_overflow_nor_take_long() {
    let levels = 5_000_000;
    let arrays = "[".repeat(levels) + &"]".repeat(levels);
    assert_eq!(split(&arrays), Ok(Envelope::default()));

    let objects = r#"{"id":[{"data":"#.repeat(levels / 10) + "1" + &"}]}".repeat(levels / 10);
    assert!(split(&objects).is_ok());

    let unclosed = "[".repeat(2 * levels);
    assert_eq!(fault(&unclosed).offset, unclosed.len());
}

#[test]
fn each_level_remembers_what_closes_it() {
    for levels in [1, 62, 63, 64, 65, 126, 127, 128, 200] {
        let kinds: Vec<bool> = (0..levels).map(|level| level % 3 == 0 || level % 7 == 2).collect();
        let open: String = kinds.iter().map(|&object| if object { r#"{"a":"# } else { "[" }).collect();
        let close: String = kinds.iter().rev().map(|&object| if object { '}' } else { ']' }).collect();
        assert!(split(&format!("{open}1{close}")).is_ok(), "{levels} levels");

        for wrong in 0..close.len() {
            let mut closes = close.clone().into_bytes();
            closes[wrong] = if closes[wrong] == b']' { b'}' } else { b']' };
            let closes = String::from_utf8(closes).expect("brackets are ASCII");
            let text = format!("{open}1{closes}");
            assert_eq!(fault(&text).offset, open.len() + 1 + wrong, "{levels} levels");
        }
    }
}

#[test]
fn decode_string_borrows_what_has_no_escape() {
    assert!(matches!(decode_string(r#""plain é""#), Some(Cow::Borrowed("plain é"))));
    assert!(matches!(decode_string(r#""""#), Some(Cow::Borrowed(""))));
}

#[test]
fn decode_string_resolves_every_escape() {
    let decoded = |raw| decode_string(raw).expect("a string").into_owned();
    assert_eq!(decoded(r#""\"\\\/\b\f\n\r\t""#), "\"\\/\u{8}\u{c}\n\r\t");
    assert_eq!(decoded(r#""a\u0041\u00e9\u00E9\u0000z""#), "aAéé\0z");
    assert_eq!(decoded(r#""\\u0041\n""#), "\\u0041\n");
}

#[test]
fn decode_string_joins_surrogate_pairs_and_replaces_lone_ones() {
    let decoded = |raw| decode_string(raw).expect("a string").into_owned();
    assert_eq!(decoded(r#""\ud83d\ude00!""#), "😀!");
    assert_eq!(decoded(r#""\uD83D\uDE00""#), "😀");
    assert_eq!(decoded(r#""\ud800""#), "\u{fffd}");
    assert_eq!(decoded(r#""\udc00\ud800x""#), "\u{fffd}\u{fffd}x");
    assert_eq!(decoded(r#""\ud83d\ud83d\ude00""#), "\u{fffd}😀");
    assert_eq!(decoded(r#""\ud83d\n\ude00""#), "\u{fffd}\n\u{fffd}");
    assert_eq!(decoded(r#""\ud83d\u0041""#), "\u{fffd}A");
}

#[test]
fn decode_string_gives_nothing_for_other_values() {
    for raw in ["null", "1", "true", "[]", r#"["a"]"#, r#"{"a":"b"}"#] {
        assert_eq!(decode_string(raw), None, "{raw}");
    }
}

#[test]
fn the_helpers_do_not_panic_on_what_is_no_value() {
    for raw in ["", "\"", "\"\\\"", r#""\u12""#, r#""\u12é4""#, r#""\é""#, r#""\ud800\u""#, "-", "é"] {
        let _ = (decode_string(raw), is_truthy(raw));
    }
}

#[test]
fn truthiness_is_that_of_javascript() {
    let falsy = [
        "null",
        "false",
        r#""""#,
        "0",
        "-0",
        "0.0",
        "-0.000",
        "0e5",
        "0E+999",
        "0e-1",
        "1e-999",
        "-1e-400",
        "2e-324",
        "2.4703282292062327e-324",
    ];
    let truthy = [
        "true",
        r#"" ""#,
        r#""0""#,
        r#""false""#,
        r#""\u0000""#,
        "1",
        "-1",
        "0.1",
        "1e999",
        "-1e999",
        "5e-324",
        "3e-324",
        "2.4703282292062328e-324",
        "[]",
        "{}",
        "[0]",
    ];
    for raw in falsy {
        assert!(!is_truthy(raw), "{raw}");
    }
    for raw in truthy {
        assert!(is_truthy(raw), "{raw}");
    }
}
