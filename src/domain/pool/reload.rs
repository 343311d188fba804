//! New settings and a new set of keys, while requests run: a key is known by its secret, whatever its file is called now.
//! Requests in flight finish on the key that they hold.

use std::{collections::HashMap, sync::Arc};

use super::{BINDINGS_MAX, Host, KeyMemory, Pool, Roster, Slot};
use crate::domain::{
    key::{Key, KeyId, Label},
    limit::Limiter,
    now::Now,
    order,
    policy::Policy,
};

/// What changed among the keys, by label.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Reloaded {
    pub(crate) added: Vec<Label>,
    /// Another label, priority, address or switch; the same key.
    pub(crate) changed: Vec<Label>,
    pub(crate) removed: Vec<Label>,
}

impl Reloaded {
    pub(crate) fn is_empty(&self) -> bool {
        self.added.is_empty() && self.changed.is_empty() && self.removed.is_empty()
    }
}

impl Pool {
    /// Takes the keys that there are now, sorted and with distinct labels.
    pub(crate) fn reload(&mut self, keys: Vec<Key>, now: Now) -> Reloaded {
        let mut reloaded = Reloaded::default();
        let turn = self.slots.get(self.cursor).map(|slot| slot.id);
        let active = self.active_label();
        let old = std::mem::take(&mut self.slots);
        let mut by_hash: HashMap<Arc<str>, Slot> = old.into_iter().map(|slot| (slot.hash.clone(), slot)).collect();
        self.hosts.iter_mut().for_each(|host| host.users = 0);
        for key in keys {
            let hash: Arc<str> = key.secret.hash().into();
            match by_hash.remove(&hash) {
                Some(slot) => self.keep(slot, key, &mut reloaded),
                None => {
                    reloaded.added.push(key.label.clone());
                    let past = self.departed.remove(&key.label).filter(|(known, _)| *known == hash);
                    self.add(key, past.map(|(_, memory)| memory).unwrap_or_default(), now);
                }
            }
        }
        for slot in by_hash.into_values() {
            reloaded.removed.push(slot.key.label.clone());
            if self.departed.len() < BINDINGS_MAX {
                self.departed.insert(slot.key.label.clone(), (slot.hash, slot.memory));
            }
        }
        self.index = self.slots.iter().enumerate().map(|(position, slot)| (slot.id, position)).collect();
        self.cursor = turn.and_then(|id| self.position(id)).unwrap_or_default();
        self.active = self
            .active
            .filter(|id| self.index.contains_key(id))
            .or_else(|| active.and_then(|label| self.slots.iter().find(|slot| slot.key.label == label)).map(|s| s.id))
            .or(self.slots.first().map(|slot| slot.id));
        if !reloaded.is_empty() {
            self.settle_in(now);
        }
        order::sort(&mut reloaded.removed);
        reloaded
    }

    /// Takes new settings. Running cooldowns and blocks stay as they were made.
    pub(crate) fn set_policy(&mut self, policy: Policy, now: Now) {
        if policy.global_rate != self.policy.global_rate {
            self.global = Limiter::new(policy.global_rate);
        }
        for slot in &mut self.slots {
            if policy.key_rate != self.policy.key_rate {
                slot.limiter = Limiter::new(policy.key_rate);
            }
            if policy.checks != self.policy.checks {
                slot.checks.replan(policy.checks, now.steady);
                if slot.memory.counters.error_401 > 0 {
                    slot.checks.not_later_than(now.steady);
                }
            }
        }
        self.conversations.set_span(policy.affinity.unwrap_or_default());
        self.policy = Arc::new(policy);
        self.settle_in(now);
    }

    /// One more key, at the end; [`Pool::settle_in`] follows.
    pub(super) fn add(&mut self, key: Key, past: KeyMemory, now: Now) {
        let id = KeyId(self.next_id);
        self.next_id += 1;
        let host = self.host_of(&key);
        self.index.insert(id, self.slots.len());
        self.slots.push(Slot::new(id, Arc::new(key), host, past, &self.policy, now.steady));
    }

    /// Works out everything that follows from who is there.
    pub(super) fn settle_in(&mut self, now: Now) {
        self.roster = Roster::new(self.slots.len());
        self.group_accounts();
        for position in 0..self.slots.len() {
            self.restand(position, now);
        }
    }

    /// A report has told the account of a key.
    pub(super) fn account_changed(&mut self, position: usize, before: Option<&str>) {
        if let Some(members) = before.and_then(|before| self.accounts.get_mut(before)) {
            members.retain(|member| *member != position);
        }
        if let Some(account) = self.slots[position].account() {
            self.accounts.entry(account.to_owned()).or_default().push(position);
        }
    }

    fn group_accounts(&mut self) {
        self.accounts.clear();
        for (position, slot) in self.slots.iter().enumerate() {
            if let Some(account) = slot.account() {
                self.accounts.entry(account.to_owned()).or_default().push(position);
            }
        }
    }

    fn keep(&mut self, mut slot: Slot, key: Key, reloaded: &mut Reloaded) {
        let before = &slot.key;
        let same = before.label == key.label
            && before.priority == key.priority
            && before.disabled == key.disabled
            && before.base == key.base
            && before.email == key.email
            && before.source == key.source;
        slot.host = self.host_of(&key);
        if !same {
            reloaded.changed.push(key.label.clone());
            slot.key = Arc::new(key);
        }
        self.slots.push(slot);
    }

    fn host_of(&mut self, key: &Key) -> usize {
        let name = key.base.authority();
        let known = self.hosts.iter().position(|host| host.name == name);
        let position = known.unwrap_or_else(|| {
            self.hosts.push(Host::new(name));
            self.hosts.len() - 1
        });
        self.hosts[position].users += 1;
        position
    }
}
