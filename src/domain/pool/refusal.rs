//! A key that was refused for quota or money: what the upstream's own report says of it meanwhile, and when the quota is
//! found to be back. A refusal that was seen overrules a report that is green, until the next good answer.

use jiff::{Timestamp, ToSpan, tz::TimeZone};

use super::slot::Slot;
use crate::domain::{
    outcome::Cause,
    snapshot::{Contradiction, UsageView},
    usage::{Window, WindowKind},
};

/// A guess is not trusted longer than this: then a request tries.
const GUESS_MOST: std::time::Duration = std::time::Duration::from_secs(3600);

/// The upstream said no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) cause: Cause,
    pub(super) at: Timestamp,
    /// A report has agreed since: a later green one may clear the mark.
    pub(super) confirmed: bool,
}

impl Slot {
    /// When the window that was refused resets: by the last report, else by what was learnt, which is but a guess.
    pub(super) fn reset_of(&self, kind: &WindowKind, now: Timestamp) -> Option<Timestamp> {
        let windows = self.known_usage().into_iter().flat_map(|usage| &usage.windows);
        let told = windows.filter(|window| is_meant(window, kind)).filter_map(|window| window.resets_at);
        told.filter(|reset| *reset > now).min().or_else(|| {
            let guess = self.learnt_reset(kind, now)?;
            Some(guess.min(crate::domain::now::add(now, GUESS_MOST)))
        })
    }

    /// A report came: it may confirm the refusal, or, once confirmed, clear it. The answer: whether it cleared a pause.
    pub(super) fn compare_with_report(&mut self, now: Timestamp) -> bool {
        let Some(refused) = self.refused else { return false };
        let left = self.reported_left(refused.cause, now);
        match left {
            Some(left) if left <= 0.0 => {
                self.refused = Some(Refused { confirmed: true, ..refused });
                false
            }
            Some(_) if refused.confirmed => {
                self.refused = None;
                let marked = self.memory.cooldown.as_ref().filter(|cooldown| cooldown.until > now);
                let window_mark = marked.is_some_and(|cooldown| cooldown.cause == refused.cause.code());
                if window_mark {
                    self.memory.cooldown = None;
                }
                window_mark
            }
            _ => false,
        }
    }

    /// A good answer to what was asked after the refusal: it is over, and its pause with it. When the report did not say
    /// when that would be, it is learnt.
    pub(super) fn served_again(&mut self, begun: Timestamp, now: Timestamp) {
        let Some(refused) = self.refused.take_if(|refused| begun > refused.at) else { return };
        self.memory.cooldown.take_if(|cooldown| cooldown.cause == refused.cause.code());
        let told = |kind: &WindowKind| {
            self.known_usage().is_some_and(|usage| usage.windows.iter().any(|window| is_meant(window, kind)))
        };
        match refused.cause.window() {
            Some(kind @ WindowKind::Week) if !told(&kind) => self.memory.learnt.week = Some(now),
            Some(kind @ WindowKind::MonthTotal) if !told(&kind) => self.memory.learnt.month = Some(now),
            _ => {}
        }
    }

    /// The report is green while the key is refused: both, with their age.
    pub(super) fn contradiction(&self, now: Timestamp) -> Option<Contradiction> {
        let refused = self.refused?;
        let UsageView::Known { at, .. } = &self.usage else { return None };
        let left = self.reported_left(refused.cause, now).filter(|left| *left > 0.0)?;
        let expected = refused.cause.window().and_then(|kind| self.learnt_reset(&kind, now));
        Some(Contradiction {
            reported_at: *at,
            left,
            refused_at: refused.at,
            cause: refused.cause.code().to_owned(),
            expected,
        })
    }

    /// What the last report says of the window that was refused, else of the tightest one.
    fn reported_left(&self, cause: Cause, now: Timestamp) -> Option<f64> {
        let windows = || self.known_usage().into_iter().flat_map(|usage| &usage.windows);
        let of_kind = cause.window().and_then(|kind| {
            windows().filter(|window| is_meant(window, &kind)).filter_map(|window| window.left_at(now)).reduce(f64::min)
        });
        of_kind.or_else(|| self.left(now))
    }

    /// The next reset of this kind, counted on from the one that was seen.
    fn learnt_reset(&self, kind: &WindowKind, now: Timestamp) -> Option<Timestamp> {
        let (seen, period) = match kind {
            WindowKind::Week => (self.memory.learnt.week?, 1.week()),
            WindowKind::MonthTotal | WindowKind::MonthCode => (self.memory.learnt.month?, 1.month()),
            _ => return None,
        };
        let mut next = seen.to_zoned(TimeZone::UTC);
        // A few years of months at most: what was seen longer ago tells nothing.
        for _ in 0..60 {
            if next.timestamp() > now {
                return Some(next.timestamp());
            }
            next = next.checked_add(period).ok()?;
        }
        None
    }
}

fn is_meant(window: &Window, kind: &WindowKind) -> bool {
    window.kind == *kind || (*kind == WindowKind::MonthTotal && window.kind == WindowKind::MonthCode)
}
