//! Quota as the upstream reports it, in one shape whatever generation the answer was. Not the fetching (`upstream`).

mod parse;

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub(crate) use self::parse::parse;
use super::now::until;

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
    /// The window with least left; of equals the one that resets last, since it stands in the way longest.
    pub(crate) fn tightest(&self, now: Timestamp) -> Option<&Window> {
        let end = |window: &Window| window.resets_at.unwrap_or(Timestamp::MAX);
        self.windows
            .iter()
            .filter_map(|window| Some((window, window.left_at(now)?)))
            .min_by(|(a, a_left), (b, b_left)| a_left.total_cmp(b_left).then_with(|| end(b).cmp(&end(a))))
            .map(|(window, _)| window)
    }
}

impl Window {
    /// The share left; a window whose reset has passed says nothing any more.
    pub(crate) fn left_at(&self, now: Timestamp) -> Option<f64> {
        self.left.filter(|_| self.resets_at.is_none_or(|reset| reset > now))
    }

    /// The share of its time that is left, 0 to 1; `None` when its length or reset is not known.
    pub(crate) fn time_left(&self, now: Timestamp) -> Option<f64> {
        let length = self.kind.length();
        if length == Duration::MAX || length.is_zero() {
            return None;
        }
        Some((until(self.resets_at?, now).as_secs_f64() / length.as_secs_f64()).min(1.0))
    }
}

impl WindowKind {
    /// For JSON: `5h`, `week`, `month`, `month_code`, a length as `90m`, or the upstream's own name.
    pub(crate) fn code(&self) -> String {
        match self {
            Self::FiveHours => "5h".to_owned(),
            Self::Week => "week".to_owned(),
            Self::MonthTotal => "month".to_owned(),
            Self::MonthCode => "month_code".to_owned(),
            Self::Every(span) => format!("{}m", span.as_secs() / 60),
            Self::Named(name) => name.clone(),
        }
    }

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
