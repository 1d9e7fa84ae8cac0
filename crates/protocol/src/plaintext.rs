//! What crosses a network without encryption: everybody on the way can read it.

#[cfg(feature = "system")]
use std::net::IpAddr;

use super::config::before;

/// Whether the host is this machine: `localhost`, a name below it, or an address of loopback, without brackets.
pub fn is_loopback(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    let is_name = host == "localhost" || host.ends_with(".localhost");
    is_name || is_address_of_loopback(&host)
}

#[cfg(feature = "system")]
fn is_address_of_loopback(host: &str) -> bool {
    host.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

/// A page has urls of which an address is written in one way only.
#[cfg(not(feature = "system"))]
fn is_address_of_loopback(host: &str) -> bool {
    let is_v4 = host.starts_with("127.") && host.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    is_v4 || host == "::1" || host.starts_with("::ffff:7f")
}

/// Whether others can read what is sent to this endpoint.
pub(super) fn is_readable_by_others(url: &str) -> bool {
    url.strip_prefix("ws://").is_some_and(|rest| !is_loopback(host_in(rest)))
}

/// The host at the beginning of `authority`, without its port.
fn host_in(authority: &str) -> &str {
    match authority.strip_prefix('[') {
        Some(address) => before(address, b"]/?#"),
        None => before(authority, b":/?#"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ws_to_another_machine_can_be_read_by_others() {
        for url in [
            "ws://h/mcp-ws",
            "ws://h:80",
            "ws://10.0.0.1/",
            "ws://[fe80::1%25eth0]:80/",
            "ws://localhost.h/x",
            "ws://h?localhost",
        ] {
            assert!(is_readable_by_others(url), "{url}");
        }
        for url in [
            "wss://h/mcp-ws",
            "",
            "ws://localhost/mcp-ws",
            "ws://LOCALHOST.:8080",
            "ws://a.localhost",
            "ws://127.9.9.9:80/",
            "ws://[::1]:80/",
            "ws://[::ffff:127.0.0.1]/",
        ] {
            assert!(!is_readable_by_others(url), "{url}");
        }
    }
}
