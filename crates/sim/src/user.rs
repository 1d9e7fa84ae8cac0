//! What the user of the client does.

use std::time::Duration;

use mcp_protocol::{Call, Interest, Outcome, RequestId, Secret};

use crate::Sim;

/// What the user does. Each returns its payload.
impl Sim {
    /// From now on the user's code was written against a WebSocket. When it is told that a socket is open, it takes as
    /// long as the server does for an answer, and then authenticates by itself or leaves that to the client.
    pub fn await_openings(&mut self) {
        self.awaits_openings = true;
        self.input(|session, _| session.set_interest(Interest(Interest::ALL.0 | Interest::OPENS | Interest::DIALS)));
    }

    /// `connect()`.
    pub fn connect(&mut self) -> u32 {
        let payload = self.ledger.open_account();
        self.input(|session, now| session.connect(now, payload));
        payload
    }

    /// `reconnect()`.
    pub fn reconnect(&mut self) -> u32 {
        let payload = self.ledger.open_account();
        self.ledger.reconnect();
        self.input(|session, now| session.reconnect(now, payload));
        payload
    }

    /// `authenticate(token)`.
    pub fn authenticate(&mut self, token: Option<&str>) -> u32 {
        let payload = self.ledger.open_account();
        self.input(|session, now| session.authenticate(now, token.map(Secret::new), payload));
        payload
    }

    /// `close()`.
    pub fn close(&mut self) -> u32 {
        self.close_draining(0)
    }

    /// `close({ drain })`.
    pub fn close_draining(&mut self, drain: u64) -> u32 {
        let payload = self.ledger.open_account();
        self.input(|session, now| session.close(now, 1000, "bye", Duration::from_millis(drain), payload));
        payload
    }

    /// `useTool(name, {})`.
    pub fn tool(&mut self, name: &str) -> u32 {
        let call = self.usual_call(name);
        self.call(call)
    }

    /// `useTool(name, {}, { idempotent: true })`.
    pub fn idempotent_tool(&mut self, name: &str) -> u32 {
        let call = Call { idempotent: true, ..self.usual_call(name) };
        self.call(call)
    }

    /// `useTool(…)` in full. A refused call counts as settled.
    pub fn call(&mut self, call: Call<'_>) -> u32 {
        let payload = self.ledger.open_account();
        match self.session.request(self.now, call, payload) {
            Ok(key) => {
                let id = RequestId { millis: self.now.wall, key };
                let deadline = call.timeout.map(|timeout| self.now.mono.saturating_add(timeout));
                self.ledger.promise(payload, id, call.idempotent, deadline);
            }
            Err(refused) => self.ledger.settle(payload, Outcome::Failed(refused.error), &[]),
        }
        self.drain();
        payload
    }

    /// `tools({ timeout })`; `None` waits for ever.
    pub fn tools(&mut self, timeout: Option<u64>) -> u32 {
        let payload = self.ledger.open_account();
        let timeout = timeout.map(Duration::from_millis);
        match self.session.tools(self.now, timeout, false, payload) {
            Ok(key) => {
                let deadline = timeout.map(|timeout| self.now.mono.saturating_add(timeout));
                self.ledger.promise_tools(payload, key, deadline);
            }
            Err(refused) => self.ledger.settle(payload, Outcome::Failed(refused.error), &[]),
        }
        self.drain();
        payload
    }

    /// A call with `{}` for parameters and the default timeout.
    pub fn usual_call<'a>(&self, name: &'a str) -> Call<'a> {
        let timeout = self.session.config().request_timeout;
        Call { name, parameters: Some("{}"), timeout, ..Call::default() }
    }

    /// Aborts a call, or a question for the tools: true if it was still to be settled. Then the session never settles
    /// it.
    pub fn abort(&mut self, call: u32) -> bool {
        let Some(key) = self.ledger.key(call) else { return false };
        let payload = self.input(|session, now| session.abort(now, key));
        let Some(payload) = payload else { return false };
        assert_eq!(payload, call, "abort gave back the payload of another call");
        self.ledger.abort(call);
        true
    }

    /// Gives up a call that was answered already: nobody gets its results.
    pub fn discard_results(&mut self) {
        self.input(|session, _| session.discard_results());
    }

    /// `sendMessage(text)`.
    pub fn send(&mut self, text: &str) -> bool {
        self.input(|session, now| session.send(now, text))
    }

    /// The socket keeps so many bytes.
    pub fn set_backlog(&mut self, bytes: usize) {
        self.backlog = bytes;
        self.input(|session, _| session.set_backlog(bytes));
    }

    /// `sendToolRequest(name, {})`.
    pub fn send_tool_request(&mut self, name: &str) -> Option<RequestId> {
        self.input(|session, now| session.send_tool_request(now, name, Some("{}")))
    }
}
