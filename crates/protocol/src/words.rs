//! The words of a server in an error: cut, and without the key. Source: PROTOCOL.md rule 18.

/// Makes words for an error from the beginning of what the server said. `is_cut` says that there was more.
pub(super) fn shown(beginning: &str, is_cut: bool, key: Option<&str>) -> String {
    let key = key.filter(|key| key.len() >= SHORTEST_KEY && *key != NO_KEY);
    let mut words = key.map_or_else(|| beginning.to_owned(), |key| without_key(beginning, key));
    if is_cut && let Some(key) = key {
        words.truncate(words.len() - length_of_half(&words, key));
    }
    if is_cut || words.len() > LONGEST {
        words.truncate(floor_char_boundary(&words, LONGEST - ELLIPSIS.len()));
        words.push_str(ELLIPSIS);
    }
    words
}

fn without_key(mut rest: &str, key: &str) -> String {
    let mut words = String::new();
    while let Some(at) = find(rest, key) {
        words.push_str(&rest[..at]);
        words.push_str("[key]");
        rest = &rest[at + key.len()..];
    }
    words.push_str(rest);
    words
}

/// Where `word`, which is not empty, begins in `text`. `str::find` is faster where a text nearly is the word again and
/// again, but its code would be a fiftieth of what a page loads.
pub(super) fn find(text: &str, word: &str) -> Option<usize> {
    let (text, word) = (text.as_bytes(), word.as_bytes());
    let mut start = 0;
    loop {
        start += text[start..].iter().position(|byte| *byte == word[0])?;
        if text[start..].starts_with(word) {
            return Some(start);
        }
        start += 1;
    }
}

/// The largest position up to `at` that does not split a character.
pub(super) fn floor_char_boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default()
}

/// How many bytes at the end of `words` are the beginning of the key, whose rest was cut off.
fn length_of_half(words: &str, key: &str) -> usize {
    let begins = |length: &usize| key.get(..*length).is_some_and(|half| words.ends_with(half));
    (1..key.len()).rev().find(begins).unwrap_or_default()
}

/// Bytes. As much as anybody reads of an error.
pub(super) const LONGEST: usize = 8 * 1024;
const ELLIPSIS: &str = "…";
/// What a client without a key sends in its place. It is no secret, and servers speak of it.
pub(super) const NO_KEY: &str = "anonymous";
/// Bytes. A shorter key hides nothing, and occurs in other words.
const SHORTEST_KEY: usize = 4;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn short_words_stay_as_they_are() {
        assert_eq!(shown("no such key", false, None), "no such key");
        assert_eq!(shown("no such key", false, Some("hunter2")), "no such key");
    }

    #[test]
    fn the_key_is_replaced_wherever_it_occurs() {
        assert_eq!(shown("hunter2, hunter2!", false, Some("hunter2")), "[key], [key]!");
    }

    #[test]
    fn a_key_that_is_none_or_hides_nothing_is_not_replaced() {
        assert_eq!(shown("anonymous users are refused", false, Some("anonymous")), "anonymous users are refused");
        assert_eq!(shown("no such key", false, Some("key")), "no such key");
        assert_eq!(shown("empty", false, Some("")), "empty");
    }

    #[test]
    fn long_words_are_cut_at_a_character_and_end_with_an_ellipsis() {
        let words = shown(&"é".repeat(LONGEST), false, None);
        assert!(words.len() <= LONGEST && words.len() > LONGEST - 4, "{}", words.len());
        assert!(words.strip_suffix('…').is_some_and(|rest| rest.chars().all(|character| character == 'é')));
    }

    #[test]
    fn half_a_key_at_the_cut_is_not_shown() {
        let words = shown("the key hunter2-hun", true, Some("hunter2-hunter2"));
        assert_eq!(words, "the key …");
    }

    proptest! {
        #[test]
        fn whatever_a_server_says_is_short_and_without_the_key(
            words in "[ab…]{0,30}",
            key in "[ab]{4,6}",
            is_cut: bool,
            times in 1_usize..2_000,
        ) {
            let words = shown(&words.repeat(times), is_cut, Some(&key));
            prop_assert!(words.len() <= LONGEST);
            prop_assert!(!words.replace("[key]", "|").contains(&key));
            prop_assert!(!is_cut || words.ends_with('…'));
        }
    }
}
