//! Errors of TLS that are not about the server's certificate.

use std::io;

use rustls::{AlertDescription, Error, PeerIncompatible};

use mcp_protocol::SystemError;

/// The error of an encrypted stream, if TLS is its reason.
pub(super) fn tls_error(error: &io::Error, identity_was_asked: bool) -> Option<SystemError> {
    rustls_error(error).map(|error| words_of(error, identity_was_asked))
}

/// What rustls says, if it is its error.
pub(super) fn rustls_error(error: &io::Error) -> Option<&Error> {
    error.get_ref()?.downcast_ref()
}

/// In words, with the code that Node.js has for it.
pub(super) fn words_of(error: &Error, identity_was_asked: bool) -> SystemError {
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

const TOO_OLD: &str =
    "the server speaks no version of TLS that is allowed: TLS 1.2 or newer, or what tls.minVersion says";
const NOTHING_IN_COMMON: &str = "client and server have no cipher suite or key exchange in common; a certificate on P-521 \
     needs TLS 1.3";
const IDENTITY_IS_DEMANDED: &str = "the server demands a client certificate: tls.cert and tls.key";
const IDENTITY_IS_REFUSED: &str = "the server refuses the client's certificate (tls.cert)";
