//! What an upstream answer means: one cause, and for each cause what it does to the key. Not what is done next (`retry`).
//!
//! A new quirk of the upstream is one phrase or one rule here and one row in the tests. Bodies: facts of the Kimi
//! error reference and of clients' reports; the same `type` stands for several meanings, so structured types decide
//! only where they are unambiguous, and whole phrases decide the rest.

use std::time::Duration;

use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{breaker::Failing, usage::WindowKind};

/// Most of an error body that is read to judge it.
pub(crate) const BODY_JUDGED: usize = 64 * 1024;

/// Why an attempt ended as it did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Cause {
    Ok,
    /// The request is at fault: 400, 404, 413, 422, a content filter.
    ClientFault,
    /// The upstream does not serve this client program, whatever the key.
    ClientNotAllowed,
    Unauthorized,
    PaymentRequired,
    QuotaFiveHours,
    QuotaWeek,
    QuotaMonth,
    /// A quota that the answer does not name.
    Quota,
    /// Too many requests at once.
    Concurrency,
    RateLimited,
    /// The upstream itself is overloaded.
    Busy,
    AccountTerminated,
    /// This key's plan lacks the model.
    ModelNotInPlan,
    /// A 403 that says no more.
    Forbidden,
    ServerError,
    ConnectFailed,
    /// No answer's head in time.
    Timeout,
    /// The connection broke, or the answer was not HTTP.
    BrokenAnswer,
    /// A person sent the request to another key before an answer came.
    SentElsewhere,
}

/// What a cause does to the key that met it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Counts as a success: errors fade.
    Praise,
    Nothing,
    /// Others are asked first for a moment; nothing is held against the key.
    StepAside,
    /// For `Retry-After`, else the configured cooldown.
    CoolDown,
    /// For `Retry-After`, else a few seconds that double with each failure in a row; a minute at most.
    CoolBriefly,
    /// Until the window resets, else `Retry-After`, else the configured cooldown.
    CoolUntilReset,
    BlockForPayment,
    /// Until a usage check succeeds.
    AwaitCheck,
    /// Until a person unblocks it.
    BlockForGood,
    /// This model only.
    RefuseModel,
}

/// Which outstanding-error counter a cause advances.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counter {
    None,
    Error401,
    Error403,
    Error429,
    Error5xx,
}

/// The consequences of a [`Cause`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) effect: Effect,
    pub(crate) counter: Counter,
    /// Another key may be tried while the client has seen nothing.
    pub(crate) another_key: bool,
    /// The same key may be tried again, within KMI_PROXY_RETRY_MAX: also what may have been executed, since the setting
    /// asks for it.
    pub(crate) same_key: bool,
    /// How telling the answer is when every key failed; the highest is relayed.
    pub(crate) telling: u8,
}

impl Cause {
    pub(crate) const fn rule(self) -> Rule {
        use {Counter as C, Effect as E};
        let (effect, counter, another_key, same_key, telling) = match self {
            Self::Ok => (E::Praise, C::None, false, false, 9),
            Self::ClientFault | Self::ClientNotAllowed => (E::Nothing, C::None, false, false, 9),
            Self::RateLimited => (E::CoolDown, C::Error429, true, true, 8),
            Self::Concurrency => (E::CoolBriefly, C::Error429, true, true, 8),
            Self::QuotaFiveHours | Self::QuotaWeek | Self::QuotaMonth | Self::Quota => {
                (E::CoolUntilReset, C::Error403, true, false, 7)
            }
            Self::PaymentRequired => (E::BlockForPayment, C::None, true, false, 6),
            Self::Unauthorized => (E::AwaitCheck, C::Error401, true, false, 6),
            Self::Forbidden => (E::CoolDown, C::Error403, true, false, 6),
            Self::AccountTerminated => (E::BlockForGood, C::Error403, true, false, 6),
            Self::ModelNotInPlan => (E::RefuseModel, C::None, true, false, 5),
            Self::Busy => (E::StepAside, C::None, true, true, 4),
            Self::ServerError => (E::CoolBriefly, C::Error5xx, true, true, 3),
            Self::ConnectFailed => (E::Nothing, C::None, true, true, 2),
            Self::Timeout | Self::BrokenAnswer => (E::CoolBriefly, C::Error5xx, false, true, 1),
            Self::SentElsewhere => (E::Nothing, C::None, false, false, 0),
        };
        Rule { effect, counter, another_key, same_key, telling }
    }

