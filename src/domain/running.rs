//! One request that has not ended, as it is shown. Not how it is kept (`engine::running`), nor one that has (`trace`).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    key::Label,
    reason::{Chosen, PassedOvers},
    trace::{Attempt, Process, TraceRecord},
};

/// A request on its way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct RunningView {
    /// 32 hex digits.
    pub(crate) request_id: String,
    pub(crate) method: String,
    /// Path below the base path, starting with `/`, without the query.
    pub(crate) endpoint: String,
    pub(crate) model: Option<String>,
    /// The client's User-Agent, cleaned and cut.
    pub(crate) client: Option<String>,
    /// The program that asks, where the system tells.
    pub(crate) process: Option<Process>,
    /// The beginning of the name that the client gives its conversation.
    pub(crate) session: Option<String>,
    pub(crate) stream: bool,
    /// When it came in.
    pub(crate) at: Timestamp,
    pub(crate) phase: Phase,
    /// Since when it is in this phase.
    pub(crate) since: Timestamp,
    /// Those that failed, oldest first.
    pub(crate) attempts: Vec<Attempt>,
    /// Keys that could not serve when the one that it has was chosen; while it waits for one, those that can't now.
    pub(crate) passed_over: PassedOvers,
    /// When the first key that it waits for is expected back, where that is known.
    pub(crate) key_expected: Option<Timestamp>,
    /// Bytes of the answer's body that the client was sent.
    pub(crate) bytes_out: u64,
}

/// What it does now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub(crate) enum Phase {
    /// Its body is still coming.
    Reading,
    /// It waits for a key until then, and would be refused then.
    Held { until: Timestamp },
    /// It waits to try a key again, where that is meant until then.
    Waiting { until: Option<Timestamp> },
    /// The upstream was asked with this key.
    Asking { key: Label, why: Chosen },
    /// The answer with this key is on its way to the client.
    Answering { key: Label, why: Chosen },
}

impl Phase {
    /// The key that it has, and the rule that chose it.
    pub(crate) const fn key(&self) -> Option<(&Label, Chosen)> {
        match self {
            Self::Asking { key, why } | Self::Answering { key, why } => Some((key, *why)),
            Self::Reading | Self::Held { .. } | Self::Waiting { .. } => None,
        }
    }
}

impl RunningView {
    /// Whether it waits, for a key or to try one again: what people look for first.
    pub(crate) const fn waits(&self) -> bool {
        matches!(self.phase, Phase::Held { .. } | Phase::Waiting { .. })
    }

    /// What its record would say by now: one thing for those who read records.
    pub(crate) fn so_far(&self) -> TraceRecord {
        TraceRecord {
            at: self.at,
            request_id: self.request_id.clone(),
            method: self.method.clone().into(),
            key: self.phase.key().map(|(key, _)| key.clone()),
            endpoint: self.endpoint.clone(),
            attempts: self.attempts.clone(),
            passed_over: self.passed_over.clone(),
            bytes_out: self.bytes_out,
            model: self.model.clone(),
            stream: self.stream,
            client: self.client.clone(),
            process: self.process.clone(),
            session: self.session.clone(),
            ..TraceRecord::default()
        }
    }
}
