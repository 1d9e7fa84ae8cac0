//! What clients share and what they leave behind. Each of these has a process of its own.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use mcp_client::driver::{Handle, Sink, hide_panic_messages, shared_io_thread_name};
use mcp_protocol::{Config, ConnectionId, Event, Interest, MaxAttempts, Notice};
use tokio::{
    net::TcpStream,
    sync::{mpsc, watch},
};

use crate::support::{
    client::{Client, Seen, config, route},
    eventually,
    process::{alone, open_files, output_alone, threads},
    server::{Raw, Server, close_frame, text_frame},
    within,
};

fn io_threads() -> usize {
    threads().iter().filter(|name| *name == shared_io_thread_name()).count()
}

#[tokio::test]
async fn a_hundred_clients_share_one_thread_that_goes_with_the_last_and_comes_back() {
    alone!(a_hundred_clients_share_one_thread_that_goes_with_the_last_and_comes_back);
    let server = Server::start().await;
    assert_eq!(io_threads(), 0);
    for _ in 0..3 {
        let mut clients = Vec::new();
        for _ in 0..100 {
            let mut client = Client::connecting_to(&server.url());
            let ws = server.ready_ws().await;
            client.state("ready").await;
            clients.push((client, ws));
        }
        assert_eq!(io_threads(), 1);
        let (mut last, mut ws) = clients.pop().unwrap();
        drop(clients);
        let call = last.call("still there?", "{}");
        last.handle.flush();
        let (id, _) = ws.call().await;
        ws.answer(&id, "1").await;
        last.results(call).await;
        assert_eq!(io_threads(), 1);
        // The handle stays: what counts is that it has nothing to do.
        let closed = last.close(1000, "");
        assert!(matches!(ws.next().await, Some(message) if message.is_close()));
        drop(ws);
        last.outcome(closed).await;
        eventually("the end of the I/O thread", || io_threads() == 0).await;
        drop(last);
    }
}

#[tokio::test]
async fn file_descriptors_are_given_back() {
    alone!(file_descriptors_are_given_back);
    let server = Server::start().await;
    let base = open_files();
    let once = Config { max_reconnect_attempts: MaxAttempts::Limited(0), ..config() };
    for round in 0..500 {
        let mut client = Client::connecting(&server.url(), once.clone());
        let mut raw = server.ready_raw().await;
        client.state("ready").await;
        let end = match round % 4 {
            0 => {
                drop(raw);
                "failed"
            }
            1 => {
                raw.send(&[0xff; 14]).await;
                raw.expect_frame().await;
                "failed"
            }
            2 => {
                client.reconnect();
                raw.expect_frame().await;
                drop(server.ready_raw().await);
                "failed"
            }
            _ => {
                client.close(1000, "");
                raw.expect_frame().await;
                raw.send(&close_frame(1000, "")).await;
                "closed"
            }
        };
        client.state(end).await;
    }
    eventually("the file descriptors to be back", || open_files() <= base).await;
}

