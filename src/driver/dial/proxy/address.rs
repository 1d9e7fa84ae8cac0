//! The address of a proxy, as its URL has it.

use std::fmt;

use percent_encoding::percent_decode_str;
use tokio_tungstenite::tungstenite::http::uri::Authority;
use zeroize::Zeroizing;

/// A proxy. It prints itself without its user and password.
#[derive(PartialEq, Eq)]
pub(crate) struct Proxy {
    pub(super) scheme: Scheme,
    /// A name, or an address without brackets.
    pub(super) host: Box<str>,
    pub(super) port: u16,
    pub(super) credentials: Option<Credentials>,
}

/// What a proxy speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// CONNECT (RFC 9110 § 9.3.6).
    Http,
    /// The same over TLS.
    Https,
    /// SOCKS5 (RFC 1928), with the name of the server looked up here.
    Socks5,
    /// The same, with the name looked up by the proxy.
    Socks5h,
}

/// A user and a password. They cannot be printed, and their memory is overwritten when they are dropped.
#[derive(PartialEq, Eq)]
pub(crate) struct Credentials {
    pub(super) user: Zeroizing<Vec<u8>>,
    pub(super) password: Zeroizing<Vec<u8>>,
}

impl Proxy {
    /// Reads the URL of a proxy. Without a scheme it is an `http:` proxy, as curl and Go have it.
    ///
    /// Errors: what is wrong with it, without its user and password.
    pub(super) fn parse(url: &str) -> Result<Self, String> {
        let url = url.trim();
        let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
        let scheme = Scheme::named(scheme)?;
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let (userinfo, address) = match authority.rsplit_once('@') {
            Some((userinfo, address)) => (Some(userinfo), address),
            None => (None, authority),
        };
        let (host, port) = host_and_port(address).ok_or(NOT_VALID)?;
        let credentials = userinfo.filter(|userinfo| !userinfo.is_empty()).map(|userinfo| scheme.credentials(userinfo));
        Ok(Self {
            scheme,
            host: host.into(),
            port: port.unwrap_or(scheme.default_port()),
            credentials: credentials.transpose()?,
        })
    }

    /// One of these, without credentials: `host:port`.
    pub(super) fn at(scheme: Scheme, address: &str) -> Result<Self, String> {
        let (host, port) = host_and_port(address).ok_or(NOT_VALID)?;
        Ok(Self { scheme, host: host.into(), port: port.unwrap_or(scheme.default_port()), credentials: None })
    }
}

/// An address of IPv6 is in brackets, and returned without them.
fn host_and_port(address: &str) -> Option<(String, Option<u16>)> {
    let authority: Authority = address.parse().ok()?;
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    // A port that is none is not the default one.
    let is_whole = authority.port_u16().is_some() || authority.as_str().len() == authority.host().len();
    (!host.is_empty() && is_whole).then(|| (host.to_owned(), authority.port_u16()))
}

impl Scheme {
    fn named(name: &str) -> Result<Self, String> {
        match name.to_ascii_lowercase().as_str() {
            "http" => Ok(Self::Http),
            "https" => Ok(Self::Https),
            "socks5" => Ok(Self::Socks5),
            "socks5h" => Ok(Self::Socks5h),
            // What is no scheme may be a password.
            other if other.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte)) => {
                Err(format!("has the scheme {other:?}: use http, https, socks5 or socks5h"))
            }
            _ => Err(NOT_VALID.to_owned()),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Socks5 => "socks5",
            Self::Socks5h => "socks5h",
        }
    }

    fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
            Self::Socks5 | Self::Socks5h => 1080,
        }
    }

    /// `userinfo` is percent-encoded: `user:password`.
    fn credentials(self, userinfo: &str) -> Result<Credentials, String> {
        let (user, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
        let [user, password] =
            [user, password].map(|part| Zeroizing::new(percent_decode_str(part).collect::<Vec<u8>>()));
        match self {
            // RFC 7617 § 2: the colon ends the user.
            Self::Http | Self::Https if user.contains(&b':') => {
                Err("has a user with a colon, which HTTP cannot send".to_owned())
            }
            // RFC 1929 § 2: one byte for the length.
            Self::Socks5 | Self::Socks5h if user.len().max(password.len()) > 255 => {
                Err("has a user or a password of more than 255 bytes, which SOCKS5 cannot send".to_owned())
            }
            _ => Ok(Credentials { user, password }),
        }
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scheme, host, port, .. } = self;
        let brackets = if host.contains(':') { ["[", "]"] } else { ["", ""] };
        write!(f, "{}://{}{host}{}:{port}", scheme.name(), brackets[0], brackets[1])
    }
}

/// Not shown: a URL that cannot be read may have a password anywhere.
const NOT_VALID: &str = "is not the URL of a proxy: write it as http://user:password@host:port, with reserved characters \
                         of the user and the password percent-encoded";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_read_and_shown_without_user_and_password() {
        for (url, shown) in [
            ("http://proxy.example:3128", "http://proxy.example:3128"),
            ("http://u:p@proxy.example", "http://proxy.example:80"),
            ("HTTPS://proxy.example/", "https://proxy.example:443"),
            ("socks5://[::1]", "socks5://[::1]:1080"),
            ("socks5h://u@127.0.0.1:9050/x?y#z", "socks5h://127.0.0.1:9050"),
            ("proxy.example:3128", "http://proxy.example:3128"),
            ("  u:p@ss@proxy.example:1  ", "http://proxy.example:1"),
        ] {
            assert_eq!(Proxy::parse(url).unwrap_or_else(|error| panic!("{url}: {error}")).to_string(), shown);
        }
    }

    #[test]
    fn user_and_password_are_percent_decoded() {
        let credentials = |url| Proxy::parse(url).expect(url).credentials;
        for (url, user, password) in [
            ("http://us%40er:p%3aw%2fd@h", "us@er", "p:w/d"),
            ("http://u:a:b@h", "u", "a:b"),
            ("http://u@h", "u", ""),
            ("http://:p@h", "", "p"),
        ] {
            let found = credentials(url).expect(url);
            assert_eq!((&found.user[..], &found.password[..]), (user.as_bytes(), password.as_bytes()), "{url}");
        }
        assert!(credentials("http://h").is_none() && credentials("http://@h").is_none());
    }

    #[test]
    fn what_is_no_proxy_is_refused_without_showing_a_secret() {
        for url in [
            "",
            "http://",
            "http://u:hunter2@",
            "http://u:hunter2/x@h",
            "ftp://u:hunter2@h",
            "socks4://h",
            "hunter2 x://h",
            "http://h:99999",
            "http://h:",
            "http://u%3av:hunter2@h",
            &format!("socks5://u:{}@h", "hunter2".repeat(40)),
        ] {
            let error = Proxy::parse(url).err().unwrap_or_else(|| panic!("{url} was taken"));
            assert!(!error.contains("hunter2"), "{error}");
        }
        let error = Proxy::parse("ftp://h").err().expect("it is none");
        assert_eq!(error, "has the scheme \"ftp\": use http, https, socks5 or socks5h");
    }
}
