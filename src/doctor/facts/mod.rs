//! What the doctor looks at, gathered from the world without changing it. No judgement (`checks`), and no secret: of a
//! token or key only what is needed to judge it is kept.

mod certificate;
mod clients;
mod files;
mod machine;
mod network;

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use jiff::Timestamp;

#[cfg(test)]
pub(super) use self::files::Disk;
pub(crate) use self::machine::holder;
pub(super) use self::{
    clients::{Client, ClientKey, Place, Style},
    files::{FileFact, Files, OpenPath, StateFact},
    machine::Port,
    network::HostFact,
};
use crate::{
    config::{Config, Environment, Problem},
    domain::{
        base_url::{BaseUrl, is_loopback},
        key::{Key, Secret},
        message::Message,
        order,
        snapshot::{Mode, Snapshot},
    },
    engine::{self, task},
};

/// A connection takes two files, one on either side, and the program some for itself.
const FILES_BESIDE: u64 = 64;

/// Where the facts come from.
#[derive(Debug)]
pub(crate) struct Sources {
    environment: Environment,
    auths_dir: PathBuf,
    state_dir: PathBuf,
    /// The proxy's own, where it speaks TLS.
    certificate: Option<PathBuf>,
    /// Each distinct host that keys are sent to.
    hosts: Vec<BaseUrl>,
    token: Option<Secret>,
    listen: SocketAddr,
    /// Keys are checked without being asked to; hosts may be too.
    polls: bool,
    settings: Settings,
}

/// What was asked for, as far as checks look at it.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) env_file: Option<String>,
    pub(super) auths_dir: String,
    /// Warnings of the settings and of the auth files.
    pub(super) problems: Vec<Problem>,
    /// Files in the auths folder whose names say that they are no auth files.
    pub(super) ignored: Vec<String>,
    pub(super) dry_run: bool,
    /// Conversations stay on their key.
    pub(super) affinity: bool,
    /// Where the proxy listens, or will.
    pub(super) listen: String,
    /// Other machines can reach it there.
    pub(super) remote: bool,
    pub(super) tls: Tls,
    pub(super) token: Option<Token>,
    /// Open files that as many connections as are allowed would take.
    pub(super) files_wanted: u64,
    /// KMI_ENFORCE_FILE_PERMS.
    pub(super) enforce: bool,
}

/// Who speaks TLS to clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tls {
    Nobody,
    /// The proxy itself.
    Own,
    /// Something in front of it.
    InFront,
}

/// How hard a token is to guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) length: usize,
    pub(super) distinct: usize,
}

/// The instance that owns the state folder.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Instance {
    /// The one that looks.
    Own,
    None,
    Running {
        pid: u32,
        version: String,
    },
    /// It holds the folder and does not answer.
    Silent {
        pid: Option<u32>,
        /// What came of asking it, where there was somebody to ask.
        why: Option<Message>,
    },
}

/// What was found.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) now: Timestamp,
    pub(super) settings: Settings,
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) instance: Instance,
    pub(super) port: Port,
    /// None = none was asked.
    pub(super) hosts: Vec<HostFact>,
    pub(super) files: Files,
    /// How many files may be open at once; `None` = as many as there are.
    pub(super) open_files: Option<u64>,
    /// When the proxy's own certificate expires, where that can be told.
    pub(super) certificate_until: Option<Timestamp>,
    pub(super) clients: Vec<Client>,
}

impl Sources {
    pub(crate) fn new(config: &Config, environment: &Environment, problems: Vec<Problem>, keys: &[Key]) -> Self {
        let tls = match (&config.proxy.tls, config.proxy.tls_terminated) {
            (Some(_), _) => Tls::Own,
            (None, true) => Tls::InFront,
            (None, false) => Tls::Nobody,
        };
        let connections = u64::try_from(config.proxy.max_connections).unwrap_or(u64::MAX);
        Self {
            environment: environment.clone(),
            auths_dir: config.auths_dir.clone(),
            state_dir: config.state_dir.clone(),
            certificate: config.proxy.tls.as_ref().map(|files| files.cert.clone()),
            hosts: hosts(&config.upstream, keys),
            token: config.proxy.token.clone(),
            listen: config.listen.address,
            polls: config.policy.checks.refresh.is_some(),
            settings: Settings {
                env_file: config.env_file.as_ref().map(|path| path.display().to_string()),
                auths_dir: config.auths_dir.display().to_string(),
                problems,
                ignored: Vec::new(),
                dry_run: config.dry_run,
                affinity: config.policy.affinity.is_some(),
                listen: config.listen.address.to_string(),
                remote: config.remote(),
                tls,
                token: config.proxy.token.as_ref().map(Token::of),
                files_wanted: connections.saturating_mul(2).saturating_add(FILES_BESIDE),
                enforce: config.enforce_permissions,
            },
        }
    }

