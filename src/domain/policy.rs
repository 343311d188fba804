//! The settings that decisions depend on. Not how they are read (`config`).

use std::time::Duration;

/// What the pool may do, and for how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Policy {
    /// KMI_AUTO_ROTATE_ALLOWED.
    pub(crate) auto_rotate_allowed: bool,
    /// KMI_ROTATE_INCLUDE_WARN.
    pub(crate) include_warn: bool,
    /// KMI_ROTATE_ON_TIE.
    pub(crate) rotate_on_tie: bool,
    /// KMI_ROTATION_COOLDOWN_SECONDS: cooldown when the upstream names none.
    pub(crate) cooldown: Duration,
    /// KMI_PAYMENT_BLOCK_SECONDS; `None` (0) blocks until unblocked by hand.
    pub(crate) payment_block: Option<Duration>,
    /// KMI_REQUIRE_USAGE_BEFORE_REQUEST: only keys with a good usage check.
    pub(crate) require_usage: bool,
    /// KMI_FAIL_OPEN_ON_EMPTY_CACHE: strict mode still uses keys that were never checked.
    pub(crate) fail_open: bool,
    /// KMI_PROXY_FAILOVER.
    pub(crate) failover: bool,
    /// KMI_PROXY_RETRY_MAX: further tries on the same key after a passing fault.
    pub(crate) retry_max: u32,
    /// KMI_PROXY_RETRY_BASE_MS.
    pub(crate) retry_base: Duration,
    /// KMI_PROXY_MAX_RPS and _RPM.
    pub(crate) global_rate: RateLimit,
    /// KMI_PROXY_MAX_RPS_PER_KEY and _RPM_PER_KEY.
    pub(crate) key_rate: RateLimit,
    pub(crate) checks: CheckPlan,
    /// KMI_STRATEGY.
    pub(crate) strategy: Strategy,
    /// KMI_AFFINITY_SECONDS: a conversation stays on its key this long; `None` (0) = off.
    pub(crate) affinity: Option<Duration>,
    /// KMI_HOLD_SECONDS: how long a request waits for a key to come back; `None` (0) = not at all.
    pub(crate) hold: Option<Duration>,
}

/// How auto-rotation chooses among keys that are equally well.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Strategy {
    /// Each in turn.
    #[default]
    RoundRobin,
    /// The one whose tightest window has most left for the time until it resets: what would expire is spent first.
    MostRemaining,
    /// The one with fewest requests in flight, measured by what its account allows at once.
    LeastBusy,
    /// The one of highest priority; equals in turn.
    Priority,
}

/// How often keys are checked against `/usages`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CheckPlan {
    /// KMI_USAGE_CACHE_SECONDS: between two checks of a key; `None` (0) = only what must be rechecked.
    pub(crate) refresh: Option<Duration>,
    /// KMI_BLOCKLIST_RECHECK_SECONDS: between two rechecks of a blocked key; `None` (0) = never.
    pub(crate) recheck: Option<Duration>,
    /// KMI_BLOCKLIST_RECHECK_MAX: rechecks started together; 0 = no limit.
    pub(crate) most_rechecks: u32,
}

/// Requests a second and a minute; 0 = no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct RateLimit {
    pub(crate) per_second: u32,
    pub(crate) per_minute: u32,
}

/// Rotation of an appended file by size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rotation {
    /// Bytes; `None` (0 MB) = never.
    pub(crate) max_bytes: Option<u64>,
    /// How many old files are kept; 0 = none.
    pub(crate) backups: u32,
}

impl Default for Policy {
    /// The defaults of the settings table.
    fn default() -> Self {
        Self {
            auto_rotate_allowed: false,
            include_warn: false,
            rotate_on_tie: true,
            cooldown: Duration::from_secs(300),
            payment_block: Some(Duration::from_secs(3600)),
            require_usage: false,
            fail_open: true,
            failover: true,
            retry_max: 0,
            retry_base: Duration::from_millis(250),
            global_rate: RateLimit::default(),
            key_rate: RateLimit::default(),
            checks: CheckPlan {
                refresh: Some(Duration::from_secs(600)),
                recheck: Some(Duration::from_secs(3600)),
                most_rechecks: 3,
            },
            strategy: Strategy::RoundRobin,
            affinity: None,
            hold: None,
        }
    }
}
