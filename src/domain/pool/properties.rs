//! What holds over any history: an eligible key is found, no other is used, turns are fair, nothing leaks or is lost.

use proptest::prelude::{Just, Strategy as _, any, prop, prop_assert, prop_assert_eq, prop_oneof, proptest};

use super::*;
use crate::domain::{
    key::sample,
    snapshot::Status,
    usage::{Usage, Window, WindowKind},
};

const LABELS: [&str; 5] = ["a", "b", "c", "d", "e"];

fn at(seconds: u64) -> Now {
    let start = Timestamp::from_second(1_770_000_000).expect("valid");
    let steady = Duration::from_secs(seconds);
    Now { wall: add(start, steady), steady }
}

fn pool(policy: Policy) -> Pool {
    let key = |(number, label): (usize, &&str)| {
        let mut key = sample(label, if number < 3 { "https://api.kimi.com/coding/v1" } else { "https://b.test/v1" });
        key.priority = 10 - number as i64 / 2;
        key
    };
    let keys = LABELS.iter().enumerate().map(key).collect();
    Pool::new(policy, keys, &Memory { auto_rotate: true, ..Memory::default() }, at(0))
}

fn id(pool: &Pool, number: usize) -> KeyId {
    pool.slots.iter().find(|slot| slot.key.label.as_str() == LABELS[number]).map_or(KeyId(9_999), |slot| slot.id)
}

fn usage(left: f64, account: Option<u8>, parallel: Option<u32>) -> Usage {
    let resets_at = Some(at(7_200).wall);
    let window = Window { kind: WindowKind::FiveHours, left: Some(left), used: None, limit: None, resets_at };
    let user_id = account.map(|account| format!("account-{account}"));
    Usage { windows: vec![window], user_id, parallel_limit: parallel, ..Usage::default() }
}

#[derive(Debug, Clone)]
enum Event {
    /// A request that stays in flight, or ends at once.
    Pick(bool),
    Release,
    Settle(usize, Cause, Option<u64>),
    GiveUp(Vec<(usize, Cause)>),
    Report(usize, f64, Option<u8>, Option<u32>),
    CheckFails(usize, CheckFaultKind),
    Rotate,
    Block(usize),
    Unblock(usize),
    /// These files are there now.
    Reload(u8),
    ClockSet(i64),
    Wait(u64),
}

fn cause() -> impl proptest::strategy::Strategy<Value = Cause> {
    prop::sample::select(crate::domain::outcome::NAMES.iter().map(|(cause, _, _)| *cause).collect::<Vec<_>>())
}

fn event() -> impl proptest::strategy::Strategy<Value = Event> {
    let fault = prop::sample::select(vec![CheckFaultKind::Answer, CheckFaultKind::Host, CheckFaultKind::Unauthorized]);
    prop_oneof![
        6 => any::<bool>().prop_map(Event::Pick),
        2 => Just(Event::Release),
        6 => (0usize..5, cause(), prop::option::of(0u64..100_000)).prop_map(|(key, cause, after)| Event::Settle(key, cause, after)),
        1 => prop::collection::vec((0usize..5, cause()), 0..6).prop_map(Event::GiveUp),
        2 => (0usize..5, 0.0f64..=1.0, prop::option::of(0u8..2), prop::option::of(1u32..4))
            .prop_map(|(key, left, account, parallel)| Event::Report(key, left, account, parallel)),
        1 => (0usize..5, fault).prop_map(|(key, fault)| Event::CheckFails(key, fault)),
        1 => Just(Event::Rotate),
        1 => (0usize..5).prop_map(Event::Block),
        1 => (0usize..5).prop_map(Event::Unblock),
        1 => any::<u8>().prop_map(Event::Reload),
        1 => (-7_200i64..7_200).prop_map(Event::ClockSet),
        4 => (0u64..1_000).prop_map(Event::Wait),
    ]
}

fn policy() -> impl proptest::strategy::Strategy<Value = Policy> {
    let strategies = vec![Strategy::RoundRobin, Strategy::MostRemaining, Strategy::LeastBusy, Strategy::Priority];
    (any::<[bool; 4]>(), prop::sample::select(strategies), prop::option::of(1u64..1_000)).prop_map(
        |([auto, warn, strict, open], strategy, affinity)| Policy {
            auto_rotate_allowed: auto,
            include_warn: warn,
            require_usage: strict,
            fail_open: open,
            strategy,
            affinity: affinity.map(Duration::from_secs),
            ..Policy::default()
        },
    )
}

/// The world around a pool while events happen.
struct World {
    pool: Pool,
    seconds: u64,
    clock_set: i64,
    flying: Vec<Choice>,
}

impl World {
    fn now(&self) -> Now {
        let now = at(self.seconds);
        Now { wall: now.wall + SignedDuration::from_secs(self.clock_set), ..now }
    }

