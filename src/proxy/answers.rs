//! Answers that the proxy makes itself: JSON in the shape that clients of both dialects parse, naming whose fault it is.
//! English, as all of the HTTP API. Not the relayed ones (`relay`).

use std::time::Duration;

use bytes::Bytes;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    domain::{
        now::until,
        pool::{NoKey, skip_until},
        retry_after::header_seconds,
        snapshot::Skip,
        trace::Ending,
    },
    engine::wall,
    http1::Lines,
};

/// Clients should not try again by themselves when the wait is longer than this.
const PATIENCE: Duration = Duration::from_secs(60);

const CANCELLED: &str = "cancelled";

/// An answer whose body is there.
#[derive(Debug)]
pub(super) struct Whole {
    pub(super) status: StatusCode,
    pub(super) lines: Lines,
    pub(super) body: Bytes,
    /// The rest of the request is not read, so the connection can't be used again.
    pub(super) close: bool,
}

/// A refusal of the proxy's own.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    /// Also the trace's `error_code`.
    pub(super) code: &'static str,
    fault: Fault,
    message: String,
    hint: &'static str,
    retry_after: Option<Duration>,
    keys: Option<Box<Value>>,
    close: bool,
    /// How long it is kept back.
    pub(super) pause: Duration,
}

/// Whose fault it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Client,
    Proxy,
    Upstream,
}

impl Fault {
    const fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Proxy => "proxy",
            Self::Upstream => "upstream",
        }
    }
}

impl Refusal {
    /// The request itself is refused before its body is read.
    pub(super) fn of_request(status: StatusCode, code: &'static str, message: &str, hint: &'static str) -> Self {
        Self {
            status,
            code,
            fault: Fault::Client,
            message: message.to_owned(),
            hint,
            retry_after: None,
            keys: None,
            close: true,
            pause: Duration::ZERO,
        }
    }

    /// The same, kept back for so long.
    pub(super) fn told_after(self, pause: Duration) -> Self {
        Self { pause, ..self }
    }

    /// The same, with the wait that makes another try worth it.
    pub(super) fn until(self, wait: Duration) -> Self {
        Self { retry_after: Some(wait), ..self }
    }

    /// Status, pause, and wait in seconds.
    #[cfg(test)]
    pub(super) fn for_tests(&self) -> (u16, u64, u64) {
        (self.status.as_u16(), self.pause.as_secs(), self.retry_after.unwrap_or_default().as_secs())
    }

    pub(super) fn over_global_rate(wait: Duration) -> Self {
        Self {
            retry_after: Some(wait),
            fault: Fault::Proxy,
            ..Self::of_request(
                StatusCode::TOO_MANY_REQUESTS,
                "proxy_rate_limit",
                "Proxy rate limit exceeded",
                "The limit is KMI_PROXY_MAX_RPS or KMI_PROXY_MAX_RPM of kmi-tui, not the upstream's.",
            )
        }
    }

    /// No key can serve: says for each why not, and until when.
    pub(super) fn no_key(no_key: &NoKey, now: jiff::Timestamp) -> Self {
        let (status, code, message, hint) = if no_key.reasons.is_empty() {
            (StatusCode::SERVICE_UNAVAILABLE, "no_keys", "kmi-tui has no API key", "`kmi-tui keys add LABEL` adds one.")
        } else if no_key.only_rate_limited {
            (
                StatusCode::TOO_MANY_REQUESTS,
                "key_rate_limit",
                "Per-key rate limit exceeded for every key",
                "The limit is KMI_PROXY_MAX_RPS_PER_KEY or KMI_PROXY_MAX_RPM_PER_KEY of kmi-tui, not the upstream's.",
            )
        } else if no_key.only_full {
            (
                StatusCode::TOO_MANY_REQUESTS,
                "keys_busy",
                "Every key has as many requests in flight as its account takes at once",
                "The limit is the accounts' (parallel.limit of /usages). Try again when a request has ended.",
            )
        } else {
            // A misspelt model puts off every key in turn: what helps then is a look at its name, not at the keys.
            let hint = if no_key.reasons.iter().any(|(_, skip)| matches!(skip, Skip::ModelRefused { .. })) {
                "`keys` says for each key why not and until when; model_refused: the upstream has no such model for it. \
                 Is the model's name right?"
            } else {
                "`keys` says for each key why not and until when."
            };
            (StatusCode::SERVICE_UNAVAILABLE, "no_key_available", "No API key can serve this request now", hint)
        };
        Self {
            retry_after: no_key.until.map(|moment| until(moment, now)),
            keys: Some(Box::new(no_key.reasons.iter().map(|(label, skip)| described(label.as_str(), skip)).collect())),
            fault: Fault::Proxy,
            close: false,
            ..Self::of_request(status, code, message, hint)
        }
    }

