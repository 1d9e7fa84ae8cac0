//! Which extensions are offered in the upgrade, and what the server may answer: permessage-deflate, or none (RFC 7692
//! § 7.1, PROTOCOL.md rules 13 and 17).

use crate::driver::socket::deflate::Agreement;

/// The value of `Sec-WebSocket-Extensions`. With `client_max_window_bits` the server may choose our window;
/// `client_no_context_takeover` says that it need not keep one between our messages.
pub(super) const OFFER: &str = "permessage-deflate; client_max_window_bits; client_no_context_takeover";

/// What was agreed on, from the values of `Sec-WebSocket-Extensions` in the answer; `None` if nothing was. The offer
/// was made if `is_offered`.
///
/// Errors: what is wrong with the answer.
pub(super) fn agreement<'a>(
    mut values: impl Iterator<Item = &'a [u8]>,
    is_offered: bool,
) -> Result<Option<Agreement>, String> {
    let Some(value) = values.next() else { return Ok(None) };
    let value = str::from_utf8(value).map_err(|_| "Sec-WebSocket-Extensions is not ASCII")?;
    let mut parts = value.split(';').map(str::trim);
    // A list of several has a comma in one of these; we offer only one.
    let name = parts.next().unwrap_or_default();
    if name != NAME || !is_offered || values.next().is_some() {
        return Err("an extension was chosen that was not offered".to_owned());
    }
    let mut chosen = Parameters::default();
    for part in parts {
        chosen
            .set(part)
            .ok_or_else(|| format!("permessage-deflate was chosen with {:?}, which is not valid", cut(part)))?;
    }
    Ok(Some(Agreement {
        server_keeps_context: !chosen.server_no_context_takeover,
        server_window_bits: chosen.server_max_window_bits.unwrap_or(MOST_WINDOW_BITS),
        client_window_bits: chosen.client_max_window_bits.unwrap_or(MOST_WINDOW_BITS),
    }))
}

/// Those of an answer.
#[derive(Default)]
struct Parameters {
    server_no_context_takeover: bool,
    client_no_context_takeover: bool,
    server_max_window_bits: Option<u8>,
    client_max_window_bits: Option<u8>,
}

impl Parameters {
    /// `None` for one that is unknown, has a wrong value, or was set already (RFC 7692 § 7.1).
    fn set(&mut self, parameter: &str) -> Option<()> {
        let (name, value) = match parameter.split_once('=') {
            Some((name, value)) => (name.trim_end(), Some(value.trim_start())),
            None => (parameter, None),
        };
        match name {
            "server_no_context_takeover" => set_flag(&mut self.server_no_context_takeover, value),
            "client_no_context_takeover" => set_flag(&mut self.client_no_context_takeover, value),
            "server_max_window_bits" => set_bits(&mut self.server_max_window_bits, value),
            "client_max_window_bits" => set_bits(&mut self.client_max_window_bits, value),
            _ => None,
        }
    }
}

/// A parameter that is not valid may be of any length.
fn cut(part: &str) -> &str {
    part.char_indices().nth(MOST_SHOWN).map_or(part, |(end, _)| &part[..end])
}

fn set_flag(flag: &mut bool, value: Option<&str>) -> Option<()> {
    let is_new = !std::mem::replace(flag, true);
    (is_new && value.is_none()).then_some(())
}

/// A decimal number without leading zeros, perhaps in quotes (RFC 7692 § 7.1.2, RFC 6455 § 9.1).
fn set_bits(bits: &mut Option<u8>, value: Option<&str>) -> Option<()> {
    let value = value?;
    let number = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
    let chosen = (LEAST_WINDOW_BITS..=MOST_WINDOW_BITS).find(|bits| bits.to_string() == number)?;
    bits.replace(chosen).is_none().then_some(())
}

const NAME: &str = "permessage-deflate";
/// Characters of a parameter that an error shows: more than any of ours has.
const MOST_SHOWN: usize = 60;
/// RFC 7692 § 7.1.2.
const LEAST_WINDOW_BITS: u8 = 8;
const MOST_WINDOW_BITS: u8 = 15;

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(values: &[&str]) -> Result<Option<Agreement>, String> {
        agreement(values.iter().map(|value| value.as_bytes()), true)
    }

    fn agreed(server_keeps_context: bool, server_window_bits: u8, client_window_bits: u8) -> Option<Agreement> {
        Some(Agreement { server_keeps_context, server_window_bits, client_window_bits })
    }

    #[test]
    fn what_the_server_chooses_is_obeyed() {
        assert_eq!(chosen(&[]), Ok(None));
        for (value, expected) in [
            ("permessage-deflate", agreed(true, 15, 15)),
            (OFFER.split_once(';').expect("it has parameters").0, agreed(true, 15, 15)),
            ("permessage-deflate; client_no_context_takeover", agreed(true, 15, 15)),
            ("permessage-deflate;server_no_context_takeover", agreed(false, 15, 15)),
            ("permessage-deflate; server_max_window_bits=8", agreed(true, 8, 15)),
            ("permessage-deflate ; client_max_window_bits = \"9\"", agreed(true, 15, 9)),
            (
                "permessage-deflate; client_max_window_bits=10; server_no_context_takeover; server_max_window_bits=12",
                agreed(false, 12, 10),
            ),
        ] {
            assert_eq!(chosen(&[value]), Ok(expected), "{value}");
        }
    }

    #[test]
    fn what_was_not_offered_or_is_not_valid_is_refused() {
        for value in [
            "",
            "x-webkit-deflate-frame",
            "Permessage-Deflate",
            "permessage-deflate, permessage-deflate",
            "permessage-deflate, foo",
            "foo, permessage-deflate",
            "permessage-deflate; client_max_window_bits",
            "permessage-deflate; server_max_window_bits",
            "permessage-deflate; server_max_window_bits=7",
            "permessage-deflate; server_max_window_bits=16",
            "permessage-deflate; server_max_window_bits=08",
            "permessage-deflate; server_max_window_bits=+9",
            "permessage-deflate; server_max_window_bits=",
            "permessage-deflate; server_max_window_bits=\"9",
            "permessage-deflate; server_max_window_bits=9; server_max_window_bits=9",
            "permessage-deflate; client_no_context_takeover=1",
            "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
            "permessage-deflate; mystery",
            "permessage-deflate;",
        ] {
            assert!(chosen(&[value]).is_err(), "{value}");
        }
        assert!(chosen(&["permessage-deflate", "permessage-deflate"]).is_err());
        assert!(agreement([&b"permessage-deflate\xff"[..]].into_iter(), true).is_err());
        assert!(agreement([&b"permessage-deflate"[..]].into_iter(), false).is_err(), "it was not offered");
    }

    #[test]
    fn the_error_names_the_parameter_at_fault() {
        let error = chosen(&["permessage-deflate; server_max_window_bits=99"]).expect_err("it is wrong");
        assert_eq!(error, "permessage-deflate was chosen with \"server_max_window_bits=99\", which is not valid");
        let long = chosen(&[&format!("permessage-deflate; \u{1b}{}", "é".repeat(10_000))]).expect_err("it is wrong");
        assert!(long.len() < 200 && long.contains(r#""\u{1b}é"#), "{long}");
    }
}
