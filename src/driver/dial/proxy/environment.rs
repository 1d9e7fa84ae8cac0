//! Which proxy the environment names for an endpoint, by the conventions of curl and Go.

use std::net::IpAddr;

use ipnet::IpNet;

use super::address::Proxy;
use mcp_protocol::{Secret, is_loopback};

/// The proxy for an endpoint. None on loopback, or if `NO_PROXY` excludes the endpoint.
///
/// Errors: the name of a variable that would be used, and what is wrong with its value.
pub(super) fn proxy_for(
    variables: &[(String, Secret)],
    secure: bool,
    host: &str,
    port: u16,
) -> Result<Option<Proxy>, (String, String)> {
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    if is_loopback(&host) || find(variables, "NO_PROXY").is_some_and(|(_, list)| excludes(list, &host, port)) {
        return Ok(None);
    }
    // In a CGI program HTTP_PROXY is what a client sent as the header Proxy.
    let is_cgi = find(variables, "REQUEST_METHOD").is_some();
    let own = if secure { Some("HTTPS_PROXY") } else { Some("HTTP_PROXY").filter(|_| !is_cgi) };
    let found = own.into_iter().chain(["ALL_PROXY"]).find_map(|name| find(variables, name));
    let Some((name, url)) = found else { return Ok(None) };
    Proxy::parse(url).map(Some).map_err(|complaint| (name.to_owned(), complaint))
}

/// The lower-case spelling comes first, as in curl. An empty variable counts as unset.
fn find<'a>(variables: &'a [(String, Secret)], name: &str) -> Option<(&'a str, &'a str)> {
    let lower = name.to_ascii_lowercase();
    let spelt = |spelling: &str| {
        let found = variables.iter().find(|(name, value)| name == spelling && !value.expose().trim().is_empty());
        found.map(|(name, value)| (name.as_str(), value.expose()))
    };
    spelt(&lower).or_else(|| spelt(name))
}

/// `list` is that of `NO_PROXY`; `host` is in lower case.
fn excludes(list: &str, host: &str, port: u16) -> bool {
    let entries = list.split([',', ' ', '\t']).map(str::trim).filter(|entry| !entry.is_empty());
    entries.map(str::to_ascii_lowercase).any(|entry| entry == "*" || matches(&entry, host, port))
}

fn matches(entry: &str, host: &str, port: u16) -> bool {
    if let (Ok(network), Ok(address)) = (entry.parse::<IpNet>(), host.parse::<IpAddr>()) {
        return network.contains(&address);
    }
    let (pattern, of_port) = split_port(entry);
    if of_port.is_some_and(|of_port| of_port != port) {
        return false;
    }
    let pattern = pattern.trim_start_matches('[').trim_end_matches(']');
    match (pattern.parse::<IpAddr>(), host.parse::<IpAddr>()) {
        (Ok(one), Ok(other)) => one == other,
        (Err(_), Err(_)) => is_under(host, pattern.trim_start_matches("*.").trim_start_matches('.')),
        _ => false,
    }
}

/// A name, or a name below it.
fn is_under(host: &str, domain: &str) -> bool {
    let domain = domain.strip_suffix('.').unwrap_or(domain);
    let Some(before) = host.strip_suffix(domain) else { return false };
    !domain.is_empty() && (before.is_empty() || before.ends_with('.'))
}

