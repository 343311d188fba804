//! From texts to a `Config`: what each value means, and which must not stand together. Not where they come from.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    Allowlist, Config, Environment, Flags, Listen, Problem, ProxyConfig, Source, TlsFiles,
    layers::{self, Values},
    listen, load,
    settings::{self, STRATEGIES},
    zone,
};
use crate::{
    domain::{
        alert::{Call, Way},
        base_url::{BaseUrl, BaseUrlFault},
        key::Secret,
        message::Message,
        policy::{CheckPlan, Policy, RateLimit, Rotation, Strategy},
        text,
    },
    i18n::Locale,
};

/// Usage is never asked for more often than this in steady state.
const FASTEST_REFRESH: Duration = Duration::from_secs(300);
/// The shortest token that may guard a remote address.
const SHORTEST_TOKEN: usize = 16;
const MEBIBYTE: u64 = 1024 * 1024;

/// The checked settings; `None` when something is so wrong that there is none. Problems tell what.
pub(super) fn config(
    values: &Values,
    env_file: Option<PathBuf>,
    flags: &Flags,
    environment: &Environment,
    problems: &mut Vec<Problem>,
) -> Option<Config> {
    let mut builder = Builder { values, flags, environment, problems };
    // Each part reports before any of them ends the attempt: all errors at once.
    let (auths_dir, state_dir) = (builder.auths_dir(), builder.folder("KMI_STATE_DIR", flags.state_dir.as_deref()));
    let (listen, base_path) = (builder.listen(), builder.base_path());
    let allowlist = Allowlist::new(builder.text("KMI_UPSTREAM_ALLOWLIST"));
    let (upstream, zone, locale) = (builder.upstream(&allowlist), builder.zone(), builder.locale());
    let proxy = builder.proxy();
    if let Some(listen) = &listen {
        builder.check_remote(listen, &proxy);
    }
    let metrics = builder.metrics(&proxy);
    Some(Config {
        auths_dir: auths_dir?,
        state_dir: state_dir?,
        env_file,
        listen: listen?,
        metrics,
        base_path: base_path?,
        upstream: upstream?,
        allowlist,
        dry_run: builder.switch("KMI_DRY_RUN"),
        policy: builder.policy(),
        proxy,
        auto_rotate_e2e: builder.switch("KMI_AUTO_ROTATE_E2E"),
        trace_rotation: builder.rotation("KMI_TRACE_MAX_MB", "KMI_TRACE_BACKUPS"),
        log_rotation: builder.rotation("KMI_LOG_MAX_MB", "KMI_LOG_BACKUPS"),
        trace_prompts: builder.switch("KMI_TRACE_PROMPTS"),
        write_kimi_config: builder.switch("KMI_WRITE_CONFIG"),
        zone: zone?,
        locale: locale?,
        theme: builder.text("KMI_THEME").trim().to_ascii_lowercase(),
        frame: Duration::from_secs(1) / u32::try_from(builder.number("KMI_FPS")).unwrap_or(1).max(1),
        reduced_motion: builder.switch("KMI_REDUCED_MOTION"),
        call: builder.call(),
        plain: builder.switch("KMI_PLAIN"),
        no_color: builder.switch("KMI_NO_COLOR") || !builder.text("NO_COLOR").is_empty(),
        audit_actor: builder.audit_actor(),
        enforce_permissions: builder.switch("KMI_ENFORCE_FILE_PERMS"),
        shutdown: Duration::from_secs(builder.number("KMI_SHUTDOWN_SECONDS")),
    })
}

struct Builder<'a> {
    values: &'a Values,
    flags: &'a Flags,
    environment: &'a Environment,
    problems: &'a mut Vec<Problem>,
}

