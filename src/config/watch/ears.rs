//! What the system says about folders: which of its events matter. They come on its own thread, and nothing here waits
//! or touches a file. Not what the folders hold (`eye`).

use std::{
    collections::{HashMap, HashSet},
    ffi::OsString,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use notify::{
    Event, EventKind,
    event::{AccessKind, AccessMode},
};
use tokio::sync::Notify;

use crate::config::auths::is_auth_file;

/// Folders by their real path, and what counts in each.
pub(super) type Places = HashMap<PathBuf, Place>;

/// What counts in a folder.
#[derive(Debug, Default)]
pub(super) struct Place {
    /// It holds auth files, or folders of them.
    pub(super) auths: bool,
    /// Single files or folders of interest.
    pub(super) names: HashSet<OsString>,
}

/// Shared with the thread of the events.
#[derive(Debug, Default)]
pub(super) struct Ears {
    heard: Mutex<Heard>,
    pub(super) wake: Notify,
}

#[derive(Debug, Default)]
struct Heard {
    places: Places,
    /// Events that mattered so far.
    count: u64,
    news: News,
}

/// What was heard since it was asked for last.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct News {
    /// A file of interest was written, even if it looks the same from outside.
    pub(super) file: bool,
    /// A watched folder itself was moved, replaced or removed, or events were lost.
    pub(super) folder: bool,
}

impl Ears {
    pub(super) fn listen_for(&self, places: Places) {
        self.heard().places = places;
    }

    pub(super) fn count(&self) -> u64 {
        self.heard().count
    }

    pub(super) fn take(&self) -> News {
        std::mem::take(&mut self.heard().news)
    }

    /// Takes an event; the lock is held for a few look-ups only.
    pub(super) fn hear(&self, event: notify::Result<Event>) {
        let mut heard = self.heard();
        let Some(news) = heard.judge(event) else { return };
        heard.count += 1;
        heard.news.file |= news.file;
        heard.news.folder |= news.folder;
        drop(heard);
        self.wake.notify_one();
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Heard {
    /// `None` = of no interest.
    fn judge(&self, event: notify::Result<Event>) -> Option<News> {
        let lost = News { folder: true, ..News::default() };
        let Ok(event) = event else { return Some(lost) };
        if event.need_rescan() {
            return Some(lost);
        }
        // Reading a file, as we do ourselves, is an event too.
        if matches!(event.kind, EventKind::Access(kind) if kind != AccessKind::Close(AccessMode::Write)) {
            return None;
        }
        event
            .paths
            .iter()
            .filter_map(|path| self.at(path))
            .reduce(|one, other| News { file: one.file || other.file, folder: one.folder || other.folder })
    }

    fn at(&self, path: &Path) -> Option<News> {
        let place = path.parent().and_then(|parent| self.places.get(parent));
        let named = place.is_some_and(|place| path.file_name().is_some_and(|name| place.names.contains(name)));
        let auths = place.is_some_and(|place| place.auths);
        let folder = self.places.contains_key(path);
        let file = named || auths && is_auth_file(path);
        // Another name in an auths folder may be a folder, or a link that others go through: worth a look.
        (folder || file || auths).then_some(News { file, folder })
    }
}
