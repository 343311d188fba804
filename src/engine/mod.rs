//! The one owner of live state: requests pick and settle keys here, commands come in, snapshots and trace records go
//! out. Nothing here is HTTP, a screen or a file; the keeper behind it talks to the disk.

mod books;
mod clock;
mod commands;
mod disk;
mod history;
mod hold;
mod keeper;
mod news;
mod preview;
mod remember;
mod running;
pub(crate) mod task;
#[cfg(test)]
mod tests;
mod traffic;

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use jiff::tz::TimeZone;
use tokio::sync::{Notify, mpsc, oneshot, watch};

use self::{
    books::Books,
    clock::{Clock, Drift},
    history::History,
    hold::Queue,
    news::News,
    running::Running,
};
pub(crate) use self::{
    clock::wall,
    preview::preview,
    remember::from_stored,
    running::{Asked, Order, Ticket, Wish},
};
use crate::{
    domain::{
        command::Severity,
        key::{Key, KeyId, Label},
        ledger::Ledger,
        message::Message,
        now::Now,
        outcome::{Cause, Verdict},
        policy::Policy,
        pool::{Change, Check, CheckFault, CheckKind, Choice, Left, Pool, Reloaded},
        shared_cause::SharedCause,
        snapshot::{Finding, Setup, Snapshot},
        trace::{Tokens, TraceRecord},
        usage::Usage,
    },
    store::{
        state::{StateFile, StoredState},
        trace::TraceFile,
    },
};

/// Records waiting for the keeper; more are dropped and counted.
const QUEUE: usize = 4096;
/// Who wants the newest snapshot waits this long at most.
const FRESH_WAIT: Duration = Duration::from_millis(500);
/// Who wants to know that a change is on disk waits this long at most.
const SAVE_WAIT: Duration = Duration::from_secs(2);

/// What an engine is made of.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) policy: Policy,
    pub(crate) setup: Setup,
    pub(crate) keys: Vec<Key>,
    pub(crate) state: StoredState,
    pub(crate) state_file: StateFile,
    pub(crate) trace_file: TraceFile,
    /// Newest last.
    pub(crate) history: Vec<TraceRecord>,
    /// KMI_AUDIT_ACTOR: who, in audit records.
    pub(crate) actor: String,
    /// Whose days are counted.
    pub(crate) zone: TimeZone,
}

/// A handle on the engine; clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Engine {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// Held for single pure calls only; nothing is awaited and no file is touched under it.
    live: Mutex<Live>,
    clock: Clock,
    actor: String,
    events: mpsc::Sender<Event>,
    /// Set by whoever changes something, cleared by the keeper when it publishes.
    changed: AtomicBool,
    wake: Notify,
    /// Somebody wants the newest snapshot.
    looked_at: Notify,
    dropped: AtomicU64,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    history: Mutex<History>,
    running: Mutex<Running>,
    doctor_wanted: Notify,
    doctor_outdated: Notify,
    checks_wanted: Notify,
    reload_wanted: Notify,
    interrupted: Notify,
}

#[derive(Debug)]
struct Live {
    setup: Arc<Setup>,
    pool: Pool,
    queue: Queue,
    drift: Drift,
    shared_cause: Option<SharedCause>,
    news: News,
    findings: Arc<[Finding]>,
}

#[derive(Debug)]
enum Event {
    Record(Arc<TraceRecord>),
    /// Write the state and answer.
    Save(oneshot::Sender<()>),
    /// Tokens that the process before counted.
    Adopt(Ledger),
    /// Write everything and answer; from then on the state file is another process's.
    Release(oneshot::Sender<()>),
    /// The state file is ours again.
    TakeBack,
    /// Write everything and answer with what was counted since the release.
    Stop(oneshot::Sender<Left>),
}

/// A key in use by one attempt; given back when dropped.
#[derive(Debug)]
pub(crate) struct Lease {
    pub(crate) choice: Choice,
    engine: Engine,
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.engine.change(|live, now| live.pool.release(self.choice.id, now));
    }
}

