//! All keys together: which one serves a request, what an answer does to it, what a person changed. The only place
//! where live state changes. Not the lock around it (`engine`), not what an answer means (`outcome`).

mod blame;
mod check;
mod choice;
mod host;
mod manual;
mod memory;
#[cfg(test)]
mod properties;
mod refusal;
mod reload;
mod roster;
#[cfg(test)]
mod scenarios;
mod slot;
#[cfg(test)]
mod tests;
mod verdict;
mod views;

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};

pub(crate) use self::{
    check::{Check, CheckFault, CheckFaultKind, CheckKind},
    manual::{Refusal, Rotated},
    memory::{Cooldown, Counted, KeyMemory, LearntResets, Left, Memory, Suspension},
    reload::Reloaded,
    verdict::Change,
    views::skip_until,
};
use self::{host::Host, roster::Roster, slot::Slot};
use super::{
    affinity::Bindings,
    key::{Key, KeyId, Label},
    limit::Limiter,
    now::{Now, add},
    outcome::{Cause, Verdict},
    policy::{Policy, Strategy},
    reason::{Chosen, PassedOvers},
    shared_cause::Lately,
    snapshot::Skip,
    trace::Tokens,
};

/// Conversations and uploaded files whose key is remembered.
const BINDINGS_MAX: usize = 10_000;
/// Where the strategy's order depends on time, it is made anew this often.
const RERANK_EVERY: Duration = Duration::from_secs(10);

/// The pool: keys in order of priority, then label, and where the rotation stands.
#[derive(Debug)]
pub(crate) struct Pool {
    policy: Arc<Policy>,
    slots: Vec<Slot>,
    index: HashMap<KeyId, usize>,
    next_id: u32,
    roster: Roster,
    hosts: Vec<Host>,
    /// Positions of keys that share an account, where more than one does or its limit counts.
    accounts: HashMap<String, Vec<usize>>,
    auto_rotate: bool,
    /// Where the round robin goes on: a position in `slots`.
    cursor: usize,
    active: Option<KeyId>,
    /// Who served last while there is one active key: another one takes over slowly.
    last_served: Option<KeyId>,
    global: Limiter,
    conversations: Bindings,
    files: Bindings,
    lately: Lately,
    /// What is remembered of keys whose file is gone, should it come back.
    departed: BTreeMap<Label, (Arc<str>, KeyMemory)>,
    last_health_refresh: Option<Timestamp>,
    ranked_at: Duration,
    last_resort_at: Option<Duration>,
}

/// What a request asks of the pool.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Ask<'a> {
    /// Keys that this request has tried already.
    pub(crate) tried: &'a [KeyId],
    pub(crate) model: Option<&'a str>,
    /// Digest of the conversation that it belongs to.
    pub(crate) conversation: Option<u64>,
    /// Digests of the uploaded files that it names.
    pub(crate) files: &'a [u64],
    /// It has waited long enough: neither a slow start nor a host that is left alone binds it.
    pub(crate) impatient: bool,
}

/// The key that serves an attempt. Who holds it calls [`Pool::release`] once.
#[derive(Debug, Clone)]
pub(crate) struct Choice {
    pub(crate) id: KeyId,
    pub(crate) key: Arc<Key>,
    pub(crate) hash: Arc<str>,
    pub(crate) rotation_index: u64,
    /// The rule behind it.
    pub(crate) why: Chosen,
    /// The others that could not have served.
    pub(crate) passed_over: PassedOvers,
    /// When it was lent: what was refused since then, a good answer does not speak of.
    pub(crate) at: Now,
}

/// Why no key serves: each key's reason (of the first few), and when the first one comes back.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct NoKey {
    pub(crate) reasons: Vec<(Label, Skip)>,
    pub(crate) until: Option<Timestamp>,
    /// Some key may come back by itself.
    pub(crate) hope: bool,
    /// Some key is passed over only for what is over in a moment: a slow start, a host that is looked at again.
    pub(crate) in_a_moment: bool,
    /// Some key has as many requests as its account takes at once.
    pub(crate) full: bool,
    /// Our own rate limits are all that stands in the way.
    pub(crate) only_rate_limited: bool,
    /// Full accounts are.
    pub(crate) only_full: bool,
}

