//! The one table of settings: name, default, what a value may be, who may set it, and when a change counts. Not their
//! values (`load`), nor what they mean together (`build`).

/// One variable.
#[derive(Debug)]
pub(super) struct Setting {
    pub(super) name: &'static str,
    /// As `.env.example` writes it; empty = unset.
    pub(super) default: &'static str,
    pub(super) kind: Kind,
    pub(super) guard: Guard,
    /// Whether a change takes effect without a restart; `Config::reloaded` is where it does.
    pub(super) live: bool,
}

/// What a value may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Judged where it is used.
    Text,
    /// Text that is never shown.
    Secret,
    Path,
    /// 1/true/yes/on or 0/false/no/off.
    Switch,
    /// On with any value, as no-color.org has it.
    Presence,
    /// A whole number, both ends included.
    Number(u64, u64),
    Word(&'static [&'static str]),
}

/// Whether an `.env` that nobody vouched for may set it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Guard {
    Open,
    /// As long as the address is a loopback one.
    LoopbackOnly,
    /// It says where keys go, who may come in, or which folders are used.
    Trusted,
    /// It names the file itself, so no file can hold it.
    Never,
}

use crate::domain::text;
use Guard::{LoopbackOnly, Never, Open, Trusted};
use Kind::{Number, Path, Presence, Secret, Switch, Text, Word};

/// Most of a value that is shown.
const SHOWN: usize = 60;
const HIDDEN: &str = "***";

const LIVE: bool = true;
const RESTART: bool = false;

const DAY: u64 = 86_400;
const YEAR: u64 = 365 * DAY;
const MANY: u64 = 1_000_000;

/// The words of KMI_STRATEGY.
pub(super) const STRATEGIES: &[&str] = &["round-robin", "most-remaining", "least-busy", "priority"];

/// The words of KMI_NOTIFY.
pub(super) const NOTIFY: &[&str] = &["off", "bell", "terminal", "desktop"];

