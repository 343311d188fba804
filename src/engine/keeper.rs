//! The one task behind the engine: folds records, publishes snapshots, hands the disk its work. A slow disk or a
//! frozen screen stops here, never in a request.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::{
    sync::{mpsc, oneshot, watch},
    time::Instant,
};

use super::{
    Event, Left, Live, QUEUE, Shared,
    books::Books,
    clock::Heartbeat,
    disk::{Disk, Job, PENDING_MAX},
    remember, running,
    traffic::Aggregates,
};
use crate::{
    domain::{
        ledger::Ledger,
        now::{Now, since},
        pool::Memory,
        snapshot::{Link, Snapshot},
        trace::{Batch, TraceRecord},
    },
    store,
};

/// Snapshots are never closer than this.
const PUBLISH_EVERY: Duration = Duration::from_millis(100);
/// Nor are those that somebody waits for closer than this.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// The state is on disk this long after a change: what a sudden end may lose.
const SAVE_AFTER: Duration = Duration::from_millis(300);
/// A save that failed is tried again after this.
const SAVE_RETRY: Duration = Duration::from_secs(1);
/// So many keys are copied in no time.
const KEYS_AT_ONCE: usize = 500;
const TICK: Duration = Duration::from_secs(1);
/// Records are taken so often, all that came meanwhile at once: to wake tasks, threads and the disk for each of them costs
/// more than the request itself.
const PACE: Duration = Duration::from_millis(50);
/// How long a shared cause is news.
const SHARED_CAUSE_SHOWN: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(super) struct Keeper {
    shared: Arc<Shared>,
    publisher: watch::Sender<Arc<Snapshot>>,
    disk: Disk,
    aggregates: Aggregates,
    books: Books,
    heartbeat: Heartbeat,
    /// What was known when another process took the state file over; `None` = it is ours to write.
    released: Option<(Memory, Arc<Ledger>)>,
    /// Records that the disk could not take yet.
    waiting: Vec<Arc<TraceRecord>>,
    publish_at: Option<Instant>,
    save_at: Option<Instant>,
    published: Instant,
}

impl Keeper {
    pub(super) fn new(shared: Arc<Shared>, publisher: watch::Sender<Arc<Snapshot>>, disk: Disk, books: Books) -> Self {
        let aggregates = Aggregates::default();
        let heartbeat = Heartbeat::new(shared.clock.now());
        Self {
            shared,
            publisher,
            disk,
            aggregates,
            books,
            heartbeat,
            released: None,
            waiting: Vec::new(),
            publish_at: None,
            save_at: None,
            published: Instant::now(),
        }
    }