    /// What it says of the upstream's host. Any other cause says that the host is alive.
    pub(crate) const fn of_host(self) -> Option<Failing> {
        match self {
            Self::ConnectFailed => Some(Failing::Unreachable),
            Self::Timeout | Self::BrokenAnswer | Self::ServerError => Some(Failing::Badly),
            _ => None,
        }
    }

    /// Whether the upstream says that quota or money is missing, whatever its own report says.
    pub(crate) const fn wants_quota(self) -> bool {
        matches!(self, Self::QuotaFiveHours | Self::QuotaWeek | Self::QuotaMonth | Self::Quota | Self::PaymentRequired)
    }

    /// The name in traces, state and JSON: snake case.
    pub(crate) fn code(self) -> &'static str {
        self.names().0
    }

    /// The Fluent id of its name.
    pub(crate) fn message_id(self) -> &'static str {
        self.names().1
    }

    /// The cause of a name in a trace or state file.
    pub(crate) fn from_code(code: &str) -> Option<Self> {
        NAMES.iter().find(|(_, known, _)| *known == code).map(|(cause, _, _)| *cause)
    }

    fn names(self) -> (&'static str, &'static str) {
        // Every cause stands in the table; a test holds that.
        NAMES.iter().find(|(cause, _, _)| *cause == self).map_or(("", ""), |(_, code, id)| (code, id))
    }

    /// Whether an exhausted quota window is the cause, and which one.
    pub(crate) const fn window(self) -> Option<WindowKind> {
        match self {
            Self::QuotaFiveHours => Some(WindowKind::FiveHours),
            Self::QuotaWeek => Some(WindowKind::Week),
            Self::QuotaMonth => Some(WindowKind::MonthTotal),
            _ => None,
        }
    }
}

/// Causes by name: in files, and in the words of `i18n`.
pub(crate) const NAMES: &[(Cause, &str, &str)] = &[
    (Cause::Ok, "ok", "cause-ok"),
    (Cause::ClientFault, "client_fault", "cause-bad-request"),
    (Cause::ClientNotAllowed, "client_not_allowed", "cause-client-not-allowed"),
    (Cause::Unauthorized, "unauthorized", "cause-unauthorized"),
    (Cause::PaymentRequired, "payment_required", "cause-payment"),
    (Cause::QuotaFiveHours, "quota_five_hours", "cause-quota-five-hours"),
    (Cause::QuotaWeek, "quota_week", "cause-quota-week"),
    (Cause::QuotaMonth, "quota_month", "cause-quota-month"),
    (Cause::Quota, "quota", "cause-quota"),
    (Cause::Concurrency, "concurrency", "cause-concurrency"),
    (Cause::RateLimited, "rate_limited", "cause-rate-limited"),
    (Cause::Busy, "busy", "cause-overloaded"),
    (Cause::AccountTerminated, "account_terminated", "cause-flagged"),
    (Cause::ModelNotInPlan, "model_not_in_plan", "cause-model-refused"),
    (Cause::Forbidden, "forbidden", "cause-forbidden"),
    (Cause::ServerError, "server_error", "cause-server-error"),
    (Cause::ConnectFailed, "connect_failed", "cause-connect"),
    (Cause::Timeout, "timeout", "cause-timeout"),
    (Cause::BrokenAnswer, "broken_answer", "cause-broken"),
    (Cause::SentElsewhere, "sent_elsewhere", "cause-sent-elsewhere"),
];

/// A judged attempt.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Verdict {
    pub(crate) cause: Cause,
    /// As the upstream asked, clamped.
    pub(crate) retry_after: Option<Duration>,
    /// The upstream's own words, not yet masked.
    pub(crate) message: Option<String>,
}

impl Verdict {
    /// A cause that came without an answer.
    pub(crate) const fn bare(cause: Cause) -> Self {
        Self { cause, retry_after: None, message: None }
    }
}

/// Judges an answer by its status and, from 400 on, by its (decoded) body.
pub(crate) fn classify(status: StatusCode, retry_after: Option<Duration>, body: &[u8]) -> Verdict {
    if status.as_u16() < 400 {
        return Verdict { cause: Cause::Ok, retry_after: None, message: None };
    }
    let said = Said::read(body.get(..BODY_JUDGED).unwrap_or(body));
    let cause = cause_of(status, &said);
    Verdict { cause, retry_after: retry_after.or_else(|| said.retry_after()), message: said.message }
}

