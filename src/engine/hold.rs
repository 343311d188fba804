//! Requests that wait for a key: a fair queue, bounded, left when the client leaves. Not which key (`domain::pool`).
//!
//! With KMI_HOLD_SECONDS a request waits for the first key that comes back. Without it, only for what is over in a moment:
//! a slow start, a host that is looked at again, a place among those that an account takes at once.

use std::{collections::VecDeque, future::pending, sync::Arc, time::Duration};

use tokio::sync::oneshot;

use super::{Engine, Lease, Live};
use crate::domain::{
    key::KeyId,
    now::{Now, until},
    pool::{Ask, Choice, NoKey, Pool},
    snapshot::{HeldView, Skip},
};

/// Requests that wait at once; more are refused as if there were no waiting.
const WAITING_MAX: usize = 512;
/// What is over in a moment.
const MOMENT: Duration = Duration::from_secs(2);
/// How long a request waits for a place on an account that is busy with others.
const PLACE: Duration = Duration::from_secs(30);

/// What a request wants, for as long as it lives.
#[derive(Debug, Clone)]
pub(crate) struct Wish {
    pub(crate) since: Now,
    pub(crate) request_id: String,
    pub(crate) endpoint: String,
    pub(crate) model: Option<String>,
    pub(crate) client: Option<String>,
    pub(crate) conversation: Option<u64>,
    pub(crate) files: Vec<u64>,
}

impl Wish {
    fn ask<'a>(&'a self, tried: &'a [KeyId], impatient: bool) -> Ask<'a> {
        Ask { tried, model: self.model.as_deref(), conversation: self.conversation, files: &self.files, impatient }
    }
}

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
    /// On the steady clock.
    deadline: Duration,
    key_expected: Option<jiff::Timestamp>,
    hand: oneshot::Sender<Choice>,
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
        let mut refused: Vec<Option<String>> = Vec::new();
        let mut left = VecDeque::with_capacity(self.waiting.len());
        for waiting in self.waiting.drain(..) {
            if waiting.hand.is_closed() {
                continue;
            }
            let plain = waiting.tried.is_empty() && waiting.wish.files.is_empty();
            if plain && refused.contains(&waiting.wish.model) {
                left.push_back(waiting);
                continue;
            }
            match pool.pick(&waiting.wish.ask(&waiting.tried, false), now) {
                Ok(choice) => {
                    if let Err(choice) = waiting.hand.send(choice) {
                        pool.release(choice.id, now);
                    }
                }
                Err(no_key) => {
                    if plain {
                        refused.push(waiting.wish.model.clone());
                    }
                    left.push_back(Waiting { key_expected: no_key.until, ..waiting });
                }
            }
        }
        self.waiting = left;
    }

    pub(super) fn views(&self, now: Now) -> Vec<HeldView> {
        let view = |waiting: &Waiting| HeldView {
            request_id: waiting.wish.request_id.clone(),
            endpoint: waiting.wish.endpoint.clone(),
            model: waiting.wish.model.clone(),
            since: waiting.wish.since.wall,
            until: now.wall_after(waiting.deadline.saturating_sub(now.steady)),
            key_expected: waiting.key_expected,
        };
        self.waiting.iter().map(view).collect()
    }

    fn join(&mut self, wish: &Arc<Wish>, tried: Vec<KeyId>, deadline: Duration, no_key: &NoKey) -> Outcome {
        self.last += 1;
        let (sender, hand) = oneshot::channel();
        let number = self.last;
        let key_expected = no_key.until;
        self.waiting.push_back(Waiting { number, wish: wish.clone(), tried, deadline, key_expected, hand: sender });
        Outcome::Queued { number, deadline, look_at: None, hand }
    }

    fn leave(&mut self, number: u64) {
        self.waiting.retain(|waiting| waiting.number != number);
    }

    fn look_at(&self, number: u64, now: Now) -> Option<Duration> {
        let waiting = self.waiting.iter().find(|waiting| waiting.number == number)?;
        Some(now.steady + until(waiting.key_expected?, now.wall))
    }
}

