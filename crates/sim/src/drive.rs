//! What a driver does with the session: the drain rule, the socket and its writer; and what always holds between two
//! inputs.

use std::time::Duration;

use mcp_protocol::{
    Action, ConnectionId, Ending, Event, FlightRecord, Footprint, Key, MaxAttempts, Notice, Now, Secret, State,
    TokenSource, Transmit, replay,
};
use serde_json::Value;

use crate::{
    Server, Sim,
    event::{Life, WorldEvent},
    output::{Output, What},
    traced::Traced,
};

/// What a driver reports.
impl Sim {
    /// Changes the session, then drains it. Every change goes through here.
    pub fn input<R>(&mut self, act: impl FnOnce(&mut Traced, Now) -> R) -> R {
        let result = act(&mut self.session, self.now);
        self.drain();
        result
    }

    /// The client stops reading, or reads again.
    pub fn pause_reading(&mut self, paused: bool) {
        let connection = self.connection;
        self.is_paused = paused;
        self.input(|session, now| session.handle_paused(now, connection, paused));
        if !paused {
            self.unread.drain(..).for_each(|event| self.network.at_once(event));
            self.drain();
        }
    }

    /// The client's own code broke: what a driver reports after a panic.
    pub fn break_down(&mut self) {
        self.ledger.break_down();
        self.input(|session, now| session.handle_fault(now, "a panic"));
    }

    /// From now on texts stay with the client until [`write`](Self::write); or they leave at once again.
    pub fn hold_writes(&mut self, hold: bool) {
        self.holds_writes = hold;
        self.drain();
    }

    /// From now on texts of a session that is `ready` are not polled; or they are again.
    pub fn leave_texts(&mut self, leave: bool) {
        self.leaves_texts = leave;
        self.drain();
    }

    /// A writer takes so many texts. If the connection ends before the next [`write`](Self::write), the server has read
    /// them nevertheless.
    pub fn begin_writing(&mut self, count: usize) {
        self.leaving = count.min(self.unwritten.len());
        let (connection, leaving) = (self.connection, self.leaving);
        self.input(|session, _| session.handle_writing(connection, leaving));
    }

    /// The socket takes so many texts.
    pub fn write(&mut self, count: usize) {
        self.write_some(count);
        self.drain();
    }
}

/// The drain rule.
impl Sim {
    /// Takes everything out, lets everything happen that is due, and checks.
    pub(super) fn drain(&mut self) {
        self.let_arrive();
        self.check();
    }

    /// The same before the timer has fired, which may be late.
    pub(super) fn let_arrive(&mut self) {
        loop {
            self.collect();
            if self.can_write() {
                self.write_next();
            } else if let Some(event) = self.network.arrived(self.now.mono) {
                self.perform(event);
            } else {
                break;
            }
        }
    }

    fn collect(&mut self) {
        self.notice_winner();
        self.notice_dialect();
        while let Some(transmit) = self.next_text() {
            self.check_first_words(&transmit);
            self.note(What::Transmit(transmit.clone()));
            if self.is_open && transmit.connection == self.connection {
                let current = self.session.state().connection();
                assert_eq!(current, Some(self.connection), "a text for a connection that was given up");
                self.unwritten.push_back(transmit);
            } else if self.racing.contains(&transmit.connection) {
                self.session.handle_written(transmit.connection, 1);
                self.leave(transmit);
            }
        }
        while let Some(action) = self.session.poll_action() {
            self.note(What::Action(action.clone()));
            self.obey(action);
        }
        let mut heard: Vec<String> = self.heard.take().into_iter().collect();
        heard.extend(self.heard_in_race.iter().cloned());
        if !self.is_racing() {
            self.heard_in_race.clear();
        }
        while let Some(event) = self.session.poll_event() {
            self.note(What::Event(event.clone()));
            match event {
                Event::Settled { payload, outcome } => self.ledger.settle(payload, outcome, &heard),
                Event::Notice(Notice::State { snapshot, previous }) => {
                    assert_eq!(previous, self.told.state, "a change of the state was not told");
                    self.ledger.enter(self.now.mono, previous, &snapshot, self.session.config());
                    if snapshot.state == "ready" {
                        self.spoke_on.insert(self.connection);
                    }
                    self.told = snapshot;
                }
                Event::Notice(Notice::Open) if self.awaits_openings => {
                    self.network.think(self.now.mono, WorldEvent::TellOpening);
                }
                _ => {}
            }
        }
    }

