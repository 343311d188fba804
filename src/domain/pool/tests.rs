//! The pool over time: picks, refusals, recovery. What holds over any history is in `properties`.

use super::*;
use crate::domain::{
    key::sample,
    outcome::Cause,
    policy::RateLimit,
    snapshot::{Status, UsageView},
    usage::{Usage, Window, WindowKind},
};

/// Seconds after the start of the story.
fn at(seconds: u64) -> Now {
    let start = Timestamp::from_second(1_770_000_000).expect("valid");
    let steady = Duration::from_secs(seconds);
    Now { wall: add(start, steady), steady }
}

fn key(label: &str) -> Key {
    sample(label, "https://api.kimi.com/coding/v1")
}

fn auto() -> Policy {
    Policy { auto_rotate_allowed: true, ..Policy::default() }
}

fn pool(policy: Policy, labels: &[&str]) -> Pool {
    let auto_rotate = policy.auto_rotate_allowed;
    Pool::new(
        policy,
        labels.iter().map(|label| key(label)).collect(),
        &Memory { auto_rotate, ..Memory::default() },
        at(0),
    )
}

/// A pool whose keys have all been checked and found full.
fn healthy(policy: Policy, labels: &[&str]) -> Pool {
    let mut pool = pool(policy, labels);
    for label in labels {
        report(&mut pool, label, 1.0, at(0));
    }
    pool
}

fn id(pool: &Pool, label: &str) -> KeyId {
    pool.slots.iter().find(|slot| slot.key.label.as_str() == label).expect("known").id
}

fn usage(left: f64) -> Usage {
    let resets_at = Some(at(7_200).wall);
    let window = Window { kind: WindowKind::FiveHours, left: Some(left), used: None, limit: None, resets_at };
    Usage { windows: vec![window], ..Usage::default() }
}

fn report(pool: &mut Pool, label: &str, left: f64, now: Now) -> Option<Change> {
    pool.checked(id(pool, label), CheckKind::Refresh, Ok(usage(left)), now)
}

fn pick(pool: &mut Pool, now: Now) -> String {
    let choice = pool.pick(&Ask::default(), now).expect("some key");
    pool.release(choice.id, now);
    choice.key.label.to_string()
}

fn settle(pool: &mut Pool, label: &str, cause: Cause, now: Now) -> Option<Change> {
    pool.settle(id(pool, label), now, &Verdict::bare(cause), None, now)
}

fn settle_after(pool: &mut Pool, label: &str, cause: Cause, seconds: u64, now: Now) -> Option<Change> {
    let verdict = Verdict { retry_after: Some(Duration::from_secs(seconds)), ..Verdict::bare(cause) };
    pool.settle(id(pool, label), now, &verdict, None, now)
}

fn status(pool: &Pool, label: &str, now: Now) -> Status {
    pool.views(now).into_iter().find(|view| view.label.as_str() == label).expect("known").status
}

fn skips(pool: &mut Pool, now: Now) -> Vec<(String, Skip)> {
    let no_key = pool.pick(&Ask::default(), now).expect_err("no key");
    no_key.reasons.into_iter().map(|(label, skip)| (label.to_string(), skip)).collect()
}

#[test]
fn round_robin_is_even() {
    let mut pool = healthy(auto(), &["a", "b", "c"]);
    let picks: Vec<String> = (0..90).map(|_| pick(&mut pool, at(1))).collect();
    for label in ["a", "b", "c"] {
        assert_eq!(picks.iter().filter(|pick| *pick == label).count(), 30);
    }
    assert_eq!(picks[..4], ["a", "b", "c", "a"]);
}

#[test]
fn a_manual_rotation_changes_what_is_sent() {
    let mut pool = healthy(Policy::default(), &["a", "b"]);
    assert_eq!(pick(&mut pool, at(1)), "a");
    report(&mut pool, "a", 0.5, at(1));
    let rotated = pool.rotate(at(2)).expect("rotates");
    assert_eq!((rotated.to.as_str(), rotated.why), ("b", manual::Why::Remaining));
    assert_eq!(pick(&mut pool, at(3)), "b");
    assert_eq!(pool.memory().active, Some(Label::new("b")));
}

#[test]
fn auto_rotation_needs_the_policy() {
    let mut pool = healthy(Policy::default(), &["a", "b"]);
    assert_eq!(pool.set_auto_rotate(true), Err(Refusal::AutoRotateNotAllowed));
    pool.auto_rotate = true;
    assert_eq!(pick(&mut pool, at(1)), "a");
    assert_eq!(pick(&mut pool, at(1)), "a");
}

