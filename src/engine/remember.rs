//! The pool's memory as the state file has it, and back. Not the file itself (`store::state`).

use crate::{
    domain::{
        key::Label,
        ledger::Ledger,
        pool::{Cooldown, KeyMemory, LearntResets, Memory, Suspension},
        snapshot::Counters,
        trace::Tokens,
    },
    store::state::{OwnKey, OwnState, StoredKey, StoredState},
};

/// What an unnamed cooldown of the old tool is called.
const UNNAMED: &str = "rate_limited";

pub(crate) fn from_stored(stored: &StoredState) -> Memory {
    Memory {
        auto_rotate: stored.auto_rotate,
        rotation_index: stored.rotation_index,
        active_index: stored.active_index,
        active: stored.own.active.as_deref().map(Label::new),
        last_health_refresh: stored.last_health_refresh,
        keys: stored
            .keys
            .iter()
            .map(|(label, key)| (Label::new(label), key_from_stored(key, stored.own.keys.get(label))))
            .collect(),
    }
}

pub(super) fn to_stored(memory: &Memory, tokens: &Ledger) -> StoredState {
    let names = || memory.keys.iter().map(|(label, key)| (label.as_str().to_owned(), key));
    StoredState {
        active_index: memory.active_index,
        rotation_index: memory.rotation_index,
        auto_rotate: memory.auto_rotate,
        last_health_refresh: memory.last_health_refresh,
        keys: names().map(|(label, key)| (label, key_to_stored(key))).collect(),
        own: OwnState {
            active: memory.active.as_ref().map(|label| label.as_str().to_owned()),
            keys: names().map(|(label, key)| (label, own_of(key))).collect(),
            tokens: tokens.clone(),
            ..OwnState::default()
        },
        ..StoredState::default()
    }
}

fn key_from_stored(key: &StoredKey, own: Option<&OwnKey>) -> KeyMemory {
    let blocked = key.blocked_reason.is_some() || key.blocked_until.is_some();
    KeyMemory {
        last_used: key.last_used,
        requests: key.request_count,
        counters: Counters {
            error_401: key.error_401,
            error_403: key.error_403,
            error_429: key.error_429,
            error_5xx: key.error_5xx,
        },
        cooldown: key.exhausted_until.map(|until| Cooldown {
            until,
            cause: own.and_then(|own| own.cooldown_cause.clone()).unwrap_or_else(|| UNNAMED.to_owned()),
            by_reset: own.is_some_and(|own| own.cooldown_by_reset),
        }),
        suspension: blocked
            .then(|| Suspension { reason: key.blocked_reason.clone().unwrap_or_default(), until: key.blocked_until }),
        faded_at: own.and_then(|own| own.decayed_at).or(key.last_used),
        tokens: own.map_or_else(Tokens::default, |own| Tokens {
            input: own.tokens_input,
            output: own.tokens_output,
            cached: own.tokens_cached,
        }),
        learnt: own.map_or_else(LearntResets::default, |own| LearntResets {
            week: own.learnt_week_reset,
            month: own.learnt_month_reset,
        }),
    }
}

fn key_to_stored(key: &KeyMemory) -> StoredKey {
    StoredKey {
        last_used: key.last_used,
        request_count: key.requests,
        error_401: key.counters.error_401,
        error_403: key.counters.error_403,
        error_429: key.counters.error_429,
        error_5xx: key.counters.error_5xx,
        exhausted_until: key.cooldown.as_ref().map(|cooldown| cooldown.until),
        blocked_until: key.suspension.as_ref().and_then(|block| block.until),
        blocked_reason: key.suspension.as_ref().map(|block| block.reason.clone()),
    }
}

fn own_of(key: &KeyMemory) -> OwnKey {
    OwnKey {
        cooldown_cause: key.cooldown.as_ref().map(|cooldown| cooldown.cause.clone()),
        cooldown_by_reset: key.cooldown.as_ref().is_some_and(|cooldown| cooldown.by_reset),
        decayed_at: key.faded_at,
        tokens_input: key.tokens.input,
        tokens_output: key.tokens.output,
        tokens_cached: key.tokens.cached,
        learnt_week_reset: key.learnt.week,
        learnt_month_reset: key.learnt.month,
    }
}
