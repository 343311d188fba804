//! Auth files: from a folder to a sorted list of keys. What can't be used is named and skipped; the rest still loads.

mod account;
mod file;
mod hide;
#[cfg(test)]
mod tests;

use std::{
    collections::{HashMap, HashSet},
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use self::file::{Fault, Found};
use super::{Config, Environment, Problem};
use crate::domain::{
    base_url::BaseUrl,
    key::{Key, Label, Secret},
    message::Message,
    text,
};

/// Files looked at in one folder; more is no auth folder.
const FILES_MAX: usize = 20_000;

/// The keys, by priority (higher first), then label, and what was wrong with the files.
#[derive(Debug)]
pub(crate) struct Auths {
    pub(crate) keys: Vec<Key>,
    pub(crate) warnings: Vec<Problem>,
}

/// A key and its file.
type Loaded = (Key, PathBuf);

/// Reads the auths folder and its sub-folders, one level.
pub(crate) fn load_auths(config: &Config, environment: &Environment) -> Auths {
    let mut loader = Loader { config, environment, warnings: Vec::new() };
    let files = loader.files();
    let mut keys: Vec<Loaded> = files.into_iter().filter_map(|path| Some((loader.key(&path)?, path))).collect();
    loader.drop_repeated(&mut keys);
    sort(&mut keys);
    loader.make_labels_distinct(&mut keys);
    sort(&mut keys);
    let keys = keys.into_iter().map(|(key, _)| key).collect();
    Auths { keys, warnings: loader.warnings }
}

struct Loader<'a> {
    config: &'a Config,
    environment: &'a Environment,
    warnings: Vec<Problem>,
}

impl Loader<'_> {
    fn warn(&mut self, path: &Path, message: Message) {
        let message = message.with("file", self.name(path));
        self.warnings.push(Problem { file: Some(path.to_owned()), ..Problem::warn(message) });
    }

    /// The file's name below the auths folder, fit to be shown.
    fn name(&self, path: &Path) -> String {
        let below = path.strip_prefix(&self.config.auths_dir).unwrap_or(path);
        text::clean(&hide::keys(&below.display().to_string()), 120)
    }

    /// Files by path, each sub-folder's at the folder's place.
    fn files(&mut self) -> Vec<PathBuf> {
        let folder = self.config.auths_dir.clone();
        let entries = match listed(&folder) {
            Ok(entries) => entries,
            Err(error) => {
                let id = match error.kind() {
                    io::ErrorKind::NotFound => "auth-folder-missing",
                    io::ErrorKind::NotADirectory => "auth-folder-is-file",
                    _ => "auth-folder-unreadable",
                };
                let message = Message::new(id).with("folder", folder.display().to_string());
                self.warnings.push(Problem { file: Some(folder), ..Problem::warn(message) });
                return Vec::new();
            }
        };
        let mut files = Vec::new();
        for entry in entries {
            if !entry.is_dir() {
                files.push(entry);
                continue;
            }
            match listed(&entry) {
                Ok(inner) => files.extend(inner.into_iter().filter(|path| !path.is_dir())),
                Err(_) => self.warn(&entry, Message::new("auth-unreadable")),
            }
        }
        if files.len() > FILES_MAX {
            let message = Message::new("auth-folder-too-full").with("count", files.len() - FILES_MAX);
            self.warn(&folder, message.with("folder", folder.display().to_string()));
            files.truncate(FILES_MAX);
        }
        files
    }

    /// The key of a file; `None` when it has none, with a warning where it should have one.
    fn key(&mut self, path: &Path) -> Option<Key> {
        let found = match file::read(path, &|name| self.environment.variables.get(name).cloned())? {
            Ok(found) => found,
            Err(fault) => {
                self.warn(path, fault.message());
                return None;
            }
        };
        self.check_mode(path);
        for odd in &found.odd {
            self.warn(path, odd.clone());
        }
        let secret = match Secret::new(found.api_key.trim()) {
            Ok(secret) => secret,
            Err(fault) => {
                self.warn(path, Fault::Secret(fault).message());
                return None;
            }
        };
        let base = self.base(path, &found)?;
        Some(Key {
            label: account::label(found.label.as_deref(), path, &secret),
            source: hide::secret(&self.name(path), &secret),
            email: found.email.filter(|email| !secret.expose().contains(email.as_str())),
            base,
            priority: found.priority,
            disabled: found.disabled,
            secret,
        })
    }

    fn base(&mut self, path: &Path, found: &Found) -> Option<BaseUrl> {
        let Some(typed) = found.base_url.as_deref().filter(|typed| !typed.trim().is_empty()) else {
            return Some(self.config.upstream.clone());
        };
        match BaseUrl::parse(typed) {
            Ok(base) if self.config.allowlist.allows(&base) => Some(base),
            Ok(base) => {
                self.warn(path, Message::new("auth-host-not-allowed").with("host", base.host()));
                None
            }
            Err(fault) => {
                self.warn(path, Fault::BaseUrl(fault).message());
                None
            }
        }
    }

    fn check_mode(&mut self, path: &Path) {
        let open = fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0);
        if open && self.config.enforce_permissions {
            self.warn(path, Message::new("auth-open-to-others"));
        }
    }

    /// The same key twice is kept once: the first file wins.
    fn drop_repeated(&mut self, keys: &mut Vec<Loaded>) {
        let mut first: HashMap<String, String> = HashMap::new();
        let mut repeated = Vec::new();
        keys.retain(|(key, path)| match first.get(key.secret.expose()) {
            Some(source) => {
                repeated.push((path.clone(), source.clone()));
                false
            }
            None => {
                first.insert(key.secret.expose().to_owned(), key.source.clone());
                true
            }
        });
        for (path, source) in repeated {
            self.warn(&path, Message::new("auth-same-key").with("first", source));
        }
    }

    /// `alpha`, `alpha-2`: a label stands for one key only.
    fn make_labels_distinct(&mut self, keys: &mut [Loaded]) {
        let mut taken: HashSet<Label> = keys.iter().map(|(key, _)| key.label.clone()).collect();
        let mut last: HashMap<Label, u32> = HashMap::new();
        for (key, path) in keys {
            let number = last.entry(key.label.clone()).and_modify(|number| *number += 1).or_insert(1);
            if *number == 1 {
                continue;
            }
            let given = loop {
                let given = account::numbered(&key.label, *number);
                if taken.insert(given.clone()) {
                    break given;
                }
                *number += 1;
            };
            let message = Message::new("auth-same-label").with("label", &key.label).with("given", &given);
            self.warn(path, message);
            key.label = given;
        }
    }
}

fn sort(keys: &mut [Loaded]) {
    keys.sort_by_cached_key(|(key, _)| (std::cmp::Reverse(key.priority), key.label.as_str().to_lowercase()));
}

fn listed(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths =
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}