fn cause_of(status: StatusCode, said: &Said) -> Cause {
    match status.as_u16() {
        401 => Cause::Unauthorized,
        402 => Cause::PaymentRequired,
        529 => Cause::Busy,
        400 => said.payment_of_bad_request().unwrap_or(Cause::ClientFault),
        403 => said.named().or_else(|| said.payment_words()).unwrap_or(Cause::Forbidden),
        404 => said.phrase(MODEL_PHRASES).unwrap_or(Cause::ClientFault),
        429 => said.named().unwrap_or(Cause::RateLimited),
        500.. => said.busy().unwrap_or(Cause::ServerError),
        _ => Cause::ClientFault,
    }
}

/// `type` and `code` values that mean one thing only.
const TYPES: &[(&str, Cause)] = &[
    ("exceeded_current_quota_error", Cause::PaymentRequired),
    ("payment_required", Cause::PaymentRequired),
    ("insufficient_balance", Cause::PaymentRequired),
    ("balance_insufficient", Cause::PaymentRequired),
    ("insufficient_quota", Cause::PaymentRequired),
    ("billing_error", Cause::PaymentRequired),
    ("engine_overloaded_error", Cause::Busy),
    ("overloaded_error", Cause::Busy),
];

/// Phrases of messages, the more special first.
const PHRASES: &[(&str, Cause)] = &[
    ("only available for coding agents", Cause::ClientNotAllowed),
    ("access terminated", Cause::AccountTerminated),
    ("community guidelines", Cause::AccountTerminated),
    ("5-hour usage limit", Cause::QuotaFiveHours),
    ("weekly (7-day) usage limit", Cause::QuotaWeek),
    ("weekly usage limit", Cause::QuotaWeek),
    ("7-day usage limit", Cause::QuotaWeek),
    ("usage limit for this billing cycle", Cause::QuotaMonth),
    ("monthly usage limit", Cause::QuotaMonth),
    ("usage limit for this period", Cause::Quota),
    ("reached your usage limit", Cause::Quota),
    ("max organization concurrency", Cause::Concurrency),
    ("concurrent request limit", Cause::Concurrency),
    ("concurrent requests", Cause::Concurrency),
    ("too many concurrent", Cause::Concurrency),
    ("concurrency limit", Cause::Concurrency),
    ("max concurrency", Cause::Concurrency),
    ("engine is currently overloaded", Cause::Busy),
    ("exceeded current quota", Cause::PaymentRequired),
    ("exceeded your current token quota", Cause::PaymentRequired),
    ("verify your membership", Cause::PaymentRequired),
    ("membership expired", Cause::PaymentRequired),
    ("membership has expired", Cause::PaymentRequired),
];

const MODEL_PHRASES: &[(&str, Cause)] = &[
    ("do not have access to model", Cause::ModelNotInPlan),
    ("do not have access to the model", Cause::ModelNotInPlan),
    ("not found the model", Cause::ModelNotInPlan),
];

/// Phrases that speak of payment whatever the type says.
const PAYMENT_PHRASES: &[(&str, Cause)] = &[
    ("insufficient balance", Cause::PaymentRequired),
    ("insufficient quota", Cause::PaymentRequired),
    ("insufficient credits", Cause::PaymentRequired),
    ("payment required", Cause::PaymentRequired),
    ("please recharge", Cause::PaymentRequired),
    ("top up your", Cause::PaymentRequired),
    ("subscription has expired", Cause::PaymentRequired),
    ("subscription expired", Cause::PaymentRequired),
    ("no active subscription", Cause::PaymentRequired),
    ("余额不足", Cause::PaymentRequired),
    ("请充值", Cause::PaymentRequired),
    ("欠费", Cause::PaymentRequired),
    ("未付费", Cause::PaymentRequired),
    ("未支付", Cause::PaymentRequired),
    ("订阅已过期", Cause::PaymentRequired),
    ("套餐已过期", Cause::PaymentRequired),
];

/// Whole words of a refusal (403) that speak of payment. Never `plan` or `credit`: they stand in too much else.
const PAYMENT_WORDS: &[&str] = &["payment", "balance", "billing", "quota", "subscription", "recharge", "unpaid"];
const PAYMENT_WORDS_CHINESE: &[&str] = &["余额", "充值", "付费", "支付", "订阅", "套餐", "账单"];

/// What an error body says, in lower case where it is matched.
#[derive(Debug, Default)]
struct Said {
    types: Vec<String>,
    text: String,
    message: Option<String>,
}

