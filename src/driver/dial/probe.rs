//! Asks the server for a page over HTTP, by the way that the WebSocket takes: the same proxy, the same TLS. It follows
//! no redirect, and sends neither key nor headers of the user.

use std::io;

use httparse::Status;
use serde::Serialize;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::{
    Dialer, Way,
    answer::{is_chunked, length_of},
    endpoint::Endpoint,
    head::{Head, HeadError, read_head},
    owner::Owner,
    progress::Progress,
    stream::Stream,
    system_error::system_error,
};
use mcp_protocol::DialFailure;

/// What the server says.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Page {
    /// The HTTP status.
    pub status: u16,
    /// The first 64 KiB of the body; what is not UTF-8 is replaced.
    pub body: String,
    /// The body is longer.
    pub is_cut: bool,
}

impl Dialer {
    /// The page at `path`, which begins with a slash. The caller bounds the time that it may take.
    ///
    /// Errors: in words.
    pub(in crate::driver) async fn page(
        &self,
        owner: &dyn Owner,
        endpoint: &Endpoint,
        way: Way,
        path: &str,
    ) -> Result<Page, String> {
        let progress = Progress::start();
        let words = |failure: DialFailure| failure.to_string();
        let (stream, _) = self.reach(owner, endpoint, way, &progress).await.map_err(words)?;
        let request = request(endpoint, path);
        match (stream, endpoint.secure) {
            (Stream::Tcp(tcp), false) => ask(tcp, &request).await,
            (Stream::Tls(proxy), false) => ask(*proxy, &request).await,
            (Stream::Tcp(tcp), true) => {
                let encrypted = self.tls.connect(owner, &endpoint.host, tcp, &progress).await.map_err(words)?;
                ask(encrypted.stream, &request).await
            }
            (Stream::Tls(proxy), true) => {
                let encrypted = self.tls.connect(owner, &endpoint.host, *proxy, &progress).await.map_err(words)?;
                ask(encrypted.stream, &request).await
            }
        }
    }
}

fn request(endpoint: &Endpoint, path: &str) -> String {
    let authority = endpoint.authority();
    format!("GET {path} HTTP/1.1\r\nHost: {authority}\r\nAccept: application/json\r\nConnection: close\r\n\r\n")
}

async fn ask(mut stream: impl AsyncRead + AsyncWrite + Unpin, request: &str) -> Result<Page, String> {
    let words = |error: io::Error| system_error(&error).message;
    stream.write_all(request.as_bytes()).await.map_err(words)?;
    stream.flush().await.map_err(words)?;
    let (head, early) = read_head(&mut stream).await.map_err(|error| match error {
        HeadError::Closed => "the server closed the connection before it answered".to_owned(),
        HeadError::Io(error) => words(error),
        HeadError::TooLong(reason) | HeadError::NotHttp { reason, .. } => reason,
    })?;
    let raw = read_body(&mut stream, &head, early).await;
    let (body, is_whole) = if is_chunked(&head) { unchunked(&raw) } else { (raw, true) };
    let is_cut = body.len() > MOST_BYTES || (!is_whole && body.len() >= MOST_BYTES);
    let body = String::from_utf8_lossy(&body[..body.len().min(MOST_BYTES)]).into_owned();
    Ok(Page { status: head.status, body, is_cut })
}

/// As much as is shown, and one byte more. A body that breaks off is as long as what has come.
async fn read_body(stream: &mut (impl AsyncRead + Unpin), head: &Head, early: Vec<u8>) -> Vec<u8> {
    // Chunks have sizes between them.
    let most = if is_chunked(head) { 2 * MOST_BYTES } else { MOST_BYTES + 1 };
    let wanted = length_of(head).unwrap_or(most).min(most);
    let (mut body, mut next_chunk) = (early, 0);
    while body.len() < wanted && !(is_chunked(head) && has_last_chunk(&body, &mut next_chunk)) {
        match stream.read_buf(&mut body).await {
            Ok(0) | Err(_) => break,
            Ok(_) => {}
        }
    }
    body.truncate(wanted);
    body
}

