//! A key that everybody on the way can read is a warning, once for each client.

use super::*;
use mcp_protocol::{EndpointSource, Interest, LogLine, Secret};

fn key(config: &mut Config) {
    config.token = TokenSource::Fixed(Secret::new("a key"));
}

/// A client of these endpoints that logs, dialing.
fn dialing(urls: &[&str], adjust: impl FnOnce(&mut Config)) -> Sim {
    let mut config = Sim::exact();
    adjust(&mut config);
    let urls = urls.iter().map(|url| (*url).to_owned()).collect();
    let mut sim = Sim::with_endpoints(config, EndpointSource::Known(urls), 1);
    sim.input(|session, _| session.set_interest(Interest::ALL));
    sim.connect();
    sim
}

/// The endpoint of each warning.
fn warnings(sim: &Sim) -> Vec<String> {
    let url = |what: &What| match what {
        What::Event(Event::Notice(Notice::Log { entry })) if entry.message == LogLine::PlaintextKey.message() => {
            Some(entry.fields.text("url").expect("a text").to_owned())
        }
        _ => None,
    };
    sim.outputs().iter().filter_map(|record| url(&record.what)).collect()
}

#[test]
fn a_key_over_ws_to_another_machine_is_one_warning_however_often_it_is_sent() {
    let mut sim = dialing(&["ws://h/mcp-ws?key=1"], key);
    assert!(warnings(&sim).is_empty(), "nothing was sent yet");
    sim.open();
    assert_eq!(warnings(&sim), ["ws://h/mcp-ws"]);
    sim.server_says(ACCEPTED);
    sim.authenticate(Some("another key"));
    sim.reconnect();
    sim.open();
    assert_eq!(warnings(&sim).len(), 1);
}

#[test]
fn so_is_one_of_a_key_function_one_that_code_sends_itself_and_one_that_races() {
    let mut sim = dialing(&["ws://h/"], asks_for_tokens);
    sim.open();
    assert!(warnings(&sim).is_empty());
    sim.token(Ok("a key"));
    assert_eq!(warnings(&sim).len(), 1);

    let mut sim = dialing(&["ws://h/"], defaults);
    sim.open();
    assert!(warnings(&sim).is_empty(), "no key is none");
    sim.send(r#"{"id":"auth","token":"a key"}"#);
    assert_eq!(warnings(&sim).len(), 1);

    let mut sim = dialing(&["wss://a/", "ws://b/"], |config| {
        key(config);
        config.race = true;
    });
    sim.advance(250);
    sim.select(1);
    sim.open();
    assert!(warnings(&sim).is_empty());
    sim.select(2);
    sim.open();
    assert_eq!(warnings(&sim), ["ws://b/"]);
}

#[test]
fn there_is_none_with_tls_on_this_machine_without_a_key_or_if_it_is_meant() {
    let meant = |config: &mut Config| {
        key(config);
        config.allow_plaintext_key = true;
    };
    let clients = [
        dialing(&["wss://h/"], key),
        dialing(&["ws://localhost/"], key),
        dialing(&["ws://h/"], defaults),
        dialing(&["ws://h/"], meant),
    ];
    for mut sim in clients {
        sim.open();
        sim.server_says(ACCEPTED);
        assert_eq!((sim.state(), warnings(&sim).len()), ("ready", 0));
    }
}
