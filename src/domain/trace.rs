//! One request as it is remembered: on disk (the old tool's fields, then ours) and on the screen. Not the file (`store`).

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::key::Label;

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Ending {
    /// The whole answer reached the client, whatever its status.
    Completed,
    /// The stream carried an error event.
    ErrorEvent,
    /// The upstream broke off after the first byte.
    UpstreamCut,
    /// The client hung up.
    ClientGone,
}

/// One try on one key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Attempt {
    pub(crate) key: Label,
    /// `None` when no answer came.
    pub(crate) status: Option<u16>,
    /// `outcome::Cause` in snake case; `ok` when it was fine.
    pub(crate) cause: String,
    pub(crate) ms: u64,
}

/// Tokens as the upstream counted them; `None` is unknown, not zero.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tokens {
    /// Prompt tokens, cached ones included.
    pub(crate) input: Option<u64>,
    pub(crate) output: Option<u64>,
    pub(crate) cached: Option<u64>,
}

impl Tokens {
    /// What came on top of `earlier`; nothing is `None`.
    pub(crate) fn minus(self, earlier: Self) -> Self {
        let more = |now: Option<u64>, before: Option<u64>| {
            now.map(|now| now.saturating_sub(before.unwrap_or_default())).filter(|more| *more > 0)
        };
        Self {
            input: more(self.input, earlier.input),
            output: more(self.output, earlier.output),
            cached: more(self.cached, earlier.cached),
        }
    }
}

/// One request, whatever happened to it. `store::trace` writes it; the dashboard lists it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct TraceRecord {
    /// When the request came in.
    pub(crate) at: Timestamp,
    /// 32 hex digits.
    pub(crate) request_id: String,
    pub(crate) method: String,
    pub(crate) prompt_hint: String,
    pub(crate) prompt_head: String,
    /// The key that answered last; `None` when none was tried.
    pub(crate) key: Option<Label>,
    pub(crate) key_hash: Option<String>,
    /// Path below the base path, starting with `/`, without the query.
    pub(crate) endpoint: String,
    /// What the client was sent.
    pub(crate) status: u16,
    /// Until the answer's head.
    pub(crate) latency: Duration,
    /// Until the answer's end.
    pub(crate) total: Duration,
    /// `None`, a status, or a word: `payment_required`, `upstream_error`, `stream_cut`, `client_gone`, `no_key`, …
    pub(crate) error_code: Option<String>,
    pub(crate) rotation_index: u64,
    pub(crate) attempts: Vec<Attempt>,
    /// How long it waited for a key.
    pub(crate) waited: Duration,
    /// `shared_cause::Common` in snake case, when every key answered alike.
    pub(crate) shared_cause: Option<String>,
    pub(crate) ending: Ending,
    /// Until the first byte of the answer's body.
    pub(crate) first_byte: Option<Duration>,
    pub(crate) tokens: Tokens,
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
    pub(crate) model: Option<String>,
    pub(crate) stream: bool,
    /// The client's User-Agent, cleaned and cut.
    pub(crate) client: Option<String>,
    /// The upstream's error message, masked and cut; what the screen shows.
    pub(crate) error: Option<String>,
}
