//! All that the dashboard, the command line and the doctor may see of the engine. It holds no secret.

use std::{borrow::Cow, sync::Arc, time::Duration};

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use super::{
    command::{Notice, Severity},
    key::Label,
    ledger::Ledger,
    message::{Argument, Message},
    outcome::Cause,
    running::RunningView,
    runway::Pace,
    setting::SettingView,
    shared_cause::SharedCause,
    tally::Tally,
    trace::Tokens,
    usage::Usage,
};

/// The engine at one moment.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Snapshot {
    pub(crate) at: Timestamp,
    pub(crate) uptime: Duration,
    pub(crate) setup: Arc<Setup>,
    pub(crate) auto_rotate: bool,
    pub(crate) rotation_index: u64,
    pub(crate) active: Option<Label>,
    /// In the pool's order: priority, then label.
    pub(crate) keys: Vec<KeyView>,
    pub(crate) traffic: Traffic,
    pub(crate) global_rate: RateView,
    pub(crate) confidence: Confidence,
    pub(crate) last_health_refresh: Option<Timestamp>,
    /// The newest few, oldest first.
    pub(crate) notices: Vec<Notice>,
    pub(crate) findings: Arc<[Finding]>,
    pub(crate) hosts: Vec<HostView>,
    /// Requests that wait for a key, in the order in which they get one.
    pub(crate) held: Vec<HeldView>,
    /// Requests that have not ended, oldest first, the first hundred of them.
    #[serde(default)]
    pub(crate) running: Vec<RunningView>,
    /// What every key lately had in common.
    pub(crate) shared_cause: Option<SharedCause>,
    /// Conversations that are bound to a key.
    pub(crate) conversations: usize,
    /// Tokens by day, key and model.
    #[serde(default)]
    pub(crate) ledger: Arc<Ledger>,
    /// Which of its days is today.
    #[serde(default)]
    pub(crate) today: Date,
    /// For who asks the instance itself.
    #[serde(skip)]
    pub(crate) tally: Arc<Tally>,
    /// How it came here.
    #[serde(default)]
    pub(crate) link: Link,
}

/// Where the one who looks stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Link {
    /// In the same process.
    #[default]
    Own,
    /// At the other end of the control socket.
    Attached,
    /// There, and the instance has not been heard since.
    Lost,
}

/// What changes only when settings do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Setup {
    pub(crate) mode: Mode,
    /// `http://127.0.0.1:54123/kmi-rotor/v1`: what clients are pointed at.
    pub(crate) address: String,
    /// The same, as this machine reaches it without what may stand in front.
    pub(crate) local: String,
    /// Base URL for keys that name none.
    pub(crate) upstream: String,
    pub(crate) auto_rotate_allowed: bool,
    /// Where auth files are looked for.
    pub(crate) auths_dir: String,
    pub(crate) state_dir: String,
    pub(crate) pid: u32,
    pub(crate) version: String,
    /// In the order of `.env.example`; none from an instance that does not tell.
    #[serde(default)]
    pub(crate) settings: Vec<SettingView>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Mode {
    #[default]
    Live,
    DryRun,
    Demo,
}

/// Health of a key, worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    Healthy,
    Warn,
    /// Cooling down.
    Exhausted,
    Blocked,
    Disabled,
}

/// One key, without its secret.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct KeyView {
    pub(crate) label: Label,
    pub(crate) masked: String,
    pub(crate) source: String,
    pub(crate) email: Option<String>,
    pub(crate) host: String,
    pub(crate) priority: i64,
    pub(crate) active: bool,
    pub(crate) status: Status,
    /// Why no request goes to it just now; `None` when it is eligible.
    pub(crate) skip: Option<Skip>,
    pub(crate) in_flight: u32,
    pub(crate) requests: u64,
    pub(crate) counters: Counters,
    pub(crate) last_used: Option<Timestamp>,
    pub(crate) usage: UsageView,
    /// How fast its windows are used up, as far as that is known.
    #[serde(default)]
    pub(crate) pace: Vec<Pace>,
    pub(crate) rate: RateView,
    /// Of all that was sent with it, as far as the state file knows.
    pub(crate) tokens: Tokens,
    /// Other keys of the same account: one quota.
    pub(crate) shares_account_with: Vec<Label>,
    /// Its own report says that there is quota, and the upstream refuses it all the same.
    pub(crate) contradiction: Option<Contradiction>,
}

/// Outstanding errors; success and time lower them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counters {
    pub(crate) error_401: u32,
    pub(crate) error_403: u32,
    pub(crate) error_429: u32,
    pub(crate) error_5xx: u32,
}

/// Why a key is passed over, and until when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub(crate) enum Skip {
    Disabled,
    /// By a person, for payment, or because the account was flagged; `until: None` = until unblocked.
    Blocked {
        reason: String,
        until: Option<Timestamp>,
    },
    /// A 401 stands against it until a usage check succeeds.
    Unauthorized,
    /// `cause` is an `outcome::Cause` in snake case.
    CoolingDown {
        cause: String,
        until: Timestamp,
    },
    /// Over its own request rate.
    RateLimited {
        until: Timestamp,
    },
    /// Strict mode: no good usage check.
    UsageUnknown,
    /// Its quota is used up by its own report.
    QuotaEmpty {
        until: Option<Timestamp>,
    },
    /// The upstream refused this model to this key.
    ModelRefused {
        until: Timestamp,
    },
    /// As many requests as its account takes at once.
    Full {
        limit: u32,
    },
    /// Just back, or just taken over: a few requests at once, more each moment.
    SlowStart {
        until: Timestamp,
    },
    /// Its host does not answer; it is tried again then.
    CircuitOpen {
        until: Timestamp,
    },
    /// This request has tried it already.
    Tried,
}

