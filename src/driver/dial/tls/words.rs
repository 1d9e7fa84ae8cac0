//! What went wrong in TLS, in words, with the code that Node.js has for it.

use std::{io, time::Duration};

use rustls::{
    CertificateError, Error, ProtocolVersion,
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use x509_cert::{
    Certificate,
    der::{DateTime, Decode},
    ext::pkix::{SubjectAltName, name::GeneralName},
};

use super::{observe::Seen, system};
use crate::driver::dial::{
    system_error::system_error,
    tls_error::{rustls_error, words_of},
};
use mcp_protocol::{CertificateTrace, SystemError, TlsFailure};

/// Why a handshake failed.
pub(super) fn handshake_failure(error: &io::Error, seen: Seen) -> TlsFailure {
    let Some(by_tls) = rustls_error(error) else {
        let system = system_error(error);
        let is_end = error.kind() == io::ErrorKind::UnexpectedEof;
        return if is_end { TlsFailure::Closed(system) } else { TlsFailure::Broken(system) };
    };
    match (by_tls, seen.refusal) {
        (Error::InvalidCertificate(_), Some(refusal)) => TlsFailure::Certificate(refusal),
        (Error::InvalidCertificate(reason), None) => TlsFailure::Certificate(certificate_words(reason)),
        _ => TlsFailure::Handshake(words_of(by_tls, seen.identity_was_asked)),
    }
}

/// Why the certificate of a server is refused, in words that help to mend it.
pub(super) fn refusal(
    error: &Error,
    leaf: &CertificateDer<'_>,
    intermediates: &[CertificateDer<'_>],
    name: &ServerName<'_>,
) -> SystemError {
    let reason = match error {
        Error::InvalidCertificate(reason) => reason,
        _ => &CertificateError::BadEncoding,
    };
    let leaf = Described::of(leaf);
    let is_self_signed = leaf.as_ref().is_some_and(Described::is_self_signed);
    match reason {
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            let presented = leaf.map(|leaf| leaf.names().join(", ")).filter(|names| !names.is_empty());
            let presented = presented.unwrap_or_else(|| "no name".to_owned());
            let wanted = name.to_str();
            let words = format!("it is for {presented}, not for {wanted}; tls.servername expects another name");
            SystemError::new(Some("ERR_TLS_CERT_ALTNAME_INVALID"), words)
        }
        CertificateError::UnknownIssuer | CertificateError::Other(_) if is_self_signed => {
            let words = format!("it is self-signed; {TRUST_IT}");
            SystemError::new(Some("DEPTH_ZERO_SELF_SIGNED_CERT"), words)
        }
        CertificateError::UnknownIssuer => unknown_issuer(leaf, intermediates),
        CertificateError::Other(other) if system::refusal_in(other).is_some() => {
            let words = system::refusal_in(other).map(shown).unwrap_or_default();
            SystemError::new(Some("CERT_UNTRUSTED"), format!("the operating system refuses it: {words}"))
        }
        reason => certificate_words(reason),
    }
}

/// The codes are those of OpenSSL, which says how far it came.
fn unknown_issuer(leaf: Option<Described>, intermediates: &[CertificateDer<'_>]) -> SystemError {
    let chain: Vec<_> = intermediates.iter().filter_map(Described::of).collect();
    let root = chain.iter().find(|certificate| certificate.is_self_signed());
    if let Some(root) = root {
        let words = format!("its authority \"{}\" is not trusted; {TRUST_IT}", root.subject());
        return SystemError::new(Some("SELF_SIGNED_CERT_IN_CHAIN"), words);
    }
    let issuer = chain.last().or(leaf.as_ref()).map_or_else(|| "?".to_owned(), Described::issuer);
    let code = if chain.is_empty() { "UNABLE_TO_VERIFY_LEAF_SIGNATURE" } else { "UNABLE_TO_GET_ISSUER_CERT_LOCALLY" };
    let words = format!(
        "its issuer \"{issuer}\" is not trusted, or the server does not send the certificates in between; {TRUST_IT}"
    );
    SystemError::new(Some(code), words)
}

/// For reasons that need no look at the certificate.
fn certificate_words(reason: &CertificateError) -> SystemError {
    let (code, words) = match reason {
        CertificateError::ExpiredContext { not_after, .. } => {
            (Some("CERT_HAS_EXPIRED"), format!("it expired on {}", date(*not_after)))
        }
        CertificateError::Expired => (Some("CERT_HAS_EXPIRED"), "it has expired".to_owned()),
        CertificateError::NotValidYetContext { time, not_before } => (
            Some("CERT_NOT_YET_VALID"),
            format!("it is not valid before {}; the clock of this machine says {}", date(*not_before), date(*time)),
        ),
        CertificateError::NotValidYet => (Some("CERT_NOT_YET_VALID"), "it is not valid yet".to_owned()),
        CertificateError::UnknownIssuer => (Some("UNABLE_TO_VERIFY_LEAF_SIGNATURE"), "its issuer is not trusted".into()),
        CertificateError::Revoked => (Some("CERT_REVOKED"), "it was revoked".to_owned()),
        CertificateError::BadSignature => (
            Some("CERT_SIGNATURE_FAILURE"),
            format!("its signature is wrong, or of a kind that is not supported; {SUPPORTED}"),
        ),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            (Some("INVALID_PURPOSE"), "it is not made for servers (its extended key usage)".to_owned())
        }
        CertificateError::UnsupportedSignatureAlgorithmContext { .. }
        | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            (Some("CERT_SIGNATURE_FAILURE"), format!("it is signed in a way that is not supported; {SUPPORTED}"))
        }
        CertificateError::BadEncoding => (None, "it cannot be read".to_owned()),
        _ => (
            None,
            "it is not one that a server may have: X.509 version 3, and no authority (CA:TRUE) unless it is trusted as \
             it is"
                .to_owned(),
        ),
    };
    SystemError::new(code, words)
}