impl Pool {
    /// Keys must come sorted and with distinct labels, as `config` loads them.
    pub(crate) fn new(policy: Policy, keys: Vec<Key>, memory: &Memory, now: Now) -> Self {
        let mut pool = Self {
            global: Limiter::new(policy.global_rate),
            conversations: Bindings::new(policy.affinity.unwrap_or_default(), BINDINGS_MAX),
            files: Bindings::new(Duration::MAX, BINDINGS_MAX),
            policy: Arc::new(policy),
            slots: Vec::new(),
            index: HashMap::new(),
            next_id: 0,
            roster: Roster::default(),
            hosts: Vec::new(),
            accounts: HashMap::new(),
            auto_rotate: memory.auto_rotate,
            cursor: 0,
            active: None,
            last_served: None,
            lately: Lately::default(),
            departed: BTreeMap::new(),
            last_health_refresh: memory.last_health_refresh,
            ranked_at: now.steady,
            last_resort_at: None,
        };
        let mut remembered: HashMap<&Label, &KeyMemory> = memory.keys.iter().map(|(label, key)| (label, key)).collect();
        for key in keys {
            let past = remembered.remove(&key.label).cloned().unwrap_or_default();
            pool.add(key, past, now);
        }
        let by_label = memory.active.as_ref().and_then(|label| pool.slots.iter().find(|slot| slot.key.label == *label));
        let by_index = usize::try_from(memory.active_index).ok().and_then(|index| pool.slots.get(index));
        pool.active = by_label.or(by_index).or(pool.slots.first()).map(|slot| slot.id);
        let turn = usize::try_from(memory.rotation_index).unwrap_or_default();
        pool.cursor = turn.checked_rem(pool.slots.len()).unwrap_or_default();
        pool.settle_in(now);
        pool
    }

    /// Lets a request in under the global rate, or says when the next one may come.
    pub(crate) fn admit(&mut self, now: Now) -> Result<(), Duration> {
        if let Some(free) = self.global.full_until(now.steady) {
            return Err(free.saturating_sub(now.steady));
        }
        self.global.take(now.steady);
        Ok(())
    }

    /// Chooses the key for an attempt and counts it in flight.
    pub(crate) fn pick(&mut self, ask: &Ask<'_>, now: Now) -> Result<Choice, NoKey> {
        self.look_at_the_clock(now);
        let bound = self.bound_to(ask, now);
        let by = |why: Chosen| move |position: usize| (position, why);
        let found = bound.map(by(Chosen::Bound)).or_else(|| self.choose(ask, now));
        let found = found.or_else(|| self.last_resort(ask, now).map(by(Chosen::LastResort)));
        let Some((position, why)) = found else {
            return Err(self.no_key(ask, now));
        };
        if self.rotates() && bound.is_none() {
            self.cursor = (position + 1) % self.slots.len();
        }
        Ok(self.lend(position, ask, why, now))
    }

    /// The head of a good answer has come, long before its end perhaps.
    pub(crate) fn answered(&mut self, id: KeyId, client: Option<&str>, now: Now) {
        self.lately.served(client, now.steady);
        if let Some(position) = self.position(id) {
            let host = self.slots[position].host;
            self.hosts[host].requests.succeeded();
        }
    }

    /// The same key once more, although it has refused: a retry that the settings ask for. Not against a person's word,
    /// nor over its rate or its places.
    pub(crate) fn lend_again(&mut self, id: KeyId, now: Now) -> Option<Choice> {
        let position = self.position(id)?;
        let forbidden =
            matches!(self.slots[position].unavailable(now.wall), Some(Skip::Disabled | Skip::Blocked { .. }));
        let ask = Ask { impatient: true, ..Ask::default() };
        let full = matches!(self.obstacle(position, &ask, now), Some(Skip::RateLimited { .. } | Skip::Full { .. }));
        if forbidden || full {
            return None;
        }
        Some(self.lend(position, &Ask::default(), Chosen::Again, now))
    }