impl Skip {
    /// Whether a person may send a request there all the same. What was learnt of the upstream may have changed since; what
    /// people have set themselves, and a key that is known to be bad, stay as they are.
    pub(crate) const fn yields_to_a_person(&self) -> bool {
        !matches!(self, Self::Disabled | Self::Blocked { .. } | Self::Unauthorized | Self::RateLimited { .. })
    }

    /// The reason without its time: the Fluent id of its name, or a cause's code, or a person's own words.
    pub(crate) fn name(&self) -> Result<&'static str, &str> {
        Ok(match self {
            Self::Blocked { reason, .. } if reason.is_empty() => "skip-blocked",
            Self::Blocked { reason: code, .. } | Self::CoolingDown { cause: code, .. } => return Err(code),
            Self::Disabled => "skip-disabled",
            Self::Unauthorized => "cause-unauthorized",
            Self::RateLimited { .. } => "skip-own-rate",
            Self::UsageUnknown => "skip-usage-unknown",
            Self::QuotaEmpty { .. } => "cause-quota",
            Self::ModelRefused { .. } => "cause-model-refused",
            Self::Full { .. } => "cause-concurrency",
            Self::SlowStart { .. } => "skip-slow-start",
            Self::CircuitOpen { .. } => "skip-circuit-open",
            Self::Tried => "skip-tried",
        })
    }

    /// The same inside a sentence.
    pub(crate) fn told(&self) -> Argument {
        match self.name() {
            Ok(id) => Message::new(id).into(),
            Err(code) => {
                Cause::from_code(code).map_or_else(|| code.into(), |cause| Message::new(cause.message_id()).into())
            }
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum UsageView {
    /// Not checked yet.
    Unknown,
    /// `usage` is the last good one, if any.
    Failed {
        at: Timestamp,
        fault: String,
        usage: Option<Arc<Usage>>,
    },
    Known {
        at: Timestamp,
        usage: Arc<Usage>,
    },
}

/// Two readings of one key that do not agree.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Contradiction {
    pub(crate) reported_at: Timestamp,
    /// Share left by the report, 0 to 1.
    pub(crate) left: f64,
    pub(crate) refused_at: Timestamp,
    /// An `outcome::Cause` in snake case.
    pub(crate) cause: String,
    /// When the quota should be back, as far as it was learnt from the last time.
    pub(crate) expected: Option<Timestamp>,
}

/// An upstream host that keys are sent to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HostView {
    /// `host`, or `host:port` where the port is not the scheme's.
    pub(crate) host: String,
    pub(crate) circuit: CircuitState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CircuitState {
    /// Requests go there; so many failures in a row.
    Closed { failures: u32 },
    /// Left alone until then.
    Open { until: Timestamp },
    /// Looked at by single requests.
    HalfOpen,
}

/// A request that waits for a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HeldView {
    pub(crate) request_id: String,
    pub(crate) endpoint: String,
    pub(crate) model: Option<String>,
    pub(crate) since: Timestamp,
    /// When it gives up.
    pub(crate) until: Timestamp,
    /// When the first key is expected back, where that is known.
    pub(crate) key_expected: Option<Timestamp>,
}

/// How much of a rate limit is taken; limits of 0 are off.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RateView {
    pub(crate) last_second: u32,
    pub(crate) per_second: u32,
    pub(crate) last_minute: u32,
    pub(crate) per_minute: u32,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Traffic {
    pub(crate) in_flight: u32,
    pub(crate) requests: u64,
    pub(crate) errors: u64,
    /// Requests finished in each of the last 60 seconds, oldest first.
    pub(crate) per_second: Vec<u32>,
    /// Errors (status 400 and up, cuts) in the same seconds.
    pub(crate) errors_per_second: Vec<u32>,
    /// Median and 99th percentile of the recent requests' time to the answer's head.
    pub(crate) latency_p50: Option<Duration>,
    pub(crate) latency_p99: Option<Duration>,
    /// Trace records that could not be queued or written.
    pub(crate) dropped_records: u64,
    /// Trace records that could not be written yet.
    #[serde(default)]
    pub(crate) unwritten_records: u64,
    /// Saves of the state that failed since the last good one.
    pub(crate) failed_saves: u64,
    /// Lines of the log that are lost.
    #[serde(default)]
    pub(crate) dropped_log_lines: u64,
}

impl Traffic {
    /// What is not on disk as it should be, and the words for it.
    pub(crate) const fn losses(&self) -> [(&'static str, u64); 4] {
        [
            ("limits-dropped", self.dropped_records),
            ("limits-unwritten", self.unwritten_records),
            ("limits-unsaved", self.failed_saves),
            ("limits-log-dropped", self.dropped_log_lines),
        ]
    }
}

/// How even the round robin was over the recent records.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Confidence {
    /// 0 to 100.
    pub(crate) percent: f64,
    pub(crate) records: u64,
    /// Requests answered by each key that was eligible.
    pub(crate) counts: Vec<(Label, u64)>,
}

/// One line of the doctor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Finding {
    /// The check that it comes from, for scripts: it stays the same in every language and version.
    pub(crate) id: Cow<'static, str>,
    pub(crate) severity: Severity,
    /// What was looked at.
    pub(crate) subject: Message,
    /// What was seen.
    pub(crate) seen: Message,
    /// What to do, when there is something to do.
    pub(crate) fix: Option<Message>,
    /// What the program itself can do about it.
    pub(crate) remedy: Option<Remedy>,
}

/// A fix that the program can carry out when it is told to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Remedy {
    FixPermissions,
    ClearBlocklist,
    RecheckKeys,
}