#[test]
fn a_rate_limited_key_comes_back_on_time_and_is_not_starved() {
    let mut pool = healthy(auto(), &["a", "b"]);
    assert!(settle_after(&mut pool, "a", Cause::RateLimited, 1, at(10)).is_some());
    assert_eq!(status(&pool, "a", at(10)), Status::Exhausted);
    assert_eq!(pick(&mut pool, at(10)), "b");
    assert_eq!(status(&pool, "a", at(11)), Status::Warn, "the refusal is remembered");
    assert_eq!(pick(&mut pool, at(11)), "b", "a healthy key is preferred");
    pool.tick(at(10 + 300));
    assert_eq!(status(&pool, "a", at(310)), Status::Healthy, "a cooldown later it is forgotten");
    let picks: Vec<String> = (0..4).map(|_| pick(&mut pool, at(311))).collect();
    assert_eq!(picks.iter().filter(|pick| *pick == "a").count(), 2);
}

#[test]
fn a_warned_key_serves_when_nothing_healthy_is_left() {
    let mut pool = healthy(auto(), &["a", "b"]);
    report(&mut pool, "a", 0.1, at(1));
    assert_eq!(pick(&mut pool, at(1)), "b");
    settle(&mut pool, "b", Cause::RateLimited, at(2));
    assert_eq!(pick(&mut pool, at(2)), "a");
}

#[test]
fn parallel_refusals_count_once() {
    let mut pool = healthy(auto(), &["a", "b"]);
    assert!(settle(&mut pool, "a", Cause::ServerError, at(5)).is_some());
    for _ in 0..20 {
        assert_eq!(settle(&mut pool, "a", Cause::ServerError, at(5)), None);
    }
    assert_eq!(pool.views(at(5))[0].counters.error_5xx, 1);
    assert_eq!(
        skips_of(&pool, "a", at(5)),
        Some(Skip::CoolingDown { cause: "server_error".into(), until: at(7).wall })
    );
}

fn skips_of(pool: &Pool, label: &str, now: Now) -> Option<Skip> {
    pool.views(now).into_iter().find(|view| view.label.as_str() == label).expect("known").skip
}

#[test]
fn failures_in_a_row_cool_longer_but_never_over_a_minute() {
    let mut pool = healthy(auto(), &["a"]);
    let mut now = 0;
    for expected in [2, 4, 8, 16, 32, 60, 60] {
        let Some(Change::CooledDown { until, .. }) = settle(&mut pool, "a", Cause::ServerError, at(now)) else {
            panic!("it cools down");
        };
        assert_eq!(until, at(now + expected).wall);
        now += expected;
    }
    settle(&mut pool, "a", Cause::Ok, at(now));
    let Some(Change::CooledDown { until, .. }) = settle(&mut pool, "a", Cause::ServerError, at(now)) else {
        panic!("it cools down");
    };
    assert_eq!(until, at(now + 2).wall, "a success starts over");
}

#[test]
fn a_good_answer_ends_a_brief_rest_at_once_also_after_one_that_began_before() {
    let mut pool = healthy(Policy::default(), &["alpha", "beta"]);
    settle_after(&mut pool, "alpha", Cause::ServerError, 48, at(10));
    settle(&mut pool, "alpha", Cause::Ok, at(10));
    assert_eq!(pick(&mut pool, at(10)), "beta", "what was asked before the failure says nothing of it");
    settle(&mut pool, "alpha", Cause::Ok, at(11));
    assert_eq!(pick(&mut pool, at(11)), "alpha");
}

#[test]
fn a_401_blocks_until_a_check_succeeds() {
    let mut pool = healthy(auto(), &["a"]);
    assert_eq!(settle(&mut pool, "a", Cause::Unauthorized, at(5)), Some(Change::Unauthorized));
    assert_eq!(skips(&mut pool, at(9_999)), [("a".to_owned(), Skip::Unauthorized)]);
    assert!(pool.due_checks(at(64)).is_empty());
    assert_eq!(pool.due_checks(at(65)).len(), 1, "it is checked again within minutes");
    assert_eq!(report(&mut pool, "a", 0.9, at(66)), Some(Change::Cleared));
    assert_eq!(pick(&mut pool, at(67)), "a");
}

