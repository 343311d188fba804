//! The engine's words in a person's: causes, reasons to pass over a key, quota windows. Not grammar, which is in `i18n`.

use std::time::Duration;

use jiff::Timestamp;

use super::{
    format::{count, countdown},
    view::{FOREIGN, View},
};
use crate::{
    domain::{
        message::Message,
        outcome::Cause,
        reason::{Act, PassedOver},
        running::{Phase, RunningView},
        runway,
        shared_cause::Common,
        snapshot::{KeyView, Mode, Skip, Status, UsageView},
        text,
        trace::{TokenSums, TraceRecord},
        usage::{Window, WindowKind},
    },
    i18n::Words,
};

/// A time of day says enough until then.
const SOON: Duration = Duration::from_secs(20 * 3_600);
/// Until then a weekday names one day.
const WEEK: Duration = Duration::from_secs(6 * 86_400);

/// Words of a trace that are no upstream cause: how a request ended, or why the proxy itself refused it.
pub(crate) const CODES: &[(&str, &str)] = &[
    ("upstream_error", "cause-upstream-error"),
    ("stream_cut", "cause-stream-cut"),
    ("error_event", "cause-error-event"),
    ("client_gone", "cause-client-gone"),
    ("cancelled", "cause-cancelled"),
    ("no_key_available", "cause-no-key"),
    ("no_keys", "cause-no-key"),
    ("key_rate_limit", "skip-own-rate"),
    ("proxy_rate_limit", "skip-own-rate"),
    ("not_found", "cause-not-found"),
    ("body_too_large", "cause-too-large"),
];

/// A cause in words; an unknown one cleaned.
pub(crate) fn cause(words: &Words, code: &str) -> String {
    let other = || CODES.iter().find(|(name, _)| *name == code).map(|(_, id)| *id);
    match Cause::from_code(code).map(Cause::message_id).or_else(other) {
        Some(id) => words.text(id),
        None => text::clean(code, FOREIGN),
    }
}

/// Why a key is passed over, without the time.
pub(crate) fn skip(view: &View<'_>, skip: &Skip) -> String {
    match skip.name() {
        Ok(id) => view.text(id),
        Err(code) => cause(view.words, code),
    }
}

/// What a running request does, in a word.
pub(crate) const fn phase(phase: &Phase) -> &'static str {
    match phase {
        Phase::Reading => "phase-reading",
        Phase::Held { .. } => "phase-held",
        Phase::Waiting { .. } => "phase-waiting",
        Phase::Asking { .. } => "phase-asking",
        Phase::Answering { .. } => "phase-answering",
    }
}

/// What a running request waits for, and until when; empty when it does not wait.
pub(crate) fn wait(view: &View<'_>, running: &RunningView) -> String {
    let left = |moment| countdown(view.words, view.until(moment));
    let until = match running.phase {
        Phase::Held { until } => until,
        Phase::Waiting { until: Some(until) } => {
            return view.say(&Message::new("wait-again").with("left", left(until)));
        }
        _ => return String::new(),
    };
    // The one that is back first is the one that is waited for.
    let back = |passed: &&PassedOver| super::countdown::back_at(&passed.skip).unwrap_or(Timestamp::MAX);
    let why = running.passed_over.iter().min_by_key(back).map(|passed| skip(view, &passed.skip));
    let why = why.or_else(|| running.attempts.last().map(|tried| cause(view.words, &tried.cause))).unwrap_or_default();
    let expected = running.key_expected.filter(|expected| *expected < until);
    view.say(&match expected {
        Some(expected) => Message::new("wait-key").with("left", left(expected)).with("why", why),
        None => Message::new("wait-gives-up").with("left", left(until)).with("why", why),
    })
}

/// Why a key is passed over, until when, and who must act.
pub(crate) fn passed_over(view: &View<'_>, skip: &Skip) -> String {
    let mut parts = vec![self::skip(view, skip)];
    if let Some(back) = super::countdown::back_at(skip).filter(|back| view.until(*back) > Duration::ZERO) {
        parts.push(
            view.say(&Message::new("passed-until").with("time", time(view, back)).with("span", view.until(back))),
        );
    }
    parts.extend(Act::on_skip(skip).map(|act| view.text(act.message_id())));
    view.join(&parts)
}

