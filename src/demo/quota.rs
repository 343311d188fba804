//! Quota windows of an account: what they hold, how they drain and reset. Pure; not how they are told (`usages`).

use std::time::Duration;

use jiff::Timestamp;

use super::behaviour::Refusal;
use crate::domain::now;

const HOUR: Duration = Duration::from_secs(3600);

/// An account's quota.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quota {
    pub five_hours: Window,
    pub week: Window,
    pub month: Window,
    /// What one chat takes from each window.
    pub drain: u32,
}

/// One window: a limit, and how long until what was used is forgotten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    pub limit: u32,
    pub used: u32,
    /// How long the window lasts in truth; the demo's five hours are minutes.
    pub span: Duration,
    /// Until it resets for the first time.
    pub resets_in: Duration,
}

impl Quota {
    /// Windows of their real length, nothing used, limits far away.
    pub fn plenty() -> Self {
        Self {
            five_hours: Window::new(1_000_000, 0, 5 * HOUR),
            week: Window::new(10_000_000, 0, 7 * 24 * HOUR),
            month: Window::new(50_000_000, 0, 30 * 24 * HOUR),
            drain: 1,
        }
    }

    /// The same with time running `factor` times as fast.
    pub fn faster(self, factor: u32) -> Self {
        let faster = |window: Window| Window {
            span: window.span / factor.max(1),
            resets_in: window.resets_in / factor.max(1),
            ..window
        };
        Self { five_hours: faster(self.five_hours), week: faster(self.week), month: faster(self.month), ..self }
    }
}

impl Window {
    pub fn new(limit: u32, used: u32, span: Duration) -> Self {
        Self { limit, used, span, resets_in: span }
    }
}

/// A quota in time.
#[derive(Debug)]
pub(super) struct Meters {
    pub(super) five_hours: Meter,
    pub(super) week: Meter,
    pub(super) month: Meter,
    drain: u32,
}

/// A window in time.
#[derive(Debug)]
pub(super) struct Meter {
    pub(super) limit: u32,
    pub(super) used: u32,
    pub(super) resets_at: Timestamp,
    span: Duration,
}

impl Meters {
    pub(super) fn new(quota: &Quota, now: Timestamp) -> Self {
        Self {
            five_hours: Meter::new(&quota.five_hours, now),
            week: Meter::new(&quota.week, now),
            month: Meter::new(&quota.month, now),
            drain: quota.drain,
        }
    }

    /// Resets the windows whose time has come.
    pub(super) fn roll(&mut self, now: Timestamp) {
        for meter in [&mut self.five_hours, &mut self.week, &mut self.month] {
            meter.roll(now);
        }
    }

    /// Takes one chat from each window, or tells which one is used up.
    pub(super) fn take(&mut self) -> Result<(), Refusal> {
        let spent = [
            (&self.month, Refusal::QuotaBillingCycle),
            (&self.week, Refusal::QuotaWeek),
            (&self.five_hours, Refusal::QuotaFiveHours),
        ];
        if let Some((_, refusal)) = spent.into_iter().find(|(meter, _)| meter.left() == 0) {
            return Err(refusal);
        }
        for meter in [&mut self.five_hours, &mut self.week, &mut self.month] {
            meter.used = meter.used.saturating_add(self.drain).min(meter.limit);
        }
        Ok(())
    }
}

impl Meter {
    fn new(window: &Window, now: Timestamp) -> Self {
        let span = window.span.max(Duration::from_secs(1));
        Self { limit: window.limit, used: window.used, resets_at: now::add(now, window.resets_in), span }
    }

    pub(super) fn left(&self) -> u32 {
        self.limit.saturating_sub(self.used)
    }

    /// Share used, 0 to 1.
    pub(super) fn used_ratio(&self) -> f64 {
        f64::from(self.used.min(self.limit)) / f64::from(self.limit.max(1))
    }

    fn roll(&mut self, now: Timestamp) {
        if now < self.resets_at {
            return;
        }
        let into_next = now::since(self.resets_at, now).as_nanos() % self.span.as_nanos();
        let left = self.span.saturating_sub(Duration::from_nanos(u64::try_from(into_next).unwrap_or_default()));
        self.used = 0;
        self.resets_at = now::add(now, left);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).expect("in range")
    }

    #[test]
    fn the_longest_spent_window_is_the_one_that_refuses() {
        let spent = |five_hours, week, month| {
            let mut quota = Quota::plenty();
            (quota.five_hours.used, quota.week.used, quota.month.used) = (five_hours, week, month);
            (quota.five_hours.limit, quota.week.limit, quota.month.limit) = (10, 10, 10);
            Meters::new(&quota, at(0)).take().err()
        };
        assert_eq!(spent(9, 9, 9), None);
        assert_eq!(spent(10, 9, 9), Some(Refusal::QuotaFiveHours));
        assert_eq!(spent(10, 10, 9), Some(Refusal::QuotaWeek));
        assert_eq!(spent(10, 10, 11), Some(Refusal::QuotaBillingCycle));
    }

    #[test]
    fn a_window_resets_on_its_own_beat_even_when_nobody_looked() {
        let mut meters = Meters::new(&Quota::plenty().faster(100), at(0));
        assert_eq!(meters.five_hours.resets_at, at(180));
        for (now, used, resets_at) in [(179, 1, 180), (180, 0, 360), (180 + 180 * 7 + 30, 0, 180 * 9)] {
            meters.five_hours.used = 1;
            meters.roll(at(now));
            assert_eq!((meters.five_hours.used, meters.five_hours.resets_at), (used, at(resets_at)), "at {now}");
        }
    }
}