impl Live {
    /// A key at once, unless others wait already; else a place in the queue, when waiting may help.
    fn try_or_queue(&mut self, wish: &Arc<Wish>, tried: &[KeyId], now: Now) -> Outcome {
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
        let deadline = hold.max(short_wait(&no_key, now)).filter(|deadline| *deadline > now.steady);
        match deadline.filter(|_| self.queue.waiting.len() < WAITING_MAX && has_hope(&no_key)) {
            Some(deadline) => {
                // A key that was tried and is out since may be tried again once it is back.
                let tried = if hold.is_some() { self.pool.still_able(tried) } else { tried.to_vec() };
                let mut queued = self.queue.join(wish, tried, deadline, &no_key);
                self.queue.serve(&mut self.pool, now);
                if let Outcome::Queued { number, look_at, .. } = &mut queued {
                    *look_at = self.queue.look_at(*number, now);
                }
                queued
            }
            None if alone && !starts_slowly(&no_key) => Outcome::Refused(no_key),
            // Others wait for what this one need not, or the queue is full: neither must keep it from a key.
            None => self.pool.pick(&wish.ask(tried, true), now).map_or_else(Outcome::Refused, Outcome::Got),
        }
    }
}

impl Engine {
    /// Chooses a key, waiting for one where that may help. The lease counts as in flight until it is dropped.
    pub(crate) async fn acquire(&self, wish: &Arc<Wish>, tried: &[KeyId]) -> Result<Lease, NoKey> {
        let outcome = self.change(|live, now| live.try_or_queue(wish, tried, now));
        let (number, deadline, mut look_at, hand) = match outcome {
            Outcome::Got(choice) => return Ok(self.lease(choice)),
            Outcome::Refused(no_key) => return Err(no_key),
            Outcome::Queued { number, deadline, look_at, hand } => (number, deadline, look_at, hand),
        };
        let mut place = Place { engine: self, number, deadline, hand };
        loop {
            let wake = look_at.map_or(place.deadline, |look_at| look_at.min(place.deadline));
            tokio::select! {
                biased;
                choice = &mut place.hand => match choice {
                    Ok(choice) => return Ok(self.lease(choice)),
                    // The queue only lets go of a place whose owner has left.
                    Err(_) => pending().await,
                },
                () = tokio::time::sleep(wake.saturating_sub(self.now().steady)) => {}
            }
            // Every change serves the queue, and so does this one.
            look_at = self.change(|live, now| {
                live.queue.serve(&mut live.pool, now);
                live.queue.look_at(number, now).filter(|at| *at > now.steady)
            });
            if self.now().steady >= place.deadline {
                return self.last_chance(place, wish, tried);
            }
        }
    }

    /// The wait is over: a slow start binds no longer.
    fn last_chance(&self, mut place: Place<'_>, wish: &Wish, tried: &[KeyId]) -> Result<Lease, NoKey> {
        if let Ok(choice) = place.hand.try_recv() {
            return Ok(self.lease(choice));
        }
        drop(place);
        let choice = self.change(|live, now| live.pool.pick(&wish.ask(tried, true), now))?;
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
fn short_wait(no_key: &NoKey, now: Now) -> Option<Duration> {
    let wait = no_key.reasons.iter().filter_map(|(_, skip)| match skip {
        Skip::SlowStart { until: moment } | Skip::CircuitOpen { until: moment } => {
            (until(*moment, now.wall) <= MOMENT).then_some(MOMENT)
        }
        Skip::Full { .. } => Some(PLACE),
        _ => None,
    });
    wait.max().map(|wait| now.steady + wait)
}

fn starts_slowly(no_key: &NoKey) -> bool {
    no_key.reasons.iter().any(|(_, skip)| matches!(skip, Skip::SlowStart { .. }))
}

/// Whether some key can come back by itself.
fn has_hope(no_key: &NoKey) -> bool {
    // Of many keys only some are told, but the moment is of all.
    let may = |skip: &Skip| !matches!(skip, Skip::Disabled | Skip::Blocked { until: None, .. } | Skip::Tried);
    no_key.until.is_some() || no_key.reasons.iter().any(|(_, skip)| may(skip))
}
