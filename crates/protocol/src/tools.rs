//! What the server says of its tools: its `schemas` event, cut to what is kept of it; and who waits for it.

use std::time::Duration;

use bytestring::ByteString;

use super::{envelope, request_id::RequestKey};

/// The descriptions of tools that one `schemas` event brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ToolList {
    /// An array of JSON, the entries as they came.
    pub(super) json: ByteString,
    /// There were more entries with a name than are kept.
    pub(super) is_cut: bool,
}

/// Somebody who waits for the tools.
pub(super) struct ToolsWaiter<T> {
    /// What takes the question back.
    pub(super) key: RequestKey,
    pub(super) payload: T,
    pub(super) deadline: Option<Duration>,
}

impl ToolList {
    /// What is known of tools that nobody has described.
    pub(super) const NONE: ByteString = ByteString::from_static("[]");

    /// Reads the `data` of the event. Entries without a name cannot be used, and are left out; so is everything if it
    /// is not an array.
    pub(super) fn read(data: &str) -> Self {
        let mut json = String::from("[");
        let mut is_cut = false;
        for entry in envelope::elements(data).filter(|entry| has_name(entry)) {
            is_cut = json.len() + entry.len() >= LARGEST;
            if is_cut {
                break;
            }
            if json.len() > 1 {
                json.push(',');
            }
            json.push_str(entry);
        }
        json.push(']');
        Self { json: json.into(), is_cut }
    }
}

fn has_name(entry: &str) -> bool {
    envelope::member(entry, "name").and_then(envelope::decode_string).is_some_and(|name| !name.is_empty())
}

/// In bytes of JSON, the brackets included: 1 MiB.
const LARGEST: usize = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(data: &str) -> String {
        ToolList::read(data).json.to_string()
    }

    #[test]
    fn entries_with_a_name_are_kept_as_they_came() {
        let data = r#"[{"name":"a","parameters":{"n":1e999}}, {"name" : "b"}]"#;
        assert_eq!(kept(data), r#"[{"name":"a","parameters":{"n":1e999}},{"name" : "b"}]"#);
    }

    #[test]
    fn entries_without_a_name_are_left_out() {
        let data = r#"[{"_def":{}},{"name":""},{"name":7},{"name":null},"a",null,[],{"name":"a"}]"#;
        assert_eq!(kept(data), r#"[{"name":"a"}]"#);
    }

    #[test]
    fn what_is_not_an_array_describes_nothing() {
        for data in ["{}", "null", r#""a""#, r#"{"name":"a"}"#] {
            assert_eq!(ToolList::read(data), ToolList { json: ToolList::NONE, is_cut: false }, "{data}");
        }
    }

    #[test]
    fn no_depth_is_too_deep() {
        let deep = format!(r#"[{{"name":"a","parameters":{}{}}}]"#, "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(kept(&deep), deep);
    }

    #[test]
    fn whole_entries_are_kept_up_to_a_mebibyte() {
        let entry = |name: &str, length: usize| {
            let rest = length - format!(r#"{{"name":"{name}","description":""}}"#).len();
            format!(r#"{{"name":"{name}","description":"{}"}}"#, "x".repeat(rest))
        };
        let fits = format!("[{}]", entry("a", LARGEST - 2));
        assert_eq!(ToolList::read(&fits), ToolList { json: fits.clone().into(), is_cut: false });
        let over = format!("[{}]", entry("a", LARGEST - 1));
        assert_eq!(ToolList::read(&over), ToolList { json: ToolList::NONE, is_cut: true });
        let second = format!(r#"[{},{},{{"name":"c"}}]"#, entry("a", 100), entry("b", LARGEST));
        assert_eq!(ToolList::read(&second), ToolList { json: format!("[{}]", entry("a", 100)).into(), is_cut: true });
    }
}
