//! What is told of a dial: each phase, its time, and the address.

use mcp_protocol::{DialPhase, DialReport, Interest, Notice, ProxySource, Route, Secret};

use crate::support::{
    client::{Client, config, route},
    server::{Raw, Server},
    tls::{self, Authority, ready_ws, trusting},
};

/// On its way, and asked to tell of its dials.
fn telling(route: Route) -> Client {
    let mut client = Client::on(route, config());
    client.handle.set_interest(Interest(Interest::DIALS));
    client.connect();
    client
}

async fn report(client: &mut Client) -> DialReport {
    client
        .notice("the end of a dial", |notice| match notice {
            Notice::Dialed { dial } => Some((**dial).clone()),
            _ => None,
        })
        .await
}

fn phases(report: &DialReport) -> Vec<DialPhase> {
    report.phases.iter().map(|phase| phase.phase).collect()
}

/// One phase follows the other, and the last one ends with the dial.
fn assert_times_add_up(report: &DialReport) {
    let mut end = 0.0;
    for phase in &report.phases {
        assert!(phase.start >= end - 0.001 && phase.duration >= 0.0, "{report:?}");
        end = phase.start + phase.duration;
    }
    assert!((end - report.duration).abs() < 0.001, "{report:?}");
}

#[tokio::test]
async fn a_dial_that_opens_a_socket_is_told_phase_by_phase() {
    trusting!(a_dial_that_opens_a_socket_is_told_phase_by_phase);
    let (server, acceptor) = (Server::start().await, Authority::trusted().acceptor());
    let mut client = telling(route(&format!("{}?key=hunter2", tls::url(&server))));
    let _ws = ready_ws(&server, &acceptor).await;
    let report = report(&mut client).await;
    assert_eq!(phases(&report), [DialPhase::Name, DialPhase::Tcp, DialPhase::Tls, DialPhase::Upgrade]);
    assert_times_add_up(&report);
    assert_eq!(report.address, Some(format!("127.0.0.1:{}", server.port())));
    assert_eq!((report.connection, report.proxy.as_ref(), report.error.as_ref()), (1, None, None));
    assert!(!report.url.contains("hunter2"), "{}", report.url);
}

#[tokio::test]
async fn a_dial_through_a_proxy_names_it_and_its_address() {
    let proxy = Server::start().await;
    let url = format!("http://us:hunter2@127.0.0.1:{}", proxy.port());
    let way = Route { proxy: ProxySource::Url(Secret::new(url)), ..route("ws://platform.invalid/mcp-ws") };
    let mut client = telling(way);
    let mut raw = Raw::new(proxy.tcp().await);
    raw.request().await;
    raw.send(b"HTTP/1.1 200 OK\r\n\r\n").await;
    raw.request().await;
    raw.send(b"nonsense\r\n\r\n").await;
    let report = report(&mut client).await;
    assert_eq!(phases(&report), [DialPhase::Proxy, DialPhase::Upgrade]);
    assert_times_add_up(&report);
    let address = format!("127.0.0.1:{}", proxy.port());
    assert_eq!((report.address, report.proxy), (Some(address.clone()), Some(format!("http://{address}"))));
    let error = report.error.expect("that is no answer to the upgrade");
    assert_eq!((error.code, error.phase), ("CONNECT_FAILED", Some(DialPhase::Upgrade)));
}

#[tokio::test]
async fn a_dial_that_is_refused_or_given_up_says_so() {
    let server = Server::start().await;
    let mut client = telling(route(&server.url()));
    let raw = server.tcp().await;
    client.close(1000, "");
    let given_up = report(&mut client).await;
    assert_eq!(given_up.error.map(|error| error.code), Some("CLOSED"));
    drop((raw, server));
    client.connect();
    let refused = report(&mut client).await;
    assert_eq!((refused.connection, phases(&refused)), (2, vec![DialPhase::Name, DialPhase::Tcp]));
    let error = refused.error.expect("nobody listens");
    assert_eq!(error.system_cause.and_then(|cause| cause.code), Some("ECONNREFUSED"));
}
