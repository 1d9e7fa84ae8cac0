//! Where to connect to, and the upgrade request to make there.

use tokio_tungstenite::tungstenite::{
    client::IntoClientRequest,
    handshake::client::Request,
    http::{HeaderName, HeaderValue, Uri},
};

use crate::protocol::{Headers, OptionError, OptionFault, Route};

/// Where to connect to, and the upgrade request to make there. Made anew for each dial: it is larger than the options that it is made of.
#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(super) request: Request,
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) secure: bool,
    /// The URL without its query, which may hold a secret.
    pub(super) shown: String,
}

impl Endpoint {
    /// Errors: a URL, header or subprotocol that HTTP does not allow; each names its option.
    pub(crate) fn new(route: &Route) -> Result<Self, OptionError> {
        let wrong = |option: &str, complaint: &str| OptionError::new(OptionFault::Type, option, complaint);
        let uri: Uri = route.url.parse().map_err(|_| wrong("url", "is not a valid URL"))?;
        let secure = match uri.scheme_str() {
            Some("ws") => false,
            Some("wss") => true,
            _ => return Err(wrong("url", "must begin with ws:// or wss://")),
        };
        let host = uri.host().ok_or_else(|| wrong("url", "has no host"))?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let shown = format!(
            "{}://{}{}",
            if secure { "wss" } else { "ws" },
            uri.authority().map_or("", |a| a.as_str()),
            uri.path()
        );
        let mut request = uri.into_client_request().map_err(|_| wrong("url", "is not a valid URL"))?;
        add_headers(&mut request, &route.headers)?;
        add_protocols(&mut request, &route.protocols)?;
        Ok(Self { request, host, port, secure, shown })
    }
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
        // The value is not told: it may be a secret.
        let value = HeaderValue::try_from(value).map_err(|_| wrong("whose value HTTP does not allow"))?;
        request.headers_mut().insert(header, value);
    }
    Ok(())
}

fn add_protocols(request: &mut Request, protocols: &[String]) -> Result<(), OptionError> {
    if protocols.is_empty() {
        return Ok(());
    }
    for protocol in protocols {
        // A subprotocol is a token of HTTP, as a header name is (RFC 6455 § 4.1).
        if HeaderName::try_from(protocol.as_str()).is_err() {
            let complaint = format!("has {protocol:?}, which is no valid subprotocol");
            return Err(OptionError::new(OptionFault::Type, "protocols", &complaint));
        }
    }
    let value = HeaderValue::try_from(protocols.join(", ")).expect("tokens are header values");
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
    use super::*;

    fn route_to(url: &str) -> Route {
        Route { url: url.to_owned(), ..Route::default() }
    }

    fn endpoint(url: &str) -> Result<Endpoint, OptionError> {
        Endpoint::new(&route_to(url))
    }

    #[test]
    fn ports_and_hosts_are_read_from_the_url() {
        let plain = endpoint("ws://[::1]/mcp-ws").expect("valid");
        assert_eq!((plain.host.as_str(), plain.port, plain.secure), ("::1", 80, false));
        let secure = endpoint("wss://example.test:8443/x?y=1").expect("valid");
        assert_eq!((secure.host.as_str(), secure.port, secure.secure), ("example.test", 8443, true));
        assert_eq!(secure.shown, "wss://example.test:8443/x", "a query may hold a secret");
    }

    #[test]
    fn what_http_does_not_allow_is_refused_by_the_name_of_its_option() {
        for url in ["", "http://h/", "ws:///x", "h"] {
            assert_eq!(endpoint(url).expect_err(url).option, "url");
        }
        for (name, value) in [("a b", "c"), ("Upgrade", "x"), ("Sec-WebSocket-Key", "x"), ("x", "a\r\nb")] {
            let headers = Headers::from_iter([(name.to_owned(), value.to_owned())]);
            let error = Endpoint::new(&Route { headers, ..route_to("ws://h/") }).expect_err(name);
            assert!(error.option == "headers" && error.message.contains(name), "{error}");
        }
        let route = Route { protocols: vec!["a b".to_owned()], ..route_to("ws://h/") };
        assert_eq!(Endpoint::new(&route).expect_err("a blank").option, "protocols");
    }
}
