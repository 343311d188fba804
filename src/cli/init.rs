//! `init`: a settings file, a folder for keys, and the keys that other programs hold already. It asks before it changes what
//! is there, and says what it did.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde_json::json;

use super::{Stop, args::InitArgs, complain, key_files, keys, say, wrong_settings};
use crate::{
    config::{self, AuthFiles, Environment, Flags, Held, Loaded, Problem, env_file},
    domain::message::Message,
    engine,
    i18n::Words,
    store::{atomic, permissions},
};

/// What became of a file or folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Made,
    There,
    Changed,
    /// It would have been changed, and that was not wanted.
    Kept,
}

impl Change {
    const fn name(self) -> &'static str {
        match self {
            Self::Made => "made",
            Self::There => "there",
            Self::Changed => "changed",
            Self::Kept => "kept",
        }
    }
}

/// Sets everything up.
pub(super) fn run(wanted: &InitArgs, flags: &Flags, environment: &Environment, words: &Words) -> Result<(), Stop> {
    let path = config::env_path(flags, environment);
    let config = load(&path, flags, environment).map_err(|problems| wrong_settings(&problems, words))?.config;
    let words = &Words::new(config.locale, config.zone.clone());
    let stop = |message: Message| Stop::failed(words.render(&message));
    let tell = |message: &Message| {
        if !wanted.json.json {
            say(&words.render(message));
        }
    };

    let (file, said) = settings_file(wanted.yes, &path, flags, environment, words).map_err(stop)?;
    tell(&said);
    let (folder, said) = folder(&config.auths_dir, config.enforce_permissions).map_err(stop)?;
    tell(&said);

    let ours = AuthFiles::default().load(&config, environment).keys;
    let found = key_files::to_import(&wanted.from, &config, environment, &ours);
    for warning in &found.warnings {
        complain(&words.render(warning));
    }
    let found = found.keys;
    if !found.is_empty() {
        listed(&found).iter().for_each(tell);
    }
    let imported = found.is_empty() || is_meant(wanted.yes, &found, words);
    if imported {
        tell(&key_files::import(&found, &config).map_err(|refusal| stop(refusal.message))?);
    } else {
        tell(&Message::new("init-not-imported"));
    }
    let has_keys = !ours.is_empty() || imported && !found.is_empty();
    tell(&Message::new(if has_keys { "init-next" } else { "init-next-first-key" }));
    if wanted.json.json {
        let keys = found.iter().map(|held| json!({"label": held.key.label, "place": held.place, "imported": imported}));
        let answer = json!({
            "settings_file": {"path": path, "change": file.name()},
            "auths_dir": {"path": config.auths_dir, "change": folder.name()},
            "keys": keys.collect::<Vec<_>>(),
        });
        say(&answer.to_string());
    }
    Ok(())
}

/// What was found, by labels and places; never a key.
fn listed(found: &[Held]) -> Vec<Message> {
    let head = Message::new("init-found").with("count", found.len());
    let line = |Held { key, place }: &Held| {
        Message::new("init-found-key").with("label", &key.label).with("place", place.clone())
    };
    std::iter::once(head).chain(found.iter().map(line)).collect()
}

/// Whether the keys of other programs are to be copied.
fn is_meant(yes: bool, found: &[Held], words: &Words) -> bool {
    let question = Message::new("init-import-question").with("count", found.len());
    yes || keys::confirmed(&words.render(&question))
}

/// The settings as they will be; a file that is to be made is not there yet.
fn load(path: &Path, flags: &Flags, environment: &Environment) -> Result<Loaded, Vec<Problem>> {
    let (mut flags, mut environment) = (flags.clone(), environment.clone());
    if !path.exists() {
        flags.env_file = None;
        environment.variables.remove("KMI_ENV_PATH");
    }
    config::load(&flags, &environment)
}

/// Makes the settings file, or puts what was typed as flags into the one that is there.
fn settings_file(
    yes: bool,
    path: &Path,
    flags: &Flags,
    environment: &Environment,
    words: &Words,
) -> Result<(Change, Message), Message> {
    let said = |id: &'static str| Message::new(id).with("path", path.display().to_string());
    let failed = |error: io::Error| said("init-failed").with("error", error.to_string());
    let typed = config::typed(flags, environment);
    let before = match fs::read_to_string(path) {
        Ok(before) => Some(before),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(failed(error)),
    };
    let after = env_file::with_settings(&before.clone().unwrap_or_else(|| config::new_file(words)), &typed);
    let Some(before) = before else {
        atomic::write(path, after.as_bytes()).map_err(failed)?;
        vouch(path, !typed.is_empty(), environment).map_err(failed)?;
        return Ok((Change::Made, said("init-file-made")));
    };
    let names: Vec<&str> = typed.iter().map(|(name, _)| *name).collect();
    let change = |id: &'static str| said(id).with("names", names.join(", "));
    if after == before {
        return Ok((Change::There, said("init-file-there")));
    }
    if !yes && !keys::confirmed(&words.render(&change("init-file-question"))) {
        return Ok((Change::Kept, change("init-file-kept")));
    }
    let trusted = config::is_trusted(path, before.as_bytes(), &trusts(environment));
    let backup = atomic::backup_of(path, engine::wall());
    atomic::write(&backup, before.as_bytes()).and_then(|()| atomic::write(path, after.as_bytes())).map_err(failed)?;
    vouch(path, trusted, environment).map_err(failed)?;
    Ok((Change::Changed, change("init-file-changed").with("backup", backup.display().to_string())))
}

/// Who vouched for the file before, or let it be made, vouches for what it says now.
fn vouch(path: &Path, is_meant: bool, environment: &Environment) -> io::Result<()> {
    if is_meant { config::trust(path, &trusts(environment)) } else { Ok(()) }
}

/// Where later starts, without today's flags, look for whom to trust.
fn trusts(environment: &Environment) -> PathBuf {
    config::state_dir(&Flags::default(), environment)
}

fn folder(path: &Path, enforce: bool) -> Result<(Change, Message), Message> {
    let said = |id: &'static str| Message::new(id).with("path", path.display().to_string());
    let there = path.is_dir();
    permissions::private_folder(path, enforce).map_err(|error| said("init-failed").with("error", error.to_string()))?;
    Ok(if there { (Change::There, said("init-folder-there")) } else { (Change::Made, said("init-folder-made")) })
}
