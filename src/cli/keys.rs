//! `keys`: the auth files from the command line. A file is the truth: the running instance follows it by itself.

use std::{
    io::{self, BufRead, IsTerminal, Write},
    time::Duration,
};

use serde_json::json;
use zeroize::Zeroizing;

use super::{
    FAILED, Stop, USAGE,
    args::{AddArgs, KeysAction},
    follow::Follower,
    key_files::{self, Refusal, Wanted},
    say, target,
};
use crate::{
    config::{Config, Environment, Flags, Loaded},
    domain::{
        key::Key,
        message::Message,
        snapshot::{Skip, Snapshot},
    },
    i18n::{Locale, Words},
};

/// How long a running instance has to notice a changed file.
const FOLLOWS_WITHIN: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_millis(50);

/// Changes an auth file.
pub(super) async fn run(
    action: &KeysAction,
    flags: Flags,
    loaded: Loaded,
    environment: &Environment,
    words: &Words,
) -> Result<(), Stop> {
    let config = loaded.config.clone();
    let (_, keys) = Follower::new(flags, environment.clone(), loaded);
    let switched = |label: &str, disabled| {
        key_files::switch(label, disabled, &config, &keys).map_err(|refusal| stop(&refusal, words))
    };
    let (message, as_json) = match action {
        // Shown by `status`.
        KeysAction::List(_) => return Ok(()),
        KeysAction::Add(wanted) => (add(wanted, &config, &keys, words).await?, wanted.json.json),
        KeysAction::Remove { label, yes, json } => (remove(label, *yes, &config, &keys, words)?, json.json),
        KeysAction::Enable { label, json } => (switched(label, false)?, json.json),
        KeysAction::Disable { label, json } => (switched(label, true)?, json.json),
    };
    followed(action, &config, words).await?;
    if as_json {
        let english = words.in_locale(Locale::English).render(&message);
        say(&json!({"ok": true, "code": message.id, "message": english}).to_string());
    } else {
        say(&words.render(&message));
    }
    Ok(())
}

async fn add(asked: &AddArgs, config: &Config, keys: &[Key], words: &Words) -> Result<Message, Stop> {
    let wanted = Wanted {
        label: &asked.label,
        base_url: asked.base_url.as_deref(),
        email: asked.email.as_deref(),
        priority: asked.priority,
        unchecked: asked.unchecked,
    };
    let refused = |mut refusal: Refusal| {
        if ["key-refused", "key-unreached"].contains(&refusal.message.id.as_ref()) {
            refusal.message = Message::new("key-refused-hint").with("said", refusal.message);
        }
        stop(&refusal, words)
    };
    key_files::may_add(&wanted, config, keys).map_err(refused)?;
    key_files::add(&wanted, ask_for_secret(words)?, config, keys).await.map_err(refused)
}

fn stop(refusal: &Refusal, words: &Words) -> Stop {
    Stop { code: if refusal.asked_wrong { USAGE } else { FAILED }, text: words.render(&refusal.message) }
}

/// The key, typed unseen, or the first line of what is piped in. Never an argument: those are seen by everybody.
fn ask_for_secret(words: &Words) -> Result<Zeroizing<String>, Stop> {
    let failed =
        |error: io::Error| Stop::failed(words.render(&Message::new("key-unread").with("error", error.to_string())));
    if io::stdin().is_terminal() {
        return rpassword::prompt_password(words.text("key-prompt")).map(Into::into).map_err(failed);
    }
    let mut line = Zeroizing::new(String::new());
    io::stdin().lock().read_line(&mut line).map_err(failed)?;
    Ok(line)
}

fn remove(label: &str, yes: bool, config: &Config, keys: &[Key], words: &Words) -> Result<Message, Stop> {
    let path = key_files::file_of(label, config, keys).map_err(|refusal| stop(&refusal, words))?;
    let question = Message::new("key-remove-question").with("label", label).with("path", path.display().to_string());
    if !yes && !confirmed(&words.render(&question)) {
        return Err(Stop::failed(words.text("key-kept")));
    }
    key_files::remove(label, config, keys).map_err(|refusal| stop(&refusal, words))
}

/// Whether a person says yes; without a terminal nobody does.
pub(super) fn confirmed(question: &str) -> bool {
    if !io::stdin().is_terminal() {
        return false;
    }
    let mut out = io::stderr();
    let mut answer = String::new();
    // A terminal that can't be asked says no.
    let asked = write!(out, "{question} ").and_then(|()| out.flush()).and_then(|()| io::stdin().read_line(&mut answer));
    asked.is_ok() && matches!(answer.trim().to_lowercase().as_str(), "y" | "yes" | "д" | "да")
}

/// Waits until a running instance has followed, so that the next command finds what this one made.
async fn followed(action: &KeysAction, config: &Config, words: &Words) -> Result<(), Stop> {
    let Some(mut client) = target::running(config, words).await? else { return Ok(()) };
    // An instance that does not answer is told of by the next command.
    let _ = client.command(crate::domain::command::Command::Reload).await;
    let deadline = tokio::time::Instant::now() + FOLLOWS_WITHIN;
    while tokio::time::Instant::now() < deadline {
        match client.snapshot().await {
            Ok(snapshot) if holds(action, &snapshot) => break,
            Ok(_) => tokio::time::sleep(LOOK).await,
            Err(_) => break,
        }
    }
    Ok(())
}

/// Whether the snapshot shows what was done.
fn holds(action: &KeysAction, snapshot: &Snapshot) -> bool {
    let find = |wanted: &str| snapshot.keys.iter().find(|key| key.label.as_str() == wanted);
    let disabled = |label: &str| find(label).is_some_and(|key| key.skip == Some(Skip::Disabled));
    match action {
        KeysAction::List(_) => true,
        KeysAction::Add(wanted) => find(&wanted.label).is_some(),
        KeysAction::Remove { label, .. } => find(label).is_none(),
        KeysAction::Enable { label, .. } => !disabled(label),
        KeysAction::Disable { label, .. } => disabled(label),
    }
}
