//! Spans and moments as a person types them. Not how they are shown (`i18n`).

use std::time::Duration;

use jiff::{
    SignedDuration, Timestamp,
    civil::{DateTime, Time},
    tz::TimeZone,
};

use crate::store::trace;

/// `90s`, `5m`, `1h 30m`, `2d`.
pub(super) fn span(text: &str) -> Option<Duration> {
    if let Some(days) = text.strip_suffix('d') {
        let days: u64 = days.trim().parse().ok()?;
        return Some(Duration::from_secs(days.saturating_mul(86_400)));
    }
    let span: SignedDuration = text.parse().ok()?;
    Duration::try_from(span).ok().filter(|span| !span.is_zero())
}

/// A span ago, a moment with its zone, or local date and time of `zone`: the time of today, the date's midnight when
/// only one of them is there.
pub(super) fn moment(text: &str, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    let text = text.trim();
    let ago = |span| {
        let span = SignedDuration::try_from(span).ok()?;
        Some(now.checked_sub(span).unwrap_or(Timestamp::MIN))
    };
    // Digits alone would be a time of day too.
    let time = || text.contains(':').then(|| text.parse::<Time>().ok())?;
    let local = |at: DateTime| Some(at.to_zoned(zone.clone()).ok()?.timestamp());
    span(text)
        .and_then(ago)
        .or_else(|| text.parse().ok())
        .or_else(|| trace::moment(text))
        .or_else(|| local(text.parse().ok()?))
        .or_else(|| local(now.to_zoned(zone.clone()).date().to_datetime(time()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_in_every_form() {
        let now: Timestamp = "2026-11-23T10:00:00Z".parse().expect("valid");
        let zone = TimeZone::fixed(jiff::tz::offset(3));
        for (text, expected) in [
            ("10m", Some("2026-11-23T09:50:00Z")),
            ("1h30m", Some("2026-11-23T08:30:00Z")),
            ("2d", Some("2026-11-21T10:00:00Z")),
            (" 1h ", Some("2026-11-23T09:00:00Z")),
            ("99999999999d", Some("-009999-01-02T01:59:59Z")),
            ("2026-11-22T10:00:00Z", Some("2026-11-22T10:00:00Z")),
            ("2026-11-22T10:00:00+05:00", Some("2026-11-22T05:00:00Z")),
            ("2026-02-02 15:30:00 +0300", Some("2026-02-02T12:30:00Z")),
            ("2026-02-02 15:30:00", Some("2026-02-02T12:30:00Z")),
            ("2026-02-02T15:30", Some("2026-02-02T12:30:00Z")),
            ("2026-02-02", Some("2026-02-01T21:00:00Z")),
            ("11:30", Some("2026-11-23T08:30:00Z")),
            ("yesterday", None),
            ("-10m", None),
            ("10", None),
            ("", None),
            ("2026-13-01", None),
        ] {
            let read = moment(text, now, &zone).map(|moment| moment.to_string());
            assert_eq!(read.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_span_is_something() {
        for (text, expected) in
            [("90s", Some(90)), ("1h 30m", Some(5_400)), ("2d", Some(172_800)), ("0s", None), ("d", None)]
        {
            assert_eq!(span(text).map(|span| span.as_secs()), expected, "{text}");
        }
    }
}