/// What stands together.
impl Builder<'_> {
    fn auths_dir(&mut self) -> Option<PathBuf> {
        let typed = self.flags.auths_dir.is_some() || !self.text("KMI_AUTHS_DIR").is_empty();
        if typed {
            return self.folder("KMI_AUTHS_DIR", self.flags.auths_dir.as_deref());
        }
        let near = self.environment.cwd.join("_auths");
        let of_home = self.environment.home.as_ref().map(|home| home.join(".kimi/_auths"));
        Some(if near.is_dir() { near } else { of_home.unwrap_or(near) })
    }

    fn listen(&mut self) -> Option<Listen> {
        let listen = Listen::parse(self.text("KMI_PROXY_LISTEN"));
        self.need(listen, "KMI_PROXY_LISTEN", "config-listen")
    }

    /// No token and no TLS there, so beyond loopback only when that is said twice.
    fn metrics(&mut self, proxy: &ProxyConfig) -> Option<Listen> {
        const NAME: &str = "KMI_METRICS_LISTEN";
        let text = self.text(NAME);
        if text.is_empty() {
            return None;
        }
        let listen = Listen::parse(text);
        let listen = self.need(listen, NAME, "config-listen")?;
        if !listen.is_loopback() && !proxy.allow_remote {
            self.fail(NAME, Message::new("config-remote").with("address", listen.address.to_string()));
        }
        Some(listen)
    }

    fn call(&self) -> Call {
        let way = match self.text("KMI_NOTIFY").trim().to_ascii_lowercase().as_str() {
            "bell" => Some(Way::Bell),
            "terminal" => Some(Way::Terminal),
            "desktop" => Some(Way::Desktop),
            _ => None,
        };
        Call { way, percent: u8::try_from(self.number("KMI_NOTIFY_QUOTA_PERCENT")).unwrap_or(100) }
    }

    fn base_path(&mut self) -> Option<String> {
        let path = listen::base_path(self.text("KMI_PROXY_BASE_PATH"));
        self.need(path, "KMI_PROXY_BASE_PATH", "config-base-path")
    }

    fn upstream(&mut self, allowlist: &Allowlist) -> Option<BaseUrl> {
        const NAME: &str = "KMI_UPSTREAM_BASE_URL";
        let upstream = match BaseUrl::parse(self.text(NAME)) {
            Ok(upstream) => upstream,
            Err(fault) => {
                self.fail(NAME, Message::new("config-upstream").with("reason", Message::new(url_fault(fault))));
                return None;
            }
        };
        if !allowlist.allows(&upstream) {
            self.fail(NAME, Message::new("config-upstream-not-allowed").with("host", upstream.host()));
        }
        Some(upstream)
    }

    fn zone(&mut self) -> Option<jiff::tz::TimeZone> {
        let zone = zone::parse(self.text("KMI_TIMEZONE"));
        self.need(zone, "KMI_TIMEZONE", "config-zone")
    }

    fn locale(&mut self) -> Option<Locale> {
        match self.text("KMI_LOCALE") {
            "" => Some(load::system_locale(self.environment)),
            tag => self.need(Locale::parse(tag.trim()), "KMI_LOCALE", "config-locale"),
        }
    }

    fn strategy(&self) -> Strategy {
        use Strategy::{LeastBusy, MostRemaining, Priority, RoundRobin};
        let chosen = self.text("KMI_STRATEGY").trim().to_ascii_lowercase();
        let strategies = [RoundRobin, MostRemaining, LeastBusy, Priority];
        let named = STRATEGIES.iter().zip(strategies).find(|(word, _)| **word == chosen);
        named.map_or_else(Strategy::default, |(_, strategy)| strategy)
    }

    /// Who is named in audit records.
    fn audit_actor(&self) -> String {
        let own = Some(self.text("KMI_AUDIT_ACTOR")).filter(|actor| !actor.is_empty());
        let user = || ["USER", "USERNAME"].into_iter().find_map(|name| self.environment.get(name));
        text::clean(own.or_else(user).unwrap_or("unknown"), 64)
    }

    fn policy(&mut self) -> Policy {
        let rate = |builder: &Self, second, minute| RateLimit {
            per_second: builder.small(second),
            per_minute: builder.small(minute),
        };
        Policy {
            auto_rotate_allowed: self.switch("KMI_AUTO_ROTATE_ALLOWED"),
            include_warn: self.switch("KMI_ROTATE_INCLUDE_WARN"),
            rotate_on_tie: self.switch("KMI_ROTATE_ON_TIE"),
            cooldown: Duration::from_secs(self.number("KMI_ROTATION_COOLDOWN_SECONDS")),
            payment_block: self.span("KMI_PAYMENT_BLOCK_SECONDS"),
            require_usage: self.switch("KMI_REQUIRE_USAGE_BEFORE_REQUEST"),
            fail_open: self.switch("KMI_FAIL_OPEN_ON_EMPTY_CACHE"),
            failover: self.switch("KMI_PROXY_FAILOVER"),
            retry_max: self.small("KMI_PROXY_RETRY_MAX"),
            retry_base: Duration::from_millis(self.number("KMI_PROXY_RETRY_BASE_MS")),
            global_rate: rate(self, "KMI_PROXY_MAX_RPS", "KMI_PROXY_MAX_RPM"),
            key_rate: rate(self, "KMI_PROXY_MAX_RPS_PER_KEY", "KMI_PROXY_MAX_RPM_PER_KEY"),
            checks: CheckPlan {
                refresh: self.refresh(),
                recheck: self.span("KMI_BLOCKLIST_RECHECK_SECONDS"),
                most_rechecks: self.small("KMI_BLOCKLIST_RECHECK_MAX"),
            },
            strategy: self.strategy(),
            affinity: self.span("KMI_AFFINITY_SECONDS"),
            hold: self.span("KMI_HOLD_SECONDS"),
        }
    }

    fn refresh(&mut self) -> Option<Duration> {
        let wanted = self.span("KMI_USAGE_CACHE_SECONDS")?;
        if wanted < FASTEST_REFRESH {
            let message = Message::new("config-refresh-raised").with("least", FASTEST_REFRESH);
            self.warn("KMI_USAGE_CACHE_SECONDS", message);
        }
        Some(wanted.max(FASTEST_REFRESH))
    }

    fn proxy(&mut self) -> ProxyConfig {
        let seconds = |builder: &Self, name| Duration::from_secs(builder.number(name));
        ProxyConfig {
            token: self.token(),
            allow_remote: self.switch("KMI_PROXY_ALLOW_REMOTE"),
            require_tls: self.switch("KMI_PROXY_REQUIRE_TLS"),
            tls_terminated: self.switch("KMI_PROXY_TLS_TERMINATED"),
            tls: self.tls(),
            connect_timeout: seconds(self, "KMI_PROXY_CONNECT_TIMEOUT_SECONDS"),
            head_timeout: seconds(self, "KMI_PROXY_HEAD_TIMEOUT_SECONDS"),
            idle_timeout: seconds(self, "KMI_PROXY_IDLE_TIMEOUT_SECONDS"),
            max_body: usize::try_from(self.number("KMI_PROXY_MAX_BODY_MB") * MEBIBYTE).unwrap_or(usize::MAX),
            max_connections: usize::try_from(self.number("KMI_PROXY_MAX_CONNECTIONS")).unwrap_or(usize::MAX),
            headers: self.switch("KMI_PROXY_HEADERS"),
        }
    }

    fn token(&mut self) -> Option<Secret> {
        let token = Some(self.text("KMI_PROXY_TOKEN")).filter(|token| !token.is_empty())?;
        self.need(Secret::new(token).ok(), "KMI_PROXY_TOKEN", "config-token")
    }

    fn tls(&mut self) -> Option<TlsFiles> {
        let [cert, key] = ["KMI_PROXY_TLS_CERT", "KMI_PROXY_TLS_KEY"].map(|name| self.pem(name));
        match (cert, key) {
            (Some(cert), Some(key)) => {
                let open = |found: fs::Metadata| found.is_file() && found.permissions().mode() & 0o077 != 0;
                if fs::metadata(&key).is_ok_and(open) {
                    let message = Message::new("config-tls-key-open").with("file", key.display().to_string());
                    self.warn("KMI_PROXY_TLS_KEY", message);
                }
                Some(TlsFiles { cert, key })
            }
            (None, None) => None,
            (Some(_), None) => self.need(None, "KMI_PROXY_TLS_KEY", "config-tls-half"),
            (None, Some(_)) => self.need(None, "KMI_PROXY_TLS_CERT", "config-tls-half"),
        }
    }

    fn pem(&mut self, name: &'static str) -> Option<PathBuf> {
        if self.text(name).is_empty() {
            return None;
        }
        let path = self.folder(name, None)?;
        if !path.is_file() {
            let file = path.display().to_string();
            self.fail(name, Message::new("config-tls-missing").with("file", file));
        }
        Some(path)
    }

    /// Beyond loopback, everything that keeps strangers out must be there.
    fn check_remote(&mut self, listen: &Listen, proxy: &ProxyConfig) {
        const NAME: &str = "KMI_PROXY_LISTEN";
        if listen.is_loopback() {
            return;
        }
        let long = proxy.token.as_ref().is_some_and(|token| token.expose().len() >= SHORTEST_TOKEN);
        let safe = proxy.tls.is_some() || proxy.tls_terminated || !proxy.require_tls;
        let rules = [
            (proxy.allow_remote, Message::new("config-remote")),
            (long, Message::new("config-remote-token").with("least", SHORTEST_TOKEN)),
            (safe, Message::new("config-remote-tls")),
        ];
        for (kept, message) in rules {
            if !kept {
                self.fail(NAME, message.with("address", listen.address.to_string()));
            }
        }
    }
}

