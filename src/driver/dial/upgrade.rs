//! The HTTP upgrade: sends the request and checks the answer (RFC 6455 § 4.1, PROTOCOL.md rule 13).

use std::{
    io,
    time::{Duration, SystemTime},
};

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::{
    answer::{beginning, read_answer, shown_value, without},
    endpoint::Endpoint,
    extensions,
    head::{Head, HeadError, read_head},
    progress::Progress,
    system_error::system_error,
};
use crate::driver::{clock::wall_clock, socket::deflate::Agreement};
use mcp_protocol::{Answer, Subprotocols, UpgradeFailure, UpgradeTrace};

/// What the answer to the upgrade brought.
pub(in crate::driver) struct Upgraded {
    /// What came after it: the beginning of the first frame.
    pub(in crate::driver) early: Vec<u8>,
    /// Messages may be compressed.
    pub(in crate::driver) compression: Option<Agreement>,
}

/// Makes a WebSocket of the stream.
pub(super) async fn upgrade<S>(
    stream: &mut S,
    endpoint: &Endpoint,
    progress: &Progress,
) -> Result<Upgraded, UpgradeFailure>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (request, key) = endpoint.upgrade_request();
    let sent = async {
        stream.write_all(&request).await?;
        stream.flush().await
    };
    sent.await.map_err(|error: io::Error| UpgradeFailure::Broken(system_error(&error)))?;
    let (head, early) = read_head(stream).await.map_err(|error| without_head(error, &endpoint.secrets()))?;
    progress.answered(trace(&head, &endpoint.secrets()));
    if head.status != 101 {
        let retry_after = head.values("retry-after").next().and_then(|value| retry_after(value, wall_clock()));
        let answer = read_answer(stream, &head, early, &endpoint.secrets()).await;
        return Err(UpgradeFailure::Status { answer: Answer { retry_after, ..answer } });
    }
    check(&head, &derive_accept_key(key.as_bytes()), &endpoint.protocols)?;
    let compression = extensions::agreement(head.values("sec-websocket-extensions"), endpoint.compression);
    let refused = |reason| UpgradeFailure::NotWebSocket(without(reason, &endpoint.secrets()));
    Ok(Upgraded { early, compression: compression.map_err(refused)? })
}

/// Why there is no head. `secrets` are left out of what the server sent.
fn without_head(error: HeadError, secrets: &[&[u8]]) -> UpgradeFailure {
    match error {
        HeadError::Closed => UpgradeFailure::Closed,
        HeadError::Io(error) => UpgradeFailure::Broken(system_error(&error)),
        HeadError::TooLong(reason) => UpgradeFailure::NotWebSocket(reason),
        HeadError::NotHttp { reason, bytes } => {
            UpgradeFailure::NotWebSocket(format!("{reason}; it sent {}", beginning(&bytes, secrets)))
        }
    }
}

fn trace(head: &Head, secrets: &[&[u8]]) -> UpgradeTrace {
    let value = |name| {
        let values: Vec<_> = head.values(name).filter_map(|value| shown_value(value, secrets)).collect();
        (!values.is_empty()).then(|| values.join(", "))
    };
    let (extensions, protocol) = (value("sec-websocket-extensions"), value("sec-websocket-protocol"));
    UpgradeTrace { status: head.status, extensions, protocol }
}

/// Checks a 101, all but the extensions. `accept` is the value that fits the key of the request, `offered` are its
/// subprotocols.
fn check(head: &Head, accept: &str, offered: &Subprotocols) -> Result<(), UpgradeFailure> {
    let protocols: Vec<&[u8]> = head.values("sec-websocket-protocol").collect();
    let rules = [
        (head.is_http_1_1, "it is not HTTP/1.1"),
        (has_only(head, "upgrade", |value| value.eq_ignore_ascii_case(b"websocket")), "Upgrade is not websocket"),
        (lists_upgrade(head), "Connection does not contain Upgrade"),
        (
            has_only(head, "sec-websocket-accept", |value| value == accept.as_bytes()),
            "Sec-WebSocket-Accept does not fit the key",
        ),
        (protocols.len() < 2, "there are two Sec-WebSocket-Protocol"),
        (!protocols.is_empty() || offered.is_empty(), "none of the offered subprotocols was chosen"),
        (protocols.iter().all(|chosen| is_among(offered, chosen)), "a subprotocol was chosen that was not offered"),
    ];
    match rules.into_iter().find(|(holds, _)| !holds) {
        Some((_, reason)) => Err(UpgradeFailure::NotWebSocket(reason.to_owned())),
        None => Ok(()),
    }
}

/// Seconds, or a date, of which the past is none at all (RFC 9110 § 10.2.3). `None` if it is neither.
fn retry_after(value: &[u8], now: SystemTime) -> Option<Duration> {
    let text = str::from_utf8(value).ok()?.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Duration::from_secs(text.parse().unwrap_or(u32::MAX).into()));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

/// The header is there, and wherever it is its value is right.
fn has_only(head: &Head, name: &str, is_right: impl Fn(&[u8]) -> bool) -> bool {
    head.values(name).next().is_some() && head.values(name).all(is_right)
}

