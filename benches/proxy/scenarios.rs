//! What is measured, and of whom. Everybody is measured in turns, forth and back, for several rounds; the median of the rounds
//! counts.

use std::{
    fs,
    future::Future,
    io::Write as _,
    pin::Pin,
    process::Stdio,
    time::{Duration, Instant},
};

use crate::{
    Options, clock, dashboards, hour,
    load::{self, Clients, Load},
    support::proxy::Home,
    table::Table,
    target::{Target, command},
};

type Ran<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;
type Scenario = for<'a> fn(&'a Options, &'a Target, &'a mut Table) -> Ran<'a>;

pub(crate) const SCENARIOS: &[(&str, Scenario)] = &[
    ("small", |options, upstream, table| Box::pin(small(options, upstream, table))),
    ("bodies", |options, upstream, table| Box::pin(bodies(options, upstream, table))),
    ("first", |options, upstream, table| Box::pin(first_chunk(options, upstream, table))),
    ("streams", |options, upstream, table| Box::pin(streams(options, upstream, table))),
    ("idle", |options, upstream, table| Box::pin(idle_streams(options, upstream, table))),
    ("start", |options, upstream, table| Box::pin(start(options, upstream, table))),
    ("history", |options, upstream, table| Box::pin(history(options, upstream, table))),
    ("screens", |options, upstream, table| Box::pin(dashboards::busy(options, upstream, table))),
    ("rest", |options, upstream, table| Box::pin(dashboards::at_rest(options, upstream, table))),
    ("hour", |options, upstream, table| Box::pin(hour::steady(options, upstream, table))),
];

/// These take long, and run only when they are named.
pub(crate) const WHEN_ASKED: &[&str] = &["hour"];

pub(crate) const MEGABYTE: f64 = 1024.0 * 1024.0;
/// What a small request asks for.
pub(crate) const SMALL: &str = "/models";

/// A second's p99 with one connection hangs on whether threads beside the request wake for a little more or a little less than
/// one in a hundred: with fewer turns it is chance.
const TURNS_MIN: usize = 5;

/// No proxy, nginx where there is one, kmi-tui.
struct Trio<'a> {
    upstream: &'a Target,
    nginx: Option<Target>,
    kmi: Target,
}

impl<'a> Trio<'a> {
    fn start(options: &Options, upstream: &'a Target) -> Self {
        let nginx = Target::nginx(&options.nginx, upstream.address);
        Self { upstream, nginx, kmi: Target::kmi(home(upstream, 3)) }
    }

    /// Measures in turns, so that a slow minute of the machine is everybody's; every other round in the opposite order, so that
    /// nobody always comes after the same other.
    async fn compare(&self, rounds: usize, run: impl AsyncFn(&Target) -> Load) -> Compared {
        let mut compared = Compared::default();
        for round in 0..rounds {
            let mut turns = [
                (Some(self.upstream), &mut compared.direct),
                (self.nginx.as_ref(), &mut compared.nginx),
                (Some(&self.kmi), &mut compared.kmi),
            ];
            if round % 2 == 1 {
                turns.reverse();
            }
            for (target, loads) in turns {
                if let Some(target) = target {
                    loads.push(run(target).await);
                }
            }
        }
        compared
    }
}

/// The loads of each round.
#[derive(Default)]
struct Compared {
    direct: Vec<Load>,
    nginx: Vec<Load>,
    kmi: Vec<Load>,
}

impl Compared {
    /// A figure of a proxy: it has no meaning without one.
    fn of_proxies(&self, table: &mut Table, what: &str, unit: &'static str, figure: impl Fn(&Load) -> f64) {
        table.add(what, unit, None, median(&self.nginx, &figure), median(&self.kmi, &figure).unwrap_or(f64::NAN));
    }

    fn of_all(&self, table: &mut Table, what: &str, unit: &'static str, figure: impl Fn(&Load) -> f64) {
        let direct = median(&self.direct, &figure);
        table.add(what, unit, direct, median(&self.nginx, &figure), median(&self.kmi, &figure).unwrap_or(f64::NAN));
    }

    /// What a proxy adds to the figure without one, in the same round.
    fn added(&self, table: &mut Table, what: &str, unit: &'static str, figure: impl Fn(&Load) -> f64) {
        let added = |loads: &[Load]| {
            let pairs = loads.iter().zip(&self.direct);
            middle(pairs.map(|(load, direct)| figure(load) - figure(direct)).collect())
        };
        table.add(what, unit, None, added(&self.nginx), added(&self.kmi).unwrap_or(f64::NAN));
    }

    fn failures(&self, table: &mut Table, what: &str) {
        let sum = |loads: &[Load]| loads.iter().map(|load| load.failed).sum();
        let nginx = (!self.nginx.is_empty()).then(|| sum(&self.nginx));
        table.add_failures(what, Some(sum(&self.direct)), nginx, sum(&self.kmi));
    }
}

fn median(loads: &[Load], figure: &impl Fn(&Load) -> f64) -> Option<f64> {
    middle(loads.iter().map(figure).collect())
}

