//! Whether a failed attempt may be followed by another, while the client has seen nothing. Not which key (`pool`).

use std::time::Duration;

use http::Method;

use super::{outcome::Cause, policy::Policy};

/// Longest pause before the same key is tried again.
const PAUSE_MAX: Duration = Duration::from_secs(10);
/// Longest wait for a key that the conversation is bound to.
const BOUND_WAIT: Duration = Duration::from_secs(2);

/// Whether another key may get the request. What may have been executed already is sent again only where a repeat
/// does no harm.
pub(crate) fn may_try_another_key(cause: Cause, method: &Method, policy: &Policy) -> bool {
    let unclear = matches!(cause, Cause::Timeout | Cause::BrokenAnswer);
    policy.failover && (cause.rule().another_key || unclear && is_harmless(method))
}

/// Whether a request of this age may be tried again. A try that waited in vain for an answer uses up a request's time; where
/// a repeat does no harm, the first such try leaves it as much again: the next key may well answer.
pub(crate) fn has_time(cause: Cause, method: &Method, age: Duration, time: Duration) -> bool {
    let again = if cause == Cause::Timeout && is_harmless(method) { time } else { Duration::ZERO };
    age.saturating_sub(again) < time
}

/// A short wait that the upstream asks for is waited out where the conversation belongs to the key: its cache is worth it.
pub(crate) fn worth_waiting(cause: Cause, retry_after: Option<Duration>, policy: &Policy) -> Option<Duration> {
    let limited = matches!(cause, Cause::RateLimited | Cause::Concurrency);
    retry_after.filter(|asked| policy.failover && limited && *asked <= BOUND_WAIT)
}

/// The pause before the same key is tried once more, or `None` when its tries are used up. `jitter` is 0 to 1.
pub(crate) fn same_key_pause(
    cause: Cause,
    retries_done: u32,
    retry_after: Option<Duration>,
    policy: &Policy,
    jitter: f64,
) -> Option<Duration> {
    if !cause.rule().same_key || retries_done >= policy.retry_max {
        return None;
    }
    if retry_after.is_some_and(|asked| asked > PAUSE_MAX) {
        return None;
    }
    let doubled = policy.retry_base.saturating_mul(1 << retries_done.min(10));
    let spread = doubled.mul_f64(0.5 + jitter.clamp(0.0, 1.0) / 2.0);
    Some(spread.max(retry_after.unwrap_or_default()).min(PAUSE_MAX))
}

fn is_harmless(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_refused_goes_to_another_key() {
        let policy = Policy::default();
        for (cause, method, expected) in [
            (Cause::RateLimited, Method::POST, true),
            (Cause::Unauthorized, Method::POST, true),
            (Cause::ServerError, Method::POST, true),
            (Cause::ConnectFailed, Method::POST, true),
            (Cause::ClientFault, Method::POST, false),
            (Cause::ClientNotAllowed, Method::POST, false),
            (Cause::Timeout, Method::POST, false),
            (Cause::BrokenAnswer, Method::POST, false),
            (Cause::BrokenAnswer, Method::GET, true),
        ] {
            assert_eq!(may_try_another_key(cause, &method, &policy), expected, "{cause:?} {method}");
        }
        let off = Policy { failover: false, ..policy };
        assert!(!may_try_another_key(Cause::RateLimited, &Method::POST, &off));
    }

    #[test]
    fn one_wait_in_vain_does_not_use_up_the_time_of_what_does_no_harm() {
        let time = |cause, method, age| has_time(cause, &method, Duration::from_secs(age), Duration::from_secs(10));
        assert!(time(Cause::ServerError, Method::POST, 9) && !time(Cause::ServerError, Method::GET, 10));
        assert!(time(Cause::Timeout, Method::GET, 11) && !time(Cause::Timeout, Method::GET, 20));
        assert!(!time(Cause::Timeout, Method::POST, 10), "it may have been executed");
    }

    #[test]
    fn only_a_short_wait_is_worth_it() {
        let policy = Policy::default();
        let wait = |cause, seconds| worth_waiting(cause, Some(Duration::from_secs(seconds)), &policy).is_some();
        assert!(wait(Cause::RateLimited, 2) && wait(Cause::Concurrency, 1));
        assert!(!wait(Cause::RateLimited, 3) && !wait(Cause::QuotaWeek, 1));
        assert_eq!(worth_waiting(Cause::RateLimited, None, &policy), None);
    }

    #[test]
    fn pauses_double_with_jitter_and_end() {
        let policy = Policy { retry_max: 2, ..Policy::default() };
        let pause = |done, after, jitter| same_key_pause(Cause::ServerError, done, after, &policy, jitter);
        assert_eq!(pause(0, None, 1.0), Some(Duration::from_millis(250)));
        assert_eq!(pause(1, None, 0.0), Some(Duration::from_millis(250)));
        assert_eq!(pause(1, None, 1.0), Some(Duration::from_millis(500)));
        assert_eq!(pause(2, None, 1.0), None);
        assert_eq!(pause(0, Some(Duration::from_secs(3)), 1.0), Some(Duration::from_secs(3)));
        assert_eq!(pause(0, Some(Duration::from_secs(300)), 1.0), None);
        assert_eq!(same_key_pause(Cause::PaymentRequired, 0, None, &policy, 1.0), None);
    }
}
