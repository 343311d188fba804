//! Auth files: from a folder to a sorted list of keys. What can't be used is named and skipped; the rest still loads.

mod account;
pub(crate) mod edit;
pub(crate) mod elsewhere;
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
    order, text,
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

/// Auth files over time. One that is there and can't be read or understood now, half-written or locked away, keeps its
/// last good key; one that is gone, or says something else, does not.
#[derive(Debug, Default)]
pub(crate) struct AuthFiles {
    folder: PathBuf,
    last_good: HashMap<PathBuf, Good>,
}

/// A key as its file alone describes it: neither is it compared with others, nor has its label been made distinct.
#[derive(Debug, Clone)]
struct Good {
    key: Key,
    /// The file names the base URL; else it follows the configured upstream.
    own_base: bool,
}

impl AuthFiles {
    /// Reads the auths folder and its sub-folders, one level.
    pub(crate) fn load(&mut self, config: &Config, environment: &Environment) -> Auths {
        if self.folder != config.auths_dir {
            *self = Self { folder: config.auths_dir.clone(), ..Self::default() };
        }
        let last_good = std::mem::take(&mut self.last_good);
        let mut loader = Loader { config, environment, last_good, good: HashMap::new(), warnings: Vec::new() };
        let files = loader.files();
        let mut keys: Vec<Loaded> = files.into_iter().filter_map(|path| Some((loader.key(&path)?, path))).collect();
        self.last_good = std::mem::take(&mut loader.good);
        loader.drop_repeated(&mut keys);
        sort(&mut keys);
        loader.make_labels_distinct(&mut keys);
        sort(&mut keys);
        let keys = keys.into_iter().map(|(key, _)| key).collect();
        Auths { keys, warnings: loader.warnings }
    }
}

struct Loader<'a> {
    config: &'a Config,
    environment: &'a Environment,
    /// Of the files that were good before.
    last_good: HashMap<PathBuf, Good>,
    /// Of the files that are good now, or keep what they had.
    good: HashMap<PathBuf, Good>,
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

    /// Files by path, each sub-folder's at the folder's place. Those that had a key are asked also when their folder
    /// can't be listed now.
    fn files(&mut self) -> Vec<PathBuf> {
        let mut files = self.listed_files();
        let listed: HashSet<&PathBuf> = files.iter().collect();
        let unlisted = self.last_good.keys().filter(|path| !listed.contains(path) && may_be_file(path));
        let unlisted: Vec<PathBuf> = unlisted.cloned().collect();
        files.extend(unlisted);
        order::sort(&mut files);
        files
    }

    fn listed_files(&mut self) -> Vec<PathBuf> {
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
        let earlier = self.last_good.remove(path);
        let good = match file::read(path, &|name| self.environment.variables.get(name).cloned())? {
            Ok(found) => self.fresh(path, found),
            Err(fault) => self.kept(path, fault, earlier),
        }?;
        self.good.insert(path.to_owned(), good.clone());
        Some(good.key)
    }

    fn fresh(&mut self, path: &Path, found: Found) -> Option<Good> {
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
        let typed = found.base_url.as_deref().filter(|typed| !typed.trim().is_empty());
        let base = match typed {
            Some(typed) => self.base(path, typed)?,
            None => self.config.upstream.clone(),
        };
        let own_base = typed.is_some();
        let key = Key {
            label: account::label(found.label.as_deref(), path, &secret),
            source: hide::secret(&self.name(path), &secret),
            email: found.email.filter(|email| !secret.expose().contains(email.as_str())),
            base,
            priority: found.priority,
            disabled: found.disabled,
            secret,
        };
        Some(Good { key, own_base })
    }

    /// What a file held before, if the fault may pass. The settings may have changed since: they count as they are.
    fn kept(&mut self, path: &Path, fault: Fault, earlier: Option<Good>) -> Option<Good> {
        let (Some(mut good), Some(reason)) = (earlier, fault.passing()) else {
            self.warn(path, fault.message());
            return None;
        };
        good.key.base = if good.own_base { self.allowed(path, good.key.base)? } else { self.config.upstream.clone() };
        self.warn(path, Message::new("auth-kept").with("reason", reason));
        Some(good)
    }

    fn base(&mut self, path: &Path, typed: &str) -> Option<BaseUrl> {
        match BaseUrl::parse(typed) {
            Ok(base) => self.allowed(path, base),
            Err(fault) => {
                self.warn(path, Fault::BaseUrl(fault).message());
                None
            }
        }
    }

    fn allowed(&mut self, path: &Path, base: BaseUrl) -> Option<BaseUrl> {
        if self.config.allowlist.allows(&base) {
            return Some(base);
        }
        self.warn(path, Message::new("auth-host-not-allowed").with("host", base.host()));
        None
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

/// The label for a further key: another one where `taken` has it already.
pub(crate) fn free_label(label: &Label, taken: &HashSet<Label>) -> Label {
    let numbers = (2..).map(|number| account::numbered(label, number));
    std::iter::once(label.clone()).chain(numbers).find(|label| !taken.contains(label)).unwrap_or_else(|| label.clone())
}

fn sort(keys: &mut [Loaded]) {
    order::sort_by_cached_key(keys, |(key, _)| (std::cmp::Reverse(key.priority), key.label.as_str().to_lowercase()));
}

/// Whether the name is one of an auth file.
pub(crate) fn is_auth_file(path: &Path) -> bool {
    file::Format::of(path).is_some()
}

/// A file, or something behind a folder that can't be entered now.
fn may_be_file(path: &Path) -> bool {
    match fs::metadata(path) {
        Ok(metadata) => !metadata.is_dir(),
        Err(error) => !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory),
    }
}

fn listed(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths =
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()?;
    order::sort(&mut paths);
    Ok(paths)
}
