//! What the client trusts: the system's certificates, and those that `NODE_EXTRA_CA_CERTS` names.

use std::sync::Arc;

use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject},
};
use tokio::{sync::OnceCell, task::spawn_blocking};

/// The TLS configuration that all clients share, sessions to resume included. It is made at the first `wss:` dial, off the I/O
/// thread, because reading the system's store takes milliseconds.
///
/// Errors: what the system said when it refused; the next dial tries again.
pub(super) async fn client_config() -> Result<Arc<ClientConfig>, String> {
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
