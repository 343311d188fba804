//! The commands that ask or tell an instance something: `status`, `keys`, `rotate`, `auto-rotate`, `block`, `unblock`,
//! `proxy-stop`. One question each; how it is shown is in `status`.

use std::time::Duration;

use serde_json::json;

use super::{FAILED, Stop, USAGE, args::Action, say, status, target, when};
use crate::{
    config::{Environment, Flags, Loaded},
    domain::{
        command::{Command, Notice, Severity},
        key::Label,
        message::Message,
    },
    i18n::{Locale, Words},
};

/// Carries out one of these commands.
pub(super) async fn run(action: &Action, flags: Flags, loaded: Loaded, environment: &Environment) -> Result<(), Stop> {
    let config = loaded.config.clone();
    let words = Words::new(config.locale, config.zone.clone());
    if let Action::ProxyStop = action {
        let id = if target::stop(&config, &words).await? { "cli-stopped" } else { "cli-not-running" };
        say(&words.text(id));
        return Ok(());
    }
    let command = command(action, &words)?;
    let mut target = target::Target::find(flags, loaded, environment, &words).await?;
    let outcome = match (action, command) {
        (_, Some((command, as_json))) => {
            target.command(command, &words).await.and_then(|notice| told(&notice, as_json, &words))
        }
        (Action::Status { json }, None) => {
            let running = target.is_running();
            target.snapshot(&words).await.map(|snapshot| status::status(&snapshot, running, &config, *json, &words))
        }
        (Action::Keys { json }, None) => {
            target.snapshot(&words).await.map(|snapshot| status::keys(&snapshot, *json, &words))
        }
        _ => Ok(()),
    };
    target.finish().await;
    outcome
}

/// The engine's command behind a command of the line, and whether it is answered in JSON.
fn command(action: &Action, words: &Words) -> Result<Option<(Command, bool)>, Stop> {
    Ok(Some(match action {
        Action::Rotate { to: Some(label), json } => (Command::RotateTo(Label::new(label)), *json),
        Action::Rotate { to: None, json } => (Command::Rotate, *json),
        Action::AutoRotate { switch, json } => (Command::AutoRotate(switch == "on"), *json),
        Action::Block { label, span, reason, json } => {
            let span = span.as_deref().map(|text| read_span(text, words)).transpose()?;
            (Command::Block { label: Label::new(label), span, reason: reason.clone().unwrap_or_default() }, *json)
        }
        Action::Unblock { label, json } => (Command::Unblock(Label::new(label)), *json),
        _ => return Ok(None),
    }))
}

fn read_span(text: &str, words: &Words) -> Result<Duration, Stop> {
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
