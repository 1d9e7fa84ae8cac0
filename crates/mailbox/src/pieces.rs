//! Cuts one large JSON text into pieces that JavaScript parses one by one, so that its event loop can run in between.
//!
//! The parts say, in order, how to build the value: open a container, add the elements of a piece to the open
//! container, close it. The text must be JSON: the envelope splitter has validated it.

use memchr::memchr2;

/// One step of building a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part<'a> {
    /// A container begins, as an element of the open one.
    Open {
        /// Whether it is an array; else it is an object.
        is_array: bool,
        /// The JSON of its key in the open one, if that is an object.
        key: Option<&'a str>,
    },
    /// Elements of the open container, with commas between them.
    Elements {
        /// Whether that is an array; else it is an object.
        is_array: bool,
        /// Their JSON.
        text: &'a str,
    },
    /// The open container ends.
    Close,
}

/// Iterates over the parts of a text whose value is a container.
pub struct Pieces<'a> {
    text: &'a str,
    at: usize,
    /// For each open container, whether it is an array.
    open: Vec<bool>,
    /// The length of the longest piece in bytes, except for values that cannot be cut.
    longest: usize,
    is_begun: bool,
}

impl<'a> Pieces<'a> {
    /// `None` for a value that is not a container. `text` has no white space around it.
    pub fn new(text: &'a str, longest: usize) -> Option<Self> {
        matches!(text.as_bytes().first(), Some(b'{' | b'[')).then(|| Self {
            text,
            at: 0,
            open: Vec::new(),
            longest,
            is_begun: false,
        })
    }

    fn byte(&self, at: usize) -> u8 {
        self.text.as_bytes()[at]
    }

    /// The position after white space, commas and colons.
    fn skip_between(&self, mut at: usize) -> usize {
        while matches!(self.byte(at), b' ' | b'\t' | b'\n' | b'\r' | b',' | b':') {
            at += 1;
        }
        at
    }

    /// The position after the value at `at`; `None` if the value is longer than `longest` bytes.
    fn end_of_value(&self, at: usize, longest: usize) -> Option<usize> {
        let bytes = self.text.as_bytes();
        let limit = at.saturating_add(longest).min(bytes.len());
        let end = match bytes[at] {
            b'"' => end_of_string(bytes, at),
            b'{' | b'[' => end_of_container(&bytes[..limit], at)?,
            _ => at + bytes[at..].iter().take_while(|byte| !b"}], \t\n\r".contains(byte)).count(),
        };
        (end <= limit).then_some(end)
    }

    /// Where the value of the element at `at` begins.
    fn value_of_element(&self, at: usize, is_array: bool) -> usize {
        if is_array { at } else { self.skip_between(end_of_string(self.text.as_bytes(), at)) }
    }

    fn open(&mut self, at: usize, key: Option<&'a str>) -> Part<'a> {
        let is_array = self.byte(at) == b'[';
        self.open.push(is_array);
        self.at = at + 1;
        Part::Open { is_array, key }
    }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Part<'a>;

    fn next(&mut self) -> Option<Part<'a>> {
        if !std::mem::replace(&mut self.is_begun, true) {
            return Some(self.open(0, None));
        }
        let is_array = *self.open.last()?;
        let start = self.skip_between(self.at);
        let mut end = start;
        let mut next = start;
        while !matches!(self.byte(next), b'}' | b']') {
            let value = self.value_of_element(next, is_array);
            let room = self.longest.saturating_sub(value - start);
            if let Some(value_end) = self.end_of_value(value, room) {
                end = value_end;
                next = self.skip_between(end);
                continue;
            }
            if end > start {
                break;
            }
            // It is longer than a piece may be, and it is the first element of this piece.
            if self.open.len() < DEEPEST && matches!(self.byte(value), b'{' | b'[') {
                let key = (!is_array).then(|| &self.text[next..end_of_string(self.text.as_bytes(), next)]);
                return Some(self.open(value, key));
            }
            end = self.end_of_value(value, usize::MAX).expect("the text is JSON");
            break;
        }
        if end > start {
            self.at = end;
            return Some(Part::Elements { is_array, text: &self.text[start..end] });
        }
        self.open.pop();
        self.at = next + 1;
        Some(Part::Close)
    }
}

