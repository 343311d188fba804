//! The one thread that writes: appends the trace, saves the state. It may be as slow as the disk; nobody waits for it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use tokio::sync::oneshot;

use super::{clock::wall, task};
use crate::{
    domain::trace::{Batch, TraceRecord},
    store::{
        state::{StateFile, StoredState},
        trace::TraceFile,
    },
};

/// Jobs that may wait; further ones are refused.
const QUEUE: usize = 64;
/// Records kept while the trace can't be written, here and before the queue.
pub(super) const PENDING_MAX: usize = 10_000;
/// How often waiting records are tried again.
const RETRY: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) enum Job {
    Append(Batch),
    Save(Box<StoredState>),
    /// Answers when all that came before is done.
    Flushed(oneshot::Sender<()>),
}

#[derive(Debug)]
pub(super) struct Disk {
    jobs: Option<SyncSender<Job>>,
    thread: Option<JoinHandle<()>>,
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    lost_records: AtomicU64,
    /// Records that could not be written yet.
    unwritten_records: AtomicU64,
    /// Saves in a row that failed.
    failed_saves: AtomicU64,
}

impl Disk {
    pub(super) fn start(state: StateFile, trace: TraceFile) -> Self {
        let (jobs, inbox) = sync_channel(QUEUE);
        let counts = Arc::new(Counts::default());
        let writer = Writer { state, trace, pending: Vec::new(), retry_at: None, counts: counts.clone() };
        let thread = thread::Builder::new().name("kmi-disk".to_owned()).spawn(move || writer.run(&inbox)).ok();
        Self { jobs: Some(jobs), thread, counts }
    }

    /// Hands over a job; gives it back when the disk is too far behind to take it.
    pub(super) fn send(&self, job: Job) -> Result<(), Job> {
        let Some(jobs) = &self.jobs else { return Err(job) };
        jobs.try_send(job).map_err(|refused| match refused {
            TrySendError::Full(job) | TrySendError::Disconnected(job) => job,
        })
    }

    /// Writes all that waits and this state, and goes on.
    pub(super) async fn flush(&self, records: Batch, state: Box<StoredState>) {
        let Some(jobs) = self.jobs.clone() else { return };
        let (done, flushed) = oneshot::channel();
        let queued = task::blocking(move || {
            let last = [Job::Append(records), Job::Save(state), Job::Flushed(done)];
            last.into_iter().all(|job| jobs.send(job).is_ok())
        });
        if !(queued.await.unwrap_or(false) && flushed.await.is_ok()) {
            tracing::warn!("disk_thread_failed");
        }
    }

    /// Writes all that waits and the last state, if there is one to write, then ends the thread.
    pub(super) async fn finish(&mut self, records: Batch, last: Option<Box<StoredState>>) {
        let (jobs, thread) = (self.jobs.take(), self.thread.take());
        let finished = task::blocking(move || {
            if let Some(jobs) = jobs {
                // An error means that the thread is gone: joining it below says so.
                let _ = jobs.send(Job::Append(records));
                if let Some(last) = last {
                    let _ = jobs.send(Job::Save(last));
                }
            }
            thread.is_none_or(|thread| thread.join().is_ok())
        });
        if !finished.await.unwrap_or(false) {
            tracing::warn!("disk_thread_failed");
        }
    }

    pub(super) fn lost_records(&self) -> u64 {
        self.counts.lost_records.load(Ordering::Relaxed)
    }

    pub(super) fn unwritten_records(&self) -> u64 {
        self.counts.unwritten_records.load(Ordering::Relaxed)
    }

    pub(super) fn failed_saves(&self) -> u64 {
        self.counts.failed_saves.load(Ordering::Relaxed)
    }
}

struct Writer {
    state: StateFile,
    trace: TraceFile,
    pending: Vec<Arc<TraceRecord>>,
    /// When to try again, while the trace can't be written: to try for each record would cost more the more of them wait.
    retry_at: Option<Instant>,
    counts: Arc<Counts>,
}

impl Writer {
    fn run(mut self, inbox: &Receiver<Job>) {
        loop {
            let job = match self.retry_at {
                None => inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(at) => inbox.recv_timeout(at.saturating_duration_since(Instant::now())),
            };
            match job {
                Ok(Job::Append(batch)) => self.append_new(&batch),
                Ok(Job::Save(state)) => self.save(&state),
                Ok(Job::Flushed(done)) => {
                    // An error means that nobody waits any more.
                    let _ = done.send(());
                }
                Err(RecvTimeoutError::Timeout) => self.append_pending(),
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        self.append_pending();
    }

    /// Usually nothing waits: then they are written as they came.
    fn append_new(&mut self, batch: &[Arc<TraceRecord>]) {
        if self.pending.is_empty() && (batch.is_empty() || self.append(batch)) {
            return;
        }
        let due = self.retry_at.is_none_or(|at| at <= Instant::now());
        self.pending.extend_from_slice(batch);
        if due {
            self.append_pending();
        }
        self.bound();
    }

    fn append_pending(&mut self) {
        let pending = std::mem::take(&mut self.pending);
        if !pending.is_empty() && !self.append(&pending) {
            self.pending = pending;
        }
        self.count_pending();
    }

    /// Whether they are written now.
    fn append(&mut self, records: &[Arc<TraceRecord>]) -> bool {
        match self.trace.append(records) {
            Ok(()) => {
                if self.retry_at.take().is_some() {
                    tracing::info!("trace_is_written_again");
                }
                true
            }
            Err(error) => {
                if self.retry_at.replace(Instant::now() + RETRY).is_none() {
                    tracing::warn!(error = %error, "trace_write_failed");
                }
                false
            }
        }
    }

    /// The oldest records give way while nothing can be written.
    fn bound(&mut self) {
        let excess = self.pending.len().saturating_sub(PENDING_MAX);
        self.pending.drain(..excess);
        self.counts.lost_records.fetch_add(u64::try_from(excess).unwrap_or_default(), Ordering::Relaxed);
        self.count_pending();
    }

    fn count_pending(&self) {
        let pending = u64::try_from(self.pending.len()).unwrap_or_default();
        self.counts.unwritten_records.store(pending, Ordering::Relaxed);
    }

    fn save(&mut self, state: &StoredState) {
        match self.state.save(state, wall()) {
            Ok(()) => {
                if self.counts.failed_saves.swap(0, Ordering::Relaxed) > 0 {
                    tracing::info!("state_is_saved_again");
                }
            }
            Err(error) => {
                if self.counts.failed_saves.fetch_add(1, Ordering::Relaxed) == 0 {
                    tracing::warn!(error = %error, "state_save_failed");
                }
            }
        }
    }
}
