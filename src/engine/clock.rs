//! The one clock. Everything below is handed `now`.

use std::time::Instant;

use jiff::Timestamp;

use crate::domain::now::Now;

/// Reads both clocks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    started: Instant,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { started: Instant::now() }
    }

    pub(crate) fn now(self) -> Now {
        Now { wall: wall(), steady: self.started.elapsed() }
    }
}

/// UTC wall time, for what happens before an engine runs.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
pub(crate) fn wall() -> Timestamp {
    Timestamp::now()
}
