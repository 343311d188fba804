//! All keys together: which one serves a request, what an answer does to it, what a person changed. The only place
//! where live state changes. Not the lock around it (`engine`), not what an answer means (`outcome`).

mod check;
mod manual;
mod slot;
#[cfg(test)]
mod tests;

use std::{collections::HashMap, sync::Arc, time::Duration};

use jiff::Timestamp;

use self::slot::Slot;
pub(crate) use self::{
    check::{CheckFault, CheckKind},
    manual::{Refusal, Rotated},
    slot::{Change, Cooldown, KeyMemory, Suspension},
};
use super::{
    key::{Key, KeyId, Label},
    limit::Limiter,
    now::{Now, add},
    outcome::Verdict,
    policy::Policy,
    snapshot::{KeyView, RateView, Skip, Status},
    trace::Tokens,
    usage::Usage,
};

/// The pool: keys in order of priority, then label, and where the rotation stands.
#[derive(Debug)]
pub(crate) struct Pool {
    policy: Policy,
    slots: Vec<Slot>,
    index: HashMap<KeyId, usize>,
    auto_rotate: bool,
    /// Where the round robin goes on: a position in `slots`.
    cursor: usize,
    active: Option<KeyId>,
    global: Limiter,
    last_health_refresh: Option<Timestamp>,
}

/// What a request asks of the pool.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Ask<'a> {
    /// Keys that this request has tried already.
    pub(crate) tried: &'a [KeyId],
    pub(crate) model: Option<&'a str>,
}

/// The key that serves an attempt. Who holds it calls [`Pool::release`] once.
#[derive(Debug, Clone)]
pub(crate) struct Choice {
    pub(crate) id: KeyId,
    pub(crate) key: Arc<Key>,
    pub(crate) hash: Arc<str>,
    pub(crate) rotation_index: u64,
}

/// Why no key serves: each key's reason, and when the first one comes back.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct NoKey {
    pub(crate) reasons: Vec<(Label, Skip)>,
    pub(crate) until: Option<Timestamp>,
}

impl NoKey {
    /// Whether our own rate limits are all that stands in the way.
    pub(crate) fn only_rate_limited(&self) -> bool {
        let mut relevant =
            self.reasons.iter().filter(|(_, skip)| !matches!(skip, Skip::Disabled | Skip::Tried)).peekable();
        relevant.peek().is_some() && relevant.all(|(_, skip)| matches!(skip, Skip::RateLimited { .. }))
    }
}

/// What is kept between runs.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Memory {
    pub(crate) auto_rotate: bool,
    pub(crate) rotation_index: u64,
    /// The active key's position, as the old tool has it, and its label, which wins.
    pub(crate) active_index: u64,
    pub(crate) active: Option<Label>,
    pub(crate) last_health_refresh: Option<Timestamp>,
    pub(crate) keys: Vec<(Label, KeyMemory)>,
}

/// A health check that is due.
#[derive(Debug, Clone)]
pub(crate) struct Check {
    pub(crate) id: KeyId,
    pub(crate) key: Arc<Key>,
    pub(crate) kind: CheckKind,
}

impl Pool {
    /// Keys must come sorted and with distinct labels, as `config` loads them.
    pub(crate) fn new(policy: Policy, keys: Vec<Key>, memory: &Memory) -> Self {
        let mut remembered: HashMap<&Label, &KeyMemory> = memory.keys.iter().map(|(label, key)| (label, key)).collect();
        let slots: Vec<Slot> = (0..)
            .zip(keys)
            .map(|(id, key)| {
                let past = remembered.remove(&key.label).cloned().unwrap_or_default();
                Slot::new(KeyId(id), key, past, &policy)
            })
            .collect();
        let by_label = memory.active.as_ref().and_then(|label| slots.iter().find(|slot| slot.key.label == *label));
        let by_index = usize::try_from(memory.active_index).ok().and_then(|index| slots.get(index));
        let active = by_label.or(by_index).or(slots.first()).map(|slot| slot.id);
        let cursor =
            usize::try_from(memory.rotation_index).unwrap_or_default().checked_rem(slots.len()).unwrap_or_default();
        Self {
            index: slots.iter().enumerate().map(|(position, slot)| (slot.id, position)).collect(),
            global: Limiter::new(policy.global_rate),
            auto_rotate: memory.auto_rotate,
            last_health_refresh: memory.last_health_refresh,
            policy,
            slots,
            cursor,
            active,
        }
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
        let auto = self.auto_rotate && self.policy.auto_rotate_allowed;
        let found = if auto { self.next_in_turn(ask, now) } else { self.active_or_next(ask, now) };
        let Some(position) = found else {
            return Err(self.no_key(ask, now));
        };
        if auto {
            self.cursor = (position + 1) % self.slots.len();
        }
        let rotation_index = self.rotation_index();
        let slot = &mut self.slots[position];
        slot.begin(now);
        Ok(Choice { id: slot.id, key: slot.key.clone(), hash: slot.hash.clone(), rotation_index })
    }

