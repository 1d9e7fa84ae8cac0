//! Verifies the server: by the authorities that are trusted, or because its very certificate is, or by the operating
//! system.

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
    system,
    trust::Store,
    words::{Described, refusal},
};

/// What the server's certificate must satisfy.
#[derive(Debug)]
pub(super) struct Verifier {
    /// `None` if there is no authority to verify by.
    authorities: Option<Arc<WebPkiServerVerifier>>,
    /// The operating system, if it is asked.
    system: Option<Arc<dyn ServerCertVerifier>>,
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
        let system = if store.asks_system { system::verifier(provider()) } else { None };
        Self { authorities, system, trusted, is_strict }
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
        let by_us = match &self.authorities {
            Some(authorities) => authorities.verify_server_cert(leaf, intermediates, name, ocsp, now).map(drop),
            None => Err(CertificateError::UnknownIssuer.into()),
        };
        match (by_us, &self.system) {
            // What we trust besides is none of the system's business: it may be stricter than Node.js is with it.
            (Err(ours), Some(system)) => {
                let by_system = system.verify_server_cert(leaf, intermediates, name, ocsp, now);
                by_system.map(drop).map_err(|theirs| clearer(ours, theirs, leaf, now))
            }
            (by_us, _) => by_us,
        }
    }
}

/// Of two reasons for one refusal, the one that says more. The system does not say when a certificate expired.
fn clearer(ours: Error, theirs: Error, leaf: &CertificateDer<'_>, now: UnixTime) -> Error {
    if !matches!(ours, Error::InvalidCertificate(CertificateError::UnknownIssuer)) {
        return ours;
    }
    match Described::of(leaf).map(|leaf| leaf.check_time(now)) {
        None => CertificateError::BadEncoding.into(),
        Some(Err(time)) => time.into(),
        Some(Ok(())) => system::reason_of(theirs),
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

#[cfg(test)]
mod tests {
    use std::{sync::Mutex, time::Duration};

    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::{super::observe::observed, *};

    /// An operating system that answers like this, and counts how often it is asked.
    #[derive(Debug)]
    struct System {
        asked: Mutex<u32>,
        answer: Result<(), CertificateError>,
    }

    impl ServerCertVerifier for System {
        fn verify_server_cert(
            &self,
            _leaf: &CertificateDer<'_>,
            _intermediates: &[CertificateDer<'_>],
            _name: &ServerName<'_>,
            _ocsp: &[u8],
            _now: UnixTime,
        ) -> Result<ServerCertVerified, Error> {
            *self.asked.lock().expect("no panic") += 1;
            self.answer.clone().map(|()| ServerCertVerified::assertion()).map_err(Error::from)
        }

        fn verify_tls12_signature(
            &self,
            _message: &[u8],
            _leaf: &CertificateDer<'_>,
            _signed: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            Err(Error::General("signatures are ours to verify".to_owned()))
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            leaf: &CertificateDer<'_>,
            signed: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            self.verify_tls12_signature(message, leaf, signed)
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            Vec::new()
        }
    }

    fn certificate(last_year: i32) -> CertificateDer<'static> {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(["a.example".to_owned()]).expect("a name");
        params.distinguished_name.push(rcgen::DnType::CommonName, "a.example");
        params.not_after = date_time_ymd(last_year, 1, 1);
        let issuer = rcgen::Issuer::new(CertificateParams::default(), KeyPair::generate().expect("a key"));
        params.signed_by(&key, &issuer).expect("a certificate").into()
    }

    /// Whether the server is accepted, the code and the words if not, and how often the system was asked.
    async fn judged(
        leaf: &CertificateDer<'static>,
        answer: Result<(), CertificateError>,
        ca: &[CertificateDer<'static>],
    ) -> (bool, Option<&'static str>, String, u32) {
        let store = Store { roots: rustls::RootCertStore::empty(), certificates: [].into(), asks_system: true };
        let settings = Settings { ca: ca.to_vec(), identity: None, server_name: None };
        let system = Arc::new(System { asked: Mutex::default(), answer });
        let verifier = Verifier { system: Some(Arc::clone(&system) as _), ..Verifier::new(&store, &settings, true) };
        let name = ServerName::try_from("a.example").expect("a name");
        let now = UnixTime::since_unix_epoch(Duration::from_secs(1_700_000_000));
        let (result, seen) = observed(async { verifier.verify_server_cert(leaf, &[], &name, &[], now) }).await;
        let (code, words) = seen.refusal.map_or((None, String::new()), |refusal| (refusal.code, refusal.message));
        let asked = *system.asked.lock().expect("no panic");
        (result.is_ok(), code, words, asked)
    }

    #[tokio::test]
    async fn the_system_decides_about_servers_that_nothing_else_vouches_for() {
        let leaf = certificate(2100);
        assert_eq!(judged(&leaf, Ok(()), &[]).await, (true, None, String::new(), 1));
        assert_eq!(judged(&leaf, Ok(()), std::slice::from_ref(&leaf)).await, (true, None, String::new(), 0));
    }

    #[tokio::test]
    async fn what_the_system_refuses_has_the_words_and_codes_that_it_has_elsewhere() {
        let text = |text: &str| CertificateError::Other(rustls::OtherError(Arc::from(Box::from(text))));
        let (valid, expired) = (certificate(2100), certificate(2020));
        for (leaf, answer, code, words) in [
            (&valid, CertificateError::UnknownIssuer, "UNABLE_TO_VERIFY_LEAF_SIGNATURE", "its issuer \"CN="),
            (&valid, text("not trusted: -67843"), "UNABLE_TO_VERIFY_LEAF_SIGNATURE", "its issuer \"CN="),
            (&valid, CertificateError::NotValidForName, "ERR_TLS_CERT_ALTNAME_INVALID", "it is for a.example, not for"),
            (&valid, CertificateError::Revoked, "CERT_REVOKED", "it was revoked"),
            (
                &valid,
                text("too short\u{1b}: -1"),
                "CERT_UNTRUSTED",
                "the operating system refuses it: too short\u{fffd}: -1",
            ),
            (&expired, CertificateError::Expired, "CERT_HAS_EXPIRED", "it expired on 2020-01-01T00:00:00Z"),
            (&expired, text("expired: -67818"), "CERT_HAS_EXPIRED", "it expired on 2020-01-01T00:00:00Z"),
        ] {
            let (is_accepted, found, told, asked) = judged(leaf, Err(answer), &[]).await;
            assert_eq!((is_accepted, found, asked), (false, Some(code), 1), "{told}");
            assert!(told.starts_with(words), "{told}");
        }
    }
}