    pub(super) async fn run(mut self, mut inbox: mpsc::Receiver<Event>) {
        let (mut batch, mut next) = (Vec::with_capacity(QUEUE), Instant::now());
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let due = [self.publish_at, self.save_at].into_iter().flatten().min();
            tokio::select! {
                count = after(next, inbox.recv_many(&mut batch, QUEUE)) => {
                    if count == 0 {
                        return;
                    }
                    next = Instant::now() + PACE;
                    if let Some(done) = self.fold(&mut batch).await {
                        self.finish(done).await;
                        return;
                    }
                }
                () = self.shared.wake.notified() => self.schedule(),
                () = self.shared.looked_at.notified() => self.schedule_look(),
                _ = tick.tick() => self.tick(),
                () = sleep_until(due) => self.do_what_is_due(),
            }
        }
    }

    /// Folds a batch; the answer is a request to stop, if one was in it.
    async fn fold(&mut self, batch: &mut Vec<Event>) -> Option<oneshot::Sender<Left>> {
        let now = self.shared.clock.now();
        let (mut stop, mut release, mut saves) = (None, None, Vec::new());
        let mut records = Vec::with_capacity(batch.len());
        for event in batch.drain(..) {
            match event {
                Event::Record(record) => {
                    self.aggregates.fold(&record, now.steady);
                    self.books.fold(&record);
                    records.push(record);
                }
                Event::Save(done) => saves.push(done),
                Event::Adopt(tokens) => {
                    self.books.adopt(&tokens);
                    self.schedule();
                }
                Event::Release(done) => release = Some(done),
                Event::TakeBack => {
                    self.released = None;
                    self.schedule();
                }
                Event::Stop(done) => stop = Some(done),
            }
        }
        if !records.is_empty() {
            let batch: Batch = records.into();
            store::log::requests(&batch);
            self.shared.history().add(&batch);
            self.append(batch);
            // The pool's part of it is saved as it changes; this is what came after.
            self.schedule();
        }
        self.save_for(saves);
        if let Some(done) = release {
            self.release().await;
            // An error means that nobody waits any more.
            let _ = done.send(());
        }
        stop
    }

    /// They wait for what is known now to be on disk. Where the disk is too far behind, or the file another process's, they
    /// learn that by an answer that never comes.
    fn save_for(&mut self, waiting: Vec<oneshot::Sender<()>>) {
        if waiting.is_empty() || self.released.is_some() {
            return;
        }
        self.save();
        for done in waiting {
            // Given back when it is refused, and dropped.
            let _ = self.disk.send(Job::Flushed(done));
        }
    }

    /// All that is known goes to the disk, and this was the last time.
    async fn release(&mut self) {
        let memory = self.shared.live().pool.memory();
        let waiting = std::mem::take(&mut self.waiting);
        let tokens = self.books.ledger();
        self.disk.flush(waiting.into(), Box::new(remember::to_stored(&memory, &tokens))).await;
        (self.released, self.save_at) = (Some((memory, tokens)), None);
    }

    /// Hands records to the disk; while it is too far behind they wait here, the newest of them.
    fn append(&mut self, batch: Batch) {
        let batch = if self.waiting.is_empty() {
            batch
        } else {
            self.waiting.extend_from_slice(&batch);
            std::mem::take(&mut self.waiting).into()
        };
        if let Err(Job::Append(records)) = self.disk.send(Job::Append(batch)) {
            let excess = records.len().saturating_sub(PENDING_MAX);
            self.shared.dropped.fetch_add(u64::try_from(excess).unwrap_or_default(), Ordering::Relaxed);
            self.waiting = records[excess..].to_vec();
        }
    }

    fn schedule(&mut self) {
        self.schedule_publish();
        self.schedule_save(SAVE_AFTER * self.slowness());
    }

    fn schedule_save(&mut self, after: Duration) {
        if self.released.is_none() {
            self.save_at.get_or_insert_with(|| Instant::now() + after);
        }
    }

    /// Copying the views of thousands of keys takes milliseconds under the lock: it is done the more seldom.
    fn slowness(&self) -> u32 {
        1 + u32::try_from(self.shared.live().pool.size() / KEYS_AT_ONCE).unwrap_or(u32::MAX)
    }

    /// Somebody waits for the newest snapshot: a command, which is a person's time.
    fn schedule_look(&mut self) {
        let earliest = (self.published + LOOK_EVERY * self.slowness()).max(Instant::now());
        self.publish_at = Some(self.publish_at.map_or(earliest, |at| at.min(earliest)));
    }

    fn schedule_publish(&mut self) {
        let earliest = self.published + PUBLISH_EVERY * self.slowness();
        self.publish_at.get_or_insert_with(|| Instant::now().max(earliest));
    }

    /// Time passes: counters fade, cooldowns end, the last minute's traffic moves on.
    fn tick(&mut self) {
        if !self.waiting.is_empty() {
            self.append(Batch::default());
        }
        let now = self.shared.clock.now();
        let slept = self.heartbeat.slept(now);
        let waiting = {
            let live = &mut *self.shared.live();
            live.notice_clock(now);
            if slept {
                tracing::warn!("machine_slept");
                live.pool.check_all(now);
            }
            live.pool.tick(now);
            if !live.queue.is_empty() {
                live.queue.serve(&mut live.pool, now);
            }
            live.pool.waiting(now)
        };
        if slept {
            self.shared.interrupted.notify_one();
            self.shared.checks_wanted.notify_one();
        }
        if waiting || !self.shared.running().is_empty() || self.aggregates.lively(now.steady) {
            self.schedule_publish();
        }
    }

    fn do_what_is_due(&mut self) {
        let now = Instant::now();
        if self.publish_at.is_some_and(|at| at <= now) {
            self.publish();
        }
        if self.save_at.is_some_and(|at| at <= now) {
            self.save();
        }
    }

    fn publish(&mut self) {
        self.publish_at = None;
        self.published = Instant::now();
        if self.shared.changed.swap(false, Ordering::AcqRel) {
            // What changed since the last wake-up is not announced again: it must be saved as well as shown.
            self.schedule_save(SAVE_AFTER);
        }
        let now = self.shared.clock.now();
        let running = self.shared.running().first();
        let (mut snapshot, held) = {
            let live = self.shared.live();
            (snapshot(&live, &mut self.aggregates, &self.books, now), live.queue.held())
        };
        snapshot.running = running::views(&running, &held, now);
        snapshot.traffic.dropped_records = self.shared.dropped.load(Ordering::Relaxed) + self.disk.lost_records();
        snapshot.traffic.unwritten_records = self.disk.unwritten_records();
        snapshot.traffic.failed_saves = self.disk.failed_saves();
        snapshot.traffic.dropped_log_lines = store::log::dropped_lines();
        self.publisher.send_replace(Arc::new(snapshot));
    }

    fn save(&mut self) {
        let memory = self.shared.live().pool.memory();
        let saved = self.disk.send(Job::Save(Box::new(remember::to_stored(&memory, &self.books.ledger()))));
        let retry = saved.is_err() || self.disk.failed_saves() > 0;
        self.save_at = retry.then(|| Instant::now() + SAVE_RETRY);
    }

    async fn finish(mut self, done: oneshot::Sender<Left>) {
        let memory = self.shared.live().pool.memory();
        let tokens = self.books.ledger();
        let waiting = std::mem::take(&mut self.waiting);
        let last = self.released.is_none().then(|| Box::new(remember::to_stored(&memory, &tokens)));
        self.disk.finish(waiting.into(), last).await;
        self.publish();
        // An error means that nobody waits any more.
        let left = self
            .released
            .map(|(then, before)| Left { counted: memory.counted_since(&then), tokens: tokens.since(&before) });
        let _ = done.send(left.unwrap_or_default());
    }
}

