//! Health checks of one key: when one is due, and what its result does to the key. Not the asking (`poller`).

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;

use super::{Pool, slot::Slot, verdict::Change};
use crate::domain::{
    key::{Key, KeyId},
    now::Now,
    policy::CheckPlan,
    snapshot::UsageView,
    usage::Usage,
};

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

/// A health check that is due.
#[derive(Debug, Clone)]
pub(crate) struct Check {
    pub(crate) id: KeyId,
    pub(crate) key: Arc<Key>,
    pub(crate) kind: CheckKind,
}

/// How a health check failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CheckFault {
    /// For people and logs, English, no secret.
    pub(crate) text: String,
    pub(crate) kind: CheckFaultKind,
    pub(crate) retry_after: Option<Duration>,
}

/// Whose fault it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CheckFaultKind {
    /// The upstream refused the key itself.
    Unauthorized,
    /// The host did not answer, or not as a healthy one.
    Host,
    /// Anything else that an answer says.
    Answer,
}

/// When a key is checked. Times are on the steady clock.
#[derive(Debug, Clone)]
pub(super) struct Checks {
    /// `None` while one runs.
    next: Option<Duration>,
    failures: u32,
    /// When the next recheck of a payment block is due; `None` = never.
    pub(super) recheck: Option<Duration>,
}

impl Checks {
    /// A new key is checked at once, unless checking is off.
    pub(super) fn new(plan: CheckPlan, now: Duration) -> Self {
        Self {
            next: Some(plan.refresh.map_or(Duration::MAX, |_| now)),
            failures: 0,
            recheck: plan.recheck.map(|every| now + every),
        }
    }

    /// New settings: what is due keeps its time, unless checking was switched on or off.
    pub(super) fn replan(&mut self, plan: CheckPlan, now: Duration) {
        let planned = Self::new(plan, now);
        if self.next.is_some_and(|next| (next == Duration::MAX) != (planned.next == Some(Duration::MAX))) {
            self.next = planned.next;
        }
        self.recheck = planned.recheck;
    }

    pub(super) fn at(&mut self, at: Duration) {
        if self.next.is_some() {
            self.next = Some(at);
        }
    }

    pub(super) fn not_later_than(&mut self, at: Duration) {
        if let Some(next) = self.next {
            self.next = Some(next.min(at));
        }
    }

    /// Its host is left alone until then.
    pub(super) fn not_before(&mut self, at: Duration) {
        if let Some(next) = self.next {
            self.next = Some(next.max(at));
        }
    }

    pub(super) fn started(&mut self) {
        self.next = None;
    }
}

impl Slot {
    pub(super) fn check_due(&self, now: Now) -> Option<CheckKind> {
        let due = |at: Option<Duration>| at.is_some_and(|at| at <= now.steady);
        if due(self.checks.recheck) && self.checks.next.is_some() && self.blocked_for_payment(now.wall) {
            return Some(CheckKind::Recheck);
        }
        (due(self.checks.next) && !self.key.disabled).then_some(CheckKind::Refresh)
    }

    pub(super) fn checked(
        &mut self,
        kind: CheckKind,
        result: Result<Usage, CheckFault>,
        plan: CheckPlan,
        now: Now,
    ) -> Option<Change> {
        if kind == CheckKind::Recheck {
            self.checks.recheck = plan.recheck.map(|every| now.steady + every);
        }
        match result {
            Ok(usage) => {
                self.checks.failures = 0;
                self.checks.next =
                    Some(plan.refresh.map_or(Duration::MAX, |every| now.steady.saturating_add(self.jittered(every))));
                self.readings.note(&usage, now.wall);
                self.usage = UsageView::Known { at: now.wall, usage: Arc::new(usage) };
                self.clear_by_check(kind, now.wall)
            }
            Err(fault) => {
                self.checks.failures = self.checks.failures.saturating_add(1);
                self.checks.next = Some(now.steady.saturating_add(self.check_pause(&fault, plan)));
                self.note_fault(fault, now.wall)
            }
        }
    }

