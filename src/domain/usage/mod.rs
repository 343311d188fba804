//! Quota as the upstream reports it, in one shape whatever generation the answer was. Not the fetching (`upstream`).

mod parse;

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub(crate) use self::parse::parse;

/// What one `/usages` answer said.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Usage {
    /// Every window that was named, shortest first.
    pub(crate) windows: Vec<Window>,
    /// The account; keys that share it share one quota.
    pub(crate) user_id: Option<String>,
    pub(crate) email: Option<String>,
    /// Most requests at once, per account.
    pub(crate) parallel_limit: Option<u32>,
}

/// One quota window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Window {
    pub(crate) kind: WindowKind,
    /// Share left, 0 to 1; `None` when the answer does not say: neither zero nor full.
    pub(crate) left: Option<f64>,
    /// Units used and the whole, when the answer counts them.
    pub(crate) used: Option<f64>,
    pub(crate) limit: Option<f64>,
    pub(crate) resets_at: Option<Timestamp>,
}

/// Which pool a window is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum WindowKind {
    FiveHours,
    Week,
    MonthTotal,
    MonthCode,
    /// Any other length.
    Every(Duration),
    /// Only a name is known (`Limit #2`, "Daily cap"); at most 40 characters, cleaned.
    Named(String),
}

/// Why an answer is no usage report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UsageFault {
    #[error("the usage answer is not JSON")]
    NotJson,
    #[error("the usage answer is not a JSON object")]
    NotAnObject,
}

impl Usage {
    /// The window with least left; one whose reset has passed says nothing any more.
    pub(crate) fn tightest(&self, now: Timestamp) -> Option<&Window> {
        self.windows
            .iter()
            .filter(|window| window.resets_at.is_none_or(|reset| reset > now))
            .filter_map(|window| Some((window, window.left?)))
            .min_by(|(_, a), (_, b)| a.total_cmp(b))
            .map(|(window, _)| window)
    }
}

impl WindowKind {
    /// The kind of a window of this length.
    fn of_length(span: Duration) -> Self {
        match span.as_secs() {
            18_000 => Self::FiveHours,
            seconds if seconds == 7 * DAY => Self::Week,
            _ => Self::Every(span),
        }
    }

    /// Shortest first; what has no length comes last.
    fn length(&self) -> Duration {
        match self {
            Self::FiveHours => Duration::from_secs(18_000),
            Self::Week => Duration::from_secs(7 * DAY),
            Self::MonthTotal => Duration::from_secs(30 * DAY),
            Self::MonthCode => Duration::from_secs(30 * DAY + 1),
            Self::Every(span) => *span,
            Self::Named(_) => Duration::MAX,
        }
    }
}

const DAY: u64 = 86_400;
