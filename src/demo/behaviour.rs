//! How a key answers: well, badly, or not at all; and the table of the API's refusals. Not when (`state`), not how it
//! is sent (`stream`, `server`).

use std::{borrow::Cow, time::Duration};

use bytes::Bytes;

/// How one request, or every request of a key, is answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Behaviour {
    /// As the real API answers while quota is left.
    #[default]
    Healthy,
    Refuse(Refusal),
    /// Status 200, but the first (and only) event, or the whole body, is this error.
    ErrorIn200(Refusal),
    /// A stream that breaks down with an error event after some good ones.
    ErrorAfter {
        chunks: usize,
        refusal: Refusal,
    },
    /// Status 200 and a stream without one event.
    EmptyStream,
    /// The connection ends in the middle of the answer.
    CutAfter {
        chunks: usize,
    },
    /// Takes the request and never says a word.
    HangBeforeHead,
    /// The head waits for one `Simulator::release`; then as `Healthy`.
    Held,
    /// The head goes at once, and each piece waits for a `Simulator::release`.
    Gated,
    SlowStream {
        gap: Duration,
    },
    /// The same answer, compressed when it is not a stream.
    Gzipped(Box<Behaviour>),
    Redirect {
        location: String,
    },
    /// These bytes instead of an HTTP answer, and the connection's end; empty for the end alone.
    Raw(Bytes),
    /// Each `nth` answer is like this, the others are healthy.
    Every {
        nth: u64,
        behaviour: Box<Behaviour>,
    },
}

/// Every way in which the API is known to say no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    RateLimited {
        retry_after: Option<String>,
    },
    /// The coding endpoint's 403 for too many requests at once: over within seconds.
    TooManyAtOnce,
    /// The open platform's 429 for the same.
    OrganizationConcurrency,
    QuotaFiveHours,
    QuotaWeek,
    QuotaBillingCycle,
    /// A quota that comes as a 429.
    QuotaPeriod,
    /// The membership has lapsed.
    PaymentRequired,
    /// The open platform's empty purse.
    BalanceExhausted,
    Unauthorized,
    /// A 401 that repeats the key that it was sent.
    UnauthorizedEchoingKey,
    AccountTerminated,
    ClientNotAllowed,
    ModelNotInPlan,
    ModelNotFound {
        model: String,
    },
    EngineOverloaded,
    ServerError(u16),
    ContextTooLong,
    ContentFilter,
    BadRequest {
        message: String,
    },
    NotFound,
}

/// What a refusal looks like on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wording {
    pub(super) status: u16,
    /// `error.type` in the OpenAI dialect.
    pub(super) kind: &'static str,
    pub(super) message: Cow<'static, str>,
}

impl From<Refusal> for Behaviour {
    fn from(refusal: Refusal) -> Self {
        Self::Refuse(refusal)
    }
}

impl Refusal {
    /// `key` is what the client sent, for the one refusal that repeats it.
    pub(super) fn wording(&self, key: &str) -> Wording {
        let (status, kind, message) = self.fixed();
        let message = match self {
            Self::UnauthorizedEchoingKey => Cow::Owned(format!("Incorrect API key provided: {key}")),
            Self::ModelNotFound { model } => Cow::Owned(format!("Not found the model {model} or Permission denied")),
            Self::BadRequest { message } => Cow::Owned(message.clone()),
            _ => Cow::Borrowed(message),
        };
        Wording { status, kind, message }
    }

    pub(super) fn retry_after(&self) -> Option<&str> {
        match self {
            Self::RateLimited { retry_after } => retry_after.as_deref(),
            _ => None,
        }
    }

    /// Whether `/usages` is refused too: the key itself is not believed.
    pub(super) fn is_about_identity(&self) -> bool {
        matches!(self, Self::Unauthorized | Self::UnauthorizedEchoingKey)
    }

    /// Status, type and message; an empty message depends on the request.
    fn fixed(&self) -> (u16, &'static str, &'static str) {
        match self {
            Self::RateLimited { .. } => {
                (429, RATE_LIMIT, "We're receiving too many requests at the moment. Please wait.")
            }
            Self::TooManyAtOnce => (
                403,
                "permission_error",
                "You've reached your concurrent request limit. Please wait for your ongoing requests to finish and try again.",
            ),
            Self::OrganizationConcurrency => (
                429,
                RATE_LIMIT,
                "Your account org-demo0123456789<ak-demo0123456789> request reached organization max concurrency: 1, \
                 please try again after 1 seconds",
            ),
            Self::QuotaFiveHours => (403, TERMINATED, "You've reached your 5-hour usage limit. It resets soon."),
            Self::QuotaWeek => (403, TERMINATED, "You've reached your weekly (7-day) usage limit. It resets soon."),
            Self::QuotaBillingCycle => (403, TERMINATED, "You've reached your usage limit for this billing cycle."),
            Self::QuotaPeriod => (429, QUOTA, "You've reached your usage limit for this period"),
            Self::PaymentRequired => {
                (402, "payment_required_error", "We are unable to verify your membership benefits at this time.")
            }
            Self::BalanceExhausted => (
                429,
                QUOTA,
                "Your account org-demo0123456789 is suspended due to insufficient balance, please recharge your account",
            ),
            Self::Unauthorized => (401, "invalid_authentication_error", "Invalid Authentication"),
            Self::UnauthorizedEchoingKey => (401, "incorrect_api_key_error", ""),
            Self::AccountTerminated => (403, TERMINATED, "Access terminated. Review our Community Guidelines."),
            Self::ClientNotAllowed => {
                (403, TERMINATED, "Kimi For Coding is currently only available for Coding Agents such as Kimi CLI.")
            }
            Self::ModelNotInPlan => (403, "permission_error", "You do not have access to model k3-preview"),
            Self::ModelNotFound { .. } => (404, NOT_FOUND, ""),
            Self::EngineOverloaded => {
                (429, "engine_overloaded_error", "The engine is currently overloaded, please try again later")
            }
            Self::ServerError(status) => (*status, "server_error", "The server had an error. Please try again later."),
            Self::ContextTooLong => (400, INVALID, "Your request exceeded model token limit: 262144"),
            Self::ContentFilter => {
                (400, "content_filter", "The request was rejected because it was considered high risk")
            }
            Self::BadRequest { .. } => (400, INVALID, ""),
            Self::NotFound => (404, NOT_FOUND, "The requested resource was not found"),
        }
    }
}

impl Wording {
    /// `error.type` in the Anthropic dialect, which knows fewer kinds.
    pub(super) fn anthropic_kind(&self) -> &'static str {
        match self.status {
            400 => INVALID,
            402 => "billing_error",
            401 => "authentication_error",
            403 => "permission_error",
            404 => "not_found_error",
            429 => "rate_limit_error",
            529 => "overloaded_error",
            _ => "api_error",
        }
    }
}

const RATE_LIMIT: &str = "rate_limit_reached_error";
const QUOTA: &str = "exceeded_current_quota_error";
const TERMINATED: &str = "access_terminated_error";
const INVALID: &str = "invalid_request_error";
const NOT_FOUND: &str = "resource_not_found_error";
