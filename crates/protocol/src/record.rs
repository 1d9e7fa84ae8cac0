//! The flight recorder: the newest events of a client, in a ring.
//!
//! The session tells it every input, as it was classified, and what it decides. It must cost next to nothing: an event
//! is 32 bytes, and is written in a few ns. What is shown of it is made when somebody asks.

mod event;
mod values;

use std::collections::VecDeque;

#[cfg(feature = "system")]
pub(crate) use self::values::PhaseName;
pub(crate) use self::{
    event::{Event, What},
    values::{AnswerName, CallFacts, DialFacts, FrameName, Id, KeyName, Purpose, Size, StateName, TimerName},
};
use crate::{
    ConnectionId, Now,
    fields::{JsonWriter, LARGEST, micros, push_millis, push_number, push_string},
    request_id::RequestId,
    timer::Timer,
};

/// The events since a moment at which the session is known.
#[derive(Debug, Clone, Default)]
pub(crate) struct Recorder {
    events: VecDeque<Event>,
    /// The number of the oldest event, counted from the beginning.
    first: u64,
    /// The number of the newest input.
    input: u64,
    /// That of the newest input.
    stamp: Stamp,
    /// By how many ms the wall clock is ahead of the monotonic one, from the event of that number on, oldest first.
    offsets: VecDeque<(u64, i64)>,
    /// The session before the oldest event.
    base: Base,
    /// The session before the event of that number.
    next: Option<(u64, Base)>,
}

/// When an event was: monotonic time in microseconds, and 16 bits that say by how many ms the wall clock has moved
/// against it since the last entry of [`Recorder::offsets`].
pub(crate) type Stamp = u64;

/// A session, as far as the rules ask.
#[derive(Debug, Clone, Default)]
pub(crate) enum Base {
    /// As it was made.
    #[default]
    Made,
    /// As [`Writer`] has written it.
    At(Box<[u8]>),
    /// There was too much of it to be recorded.
    Unknown,
}

/// Whether anything is recorded. What that needs would be a sixth of what a page loads.
pub(crate) const RECORDS: bool = cfg!(feature = "record");

impl Recorder {
    /// The session is to be given to [`set_base`](Self::set_base), before the next input.
    pub(crate) fn wants_base(&self) -> bool {
        let since = self.next.as_ref().map_or(self.first, |(number, _)| *number);
        RECORDS && self.end() - since >= NEWEST as u64
    }

    /// The session as it is now, before the next input. What was before the last one is forgotten.
    pub(crate) fn set_base(&mut self, base: Base) {
        let next = self.next.replace((self.end(), base));
        let Some((number, base)) = next else { return };
        self.base = base;
        self.events.drain(..(number - self.first) as usize);
        self.first = number;
        while self.offsets.get(1).is_some_and(|(from, _)| *from <= number) {
            self.offsets.pop_front();
        }
    }

    /// Something comes into the session.
    pub(crate) fn input(&mut self, now: Now, what: impl FnOnce() -> What) {
        if RECORDS {
            self.stamp = self.stamp_of(now);
            self.push_input(what());
        }
    }

    /// The same, at the time of the last input.
    pub(crate) fn add_input(&mut self, what: impl FnOnce() -> What) {
        if RECORDS {
            self.push_input(what());
        }
    }

    /// The session has decided this.
    pub(crate) fn output(&mut self, what: impl FnOnce() -> What) {
        if RECORDS {
            self.push_output(what());
        }
    }

    /// Completes the newest input.
    pub(crate) fn complete(&mut self, complete: impl FnOnce(&mut What)) {
        if !RECORDS {
            return;
        }
        if let Some(event) = self.events.get_mut((self.input.wrapping_sub(self.first)) as usize) {
            complete(&mut event.what);
        }
    }

    /// Texts are being written.
    pub(crate) fn writing(&mut self, connection: ConnectionId, count: usize) {
        if !RECORDS {
            return;
        }
        self.add_input(|| What::Writing { connection, count: small(count) });
    }

    /// Texts were written. Usually these are the ones that were being written just now.
    pub(crate) fn written(&mut self, connection: ConnectionId, count: usize) {
        if !RECORDS {
            return;
        }
        let count = small(count);
        let (begun, written) = (What::Writing { connection, count }, What::Written { connection, count });
        let is_last = self.input + 1 == self.end();
        match self.events.back_mut().filter(|event| is_last && event.what == begun) {
            Some(event) => event.what = written,
            None => self.add_input(|| written),
        }
    }

    /// The newest input is a pong. If nothing has happened since the ping, they become one event with those before.
    pub(crate) fn merge_heartbeat(&mut self) {
        if !RECORDS {
            return;
        }
        let Some((length, stamp, heartbeat)) = self.heartbeat() else { return };
        self.events.truncate(self.events.len() - length);
        let (stamp, what) = self.merged_with_last(stamp, heartbeat);
        self.input = self.end();
        self.events.push_back(Event { stamp, what });
    }

