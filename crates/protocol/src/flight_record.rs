//! What a client shows of its flight recorder: the newest events, and the session before them.

use std::fmt::Write;

use super::{
    Now, Session,
    config::{Config, EndpointSource},
    fields::{JsonWriter, Reader, push_number, push_string},
    record::{Base, Event, NEWEST, Recorder, What},
};

/// The newest events of a client, and what is needed to replay them. It has no key, and no content of a message.
pub struct FlightRecord {
    client: u32,
    /// Of the endpoint in use, without its query.
    url: String,
    config: Config,
    /// The endpoints that the session was made with, as users are shown them.
    source: EndpointSource,
    /// When it was made.
    made: Now,
    recorder: Recorder,
}

impl FlightRecord {
    /// What the recorder of this session has now. Copied, so that whoever holds a lock of the session holds it briefly.
    pub fn of<T>(session: &Session<T>) -> Self {
        let urls = session.endpoints.urls();
        Self {
            client: session.client,
            url: session.endpoints.url_in_use().to_owned(),
            config: session.config.clone(),
            source: if session.asks_urls { EndpointSource::Ask } else { EndpointSource::Known(urls) },
            made: session.made,
            recorder: session.recorder.clone(),
        }
    }

    /// The whole record as JSON. `version` is that of the package: another one has other rules, and does not replay it.
    pub fn to_json(&self, version: &str) -> String {
        let first = self.recorder.len().saturating_sub(NEWEST);
        let mut json = String::from(r#"{"version":"#);
        push_string(&mut json, version);
        json.push_str(r#","client":"#);
        push_number(&mut json, self.client.into());
        json.push_str(r#","url":"#);
        push_string(&mut json, &self.url);
        let options = serde_json::Value::Object(self.config.to_flat());
        let _ = write!(json, r#","options":{options},"start":"#);
        self.push_start(&mut json, first);
        json.push_str(r#","events":"#);
        self.recorder.push_events(&mut json, first);
        json.push('}');
        json
    }

    /// The session before the first input from `first` on.
    fn push_start(&self, json: &mut String, first: usize) {
        match self.session_before(first) {
            Some(mut session) => {
                json.push_str(r#"{"complete":true"#);
                session.visit_start(&mut JsonWriter::new(json));
                json.push('}');
            }
            None => json.push_str(r#"{"complete":false}"#),
        }
    }

    /// Made of the last one that is known, and the inputs since then.
    fn session_before(&self, first: usize) -> Option<Session<()>> {
        let (base, known) = self.recorder.base_before(first);
        let mut session = Session::recorded(self.config.clone(), self.source.clone(), self.made);
        match base {
            Base::Made => {}
            Base::At(bytes) => session.resume(&mut Reader { bytes }),
            Base::Unknown => return None,
        }
        let events: Vec<(Now, What)> =
            self.recorder.events().skip(known).map(|(now, event)| (now, event.what.clone())).collect();
        let is_as_recorded = play(&mut session, &events, first - known, |_, _, _| true);
        is_as_recorded.then_some(session)
    }
}

/// Gives a session the inputs among these events, in turn, up to the first one from `end` on. `compare` gets the place
/// of each input, what was recorded of it, and what the rules say now. If it returns false, so does this, at once.
pub(super) fn play(
    session: &mut Session<()>,
    events: &[(Now, What)],
    end: usize,
    mut compare: impl FnMut(usize, &[(Now, What)], &[Event]) -> bool,
) -> bool {
    let is_input = |place: usize| events.get(place).is_none_or(|(_, what)| what.is_input());
    let next = |from: usize| (from..).find(|place| is_input(*place)).unwrap_or(events.len());
    let mut place = next(0);
    while place < end.min(events.len()) {
        let after = next(place + 1);
        let (now, input) = &events[place];
        let followed: Vec<What> = events[place + 1..after].iter().map(|(_, what)| what.clone()).collect();
        let says = session.step(*now, input, &followed);
        if !compare(place, &events[place..after], &says) {
            return false;
        }
        place = after;
    }
    true
}
