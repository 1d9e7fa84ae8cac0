//! What a proxy function may answer: a URL, or the list of a proxy auto-configuration such as `session.resolveProxy()`
//! of Electron gives.

use std::sync::Arc;

use super::address::{Proxy, Scheme};

/// One way to the server.
#[derive(Clone)]
pub(crate) enum Hop {
    Direct,
    Through(Arc<Proxy>),
}

/// The ways to try, in this order; at least one. What this client does not speak is left out if there is anything else.
///
/// Errors: what is wrong with the answer, without a secret.
pub(super) fn read(answer: &str) -> Result<Vec<Hop>, String> {
    let entries = answer.split(';').map(str::trim).filter(|entry| !entry.is_empty()).map(read_entry);
    let (usable, refused): (Vec<_>, Vec<_>) = entries.partition(Result::is_ok);
    let hops: Vec<Hop> = usable.into_iter().flatten().take(MOST).collect();
    match (hops.is_empty(), refused.into_iter().find_map(Result::err)) {
        (false, _) => Ok(hops),
        (true, Some(complaint)) => Err(complaint),
        (true, None) => Err("is empty: return 'DIRECT' or false for no proxy".to_owned()),
    }
}

fn read_entry(entry: &str) -> Result<Hop, String> {
    let (kind, address) = entry.split_once(char::is_whitespace).unwrap_or((entry, ""));
    let scheme = match (kind.to_ascii_uppercase().as_str(), address.trim()) {
        ("DIRECT", "") => return Ok(Hop::Direct),
        (_, "") => return Proxy::parse(entry).map(through),
        ("PROXY" | "HTTP", _) => Scheme::Http,
        ("HTTPS", _) => Scheme::Https,
        // Browsers let the proxy look up the name.
        ("SOCKS" | "SOCKS5", _) => Scheme::Socks5h,
        _ => return Err(NOT_AN_ENTRY.to_owned()),
    };
    Proxy::at(scheme, address.trim()).map(through)
}

fn through(proxy: Proxy) -> Hop {
    Hop::Through(Arc::new(proxy))
}

const NOT_AN_ENTRY: &str = "has no entry that this client knows: PROXY, HTTPS, SOCKS5 with host:port, or DIRECT";
/// A longer list would leave no time for any of its entries.
const MOST: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(answer: &str) -> Vec<String> {
        let hops = read(answer).unwrap_or_else(|complaint| panic!("{answer}: {complaint}"));
        let show = |hop: &Hop| match hop {
            Hop::Direct => "direct".to_owned(),
            Hop::Through(proxy) => proxy.to_string(),
        };
        hops.iter().map(show).collect()
    }

    #[test]
    fn a_url_or_a_list_of_auto_configuration_is_read_in_its_order() {
        for (answer, hops) in [
            ("DIRECT", &["direct"][..]),
            ("http://u:p@h:1", &["http://h:1"]),
            ("h:3128", &["http://h:3128"]),
            ("PROXY h:1", &["http://h:1"]),
            ("proxy h:1; DIRECT", &["http://h:1", "direct"]),
            (" HTTPS h ;SOCKS5 s:1080;SOCKS t; ", &["https://h:443", "socks5h://s:1080", "socks5h://t:1080"]),
            ("QUIC q:1; SOCKS4 s:1; PROXY [::1]:8", &["http://[::1]:8"]),
        ] {
            assert_eq!(shown(answer), hops, "{answer}");
        }
    }

    #[test]
    fn an_answer_without_anything_to_use_is_refused_without_showing_a_secret() {
        for answer in ["", " ; ", "SOCKS4 h:1", "PROXY", "PROXY a b", "ftp://u:hunter2@h", "DIRECT hunter2", "no proxy"]
        {
            let complaint = read(answer).err();
            assert!(answer == "PROXY" || complaint.is_some_and(|words| !words.contains("hunter2")), "{answer}");
        }
    }

    #[test]
    fn a_list_is_cut_where_it_is_too_long_to_be_tried() {
        assert_eq!(read(&"PROXY h:1;".repeat(1_000)).map(|hops| hops.len()), Ok(MOST));
    }
}
