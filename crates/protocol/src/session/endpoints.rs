//! Rounds: each endpoint is dialed once, until one is `ready` for long enough, or all are used up.
//! Source: PROTOCOL.md rules 12 and 16.

use std::time::Duration;

use zeroize::Zeroizing;

use super::{Interest, Session, State};
use crate::{
    Action, ConnectionId, Notice, Now,
    config::{DialectChoice, without_query},
    dialect::Dialect,
    dialing::{DialFailure, DialTrace, Remedy},
    dials::{Dial, Dials},
    endpoints::Verdict,
    error::{Fault, NoUrls, Reason},
    log::LogLine,
    record::{DialFacts, What},
    socket::Socket,
    stats::whole_millis,
    timer::Timer,
};

impl<T> Session<T> {
    /// The user's url function has returned these, as users are shown them, or has failed with an error of this class.
    /// False if it is not asked any more: then the list stays as it is.
    pub fn handle_urls(&mut self, now: Now, asked: ConnectionId, urls: Result<Vec<String>, String>) -> bool {
        let given = urls.as_deref().unwrap_or_default();
        let is_changed = !given.is_empty() && !self.endpoints.are(given);
        self.begin(now, || What::Urls {
            connection: asked,
            is_given: urls.is_ok(),
            urls: is_changed.then(|| shown(given)),
        });
        // Their queries may be secrets.
        let urls = urls.map(Zeroizing::new);
        if !matches!(&self.state, State::Connecting(dials) if dials.asking == Some(asked)) {
            return false;
        }
        match urls {
            Ok(urls) if !urls.is_empty() => {
                self.endpoints.replace(&urls);
                self.endpoints.begin_round();
                self.dial_if_allowed(now);
            }
            Ok(_) => self.url_function_failed(now, NoUrls::Threw("TypeError".to_owned())),
            Err(class) => self.url_function_failed(now, NoUrls::Threw(class)),
        }
        true
    }

    /// The dial has succeeded: the WebSocket is open.
    pub fn handle_open(&mut self, now: Now, connection: ConnectionId) {
        self.begin(now, || What::Open { connection });
        let dialect = match self.config.dialect {
            DialectChoice::Event => Dialect::Event,
            DialectChoice::Plain => Dialect::Plain,
            DialectChoice::Auto | DialectChoice::Guide => Dialect::Guide,
        };
        let is_told_of_openings = self.interest.wants(Interest::OPENS);
        let State::Connecting(dials) = &mut self.state else { return };
        let Some(place) = dials.place(connection).filter(|place| dials.dials[*place].opened.is_none()) else { return };
        let socket = Socket::new(connection, dialect, now);
        let is_race = dials.is_race;
        self.tell_opened(connection);
        // What needs no answer of the server is decided.
        if is_race && !is_told_of_openings && dialect != Dialect::Plain {
            return self.enter_race(now, place, socket);
        }
        let State::Connecting(dials) = &mut self.state else { return };
        let dial = dials.dials.swap_remove(place);
        self.take_over(now, dial.endpoint, socket);
        self.begin_authentication(now);
    }

    /// The dial goes through a proxy, or through none; errors will say so. Each proxy that is tried is reported.
    #[cfg(feature = "system")]
    pub fn handle_via(&mut self, now: Now, connection: ConnectionId, via: crate::Via) {
        let State::Connecting(dials) = &mut self.state else { return };
        let Some(place) = dials.place(connection) else { return };
        dials.dials[place].via = Some(via.clone());
        self.recorder.input(now, || What::Via { connection, proxy: via.proxy().map(Into::into) });
        if let Some(proxy) = via.proxy() {
            self.log(LogLine::Proxy, &[("connection", connection.0.into()), ("proxy", proxy.into())]);
        }
    }

    /// The dial has failed.
    pub fn handle_dial_failed(&mut self, now: Now, connection: ConnectionId, failure: DialFailure) {
        self.begin(now, || What::DialFailed { connection, facts: Box::new(DialFacts::of(&failure)) });
        let State::Connecting(dials) = &mut self.state else { return };
        if dials.place(connection).is_none_or(|place| dials.dials[place].opened.is_some()) {
            return;
        }
        let Some(mut dial) = dials.remove(connection) else { return };
        self.dial_failed(now, &mut dial, failure);
    }

