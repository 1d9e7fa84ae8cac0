//! The splitter against `serde_json`: same verdict, same slices. For the tests and the fuzzer.
//!
//! `serde_json` agrees with V8 on what is JSON when it ignores or keeps a value raw. It differs when it decodes one: it
//! refuses lone surrogates in a `String`, so such keys are left out of the comparison of members.

use std::{collections::HashMap, ops::Range};

use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::{Envelope, Members, NotJson, Span, decode_string, is_truthy, split};

/// Splits `text` and compares the verdict, each slice, and the offset of a fault. Panics where they differ.
pub fn compare(text: &str) {
    let verdict = split(text);
    assert_eq!(verdict.is_ok(), is_json(text), "{text:?}");
    match verdict {
        Ok(envelope) => assert_same_members(text, &envelope),
        Err(fault) => assert_honest(text, &fault),
    }
}

/// The verdict of `serde_json`.
pub(super) fn is_json(text: &str) -> bool {
    let ignored = serde_json::from_str::<IgnoredAny>(text).is_ok();
    assert_eq!(ignored, serde_json::from_str::<&RawValue>(text).is_ok(), "serde_json: {text:?}");
    ignored
}

/// What `serde_json` finds in the object that is `text[within]`; `None` where it cannot tell.
fn expected_members(text: &str, within: Range<usize>) -> Option<Members> {
    if !text[within.clone()].trim_start().starts_with('{') {
        return Some(Members::default());
    }
    let raw: HashMap<String, &RawValue> = serde_json::from_str(&text[within]).ok()?;
    let span = |name: &str| {
        let value = raw.get(name)?.get();
        let start = value.as_ptr() as usize - text.as_ptr() as usize;
        Some(start..start + value.len())
    };
    Some(Members {
        id: span("id"),
        results: span("results"),
        error: span("error"),
        success: span("success"),
        message_type: span("messageType"),
        event: span("event"),
        data: span("data"),
        request_id: span("requestId"),
        message: span("message"),
        code: span("code"),
    })
}

fn assert_same_members(text: &str, envelope: &Envelope) {
    if let Some(top) = expected_members(text, 0..text.len()) {
        assert_eq!(envelope.top, top, "{text:?}");
    }
    let data = envelope.top.data.clone().unwrap_or_default();
    if let Some(data) = expected_members(text, data) {
        assert_eq!(envelope.data, data, "{text:?}");
    }
}

/// The fault is where the text stops being the beginning of JSON, and what was seen before it is JSON.
fn assert_honest(text: &str, fault: &NotJson) {
    let (before, after) = text.split_at(fault.offset);
    if let Err(early) = split(before) {
        assert_eq!(early.offset, before.len(), "the beginning can go on: {text:?}");
    }
    if let Some(culprit) = after.chars().next() {
        let through = &text[..fault.offset + culprit.len_utf8()];
        assert_eq!(split(through).map_err(|fault| fault.offset), Err(before.len()), "{text:?}");
    }
    for members in [&fault.seen.top, &fault.seen.data] {
        for (name, value) in texts(text, members) {
            assert!(is_json(value), "{name} of {text:?}");
            // What a value means must not panic either.
            let _ = (decode_string(value), is_truthy(value));
        }
    }
}

/// The members that are there, with the text of their values.
pub(super) fn texts<'a>(text: &'a str, members: &Members) -> Vec<(&'static str, &'a str)> {
    let named = [
        ("id", &members.id),
        ("results", &members.results),
        ("error", &members.error),
        ("success", &members.success),
        ("messageType", &members.message_type),
        ("event", &members.event),
        ("data", &members.data),
        ("requestId", &members.request_id),
        ("message", &members.message),
        ("code", &members.code),
    ];
    let present = |(name, span): (_, &Option<Span>)| Some((name, &text[span.clone()?]));
    named.into_iter().filter_map(present).collect()
}