impl Engine {
    /// Starts the keeper on the running runtime.
    pub(crate) fn start(parts: Parts) -> Self {
        let clock = Clock::start();
        let live = Live::new(parts.policy, parts.setup, parts.keys, &parts.state, clock.now());
        let books = Books::new(parts.zone, &parts.state.own.tokens, &parts.history);
        let first = keeper::snapshot(&live, &mut traffic::Aggregates::default(), &books, clock.now());
        let (publisher, snapshots) = watch::channel(Arc::new(first));
        let (events, inbox) = mpsc::channel(QUEUE);
        let shared = Arc::new(Shared {
            live: Mutex::new(live),
            clock,
            actor: parts.actor,
            events,
            changed: AtomicBool::new(false),
            wake: Notify::new(),
            looked_at: Notify::new(),
            dropped: AtomicU64::new(0),
            snapshots,
            history: Mutex::new(History::new(parts.history)),
            running: Mutex::default(),
            doctor_wanted: Notify::new(),
            doctor_outdated: Notify::new(),
            checks_wanted: Notify::new(),
            reload_wanted: Notify::new(),
            interrupted: Notify::new(),
        });
        let disk = disk::Disk::start(parts.state_file, parts.trace_file);
        task::spawn(keeper::Keeper::new(shared.clone(), publisher, disk, books).run(inbox));
        Self { shared }
    }

    pub(crate) fn now(&self) -> Now {
        self.shared.clock.now()
    }

    /// The steady half of it: for what is measured.
    pub(crate) fn steady(&self) -> Duration {
        self.shared.clock.steady()
    }

    pub(crate) fn policy(&self) -> Arc<Policy> {
        self.lock().pool.policy().clone()
    }

    pub(crate) fn setup(&self) -> Arc<Setup> {
        self.lock().setup.clone()
    }

    /// Lets a request in under the global rate, or says how long to wait.
    pub(crate) fn admit(&self) -> Result<(), Duration> {
        self.change(|live, now| live.pool.admit(now))
    }

    /// The head of a good answer has come: the host is alive, and the client is served.
    pub(crate) fn answered(&self, lease: &Lease, wish: &Wish) {
        self.change(|live, now| live.pool.answered(lease.choice.id, wish.client.as_deref(), now));
    }

    /// Tries the same key once more, whatever stands against it.
    pub(crate) fn again(&self, key: KeyId) -> Option<Lease> {
        let choice = self.change(|live, now| live.pool.lend_again(key, now))?;
        Some(self.lease(choice))
    }

    /// Applies what an attempt met to its key.
    pub(crate) fn settle(&self, lease: &Lease, verdict: &Verdict, wish: &Wish) {
        let id = lease.choice.id;
        self.change(|live, now| {
            let change = live.pool.settle(id, lease.choice.at, verdict, wish.model(), now);
            report(live, &lease.choice.key.label, change, now);
        });
    }

    /// The client left before the end of a good answer: counted, and no more.
    pub(crate) fn abandoned(&self, lease: &Lease) {
        self.change(|live, _| live.pool.abandoned(lease.choice.id));
    }

    /// A request has tried what there was, in vain; the answer is the one cause behind it, if there is one.
    pub(crate) fn all_failed(&self, attempts: &[(KeyId, Cause)], wish: &Wish) -> Option<SharedCause> {
        self.change(|live, now| {
            let shared = live.pool.all_failed(attempts, wish.client.as_deref(), now)?;
            if live.news.is_new(&shared) {
                tracing::warn!(
                    common = shared.common.code(),
                    cause = shared.cause.code(),
                    keys = shared.keys,
                    "shared_cause"
                );
                let (severity, message) = news::shared(&shared);
                live.news.tell(now.wall, severity, message);
            }
            live.shared_cause = Some(shared.clone());
            Some(shared)
        })
    }

    /// A file was uploaded with this key: requests that name it belong there.
    pub(crate) fn uploaded(&self, lease: &Lease, file: u64) {
        self.change(|live, now| live.pool.uploaded(lease.choice.id, file, now));
    }