/// Whether the last chunk has come, or what comes is none. `next` is where the first one begins that has not come
/// whole: with each byte that comes, only that one is looked at.
fn has_last_chunk(raw: &[u8], next: &mut usize) -> bool {
    loop {
        match httparse::parse_chunk_size(&raw[*next..]) {
            Ok(Status::Complete((_, 0))) | Err(_) => return true,
            Ok(Status::Partial) => return false,
            Ok(Status::Complete((start, size))) => {
                let size = usize::try_from(size).unwrap_or(usize::MAX);
                let end = next.checked_add(start).and_then(|at| at.checked_add(size)?.checked_add(2));
                let Some(end) = end.filter(|end| *end <= raw.len()) else { return false };
                *next = end;
            }
        }
    }
}

/// The content of chunks (RFC 9112 § 7.1), and whether the last one has come.
fn unchunked(mut raw: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    while let Ok(Status::Complete((start, size))) = httparse::parse_chunk_size(raw) {
        if size == 0 {
            return (body, true);
        }
        let rest = &raw[start..];
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        body.extend(&rest[..rest.len().min(size)]);
        // The chunk ends with CR LF.
        let Some(next) = size.checked_add(2).and_then(|end| rest.get(end..)) else { break };
        raw = next;
    }
    (body, false)
}

/// Bytes of a body that are read.
const MOST_BYTES: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use tokio::io::duplex;

    use super::*;

    /// What is made of an answer; the connection stays open behind it.
    async fn page(answer: &[u8]) -> Result<Page, String> {
        let (client, mut server) = duplex(1 << 20);
        server.write_all(answer).await.expect("there is room");
        let asked = ask(client, "GET /x HTTP/1.1\r\n\r\n");
        let page = tokio::time::timeout(std::time::Duration::from_secs(10), asked).await.expect("it waited for more");
        drop(server);
        page
    }

    #[tokio::test]
    async fn a_body_is_read_by_its_length_and_by_its_chunks() {
        for answer in [
            "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{\"ok\":true}",
            "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{\"ok\":true}HTTP/1.1 400",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n{\"ok\r\n7;x=y\r\n\":true}\r\n0\r\n\r\n",
        ] {
            let page = page(answer.as_bytes()).await.expect(answer);
            assert_eq!((page.status, page.body.as_str(), page.is_cut), (200, "{\"ok\":true}", false), "{answer}");
        }
    }

    #[test]
    fn the_last_chunk_is_found_however_the_others_come_without_looking_at_them_again() {
        let raw = b"4\r\nabcd\r\n1;x=y\r\ne\r\n0\r\n\r\n";
        let mut next = 0;
        let found = (0..raw.len()).find(|length| has_last_chunk(&raw[..*length], &mut next));
        assert_eq!((found, next), (Some(raw.len() - 2), raw.len() - 5));
        for (raw, is_over) in [("", false), ("zz\r\n", true), ("ffffffffffffffff\r\nx", false), ("5\r\nab", false)] {
            assert_eq!(has_last_chunk(raw.as_bytes(), &mut 0), is_over, "{raw}");
        }
    }

    #[tokio::test]
    async fn a_long_body_is_cut() {
        let long = "x".repeat(MOST_BYTES + 100);
        let chunk = format!("{:x}\r\n{long}\r\n", long.len());
        for answer in [
            format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{long}", long.len()),
            format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}{chunk}"),
        ] {
            let page = page(answer.as_bytes()).await.expect("a page");
            assert_eq!((page.body.len(), page.is_cut), (MOST_BYTES, true));
        }
    }

    #[tokio::test]
    async fn what_is_no_page_is_told_in_words() {
        let told = page(b"SSH-2.0-x\r\n").await.expect_err("it is none");
        assert!(told.starts_with("it is not HTTP"), "{told}");
        let (client, server) = duplex(64);
        drop(server);
        assert!(ask(client, "GET").await.is_err());
    }
}