/// The position after the container that begins at `at`; `None` if `bytes` ends before it does.
fn end_of_container(bytes: &[u8], at: usize) -> Option<usize> {
    let mut depth = 0;
    let mut at = at;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => {
                at = end_of_string(bytes, at);
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        at += 1;
        if depth == 0 {
            return Some(at);
        }
    }
    None
}

/// The position after the string that begins at `at`, or the length of `bytes` if that ends first.
fn end_of_string(bytes: &[u8], at: usize) -> usize {
    let mut at = at + 1;
    while let Some(found) = bytes.get(at..).and_then(|rest| memchr2(b'"', b'\\', rest)) {
        if bytes[at + found] == b'"' {
            return at + found + 1;
        }
        at += found + 2;
    }
    bytes.len()
}

/// Bytes. A larger result comes in pieces of this size, so that the event loop can run in between. V8 allocates larger
/// strings elsewhere, and that takes as long as parsing them.
pub const LARGEST_PIECE: usize = 64 * 1024;
/// How deep containers are cut. What is nested deeper is one piece, so that no text can make this slow: each level
/// reads a byte at most twice.
const DEEPEST: usize = 8;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value, json};

    use super::*;

    /// Does what JavaScript does with the parts.
    fn build(text: &str, longest: usize) -> Value {
        let mut open: Vec<(Option<String>, Value)> = Vec::new();
        for part in Pieces::new(text, longest).expect("a container") {
            match part {
                Part::Open { is_array, key } => {
                    let key = key.map(|key| serde_json::from_str(key).expect("a key is a string"));
                    open.push((key, if is_array { json!([]) } else { json!({}) }));
                }
                Part::Elements { is_array, text } => match &mut open.last_mut().expect("one is open").1 {
                    Value::Array(elements) => {
                        assert!(is_array);
                        elements.extend(serde_json::from_str::<Vec<Value>>(&format!("[{text}]")).expect("elements"));
                    }
                    Value::Object(members) => {
                        assert!(!is_array);
                        members.extend(serde_json::from_str::<Map<_, _>>(&format!("{{{text}}}")).expect("members"));
                    }
                    other => panic!("{other} is no container"),
                },
                Part::Close => {
                    let (key, value) = open.pop().expect("one is open");
                    match (open.last_mut(), key) {
                        (None, _) => return value,
                        (Some((_, Value::Array(elements))), None) => elements.push(value),
                        (Some((_, Value::Object(members))), Some(key)) => drop(members.insert(key, value)),
                        (Some((_, other)), key) => panic!("{other} takes no {key:?}"),
                    }
                }
            }
        }
        panic!("the value was not closed");
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            r#"[a-z"\\{}\[\],: é漢]{0,12}"#.prop_map(Value::from),
        ];
        leaf.prop_recursive(12, 96, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::hash_map(r#"[a-c"\\: ]{0,3}"#, inner, 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn the_parts_build_the_value(value in values(), longest in 0usize..80, pretty: bool) {
            let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) };
            let text = text.expect("a value has JSON");
            if value.is_array() || value.is_object() {
                prop_assert_eq!(build(&text, longest), value);
            } else {
                prop_assert!(Pieces::new(&text, longest).is_none());
            }
        }
    }

    #[test]
    fn no_piece_is_longer_than_it_may_be_unless_it_cannot_be_cut() {
        let items = vec![json!({ "snippet": "x".repeat(40) }); 50];
        let text = json!({ "n": 1, "items": items, "long": "y".repeat(300) }).to_string();
        let lengths: Vec<usize> = Pieces::new(&text, 200)
            .expect("a container")
            .filter_map(|part| if let Part::Elements { text, .. } = part { Some(text.len()) } else { None })
            .collect();
        assert!(lengths.len() > 10, "{lengths:?}");
        assert_eq!(lengths.iter().filter(|length| **length > 200).count(), 1, "only the string: {lengths:?}");
    }

    #[test]
    fn what_is_nested_too_deep_is_one_piece() {
        let text = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let parts: Vec<Part<'_>> = Pieces::new(&text, 1_000).expect("a container").collect();
        assert_eq!(parts.len(), 2 * DEEPEST + 1);
        assert!(matches!(parts[DEEPEST], Part::Elements { text, .. } if text.len() == 200_000 - 2 * DEEPEST));
    }
}