/// The engine as clients may see it.
pub(super) fn snapshot(live: &Live, aggregates: &mut Aggregates, books: &Books, now: Now) -> Snapshot {
    let keys = live.pool.views(now);
    aggregates.note_turns(&keys, live.pool.policy().include_warn);
    let mut traffic = aggregates.traffic(now.steady);
    traffic.in_flight = keys.iter().map(|key| key.in_flight).sum();
    Snapshot {
        at: now.wall,
        uptime: now.steady,
        setup: live.setup.clone(),
        auto_rotate: live.pool.auto_rotate(),
        rotation_index: live.pool.rotation_index(),
        active: live.pool.active_label(),
        traffic,
        global_rate: live.pool.global_rate(now),
        confidence: aggregates.confidence(),
        keys,
        last_health_refresh: live.pool.last_health_refresh(),
        notices: live.news.all(),
        findings: live.findings.clone(),
        hosts: live.pool.hosts(now),
        held: live.queue.views(now),
        running: Vec::new(),
        shared_cause: live.shared_cause.clone().filter(|shared| since(shared.at, now.wall) < SHARED_CAUSE_SHOWN),
        conversations: live.pool.conversations(now),
        ledger: books.ledger(),
        today: books.day(now.wall),
        tally: books.tally(),
        link: Link::Own,
    }
}

/// Cancel safe where the future is.
async fn after<T>(moment: Instant, future: impl Future<Output = T>) -> T {
    tokio::time::sleep_until(moment).await;
    future.await
}

async fn sleep_until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}