    /// A recorder that goes on after this moment.
    pub(crate) fn resume(&mut self, now: Now) {
        if !RECORDS {
            return;
        }
        *self = Self::default();
        self.stamp = self.stamp_of(now);
    }

    /// Takes the events out.
    pub(crate) fn take(&mut self) -> Vec<Event> {
        self.first = self.end();
        self.next = None;
        std::mem::take(&mut self.events).into()
    }

    /// Both clocks have been read, and one has run ahead of the other by more than what is noise.
    pub(crate) fn clocks_differ(&self, now: Now) -> bool {
        let moved = self.offset_of(now) - self.last_offset() - i64::from(self.stamp as i16);
        RECORDS && !self.offsets.is_empty() && moved.abs() > NOISE
    }

    /// The events, oldest first, with the clocks.
    pub(crate) fn events(&self) -> impl Iterator<Item = (Now, &Event)> {
        let mut offsets = self.offsets.iter().peekable();
        let mut offset = 0;
        self.events.iter().zip(self.first..).map(move |(event, number)| {
            while let Some((_, next)) = offsets.next_if(|(from, _)| *from <= number) {
                offset = *next;
            }
            (now_of(event.stamp, offset), event)
        })
    }

    /// The newest events, as a JSON array.
    pub(crate) fn newest(&self, count: usize) -> String {
        if !RECORDS {
            return "[]".to_owned();
        }
        let mut json = String::new();
        self.push_events(&mut json, self.events.len().saturating_sub(count));
        json
    }

    /// Appends the events from that place on, as a JSON array.
    pub(crate) fn push_events(&self, json: &mut String, first: usize) {
        json.push('[');
        for (place, (now, event)) in self.events().enumerate().skip(first) {
            if place > first {
                json.push(',');
            }
            push_event(json, now, &event.what);
        }
        json.push(']');
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.events.len()
    }

    /// The newest session that is known before the event at `place`, and the place of the event that follows it.
    pub(crate) fn base_before(&self, place: usize) -> (&Base, usize) {
        match &self.next {
            Some((number, base)) if (number - self.first) as usize <= place => (base, (number - self.first) as usize),
            _ => (&self.base, 0),
        }
    }

    /// The bytes that it keeps.
    #[cfg(feature = "sim")]
    pub(crate) fn footprint(&self) -> usize {
        let bases = [Some(&self.base), self.next.as_ref().map(|(_, base)| base)];
        let bases = bases.into_iter().flatten().map(|base| if let Base::At(bytes) = base { bytes.len() } else { 0 });
        let events = self.events.capacity() * size_of::<Event>();
        size_of::<Self>() + events + self.offsets.capacity() * size_of::<(u64, i64)>() + bases.sum::<usize>()
    }

    fn end(&self) -> u64 {
        self.first + self.events.len() as u64
    }

    fn push_input(&mut self, what: What) {
        self.input = self.end();
        self.push(what);
    }

    fn push_output(&mut self, what: What) {
        if !self.merge(&what) {
            self.push(what);
        }
    }

    fn push(&mut self, what: What) {
        let length = self.events.len();
        if length == self.events.capacity() {
            // Less than twice as much: most clients stay small for their whole life.
            self.events.reserve_exact((length / 2).max(LEAST));
        }
        self.events.push_back(Event { stamp: self.stamp, what });
    }

    fn stamp_of(&mut self, now: Now) -> Stamp {
        let (offset, last) = (self.offset_of(now), self.last_offset());
        let mut skew = offset - last;
        if i16::try_from(skew).is_err() || self.offsets.is_empty() {
            let end = self.end();
            self.offsets.push_back((end, offset));
            skew = 0;
        }
        (micros(now.mono) & MOST_MICROS) << SKEW_BITS | u64::from(skew as u16)
    }

    fn offset_of(&self, now: Now) -> i64 {
        now.wall.min(LARGEST) as i64 - (micros(now.mono) / 1000) as i64
    }

    fn last_offset(&self) -> i64 {
        self.offsets.back().map_or(0, |(_, offset)| *offset)
    }

    /// Adds it to the last event, if that is one of its kind and of the same input.
    fn merge(&mut self, what: &What) -> bool {
        if self.end() <= self.input + 1 {
            return false;
        }
        let Some(last) = self.events.back_mut() else { return false };
        match (&mut last.what, what) {
            (
                What::Sent { connection, frame: FrameName::REQUEST, size, count, .. },
                What::Sent { connection: same, frame: FrameName::REQUEST, size: more, .. },
            ) if connection == same && *count < u16::MAX => {
                *size = size.and(*more);
                *count += 1;
                true
            }
            (What::Settled { code, sent, count, .. }, What::Settled { code: same, sent: equal, .. })
                if (&*code, &*sent) == (same, equal) && *count < u32::MAX =>
            {
                *count += 1;
                true
            }
            _ => false,
        }
    }

