//! Slow start: a key that comes back, or takes over for another, is not run down by everything that waited. Not which
//! key (`pool`).

use std::time::Duration;

/// Requests at once at the beginning; doubles each step.
const FIRST: u32 = 4;
const STEP: Duration = Duration::from_millis(500);
/// After so many steps there is no bound any more.
const STEPS: u32 = 6;

/// How long a slow start takes.
pub(crate) const SPAN: Duration = Duration::from_millis(500 * STEPS as u64);

/// When one more request may go to a key with `in_flight` of them, `since` its start; `None` = now.
pub(crate) fn full_until(start: Duration, in_flight: u32, now: Duration) -> Option<Duration> {
    let elapsed = now.saturating_sub(start);
    if elapsed >= SPAN {
        return None;
    }
    let step = u32::try_from(elapsed.as_millis() / STEP.as_millis()).unwrap_or(STEPS);
    (in_flight >= FIRST << step).then(|| start + STEP * (step + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_is_slow_and_short() {
        let at = |ms: u64| Duration::from_millis(10_000 + ms);
        for (ms, in_flight, until) in [
            (0, 3, None),
            (0, 4, Some(500)),
            (499, 90, Some(500)),
            (500, 7, None),
            (500, 8, Some(1_000)),
            (2_500, 127, None),
            (2_500, 128, Some(3_000)),
            (3_000, 10_000, None),
        ] {
            assert_eq!(full_until(at(0), in_flight, at(ms)), until.map(at), "{in_flight} after {ms} ms");
        }
    }
}