    /// Asks the url function, or dials. Returns the state before.
    pub(super) fn begin_round(&mut self, now: Now) -> State {
        self.stop_connection_timers();
        if !self.asks_urls {
            self.endpoints.begin_round();
            return self.dial_next(now);
        }
        let asked = self.next_connection_id();
        let previous = self.enter(State::Connecting(Dials::asking(asked)));
        self.act(Action::AskUrls(asked));
        self.timers.set(Timer::Connect, now.mono + self.config.connect_timeout);
        previous
    }

    /// Dials the next endpoint of the round. Returns the state before.
    pub(super) fn dial_next(&mut self, now: Now) -> State {
        self.stop_connection_timers();
        // There is one: else the wait would not be over.
        let endpoint = self.endpoints.take_next(now.mono).unwrap_or_default();
        self.endpoints.use_this(endpoint);
        let is_race = self.config.race && self.endpoints.are_several();
        let connection = self.next_connection_id();
        let previous = self.enter(State::Connecting(Dials { is_race, ..Dials::default() }));
        self.start_dial(now, connection, endpoint);
        previous
    }

    /// Starts the next dial of a race.
    pub(super) fn race_on(&mut self, now: Now) {
        if let Some(endpoint) = self.endpoints.take_next(now.mono) {
            let connection = self.next_connection_id();
            self.start_dial(now, connection, endpoint);
        }
    }

    fn start_dial(&mut self, now: Now, connection: ConnectionId, endpoint: usize) {
        let url = self.endpoints.url(endpoint).into();
        self.log(LogLine::Dialing, &[("connection", connection.0.into()), ("url", url)]);
        let told = self.tell_dialing(connection, endpoint);
        let deadline = now.mono + self.config.connect_timeout;
        let State::Connecting(dials) = &mut self.state else { return };
        dials.dials.push(Dial { told, ..Dial::new(connection, endpoint, now.mono, deadline) });
        if dials.is_race && self.endpoints.has_next(now.mono) {
            self.timers.set(Timer::Race, now.mono + BETWEEN_DIALS);
        }
        self.act(Action::Dial { connection, endpoint });
        self.arm_dials();
    }

    pub(super) fn arm_dials(&mut self) {
        if let State::Connecting(dials) = &self.state {
            self.timers.set_or_stop(Timer::Connect, dials.deadline());
        }
    }

    /// This socket is the client's from now on; the other dials are dropped.
    pub(super) fn take_over(&mut self, now: Now, endpoint: usize, socket: Socket) {
        self.drop_dials();
        self.timers.stop(Timer::Connect);
        self.timers.stop(Timer::Race);
        self.endpoints.use_this(endpoint);
        self.enter(State::Authenticating(Box::new(socket)));
        self.log(LogLine::Open, &[]);
        self.notify(Notice::Open);
        self.schedule_ping(now);
    }

    /// Gives up what `connecting` waits for.
    pub(super) fn drop_dials(&mut self) {
        let State::Connecting(dials) = &mut self.state else { return };
        for mut dial in std::mem::take(&mut dials.dials) {
            self.tell_failed(&mut dial, &Fault::Closed);
            self.drop_dial(&dial);
        }
    }

    fn drop_dial(&mut self, dial: &Dial) {
        if let Some(opened) = &dial.opened {
            self.unwritten_bytes -= opened.socket.unwritten_bytes();
        }
        self.drop_connection(dial.id);
    }

