//! What the files look like from outside, and the system's watches on their folders. Every call may wait for the disk.
//! Not when to look (`watch`).

use std::{
    collections::HashMap,
    ffi::OsString,
    fs::{self, Metadata},
    io::{self, ErrorKind},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use rustix::io::Errno;

use super::{
    Watched,
    ears::{Ears, Places},
};
use crate::{
    config::auths::is_auth_file,
    domain::{message::Message, order},
};

/// Folders that are watched; the files in more are looked at only.
const FOLDERS_MAX: usize = 256;

/// How the system's events are asked for.
pub(super) type Start = fn(Arc<Ears>) -> notify::Result<RecommendedWatcher>;

/// Asks the system for events.
pub(super) fn start(ears: Arc<Ears>) -> notify::Result<RecommendedWatcher> {
    notify::recommended_watcher(move |event| ears.hear(event))
}

pub(super) struct Eye {
    pub(super) watched: Watched,
    ears: Arc<Ears>,
    start: Start,
    notifier: Option<RecommendedWatcher>,
    /// Folders that the system watches for us, and which they were when that began.
    armed: HashMap<PathBuf, Identity>,
    seen: Vec<(PathBuf, Mark)>,
    /// Kept until it is told: whoever waits for it may give up in between.
    pub(super) changed: bool,
    pub(super) fault: Option<Fault>,
}

/// Device and inode.
type Identity = (u64, u64);

/// A file or folder from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Mark {
    Folder,
    File { identity: Identity, length: u64, mode: u32, modified: (i64, i64), changed: (i64, i64) },
    Fault(ErrorKind),
}

/// Why there are no events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    Limit,
    Other(String),
}

impl Eye {
    pub(super) fn new(watched: Watched, ears: Arc<Ears>, start: Start) -> Self {
        let (armed, seen) = (HashMap::new(), Vec::new());
        let mut eye = Self { watched, ears, start, notifier: None, armed, seen, changed: false, fault: None };
        eye.look();
        eye.changed = false;
        eye
    }

    /// Looks at everything; whether something looks different than last time. Watches are set before that, so that
    /// nothing happens unseen in between.
    pub(super) fn look(&mut self) -> bool {
        let news = self.ears.take();
        self.arm(news.folder);
        let seen = marks(&self.watched);
        let differs = seen != self.seen;
        self.seen = seen;
        self.changed |= differs || news.file;
        differs
    }

    /// Brings the watches to what is there now: a watch stays with its folder when that is moved or removed, and another
    /// takes its name. `anew` = don't believe that any still works.
    fn arm(&mut self, anew: bool) {
        let places = places(&self.watched);
        let wanted: Vec<(PathBuf, Identity)> =
            places.keys().filter_map(|path| Some((path.clone(), identity(&fs::metadata(path).ok()?)))).collect();
        self.ears.listen_for(places);
        self.fault = None;
        let Some(notifier) = started(&mut self.notifier, self.start, &self.ears, &mut self.fault) else { return };
        let armed = std::mem::take(&mut self.armed);
        for (path, identity) in &armed {
            if !anew && wanted.iter().any(|(other, same)| other == path && same == identity) {
                self.armed.insert(path.clone(), *identity);
            } else {
                // It fails when the folder is gone, and its watch with it.
                let _ = notifier.unwatch(path);
            }
        }
        for (path, identity) in wanted {
            if self.armed.contains_key(&path) {
                continue;
            }
            match notifier.watch(&path, RecursiveMode::NonRecursive) {
                Ok(()) => {
                    self.armed.insert(path, identity);
                }
                Err(error) => self.fault = Fault::of(&error).or(self.fault.take()),
            }
        }
    }
}

/// What gives the events; asked for again each time, as a limit may be raised.
fn started<'a>(
    notifier: &'a mut Option<RecommendedWatcher>,
    start: Start,
    ears: &Arc<Ears>,
    fault: &mut Option<Fault>,
) -> Option<&'a mut RecommendedWatcher> {
    if notifier.is_none() {
        match start(Arc::clone(ears)) {
            Ok(made) => *notifier = Some(made),
            Err(error) => *fault = Some(Fault::of(&error).unwrap_or_else(|| Fault::Other(error.to_string()))),
        }
    }
    notifier.as_mut()
}

