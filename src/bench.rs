//! The door for `benches/`: pure parts of the program, made up and driven from outside. Nothing of the program uses it.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;

use crate::{
    domain::{
        base_url::BaseUrl,
        filter::Filter,
        key::{Key, KeyId, Label, Secret},
        now::{Now, add},
        outcome::{Cause, Verdict, classify},
        policy::{Policy, Strategy},
        pool::{Ask, CheckKind, Memory, Pool},
        prompt,
        snapshot::{Confidence, RateView, Setup, Snapshot, Traffic},
        tokens::TokenReader,
        trace::{Attempt, Tokens, TraceRecord},
        usage::{self, Usage, Window, WindowKind},
    },
    i18n::Locale,
    tui::stage::Stage,
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
            picks.pool.checked(KeyId(key), CheckKind::Refresh, Ok(made_up_usage(left)), at(Duration::ZERO));
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

/// A dashboard and the news that it shows.
#[derive(Debug)]
pub struct Frames {
    stage: Stage,
    snapshots: [Arc<Snapshot>; 2],
    records: Vec<Arc<TraceRecord>>,
    shown: usize,
}

impl Frames {
    /// So many keys, and so many requests that came while it was open.
    pub fn new(russian: bool, size: (u16, u16), keys: u32, records: u32) -> Self {
        let mut picks = Picks::new(keys, Case::RoundRobin);
        for round in 0..2_000 {
            if round % 100 == 0 {
                picks.refusal()
            } else {
                picks.request()
            };
        }
        let first = Arc::new(picks.snapshot());
        for _ in 0..20 {
            picks.request();
        }
        let snapshots = [first, Arc::new(picks.snapshot())];
        let records = many_records(records, keys);
        let locale = if russian { Locale::Russian } else { Locale::English };
        let mut frames = Self { stage: Stage::new(locale, size, &snapshots[0]), snapshots, records, shown: 0 };
        for record in frames.records.clone() {
            frames.stage.record(record);
        }
        frames.stage.frame();
        frames
    }

    /// One frame on which nothing is new.
    pub fn still(&mut self) {
        self.stage.frame();
    }

    /// One frame after a new snapshot and a few new requests, as under load.
    pub fn busy(&mut self) {
        self.shown += 1;
        self.stage.snapshot(&self.snapshots[self.shown % 2]);
        for record in self.records.iter().cycle().skip(self.shown * 3 % self.records.len()).take(3) {
            self.stage.record(record.clone());
        }
        self.stage.frame();
    }

    /// Types, and draws a frame after each letter.
    pub fn type_in(&mut self, letters: &str) {
        for letter in letters.chars() {
            self.stage.press(letter);
            self.stage.frame();
        }
    }
}

/// Requests, and a filter that is tried on all of them.
#[derive(Debug)]
pub struct Filtered {
    records: Vec<Arc<TraceRecord>>,
}

impl Filtered {
    pub fn new(records: u32) -> Self {
        Self { records: many_records(records, 50) }
    }

    /// How many a line means.
    pub fn meant(&self, line: &str) -> usize {
        let Ok(filter) = Filter::parse(line) else { return 0 };
        self.records.iter().filter(|record| filter.matches(record)).count()
    }
}

/// What an answer means, by its name.
pub fn cause(status: u16, body: &[u8]) -> &'static str {
    http::StatusCode::from_u16(status).map_or("", |status| classify(status, None, body).cause.code())
}

/// The words of a request that its trace shows.
pub fn words(body: &[u8]) -> String {
    prompt::read(Some("application/json"), None, body).hint
}

/// How many quota windows an answer of `/usages` names.
pub fn windows(body: &[u8]) -> usize {
    usage::parse(body, at(Duration::ZERO).wall).map_or(0, |usage| usage.windows.len())
}

