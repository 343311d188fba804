//! TLS for the proxy's clients: certificate and key from their files, read anew when these change. Not the upstream's side.

use std::{
    fmt::Display,
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use rustls::{
    ServerConfig,
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{Error as PemError, PemObject},
    },
};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use crate::{
    domain::{command::Severity, message::Message},
    engine::Engine,
};

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(2);

/// What connections are accepted with.
#[derive(Debug)]
pub(crate) struct Tls {
    cert: PathBuf,
    key: PathBuf,
    /// Replaced when the files change; held to copy a pointer only.
    config: RwLock<Arc<ServerConfig>>,
    /// Of the files as they were when they were read first.
    first: Stamp,
}

/// What tells one content of a file from the next: inode, size, and when the system last changed either.
type Stamp = [Option<(u64, u64, i64, i64)>; 2];

impl Tls {
    /// # Errors
    /// What is wrong with which file, for people.
    pub(crate) fn open(cert: &Path, key: &Path) -> Result<Self, Message> {
        // Before they are read: what changes meanwhile is read again.
        let first = stamp(cert, key);
        let config = RwLock::new(read(cert, key)?);
        Ok(Self { cert: cert.to_owned(), key: key.to_owned(), config, first })
    }

    /// The handshake.
    pub(super) async fn accept(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let config = self.config.read().unwrap_or_else(PoisonError::into_inner).clone();
        TlsAcceptor::from(config).accept(stream).await
    }

    /// Takes over what changes on disk, until it is dropped. What can't be used changes nothing, and is told once.
    pub(super) async fn follow(self: Arc<Self>, engine: Engine) {
        let mut known = self.first;
        loop {
            tokio::time::sleep(LOOK).await;
            let files = self.clone();
            let look = move || {
                let stamp = stamp(&files.cert, &files.key);
                (stamp, (stamp != known).then(|| read(&files.cert, &files.key)))
            };
            // An error means that the program ends.
            let Ok((stamp, changed)) = tokio::task::spawn_blocking(look).await else { return };
            known = stamp;
            let Some(fresh) = changed else { continue };
            match fresh {
                Ok(config) => {
                    *self.config.write().unwrap_or_else(PoisonError::into_inner) = config;
                    tracing::info!("tls_reloaded");
                    engine.tell(Severity::Info, Message::new("tls-reloaded"));
                }
                Err(why) => {
                    tracing::warn!(why = %why.id, "tls_reload_failed");
                    engine.tell(Severity::Warn, Message::new("tls-not-reloaded").with("why", why));
                }
            }
        }
    }
}

fn stamp(cert: &Path, key: &Path) -> Stamp {
    [cert, key].map(|path| {
        let found = fs::metadata(path).ok()?;
        Some((found.ino(), found.size(), found.ctime(), found.ctime_nsec()))
    })
}

/// The first certificate of a file: who serves with it is known by it.
pub(crate) fn certificate(cert: &Path) -> Result<CertificateDer<'static>, Message> {
    certificates(cert)?.into_iter().next().ok_or_else(|| Message::new("tls-no-certificate").with("path", shown(cert)))
}

fn read(cert: &Path, key: &Path) -> Result<Arc<ServerConfig>, Message> {
    let unfit = |error: &dyn Display| {
        let message = Message::new("tls-unfit").with("cert", shown(cert)).with("key", shown(key));
        message.with("error", error.to_string())
    };
    let chain = certificates(cert)?;
    let secret = PrivateKeyDer::from_pem_file(key).map_err(|error| unread(key, &error, "tls-no-key"))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| unfit(&error))?;
    // Whether the two belong together is found out here.
    let mut config = config.with_no_client_auth().with_single_cert(chain, secret).map_err(|error| unfit(&error))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn certificates(cert: &Path) -> Result<Vec<CertificateDer<'static>>, Message> {
    let none = || Message::new("tls-no-certificate").with("path", shown(cert));
    let found: Result<Vec<_>, PemError> = CertificateDer::pem_file_iter(cert).and_then(Iterator::collect);
    let found = found.map_err(|error| unread(cert, &error, "tls-no-certificate"))?;
    if found.is_empty() { Err(none()) } else { Ok(found) }
}

/// A file that can't be read, or has not in it what it should; nothing of it is quoted.
fn unread(path: &Path, error: &PemError, lacks: &'static str) -> Message {
    match error {
        PemError::Io(error) => Message::new("tls-unread").with("path", shown(path)).with("error", error.to_string()),
        _ => Message::new(lacks).with("path", shown(path)),
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
