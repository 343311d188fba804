//! One moment as both clocks see it. Not a clock: `engine::clock` reads the time, the domain is handed it.

use std::time::Duration;

use jiff::Timestamp;

/// A moment. Deadlines that are kept or shown use `wall`; rates and intervals use `steady`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Now {
    /// UTC wall time; may jump when the clock is set.
    pub(crate) wall: Timestamp,
    /// Time since the program started; never goes back.
    pub(crate) steady: Duration,
}

impl Now {
    /// The wall time `after` from now, clamped to what a timestamp can hold.
    pub(crate) fn wall_after(self, after: Duration) -> Timestamp {
        add(self.wall, after)
    }
}

/// `moment + after`, clamped instead of panicking: durations may come from outside.
pub(crate) fn add(moment: Timestamp, after: Duration) -> Timestamp {
    moment.checked_add(after).unwrap_or(Timestamp::MAX)
}

/// `moment - span`, clamped too.
pub(crate) fn before(moment: Timestamp, span: Duration) -> Timestamp {
    moment.checked_sub(span).unwrap_or(Timestamp::MIN)
}

/// How long until `deadline`; zero when it has passed.
pub(crate) fn until(deadline: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(deadline.duration_since(now)).unwrap_or_default()
}

/// How long since `moment`; zero when it lies ahead.
pub(crate) fn since(moment: Timestamp, now: Timestamp) -> Duration {
    until(now, moment)
}