/// The median.
pub(crate) fn middle(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    let lower = values[(values.len() - 1) / 2];
    Some(f64::midpoint(lower, upper))
}

/// Keys in turns, with everything on.
pub(crate) fn home(upstream: &Target, keys: usize) -> Home {
    let home = Home::new()
        .set("KMI_UPSTREAM_BASE_URL", format!("http://{}/coding/v1", upstream.address))
        .set("KMI_AUTO_ROTATE_ALLOWED", "1")
        .set("KMI_PROXY_MAX_CONNECTIONS", "20000");
    (0..keys).fold(home, |home, number| home.with_key(&format!("key-{number}")))
}

async fn small(options: &Options, upstream: &Target, table: &mut Table) {
    let trio = Trio::start(options, upstream);
    for connections in [1, 16, 64] {
        let clients = Clients::new(connections);
        let run =
            async |target: &Target| clients.ask(target, options.window(), &target.request("GET", SMALL, b"")).await;
        let found = trio.compare(options.windows().max(TURNS_MIN), run).await;
        let at = |what: &str| format!("small request, {connections} connections: {what}");
        found.of_proxies(table, &at("CPU"), "µs", Load::cpu_each);
        found.of_all(table, &at("rate"), "1/s", Load::rate);
        found.added(table, &at("added latency, p50"), "µs", |load| load.quantile(0.5));
        found.added(table, &at("added latency, p99"), "µs", |load| load.quantile(0.99));
        found.failures(table, &at("failures"));
    }
}

async fn bodies(options: &Options, upstream: &Target, table: &mut Table) {
    let trio = Trio::start(options, upstream);
    for (name, size) in [("100 KB", 100 << 10), ("2 MB", 2 << 20)] {
        let (body, clients) = (conversation(size), Clients::new(4));
        let run = async |target: &Target| {
            clients.ask(target, options.window(), &target.request("POST", "/chat/completions", &body)).await
        };
        let found = trio.compare(options.windows(), run).await;
        found.of_proxies(table, &format!("body of {name}: CPU"), "µs", Load::cpu_each);
        found.added(table, &format!("body of {name}: added latency, p50"), "µs", |load| load.quantile(0.5));
        found.added(table, &format!("body of {name}: added latency, p99"), "µs", |load| load.quantile(0.99));
        found.failures(table, &format!("body of {name}: failures"));
    }
    let body = conversation(50 << 20);
    let (before, _) = clock::memory(trio.kmi.pid());
    let request = trio.kmi.request("POST", "/chat/completions", &body);
    let failed = load::requests(&trio.kmi, 1, Duration::from_millis(1), &request).await.failed;
    let (_, most) = clock::memory(trio.kmi.pid());
    table.add("body of 50 MB: memory at most, above that before", "MB", None, None, (most - before) as f64 / MEGABYTE);
    table.add_failures("body of 50 MB: failures", None, None, failed);
}

/// As a coding client sends it: one long conversation.
pub(crate) fn conversation(size: usize) -> Vec<u8> {
    let mut body = String::from("{\"model\":\"kimi-for-coding\",\"messages\":[");
    let turn = format!("{{\"role\":\"user\",\"content\":\"{}\"}},", "some words of code and prose ".repeat(30));
    while body.len() + turn.len() + 60 < size {
        body.push_str(&turn);
    }
    body.push_str("{\"role\":\"user\",\"content\":\"go on\"}],\"stream\":false}");
    body.into_bytes()
}

async fn first_chunk(options: &Options, upstream: &Target, table: &mut Table) {
    let trio = Trio::start(options, upstream);
    let found = trio.compare(options.windows(), async |target: &Target| load::first_chunks(target, 2_000).await).await;
    found.added(table, "stream of one chunk: added time, p50", "µs", |load| load.quantile(0.5));
    found.added(table, "stream of one chunk: added time, p99", "µs", |load| load.quantile(0.99));
    found.failures(table, "stream of one chunk: failures");
}

async fn streams(options: &Options, upstream: &Target, table: &mut Table) {
    let trio = Trio::start(options, upstream);
    let chunks = usize::try_from(options.span.as_millis() / 20).expect("small");
    let run = async |target: &Target| load::streams(target, 500, chunks, Duration::from_millis(20), |_| ()).await;
    let found = trio.compare(options.rounds, run).await;
    found.of_proxies(table, "500 streams, 50 chunks/s each: CPU per chunk", "µs", Load::cpu_each);
    found.of_all(table, "500 streams: transit of a chunk, p50", "µs", |load| load.quantile(0.5));
    found.of_all(table, "500 streams: transit of a chunk, p99", "µs", |load| load.quantile(0.99));
    found.failures(table, "500 streams: failures");
}