/// An address of IPv6 without brackets has no port.
fn split_port(entry: &str) -> (&str, Option<u16>) {
    match entry.rsplit_once(':') {
        Some((pattern, port)) if !pattern.contains(':') || pattern.ends_with(']') => match port.parse() {
            Ok(port) => (pattern, Some(port)),
            Err(_) => (entry, None),
        },
        _ => (entry, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(list: &[(&str, &str)]) -> Vec<(String, Secret)> {
        list.iter().map(|(name, value)| ((*name).to_owned(), Secret::new(*value))).collect()
    }

    fn chosen(list: &[(&str, &str)], secure: bool, host: &str) -> Option<String> {
        let found = proxy_for(&variables(list), secure, host, if secure { 443 } else { 80 });
        found.unwrap_or_else(|(name, complaint)| panic!("{name} {complaint}")).map(|proxy| proxy.to_string())
    }

    #[test]
    fn wss_takes_https_proxy_and_ws_http_proxy_and_both_all_proxy_otherwise() {
        let all = [("HTTPS_PROXY", "http://s:1"), ("HTTP_PROXY", "http://p:2"), ("ALL_PROXY", "socks5://a:3")];
        assert_eq!(chosen(&all, true, "h").as_deref(), Some("http://s:1"));
        assert_eq!(chosen(&all, false, "h").as_deref(), Some("http://p:2"));
        assert_eq!(chosen(&all[1..], true, "h").as_deref(), Some("socks5://a:3"));
        assert_eq!(chosen(&all[..1], false, "h"), None);
        assert_eq!(chosen(&[], true, "h"), None);
    }

    #[test]
    fn lower_case_comes_first_and_an_empty_variable_is_unset() {
        let both = [("HTTPS_PROXY", "http://upper:1"), ("https_proxy", "http://lower:1")];
        assert_eq!(chosen(&both, true, "h").as_deref(), Some("http://lower:1"));
        let empty = [("https_proxy", ""), ("HTTPS_PROXY", " "), ("all_proxy", "a:1")];
        assert_eq!(chosen(&empty, true, "h").as_deref(), Some("http://a:1"));
    }

    #[test]
    fn in_a_cgi_program_http_proxy_is_ignored() {
        let cgi = [("REQUEST_METHOD", "GET"), ("HTTP_PROXY", "http://evil:1"), ("http_proxy", "http://evil:1")];
        assert_eq!(chosen(&cgi, false, "h"), None);
        let all = [&cgi[..], &[("ALL_PROXY", "http://good:1")]].concat();
        assert_eq!(chosen(&all, false, "h").as_deref(), Some("http://good:1"));
    }

    #[test]
    fn loopback_is_never_proxied() {
        for host in ["localhost", "LOCALHOST.", "a.localhost", "127.0.0.1", "127.9.9.9", "::1"] {
            assert_eq!(chosen(&[("ALL_PROXY", "http://p:1")], false, host), None, "{host}");
        }
        assert!(chosen(&[("ALL_PROXY", "http://p:1")], false, "localhost.example").is_some());
    }

    #[test]
    fn no_proxy_knows_suffixes_ports_addresses_networks_and_all() {
        for (list, host, port, excluded) in [
            ("example.com", "example.com", 443, true),
            ("example.com", "EXAMPLE.com.", 443, true),
            ("example.com", "api.example.com", 443, true),
            ("example.com", "notexample.com", 443, false),
            (".example.com", "api.example.com", 443, true),
            (".example.com", "example.com", 443, true),
            ("*.example.com", "api.example.com", 443, true),
            ("EXAMPLE.COM.", "api.example.com", 443, true),
            ("example.com:8443", "example.com", 8443, true),
            ("example.com:8443", "example.com", 443, false),
            ("a, b\texample.com", "example.com", 443, true),
            ("*", "anything", 1, true),
            ("10.0.0.1", "10.0.0.1", 443, true),
            ("10.0.0.1:80", "10.0.0.1", 443, false),
            ("0.0.0.1", "10.0.0.1", 443, false),
            ("10.0.0.0/8", "10.1.2.3", 443, true),
            ("10.0.0.0/8", "11.1.2.3", 443, false),
            ("10.0.0.0/8", "ten.example", 443, false),
            ("fd00::/8", "fd12::1", 443, true),
            ("fd12::1", "fd12::1", 443, true),
            ("[fd12::1]:443", "fd12::1", 443, true),
            ("[fd12::1]:80", "fd12::1", 443, false),
            ("2001:db8::1", "fd12::1", 443, false),
            (", ,", "h", 443, false),
            (".", "h", 443, false),
        ] {
            let set = variables(&[("ALL_PROXY", "http://p:1"), ("NO_PROXY", list)]);
            let found = proxy_for(&set, true, host, port).unwrap_or_else(|_| panic!("{list}"));
            assert_eq!(found.is_none(), excluded, "NO_PROXY={list} and {host}:{port}");
        }
    }

    #[test]
    fn a_wrong_variable_is_named_only_if_it_would_be_used() {
        let set = variables(&[("https_proxy", "ftp://u:hunter2@p"), ("NO_PROXY", "internal")]);
        let (name, complaint) = proxy_for(&set, true, "h", 443).err().expect("ftp is no proxy");
        assert!(name == "https_proxy" && complaint.contains("ftp") && !complaint.contains("hunter2"), "{complaint}");
        assert!(matches!(proxy_for(&set, false, "h", 80), Ok(None)));
        assert!(matches!(proxy_for(&set, true, "internal", 443), Ok(None)));
    }
}