#[test]
fn a_payment_block_ends_by_time_or_by_a_recheck_that_finds_quota() {
    let mut pool = healthy(auto(), &["a"]);
    settle(&mut pool, "a", Cause::PaymentRequired, at(0));
    report(&mut pool, "a", 1.0, at(10));
    assert_eq!(status(&pool, "a", at(10)), Status::Blocked, "a green report does not overrule a refusal");
    let id = id(&pool, "a");
    pool.checked(id, CheckKind::Recheck, Ok(usage(0.0)), at(20));
    assert_eq!(status(&pool, "a", at(20)), Status::Blocked);
    assert_eq!(pool.checked(id, CheckKind::Recheck, Ok(usage(0.4)), at(30)), Some(Change::Cleared));
    assert_eq!(pick(&mut pool, at(31)), "a");
    settle(&mut pool, "a", Cause::PaymentRequired, at(40));
    assert_eq!(skips(&mut pool, at(3_639)).len(), 1);
    assert_eq!(pick(&mut pool, at(3_640)), "a");
}

#[test]
fn used_up_quota_waits_for_the_windows_reset() {
    let mut pool = healthy(auto(), &["a"]);
    settle(&mut pool, "a", Cause::QuotaFiveHours, at(5));
    let [(_, Skip::CoolingDown { cause, until })] = &skips(&mut pool, at(6))[..] else { panic!("it cools down") };
    assert_eq!((cause.as_str(), *until), ("quota_five_hours", at(7_200).wall));
    assert_eq!(pick(&mut pool, at(7_200)), "a");
}

#[test]
fn an_empty_window_keeps_a_key_out_until_it_resets() {
    let mut pool = healthy(Policy::default(), &["a", "b"]);
    report(&mut pool, "a", 0.0, at(1));
    assert_eq!(pick(&mut pool, at(2)), "b");
    assert_eq!(pick(&mut pool, at(7_201)), "a");
}

#[test]
fn a_refused_model_is_remembered_for_that_key_only() {
    let mut pool = healthy(Policy::default(), &["a", "b"]);
    let a = id(&pool, "a");
    pool.settle(a, at(1), &Verdict::bare(Cause::ModelNotInPlan), Some("k3"), at(1));
    let ask = Ask { model: Some("k3"), ..Ask::default() };
    assert_eq!(pool.pick(&ask, at(2)).expect("b").key.label.as_str(), "b");
    assert_eq!(pick(&mut pool, at(2)), "a", "other models still go there");
}

#[test]
fn a_terminated_account_stays_out_until_a_person_unblocks_it() {
    let mut pool = healthy(Policy::default(), &["a"]);
    settle(&mut pool, "a", Cause::AccountTerminated, at(1));
    assert_eq!(skips(&mut pool, at(1_000_000)).len(), 1);
    pool.unblock(&Label::new("a"), at(1_000_001)).expect("known");
    assert_eq!(pick(&mut pool, at(1_000_002)), "a");
}

#[test]
fn a_key_over_its_rate_is_passed_over() {
    let policy = Policy { key_rate: RateLimit { per_second: 0, per_minute: 1 }, ..Policy::default() };
    let mut pool = healthy(policy, &["a", "b"]);
    assert_eq!(pick(&mut pool, at(1)), "a");
    assert_eq!(pick(&mut pool, at(1)), "b");
    let no_key = pool.pick(&Ask::default(), at(1)).expect_err("both are over");
    assert!(no_key.only_rate_limited);
    assert_eq!(no_key.until, Some(at(61).wall));
    assert_eq!(pick(&mut pool, at(61)), "a");
}

#[test]
fn strict_mode_wants_a_good_check() {
    let strict = Policy { require_usage: true, fail_open: false, ..Policy::default() };
    let mut closed = pool(strict.clone(), &["a"]);
    assert_eq!(skips(&mut closed, at(1)), [("a".to_owned(), Skip::UsageUnknown)]);
    report(&mut closed, "a", 1.0, at(2));
    assert_eq!(pick(&mut closed, at(3)), "a");
    let mut open = pool(Policy { fail_open: true, ..strict }, &["a"]);
    assert_eq!(pick(&mut open, at(1)), "a");
}

