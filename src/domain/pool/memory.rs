//! What is kept of the pool between runs. Not the file it is kept in (`store::state`).

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::domain::{key::Label, ledger::Ledger, snapshot::Counters, trace::Tokens};

/// The pool, between runs.
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

/// One key, between runs.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct KeyMemory {
    pub(crate) last_used: Option<Timestamp>,
    pub(crate) requests: u64,
    pub(crate) counters: Counters,
    pub(crate) cooldown: Option<Cooldown>,
    pub(crate) suspension: Option<Suspension>,
    /// When the counters last faded, or last grew from zero.
    pub(crate) faded_at: Option<Timestamp>,
    pub(crate) tokens: Tokens,
    /// When the week's and the month's quota was found to be back, where the upstream's report does not tell.
    pub(crate) learnt: LearntResets,
}

/// Resets that were seen, not told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct LearntResets {
    pub(crate) week: Option<Timestamp>,
    pub(crate) month: Option<Timestamp>,
}

/// A pause that ends by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cooldown {
    pub(crate) until: Timestamp,
    /// An `outcome::Cause` in snake case.
    pub(crate) cause: String,
    /// It ends at a moment that the upstream named, not after a while.
    pub(crate) by_reset: bool,
}

/// A block: by a person, for payment, by the upstream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Suspension {
    pub(crate) reason: String,
    /// `None` = until unblocked.
    pub(crate) until: Option<Timestamp>,
}

/// What a key was used for after its process gave its place to another, which must add it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Counted {
    pub(crate) label: Label,
    pub(crate) requests: u64,
    pub(crate) tokens: Tokens,
}

/// All that a process counted after it gave its place to another.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Left {
    pub(crate) counted: Vec<Counted>,
    /// By day, key and model.
    #[serde(default)]
    pub(crate) tokens: Ledger,
}

impl Left {
    pub(crate) fn is_empty(&self) -> bool {
        self.counted.is_empty() && self.tokens.is_empty()
    }
}

impl Memory {
    /// What was counted after `before`.
    pub(crate) fn counted_since(&self, before: &Self) -> Vec<Counted> {
        let earlier = |wanted: &Label| before.keys.iter().find(|(label, _)| label == wanted).map(|(_, key)| key);
        let counted = self.keys.iter().map(|(label, key)| {
            let nothing = KeyMemory::default();
            let earlier = earlier(label).unwrap_or(&nothing);
            Counted {
                label: label.clone(),
                requests: key.requests.saturating_sub(earlier.requests),
                tokens: key.tokens.minus(earlier.tokens),
            }
        });
        counted.filter(|counted| counted.requests > 0 || counted.tokens != Tokens::default()).collect()
    }
}

impl KeyMemory {
    /// The clock was set: what was to last a while still lasts as long. A quota window's reset is the upstream's moment,
    /// and stays.
    pub(super) fn clock_moved(&mut self, by: SignedDuration) {
        let shift = |moment: Timestamp| moment.checked_add(by).unwrap_or(moment);
        self.faded_at = self.faded_at.map(shift);
        if let Some(block) = &mut self.suspension {
            block.until = block.until.map(shift);
        }
        if let Some(cooldown) = self.cooldown.as_mut().filter(|cooldown| !cooldown.by_reset) {
            cooldown.until = shift(cooldown.until);
        }
    }

    /// One of each counter fades per cooldown that passed, and with each success.
    pub(super) fn lower_counters(&mut self, by: u32) {
        let counters = &mut self.counters;
        for count in [&mut counters.error_403, &mut counters.error_429, &mut counters.error_5xx] {
            *count = count.saturating_sub(by);
        }
    }

    /// Time heals. The answer: whether something changed.
    pub(super) fn fade(&mut self, cooldown: Duration, now: Timestamp) -> bool {
        use crate::domain::now::{add, since};
        let Some(since_when) = self.faded_at else { return false };
        let steps = since(since_when, now).as_secs().checked_div(cooldown.as_secs()).unwrap_or_default();
        if steps == 0 {
            return false;
        }
        let steps = u32::try_from(steps).unwrap_or(u32::MAX);
        self.lower_counters(steps);
        let Counters { error_403, error_429, error_5xx, .. } = self.counters;
        let healed = error_403 == 0 && error_429 == 0 && error_5xx == 0;
        self.faded_at = (!healed).then(|| add(since_when, cooldown.saturating_mul(steps)));
        true
    }
}
