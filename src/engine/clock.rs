//! The one clock. Everything below is handed `now`.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rustix::time::{ClockId, clock_gettime};

use crate::domain::now::Now;

/// Time that stands still in sleep on no system: cooldowns and reports age while the lid is closed.
#[cfg(target_os = "linux")]
const STEADY: ClockId = ClockId::Boottime;
#[cfg(not(target_os = "linux"))]
const STEADY: ClockId = ClockId::Monotonic;

/// A beat that comes so much late means that the machine slept, or that the process was stopped.
const SLEPT: Duration = Duration::from_secs(10);
/// The wall clock may drift so much from one beat to the next.
const DRIFT: SignedDuration = SignedDuration::from_secs(2);

/// Reads both clocks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    started: Duration,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { started: steady() }
    }

    pub(crate) fn now(self) -> Now {
        Now { wall: wall(), steady: self.steady() }
    }

    pub(crate) fn steady(self) -> Duration {
        steady().saturating_sub(self.started)
    }
}

fn steady() -> Duration {
    let time = clock_gettime(STEADY);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or_default())
}

/// UTC wall time, for what happens before an engine runs.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
pub(crate) fn wall() -> Timestamp {
    Timestamp::now()
}

/// Notices that the machine slept: beats come once a second.
#[derive(Debug)]
pub(super) struct Heartbeat {
    last: Duration,
}

impl Heartbeat {
    pub(super) const fn new(now: Now) -> Self {
        Self { last: now.steady }
    }

    pub(super) fn slept(&mut self, now: Now) -> bool {
        let passed = now.steady.saturating_sub(self.last);
        self.last = now.steady;
        passed >= SLEPT
    }
}

/// Notices that the wall clock was set, whenever somebody looks at it.
#[derive(Debug)]
pub(super) struct Drift {
    last: Now,
}

impl Drift {
    pub(super) const fn new(now: Now) -> Self {
        Self { last: now }
    }

    /// By how much it was set since the last look.
    pub(super) fn look(&mut self, now: Now) -> Option<SignedDuration> {
        let passed = now.steady.saturating_sub(self.last.steady);
        let by_the_wall = now.wall.duration_since(self.last.wall);
        let moved = by_the_wall - SignedDuration::try_from(passed).unwrap_or(SignedDuration::MAX);
        self.last = now;
        Some(moved).filter(|moved| moved.abs() > DRIFT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sleep_and_a_clock_that_was_set_are_told_apart() {
        let start = Timestamp::from_second(1_770_000_000).expect("valid");
        let at = |wall: i64, steady: u64| Now {
            wall: start + SignedDuration::from_secs(wall),
            steady: Duration::from_secs(steady),
        };
        let (mut heartbeat, mut drift) = (Heartbeat::new(at(0, 0)), Drift::new(at(0, 0)));
        let set = |seconds| Some(SignedDuration::from_secs(seconds));
        for (now, clock_set, slept) in [
            (at(1, 1), None, false),
            (at(4, 2), None, false),
            (at(3_604, 3_602), None, true),
            (at(3_605 + 7_200, 3_603), set(7_200), false),
            (at(3_606, 3_604), set(-7_200), false),
            (at(90_000, 3_700), set(86_298), true),
        ] {
            assert_eq!((drift.look(now), heartbeat.slept(now)), (clock_set, slept));
        }
    }

    #[test]
    fn the_steady_clock_goes_on() {
        let clock = Clock::start();
        let first = clock.now().steady;
        assert!(clock.now().steady >= first && first < Duration::from_secs(60));
    }
}
