//! One request as it is remembered: on disk (the old tool's fields, then ours) and on the screen. Not the file (`store`).

use std::{borrow::Cow, sync::Arc, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    command::Severity,
    key::Label,
    reason::{Chosen, PassedOvers},
};

/// How a request ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Ending {
    /// The whole answer reached the client, whatever its status.
    #[default]
    Completed,
    /// The stream carried an error event.
    ErrorEvent,
    /// The upstream broke off after the first byte.
    UpstreamCut,
    /// The client hung up.
    ClientGone,
    /// A person ended it.
    Cancelled,
}

impl Ending {
    pub(crate) const ALL: [Self; 5] =
        [Self::Completed, Self::ErrorEvent, Self::UpstreamCut, Self::ClientGone, Self::Cancelled];

    /// The name in traces and JSON: snake case.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::ErrorEvent => "error_event",
            Self::UpstreamCut => "upstream_cut",
            Self::ClientGone => "client_gone",
            Self::Cancelled => "cancelled",
        }
    }

    /// What it is called among the reasons why a request has no good answer.
    pub(crate) const fn error_code(self) -> Option<&'static str> {
        match self {
            Self::Completed => None,
            Self::UpstreamCut => Some("stream_cut"),
            Self::ErrorEvent | Self::ClientGone | Self::Cancelled => Some(self.code()),
        }
    }
}

/// One try on one key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Attempt {
    pub(crate) key: Label,
    /// `None` when no answer came.
    pub(crate) status: Option<u16>,
    /// `outcome::Cause` in snake case; `ok` when it was fine.
    pub(crate) cause: Cow<'static, str>,
    pub(crate) ms: u64,
    /// By which rule it was chosen, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) why: Option<Chosen>,
}

/// A program of this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Process {
    pub(crate) pid: u32,
    /// As the system has it, cleaned.
    pub(crate) name: String,
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

/// Sums of tokens; what the upstream did not count is not in them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TokenSums {
    /// Prompt tokens, cached ones included.
    pub(crate) input: u64,
    pub(crate) output: u64,
    pub(crate) cached: u64,
}

impl TokenSums {
    /// Numbers may come from a file or an upstream: nonsense in them must not end the program.
    pub(crate) fn count(&mut self, tokens: Tokens) {
        let known = |number: Option<u64>| number.unwrap_or_default();
        *self =
            self.plus(Self { input: known(tokens.input), output: known(tokens.output), cached: known(tokens.cached) });
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        self.with(other, u64::saturating_add)
    }

    pub(crate) fn minus(self, other: Self) -> Self {
        self.with(other, u64::saturating_sub)
    }

    pub(crate) fn max(self, other: Self) -> Self {
        self.with(other, u64::max)
    }

    fn with(self, other: Self, both: impl Fn(u64, u64) -> u64) -> Self {
        Self {
            input: both(self.input, other.input),
            output: both(self.output, other.output),
            cached: both(self.cached, other.cached),
        }
    }
}

/// One request, whatever happened to it. `store::trace` writes it; the dashboard lists it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct TraceRecord {
    /// When the request came in.
    pub(crate) at: Timestamp,
    /// 32 hex digits.
    pub(crate) request_id: String,
    /// Borrowed where it is a usual one: [`method`].
    pub(crate) method: Cow<'static, str>,
    pub(crate) prompt_hint: String,
    pub(crate) prompt_head: String,
    /// The key that answered last; `None` when none was tried.
    pub(crate) key: Option<Label>,
    pub(crate) key_hash: Option<Arc<str>>,
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
    /// Keys that could not serve when the last one was chosen, or when none was left.
    pub(crate) passed_over: PassedOvers,
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
    /// Digest of the conversation that it belongs to, 16 hex digits, where the client names one.
    #[serde(default)]
    pub(crate) conversation: Option<String>,
    /// The client's User-Agent, cleaned and cut.
    pub(crate) client: Option<String>,
    /// The program that asked, where the system tells.
    pub(crate) process: Option<Process>,
    /// The beginning of the name that the client gives its conversation.
    pub(crate) session: Option<String>,
    /// The upstream's error message, masked and cut; what the screen shows.
    pub(crate) error: Option<String>,
}

