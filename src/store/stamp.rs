//! Moments as lines of trace and log have them. Most lines share the second of the one before, and so its text.

use jiff::{Timestamp, tz::TimeZone};

/// `2026-02-02 15:30:00 +0300`
pub(super) const TIME: &str = "%Y-%m-%d %H:%M:%S %z";

/// Writes moments in one zone.
#[derive(Debug)]
pub(super) struct Stamp {
    zone: TimeZone,
    /// The second that was written last.
    last: Option<(i64, String)>,
}

impl Stamp {
    pub(super) const fn new(zone: TimeZone) -> Self {
        Self { zone, last: None }
    }

    pub(super) fn text(&mut self, at: Timestamp) -> &str {
        let second = at.as_second();
        if self.last.as_ref().is_none_or(|(last, _)| *last != second) {
            self.last = None;
        }
        let zone = &self.zone;
        &self.last.get_or_insert_with(|| (second, at.to_zoned(zone.clone()).strftime(TIME).to_string())).1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_is_written_once_and_each_as_itself() {
        let mut stamp = Stamp::new(TimeZone::fixed(jiff::tz::offset(3)));
        for (at, expected) in [
            ("2026-02-02T12:30:00Z", "2026-02-02 15:30:00 +0300"),
            ("2026-02-02T12:30:00.9Z", "2026-02-02 15:30:00 +0300"),
            ("2026-02-02T12:30:01Z", "2026-02-02 15:30:01 +0300"),
            ("2026-02-02T12:29:59Z", "2026-02-02 15:29:59 +0300"),
        ] {
            assert_eq!(stamp.text(at.parse().expect("valid")), expected);
        }
    }
}
