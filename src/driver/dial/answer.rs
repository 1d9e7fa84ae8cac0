//! What an HTTP answer that refuses says of itself: its status, where it leads to, the first line of its body.

use std::{str, time::Duration};

use memchr::memmem;
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    time::timeout,
};
use tokio_tungstenite::tungstenite::http::StatusCode;

use super::head::Head;
use mcp_protocol::Answer;

/// Reads what there is to read in a short time; `early` came with the head. `secrets` are left out of the words: an
/// answer may repeat what it was asked.
pub(super) async fn read_answer(
    stream: &mut (impl AsyncRead + Unpin),
    head: &Head,
    early: Vec<u8>,
    secrets: &[&[u8]],
) -> Answer {
    let kind = BodyKind::of(head);
    let mut body = early;
    if let Some(kind) = &kind {
        // An answer that does not end, or breaks off, says what it has said so far.
        let _ = timeout(PATIENCE, read_body(stream, head, kind, &mut body)).await;
    }
    body.truncate(length_of(head).unwrap_or(MOST_BYTES).min(MOST_BYTES));
    let text = kind.and_then(|kind| kind.text_of(FirstPart::of(head, &body).bytes));
    Answer {
        status: head.status,
        reason: StatusCode::from_u16(head.status).ok().and_then(|status| status.canonical_reason()),
        // Who may ask for that is not known here.
        retry_after: None,
        location: head.values("location").next().and_then(location_of).and_then(|location| shown(location, secrets)),
        text: text.and_then(|text| shown(text, secrets)),
    }
}

/// The beginning of what is no answer at all, in quotes and escaped. `secrets` are left out, one that has come only in
/// part too: what it came from may repeat what it was sent.
pub(super) fn beginning(bytes: &[u8], secrets: &[&[u8]]) -> String {
    let text = without(String::from_utf8_lossy(without_half(bytes, secrets)).into_owned(), secrets);
    let mut shown: String = text.chars().take(MOST_CHARACTERS).flat_map(escaped).collect();
    if text.chars().nth(MOST_CHARACTERS).is_some() {
        shown.push('…');
    }
    format!("\"{shown}\"")
}

/// A header in words; `None` if it is empty.
pub(super) fn shown_value(value: &[u8], secrets: &[&[u8]]) -> Option<String> {
    shown(String::from_utf8_lossy(value).into_owned(), secrets)
}

/// What can be shown of a body.
enum BodyKind {
    Text,
    Html,
}

impl BodyKind {
    fn of(head: &Head) -> Option<Self> {
        // RFC 9110 § 6.4.1: these have no body.
        if matches!(head.status, 204 | 304) {
            return None;
        }
        if head.values("content-encoding").any(|coding| !coding.eq_ignore_ascii_case(b"identity")) {
            return None;
        }
        let Some(kind) = head.values("content-type").next() else { return Some(Self::Text) };
        let kind = str::from_utf8(kind).ok()?.split(';').next()?.trim().to_ascii_lowercase();
        match kind.as_str() {
            "text/html" | "application/xhtml+xml" => Some(Self::Html),
            "application/json" => Some(Self::Text),
            kind if kind.starts_with("text/") || kind.ends_with("+json") => Some(Self::Text),
            _ => None,
        }
    }

    /// What is shown is there, whatever comes after it.
    fn is_shown_by(&self, body: &[u8]) -> bool {
        match self {
            Self::Text => body.trim_ascii_start().contains(&b'\n'),
            Self::Html => memmem::find(&body.to_ascii_lowercase(), b"</title").is_some(),
        }
    }

    fn text_of(&self, body: &[u8]) -> Option<String> {
        let body = String::from_utf8_lossy(body);
        match self {
            Self::Text => body.lines().map(str::trim).find(|line| !line.is_empty()).map(str::to_owned),
            Self::Html => {
                let lower = body.to_ascii_lowercase();
                let start = lower.find("<title")?;
                let start = start + lower[start..].find('>')? + 1;
                let end = start + lower[start..].find("</title")?;
                Some(body[start..end].split_whitespace().collect::<Vec<_>>().join(" "))
            }
        }
    }
}

/// Stops when all that is shown has come.
async fn read_body(stream: &mut (impl AsyncRead + Unpin), head: &Head, kind: &BodyKind, body: &mut Vec<u8>) {
    let wanted = length_of(head).unwrap_or(MOST_BYTES).min(MOST_BYTES);
    while body.len() < wanted {
        let part = FirstPart::of(head, body);
        if part.is_whole || kind.is_shown_by(part.bytes) {
            break;
        }
        match stream.read_buf(body).await {
            Ok(0) | Err(_) => break,
            Ok(_) => {}
        }
    }
}

/// `None` if the body ends with the connection, or with its last chunk.
pub(super) fn length_of(head: &Head) -> Option<usize> {
    let length = head.values("content-length").next()?;
    str::from_utf8(length).ok()?.trim().parse().ok()
}

