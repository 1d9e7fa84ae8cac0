//! Events of a record, given to a session again. What was classified is made anew: texts of the same class and size,
//! failures with the same remedy.

use std::time::Duration;

use super::{Ending, Interest, Session};
use crate::{
    Call, ConnectionId, Now,
    chance::{Chance, Drawn},
    class::Class,
    config::{Config, EndpointSource, Key, Secret},
    dialect::{Dialect, RequestText},
    fields::{Fields, micros},
    record::{Event, FrameName, KeyName, MOST_HEARTBEATS, Size, What},
    request_id::{RequestId, RequestKey},
};

impl Session<()> {
    /// As it was when the record began. Without `start` it has just been made.
    pub(crate) fn recorded(config: Config, source: EndpointSource, now: Now) -> Self {
        let mut session = Self::new(config, source, [0; 32], now);
        session.chance = Chance::Recorded(Drawn::default());
        session.recorder.resume(now);
        session
    }

    /// Takes over what was recorded.
    pub(crate) fn resume(&mut self, start: &mut dyn Fields) {
        self.restore(start);
        self.recorder.resume(self.last);
    }

    /// Handles an input that was recorded, with what followed it: what was drawn is taken from there. Returns what the
    /// recorder says of it now.
    pub(crate) fn step(&mut self, now: Now, input: &What, followed: &[What]) -> Vec<Event> {
        if let Chance::Recorded(drawn) = &mut self.chance {
            drawn.key = input.key();
            drawn.delays = followed.iter().filter_map(What::drawn).collect();
        }
        self.apply(now, input);
        self.discard();
        self.recorder.take()
    }

    /// Visits it as it is.
    pub(crate) fn visit_start(&mut self, fields: &mut dyn Fields) {
        self.visit(fields);
    }

    fn apply(&mut self, now: Now, input: &What) {
        match input {
            What::Connect {} => self.connect(now, ()),
            What::Reconnect {} => self.reconnect(now, ()),
            What::Authenticate { with_key } => self.authenticate(now, with_key.then(|| Secret::new("key")), ()),
            What::Close { code, drain } => self.close(now, *code, "", drain.get(), ()),
            What::Call { id, size, timeout, facts } => {
                let (name, parameters) = self.text_of(now, id.key(), facts.has_parameters(), *size);
                let (idempotent, expects_connection) = (facts.is_idempotent(), facts.expects_connection());
                let timeout = timeout.get();
                let call = Call { name: &name, parameters, timeout, idempotent, expects_connection };
                // What became of it is in the record.
                let _ = self.request(now, call, ());
            }
            What::ToolRequest { id, size, has_parameters, .. } => {
                let (name, parameters) = self.text_of(now, id.key(), *has_parameters, *size);
                self.send_tool_request(now, &name, parameters);
            }
            What::Tools { timeout, expects_connection, .. } => {
                let _ = self.tools(now, timeout.get(), *expects_connection, ());
            }
            What::Send { frame, size, .. } => {
                let text = self.users_text(*frame, *size);
                self.send(now, &text);
            }
            What::Abort { id, .. } => {
                let _ = self.abort(now, id.key());
            }
            What::OpenTold {} => self.handle_open_told(now),
            What::Opens { opens } => self.set_interest(Interest(if *opens { Interest::OPENS } else { 0 })),
            What::Key { connection, key, expires_at } => {
                let expires_at =
                    if *key == KeyName::UNUSABLE_EXPIRY { Some(f64::NAN) } else { expires_at.0.map(|at| at as f64) };
                let given = Key { token: Secret::new("key"), expires_at };
                let given = if *key == KeyName::NONE { Err(String::new()) } else { Ok(given) };
                self.handle_token(now, *connection, given);
            }
            What::Urls { connection, is_given, urls } => {
                let changed = urls.as_ref().map(|urls| urls.split(' ').take(MOST_URLS).map(str::to_owned).collect());
                let urls = changed.unwrap_or_else(|| self.endpoints.urls());
                self.handle_urls(now, *connection, if *is_given { Ok(urls) } else { Err(String::new()) });
            }
            _ => self.apply_report(now, input),
        }
    }

