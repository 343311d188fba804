//! The commands that ask or tell an instance something: `status`, `health`, `keys`, `rotate`, `auto-rotate`, `block`, `unblock`.
//! One question each; how it is shown is in `status`.

use std::time::Duration;

use serde_json::json;

use super::{
    FAILED, Stop, USAGE,
    args::{Action, KeysAction},
    follow::Follower,
    health, kimi_config,
    run::install_log,
    say, status,
    target::Target,
    when,
};
use crate::{
    config::{Config, Environment, Flags, Loaded},
    domain::{
        command::{Command, Notice, Severity},
        key::{Key, Label},
        message::Message,
    },
    i18n::{Locale, Words},
};

/// Carries out one of these commands.
pub(super) async fn run(
    action: &Action,
    flags: Flags,
    loaded: Loaded,
    environment: &Environment,
    words: &Words,
) -> Result<(), Stop> {
    let config = loaded.config.clone();
    let command = command(action, words)?;
    let (_, keys) = Follower::new(flags.clone(), environment.clone(), loaded.clone());
    let mut target = Target::find(flags, loaded, environment, words).await?;
    let outcome = match (action, command) {
        (_, Some((command, as_json))) => {
            let rotates = matches!(command, Command::Rotate | Command::RotateTo(_));
            match target.command(command, words).await.and_then(|notice| told(&notice, as_json, words)) {
                Ok(()) if rotates && config.write_kimi_config => {
                    follow_in_kimi(&mut target, &keys, &config, environment, as_json, words).await
                }
                outcome => outcome,
            }
        }
        (Action::Status(json), None) => {
            let running = target.is_running();
            target.snapshot(words).await.map(|snapshot| status::status(&snapshot, running, &config, json.json, words))
        }
        (Action::Keys { json, what }, None) => {
            let json = if let Some(KeysAction::List(json)) = what { json } else { json };
            target.snapshot(words).await.map(|snapshot| status::keys(&snapshot, json.json, words))
        }
        (Action::Health { current, json }, None) => health::run(&mut target, &config, *current, json.json, words).await,
        _ => Ok(()),
    };
    target.finish().await;
    outcome
}

/// After a rotation: kimi-cli's own file gets the key too, where it wants one.
async fn follow_in_kimi(
    target: &mut Target,
    keys: &[Key],
    config: &Config,
    environment: &Environment,
    as_json: bool,
    words: &Words,
) -> Result<(), Stop> {
    let active = target.snapshot(words).await?.active.clone();
    let Some(key) = keys.iter().find(|key| Some(&key.label) == active.as_ref()) else { return Ok(()) };
    // The audit of what is written here belongs into the log, whoever runs.
    let _log = if target.is_running() { Some(install_log(config, words)?) } else { None };
    match kimi_config::write(keys, key, config, environment, words)? {
        Some(message) if !as_json => say(&words.render(&message)),
        _ => {}
    }
    Ok(())
}

/// The engine's command behind a command of the line, and whether it is answered in JSON.
fn command(action: &Action, words: &Words) -> Result<Option<(Command, bool)>, Stop> {
    let (command, json) = match action {
        Action::Rotate { to: Some(label), json, .. } => (Command::RotateTo(Label::new(label)), json),
        Action::Rotate { json, .. } => (Command::Rotate, json),
        Action::AutoRotate { switch, json } => (Command::AutoRotate(switch == "on"), json),
        Action::Block { label, span, reason, json } => {
            let span = span.as_deref().map(|text| read_span(text, words)).transpose()?;
            (Command::Block { label: Label::new(label), span, reason: reason.clone().unwrap_or_default() }, json)
        }
        Action::Unblock { label: Some(label), json, .. } => (Command::Unblock(Label::new(label)), json),
        Action::Unblock { json, .. } => (Command::UnblockAll, json),
        _ => return Ok(None),
    };
    Ok(Some((command, json.json)))
}

/// A span that a person typed, or how to write one.
pub(super) fn read_span(text: &str, words: &Words) -> Result<Duration, Stop> {
    let wrong = || Stop { code: USAGE, text: words.render(&Message::new("cli-wrong-span").with("value", text)) };
    when::span(text).ok_or_else(wrong)
}

/// What came of a command; a refusal is a failure.
fn told(notice: &Notice, as_json: bool, words: &Words) -> Result<(), Stop> {
    let done = notice.severity < Severity::Warn;
    let english = words.in_locale(Locale::English).render(&notice.message);
    if as_json {
        say(&json!({"ok": done, "code": notice.message.id, "message": english}).to_string());
        return if done { Ok(()) } else { Err(Stop { code: FAILED, text: String::new() }) };
    }
    let text = words.render(&notice.message);
    if !done {
        return Err(Stop::failed(text));
    }
    say(&text);
    Ok(())
}
