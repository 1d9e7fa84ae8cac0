//! The client's own certificate, for servers that ask for one.

use std::sync::Arc;

use rustls::{SignatureScheme, client::ResolvesClientCert, sign::CertifiedKey};

use super::observe::note_identity_was_asked;

/// Presents the certificate of `tls.cert`, if there is one, and notes that it was asked for.
#[derive(Debug)]
pub(super) struct Identity(Option<Arc<CertifiedKey>>);

impl Identity {
    pub(super) fn new(own: Option<Arc<CertifiedKey>>) -> Self {
        Self(own)
    }
}

impl ResolvesClientCert for Identity {
    fn resolve(&self, _hints: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        note_identity_was_asked();
        self.0.as_ref().filter(|own| own.key.choose_scheme(schemes).is_some()).cloned()
    }

    fn has_certs(&self) -> bool {
        // It is asked in any case, to know that the server wants one.
        true
    }
}
