//! Replays a record: would the rules decide the same again? Anybody may have written it, so nothing in it is trusted.

use serde::Serialize;
use serde_json::{Map, Value, value::RawValue};
use thiserror::Error;

use super::{
    Now, Session,
    config::{Config, EndpointSource, OptionError},
    fields::{Field, JsonReader},
    flight_record::play,
    record::{Event, NEWEST, What, push_event},
};

/// What came of a replay.
#[derive(Debug, Serialize)]
pub struct ReplayReport {
    /// How many events the record has.
    pub events: usize,
    /// How many of them are inputs, which were given to the rules again.
    pub inputs: usize,
    /// Where the rules decide otherwise than was recorded; `null` if they decide the same.
    pub difference: Option<Difference>,
}

/// The first difference between a record and the rules.
#[derive(Debug, Serialize)]
pub struct Difference {
    /// The place of the event in the record, from 0.
    pub event: usize,
    /// What was recorded; `null` if nothing was.
    pub recorded: Option<Box<RawValue>>,
    /// What the rules say; `null` if they say nothing.
    pub rules: Option<Box<RawValue>>,
}

/// Why a record cannot be replayed.
#[derive(Debug, Error)]
pub enum ReplayError {
    /// It is larger than any record.
    #[error("this is no flight record: it has {0} bytes, and a record has at most {LARGEST_RECORD}")]
    TooLarge(usize),
    /// It is not JSON.
    #[error("this is no flight record: it is not JSON ({0})")]
    NotJson(serde_json::Error),
    /// It is JSON, and something else.
    #[error("this is no flight record: {0}")]
    NotARecord(String),
    /// Its options cannot be those of a client.
    #[error("this is no flight record: {}", .0.message)]
    Options(OptionError),
    /// Another version has made it.
    #[error(
        "this record was made by version {found}, and this is version {own}: only the same version decides by the same \
         rules, so replay it with @mcp-integration/client@{found}"
    )]
    OtherVersion {
        /// Of the record.
        found: String,
        /// Of this package.
        own: String,
    },
    /// The session at its beginning was too much to be recorded, or a page has made the record.
    #[error(
        "this record cannot be replayed: a page has made it, or more calls were in flight when it begins than are \
         recorded one by one"
    )]
    Incomplete,
    /// Replaying it would take too much memory.
    #[error("this record cannot be replayed: its messages have {0} bytes together, more than {MOST_BYTES}")]
    TooManyBytes(u64),
}

impl ReplayError {
    /// The class of the error in JavaScript.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::TooLarge(_) | Self::TooManyBytes(_) => "RangeError",
            Self::NotJson(_) | Self::NotARecord(_) | Self::Options(_) => "TypeError",
            Self::OtherVersion { .. } | Self::Incomplete => "Error",
        }
    }
}

/// Replays a record of this `version` of the package.
///
/// Errors: it is none, or cannot be replayed.
pub fn replay(json: &str, version: &str) -> Result<ReplayReport, ReplayError> {
    if json.len() > LARGEST_RECORD {
        return Err(ReplayError::TooLarge(json.len()));
    }
    let record: Value = serde_json::from_str(json).map_err(ReplayError::NotJson)?;
    let record = record.as_object().ok_or_else(|| not_a_record("it is no object".to_owned()))?;
    let found = text(record, "version")?;
    if found != version {
        return Err(ReplayError::OtherVersion { found: shown(found), own: version.to_owned() });
    }
    let mut session = session(record)?;
    let events = events(record)?;
    let mut inputs = 0;
    let mut difference = None;
    play(&mut session, &events, events.len(), |place, recorded, says| {
        inputs += 1;
        difference = compare(place, recorded, says);
        difference.is_none()
    });
    Ok(ReplayReport { events: events.len(), inputs, difference })
}

/// The first place where they differ.
fn compare(place: usize, recorded: &[(Now, What)], says: &[Event]) -> Option<Difference> {
    let length = recorded.len().max(says.len());
    (0..length).find_map(|offset| {
        let (now, recorded) = (recorded.first()?.0, recorded.get(offset));
        let rules = says.get(offset).map(|event| given(recorded.map(|(_, what)| what), &event.what));
        let is_same = recorded.map(|(_, what)| what) == rules.as_ref();
        let shown = |now: Now, what: &What| {
            let mut json = String::new();
            push_event(&mut json, now, what);
            RawValue::from_string(json).ok()
        };
        (!is_same).then(|| Difference {
            event: place + offset,
            recorded: recorded.and_then(|(now, what)| shown(*now, what)),
            rules: rules.and_then(|what| shown(now, &what)),
        })
    })
}

