//! HTTP CONNECT (RFC 9110 § 9.3.6).

use std::io;

use data_encoding::BASE64;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use zeroize::Zeroizing;

use super::super::{
    answer::{beginning, read_answer},
    head::{HeadError, read_head},
    system_error::system_error,
};
use super::address::Credentials;
use mcp_protocol::ProxyFailure;

/// Asks the proxy for a tunnel. `host` is a name, or an address without brackets.
pub(super) async fn connect<S>(
    stream: &mut S,
    credentials: Option<&Credentials>,
    host: &str,
    port: u16,
) -> Result<(), ProxyFailure>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let request = request(credentials, host, port);
    let sent = async {
        stream.write_all(&request).await?;
        stream.flush().await
    };
    sent.await.map_err(|error: io::Error| ProxyFailure::Broken(system_error(&error)))?;
    let pair = credentials.map(encoded);
    let password = credentials.map(|credentials| &credentials.password[..]);
    let secrets: Vec<&[u8]> = pair.iter().map(|pair| pair.as_bytes()).chain(password).collect();
    let (head, early) = read_head(stream).await.map_err(|error| without_head(error, &secrets))?;
    if !(200..300).contains(&head.status) {
        return Err(ProxyFailure::Status { answer: read_answer(stream, &head, early, &secrets).await });
    }
    if !early.is_empty() {
        // The server does not speak first, in TLS as in the upgrade.
        return Err(ProxyFailure::NotAProxy("bytes came behind its answer to CONNECT".to_owned()));
    }
    Ok(())
}

fn request(credentials: Option<&Credentials>, host: &str, port: u16) -> Zeroizing<Vec<u8>> {
    let brackets = if host.contains(':') { ["[", "]"] } else { ["", ""] };
    let authority = format!("{}{host}{}:{port}", brackets[0], brackets[1]);
    let start = format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n");
    // At once, so that growing leaves no copy of the password behind.
    let room = credentials.map_or(0, |credentials| 64 + 2 * (credentials.user.len() + credentials.password.len()));
    let mut request = Vec::with_capacity(start.len() + room + 2);
    request.extend(start.as_bytes());
    if let Some(credentials) = credentials {
        request.extend(b"Proxy-Authorization: Basic ");
        request.extend(encoded(credentials).as_bytes());
        request.extend(b"\r\n");
    }
    request.extend(b"\r\n");
    Zeroizing::new(request)
}

/// RFC 7617 § 2.
fn encoded(Credentials { user, password }: &Credentials) -> Zeroizing<String> {
    let pair = Zeroizing::new([&user[..], b":", &password[..]].concat());
    Zeroizing::new(BASE64.encode(&pair))
}

/// Why there is no head. `secrets` are left out of what the proxy sent.
fn without_head(error: HeadError, secrets: &[&[u8]]) -> ProxyFailure {
    match error {
        HeadError::Closed => ProxyFailure::Closed,
        HeadError::Io(error) => ProxyFailure::Broken(system_error(&error)),
        HeadError::TooLong(reason) => ProxyFailure::NotAProxy(reason),
        HeadError::NotHttp { reason, bytes } => {
            ProxyFailure::NotAProxy(format!("{reason}; it sent {}", beginning(&bytes, secrets)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::address::Proxy;
    use super::*;

    fn sent(url: &str, host: &str) -> String {
        let proxy = Proxy::parse(url).expect(url);
        String::from_utf8(request(proxy.credentials.as_ref(), host, 443).to_vec()).expect("ASCII")
    }

    #[test]
    fn the_request_names_the_server_and_has_user_and_password_as_rfc_7617_says() {
        assert_eq!(
            sent("http://p", "example.com"),
            "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n"
        );
        let with = sent("http://Aladdin:open%20sesame@p", "fd00::1");
        assert!(with.starts_with("CONNECT [fd00::1]:443 HTTP/1.1\r\nHost: [fd00::1]:443\r\n"), "{with}");
        assert!(with.ends_with("\r\nProxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n"), "{with}");
    }

    /// What comes of an answer after which the proxy hangs up.
    async fn answered(answer: &[u8]) -> Result<(), ProxyFailure> {
        let (mut client, mut server) = tokio::io::duplex(1 << 20);
        server.write_all(answer).await.expect("there is room");
        // Its request has room, too.
        server.shutdown().await.expect("it is open");
        let proxy = Proxy::parse("http://user:hunter2@p").expect("a proxy");
        connect(&mut client, proxy.credentials.as_ref(), "example.com", 443).await
    }

    #[tokio::test]
    async fn interim_answers_are_skipped_as_long_as_there_are_not_too_many() {
        let interim = "HTTP/1.1 100 Continue\r\nx: y\r\n\r\n";
        let opened = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n";
        assert_eq!(answered(format!("{}{opened}", interim.repeat(100)).as_bytes()).await, Ok(()));
        let flood = answered(format!("{}{opened}", interim.repeat(5_000)).as_bytes()).await;
        assert_eq!(flood, Err(ProxyFailure::NotAProxy("its head is longer than 65536 bytes".to_owned())));
        assert_eq!(answered(interim.repeat(100).as_bytes()).await, Err(ProxyFailure::Closed));
    }

    #[tokio::test]
    async fn whatever_a_proxy_sends_is_told_without_control_characters_and_without_our_secrets() {
        for (start, line) in
            [("HTTP/1.1 502 x\r\n\r\n", "\n"), ("HTTP/1.1 502 x\r\nLocation: /", "\r\n\r\n"), ("", "\n\n")]
        {
            let hostile = "\u{1b}[31m\u{7}\u{202e}\u{200b}\u{85}hunter2 dXNlcjpodW50ZXIy\t\u{9b}";
            let failure = answered(format!("{start}{hostile}{line}").as_bytes()).await.expect_err("it is refused");
            let cause = mcp_protocol::DialFailure::Proxy(failure.clone()).cause();
            let told = format!("{failure} {}", cause.map(|cause| cause.message).unwrap_or_default());
            assert!(!told.contains(|c: char| c.is_control() || "\u{202e}\u{200b}".contains(c)), "{told:?}");
            assert!(!told.contains("hunter2") && !told.contains("dXNlcjpo"), "{told}");
        }
    }
}
