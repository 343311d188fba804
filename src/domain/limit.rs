//! Requests a second and a minute, exact at the window's edge, on the steady clock. Not who asks (`pool`).

use std::{collections::VecDeque, time::Duration};

use super::{policy::RateLimit, snapshot::RateView};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// A sliding window over the last minute, and a meter for the screen.
#[derive(Debug, Clone)]
pub(crate) struct Limiter {
    limit: RateLimit,
    /// When each request of the last minute was let in, oldest first; empty without a limit.
    taken: VecDeque<Duration>,
    meter: Meter,
}

impl Limiter {
    pub(crate) fn new(limit: RateLimit) -> Self {
        Self { limit, taken: VecDeque::new(), meter: Meter::default() }
    }

    /// `Some(t)`: the next request may come at `t`; `None`: now.
    pub(crate) fn full_until(&self, now: Duration) -> Option<Duration> {
        let second = self.window_full(self.limit.per_second, SECOND, now);
        let minute = self.window_full(self.limit.per_minute, MINUTE, now);
        second.max(minute)
    }

    /// Counts a request that was let in.
    pub(crate) fn take(&mut self, now: Duration) {
        self.meter.count(now);
        if self.limit == RateLimit::default() {
            return;
        }
        while self.taken.front().is_some_and(|oldest| now.saturating_sub(*oldest) >= MINUTE) {
            self.taken.pop_front();
        }
        self.taken.push_back(now);
    }

    pub(crate) fn view(&self, now: Duration) -> RateView {
        let counts = self.meter.seconds(now);
        RateView {
            last_second: counts.last().copied().unwrap_or_default(),
            per_second: self.limit.per_second,
            last_minute: counts.iter().sum(),
            per_minute: self.limit.per_minute,
        }
    }

    /// When the window of `span` has room again: once the `most`-th newest request has left it.
    fn window_full(&self, most: u32, span: Duration, now: Duration) -> Option<Duration> {
        let back = usize::try_from(most).ok().filter(|most| *most > 0)?;
        let blocking = self.taken.len().checked_sub(back).and_then(|index| self.taken.get(index))?;
        let free = *blocking + span;
        (free > now).then_some(free)
    }
}

/// Counts a second, for the last 60 seconds.
#[derive(Debug, Clone)]
pub(crate) struct Meter {
    counts: [u32; 60],
    /// The second that the newest count belongs to.
    newest: u64,
}

impl Default for Meter {
    fn default() -> Self {
        Self { counts: [0; 60], newest: 0 }
    }
}

impl Meter {
    pub(crate) fn count(&mut self, now: Duration) {
        let second = now.as_secs().max(self.newest);
        for gone in (self.newest + 1..=second).take(60) {
            self.counts[slot(gone)] = 0;
        }
        self.newest = second;
        self.counts[slot(second)] += 1;
    }

    /// Counts of the last 60 seconds, oldest first; the last is the running second.
    pub(crate) fn seconds(&self, now: Duration) -> Vec<u32> {
        let now = now.as_secs();
        let oldest_known = (self.newest + 1).saturating_sub(60);
        (0..60)
            .rev()
            .map(|back| match now.checked_sub(back) {
                Some(second) if (oldest_known..=self.newest).contains(&second) => self.counts[slot(second)],
                _ => 0,
            })
            .collect()
    }
}

fn slot(second: u64) -> usize {
    usize::try_from(second % 60).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_window_frees_exactly_when_its_oldest_request_leaves() {
        let mut limiter = Limiter::new(RateLimit { per_second: 2, per_minute: 3 });
        limiter.take(at(0));
        assert_eq!(limiter.full_until(at(0)), None);
        limiter.take(at(400));
        assert_eq!(limiter.full_until(at(400)), Some(at(1_000)));
        assert_eq!(limiter.full_until(at(999)), Some(at(1_000)));
        assert_eq!(limiter.full_until(at(1_000)), None);
        limiter.take(at(1_000));
        assert_eq!(limiter.full_until(at(1_100)), Some(at(60_000)), "the minute is full too");
        assert_eq!(limiter.full_until(at(60_000)), None);
    }

    #[test]
    fn no_limit_is_never_full_and_still_metered() {
        let mut limiter = Limiter::new(RateLimit::default());
        for _ in 0..1_000 {
            limiter.take(at(5_500));
        }
        assert_eq!(limiter.full_until(at(5_500)), None);
        assert_eq!(limiter.view(at(5_900)).last_second, 1_000);
        assert_eq!(limiter.view(at(7_000)).last_second, 0);
        assert_eq!(limiter.view(at(64_999)).last_minute, 1_000);
        assert_eq!(limiter.view(at(65_000)).last_minute, 0);
    }

    proptest! {
        #[test]
        fn no_window_ever_holds_more_than_its_limit(steps in prop::collection::vec(0u64..900, 1..200), per_second in 1u32..5, per_minute in 1u32..40) {
            let mut limiter = Limiter::new(RateLimit { per_second, per_minute });
            let (mut now, mut let_in) = (Duration::ZERO, Vec::new());
            for step in steps {
                now += at(step);
                if limiter.full_until(now).is_none() {
                    limiter.take(now);
                    let_in.push(now);
                }
            }
            for (span, most) in [(SECOND, per_second), (MINUTE, per_minute)] {
                for start in &let_in {
                    let inside = let_in.iter().filter(|t| **t >= *start && **t < *start + span).count();
                    prop_assert!(inside <= most as usize);
                }
            }
        }
    }
}
