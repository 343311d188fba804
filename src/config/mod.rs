//! What the user asked for: flags, environment, `.env` files and auth files, read and checked, and read again when they
//! changed. Not live state (`engine`).

mod allowlist;
mod auths;
mod build;
mod clients;
pub(crate) mod content;
mod dotenv;
pub(crate) mod env_file;
mod environment;
mod layers;
mod listen;
mod load;
mod problem;
mod reload;
mod sample;
mod settings;
mod trust;
mod watch;
mod zone;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use jiff::tz::TimeZone;

pub(crate) use self::{
    allowlist::Allowlist,
    auths::{
        AuthFiles, edit,
        elsewhere::{Elsewhere, Held, elsewhere},
        free_label, is_auth_file,
    },
    clients::client_files,
    environment::Environment,
    layers::{env_path, state_dir, typed},
    load::{Flags, Loaded, Source, examine, load, locale_guess},
    problem::Problem,
    reload::{in_force, needs_restart, reload},
    sample::{explained, new_file, sample},
    trust::{is_trusted, trust},
    watch::{Pace, Watched, Watcher},
};
use crate::{
    domain::{
        alert::Call,
        base_url::BaseUrl,
        key::Secret,
        policy::{Policy, Rotation},
    },
    i18n::Locale,
};

/// Everything the program was told, checked.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub(crate) auths_dir: PathBuf,
    pub(crate) state_dir: PathBuf,
    /// The `.env` that was read, if any.
    pub(crate) env_file: Option<PathBuf>,
    pub(crate) listen: Listen,
    /// KMI_METRICS_LISTEN; `None` = no port of its own.
    pub(crate) metrics: Option<Listen>,
    /// Starts with `/`, does not end with it; `/kmi-rotor/v1`.
    pub(crate) base_path: String,
    pub(crate) upstream: BaseUrl,
    /// KMI_UPSTREAM_ALLOWLIST beside the hosts that are always allowed; auth files are held to it.
    pub(crate) allowlist: Allowlist,
    pub(crate) dry_run: bool,
    pub(crate) policy: Policy,
    pub(crate) proxy: ProxyConfig,
    /// KMI_AUTO_ROTATE_E2E: switching auto-rotation on from the command line checks it end to end.
    pub(crate) auto_rotate_e2e: bool,
    pub(crate) trace_rotation: Rotation,
    pub(crate) log_rotation: Rotation,
    pub(crate) trace_prompts: bool,
    /// KMI_WRITE_CONFIG: a rotation by command puts the key into kimi-cli's own file.
    pub(crate) write_kimi_config: bool,
    pub(crate) zone: TimeZone,
    pub(crate) locale: Locale,
    /// KMI_THEME: a name, or `auto`; which names there are, `cli` finds out.
    pub(crate) theme: String,
    /// KMI_FPS: the shortest time between two frames of the dashboard.
    pub(crate) frame: Duration,
    pub(crate) reduced_motion: bool,
    /// KMI_NOTIFY.
    pub(crate) call: Call,
    pub(crate) plain: bool,
    pub(crate) no_color: bool,
    pub(crate) audit_actor: String,
    pub(crate) enforce_permissions: bool,
    /// KMI_SHUTDOWN_SECONDS.
    pub(crate) shutdown: Duration,
}

impl Config {
    /// Whether other machines can reach the proxy.
    pub(crate) fn remote(&self) -> bool {
        !self.listen.is_loopback()
    }
}

/// Where the proxy listens: as typed, and what it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listen {
    /// The host as typed, brackets removed: an address or `localhost`.
    pub(crate) host: String,
    pub(crate) address: SocketAddr,
}

/// Settings of the proxy's edge.
#[derive(Debug, Clone)]
pub(crate) struct ProxyConfig {
    /// `None` = open.
    pub(crate) token: Option<Secret>,
    pub(crate) allow_remote: bool,
    pub(crate) require_tls: bool,
    /// Something in front speaks TLS; clients are told `https`.
    pub(crate) tls_terminated: bool,
    /// `Some` = TLS is served here.
    pub(crate) tls: Option<TlsFiles>,
    pub(crate) connect_timeout: Duration,
    pub(crate) head_timeout: Duration,
    pub(crate) idle_timeout: Duration,
    /// Bytes.
    pub(crate) max_body: usize,
    pub(crate) max_connections: usize,
    /// KMI_PROXY_HEADERS: answers carry `x-kmi-key` and the like.
    pub(crate) headers: bool,
}

/// PEM files of the proxy's own TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TlsFiles {
    pub(crate) cert: PathBuf,
    pub(crate) key: PathBuf,
}
