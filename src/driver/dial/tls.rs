//! TLS on a TCP connection, or on a tunnel through a proxy. The client trusts the system's certificates, and those that
//! `NODE_EXTRA_CA_CERTS` names.

use std::{io, sync::Arc};

use rustls::{
    CertificateError, ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::OnceCell,
    task::spawn_blocking,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::system_error::system_error;
use mcp_protocol::{SystemError, TlsFailure};

/// Shakes hands with the server and verifies that it is `host`.
pub(super) async fn connect<S>(host: &str, stream: S) -> Result<TlsStream<S>, TlsFailure>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let config = client_config().await.map_err(|error| TlsFailure::NoRoots(SystemError::new(None, error)))?;
    let name = ServerName::try_from(host.to_owned()).map_err(|_| TlsFailure::HostName)?;
    TlsConnector::from(config).connect(name, stream).await.map_err(|error| failure_of(&error))
}

fn failure_of(error: &io::Error) -> TlsFailure {
    let by_tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match by_tls {
        Some(rustls::Error::InvalidCertificate(reason)) => {
            TlsFailure::Certificate(SystemError::new(code_of(reason), error.to_string()))
        }
        Some(_) => TlsFailure::Handshake(system_error(error)),
        None if error.kind() == io::ErrorKind::UnexpectedEof => TlsFailure::Closed(system_error(error)),
        None => TlsFailure::Broken(system_error(error)),
    }
}

/// What Node.js calls it.
fn code_of(reason: &CertificateError) -> Option<&'static str> {
    match reason {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => Some("CERT_HAS_EXPIRED"),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => Some("CERT_NOT_YET_VALID"),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            Some("ERR_TLS_CERT_ALTNAME_INVALID")
        }
        CertificateError::UnknownIssuer => Some("UNABLE_TO_VERIFY_LEAF_SIGNATURE"),
        CertificateError::Revoked => Some("CERT_REVOKED"),
        _ => None,
    }
}

/// The TLS configuration that all clients share, sessions to resume included. It is made at the first `wss:` dial, off
/// the I/O thread, because reading the system's store takes milliseconds.
///
/// Errors: what the system said when it refused; the next dial tries again.
async fn client_config() -> Result<Arc<ClientConfig>, String> {
    SHARED.get_or_try_init(|| async { spawn_blocking(load).await.map_err(|error| error.to_string())? }).await.cloned()
}

fn load() -> Result<Arc<ClientConfig>, String> {
    let mut roots = RootCertStore::empty();
    let system = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(system.certs);
    if let Some(path) = std::env::var_os("NODE_EXTRA_CA_CERTS").filter(|path| !path.is_empty()) {
        let extra = CertificateDer::pem_file_iter(&path)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| format!("NODE_EXTRA_CA_CERTS ({}): {error}", path.display()))?;
        roots.add_parsable_certificates(extra);
    }
    if roots.is_empty() {
        let found: Vec<String> = system.errors.iter().map(ToString::to_string).collect();
        return Err(format!("no trusted certificate was found: {}", found.join("; ")));
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

static SHARED: OnceCell<Arc<ClientConfig>> = OnceCell::const_new();