impl Fault {
    /// `None` = a folder that is gone again, or may not be read: whoever reads the files tells that.
    fn of(error: &notify::Error) -> Option<Self> {
        match &error.kind {
            notify::ErrorKind::MaxFilesWatch => Some(Self::Limit),
            notify::ErrorKind::PathNotFound => None,
            notify::ErrorKind::Io(error) => Self::of_io(error),
            _ => Some(Self::Other(error.to_string())),
        }
    }

    fn of_io(error: &io::Error) -> Option<Self> {
        let limits = [Errno::MFILE, Errno::NFILE, Errno::NOSPC].map(Errno::raw_os_error);
        match error.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::PermissionDenied => None,
            _ if error.raw_os_error().is_some_and(|code| limits.contains(&code)) => Some(Self::Limit),
            _ => Some(Self::Other(error.to_string())),
        }
    }

    pub(super) fn message(&self, net: Duration) -> Message {
        match self {
            Self::Limit => Message::new("config-watch-limit").with("interval", net),
            Self::Other(error) => {
                Message::new("config-watch-fault").with("interval", net).with("error", error.as_str())
            }
        }
    }
}

/// The folders to watch: those of auth files, and for each file or folder that was named the one that it stands in, or
/// would.
fn places(watched: &Watched) -> Places {
    let mut places = Places::new();
    let named = watched.files.iter().chain([&watched.auths_dir]);
    // A link and what it leads to may change each on its own.
    let real = watched.files.iter().filter_map(|file| file.canonicalize().ok());
    for (folder, name) in named.cloned().chain(real).filter_map(|path| standing_in(&path)) {
        places.entry(folder).or_default().names.insert(name);
    }
    let mut folders = folders_in(&watched.auths_dir);
    order::sort(&mut folders);
    folders.truncate(FOLDERS_MAX);
    for folder in [watched.auths_dir.clone()].into_iter().chain(folders) {
        if let Some(real) = folder.canonicalize().ok().filter(|real| real.is_dir()) {
            places.entry(real).or_default().auths = true;
        }
    }
    places
}

/// The nearest folder above that is there, by its real path, and the name that would have to appear in it.
fn standing_in(path: &Path) -> Option<(PathBuf, OsString)> {
    path.ancestors().find_map(|path| {
        let real = path.parent()?.canonicalize().ok().filter(|real| real.is_dir())?;
        Some((real, path.file_name()?.to_owned()))
    })
}

fn folders_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter(is_folder).map(|entry| entry.path()).collect()
}

fn is_folder(entry: &fs::DirEntry) -> bool {
    match entry.file_type() {
        Ok(kind) if kind.is_symlink() => entry.path().is_dir(),
        Ok(kind) => kind.is_dir(),
        Err(_) => false,
    }
}

/// Everything of interest, by path.
fn marks(watched: &Watched) -> Vec<(PathBuf, Mark)> {
    let mut marks: Vec<(PathBuf, Mark)> = watched.files.iter().map(|file| (file.clone(), Mark::of(file))).collect();
    mark_folder(&watched.auths_dir, true, &mut marks);
    order::sort_by(&mut marks, |(one, _), (other, _)| one.cmp(other));
    marks
}

fn mark_folder(folder: &Path, deeper: bool, marks: &mut Vec<(PathBuf, Mark)>) {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => {
            marks.push((folder.to_owned(), Mark::Fault(error.kind())));
            return;
        }
    };
    marks.push((folder.to_owned(), Mark::Folder));
    for entry in entries.flatten() {
        let path = entry.path();
        if is_folder(&entry) {
            if deeper {
                mark_folder(&path, false, marks);
            }
        } else if is_auth_file(&path) {
            marks.push((path.clone(), Mark::of(&path)));
        }
    }
}

fn identity(metadata: &Metadata) -> Identity {
    (metadata.dev(), metadata.ino())
}

impl Mark {
    fn of(path: &Path) -> Self {
        match fs::metadata(path) {
            Ok(metadata) => Self::File {
                identity: identity(&metadata),
                length: metadata.len(),
                mode: metadata.mode(),
                modified: (metadata.mtime(), metadata.mtime_nsec()),
                changed: (metadata.ctime(), metadata.ctime_nsec()),
            },
            Err(error) => Self::Fault(error.kind()),
        }
    }
}

#[cfg(test)]
impl Eye {
    /// Whether the folder of that name, as it is now, is watched by the system.
    pub(super) fn is_armed(&self, folder: &Path) -> bool {
        let now = folder.canonicalize().and_then(|real| Ok((identity(&fs::metadata(&real)?), real)));
        now.is_ok_and(|(now, real)| self.armed.get(&real) == Some(&now))
    }
}
