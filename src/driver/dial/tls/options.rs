//! What the PEM texts of the option `tls` hold. Everything that can be wrong with them is found here, before any dial.

use std::sync::Arc;

use rustls::{
    crypto::ring::sign::any_supported_type,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
    sign::CertifiedKey,
};
use zeroize::Zeroizing;

use mcp_protocol::{OptionError, OptionFault, Secret, TlsOptions};

/// The option `tls`, read.
pub(super) struct Settings {
    /// Certificates to trust besides those of the machine.
    pub(super) ca: Vec<CertificateDer<'static>>,
    /// The client's own certificate.
    pub(super) identity: Option<Arc<CertifiedKey>>,
    /// The name to verify in place of the host.
    pub(super) server_name: Option<ServerName<'static>>,
}

impl Settings {
    /// Errors: name the option and the remedy, and show no key.
    pub(super) fn new(options: &TlsOptions) -> Result<Self, OptionError> {
        let mut ca = Vec::new();
        for pem in &options.ca {
            ca.extend(certificates("tls.ca", pem.expose())?);
        }
        let name = options.servername.as_deref();
        Ok(Self { ca, identity: identity(options)?, server_name: name.map(checked_name).transpose()? })
    }
}

/// A host as TLS knows it: without the zone of an address, and without the dot at the end of a name.
pub(super) fn server_name(host: &str) -> Option<ServerName<'static>> {
    let host = host.split('%').next().unwrap_or(host);
    ServerName::try_from(host.strip_suffix('.').unwrap_or(host).to_owned()).ok()
}

fn wrong(option: &str, complaint: &str) -> OptionError {
    OptionError::new(OptionFault::Type, option, complaint)
}

fn checked_name(name: &str) -> Result<ServerName<'static>, OptionError> {
    server_name(name).ok_or_else(|| wrong("tls.servername", &format!("must be a host name, got {name:?}")))
}

fn certificates(option: &str, pem: &str) -> Result<Vec<CertificateDer<'static>>, OptionError> {
    if !pem.contains("-----BEGIN ") {
        return Err(wrong(option, &no_pem(pem, "certificate", "openssl x509 -inform DER -in FILE")));
    }
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    let found = found.map_err(|_| wrong(option, "holds PEM that is damaged: copy the whole file"))?;
    if found.is_empty() {
        return Err(wrong(option, "holds no certificate: what begins with -----BEGIN CERTIFICATE----- is one"));
    }
    Ok(found)
}

fn no_pem(text: &str, thing: &str, conversion: &str) -> String {
    if text.trim().is_empty() {
        return format!("is empty: give the {thing} as PEM");
    }
    if text.len() < 1024 && text.is_ascii() && !text.contains('\n') {
        return format!(
            "must be the {thing} itself as PEM; if it is the path of a file, read that with fs.readFileSync"
        );
    }
    format!("must be PEM: what begins with -----BEGIN; `{conversion}` makes that of DER")
}

fn identity(options: &TlsOptions) -> Result<Option<Arc<CertifiedKey>>, OptionError> {
    let (cert, key) = match (&options.cert, &options.key) {
        (None, None) => return Ok(None),
        (Some(_), None) => return Err(wrong("tls.cert", "needs its private key: give it as tls.key")),
        (None, Some(_)) => return Err(wrong("tls.key", "needs its certificate: give it as tls.cert")),
        (Some(cert), Some(key)) => (cert, key),
    };
    let chain = certificates("tls.cert", cert.expose())?;
    let key = Zeroizing::new(private_key(key)?);
    let key = any_supported_type(&key).map_err(|_| {
        wrong(
            "tls.key",
            "is of a kind that is not supported: RSA from 2048 to 8192 bits, EC on P-256 or P-384, Ed25519 are",
        )
    })?;
    let own = CertifiedKey::new(chain, key);
    match own.keys_match() {
        Ok(()) => Ok(Some(Arc::new(own))),
        Err(rustls::Error::InconsistentKeys(_)) => {
            Err(wrong("tls.key", "does not match tls.cert, whose first certificate must be the client's own"))
        }
        Err(_) => Err(wrong("tls.cert", "holds a certificate that cannot be read")),
    }
}

fn private_key(key: &Secret) -> Result<PrivateKeyDer<'static>, OptionError> {
    let pem = key.expose();
    if pem.contains("-----BEGIN ENCRYPTED PRIVATE KEY-----") || pem.contains("Proc-Type: 4,ENCRYPTED") {
        let remedy =
            "is encrypted: decrypt it when the program starts, or once with `openssl pkey -in FILE -out PLAIN`";
        return Err(wrong("tls.key", remedy));
    }
    if !pem.contains("-----BEGIN ") {
        return Err(wrong("tls.key", &no_pem(pem, "private key", "openssl pkey -inform DER -in FILE")));
    }
    PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| {
        wrong("tls.key", "holds no private key that can be read: what begins with -----BEGIN PRIVATE KEY----- is one")
    })
}