    /// What the newest events are, if they are a ping of ours and its pong: how many events, since when, and one for
    /// them all.
    fn heartbeat(&self) -> Option<(usize, Stamp, What)> {
        let mut back = self.events.iter().rev().filter(|event| !matches!(event.what, What::Bytes { .. }));
        let pong = back.next()?;
        let What::Received { connection, class, .. } = pong.what else { return None };
        if !class.is_pong() {
            return None;
        }
        let is_written = back.next()?.what == What::Written { connection, count: 1 };
        let is_ping = matches!(back.next()?.what, What::Sent { connection: of, frame: FrameName::PING, .. }
            if of == connection);
        let due = back.next()?;
        if !is_written || !is_ping || due.what != (What::Timeout { timer: TimerName::of(Timer::Ping) }) {
            return None;
        }
        let place = self.events.iter().rposition(|event| std::ptr::eq(event, due))?;
        let bytes_before = self.events.iter().take(place).rev();
        let before = bytes_before.take_while(|event| matches!(event.what, What::Bytes { .. })).count();
        let place = place - before;
        let begin = self.first + place as u64;
        // A session that is known in between is one of before the pong.
        let is_whole = self.next.as_ref().is_none_or(|(number, _)| *number <= begin);
        let last = now_of(due.stamp, 0).mono;
        let rtt = now_of(pong.stamp, 0).mono.saturating_sub(last);
        let what = What::Heartbeats { connection, count: 1, last: last.into(), rtt: rtt.into() };
        let may_merge = is_whole && self.is_in_step(begin, due.stamp, pong.stamp);
        may_merge.then_some((self.events.len() - place, due.stamp, what))
    }

    /// Whether the wall clock has gone on as the monotonic one has, from the event with this number to the newest:
    /// events that are merged lose a sleep of the machine, or a clock that was set, between them.
    fn is_in_step(&self, from: u64, first: Stamp, newest: Stamp) -> bool {
        let is_of_same_offset = self.offsets.back().is_none_or(|(number, _)| *number <= from);
        is_of_same_offset && (i64::from(first as i16) - i64::from(newest as i16)).abs() <= NOISE
    }

    /// The heartbeat, together with the last event if that is one too: taken from the ring.
    fn merged_with_last(&mut self, stamp: Stamp, mut heartbeat: What) -> (Stamp, What) {
        let is_known = self.next.as_ref().is_some_and(|(number, _)| *number == self.end());
        let Some(last) = self.events.back().filter(|_| !is_known) else { return (stamp, heartbeat) };
        let is_in_step = self.is_in_step(self.end() - 1, last.stamp, stamp);
        match (&last.what, &mut heartbeat) {
            (What::Heartbeats { connection: before, count, .. }, What::Heartbeats { connection, count: sum, .. })
                if before == connection && *count < MOST_HEARTBEATS && is_in_step =>
            {
                *sum += count;
                let stamp = last.stamp;
                self.events.pop_back();
                (stamp, heartbeat)
            }
            _ => (stamp, heartbeat),
        }
    }
}

/// Appends one event, as a JSON object.
pub(crate) fn push_event(json: &mut String, now: Now, what: &What) {
    json.push_str(r#"{"at":"#);
    push_number(json, now.wall);
    json.push_str(r#","mono":"#);
    push_millis(json, micros(now.mono));
    json.push_str(r#","kind":"#);
    push_string(json, what.kind());
    what.clone().visit(&mut JsonWriter::new(json));
    json.push('}');
}

/// The clocks of a stamp.
fn now_of(stamp: Stamp, offset: i64) -> Now {
    let micros = stamp >> SKEW_BITS;
    let wall = (micros / 1000) as i64 + offset + i64::from(stamp as i16);
    Now { mono: std::time::Duration::from_micros(micros), wall: wall.max(0) as u64 }
}

/// The answer to a request.
pub(crate) fn id_of(id: Option<RequestId>) -> Id {
    id.into()
}

/// Bytes, or a number of things.
pub(crate) fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// How many events are shown.
pub(crate) const NEWEST: usize = 256;
/// Events that the ring has room for at first.
const LEAST: usize = 8;
const SKEW_BITS: u32 = 16;
const MOST_MICROS: u64 = (1 << 48) - 1;
/// ms by which two clocks may differ that are set by the network's time.
const NOISE: i64 = 500;
/// A record of more could not be replayed in no time.
pub(crate) const MOST_HEARTBEATS: u32 = 4096;
