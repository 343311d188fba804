//! How the keys fare: which of them fail, and how, since when. And the tally of everything that happened.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use kmi_tui::demo::{Behaviour, Refusal, Simulator};
use rand::{RngExt, rngs::StdRng, seq::IndexedRandom};
use tokio::time::{Instant, sleep};

use super::support::proxy::key;

pub(crate) const LABELS: [&str; 8] = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta"];
/// A key is trusted with all the load when it has been well for so long: a 401 is checked again after a minute.
const PROVEN: Duration = Duration::from_secs(75);
/// What a fault leaves behind in requests that had begun.
const AFTERMATH: Duration = Duration::from_secs(8);

/// The keys and what is wrong with them.
#[derive(Clone)]
pub(crate) struct Field {
    simulator: Arc<Simulator>,
    state: Arc<Mutex<State>>,
}

struct State {
    /// When each key is well again, or was.
    until: [Instant; LABELS.len()],
    spared: usize,
    /// Faults after which no request may be sent again: whose, and from when to when.
    cuts: Vec<(usize, Instant, Instant)>,
}

impl Field {
    pub(crate) fn new(simulator: Arc<Simulator>) -> Self {
        let state = State { until: [Instant::now(); LABELS.len()], spared: 0, cuts: Vec::new() };
        Self { simulator, state: Arc::new(Mutex::new(state)) }
    }

    /// A key that may be taken away for a while: none that is counted on. It must prove itself again afterwards.
    pub(crate) fn take(&self, rng: &mut StdRng, span: Duration) -> Option<&'static str> {
        let mut state = self.lock();
        let now = Instant::now();
        let free = (0..LABELS.len()).filter(|at| *at != state.spared && state.until[*at] <= now);
        let taken = *free.collect::<Vec<_>>().choose(rng)?;
        state.until[taken] = now + span;
        Some(LABELS[taken])
    }

    /// Whether this key's answers were cut off between these moments, or with `None` anybody's: what was sent must then not be
    /// sent again, and the client is told.
    pub(crate) fn was_cut(&self, label: Option<&str>, from: Instant, to: Instant) -> bool {
        let is = |at: usize| label.is_none_or(|label| label.starts_with(LABELS[at]));
        self.lock().cuts.iter().any(|(at, begin, end)| is(*at) && *begin <= to && from <= *end + AFTERMATH)
    }

    /// Gives random keys random faults for a while, and always leaves one alone that has proven itself.
    pub(crate) async fn trouble_keys(self, with_cuts: bool, mut rng: StdRng, tally: Tally) {
        loop {
            sleep(Duration::from_millis(rng.random_range(300..2_000))).await;
            self.heal();
            let Some(victim) = self.next_victim(&mut rng) else { continue };
            let cut = with_cuts && rng.random_bool(0.1);
            let (name, fault) = if cut { cutting(&mut rng) } else { refusing(&mut rng) };
            let span = Duration::from_millis(rng.random_range(500..if cut { 1_500 } else { 8_000 }));
            self.set(victim, fault, span, cut);
            tally.count(format!("fault: {name}"));
        }
    }

    fn heal(&self) {
        let now = Instant::now();
        let state = self.lock();
        for (at, end) in state.until.iter().enumerate() {
            if now.checked_duration_since(*end).is_some_and(|well| well < Duration::from_millis(2_100)) {
                self.simulator.set(&key(LABELS[at]), Behaviour::Healthy);
            }
        }
    }

    fn next_victim(&self, rng: &mut StdRng) -> Option<usize> {
        let mut state = self.lock();
        let now = Instant::now();
        let proven = (0..LABELS.len())
            .filter(|at| now.checked_duration_since(state.until[*at]).is_some_and(|well| well > PROVEN));
        if let Some(next) = proven.collect::<Vec<_>>().choose(rng) {
            state.spared = *next;
        }
        let victim = rng.random_range(0..LABELS.len());
        (victim != state.spared && state.until[victim] <= now).then_some(victim)
    }

    fn set(&self, victim: usize, fault: Behaviour, span: Duration, cut: bool) {
        let mut state = self.lock();
        let now = Instant::now();
        state.until[victim] = now + span;
        if cut {
            // Healed by the next round at the latest.
            state.cuts.push((victim, now, now + span + Duration::from_secs(2)));
        }
        self.simulator.set(&key(LABELS[victim]), fault);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().expect("nobody panicked")
    }
}