#[test]
fn rotation_says_the_rule_that_decided() {
    use manual::Why;
    let rotated = |pool: &mut Pool| pool.rotate(at(9)).map(|rotated| (rotated.to.to_string(), rotated.why));
    let mut tie = healthy(Policy::default(), &["a", "b", "c"]);
    assert_eq!(rotated(&mut tie), Ok(("b".into(), Why::TieMoves)));
    assert_eq!(rotated(&mut tie), Ok(("c".into(), Why::TieMoves)));
    assert_eq!(rotated(&mut tie), Ok(("a".into(), Why::TieMoves)));
    let mut stay = healthy(Policy { rotate_on_tie: false, ..Policy::default() }, &["a", "b"]);
    assert_eq!(rotated(&mut stay), Ok(("a".into(), Why::TieStays)));
    let mut worse = healthy(Policy::default(), &["a", "b"]);
    settle_after(&mut worse, "a", Cause::RateLimited, 1, at(1));
    assert_eq!(rotated(&mut worse), Ok(("b".into(), Why::Status)));
    let mut two_better = healthy(Policy::default(), &["a", "b", "c"]);
    settle(&mut two_better, "a", Cause::PaymentRequired, at(1));
    assert_eq!(rotated(&mut two_better), Ok(("b".into(), Why::TieMoves)), "not that nobody is better");
    let mut last = healthy(Policy::default(), &["a", "b"]);
    settle(&mut last, "b", Cause::PaymentRequired, at(1));
    assert_eq!(rotated(&mut last), Ok(("a".into(), Why::OnlyEligible)));
    assert_eq!(rotated(&mut pool(Policy::default(), &[])), Err(Refusal::NoKeys));
}

#[test]
fn memory_survives_and_the_active_key_is_found_by_label() {
    let mut first = healthy(Policy::default(), &["b", "c"]);
    first.rotate_to(&Label::new("c"), at(1)).expect("eligible");
    settle_after(&mut first, "b", Cause::RateLimited, 500, at(2));
    let memory = first.memory();
    let mut second = Pool::new(Policy::default(), ["a", "b", "c"].map(key).into(), &memory, at(3));
    assert_eq!(pick(&mut second, at(3)), "c", "adding a file does not move it");
    assert_eq!(status(&second, "b", at(3)), Status::Exhausted);
    assert_eq!(second.memory().keys[1].1, memory.keys[0].1);
}

#[test]
fn checks_are_handed_out_once_and_come_back_spread() {
    let mut pool = pool(Policy::default(), &["a", "b"]);
    let due = pool.due_checks(at(0));
    assert_eq!(due.len(), 2);
    assert!(pool.due_checks(at(0)).is_empty(), "they are running");
    for check in due {
        pool.checked(check.id, check.kind, Ok(usage(1.0)), at(1));
    }
    assert!(pool.due_checks(at(500)).is_empty());
    assert_eq!(pool.due_checks(at(1 + 660)).len(), 2);
}

#[test]
fn a_failed_check_backs_off_and_keeps_the_last_reading() {
    let mut pool = healthy(Policy::default(), &["a"]);
    pool.check_all(at(10));
    let fault = CheckFault { text: "odd".into(), kind: CheckFaultKind::Answer, retry_after: None };
    let mut now = 10;
    for pause in [30, 60, 120, 240, 480, 600, 600] {
        let check = pool.due_checks(at(now)).pop().expect("due");
        pool.checked(check.id, check.kind, Err(fault.clone()), at(now));
        assert!(pool.due_checks(at(now + pause - 1)).is_empty());
        now += pause;
    }
    let UsageView::Failed { usage: last, .. } = &pool.views(at(now))[0].usage else { panic!("it failed") };
    assert_eq!(last.as_deref(), Some(&usage(1.0)));
}

#[test]
fn a_retry_of_the_same_key_keeps_to_its_limits_and_to_a_persons_word() {
    let policy = Policy { key_rate: RateLimit { per_second: 1, per_minute: 0 }, ..Policy::default() };
    let mut pool = healthy(policy, &["a", "b"]);
    let a = pool.pick(&Ask::default(), at(1)).expect("a").id;
    settle(&mut pool, "a", Cause::ServerError, at(1));
    assert!(pool.lend_again(a, at(1)).is_none(), "over its rate");
    assert!(pool.lend_again(a, at(2)).is_some(), "although it cools down");
    pool.block(&Label::new("a"), "by hand", None, at(3)).expect("known");
    assert!(pool.lend_again(a, at(4)).is_none(), "a person said no");
}

#[test]
fn who_has_waited_tries_a_host_that_is_left_alone() {
    let mut pool = healthy(auto(), &["a", "b", "c"]);
    for label in ["a", "b", "c"] {
        settle(&mut pool, label, Cause::ConnectFailed, at(1));
    }
    let no_key = pool.pick(&Ask::default(), at(1)).expect_err("the host is left alone");
    assert!(no_key.in_a_moment && no_key.hope);
    let impatient = Ask { impatient: true, ..Ask::default() };
    for _ in 0..20 {
        pool.pick(&impatient, at(1)).expect("a host that is slow to answer must refuse nobody");
    }
}
