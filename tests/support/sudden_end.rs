//! Ends the program with SIGKILL at random moments under load, again and again, and looks at what is on disk after each.
//! How often is up to who asks: a few times in the tests, a hundred times in `benches/soak`.

use std::{
    collections::BTreeMap,
    fs,
    sync::{Arc, Mutex},
    time::Duration,
};

use kmi_tui::demo::Simulator;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::UnixStream,
    task::JoinSet,
    time::sleep,
};

use super::proxy::{Home, Proxy};

/// The first is never blocked, so that requests go on.
pub(crate) const LABELS: [&str; 4] = ["alpha", "beta", "gamma", "delta"];
/// Clients at once.
const CLIENTS: usize = 4;
/// The longest life.
const LIFE_MAX_MS: u64 = 600;

/// What was answered, and what may or may not have been done when the end came.
#[derive(Default)]
struct Said {
    /// The reason of a block, `null` for none, by label.
    acknowledged: BTreeMap<String, Value>,
    underway: Option<(String, Value)>,
    commands: u64,
    served: u64,
}

/// What was seen over all ends.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) ends: u32,
    pub(crate) commands: u64,
    pub(crate) served: u64,
    pub(crate) traced: usize,
    /// Last lines of the trace that were cut off.
    pub(crate) half_lines: usize,
    pub(crate) faults: Vec<String>,
}

/// So many lives and sudden ends in this home, which holds a key for each label.
pub(crate) async fn sudden_ends(simulator: &Simulator, home: Home, ends: u32, seed: u64) -> Seen {
    let mut home = home.set("KMI_TRACE_MAX_MB", "0");
    let mut rng = StdRng::seed_from_u64(seed);
    let (mut seen, said) = (Seen::default(), Arc::new(Mutex::new(Said::default())));
    let mut requests = 0;
    for _ in 0..ends {
        let proxy = home.start().await;
        home = live_and_end(proxy, &said, &mut rng).await;
        seen.ends += 1;
        look(&home, &said, &mut requests, &mut seen);
    }
    // All that was cut off is swept by the next start.
    let mut last = home.start().await;
    if !temporary(&last.home).is_empty() {
        seen.faults.push(format!("left behind: {:?}", temporary(&last.home)));
    }
    last.child.kill().await.expect("killed");
    let said = said.lock().expect("nobody panicked");
    (seen.commands, seen.served) = (said.commands, said.served);
    if simulator.requests().is_empty() {
        seen.faults.push("nothing was served".to_owned());
    }
    seen
}

async fn live_and_end(proxy: Proxy, said: &Arc<Mutex<Said>>, rng: &mut StdRng) -> Home {
    let life = Duration::from_millis(rng.random_range(1..LIFE_MAX_MS));
    let Proxy { home, address, mut child, .. } = proxy;
    let mut busy = JoinSet::new();
    for _ in 0..CLIENTS {
        let said = said.clone();
        busy.spawn(async move {
            while served(address).await {
                said.lock().expect("nobody panicked").served += 1;
            }
        });
    }
    let control = UnixStream::connect(home.state_dir().join("kmi.sock")).await.expect("it listens");
    busy.spawn(command(control, said.clone(), StdRng::seed_from_u64(rng.random())));
    sleep(life).await;
    child.kill().await.expect("killed");
    // Everybody meets the end by himself.
    while let Some(met) = busy.join_next().await {
        met.expect("nobody panicked");
    }
    home
}

