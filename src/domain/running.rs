//! One request that has not ended, as it is shown. Not how it is kept (`engine::running`), nor one that has (`trace`).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{key::Label, trace::Attempt};

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
    pub(crate) stream: bool,
    /// When it came in.
    pub(crate) at: Timestamp,
    pub(crate) phase: Phase,
    /// Since when it is in this phase.
    pub(crate) since: Timestamp,
    /// Those that failed, oldest first.
    pub(crate) attempts: Vec<Attempt>,
    /// Bytes of the answer's body that the client was sent.
    pub(crate) bytes_out: u64,
}

/// What it does now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub(crate) enum Phase {
    /// Its body is still coming.
    Reading,
    /// It waits for a key, or until then to try the same one again.
    Waiting { until: Option<Timestamp> },
    /// The upstream was asked with this key.
    Asking { key: Label },
    /// The answer with this key is on its way to the client.
    Answering { key: Label },
}
