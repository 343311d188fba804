//! One key's live state: its health, why it is passed over, how people see it. Not what answers do to it (`verdict`), not
//! the choice among keys.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;

use super::{
    Ask,
    check::{Checks, UNAUTHORIZED_RETRY},
    memory::{Counted, KeyMemory, Suspension},
    on_the_wall,
    refusal::Refused,
};
use crate::domain::{
    key::{Key, KeyId},
    limit::Limiter,
    now::{Now, since},
    outcome::Cause,
    policy::Policy,
    ramp,
    runway::Readings,
    snapshot::{Counters, KeyView, Skip, Status, UsageView},
    trace::Tokens,
    usage::{Usage, Window},
};

/// `blocked_reason` of a payment block, as the old tool writes it.
pub(super) const PAYMENT_REQUIRED: &str = "payment_required";
/// Below this share left a key is `warn`.
const LOW: f64 = 0.2;

#[derive(Debug)]
pub(super) struct Slot {
    pub(super) id: KeyId,
    pub(super) key: Arc<Key>,
    pub(super) hash: Arc<str>,
    /// Its upstream host, as a position among the pool's hosts.
    pub(super) host: usize,
    pub(super) in_flight: u32,
    pub(super) memory: KeyMemory,
    pub(super) usage: UsageView,
    pub(super) readings: Readings,
    pub(super) limiter: Limiter,
    pub(super) refused_models: Vec<(String, Timestamp)>,
    /// Brief cooldowns in a row; each doubles the next.
    pub(super) brief_failures: u32,
    /// The upstream said that its quota or money is gone, and no good answer has come since.
    pub(super) refused: Option<Refused>,
    /// What was last held against the key, and when: to be taken back when it was not the key's fault.
    pub(super) blamed: Option<(Cause, Duration)>,
    /// Its upstream was busy: until then others are asked first.
    pub(super) aside_until: Option<Timestamp>,
    /// It could not serve when it was last looked at: it comes back slowly.
    pub(super) out: bool,
    /// When a slow start began.
    pub(super) ramp: Option<Duration>,
    pub(super) checks: Checks,
}

impl Slot {
    pub(super) fn new(
        id: KeyId,
        key: Arc<Key>,
        host: usize,
        memory: KeyMemory,
        policy: &Policy,
        now: Duration,
    ) -> Self {
        let unauthorized = memory.counters.error_401 > 0;
        Self {
            id,
            hash: key.secret.hash().into(),
            key,
            host,
            in_flight: 0,
            memory,
            usage: UsageView::Unknown,
            readings: Readings::default(),
            limiter: Limiter::new(policy.key_rate),
            refused_models: Vec::new(),
            brief_failures: 0,
            refused: None,
            blamed: None,
            aside_until: None,
            out: false,
            ramp: None,
            checks: {
                let mut checks = Checks::new(policy.checks, now);
                if unauthorized {
                    checks.not_later_than(now + UNAUTHORIZED_RETRY);
                }
                checks
            },
        }
    }

    /// The reasons that hold whatever is asked, the first of them.
    pub(super) fn unavailable(&self, now: Timestamp) -> Option<Skip> {
        if self.key.disabled {
            return Some(Skip::Disabled);
        }
        if let Some(Suspension { reason, until }) = self.suspended(now) {
            return Some(Skip::Blocked { reason: reason.clone(), until: *until });
        }
        if let Some(cooldown) = self.memory.cooldown.as_ref().filter(|cooldown| cooldown.until > now) {
            return Some(Skip::CoolingDown { cause: cooldown.cause.clone(), until: cooldown.until });
        }
        if self.memory.counters.error_401 > 0 {
            return Some(Skip::Unauthorized);
        }
        let empty = self.tightest(now).filter(|window| window.left.is_some_and(|left| left <= 0.0))?;
        Some(Skip::QuotaEmpty { until: empty.resets_at })
    }