/// As Node.js has it.
pub(super) fn version(version: ProtocolVersion) -> &'static str {
    match version {
        ProtocolVersion::TLSv1_3 => "TLSv1.3",
        ProtocolVersion::TLSv1_2 => "TLSv1.2",
        _ => "another version",
    }
}

/// What a certificate says of itself.
pub(super) struct Described(Certificate);

impl Described {
    /// `None` if it cannot be read.
    pub(super) fn of(certificate: &CertificateDer<'_>) -> Option<Self> {
        Certificate::from_der(certificate).ok().map(Self)
    }

    fn is_self_signed(&self) -> bool {
        self.0.tbs_certificate().issuer() == self.0.tbs_certificate().subject()
    }

    fn issuer(&self) -> String {
        shown(&self.0.tbs_certificate().issuer().to_string())
    }

    fn subject(&self) -> String {
        shown(&self.0.tbs_certificate().subject().to_string())
    }

    /// For diagnosis.
    pub(super) fn trace(&self) -> CertificateTrace {
        let validity = self.0.tbs_certificate().validity();
        let millis = |time: Duration| time.as_secs() as f64 * 1000.0;
        CertificateTrace {
            subject: self.subject(),
            issuer: self.issuer(),
            not_before: millis(validity.not_before.to_unix_duration()),
            not_after: millis(validity.not_after.to_unix_duration()),
        }
    }

    pub(super) fn check_time(&self, now: UnixTime) -> Result<(), CertificateError> {
        let validity = self.0.tbs_certificate().validity();
        let (not_before, not_after) = (validity.not_before.to_unix_duration(), validity.not_after.to_unix_duration());
        let now_is = Duration::from_secs(now.as_secs());
        if now_is < not_before {
            let not_before = UnixTime::since_unix_epoch(not_before);
            return Err(CertificateError::NotValidYetContext { time: now, not_before });
        }
        if now_is > not_after {
            let not_after = UnixTime::since_unix_epoch(not_after);
            return Err(CertificateError::ExpiredContext { time: now, not_after });
        }
        Ok(())
    }

    /// The common name, if there are no alternative names.
    pub(super) fn name_without_alternatives(&self) -> Option<String> {
        if self.alternatives().is_some() {
            return None;
        }
        let name = self.0.tbs_certificate().subject().common_name().ok().flatten()?;
        Some(name.value().into_owned())
    }

    fn alternatives(&self) -> Option<SubjectAltName> {
        self.0.tbs_certificate().get_extension::<SubjectAltName>().ok().flatten().map(|(_, names)| names)
    }

    /// Its names and addresses, the common name if there are none.
    fn names(&self) -> Vec<String> {
        let Some(alternatives) = self.alternatives() else {
            return self.name_without_alternatives().iter().map(|name| shown(name)).collect();
        };
        let text = |name: &GeneralName| match name {
            GeneralName::DnsName(name) => Some(shown(name.as_str())),
            GeneralName::IpAddress(bytes) => address(bytes.as_bytes()),
            _ => None,
        };
        let mut names: Vec<_> = alternatives.0.iter().filter_map(text).take(MOST_NAMES + 1).collect();
        if names.len() > MOST_NAMES {
            names[MOST_NAMES] = "…".to_owned();
        }
        names
    }
}

fn address(bytes: &[u8]) -> Option<String> {
    let four: Result<[u8; 4], _> = bytes.try_into();
    let sixteen: Result<[u8; 16], _> = bytes.try_into();
    match (four, sixteen) {
        (Ok(v4), _) => Some(std::net::Ipv4Addr::from(v4).to_string()),
        (_, Ok(v6)) => Some(std::net::Ipv6Addr::from(v6).to_string()),
        _ => None,
    }
}

/// A server wrote it: it must neither be long nor steer a terminal.
fn shown(text: &str) -> String {
    let harmless = text.chars().map(|c| if c.is_control() || is_bidirectional(c) { '\u{fffd}' } else { c });
    let mut shown: String = harmless.take(MOST_CHARACTERS + 1).collect();
    if let Some((end, _)) = shown.char_indices().nth(MOST_CHARACTERS) {
        shown.replace_range(end.., "…");
    }
    shown
}

fn is_bidirectional(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{61c}')
}

fn date(time: UnixTime) -> String {
    let duration = Duration::from_secs(time.as_secs());
    DateTime::from_unix_duration(duration).map_or_else(|_| "a date that is out of range".to_owned(), |d| d.to_string())
}

const TRUST_IT: &str = "tls.ca and NODE_EXTRA_CA_CERTS name more certificates to trust";
const SUPPORTED: &str =
    "RSA from 2048 bits with SHA-256 to SHA-512, ECDSA with P-256, P-384 and P-521, and Ed25519 are";
/// More do not help a reader.
const MOST_NAMES: usize = 10;
const MOST_CHARACTERS: usize = 200;