    fn next_text(&mut self) -> Option<Transmit> {
        let leaves = self.leaves_texts && matches!(self.session.state(), State::Ready(_));
        if leaves { None } else { self.session.poll_transmit() }
    }

    /// Whether a socket that was racing is the client's now.
    fn notice_winner(&mut self) {
        let Some(socket) = self.session.state().socket() else { return };
        if self.racing.remove(&socket.id) {
            self.connection = socket.id;
            self.is_open = true;
            self.is_paused = false;
        }
    }

    /// Whether what was said in the event dialect has just turned out not to be understood.
    fn notice_dialect(&mut self) {
        let link = self.session.state().socket().filter(|link| link.id == self.connection);
        let is_event = matches!(link, Some(link) if link.is_detected());
        if is_event {
            self.spoke_on.insert(self.connection);
        }
        if std::mem::replace(&mut self.is_event, is_event) && !is_event && link.is_some() {
            self.ledger.take_back_event_dialect(self.connection);
        }
    }

    fn obey(&mut self, action: Action) {
        match &action {
            Action::Dial { connection, .. } => {
                self.take_id(*connection);
                assert!(!self.is_open, "dialed while a socket is open");
                assert!(self.racing.is_empty() || self.session.config().race, "dialed while a socket is open");
                self.connection = *connection;
                self.is_event = false;
                self.dials.insert(*connection);
                self.network.dial(*connection);
            }
            Action::AskUrls(asked) => {
                self.take_id(*asked);
                self.asked[1] = Some(*asked);
            }
            Action::AskToken(asked) => self.asked[0] = Some(*asked),
            Action::Drop { connection, .. } => {
                let is_pending = self.dials.remove(connection) || self.racing.remove(connection);
                if *connection == self.connection && !is_pending {
                    self.hang_up();
                }
            }
            Action::Close { .. } => {}
        }
        if let Some(answer) = self.server.obey(action, &mut self.network.chance) {
            self.network.send(self.now.mono, answer);
        }
    }

    fn is_racing(&self) -> bool {
        self.session.state().socket().is_none()
    }

    fn take_id(&mut self, id: ConnectionId) {
        assert!(id.0 > self.newest.0, "a connection id was used twice");
        self.newest = id;
    }

    fn perform(&mut self, event: WorldEvent) {
        let now = self.now;
        match event {
            WorldEvent::Open(connection) => self.open_socket(connection),
            WorldEvent::Refuse(connection, failure) => {
                self.dials.remove(&connection);
                self.session.handle_dial_failed(now, connection, failure);
            }
            WorldEvent::Urls(asked, urls) => {
                let urls = urls.map(|count| (0..count).map(|place| format!("ws://sim{place}/mcp-ws")).collect());
                self.session.handle_urls(now, asked, urls.map_err(str::to_owned));
            }
            WorldEvent::Say(connection, _) if self.leaves_unread(connection) => self.unread.push_back(event),
            WorldEvent::Say(connection, text) => {
                let was_racing = self.is_racing();
                self.session.handle_bytes(now, connection);
                self.session.handle_message(now, connection, (&*text).into());
                if self.is_racing() || was_racing {
                    self.heard_in_race.push(text);
                } else {
                    self.heard = Some(text);
                }
            }
            WorldEvent::Hear(text) => self.let_server_hear(&text),
            WorldEvent::Token(connection, token) => {
                let key = |(token, life): (_, Life)| Key {
                    token: Secret::new(token),
                    expires_at: life.map(|millis| now.wall as f64 + millis),
                };
                self.session.handle_token(now, connection, token.map(key).map_err(str::to_owned));
            }
            WorldEvent::End(connection, ending) => self.end_socket(connection, ending),
            WorldEvent::Cut(connection) => {
                self.network.lose_what_goes_up(connection);
                self.end_socket(connection, Ending::abnormal("cut"));
            }
            WorldEvent::Room(connection) => self.make_room(connection),
            WorldEvent::TellOpening => self.tell_opening(),
            WorldEvent::Change(server) => self.server = server,
        }
    }