/// A list of tokens, in one line or several (RFC 9110 § 7.6.1). Proxies add their own.
fn lists_upgrade(head: &Head) -> bool {
    let mut tokens = head.values("connection").flat_map(|value| value.split(|byte| *byte == b','));
    tokens.any(|token| token.trim_ascii().eq_ignore_ascii_case(b"upgrade"))
}

/// Names of subprotocols are case-sensitive.
fn is_among(offered: &Subprotocols, chosen: &[u8]) -> bool {
    offered.iter().any(|protocol| protocol.as_bytes() == chosen)
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read, Write};

    use mcp_protocol::Answer;
    use proptest::prelude::*;
    use tokio::runtime::Builder;
    use tokio_tungstenite::tungstenite::{
        self, HandshakeError, client::IntoClientRequest, handshake::client::ClientHandshake,
    };

    use super::*;

    /// What tungstenite makes of an answer to a request with this key that offers the subprotocols `a` and `b`.
    fn check_by_tungstenite(key: &str, answer: &[u8]) -> Result<(), String> {
        let mut request = "ws://h/".into_client_request().expect("a request");
        request.headers_mut().insert("sec-websocket-key", key.parse().expect("a value"));
        request.headers_mut().insert("sec-websocket-protocol", "a, b".parse().expect("a value"));
        let handshake = ClientHandshake::start(Recorded(Cursor::new(answer)), request, None).expect("a request");
        match handshake.handshake() {
            Ok(_) => Ok(()),
            Err(HandshakeError::Failure(tungstenite::Error::Http(answer))) => Err(answer.status().as_u16().to_string()),
            Err(HandshakeError::Failure(tungstenite::Error::Protocol(error))) if is_incomplete(&error) => {
                Err("closed".to_owned())
            }
            Err(_) => Err("wrong".to_owned()),
        }
    }

    fn is_incomplete(error: &tungstenite::error::ProtocolError) -> bool {
        matches!(error, tungstenite::error::ProtocolError::HandshakeIncomplete)
    }

    /// A stream that was recorded; what is written is lost.
    struct Recorded<'a>(Cursor<&'a [u8]>);

    impl Read for Recorded<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            self.0.read(into)
        }
    }

    impl Write for Recorded<'_> {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What we make of it.
    fn check_by_us(key: &str, mut answer: &[u8]) -> Result<(), String> {
        let runtime = Builder::new_current_thread().build().expect("a runtime");
        let offered = Subprotocols::from_iter(["a".to_owned(), "b".to_owned()]);
        let checked =
            runtime.block_on(read_head(&mut answer)).map_err(|error| without_head(error, &[])).and_then(|(head, _)| {
                match head.status {
                    101 => check(&head, &derive_accept_key(key.as_bytes()), &offered),
                    status => Err(UpgradeFailure::Status { answer: Answer::of(status) }),
                }
            });
        checked.map_err(|failure| match failure {
            UpgradeFailure::Status { answer } => answer.status.to_string(),
            UpgradeFailure::Closed => "closed".to_owned(),
            _ => "wrong".to_owned(),
        })
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_and_a_date_in_the_past_is_now() {
        let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:30 GMT").expect("a date");
        let seconds = |value: &str| retry_after(value.as_bytes(), now).map(|wait| wait.as_secs());
        for (value, expected) in [
            ("0", Some(0)),
            ("120", Some(120)),
            (" 7 ", Some(7)),
            ("99999999999999999999", Some(u64::from(u32::MAX))),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(7)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", Some(7)),
            ("Sun Nov  6 08:49:37 1994", Some(7)),
            ("Sun, 06 Nov 1994 08:49:29 GMT", Some(0)),
            ("", None),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
        ] {
            assert_eq!(seconds(value), expected, "{value:?}");
        }
        assert_eq!(retry_after(b"\xff", now), None);
    }

    proptest! {
        /// In all but what PROTOCOL.md rule 13 wants otherwise: there is one line of each header, and `Connection` has
        /// one token.
        #[test]
        fn a_plain_answer_is_taken_and_refused_as_by_tungstenite(
            status in prop::sample::select(vec!["101 Switching Protocols", "101", "200 OK", "401 No", "503 Later"]),
            upgrade in prop::sample::select(vec!["Upgrade: websocket", "UPGRADE:WebSocket ", "Upgrade: h2c", "x: y"]),
            connection in prop::sample::select(vec!["Connection: Upgrade", "connection: upgrade", "Connection: close"]),
            accept in prop::sample::select(vec![true, true, true, false]),
            protocol in prop::sample::select(vec!["a", "b", "c", "A", "a, b", ""]),
            line_end in prop::sample::select(vec!["\r\n", "\n"]),
            cut in 0_usize..300,
        ) {
            const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
            let accept = derive_accept_key(if accept { KEY } else { "another" }.as_bytes());
            let lines = [
                format!("HTTP/1.1 {status}"),
                upgrade.to_owned(),
                connection.to_owned(),
                format!("Sec-WebSocket-Accept: {accept}"),
                format!("Sec-WebSocket-Protocol: {protocol}"),
                String::new(),
                String::new(),
            ];
            let mut answer = lines.join(line_end);
            answer.truncate(answer.len().saturating_sub(cut.saturating_sub(150)));
            let expected = check_by_tungstenite(KEY, answer.as_bytes());
            prop_assert_eq!(check_by_us(KEY, answer.as_bytes()), expected);
        }
    }
}
