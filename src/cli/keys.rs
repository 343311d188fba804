//! `keys`: the auth files from the command line. A file is the truth: the running instance follows it by itself.

use std::{
    fs::{self, OpenOptions},
    io::{self, BufRead, IsTerminal, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::json;

use super::{
    FAILED, Stop, USAGE,
    args::{AddArgs, KeysAction},
    follow::Follower,
    say, target,
};
use crate::{
    config::{Config, Environment, Flags, Loaded, edit},
    domain::{
        base_url::BaseUrl,
        key::{Key, Label, Secret},
        message::Message,
        snapshot::{Skip, Snapshot},
    },
    engine,
    i18n::{Locale, Words},
    store::{atomic, permissions},
    upstream::{Timeouts, Upstream},
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
    let (message, as_json) = match action {
        // Shown by `status`.
        KeysAction::List(_) => return Ok(()),
        KeysAction::Add(wanted) => (add(wanted, &config, &keys, words).await?, wanted.json.json),
        KeysAction::Remove { label, yes, json } => (remove(label, *yes, &config, &keys, words)?, json.json),
        KeysAction::Enable { label, json } => (switch(label, false, &config, &keys, words)?, json.json),
        KeysAction::Disable { label, json } => (switch(label, true, &config, &keys, words)?, json.json),
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

async fn add(wanted: &AddArgs, config: &Config, keys: &[Key], words: &Words) -> Result<Message, Stop> {
    let usage = |message: Message| Stop { code: USAGE, text: words.render(&message) };
    let label = wanted.label.as_str();
    if !edit::can_be_file(label) {
        return Err(usage(Message::new("key-label-odd").with("label", label)));
    }
    if keys.iter().any(|key| key.label.as_str() == label) {
        return Err(usage(Message::new("key-label-taken").with("label", label)));
    }
    let base = match &wanted.base_url {
        None => None,
        Some(text) => {
            let base = BaseUrl::parse(text).ok().filter(|base| config.allowlist.allows(base));
            Some(base.ok_or_else(|| usage(Message::new("key-base-url").with("value", text.as_str())))?)
        }
    };
    let typed = ask_for_secret(words)?;
    let secret =
        Secret::new(typed.trim()).map_err(|fault| usage(Message::new("key-odd").with("fault", fault.to_string())))?;
    drop(typed);
    if let Some(same) = keys.iter().find(|key| key.secret.expose() == secret.expose()) {
        return Err(usage(Message::new("key-there").with("label", &same.label)));
    }
    let key = Key {
        label: Label::new(label),
        secret: secret.clone(),
        base: base.clone().unwrap_or_else(|| config.upstream.clone()),
        priority: wanted.priority.unwrap_or_default(),
        disabled: false,
        email: wanted.email.clone(),
        source: format!("{label}.env"),
    };
    if !wanted.unchecked && !config.dry_run {
        check(&key, config, words).await?;
    }
    let draft = edit::Draft {
        label,
        secret: &secret,
        base: base.as_ref(),
        priority: wanted.priority,
        email: wanted.email.as_deref(),
    };
    let path = config.auths_dir.join(&key.source);
    create(&path, &edit::content(&draft), config.enforce_permissions).map_err(|error| failed(&path, &error, words))?;
    Ok(Message::new("key-added").with("label", label).with("path", path.display().to_string()))
}

/// The key, typed unseen, or the first line of what is piped in. Never an argument: those are seen by everybody.
fn ask_for_secret(words: &Words) -> Result<zeroize::Zeroizing<String>, Stop> {
    let failed =
        |error: io::Error| Stop::failed(words.render(&Message::new("key-unread").with("error", error.to_string())));
    if io::stdin().is_terminal() {
        return rpassword::prompt_password(words.text("key-prompt")).map(Into::into).map_err(failed);
    }
    let mut line = zeroize::Zeroizing::new(String::new());
    io::stdin().lock().read_line(&mut line).map_err(failed)?;
    Ok(line)
}

/// The upstream knows the key.
async fn check(key: &Key, config: &Config, words: &Words) -> Result<(), Stop> {
    let timeouts = Timeouts { connect: config.proxy.connect_timeout, head: config.proxy.head_timeout };
    let upstream = Upstream::new(timeouts).map_err(|error| Stop::failed(error.to_string()))?;
    match upstream.fetch_usage(key, engine::wall()).await {
        Ok(_) => Ok(()),
        Err(fault) => {
            let message = Message::new("key-refused").with("host", key.base.host()).with("fault", fault.text);
            Err(Stop::failed(words.render(&message)))
        }
    }
}

/// A file that was not there before, private from the first byte.
fn create(path: &Path, content: &str, enforce: bool) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        permissions::private_folder(folder, enforce)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(content.as_bytes())?;
    file.sync_all()
}

/// The file goes aside under a name that is not read: nothing that was typed once is lost.
fn remove(label: &str, yes: bool, config: &Config, keys: &[Key], words: &Words) -> Result<Message, Stop> {
    let path = env_file(label, config, keys, words)?;
    let question = Message::new("key-remove-question").with("label", label).with("path", path.display().to_string());
    if !yes && !confirmed(&words.render(&question)) {
        return Err(Stop::failed(words.text("key-kept")));
    }
    let mut aside = path.clone().into_os_string();
    aside.push(".removed");
    let aside = PathBuf::from(aside);
    fs::rename(&path, &aside).map_err(|error| failed(&path, &error, words))?;
    Ok(Message::new("key-removed").with("label", label).with("path", aside.display().to_string()))
}

fn switch(label: &str, disabled: bool, config: &Config, keys: &[Key], words: &Words) -> Result<Message, Stop> {
    let path = env_file(label, config, keys, words)?;
    let content = fs::read_to_string(&path).map_err(|error| failed(&path, &error, words))?;
    let after = edit::switched(&content, disabled);
    if after != content {
        atomic::write(&path, after.as_bytes()).map_err(|error| failed(&path, &error, words))?;
    }
    Ok(Message::new(if disabled { "key-disabled" } else { "key-enabled" }).with("label", label))
}

/// The `.env` auth file of a label. Other formats are other programs' files, and not ours to change.
fn env_file(label: &str, config: &Config, keys: &[Key], words: &Words) -> Result<PathBuf, Stop> {
    let stop = |message: Message| Stop { code: FAILED, text: words.render(&message) };
    let key = keys.iter().find(|key| key.label.as_str() == label);
    let key = key.ok_or_else(|| stop(Message::new("key-unknown").with("label", label)))?;
    let path = config.auths_dir.join(&key.source);
    if path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("env")) && path.is_file() {
        return Ok(path);
    }
    Err(stop(Message::new("key-file-foreign").with("label", label).with("path", path.display().to_string())))
}

fn confirmed(question: &str) -> bool {
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

fn failed(path: &Path, error: &io::Error, words: &Words) -> Stop {
    let id = if error.kind() == io::ErrorKind::AlreadyExists { "key-file-there" } else { "key-file-failed" };
    let message = Message::new(id).with("path", path.display().to_string()).with("error", error.to_string());
    Stop::failed(words.render(&message))
}
