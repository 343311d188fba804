//! What an answer does to the key that met it. Not what an answer means (`outcome`).

use std::time::Duration;

use jiff::Timestamp;

use super::{
    check::UNAUTHORIZED_RETRY,
    memory::Cooldown,
    refusal::Refused,
    slot::{PAYMENT_REQUIRED, Slot},
};
use crate::domain::{
    now::{Now, add},
    outcome::{Cause, Counter, Effect, Verdict},
    policy::Policy,
    snapshot::Skip,
};

/// `blocked_reason` of an account that the upstream closed.
const ACCOUNT_TERMINATED: &str = "account_terminated";
/// Longest cooldown after a fault that is probably the upstream's or the network's.
const BRIEF_MAX: Duration = Duration::from_secs(60);
/// How long others are asked first after an upstream was busy and did not say how long.
const ASIDE: Duration = Duration::from_secs(2);
/// How long a model stays refused to a key: plans change rarely, but they do.
const MODEL_REFUSED: Duration = Duration::from_secs(3600);
/// Models remembered as refused, per key.
const MODELS_MAX: usize = 32;

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

impl Slot {
    /// Applies a verdict. Parallel refusals of a key that is out already advance nothing twice.
    pub(super) fn settle(
        &mut self,
        verdict: &Verdict,
        begun: Now,
        model: Option<&str>,
        policy: &Policy,
        now: Now,
    ) -> Option<Change> {
        self.memory.requests = self.memory.requests.saturating_add(1);
        let rule = verdict.cause.rule();
        let repeated = self.unavailable(now.wall).is_some_and(|skip| skip != Skip::Disabled);
        if !repeated {
            self.advance(rule.counter, now.wall);
            if !matches!(rule.effect, Effect::Praise | Effect::Nothing | Effect::StepAside) {
                self.blamed = Some((verdict.cause, now.steady));
            }
        }
        if verdict.cause.wants_quota() && self.refused.is_none_or(|refused| refused.cause != verdict.cause) {
            self.refused = Some(Refused { cause: verdict.cause, at: now.wall, confirmed: false });
        }
        match rule.effect {
            Effect::Nothing => None,
            Effect::StepAside => {
                let span = verdict.retry_after.unwrap_or(ASIDE).min(BRIEF_MAX);
                self.aside_until = Some(now.wall_after(span));
                None
            }
            Effect::Praise => {
                self.brief_failures = 0;
                self.memory.lower_counters(1);
                self.served_again(begun.wall, now.wall);
                self.forget_brief_failure(begun);
                None
            }
            Effect::RefuseModel => {
                self.refuse_model(model?, now.wall);
                None
            }
            Effect::AwaitCheck => {
                self.checks.not_later_than(now.steady + UNAUTHORIZED_RETRY);
                (!repeated).then_some(Change::Unauthorized)
            }
            Effect::BlockForPayment => {
                self.checks.recheck = policy.checks.recheck.map(|every| now.steady + every);
                self.suspend(PAYMENT_REQUIRED, policy.payment_block.map(|span| now.wall_after(span)), now.wall)
            }
            Effect::BlockForGood => self.suspend(ACCOUNT_TERMINATED, None, now.wall),
            Effect::CoolDown | Effect::CoolBriefly | Effect::CoolUntilReset => {
                let reset = verdict.cause.window().and_then(|kind| self.reset_of(&kind, now.wall));
                let until = reset.unwrap_or_else(|| add(now.wall, self.pause(rule.effect, verdict, policy, repeated)));
                let cooldown = Cooldown { until, cause: verdict.cause.code().to_owned(), by_reset: reset.is_some() };
                self.cool_down(verdict.cause, cooldown, now.wall)
            }
        }
    }

    /// It was not the key: takes back what this cause did to it. The wait that the upstream asked for still holds.
    pub(super) fn take_back(&mut self, cause: Cause) {
        if self.blamed.take_if(|(blamed, _)| *blamed == cause).is_none() {
            return;
        }
        let counters = &mut self.memory.counters;
        match cause.rule().counter {
            Counter::None => {}
            Counter::Error401 => counters.error_401 = 0,
            Counter::Error403 => counters.error_403 = counters.error_403.saturating_sub(1),
            Counter::Error429 => counters.error_429 = counters.error_429.saturating_sub(1),
            Counter::Error5xx => counters.error_5xx = counters.error_5xx.saturating_sub(1),
        }
        if cause.rule().effect == Effect::CoolBriefly {
            self.brief_failures = self.brief_failures.saturating_sub(1);
        }
        let asked_for = matches!(cause, Cause::RateLimited | Cause::Concurrency);
        if !asked_for {
            self.memory.cooldown.take_if(|cooldown| cooldown.cause == cause.code());
        }
    }

    /// A good answer to what was asked after a brief failure: there is nothing to wait for.
    fn forget_brief_failure(&mut self, begun: Now) {
        if let Some((cause, at)) = self.blamed
            && cause.rule().effect == Effect::CoolBriefly
            && begun.steady > at
        {
            self.memory.cooldown.take_if(|cooldown| cooldown.cause == cause.code());
        }
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

    fn pause(&mut self, effect: Effect, verdict: &Verdict, policy: &Policy, repeated: bool) -> Duration {
        let configured = policy.cooldown.max(Duration::from_secs(1));
        match effect {
            Effect::CoolBriefly => {
                if !repeated {
                    self.brief_failures = self.brief_failures.saturating_add(1);
                }
                let doubled = Duration::from_secs(1 << self.brief_failures.min(6));
                verdict.retry_after.unwrap_or(doubled).min(BRIEF_MAX).min(configured)
            }
            _ => verdict.retry_after.unwrap_or(configured),
        }
    }

    fn cool_down(&mut self, cause: Cause, cooldown: Cooldown, now: Timestamp) -> Option<Change> {
        let until = cooldown.until;
        let running = self.memory.cooldown.as_ref().filter(|running| running.until > now);
        if running.is_some_and(|running| running.until >= until) {
            return None;
        }
        self.memory.cooldown = Some(cooldown);
        Some(Change::CooledDown { cause, until })
    }

    /// Parallel refusals block once, and a longer block of another's stays.
    fn suspend(&mut self, reason: &str, until: Option<Timestamp>, now: Timestamp) -> Option<Change> {
        let end = |until: Option<Timestamp>| until.unwrap_or(Timestamp::MAX);
        if self.suspended(now).is_some_and(|block| block.reason == reason || end(block.until) >= end(until)) {
            return None;
        }
        self.block(reason, until);
        Some(Change::Blocked { reason: reason.to_owned(), until })
    }

    fn refuse_model(&mut self, model: &str, now: Timestamp) {
        self.refused_models.retain(|(refused, until)| refused != model && *until > now);
        if self.refused_models.len() == MODELS_MAX {
            self.refused_models.remove(0);
        }
        self.refused_models.push((model.to_owned(), add(now, MODEL_REFUSED)));
    }
}
