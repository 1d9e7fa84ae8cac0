//! Where to connect to, and the upgrade request to make there.

use std::{borrow::Cow, sync::Arc};

use memchr::memmem;
use tokio_tungstenite::tungstenite::{
    client::IntoClientRequest,
    handshake::client::{Request, generate_key, generate_request},
    http::{HeaderName, HeaderValue, Uri, header::HOST},
};

use zeroize::Zeroizing;

use super::{
    extensions,
    proxy::{Choice, Hop},
};
use mcp_protocol::{Headers, OptionError, OptionFault, Route, Subprotocols, Via, check_urls, is_loopback};

/// A route that was checked. Made once for a client, for all its dials; so it is small, and dialling cannot fail
/// because of it.
pub(crate) struct Endpoint {
    /// A name, or an address without brackets; one of IPv6 may have a zone, as in `fe80::1%eth0`.
    pub(super) host: Box<str>,
    pub(super) port: u16,
    pub(super) secure: bool,
    /// The subprotocols to offer.
    pub(super) protocols: Subprotocols,
    /// Which proxy to go through.
    pub(super) proxy: Choice,
    /// Compression is offered.
    pub(super) compression: bool,
    /// The upgrade request: what comes before its key, and what after. Headers may be secrets.
    request: [Zeroizing<Box<[u8]>>; 2],
    /// What the answer to it must not repeat in our errors.
    secrets: Box<[Zeroizing<Box<[u8]>>]>,
}

impl Endpoint {
    /// All endpoints of a client, in their order.
    ///
    /// Errors: as of [`Endpoint::new`]; there is none, or one twice.
    pub(crate) fn list(route: &Route, urls: &[String]) -> Result<Vec<Arc<Self>>, OptionError> {
        check_urls(urls)?;
        urls.iter().map(|url| Self::new(route, url).map(Arc::new)).collect()
    }

    /// Errors: a URL, header or subprotocol that HTTP does not allow; each names its option.
    pub(crate) fn new(route: &Route, url: &str) -> Result<Self, OptionError> {
        let wrong = |complaint: &str| OptionError::new(OptionFault::Type, "url", complaint);
        let (url, zone) = without_zone(url);
        let uri: Uri = url.parse().map_err(|_| wrong("is not a valid URL"))?;
        let secure = match uri.scheme_str() {
            Some("ws") => false,
            Some("wss") => true,
            _ => return Err(wrong("must begin with ws:// or wss://")),
        };
        let host = uri.host().ok_or_else(|| wrong("has no host"))?;
        let host: Box<str> = [host.trim_start_matches('[').trim_end_matches(']'), &zone].concat().into();
        let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let proxy = Choice::new(&route.proxy, secure, &host, port)?;
        let secrets = secrets_of(route, uri.query());
        let mut request = uri.into_client_request().map_err(|_| wrong("is not a valid URL"))?;
        add_headers(&mut request, &route.headers)?;
        add_protocols(&mut request, &route.protocols)?;
        if route.compression {
            let offer = HeaderValue::from_static(extensions::OFFER);
            request.headers_mut().insert("sec-websocket-extensions", offer);
        }
        let (request, key) = generate_request(request).map_err(|_| wrong("is not a valid URL"))?;
        let request = Zeroizing::new(request);
        let protocols = route.protocols.clone();
        let request = around(&request, &key);
        Ok(Self { host, port, secure, protocols, proxy, compression: route.compression, request, secrets })
    }

    /// What a proxy function is asked about: no path and no query, which may be secrets. `None` if nothing is asked.
    pub(crate) fn proxy_question(&self) -> Option<String> {
        if !matches!(self.proxy, Choice::Ask) {
            return None;
        }
        Some(format!("{}://{}", if self.secure { "https" } else { "http" }, self.authority()))
    }

    /// The host and the port, unless that is the usual one.
    pub(super) fn authority(&self) -> String {
        // A zone is for this machine alone.
        let host = self.host.split('%').next().unwrap_or_default();
        let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        if self.port == if self.secure { 443 } else { 80 } { host } else { format!("{host}:{}", self.port) }
    }

    /// What errors say of a way to the server. On loopback nobody expects a proxy.
    pub(super) fn via(&self, hop: &Hop) -> Option<Via> {
        match hop {
            Hop::Through(proxy) => Some(Via::Proxy(proxy.to_string().into())),
            Hop::Direct if is_loopback(&self.host) => None,
            Hop::Direct => Some(Via::Direct),
        }
    }

    /// The secrets of the request, as far as they are known here.
    pub(super) fn secrets(&self) -> Vec<&[u8]> {
        self.secrets.iter().map(|secret| &secret[..]).collect()
    }