    /// Applies an event; picks are judged by what the views said just before.
    fn happen(&mut self, event: Event) {
        let now = self.now();
        let pool = &mut self.pool;
        match event {
            Event::Pick(stays) => self.pick(stays, now),
            Event::Release => {
                if let Some(choice) = self.flying.pop() {
                    pool.release(choice.id, now);
                }
            }
            Event::Settle(key, cause, after) => {
                let verdict = Verdict { retry_after: after.map(Duration::from_secs), ..Verdict::bare(cause) };
                pool.settle(id(pool, key), now, &verdict, Some("k"), now);
            }
            Event::GiveUp(attempts) => {
                let attempts: Vec<_> = attempts.into_iter().map(|(key, cause)| (id(pool, key), cause)).collect();
                pool.all_failed(&attempts, Some("client"), now);
            }
            Event::Report(key, left, account, parallel) => {
                pool.checked(id(pool, key), CheckKind::Recheck, Ok(usage(left, account, parallel)), now);
            }
            Event::CheckFails(key, kind) => {
                let fault = CheckFault { text: "x".into(), kind, retry_after: None };
                pool.checked(id(pool, key), CheckKind::Refresh, Err(fault), now);
            }
            Event::Rotate => drop(pool.rotate(now)),
            Event::Block(key) => {
                let until = Some(now.wall_after(Duration::from_secs(60)));
                drop(pool.block(&Label::new(LABELS[key]), "test", until, now));
            }
            Event::Unblock(key) => drop(pool.unblock(&Label::new(LABELS[key]), now)),
            Event::Reload(there) => {
                let keys = LABELS.iter().enumerate().filter(|(number, _)| there >> number & 1 == 1);
                pool.reload(keys.map(|(_, label)| sample(label, "https://api.kimi.com/coding/v1")).collect(), now);
            }
            Event::ClockSet(by) => {
                self.clock_set += by;
                let now = self.now();
                self.pool.clock_moved(SignedDuration::from_secs(by), now);
            }
            Event::Wait(more) => self.seconds += more,
        }
        let now = self.now();
        self.pool.tick(now);
    }

    fn pick(&mut self, stays: bool, now: Now) {
        let views = self.pool.views(now);
        let eligible: Vec<&Label> = views.iter().filter(|view| view.skip.is_none()).map(|view| &view.label).collect();
        match self.pool.pick(&Ask::default(), now) {
            Ok(choice) if eligible.is_empty() => {
                let view = views.iter().find(|view| view.label == choice.key.label);
                let contradicted = view.is_some_and(|view| view.contradiction.is_some());
                assert!(contradicted, "only a contradiction is tried when nobody can serve");
                self.pool.release(choice.id, now);
            }
            Ok(choice) => {
                assert!(eligible.contains(&&choice.key.label), "{:?} is not eligible", choice.key.label);
                if stays {
                    self.flying.push(choice);
                } else {
                    self.pool.release(choice.id, now);
                }
            }
            Err(no_key) => {
                assert!(eligible.is_empty(), "{eligible:?} could serve");
                assert_eq!(no_key.reasons.len(), views.len());
            }
        }
    }
}

proptest! {
    #[test]
    fn an_eligible_key_is_always_found_and_no_other_is_used(
        events in prop::collection::vec(event(), 1..120),
        policy in policy(),
    ) {
        let mut world = World { pool: pool(policy), seconds: 0, clock_set: 0, flying: Vec::new() };
        for event in events {
            world.happen(event);
            let now = world.now();
            for (position, slot) in world.pool.slots.iter().enumerate() {
                let can_serve = slot.status(now.wall) <= Status::Warn;
                prop_assert_eq!(world.pool.roster.is_available(position), can_serve, "{:?}", slot.key.label);
            }
        }
        for choice in std::mem::take(&mut world.flying) {
            world.pool.release(choice.id, world.now());
        }
        prop_assert!(world.pool.views(world.now()).iter().all(|view| view.in_flight == 0));
    }

    #[test]
    fn what_is_kept_comes_back_and_holds_no_secret(events in prop::collection::vec(event(), 1..60), policy in policy()) {
        let mut world = World { pool: pool(policy.clone()), seconds: 0, clock_set: 0, flying: Vec::new() };
        for event in events {
            let no_reload = !matches!(event, Event::Reload(_));
            if no_reload {
                world.happen(event);
            }
        }
        let (now, memory) = (world.now(), world.pool.memory());
        let keys = world.pool.slots.iter().map(|slot| Key::clone(&slot.key)).collect();
        let again = Pool::new(policy, keys, &memory, now);
        prop_assert_eq!(again.memory(), memory.clone());
        let ask = Ask { model: Some("k"), ..Ask::default() };
        let shown = format!("{:?} {memory:?} {:?}", world.pool.views(now), world.pool.why_none(&ask, now));
        let json = serde_json::to_string(&world.pool.views(now)).expect("serializes");
        for slot in &world.pool.slots {
            prop_assert!(!shown.contains(slot.key.secret.expose()) && !json.contains(slot.key.secret.expose()));
        }
    }

    #[test]
    fn turns_are_fair_within_one(picks in 1usize..200, start in 0u64..5, out in prop::option::of(0usize..5)) {
        let memory = Memory { auto_rotate: true, rotation_index: start, ..Memory::default() };
        let policy = Policy { auto_rotate_allowed: true, ..Policy::default() };
        let keys = LABELS.iter().map(|label| sample(label, "https://api.kimi.com/coding/v1")).collect();
        let mut pool = Pool::new(policy, keys, &memory, at(0));
        for number in 0..5 {
            pool.checked(id(&pool, number), CheckKind::Refresh, Ok(usage(1.0, None, None)), at(0));
        }
        if let Some(out) = out {
            pool.block(&Label::new(LABELS[out]), "test", None, at(0)).expect("known");
        }
        let mut counts = HashMap::new();
        for _ in 0..picks {
            let choice = pool.pick(&Ask::default(), at(1)).expect("some key");
            *counts.entry(choice.key.label.to_string()).or_insert(0usize) += 1;
            pool.release(choice.id, at(1));
        }
        let turns: Vec<usize> = LABELS.iter().enumerate().filter(|(number, _)| Some(*number) != out)
            .map(|(_, label)| counts.get(*label).copied().unwrap_or_default()).collect();
        let spread = turns.iter().max().zip(turns.iter().min()).map(|(most, least)| most - least);
        prop_assert!(spread.is_some_and(|spread| spread <= 1), "{:?}", counts);
    }
}