#[tokio::test]
async fn a_server_that_floods_delays_neither_its_own_heartbeat_nor_another_client() {
    alone!(a_server_that_floods_delays_neither_its_own_heartbeat_nor_another_client);
    let (flooding, quiet) = (Server::start().await, Server::start().await);
    let beating = Config { heartbeat_interval: Some(Duration::from_millis(20)), ..config() };
    let mut flooded = Client::connecting(&flooding.url(), beating.clone());
    let mut other = Client::connecting(&quiet.url(), beating);
    for client in [&flooded, &other] {
        client.handle.set_interest(Interest(Interest::HEARTBEATS));
    }
    let over = Arc::new(AtomicBool::new(false));
    let flood = tokio::spawn({
        let (mut raw, over) = (flooding.ready_raw().await, Arc::clone(&over));
        async move {
            let flood = text_frame(r#"{"event":"news","data":[1,2,3]}"#).repeat(500);
            let pong = text_frame(r#"{"messageType":"pong","timestamp":1}"#);
            while !over.load(Ordering::Relaxed) {
                raw.send(&flood).await;
                raw.send(&pong).await;
            }
        }
    });
    let echo = tokio::spawn({
        let mut raw = quiet.ready_raw().await;
        async move {
            while let Some(frame) = raw.frame().await {
                assert_eq!(frame.json()["messageType"], "ping");
                raw.send(&text_frame(r#"{"messageType":"pong","timestamp":1}"#)).await;
            }
        }
    });
    for client in [&mut flooded, &mut other] {
        for _ in 0..5 {
            client.notice("a heartbeat", |notice| matches!(notice, Notice::Heartbeat { .. }).then_some(())).await;
        }
    }
    assert!(flooded.handle.stats().messages_received > 1000);
    over.store(true, Ordering::Relaxed);
    within("the flood", flood).await.unwrap();
    drop(other);
    within("the echo", echo).await.unwrap();
}

/// Holds the I/O thread up when a message comes, until it is released.
struct Blocking {
    held: mpsc::UnboundedSender<()>,
    release: Mutex<std::sync::mpsc::Receiver<()>>,
    full: watch::Sender<bool>,
}

impl Sink for Blocking {
    type Payload = u32;

    fn push(&self, event: Event<u32>) {
        if matches!(&event, Event::Message { text, .. } if text == "hold") {
            self.held.send(()).expect("the test waits for it");
            self.release.lock().expect("one thread uses it").recv().expect("the test releases it");
        }
    }

    fn ask_urls(&self, _: ConnectionId) {}

    fn ask_token(&self, _: ConnectionId) {}
    fn ask_proxy(&self, _: ConnectionId, _: &str) {}

    fn wake(&self) {}

    fn resume_after(&self, _: Duration) {}

    fn ask_roots(&self) {}

    fn is_full(&self) -> watch::Receiver<bool> {
        self.full.subscribe()
    }
}

/// A client whose sink holds its thread up at a message, and its server's end of the connection; tells when it does,
/// and is told to go on.
async fn blocking_client()
-> (Arc<Handle<Blocking>>, Raw<TcpStream>, mpsc::UnboundedReceiver<()>, std::sync::mpsc::Sender<()>) {
    let (held, is_held) = mpsc::unbounded_channel();
    let (release, released) = std::sync::mpsc::channel();
    let server = Server::start().await;
    let sink = Blocking { held, release: Mutex::new(released), full: watch::Sender::new(false) };
    let handle = Arc::new(Handle::new(config(), route(&server.url()), sink).expect("the options are right"));
    handle.connect(1);
    let raw = server.ready_raw().await;
    (handle, raw, is_held, release)
}

#[tokio::test]
async fn a_pong_that_came_while_the_thread_was_held_up_is_heard_before_the_time_is_judged() {
    alone!(a_pong_that_came_while_the_thread_was_held_up_is_heard_before_the_time_is_judged);
    let (_holder, mut holding, mut is_held, release) = blocking_client().await;
    let server = Server::start().await;
    let patience = Duration::from_millis(500);
    let (interval, timeout) = (Some(Duration::from_millis(10)), patience);
    let times = Config { heartbeat_interval: interval, heartbeat_timeout: timeout, ..config() };
    let mut client = Client::connecting(&server.url(), times);
    let mut raw = server.ready_raw().await;
    assert_eq!(raw.expect_frame().await.json()["messageType"], "ping");
    holding.send(&text_frame("hold")).await;
    within("the hold-up", is_held.recv()).await.unwrap();
    raw.send(&text_frame(r#"{"messageType":"pong","timestamp":1}"#)).await;
    // By then the pong is overdue for who only looks at the clock.
    tokio::time::sleep(patience + Duration::from_millis(50)).await;
    release.send(()).unwrap();
    client.notice("the heartbeat", |notice| matches!(notice, Notice::Heartbeat { .. }).then_some(())).await;
    assert_eq!(client.handle.snapshot().state, "ready");
}

#[tokio::test]
async fn awaiting_a_commit_waits_for_the_io_thread_to_tell_all_of_it() {
    alone!(awaiting_a_commit_waits_for_the_io_thread_to_tell_all_of_it);
    let (handle, mut raw, mut is_held, release) = blocking_client().await;
    raw.send(&text_frame("hold")).await;
    within("the hold-up", is_held.recv()).await.unwrap();
    let order = Arc::new(Mutex::new(Vec::new()));
    let waiting = tokio::task::spawn_blocking({
        let (handle, order) = (Arc::clone(&handle), Arc::clone(&order));
        move || {
            handle.await_commit();
            order.lock().unwrap().push("waited");
        }
    });
    order.lock().unwrap().push("released");
    release.send(()).unwrap();
    within("the end of the wait", waiting).await.unwrap();
    assert_eq!(*order.lock().unwrap(), ["released", "waited"]);
}

/// Panics at what it is told to.
struct Faulty {
    at: fn(&Event<u32>) -> bool,
    /// Its last words.
    words: &'static str,
    full: watch::Sender<bool>,
}

impl Sink for Faulty {
    type Payload = u32;

    fn push(&self, event: Event<u32>) {
        assert!(!(self.at)(&event), "{}", self.words);
    }

    fn ask_urls(&self, _: ConnectionId) {}

    fn ask_token(&self, _: ConnectionId) {}
    fn ask_proxy(&self, _: ConnectionId, _: &str) {}

    fn wake(&self) {}

    fn resume_after(&self, _: Duration) {}

    fn ask_roots(&self) {}

    fn is_full(&self) -> watch::Receiver<bool> {
        self.full.subscribe()
    }
}

#[tokio::test]
async fn a_sink_that_panics_fails_its_client_and_no_other() {
    alone!(a_sink_that_panics_fails_its_client_and_no_other);
    let server = Server::start().await;
    let mut healthy = Client::connecting_to(&server.url());
    let mut healthy_ws = server.ready_ws().await;
    healthy.state("ready").await;
    let faults: [fn(&Event<u32>) -> bool; 2] = [
        |event| matches!(event, Event::Notice(Notice::Authenticated)),
        // Again and again.
        |event| matches!(event, Event::Notice(Notice::Authenticated | Notice::Failed { .. } | Notice::Error { .. })),
    ];
    for at in faults {
        let sink = Faulty { at, words: "the sink is broken", full: watch::Sender::new(false) };
        let faulty = Handle::new(config(), route(&server.url()), sink).unwrap();
        faulty.connect(1);
        let mut ws = server.ready_ws().await;
        assert!(ws.next().await.is_none(), "its socket is dropped");
        eventually("failure", || faulty.snapshot().state == "failed").await;
        assert_eq!(faulty.snapshot().error.unwrap().code, "INTERNAL_ERROR");
        let call = healthy.call("still there?", "{}");
        healthy.handle.flush();
        let (id, _) = healthy_ws.call().await;
        healthy_ws.answer(&id, "1").await;
        healthy.results(call).await;
    }
    assert_eq!(io_threads(), 1);
}

#[tokio::test]
async fn what_a_panic_says_is_printed_nowhere_and_its_place_is_told() {
    let test = concat!(module_path!(), "::what_a_panic_says_is_printed_nowhere_and_its_place_is_told");
    if let Some(output) = output_alone::<&str>(test, &[]) {
        assert!(!output.contains(SECRET), "{output}");
        return;
    }
    hide_panic_messages();
    let server = Server::start().await;
    let at: fn(&Event<u32>) -> bool = |event| matches!(event, Event::Notice(Notice::Authenticated));
    let sink = Faulty { at, words: SECRET, full: watch::Sender::new(false) };
    let faulty = Handle::new(config(), route(&server.url()), sink).unwrap();
    faulty.connect(1);
    let _ws = server.ready_ws().await;
    eventually("failure", || faulty.snapshot().state == "failed").await;
    let message = faulty.snapshot().error.unwrap().message;
    assert!(message.starts_with("internal error: the I/O task panicked at tests/driver/process.rs:"), "{message}");
    assert!(message.ends_with("; please report it") && !message.contains(SECRET), "{message}");
}

const SECRET: &str = "hunter2";

#[tokio::test]
async fn a_client_that_is_dropped_in_any_state_leaves_no_thread() {
    alone!(a_client_that_is_dropped_in_any_state_leaves_no_thread);
    let server = Server::start().await;
    drop(Client::new(&server.url(), config()));
    drop(Client::connecting_to(&server.url()));
    let dialing = Client::connecting_to(&server.url());
    let silent = server.tcp().await;
    drop(dialing);
    let authenticating = Client::connecting_to(&server.url());
    let open = server.ws().await;
    drop(authenticating);
    let mut reconnecting = Client::connecting(
        &server.url(),
        Config {
            base_reconnect_delay: Duration::from_secs(3600),
            max_reconnect_delay: Duration::from_secs(3600),
            ..config()
        },
    );
    drop(server.ready_ws().await);
    reconnecting.state("reconnecting").await;
    let told = reconnecting.drop_handle().await;
    assert!(!told.iter().any(|seen| matches!(seen, Seen::Settled(..))), "{told:?}");
    eventually("the end of the I/O thread", || io_threads() == 0).await;
    drop((silent, open));
}