/// What the rules say, with those facts of an input that are no business of theirs.
fn given(recorded: Option<&What>, says: &What) -> What {
    let mut says = says.clone();
    match (&mut says, recorded) {
        (What::Received { size, .. }, Some(What::Received { size: given, .. })) => *size = *given,
        (What::DialFailed { facts, .. }, Some(What::DialFailed { facts: given, .. }))
            if (facts.remedy, facts.retry_after) == (given.remedy, given.retry_after) =>
        {
            facts.clone_from(given);
        }
        _ => {}
    }
    says
}

fn session(record: &Map<String, Value>) -> Result<Session<()>, ReplayError> {
    let config = Config::from_flat(object(record, "options")?).map_err(ReplayError::Options)?;
    let start = object(record, "start")?;
    if start.get("complete") != Some(&Value::Bool(true)) {
        return Err(ReplayError::Incomplete);
    }
    let mut session = Session::recorded(config, EndpointSource::default(), Now::default());
    let mut reader = JsonReader::new(start);
    session.resume(&mut reader);
    refused(reader, || "\"start\"".to_owned())?;
    Ok(session)
}

fn events(record: &Map<String, Value>) -> Result<Vec<(Now, What)>, ReplayError> {
    let list = record.get("events").and_then(Value::as_array);
    let list = list.ok_or_else(|| not_a_record("its \"events\" are no array".to_owned()))?;
    if list.len() > NEWEST {
        return Err(not_a_record(format!("it has {} events, and a record has at most {NEWEST}", list.len())));
    }
    let events = list.iter().enumerate().map(|(place, event)| read_event(place, event));
    let events: Vec<(Now, What)> = events.collect::<Result<_, _>>()?;
    let bytes = events.iter().map(|(_, what)| what.bytes()).sum();
    if bytes > MOST_BYTES { Err(ReplayError::TooManyBytes(bytes)) } else { Ok(events) }
}

fn read_event(place: usize, event: &Value) -> Result<(Now, What), ReplayError> {
    let wrong = |what: &str| not_a_record(format!("event {place} {what}"));
    let event = event.as_object().ok_or_else(|| wrong("is no object"))?;
    let kind = event.get("kind").and_then(Value::as_str).ok_or_else(|| wrong("has no \"kind\""))?;
    let unknown = || wrong(&format!("is of the kind {:?}, which is unknown", shown(kind)));
    let mut what = What::of_kind(kind).ok_or_else(unknown)?;
    let mut reader = JsonReader::new(event);
    let mut now = Now::default();
    now.wall.visit("at", &mut reader);
    now.mono.visit("mono", &mut reader);
    what.visit(&mut reader);
    refused(reader, || format!("event {place} ({kind})"))?;
    Ok((now, what))
}

fn object<'a>(record: &'a Map<String, Value>, name: &str) -> Result<&'a Map<String, Value>, ReplayError> {
    record.get(name).and_then(Value::as_object).ok_or_else(|| not_a_record(format!("its {name:?} is no object")))
}

fn text<'a>(record: &'a Map<String, Value>, name: &str) -> Result<&'a str, ReplayError> {
    record.get(name).and_then(Value::as_str).ok_or_else(|| not_a_record(format!("its {name:?} is no string")))
}

fn refused(reader: JsonReader<'_>, of: impl FnOnce() -> String) -> Result<(), ReplayError> {
    match reader.refused() {
        Some(name) => Err(not_a_record(format!("in {}, {name:?} is missing, or cannot be that", of()))),
        None => Ok(()),
    }
}

fn not_a_record(why: String) -> ReplayError {
    ReplayError::NotARecord(why)
}

/// The beginning of a text that anybody may have written.
fn shown(text: &str) -> String {
    text.chars().take(LONGEST_SHOWN).filter(|character| !character.is_control()).collect()
}

/// Bytes of a record: far more than one has.
const LARGEST_RECORD: usize = 16 << 20;
/// Bytes of messages, which a replay makes anew.
const MOST_BYTES: u64 = 256 << 20;
/// Characters.
const LONGEST_SHOWN: usize = 80;
