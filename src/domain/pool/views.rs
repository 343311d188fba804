//! What others may see of the pool: snapshots' parts, what is kept, and why no key can serve. Changes nothing.

use std::{collections::HashMap, time::Duration};

use jiff::Timestamp;

use super::{Ask, Memory, NoKey, Pool};
use crate::domain::{
    breaker::State,
    key::{KeyId, Label},
    now::Now,
    snapshot::{CircuitState, HostView, KeyView, RateView, Skip},
};

/// Keys whose reason is told when none can serve.
pub(super) const REASONS_MAX: usize = 64;

impl Pool {
    /// The keys for people, in the pool's order.
    pub(crate) fn views(&self, now: Now) -> Vec<KeyView> {
        let view = |position: usize| {
            let slot = &self.slots[position];
            let siblings = slot.account().and_then(|account| self.accounts.get(account)).into_iter().flatten();
            let shares_account_with = siblings
                .filter(|sibling| **sibling != position)
                .map(|sibling| self.slots[*sibling].key.label.clone())
                .collect();
            KeyView {
                active: self.active == Some(slot.id),
                skip: self.skip(position, &Ask::default(), now),
                shares_account_with,
                ..slot.view(now)
            }
        };
        (0..self.slots.len()).map(view).collect()
    }

    pub(crate) fn size(&self) -> usize {
        self.slots.len()
    }

    /// The upstream hosts that keys are sent to.
    pub(crate) fn hosts(&self, now: Now) -> Vec<HostView> {
        let wall = |steady: Duration| super::on_the_wall(steady, now);
        let used = self.hosts.iter().filter(|host| host.users > 0);
        used.map(|host| HostView {
            host: host.name.clone(),
            circuit: match host.requests.state() {
                State::Closed { failures, .. } => CircuitState::Closed { failures },
                State::Open { until } => CircuitState::Open { until: wall(until) },
                State::HalfOpen { .. } => CircuitState::HalfOpen,
            },
        })
        .collect()
    }

    pub(crate) fn global_rate(&self, now: Now) -> RateView {
        self.global.view(now.steady)
    }

    /// What to keep. Labels of keys that are gone are the store's to keep.
    pub(crate) fn memory(&self) -> Memory {
        let gone = self.departed.iter().map(|(label, (_, memory))| (label.clone(), memory.clone()));
        let there: HashMap<&Label, KeyId> = self.slots.iter().map(|slot| (&slot.key.label, slot.id)).collect();
        let keys = self.slots.iter().map(|slot| (slot.key.label.clone(), slot.memory.clone()));
        Memory {
            auto_rotate: self.auto_rotate,
            rotation_index: self.rotation_index(),
            active_index: self.active_position().and_then(|position| u64::try_from(position).ok()).unwrap_or_default(),
            active: self.active_label(),
            last_health_refresh: self.last_health_refresh,
            // A label that was given to another key is that key's now.
            keys: keys.chain(gone.filter(|(label, _)| !there.contains_key(label))).collect(),
        }
    }

    pub(crate) fn auto_rotate(&self) -> bool {
        self.auto_rotate
    }

    pub(crate) fn rotation_index(&self) -> u64 {
        u64::try_from(self.cursor).unwrap_or_default()
    }

    pub(crate) fn active_label(&self) -> Option<Label> {
        self.active_position().map(|position| self.slots[position].key.label.clone())
    }

    pub(crate) fn last_health_refresh(&self) -> Option<Timestamp> {
        self.last_health_refresh
    }

    /// Conversations that are bound to a key just now.
    pub(crate) fn conversations(&self, now: Now) -> usize {
        self.conversations.len(now.steady)
    }

    /// Whether time alone will change what people see: a cooldown, a timed block, a fading counter.
    pub(crate) fn waiting(&self, now: Now) -> bool {
        self.slots.iter().any(|slot| slot.waiting(now.wall))
    }

    /// Whether some key could serve a request now.
    pub(crate) fn ready(&mut self, now: Now) -> bool {
        self.look_at_the_clock(now);
        self.roster.from(0).any(|position| self.obstacle(position, &Ask::default(), now).is_none())
    }

    /// Why a key can't take the request; `None` = it can. The first reason that holds.
    pub(super) fn skip(&self, position: usize, ask: &Ask<'_>, now: Now) -> Option<Skip> {
        self.slots[position].unavailable(now.wall).or_else(|| self.obstacle(position, ask, now))
    }

    /// Why no key serves this request, as things stand.
    pub(crate) fn why_none(&mut self, ask: &Ask<'_>, now: Now) -> NoKey {
        self.look_at_the_clock(now);
        self.no_key(ask, now)
    }

    /// Of these keys those that are not out.
    pub(crate) fn still_able(&self, keys: &[KeyId]) -> Vec<KeyId> {
        let able = |id: &&KeyId| self.position(**id).is_some_and(|position| self.roster.is_available(position));
        keys.iter().filter(able).copied().collect()
    }

    /// The reasons, of the first few in words; all of them decide.
    pub(super) fn no_key(&self, ask: &Ask<'_>, now: Now) -> NoKey {
        let mut no_key = NoKey {
            reasons: Vec::new(),
            until: None,
            hope: false,
            in_a_moment: false,
            full: false,
            only_rate_limited: true,
            only_full: true,
        };
        let mut relevant = false;
        for (position, slot) in self.slots.iter().enumerate() {
            let Some(skip) = self.skip(position, ask, now) else { continue };
            no_key.until = no_key.until.into_iter().chain(skip_until(&skip)).min();
            no_key.hope |= !matches!(skip, Skip::Disabled | Skip::Blocked { until: None, .. } | Skip::Tried);
            no_key.in_a_moment |= matches!(skip, Skip::SlowStart { .. } | Skip::CircuitOpen { .. });
            no_key.full |= matches!(skip, Skip::Full { .. });
            if !matches!(skip, Skip::Disabled | Skip::Tried) {
                relevant = true;
                no_key.only_rate_limited &= matches!(skip, Skip::RateLimited { .. });
                no_key.only_full &= matches!(skip, Skip::Full { .. });
            }
            if no_key.reasons.len() < REASONS_MAX {
                no_key.reasons.push((slot.key.label.clone(), skip));
            }
        }
        no_key.only_rate_limited &= relevant;
        no_key.only_full &= relevant;
        no_key
    }
}

/// When a skipped key comes back, where that is known.
pub(crate) fn skip_until(skip: &Skip) -> Option<Timestamp> {
    match skip {
        Skip::CoolingDown { until, .. }
        | Skip::RateLimited { until }
        | Skip::ModelRefused { until }
        | Skip::SlowStart { until }
        | Skip::CircuitOpen { until } => Some(*until),
        Skip::Blocked { until, .. } | Skip::QuotaEmpty { until } => *until,
        Skip::Disabled | Skip::Unauthorized | Skip::UsageUnknown | Skip::Full { .. } | Skip::Tried => None,
    }
}
