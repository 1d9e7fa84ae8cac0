//! One option as it was given: its kind and range are checked here, and every option error is made here.

use std::{ops::RangeInclusive, time::Duration};

use serde::Serialize;
use serde_json::Value;
use strsim::damerau_levenshtein;
use thiserror::Error;

use super::{
    proxy::ProxySource,
    values::{DialectChoice, EndpointSource, Headers, MaxAttempts, Secret, Subprotocols, TokenSource, without_query},
};
use crate::backoff::Jitter;

/// Which JavaScript error an [`OptionError`] becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub enum OptionFault {
    /// Of the wrong kind, or of no known name.
    #[serde(rename = "TypeError")]
    Type,
    /// Of the right kind, out of its range.
    #[serde(rename = "RangeError")]
    Range,
}

/// An option that cannot be used; the message names it, its value and the remedy.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[error("{message}")]
pub struct OptionError {
    /// Which JavaScript error it becomes.
    pub kind: OptionFault,
    /// The option's name.
    pub option: String,
    /// The sentence for the user.
    pub message: String,
}

impl OptionError {
    /// An error that names the option first: `option "<name>" <complaint>`.
    pub fn new(kind: OptionFault, option: &str, complaint: &str) -> Self {
        Self { kind, option: option.to_owned(), message: format!("option \"{option}\" {complaint}") }
    }

    /// An option that is not among `known`; the one with the most similar name is suggested.
    pub(super) fn unknown(option: &str, known: Vec<&str>) -> Self {
        let distance = |name: &str| damerau_levenshtein(&name.to_lowercase(), &option.to_lowercase());
        // At most one letter in three differs.
        let similar = known.into_iter().filter(|name| 3 * distance(name) <= name.len());
        let suggestion = similar.min_by_key(|name| distance(name));
        let suggestion = suggestion.map_or_else(String::new, |name| format!(", did you mean \"{name}\"?"));
        Self {
            kind: OptionFault::Type,
            option: option.to_owned(),
            message: format!("unknown option \"{option}\"{suggestion}"),
        }
    }
}

/// Whether these can be the endpoints of a client.
///
/// Errors: there is none, or one twice.
pub fn check_urls(urls: &[String]) -> Result<(), OptionError> {
    let wrong = |complaint: &str| Err(OptionError::new(OptionFault::Type, "url", complaint));
    if urls.is_empty() {
        return wrong("is an empty list: give at least one endpoint");
    }
    let twice = urls.iter().enumerate().find(|(place, url)| urls[..*place].contains(url));
    twice.map_or(Ok(()), |(_, url)| {
        wrong(&format!("names {} twice: each endpoint is dialed once in a round, so leave one out", without_query(url)))
    })
}

/// One option as it was given.
pub(super) struct Given<'a> {
    pub(super) name: &'a str,
    pub(super) value: &'a Value,
}

