//! What goes out: in order, whole, from any thread, bounded, and told the truth about.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    thread,
};

use mcp_protocol::{Call, Config, Outcome};
use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::support::{
    client::{Client, Seen, Tag, config},
    eventually,
    server::{
        ACCEPTED, CLOSE, FIN, Frame, PING, PONG, Raw, Server, TEXT, accepting, answer, close_frame, frame, text_frame,
    },
    within,
};

#[tokio::test]
async fn a_server_that_does_not_read_fills_the_buffer_to_its_bound_and_then_gets_all_of_it() {
    let server = Server::start_narrow();
    let bound = 4 << 20;
    let mut client = Client::connecting(&server.url(), Config { max_buffered_amount: bound, ..config() });
    let mut raw = server.ready_raw().await;
    client.state("ready").await;
    let pad = "x".repeat(10_000);
    let mut taken = 0;
    let refused = loop {
        let tag = client.tag();
        let name = taken.to_string();
        let parameters = format!(r#"{{"pad":"{pad}"}}"#);
        let call = Call { name: &name, parameters: Some(&parameters), ..Call::default() };
        match client.handle.request(call, tag) {
            Ok(_) => taken += 1,
            Err(refused) => break refused,
        }
        client.handle.flush();
        assert!(client.handle.buffered_amount() <= bound);
    };
    assert_eq!((refused.error.fault.code(), refused.error.sent), ("QUEUE_FULL", Some(false)));
    assert!(client.handle.buffered_amount() > bound - 20_000);
    assert!(!client.handle.send(&pad.repeat(2)), "raw texts have the same bound");
    for n in 0..taken {
        let request = raw.expect_frame().await.json();
        assert_eq!(
            (request["name"].as_str(), request["parameters"]["pad"].as_str()),
            (Some(n.to_string().as_str()), Some(pad.as_str()))
        );
    }
    eventually("an empty buffer", || client.handle.buffered_amount() == 0).await;
}

#[tokio::test]
async fn threads_that_flush_at_once_never_mix_their_frames_up() {
    let server = Server::start_narrow();
    let mut client = Client::connecting(&server.url(), Config { max_buffered_amount: 1 << 20, ..config() });
    let mut raw = server.ready_raw().await;
    client.state("ready").await;
    let (threads, each) = (4, 1500);
    let handle = Arc::new(client.handle);
    let writers: Vec<_> = (0..threads)
        .map(|thread| {
            let handle = Arc::clone(&handle);
            thread::spawn(move || {
                for n in 0..each {
                    // Some of them larger than what the kernel takes at once.
                    let size = if n % 100 == 0 { 100_000 } else { n % 300 };
                    let text = format!(r#"{{"thread":{thread},"n":{n},"pad":"{}"}}"#, "x".repeat(size));
                    while !handle.send(&text) {
                        handle.flush();
                        thread::yield_now();
                    }
                    handle.flush();
                }
            })
        })
        .collect();
    let mut next = vec![0; threads];
    let (mut texts, mut pings, mut pongs) = (0, 0, 0);
    while texts < threads * each || pongs < 1 {
        if texts == pings * 500 {
            // The I/O thread writes among them.
            raw.send(&frame(FIN | PING, b"ping")).await;
            pings += 1;
        }
        let frame = raw.expect_frame().await;
        if frame.opcode == PONG {
            assert_eq!(frame.payload, b"ping");
            pongs += 1;
            continue;
        }
        let text = frame.json();
        let thread = text["thread"].as_u64().unwrap() as usize;
        assert_eq!(text["n"], next[thread], "thread {thread} is out of order");
        next[thread] += 1;
        texts += 1;
    }
    for writer in writers {
        writer.join().unwrap();
    }
    drop(handle);
}

#[tokio::test]
async fn a_call_taken_back_by_reconnect_before_it_left_is_sent_once() {
    let server = Server::start().await;
    let mut client = Client::connecting_to(&server.url());
    let mut first = server.ready_raw().await;
    client.state("ready").await;
    // As in one turn of the event loop: the flush comes at its end.
    let call = client.call("once", "{}");
    client.reconnect();
    client.handle.flush();
    assert_eq!(first.expect_frame().await.opcode, CLOSE, "the old connection must not get it");
    first.hang_up().await;
    let mut second = server.ready_ws().await;
    let (id, name) = second.call().await;
    assert_eq!(name, "once");
    second.answer(&id, "1").await;
    assert_eq!(client.results(call).await, "1");
}

#[tokio::test]
async fn calls_that_never_left_go_out_on_the_next_connection_and_nowhere_else() {
    let server = Server::start_narrow();
    let mut client = Client::connecting_to(&server.url());
    let mut first = server.ready_raw().await;
    client.state("ready").await;
    let parameters = format!(r#"{{"pad":"{}"}}"#, "x".repeat(100_000));
    let calls: HashMap<Tag, String> =
        (0..100).map(|n| (client.call(&n.to_string(), &parameters), n.to_string())).collect();
    client.handle.flush();
    // It says goodbye first and only then listens, as a server may.
    first.send(&close_frame(1001, "")).await;
    client.closed().await;
    let on_the_first = names(&first.frames_to_the_end().await);
    let mut second = server.ready_raw().await;
    client.state("ready").await;
    let lost: HashMap<String, Option<bool>> = client.claim(|seen| match seen {
        Seen::Settled(call, Outcome::Failed(error)) => Some((calls[call].clone(), error.sent)),
        _ => None,
    });
    let mut again = Vec::new();
    while again.len() + lost.len() < 100 {
        again.push(second.expect_frame().await);
    }
    let again = names(&again);
    assert!(lost.values().all(|sent| *sent == Some(true)), "{lost:?}");
    assert!(on_the_first.iter().all(|name| lost.contains_key(name)), "{on_the_first:?} {lost:?}");
    assert!(again.iter().all(|name| !lost.contains_key(name)) && !again.is_empty(), "{again:?} {lost:?}");
    assert!(again.is_sorted_by_key(|name| name.parse::<u32>().unwrap()), "the order is that of the calls: {again:?}");
}

fn names(frames: &[Frame]) -> Vec<String> {
    let calls = frames.iter().filter(|frame| frame.opcode == TEXT);
    calls.map(|frame| frame.json()["name"].as_str().expect("a call").to_owned()).collect()
}

/// However connections end, and whoever is writing at that moment: no call reaches servers twice, and none of which it
/// was said that it never left.
#[tokio::test]
async fn sent_tells_the_truth_however_connections_end() {
    let server = Server::start().await;
    let mut client = Client::connecting_to(&server.url());
    let handle = Arc::new(client.handle);
    let caller = Arc::clone(&handle);
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let goes_on = move || stopped.try_recv() == Err(std::sync::mpsc::TryRecvError::Empty);
    let caller = thread::spawn(move || {
        let mut tag = 1000;
        while goes_on() {
            for _ in 0..tag % 7 {
                let call = Call { name: "x", parameters: Some("[1,2,3]"), ..Call::default() };
                // Refused while the queue is full.
                let _ = caller.request(call, tag);
                tag += 1;
            }
            if tag % 997 == 0 {
                caller.reconnect(0);
            }
            caller.flush();
            tag += 1;
        }
    });
    let mut received = HashSet::new();
    for round in 0..150 {
        for id in one_connection(&server, round).await {
            assert!(!received.contains(&id), "{id} came twice");
            received.insert(id);
        }
    }
    drop(stop);
    caller.join().unwrap();
    drop(handle);
    let mut outcomes = 0;
    while let Some(seen) = within("the end of the client's task", client.seen.recv()).await {
        if let Seen::Settled(_, Outcome::Failed(error)) = seen
            && error.sent == Some(false)
        {
            let id = error.request_id.unwrap().to_string();
            assert!(!received.contains(&id), "{id} was said to have never left");
        }
        outcomes += 1;
    }
    assert!(received.len() > 500 && outcomes > 500, "{} calls, {outcomes} outcomes", received.len());
}

/// Accepts a connection, answers a few calls and ends it, one way or another: the ids that came, to the very end.
async fn one_connection(server: &Server, round: usize) -> Vec<String> {
    let mut raw = Raw::new(server.tcp().await);
    // Any step may be the last: the client reconnects when it likes.
    let Some(request) = raw.try_request().await else { return Vec::new() };
    raw.try_send(accepting(&request).as_bytes()).await;
    raw.frame().await;
    raw.try_send(&text_frame(ACCEPTED)).await;
    let mut ids = Vec::new();
    while ids.len() < round % 30 {
        let Some(id) = call_id(&mut raw).await else { return ids };
        raw.try_send(&text_frame(&answer(&id, "1"))).await;
        ids.push(id);
    }
    match round % 3 {
        0 => raw.try_send(&close_frame(1001, "")).await,
        1 => drop(raw.stream.shutdown().await),
        _ => return ids,
    }
    while let Some(id) = call_id(&mut raw).await {
        ids.push(id);
    }
    ids
}

/// The id of the next call; `None` when a close frame or the end comes instead.
async fn call_id(raw: &mut Raw<TcpStream>) -> Option<String> {
    let call = raw.frame().await.filter(|frame| frame.opcode == TEXT)?;
    Some(call.json()["id"].as_str().expect("a call").to_owned())
}