    fn open_socket(&mut self, connection: ConnectionId) {
        self.dials.remove(&connection);
        if self.is_open || self.racing.contains(&connection) {
            return self.session.handle_open(self.now, connection);
        }
        self.session.handle_open(self.now, connection);
        if self.session.state().is_dialing(connection) || self.session.state().connection() == Some(connection) {
            self.racing.insert(connection);
        }
        self.notice_winner();
        if let Some(greeting) = self.server.greet(connection, &mut self.network.chance) {
            self.network.send(self.now.mono, greeting);
        }
    }

    fn end_socket(&mut self, connection: ConnectionId, ending: Ending) {
        if !self.racing.remove(&connection) && connection == self.connection {
            self.hang_up();
        }
        self.session.handle_closed(self.now, connection, ending);
    }

    /// A client that has stopped reading does not hear what a server says that answers by itself.
    fn leaves_unread(&self, connection: ConnectionId) -> bool {
        self.is_paused && self.is_open && connection == self.connection && self.server != Server::Scripted
    }

    fn let_server_hear(&mut self, text: &Transmit) {
        for answer in self.server.hear(text, self.now, &mut self.network.chance) {
            self.network.send_later(self.now.mono, answer);
        }
    }

    fn make_room(&mut self, connection: ConnectionId) {
        if connection == self.connection && self.is_open && self.is_reading {
            self.is_reading = false;
            self.write_some(1);
        }
    }

    fn tell_opening(&mut self) {
        if self.network.chance.pick(&[true, false]) {
            self.session.send(self.now, OWN_AUTH);
        }
        self.session.handle_open_told(self.now);
    }

    fn hang_up(&mut self) {
        self.is_open = false;
        self.is_reading = false;
        self.unread.clear();
        for text in std::mem::take(&mut self.unwritten).into_iter().take(std::mem::take(&mut self.leaving)) {
            self.leave(text);
        }
    }

    fn can_write(&self) -> bool {
        !self.holds_writes && !self.is_reading && !self.unwritten.is_empty()
    }

    /// Writes everything at once; or one text, and the next one when the peer has read it.
    fn write_next(&mut self) {
        let reading = self.network.conditions.reading;
        if reading == 0 {
            return self.write_some(usize::MAX);
        }
        self.is_reading = true;
        self.leaving = 1;
        self.session.handle_writing(self.connection, 1);
        self.network.at(self.now.mono + Duration::from_millis(reading), WorldEvent::Room(self.connection));
    }

    fn write_some(&mut self, count: usize) {
        let count = count.min(self.unwritten.len());
        self.leaving = 0;
        for text in self.unwritten.drain(..count).collect::<Vec<_>>() {
            self.leave(text);
        }
        self.session.handle_written(self.connection, count);
    }

    /// Writes one text: from now on the server may have it.
    fn leave(&mut self, text: Transmit) {
        self.ledger.written(&text);
        self.network.send(self.now.mono, WorldEvent::Hear(text.clone()));
        self.note(What::Written(text));
    }

    fn note(&mut self, what: What) {
        self.outputs.push(Output { at: self.now.mono, what });
    }
}

/// The invariants.
impl Sim {
    /// What the flight recorder shows can be replayed, and the rules decide the same again.
    pub(super) fn check_record(&self) {
        let record = FlightRecord::of(&self.session).to_json(VERSION);
        let report = replay(&record, VERSION);
        let is_same = report.as_ref().is_ok_and(|report| report.difference.is_none());
        assert!(is_same, "the rules decide otherwise: {report:?} of {record}");
    }

