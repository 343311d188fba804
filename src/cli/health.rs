//! `health`: asks the upstream now how every key stands, and shows it. Not how quotas are read (`domain::usage`).

use serde_json::{Value, json};

use super::{FAILED, Stop, recheck, say, status, table, target::Target};
use crate::{
    config::Config,
    domain::{
        now::until,
        snapshot::{KeyView, Snapshot, Status, UsageView},
        text,
    },
    i18n::Words,
    tui,
};

const WIDTH: usize = 32;

/// Checks and shows. `current`: the active key alone. Exit code 1 when a key that was asked for is not well.
pub(super) async fn run(
    target: &mut Target,
    config: &Config,
    current: bool,
    as_json: bool,
    words: &Words,
) -> Result<(), Stop> {
    let answers = recheck::ask(target, config, words).await?;
    let snapshot = &answers.snapshot;
    let keys: Vec<&KeyView> = snapshot.keys.iter().filter(|key| !current || key.active).collect();
    if as_json {
        let list: Vec<Value> = keys.iter().map(|key| key_json(key, snapshot)).collect();
        say(&format!("{:#}", json!({"active_key": snapshot.active, "keys": list})));
    } else if keys.is_empty() {
        say(&words.text("refused-no-keys"));
    } else {
        show(&keys, snapshot, words);
    }
    let well = |key: &&KeyView| match key.status {
        Status::Disabled => true,
        Status::Healthy | Status::Warn => answers.is_good(key),
        Status::Exhausted | Status::Blocked => false,
    };
    if !keys.is_empty() && keys.iter().all(well) { Ok(()) } else { Err(Stop { code: FAILED, text: String::new() }) }
}

fn show(keys: &[&KeyView], snapshot: &Snapshot, words: &Words) {
    let titles = ["", "column-key", "column-status", "health-windows", "column-why"];
    let mut rows = vec![titles.map(|id| if id.is_empty() { String::new() } else { words.text(id) })];
    for key in keys {
        let mut lines = windows(key, snapshot, words).into_iter();
        let fault = match &key.usage {
            UsageView::Failed { fault, .. } => text::clean(fault, WIDTH),
            _ => String::new(),
        };
        let skip = key.skip.as_ref().map(|skip| status::reason(skip, words));
        let note: Vec<String> = skip.into_iter().chain([fault]).filter(|text| !text.is_empty()).collect();
        rows.push([
            if key.active { "*".to_owned() } else { String::new() },
            text::clean(key.label.as_str(), 20),
            words.text(status::status_id(key.status)),
            lines.next().unwrap_or_else(|| "?".to_owned()),
            note.join(", "),
        ]);
        rows.extend(lines.map(|line| [String::new(), String::new(), String::new(), line, String::new()]));
    }
    table::print(&rows);
}

/// `5 h 82% (1h 20m)`: a window, what is left of it, when it is whole again.
fn windows(key: &KeyView, snapshot: &Snapshot, words: &Words) -> Vec<String> {
    let (UsageView::Known { usage, .. } | UsageView::Failed { usage: Some(usage), .. }) = &key.usage else {
        return Vec::new();
    };
    let line = |window: &crate::domain::usage::Window| {
        let left = window.left.map_or_else(|| "?".to_owned(), |left| format!("{:.0}%", left * 100.0));
        let resets =
            window.resets_at.map(|at| format!(" ({})", words.span(until(at, snapshot.at)))).unwrap_or_default();
        format!("{} {left}{resets}", tui::window_name(words, &window.kind))
    };
    usage.windows.iter().map(line).collect()
}

fn key_json(key: &KeyView, snapshot: &Snapshot) -> Value {
    let mut whole = status::key_json(key, snapshot.at);
    let (usage, fault) = match &key.usage {
        UsageView::Unknown => (None, None),
        UsageView::Failed { fault, usage, .. } => (usage.as_ref(), Some(fault)),
        UsageView::Known { usage, .. } => (Some(usage), None),
    };
    let windows: Vec<Value> = usage.into_iter().flat_map(|usage| &usage.windows).map(window_json).collect();
    if let Some(fields) = whole.as_object_mut() {
        fields.insert("checked_at".to_owned(), json!(recheck::answered_at(key).map(status::stamp)));
        fields.insert("fault".to_owned(), json!(fault));
        fields.insert("windows".to_owned(), json!(windows));
    }
    whole
}

fn window_json(window: &crate::domain::usage::Window) -> Value {
    json!({
        "window": window.kind.code(),
        "left": window.left,
        "used": window.used,
        "limit": window.limit,
        "resets_at": window.resets_at.map(status::stamp),
    })
}
