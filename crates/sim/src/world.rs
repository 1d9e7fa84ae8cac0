//! What happens around the client: network, server and machine, and time.

use std::time::Duration;

use mcp_protocol::{Answer, ConnectionId, DialFailure, Ending, Key, Secret, UpgradeFailure, Via};

use crate::{
    Server, Sim,
    event::{Way, WorldEvent},
    network::Conditions,
    traced::Traced,
};

/// What network and server do on the newest connection.
impl Sim {
    /// From now on this kind of server answers.
    pub fn set_server(&mut self, server: Server) {
        self.server = server;
    }

    /// From now on network and server are as slow as this.
    pub fn set_conditions(&mut self, conditions: Conditions) {
        self.network.conditions = conditions;
    }

    /// From now on nothing arrives in this direction, and neither side is told: the connection is half open.
    pub fn freeze(&mut self, way: Way) {
        self.network.freeze(self.connection, way);
    }

    /// Cuts a connection after so many more messages, in either direction.
    pub fn cut_after(&mut self, messages: u32) {
        self.network.cut_after(messages);
    }

    /// The server goes down, and comes back after `millis`.
    pub fn restart_server(&mut self, millis: u64) {
        let due = self.now.mono + Duration::from_millis(millis);
        self.network.at(due, WorldEvent::Change(self.server));
        self.server = Server::Down;
        self.drop_connection();
    }

    /// All trouble ends: what is on its way is lost, and `server` answers at once. An open connection ends, or stays
    /// half open if the heartbeat will find that out; a dial succeeds.
    pub fn heal(&mut self, server: Server) {
        let was_connecting = self.state() == "connecting";
        self.network.end_trouble();
        self.server = server;
        self.hold_writes(false);
        self.leave_texts(false);
        self.pause_reading(false);
        let is_dead = self.network.is_frozen(self.connection);
        if was_connecting {
            self.network.unfreeze();
            self.let_it_connect(server);
        } else if !is_dead || self.session.config().heartbeat_interval.is_none() {
            self.network.unfreeze();
            self.drop_connection();
        }
    }

    /// What a client waits for that is `connecting`: the url function, dials, the token function, servers of a race.
    fn let_it_connect(&mut self, server: Server) {
        let [token, urls] = self.asked;
        urls.into_iter().for_each(|asked| self.network.at_once(WorldEvent::Urls(asked, Ok(2))));
        self.dials.clone().into_iter().for_each(|dial| self.network.at_once(WorldEvent::Open(dial)));
        token.into_iter().for_each(|asked| self.network.at_once(WorldEvent::Token(asked, Ok(("key", None)))));
        let yes = if server == Server::Event {
            r#"{"event":"schemas","data":[]}"#
        } else {
            r#"{"id":"auth","success":true}"#
        };
        self.racing.clone().into_iter().for_each(|racer| self.network.at_once(WorldEvent::Say(racer, yes.to_owned())));
        self.drain();
    }

    /// From now on what is done on a connection is done on this one: a dial of a race, say.
    pub fn select(&mut self, connection: u32) {
        assert!(!self.is_open, "a socket is open");
        self.connection = ConnectionId(connection);
    }

    /// The user's url function returns so many, or fails, if it was ever asked.
    pub fn answer_urls(&mut self, urls: Result<usize, &'static str>) {
        if let Some(asked) = self.asked[1] {
            self.network.at_once(WorldEvent::Urls(asked, urls));
            self.drain();
        }
    }

    /// The user's url function returns these, or fails.
    pub fn urls(&mut self, urls: Result<&[&str], &str>) {
        let asked = self.asked[1].expect("it was asked");
        let urls = urls.map(|urls| urls.iter().map(|url| (*url).to_owned()).collect()).map_err(str::to_owned);
        self.input(|session, now| session.handle_urls(now, asked, urls));
    }

    /// The dial succeeds.
    pub fn open(&mut self) {
        self.network.at_once(WorldEvent::Open(self.connection));
        self.drain();
    }

    /// The upgrade is answered with this HTTP status.
    pub fn refuse(&mut self, status: u16) {
        self.fail_dial(DialFailure::Upgrade(UpgradeFailure::Status { answer: Answer::of(status) }));
    }

    /// The same, with so many ms in `Retry-After`.
    pub fn refuse_for(&mut self, status: u16, millis: u64) {
        let answer = Answer { retry_after: Some(Duration::from_millis(millis)), ..Answer::of(status) };
        self.fail_dial(DialFailure::Upgrade(UpgradeFailure::Status { answer }));
    }