    /// The attempt is over and holds its key no longer.
    pub(crate) fn release(&mut self, id: KeyId, now: Now) {
        let Some(position) = self.position(id) else { return };
        let slot = &mut self.slots[position];
        slot.in_flight = slot.in_flight.saturating_sub(1);
        self.load_changed(position, now);
    }

    /// Applies a verdict to the key that met it, and to what is known of its host. `begun`: when the attempt was.
    pub(crate) fn settle(
        &mut self,
        id: KeyId,
        begun: Now,
        verdict: &Verdict,
        model: Option<&str>,
        now: Now,
    ) -> Option<Change> {
        // That something is served is known since its head came; its end may be much later.
        if verdict.cause != Cause::Ok {
            self.lately.refused(verdict.cause, id, now.steady);
        }
        let position = self.position(id)?;
        let slot = &mut self.slots[position];
        if verdict.cause != Cause::Ok {
            self.hosts[slot.host].answered(verdict.cause, id, now.steady);
        }
        // A success of a key that nothing stands against changes nobody's standing.
        let looked_at = verdict.cause != Cause::Ok || slot.is_under_suspicion();
        let change = slot.settle(verdict, begun, model, &self.policy, now);
        if looked_at {
            self.restand(position, now);
        }
        change
    }

    /// An attempt ended without saying anything of its key.
    pub(crate) fn abandoned(&mut self, id: KeyId) {
        if let Some(position) = self.position(id) {
            let requests = &mut self.slots[position].memory.requests;
            *requests = requests.saturating_add(1);
        }
    }

    /// An uploaded file belongs to the account of this key.
    pub(crate) fn uploaded(&mut self, id: KeyId, file: u64, now: Now) {
        self.files.bind(file, id, now.steady);
    }

    /// Adds what an answer cost.
    pub(crate) fn count_tokens(&mut self, id: KeyId, tokens: Tokens) {
        if let Some(position) = self.position(id) {
            self.slots[position].count_tokens(tokens);
        }
    }

    /// Adds what the process before counted after it gave its place away. A label that is gone is left out.
    pub(crate) fn adopt(&mut self, counted: &[Counted]) {
        for one in counted {
            if let Some(slot) = self.slots.iter_mut().find(|slot| slot.key.label == one.label) {
                slot.adopt(one);
            }
        }
    }

    /// What time alone changes: counters fade, the order of what expires first. Call about once a second.
    pub(crate) fn tick(&mut self, now: Now) {
        self.look_at_the_clock(now);
        let rerank = self.policy.strategy == Strategy::MostRemaining
            && now.steady.saturating_sub(self.ranked_at) >= RERANK_EVERY;
        if rerank {
            self.ranked_at = now.steady;
        }
        for position in 0..self.slots.len() {
            let faded = self.slots[position].memory.fade(self.policy.cooldown, now.wall);
            if faded || rerank {
                self.restand(position, now);
            }
        }
    }

    /// The wall clock was set by so much: what was to last a while still lasts as long.
    pub(crate) fn clock_moved(&mut self, by: SignedDuration, now: Now) {
        for slot in &mut self.slots {
            slot.memory.clock_moved(by);
            let models = slot.refused_models.iter_mut().map(|(_, until)| until);
            for until in models.chain(&mut slot.aside_until) {
                *until = until.checked_add(by).unwrap_or(*until);
            }
        }
        self.settle_in(now);
    }

    pub(crate) fn policy(&self) -> &Arc<Policy> {
        &self.policy
    }

    fn active_position(&self) -> Option<usize> {
        self.active.and_then(|id| self.position(id))
    }

    fn position(&self, id: KeyId) -> Option<usize> {
        self.index.get(&id).copied()
    }

    fn slot_by_label(&self, label: &Label) -> Option<usize> {
        self.slots.iter().position(|slot| slot.key.label == *label)
    }
}

/// A steady moment on the wall clock.
fn on_the_wall(steady: Duration, now: Now) -> Timestamp {
    add(now.wall, steady.saturating_sub(now.steady))
}