    /// An upgrade request with a fresh key, and that key.
    pub(super) fn upgrade_request(&self) -> (Zeroizing<Vec<u8>>, String) {
        let key = generate_key();
        let [before, after] = &self.request;
        (Zeroizing::new([before, key.as_bytes(), after].concat()), key)
    }
}

/// The URL without the zone of an IPv6 address, and that zone as `%eth0`. It says which interface of this machine leads
/// to the address, so it is not sent (RFC 6874 § 3 and § 4).
fn without_zone(url: &str) -> (Cow<'_, str>, Cow<'_, str>) {
    let zone = url.split_once("://[").and_then(|(_, rest)| rest.split_once(']')).and_then(|(host, _)| {
        let at = host.find('%')?;
        Some(&host[at..])
    });
    match zone {
        None => (url.into(), "".into()),
        Some(zone) => (url.replacen(zone, "", 1).into(), zone.replacen("%25", "%", 1).into()),
    }
}

/// What comes before the key and what after.
fn around(request: &[u8], key: &str) -> [Zeroizing<Box<[u8]>>; 2] {
    let start = memmem::find(request, key.as_bytes()).expect("the request was made with this key");
    [&request[..start], &request[start + key.len()..]].map(|part| Zeroizing::new(part.into()))
}

/// The query and its values, the values of the headers, the subprotocols. Of `Bearer x`, also `x`.
fn secrets_of(route: &Route, query: Option<&str>) -> Box<[Zeroizing<Box<[u8]>>]> {
    let query = query.into_iter().flat_map(|query| {
        [query].into_iter().chain(query.split('&').filter_map(|pair| pair.split_once('=').map(|(_, value)| value)))
    });
    let headers = route.headers.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("host"));
    let headers = headers.flat_map(|(_, value)| [value].into_iter().chain(value.split_once(' ').map(|(_, rest)| rest)));
    let secrets = query.chain(headers).chain(route.protocols.iter());
    secrets.map(|secret| Zeroizing::new(secret.as_bytes().into())).collect()
}

fn add_headers(request: &mut Request, headers: &Headers) -> Result<(), OptionError> {
    for (name, value) in headers.iter() {
        let wrong = |complaint: &str| {
            OptionError::new(OptionFault::Type, "headers", &format!("has a header {name:?} {complaint}"))
        };
        let header = HeaderName::try_from(name).map_err(|_| wrong("whose name HTTP does not allow"))?;
        if OURS.contains(&header.as_str()) {
            return Err(wrong("that the WebSocket upgrade sets itself; leave it out"));
        }
        // The value is not shown: it may be a secret.
        let mut value = HeaderValue::try_from(value).map_err(|_| wrong("whose value HTTP does not allow"))?;
        value.set_sensitive(true);
        if header == HOST && value.to_str().is_err() {
            return Err(wrong("whose value is not ASCII"));
        }
        request.headers_mut().insert(header, value);
    }
    Ok(())
}

fn add_protocols(request: &mut Request, protocols: &Subprotocols) -> Result<(), OptionError> {
    if protocols.is_empty() {
        return Ok(());
    }
    // A subprotocol is a token of HTTP, as a header name is (RFC 6455 § 4.1). It is not shown: it may be a secret.
    if let Some(index) = protocols.iter().position(|protocol| HeaderName::try_from(protocol).is_err()) {
        let complaint = format!("has a value that HTTP does not allow as a subprotocol (number {})", index + 1);
        return Err(OptionError::new(OptionFault::Type, "protocols", &complaint));
    }
    let list = Zeroizing::new(protocols.iter().collect::<Vec<_>>().join(", "));
    let mut value = HeaderValue::try_from(list.as_str()).expect("tokens are header values");
    value.set_sensitive(true);
    request.headers_mut().insert("sec-websocket-protocol", value);
    Ok(())
}

/// Headers that are not the user's to set.
const OURS: [&str; 6] = [
    "connection",
    "upgrade",
    "sec-websocket-key",
    "sec-websocket-version",
    "sec-websocket-extensions",
    "sec-websocket-protocol",
];

#[cfg(test)]
mod tests {
    use mcp_protocol::{ProxySource, Secret};

    use super::*;

    fn endpoint(url: &str) -> Result<Endpoint, OptionError> {
        Endpoint::new(&Route::default(), url)
    }

    #[test]
    fn ports_and_hosts_are_read_from_the_url() {
        let plain = endpoint("ws://[::1]/mcp-ws").unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((&*plain.host, plain.port, plain.secure), ("::1", 80, false));
        let secure = endpoint("wss://example.test:8443/x?y=1").unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((&*secure.host, secure.port, secure.secure), ("example.test", 8443, true));
    }