impl Given<'_> {
    fn fault(&self, kind: OptionFault, complaint: &str) -> OptionError {
        OptionError::new(kind, self.name, complaint)
    }

    pub(super) fn must_be(&self, kind: OptionFault, what: &str) -> OptionError {
        // These may be secrets: their values are never shown.
        let is_secret = SECRET.contains(&self.name) || self.name.starts_with("tls.");
        let shown = if is_secret { kind_of(self.value) } else { show(self.value) };
        self.fault(kind, &format!("must be {what}, got {shown}"))
    }

    pub(super) fn number(&self, range: RangeInclusive<u32>) -> Result<f64, OptionError> {
        let (least, most) = (f64::from(*range.start()), f64::from(*range.end()));
        self.number_where(&format!("a number from {least} to {most}"), |n| (least..=most).contains(&n))
    }

    fn number_where(&self, what: &str, in_range: impl Fn(f64) -> bool) -> Result<f64, OptionError> {
        let number = as_number(self.value).ok_or_else(|| self.must_be(OptionFault::Type, what))?;
        if in_range(number) { Ok(number) } else { Err(self.must_be(OptionFault::Range, what)) }
    }

    /// At least so many ms.
    pub(super) fn duration(&self, least: u32) -> Result<Duration, OptionError> {
        let what = format!("a number of ms from {least} to {MAX_MILLIS}");
        let millis = self.number_where(&what, |n| (f64::from(least)..=MAX_MILLIS).contains(&n))?;
        Ok(Duration::from_secs_f64(millis / 1000.0))
    }

    /// 0 means none.
    pub(super) fn duration_or_none(&self) -> Result<Option<Duration>, OptionError> {
        let what = format!("a number of ms from 1 to {MAX_MILLIS}, or 0 for none");
        let millis = self.number_where(&what, |n| n == 0.0 || (1.0..=MAX_MILLIS).contains(&n))?;
        Ok((millis > 0.0).then(|| Duration::from_secs_f64(millis / 1000.0)))
    }

    pub(super) fn count(&self, least: u32) -> Result<usize, OptionError> {
        let what = format!("a whole number from {least} to {}", u32::MAX);
        let range = f64::from(least)..=f64::from(u32::MAX);
        let count = self.number_where(&what, |n| n.fract() == 0.0 && range.contains(&n))?;
        Ok(count as usize)
    }

    pub(super) fn attempts(&self) -> Result<MaxAttempts, OptionError> {
        let what = "a whole number from 0 to 4294967295, or Infinity";
        let whole = |n: f64| n.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&n);
        let attempts = self.number_where(what, |n| n == f64::INFINITY || whole(n))?;
        Ok(if attempts.is_infinite() { MaxAttempts::Unlimited } else { MaxAttempts::Limited(attempts as u32) })
    }

    pub(super) fn jitter(&self) -> Result<Jitter, OptionError> {
        let what = "a number from 0 to 1, or 'full'";
        match self.value {
            Value::String(text) if text == "full" => Ok(Jitter::Full),
            Value::String(_) => Err(self.must_be(OptionFault::Range, what)),
            _ => self.number_where(what, |n| (0.0..=1.0).contains(&n)).map(Jitter::Fraction),
        }
    }

    pub(super) fn close_codes(&self) -> Result<Vec<u16>, OptionError> {
        let what = "an array of close codes from 1000 to 4999";
        let list = self.value.as_array().ok_or_else(|| self.must_be(OptionFault::Type, what))?;
        list.iter()
            .map(|item| {
                let code = as_number(item).ok_or_else(|| self.must_be(OptionFault::Type, what))?;
                let valid = code.fract() == 0.0 && (1000.0..=4999.0).contains(&code);
                if valid { Ok(code as u16) } else { Err(self.must_be(OptionFault::Range, what)) }
            })
            .collect()
    }

    pub(super) fn boolean(&self) -> Result<bool, OptionError> {
        self.value.as_bool().ok_or_else(|| self.must_be(OptionFault::Type, "true or false"))
    }

    pub(super) fn urls(&self) -> Result<EndpointSource, OptionError> {
        if let Value::Object(tag) = self.value
            && tag.get("$type").is_some_and(|kind| kind == "function")
        {
            return Ok(EndpointSource::Ask);
        }
        let urls = self.strings()?;
        check_urls(&urls)?;
        Ok(EndpointSource::Known(urls))
    }

    pub(super) fn string(&self) -> Result<String, OptionError> {
        self.value.as_str().map(str::to_owned).ok_or_else(|| self.must_be(OptionFault::Type, "a string"))
    }

    pub(super) fn token(&self) -> Result<TokenSource, OptionError> {
        match self.value {
            Value::String(token) => Ok(TokenSource::Fixed(Secret::new(token))),
            function if is_function(function) => Ok(TokenSource::Ask),
            _ => Err(self.must_be(OptionFault::Type, "a string, or a function that returns one")),
        }
    }

    /// The environment comes as `{"$environment": {name: value}}`.
    pub(super) fn proxy(&self) -> Result<ProxySource, OptionError> {
        let wrong = || {
            let what = "a URL such as http://proxy.example:3128, false for none, or a function that returns either";
            self.must_be(OptionFault::Type, what)
        };
        match self.value {
            Value::String(url) => Ok(ProxySource::Url(Secret::new(url))),
            Value::Bool(false) => Ok(ProxySource::None),
            function if is_function(function) => Ok(ProxySource::Ask),
            other => {
                let variables = other.get("$environment").and_then(Value::as_object).ok_or_else(wrong)?;
                let variables = variables.iter().map(|(name, value)| {
                    let value = value.as_str().ok_or_else(wrong)?;
                    Ok((name.clone(), Secret::new(value)))
                });
                Ok(ProxySource::Environment(variables.collect::<Result<_, _>>()?))
            }
        }
    }

    pub(super) fn headers(&self) -> Result<Headers, OptionError> {
        let what = "an object of strings";
        let object = self.value.as_object().ok_or_else(|| self.must_be(OptionFault::Type, what))?;
        object
            .iter()
            .map(|(name, value)| match value {
                Value::String(text) => Ok((name.clone(), text.clone())),
                _ => Err(self.fault(OptionFault::Type, &format!("has a header {name:?} that is not a string"))),
            })
            .collect()
    }

    pub(super) fn protocols(&self) -> Result<Subprotocols, OptionError> {
        Ok(self.strings()?.into_iter().collect())
    }

    pub(super) fn strings(&self) -> Result<Vec<String>, OptionError> {
        let what = "a string or an array of strings";
        let wrong = || self.must_be(OptionFault::Type, what);
        match self.value {
            Value::String(one) => Ok(vec![one.clone()]),
            Value::Array(many) => many.iter().map(|s| s.as_str().map(str::to_owned).ok_or_else(wrong)).collect(),
            _ => Err(wrong()),
        }
    }

    pub(super) fn dialect(&self) -> Result<DialectChoice, OptionError> {
        let what = "'auto', 'guide' or 'event'";
        match self.value.as_str() {
            Some("auto") => Ok(DialectChoice::Auto),
            Some("guide") => Ok(DialectChoice::Guide),
            Some("event") => Ok(DialectChoice::Event),
            Some("none") => Ok(DialectChoice::Plain),
            Some(_) => Err(self.must_be(OptionFault::Range, what)),
            None => Err(self.must_be(OptionFault::Type, what)),
        }
    }
}

