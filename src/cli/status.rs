//! How an instance stands, for people and for scripts. The JSON keeps the old tool's fields and adds its own.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{say, table};
use crate::{
    config::Config,
    domain::{
        message::Message,
        now::until,
        outcome::Cause,
        pool::skip_until,
        snapshot::{KeyView, Mode, Skip, Snapshot, Status, UsageView},
        text,
    },
    i18n::Words,
    store::output,
    tui::wording,
};

/// A column that is cut at this width.
const LABEL_MAX: usize = 20;

/// `status`.
pub(super) fn status(snapshot: &Snapshot, running: bool, config: &Config, as_json: bool, words: &Words) {
    if as_json {
        return say(&format!("{:#}", status_json(snapshot, running, config)));
    }
    let setup = &snapshot.setup;
    let state = if running { "status-running" } else { "status-not-running" };
    let rotation = if snapshot.auto_rotate { "header-auto-on" } else { "header-auto-off" };
    let active = snapshot.active.as_ref().map(|label| text::clean(label.as_str(), LABEL_MAX));
    let today = snapshot.ledger.sums(|name| (name.day == snapshot.today).then_some(())).remove(&()).unwrap_or_default();
    let mut facts = vec![
        ("status-proxy", format!("{} ({})", text::clean(&setup.address, 80), words.text(state))),
        ("status-upstream", text::clean(&setup.upstream, 80)),
        ("status-active", active.unwrap_or_else(|| words.text("header-no-active"))),
        ("status-rotation", words.text(rotation)),
        ("fact-tokens-today", words.render(&wording::token_sums(words, today))),
    ];
    facts.extend(unwritten(snapshot, words).into_iter().map(|text| ("status-unwritten", text)));
    table::print(&facts.into_iter().map(|(name, value)| [words.text(name), value]).collect::<Vec<_>>());
    say("");
    keys(snapshot, false, words);
}

/// What is not on disk as it should be, in the dashboard's words.
fn unwritten(snapshot: &Snapshot, words: &Words) -> Vec<String> {
    let losses = snapshot.traffic.losses().into_iter().filter(|(_, count)| *count > 0);
    let message = |(id, count)| Message::new(id).with("count", i64::try_from(count).unwrap_or(i64::MAX));
    losses.map(|loss| words.render(&message(loss))).collect()
}

/// `keys`.
pub(super) fn keys(snapshot: &Snapshot, as_json: bool, words: &Words) {
    if as_json {
        let keys: Vec<Value> = snapshot.keys.iter().map(|key| key_json(key, snapshot.at)).collect();
        return say(&format!("{:#}", json!(keys)));
    }
    if snapshot.keys.is_empty() {
        return say(&words.text("refused-no-keys"));
    }
    let titles =
        ["", "column-key", "column-status", "column-left", "column-in-flight", "column-requests", "column-why"];
    let mut rows = vec![titles.map(|id| if id.is_empty() { String::new() } else { words.text(id) })];
    rows.extend(snapshot.keys.iter().map(|key| row(key, snapshot.at, words)));
    table::print(&rows);
}

fn row(key: &KeyView, now: Timestamp, words: &Words) -> [String; 7] {
    let back = key.skip.as_ref().and_then(skip_until).map(|moment| words.span(round(until(moment, now))));
    let unchecked = matches!(key.usage, UsageView::Unknown).then(|| words.text("skip-usage-unknown"));
    let why = key.skip.as_ref().map(|skip| reason(skip, words)).or(unchecked);
    let note = why.into_iter().chain(back).collect::<Vec<_>>().join(", ");
    [
        if key.active { "*".to_owned() } else { String::new() },
        text::clean(key.label.as_str(), LABEL_MAX),
        words.text(status_id(key.status)),
        left(key, now).map_or_else(|| "?".to_owned(), |left| format!("{:.0}%", left * 100.0)),
        key.in_flight.to_string(),
        key.requests.to_string(),
        note,
    ]
}

/// Seconds are enough.
const fn round(span: Duration) -> Duration {
    Duration::from_secs(span.as_secs())
}

pub(super) fn reason(skip: &Skip, words: &Words) -> String {
    match skip.name() {
        Ok(id) => words.text(id),
        Err(code) => {
            Cause::from_code(code).map_or_else(|| text::clean(code, 40), |cause| words.text(cause.message_id()))
        }
    }
}

pub(super) const fn status_id(status: Status) -> &'static str {
    match status {
        Status::Healthy => "status-healthy",
        Status::Warn => "status-warn",
        Status::Exhausted => "status-exhausted",
        Status::Blocked => "status-blocked",
        Status::Disabled => "status-disabled",
    }
}