    /// The attempt is over and holds its key no longer.
    pub(crate) fn release(&mut self, id: KeyId) {
        if let Some(slot) = self.slot_mut(id) {
            slot.in_flight = slot.in_flight.saturating_sub(1);
        }
    }

    /// Applies a verdict to the key that met it.
    pub(crate) fn settle(&mut self, id: KeyId, verdict: &Verdict, model: Option<&str>, now: Now) -> Option<Change> {
        let policy = self.policy.clone();
        self.slot_mut(id)?.settle(verdict, model, &policy, now)
    }

    /// Adds what an answer cost.
    pub(crate) fn count_tokens(&mut self, id: KeyId, tokens: Tokens) {
        if let Some(slot) = self.slot_mut(id) {
            slot.count_tokens(tokens);
        }
    }

    /// What time alone changes: counters fade. Call about once a second.
    pub(crate) fn tick(&mut self, now: Now) {
        for slot in &mut self.slots {
            slot.fade(self.policy.cooldown, now.wall);
        }
    }

    /// Takes the health checks that are due: each is handed out once, and answered by [`Pool::checked`].
    pub(crate) fn due_checks(&mut self, now: Now) -> Vec<Check> {
        let most_rechecks = self.policy.checks.most_rechecks;
        let mut rechecks = 0;
        let mut due = Vec::new();
        for slot in &mut self.slots {
            let Some(kind) = slot.check_due(now) else { continue };
            if kind == CheckKind::Recheck {
                rechecks += 1;
                if most_rechecks > 0 && rechecks > most_rechecks {
                    continue;
                }
            }
            slot.check_started();
            due.push(Check { id: slot.id, key: slot.key.clone(), kind });
        }
        due
    }

    /// Makes every key due for a check now.
    pub(crate) fn check_all(&mut self, now: Now) {
        for slot in &mut self.slots {
            slot.check_at(now.steady);
        }
    }

    /// The result of a health check.
    pub(crate) fn checked(
        &mut self,
        id: KeyId,
        kind: CheckKind,
        result: Result<Usage, CheckFault>,
        now: Now,
    ) -> Option<Change> {
        self.last_health_refresh = Some(now.wall);
        let plan = self.policy.checks;
        self.slot_mut(id)?.checked(kind, result, plan, now)
    }

    /// The keys for people, in the pool's order.
    pub(crate) fn views(&self, now: Now) -> Vec<KeyView> {
        let mut accounts: HashMap<&str, Vec<&Label>> = HashMap::new();
        for slot in &self.slots {
            if let Some(account) = slot.account() {
                accounts.entry(account).or_default().push(&slot.key.label);
            }
        }
        self.slots
            .iter()
            .map(|slot| {
                let mut view = slot.view(&self.policy, now);
                view.active = self.active == Some(slot.id);
                let siblings = slot.account().and_then(|account| accounts.get(account));
                view.shares_account_with = siblings
                    .into_iter()
                    .flatten()
                    .filter(|label| **label != &slot.key.label)
                    .map(|label| (*label).clone())
                    .collect();
                view
            })
            .collect()
    }

    pub(crate) fn global_rate(&self, now: Now) -> RateView {
        self.global.view(now.steady)
    }

    /// What to keep. Labels of keys that are gone are the store's to keep.
    pub(crate) fn memory(&self) -> Memory {
        Memory {
            auto_rotate: self.auto_rotate,
            rotation_index: self.rotation_index(),
            active_index: self.active_position().and_then(|position| u64::try_from(position).ok()).unwrap_or_default(),
            active: self.active_label(),
            last_health_refresh: self.last_health_refresh,
            keys: self.slots.iter().map(|slot| (slot.key.label.clone(), slot.memory.clone())).collect(),
        }
    }

