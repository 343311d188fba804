//! What the doctor looks at, gathered from the world without changing it. No judgement (`checks`).

use std::{
    fs, io,
    net::{IpAddr, SocketAddr},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::net::TcpStream;

use crate::{
    config::{Config, Problem},
    domain::{base_url::BaseUrl, message::Message, snapshot::Snapshot},
};

/// An upstream that takes longer to accept a connection is reported as unreachable.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Where the facts come from.
#[derive(Debug)]
pub(crate) struct Sources {
    env_file: Option<PathBuf>,
    state_dir: PathBuf,
    auths_dir: PathBuf,
    upstream: BaseUrl,
    remote: bool,
    token: bool,
    dry_run: bool,
    affinity: bool,
    problems: Vec<Problem>,
}

/// What was found.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) env_file: Option<String>,
    pub(super) auths_dir: String,
    /// Warnings of the settings and of the auth files.
    pub(super) problems: Vec<Problem>,
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) dry_run: bool,
    /// Conversations stay on their key.
    pub(super) affinity: bool,
    pub(super) remote: bool,
    pub(super) token: bool,
    pub(super) upstream: Reached,
    /// Files and folders that others on this machine may read, with their modes.
    pub(super) open_to_others: Vec<String>,
    pub(super) state: FileFact,
    pub(super) trace: FileFact,
    pub(super) log: FileFact,
}

/// Whether the upstream accepts connections.
#[derive(Debug)]
pub(super) enum Reached {
    NotTried,
    Yes { host: String, took: Duration },
    No { host: String, error: String },
}

/// A file that the program keeps.
#[derive(Debug)]
pub(super) enum FileFact {
    Missing,
    Unreadable(String),
    Present { bytes: u64 },
}

impl Sources {
    pub(crate) fn new(config: &Config, problems: Vec<Problem>) -> Self {
        Self {
            env_file: config.env_file.clone(),
            state_dir: config.state_dir.clone(),
            auths_dir: config.auths_dir.clone(),
            upstream: config.upstream.clone(),
            remote: config.remote(),
            token: config.proxy.token.is_some(),
            dry_run: config.dry_run,
            affinity: config.policy.affinity.is_some(),
            problems,
        }
    }

    pub(super) async fn gather(&self, snapshot: &Arc<Snapshot>) -> Facts {
        Facts {
            env_file: self.env_file.as_ref().map(|path| path.display().to_string()),
            auths_dir: self.auths_dir.display().to_string(),
            problems: self.problems.clone(),
            snapshot: snapshot.clone(),
            dry_run: self.dry_run,
            affinity: self.affinity,
            remote: self.remote,
            token: self.token,
            upstream: if self.dry_run { Reached::NotTried } else { reach(&self.upstream).await },
            open_to_others: self.private_paths().iter().filter_map(|path| open_mode(path)).collect(),
            state: file(&self.state_dir.join("state.json")),
            trace: file(&self.state_dir.join("trace/trace.jsonl")),
            log: file(&self.state_dir.join("logs/kmi.log")),
        }
    }

    fn private_paths(&self) -> Vec<PathBuf> {
        let own = ["", "state.json", "trace", "trace/trace.jsonl", "logs", "logs/kmi.log"];
        let mut paths: Vec<PathBuf> = own.iter().map(|name| self.state_dir.join(name)).collect();
        paths.push(self.auths_dir.clone());
        paths.extend(fs::read_dir(&self.auths_dir).into_iter().flatten().flatten().map(|entry| entry.path()));
        paths
    }
}

async fn reach(base: &BaseUrl) -> Reached {
    let host = base.host();
    let port = base.port();
    let began = Instant::now();
    match tokio::time::timeout(CONNECT_TIMEOUT, connect(&host, port)).await {
        Ok(Ok(())) => Reached::Yes { host, took: began.elapsed() },
        Ok(Err(error)) => Reached::No { host, error: error.to_string() },
        Err(_) => Reached::No { host, error: "no answer".to_owned() },
    }
}

async fn connect(host: &str, port: u16) -> io::Result<()> {
    match host.parse::<IpAddr>() {
        Ok(address) => TcpStream::connect(SocketAddr::new(address, port)).await,
        Err(_) => TcpStream::connect((host, port)).await,
    }
    .map(drop)
}

fn open_mode(path: &Path) -> Option<String> {
    let mode = fs::metadata(path).ok()?.permissions().mode() & 0o777;
    (mode & 0o077 != 0).then(|| format!("{} ({mode:o})", path.display()))
}

fn file(path: &Path) -> FileFact {
    match fs::metadata(path) {
        Ok(metadata) => match fs::File::open(path) {
            Ok(_) => FileFact::Present { bytes: metadata.len() },
            Err(error) => FileFact::Unreadable(error.to_string()),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => FileFact::Missing,
        Err(error) => FileFact::Unreadable(error.to_string()),
    }
}

impl Facts {
    /// A problem as the finding's text.
    pub(super) fn problem_messages(&self) -> impl Iterator<Item = (&Problem, Message)> {
        self.problems.iter().map(|problem| (problem, problem.message.clone()))
    }
}
