//! The operating system's part in verifying a server. macOS and Windows verify themselves: by their stores, the user's
//! among them, by what their administrator has decided, and by lists of revoked certificates. Linux has files with
//! certificates, and we verify.

use std::{error, fmt, path::PathBuf, sync::Arc};

use rustls::{CertificateError, Error, OtherError, client::danger::ServerCertVerifier, crypto::CryptoProvider};

/// The system may ask the network before it answers, for seconds.
pub(super) const MAY_BLOCK: bool = cfg!(any(windows, target_os = "macos"));

/// At most 15 bytes, or Linux cuts it.
pub(super) const THREAD_NAME: &str = "mcp-client-tls";

/// The verification of the system, if it has one.
#[cfg(any(windows, target_os = "macos"))]
pub(super) fn verifier(provider: Arc<CryptoProvider>) -> Option<Arc<dyn ServerCertVerifier>> {
    let verifier = rustls_platform_verifier::Verifier::new(provider).ok()?;
    Some(Arc::new(verifier))
}

/// The verification of the system, if it has one.
#[cfg(not(any(windows, target_os = "macos")))]
pub(super) fn verifier(_provider: Arc<CryptoProvider>) -> Option<Arc<dyn ServerCertVerifier>> {
    None
}

/// The file and the folders in which the system has its certificates. `None` if it verifies itself.
#[cfg(any(windows, target_os = "macos"))]
pub(super) fn places() -> Option<(Option<PathBuf>, Vec<PathBuf>)> {
    None
}

/// The file and the folders in which the system has its certificates. `None` if it verifies itself.
#[cfg(not(any(windows, target_os = "macos")))]
pub(super) fn places() -> Option<(Option<PathBuf>, Vec<PathBuf>)> {
    let places = openssl_probe::probe();
    Some((places.cert_file, places.cert_dir))
}

/// A refusal of the system, as rustls would have it. Some of its reasons come as a text that ends with their number.
pub(super) fn reason_of(error: Error) -> Error {
    let text = match error {
        Error::InvalidCertificate(CertificateError::Other(other)) => other.0.to_string(),
        Error::General(text) => text,
        known => return known,
    };
    match number_at_the_end(&text) {
        Some(NOT_TRUSTED | CHAINING) => CertificateError::UnknownIssuer.into(),
        Some(BAD_SIGNATURE) => CertificateError::BadSignature.into(),
        _ if text == WRONG_USAGE => CertificateError::InvalidPurpose.into(),
        _ => CertificateError::Other(OtherError(Arc::new(Refusal(text)))).into(),
    }
}

/// What the system said, if this is a refusal of it for which there are no other words.
pub(super) fn refusal_in(error: &OtherError) -> Option<&str> {
    error.0.downcast_ref().map(|Refusal(text)| text.as_str())
}

#[derive(Debug)]
struct Refusal(String);

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl error::Error for Refusal {}

/// `…: -67843` on macOS, `… (os error -2146762486)` on Windows.
fn number_at_the_end(text: &str) -> Option<i32> {
    text.trim_end_matches(')').rsplit(' ').next()?.parse().ok()
}

/// `errSecNotTrusted` of macOS: the chain ends with an authority that is not trusted.
const NOT_TRUSTED: i32 = -67_843;
/// `CERT_E_CHAINING` of Windows: the chain ends before an authority.
const CHAINING: i32 = 0x800b_010a_u32.cast_signed();
/// `TRUST_E_CERT_SIGNATURE` of Windows.
const BAD_SIGNATURE: i32 = 0x8009_6004_u32.cast_signed();
/// The words of the verifier of macOS for `errSecInvalidExtendedKeyUsage`.
const WRONG_USAGE: &str = "certificate had invalid extensions";

#[cfg(test)]
mod tests {
    use super::*;

    fn other(text: &str) -> Error {
        CertificateError::Other(OtherError(Arc::from(Box::from(text)))).into()
    }

    #[test]
    fn what_macos_and_windows_say_is_told_as_rustls_has_it() {
        for (text, reason) in [
            ("\u{201c}a.example\u{201d} certificate is not trusted: -67843", CertificateError::UnknownIssuer),
            (
                "A certificate chain could not be built to a trusted root authority. (os error -2146762486)",
                CertificateError::UnknownIssuer,
            ),
            (
                "The signature of the certificate cannot be verified. (os error -2146869244)",
                CertificateError::BadSignature,
            ),
            ("certificate had invalid extensions", CertificateError::InvalidPurpose),
        ] {
            assert_eq!(reason_of(other(text)), reason.into(), "{text}");
        }
        for known in [CertificateError::NotValidForName, CertificateError::Revoked, CertificateError::UnknownIssuer] {
            assert_eq!(reason_of(known.clone().into()), known.into());
        }
    }

    #[test]
    fn what_else_it_says_is_told_in_its_own_words() {
        for (error, words) in [
            (other("\u{201c}a\u{201d} certificate is not standards compliant: -67901"), "standards compliant: -67901"),
            (Error::General("verification is not available".to_owned()), "not available"),
        ] {
            let Error::InvalidCertificate(CertificateError::Other(other)) = reason_of(error) else {
                panic!("it has no other words")
            };
            assert!(refusal_in(&other).is_some_and(|text| text.ends_with(words)));
        }
        assert_eq!(refusal_in(&OtherError(Arc::from(Box::from("of another library")))), None);
    }
}
