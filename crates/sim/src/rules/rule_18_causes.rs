//! Rule 18: a call that fails because there is no connection says why there is none.

use super::*;
use mcp_protocol::{Call, CallError, DialFailure, Reason, SystemError};

fn error(sim: &Sim, call: u32) -> CallError {
    match sim.outcome(call) {
        Some(Outcome::Failed(error)) => error.clone(),
        other => panic!("{call} was to fail, but is {other:?}"),
    }
}

fn cause(sim: &Sim, call: u32) -> Option<Reason> {
    error(sim, call).cause
}

/// The number of the client's error.
fn reason(sim: &Sim) -> Option<u32> {
    sim.session().snapshot().error.and_then(|error| error.number)
}

/// The server is not there.
fn refuse_tcp(sim: &mut Sim) {
    sim.fail_dial(DialFailure::Tcp(SystemError::new(Some("ECONNREFUSED"), "Connection refused (os error 111)")));
}

/// The code and `cause.code` of a call that has failed, and the cause is the client's error.
fn assert_caused(sim: &Sim, call: u32, expected: (&str, &str)) {
    let data = error(sim, call).data();
    let cause = data.cause.expect("a cause");
    assert_eq!((data.code, cause.code), expected);
    assert_eq!((cause.number, data.sent), (reason(sim), Some(false)), "it is one error");
}

#[test]
fn not_connected_says_why_the_client_has_failed() {
    let mut sim = connecting(attempts(0));
    refuse_tcp(&mut sim);
    let call = sim.tool("echo");
    assert_caused(&sim, call, ("NOT_CONNECTED", "CONNECT_FAILED"));
    let system = cause(&sim, call).and_then(|cause| cause.data().system_cause).expect("what the system said");
    assert_eq!(system.code, Some("ECONNREFUSED"));
}

#[test]
fn not_connected_says_that_the_key_was_refused() {
    let mut sim = unauthorized(defaults);
    let call = sim.tool("echo");
    assert_caused(&sim, call, ("NOT_CONNECTED", "AUTH_FAILED"));
}

#[test]
fn not_connected_without_a_queue_says_why_the_client_is_reconnecting() {
    let mut sim = ready(|config| config.offline_queue_limit = 0);
    sim.drop_connection();
    let call = sim.tool("echo");
    assert_caused(&sim, call, ("NOT_CONNECTED", "CONNECTION_LOST"));
}

#[test]
fn not_connected_has_no_cause_where_nothing_went_wrong() {
    let mut sim = client(defaults);
    let call = sim.tool("echo");
    assert_eq!((error(&sim, call).fault.code(), cause(&sim, call)), ("NOT_CONNECTED", None));
}

#[test]
fn a_call_that_times_out_while_it_waits_says_why_there_is_no_connection() {
    let mut sim = connecting(defaults);
    let call = sim.tool("echo");
    for _ in 0..4 {
        refuse_tcp(&mut sim);
        wait_for_the_dial(&mut sim);
    }
    sim.advance(5_000);
    refuse_tcp(&mut sim);
    sim.set_server(crate::Server::Down);
    while sim.outcome(call).is_none() {
        sim.advance(100);
    }
    assert_caused(&sim, call, ("REQUEST_TIMEOUT", "CONNECT_FAILED"));
}

#[test]
fn a_call_that_times_out_unanswered_has_no_cause() {
    let mut sim = ready(|config| config.heartbeat_interval = None);
    let call = sim.tool("echo");
    sim.advance(30_000);
    assert_eq!((failure(&sim, call), cause(&sim, call)), (("REQUEST_TIMEOUT", Some(true)), None));
}

#[test]
fn when_the_attempts_are_used_up_the_cause_is_the_last_failure_the_same_for_all() {
    let mut sim = connecting(attempts(1));
    let calls = [sim.tool("one"), sim.tool("two")];
    let connect = sim.connect();
    refuse_tcp(&mut sim);
    wait_for_the_dial(&mut sim);
    refuse_tcp(&mut sim);
    let last = sim.session().snapshot().error.and_then(|error| error.cause).expect("the last failure");
    assert_eq!(last.code, "CONNECT_FAILED");
    for payload in [calls[0], calls[1], connect] {
        let data = error(&sim, payload).data();
        assert_eq!((data.code, data.number), ("RECONNECT_EXHAUSTED", reason(&sim)));
        assert_eq!(data.cause.and_then(|cause| cause.number), last.number);
    }
    let late = sim.tool("late");
    assert_caused(&sim, late, ("NOT_CONNECTED", "RECONNECT_EXHAUSTED"));
}