    /// Takes new settings and the keys that there are now. Requests in flight finish on the key that they hold.
    pub(crate) fn reload(&self, policy: Policy, setup: Setup, keys: Vec<Key>) -> Reloaded {
        let reloaded = self.change(|live, now| {
            live.setup = Arc::new(setup);
            if policy != **live.pool.policy() {
                live.pool.set_policy(policy, now);
            }
            let reloaded = live.pool.reload(keys, now);
            for (severity, message) in news::reloaded(&reloaded) {
                live.news.tell(now.wall, severity, message);
            }
            reloaded
        });
        self.shared.checks_wanted.notify_one();
        self.shared.doctor_outdated.notify_one();
        reloaded
    }

    /// Resolves when somebody asked for settings and auth files to be read anew.
    pub(crate) async fn reload_wanted(&self) {
        self.shared.reload_wanted.notified().await;
    }

    /// Resolves when the machine has slept or stood still: what is pooled may be dead.
    pub(crate) async fn interrupted(&self) {
        self.shared.interrupted.notified().await;
    }

    fn lease(&self, choice: Choice) -> Lease {
        Lease { choice, engine: self.clone() }
    }

    /// Hands over the record of a finished request; never waits.
    pub(crate) fn record(&self, record: Arc<TraceRecord>, served_by: Option<KeyId>) {
        if let Some(id) = served_by.filter(|_| record.tokens != Tokens::default()) {
            self.change(|live, _| live.pool.count_tokens(id, record.tokens));
        }
        if self.shared.events.try_send(Event::Record(record)).is_err() {
            self.shared.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Health checks that are due; each must be answered by [`Engine::checked`].
    pub(crate) fn due_checks(&self) -> Vec<Check> {
        let now = self.now();
        self.lock().pool.due_checks(now)
    }

    /// Resolves when somebody asked for checks at once.
    pub(crate) async fn checks_wanted(&self) {
        self.shared.checks_wanted.notified().await;
    }

    pub(crate) fn checked(&self, check: &Check, result: Result<Usage, CheckFault>) {
        if let Err(fault) = &result {
            tracing::info!(key_label = %check.key.label, error = fault.text, "usage_fetch_failed");
        }
        let kind: CheckKind = check.kind;
        self.change(|live, now| {
            let change = live.pool.checked(check.id, kind, result, now);
            report(live, &check.key.label, change, now);
        });
    }

    /// Whether some key could serve a request now.
    pub(crate) fn ready(&self) -> bool {
        let now = self.now();
        self.lock().pool.ready(now)
    }

    /// Tells people something that is not the answer to a command.
    pub(crate) fn tell(&self, severity: Severity, message: Message) {
        self.change(|live, now| {
            live.news.tell(now.wall, severity, message);
        });
    }

    pub(crate) fn set_findings(&self, findings: Vec<Finding>) {
        self.change(|live, _| live.findings = findings.into());
    }

    /// Resolves when somebody asked for the doctor.
    pub(crate) async fn doctor_wanted(&self) {
        self.shared.doctor_wanted.notified().await;
    }

    /// Resolves when what the doctor said may no longer be true.
    pub(crate) async fn doctor_outdated(&self) {
        self.shared.doctor_outdated.notified().await;
    }

    /// The snapshot, with all that has changed until now: for those who look once.
    pub(crate) async fn fresh_snapshot(&self) -> Arc<Snapshot> {
        let mut snapshots = self.snapshots();
        // One that is being published just now may have been taken before the last change; its time tells.
        let asked = self.steady();
        self.shared.looked_at.notify_one();
        // A keeper that is late, or gone, must not hold anybody up.
        let _ = tokio::time::timeout(FRESH_WAIT, snapshots.wait_for(|snapshot| snapshot.uptime >= asked)).await;
        snapshots.borrow().clone()
    }

    pub(crate) fn snapshots(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.shared.snapshots.clone()
    }

    /// Returns when what was changed until now is on disk: a command that was answered outlives a sudden end. A disk that
    /// fails or is slow holds nobody up.
    pub(crate) async fn saved(&self) {
        let (done, saved) = oneshot::channel();
        let save = async {
            if self.shared.events.send(Event::Save(done)).await.is_ok() {
                // An error means that it could not be written now: the snapshot tells.
                let _ = saved.await;
            }
        };
        // Tried again by the keeper, whoever waits for it.
        let _ = tokio::time::timeout(SAVE_WAIT, save).await;
    }

    /// Writes what is waiting and leaves the state file to another process: what happens from now on is not saved.
    pub(crate) async fn release_state(&self) {
        let (done, released) = oneshot::channel();
        if self.shared.events.send(Event::Release(done)).await.is_ok() {
            // An error means that the keeper is gone, and writes no more.
            let _ = released.await;
        }
    }

    /// Saves again, after the other process did not come up.
    pub(crate) async fn take_state_back(&self) {
        // An error means that the keeper is gone.
        let _ = self.shared.events.send(Event::TakeBack).await;
    }

    /// Writes what is waiting and ends the keeper. The answer is what was counted since [`Engine::release_state`], for
    /// the process that has the state now.
    pub(crate) async fn stop(&self) -> Left {
        let (done, stopped) = oneshot::channel();
        match self.shared.events.send(Event::Stop(done)).await {
            Ok(()) => stopped.await.unwrap_or_default(),
            // The keeper is gone already.
            Err(_) => Left::default(),
        }
    }

    /// Adds what the process before counted.
    pub(crate) async fn adopt(&self, left: Left) {
        self.change(|live, _| live.pool.adopt(&left.counted));
        // An error means that the keeper is gone, and writes no more.
        let _ = self.shared.events.send(Event::Adopt(left.tokens)).await;
    }

    /// One pure call on the live state; the keeper will publish and save what it changed.
    fn change<T>(&self, call: impl FnOnce(&mut Live, Now) -> T) -> T {
        let result = {
            let mut live = self.lock();
            // Read under the lock, so that the pool sees time in order.
            let now = self.now();
            let live = &mut *live;
            live.notice_clock(now);
            let result = call(live, now);
            if !live.queue.is_empty() {
                live.queue.serve(&mut live.pool, now);
            }
            result
        };
        if !self.shared.changed.swap(true, Ordering::AcqRel) {
            self.shared.wake.notify_one();
        }
        result
    }

    fn lock(&self) -> MutexGuard<'_, Live> {
        self.shared.live()
    }

    fn history(&self) -> MutexGuard<'_, History> {
        self.shared.history()
    }

