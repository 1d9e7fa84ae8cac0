//! What verifier and identity see of a handshake, beyond the error that rustls has for it.
//!
//! They are shared by all connections, and rustls does not tell them which one it is. But a handshake runs on one
//! thread while it is polled, so what they note during a poll belongs to the one that is polled.

use std::{
    cell::RefCell,
    future::{Future, poll_fn},
    pin::pin,
};

use mcp_protocol::{CertificateTrace, SystemError};

thread_local! {
    static SEEN: RefCell<Seen> =
        const { RefCell::new(Seen { identity_was_asked: false, refusal: None, certificate: None }) };
}

/// What was noted during a handshake.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) identity_was_asked: bool,
    /// Why the server's certificate does not verify.
    pub(super) refusal: Option<SystemError>,
    /// That certificate.
    pub(super) certificate: Option<CertificateTrace>,
}

/// Runs a handshake; returns what was noted meanwhile as well.
pub(super) async fn observed<R>(handshake: impl Future<Output = R>) -> (R, Seen) {
    let mut handshake = pin!(handshake);
    let mut seen = Seen::default();
    let result = poll_fn(|cx| {
        SEEN.set(std::mem::take(&mut seen));
        let polled = handshake.as_mut().poll(cx);
        seen = SEEN.take();
        polled
    })
    .await;
    (result, seen)
}

pub(super) fn note_identity_was_asked() {
    SEEN.with_borrow_mut(|seen| seen.identity_was_asked = true);
}

pub(super) fn note_refusal(refusal: SystemError, certificate: Option<CertificateTrace>) {
    SEEN.with_borrow_mut(|seen| (seen.refusal, seen.certificate) = (Some(refusal), certificate));
}