    /// The reasons that depend on the request and on the moment. A slow start binds only `patient` requests.
    pub(super) fn obstacle(&self, ask: &Ask<'_>, account_load: u32, policy: &Policy, now: Now) -> Option<Skip> {
        if ask.tried.contains(&self.id) {
            return Some(Skip::Tried);
        }
        self.model_refused(ask.model, now.wall)
            .or_else(|| self.unchecked(policy))
            .or_else(|| {
                let free = self.limiter.full_until(now.steady)?;
                Some(Skip::RateLimited { until: on_the_wall(free, now) })
            })
            .or_else(|| {
                let limit = self.parallel_limit().filter(|limit| account_load >= *limit)?;
                Some(Skip::Full { limit })
            })
            .or_else(|| {
                let start = self.ramp.filter(|_| !ask.impatient)?;
                let free = ramp::full_until(start, self.in_flight, now.steady)?;
                Some(Skip::SlowStart { until: on_the_wall(free, now) })
            })
    }

    /// Health, worst rule first.
    pub(super) fn status(&self, now: Timestamp) -> Status {
        match self.unavailable(now) {
            Some(Skip::Disabled) => Status::Disabled,
            Some(Skip::CoolingDown { .. }) => Status::Exhausted,
            Some(_) => Status::Blocked,
            None if self.suspicious(now) => Status::Warn,
            None => Status::Healthy,
        }
    }

    /// When time alone changes the status next, counters aside: they fade by [`super::Pool::tick`].
    pub(super) fn next_change(&self, now: Timestamp) -> Option<Timestamp> {
        let cooldown = self.memory.cooldown.as_ref().map(|cooldown| cooldown.until);
        let block = self.memory.suspension.as_ref().and_then(|block| block.until);
        let windows = self.known_usage().into_iter().flat_map(|usage| &usage.windows);
        let resets = windows.filter_map(|window| window.resets_at);
        cooldown.into_iter().chain(block).chain(resets).chain(self.aside_until).filter(|moment| *moment > now).min()
    }

    /// Share of the tightest window that is left, 0 to 1; `None` when unknown.
    pub(super) fn left(&self, now: Timestamp) -> Option<f64> {
        self.tightest(now).and_then(|window| window.left)
    }

    /// How far the tightest window is ahead of its time: what is left of it for what is left of its time. 1 is even.
    pub(super) fn pace(&self, now: Timestamp) -> Option<f64> {
        let window = self.tightest(now)?;
        let time_left = window.time_left(now).unwrap_or(1.0);
        Some(window.left? / time_left.max(0.02))
    }

    /// Whether anything is remembered against it that a good answer would change.
    pub(super) fn is_under_suspicion(&self) -> bool {
        let KeyMemory { counters, cooldown, .. } = &self.memory;
        *counters != Counters::default() || cooldown.is_some() || self.refused.is_some() || self.brief_failures > 0
    }

    /// Outstanding errors per request, as the old tool orders by.
    pub(super) fn error_rate(&self) -> f64 {
        let Counters { error_403, error_429, error_5xx, .. } = self.memory.counters;
        f64::from(error_403.saturating_add(error_429).saturating_add(error_5xx)) / (self.memory.requests.max(1) as f64)
    }

    /// Most requests at once that its account takes, by its last report.
    pub(super) fn parallel_limit(&self) -> Option<u32> {
        self.known_usage()?.parallel_limit
    }

    pub(super) fn begin(&mut self, now: Now) {
        self.in_flight += 1;
        self.memory.last_used = Some(now.wall);
        self.limiter.take(now.steady);
        if self.ramp.is_some_and(|start| now.steady.saturating_sub(start) >= ramp::SPAN) {
            self.ramp = None;
        }
    }

    /// A slow start begins, unless the key is busy anyway.
    pub(super) fn start_slowly(&mut self, now: Duration) {
        if self.in_flight == 0 {
            self.ramp = Some(now);
        }
    }

    pub(super) fn count_tokens(&mut self, tokens: Tokens) {
        let total = &mut self.memory.tokens;
        for (sum, more) in
            [(&mut total.input, tokens.input), (&mut total.output, tokens.output), (&mut total.cached, tokens.cached)]
        {
            if let Some(more) = more {
                *sum = Some(sum.unwrap_or_default().saturating_add(more));
            }
        }
    }

