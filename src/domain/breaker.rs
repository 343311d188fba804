//! A circuit breaker for one upstream host: a host that is down is left alone, and looked at again by single probes.
//! Not a key's health (`pool`): a dead host costs no key its good name.

use std::time::Duration;

use super::key::KeyId;

/// Failures in a row that open it when no connection comes about: the host itself is meant.
const UNREACHABLE_MOST: u32 = 3;
/// Failures in a row that open it when the host answers badly: several keys must have met them, or it may be a key.
const FAILING_MOST: u32 = 5;
/// While half open, one probe may start in this time.
const PROBE_EVERY: Duration = Duration::from_millis(250);

/// How long it stays open: the first time, and at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pauses {
    pub(crate) first: Duration,
    pub(crate) most: Duration,
}

/// How a host failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failing {
    /// No connection.
    Unreachable,
    /// A server error, no answer in time, a broken answer.
    Badly,
}

/// What the breaker lets through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// Everything; `failures` in a row so far, which `several` keys met.
    Closed { failures: u32, several: bool },
    /// Nothing until then.
    Open { until: Duration },
    /// Single probes: the next one not before then.
    HalfOpen { next_probe: Duration },
}

/// Times are on the steady clock.
#[derive(Debug, Clone)]
pub(crate) struct Breaker {
    state: State,
    pauses: Pauses,
    /// The next pause; doubles with each probe that fails.
    pause: Duration,
    /// Who met the last failure.
    last_failed: Option<KeyId>,
}

impl Breaker {
    pub(crate) const fn new(pauses: Pauses) -> Self {
        Self { state: State::Closed { failures: 0, several: false }, pauses, pause: pauses.first, last_failed: None }
    }

    /// When the host may be tried again; `None` = now.
    pub(crate) fn closed_until(&self, now: Duration) -> Option<Duration> {
        match self.state {
            State::Closed { .. } => None,
            State::Open { until } | State::HalfOpen { next_probe: until } => Some(until).filter(|until| *until > now),
        }
    }

    /// Something is sent: when it is a probe, the next one waits.
    pub(crate) fn begin(&mut self, now: Duration) {
        if !matches!(self.state, State::Closed { .. }) {
            self.state = State::HalfOpen { next_probe: now + PROBE_EVERY };
        }
    }

    /// The host answered, whatever it said.
    pub(crate) fn succeeded(&mut self) {
        *self = Self::new(self.pauses);
    }

    /// The host failed. The answer: whether that opened it.
    pub(crate) fn failed(&mut self, how: Failing, key: KeyId, now: Duration) -> bool {
        let another = self.last_failed.replace(key).is_some_and(|last| last != key);
        match &mut self.state {
            // What was sent before it opened tells nothing new.
            State::Open { .. } => false,
            State::HalfOpen { .. } => {
                self.open(now);
                false
            }
            State::Closed { failures, several } => {
                *failures += 1;
                *several |= another;
                let enough = match how {
                    Failing::Unreachable => *failures >= UNREACHABLE_MOST,
                    Failing::Badly => *failures >= FAILING_MOST && *several,
                };
                if enough {
                    self.open(now);
                }
                enough
            }
        }
    }

    pub(crate) const fn state(&self) -> State {
        self.state
    }

    fn open(&mut self, now: Duration) {
        self.state = State::Open { until: now + self.pause };
        self.pause = self.pause.saturating_mul(2).min(self.pauses.most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSES: Pauses = Pauses { first: Duration::from_secs(1), most: Duration::from_secs(4) };
    const A: KeyId = KeyId(1);
    const B: KeyId = KeyId(2);

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_host_that_can_not_be_reached_is_left_alone_and_probed() {
        let mut breaker = Breaker::new(PAUSES);
        for opened in [false, false, true] {
            assert_eq!(breaker.closed_until(seconds(0)), None);
            assert_eq!(breaker.failed(Failing::Unreachable, A, seconds(0)), opened);
        }
        assert_eq!(breaker.closed_until(seconds(0)), Some(seconds(1)));
        assert_eq!(breaker.closed_until(seconds(1)), None);
        breaker.begin(seconds(1));
        assert_eq!(breaker.closed_until(seconds(1)), Some(seconds(1) + PROBE_EVERY), "one probe at a time");
        assert_eq!(breaker.closed_until(seconds(2)), None, "a probe that hangs holds nobody for ever");
        for (now, until) in [(2, 4), (4, 8), (8, 12)] {
            breaker.begin(seconds(now));
            breaker.failed(Failing::Unreachable, A, seconds(now));
            assert_eq!(breaker.state(), State::Open { until: seconds(until) });
        }
        breaker.begin(seconds(12));
        breaker.succeeded();
        assert_eq!(breaker.closed_until(seconds(12)), None);
        for _ in 0..3 {
            breaker.failed(Failing::Unreachable, A, seconds(20));
        }
        assert_eq!(breaker.state(), State::Open { until: seconds(21) }, "and pauses are short again");
    }

    #[test]
    fn one_failing_key_is_not_the_host() {
        let mut breaker = Breaker::new(PAUSES);
        for _ in 0..20 {
            assert!(!breaker.failed(Failing::Badly, A, seconds(0)));
        }
        assert!(breaker.failed(Failing::Badly, B, seconds(0)), "two are");
    }

    #[test]
    fn a_success_between_failures_starts_over() {
        let mut breaker = Breaker::new(PAUSES);
        for round in 0..9 {
            assert!(!breaker.failed(Failing::Unreachable, KeyId(round), seconds(0)));
            assert!(!breaker.failed(Failing::Badly, KeyId(round + 1), seconds(0)));
            breaker.succeeded();
        }
    }
}
