//! The splitter against `serde_json`, on JSON, on JSON with damage, and on junk.

use proptest::{collection::vec, prelude::*, sample::select, string::string_regex};

use super::{
    super::oracle::{compare, is_json},
    *,
};

const CASES: u32 = 1_500;

fn white_space() -> impl Strategy<Value = &'static str> {
    prop_oneof![6 => Just(""), 1 => select(&[" ", "\n", "\r\n\t", "\n        ", "           "][..])]
}

fn string_body() -> impl Strategy<Value = String> {
    let escape = select(
        &[
            r#"\""#,
            r"\\",
            r"\/",
            r"\b",
            r"\f",
            r"\n",
            r"\r",
            r"\t",
            r"\u0069",
            r"\u00e9",
            r"\ud83d\ude00",
            r"\ud800",
            r"\uDFFF",
            r"\u0000",
        ][..],
    );
    let run = string_regex("[a-z{}\\[\\]:, é日😀\u{7f}\u{2028}]{0,24}").expect("a valid pattern");
    let piece = prop_oneof![3 => run, 1 => escape.prop_map(String::from)];
    prop_oneof![8 => vec(piece, 0..4), 1 => vec(Just("long ünd plain ".into()), 0..40)]
        .prop_map(|pieces: Vec<String>| pieces.concat())
}

fn scalar() -> impl Strategy<Value = String> {
    let number = "-?(0|[1-9][0-9]{0,18})(\\.[0-9]{1,17})?([eE][+-]?[0-9]{1,4})?";
    prop_oneof![
        select(&["null", "true", "false", "\"\"", "0", "-0"][..]).prop_map(String::from),
        string_regex(number).expect("a valid pattern"),
        string_body().prop_map(|body| format!("\"{body}\"")),
    ]
}

fn key() -> impl Strategy<Value = String> {
    let known = select(
        &[
            "id",
            r"\u0069d",
            "results",
            "error",
            r"\u0065rror",
            "success",
            "messageType",
            "event",
            "data",
            r"d\u0061ta",
            "requestId",
            "message",
            "code",
        ][..],
    );
    prop_oneof![4 => known.prop_map(String::from), 1 => string_body()]
}

/// Any value, its members and elements spaced out at random.
fn value() -> impl Strategy<Value = String> {
    scalar().prop_recursive(4, 32, 5, |inner| {
        prop_oneof![vec(spaced(inner.clone()), 0..5).prop_map(|items| bracket("[", &items, "]")), object(inner),]
    })
}

fn object(value: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    let name = spaced(key().prop_map(|key| format!("\"{key}\"")));
    let member = (name, spaced(value)).prop_map(|(name, value)| format!("{name}:{value}"));
    vec(member, 0..6).prop_map(|members| bracket("{", &members, "}"))
}

fn message() -> impl Strategy<Value = String> {
    prop_oneof![1 => spaced(value()), 4 => spaced(object(value()))]
}

fn spaced(text: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    (white_space(), text, white_space()).prop_map(|(before, text, after)| [before, &text, after].concat())
}

fn bracket(open: &str, items: &[String], close: &str) -> String {
    [open, &items.join(","), close].concat()
}

fn json_character() -> impl Strategy<Value = char> {
    let likely: Vec<char> = "{}[]\"\":,, \t\n\r\\/abefnrtu0123456789+-.E\u{0}\u{1f}é\u{feff}\u{a0}".chars().collect();
    prop_oneof![20 => select(likely), 1 => any::<char>()]
}

#[derive(Debug, Clone)]
enum Damage {
    Insert(char),
    Delete,
    Replace(char),
    Swap,
    Truncate,
}

fn damaged() -> impl Strategy<Value = String> {
    let damage = prop_oneof![
        json_character().prop_map(Damage::Insert),
        Just(Damage::Delete),
        json_character().prop_map(Damage::Replace),
        Just(Damage::Swap),
        Just(Damage::Truncate),
    ];
    (message(), vec((damage, any::<prop::sample::Index>()), 1..3)).prop_map(|(text, damages)| {
        let mut characters: Vec<char> = text.chars().collect();
        for (damage, index) in damages {
            let at = index.index(characters.len() + 1);
            match damage {
                Damage::Insert(character) => characters.insert(at, character),
                _ if at == characters.len() => {}
                Damage::Delete => drop(characters.remove(at)),
                Damage::Replace(character) => characters[at] = character,
                Damage::Swap => characters.swap(at, at.saturating_sub(1)),
                Damage::Truncate => characters.truncate(at),
            }
        }
        characters.into_iter().collect()
    })
}

fn junk() -> impl Strategy<Value = String> {
    vec(json_character(), 0..24).prop_map(String::from_iter)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    #[test]
    fn json_is_split_as_serde_json_reads_it(text in message()) {
        prop_assert!(is_json(&text));
        compare(&text);
    }

    #[test]
    fn damaged_json_gets_the_verdict_of_serde_json(text in damaged()) {
        compare(&text);
    }

    #[test]
    fn junk_gets_the_verdict_of_serde_json(text in junk()) {
        compare(&text);
    }

    #[test]
    fn eight_bytes_at_once_give_the_same_as_one_by_one(
        bytes in prop::array::uniform8(prop_oneof![any::<u8>(), select(&b"09/: !\"#[]\\\x1f\x7f\x80\xff"[..]), Just(b'5')]),
    ) {
        let word = u64::from_le_bytes(bytes);
        prop_assert_eq!(special_byte(word), bytes.iter().position(|&byte| !is_plain(byte)));
        prop_assert_eq!(non_digit(word), bytes.iter().position(|byte| !byte.is_ascii_digit()));
    }

    #[test]
    fn strings_decode_as_in_serde_json(body in string_body()) {
        let raw = format!("\"{body}\"");
        let decoded = decode_string(&raw);
        match serde_json::from_str::<String>(&raw) {
            Ok(expected) => prop_assert_eq!(decoded.as_deref(), Some(&*expected)),
            Err(_) => prop_assert!(decoded.is_some_and(|decoded| decoded.contains(char::REPLACEMENT_CHARACTER))),
        }
    }

    #[test]
    fn a_truncated_message_keeps_exactly_its_completed_members(
        members in vec((key(), scalar()), 1..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut text = String::from("{");
        let mut ends = Vec::new();
        for (key, value) in &members {
            text += &format!("\"{key}\":");
            let start = text.len();
            text += value;
            ends.push((key, start..text.len()));
            text += ",";
        }
        text.pop();
        let cut = 1 + cut.index(text.len());
        prop_assume!(text.is_char_boundary(cut));

        let mut expected = Members::default();
        for (key, span) in ends {
            let Some(key) = decode_string(&format!("\"{key}\"")).map(Cow::into_owned) else { continue };
            let Some(slot) = expected.slot(&key).filter(|_| span.start <= cut) else { continue };
            let broken_off = span.end == cut && text[..cut].ends_with(|last: char| last.is_ascii_digit());
            *slot = (span.end <= cut && !broken_off).then_some(span);
        }
        prop_assert_eq!(fault(&text[..cut]).seen.top, expected);
    }
}
