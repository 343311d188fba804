//! kmi-tui beside nginx and beside nothing, in one run: CPU, latency, memory, start. Ratios count, not the figures.
//!
//! `cargo bench --bench proxy -- [--seconds 4] [--rounds 3] [--only small,streams,…] [--nginx PATH] [--json FILE]`. Linux
//! only. What each figure means, and what they were last time, is in `docs/performance.md`. `--only hour [--minutes 60]` is
//! steady use for so long, and runs only when it is asked for.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the table is what it is for")]

#[expect(dead_code, reason = "the tests use the rest of it")]
#[path = "../../tests/support/mod.rs"]
mod support;

mod clock;
mod dashboards;
mod hour;
mod http;
mod load;
mod scenarios;
mod screen;
mod table;
mod target;
mod upstream;

use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use self::{
    scenarios::{SCENARIOS, WHEN_ASKED},
    table::Table,
    target::Target,
};

/// What was asked for.
pub(crate) struct Options {
    pub(crate) span: Duration,
    pub(crate) rounds: usize,
    pub(crate) minutes: u64,
    pub(crate) nginx: String,
}

impl Options {
    /// A measurement is no longer than this, so that turns are short.
    const WINDOW: Duration = Duration::from_secs(1);

    /// How long each measurement of requests is. The turn goes on after each; the rounds have as many as fill their time.
    pub(crate) fn window(&self) -> Duration {
        self.span.min(Self::WINDOW)
    }

    /// How many there are of each.
    pub(crate) fn windows(&self) -> usize {
        self.rounds * usize::try_from(self.span.div_duration_f64(self.window()).ceil() as u64).unwrap_or(1)
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let given = |name: &str| arguments.iter().position(|argument| argument == name);
    let value = |name: &str| given(name).and_then(|at| arguments.get(at + 1)).cloned();
    // `cargo test --benches` only wants to know whether it starts.
    if given("--test").is_some() {
        return;
    }
    open_files();
    if given("--upstream").is_some() {
        return upstream::run();
    }
    let number = |name: &str, default: u64| value(name).map_or(default, |text| text.parse().expect("a number"));
    let options = Options {
        span: Duration::from_secs(number("--seconds", 4)),
        rounds: usize::try_from(number("--rounds", 3)).expect("a small number"),
        minutes: number("--minutes", 60),
        nginx: value("--nginx").unwrap_or_else(|| "nginx".to_owned()),
    };
    let only = value("--only");
    let mut table = Table::default();
    let upstream = Target::upstream();
    if Target::nginx(&options.nginx, upstream.address).is_none() {
        eprintln!("{} was not found: nothing to compare with but no proxy at all", options.nginx);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    for (name, run) in SCENARIOS {
        let wanted = |only: &String| only.split(',').any(|wanted| wanted == *name);
        if only.as_ref().map_or(!WHEN_ASKED.contains(name), wanted) {
            let before = table.len();
            runtime.block_on(async { run(&options, &upstream, &mut table).await });
            println!("{}", table.since(before));
        }
    }
    println!("{}", table::NOTE);
    if let Some(path) = value("--json") {
        std::fs::write(path, table.json()).expect("written");
    }
    let failures = table.failures();
    assert!(failures.is_empty(), "not all went well: {failures:?}");
}

/// As many files as the system lets us have: thousands of streams are two connections each.
fn open_files() {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).expect("allowed");
}
