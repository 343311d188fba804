//! The choice among keys: what a request is bound to, whose turn it is, what stands in the way, and the order that the
//! strategy makes. Not a key's own state (`slot`).

use std::time::Duration;

use jiff::Timestamp;

use super::{
    Ask, Choice, Pool, on_the_wall,
    roster::{Standing, Tier},
    slot::Slot,
    views::REASONS_MAX,
};
use crate::domain::{
    now::{Now, since},
    policy::Strategy,
    reason::{Chosen, PassedOvers, passed_over},
    snapshot::{Skip, Status},
};

/// What an account is taken to allow at once when its report does not say (facts: 20 to 30).
const USUAL_PARALLEL: u32 = 20;
/// When no key can serve, one whose own report contradicts its refusal is tried this often.
const LAST_RESORT_EVERY: Duration = Duration::from_secs(60);

impl Pool {
    /// Whether each request goes to the next key in turn.
    pub(super) fn rotates(&self) -> bool {
        self.auto_rotate && self.policy.auto_rotate_allowed
    }

    /// The key that a file which the request names, or its conversation, belongs to, when it can serve.
    pub(super) fn bound_to(&self, ask: &Ask<'_>, now: Now) -> Option<usize> {
        let of_files = ask.files.iter().find_map(|file| self.files.get(*file, now.steady));
        let of_conversation = || {
            let conversation = ask.conversation.filter(|_| self.policy.affinity.is_some())?;
            self.conversations.get(conversation, now.steady)
        };
        let position = self.position(of_files.or_else(of_conversation)?)?;
        self.can_serve(position, ask, now).then_some(position)
    }

    /// The best one that serves, and the rule that says so.
    pub(super) fn choose(&self, ask: &Ask<'_>, now: Now) -> Option<(usize, Chosen)> {
        let serves = |position: &usize| self.obstacle(*position, ask, now).is_none();
        if self.rotates() {
            return self.roster.by_choice(self.cursor).find(serves).map(|position| (position, Chosen::Strategy));
        }
        let active = self.active_position();
        let start = active.unwrap_or_default();
        let first = self.roster.from(start).find(|position| !self.roster.is_aside(*position) && serves(position));
        let found = first.or_else(|| self.roster.from(start).find(serves))?;
        Some((found, if active == Some(found) { Chosen::Active } else { Chosen::InItsPlace }))
    }

    /// Nobody can serve: now and then a key is tried whose own report says that there is quota left.
    pub(super) fn last_resort(&mut self, ask: &Ask<'_>, now: Now) -> Option<usize> {
        let waited = self.last_resort_at.is_none_or(|last| now.steady.saturating_sub(last) >= LAST_RESORT_EVERY);
        if !waited || !ask.tried.is_empty() {
            return None;
        }
        let candidate = |slot: &Slot| {
            let refused = slot.refused.filter(|refused| since(refused.at, now.wall) >= LAST_RESORT_EVERY)?;
            let cooling = matches!(slot.unavailable(now.wall), Some(Skip::CoolingDown { .. }));
            (cooling && slot.contradiction(now.wall).is_some()).then_some(refused.at)
        };
        let open = |position: usize| self.obstacle(position, ask, now).is_none();
        let all = self.slots.iter().enumerate();
        let found =
            all.filter_map(|(position, slot)| Some((candidate(slot)?, position))).filter(|(_, p)| open(*p)).min();
        let (_, position) = found?;
        self.last_resort_at = Some(now.steady);
        Some(position)
    }

    pub(super) fn lend(&mut self, position: usize, ask: &Ask<'_>, why: Chosen, now: Now) -> Choice {
        let passed_over = self.passed_over(position, ask, now);
        let rotation_index = self.rotation_index();
        let rotates = self.rotates();
        let slot = &mut self.slots[position];
        if !rotates && self.active != Some(slot.id) && self.last_served != Some(slot.id) {
            slot.start_slowly(now.steady);
        }
        self.last_served = Some(slot.id);
        self.hosts[slot.host].requests.begin(now.steady);
        slot.begin(now);
        let (id, key, hash) = (slot.id, slot.key.clone(), slot.hash.clone());
        let choice = Choice { id, key, hash, rotation_index, why, passed_over, at: now };
        if let Some(conversation) = ask.conversation.filter(|_| self.policy.affinity.is_some()) {
            self.conversations.bind(conversation, choice.id, now.steady);
        }
        for file in ask.files {
            if self.files.get(*file, now.steady) == Some(choice.id) {
                // What is used is not forgotten first.
                self.files.bind(*file, choice.id, now.steady);
            }
        }
        self.load_changed(position, now);
        choice
    }

