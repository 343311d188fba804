//! The real binary under load, with keys that fail at random: while one key is healthy, no client may see an error.
//!
//! `cargo bench --bench soak -- --seconds 600 --rate 200 --seed 7`. It prints a table, and fails when a client saw an
//! error, a key was found in what the program wrote, or the program did not end well. Not a measure of speed.

#![expect(clippy::print_stdout, reason = "the table is what it is for")]

#[expect(dead_code, reason = "the tests use the rest of it")]
#[path = "../tests/support/mod.rs"]
mod support;

use std::{
    collections::BTreeMap,
    fs,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, header};
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use kmi_tui::demo::{Behaviour, Refusal, Simulator};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use support::proxy::{Proxy, files_with, home, key, simulator};
use tokio::{
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval, sleep},
};

const LABELS: [&str; 8] = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta"];
/// A key is trusted with all the load when it has been well for so long: a 401 is checked again after a minute.
const PROVEN: Duration = Duration::from_secs(75);

type Http = Client<HttpConnector, Full<Bytes>>;

struct Options {
    seconds: u64,
    rate: u64,
    seed: u64,
}

#[derive(Default)]
struct Tally {
    counts: BTreeMap<String, u64>,
    latencies: Vec<Duration>,
    memory: Vec<u64>,
    files: u64,
}

type Shared = Arc<Mutex<Tally>>;

fn main() {
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let options = Options { seconds: option("--seconds", 20), rate: option("--rate", 200), seed: option("--seed", 7) };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    if !runtime.block_on(soak(&options)) {
        std::process::exit(1);
    }
}

fn option(name: &str, default: u64) -> u64 {
    let mut arguments = std::env::args().skip_while(|argument| argument != name).skip(1);
    arguments
        .next()
        .map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} takes a number, not {text:?}")))
}

async fn soak(options: &Options) -> bool {
    let simulator = Arc::new(simulator(&LABELS).await);
    let home = home(&simulator, &LABELS)
        .set("KMI_AUTO_ROTATE_ALLOWED", "1")
        .set("KMI_ROTATION_COOLDOWN_SECONDS", "5")
        .set("KMI_PAYMENT_BLOCK_SECONDS", "10")
        .set("KMI_USAGE_CACHE_SECONDS", "300");
    fs::create_dir(home.state_dir()).expect("made");
    fs::write(home.state_dir().join("state.json"), r#"{"schema_version":1,"auto_rotate":true}"#).expect("written");
    let mut proxy = home.start().await;
    let tally = Shared::default();
    let chaos = tokio::spawn(chaos(simulator, StdRng::seed_from_u64(options.seed), tally.clone()));
    let watch = tokio::spawn(watch(proxy.child.id().expect("it runs"), tally.clone()));
    load(&proxy, options, &tally).await;
    chaos.abort();
    watch.abort();
    proxy.signal(rustix::process::Signal::TERM);
    let ended = proxy.ended().await;
    let leaks = leaks(&proxy);
    let tally = tally.lock().expect("nobody panicked");
    print(&tally, options, &proxy);
    println!("| exit | {ended} |\n| files with a key, auth files aside | {leaks:?} |");
    let errors: u64 = tally.counts.iter().filter(|(name, _)| name.starts_with("error: ")).map(|(_, count)| count).sum();
    println!("\n{errors} client errors");
    errors == 0 && leaks.is_empty() && ended.success()
}

/// Requests at a steady rate, whatever becomes of those before.
async fn load(proxy: &Proxy, options: &Options, tally: &Shared) {
    let http: Http = Client::builder(TokioExecutor::new()).build_http();
    let base = format!("http://{}/kmi-rotor/v1", proxy.address);
    let mut tick = interval(Duration::from_secs(1) / u32::try_from(options.rate).expect("a rate"));
    tick.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut tasks = JoinSet::new();
    for number in 0..options.seconds * options.rate {
        tick.tick().await;
        tasks.spawn(one(http.clone(), base.clone(), number, tally.clone()));
        while tasks.try_join_next().is_some() {}
    }
    while tasks.join_next().await.is_some() {}
}

async fn one(http: Http, base: String, number: u64, tally: Shared) {
    let (rest, stream) = match number % 10 {
        0..3 => ("/chat/completions", true),
        3..7 => ("/chat/completions", false),
        7 => ("/messages", number % 20 == 7),
        _ => ("/models", false),
    };
    let message = serde_json::json!([{"role": "user", "content": "Say something about soaking."}]);
    let body = serde_json::json!({"model": "kimi-for-coding", "max_tokens": 99, "stream": stream, "messages": message});
    let post = rest != "/models";
    let request = Request::builder()
        .method(if post { "POST" } else { "GET" })
        .uri(format!("{base}{rest}"))
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::USER_AGENT, "soak/1")
        .header(header::AUTHORIZATION, "Bearer kmi-local")
        .body(Full::new(if post { body.to_string().into() } else { Bytes::new() }))
        .expect("valid");
    let began = Instant::now();
    let outcome = ask(&http, request, stream).await;
    let mut tally = tally.lock().expect("nobody panicked");
    tally.latencies.push(began.elapsed());
    *tally.counts.entry(outcome).or_default() += 1;
}