/// The body comes in chunks (RFC 9112 § 7.1).
pub(super) fn is_chunked(head: &Head) -> bool {
    head.values("transfer-encoding").next().is_some()
}

/// A body, or of a body in chunks (RFC 9112 § 7.1) the first one.
struct FirstPart<'a> {
    bytes: &'a [u8],
    /// It is a chunk, and all of it has come.
    is_whole: bool,
}

impl<'a> FirstPart<'a> {
    fn of(head: &Head, body: &'a [u8]) -> Self {
        if !is_chunked(head) {
            return Self { bytes: body, is_whole: false };
        }
        let Some(end) = memchr::memchr(b'\n', body) else { return Self { bytes: &[], is_whole: false } };
        let size = str::from_utf8(&body[..end]).ok().and_then(|line| line.split(';').next());
        let size = size.and_then(|size| usize::from_str_radix(size.trim(), 16).ok()).unwrap_or_default();
        let rest = &body[end + 1..];
        Self { bytes: &rest[..rest.len().min(size)], is_whole: rest.len() >= size }
    }
}

/// Without user, password, query and fragment, which may be secrets.
fn location_of(value: &[u8]) -> Option<String> {
    let value = str::from_utf8(value).ok()?;
    let value = value.split(['?', '#']).next()?.trim();
    Some(match value.split_once("//") {
        Some((scheme, rest)) => {
            let (authority, path) = rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash));
            let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
            format!("{scheme}//{host}{path}")
        }
        None => value.to_owned(),
    })
}

/// In this order: cut first, a secret could be half there.
fn shown(text: String, secrets: &[&[u8]]) -> Option<String> {
    Some(printable(&without(text, secrets))).filter(|text| !text.is_empty())
}

/// Bounded, and without characters that a terminal or a log would act on.
fn printable(text: &str) -> String {
    let mut shown = String::new();
    for (count, character) in text.chars().enumerate() {
        if count == MOST_CHARACTERS {
            shown.push('…');
            break;
        }
        if is_harmless(character) {
            shown.push(character);
        } else {
            shown.extend(character.escape_unicode());
        }
    }
    shown
}

/// As in a literal of most languages.
fn escaped(character: char) -> impl Iterator<Item = char> {
    let plain = is_harmless(character) && !matches!(character, '"' | '\\');
    plain.then_some(character).into_iter().chain((!plain).then(|| character.escape_default()).into_iter().flatten())
}

/// Without the beginning of a secret at the end.
fn without_half<'a>(bytes: &'a [u8], secrets: &[&[u8]]) -> &'a [u8] {
    let half = |secret: &[u8]| (SHORTEST_SECRET..secret.len()).rev().find(|length| bytes.ends_with(&secret[..*length]));
    let longest = secrets.iter().filter_map(|secret| half(secret)).max().unwrap_or_default();
    &bytes[..bytes.len() - longest]
}

