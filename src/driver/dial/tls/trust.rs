//! What this process trusts: the verification of the operating system, or where it has none the certificates of the
//! machine, or those of Node.js if there are none; `SSL_CERT_FILE` and `SSL_CERT_DIR` in place of all that; and the
//! certificates of `NODE_EXTRA_CA_CERTS`.

use std::{
    collections::HashSet,
    env,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use rustls_native_certs::{CertificateResult, ErrorKind, load_certs_from_paths};
use tokio::sync::{OnceCell, watch};

use super::system;
use crate::driver::dial::{
    owner::Owner,
    system_error::{exhaustion, system_error},
    thread,
};
use mcp_protocol::{DialFailure, DialPhase, LogLevel};

/// What is trusted.
#[derive(Debug, Clone)]
pub(super) struct Store {
    /// Authorities.
    pub(super) roots: RootCertStore,
    /// The same certificates, as they are: one of them may be a server's own.
    pub(super) certificates: HashSet<CertificateDer<'static>>,
    /// The operating system is asked about servers that these certificates do not vouch for.
    pub(super) asks_system: bool,
}

impl Store {
    fn empty() -> Self {
        Self { roots: RootCertStore::empty(), certificates: HashSet::new(), asks_system: false }
    }

    /// Adds a certificate. False if it cannot be an authority.
    pub(super) fn add(&mut self, certificate: CertificateDer<'static>) -> bool {
        let is_root = self.roots.add(certificate.clone()).is_ok();
        self.certificates.insert(certificate);
        is_root
    }
}

/// Files and folders with certificates.
struct Places {
    file: Option<PathBuf>,
    folders: Vec<PathBuf>,
}

impl Places {
    /// Those that the user names in place of the system's. An empty variable is not set, as for curl and Go; OpenSSL
    /// would trust nothing.
    fn in_environment() -> Option<Self> {
        let file = path_in(FILE).map(PathBuf::from);
        let folders = path_in(FOLDERS).unwrap_or_default();
        let folders: Vec<_> = env::split_paths(&folders).filter(|folder| !folder.as_os_str().is_empty()).collect();
        (file.is_some() || !folders.is_empty()).then_some(Self { file, folders })
    }

    /// Blocks for milliseconds.
    fn load(&self) -> CertificateResult {
        let (first, others) = match &self.folders[..] {
            [] => (None, &[][..]),
            [first, others @ ..] => (Some(first.as_path()), others),
        };
        let mut all = load_certs_from_paths(self.file.as_deref(), first);
        for folder in others {
            let more = load_certs_from_paths(None, Some(folder));
            all.certs.extend(more.certs);
            all.errors.extend(more.errors);
        }
        all
    }

    /// The variables that name them.
    fn variables(&self) -> &'static str {
        match (&self.file, &self.folders[..]) {
            (Some(_), []) => FILE,
            (Some(_), _) => "SSL_CERT_FILE and SSL_CERT_DIR",
            (None, _) => FOLDERS,
        }
    }
}

/// What was found when the certificates were read, for the log of each client.
struct Found {
    store: Arc<Store>,
    notes: Vec<(LogLevel, String)>,
}

/// What this process trusts. It is read at the first `wss:` dial.
pub(super) async fn store(owner: &dyn Owner) -> Result<Arc<Store>, DialFailure> {
    let found = FOUND.get_or_try_init(|| find(owner)).await?;
    for (level, message) in &found.notes {
        owner.note(*level, message);
    }
    Ok(Arc::clone(&found.store))
}

/// Takes the certificates that the runtime brings, as PEM.
pub(in crate::driver) fn answer_roots(pem: &str) {
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem.as_bytes()).filter_map(Result::ok).collect();
    ROOTS_OF_NODE.send_replace(Some(certificates.into()));
}

async fn find(owner: &dyn Owner) -> Result<Found, DialFailure> {
    let (mut store, mut notes) = (Store::empty(), Vec::new());
    match (Places::in_environment(), system::places()) {
        (Some(places), _) => {
            let variables = places.variables();
            let errors = load(&mut store, places).await?;
            if store.certificates.is_empty() {
                let message = format!("{variables}: no certificate is trusted, for none was found: {errors}");
                notes.push((LogLevel::Warn, message));
            }
        }
        (None, None) => store.asks_system = true,
        (None, Some((file, folders))) => {
            load(&mut store, Places { file, folders }).await?;
            if store.certificates.is_empty() {
                for certificate in roots_of_node(owner).await.iter() {
                    store.add(certificate.clone());
                }
                let message = "this machine has no store of certificates: those that Node.js brings are trusted";
                notes.push((LogLevel::Info, message.to_owned()));
            }
        }
    }
    add_extra(&mut store, &mut notes);
    notes.extend(answers_to_variables());
    Ok(Found { store: Arc::new(store), notes })
}