    /// A person ended it. Not a 5xx, nor what else clients send again by themselves.
    pub(super) fn cancelled() -> Self {
        Self {
            fault: Fault::Proxy,
            close: false,
            ..Self::of_request(
                StatusCode::GONE,
                CANCELLED,
                "The request was cancelled at kmi-tui",
                "Somebody ended it in the dashboard or over the control socket. Neither the key nor the upstream failed.",
            )
        }
    }

    /// No key gave an answer, and none can be relayed.
    pub(super) fn upstream(status: StatusCode, message: &str) -> Self {
        Self {
            fault: Fault::Upstream,
            close: false,
            ..Self::of_request(
                status,
                "upstream_error",
                &format!("Upstream request failed: {message}"),
                "The upstream or the network on the way to it failed; kmi-tui itself is running.",
            )
        }
    }

    /// How a request ends with it.
    pub(super) fn ending(&self) -> Ending {
        if self.code == CANCELLED { Ending::Cancelled } else { Ending::Completed }
    }

    pub(super) fn message(&self) -> &str {
        &self.message
    }

    pub(super) fn into_answer(self) -> Whole {
        let mut error = json!({
            "message": self.message,
            "type": "kmi_proxy_error",
            "code": self.code,
            "fault": self.fault.name(),
            "hint": self.hint,
        });
        if let Some(keys) = self.keys {
            error["keys"] = *keys;
        }
        let mut whole = json_answer(self.status, &json!({"type": "error", "error": error}));
        if let Some(wait) = self.retry_after {
            whole.lines.add(b"retry-after", header_seconds(wait).to_string());
        }
        // Claude Code tries a 401 again again and again, and says nothing meanwhile (40 s and more).
        if self.fault != Fault::Upstream && self.retry_after.is_none_or(|wait| wait > PATIENCE) {
            whole.lines.add(b"x-should-retry", "false");
        }
        Whole { close: self.close, ..whole }
    }
}

/// Probes and the doorstep.
pub(super) fn plain(status: StatusCode, state: &str) -> Whole {
    json_answer(status, &json!({"status": state}))
}

/// To what is no request.
pub(super) fn unfit(status: StatusCode) -> Whole {
    let (message, hint) = match status {
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => {
            ("The head of the request is too large", "64 KB and 128 headers fit.")
        }
        StatusCode::URI_TOO_LONG => ("The request target is too long", ""),
        StatusCode::HTTP_VERSION_NOT_SUPPORTED => ("This version of HTTP is not spoken here", "Speak HTTP/1.1."),
        _ => ("This is no HTTP request, or two readers could read it differently", "Look at its first lines."),
    };
    Refusal::of_request(status, "bad_request", message, hint).into_answer()
}

/// KMI_DRY_RUN's answer, in the old tool's shape.
pub(super) fn dry_run(method: &Method, url: &str, rest: &str, label: &str) -> Whole {
    let body = json!({
        "dry_run": true,
        "upstream_url": url,
        "method": method.as_str(),
        "path": rest.trim_start_matches('/'),
        "key_label": label,
    });
    let mut whole = json_answer(StatusCode::OK, &body);
    whole.lines.add(b"x-kmi-dry-run", "true");
    whole
}

fn json_answer(status: StatusCode, body: &Value) -> Whole {
    let mut lines = Lines::default();
    lines.add(b"content-type", "application/json");
    lines.add(b"date", date());
    Whole { status, lines, body: body.to_string().into(), close: false }
}

/// Now, as heads say it.
pub(super) fn date() -> String {
    httpdate::fmt_http_date(wall().into())
}

fn described(label: &str, skip: &Skip) -> Value {
    let reason = match skip {
        Skip::Disabled => "disabled",
        Skip::Blocked { .. } => "blocked",
        Skip::Unauthorized => "unauthorized",
        Skip::CoolingDown { .. } => "cooling_down",
        Skip::RateLimited { .. } => "rate_limited_here",
        Skip::UsageUnknown => "usage_unknown",
        Skip::QuotaEmpty { .. } => "quota_empty",
        Skip::ModelRefused { .. } => "model_refused",
        Skip::Full { .. } => "as_many_requests_as_its_account_takes",
        Skip::SlowStart { .. } => "slow_start",
        Skip::CircuitOpen { .. } => "host_unreachable",
        Skip::Tried => "tried",
    };
    let detail = match skip {
        Skip::Blocked { reason, .. } => Some(reason.as_str()),
        Skip::CoolingDown { cause, .. } => Some(cause.as_str()),
        _ => None,
    };
    json!({
        "label": label,
        "reason": reason,
        "detail": detail,
        "until": skip_until(skip).map(|moment| moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
    })
}