/// When a window of a key will be empty, where that is before it comes back.
pub(crate) fn empty_at(key: &KeyView, window: &Window) -> Option<Timestamp> {
    let (UsageView::Known { at, .. } | UsageView::Failed { at, .. }) = &key.usage else { return None };
    runway::empty_at(window, &key.pace, *at)
}

/// A time of day, with its weekday or date where it is not soon.
pub(crate) fn time(view: &View<'_>, moment: Timestamp) -> String {
    let clock = view.words.clock(moment);
    let minutes = clock.rsplit_once(':').map_or(clock.as_str(), |(minutes, _)| minutes);
    match view.until(moment) {
        left if left <= SOON => minutes.to_owned(),
        left if left < WEEK => format!("{} {minutes}", view.words.weekday(moment)),
        _ => view.words.moment(moment),
    }
}

/// When a key is back, short.
pub(crate) fn back(view: &View<'_>, skip: &Skip) -> String {
    match super::countdown::back_at(skip) {
        Some(moment) => countdown(view.words, view.until(moment)),
        None => view.nothing(),
    }
}

/// What all keys have in common, in a few words.
pub(crate) const fn common(common: Common) -> &'static str {
    match common {
        Common::ClientIdentity => "common-client-identity",
        Common::Address => "common-address",
        Common::Request => "common-request",
        Common::UpstreamBusy => "common-upstream-busy",
        Common::Upstream => "common-upstream",
    }
}

pub(crate) fn status(view: &View<'_>, status: Status) -> String {
    view.text(match status {
        Status::Healthy => "status-healthy",
        Status::Warn => "status-warn",
        Status::Exhausted => "status-exhausted",
        Status::Blocked => "status-blocked",
        Status::Disabled => "status-disabled",
    })
}

pub(crate) fn mode(view: &View<'_>, mode: Mode) -> String {
    view.text(match mode {
        Mode::Live => "mode-live",
        Mode::DryRun => "mode-dry-run",
        Mode::Demo => "mode-demo",
    })
}

/// The name of a quota window.
pub(crate) fn window(view: &View<'_>, kind: &WindowKind) -> String {
    window_name(view.words, kind)
}

/// The same, for the command line.
pub(crate) fn window_name(words: &Words, kind: &WindowKind) -> String {
    match kind {
        WindowKind::FiveHours => words.text("window-five-hours"),
        WindowKind::Week => words.text("window-week"),
        WindowKind::MonthTotal => words.text("window-month"),
        WindowKind::MonthCode => words.text("window-month-code"),
        WindowKind::Every(span) => words.span(*span),
        WindowKind::Named(name) => text::clean(name, FOREIGN),
    }
}

/// `1.2M in (900k cached), 80.4k out`.
pub(crate) fn token_sums(words: &Words, tokens: TokenSums) -> Message {
    let number = |number| count(words, number);
    let message = Message::new("details-tokens").with("input", number(tokens.input));
    message.with("cached", number(tokens.cached)).with("output", number(tokens.output))
}

/// What went wrong with a request; `None` when nothing did.
pub(crate) fn trouble(words: &Words, record: &TraceRecord) -> Option<String> {
    let code = record.error_code.as_deref();
    let last = record.attempts.last().map(|attempt| &*attempt.cause).filter(|cause| *cause != "ok");
    let is_number = |code: &&str| code.bytes().all(|byte| byte.is_ascii_digit());
    let named = code.filter(|code| !is_number(code)).or(record.ending.error_code()).or(last);
    match (named, code) {
        (Some(name), _) => Some(cause(words, name)),
        (None, Some(code)) => Some(words.render(&Message::new("cause-status").with("status", code))),
        (None, None) => (record.status >= 400)
            .then(|| words.render(&Message::new("cause-status").with("status", record.status.to_string()))),
    }
}
