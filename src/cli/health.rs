//! `health`: asks the upstream now how every key stands, and shows it. Not how quotas are read (`domain::usage`).

use std::{io::IsTerminal, sync::Arc, time::Duration};

use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};

use super::{FAILED, Stop, say, status, table, target::Target};
use crate::{
    config::Config,
    domain::{
        now::until,
        snapshot::{KeyView, Skip, Snapshot, Status, UsageView},
        text,
    },
    i18n::Words,
    tui,
};

/// Checks are made side by side, each within ten seconds; of very many keys some are late.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(100);
const WIDTH: usize = 32;

/// Checks and shows. `current`: the active key alone. Exit code 1 when a key that was asked for is not well.
pub(super) async fn run(
    target: &mut Target,
    config: &Config,
    current: bool,
    as_json: bool,
    words: &Words,
) -> Result<(), Stop> {
    let snapshot = checked(target, config, words).await?;
    let keys: Vec<&KeyView> = snapshot.keys.iter().filter(|key| !current || key.active).collect();
    if as_json {
        let list: Vec<Value> = keys.iter().map(|key| key_json(key, &snapshot)).collect();
        say(&format!("{:#}", json!({"active_key": snapshot.active, "keys": list})));
    } else if keys.is_empty() {
        say(&words.text("refused-no-keys"));
    } else {
        show(&keys, &snapshot, words);
    }
    let well = |key: &&KeyView| matches!(key.status, Status::Healthy | Status::Warn | Status::Disabled) && !is_bad(key);
    if !keys.is_empty() && keys.iter().all(well) { Ok(()) } else { Err(Stop { code: FAILED, text: String::new() }) }
}

/// The snapshot after every key was asked about.
async fn checked(target: &mut Target, config: &Config, words: &Words) -> Result<Arc<Snapshot>, Stop> {
    let before = target.snapshot(words).await?;
    target.check(config, words).await?;
    let fresh = async {
        let mut told = Progress::start();
        loop {
            let snapshot = target.snapshot(words).await?;
            let done = snapshot.keys.iter().filter(|key| is_fresh(key, &before)).count();
            told.tell(done, snapshot.keys.len(), words);
            if done == snapshot.keys.len() {
                return Ok(snapshot);
            }
            sleep(LOOK).await;
        }
    };
    match timeout(PATIENCE, fresh).await {
        Ok(result) => result,
        // What is there is shown; what is not says so itself.
        Err(_) => target.snapshot(words).await,
    }
}

fn is_fresh(key: &KeyView, before: &Snapshot) -> bool {
    key.skip == Some(Skip::Disabled) || checked_at(key).is_some_and(|at| at >= before.at)
}

fn checked_at(key: &KeyView) -> Option<jiff::Timestamp> {
    match &key.usage {
        UsageView::Unknown => None,
        UsageView::Failed { at, .. } | UsageView::Known { at, .. } => Some(*at),
    }
}

fn is_bad(key: &KeyView) -> bool {
    key.status != Status::Disabled && !matches!(key.usage, UsageView::Known { .. })
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
        fields.insert("checked_at".to_owned(), json!(checked_at(key).map(status::stamp)));
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

/// `checked 3 of 10 keys`, on a terminal, when it takes a while.
struct Progress {
    since: Instant,
    told: Option<usize>,
}

impl Progress {
    fn start() -> Self {
        Self { since: Instant::now(), told: None }
    }

    fn tell(&mut self, done: usize, all: usize, words: &Words) {
        let long = self.since.elapsed() > Duration::from_secs(1);
        if long && self.told != Some(done) && std::io::stderr().is_terminal() {
            self.told = Some(done);
            let message = crate::domain::message::Message::new("health-progress").with("done", done).with("all", all);
            super::complain(&words.render(&message));
        }
    }
}
