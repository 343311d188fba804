//! Requests that wait for a key: a fair queue, bounded, left when the client leaves. Not which key (`domain::pool`).
//!
//! With KMI_HOLD_SECONDS a request waits for the first key that comes back. Without it, only for what is over in a moment:
//! a slow start, a host that is looked at again, a place among those that an account takes at once.

use std::{
    collections::{HashMap, VecDeque},
    future::pending,
    sync::Arc,
    time::Duration,
};

use tokio::sync::oneshot;

use super::{Engine, Lease, Live, Wish};
use crate::domain::{
    key::KeyId,
    now::{Now, until},
    pool::{Choice, NoKey, Pool},
    reason::{PassedOvers, passed_over},
    snapshot::HeldView,
};

/// Requests that wait at once; more are refused as if there were no waiting.
const WAITING_MAX: usize = 512;
/// What is over in a moment.
const MOMENT: Duration = Duration::from_secs(2);
/// Who is held may try a key again after this.
const AGAIN: Duration = Duration::from_secs(2);
/// How long a request waits for a place on an account that is busy with others.
const PLACE: Duration = Duration::from_secs(30);

/// Those who wait, the first come first.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: VecDeque<Waiting>,
    last: u64,
}

#[derive(Debug)]
struct Waiting {
    number: u64,
    wish: Arc<Wish>,
    tried: Vec<KeyId>,
    /// Until then the keys that it has tried are not tried again; on the steady clock.
    again_at: Duration,
    /// On the steady clock.
    deadline: Duration,
    /// Why, as it was found last.
    no_key: Arc<NoKey>,
    hand: oneshot::Sender<Choice>,
}

/// How a request waits, for those who look at it.
#[derive(Debug)]
pub(super) struct Held {
    /// On the steady clock.
    pub(super) deadline: Duration,
    pub(super) no_key: Arc<NoKey>,
}

impl Held {
    pub(super) fn passed_over(&self) -> PassedOvers {
        passed_over(self.no_key.reasons.iter().map(|(label, skip)| (label, skip.clone())))
    }
}

impl Waiting {
    /// The keys that it must not be given yet.
    fn tried(&self, now: Now) -> &[KeyId] {
        if now.steady < self.again_at { &self.tried } else { &[] }
    }
}

/// A place in the queue; given up when dropped.
#[derive(Debug)]
struct Place<'a> {
    engine: &'a Engine,
    number: u64,
    deadline: Duration,
    hand: oneshot::Receiver<Choice>,
}

enum Outcome {
    Got(Choice),
    Queued { number: u64, deadline: Duration, look_at: Option<Duration>, hand: oneshot::Receiver<Choice> },
    Refused(NoKey),
}

impl Queue {
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Hands keys to those who wait, in their order.
    pub(super) fn serve(&mut self, pool: &mut Pool, now: Now) {
        // Who wants the same is refused the same: with many waiting, one look is enough.
        let mut refused: Vec<(Option<String>, Arc<NoKey>)> = Vec::new();
        let mut left = VecDeque::with_capacity(self.waiting.len());
        for waiting in self.waiting.drain(..) {
            if waiting.hand.is_closed() {
                continue;
            }
            let ask = waiting.wish.ask(waiting.tried(now), false);
            let plain = ask.tried.is_empty() && ask.files.is_empty();
            let known = refused.iter().find(|(model, _)| plain && model.as_deref() == ask.model);
            if let Some((_, no_key)) = known {
                left.push_back(Waiting { no_key: no_key.clone(), ..waiting });
                continue;
            }
            match pool.pick(&ask, now) {
                Ok(choice) => {
                    if let Err(choice) = waiting.hand.send(choice) {
                        pool.release(choice.id, now);
                    }
                }
                Err(no_key) => {
                    let no_key = Arc::new(no_key);
                    if plain {
                        refused.push((ask.model.map(ToOwned::to_owned), no_key.clone()));
                    }
                    left.push_back(Waiting { no_key, ..waiting });
                }
            }
        }
        self.waiting = left;
    }

    pub(super) fn views(&self, now: Now) -> Vec<HeldView> {
        let view = |waiting: &Waiting| HeldView {
            request_id: waiting.wish.request_id.clone(),
            endpoint: waiting.wish.endpoint.clone(),
            model: waiting.wish.model().map(ToOwned::to_owned),
            since: waiting.wish.since.wall,
            until: now.wall_after(waiting.deadline.saturating_sub(now.steady)),
            key_expected: waiting.no_key.until,
        };
        self.waiting.iter().map(view).collect()
    }

    /// How each waits, by the request's id.
    pub(super) fn held(&self) -> HashMap<String, Held> {
        let held = self.waiting.iter().map(|waiting| {
            let held = Held { deadline: waiting.deadline, no_key: waiting.no_key.clone() };
            (waiting.wish.request_id.clone(), held)
        });
        held.collect()
    }

    /// Behind all who came before; a request that comes again keeps its turn.
    fn join(
        &mut self,
        wish: &Arc<Wish>,
        tried: Vec<KeyId>,
        again_at: Duration,
        deadline: Duration,
        no_key: NoKey,
    ) -> Outcome {
        self.last += 1;
        let (sender, hand) = oneshot::channel();
        let number = self.last;
        let no_key = Arc::new(no_key);
        let waiting = Waiting { number, wish: wish.clone(), tried, again_at, deadline, no_key, hand: sender };
        let place = self.waiting.partition_point(|other| other.wish.since.steady <= wish.since.steady);
        self.waiting.insert(place, waiting);
        Outcome::Queued { number, deadline, look_at: None, hand }
    }

