//! The option `tls`, as it is written. What the PEM texts hold is the driver's to read.

use serde_json::Value;

use super::{
    given::{Given, OptionError, OptionFault},
    values::Secret,
};

/// How to verify the server, and how to answer if it asks who we are. The default is that of the platform, and TLS 1.2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsOptions {
    /// Certificates to trust besides those of the machine, as PEM; one text may hold several. As all PEM, it may hold a
    /// private key, too.
    pub ca: Vec<Secret>,
    /// The chain of the client's certificate, as PEM.
    pub cert: Option<Secret>,
    /// Its private key, as PEM.
    pub key: Option<Secret>,
    /// The name to ask for and to verify, in place of the host.
    pub servername: Option<String>,
    /// False: any certificate of the server will do.
    pub reject_unauthorized: bool,
    /// The oldest version that is allowed is TLS 1.3.
    pub only_tls_1_3: bool,
}

impl Default for TlsOptions {
    fn default() -> Self {
        Self { ca: Vec::new(), cert: None, key: None, servername: None, reject_unauthorized: true, only_tls_1_3: false }
    }
}

impl Given<'_> {
    pub(super) fn tls(&self) -> Result<TlsOptions, OptionError> {
        let what = "an object with the properties ca, cert, key, servername, rejectUnauthorized and minVersion";
        let object = self.value.as_object().ok_or_else(|| self.must_be(OptionFault::Type, what))?;
        let mut tls = TlsOptions::default();
        for (name, value) in object {
            let full_name = format!("tls.{name}");
            let given = Given { name: &full_name, value };
            match name.as_str() {
                "ca" => tls.ca = given.strings()?.into_iter().map(Secret::new).collect(),
                "cert" => tls.cert = Some(Secret::new(given.string()?)),
                "key" => tls.key = Some(Secret::new(given.string()?)),
                "servername" => tls.servername = Some(given.string()?),
                "rejectUnauthorized" => tls.reject_unauthorized = given.boolean()?,
                "minVersion" => tls.only_tls_1_3 = given.is_tls_1_3()?,
                _ => return Err(OptionError::unknown(&full_name, NAMES.to_vec())),
            }
        }
        Ok(tls)
    }

    fn is_tls_1_3(&self) -> Result<bool, OptionError> {
        let what = "'TLSv1.2' or 'TLSv1.3'";
        match self.value {
            Value::String(version) if version == "TLSv1.2" => Ok(false),
            Value::String(version) if version == "TLSv1.3" => Ok(true),
            Value::String(_) => Err(self.must_be(OptionFault::Range, what)),
            _ => Err(self.must_be(OptionFault::Type, what)),
        }
    }
}

const NAMES: [&str; 6] =
    ["tls.ca", "tls.cert", "tls.key", "tls.servername", "tls.rejectUnauthorized", "tls.minVersion"];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(value: Value) -> Result<TlsOptions, OptionError> {
        Given { name: "tls", value: &value }.tls()
    }

    #[test]
    fn every_property_is_read() {
        let tls = parse(json!({
            "ca": "hunter2 a", "cert": "hunter2 b", "key": "hunter2", "servername": "c", "rejectUnauthorized": false,
            "minVersion": "TLSv1.3"
        }))
        .expect("valid");
        assert!(!format!("{tls:?}").contains("hunter2"));
        assert_eq!((tls.ca, tls.cert), (vec![Secret::new("hunter2 a")], Some(Secret::new("hunter2 b"))));
        assert_eq!((tls.servername.as_deref(), tls.reject_unauthorized, tls.only_tls_1_3), (Some("c"), false, true));
        assert_eq!(parse(json!({})), Ok(TlsOptions::default()));
        assert_eq!(parse(json!({ "ca": ["a", "b"] })).expect("valid").ca.len(), 2);
    }

    #[test]
    fn a_wrong_property_is_named_and_a_key_never_shown() {
        for (value, kind, message) in [
            (json!("x"), OptionFault::Type, "option \"tls\" must be an object with the properties"),
            (json!({ "ca": 1 }), OptionFault::Type, "option \"tls.ca\" must be a string"),
            (json!({ "key": ["hunter2"] }), OptionFault::Type, "option \"tls.key\" must be a string, got an array"),
            (json!({ "cert": ["hunter2"] }), OptionFault::Type, "option \"tls.cert\" must be a string, got an array"),
            (json!({ "ca": ["hunter2", 1] }), OptionFault::Type, "option \"tls.ca\" must be a string"),
            (json!({ "servername": ["hunter2"] }), OptionFault::Type, "option \"tls.servername\" must be a string"),
            (json!({ "rejectUnauthorized": 0 }), OptionFault::Type, "option \"tls.rejectUnauthorized\" must be true"),
            (json!({ "minVersion": "TLSv1" }), OptionFault::Range, "option \"tls.minVersion\" must be 'TLSv1.2' or"),
            (json!({ "minVersion": 1.3 }), OptionFault::Type, "option \"tls.minVersion\" must be 'TLSv1.2' or"),
            (json!({ "serverName": "h" }), OptionFault::Type, "unknown option \"tls.serverName\", did you mean \"tls."),
        ] {
            let error = parse(value).expect_err("it is wrong");
            assert_eq!(error.kind, kind);
            assert!(error.message.starts_with(message) && !error.message.contains("hunter2"), "{}", error.message);
        }
    }
}