#[test]
fn a_call_that_close_takes_out_of_the_queue_says_why_it_was_still_there() {
    let mut sim = ready(defaults);
    sim.drop_connection();
    let (waiting, lost) = (sim.tool("waiting"), reason(&sim));
    sim.close();
    assert_eq!(failure(&sim, waiting), ("CLOSED", Some(false)));
    assert_eq!(cause(&sim, waiting).and_then(|cause| cause.data().number), lost);
    assert_eq!(error_code(&sim), None, "a close is no error");
}

#[test]
fn so_does_one_that_waited_through_an_outage_when_the_socket_is_open_again() {
    let mut sim = ready(defaults);
    sim.drop_connection();
    let waiting = sim.tool("waiting");
    wait_for_the_dial(&mut sim);
    sim.open();
    sim.close();
    let cause = cause(&sim, waiting).expect("it waited because of a loss");
    assert_eq!((failure(&sim, waiting), cause.fault().code()), (("CLOSED", Some(false)), "CONNECTION_LOST"));
}

#[test]
fn a_call_that_close_takes_out_of_a_healthy_client_has_no_cause() {
    let mut sim = ready(defaults);
    let call = sim.tool("in flight");
    sim.close();
    assert_eq!((failure(&sim, call), cause(&sim, call)), (("CLOSED", Some(true)), None));
    let mut sim = connecting(defaults);
    let call = sim.tool("queued");
    sim.close();
    assert_eq!((failure(&sim, call), cause(&sim, call)), (("CLOSED", Some(false)), None));
}

#[test]
fn a_key_function_that_failed_is_a_cause_like_any_other() {
    let mut sim = connecting(|config| {
        asks_for_tokens(config);
        config.max_reconnect_attempts = MaxAttempts::Limited(0);
    });
    let queued = sim.tool("queued");
    sim.open();
    sim.token(Err("VaultError"));
    let data = error(&sim, queued).data();
    assert_eq!((data.code, data.from_token_function, data.number), ("AUTH_FAILED", true, reason(&sim)));
    let late = sim.tool("late");
    assert!(cause(&sim, late).is_some_and(|cause| cause.data().from_token_function));
    assert_caused(&sim, late, ("NOT_CONNECTED", "AUTH_FAILED"));
}

#[test]
fn a_call_made_before_the_end_was_told_fails_for_the_reason_of_the_end() {
    let mut unreachable = connecting(attempts(0));
    refuse_tcp(&mut unreachable);
    let mut exhausted = connecting(attempts(1));
    refuse_tcp(&mut exhausted);
    wait_for_the_dial(&mut exhausted);
    refuse_tcp(&mut exhausted);
    let mut lost = ready(attempts(0));
    lost.drop_connection();
    let mut closed = ready(defaults);
    closed.server_closes(1000, "that was all");
    for (mut sim, code) in [
        (unreachable, "CONNECT_FAILED"),
        (exhausted, "RECONNECT_EXHAUSTED"),
        (unauthorized(defaults), "AUTH_FAILED"),
        (lost, "CONNECTION_LOST"),
        (closed, "CONNECTION_LOST"),
    ] {
        let call = Call { expects_connection: true, ..sim.usual_call("echo") };
        let call = sim.call(call);
        let data = error(&sim, call).data();
        assert_eq!((data.code, data.number, data.sent), (code, reason(&sim), Some(false)));
    }
}

#[test]
fn but_not_for_a_reason_that_is_over() {
    let mut sim = ready(defaults);
    sim.close();
    sim.server_closes(1000, "");
    let call = Call { expects_connection: true, ..sim.usual_call("echo") };
    let call = sim.call(call);
    assert_eq!((failure(&sim, call).0, cause(&sim, call)), ("NOT_CONNECTED", None));
}

#[test]
fn every_failure_of_the_client_is_another_error_with_another_number() {
    let mut sim = ready(defaults);
    sim.drop_connection();
    let first = reason(&sim);
    wait_for_the_dial(&mut sim);
    assert_eq!(reason(&sim), first, "the client still knows of it");
    refuse_tcp(&mut sim);
    assert!(first.is_some() && reason(&sim).is_some() && reason(&sim) != first);
    wait_for_the_dial(&mut sim);
    sim.open();
    sim.server_says(ACCEPTED);
    assert_eq!(reason(&sim), None);
}