    fn leave(&mut self, number: u64) {
        self.waiting.retain(|waiting| waiting.number != number);
    }

    fn look_at(&self, number: u64, now: Now) -> Option<Duration> {
        let waiting = self.waiting.iter().find(|waiting| waiting.number == number)?;
        let expected = waiting.no_key.until.map(|moment| now.steady + until(moment, now.wall));
        let again = Some(waiting.again_at).filter(|at| *at > now.steady && *at < waiting.deadline);
        expected.into_iter().chain(again).min()
    }
}

impl Live {
    /// A key at once, unless others wait already; else a place in the queue, when waiting may help.
    fn try_or_queue(&mut self, wish: &Arc<Wish>, tried: &[KeyId], patient: bool, now: Now) -> Outcome {
        let alone = self.queue.is_empty();
        let no_key = if alone {
            match self.pool.pick(&wish.ask(tried, false), now) {
                Ok(choice) => return Outcome::Got(choice),
                Err(no_key) => no_key,
            }
        } else {
            self.pool.why_none(&wish.ask(tried, false), now)
        };
        let hold = self.pool.policy().hold.map(|hold| wish.since.steady + hold);
        let deadline = hold.max(short_wait(&no_key, patient, now)).filter(|deadline| *deadline > now.steady);
        let hope = no_key.hope || hold.is_some() && !tried.is_empty();
        match deadline.filter(|_| self.queue.waiting.len() < WAITING_MAX && hope) {
            Some(deadline) => {
                // Who is to be held may try a key again: one that is out since, when it is back; another after a while.
                let (tried, again_at) = match hold {
                    Some(_) => (self.pool.still_able(tried), now.steady + AGAIN),
                    None => (tried.to_vec(), Duration::MAX),
                };
                let mut queued = self.queue.join(wish, tried, again_at, deadline, no_key);
                self.queue.serve(&mut self.pool, now);
                if let Outcome::Queued { number, look_at, .. } = &mut queued {
                    *look_at = self.queue.look_at(*number, now);
                }
                queued
            }
            None if alone && !no_key.in_a_moment => Outcome::Refused(no_key),
            // Others wait for what this one need not, or the queue is full: neither must keep it from a key.
            None => self.pool.pick(&wish.ask(tried, true), now).map_or_else(Outcome::Refused, Outcome::Got),
        }
    }
}

impl Engine {
    /// Chooses a key, waiting for one where that may help. The lease counts as in flight until it is dropped. Who is
    /// `patient` waits for what is over in a moment; who has waited for it before tries what there is.
    pub(crate) async fn acquire(&self, wish: &Arc<Wish>, tried: &[KeyId], patient: bool) -> Result<Lease, NoKey> {
        let outcome = self.change(|live, now| live.try_or_queue(wish, tried, patient, now));
        match outcome {
            Outcome::Got(choice) => Ok(self.lease(choice)),
            Outcome::Refused(no_key) => Err(no_key),
            // Seldom, and large.
            Outcome::Queued { number, deadline, look_at, hand } => {
                let place = Place { engine: self, number, deadline, hand };
                Box::pin(self.wait(place, look_at, wish, tried)).await
            }
        }
    }

    async fn wait(
        &self,
        mut place: Place<'_>,
        mut look_at: Option<Duration>,
        wish: &Wish,
        tried: &[KeyId],
    ) -> Result<Lease, NoKey> {
        loop {
            let wake = look_at.map_or(place.deadline, |look_at| look_at.min(place.deadline));
            tokio::select! {
                biased;
                choice = &mut place.hand => match choice {
                    Ok(choice) => return Ok(self.lease(choice)),
                    // The queue only lets go of a place whose owner has left.
                    Err(_) => pending().await,
                },
                () = tokio::time::sleep(wake.saturating_sub(self.steady())) => {}
            }
            // Every change serves the queue, and so does this one.
            look_at = self.change(|live, now| {
                live.queue.serve(&mut live.pool, now);
                live.queue.look_at(place.number, now).filter(|at| *at > now.steady)
            });
            if self.steady() >= place.deadline {
                return self.last_chance(place, wish, tried);
            }
        }
    }

    /// Why no key serves it, as things stand: for who has left the queue before one did.
    pub(crate) fn why_none(&self, wish: &Wish) -> NoKey {
        self.change(|live, now| live.pool.why_none(&wish.ask(&[], false), now))
    }

    /// The wait is over: a slow start binds no longer.
    fn last_chance(&self, mut place: Place<'_>, wish: &Wish, tried: &[KeyId]) -> Result<Lease, NoKey> {
        if let Ok(choice) = place.hand.try_recv() {
            return Ok(self.lease(choice));
        }
        drop(place);
        let choice = self.change(|live, now| {
            let held = live.pool.policy().hold.is_some();
            let tried = if held { live.pool.still_able(tried) } else { tried.to_vec() };
            live.pool.pick(&wish.ask(&tried, true), now)
        })?;
        Ok(self.lease(choice))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.engine.change(|live, now| {
            live.queue.leave(self.number);
            // What was handed over while nobody looked goes back.
            if let Ok(choice) = self.hand.try_recv() {
                live.pool.release(choice.id, now);
            }
        });
    }
}

/// Until when to wait although nobody asked for holding; on the steady clock.
fn short_wait(no_key: &NoKey, patient: bool, now: Now) -> Option<Duration> {
    let wait = if no_key.full { Some(PLACE) } else { (patient && no_key.in_a_moment).then_some(MOMENT) };
    wait.map(|wait| now.steady + wait)
}