/// Adds the certificates of these places. Returns what went wrong with some of them.
async fn load(store: &mut Store, places: Places) -> Result<String, DialFailure> {
    let exhausted = |error| DialFailure::Exhausted { phase: Some(DialPhase::Tls), error };
    let loaded =
        thread::run(system::THREAD_NAME, move || places.load()).await.map_err(|error| exhausted(exhaustion(&error)))?;
    if let Some(error) = handles_ran_out(&loaded) {
        return Err(exhausted(error));
    }
    for certificate in loaded.certs {
        store.add(certificate);
    }
    let errors: Vec<_> = loaded.errors.iter().map(ToString::to_string).collect();
    Ok(errors.join("; "))
}

fn handles_ran_out(result: &CertificateResult) -> Option<mcp_protocol::SystemError> {
    let errors = result.errors.iter().filter_map(|error| match &error.kind {
        ErrorKind::Io { inner, .. } => Some(system_error(inner)),
        _ => None,
    });
    errors.into_iter().find(mcp_protocol::SystemError::is_exhaustion)
}

/// Waits for them, within the time that the dial has.
async fn roots_of_node(owner: &dyn Owner) -> Arc<[CertificateDer<'static>]> {
    let mut roots = ROOTS_OF_NODE.subscribe();
    if roots.borrow().is_none() {
        owner.ask_roots();
    }
    // The sender is static: it cannot go away.
    roots.wait_for(Option::is_some).await.map_or_else(|_| [].into(), |roots| roots.clone().unwrap_or_default())
}

/// As in Node.js, what cannot be read is a warning, not an error.
fn add_extra(store: &mut Store, notes: &mut Vec<(LogLevel, String)>) {
    let Some(path) = path_in(EXTRA) else { return };
    let path = Path::new(&path);
    let mut warn = |complaint: &str| {
        notes.push((LogLevel::Warn, format!("{EXTRA} ({}): {complaint}", path.display())));
    };
    let pem = match std::fs::read(path) {
        Ok(pem) => pem,
        Err(error) => return warn(&format!("it is ignored, for it cannot be read: {error}")),
    };
    let (mut read, mut damaged) = (0, 0);
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        match certificate {
            Ok(certificate) if store.add(certificate.clone()) => read += 1,
            _ => damaged += 1,
        }
    }
    if damaged > 0 {
        warn(&format!("{damaged} of its certificates cannot be read; {read} are trusted"));
    } else if read == 0 {
        warn("it holds no certificate");
    }
}

/// What other variables of Node.js mean here.
fn answers_to_variables() -> Vec<(LogLevel, String)> {
    let is_set = |name, value| env::var_os(name).is_some_and(|found| found == value);
    let mut answers = Vec::new();
    if is_set("NODE_TLS_REJECT_UNAUTHORIZED", "0") {
        let message =
            "NODE_TLS_REJECT_UNAUTHORIZED=0 is ignored: the option tls.rejectUnauthorized turns verification off";
        answers.push((LogLevel::Warn, message.to_owned()));
    }
    if is_set("NODE_USE_SYSTEM_CA", "1") {
        let message = "NODE_USE_SYSTEM_CA=1 changes nothing: the certificates of the system are trusted in any case";
        answers.push((LogLevel::Info, message.to_owned()));
    }
    answers
}

/// An empty variable is not set.
fn path_in(name: &str) -> Option<std::ffi::OsString> {
    env::var_os(name).filter(|path| !path.is_empty())
}

const FILE: &str = "SSL_CERT_FILE";
const FOLDERS: &str = "SSL_CERT_DIR";
const EXTRA: &str = "NODE_EXTRA_CA_CERTS";

static FOUND: OnceCell<Found> = OnceCell::const_new();
static ROOTS_OF_NODE: std::sync::LazyLock<watch::Sender<Option<Arc<[CertificateDer<'static>]>>>> =
    std::sync::LazyLock::new(|| watch::Sender::new(None));