    /// What the driver has reported.
    fn apply_report(&mut self, now: Now, input: &What) {
        match input {
            #[cfg(feature = "system")]
            What::Via { connection, proxy } => {
                let via = proxy.as_ref().map_or(crate::Via::Direct, |proxy| crate::Via::Proxy(proxy.clone()));
                self.handle_via(now, *connection, via);
            }
            What::Phase { .. } | What::Address { .. } => self.restore_dial_trace(now, input),
            What::Open { connection } => self.handle_open(now, *connection),
            #[cfg(feature = "system")]
            What::DialFailed { connection, facts } => self.handle_dial_failed(now, *connection, facts.failure()),
            What::Closed { connection, code, is_clean, is_too_large } => {
                let reason = String::new();
                let ending = Ending { code: *code, reason, clean: *is_clean, too_large: *is_too_large };
                self.handle_closed(now, *connection, ending);
            }
            What::Writing { connection, count } => self.handle_writing(*connection, *count as usize),
            What::Written { connection, count } => self.handle_written(*connection, *count as usize),
            What::Received { connection, class, size, id, .. } => {
                self.handle_message(now, *connection, Box::new(class.message(id.get(), size.get())));
            }
            What::Binary { connection, size } => self.handle_binary(now, *connection, size.get()),
            What::Bytes { connection, last } => self.handle_bytes(Now { mono: last.get(), ..now }, *connection),
            What::Paused { connection, is_paused } => self.handle_paused(now, *connection, *is_paused),
            What::Network {} => self.handle_network_changed(now),
            What::Timeout { .. } | What::Clocks {} => self.handle_timeout(now),
            What::Bug {} => self.handle_fault(now, ""),
            What::Heartbeats { connection, count, last, rtt } => {
                self.beat(now, *connection, *count, last.get().saturating_sub(now.mono), rtt.get());
            }
            // No input.
            _ => {}
        }
    }

    /// So many pings of ours, spread over `span`, each with its pong. The last one takes `rtt`.
    fn beat(&mut self, first: Now, connection: ConnectionId, count: u32, span: Duration, rtt: Duration) {
        let count = count.min(MOST_HEARTBEATS);
        let gap = span.checked_div(count.saturating_sub(1)).unwrap_or(rtt);
        for place in 0..count {
            let is_last = place + 1 == count;
            // Without the rounding error of a gap.
            let passed = Duration::from_micros(micros(span) * u64::from(place) / u64::from(count.max(2) - 1));
            let due = later(first, passed);
            self.handle_timeout(due);
            self.discard();
            self.handle_written(connection, 1);
            let class = if self.dialect() == Dialect::Event { Class::EventPong } else { Class::Pong };
            let answered = later(due, if is_last { rtt } else { rtt.min(gap / 2) });
            self.handle_message(answered, connection, Box::new(class.message(None, 0)));
            self.discard();
        }
    }

    /// A name and parameters that make a request of `size` bytes.
    fn text_of(&self, now: Now, key: RequestKey, has_parameters: bool, size: Size) -> (String, Option<&'static str>) {
        let (id, parameters) = (RequestId { millis: now.wall, key }, has_parameters.then_some("0"));
        let bare = RequestText::new(self.dialect(), id, "", parameters).text().len();
        (filler(size.get(), bare, 'x'), parameters)
    }

    /// A text that the user may have sent.
    fn users_text(&self, frame: FrameName, size: Size) -> String {
        let text = match frame {
            FrameName::PING if self.dialect() == Dialect::Event => r#"{"type":"ping"}"#,
            FrameName::PING => r#"{"messageType":"ping"}"#,
            FrameName::AUTH => r#"{"id":"auth","token":"key"}"#,
            FrameName::AUTH_WITHOUT_TOKEN => r#"{"id":"auth"}"#,
            _ => "",
        };
        format!("{text}{}", filler(size.get(), text.len(), ' '))
    }

    /// Nobody waits for what comes out.
    fn discard(&mut self) {
        while self.poll_transmit().is_some() {}
        while self.poll_action().is_some() {}
        while self.poll_event().is_some() {}
    }
}

/// More endpoints than anybody has.
const MOST_URLS: usize = 1024;

/// So many characters that `length` becomes `size`.
fn filler(size: usize, length: usize, of: char) -> String {
    std::iter::repeat_n(of, size.saturating_sub(length)).collect()
}

fn later(now: Now, passed: Duration) -> Now {
    Now { mono: now.mono + passed, wall: now.wall + passed.as_millis() as u64 }
}
