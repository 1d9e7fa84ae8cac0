//! TLS on a TCP connection, or on a tunnel through a proxy: what is trusted, how the server is verified, who the client
//! says it is.

mod identity;
mod observe;
mod options;
mod p521;
mod provider;
mod system;
mod trust;
mod verify;
mod words;

use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use rustls::{
    ClientConfig, HandshakeKind,
    client::Resumption,
    version::{TLS12, TLS13},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::OnceCell,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

pub(in crate::driver) use self::trust::answer_roots;
use self::{
    identity::Identity,
    observe::{Seen, observed},
    options::{Settings, server_name},
    provider::provider,
    verify::Verifier,
};
use super::{owner::Owner, progress::Progress, system_error::exhaustion, thread};
use mcp_protocol::{DialFailure, DialPhase, LogLevel, OptionError, TlsFailure, TlsOptions, TlsTrace};

/// The TLS of one client.
pub(super) struct Tls {
    options: TlsOptions,
    settings: Settings,
    config: OnceCell<Arc<ClientConfig>>,
}

/// An encrypted stream.
pub(super) struct Encrypted<S> {
    pub(super) stream: TlsStream<S>,
    /// The server wanted to know who the client is.
    pub(super) identity_was_asked: bool,
}

impl Tls {
    /// Errors: PEM that cannot be read, a key that does not match; each names its option.
    pub(super) fn new(options: TlsOptions) -> Result<Self, OptionError> {
        Ok(Self { settings: Settings::new(&options)?, options, config: OnceCell::new() })
    }

    /// For a proxy: the same certificates are trusted, but nothing that is meant for the server holds for it.
    pub(super) fn for_proxy(&self) -> Self {
        let TlsOptions { ca, only_tls_1_3, .. } = &self.options;
        let options = TlsOptions { ca: ca.clone(), only_tls_1_3: *only_tls_1_3, ..TlsOptions::default() };
        let settings = Settings { ca: self.settings.ca.clone(), identity: None, server_name: None };
        Self { options, settings, config: OnceCell::new() }
    }

    /// Shakes hands with the server and verifies that it is `host`, or what `tls.servername` says.
    pub(super) async fn connect<S>(
        &self,
        owner: &dyn Owner,
        host: &str,
        stream: S,
        progress: &Progress,
    ) -> Result<Encrypted<S>, DialFailure>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let config = Arc::clone(self.config.get_or_try_init(|| self.make_config(owner)).await?);
        if !self.options.reject_unauthorized {
            owner.note(LogLevel::Warn, "the server's certificate is not verified (tls.rejectUnauthorized is false)");
        }
        let name = match &self.settings.server_name {
            Some(name) => name.clone(),
            None => server_name(host).ok_or(DialFailure::Tls(TlsFailure::HostName))?,
        };
        let handshake = observed(TlsConnector::from(config).connect(name, stream));
        let (result, seen) = if system::MAY_BLOCK {
            let polled = thread::poll(system::THREAD_NAME, handshake).await;
            polled.map_err(|error| DialFailure::Exhausted { phase: Some(DialPhase::Tls), error: exhaustion(&error) })?
        } else {
            handshake.await
        };
        progress.encrypted(trace(result.as_ref().ok(), &seen, self.options.reject_unauthorized));
        match result {
            Ok(stream) => Ok(Encrypted { stream, identity_was_asked: seen.identity_was_asked }),
            Err(error) => Err(DialFailure::Tls(words::handshake_failure(&error, seen))),
        }
    }

    /// The configuration for these options, which clients with the same options share, sessions to resume included.
    async fn make_config(&self, owner: &dyn Owner) -> Result<Arc<ClientConfig>, DialFailure> {
        let store = trust::store(owner).await?;
        let mut shared = CONFIGS.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
        shared.retain(|(_, config)| config.strong_count() > 0);
        let known = shared.iter().find(|(options, _)| *options == self.options);
        if let Some(config) = known.and_then(|(_, config)| config.upgrade()) {
            return Ok(config);
        }
        let versions: &[_] = if self.options.only_tls_1_3 { &[&TLS13] } else { &[&TLS13, &TLS12] };
        let verifier = Verifier::new(&store, &self.settings, self.options.reject_unauthorized);
        let mut config = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(versions)
            .map_err(|_| DialFailure::Tls(TlsFailure::HostName))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_client_cert_resolver(Arc::new(Identity::new(self.settings.identity.clone())));
        config.resumption = Resumption::in_memory_sessions(MOST_SESSIONS);
        let config = Arc::new(config);
        shared.push((self.options.clone(), Arc::downgrade(&config)));
        Ok(config)
    }
}

/// What there is to tell of a handshake that has succeeded, or of one that has failed.
fn trace<S>(stream: Option<&TlsStream<S>>, seen: &Seen, verified: bool) -> TlsTrace {
    let Some(stream) = stream else {
        return TlsTrace { certificate: seen.certificate.clone(), verified, ..TlsTrace::default() };
    };
    let (_, connection) = stream.get_ref();
    let leaf = connection.peer_certificates().and_then(|chain| chain.first());
    TlsTrace {
        version: connection.protocol_version().map(|version| words::version(version).to_owned()),
        cipher: connection.negotiated_cipher_suite().map(|suite| format!("{:?}", suite.suite())),
        resumed: connection.handshake_kind() == Some(HandshakeKind::Resumed),
        verified,
        certificate: leaf.and_then(|leaf| words::Described::of(leaf)).map(|leaf| leaf.trace()),
    }
}

type SharedConfigs = Mutex<Vec<(TlsOptions, Weak<ClientConfig>)>>;

static CONFIGS: OnceLock<SharedConfigs> = OnceLock::new();

/// Servers whose sessions are kept. A client has one, or a few that it rotates through.
const MOST_SESSIONS: usize = 32;