    /// Adds what another process counted.
    pub(super) fn adopt(&mut self, counted: &Counted) {
        self.memory.requests = self.memory.requests.saturating_add(counted.requests);
        self.count_tokens(counted.tokens);
    }

    /// Whether time alone will change what people see of this key.
    pub(super) fn waiting(&self, now: Timestamp) -> bool {
        let ended_lately = |until: Timestamp| since(until, now) < Duration::from_secs(2);
        self.memory.faded_at.is_some()
            || self.memory.cooldown.as_ref().is_some_and(|cooldown| ended_lately(cooldown.until))
            || self.memory.suspension.as_ref().and_then(|block| block.until).is_some_and(ended_lately)
    }

    pub(super) fn block(&mut self, reason: &str, until: Option<Timestamp>) {
        self.memory.suspension = Some(Suspension { reason: reason.to_owned(), until });
    }

    /// Forgets everything that stands against the key.
    pub(super) fn unblock(&mut self, now: Now) {
        self.memory.suspension = None;
        self.memory.cooldown = None;
        self.memory.counters = Counters::default();
        self.memory.faded_at = None;
        self.refused_models.clear();
        self.brief_failures = 0;
        self.refused = None;
        self.checks.at(now.steady);
    }

    pub(super) fn account(&self) -> Option<&str> {
        self.known_usage()?.user_id.as_deref()
    }

    pub(super) fn view(&self, now: Now) -> KeyView {
        KeyView {
            label: self.key.label.clone(),
            masked: self.key.secret.masked(),
            source: self.key.source.clone(),
            email: self.key.email.clone().or_else(|| self.known_usage()?.email.clone()),
            host: self.key.base.host(),
            priority: self.key.priority,
            active: false,
            status: self.status(now.wall),
            skip: None,
            in_flight: self.in_flight,
            requests: self.memory.requests,
            counters: self.memory.counters,
            last_used: self.memory.last_used,
            usage: self.usage.clone(),
            pace: self.readings.paces(),
            rate: self.limiter.view(now.steady),
            tokens: self.memory.tokens,
            shares_account_with: Vec::new(),
            contradiction: self.contradiction(now.wall),
        }
    }

    pub(super) fn suspended(&self, now: Timestamp) -> Option<&Suspension> {
        self.memory.suspension.as_ref().filter(|block| block.until.is_none_or(|until| until > now))
    }

    pub(super) fn blocked_for_payment(&self, now: Timestamp) -> bool {
        self.suspended(now).is_some_and(|block| block.reason == PAYMENT_REQUIRED)
    }

    pub(super) fn known_usage(&self) -> Option<&Usage> {
        match &self.usage {
            UsageView::Known { usage, .. } | UsageView::Failed { usage: Some(usage), .. } => Some(usage),
            _ => None,
        }
    }

    fn suspicious(&self, now: Timestamp) -> bool {
        let counters = self.memory.counters;
        counters.error_403 > 0
            || counters.error_429 > 0
            || counters.error_5xx > 0
            || self.refused.is_some()
            || self.known_usage().is_none()
            || self.left(now).is_some_and(|left| left < LOW)
    }

    fn model_refused(&self, model: Option<&str>, now: Timestamp) -> Option<Skip> {
        let model = model?;
        let (_, until) = self.refused_models.iter().find(|(refused, until)| refused == model && *until > now)?;
        Some(Skip::ModelRefused { until: *until })
    }

    /// Strict mode.
    fn unchecked(&self, policy: &Policy) -> Option<Skip> {
        let fine = match self.usage {
            UsageView::Known { .. } => true,
            UsageView::Unknown => policy.fail_open,
            UsageView::Failed { .. } => false,
        };
        (policy.require_usage && !fine).then_some(Skip::UsageUnknown)
    }

    fn tightest(&self, now: Timestamp) -> Option<&Window> {
        self.known_usage()?.tightest(now)
    }
}