    /// The dial goes this way.
    pub fn go(&mut self, via: Via) {
        let connection = self.connection;
        self.input(|session, now| session.handle_via(now, connection, via));
    }

    /// The dial fails.
    pub fn fail_dial(&mut self, failure: DialFailure) {
        self.network.at_once(WorldEvent::Refuse(self.connection, failure));
        self.drain();
    }

    /// A text comes.
    pub fn server_says(&mut self, text: &str) {
        self.network.at_once(WorldEvent::Say(self.connection, text.to_owned()));
        self.drain();
    }

    /// The guide's answer to a call.
    pub fn server_answers(&mut self, call: u32, results: &str) {
        let id = self.id(call).expect("the call was taken");
        self.server_says(&format!(r#"{{"id":"{id}","results":{results}}}"#));
    }

    /// A close frame comes, or the answer to ours.
    pub fn server_closes(&mut self, code: u16, reason: &str) {
        self.end(Ending { code, reason: reason.to_owned(), clean: true, too_large: false });
    }

    /// The connection is lost without a close frame.
    pub fn drop_connection(&mut self) {
        self.end(Ending::abnormal("reset by peer"));
    }

    /// The socket ends like this. What was not written by then never is.
    pub fn end(&mut self, ending: Ending) {
        self.network.at_once(WorldEvent::End(self.connection, ending));
        self.drain();
    }

    /// The user's token function returns a token, or fails.
    pub fn token(&mut self, token: Result<&str, &str>) {
        let connection = self.connection;
        let key = token.map(|token| Secret::new(token).into()).map_err(str::to_owned);
        self.input(|session, now| session.handle_token(now, connection, key));
    }

    /// It returns a key that ends so many ms from now.
    pub fn key(&mut self, token: &str, life: f64) {
        let connection = self.connection;
        let key = Key { token: Secret::new(token), expires_at: Some(self.now.wall as f64 + life) };
        self.input(|session, now| session.handle_token(now, connection, Ok(key)));
    }

    /// Some bytes of a message come, but not all.
    pub fn bytes_come(&mut self) {
        let connection = self.connection;
        self.input(|session, now| session.handle_bytes(now, connection));
    }

    /// A binary message comes that is not UTF-8.
    pub fn binary_comes(&mut self, bytes: usize) {
        let connection = self.connection;
        self.input(|session, now| session.handle_binary(now, connection, bytes));
    }
}

/// Time.
impl Sim {
    /// Lets `millis` pass; timeouts fire exactly when they are due.
    pub fn advance(&mut self, millis: u64) {
        let end = self.now.mono + Duration::from_millis(millis);
        let mut here = 0;
        while let Some((due, is_packet)) = self.next().filter(|(due, _)| *due <= end) {
            here = if due > self.now.mono { 0 } else { here + 1 };
            assert!(here < 1000, "the session does not let time go on");
            self.pass(due.saturating_sub(self.now.mono));
            if is_packet {
                self.drain();
            } else {
                self.wake_up();
            }
        }
        self.pass(end - self.now.mono);
    }

    /// The next thing to happen: when, and whether it comes over the network.
    fn next(&mut self) -> Option<(Duration, bool)> {
        let timer = self.session.poll_timeout().map(|due| (due, false));
        let packet = self.network.next().map(|due| (due, true));
        timer.into_iter().chain(packet).min()
    }

    /// The process is not scheduled: time passes, and all that was due happens at its end. As every driver does, it
    /// reads what has come before it fires the timer.
    pub fn stall(&mut self, millis: u64) {
        self.stop(millis);
        self.let_arrive();
        self.wake_up();
    }

    /// The same, before anything happens.
    pub fn stop(&mut self, millis: u64) {
        self.pass(Duration::from_millis(millis));
    }

    /// The machine sleeps: only the wall clock goes on. Nothing notices before the next input, or
    /// [`wake_up`](Self::wake_up).
    pub fn suspend(&mut self, millis: u64) {
        self.now.wall += millis;
    }

    /// The machine's network changes.
    pub fn change_network(&mut self) {
        self.input(Traced::handle_network_changed);
    }

    /// The driver fires the session's timer.
    pub fn wake_up(&mut self) {
        self.input(Traced::handle_timeout);
    }

    fn pass(&mut self, time: Duration) {
        let whole = |mono: Duration| mono.as_millis() as u64;
        let before = whole(self.now.mono);
        self.now.mono += time;
        self.now.wall += whole(self.now.mono) - before;
    }
}
