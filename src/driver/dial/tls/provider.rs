//! The implementation of cryptography: ring, and for P-521 the crate of that name.

use std::sync::{Arc, OnceLock};

use rustls::{
    SignatureScheme,
    crypto::{CryptoProvider, WebPkiSupportedAlgorithms, ring},
    pki_types::SignatureVerificationAlgorithm,
};

use super::p521::{ECDSA_P521_SHA256, ECDSA_P521_SHA384, ECDSA_P521_SHA512};

/// The one of all connections.
pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::clone(PROVIDER.get_or_init(|| Arc::new(with_p521(ring::default_provider()))))
}

/// Made once in a process, which is why it may leak the lists that rustls wants to be static.
fn with_p521(mut provider: CryptoProvider) -> CryptoProvider {
    let ours: [&'static dyn SignatureVerificationAlgorithm; 3] =
        [ECDSA_P521_SHA512, ECDSA_P521_SHA384, ECDSA_P521_SHA256];
    let WebPkiSupportedAlgorithms { all, mapping } = provider.signature_verification_algorithms;
    let mut mapping = mapping.to_vec();
    mapping.push((SignatureScheme::ECDSA_NISTP521_SHA512, Vec::leak(vec![ECDSA_P521_SHA512])));
    provider.signature_verification_algorithms =
        WebPkiSupportedAlgorithms { all: Vec::leak([all, &ours].concat()), mapping: Vec::leak(mapping) };
    provider
}

static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
