//! One key's live state: its health, why it is passed over, what answers and checks do to it. Not the choice among keys.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;

use super::{Ask, check::UNAUTHORIZED_RETRY, on_the_wall};
use crate::domain::{
    key::{Key, KeyId},
    limit::Limiter,
    now::{Now, add, since},
    outcome::{Cause, Counter, Effect, Verdict},
    policy::Policy,
    snapshot::{Counters, KeyView, Skip, Status, UsageView},
    trace::Tokens,
    usage::{Usage, Window, WindowKind},
};

/// `blocked_reason` of a payment block, as the old tool writes it.
const PAYMENT_REQUIRED: &str = "payment_required";
/// `blocked_reason` of an account that the upstream closed.
const ACCOUNT_TERMINATED: &str = "account_terminated";

/// Below this share left a key is `warn`.
const LOW: f64 = 0.2;
/// Longest cooldown after a fault that is probably the upstream's or the network's.
const BRIEF_MAX: Duration = Duration::from_secs(60);
/// How long a model stays refused to a key: plans change rarely, but they do.
const MODEL_REFUSED: Duration = Duration::from_secs(3600);
/// Models remembered as refused, per key.
const MODELS_MAX: usize = 32;
/// What is kept of a key between runs.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct KeyMemory {
    pub(crate) last_used: Option<Timestamp>,
    pub(crate) requests: u64,
    pub(crate) counters: Counters,
    pub(crate) cooldown: Option<Cooldown>,
    pub(crate) suspension: Option<Suspension>,
    /// When the counters last faded, or last grew from zero.
    pub(crate) faded_at: Option<Timestamp>,
    pub(crate) tokens: Tokens,
}

/// A pause that ends by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cooldown {
    pub(crate) until: Timestamp,
    /// An `outcome::Cause` in snake case.
    pub(crate) cause: String,
}

/// A block: by a person, for payment, by the upstream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Suspension {
    pub(crate) reason: String,
    /// `None` = until unblocked.
    pub(crate) until: Option<Timestamp>,
}

/// What happened to a key, for the log and the screen.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Change {
    CooledDown {
        cause: Cause,
        until: Timestamp,
    },
    Blocked {
        reason: String,
        until: Option<Timestamp>,
    },
    Unauthorized,
    /// A check found it well again.
    Cleared,
}

#[derive(Debug)]
pub(super) struct Slot {
    pub(super) id: KeyId,
    pub(super) key: Arc<Key>,
    pub(super) hash: Arc<str>,
    pub(super) in_flight: u32,
    pub(super) memory: KeyMemory,
    pub(super) usage: UsageView,
    limiter: Limiter,
    refused_models: Vec<(String, Timestamp)>,
    /// Brief cooldowns in a row; each doubles the next.
    brief_failures: u32,
    /// When the next check is due; `None` while one runs, or never.
    pub(super) next_check: Option<Duration>,
    pub(super) check_failures: u32,
    /// When the next recheck of a payment block is due; `None` = never.
    pub(super) next_recheck: Option<Duration>,
}

impl Slot {
    pub(super) fn new(id: KeyId, key: Key, memory: KeyMemory, policy: &Policy) -> Self {
        Self {
            id,
            hash: key.secret.hash().into(),
            key: Arc::new(key),
            in_flight: 0,
            memory,
            usage: UsageView::Unknown,
            limiter: Limiter::new(policy.key_rate),
            refused_models: Vec::new(),
            brief_failures: 0,
            next_check: Some(policy.checks.refresh.map_or(Duration::MAX, |_| Duration::ZERO)),
            check_failures: 0,
            next_recheck: policy.checks.recheck,
        }
    }