fn is_function(value: &Value) -> bool {
    value.get("$type").is_some_and(|kind| kind == "function")
}

fn as_number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::Object(tag) => tag.get("$number")?.as_str()?.parse().ok(),
        _ => None,
    }
}

/// The value in JavaScript's own words, cut where it is long.
fn show(value: &Value) -> String {
    match value {
        Value::Object(tag) if tag.len() == 1 && (tag.contains_key("$number") || tag.contains_key("$type")) => {
            tag.values().next().and_then(Value::as_str).unwrap_or_default().to_owned()
        }
        other => {
            let text = other.to_string();
            if text.chars().count() <= 80 { text } else { text.chars().take(79).chain(['…']).collect() }
        }
    }
}

fn kind_of(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Bool(_) => "a boolean".into(),
        Value::Number(_) => "a number".into(),
        Value::String(_) => "a string".into(),
        Value::Array(_) => "an array".into(),
        Value::Object(tag) if tag.contains_key("$type") || tag.contains_key("$number") => show(value),
        Value::Object(_) => "an object".into(),
    }
}

/// Options that may have secrets in them. A URL has its query.
const SECRET: [&str; 6] = ["apiKey", "headers", "protocols", "proxy", "tls", "url"];

/// The largest delay that JavaScript's own timers take, 2³¹ − 1 ms.
const MAX_MILLIS: f64 = 2_147_483_647.0;