async fn idle_streams(options: &Options, upstream: &Target, table: &mut Table) {
    const STREAMS: usize = 5_000;
    let trio = Trio::start(options, upstream);
    let resident = async |target: &Target| {
        let memory = |target: &Target| target.processes().iter().map(|pid| clock::memory(*pid).0).sum::<u64>() as f64;
        let (before, mut held, mut missing) = (memory(target), 0.0, 0);
        let look = |open: u64| (held, missing) = (memory(target), STREAMS as u64 - open);
        let load = load::streams(target, STREAMS, 4, Duration::from_secs(3), look).await;
        (before, held, load.failed, missing)
    };
    let nginx = match &trio.nginx {
        Some(nginx) => Some(resident(nginx).await),
        None => None,
    };
    let (before, held, failed, missing) = resident(&trio.kmi).await;
    table.add("5,000 streams: resident memory", "MB", None, nginx.map(|n| n.1 / MEGABYTE), held / MEGABYTE);
    let each = |before: f64, held: f64| (held - before) / STREAMS as f64 / 1024.0;
    table.add("5,000 streams: memory of each", "KB", None, nginx.map(|n| each(n.0, n.1)), each(before, held));
    table.add_failures("5,000 streams: not open when memory was read", None, nginx.map(|n| n.3), missing);
    table.add_failures("5,000 streams: dropped", None, nginx.map(|n| n.2), failed);
}

async fn start(_: &Options, upstream: &Target, table: &mut Table) {
    let mut accepted = Vec::new();
    for _ in 0..10 {
        let home = home(upstream, 3);
        let began = Instant::now();
        let target = Target::kmi(home);
        let load = load::requests(&target, 1, Duration::from_nanos(1), &target.request("GET", SMALL, b"")).await;
        assert_eq!(load.failed, 0);
        accepted.push(began.elapsed().as_secs_f64() * 1e3);
    }
    table.add("start to the first answer", "ms", None, None, middle(accepted).expect("ten"));
    let home = home(upstream, 3);
    let beside = home.beside();
    let target = Target::kmi(home);
    let (resident, _) = clock::memory(target.pid());
    table.add("memory after the start", "MB", None, None, resident as f64 / MEGABYTE);
    let mut asked = Vec::new();
    for _ in 0..20 {
        let began = Instant::now();
        let status = command(&beside, &["status"]).stdout(Stdio::null()).status().expect("it runs");
        assert!(status.success());
        asked.push(began.elapsed().as_secs_f64() * 1e3);
    }
    table.add("kmi-tui status", "ms", None, None, middle(asked).expect("twenty"));
    let size = fs::metadata(env!("CARGO_BIN_EXE_kmi-tui")).expect("built").len();
    table.add("size of the program", "MB", None, None, size as f64 / MEGABYTE);
}

/// The cost of a request beside a long past, as a part of the cost without one.
async fn history(options: &Options, upstream: &Target, table: &mut Table) {
    let plain = Target::kmi(home(upstream, 3));
    let long_trace = home(upstream, 3).set("KMI_TRACE_MAX_MB", "0");
    let folder = long_trace.state_dir().join("trace");
    fs::create_dir_all(&folder).expect("made");
    write_trace(&folder.join("trace.jsonl"), 1 << 30).expect("written");
    let long_trace = Target::kmi(long_trace);
    let many_labels = home(upstream, 3);
    fs::create_dir_all(many_labels.state_dir()).expect("made");
    fs::write(many_labels.state_dir().join("state.json"), state_of(10_000)).expect("written");
    let many_labels = Target::kmi(many_labels);
    let many_keys = Target::kmi(home(upstream, 10_000).set("KMI_USAGE_CACHE_SECONDS", "0"));
    let others =
        [("a trace of 1 GB", &long_trace), ("state of 10,000 labels", &many_labels), ("10,000 keys", &many_keys)];
    for (name, target) in others {
        let (mut ratios, clients) = (Vec::new(), Clients::new(16));
        let cost = async |target: &Target| {
            clients.ask(target, options.window(), &target.request("GET", SMALL, b"")).await.cpu_each()
        };
        for round in 0..options.windows().max(3) {
            ratios.push(if round % 2 == 0 {
                let without = cost(&plain).await;
                cost(target).await / without
            } else {
                let with = cost(target).await;
                with / cost(&plain).await
            });
        }
        table.add(
            format!("CPU of a small request beside {name}, against none"),
            "×",
            None,
            None,
            middle(ratios).expect("some"),
        );
    }
}

fn write_trace(path: &std::path::Path, size: usize) -> std::io::Result<()> {
    let line = concat!(
        r#"{"ts":"2026-01-01 00:00:00 +0000","request_id":"00000000000000000000000000000000","method":"POST","#,
        r#""prompt_hint":"some words of a prompt","prompt_head":"some","key_label":"key-0","key_hash":"000000000000","#,
        r#""endpoint":"/chat/completions","status":200,"latency_ms":1000,"error_code":null,"rotation_index":0,"schema_version":1}"#,
        "\n"
    );
    let block = line.repeat(4096);
    let mut file = fs::File::create(path)?;
    for _ in 0..size.div_ceil(block.len()) {
        file.write_all(block.as_bytes())?;
    }
    Ok(())
}

fn state_of(labels: usize) -> String {
    let keys: serde_json::Map<String, serde_json::Value> =
        (0..labels).map(|number| (format!("gone-{number}"), serde_json::json!({"request_count": 1}))).collect();
    serde_json::json!({"schema_version": 1, "auto_rotate": true, "keys": keys}).to_string()
}