    /// The others that can't serve now, where there are few enough to be told.
    fn passed_over(&self, chosen: usize, ask: &Ask<'_>, now: Now) -> PassedOvers {
        if self.slots.len() > REASONS_MAX {
            return PassedOvers::default();
        }
        let others = self.slots.iter().enumerate().filter(|(position, _)| *position != chosen);
        passed_over(others.filter_map(|(position, slot)| Some((&slot.key.label, self.skip(position, ask, now)?))))
    }

    fn can_serve(&self, position: usize, ask: &Ask<'_>, now: Now) -> bool {
        self.roster.is_available(position) && self.obstacle(position, ask, now).is_none()
    }

    /// What stands in the way of a key that is well: the request, the moment, or its host.
    pub(super) fn obstacle(&self, position: usize, ask: &Ask<'_>, now: Now) -> Option<Skip> {
        let slot = &self.slots[position];
        slot.obstacle(ask, self.account_load(position), &self.policy, now).or_else(|| {
            // Who has waited tries: a host that is well again may only be slow to show it.
            if ask.impatient {
                return None;
            }
            let free = self.hosts[slot.host].requests.closed_until(now.steady)?;
            Some(Skip::CircuitOpen { until: on_the_wall(free, now) })
        })
    }

    /// Requests in flight on the account of a key, as far as it is known to share one.
    fn account_load(&self, position: usize) -> u32 {
        let slot = &self.slots[position];
        let siblings = slot.account().and_then(|account| self.accounts.get(account));
        siblings.map_or(slot.in_flight, |siblings| siblings.iter().map(|sibling| self.slots[*sibling].in_flight).sum())
    }

    /// In flight has changed: where the strategy looks at it, the order changes.
    pub(super) fn load_changed(&mut self, position: usize, now: Now) {
        if self.policy.strategy != Strategy::LeastBusy {
            return;
        }
        let siblings = self.slots[position].account().and_then(|account| self.accounts.get(account)).cloned();
        for sibling in siblings.unwrap_or_else(|| vec![position]) {
            self.restand(sibling, now);
        }
    }

    /// Looks again at those whose standing time has changed.
    pub(super) fn look_at_the_clock(&mut self, now: Now) {
        while let Some(position) = self.roster.due(now.wall) {
            self.restand(position, now);
        }
    }

    /// Works out where a key stands, after something about it has changed.
    pub(super) fn restand(&mut self, position: usize, now: Now) {
        let rank = self.rank(position, now.wall);
        let slot = &mut self.slots[position];
        let status = slot.status(now.wall);
        let aside = slot.aside_until.is_some_and(|until| until > now.wall);
        let tier = match status {
            Status::Healthy | Status::Warn if aside => Some(Tier::Aside),
            Status::Healthy => Some(Tier::Good),
            Status::Warn if self.policy.include_warn => Some(Tier::Good),
            Status::Warn => Some(Tier::Spare),
            Status::Exhausted | Status::Blocked | Status::Disabled => None,
        };
        if tier.is_some() && std::mem::take(&mut slot.out) {
            slot.start_slowly(now.steady);
        } else if matches!(status, Status::Exhausted | Status::Blocked) {
            slot.out = true;
        }
        let look_again = slot.next_change(now.wall);
        self.roster.set(position, tier.map(|tier| Standing { tier, rank }), look_again);
    }

    /// The strategy's order: less is better, equals take turns.
    fn rank(&self, position: usize, now: Timestamp) -> u64 {
        let slot = &self.slots[position];
        match self.policy.strategy {
            Strategy::RoundRobin => 0,
            Strategy::Priority => {
                let below = i128::from(i64::MAX) - i128::from(slot.key.priority);
                u64::try_from(below).unwrap_or(u64::MAX)
            }
            // A pace is 0 to 50; unknown comes last.
            Strategy::MostRemaining => slot.pace(now).map_or(u64::MAX, |pace| ((51.0 - pace) * 1e6) as u64),
            Strategy::LeastBusy => {
                let limit = slot.parallel_limit().unwrap_or(USUAL_PARALLEL).max(1);
                u64::from(self.account_load(position)) * 1_000_000 / u64::from(limit)
            }
        }
    }
}
