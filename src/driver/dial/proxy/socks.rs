//! The client's half of SOCKS5 (RFC 1928), with a user and a password (RFC 1929). Nothing else of it is needed.

use std::{io, net::IpAddr};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use zeroize::Zeroizing;

use super::super::system_error::system_error;
use super::address::Credentials;
use mcp_protocol::ProxyFailure;

/// Asks the proxy for a tunnel. A `host` that is no address is looked up by the proxy.
pub(super) async fn connect<S>(
    stream: &mut S,
    credentials: Option<&Credentials>,
    host: &str,
    port: u16,
) -> Result<(), ProxyFailure>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let methods: &[u8] = if credentials.is_some() { &[VERSION, 2, NONE, PASSWORD] } else { &[VERSION, 1, NONE] };
    send(stream, methods).await?;
    let [version, method] = receive(stream).await?;
    check(version == VERSION, "it does not speak SOCKS5")?;
    match (method, credentials) {
        (NONE, _) => {}
        (PASSWORD, Some(credentials)) => authenticate(stream, credentials).await?,
        (NO_METHOD, Some(_)) => return Err(ProxyFailure::Authentication("takes no user and password")),
        (NO_METHOD, None) => return Err(ProxyFailure::Authentication("asks for a user and a password, or for more")),
        _ => return Err(ProxyFailure::NotAProxy("it chose a way to authenticate that was not offered".to_owned())),
    }
    let address = address_of(host)?;
    send(stream, &[&[VERSION, CONNECT, 0][..], &address, &port.to_be_bytes()].concat()).await?;
    let [version, reply, _, kind] = receive(stream).await?;
    check(version == VERSION, "its reply is not of SOCKS5")?;
    if reply != SUCCEEDED {
        return Err(ProxyFailure::Refused(reply));
    }
    skip_address(stream, kind).await
}

async fn authenticate<S>(stream: &mut S, Credentials { user, password }: &Credentials) -> Result<(), ProxyFailure>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    // Each has at most 255 bytes: its URL was checked.
    let parts = [&[1, user.len() as u8][..], user, &[password.len() as u8], password];
    send(stream, &Zeroizing::new(parts.concat())).await?;
    let [_, status] = receive(stream).await?;
    if status != 0 {
        return Err(ProxyFailure::Authentication("refuses the user and the password"));
    }
    Ok(())
}

/// The kind of the address, and the address.
fn address_of(host: &str) -> Result<Vec<u8>, ProxyFailure> {
    match host.parse() {
        Ok(IpAddr::V4(address)) => Ok([&[V4][..], &address.octets()].concat()),
        Ok(IpAddr::V6(address)) => Ok([&[V6][..], &address.octets()].concat()),
        Err(_) => match u8::try_from(host.len()) {
            Ok(length) => Ok([&[NAME, length][..], host.as_bytes()].concat()),
            Err(_) => Err(ProxyFailure::NotAProxy("the name of the host is longer than SOCKS5 can send".to_owned())),
        },
    }
}

/// Where the proxy connects from does not matter.
async fn skip_address(stream: &mut (impl AsyncRead + Unpin), kind: u8) -> Result<(), ProxyFailure> {
    let length = match kind {
        V4 => 4,
        V6 => 16,
        NAME => {
            let [length] = receive(stream).await?;
            usize::from(length)
        }
        _ => return check(false, "its reply has an unknown type of address"),
    };
    let mut rest = [0; 255 + 2];
    read(stream, &mut rest[..length + 2]).await
}

fn check(holds: bool, complaint: &str) -> Result<(), ProxyFailure> {
    if holds { Ok(()) } else { Err(ProxyFailure::NotAProxy(complaint.to_owned())) }
}

async fn send(stream: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> Result<(), ProxyFailure> {
    stream.write_all(bytes).await.map_err(failure_of)?;
    stream.flush().await.map_err(failure_of)
}

async fn receive<const N: usize>(stream: &mut (impl AsyncRead + Unpin)) -> Result<[u8; N], ProxyFailure> {
    let mut bytes = [0; N];
    read(stream, &mut bytes).await?;
    Ok(bytes)
}

async fn read(stream: &mut (impl AsyncRead + Unpin), bytes: &mut [u8]) -> Result<(), ProxyFailure> {
    stream.read_exact(bytes).await.map(|_| ()).map_err(failure_of)
}

fn failure_of(error: io::Error) -> ProxyFailure {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => ProxyFailure::Closed,
        _ => ProxyFailure::Broken(system_error(&error)),
    }
}

const VERSION: u8 = 5;
/// Methods: no authentication, a user and a password, none of those that were offered.
const NONE: u8 = 0;
const PASSWORD: u8 = 2;
const NO_METHOD: u8 = 0xff;
const CONNECT: u8 = 1;
const SUCCEEDED: u8 = 0;
/// Types of addresses.
const V4: u8 = 1;
const NAME: u8 = 3;
const V6: u8 = 4;

#[cfg(test)]
mod tests {
    use tokio::io::duplex;

    use super::super::address::Proxy;
    use super::*;