/// Whether a request was served; not once the program has ended.
async fn served(address: std::net::SocketAddr) -> bool {
    use tokio::io::AsyncReadExt;
    let Ok(mut stream) = tokio::net::TcpStream::connect(address).await else { return false };
    let head = format!("GET /kmi-rotor/v1/models HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    let mut answer = Vec::new();
    stream.write_all(head.as_bytes()).await.is_ok()
        && stream.read_to_end(&mut answer).await.is_ok()
        && answer.starts_with(b"HTTP/1.1 200")
}

/// Blocks and frees keys as fast as it is answered, and notes what was.
async fn command(control: UnixStream, said: Arc<Mutex<Said>>, mut rng: StdRng) {
    let (reading, mut writing) = control.into_split();
    let mut lines = BufReader::new(reading).lines();
    for id in 1_u64.. {
        let label = LABELS[rng.random_range(1..LABELS.len())];
        let (wish, value) = if rng.random_bool(0.6) {
            let reason = format!("reason {}", rng.random::<u32>());
            (json!({"block": {"label": label, "reason": reason}}), reason.into())
        } else {
            (json!({"unblock": label}), Value::Null)
        };
        said.lock().expect("nobody panicked").underway = Some((label.to_owned(), value.clone()));
        let line = json!({"v": 1, "id": id, "do": "command", "command": wish});
        if writing.write_all(format!("{line}\n").as_bytes()).await.is_err() {
            return;
        }
        let Ok(Some(answer)) = lines.next_line().await else { return };
        let answer: Value = serde_json::from_str(&answer).expect("JSON");
        assert_eq!((&answer["kind"], &answer["id"]), (&"notice".into(), &id.into()), "{answer}");
        let mut said = said.lock().expect("nobody panicked");
        said.underway = None;
        said.commands += 1;
        said.acknowledged.insert(label.to_owned(), value);
    }
}

/// What is on disk now must hold all that was answered.
fn look(home: &Home, said: &Mutex<Said>, requests: &mut u64, seen: &mut Seen) {
    let mut said = said.lock().expect("nobody panicked");
    let text = fs::read_to_string(home.state_dir().join("state.json")).unwrap_or_default();
    let state: Value = serde_json::from_str(&text).unwrap_or_default();
    let end = seen.ends;
    // An end may come before anything was saved for the first time.
    if !state.is_object() && (!text.is_empty() || !said.acknowledged.is_empty() || *requests > 0) {
        seen.faults.push(format!("end {end}: the state is {} bytes and no object", text.len()));
    }
    for (label, expected) in &said.acknowledged {
        let found = &state["keys"][label]["blocked_reason"];
        let underway = said.underway.as_ref().is_some_and(|(other, value)| other == label && value == found);
        if found != expected && !underway {
            seen.faults.push(format!("end {end}: {label} is {found}, and {expected} was answered"));
        }
    }
    if let Some((label, _)) = said.underway.take() {
        // Done or not: the file knows.
        let found = state["keys"][&label]["blocked_reason"].clone();
        said.acknowledged.insert(label, found);
    }
    let counted = LABELS.iter().filter_map(|label| state["keys"][label]["request_count"].as_u64()).sum();
    if counted < *requests {
        seen.faults.push(format!("end {end}: {counted} requests are counted, and there were {requests}"));
    }
    *requests = counted;
    let odd = fs::read_dir(home.state_dir()).into_iter().flatten().flatten();
    let odd = odd.filter(|entry| entry.file_name().to_string_lossy().contains("corrupt"));
    seen.faults.extend(odd.map(|entry| format!("end {end}: {} was set aside", entry.path().display())));
    look_at_trace(home, seen);
}

fn look_at_trace(home: &Home, seen: &mut Seen) {
    let text = fs::read_to_string(home.state_dir().join("trace/trace.jsonl")).unwrap_or_default();
    let (mut whole, mut half) = (0, 0);
    for line in text.lines() {
        if serde_json::from_str::<Value>(line).is_ok() { whole += 1 } else { half += 1 }
    }
    if whole < seen.traced {
        seen.faults.push(format!("end {}: {whole} records are left of {}", seen.ends, seen.traced));
    }
    // Each end can cut one line off.
    if half > seen.half_lines + 1 {
        seen.faults.push(format!("end {}: {half} lines of the trace can't be read", seen.ends));
    }
    (seen.traced, seen.half_lines) = (whole, half);
}

fn temporary(home: &Home) -> Vec<String> {
    let names = fs::read_dir(home.state_dir()).into_iter().flatten().flatten().map(|entry| entry.file_name());
    names.filter_map(|name| name.into_string().ok()).filter(|name| name.starts_with(".kmi-tmp-")).collect()
}
