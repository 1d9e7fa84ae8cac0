//! The bytes of one connection, plain or TLS, with as few system calls as can be.

use std::{
    error::Error,
    fs,
    io::{self, Read, Write},
    net::TcpStream,
    path::PathBuf,
    process,
    sync::Arc,
};

use rustls::{
    ClientConfig, Connection, RootCertStore, ServerConfig,
    crypto::ring,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};

/// One end of a connection.
pub(crate) struct Wire<'a> {
    stream: &'a TcpStream,
    tls: Option<Box<Connection>>,
    chunk: Vec<u8>,
}

impl<'a> Wire<'a> {
    pub(crate) fn new(stream: &'a TcpStream, tls: Option<Connection>) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        let tls = tls.map(|mut tls| {
            tls.set_buffer_limit(None);
            Box::new(tls)
        });
        Ok(Self { stream, tls, chunk: vec![0; CHUNK] })
    }

    /// Appends what one read brings, which may be nothing while TLS is at its handshake.
    ///
    /// # Errors
    ///
    /// `UnexpectedEof` at the end, `WouldBlock` after the stream's read timeout, and what the system says.
    pub(crate) fn read(&mut self, inbound: &mut Vec<u8>) -> io::Result<()> {
        let count = self.stream.read(&mut self.chunk)?;
        let mut came = self.chunk.get(..count).filter(|bytes| !bytes.is_empty()).ok_or(io::ErrorKind::UnexpectedEof)?;
        let Some(tls) = &mut self.tls else {
            inbound.extend_from_slice(came);
            return Ok(());
        };
        while !came.is_empty() {
            tls.read_tls(&mut came)?;
            let state = tls.process_new_packets().map_err(io::Error::other)?;
            let before = inbound.len();
            inbound.resize(before + state.plaintext_bytes_to_read(), 0);
            tls.reader().read_exact(&mut inbound[before..])?;
        }
        self.flush()
    }

    pub(crate) fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some(tls) = &mut self.tls else { return self.stream.write_all(bytes) };
        // In pieces: rustls keeps what it has encrypted until it is written.
        for piece in bytes.chunks(1 << 20) {
            tls.writer().write_all(piece)?;
            while tls.wants_write() {
                tls.write_tls(&mut self.stream)?;
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        while let Some(tls) = self.tls.as_mut().filter(|tls| tls.wants_write()) {
            tls.write_tls(&mut self.stream)?;
        }
        Ok(())
    }
}

/// A certificate for 127.0.0.1 that lives as long as this process.
pub(crate) struct Certificate {
    /// In PEM, for `NODE_EXTRA_CA_CERTS`.
    pub(crate) path: PathBuf,
    pub(crate) server: Arc<ServerConfig>,
    pub(crate) client: Arc<ClientConfig>,
}

impl Certificate {
    pub(crate) fn make() -> Result<Self, Box<dyn Error>> {
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()])?;
        let path = std::env::temp_dir().join(format!("mcp-bench-{}.pem", process::id()));
        fs::write(&path, made.cert.pem())?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
        let provider = Arc::new(ring::default_provider());
        let server = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)?;
        let mut roots = RootCertStore::empty();
        roots.add(made.cert.der().clone())?;
        let client = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { path, server: Arc::new(server), client: Arc::new(client) })
    }
}

/// Room for what 256 clients' calls or 64 KB of an answer bring at once.
const CHUNK: usize = 128 * 1024;
