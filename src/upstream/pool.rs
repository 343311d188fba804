//! Connections that are kept for the next request to their host. Not how one is used (`link`).

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use tokio::time::{Instant, sleep};

use super::link::{Host, Link};

/// Kept connections are closed by us before most servers close them.
const IDLE: Duration = Duration::from_secs(50);
/// How often those that a server has closed, or that nobody used, are let go.
const SWEEP: Duration = Duration::from_secs(5);
/// Most that are kept for a host.
const KEPT_MAX: usize = 1024;

/// Clones share what is kept.
#[derive(Debug, Clone, Default)]
pub(super) struct Pool(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    /// The one that was used last is used first, so that the others can grow old.
    links: HashMap<Host, Vec<Link>>,
    swept: bool,
}

impl Pool {
    /// A connection that the host has not closed, no older than this flush.
    pub(super) fn take(&self, host: &Host, generation: u64) -> Option<Link> {
        let mut kept = lock(&self.0);
        let links = kept.links.get_mut(host)?;
        while let Some(mut link) = links.pop() {
            if link.generation == generation && link.server.is_free() {
                return Some(link);
            }
        }
        None
    }

    /// Keeps a connection, if it can be used again.
    pub(super) fn keep(&self, mut link: Link) {
        if !link.server.is_free() {
            return;
        }
        link.idle_since = Instant::now();
        let mut kept = lock(&self.0);
        match kept.links.get_mut(&link.host) {
            Some(links) if links.len() < KEPT_MAX => links.push(link),
            Some(_) => {}
            None => drop(kept.links.insert(link.host.clone(), vec![link])),
        }
        if !std::mem::replace(&mut kept.swept, true) {
            tokio::spawn(sweep(Arc::downgrade(&self.0)));
        }
    }
}

/// Runs while something is kept.
async fn sweep(kept: Weak<Mutex<Kept>>) {
    loop {
        sleep(SWEEP).await;
        let Some(kept) = kept.upgrade() else { return };
        let mut kept = lock(&kept);
        kept.links.retain(|_, links| {
            links.retain_mut(|link| link.idle_since.elapsed() < IDLE && link.server.is_free());
            !links.is_empty()
        });
        if kept.links.is_empty() {
            kept.swept = false;
            return;
        }
    }
}

/// A panic while it was held leaves nothing half done.
fn lock(kept: &Mutex<Kept>) -> MutexGuard<'_, Kept> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}