    pub(crate) fn policy(&self) -> &Policy {
        &self.policy
    }

    pub(crate) fn auto_rotate(&self) -> bool {
        self.auto_rotate
    }

    pub(crate) fn rotation_index(&self) -> u64 {
        u64::try_from(self.cursor).unwrap_or_default()
    }

    pub(crate) fn active_label(&self) -> Option<Label> {
        self.active.and_then(|id| self.slot(id)).map(|slot| slot.key.label.clone())
    }

    pub(crate) fn last_health_refresh(&self) -> Option<Timestamp> {
        self.last_health_refresh
    }

    /// Whether time alone will change what people see: a cooldown, a timed block, a fading counter.
    pub(crate) fn waiting(&self, now: Now) -> bool {
        self.slots.iter().any(|slot| slot.waiting(now.wall))
    }

    /// Whether some key could serve a request now.
    pub(crate) fn ready(&self, now: Now) -> bool {
        self.slots.iter().any(|slot| slot.skip(&Ask::default(), &self.policy, now).is_none())
    }

    /// Round robin: the next healthy key in turn (`warn` ones too where allowed), else any eligible one.
    fn next_in_turn(&self, ask: &Ask<'_>, now: Now) -> Option<usize> {
        let good_enough = if self.policy.include_warn { Status::Warn } else { Status::Healthy };
        self.first_from(self.cursor, |slot| slot.status(now.wall) <= good_enough && self.eligible(slot, ask, now))
            .or_else(|| self.first_from(self.cursor, |slot| self.eligible(slot, ask, now)))
    }

    fn active_or_next(&self, ask: &Ask<'_>, now: Now) -> Option<usize> {
        self.first_from(self.active_position().unwrap_or_default(), |slot| self.eligible(slot, ask, now))
    }

    fn eligible(&self, slot: &Slot, ask: &Ask<'_>, now: Now) -> bool {
        slot.skip(ask, &self.policy, now).is_none()
    }

    /// The first position from `start` on, wrapping, whose slot passes.
    fn first_from(&self, start: usize, passes: impl Fn(&Slot) -> bool) -> Option<usize> {
        let count = self.slots.len();
        (0..count).map(|step| (start + step) % count).find(|position| passes(&self.slots[*position]))
    }

    fn no_key(&self, ask: &Ask<'_>, now: Now) -> NoKey {
        let reasons: Vec<(Label, Skip)> = self
            .slots
            .iter()
            .filter_map(|slot| slot.skip(ask, &self.policy, now).map(|skip| (slot.key.label.clone(), skip)))
            .collect();
        let until = reasons.iter().filter_map(|(_, skip)| skip_until(skip)).min();
        NoKey { reasons, until }
    }

    fn active_position(&self) -> Option<usize> {
        self.active.and_then(|id| self.index.get(&id)).copied()
    }

    fn slot(&self, id: KeyId) -> Option<&Slot> {
        self.index.get(&id).and_then(|position| self.slots.get(*position))
    }

    fn slot_mut(&mut self, id: KeyId) -> Option<&mut Slot> {
        self.index.get(&id).and_then(|position| self.slots.get_mut(*position))
    }

    fn slot_by_label(&mut self, label: &Label) -> Option<&mut Slot> {
        self.slots.iter_mut().find(|slot| slot.key.label == *label)
    }
}

/// When a skipped key comes back, where that is known.
pub(crate) fn skip_until(skip: &Skip) -> Option<Timestamp> {
    match skip {
        Skip::CoolingDown { until, .. } | Skip::RateLimited { until } | Skip::ModelRefused { until } => Some(*until),
        Skip::Blocked { until, .. } | Skip::QuotaEmpty { until } => *until,
        Skip::Disabled | Skip::Unauthorized | Skip::UsageUnknown | Skip::Tried => None,
    }
}

/// A steady moment on the wall clock.
fn on_the_wall(steady: Duration, now: Now) -> Timestamp {
    add(now.wall, steady.saturating_sub(now.steady))
}
