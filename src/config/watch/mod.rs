//! When to read settings and auth files again: the system's events, made calm, over a net of looks from time to time,
//! which works where events don't. Not what the files say (`load`, `auths`), nor what becomes of it.

mod ears;
mod eye;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    task::spawn_blocking,
    time::{Instant, sleep, sleep_until},
};

use self::{
    ears::Ears,
    eye::{Eye, Fault, Start},
};
use super::{Config, Environment, Flags, layers};
use crate::domain::message::Message;

/// What is watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Watched {
    /// Its auth files, and those of its sub-folders, one level.
    pub(crate) auths_dir: PathBuf,
    /// Single files, there or not.
    pub(crate) files: Vec<PathBuf>,
}

impl Watched {
    /// The auths folder, the `.env` file that counts, and the list that says whether it is trusted.
    pub(crate) fn new(config: &Config, flags: &Flags, environment: &Environment) -> Self {
        let env_file = layers::env_path(flags, environment);
        let files = [Some(env_file), layers::trust_list(flags, environment)].into_iter().flatten().collect();
        Self { auths_dir: config.auths_dir.clone(), files }
    }
}

/// How patient a watcher is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// Nothing happens this long: then the files are taken for written.
    pub(crate) quiet: Duration,
    /// A change is told after about this long, even if it never gets quiet.
    pub(crate) most: Duration,
    /// Between two looks without any event.
    pub(crate) net: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { quiet: Duration::from_millis(300), most: Duration::from_secs(2), net: Duration::from_secs(30) }
    }
}

/// Waits for changes of files.
pub(crate) struct Watcher {
    pace: Pace,
    ears: Arc<Ears>,
    eye: Arc<Mutex<Eye>>,
    fault: Option<Fault>,
    /// So many events have been dealt with.
    settled: u64,
    next_look: Instant,
}

impl Watcher {
    /// Looks at the files for the first time: what changes from now on is told. Make it before they are read.
    pub(crate) fn new(watched: Watched, pace: Pace) -> Self {
        Self::with(watched, pace, eye::start)
    }

    fn with(watched: Watched, pace: Pace, start: Start) -> Self {
        let ears = Arc::new(Ears::default());
        let eye = Eye::new(watched, Arc::clone(&ears), start);
        let fault = eye.fault.clone();
        let next_look = Instant::now() + pace.net;
        Self { pace, ears, eye: Arc::new(Mutex::new(eye)), fault, settled: 0, next_look }
    }

    /// Waits until something changed and has settled. May be dropped and called again: no change is lost by that, but
    /// the wait for quiet begins anew.
    pub(crate) async fn changed(&mut self) {
        loop {
            let hinted = self.hint_or_net().await;
            self.settle(hinted).await;
            self.next_look = Instant::now() + self.pace.net;
            if std::mem::take(&mut lock(&self.eye).changed) {
                return;
            }
        }
    }

    /// Why changes are found only from time to time, as of the last look; `None` = they are found at once.
    pub(crate) fn fault(&self) -> Option<Message> {
        self.fault.as_ref().map(|fault| fault.message(self.pace.net))
    }

    /// Watches something else from now on, if it is something else. What differs there is told as a change.
    pub(crate) fn watch(&mut self, watched: Watched) {
        let mut eye = lock(&self.eye);
        if eye.watched != watched {
            eye.watched = watched;
            self.next_look = Instant::now();
        }
    }

    /// Whether it was an event that ended the wait.
    async fn hint_or_net(&self) -> bool {
        while self.ears.count() == self.settled {
            tokio::select! {
                () = self.ears.wake.notified() => {}
                () = sleep_until(self.next_look) => return false,
            }
        }
        true
    }

    /// Looks until nothing moves any more, or for as long as that may take.
    async fn settle(&mut self, mut hinted: bool) {
        let until = Instant::now() + self.pace.most;
        loop {
            let count = self.ears.count();
            sleep(self.pace.quiet).await;
            let differs = self.look().await;
            let heard = self.ears.count() != count;
            // Where no event says that somebody is still writing, two looks must agree.
            let moves = heard || differs && !hinted;
            if !moves || Instant::now() >= until {
                self.settled = count;
                return;
            }
            hinted |= heard;
        }
    }

    /// Whether something looks different. Disks may be slow, so it is done beside.
    async fn look(&mut self) -> bool {
        let eye = Arc::clone(&self.eye);
        let looked = spawn_blocking(move || {
            let mut eye = lock(&eye);
            (eye.look(), eye.fault.clone())
        });
        match looked.await {
            Ok((differs, fault)) => {
                self.fault = fault;
                differs
            }
            Err(_) => false,
        }
    }
}

fn lock(eye: &Mutex<Eye>) -> MutexGuard<'_, Eye> {
    eye.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watcher").field("pace", &self.pace).field("fault", &self.fault).finish_non_exhaustive()
    }
}