    #[test]
    fn the_zone_of_an_address_is_for_this_machine_alone() {
        for url in ["ws://[fe80::1%25eth0]:81/x?y=%25eth0", "ws://[fe80::1%eth0]:81/x?y=%25eth0"] {
            let endpoint = endpoint(url).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!((&*endpoint.host, endpoint.port), ("fe80::1%eth0", 81));
            let request = String::from_utf8(endpoint.upgrade_request().0.to_vec()).expect("UTF-8");
            assert!(request.starts_with("GET /x?y=%25eth0 HTTP/1.1\r\nHost: [fe80::1]:81\r\n"), "{request}");
        }
    }

    #[test]
    fn what_http_does_not_allow_is_refused_by_the_name_of_its_option() {
        for url in ["", "http://h/", "ws:///x", "h"] {
            assert_eq!(endpoint(url).err().expect(url).option, "url");
        }
        for (name, value) in
            [("a b", "c"), ("Upgrade", "x"), ("Sec-WebSocket-Key", "x"), ("x", "a\r\nb"), ("Host", "ü")]
        {
            let headers = Headers::from_iter([(name.to_owned(), value.to_owned())]);
            let error = Endpoint::new(&Route { headers, ..Route::default() }, "ws://h/").err().expect(name);
            assert!(error.option == "headers" && error.message.contains(name), "{error}");
        }
        let route = Route { protocols: Subprotocols::from_iter(["a b".to_owned()]), ..Route::default() };
        let error = Endpoint::new(&route, "ws://h/").err().expect("a blank");
        assert!(error.option == "protocols" && !error.message.contains("a b"), "{error}");
    }

    #[test]
    fn a_proxy_function_is_asked_about_scheme_and_host_only() {
        let question = |url: &str, proxy| {
            let endpoint = Endpoint::new(&Route { proxy, ..Route::default() }, url);
            endpoint.unwrap_or_else(|error| panic!("{error}")).proxy_question()
        };
        for (url, asked) in [
            ("wss://example.com/mcp-ws?key=1", "https://example.com"),
            ("ws://example.com/", "http://example.com"),
            ("wss://example.com:8443/", "https://example.com:8443"),
            ("ws://[fd00::1]:81/", "http://[fd00::1]:81"),
        ] {
            assert_eq!(question(url, ProxySource::Ask).as_deref(), Some(asked));
            assert_eq!(question(url, ProxySource::None), None);
        }
    }

    #[test]
    fn a_proxy_that_cannot_be_used_is_refused_by_the_name_of_its_option_or_variable() {
        let error =
            |proxy| Endpoint::new(&Route { proxy, ..Route::default() }, "wss://h/").err().expect("it is refused");
        let option = error(ProxySource::Url(Secret::new("ftp://u:hunter2@p")));
        assert_eq!(option.message, "option \"proxy\" has the scheme \"ftp\": use http, https, socks5 or socks5h");
        let variable =
            error(ProxySource::Environment(vec![("https_proxy".to_owned(), Secret::new("ftp://hunter2@p"))]));
        assert!(
            variable.message.starts_with("the environment variable https_proxy has the scheme \"ftp\""),
            "{variable}"
        );
        assert!(!format!("{option}{variable}").contains("hunter2"));
    }

    #[test]
    fn each_request_has_a_key_of_its_own_and_is_otherwise_the_same() {
        let headers =
            Headers::from_iter([("Host".to_owned(), "elsewhere".to_owned()), ("X-A".to_owned(), "ü".to_owned())]);
        let protocols = ["a".to_owned(), "b".to_owned()].into_iter().collect();
        let route = Route { headers, protocols, ..Route::default() };
        let endpoint = Endpoint::new(&route, "ws://h:81/p?q=1").unwrap_or_else(|error| panic!("{error}"));
        let [(one, first), (other, second)] = [(); 2].map(|()| endpoint.upgrade_request());
        let text = String::from_utf8(one.to_vec()).expect("UTF-8");
        assert_ne!(first, second);
        assert_eq!(text.replace(&first, &second).as_bytes(), &other[..]);
        assert!(text.starts_with("GET /p?q=1 HTTP/1.1\r\nHost: elsewhere\r\n") && text.ends_with("\r\n\r\n"), "{text}");
        for line in [&format!("Sec-WebSocket-Key: {first}"), "x-a: ü", "Sec-WebSocket-Protocol: a, b"] {
            assert!(text.contains(&format!("\r\n{line}\r\n")), "{text}");
        }
    }
}
