//! The contract's tables: defaults, error codes and which of them a retry may mend.

use serde_json::json;

use super::*;
use mcp_protocol::{Answer, Fault, NoToken, Options, Reason, UpgradeFailure};

#[test]
fn the_defaults_are_the_contracts() {
    let expected = json!({
        "connectTimeout": 10_000, "authTimeout": 10_000, "requestTimeout": 30_000,
        "heartbeatInterval": 15_000, "heartbeatTimeout": 10_000,
        "maxReconnectAttempts": 10, "baseReconnectDelay": 1_000, "maxReconnectDelay": 30_000,
        "reconnectFactor": 1.5, "reconnectJitter": 0.2,
        "race": false, "minUptime": 5_000, "maxRetryAfter": 60_000, "slowReconnectDelay": 5_000, "slowReconnectCodes": [1008, 1011], "noReconnectCodes": [1000],
        "maxPending": 65_536, "offlineQueueLimit": 1_024,
        "maxMessageSize": 64 * 1024 * 1024, "maxBufferedAmount": 16 * 1024 * 1024,
        "dialect": "auto", "compression": true, "allowPlaintextKey": false,
    });
    assert_eq!(Value::Object(Options::default_table()), expected);
}

#[test]
fn codes_and_whether_a_retry_may_help_are_the_contracts() {
    let dial = |status| Fault::ConnectFailed {
        url: "ws://h/".into(),
        via: None,
        failure: Box::new(DialFailure::Upgrade(UpgradeFailure::Status { answer: Answer::of(status) })),
    };
    let tool = Fault::Tool { message: "m".into(), code: None, data: "{}".into() };
    for (fault, code, retryable) in [
        (Fault::NotConnected, "NOT_CONNECTED", true),
        (dial(503), "CONNECT_FAILED", true),
        (dial(404), "CONNECT_FAILED", false),
        (dial(401), "AUTH_FAILED", false),
        (Fault::AuthFailed("m".into()), "AUTH_FAILED", false),
        (Fault::NoToken(NoToken::Threw("TypeError".into())), "AUTH_FAILED", false),
        (Fault::AuthTimeout(1), "AUTH_TIMEOUT", true),
        (Fault::ConnectionLost("m".into()), "CONNECTION_LOST", true),
        (Fault::ReconnectExhausted(Reason::new(1, Fault::NotConnected)), "RECONNECT_EXHAUSTED", false),
        (Fault::RequestTimeout, "REQUEST_TIMEOUT", true),
        (tool, "TOOL_ERROR", false),
        (Fault::Closed, "CLOSED", false),
        (Fault::QueueFull("m".into()), "QUEUE_FULL", true),
        (Fault::MessageTooLarge("m".into()), "MESSAGE_TOO_LARGE", false),
        (Fault::BadMessage("m".into()), "BAD_MESSAGE", false),
    ] {
        let data = fault.data();
        assert_eq!((data.code, data.retryable), (code, retryable));
    }
}

#[test]
fn the_contracts_own_words_are_used() {
    assert_eq!(Fault::NotConnected.to_string(), "WebSocket not connected or not authenticated");
    assert_eq!(Fault::RequestTimeout.to_string(), "Tool request timed out");
    let exhausted = Fault::ReconnectExhausted(Reason::new(1, Fault::NotConnected));
    assert_eq!(exhausted.to_string(), "Maximum reconnection attempts reached");
}

#[test]
fn the_states_are_the_contracts() {
    let expected = [
        "idle",
        "connecting",
        "authenticating",
        "ready",
        "unauthorized",
        "reconnecting",
        "closing",
        "closed",
        "failed",
    ];
    assert_eq!(mcp_protocol::State::NAMES, expected);
}