fn left(key: &KeyView, now: Timestamp) -> Option<f64> {
    match &key.usage {
        UsageView::Known { usage, .. } | UsageView::Failed { usage: Some(usage), .. } => usage.tightest(now)?.left,
        _ => None,
    }
}

/// The old tool's fields, in its order, then ours.
pub(super) fn status_json(snapshot: &Snapshot, running: bool, config: &Config) -> Value {
    let count = |wanted: &[Status]| snapshot.keys.iter().filter(|key| wanted.contains(&key.status)).count();
    let setup = &snapshot.setup;
    let checks = config.policy.checks;
    let seconds = |span: Option<Duration>| span.map_or(0, |span| span.as_secs());
    let keys: Vec<Value> = snapshot.keys.iter().map(|key| key_json(key, snapshot.at)).collect();
    let hosts: Vec<Value> = snapshot.hosts.iter().map(|host| tagged("host", &host.host, &host.circuit)).collect();
    json!({
        "mode": if setup.mode == Mode::DryRun { "dry-run" } else { "live" },
        "proxy": {
            "running": running,
            "host": config.listen.host,
            "port": config.listen.address.port(),
            "url": setup.address,
            "pids": running.then(|| vec![setup.pid]),
            "daemon_log": output::path(&config.state_dir).display().to_string(),
        },
        "upstream": setup.upstream,
        "keys": {
            "total": snapshot.keys.len(),
            "disabled": count(&[Status::Disabled]),
            "blocked": count(&[Status::Blocked]),
            "exhausted": count(&[Status::Exhausted]),
            "healthy": count(&[Status::Healthy]),
            "warn": count(&[Status::Warn]),
        },
        "active_key": snapshot.active,
        "rotation": {
            "active_index": snapshot.keys.iter().position(|key| key.active),
            "rotation_index": snapshot.rotation_index,
            "auto_rotate": snapshot.auto_rotate,
        },
        "policy": {
            "strict_usage_check": config.policy.require_usage,
            "fail_open_on_empty_cache": config.policy.fail_open,
        },
        "cache": {
            "usage_refresh_seconds": seconds(checks.refresh),
            "blocklist_recheck_seconds": seconds(checks.recheck),
            "blocklist_max": checks.most_rechecks,
        },
        "payment_block_seconds": seconds(config.policy.payment_block),
        "last_health_refresh": snapshot.last_health_refresh.map(stamp),
        "version": setup.version,
        "in_flight": snapshot.traffic.in_flight,
        "held": snapshot.held.len(),
        "hosts": hosts,
        "confidence": snapshot.confidence.percent,
        "not_written": {
            "failed_saves": snapshot.traffic.failed_saves,
            "waiting_records": snapshot.traffic.unwritten_records,
            "lost_records": snapshot.traffic.dropped_records,
            "lost_log_lines": snapshot.traffic.dropped_log_lines,
        },
        "today": snapshot.today,
        "tokens_by_day": *snapshot.ledger,
        "key_list": keys,
    })
}

pub(super) fn key_json(key: &KeyView, now: Timestamp) -> Value {
    json!({
        "label": key.label,
        "masked": key.masked,
        "host": key.host,
        "email": key.email,
        "priority": key.priority,
        "active": key.active,
        "status": key.status,
        "skip": key.skip.as_ref().map(skip_json),
        "back_at": key.skip.as_ref().and_then(skip_until).map(stamp),
        "left": left(key, now),
        "in_flight": key.in_flight,
        "requests": key.requests,
        "errors": key.counters,
        "last_used": key.last_used.map(stamp),
        "tokens": key.tokens,
        "shares_account_with": key.shares_account_with,
        "contradiction": key.contradiction,
    })
}

/// Why a key is passed over: a code, what else is said of it, and until when.
pub(super) fn skip_json(skip: &Skip) -> Value {
    let fields = serde_json::to_value(skip).unwrap_or_default();
    let until = skip_until(skip).map(stamp);
    let detail = ["reason", "cause"].iter().find_map(|name| fields.get(*name).cloned());
    json!({"code": fields["code"], "detail": detail, "until": until})
}

/// An enum's variant as `state`, and its fields beside it: one shape, whatever the variant.
fn tagged(name: &str, value: &str, variant: &impl Serialize) -> Value {
    let mut fields = Map::from_iter([(name.to_owned(), json!(value))]);
    match serde_json::to_value(variant) {
        Ok(Value::Object(variant)) => {
            for (state, inner) in variant {
                fields.insert("state".to_owned(), state.into());
                fields.extend(inner.as_object().cloned().unwrap_or_default());
            }
        }
        Ok(state) => drop(fields.insert("state".to_owned(), state)),
        Err(_) => {}
    }
    fields.into()
}

pub(super) fn stamp(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