/// What stands alone.
impl<'a> Builder<'a> {
    fn text(&self, name: &'static str) -> &'a str {
        let values: &'a Values = self.values;
        debug_assert!(settings::find(name).is_some(), "{name} is no setting");
        values.text(name)
    }

    fn switch(&self, name: &'static str) -> bool {
        settings::switch(self.text(name)).unwrap_or_default()
    }

    fn number(&self, name: &'static str) -> u64 {
        settings::number(self.text(name)).unwrap_or_default()
    }

    /// A number whose range fits.
    fn small(&self, name: &'static str) -> u32 {
        u32::try_from(self.number(name)).unwrap_or(u32::MAX)
    }

    /// Seconds; 0 = `None`.
    fn span(&self, name: &'static str) -> Option<Duration> {
        Some(self.number(name)).filter(|seconds| *seconds > 0).map(Duration::from_secs)
    }

    fn rotation(&self, megabytes: &'static str, backups: &'static str) -> Rotation {
        let max_bytes = Some(self.number(megabytes) * MEBIBYTE).filter(|bytes| *bytes > 0);
        Rotation { max_bytes, backups: self.small(backups) }
    }

    /// A path; a flag's own bytes where there is one.
    fn folder(&mut self, name: &'static str, flag: Option<&Path>) -> Option<PathBuf> {
        let path = match flag {
            Some(flag) if !flag.starts_with("~") => Some(self.environment.cwd.join(flag)),
            _ => layers::absolute(self.text(name), self.environment),
        };
        self.need(path, name, "config-no-home")
    }

    fn need<T>(&mut self, value: Option<T>, name: &'static str, id: &'static str) -> Option<T> {
        if value.is_none() {
            self.fail(name, Message::new(id));
        }
        value
    }

    fn fail(&mut self, name: &'static str, message: Message) {
        let problem = Problem::fail(self.place(name, message));
        self.tell(name, problem);
    }

    fn warn(&mut self, name: &'static str, message: Message) {
        let problem = Problem::warn(self.place(name, message));
        self.tell(name, problem);
    }

    fn place(&self, name: &'static str, message: Message) -> Message {
        let (value, source) = self.values.get(name);
        let shown = settings::find(name).map(|setting| setting.shown(value)).unwrap_or_default();
        message.with("name", name).with("value", shown).with("source", source.message())
    }

    fn tell(&mut self, name: &'static str, problem: Problem) {
        let file = match self.values.get(name).1 {
            Source::File(path) => Some(path),
            _ => None,
        };
        self.problems.push(Problem { file, ..problem });
    }
}

const fn url_fault(fault: BaseUrlFault) -> &'static str {
    match fault {
        BaseUrlFault::Syntax => "config-upstream-syntax",
        BaseUrlFault::NoHost => "config-upstream-no-host",
        BaseUrlFault::Scheme => "config-upstream-scheme",
        BaseUrlFault::UserInfo => "config-upstream-user",
        BaseUrlFault::Query => "config-upstream-query",
    }
}