    /// Where the proxy listens, and whether other machines can reach it: a running one may have been told otherwise than we.
    fn reach(&self, snapshot: &Snapshot, instance: &Instance) -> (String, bool) {
        let served = matches!(instance, Instance::Own | Instance::Running { .. });
        match Place::read(&snapshot.setup.address).filter(|_| served) {
            Some(place) => (place.authority(), !is_loopback(&place.host)),
            None => (self.settings.listen.clone(), self.settings.remote),
        }
    }

    /// Whether a host may be asked although nobody wants to know.
    pub(crate) fn polls(&self) -> bool {
        self.polls
    }

    /// Closes to others what is open to them: the program's own files, and the auth files.
    pub(crate) fn tighten(&self) -> files::Tightened {
        files::tighten(&self.state_dir, &self.auths_dir)
    }
}

impl Token {
    fn of(token: &Secret) -> Self {
        let bytes = token.expose().as_bytes();
        Self { length: bytes.len(), distinct: order::set(bytes.iter()).len() }
    }
}

/// Each host once, by the base URL of the first key that is sent there; without keys the configured upstream.
fn hosts(upstream: &BaseUrl, keys: &[Key]) -> Vec<BaseUrl> {
    let mut hosts: Vec<BaseUrl> = Vec::new();
    let bases = keys.iter().filter(|key| !key.disabled).map(|key| &key.base);
    for base in bases.chain(keys.is_empty().then_some(upstream)) {
        let known = |host: &BaseUrl| (host.host(), host.port()) == (base.host(), base.port());
        if !hosts.iter().any(known) {
            hosts.push(base.clone());
        }
    }
    hosts
}

/// Gathers everything; files and processes beside the network. Hosts are asked when `ask` says so, and never in dry-run.
pub(super) async fn gather(sources: Arc<Sources>, snapshot: &Arc<Snapshot>, instance: Instance, ask: bool) -> Facts {
    // The running instance may have been told otherwise than we.
    let dry_run = sources.settings.dry_run || snapshot.setup.mode == Mode::DryRun;
    let network = async { if ask && !dry_run { network::look(&sources.hosts).await } else { Vec::new() } };
    let local = {
        let (sources, instance) = (sources.clone(), instance.clone());
        task::blocking(move || Local::look(&sources, &instance))
    };
    let (hosts, local) = tokio::join!(network, local);
    let local = local.unwrap_or_default();
    let (listen, remote) = sources.reach(snapshot, &instance);
    Facts {
        now: engine::wall(),
        settings: Settings { dry_run, ignored: local.ignored, listen, remote, ..sources.settings.clone() },
        snapshot: snapshot.clone(),
        instance,
        port: local.port,
        hosts,
        files: local.files,
        open_files: local.open_files,
        certificate_until: local.certificate_until,
        clients: local.clients,
    }
}

/// What the machine itself knows: it may wait for the disk.
#[derive(Debug, Default)]
struct Local {
    ignored: Vec<String>,
    port: Port,
    files: Files,
    open_files: Option<u64>,
    certificate_until: Option<Timestamp>,
    clients: Vec<Client>,
}

impl Local {
    fn look(sources: &Sources, instance: &Instance) -> Self {
        Self {
            ignored: files::ignored(&sources.auths_dir),
            port: machine::port(sources.listen, instance),
            files: files::look(&sources.state_dir, &sources.auths_dir),
            open_files: machine::open_files(),
            certificate_until: sources.certificate.as_deref().and_then(certificate::expires),
            clients: clients::look(&sources.environment, sources.token.as_ref()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::key::sample;

    #[test]
    fn each_host_is_asked_once_and_a_key_that_is_off_counts_not() {
        let upstream = BaseUrl::parse("https://api.kimi.com/coding/v1").expect("valid");
        let of = |keys: &[Key]| hosts(&upstream, keys).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(of(&[]), ["https://api.kimi.com/coding/v1"]);
        let keys = [
            sample("a", "https://api.kimi.com/coding/v1"),
            sample("b", "https://API.kimi.com:443/v1"),
            sample("c", "https://api.moonshot.ai/v1"),
            Key { disabled: true, ..sample("d", "https://api.moonshot.cn/v1") },
        ];
        assert_eq!(of(&keys), ["https://api.kimi.com/coding/v1", "https://api.moonshot.ai/v1"]);
    }

    #[test]
    fn of_a_token_only_its_measures_are_kept() {
        let token = Token::of(&Secret::new("aaaabbbb").expect("valid"));
        assert_eq!(token, Token { length: 8, distinct: 2 });
    }
}