/// Every setting, in the order of `.env.example`.
pub(super) const SETTINGS: &[Setting] = &[
    setting("KMI_ENV_PATH", "", Path, Never, RESTART),
    setting("KMI_AUTHS_DIR", "", Path, Trusted, LIVE),
    setting("KMI_STATE_DIR", "~/.kmi", Path, Trusted, RESTART),
    setting("KMI_PROXY_LISTEN", "127.0.0.1:54123", Text, LoopbackOnly, RESTART),
    setting("KMI_PROXY_BASE_PATH", "/kmi-rotor/v1", Text, Open, RESTART),
    setting("KMI_UPSTREAM_BASE_URL", "https://api.kimi.com/coding/v1", Text, Trusted, LIVE),
    setting("KMI_UPSTREAM_ALLOWLIST", "", Text, Trusted, LIVE),
    setting("KMI_DRY_RUN", "0", Switch, Open, RESTART),
    setting("KMI_AUTO_ROTATE_ALLOWED", "0", Switch, Open, LIVE),
    setting("KMI_AUTO_ROTATE_E2E", "1", Switch, Open, RESTART),
    setting("KMI_STRATEGY", "round-robin", Word(STRATEGIES), Open, LIVE),
    setting("KMI_AFFINITY_SECONDS", "0", Number(0, YEAR), Open, LIVE),
    setting("KMI_ROTATION_COOLDOWN_SECONDS", "300", Number(1, 30 * DAY), Open, LIVE),
    setting("KMI_ROTATE_ON_TIE", "1", Switch, Open, LIVE),
    setting("KMI_ROTATE_INCLUDE_WARN", "0", Switch, Open, LIVE),
    setting("KMI_WRITE_CONFIG", "1", Switch, Open, RESTART),
    setting("KMI_PAYMENT_BLOCK_SECONDS", "3600", Number(0, YEAR), Open, LIVE),
    setting("KMI_REQUIRE_USAGE_BEFORE_REQUEST", "0", Switch, Open, LIVE),
    setting("KMI_FAIL_OPEN_ON_EMPTY_CACHE", "1", Switch, Open, LIVE),
    setting("KMI_USAGE_CACHE_SECONDS", "600", Number(0, YEAR), Open, LIVE),
    setting("KMI_BLOCKLIST_RECHECK_SECONDS", "3600", Number(0, YEAR), Open, LIVE),
    setting("KMI_BLOCKLIST_RECHECK_MAX", "3", Number(0, MANY), Open, LIVE),
    setting("KMI_PROXY_ALLOW_REMOTE", "0", Switch, Trusted, RESTART),
    setting("KMI_PROXY_TOKEN", "", Secret, Trusted, RESTART),
    setting("KMI_PROXY_REQUIRE_TLS", "1", Switch, Trusted, RESTART),
    setting("KMI_PROXY_TLS_TERMINATED", "0", Switch, Trusted, RESTART),
    setting("KMI_PROXY_TLS_CERT", "", Path, Trusted, RESTART),
    setting("KMI_PROXY_TLS_KEY", "", Path, Trusted, RESTART),
    setting("KMI_PROXY_MAX_RPS", "0", Number(0, MANY), Open, LIVE),
    setting("KMI_PROXY_MAX_RPM", "0", Number(0, MANY), Open, LIVE),
    setting("KMI_PROXY_MAX_RPS_PER_KEY", "0", Number(0, MANY), Open, LIVE),
    setting("KMI_PROXY_MAX_RPM_PER_KEY", "0", Number(0, MANY), Open, LIVE),
    setting("KMI_PROXY_RETRY_MAX", "0", Number(0, 10), Open, LIVE),
    setting("KMI_PROXY_RETRY_BASE_MS", "250", Number(1, 60_000), Open, LIVE),
    setting("KMI_PROXY_FAILOVER", "1", Switch, Open, LIVE),
    setting("KMI_HOLD_SECONDS", "0", Number(0, DAY), Open, LIVE),
    setting("KMI_PROXY_CONNECT_TIMEOUT_SECONDS", "10", Number(1, 3_600), Open, RESTART),
    setting("KMI_PROXY_HEAD_TIMEOUT_SECONDS", "600", Number(1, DAY), Open, RESTART),
    setting("KMI_PROXY_IDLE_TIMEOUT_SECONDS", "300", Number(1, DAY), Open, RESTART),
    setting("KMI_PROXY_MAX_BODY_MB", "64", Number(1, 4_000), Open, RESTART),
    setting("KMI_PROXY_MAX_CONNECTIONS", "4096", Number(1, MANY), Open, RESTART),
    setting("KMI_PROXY_HEADERS", "1", Switch, Open, RESTART),
    setting("KMI_METRICS_LISTEN", "", Text, LoopbackOnly, RESTART),
    setting("KMI_SHUTDOWN_SECONDS", "30", Number(0, DAY), Open, RESTART),
    setting("KMI_TRACE_PROMPTS", "1", Switch, Open, RESTART),
    setting("KMI_TRACE_MAX_MB", "5", Number(0, MANY), Open, RESTART),
    setting("KMI_TRACE_BACKUPS", "3", Number(0, 1_000), Open, RESTART),
    setting("KMI_LOG_MAX_MB", "5", Number(0, MANY), Open, RESTART),
    setting("KMI_LOG_BACKUPS", "3", Number(0, 1_000), Open, RESTART),
    setting("KMI_TIMEZONE", "local", Text, Open, RESTART),
    setting("KMI_LOCALE", "", Text, Open, RESTART),
    setting("KMI_THEME", "auto", Text, Open, RESTART),
    setting("KMI_FPS", "30", Number(1, 30), Open, RESTART),
    setting("KMI_REDUCED_MOTION", "0", Switch, Open, RESTART),
    setting("KMI_NOTIFY", "off", Word(NOTIFY), Open, RESTART),
    setting("KMI_NOTIFY_QUOTA_PERCENT", "10", Number(0, 100), Open, RESTART),
    setting("KMI_PLAIN", "0", Switch, Open, RESTART),
    setting("KMI_NO_COLOR", "0", Switch, Open, RESTART),
    setting("NO_COLOR", "", Presence, Open, RESTART),
    setting("KMI_AUDIT_ACTOR", "", Text, Open, RESTART),
    setting("KMI_ENFORCE_FILE_PERMS", "1", Switch, Trusted, RESTART),
];

/// Names that belong into auth files, or that the old tool read beside its settings: known, but no settings here.
const ELSEWHERE: &[&str] = &[
    "KMI_API_KEY",
    "KMI_KEY_LABEL",
    "KMI_KEY_PRIORITY",
    "KMI_KEY_DISABLED",
    "KMI_ACCOUNT_EMAIL",
    "KMI_EMAIL",
    "KMI_SHOW_SOURCE",
];

/// How far a typo may be from what was meant.
const TYPO: usize = 3;

