//! Reads the head of an HTTP/1 answer. It serves the upgrade, and fits a proxy's answer to CONNECT as well.

use std::io;

use httparse::{EMPTY_HEADER, Response, Status};
use memchr::{memchr_iter, memmem};
use tokio::io::{AsyncRead, AsyncReadExt};

/// The status line and the headers of an answer.
pub(super) struct Head {
    pub(super) status: u16,
    /// False for HTTP/1.0.
    pub(super) is_http_1_1: bool,
    headers: Vec<(String, Vec<u8>)>,
}

/// Why there is no head.
#[derive(Debug)]
pub(super) enum HeadError {
    /// The other side closed the connection before the head was complete.
    Closed,
    Io(io::Error),
    /// It is too long.
    TooLong(String),
    /// It is not HTTP: for this reason, and these bytes came.
    NotHttp {
        reason: String,
        bytes: Vec<u8>,
    },
}

impl Head {
    /// The value of each header of that name.
    pub(super) fn values(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.headers.iter().filter(move |(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_slice())
    }

    /// 1xx, but for 101: the final answer follows (RFC 9110 § 15.2).
    fn is_interim(&self) -> bool {
        (100..200).contains(&self.status) && self.status != 101
    }
}

impl From<Response<'_, '_>> for Head {
    fn from(response: Response<'_, '_>) -> Self {
        let headers = response.headers.iter().map(|header| (header.name.to_owned(), header.value.to_vec()));
        Self {
            status: response.code.unwrap_or_default(),
            is_http_1_1: response.version == Some(1),
            headers: headers.collect(),
        }
    }
}

/// The head of the final answer, and the bytes that came after it. Interim answers before it are skipped.
pub(super) async fn read_head(stream: &mut (impl AsyncRead + Unpin)) -> Result<(Head, Vec<u8>), HeadError> {
    let mut reader = HeadReader::default();
    loop {
        match reader.take()? {
            Some(head) if head.is_interim() => {}
            Some(head) => {
                // What is left may be kept for long: nothing, mostly.
                reader.bytes.shrink_to_fit();
                return Ok((head, reader.bytes));
            }
            None => reader.read(stream).await?,
        }
    }
}

#[derive(Default)]
struct HeadReader {
    /// What has come, without the heads that were taken.
    bytes: Vec<u8>,
    /// How much of it was searched for an empty line.
    searched: usize,
    /// Bytes of the heads that were taken.
    taken: usize,
}

impl HeadReader {
    async fn read(&mut self, stream: &mut (impl AsyncRead + Unpin)) -> Result<(), HeadError> {
        self.bytes.reserve(READ_AT_ONCE);
        match stream.read_buf(&mut self.bytes).await {
            Ok(0) => Err(HeadError::Closed),
            Ok(_) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(HeadError::Closed),
            Err(error) => Err(HeadError::Io(error)),
        }
    }

    /// Takes the next head from the bytes; `None` if it is not complete.
    fn take(&mut self) -> Result<Option<Head>, HeadError> {
        self.skip_empty_lines();
        // A long head is parsed when it is complete, not anew with each byte. What is no HTTP at all shows at once.
        let end = match self.find_end() {
            Some(end) => end,
            None if self.bytes.len() <= PARSED_EARLY => self.bytes.len(),
            None => return self.check_length(self.bytes.len()).map(|()| None),
        };
        self.check_length(end)?;
        let head = parse(&self.bytes[..end])?;
        if head.is_some() {
            self.discard(end);
        }
        Ok(head)
    }

    /// RFC 9112 § 2.2 lets them be sent before a message.
    fn skip_empty_lines(&mut self) {
        self.discard(self.bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count());
    }

    fn discard(&mut self, count: usize) {
        if count > 0 {
            self.bytes.drain(..count);
            self.taken += count;
            self.searched = 0;
        }
    }

    fn check_length(&self, length: usize) -> Result<(), HeadError> {
        if self.taken + length > LONGEST {
            return Err(HeadError::TooLong(format!("its head is longer than {LONGEST} bytes")));
        }
        Ok(())
    }

