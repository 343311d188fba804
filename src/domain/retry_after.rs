//! `Retry-After` in all its forms, as a wait that can be trusted: a second at least, a day at most.

use std::time::Duration;

use jiff::Timestamp;

use super::now::until;

const LEAST: Duration = Duration::from_secs(1);
const MOST: Duration = Duration::from_secs(86_400);

/// The longest wait that these values ask for, of `Retry-After` and of `retry-after-ms`; `None` when they ask for none that
/// makes sense.
pub(crate) fn longest<'a>(
    plain: impl Iterator<Item = &'a [u8]>,
    in_ms: impl Iterator<Item = &'a [u8]>,
    now: Timestamp,
) -> Option<Duration> {
    let in_ms = in_ms.filter_map(|value| seconds(value, 1_000.0));
    plain.filter_map(|value| seconds(value, 1.0).or_else(|| date(value, now))).chain(in_ms).max()
}

/// Whole seconds for a header of ours: rounded up, one at least.
pub(crate) fn header_seconds(wait: Duration) -> u64 {
    (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1)
}

fn seconds(value: &[u8], parts: f64) -> Option<Duration> {
    let number: f64 = text(value)?.trim().parse().ok().filter(|number: &f64| !number.is_nan())?;
    Some(Duration::from_secs_f64((number / parts).clamp(LEAST.as_secs_f64(), MOST.as_secs_f64())))
}

fn date(value: &[u8], now: Timestamp) -> Option<Duration> {
    let date = httpdate::parse_http_date(text(value)?.trim()).ok()?;
    // A date beyond what a timestamp holds lies as far ahead as can be.
    Some(until(Timestamp::try_from(date).unwrap_or(Timestamp::MAX), now).clamp(LEAST, MOST))
}

fn text(value: &[u8]) -> Option<&str> {
    std::str::from_utf8(value).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_form_becomes_a_wait_within_bounds() {
        let now: Timestamp = "2026-01-05T00:00:00Z".parse().expect("valid");
        for (values, expected) in [
            (&["120"][..], Some(120.0)),
            (&[" 5 "], Some(5.0)),
            (&["+5"], Some(5.0)),
            (&["1.5"], Some(1.5)),
            (&["0"], Some(1.0)),
            (&["-1"], Some(1.0)),
            (&["1e9"], Some(86_400.0)),
            (&["86401"], Some(86_400.0)),
            (&["9223372036854775808"], Some(86_400.0)),
            (&["18446744073709551616"], Some(86_400.0)),
            (&["inf"], Some(86_400.0)),
            (&["NaN"], None),
            (&[""], None),
            (&["soon"], None),
            (&["Mon, 05 Jan 2026 00:02:00 GMT"], Some(120.0)),
            (&["Mon, 05 Jan 2015 00:02:00 GMT"], Some(1.0)),
            (&["Fri, 31 Dec 9999 23:59:59 GMT"], Some(86_400.0)),
            (&["3", "7"], Some(7.0)),
            (&["x", "7"], Some(7.0)),
            (&[], None),
        ] {
            let wait = longest(values.iter().map(|value| value.as_bytes()), [].into_iter(), now);
            assert_eq!(wait.map(|wait| wait.as_secs_f64()), expected, "{values:?}");
        }
        let in_ms = [&b"2500"[..]].into_iter();
        assert_eq!(longest([].into_iter(), in_ms, now), Some(Duration::from_millis(2_500)));
    }

    #[test]
    fn our_own_header_never_says_too_little() {
        assert_eq!(header_seconds(Duration::ZERO), 1);
        assert_eq!(header_seconds(Duration::from_millis(1_001)), 2);
    }

    proptest! {
        #[test]
        fn no_spoilt_value_breaks_it_or_the_bounds(
            values in prop::collection::vec(crate::spoil::spoilt(&["120", "1.5", "1e9", "Mon, 05 Jan 2026 00:02:00 GMT", "-1"]), 0..3),
            seconds in -377_705_116_800_i64..253_402_207_200,
        ) {
            let now = Timestamp::from_second(seconds).expect("in range");
            let values = || values.iter().map(AsRef::as_ref);
            prop_assert!(longest(values(), values(), now).is_none_or(|wait| (LEAST..=MOST).contains(&wait)));
        }
    }
}
