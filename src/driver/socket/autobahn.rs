//! Runs the cases of the Autobahn testsuite against the reader, the frames and the outbox of a socket: its fuzzing
//! server sends frames, right and wrong, and expects whole messages back. `npm run test:autobahn` starts that server
//! and judges what it reports.
//!
//! The session takes no part: it does not echo messages, and sends only texts.

use std::{
    env,
    future::poll_fn,
    task::{Context, Poll},
    time::Duration,
};

use mcp_protocol::{ConnectionId, Content, Ending, LogLevel, Route, TlsOptions, Transmit};
use tokio::{runtime::Builder, time::timeout};

use super::{
    LINGER, close_code_of, ending_of, frames::Message, outbox::Outbox, poll_write_all, reader::Reader,
    transport::Transport, write_and_await_end,
};
use crate::driver::{
    clock::Clock,
    dial::{Dialer, Endpoint, Owner, Progress, Resolver, Upgraded, Way},
};

#[test]
#[ignore = "needs the fuzzing server: npm run test:autobahn"]
fn every_case_of_the_autobahn_testsuite_is_gone_through() {
    let server = env::var("AUTOBAHN_URL").expect("AUTOBAHN_URL names the fuzzing server");
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let count = echo(&format!("{server}/getCaseCount")).await;
        let count: u32 = count.concat().parse().expect("the number of cases");
        for case in 1..=count {
            let url = format!("{server}/runCase?case={case}&agent={AGENT}");
            timeout(LONGEST_CASE, echo(&url)).await.unwrap_or_else(|_| panic!("case {case} of {count} has not ended"));
        }
        echo(&format!("{server}/updateReports?agent={AGENT}")).await;
    });
}

/// Sends back what comes, until the connection has ended. Returns the texts among it.
async fn echo(url: &str) -> Vec<String> {
    let endpoint = Endpoint::new(&Route::default(), url).expect("an endpoint");
    let dialer = Dialer::new(Resolver::system(), TlsOptions::default()).expect("the defaults are right");
    let dialed = dialer
        .dial(&Nobody, &endpoint, Way::direct(LONGEST_CASE), &Progress::start())
        .await
        .unwrap_or_else(|_| panic!("{url} accepts no connection"));
    let Upgraded { early, compression } = dialed.upgraded;
    let mut echo = Echo {
        transport: dialed.transport,
        reader: Reader::new(early, LARGEST_MESSAGE, compression, Clock::start()),
        outbox: Outbox::new(ConnectionId::default(), compression),
        texts: Vec::new(),
    };
    let ending = poll_fn(|cx| echo.poll_turn(cx)).await;
    if let Some(code) = close_code_of(&ending) {
        echo.outbox.push_close(code, "");
    }
    // The server need not close the stream of a connection that was broken off.
    let _ = timeout(LINGER, write_and_await_end(echo.transport, echo.outbox)).await;
    echo.texts
}

/// Who dials keeps no log.
struct Nobody;

impl Owner for Nobody {
    fn note(&self, _: LogLevel, _: &str) {}

    fn ask_roots(&self) {}
}

struct Echo {
    transport: Transport,
    reader: Reader,
    outbox: Outbox,
    texts: Vec<String>,
}

impl Echo {
    /// As that of a socket, but for what becomes of messages.
    fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<Ending> {
        let mut messages = Vec::new();
        let mut ending = self.read(cx, &mut messages);
        let mut newest_ping = None;
        for message in messages {
            match message {
                Message::Text(text) => {
                    self.texts.push(text.to_string());
                    let connection = self.outbox.connection();
                    self.outbox.push(&Transmit { connection, text: text.into_bytes(), content: Content::Text });
                }
                Message::Binary(bytes) => self.outbox.push_binary(&bytes),
                Message::Ping(payload) => newest_ping = Some(payload),
                Message::Close { code, reason } => {
                    ending = Some(Ending { code, reason: reason.to_string(), clean: true, too_large: false });
                }
            }
        }
        if let Some(ping) = newest_ping {
            self.outbox.push_pong(ping);
        }
        if let Poll::Ready(Err(error)) = poll_write_all(&mut self.transport, cx, &mut self.outbox) {
            ending.get_or_insert_with(|| Ending::abnormal(error.to_string()));
        }
        ending.map_or(Poll::Pending, Poll::Ready)
    }

    /// Reads until nothing more has come, or the connection has ended.
    fn read(&mut self, cx: &mut Context<'_>, messages: &mut Vec<Message>) -> Option<Ending> {
        while !matches!(messages.last(), Some(Message::Close { .. })) {
            match self.reader.poll_messages(cx, &mut self.transport, |message| messages.push(message)) {
                Poll::Pending => return None,
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => return Some(ending_of(error)),
            }
        }
        None
    }
}

/// As the suite's report calls it.
const AGENT: &str = "mcp-client";
/// The default of `maxMessageSize`; the suite's largest message has 16 MiB.
const LARGEST_MESSAGE: usize = 64 << 20;
/// The suite gives its slowest cases 480 s, which send 128 MB in hundreds of thousands of frames.
const LONGEST_CASE: Duration = Duration::from_secs(500);