impl Said {
    /// Reads `{"error":{"message","type","code"}}` and its cousins; other text counts as a message unless it is a page.
    fn read(body: &[u8]) -> Self {
        let mut said = Self::default();
        match serde_json::from_slice::<Value>(body) {
            Ok(value) => said.collect(&value, 0),
            Err(_) => {
                let text = String::from_utf8_lossy(body);
                if !text.trim_start().starts_with('<') {
                    said.say(text.trim());
                }
            }
        }
        said
    }

    fn collect(&mut self, value: &Value, depth: usize) {
        let Value::Object(fields) = value else {
            if let (Value::String(text), true) = (value, depth > 0) {
                self.say(text);
            }
            return;
        };
        for (name, inner) in fields {
            match (name.as_str(), inner) {
                ("type" | "code", Value::String(text)) => self.types.push(text.to_lowercase()),
                ("message" | "detail" | "reason" | "title" | "msg" | "error_description", Value::String(text)) => {
                    self.say(text);
                }
                ("error" | "detail", inner) if depth < 4 => self.collect(inner, depth + 1),
                _ => {}
            }
        }
    }

    fn say(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        self.text.push_str(&text.to_lowercase());
        self.text.push('\n');
        self.message.get_or_insert_with(|| text.to_owned());
    }

    fn named(&self) -> Option<Cause> {
        self.phrase(PHRASES)
            .or_else(|| self.phrase(MODEL_PHRASES))
            .or_else(|| self.typed())
            .or_else(|| self.phrase(PAYMENT_PHRASES))
    }

    fn typed(&self) -> Option<Cause> {
        TYPES.iter().find(|(name, _)| self.types.iter().any(|said| said == name)).map(|(_, cause)| *cause)
    }

    fn busy(&self) -> Option<Cause> {
        self.typed().or_else(|| self.phrase(PHRASES)).filter(|cause| *cause == Cause::Busy)
    }

    /// A 400 is the request's fault unless its type or a whole phrase says that money is missing.
    fn payment_of_bad_request(&self) -> Option<Cause> {
        self.typed().or_else(|| self.phrase(PAYMENT_PHRASES)).filter(|cause| *cause == Cause::PaymentRequired)
    }

    /// "please try again after 1 seconds": the open platform says it in words only.
    fn retry_after(&self) -> Option<Duration> {
        let (_, rest) = self.text.split_once("try again after ").or_else(|| self.text.split_once("try again in "))?;
        let (number, unit) = rest.split_once(' ')?;
        let seconds: u32 = number.parse().ok().filter(|_| unit.starts_with("second"))?;
        Some(Duration::from_secs(u64::from(seconds.clamp(1, 86_400))))
    }

    fn phrase(&self, phrases: &[(&str, Cause)]) -> Option<Cause> {
        phrases.iter().find(|(phrase, _)| self.text.contains(phrase)).map(|(_, cause)| *cause)
    }