/// The key says no, and another can be asked.
fn refusing(rng: &mut StdRng) -> (&'static str, Behaviour) {
    let limited = |retry_after: Option<u32>| Refusal::RateLimited { retry_after: retry_after.map(|s| s.to_string()) };
    let faults = [
        ("429", limited(None).into()),
        ("429 with Retry-After", limited(Some(rng.random_range(1..5))).into()),
        ("too many at once", Refusal::TooManyAtOnce.into()),
        ("402", Refusal::PaymentRequired.into()),
        ("401", Refusal::Unauthorized.into()),
        ("engine overloaded", Refusal::EngineOverloaded.into()),
        ("500", Refusal::ServerError(500).into()),
        ("503", Refusal::ServerError(503).into()),
        ("529", Refusal::ServerError(529).into()),
        ("error in a 200", Behaviour::ErrorIn200(limited(None))),
        ("empty stream", Behaviour::EmptyStream),
        ("gzipped 429", Behaviour::Gzipped(Box::new(limited(None).into()))),
    ];
    faults.choose(rng).cloned().expect("some")
}

/// The answer breaks off, or never comes: a POST may have been executed, a client has seen a byte.
fn cutting(rng: &mut StdRng) -> (&'static str, Behaviour) {
    let chunks = rng.random_range(0..4);
    let faults = [
        ("connection closed without a word", Behaviour::Raw(Bytes::new())),
        ("garbage", Behaviour::Raw(Bytes::from_static(b"\x16\x03\x01garbage\r\n\r\n"))),
        ("cut in the middle", Behaviour::CutAfter { chunks }),
        ("error event in the middle", Behaviour::ErrorAfter { chunks, refusal: Refusal::EngineOverloaded }),
        ("no answer at all", Behaviour::HangBeforeHead),
    ];
    faults.choose(rng).cloned().expect("some")
}

/// What happened, and how often.
#[derive(Clone, Default)]
pub(crate) struct Tally {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    counts: BTreeMap<String, u64>,
    breaches: Vec<String>,
    latencies: Vec<Duration>,
    /// Of the life that goes on.
    samples: Vec<Sample>,
    sudden_ends: u64,
}

/// What the program holds at a moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    pub(crate) resident_kb: u64,
    pub(crate) files: u64,
    pub(crate) threads: u64,
}

/// Breaches that are told one by one; more are only counted.
const TOLD: usize = 40;

impl Tally {
    pub(crate) fn count(&self, what: impl Into<String>) {
        *self.lock().counts.entry(what.into()).or_default() += 1;
    }

    pub(crate) fn breach(&self, what: String) {
        self.lock().breaches.push(what);
    }

    pub(crate) fn took(&self, span: Duration) {
        self.lock().latencies.push(span);
    }

    pub(crate) fn ended_suddenly(&self) {
        self.lock().sudden_ends += 1;
    }

    pub(crate) fn sudden_ends(&self) -> u64 {
        self.lock().sudden_ends
    }

    pub(crate) fn sample(&self, sample: Sample) {
        self.lock().samples.push(sample);
    }

    /// Another process: what the one before held says nothing of it.
    pub(crate) fn forget_samples(&self) {
        self.lock().samples.clear();
    }

    pub(crate) fn breaches(&self) -> Vec<String> {
        let inner = self.lock();
        let more = inner.breaches.len().saturating_sub(TOLD);
        let more = (more > 0).then(|| format!("and {more} more"));
        inner.breaches.iter().take(TOLD).cloned().chain(more).collect()
    }

    /// The last life's first half against its second, its start aside: what grew.
    pub(crate) fn growth(&self) -> Vec<String> {
        let samples = self.lock().samples.clone();
        let settled = &samples[samples.len() / 10..];
        let (first, second) = settled.split_at(settled.len() / 2);
        let mut grown = Vec::new();
        let mut compare = |what: &str, slack: u64, of: fn(&Sample) -> u64| {
            let (before, after) = (median(first, of), median(second, of));
            println!("| {what}, median of the first half and of the second | {before} {after} |");
            if after > before + before / 10 + slack {
                grown.push(format!("{what} grew from {before} to {after}"));
            }
        };
        compare("resident memory (kB)", 8_192, |sample| sample.resident_kb);
        compare("open files", 16, |sample| sample.files);
        compare("threads", 2, |sample| sample.threads);
        grown
    }

    pub(crate) fn print(&self) {
        let inner = self.lock();
        for (what, count) in &inner.counts {
            println!("| {what} | {count} |");
        }
        let mut sorted = inner.latencies.clone();
        sorted.sort_unstable();
        for percent in [50, 99, 100] {
            let at = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
            println!("| latency p{percent} | {:.1} ms |", sorted.get(at).map_or(0.0, |span| span.as_secs_f64() * 1e3));
        }
        let most = |of: fn(&Sample) -> u64| inner.samples.iter().map(of).max().unwrap_or_default();
        println!("| resident memory, most (kB) | {} |", most(|sample| sample.resident_kb));
        println!("| open files, most | {} |", most(|sample| sample.files));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().expect("nobody panicked")
    }
}

fn median(samples: &[Sample], of: fn(&Sample) -> u64) -> u64 {
    let mut values: Vec<u64> = samples.iter().map(of).collect();
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or_default()
}
