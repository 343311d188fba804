//! What a person does to the pool: rotate, switch auto-rotation, block, unblock. Not what answers do (`slot`).

use std::cmp::Ordering;

use jiff::Timestamp;

use super::{Ask, Choice, Pool, slot::Slot};
use crate::domain::{
    key::Label,
    now::Now,
    reason::Chosen,
    snapshot::{Skip, Status},
};

/// What a manual rotation did, and the rule that decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rotated {
    pub(crate) from: Option<Label>,
    pub(crate) to: Label,
    pub(crate) why: Why,
}

/// The one rule that decided a manual rotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    OnlyEligible,
    Status,
    Remaining,
    ErrorRate,
    /// Equal in all, and the next one's turn.
    TieMoves,
    /// Equal in all, and ties stay.
    TieStays,
    /// A person named it.
    Asked,
}

impl Why {
    /// The Fluent id of the reason.
    pub(crate) const fn message_id(self) -> &'static str {
        match self {
            Self::OnlyEligible => "why-only-eligible",
            Self::Status => "why-status",
            Self::Remaining => "why-remaining",
            Self::ErrorRate => "why-error-rate",
            Self::TieMoves => "why-tie-moves",
            Self::TieStays => "why-tie-stays",
            Self::Asked => "why-asked",
        }
    }
}

/// Why a command can't be carried out.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Refusal {
    NoKeys,
    NoneEligible,
    UnknownLabel(Label),
    NotEligible(Label, Skip),
    AutoRotateNotAllowed,
}

/// How good a candidate is: status, then what is left, then error rate. Less is better.
#[derive(Debug, Clone, Copy)]
struct Score {
    status: Status,
    left: Option<f64>,
    error_rate: f64,
}

impl Score {
    /// The order, and the rule that made it.
    fn compare(&self, other: &Self) -> (Ordering, Why) {
        let left = |score: &Self| score.left.unwrap_or(-0.01);
        match (
            self.status.cmp(&other.status),
            left(other).total_cmp(&left(self)),
            self.error_rate.total_cmp(&other.error_rate),
        ) {
            (Ordering::Equal, Ordering::Equal, Ordering::Equal) => (Ordering::Equal, Why::TieStays),
            (Ordering::Equal, Ordering::Equal, order) => (order, Why::ErrorRate),
            (Ordering::Equal, order, _) => (order, Why::Remaining),
            (order, _, _) => (order, Why::Status),
        }
    }
}

impl Pool {
    /// Makes the best eligible key the active one. A tie stays, or moves on where KMI_ROTATE_ON_TIE says so.
    pub(crate) fn rotate(&mut self, now: Now) -> Result<Rotated, Refusal> {
        if self.slots.is_empty() {
            return Err(Refusal::NoKeys);
        }
        self.look_at_the_clock(now);
        // From the active key's successor on, so that the first of equals is the next in turn and the active one is last.
        let start = self.active_position().map_or(0, |position| position + 1);
        let candidates: Vec<usize> =
            self.roster.from(start).filter(|position| self.obstacle(*position, &by_hand(), now).is_none()).collect();
        let (chosen, why) = self.best_of(&candidates, now).ok_or(Refusal::NoneEligible)?;
        Ok(self.activate(chosen, why, now))
    }

    /// Makes the named key the active one, if it can serve.
    pub(crate) fn rotate_to(&mut self, label: &Label, now: Now) -> Result<Rotated, Refusal> {
        let position = self.slot_by_label(label).ok_or_else(|| Refusal::UnknownLabel(label.clone()))?;
        if let Some(skip) = self.skip(position, &by_hand(), now) {
            return Err(Refusal::NotEligible(label.clone(), skip));
        }
        Ok(self.activate(position, Why::Asked, now))
    }

