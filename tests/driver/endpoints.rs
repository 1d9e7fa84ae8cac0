//! Several endpoints, by PROTOCOL.md rule 16.

use mcp_protocol::{Config, EndpointSource, Route};

use crate::support::{
    client::{Client, config, route},
    server::{ACCEPTED, Server},
};

fn to(servers: &[&Server]) -> Route {
    Route { url: EndpointSource::Known(servers.iter().map(|server| server.url()).collect()), ..Route::default() }
}

#[tokio::test]
async fn the_next_endpoint_is_dialed_when_one_fails() {
    let (first, second) = (Server::start().await, Server::start().await);
    let mut client = Client::on(to(&[&first, &second]), config());
    client.connect();
    drop(first.tcp().await);
    let mut ws = second.ws().await;
    ws.json().await;
    ws.say(ACCEPTED).await;
    let snapshot = client.state("ready").await;
    assert_eq!(snapshot.url, second.url());
    assert_eq!(client.handle.endpoint(), 1);
}

#[tokio::test]
async fn in_a_race_the_first_to_accept_the_key_wins_and_the_calls_are_its() {
    let (slow, quick) = (Server::start().await, Server::start().await);
    let mut client = Client::on(to(&[&slow, &quick]), Config { race: true, ..config() });
    client.connect();
    let call = client.call("echo", "{}");
    let mut loser = slow.ws().await;
    loser.json().await;
    let mut winner = quick.ws().await;
    winner.json().await;
    winner.say(ACCEPTED).await;
    assert_eq!(client.state("ready").await.url, quick.url());
    let request = winner.json().await;
    assert_eq!(request["name"], "echo");
    assert!(loser.next().await.is_none(), "it is dropped");
    winner.say(&format!(r#"{{"id":{},"results":1}}"#, request["id"])).await;
    assert_eq!(client.results(call).await, "1");
}

#[tokio::test]
async fn a_url_function_names_the_endpoints_of_each_round() {
    let server = Server::start().await;
    let mut client = Client::on(Route { url: EndpointSource::Ask, ..route("ws://unused/") }, config());
    client.connect();
    let asked = client.asked_for_urls().await;
    assert!(client.handle.answer_urls(asked, Vec::new()).is_err(), "an empty list");
    assert!(client.handle.answer_urls(asked, vec!["http://h/".to_owned()]).is_err(), "no WebSocket");
    client.handle.fail_urls(asked, "TypeError".to_owned());
    client.state("reconnecting").await;
    let again = client.asked_for_urls().await;
    assert_eq!(client.handle.answer_urls(asked, vec![server.url()]), Ok(false), "too late");
    assert_eq!(client.handle.answer_urls(again, vec![server.url()]), Ok(true));
    let mut ws = server.ws().await;
    ws.json().await;
    ws.say(ACCEPTED).await;
    assert_eq!(client.state("ready").await.url, server.url());
}