    /// Plays a proxy that answers each of the client's messages, which have to be these.
    async fn play(url: &str, host: &str, steps: &[(&[u8], &[u8])]) -> Result<(), ProxyFailure> {
        let proxy = Proxy::parse(url).expect(url);
        let (mut client, mut server) = duplex(1024);
        let serve = async move {
            for (expected, answer) in steps {
                let mut came = vec![0; expected.len()];
                server.read_exact(&mut came).await.expect("a message");
                assert_eq!(came, *expected);
                // One byte at a time: the client must put them together.
                for byte in *answer {
                    // A client that has seen enough is gone.
                    let _ = server.write_all(&[*byte]).await;
                    tokio::task::yield_now().await;
                }
            }
        };
        let connect = async move { connect(&mut client, proxy.credentials.as_ref(), host, 443).await };
        tokio::join!(serve, connect).1
    }

    const HELLO: (&[u8], &[u8]) = (&[5, 1, 0], &[5, 0]);
    const BOUND: &[u8] = &[5, 0, 0, 1, 0, 0, 0, 0, 0, 0];

    #[tokio::test]
    async fn names_and_addresses_are_sent_as_rfc_1928_says() {
        let name = [&[5, 1, 0, 3, 11][..], b"example.com", &[1, 187]].concat();
        assert_eq!(play("socks5h://p", "example.com", &[HELLO, (&name, BOUND)]).await, Ok(()));
        let v4 = [5, 1, 0, 1, 10, 0, 0, 1, 1, 187];
        let bound_to_a_name = &[5, 0, 0, 3, 2, b'h', b'i', 0, 1];
        assert_eq!(play("socks5h://p", "10.0.0.1", &[HELLO, (&v4, bound_to_a_name)]).await, Ok(()));
        let v6 = [&[5, 1, 0, 4][..], &[0xfd], &[0; 14], &[1, 1, 187]].concat();
        let bound_to_v6 = [&[5, 0, 0, 4][..], &[0; 18]].concat();
        assert_eq!(play("socks5h://p", "fd00::1", &[HELLO, (&v6, &bound_to_v6)]).await, Ok(()));
    }

    #[tokio::test]
    async fn user_and_password_are_sent_if_the_proxy_asks_for_them() {
        let hello: (&[u8], &[u8]) = (&[5, 2, 0, 2], &[5, 2]);
        let login = [&[1, 4][..], b"user", &[2], b"pw"].concat();
        let target = [5, 1, 0, 1, 10, 0, 0, 1, 1, 187];
        let url = "socks5://user:pw@p";
        assert_eq!(play(url, "10.0.0.1", &[hello, (&login, &[1, 0]), (&target, BOUND)]).await, Ok(()));
        let refused = play(url, "10.0.0.1", &[hello, (&login, &[1, 1])]).await;
        assert_eq!(refused, Err(ProxyFailure::Authentication("refuses the user and the password")));
        assert!(matches!(
            play("socks5://p", "10.0.0.1", &[(&[5, 1, 0], &[5, 0xff])]).await,
            Err(ProxyFailure::Authentication(_))
        ));
    }

    #[tokio::test]
    async fn a_refusal_has_its_code_and_what_is_no_socks_is_told_from_it() {
        let target = [5, 1, 0, 1, 10, 0, 0, 1, 1, 187];
        let refused = play("socks5://p", "10.0.0.1", &[HELLO, (&target, &[5, 2, 0, 1])]).await;
        assert_eq!(refused, Err(ProxyFailure::Refused(2)));
        for answer in [&b"HTTP/1.1 400 Bad Request"[..], &[5, 2], &[4, 0]] {
            let wrong = play("socks5://p", "10.0.0.1", &[(&[5, 1, 0], answer)]).await;
            assert!(matches!(wrong, Err(ProxyFailure::NotAProxy(_))), "{answer:?}: {wrong:?}");
        }
        let strange = play("socks5://p", "10.0.0.1", &[HELLO, (&target, &[5, 0, 0, 9])]).await;
        assert!(matches!(strange, Err(ProxyFailure::NotAProxy(_))));
        assert_eq!(play("socks5://p", "10.0.0.1", &[(&[5, 1, 0], &[5])]).await, Err(ProxyFailure::Closed));
    }

    #[tokio::test]
    async fn a_reply_that_is_cut_short_is_a_closed_connection_wherever_it_is_cut() {
        let hello: (&[u8], &[u8]) = (&[5, 2, 0, 2], &[5, 2]);
        let login = [&[1, 4][..], b"user", &[2], b"pw"].concat();
        let target = [5, 1, 0, 1, 10, 0, 0, 1, 1, 187];
        let named = [&[5, 0, 0, 3, 255][..], &[0; 257]].concat();
        for reply in [BOUND, &[&[5, 0, 0, 4][..], &[0; 18]].concat(), &named] {
            let steps = [hello, (&login, &[1, 0]), (&target, reply)];
            for step in 0..steps.len() {
                for length in 0..steps[step].1.len() {
                    let mut cut = steps[..=step].to_vec();
                    cut[step].1 = &steps[step].1[..length];
                    let closed = play("socks5://user:pw@p", "10.0.0.1", &cut).await;
                    assert_eq!(closed, Err(ProxyFailure::Closed), "after {length} bytes of reply {step}");
                }
            }
        }
    }

    #[tokio::test]
    async fn a_name_that_is_too_long_is_refused_before_it_is_sent() {
        let long = "a".repeat(256);
        assert!(matches!(play("socks5h://p", &long, &[HELLO]).await, Err(ProxyFailure::NotAProxy(_))));
    }
}
