//! Servers behind TLS, with certificates of an authority of our own.

use std::{env, fs, sync::Arc};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use super::{
    process,
    server::{Raw, Server, Ws},
    within,
};

/// True in a process of its own that trusts the [`Authority`]. See [`process::is_alone`].
pub(crate) fn is_trusting(test: &str) -> bool {
    let file = env::temp_dir().join(format!("mcp-client-{}-{}.pem", std::process::id(), test.replace("::", "-")));
    let is_alone = process::is_alone(test, &[(VARIABLE, &file)]);
    if !is_alone {
        fs::remove_file(&file).expect("the test has written it");
    }
    is_alone
}

/// `$body` runs in a process of its own that trusts the authority.
macro_rules! trusting {
    ($test:ident) => {
        if !$crate::support::tls::is_trusting(concat!(module_path!(), "::", stringify!($test))) {
            return;
        }
    };
}
pub(crate) use trusting;

/// Signs certificates.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// The one that this process trusts: call it before the first dial, and once.
    pub(crate) fn trusted() -> Self {
        let (authority, pem) = Self::new("trusted");
        fs::write(env::var_os(VARIABLE).expect("the process was started for this"), pem).expect("it can be written");
        authority
    }

    /// One that nobody trusts.
    pub(crate) fn unknown() -> Self {
        Self::new("unknown").0
    }

    fn new(name: &str) -> (Self, String) {
        let mut params = CertificateParams::new(Vec::new()).expect("valid");
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let pem = params.self_signed(&key).expect("a certificate").pem();
        (Self { issuer: Issuer::new(params, key) }, pem)
    }

    /// For 127.0.0.1 and localhost.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        self.acceptor_for(&["127.0.0.1", "localhost"], |_| {})
    }

    pub(crate) fn acceptor_for(&self, names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> TlsAcceptor {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).expect("valid names");
        change(&mut params);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring has them")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .expect("key and certificate fit");
        TlsAcceptor::from(Arc::new(config))
    }
}

/// A certificate that was valid once.
pub(crate) fn expired(params: &mut CertificateParams) {
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2021, 1, 1);
}

pub(crate) fn url(server: &Server) -> String {
    server.url().replace("ws://", "wss://")
}

pub(crate) async fn accept(server: &Server, acceptor: &TlsAcceptor) -> TlsStream<TcpStream> {
    within("a TLS handshake", acceptor.accept(server.tcp().await)).await.expect("it shakes hands")
}

pub(crate) async fn ready_ws(server: &Server, acceptor: &TlsAcceptor) -> Ws<TlsStream<TcpStream>> {
    let mut ws = Ws::accept(accept(server, acceptor).await).await;
    ws.authenticate().await;
    ws
}

pub(crate) async fn ready_raw(server: &Server, acceptor: &TlsAcceptor) -> Raw<TlsStream<TcpStream>> {
    let mut raw = Raw::new(accept(server, acceptor).await);
    raw.upgrade(b"").await;
    raw.authenticate().await;
    raw
}

const VARIABLE: &str = "NODE_EXTRA_CA_CERTS";
