//! `rehearse`: what would happen to the person's own keys and settings, without a call. The play is `domain::rehearsal`.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};

use super::{Stop, USAGE, args::RehearseArgs, ask::read_span, follow::Follower, say, status, table, target};
use crate::{
    config::{Config, Environment, Flags, Loaded},
    domain::{
        key::Label,
        message::Message,
        now::{Now, until},
        pool::{Pool, skip_until},
        rehearsal::{self, Pick, Plan},
        snapshot::{Skip, Snapshot, UsageView},
        text,
        usage::Usage,
    },
    engine,
    i18n::Words,
    store::state::{StateFile, StoredState},
};

const LABEL_MAX: usize = 20;

/// Plays and prints.
pub(super) async fn run(
    wanted: &RehearseArgs,
    flags: Flags,
    loaded: Loaded,
    environment: &Environment,
    words: &Words,
) -> Result<(), Stop> {
    let config = loaded.config.clone();
    let (_, keys) = Follower::new(flags, environment.clone(), loaded);
    let labels = |typed: &[String]| -> Vec<Label> { typed.iter().map(|label| Label::new(label)).collect() };
    let (spent, blocked) = (labels(&wanted.spent), labels(&wanted.blocked));
    let unknown: Vec<String> = [&spent, &blocked]
        .into_iter()
        .flatten()
        .filter(|label| !keys.iter().any(|key| key.label == **label))
        .map(|label| words.render(&Message::new("key-unknown").with("label", label)))
        .collect();
    if !unknown.is_empty() {
        return Err(Stop { code: USAGE, text: unknown.join("\n") });
    }
    let after = wanted.at.as_deref().map(|text| read_span(text.trim_start_matches('+'), words)).transpose()?;
    let plan = Plan {
        spent: &spent,
        blocked: &blocked,
        after: after.unwrap_or_default(),
        requests: wanted.requests,
        model: wanted.model.as_deref(),
    };
    let now = Now { wall: engine::wall(), steady: Duration::ZERO };
    let mut memory = engine::from_stored(&stored(&config, words)?);
    let running = live(&config, words).await?;
    if let Some(snapshot) = &running {
        // What was changed a moment ago may not be on disk yet.
        (memory.auto_rotate, memory.active) = (snapshot.auto_rotate, snapshot.active.clone());
    }
    let mut pool = Pool::new(config.policy.clone(), keys, &memory, now);
    let picks = rehearsal::play(&mut pool, &usages(running.as_deref()), &plan, now);
    if wanted.json.json {
        let list: Vec<Value> = picks.iter().map(pick_json).collect();
        say(&format!("{:#}", json!({"auto_rotate": pool.auto_rotate(), "picks": list})));
    } else {
        show(&picks, words);
    }
    Ok(())
}

/// The state as it is on disk; nothing is made where there is none.
fn stored(config: &Config, words: &Words) -> Result<StoredState, Stop> {
    if !config.state_dir.is_dir() {
        return Ok(StoredState::default());
    }
    let read =
        StateFile::open(&config.state_dir, config.enforce_permissions).and_then(|mut file| file.load(engine::wall()));
    read.map(|(state, _)| state).map_err(|error| Stop::failed(words.render(&error.message())))
}

async fn live(config: &Config, words: &Words) -> Result<Option<Arc<Snapshot>>, Stop> {
    let Some(mut client) = target::running(config, words).await? else { return Ok(None) };
    client.snapshot().await.map(Some).map_err(|error| Stop::failed(words.render(&error.message())))
}

/// What a running instance knows of quotas.
fn usages(snapshot: Option<&Snapshot>) -> Vec<(Label, Usage)> {
    let known = snapshot.into_iter().flat_map(|snapshot| &snapshot.keys).filter_map(|key| match &key.usage {
        UsageView::Known { usage, .. } => Some((key.label.clone(), Usage::clone(usage))),
        _ => None,
    });
    known.collect()
}

fn show(picks: &[Pick], words: &Words) {
    let mut rows = vec![["rehearse-number", "column-time", "column-key", "rehearse-why"].map(|id| words.text(id))];
    for (number, pick) in picks.iter().enumerate() {
        let (key, why) = match &pick.key {
            Ok((label, why)) => (text::clean(label.as_str(), LABEL_MAX), words.text(why.message_id())),
            Err(no_key) => {
                let back = no_key.until.map(|at| words.span(until(at, pick.at)));
                let message = back.map(|span| Message::new("rehearse-none-until").with("span", span));
                ("–".to_owned(), words.render(&message.unwrap_or_else(|| Message::new("rehearse-none"))))
            }
        };
        rows.push([(number + 1).to_string(), words.clock(pick.at), key, why]);
    }
    table::print(&rows);
    let Some(last) = picks.last().filter(|pick| !pick.passed_over.is_empty()) else { return };
    say("");
    say(&words.text("rehearse-passed-over"));
    let row = |(label, skip): &(Label, Skip)| {
        let back = skip_until(skip).map(|at| words.span(until(at, last.at))).unwrap_or_default();
        [text::clean(label.as_str(), LABEL_MAX), status::reason(skip, words), back]
    };
    table::print(&last.passed_over.iter().map(row).collect::<Vec<_>>());
}

fn pick_json(pick: &Pick) -> Value {
    let (key, why, until) = match &pick.key {
        Ok((label, why)) => (Some(label), why.code(), None),
        Err(no_key) => (None, "no_key", no_key.until),
    };
    let passed: Vec<Value> =
        pick.passed_over.iter().map(|(label, skip)| json!({"label": label, "skip": status::skip_json(skip)})).collect();
    json!({
        "at": status::stamp(pick.at),
        "key": key,
        "why": why,
        "back_at": until.map(status::stamp),
        "passed_over": passed,
    })
}