const fn setting(name: &'static str, default: &'static str, kind: Kind, guard: Guard, live: bool) -> Setting {
    Setting { name, default, kind, guard, live }
}

pub(super) fn find(name: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.name == name)
}

/// Whether `name` looks like a setting of this program but is none.
pub(super) fn is_unknown(name: &str) -> bool {
    name.starts_with("KMI_") && find(name).is_none() && !ELSEWHERE.contains(&name)
}

/// The setting that was probably meant.
pub(super) fn nearest(name: &str) -> Option<&'static str> {
    SETTINGS
        .iter()
        .map(|setting| (strsim::damerau_levenshtein(setting.name, name), setting.name))
        .min()
        .filter(|(distance, _)| *distance <= TYPO)
        .map(|(_, near)| near)
}

/// The strict reading of a switch.
pub(super) fn switch(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Some(true),
        "0" | "false" | "no" | "off" => Some(false),
        _ => None,
    }
}

impl Setting {
    /// A value as people may see it: secrets, and what looks like a key in the wrong line, stay unseen.
    pub(super) fn shown(&self, text: &str) -> String {
        if self.kind == Secret && !text.is_empty() { HIDDEN.to_owned() } else { shown(text) }
    }
}

/// Text of the person's own that was not understood, unless it looks like a key in the wrong line.
pub(super) fn shown(text: &str) -> String {
    if text.contains("sk-") || text.contains('@') { HIDDEN.to_owned() } else { text::clean(text, SHOWN) }
}

impl Kind {
    /// A value in its one spelling: `on` and `1` are the same switch.
    pub(super) fn plain(self, text: &str) -> String {
        match self {
            Switch => switch(text).map(|on| on.to_string()),
            Number(..) => number(text).map(|number| number.to_string()),
            Word(_) => Some(text.trim().to_ascii_lowercase()),
            Presence => Some((!text.is_empty()).to_string()),
            Text | Secret | Path => None,
        }
        .unwrap_or_else(|| text.to_owned())
    }

    /// Whether `text` is such a value; `Text`, `Secret` and `Path` are judged where they are used.
    pub(super) fn accepts(self, text: &str) -> bool {
        match self {
            Text | Secret | Path | Presence => true,
            Switch => switch(text).is_some(),
            Number(least, most) => number(text).is_some_and(|number| (least..=most).contains(&number)),
            Word(words) => words.contains(&text.trim().to_ascii_lowercase().as_str()),
        }
    }
}

/// A whole number, blanks and `1_000` allowed as in the old tool.
pub(super) fn number(text: &str) -> Option<u64> {
    text.trim().replace('_', "").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_is_a_value_that_is_accepted() {
        for setting in SETTINGS {
            assert!(setting.default.is_empty() || setting.kind.accepts(setting.default), "{}", setting.name);
        }
    }

    #[test]
    fn a_name_stands_once() {
        for (index, setting) in SETTINGS.iter().enumerate() {
            assert!(SETTINGS.iter().skip(index + 1).all(|other| other.name != setting.name), "{}", setting.name);
        }
    }

    #[test]
    fn switches_are_strict() {
        for (text, expected) in [
            ("1", Some(true)),
            (" Yes ", Some(true)),
            ("ON", Some(true)),
            ("off", Some(false)),
            ("FALSE", Some(false)),
            ("ture", None),
            ("2", None),
            ("", None),
        ] {
            assert_eq!(switch(text), expected, "{text:?}");
        }
    }

    #[test]
    fn numbers_have_ends() {
        for (text, expected) in
            [("0", true), ("10", true), ("11", false), (" 1_0 ", true), ("-1", false), ("1.5", false), ("x", false)]
        {
            assert_eq!(Number(0, 10).accepts(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_typo_finds_what_was_meant() {
        for (name, expected) in [
            ("KMI_DRYRUN", Some("KMI_DRY_RUN")),
            ("KMI_AUTH_DIR", Some("KMI_AUTHS_DIR")),
            ("KMI_PROXY_MAX_RPS_PER_KYE", Some("KMI_PROXY_MAX_RPS_PER_KEY")),
            ("KMI_SOMETHING_ELSE_ENTIRELY", None),
        ] {
            assert!(is_unknown(name), "{name}");
            assert_eq!(nearest(name), expected, "{name}");
        }
        for name in ["KMI_API_KEY", "KMI_SHOW_SOURCE", "KMI_DRY_RUN", "HOME"] {
            assert!(!is_unknown(name), "{name}");
        }
    }
}