    /// Where the first head ends: behind an empty line. A line may end with a line feed alone (RFC 9112 § 2.2).
    fn find_end(&mut self) -> Option<usize> {
        let from = self.searched.saturating_sub(2);
        self.searched = self.bytes.len();
        let behind = |line_ends: &[u8]| {
            let found = memmem::find(&self.bytes[from..], line_ends);
            found.map(|at| from + at + line_ends.len())
        };
        [behind(b"\n\r\n"), behind(b"\n\n")].into_iter().flatten().min()
    }
}

/// `None` if the head is not complete.
fn parse(bytes: &[u8]) -> Result<Option<Head>, HeadError> {
    // A line has at most one header.
    let mut headers = vec![EMPTY_HEADER; memchr_iter(b'\n', bytes).count() + 1];
    let mut response = Response::new(&mut headers);
    match response.parse(bytes) {
        Ok(Status::Complete(_)) => Ok(Some(Head::from(response))),
        Ok(Status::Partial) => Ok(None),
        Err(error) => Err(HeadError::NotHttp { reason: format!("it is not HTTP: {error}"), bytes: bytes.to_vec() }),
    }
}

/// Bytes of all heads of an answer. PROTOCOL.md rule 13.
const LONGEST: usize = 64 * 1024;
/// Bytes. Most answers are shorter.
const READ_AT_ONCE: usize = 1024;
/// Bytes. A head that is this short costs little to parse, however often.
const PARSED_EARLY: usize = 1024;

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncWriteExt, duplex};

    use super::*;

    /// Has an answer read that comes in pieces of so many bytes; then the connection is closed.
    async fn read_in_pieces(answer: &[u8], size: usize) -> Result<(Head, Vec<u8>), HeadError> {
        let (mut client, mut server) = duplex(size);
        let write = async move {
            // The reader may have seen enough.
            let _ = server.write_all(answer).await;
        };
        let read = async move { read_head(&mut client).await };
        tokio::join!(write, read).1
    }

    async fn read(answer: &str) -> Result<(Head, Vec<u8>), HeadError> {
        read_in_pieces(answer.as_bytes(), usize::MAX >> 1).await
    }

    async fn reason(answer: &str) -> String {
        match read(answer).await {
            Err(HeadError::TooLong(reason) | HeadError::NotHttp { reason, .. }) => reason,
            Err(error) => panic!("{error:?}"),
            Ok(_) => panic!("it was taken: {answer:.100}"),
        }
    }

    #[tokio::test]
    async fn an_answer_is_read_whatever_its_pieces_and_line_ends() {
        for answer in [
            "HTTP/1.1 200 OK\r\nA: 1\r\nb:2 \r\na: 3\r\n\r\nmore",
            "HTTP/1.1 200 OK\nA: 1\nb:2 \na: 3\n\nmore",
            "\r\n\nHTTP/1.1 200\r\nA: 1\nb:2\r\na: 3\n\r\nmore",
        ] {
            for size in [1, 2, 3, 7, 1000] {
                let (head, more) = read_in_pieces(answer.as_bytes(), size).await.expect("it is an answer");
                assert_eq!((head.status, head.is_http_1_1), (200, true));
                assert_eq!(head.values("a").collect::<Vec<_>>(), [b"1", b"3"]);
                assert_eq!(head.values("B").collect::<Vec<_>>(), [b"2"]);
                assert!(b"more".starts_with(&more), "{more:?}");
            }
        }
    }

    #[tokio::test]
    async fn interim_answers_are_skipped_and_101_is_none() {
        let early = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 199\r\n\r\n";
        for last in ["HTTP/1.1 101 Switching Protocols\r\n\r\n", "HTTP/1.0 503 Later\r\n\r\n"] {
            let (head, _) = read(&[early, last].concat()).await.expect("it is an answer");
            assert_eq!((head.status.to_string(), head.is_http_1_1), (last[9..12].to_owned(), &last[7..8] == "1"));
            assert_eq!(head.values("link").count(), 0);
        }
    }

    #[tokio::test]
    async fn heads_may_have_64_kib_together_and_any_number_of_headers() {
        let many = "a: b\r\n".repeat(10_000);
        let (head, _) = read(&format!("HTTP/1.1 200 OK\r\n{many}\r\n")).await.expect("it is short enough");
        assert_eq!(head.values("a").count(), 10_000);
        let interim = "HTTP/1.1 100 Continue\r\n\r\n".repeat(2_000);
        assert!(read(&format!("{interim}HTTP/1.1 200 OK\r\n\r\n")).await.is_ok());
        for (before, long) in [
            ("", "x".repeat(LONGEST)),
            ("HTTP/1.1 200 OK\r\na: ", "x".repeat(LONGEST)),
            ("HTTP/1.1 200 OK\r\n", "a: b\r\n".repeat(11_000)),
            ("", "HTTP/1.1 100 Continue\r\n\r\n".repeat(3_000)),
            ("", "\r\n".repeat(LONGEST)),
        ] {
            let reason = reason(&format!("{before}{long}\r\n\r\n")).await;
            assert!(reason.contains("65536") || long.starts_with('x'), "{reason}");
        }
    }

    #[tokio::test]
    async fn what_is_no_http_shows_with_its_first_bytes() {
        let (mut client, mut server) = duplex(1000);
        server.write_all(b"SSH-2.0-OpenSSH_9.6").await.expect("there is room");
        let Err(HeadError::NotHttp { bytes, .. }) = read_head(&mut client).await else { panic!("it was taken") };
        assert_eq!(bytes, b"SSH-2.0-OpenSSH_9.6");
        for answer in ["HTTP/2 200\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nno header\r\n\r\n"] {
            assert!(reason(answer).await.contains("not HTTP"), "{answer}");
        }
    }

    #[tokio::test]
    async fn an_answer_that_breaks_off_is_told_from_a_wrong_one() {
        let answer = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 101 Switching Protocols\r\na: b\r\n\r\n";
        for length in 0..answer.len() {
            assert!(matches!(read(&answer[..length]).await, Err(HeadError::Closed)), "after {length} bytes");
        }
    }
}