/// Tokens of the answer that a stream brings, in these pieces.
pub fn tokens_out<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Option<u64> {
    let mut reader = TokenReader::for_content_type(Some("text/event-stream"), None);
    pieces.for_each(|piece| reader.feed(piece));
    reader.finish().output
}

impl Picks {
    fn snapshot(&self) -> Snapshot {
        let now = at(self.steady);
        let keys = self.pool.views(now);
        let rate = RateView { last_second: 10, per_second: 20, last_minute: 500, per_minute: 1_000 };
        Snapshot {
            at: now.wall,
            uptime: now.steady,
            setup: Arc::new(Setup {
                address: "http://127.0.0.1:54123/kmi-rotor/v1".to_owned(),
                upstream: "https://api.kimi.com/coding/v1".to_owned(),
                ..Setup::default()
            }),
            auto_rotate: true,
            traffic: Traffic {
                in_flight: 12,
                requests: keys.iter().map(|key| key.requests).sum(),
                per_second: (0..60).map(|second| second % 17).collect(),
                errors_per_second: (0..60).map(|second| second % 2).collect(),
                latency_p50: Some(Duration::from_millis(840)),
                latency_p99: Some(Duration::from_millis(12_400)),
                ..Traffic::default()
            },
            global_rate: rate,
            confidence: Confidence { percent: 93.0, records: 200, counts: Vec::new() },
            last_health_refresh: Some(now.wall),
            keys,
            ..Snapshot::default()
        }
    }
}

/// Conversations of coding clients, a few of them refused.
fn many_records(count: u32, keys: u32) -> Vec<Arc<TraceRecord>> {
    let models = ["kimi-for-coding", "kimi-k2-turbo-preview", "moonshot-v1-auto"];
    let endpoints = ["/chat/completions", "/messages", "/models"];
    let prompts = ["Refactor the parser to return...", "Почему этот тест падает", "Why does it hang"];
    let of = |texts: [&'static str; 3], number: u32| texts[number as usize % texts.len()];
    let record = |number: u32| {
        let key = Label::new(&format!("key-{:05}", number % keys.max(1)));
        let refused = number.is_multiple_of(23);
        let attempt = |status, cause: &'static str| Attempt {
            key: key.clone(),
            status: Some(status),
            cause: cause.into(),
            ms: 9,
            why: None,
        };
        let took = Duration::from_millis(u64::from(number % 4_000 + 80));
        let status = if refused { 429 } else { 200 };
        Arc::new(TraceRecord {
            at: at(Duration::from_millis(u64::from(number) * 100)).wall,
            request_id: format!("{number:032x}"),
            method: "POST".into(),
            prompt_hint: of(prompts, number).to_owned(),
            endpoint: of(endpoints, number / 3).to_owned(),
            status,
            latency: took,
            total: took * 3,
            error_code: refused.then(|| "429".to_owned()),
            attempts: vec![attempt(status, if refused { "rate_limited" } else { "ok" })],
            first_byte: Some(took),
            tokens: Tokens { input: Some(12_400), output: Some(number.into()), cached: Some(11_000) },
            model: Some(of(models, number / 7).to_owned()),
            stream: true,
            client: Some("KimiCLI/1.49.0".to_owned()),
            key: Some(key),
            ..TraceRecord::default()
        })
    };
    (0..count).map(record).collect()
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

fn made_up_usage(left: f64) -> Usage {
    let window = |kind, seconds| Window {
        kind,
        left: Some(left),
        used: Some(left * 2_000.0),
        limit: Some(2_000.0),
        resets_at: Some(at(Duration::from_secs(seconds)).wall),
    };
    let windows = vec![window(WindowKind::FiveHours, 18_000), window(WindowKind::Week, 400_000)];
    Usage { windows, parallel_limit: Some(30), ..Usage::default() }
}

fn at(steady: Duration) -> Now {
    let start = Timestamp::from_second(1_770_000_000).unwrap_or(Timestamp::UNIX_EPOCH);
    Now { wall: add(start, steady), steady }
}