    fn running(&self) -> MutexGuard<'_, Running> {
        self.shared.running()
    }
}

impl Live {
    /// Deadlines move with a clock that was set, before anything is decided by it.
    fn notice_clock(&mut self, now: Now) {
        if let Some(by) = self.drift.look(now) {
            tracing::warn!(seconds = by.as_secs(), "clock_was_set");
            self.pool.clock_moved(by, now);
        }
    }
}

impl Shared {
    /// A panic under the lock must not end every later request: what it left is still the best state there is.
    fn live(&self) -> MutexGuard<'_, Live> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn running(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Logs and tells what happened to a key.
fn report(live: &mut Live, label: &Label, change: Option<Change>, now: Now) {
    let Some(change) = change else { return };
    match &change {
        Change::CooledDown { cause, until } => {
            tracing::info!(key_label = %label, cause = cause.code(), until = %until, "proxy_key_cooled_down");
        }
        Change::Blocked { reason, .. } => tracing::warn!(key_label = %label, reason, "proxy_key_blocked"),
        Change::Unauthorized => tracing::warn!(key_label = %label, "proxy_key_unauthorized"),
        Change::Cleared => tracing::info!(key_label = %label, "proxy_key_cleared"),
    }
    let (severity, message) = news::changed(label, &change);
    live.news.tell(now.wall, severity, message);
}
