//! Requests that have not ended: what they want, what they are doing, and what a person orders of them. Not their records,
//! which come when they end, nor their turn among those who wait (`hold`).
//!
//! Each request pays for this all the time, and is looked at seldom: nothing here is done for it but a few words kept.

use std::{
    collections::{BTreeMap, HashMap},
    future::poll_fn,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use http::Method;

use super::{Engine, Lease, hold::Held};
use crate::domain::{
    key::KeyId,
    now::{Now, before},
    pool::{Ask, Choice},
    running::{Phase, RunningView},
    trace::{Attempt, Process},
};

/// Most that a snapshot shows, the oldest of them: what hangs is among these.
const SHOWN: usize = 100;

/// What a request wants and does, for as long as it lives.
#[derive(Debug)]
pub(crate) struct Wish {
    pub(crate) since: Now,
    pub(crate) request_id: String,
    pub(crate) method: Method,
    pub(crate) endpoint: String,
    pub(crate) client: Option<String>,
    /// The program that asks: set when it was found.
    process: Arc<OnceLock<Option<Process>>>,
    /// Set when its body is there.
    body: OnceLock<Asked>,
    /// Locked before the engine, never under its lock.
    doing: Mutex<Doing>,
    /// An order waits; so that a busy stream need not take the lock to know.
    ordered: AtomicBool,
    bytes_out: AtomicU64,
}

/// What a request's body asks for.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    pub(crate) model: Option<String>,
    pub(crate) stream: bool,
    pub(crate) conversation: Option<u64>,
    pub(crate) session: Option<String>,
    pub(crate) files: Vec<u64>,
}

/// What a person orders of a request.
#[derive(Debug)]
pub(crate) enum Order {
    /// End it.
    Cancel,
    /// Go on with this key, and give up what is tried now.
    SendTo(Lease),
}

#[derive(Debug)]
struct Doing {
    step: Step,
    /// Since when; on the steady clock.
    since: Duration,
    /// Attempts that failed.
    failed: Vec<Attempt>,
    order: Option<Order>,
    waker: Option<Waker>,
}

#[derive(Debug)]
enum Step {
    Reading,
    /// For a key, or until then (on the steady clock) to try the same one again.
    Waiting(Option<Duration>),
    Asking(Choice),
    Answering(Choice),
}

/// Those that have not ended, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Running {
    last: u64,
    wishes: BTreeMap<u64, Arc<Wish>>,
}

/// A request's place among those that have not ended; it leaves when this is dropped.
#[derive(Debug)]
pub(crate) struct Ticket {
    engine: Engine,
    number: u64,
}

impl Wish {
    pub(crate) fn new(
        since: Now,
        request_id: String,
        method: Method,
        endpoint: String,
        client: Option<String>,
        process: Arc<OnceLock<Option<Process>>>,
    ) -> Self {
        let doing = Doing { step: Step::Reading, since: since.steady, failed: Vec::new(), order: None, waker: None };
        Self {
            since,
            request_id,
            method,
            endpoint,
            client,
            process,
            body: OnceLock::new(),
            doing: Mutex::new(doing),
            ordered: AtomicBool::new(false),
            bytes_out: AtomicU64::new(0),
        }
    }

    pub(super) fn ask<'a>(&'a self, tried: &'a [KeyId], impatient: bool) -> Ask<'a> {
        let Some(body) = self.body.get() else { return Ask { tried, impatient, ..Ask::default() } };
        Ask { tried, model: body.model.as_deref(), conversation: body.conversation, files: &body.files, impatient }
    }

    pub(super) fn model(&self) -> Option<&str> {
        self.body.get()?.model.as_deref()
    }

    /// Its body is there.
    pub(crate) fn asks(&self, body: Asked) {
        // A body is read once.
        let _ = self.body.set(body);
    }

    /// From `since` on it waits for a key, or for `until` to try one again; both on the steady clock.
    pub(crate) fn waits(&self, since: Duration, until: Option<Duration>) {
        self.step(Step::Waiting(until), since);
    }

    /// The upstream is asked with this key.
    pub(crate) fn tries(&self, lease: &Lease) {
        self.step(Step::Asking(lease.choice.clone()), lease.choice.at.steady);
    }

    /// The attempt failed.
    pub(crate) fn failed(&self, attempt: Attempt) {
        self.doing().failed.push(attempt);
    }

    /// The answer with this key begins, unless something was ordered before: from here on it can only be ended.
    pub(crate) fn answers(&self, lease: &Lease, since: Duration) -> Option<Order> {
        let mut doing = self.doing();
        let order = self.ordered_of(&mut doing);
        if order.is_none() {
            let choice = match std::mem::replace(&mut doing.step, Step::Reading) {
                Step::Asking(choice) => choice,
                Step::Reading | Step::Waiting(_) | Step::Answering(_) => lease.choice.clone(),
            };
            (doing.step, doing.since) = (Step::Answering(choice), since);
        }
        order
    }

    /// So many bytes of its answer went out in all.
    pub(crate) fn sent(&self, bytes: u64) {
        self.bytes_out.store(bytes, Ordering::Relaxed);
    }

    /// The key with which the upstream is asked, without an answer so far.
    pub(crate) fn unanswered(&self) -> Option<Choice> {
        match &self.doing().step {
            Step::Asking(choice) => Some(choice.clone()),
            Step::Reading | Step::Waiting(_) | Step::Answering(_) => None,
        }
    }

    /// Since when it waits for a key, where it does; on the steady clock.
    pub(crate) fn waits_for_a_key(&self) -> Option<Duration> {
        let doing = self.doing();
        matches!(doing.step, Step::Waiting(None)).then_some(doing.since)
    }