/// Neither a control character, nor one that changes the direction or is not seen.
fn is_harmless(character: char) -> bool {
    !character.is_control()
        && !matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// The words of a server without the secrets that it repeats.
pub(super) fn without(mut words: String, secrets: &[&[u8]]) -> String {
    for secret in secrets.iter().filter(|secret| secret.len() >= SHORTEST_SECRET) {
        if memmem::find(words.as_bytes(), secret).is_some()
            && let Ok(secret) = str::from_utf8(secret)
        {
            words = words.replace(secret, "[secret]");
        }
    }
    words
}

/// Bytes of a body that are looked at.
const MOST_BYTES: usize = 4 * 1024;
/// Characters of a line that are shown.
const MOST_CHARACTERS: usize = 200;
/// How long to wait for a body whose head has come: servers send both together.
const PATIENCE: Duration = Duration::from_millis(300);
/// Bytes. A shorter text is in many words by chance, and protects nothing.
const SHORTEST_SECRET: usize = 4;

#[cfg(test)]
mod tests {
    use super::super::head::read_head;
    use super::*;

    async fn read_with(answer: &str, secrets: &[&[u8]]) -> Answer {
        let mut stream = answer.as_bytes();
        let (head, early) = read_head(&mut stream).await.unwrap_or_else(|error| panic!("{error:?}"));
        read_answer(&mut stream, &head, early, secrets).await
    }

    async fn read(answer: &str) -> Answer {
        read_with(answer, &[]).await
    }

    #[tokio::test]
    async fn status_and_location_are_told_and_what_may_be_secret_of_the_location_is_not() {
        for (location, shown) in [
            ("https://portal.example/login?next=hunter2#x", "https://portal.example/login"),
            ("https://u:hunter2@portal.example", "https://portal.example"),
            ("/login", "/login"),
            ("//h/\u{202e}x", "//h/\\u{202e}x"),
        ] {
            let answer = read(&format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\n\r\n")).await;
            assert_eq!((answer.status, answer.reason), (302, Some("Found")));
            assert_eq!(answer.location.as_deref(), Some(shown));
        }
        assert_eq!(read("HTTP/1.1 503 x\r\n\r\n").await.location, None);
    }

    #[tokio::test]
    async fn the_first_line_of_a_text_is_told() {
        for (headers, body, text) in [
            ("Content-Type: text/plain; charset=utf-8", "\r\n  no such path \r\nmore", Some("no such path")),
            ("Content-Type: application/json", r#"{"error":"gone"}"#, Some(r#"{"error":"gone"}"#)),
            ("Content-Type: application/problem+json", "{}", Some("{}")),
            ("X: y", "plain words", Some("plain words")),
            ("Content-Length: 5", "plain words", Some("plain")),
            ("Transfer-Encoding: chunked", "b\r\nplain words\r\n0\r\n\r\n", Some("plain words")),
            ("Transfer-Encoding: chunked", "zz\r\nplain words", None),
            ("Content-Type: text/html", "<!DOCTYPE html><TITLE a>\n Sign\n in </TITLE><p>x", Some("Sign in")),
            ("Content-Type: text/html", "<p>no title", None),
            ("Content-Type: image/png", "\u{0}\u{1}", None),
            ("Content-Encoding: gzip", "xyz", None),
            ("Content-Type: text/plain", "", None),
        ] {
            let answer = read(&format!("HTTP/1.1 400 Bad Request\r\n{headers}\r\n\r\n{body}")).await;
            assert_eq!(answer.text.as_deref(), text, "{headers}");
        }
    }

    #[tokio::test]
    async fn words_are_bounded_and_escaped() {
        let answer = read(&format!("HTTP/1.1 400 x\r\n\r\n\u{1b}[31mred\u{202e}{}", "x".repeat(100_000))).await;
        let text = answer.text.expect("it is text");
        assert!(text.starts_with("\\u{1b}[31mred\\u{202e}x") && text.ends_with("x…"), "{text}");
        assert!(text.chars().count() < MOST_CHARACTERS + 20, "{}", text.len());
    }

    #[tokio::test]
    async fn secrets_of_ours_that_it_repeats_are_left_out() {
        let answer =
            read_with("HTTP/1.1 400 x\r\nLocation: /hunter2/a\r\n\r\nwrong: hunter2", &[b"hunter2", b"r"]).await;
        assert_eq!(answer.location.as_deref(), Some("/[secret]/a"));
        assert_eq!(answer.text.as_deref(), Some("wrong: [secret]"));
        let cut = format!("HTTP/1.1 400 x\r\n\r\n{}hunter2", "x".repeat(MOST_CHARACTERS - 3));
        assert!(!read_with(&cut, &[b"hunter2"]).await.text.expect("it is text").contains("hun"));
    }

    #[test]
    fn the_beginning_of_what_is_no_answer_is_bounded_and_escaped_and_has_no_secret() {
        let shown = |bytes: &[u8]| beginning(bytes, &[b"hunter2", b"r"]);
        assert_eq!(shown(b"SSH-2.0-\"x\\\"\r\n"), r#""SSH-2.0-\"x\\\"\r\n""#);
        assert_eq!(shown("\u{1b}[31m é \u{202e}".as_bytes()), r#""\u{1b}[31m é \u{202e}""#);
        assert_eq!(shown(b"\x15\x03\x01"), r#""\u{15}\u{3}\u{1}""#);
        assert_eq!(shown(b"GET /hunter2 x-key: hunt"), r#""GET /[secret] x-key: ""#);
        assert_eq!(shown(&[b'x'; 1000]), format!("\"{}…\"", "x".repeat(MOST_CHARACTERS)));
    }

    /// An answer whose connection stays open.
    async fn read_open(answer: &str) -> Answer {
        let (mut client, mut server) = tokio::io::duplex(1024);
        tokio::io::AsyncWriteExt::write_all(&mut server, answer.as_bytes()).await.expect("there is room");
        let (head, early) = read_head(&mut client).await.unwrap_or_else(|error| panic!("{error:?}"));
        read_answer(&mut client, &head, early, &[]).await
    }

    #[tokio::test]
    async fn nothing_is_waited_for_when_the_words_are_there() {
        for answer in [
            "Content-Type: text/plain\r\n\r\nlater\n",
            "Content-Type: text/html\r\n\r\n<title>later</title>",
            "Content-Length: 5\r\n\r\nlater",
            "Transfer-Encoding: chunked\r\n\r\n5\r\nlater\r\n0\r\n\r\n",
        ] {
            let answer = timeout(PATIENCE / 2, read_open(&format!("HTTP/1.1 503 x\r\n{answer}"))).await;
            assert_eq!(answer.expect("it waited for more").text.as_deref(), Some("later"));
        }
    }

    #[tokio::test]
    async fn a_body_that_does_not_end_is_not_waited_for_long() {
        assert_eq!(read_open("HTTP/1.1 503 x\r\n\r\nlater").await.text.as_deref(), Some("later"));
    }
}
