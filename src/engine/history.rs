//! The newest records, and who hears of those that come. Not their file (`store::trace`).

use std::{collections::VecDeque, sync::Arc};

use tokio::sync::broadcast;

use super::Engine;
use crate::{
    domain::trace::{Batch, TraceRecord},
    store::queue::{self, Refused},
};

/// Recent records kept for those who subscribe later.
const RECENT: usize = 2000;
/// Records a slow subscriber may lag behind before it loses some.
const SUBSCRIBER_LAG: usize = 1024;

/// Recent records and those who hear of new ones: under one lock, so that nobody misses or doubles one.
#[derive(Debug)]
pub(super) struct History {
    pub(super) recent: VecDeque<Arc<TraceRecord>>,
    listeners: broadcast::Sender<Arc<TraceRecord>>,
    /// Threads that take batches as they are.
    readers: Vec<queue::Sender<Batch>>,
}

impl History {
    /// `before`: newest last.
    pub(super) fn new(before: Vec<TraceRecord>) -> Self {
        let skipped = before.len().saturating_sub(RECENT);
        let recent = before.into_iter().skip(skipped).map(Arc::new).collect();
        Self { recent, listeners: broadcast::channel(SUBSCRIBER_LAG).0, readers: Vec::new() }
    }

    pub(super) fn add(&mut self, batch: &Batch) {
        self.readers.retain(|reader| reader.offer(batch.clone(), batch.len()) != Err(Refused::Gone));
        let listened = self.listeners.receiver_count() > 0;
        for record in batch.iter() {
            if self.recent.len() == RECENT {
                self.recent.pop_front();
            }
            self.recent.push_back(record.clone());
            if listened {
                // An error means that nobody listens any more.
                let _ = self.listeners.send(record.clone());
            }
        }
    }
}

impl Engine {
    /// Recent records, oldest first, and every one after them.
    pub(crate) fn records(&self) -> (Vec<Arc<TraceRecord>>, broadcast::Receiver<Arc<TraceRecord>>) {
        let history = self.history();
        (history.recent.iter().cloned().collect(), history.listeners.subscribe())
    }

    /// Every record from now on, for a thread: what many requests come to is handed over at once. While `most` records
    /// wait for it, further ones are left out.
    pub(crate) fn batches(&self, most: usize) -> queue::Receiver<Batch> {
        let (sender, receiver) = queue::bounded(most);
        self.history().readers.push(sender);
        receiver
    }
}