    /// Whether there is an order; costs next to nothing.
    pub(crate) fn is_ordered(&self) -> bool {
        self.ordered.load(Ordering::Acquire)
    }

    /// Ready with an order, once.
    pub(crate) fn poll_order(&self, context: &Context<'_>) -> Poll<Order> {
        let mut doing = self.doing();
        if let Some(order) = self.ordered_of(&mut doing) {
            return Poll::Ready(order);
        }
        match &mut doing.waker {
            Some(waker) => waker.clone_from(context.waker()),
            none => *none = Some(context.waker().clone()),
        }
        Poll::Pending
    }

    /// What comes first: the future's end, or an order. By reference: a future that is moved takes its room twice.
    pub(crate) async fn unless_ordered<T>(&self, mut future: Pin<&mut impl Future<Output = T>>) -> Result<T, Order> {
        poll_fn(|context| match self.poll_order(context) {
            Poll::Ready(order) => Poll::Ready(Err(order)),
            Poll::Pending => future.as_mut().poll(context).map(Ok),
        })
        .await
    }

    /// Gives an order, as `make` makes it of what the request is doing. An earlier one that was not carried out gives way.
    pub(super) fn order<E>(&self, make: impl FnOnce(&Phase) -> Result<Order, E>) -> Result<(), E> {
        let (before, waker) = {
            let mut doing = self.doing();
            let order = make(&doing.step.phase(|_| None))?;
            self.ordered.store(true, Ordering::Release);
            (doing.order.replace(order), doing.waker.take())
        };
        // Outside the lock: a lease that is dropped changes the engine.
        drop(before);
        if let Some(waker) = waker {
            waker.wake();
        }
        Ok(())
    }

    fn ordered_of(&self, doing: &mut Doing) -> Option<Order> {
        if doing.order.is_some() {
            self.ordered.store(false, Ordering::Release);
        }
        doing.order.take()
    }

    fn step(&self, step: Step, since: Duration) {
        let mut doing = self.doing();
        (doing.step, doing.since) = (step, since);
    }

    /// The program that asks, as far as it is known by now.
    pub(crate) fn process(&self) -> Option<&Process> {
        self.process.get()?.as_ref()
    }

    /// `held`: how it waits in the queue, if it does.
    fn view(&self, held: Option<&Held>, now: Now) -> RunningView {
        let doing = self.doing();
        let body = self.body.get();
        let on_the_wall = |moment: Duration| now.wall_after(moment.saturating_sub(now.steady));
        let choice = doing.step.choice();
        let phase = match held {
            Some(held) => Phase::Held { until: on_the_wall(held.deadline) },
            None => doing.step.phase(|until| Some(on_the_wall(until))),
        };
        RunningView {
            request_id: self.request_id.clone(),
            method: self.method.to_string(),
            endpoint: self.endpoint.clone(),
            model: self.model().map(ToOwned::to_owned),
            client: self.client.clone(),
            process: self.process().cloned(),
            session: body.and_then(|body| body.session.clone()),
            stream: body.is_some_and(|body| body.stream),
            at: self.since.wall,
            phase,
            since: before(now.wall, now.steady.saturating_sub(doing.since)),
            attempts: doing.failed.clone(),
            passed_over: held.map(Held::passed_over).or_else(|| Some(choice?.passed_over.clone())).unwrap_or_default(),
            key_expected: held.and_then(|held| held.no_key.until),
            bytes_out: self.bytes_out.load(Ordering::Relaxed),
        }
    }

    fn doing(&self) -> MutexGuard<'_, Doing> {
        self.doing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Step {
    fn phase(&self, on_the_wall: impl FnOnce(Duration) -> Option<jiff::Timestamp>) -> Phase {
        match self {
            Self::Reading => Phase::Reading,
            Self::Waiting(until) => Phase::Waiting { until: until.and_then(on_the_wall) },
            Self::Asking(choice) => Phase::Asking { key: choice.key.label.clone(), why: choice.why },
            Self::Answering(choice) => Phase::Answering { key: choice.key.label.clone(), why: choice.why },
        }
    }

    const fn choice(&self) -> Option<&Choice> {
        match self {
            Self::Asking(choice) | Self::Answering(choice) => Some(choice),
            Self::Reading | Self::Waiting(_) => None,
        }
    }
}

impl Running {
    pub(super) fn is_empty(&self) -> bool {
        self.wishes.is_empty()
    }

    /// The oldest of them.
    pub(super) fn first(&self) -> Vec<Arc<Wish>> {
        self.wishes.values().take(SHOWN).cloned().collect()
    }
}

/// Never under the engine's lock: who orders has a request's, and lends a key then.
pub(super) fn views(wishes: &[Arc<Wish>], held: &HashMap<String, Held>, now: Now) -> Vec<RunningView> {
    wishes.iter().map(|wish| wish.view(held.get(&wish.request_id), now)).collect()
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let gone = self.engine.running().wishes.remove(&self.number);
        // Outside the lock: it may hold a lease that nobody took.
        drop(gone);
    }
}

impl Engine {
    /// A request begins.
    pub(crate) fn begin(&self, wish: &Arc<Wish>) -> Ticket {
        let mut running = self.running();
        running.last += 1;
        let number = running.last;
        running.wishes.insert(number, wish.clone());
        drop(running);
        Ticket { engine: self.clone(), number }
    }

    /// A running request, by its id.
    pub(super) fn find_running(&self, request_id: &str) -> Option<Arc<Wish>> {
        self.running().wishes.values().find(|wish| wish.request_id == request_id).cloned()
    }
}