    /// Why this key can't take the request; `None` = it can. The first reason that holds.
    pub(super) fn skip(&self, ask: &Ask<'_>, policy: &Policy, now: Now) -> Option<Skip> {
        self.unavailable(now.wall)
            .or_else(|| ask.tried.contains(&self.id).then_some(Skip::Tried))
            .or_else(|| self.model_refused(ask.model, now.wall))
            .or_else(|| self.unchecked(policy))
            .or_else(|| {
                let free = self.limiter.full_until(now.steady)?;
                Some(Skip::RateLimited { until: on_the_wall(free, now) })
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

    /// Share of the tightest window that is left, 0 to 1; `None` when unknown.
    pub(super) fn left(&self, now: Timestamp) -> Option<f64> {
        self.tightest(now).and_then(|window| window.left)
    }

    /// Outstanding errors per request, as the old tool orders by.
    pub(super) fn error_rate(&self) -> f64 {
        let Counters { error_403, error_429, error_5xx, .. } = self.memory.counters;
        f64::from(error_403.saturating_add(error_429).saturating_add(error_5xx)) / (self.memory.requests.max(1) as f64)
    }

    pub(super) fn begin(&mut self, now: Now) {
        self.in_flight += 1;
        self.memory.last_used = Some(now.wall);
        self.limiter.take(now.steady);
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

    /// Applies a verdict. Parallel refusals of a key that cools down already advance nothing twice.
    pub(super) fn settle(
        &mut self,
        verdict: &Verdict,
        model: Option<&str>,
        policy: &Policy,
        now: Now,
    ) -> Option<Change> {
        self.memory.requests = self.memory.requests.saturating_add(1);
        let rule = verdict.cause.rule();
        let repeated = self.unavailable(now.wall).is_some_and(|skip| skip != Skip::Disabled);
        if !repeated {
            self.advance(rule.counter, now.wall);
        }
        match rule.effect {
            Effect::Nothing => None,
            Effect::Praise => {
                self.praise();
                None
            }
            Effect::RefuseModel => {
                self.refuse_model(model?, now.wall);
                None
            }
            Effect::AwaitCheck => {
                self.check_again_at(now.steady + UNAUTHORIZED_RETRY);
                (!repeated).then_some(Change::Unauthorized)
            }
            Effect::BlockForPayment => {
                self.next_recheck = policy.checks.recheck.map(|every| now.steady + every);
                self.suspend(PAYMENT_REQUIRED, policy.payment_block.map(|span| now.wall_after(span)))
            }
            Effect::BlockForGood => self.suspend(ACCOUNT_TERMINATED, None),
            Effect::CoolDown | Effect::CoolBriefly | Effect::CoolUntilReset => {
                let until = self.cooldown_end(rule.effect, verdict, policy, repeated, now.wall);
                self.cool_down(verdict.cause, until, now.wall)
            }
        }
    }

    /// Time heals: one of each error counter per cooldown that passed.
    pub(super) fn fade(&mut self, cooldown: Duration, now: Timestamp) {
        let Some(since_when) = self.memory.faded_at else { return };
        let steps = since(since_when, now).as_secs().checked_div(cooldown.as_secs()).unwrap_or_default();
        if steps == 0 {
            return;
        }
        let steps = u32::try_from(steps).unwrap_or(u32::MAX);
        self.lower_counters(steps);
        let counters = self.memory.counters;
        let healed = counters.error_403 == 0 && counters.error_429 == 0 && counters.error_5xx == 0;
        self.memory.faded_at = (!healed).then(|| add(since_when, cooldown.saturating_mul(steps)));
    }

    /// Whether time alone will change this key's state.
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
        self.check_at(now.steady);
    }

    pub(super) fn account(&self) -> Option<&str> {
        self.known_usage()?.user_id.as_deref()
    }

    pub(super) fn view(&self, policy: &Policy, now: Now) -> KeyView {
        KeyView {
            label: self.key.label.clone(),
            masked: self.key.secret.masked(),
            source: self.key.source.clone(),
            email: self.key.email.clone().or_else(|| self.known_usage()?.email.clone()),
            host: self.key.base.host(),
            priority: self.key.priority,
            active: false,
            status: self.status(now.wall),
            skip: self.skip(&Ask::default(), policy, now),
            in_flight: self.in_flight,
            requests: self.memory.requests,
            counters: self.memory.counters,
            last_used: self.memory.last_used,
            usage: self.usage.clone(),
            rate: self.limiter.view(now.steady),
            tokens: self.memory.tokens,
            shares_account_with: Vec::new(),
        }
    }

    /// The reasons that hold whatever is asked.
    fn unavailable(&self, now: Timestamp) -> Option<Skip> {
        if self.key.disabled {
            return Some(Skip::Disabled);
        }
        if let Some(Suspension { reason, until }) = self.suspended(now) {
            return Some(Skip::Blocked { reason: reason.clone(), until: *until });
        }
        if let Some(Cooldown { until, cause }) = self.memory.cooldown.as_ref().filter(|cooldown| cooldown.until > now) {
            return Some(Skip::CoolingDown { cause: cause.clone(), until: *until });
        }
        if self.memory.counters.error_401 > 0 {
            return Some(Skip::Unauthorized);
        }
        let empty = self.tightest(now).filter(|window| window.left.is_some_and(|left| left <= 0.0))?;
        Some(Skip::QuotaEmpty { until: empty.resets_at })
    }

    fn suspended(&self, now: Timestamp) -> Option<&Suspension> {
        self.memory.suspension.as_ref().filter(|block| block.until.is_none_or(|until| until > now))
    }

    pub(super) fn blocked_for_payment(&self, now: Timestamp) -> bool {
        self.suspended(now).is_some_and(|block| block.reason == PAYMENT_REQUIRED)
    }

    fn suspicious(&self, now: Timestamp) -> bool {
        let counters = self.memory.counters;
        counters.error_403 > 0
            || counters.error_429 > 0
            || counters.error_5xx > 0
            || !matches!(self.usage, UsageView::Known { .. })
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

    fn known_usage(&self) -> Option<&Usage> {
        match &self.usage {
            UsageView::Known { usage, .. } | UsageView::Failed { usage: Some(usage), .. } => Some(usage),
            _ => None,
        }
    }

    fn tightest(&self, now: Timestamp) -> Option<&Window> {
        self.known_usage()?.tightest(now)
    }

    fn advance(&mut self, counter: Counter, now: Timestamp) {
        let counters = &mut self.memory.counters;
        let count = match counter {
            Counter::None => return,
            Counter::Error401 => &mut counters.error_401,
            Counter::Error403 => &mut counters.error_403,
            Counter::Error429 => &mut counters.error_429,
            Counter::Error5xx => &mut counters.error_5xx,
        };
        *count = count.saturating_add(1);
        self.memory.faded_at.get_or_insert(now);
    }

    fn praise(&mut self) {
        self.brief_failures = 0;
        self.lower_counters(1);
    }

    fn lower_counters(&mut self, by: u32) {
        let counters = &mut self.memory.counters;
        for count in [&mut counters.error_403, &mut counters.error_429, &mut counters.error_5xx] {
            *count = count.saturating_sub(by);
        }
    }

    fn cooldown_end(
        &mut self,
        effect: Effect,
        verdict: &Verdict,
        policy: &Policy,
        repeated: bool,
        now: Timestamp,
    ) -> Timestamp {
        let configured = policy.cooldown.max(Duration::from_secs(1));
        let span = match effect {
            Effect::CoolBriefly => {
                if !repeated {
                    self.brief_failures = self.brief_failures.saturating_add(1);
                }
                let doubled = Duration::from_secs(1 << self.brief_failures.min(6));
                verdict.retry_after.unwrap_or(doubled).min(BRIEF_MAX).min(configured)
            }
            _ => verdict.retry_after.unwrap_or(configured),
        };
        let reset = verdict.cause.window().and_then(|kind| self.reset_of(&kind, now));
        reset.unwrap_or_else(|| add(now, span))
    }

    /// When the window that was refused resets, by the last usage report.
    fn reset_of(&self, kind: &WindowKind, now: Timestamp) -> Option<Timestamp> {
        let same = |window: &&Window| {
            window.kind == *kind || (*kind == WindowKind::MonthTotal && window.kind == WindowKind::MonthCode)
        };
        self.known_usage()?.windows.iter().filter(same).filter_map(|window| window.resets_at).find(|reset| *reset > now)
    }

    fn cool_down(&mut self, cause: Cause, until: Timestamp, now: Timestamp) -> Option<Change> {
        let running = self.memory.cooldown.as_ref().filter(|cooldown| cooldown.until > now);
        if running.is_some_and(|cooldown| cooldown.until >= until) {
            return None;
        }
        self.memory.cooldown = Some(Cooldown { until, cause: cause.code().to_owned() });
        Some(Change::CooledDown { cause, until })
    }

    fn suspend(&mut self, reason: &str, until: Option<Timestamp>) -> Option<Change> {
        let known = self.memory.suspension.as_ref().is_some_and(|block| block.reason == reason && block.until == until);
        self.block(reason, until);
        (!known).then(|| Change::Blocked { reason: reason.to_owned(), until })
    }

    fn refuse_model(&mut self, model: &str, now: Timestamp) {
        self.refused_models.retain(|(refused, until)| refused != model && *until > now);
        if self.refused_models.len() == MODELS_MAX {
            self.refused_models.remove(0);
        }
        self.refused_models.push((model.to_owned(), add(now, MODEL_REFUSED)));
    }
}
