//! The door for `benches/`: pure parts of the program, made up and driven from outside. Nothing of the program uses it.

use std::time::Duration;

use jiff::Timestamp;

use crate::domain::{
    base_url::BaseUrl,
    key::{Key, KeyId, Label, Secret},
    now::{Now, add},
    outcome::{Cause, Verdict},
    policy::{Policy, Strategy},
    pool::{Ask, CheckKind, Memory, Pool},
    usage::{Usage, Window, WindowKind},
};

/// A pool of made-up keys, and its clock.
#[derive(Debug)]
pub struct Picks {
    pool: Pool,
    steady: Duration,
}

/// How a pool's keys are chosen and how well they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Case {
    RoundRobin,
    MostRemaining,
    LeastBusy,
    Priority,
    /// Round robin with every second key out.
    HalfOut,
    /// One active key.
    Active,
}

impl Picks {
    /// `keys` keys, all checked, on one host.
    pub fn new(keys: u32, case: Case) -> Self {
        let strategy = match case {
            Case::MostRemaining => Strategy::MostRemaining,
            Case::LeastBusy => Strategy::LeastBusy,
            Case::Priority => Strategy::Priority,
            Case::RoundRobin | Case::HalfOut | Case::Active => Strategy::RoundRobin,
        };
        let policy = Policy { auto_rotate_allowed: case != Case::Active, strategy, ..Policy::default() };
        let made_up = (0..keys).filter_map(made_up).collect();
        let mut picks = Self {
            pool: Pool::new(policy, made_up, &Memory { auto_rotate: true, ..Memory::default() }, at(Duration::ZERO)),
            steady: Duration::ZERO,
        };
        for key in 0..keys {
            let left = f64::from(key % 70 + 30) / 100.0;
            picks.pool.checked(KeyId(key), CheckKind::Refresh, Ok(usage(left)), at(Duration::ZERO));
            if case == Case::HalfOut && key % 2 == 0 {
                let now = at(Duration::ZERO);
                picks.pool.settle(KeyId(key), now, &Verdict::bare(Cause::QuotaWeek), None, now);
            }
        }
        picks
    }

    /// One request: a pick, a good answer, and the key given back. The answer: whether a key was found.
    pub fn request(&mut self) -> bool {
        self.steady += Duration::from_micros(100);
        let now = at(self.steady);
        let Ok(choice) = self.pool.pick(&Ask::default(), now) else { return false };
        self.pool.answered(choice.id, None, now);
        self.pool.settle(choice.id, choice.at, &Verdict::bare(Cause::Ok), None, now);
        self.pool.release(choice.id, now);
        true
    }

    /// One request that is refused, and its key back in service: what a failing key costs.
    pub fn refusal(&mut self) -> bool {
        self.steady += Duration::from_secs(2);
        let now = at(self.steady);
        let Ok(choice) = self.pool.pick(&Ask::default(), now) else { return false };
        let verdict = Verdict { retry_after: Some(Duration::from_secs(1)), ..Verdict::bare(Cause::RateLimited) };
        self.pool.settle(choice.id, choice.at, &verdict, None, now);
        self.pool.release(choice.id, now);
        true
    }
}

fn made_up(number: u32) -> Option<Key> {
    Some(Key {
        label: Label::new(&format!("key-{number:05}")),
        secret: Secret::new(&format!("sk-bench-{number:05}-0123456789")).ok()?,
        base: BaseUrl::parse("https://api.kimi.com/coding/v1").ok()?,
        priority: i64::from(number % 3),
        disabled: false,
        email: None,
        source: String::new(),
    })
}

fn usage(left: f64) -> Usage {
    let resets_at = Some(at(Duration::from_secs(18_000)).wall);
    let window = Window { kind: WindowKind::FiveHours, left: Some(left), used: None, limit: None, resets_at };
    Usage { windows: vec![window], parallel_limit: Some(30), ..Usage::default() }
}

fn at(steady: Duration) -> Now {
    let start = Timestamp::from_second(1_770_000_000).unwrap_or(Timestamp::UNIX_EPOCH);
    Now { wall: add(start, steady), steady }
}
