//! Verifies the server: by the authorities that are trusted, or because its very certificate is.

use std::sync::Arc;

use rustls::{
    CertificateError, DigitallySignedStruct, Error, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_name,
    },
    crypto::{verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::ParsedCertificate,
};

use super::{
    observe::note_refusal,
    options::Settings,
    provider::provider,
    trust::Store,
    words::{Described, refusal},
};

/// What the server's certificate must satisfy.
#[derive(Debug)]
pub(super) struct Verifier {
    /// `None` if there is no authority to verify by.
    authorities: Option<Arc<WebPkiServerVerifier>>,
    trusted: Store,
    is_strict: bool,
}

impl Verifier {
    /// Trusts the store, and `tls.ca`. If it is not strict, it takes any certificate.
    pub(super) fn new(store: &Store, settings: &Settings, is_strict: bool) -> Self {
        let mut trusted = store.clone();
        for certificate in &settings.ca {
            trusted.add(certificate.clone());
        }
        let roots = Arc::new(std::mem::replace(&mut trusted.roots, rustls::RootCertStore::empty()));
        let authorities = WebPkiServerVerifier::builder_with_provider(roots, provider()).build().ok();
        Self { authorities, trusted, is_strict }
    }

    fn verify(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<(), Error> {
        if self.trusted.certificates.contains(leaf) {
            return verify_itself(leaf, name, now);
        }
        match &self.authorities {
            Some(authorities) => authorities.verify_server_cert(leaf, intermediates, name, ocsp, now).map(drop),
            None => Err(CertificateError::UnknownIssuer.into()),
        }
    }
}

/// A certificate that is trusted as it is, such as one that `openssl req -x509` has made: it needs no authority, and
/// may be one itself. Its time and its name must fit.
fn verify_itself(leaf: &CertificateDer<'_>, name: &ServerName<'_>, now: UnixTime) -> Result<(), Error> {
    let described = Described::of(leaf).ok_or(CertificateError::BadEncoding)?;
    described.check_time(now)?;
    // As in Node.js, the common name counts if the certificate has no other.
    if let (ServerName::DnsName(wanted), Some(common_name)) = (name, described.name_without_alternatives())
        && wanted.as_ref().eq_ignore_ascii_case(&common_name)
    {
        return Ok(());
    }
    verify_server_name(&ParsedCertificate::try_from(leaf)?, name)
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if !self.is_strict {
            return Ok(ServerCertVerified::assertion());
        }
        self.verify(leaf, intermediates, name, ocsp, now).map(|()| ServerCertVerified::assertion()).inspect_err(
            |error| {
                let certificate = Described::of(leaf).map(|leaf| leaf.trace());
                note_refusal(refusal(error, leaf, intermediates, name), certificate);
            },
        )
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, leaf, signed, &provider().signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, leaf, signed, &provider().signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider().signature_verification_algorithms.supported_schemes()
    }
}