/// What became of a request: `ok`, with its attempts, or the error that the client saw.
async fn ask(http: &Http, request: Request<Full<Bytes>>, stream: bool) -> String {
    let answer = match http.request(request).await {
        Ok(answer) => answer,
        Err(error) => return format!("error: {error}"),
    };
    let status = answer.status();
    let attempts =
        answer.headers().get("x-kmi-attempts").and_then(|value| value.to_str().ok()).unwrap_or("?").to_owned();
    let Ok(body) = answer.into_body().collect().await else { return "error: cut".into() };
    let text = String::from_utf8_lossy(&body.to_bytes()).into_owned();
    let whole = !stream || text.contains("[DONE]") || text.contains("message_stop");
    match status.as_u16() {
        200 if text.starts_with("{\"error\"") || text.contains("\"type\":\"error\"") => {
            format!("error: an error in a 200 after {attempts} attempts")
        }
        200 if whole => format!("ok after {attempts} attempts"),
        200 => format!("error: a stream without an end after {attempts} attempts"),
        status => format!("error: {status} after {attempts} attempts: {}", text.chars().take(300).collect::<String>()),
    }
}

/// Gives random keys random faults for a while, and always leaves one alone that has proven itself.
async fn chaos(simulator: Arc<Simulator>, mut rng: StdRng, tally: Shared) {
    let now = Instant::now();
    let mut until = [now; LABELS.len()];
    let mut spared = 0;
    loop {
        sleep(Duration::from_millis(rng.random_range(300..2_000))).await;
        let now = Instant::now();
        for (at, end) in until.iter().enumerate().filter(|(_, end)| **end <= now) {
            if now.duration_since(*end) < Duration::from_millis(2_100) {
                simulator.set(&key(LABELS[at]), Behaviour::Healthy);
            }
        }
        let proven =
            (0..LABELS.len()).filter(|at| now.checked_duration_since(until[*at]).is_some_and(|well| well > PROVEN));
        if let Some(next) = proven.collect::<Vec<_>>().choose(&mut rng) {
            spared = *next;
        }
        let victim = rng.random_range(0..LABELS.len());
        if victim == spared || until[victim] > now {
            continue;
        }
        until[victim] = now + Duration::from_millis(rng.random_range(500..8_000));
        let (name, fault) = fault(&mut rng);
        simulator.set(&key(LABELS[victim]), fault);
        *tally.lock().expect("nobody panicked").counts.entry(format!("fault: {name}")).or_default() += 1;
    }
}

fn fault(rng: &mut StdRng) -> (&'static str, Behaviour) {
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

/// Memory and open files of the program, where the system tells.
async fn watch(pid: u32, tally: Shared) {
    loop {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let resident: Option<u64> =
            status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.split_whitespace().next()?.parse().ok());
        let files = fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count) as u64;
        {
            let mut tally = tally.lock().expect("nobody panicked");
            tally.memory.extend(resident);
            tally.files = tally.files.max(files);
        }
        sleep(Duration::from_secs(5)).await;
    }
}

/// Files that the program wrote and that hold a key.
fn leaks(proxy: &Proxy) -> Vec<String> {
    let found = LABELS.iter().flat_map(|label| files_with(&proxy.home.state_dir(), &key(label)));
    found.map(|path| path.display().to_string()).collect()
}

fn print(tally: &Tally, options: &Options, proxy: &Proxy) {
    println!("\n| {} s at {} requests a second, seed {} | |\n|---|---|", options.seconds, options.rate, options.seed);
    for (what, count) in &tally.counts {
        println!("| {what} | {count} |");
    }
    let mut sorted = tally.latencies.clone();
    sorted.sort_unstable();
    for percent in [50, 99, 100] {
        let at = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
        println!("| latency p{percent} | {:.1} ms |", sorted.get(at).map_or(0.0, |span| span.as_secs_f64() * 1e3));
    }
    let (first, last) = (tally.memory.first(), tally.memory.last());
    println!(
        "| resident memory at start, at the end, most (kB) | {first:?} {last:?} {:?} |",
        tally.memory.iter().max()
    );
    println!("| open files, most | {} |", tally.files);
    let counts = proxy.state()["keys"].as_object().cloned().unwrap_or_default();
    for (label, state) in counts {
        println!("| attempts on {label} | {} |", state["request_count"]);
    }
}