    /// Lends the named key to a request that a person sends there.
    pub(crate) fn lend_to(&mut self, label: &Label, ask: &Ask<'_>, now: Now) -> Result<Choice, Refusal> {
        let position = self.slot_by_label(label).ok_or_else(|| Refusal::UnknownLabel(label.clone()))?;
        match self.skip(position, ask, now).filter(|skip| !skip.yields_to_a_person()) {
            Some(skip) => Err(Refusal::NotEligible(label.clone(), skip)),
            None => Ok(self.lend(position, ask, Chosen::Asked, now)),
        }
    }

    pub(crate) fn set_auto_rotate(&mut self, on: bool) -> Result<(), Refusal> {
        if self.slots.is_empty() {
            return Err(Refusal::NoKeys);
        }
        if on && !self.policy.auto_rotate_allowed {
            return Err(Refusal::AutoRotateNotAllowed);
        }
        self.auto_rotate = on;
        Ok(())
    }

    pub(crate) fn block(
        &mut self,
        label: &Label,
        reason: &str,
        until: Option<Timestamp>,
        now: Now,
    ) -> Result<(), Refusal> {
        let position = self.slot_by_label(label).ok_or_else(|| Refusal::UnknownLabel(label.clone()))?;
        self.slots[position].block(reason, until);
        self.restand(position, now);
        Ok(())
    }

    pub(crate) fn unblock(&mut self, label: &Label, now: Now) -> Result<(), Refusal> {
        let position = self.slot_by_label(label).ok_or_else(|| Refusal::UnknownLabel(label.clone()))?;
        self.slots[position].unblock(now);
        self.restand(position, now);
        Ok(())
    }

    /// Unblocks every key that is blocked or rests; the answer names them.
    pub(crate) fn unblock_all(&mut self, now: Now) -> Vec<Label> {
        let out = |slot: &Slot| matches!(slot.status(now.wall), Status::Blocked | Status::Exhausted);
        let positions: Vec<usize> = (0..self.slots.len()).filter(|position| out(&self.slots[*position])).collect();
        for position in &positions {
            self.slots[*position].unblock(now);
            self.restand(*position, now);
        }
        positions.into_iter().map(|position| self.slots[position].key.label.clone()).collect()
    }

    fn best_of(&self, candidates: &[usize], now: Now) -> Option<(usize, Why)> {
        let score = |position: usize| {
            let slot = &self.slots[position];
            Score { status: slot.status(now.wall), left: slot.left(now.wall), error_rate: slot.error_rate() }
        };
        let compare = |a: usize, b: usize| score(a).compare(&score(b));
        // `min_by` keeps the first of equals.
        let best = candidates.iter().copied().min_by(|a, b| compare(*a, *b).0)?;
        let current = self.active_position().filter(|position| candidates.contains(position));
        match current.filter(|current| *current != best && compare(*current, best).0.is_eq()) {
            Some(_) if self.policy.rotate_on_tie => return Some((best, Why::TieMoves)),
            Some(current) => return Some((current, Why::TieStays)),
            None => {}
        }
        let others = candidates.iter().copied().filter(|position| *position != best);
        let runner_up = others.min_by(|a, b| compare(*a, *b).0);
        let why = runner_up.map_or(Why::OnlyEligible, |other| match compare(best, other) {
            // The active one is worse or out, and several are equally better than it.
            (Ordering::Equal, _) => Why::TieMoves,
            (_, why) => why,
        });
        Some((best, why))
    }

    /// A person's word: what was bound to other keys is so no longer.
    fn activate(&mut self, position: usize, why: Why, now: Now) -> Rotated {
        let from = self.active_label();
        let slot = &mut self.slots[position];
        slot.memory.last_used = Some(now.wall);
        self.active = Some(slot.id);
        self.conversations.clear();
        Rotated { from, to: slot.key.label.clone(), why }
    }
}

/// A person asks for a key, not for a request: a slow start is no reason against it.
fn by_hand() -> Ask<'static> {
    Ask { impatient: true, ..Ask::default() }
}