    /// What always holds between two inputs.
    fn check(&mut self) {
        let snapshot = self.session.snapshot();
        assert_eq!(self.told, snapshot, "a change of the snapshot was not told");
        if let MaxAttempts::Limited(cap) = self.session.config().max_reconnect_attempts {
            assert!(snapshot.attempt <= cap, "attempt {} of {cap}", snapshot.attempt);
        }
        assert_eq!(snapshot.retry_delay.is_some(), snapshot.state == "reconnecting");
        assert_eq!(snapshot.retry_at.is_some(), snapshot.state == "reconnecting");
        self.ledger.check_deadlines(self.now.mono);
        self.check_counts();
        self.check_memory();
        if matches!(snapshot.state, "idle" | "closed" | "failed") {
            assert!(!snapshot.connected, "a socket is open in {}", snapshot.state);
            assert_eq!(self.session.poll_timeout(), None, "a timer runs in {}", snapshot.state);
            assert_eq!(self.session.buffered_amount(), 0, "bytes are left in {}", snapshot.state);
            assert_eq!(self.session.footprint(), Footprint::default(), "something is left in {}", snapshot.state);
        }
    }

    /// Nothing goes before the auth message, where one is needed and there is no token function to wait for. A server
    /// that accepts the client before it has said anything needs none, nor does one that speaks the event dialect.
    fn check_first_words(&mut self, text: &Transmit) {
        let is_first = self.spoke_on.insert(text.connection);
        let is_guide = self.session.state().socket().is_some_and(|link| link.id == text.connection && link.is_guide());
        let is_accepted = matches!(self.session.state(), State::Ready(_));
        if is_first && is_guide && !is_accepted && self.session.config().token != TokenSource::Ask {
            let message: Option<Value> = serde_json::from_slice(&text.text).ok();
            assert!(
                message.is_some_and(|message| message["id"] == "auth"),
                "the first text on a connection is {text:?}"
            );
        }
    }

    /// Every request is somewhere; none waits where nothing has to be waited for.
    fn check_counts(&mut self) {
        let stats = self.session.stats();
        let ended = stats.succeeded + stats.failed;
        let open = (stats.pending + stats.queued) as u64;
        assert_eq!(stats.requests, ended + open, "{ended} requests have ended, {open} are open");
        assert!(stats.state != "ready" || stats.queued == 0, "{} requests wait in ready", stats.queued);
    }

    /// Nothing is kept that nobody needs, and what is kept is counted rightly.
    fn check_memory(&mut self) {
        self.session.poll_timeout();
        let (stats, held) = (self.session.stats(), self.session.footprint());
        let waiting = stats.pending + stats.queued;
        let most = self.session.config().max_pending;
        assert!(waiting <= most, "{waiting} requests wait, maxPending is {most}");
        assert!(held.requests <= waiting + held.remembered, "{held:?}, but only {waiting} requests wait");
        assert!(held.remembered <= 4096 && held.pings <= 64, "{held:?}");
        let leftovers = 2 * held.requests + 1025;
        assert!(held.deadlines <= leftovers && held.queue <= leftovers, "{held:?}");
        let may_wait = matches!(stats.state, "connecting" | "authenticating" | "reconnecting");
        assert!(may_wait || held.queue == 0, "{held:?}, but nothing waits in {}", stats.state);
        let left = if self.leaves_texts && stats.state == "ready" { held.outputs } else { 0 };
        assert_eq!(held.outputs, left, "outputs were left after draining");
        let texts = if self.is_open { self.unwritten.len() + left } else { held.unwritten };
        assert_eq!(held.unwritten, texts, "texts wait to be written");
        if left > 0 {
            return;
        }
        let bytes: usize = self.unwritten.iter().map(|text| text.text.len()).sum();
        let queued = self.session.buffered_amount().checked_sub(bytes + self.backlog);
        assert_eq!(queued.is_some_and(|bytes| bytes > 0), stats.queued > 0, "bufferedAmount is {queued:?} over");
    }
}

/// Of the package, for records.
const VERSION: &str = "0.0.0";
/// What code that was written against a socket may send when it is open. All keys of histories have three characters,
/// as the one that a replay sends in their place: a record does not tell how long a key is, and whether a text has room
/// is also decided by that.
pub(super) const OWN_AUTH: &str = r#"{"id":"auth","token":"own"}"#;
