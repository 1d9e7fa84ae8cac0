//! What went wrong in TLS, in words, with the code that Node.js has for it.

use std::{io, time::Duration};

use rustls::{
    AlertDescription, CertificateError, Error, PeerIncompatible,
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use x509_cert::{
    Certificate,
    der::{DateTime, Decode},
    ext::pkix::{SubjectAltName, name::GeneralName},
};

use super::observe::Seen;
use mcp_protocol::{SystemError, TlsFailure};

/// Why a handshake failed.
pub(super) fn handshake_failure(error: &io::Error, seen: Seen) -> TlsFailure {
    let Some(by_tls) = rustls_error(error) else {
        let system = super::super::system_error::system_error(error);
        let is_end = error.kind() == io::ErrorKind::UnexpectedEof;
        return if is_end { TlsFailure::Closed(system) } else { TlsFailure::Broken(system) };
    };
    match (by_tls, seen.refusal) {
        (Error::InvalidCertificate(_), Some(refusal)) => TlsFailure::Certificate(refusal),
        (Error::InvalidCertificate(reason), None) => TlsFailure::Certificate(certificate_words(reason)),
        _ => TlsFailure::Handshake(tls_words(by_tls, seen.identity_was_asked)),
    }
}

/// The error of an encrypted stream, if TLS is its reason.
pub(in crate::driver::dial) fn stream_error(error: &io::Error, identity_was_asked: bool) -> Option<SystemError> {
    rustls_error(error).map(|error| tls_words(error, identity_was_asked))
}

fn rustls_error(error: &io::Error) -> Option<&Error> {
    error.get_ref()?.downcast_ref()
}

fn tls_words(error: &Error, identity_was_asked: bool) -> SystemError {
    let (code, words) = match error {
        Error::AlertReceived(alert) => return alert_words(*alert, identity_was_asked),
        Error::InvalidMessage(_) => (
            Some("ERR_SSL_WRONG_VERSION_NUMBER"),
            "what the server sends is not TLS; if it speaks none on this port, the url begins with ws://",
        ),
        Error::PeerIncompatible(
            PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
            | PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::Tls12NotOffered
            | PeerIncompatible::Tls12NotOfferedOrEnabled
            | PeerIncompatible::Tls13RequiredForQuic,
        ) => (Some("ERR_SSL_UNSUPPORTED_PROTOCOL"), TOO_OLD),
        Error::PeerIncompatible(_) => (Some("ERR_SSL_NO_SHARED_CIPHER"), NOTHING_IN_COMMON),
        Error::DecryptError | Error::PeerSentOversizedRecord => {
            (Some("ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC"), "what came was damaged on its way")
        }
        _ => (Some("ERR_SSL_UNEXPECTED_MESSAGE"), "the server does not keep to the rules of TLS"),
    };
    SystemError::new(code, words)
}

fn alert_words(alert: AlertDescription, identity_was_asked: bool) -> SystemError {
    let (code, words) = match alert {
        AlertDescription::ProtocolVersion => ("ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION", TOO_OLD),
        AlertDescription::HandshakeFailure if identity_was_asked => {
            ("ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE", IDENTITY_IS_DEMANDED)
        }
        AlertDescription::HandshakeFailure => ("ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE", NOTHING_IN_COMMON),
        AlertDescription::InsufficientSecurity => ("ERR_SSL_TLSV1_ALERT_INSUFFICIENT_SECURITY", NOTHING_IN_COMMON),
        AlertDescription::CertificateRequired => ("ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED", IDENTITY_IS_DEMANDED),
        AlertDescription::BadCertificate => ("ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE", IDENTITY_IS_REFUSED),
        AlertDescription::UnsupportedCertificate => {
            ("ERR_SSL_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE", IDENTITY_IS_REFUSED)
        }
        AlertDescription::CertificateRevoked => ("ERR_SSL_SSLV3_ALERT_CERTIFICATE_REVOKED", IDENTITY_IS_REFUSED),
        AlertDescription::CertificateExpired => ("ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED", IDENTITY_IS_REFUSED),
        AlertDescription::CertificateUnknown => ("ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN", IDENTITY_IS_REFUSED),
        AlertDescription::UnknownCA => ("ERR_SSL_TLSV1_ALERT_UNKNOWN_CA", IDENTITY_IS_REFUSED),
        AlertDescription::AccessDenied => ("ERR_SSL_TLSV1_ALERT_ACCESS_DENIED", IDENTITY_IS_REFUSED),
        AlertDescription::UnrecognisedName => {
            ("ERR_SSL_TLSV1_UNRECOGNIZED_NAME", "the server has no host of this name; tls.servername asks for another")
        }
        AlertDescription::InternalError => {
            ("ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR", "the server reports an internal error")
        }
        other => {
            let words = format!("the server broke the connection off with the TLS alert {}", u8::from(other));
            return SystemError::new(None, words);
        }
    };
    SystemError::new(Some(code), words)
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
const TOO_OLD: &str =
    "the server speaks no version of TLS that is allowed: TLS 1.2 or newer, or what tls.minVersion says";
const NOTHING_IN_COMMON: &str = "client and server have no cipher suite or key exchange in common";
const IDENTITY_IS_DEMANDED: &str = "the server demands a client certificate: tls.cert and tls.key";
const IDENTITY_IS_REFUSED: &str = "the server refuses the client's certificate (tls.cert)";
const SUPPORTED: &str =
    "RSA from 2048 bits with SHA-256 to SHA-512, ECDSA with P-256, P-384 and P-521, and Ed25519 are";
/// More do not help a reader.
const MOST_NAMES: usize = 10;
const MOST_CHARACTERS: usize = 200;