    fn payment_words(&self) -> Option<Cause> {
        let english = self
            .text
            .split(|character: char| !character.is_alphanumeric() && character != '_')
            .any(|word| PAYMENT_WORDS.contains(&word));
        let chinese = PAYMENT_WORDS_CHINESE.iter().any(|word| self.text.contains(word));
        (english || chinese).then_some(Cause::PaymentRequired)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(status: u16, body: &str) -> Cause {
        classify(StatusCode::from_u16(status).expect("valid"), None, body.as_bytes()).cause
    }

    fn error(kind: &str, message: &str) -> String {
        serde_json::json!({"error": {"type": kind, "message": message}}).to_string()
    }

    #[test]
    fn kimi_answers_are_named() {
        let terminated = "access_terminated_error";
        for (status, kind, message, expected) in [
            (403, terminated, "You've reached your weekly (7-day) usage limit. It resets soon.", Cause::QuotaWeek),
            (403, terminated, "You've reached your 5-hour usage limit", Cause::QuotaFiveHours),
            (403, terminated, "You've reached your usage limit for this billing cycle", Cause::QuotaMonth),
            (403, "permission_error", "You've reached your usage limit for this billing cycle", Cause::QuotaMonth),
            (
                403,
                terminated,
                "Kimi For Coding is currently only available for Coding Agents such as …",
                Cause::ClientNotAllowed,
            ),
            (403, terminated, "Access terminated. Review our Community Guidelines", Cause::AccountTerminated),
            (403, "permission_error", "You do not have access to model k3-preview", Cause::ModelNotInPlan),
            (403, "exceeded_current_quota_error", "… is not active, … exceeded current quota", Cause::PaymentRequired),
            (403, "forbidden", "too many concurrent requests, max concurrency 30", Cause::Concurrency),
            (403, "forbidden", "no", Cause::Forbidden),
            (
                429,
                "exceeded_current_quota_error",
                "suspended due to insufficient balance, please recharge",
                Cause::PaymentRequired,
            ),
            (429, "rate_limit_reached_error", "We're receiving too many requests at the moment", Cause::RateLimited),
            (
                429,
                "rate_limit_reached_error",
                "request reached organization max RPM: 20, please try again after 1 seconds",
                Cause::RateLimited,
            ),
            (429, "rate_limit_reached_error", "reached max organization concurrency: 3", Cause::Concurrency),
            (429, "", "You've reached kimi monthly usage limit", Cause::QuotaMonth),
            (429, "", "You've reached your usage limit for this period", Cause::Quota),
            (429, "engine_overloaded_error", "The engine is currently overloaded, please try again later", Cause::Busy),
            (503, "engine_overloaded_error", "overloaded", Cause::Busy),
            (500, "server_error", "oops", Cause::ServerError),
            (529, "", "", Cause::Busy),
            (401, "invalid_authentication_error", "Invalid Authentication", Cause::Unauthorized),
            (402, "", "We're unable to verify your membership benefits", Cause::PaymentRequired),
            (400, "invalid_request_error", "Your request exceeded model token limit: 262144", Cause::ClientFault),
            (400, "content_filter", "The request was rejected because it was considered high risk", Cause::ClientFault),
            (400, "invalid_request_error", "function name billing is duplicated", Cause::ClientFault),
            (400, "bad_request", "insufficient balance", Cause::PaymentRequired),
            (
                404,
                "resource_not_found_error",
                "Not found the model kimi-for-coding or Permission denied",
                Cause::ModelNotInPlan,
            ),
            (404, "resource_not_found_error", "method not found", Cause::ClientFault),
            (413, "", "too large", Cause::ClientFault),
        ] {
            assert_eq!(judge(status, &error(kind, message)), expected, "{status} {kind} {message}");
        }
    }

    #[test]
    fn payment_is_a_word_or_a_phrase_never_a_piece_of_one() {
        for (status, body, expected) in [
            (403, r#"{"error":{"message":"no explanation given"}}"#, Cause::Forbidden),
            (403, r#"{"error":{"message":"planning failed, accreditation lost"}}"#, Cause::Forbidden),
            (403, "<html>choose a plan, check your billing</html>", Cause::Forbidden),
            (403, r#"{"error":"payment"}"#, Cause::PaymentRequired),
            (403, r#"{"error":{"message":"Your subscription is not active"}}"#, Cause::PaymentRequired),
            (403, r#"{"error":{"message":"账户余额不足"}}"#, Cause::PaymentRequired),
            (403, r#"{"detail":"billing problem"}"#, Cause::PaymentRequired),
            (403, "", Cause::Forbidden),
            (403, "quota exceeded", Cause::PaymentRequired),
            (400, r#"{"error":{"message":"欠费"}}"#, Cause::PaymentRequired),
            (500, r#"{"error":{"message":"billing service down"}}"#, Cause::ServerError),
            (
                403,
                r#"{"type":"error","error":{"type":"permission_error","message":"weekly usage limit"}}"#,
                Cause::QuotaWeek,
            ),
        ] {
            assert_eq!(judge(status, body), expected, "{status} {body}");
        }
    }

    #[test]
    fn deep_and_broken_bodies_are_judged_by_their_status() {
        let deep = "{\"error\":".repeat(100_000);
        assert_eq!(judge(403, &deep), Cause::Forbidden);
        assert_eq!(judge(429, "\u{0}\u{1}"), Cause::RateLimited);
    }

    #[test]
    fn every_cause_has_its_names() {
        for cause in [Cause::Ok, Cause::QuotaFiveHours, Cause::ModelNotInPlan, Cause::BrokenAnswer, Cause::Concurrency]
        {
            assert_eq!(serde_json::to_value(cause).expect("a string"), cause.code());
        }
        for (cause, code, _) in NAMES {
            assert_eq!(Cause::from_code(code), Some(*cause));
            assert_eq!(serde_json::from_value::<Cause>((*code).into()).expect("known"), *cause);
        }
    }
}
