//! Steady use for an hour: whether memory, open files, threads and the cost of a request stay what they are. Not how fast it
//! can be.

use std::{
    fmt, fs,
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::{StreamExt as _, stream::FuturesUnordered};
use tokio::time::{Instant, sleep_until};

use crate::{
    Options,
    clock::{self, Held},
    http::Connection,
    scenarios::{MEGABYTE, SMALL, conversation, home},
    table::Table,
    target::Target,
};

/// Requests a second.
const RATE: u32 = 1_000;
const CONNECTIONS: usize = 16;
const MINUTE: Duration = Duration::from_secs(60);
/// A stream is over after 50 ms.
const CHUNKS: usize = 10;
const CHUNK_EVERY: Duration = Duration::from_millis(5);
/// Memory is told after these minutes.
const TOLD: &[usize] = &[1, 5, 10, 30, 60];
/// By then everything is as it stays.
const SETTLED: usize = 10;
/// So many errors are told; the others are only counted.
const ERRORS_TOLD: u64 = 20;

/// The requests, and what became of them since somebody looked.
struct Plan<'a> {
    target: &'a Target,
    small: Vec<u8>,
    stream: Vec<u8>,
    large: Vec<u8>,
    began: Instant,
    ends: Instant,
    /// Whoever is free takes the next.
    next: AtomicU64,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    done: u64,
    failed: u64,
    /// Microseconds of each small request.
    times: Vec<f64>,
}

enum Kind {
    Small,
    Stream,
    Large,
}

fn kind(number: u64) -> Kind {
    match number {
        _ if number % 100 == 99 => Kind::Large,
        _ if number % 20 == 9 => Kind::Stream,
        _ => Kind::Small,
    }
}

impl<'a> Plan<'a> {
    fn new(target: &'a Target, minutes: u32) -> Self {
        let streams = format!("/chat/completions?chunks={CHUNKS}&every={}", CHUNK_EVERY.as_micros());
        let began = Instant::now();
        Self {
            target,
            small: target.request("GET", SMALL, b""),
            stream: target.request("POST", &streams, br#"{"model":"kimi-for-coding","stream":true}"#),
            large: target.request("POST", "/chat/completions", &conversation(100 << 10)),
            began,
            ends: began + MINUTE * minutes,
            next: AtomicU64::new(0),
            seen: Mutex::default(),
        }
    }

    /// One client on a kept connection, until the end.
    async fn client(&self) {
        let mut connection = None;
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let due = self.began + Duration::from_secs(number) / RATE;
            if due >= self.ends {
                return;
            }
            // Who was late had no connection free, and waits since then. Who was not begins when its timer lets it: that is
            // good to a millisecond, which is not the target's fault.
            let late = due < Instant::now();
            sleep_until(due).await;
            let asked = if late { due } else { Instant::now() };
            let answered = self.ask(&mut connection, number).await;
            self.note(number, asked.elapsed(), answered);
        }
    }

    /// After an error the next takes a new connection.
    async fn ask(&self, kept: &mut Option<Connection>, number: u64) -> std::io::Result<()> {
        let mut connection = match kept.take() {
            Some(connection) => connection,
            None => Connection::open(self.target.address).await?,
        };
        match kind(number) {
            Kind::Stream => {
                let mut chunks = 0;
                connection.send(&self.stream).await?;
                connection.chunks(|_| chunks += 1).await?;
                if chunks != CHUNKS {
                    return Err(std::io::Error::other(format!("a stream of {chunks} chunks in place of {CHUNKS}")));
                }
            }
            other => {
                connection.send(if matches!(other, Kind::Small) { &self.small } else { &self.large }).await?;
                connection.answer().await?;
            }
        }
        *kept = Some(connection);
        Ok(())
    }

    fn note(&self, number: u64, took: Duration, answered: std::io::Result<()>) {
        let mut seen = self.seen.lock().expect("nobody panicked");
        match answered {
            Ok(()) => seen.done += 1,
            Err(error) => {
                seen.failed += 1;
                if seen.failed <= ERRORS_TOLD {
                    eprintln!("request {number}, after {took:?}: {error}");
                }
            }
        }
        if matches!(kind(number), Kind::Small) {
            seen.times.push(took.as_secs_f64() * 1e6);
        }
    }
}

/// What was seen of a minute.
struct Minute {
    number: usize,
    seen: Seen,
    held: Held,
    cpu: Duration,
}

impl Minute {
    fn cpu_each(minutes: &[Self]) -> f64 {
        let sum: Duration = minutes.iter().map(|minute| minute.cpu).sum();
        sum.as_secs_f64() * 1e6 / minutes.iter().map(|minute| minute.seen.done).sum::<u64>().max(1) as f64
    }