    /// The time of a dial, of a socket in a race, or of the url function is over.
    pub(super) fn dials_timed_out(&mut self, now: Now) {
        if matches!(&self.state, State::Connecting(dials) if dials.asking.is_some()) {
            return self.url_function_failed(now, NoUrls::TimedOut(whole_millis(self.config.connect_timeout)));
        }
        while let State::Connecting(dials) = &mut self.state
            && let Some(mut dial) = dials.due(now.mono).and_then(|connection| dials.remove(connection))
        {
            self.drop_dial(&dial);
            if dial.opened.is_some() {
                self.racer_timed_out(now, &dial);
            } else {
                let (limit, phase) = (self.config.connect_timeout, dial.trace.as_deref().and_then(DialTrace::phase));
                self.dial_failed(now, &mut dial, DialFailure::Timeout { limit, phase });
            }
        }
    }

    fn dial_failed(&mut self, now: Now, dial: &mut Dial, failure: DialFailure) {
        let (remedy, retry_after) = (failure.remedy(), failure.retry_after().unwrap_or_default());
        let url = self.endpoints.url(dial.endpoint).to_owned();
        let fault = Fault::ConnectFailed { url, via: dial.via.clone(), failure: Box::new(failure) };
        self.tell_failed(dial, &fault);
        self.log_failed_dial(dial, &fault);
        let reason = self.new_reason(fault);
        match remedy {
            Remedy::Authorization => self.endpoints.fail_for_good(reason.clone(), true),
            Remedy::Configuration if !self.was_ready => self.endpoints.fail_for_good(reason.clone(), false),
            Remedy::Configuration | Remedy::Time => self.hold_off(now, dial.endpoint, retry_after),
        }
        self.dial_is_over(now, dial.endpoint, reason);
    }

    pub(super) fn log_failed_dial(&mut self, dial: &Dial, fault: &Fault) {
        let (connection, url) = (dial.id.0.into(), self.endpoints.url(dial.endpoint).into());
        let cause = fault.log_cause().into();
        self.log(LogLine::DialFailed, &[("connection", connection), ("url", url), ("cause", cause)]);
    }

    /// The server asks not to be dialed for so long.
    fn hold_off(&mut self, now: Now, endpoint: usize, retry_after: Duration) {
        let asked = retry_after.min(self.config.max_retry_after);
        if !asked.is_zero() {
            let asked = self.draw_retry_after(asked);
            self.endpoints.not_before(endpoint, now.mono + asked);
        }
    }

    /// A dial, or a socket in a race, has failed for this reason.
    pub(super) fn dial_is_over(&mut self, now: Now, endpoint: usize, reason: Reason) {
        self.endpoints.fail(endpoint);
        let is_last = matches!(&self.state, State::Connecting(dials) if dials.dials.is_empty());
        if is_last && self.timers.get(Timer::Race).is_none() {
            return self.go_on(now, reason);
        }
        self.report(&reason);
        self.arm_dials();
    }

    /// Dials the next endpoint, or ends the round; no socket is open.
    fn go_on(&mut self, now: Now, reason: Reason) {
        if self.endpoints.has_next(now.mono) {
            self.error = Some(reason);
            self.dial_next(now);
            return self.report_error();
        }
        match self.endpoints.verdict() {
            Some(Verdict::Unauthorized(reason)) => self.upgrade_unauthorized(reason),
            Some(Verdict::Failed(reason)) => self.fail_for_good(reason),
            None => self.retry_later(now, reason),
        }
    }

    /// The url function may name only endpoints that asked not to be dialed yet: that is a round, too.
    fn dial_if_allowed(&mut self, now: Now) {
        match self.error.clone() {
            Some(reason) if !self.endpoints.has_next(now.mono) => self.retry_later(now, reason),
            _ => drop(self.dial_next(now)),
        }
    }

    fn url_function_failed(&mut self, now: Now, failure: NoUrls) {
        let fault = Fault::NoUrls(failure);
        self.log(LogLine::NoUrls, &[("cause", fault.log_cause().into())]);
        let reason = self.new_reason(fault);
        self.endpoints.end_round();
        self.retry_later(now, reason);
    }
}

/// As users are shown them.
fn shown(urls: &[String]) -> Box<str> {
    let shown: Vec<&str> = urls.iter().map(|url| without_query(url)).collect();
    shown.join(" ").into()
}

/// PROTOCOL.md rule 16.
const BETWEEN_DIALS: Duration = Duration::from_millis(250);
