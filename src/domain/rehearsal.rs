//! What would happen: a pool asked again and again at made-up moments, without a request. It changes the pool it is given.

use std::time::Duration;

use jiff::Timestamp;

use super::{
    key::Label,
    now::{Now, add},
    outcome::{Cause, Verdict},
    pool::{Ask, NoKey, Pool},
    reason::Chosen,
    snapshot::Skip,
    usage::Usage,
};

/// Between two made-up requests.
const GAP: Duration = Duration::from_secs(1);

/// What is supposed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Plan<'a> {
    /// Keys whose quota is gone.
    pub(crate) spent: &'a [Label],
    pub(crate) blocked: &'a [Label],
    /// When the first request comes, from now.
    pub(crate) after: Duration,
    pub(crate) requests: u32,
    pub(crate) model: Option<&'a str>,
}

/// One made-up request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pick {
    pub(crate) at: Timestamp,
    pub(crate) key: Result<(Label, Chosen), NoKey>,
    /// The other keys that could not have served, and why.
    pub(crate) passed_over: Vec<(Label, Skip)>,
}

/// Plays the plan. The last usage reports, as far as they are known, come first.
pub(crate) fn play(pool: &mut Pool, usages: &[(Label, Usage)], plan: &Plan<'_>, now: Now) -> Vec<Pick> {
    pool.check_all(now);
    for check in pool.due_checks(now) {
        if let Some((_, usage)) = usages.iter().find(|(label, _)| *label == check.key.label) {
            pool.checked(check.id, check.kind, Ok(usage.clone()), now);
        }
    }
    for label in plan.blocked {
        // A label that is unknown was told of before.
        let _ = pool.block(label, "", None, now);
    }
    spend(pool, plan.spent, now);
    (0..plan.requests).map(|number| pick(pool, plan, later(now, plan.after + GAP * number))).collect()
}

/// Each of these keys meets the refusal that says that its quota is gone.
fn spend(pool: &mut Pool, labels: &[Label], now: Now) {
    let mut tried = Vec::new();
    while let Ok(choice) = pool.pick(&Ask { tried: &tried, impatient: true, ..Ask::default() }, now) {
        tried.push(choice.id);
        if labels.contains(&choice.key.label) {
            pool.settle(choice.id, now, &Verdict::bare(Cause::Quota), None, now);
        }
        pool.release(choice.id, now);
    }
}

fn pick(pool: &mut Pool, plan: &Plan<'_>, now: Now) -> Pick {
    pool.tick(now);
    let chosen = pool.pick(&Ask { model: plan.model, ..Ask::default() }, now);
    let passed_over = pool.views(now).into_iter().filter_map(|key| Some((key.label, key.skip?))).collect();
    let key = chosen.map(|choice| {
        pool.settle(choice.id, now, &Verdict::bare(Cause::Ok), plan.model, now);
        pool.release(choice.id, now);
        (choice.key.label.clone(), choice.why)
    });
    Pick { at: now.wall, key, passed_over }
}

fn later(now: Now, by: Duration) -> Now {
    Now { wall: add(now.wall, by), steady: now.steady + by }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{key::sample, policy::Policy, pool::Memory};

    fn labels(picks: &[Pick]) -> Vec<&str> {
        picks.iter().map(|pick| pick.key.as_ref().map_or("-", |(label, _)| label.as_str())).collect()
    }

    fn played(rotates: bool, plan: &Plan<'_>) -> Vec<Pick> {
        let keys = ["alpha", "beta", "gamma"].map(|label| sample(label, "https://api.kimi.com/coding/v1")).into();
        let policy = Policy { auto_rotate_allowed: true, ..Policy::default() };
        let now = Now { wall: "2026-02-02T12:00:00Z".parse().expect("valid"), steady: Duration::ZERO };
        let memory = Memory { auto_rotate: rotates, ..Memory::default() };
        play(&mut Pool::new(policy, keys, &memory, now), &[], plan, now)
    }

    #[test]
    fn the_active_key_serves_until_it_is_spent_and_again_when_it_is_back() {
        let alpha = [Label::new("alpha")];
        assert_eq!(labels(&played(false, &Plan { requests: 2, ..Plan::default() })), ["alpha", "alpha"]);
        let spent = Plan { spent: &alpha, requests: 2, ..Plan::default() };
        let picks = played(false, &spent);
        assert_eq!(labels(&picks), ["beta", "beta"]);
        assert!(picks.iter().all(|pick| pick.passed_over.len() == 1), "{picks:?}");
        let later = Plan { after: Duration::from_secs(2 * 3_600), ..spent };
        assert_eq!(labels(&played(false, &later)), ["alpha", "alpha"], "the cooldown is over by then");
    }

    #[test]
    fn rotation_goes_round_what_is_left_and_says_when_nothing_is() {
        let blocked = [Label::new("beta")];
        let picks = played(true, &Plan { blocked: &blocked, requests: 4, ..Plan::default() });
        assert_eq!(labels(&picks), ["alpha", "gamma", "alpha", "gamma"]);
        let all = ["alpha", "beta", "gamma"].map(Label::new);
        let picks = played(true, &Plan { blocked: &all, requests: 1, ..Plan::default() });
        assert_eq!(labels(&picks), ["-"]);
        assert_eq!(picks[0].passed_over.len(), 3);
    }
}