    /// A good check lifts a 401; a payment block only when it was rechecked and quota is really there; the mark of an
    /// empty window when a report has agreed with it before.
    fn clear_by_check(&mut self, kind: CheckKind, now: Timestamp) -> Option<Change> {
        let mut cleared = std::mem::take(&mut self.memory.counters.error_401) > 0;
        let has_quota = self.left(now).is_some_and(|left| left > 0.0);
        if kind == CheckKind::Recheck && has_quota && self.blocked_for_payment(now) {
            self.memory.suspension = None;
            self.refused = None;
            cleared = true;
        }
        cleared |= self.compare_with_report(now);
        cleared.then_some(Change::Cleared)
    }

    fn note_fault(&mut self, fault: CheckFault, now: Timestamp) -> Option<Change> {
        let unauthorized = fault.kind == CheckFaultKind::Unauthorized;
        let usage = match &self.usage {
            UsageView::Known { usage, .. } => Some(usage.clone()),
            UsageView::Failed { usage, .. } => usage.clone(),
            UsageView::Unknown => None,
        };
        self.usage = UsageView::Failed { at: now, fault: fault.text, usage };
        let news = unauthorized && self.memory.counters.error_401 == 0;
        if news {
            self.memory.counters.error_401 = 1;
        }
        news.then_some(Change::Unauthorized)
    }

    fn check_pause(&self, fault: &CheckFault, plan: CheckPlan) -> Duration {
        let doublings = self.checks.failures.saturating_sub(1).min(10);
        let unauthorized = fault.kind == CheckFaultKind::Unauthorized || self.memory.counters.error_401 > 0;
        let (first, most) = if unauthorized {
            (UNAUTHORIZED_RETRY, UNAUTHORIZED_RETRY_MAX)
        } else {
            (CHECK_RETRY, plan.refresh.unwrap_or(UNAUTHORIZED_RETRY_MAX).max(CHECK_RETRY))
        };
        first.saturating_mul(1 << doublings).min(most).max(fault.retry_after.unwrap_or_default())
    }

    /// Spreads checks by a tenth either way, by the key's id: no two keys in step, and no dice in the domain.
    fn jittered(&self, every: Duration) -> Duration {
        let percent = 90 + self.id.0.wrapping_mul(7) % 21;
        every.saturating_mul(percent) / 100
    }
}

impl Pool {
    /// Takes the health checks that are due: each is handed out once, and answered by [`Pool::checked`].
    pub(crate) fn due_checks(&mut self, now: Now) -> Vec<Check> {
        let most_rechecks = self.policy.checks.most_rechecks;
        let mut rechecks = 0;
        let mut due = Vec::new();
        for slot in &mut self.slots {
            let Some(kind) = slot.check_due(now) else { continue };
            let host = &mut self.hosts[slot.host];
            if let Some(until) = host.checks.closed_until(now.steady) {
                slot.checks.not_before(until);
                continue;
            }
            if kind == CheckKind::Recheck {
                rechecks += 1;
                if most_rechecks > 0 && rechecks > most_rechecks {
                    continue;
                }
            }
            host.checks.begin(now.steady);
            slot.checks.started();
            due.push(Check { id: slot.id, key: slot.key.clone(), kind });
        }
        due
    }

    /// Makes every key due for a check now, whatever was known of its host.
    pub(crate) fn check_all(&mut self, now: Now) {
        for host in &mut self.hosts {
            host.checks.succeeded();
        }
        for slot in &mut self.slots {
            slot.checks.at(now.steady);
        }
    }

    /// The result of a health check.
    pub(crate) fn checked(
        &mut self,
        id: KeyId,
        kind: CheckKind,
        result: Result<Usage, CheckFault>,
        now: Now,
    ) -> Option<Change> {
        self.last_health_refresh = Some(now.wall);
        let position = self.position(id)?;
        let slot = &mut self.slots[position];
        self.hosts[slot.host].checked(&result, id, now.steady);
        let account = slot.account().map(str::to_owned);
        let change = slot.checked(kind, result, self.policy.checks, now);
        if slot.account() != account.as_deref() {
            self.account_changed(position, account.as_deref());
        }
        self.restand(position, now);
        change
    }
}
