//! The session's options as numbers and booleans: how a record shows them. What is neither is a name of its own, as in
//! `dialect.auto`; so is each element of a list.

use serde_json::{Map, Value};

use super::Config;
#[cfg(feature = "record")]
use super::{OptionError, Options};

impl Config {
    /// The options, without the key.
    pub(crate) fn to_flat(&self) -> Map<String, Value> {
        self.as_options().flat_map(|(name, value)| flat(name, &value)).collect()
    }

    /// Reads what [`to_flat`](Self::to_flat) has written.
    ///
    /// Errors: as of [`Options::from_json`].
    #[cfg(feature = "record")]
    pub(crate) fn from_flat(flat: &Map<String, Value>) -> Result<Self, OptionError> {
        let mut options = Map::new();
        for (name, value) in flat {
            match name.split_once('.') {
                Some((name, word)) => add(&mut options, name, word),
                None => drop(options.insert(name.clone(), value.clone())),
            }
        }
        Ok(Options::from_json(&options)?.session)
    }
}

fn flat(name: &str, value: &Value) -> Vec<(String, Value)> {
    let named = |word: &str| (format!("{name}.{word}"), Value::Bool(true));
    match value {
        Value::Null => vec![named(INFINITY)],
        Value::String(word) => vec![named(word)],
        Value::Array(codes) if codes.is_empty() => vec![named(EMPTY)],
        Value::Array(codes) => codes.iter().map(|code| named(&code.to_string())).collect(),
        other => vec![(name.to_owned(), other.clone())],
    }
}

#[cfg(feature = "record")]
fn add(options: &mut Map<String, Value>, name: &str, word: &str) {
    let code: Option<u16> = word.parse().ok();
    if word == INFINITY {
        options.insert(name.to_owned(), serde_json::json!({ "$number": INFINITY }));
    } else if code.is_none() && word != EMPTY {
        options.insert(name.to_owned(), word.into());
    } else if let Value::Array(codes) = options.entry(name).or_insert_with(|| Value::Array(Vec::new())) {
        codes.extend(code.map(Value::from));
    }
}

const INFINITY: &str = "Infinity";
/// A list without elements. No option has this word as a value.
const EMPTY: &str = "empty";

#[cfg(all(test, feature = "record"))]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn options_are_read_as_they_were_written() {
        for changed in [
            json!({}),
            json!({ "dialect": "none" }),
            json!({ "noReconnectCodes": [] }),
            json!({ "noReconnectCodes": [1000, 4000], "reconnectJitter": "full" }),
            json!({ "maxReconnectAttempts": { "$number": "Infinity" } }),
        ] {
            let mut options = changed.as_object().expect("an object").clone();
            options.insert("url".to_owned(), json!(["ws://localhost/"]));
            let written = Options::from_json(&options).expect("good options").session.to_flat();
            let read = Config::from_flat(&written).expect("good options").to_flat();
            assert_eq!(read, written, "{changed}");
        }
    }
}