/// Records of requests that ended about the same time, in that order.
pub(crate) type Batch = Arc<[Arc<TraceRecord>]>;

impl TraceRecord {
    /// Whether the client did not get what it asked for.
    pub(crate) fn failed(&self) -> bool {
        self.status >= 400 || self.ending != Ending::Completed
    }

    /// About how much memory it takes.
    pub(crate) fn bytes(&self) -> usize {
        let optional = [&self.error_code, &self.shared_cause, &self.model, &self.client, &self.error];
        let texts = [&self.request_id, &self.prompt_hint, &self.prompt_head, &self.endpoint];
        let texts = texts.into_iter().chain(optional.into_iter().flatten()).map(String::len).sum::<usize>();
        let tries = self.attempts.iter().map(|tried| size_of::<Attempt>() + tried.cause.len());
        size_of::<Self>() + texts + tries.sum::<usize>()
    }

    /// How bad it looks at a glance. A client that hung up may have had enough.
    pub(crate) const fn severity(&self) -> Severity {
        match (self.status, self.ending) {
            (500.., _) | (_, Ending::UpstreamCut | Ending::ErrorEvent) => Severity::Fail,
            (400.., _) => Severity::Warn,
            (_, Ending::ClientGone | Ending::Cancelled) => Severity::Info,
            _ => Severity::Ok,
        }
    }

    /// What went wrong on the way, each name once: its own end, what tries met though another key served, what all had
    /// in common. A bare status is no cause.
    pub(crate) fn causes(&self) -> impl Iterator<Item = &str> {
        let own = self.error_code.as_deref().filter(|code| code.parse::<u16>().is_err());
        let tries = self.attempts.iter().map(|attempt| &*attempt.cause).filter(|cause| *cause != "ok");
        let mut named = Vec::new();
        own.into_iter().chain(tries).chain(self.shared_cause.as_deref()).filter(move |cause| {
            let new = !named.contains(cause);
            named.push(*cause);
            new
        })
    }
}

/// The name of a method, without a copy of a usual one.
pub(crate) fn method(name: &str) -> Cow<'static, str> {
    const USUAL: [&str; 7] = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"];
    USUAL.into_iter().find(|usual| *usual == name).map_or_else(|| Cow::Owned(name.to_owned()), Cow::Borrowed)
}

/// A plain request that was answered, for tests.
#[cfg(test)]
pub(crate) fn sample(key: &str) -> TraceRecord {
    TraceRecord {
        at: "2026-02-02T12:30:00Z".parse().expect("valid"),
        request_id: "00000000000000000000000000000001".into(),
        method: "POST".into(),
        prompt_hint: "hello".into(),
        prompt_head: "hello".into(),
        key: Some(Label::new(key)),
        key_hash: Some("a4a6d307ad00".into()),
        endpoint: "/chat/completions".into(),
        status: 200,
        latency: Duration::from_millis(12),
        total: Duration::from_millis(40),
        error_code: None,
        rotation_index: 0,
        attempts: Vec::new(),
        passed_over: PassedOvers::default(),
        waited: Duration::ZERO,
        shared_cause: None,
        ending: Ending::Completed,
        first_byte: Some(Duration::from_millis(13)),
        tokens: Tokens::default(),
        bytes_in: 10,
        bytes_out: 20,
        model: None,
        stream: false,
        conversation: None,
        client: None,
        process: None,
        session: None,
        error: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_are_named_as_they_are_written() {
        for ending in Ending::ALL {
            assert_eq!(serde_json::to_value(ending).expect("a word"), ending.code());
        }
    }

    #[test]
    fn each_cause_is_named_once() {
        let tried = |cause: &str| Attempt {
            key: Label::new("a"),
            status: None,
            cause: cause.to_owned().into(),
            ms: 1,
            why: None,
        };
        let record = TraceRecord {
            error_code: Some("timeout".into()),
            attempts: vec![tried("quota"), tried("timeout"), tried("ok")],
            shared_cause: Some("upstream".into()),
            ..sample("a")
        };
        assert_eq!(record.causes().collect::<Vec<_>>(), ["timeout", "quota", "upstream"]);
        let refused = TraceRecord { error_code: Some("429".into()), ..sample("a") };
        assert_eq!(refused.causes().count(), 0);
    }
}