    /// The times are in order.
    fn quantile(&self, part: f64) -> f64 {
        let last = self.seen.times.len().saturating_sub(1);
        self.seen.times.get((last as f64 * part).round() as usize).copied().unwrap_or(f64::NAN)
    }
}

impl fmt::Display for Minute {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Held { resident, anonymous, most, threads, files } = self.held;
        let megabytes = |bytes: u64| bytes as f64 / MEGABYTE;
        write!(out, "minute {}: {} done, {} failed; ", self.number, self.seen.done, self.seen.failed)?;
        write!(out, "{:.2} MB resident, {:.2} anonymous, ", megabytes(resident), megabytes(anonymous))?;
        write!(out, "{:.2} at most meanwhile; {files} files, {threads} threads; ", megabytes(most))?;
        write!(out, "{:.1} µs of CPU each, ", Self::cpu_each(std::slice::from_ref(self)))?;
        write!(out, "p50 {:.0} µs, p99 {:.0} µs", self.quantile(0.5), self.quantile(0.99))
    }
}

/// A thousand requests a second, evenly, whether or not those before are answered: every 20th a short stream, every 100th with
/// a body of 100 KB.
pub(crate) async fn steady(options: &Options, upstream: &Target, table: &mut Table) {
    let home = home(upstream, 3);
    let state = home.state_dir();
    let target = Target::kmi(home);
    let minutes = u32::try_from(options.minutes).expect("not so many");
    let load = clock::cpu(&[std::process::id()]);
    let plan = Plan::new(&target, minutes);
    let clients: FuturesUnordered<_> = (0..CONNECTIONS).map(|_| plan.client()).collect();
    let (mut seen, ()) = tokio::join!(watch(&plan, minutes), clients.collect());
    if let Some(last) = seen.last_mut() {
        // What was under way when the last minute ended.
        let rest = plan.seen.lock().expect("nobody panicked");
        last.seen.done += rest.done;
        last.seen.failed += rest.failed;
    }
    let load = clock::cpu(&[std::process::id()]) - load;
    report(&seen, table);
    let share = load.as_secs_f64() / (MINUTE * minutes).as_secs_f64() * 100.0;
    table.add("steady use: CPU of the load generator", "% of a core", None, None, share);
    for (what, folder) in [("trace", "trace"), ("log", "logs")] {
        let size = size(&state.join(folder)) as f64 / MEGABYTE;
        table.add(format!("steady use: size of the {what}, with its older files"), "MB", None, None, size);
    }
}

/// Tells each minute as it ends.
async fn watch(plan: &Plan<'_>, minutes: u32) -> Vec<Minute> {
    let (mut told, mut before) = (Vec::new(), clock::cpu(&plan.target.processes()));
    for number in 1..=minutes {
        clock::forget_most(plan.target.pid());
        sleep_until(plan.began + MINUTE * number).await;
        let mut seen = std::mem::take(&mut *plan.seen.lock().expect("nobody panicked"));
        seen.times.sort_by(f64::total_cmp);
        let cpu = clock::cpu(&plan.target.processes());
        let held = Held::by(plan.target.pid());
        let mut minute = Minute { number: told.len() + 1, seen, held, cpu: cpu - before };
        before = cpu;
        eprintln!("{minute}");
        // An hour of times is not needed any more, and would be ours to hold.
        minute.seen.times = Vec::new();
        told.push(minute);
    }
    told
}

fn report(minutes: &[Minute], table: &mut Table) {
    let mut add = |what: String, unit, value: f64| table.add(format!("steady use: {what}"), unit, None, None, value);
    let resident = |number: usize| minutes.get(number - 1).map(|minute| minute.held.resident as f64 / MEGABYTE);
    for number in TOLD {
        if let Some(resident) = resident(*number) {
            add(format!("resident memory after minute {number}"), "MB", resident);
        }
    }
    let last = minutes.len();
    let from = if last > SETTLED { SETTLED } else { 1 };
    if let (Some(first), Some(end)) = (resident(from), resident(last.max(1))) {
        add(format!("its growth from minute {from} to {last}"), "%", (end / first - 1.0) * 100.0);
    }
    let part = SETTLED.min(last.div_ceil(2));
    add(format!("CPU of a request, first {part} minutes"), "µs", Minute::cpu_each(&minutes[..part]));
    add(format!("CPU of a request, last {part} minutes"), "µs", Minute::cpu_each(&minutes[last - part..]));
    let done: u64 = minutes.iter().map(|minute| minute.seen.done).sum();
    add("requests answered".to_owned(), "count", done as f64);
    table.add_failures(
        "steady use: requests failed",
        None,
        None,
        minutes.iter().map(|minute| minute.seen.failed).sum(),
    );
}

/// Of all files in a folder.
fn size(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.metadata().ok()).map(|data| data.len()).sum()
}
