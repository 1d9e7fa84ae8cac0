//! The user's token function.

use mcp_protocol::{Config, ConnectionId, Secret, TokenSource};

use crate::support::{
    client::{Client, config},
    server::{ACCEPTED, Server},
};

fn asking() -> Config {
    Config { token: TokenSource::Ask, ..config() }
}

#[tokio::test]
async fn a_token_function_is_asked_for_each_connection_and_its_answer_sent() {
    let server = Server::start().await;
    let mut client = Client::connecting(&server.url(), asking());
    for token in ["first", "second"] {
        let mut ws = server.ws().await;
        let connection = client.asked_for_token().await;
        client.handle.answer_token(connection, Ok(Secret::new(token).into()));
        assert_eq!(ws.json().await["token"], token);
        ws.say(ACCEPTED).await;
        client.state("ready").await;
    }
}

#[tokio::test]
async fn a_token_function_that_fails_fails_the_attempt_and_the_socket_is_dropped() {
    let server = Server::start().await;
    let mut client = Client::connecting(&server.url(), asking());
    let mut ws = server.ws().await;
    let connection = client.asked_for_token().await;
    client.handle.answer_token(connection, Err("VaultError".to_owned()));
    client.state("reconnecting").await;
    let error = client.error().await;
    assert!(error.code == "AUTH_FAILED" && error.from_token_function, "{error:?}");
    assert!(ws.next().await.is_none());
}

#[tokio::test]
async fn an_answer_for_a_connection_that_is_gone_goes_nowhere() {
    let server = Server::start().await;
    let mut client = Client::connecting(&server.url(), asking());
    let first = server.ws().await;
    let gone = client.asked_for_token().await;
    drop(first);
    let mut second = server.ws().await;
    let connection = client.asked_for_token().await;
    client.handle.answer_token(gone, Ok(Secret::new("late").into()));
    client.handle.answer_token(ConnectionId(4711), Ok(Secret::new("never").into()));
    client.handle.answer_token(connection, Ok(Secret::new("right").into()));
    assert_eq!(second.json().await["token"], "right");
}
