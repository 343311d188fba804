//! What to write when somebody else has written too: of each field what we changed, else what the file says. Counts add up.
//! Pure; not the file (`state`).

use super::state::{StoredKey, StoredState};

/// `before`: what we knew when the file was read or written last. `file`: what it says now.
pub(super) fn merge(before: &StoredState, ours: &StoredState, file: StoredState) -> StoredState {
    let mut merged = file;
    let choice = |state: &StoredState| (state.active_index, state.own.active.clone());
    if choice(before) != choice(ours) {
        (merged.active_index, merged.own.active) = choice(ours);
    }
    merged.rotation_index = newer(&before.rotation_index, &ours.rotation_index, &merged.rotation_index);
    merged.auto_rotate = newer(&before.auto_rotate, &ours.auto_rotate, &merged.auto_rotate);
    merged.last_health_refresh =
        newer(&before.last_health_refresh, &ours.last_health_refresh, &merged.last_health_refresh);
    for (label, key) in &ours.keys {
        let file = merged.keys.remove(label).unwrap_or_default();
        let before = before.keys.get(label).cloned().unwrap_or_default();
        merged.keys.insert(label.clone(), merge_key(&before, key, &file));
    }
    // These are nobody else's.
    merged.own.keys.extend(ours.own.keys.clone());
    merged.own.tokens.merge(&ours.own.tokens);
    merged.own.unknown.extend(ours.own.unknown.clone());
    merged.unknown.extend(ours.unknown.clone());
    merged
}

fn merge_key(before: &StoredKey, ours: &StoredKey, file: &StoredKey) -> StoredKey {
    StoredKey {
        last_used: newer(&before.last_used, &ours.last_used, &file.last_used),
        request_count: sum(before.request_count, ours.request_count, file.request_count),
        error_401: sum_small(before.error_401, ours.error_401, file.error_401),
        error_403: sum_small(before.error_403, ours.error_403, file.error_403),
        error_429: sum_small(before.error_429, ours.error_429, file.error_429),
        error_5xx: sum_small(before.error_5xx, ours.error_5xx, file.error_5xx),
        exhausted_until: newer(&before.exhausted_until, &ours.exhausted_until, &file.exhausted_until),
        blocked_until: newer(&before.blocked_until, &ours.blocked_until, &file.blocked_until),
        blocked_reason: newer(&before.blocked_reason, &ours.blocked_reason, &file.blocked_reason),
    }
}

fn newer<T: Clone + PartialEq>(before: &T, ours: &T, file: &T) -> T {
    if before == ours { file.clone() } else { ours.clone() }
}

/// Counts also go down again: what we took away is taken from the file's.
fn sum(before: u64, ours: u64, file: u64) -> u64 {
    file.saturating_add(ours.saturating_sub(before)).saturating_sub(before.saturating_sub(ours))
}

fn sum_small(before: u32, ours: u32, file: u32) -> u32 {
    u32::try_from(sum(before.into(), ours.into(), file.into())).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(requests: u64, errors: u32, reason: Option<&str>) -> StoredKey {
        StoredKey {
            request_count: requests,
            error_429: errors,
            blocked_reason: reason.map(str::to_owned),
            ..StoredKey::default()
        }
    }

    fn state(active: (u64, Option<&str>), auto_rotate: bool, a: StoredKey) -> StoredState {
        let mut state = StoredState { active_index: active.0, auto_rotate, ..StoredState::default() };
        state.own.active = active.1.map(str::to_owned);
        state.keys.insert("a".into(), a);
        state
    }

    #[test]
    fn of_each_field_the_change_counts_whoever_made_it() {
        let before = state((0, Some("a")), false, key(10, 3, None));
        let nothing = before.clone();
        let theirs = state((1, None), true, key(15, 4, Some("payment_required")));
        assert_eq!(merge(&before, &nothing, theirs.clone()), theirs, "we changed nothing");
        let ours = state((2, Some("c")), false, key(12, 1, Some("mine")));
        assert_eq!(merge(&before, &ours, before.clone()), ours, "they changed nothing");
        let both = merge(&before, &ours, theirs);
        assert_eq!(both, state((2, Some("c")), true, key(17, 2, Some("mine"))));
    }

    #[test]
    fn keys_of_either_are_kept_and_counts_have_their_ends() {
        let mut file = StoredState::default();
        file.keys.insert("theirs".into(), key(1, 0, None));
        let merged = merge(&StoredState::default(), &state((0, None), false, key(5, 0, None)), file);
        assert_eq!((merged.keys["theirs"].request_count, merged.keys["a"].request_count), (1, 5));
        assert_eq!((sum(5, 0, 3), sum(0, 9, u64::MAX), sum_small(0, 9, u32::MAX)), (0, u64::MAX, u32::MAX));
    }
}
