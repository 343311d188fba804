//! What the simulator received and how each request ended, for tests to ask. Not a log file.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use tokio::sync::Notify;

/// How many requests are remembered.
const REMEMBERED: usize = 4096;
/// Larger bodies are counted, not kept.
const KEPT_BODY: usize = 1 << 20;
/// Generous: only a test that fails waits this long.
const PATIENCE: Duration = Duration::from_secs(30);

/// One request as it came over the wire.
#[derive(Debug, Clone)]
pub struct Received {
    /// Counts from 1.
    pub number: u64,
    /// From `Authorization: Bearer`, else `x-api-key`.
    pub key: Option<String>,
    pub method: String,
    /// Path and query as they were sent.
    pub target: String,
    /// In the order and spelling of the wire.
    pub headers: Vec<(String, String)>,
    pub body_len: usize,
    /// Empty when it was over a megabyte.
    pub body: Bytes,
    /// The status that was sent; `None` until then.
    pub status: Option<u16>,
    pub ended: Ended,
}

/// How far a request got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    Running,
    /// The whole answer was handed over.
    Completed,
    /// The client hung up first.
    ClientGone,
    /// The simulator broke off, as it was told to.
    CutShort,
}

impl Received {
    /// The first header of this name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The target without its query.
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }
}

/// What was waited for did not happen in time.
#[derive(Clone, thiserror::Error)]
pub struct NotSeen(pub Vec<Received>);

impl fmt::Display for NotSeen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "not seen in {PATIENCE:?}; {} requests came:", self.0.len())?;
        for one in &self.0 {
            writeln!(f, "  {} {} {} → {:?} {:?}", one.number, one.method, one.target, one.status, one.ended)?;
        }
        Ok(())
    }
}

impl fmt::Debug for NotSeen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The requests so far.
#[derive(Debug, Default)]
pub(super) struct Log {
    /// Held for moments only, never across an await.
    entries: Mutex<Entries>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Entries {
    total: u64,
    recent: VecDeque<Received>,
}

impl Log {
    /// Enters a request; how it ends is told to, or by the drop of, the ticket.
    pub(super) fn open(self: &Arc<Self>, received: Received) -> Ticket {
        let mut entries = self.entries();
        entries.total += 1;
        let number = entries.total;
        if entries.recent.len() == REMEMBERED {
            entries.recent.pop_front();
        }
        entries.recent.push_back(Received { number, ..received });
        drop(entries);
        self.changed.notify_waiters();
        Ticket { number, log: Arc::clone(self), settled: false }
    }

    pub(super) fn requests(&self) -> Vec<Received> {
        self.entries().recent.iter().cloned().collect()
    }

    pub(super) async fn wait_for(&self, enough: impl Fn(&[Received]) -> bool) -> Result<Vec<Received>, NotSeen> {
        let seen = async {
            loop {
                let changed = self.changed.notified();
                let requests = self.requests();
                if enough(&requests) {
                    return requests;
                }
                changed.await;
            }
        };
        tokio::time::timeout(PATIENCE, seen).await.map_err(|_| NotSeen(self.requests()))
    }

    fn edit(&self, number: u64, edit: impl FnOnce(&mut Received)) {
        let mut entries = self.entries();
        let place = entries.recent.binary_search_by_key(&number, |received| received.number);
        if let Some(received) = place.ok().and_then(|place| entries.recent.get_mut(place)) {
            edit(received);
        }
        drop(entries);
        self.changed.notify_waiters();
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One request in the log. Dropped unsettled, it means that the client hung up.
#[derive(Debug)]
pub(super) struct Ticket {
    number: u64,
    log: Arc<Log>,
    settled: bool,
}

impl Ticket {
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    pub(super) fn body(&self, body: &Bytes) {
        let kept = if body.len() <= KEPT_BODY { body.clone() } else { Bytes::new() };
        self.log.edit(self.number, |received| (received.body_len, received.body) = (body.len(), kept));
    }

    pub(super) fn status(&self, status: u16) {
        self.log.edit(self.number, |received| received.status = Some(status));
    }

    /// Settles it; the first word counts.
    pub(super) fn end(&mut self, ended: Ended) {
        if !std::mem::replace(&mut self.settled, true) {
            self.log.edit(self.number, |received| received.ended = ended);
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.end(Ended::ClientGone);
    }
}
