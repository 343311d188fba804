//! Health checks of one key: when one is due, and what its result does to the key. Not the asking (`poller`).

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;

use super::slot::{Change, Slot};
use crate::domain::{now::Now, policy::CheckPlan, snapshot::UsageView, usage::Usage};

/// First pause after a failed check; doubles.
const CHECK_RETRY: Duration = Duration::from_secs(30);
/// First pause before an unauthorized key is checked again; doubles, five minutes at most.
pub(super) const UNAUTHORIZED_RETRY: Duration = Duration::from_secs(60);
const UNAUTHORIZED_RETRY_MAX: Duration = Duration::from_secs(300);

/// Why a health check is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CheckKind {
    Refresh,
    /// Of a key blocked for payment: clears the block when quota is really there.
    Recheck,
}

/// How a health check failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CheckFault {
    /// For people and logs, English, no secret.
    pub(crate) text: String,
    /// The upstream refused the key itself.
    pub(crate) unauthorized: bool,
    pub(crate) retry_after: Option<Duration>,
}

impl Slot {
    pub(super) fn check_due(&self, now: Now) -> Option<CheckKind> {
        let due = |at: Option<Duration>| at.is_some_and(|at| at <= now.steady);
        if due(self.next_recheck) && self.next_check.is_some() && self.blocked_for_payment(now.wall) {
            return Some(CheckKind::Recheck);
        }
        (due(self.next_check) && !self.key.disabled).then_some(CheckKind::Refresh)
    }

    pub(super) fn check_started(&mut self) {
        self.next_check = None;
    }

    pub(super) fn check_at(&mut self, at: Duration) {
        if self.next_check.is_some() {
            self.next_check = Some(at);
        }
    }

    pub(super) fn checked(
        &mut self,
        kind: CheckKind,
        result: Result<Usage, CheckFault>,
        plan: CheckPlan,
        now: Now,
    ) -> Option<Change> {
        if kind == CheckKind::Recheck {
            self.next_recheck = plan.recheck.map(|every| now.steady + every);
        }
        match result {
            Ok(usage) => {
                self.check_failures = 0;
                self.next_check = Some(plan.refresh.map_or(Duration::MAX, |every| now.steady + self.jittered(every)));
                self.usage = UsageView::Known { at: now.wall, usage: Arc::new(usage) };
                self.clear_by_check(kind, now.wall)
            }
            Err(fault) => {
                self.check_failures = self.check_failures.saturating_add(1);
                self.next_check = Some(now.steady + self.check_pause(&fault, plan));
                self.note_fault(fault, now.wall)
            }
        }
    }

    /// A good check lifts a 401, and a payment block only when it was rechecked and quota is really there.
    fn clear_by_check(&mut self, kind: CheckKind, now: Timestamp) -> Option<Change> {
        let mut cleared = std::mem::take(&mut self.memory.counters.error_401) > 0;
        let has_quota = self.left(now).is_some_and(|left| left > 0.0);
        if kind == CheckKind::Recheck && has_quota && self.blocked_for_payment(now) {
            self.memory.suspension = None;
            cleared = true;
        }
        cleared.then_some(Change::Cleared)
    }

    fn note_fault(&mut self, fault: CheckFault, now: Timestamp) -> Option<Change> {
        let usage = match &self.usage {
            UsageView::Known { usage, .. } => Some(usage.clone()),
            UsageView::Failed { usage, .. } => usage.clone(),
            UsageView::Unknown => None,
        };
        self.usage = UsageView::Failed { at: now, fault: fault.text, usage };
        let news = fault.unauthorized && self.memory.counters.error_401 == 0;
        if news {
            self.memory.counters.error_401 = 1;
        }
        news.then_some(Change::Unauthorized)
    }

    fn check_pause(&self, fault: &CheckFault, plan: CheckPlan) -> Duration {
        let doublings = self.check_failures.saturating_sub(1).min(10);
        let (first, most) = if fault.unauthorized || self.memory.counters.error_401 > 0 {
            (UNAUTHORIZED_RETRY, UNAUTHORIZED_RETRY_MAX)
        } else {
            (CHECK_RETRY, plan.refresh.unwrap_or(UNAUTHORIZED_RETRY_MAX).max(CHECK_RETRY))
        };
        first.saturating_mul(1 << doublings).min(most).max(fault.retry_after.unwrap_or_default())
    }

    /// Not later than this.
    pub(super) fn check_again_at(&mut self, at: Duration) {
        if let Some(next) = self.next_check {
            self.next_check = Some(next.min(at));
        }
    }

    /// Spreads checks by a tenth either way, by the key's id: no two keys in step, and no dice in the domain.
    fn jittered(&self, every: Duration) -> Duration {
        let percent = 90 + self.id.0.wrapping_mul(7) % 21;
        every.saturating_mul(percent) / 100
    }
}
