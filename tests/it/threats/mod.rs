//! Hostile bytes over raw sockets, as tables: what is sent, and what must come of it. After each row the program is alive,
//! answers a plain request, and no key stands anywhere but in the auth files. SECURITY.md names the cases.

mod access;
mod floods;
mod framing;
mod headers;
mod hostile_text;
mod refusals;
mod secrets;
mod streams;
mod targets;
mod upstream_faults;

use std::time::Duration;

use kmi_tui::demo::{Received, Simulator};
use serde_json::json;
use tokio::time::{Instant, timeout};

use crate::support::{
    client::Raw,
    proxy::{Home, Proxy, files_with, home, key, simulator},
    source::{files, read},
};

/// Refusals come at once, and hang up; this long on a busy machine.
const PATIENCE: Duration = Duration::from_secs(15);

/// A proxy with one key whose upstream is the simulator, and what every row is checked for.
struct Scene {
    simulator: Simulator,
    proxy: Proxy,
}

impl Scene {
    async fn new() -> Self {
        Self::with(|home| home).await
    }

    async fn with(set: impl FnOnce(Home) -> Home) -> Self {
        let simulator = simulator(&["alpha"]).await;
        let proxy = set(home(&simulator, &["alpha"])).start().await;
        Self { simulator, proxy }
    }

    /// Sends these bytes, `HOST` being the proxy's address, and reads until the proxy closes.
    async fn tell(&self, bytes: impl AsRef<[u8]>) -> String {
        let mut raw = Raw::open(self.proxy.address).await;
        raw.send(replaced(bytes.as_ref(), b"HOST", self.proxy.address.to_string().as_bytes())).await;
        let shown = shown(&String::from_utf8_lossy(bytes.as_ref()));
        timeout(PATIENCE, raw.read_to_end()).await.unwrap_or_else(|_| panic!("left open: {shown}: {}", raw.text()));
        raw.text()
    }

    /// The requests that came to the upstream while this ran, and its answer.
    async fn seen<T>(&self, act: impl Future<Output = T>) -> (T, Vec<Received>) {
        let known = self.simulator.requests().len();
        let answer = act.await;
        let mut seen = self.simulator.requests();
        (answer, seen.split_off(known))
    }

    async fn well(&mut self, row: &str) {
        well(&mut self.proxy, &[], row).await;
    }
}

/// Waits until no request is in flight: whoever held a key has given it back.
async fn idle(proxy: &Proxy) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let snapshot = proxy.control(&json!({"do": "snapshot"})).await["snapshot"].take();
        let keys = snapshot["keys"].as_array().expect("a list").iter().map(|key| key["in_flight"].clone());
        let in_flight: Vec<_> = keys.chain([snapshot["traffic"]["in_flight"].clone()]).collect();
        if in_flight.iter().all(|count| *count == 0) {
            return;
        }
        assert!(Instant::now() < deadline, "still in flight: {in_flight:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[test]
fn every_case_has_its_row() {
    let paper = read("SECURITY.md");
    // The groups' own files; here is only what they share.
    for path in files("tests/it/threats", "rs").iter().filter(|path| !path.ends_with("/mod.rs")) {
        for part in read(path).split("#[tokio::test]").skip(1) {
            let name = part.split("async fn ").nth(1).and_then(|rest| rest.split('(').next()).expect("a name");
            assert!(paper.contains(&format!("`{name}`")), "SECURITY.md has no row for {name} of {path}");
        }
    }
    for group in 'A'..='L' {
        assert!(paper.contains(&format!("\n| {group} | ")), "SECURITY.md says nothing of group {group}");
    }
}

/// What holds after every row. `headers` open the proxy where it has a token.
async fn well(proxy: &mut Proxy, headers: &[(&str, &str)], row: &str) {
    let row = shown(row);
    assert!(proxy.child.try_wait().expect("asked").is_none(), "it ended at {row}: {}", proxy.said());
    let answer = proxy.request("GET", "/models", headers, b"").await;
    assert_eq!(answer.status, 200, "a plain request after {row}: {}", answer.text());
    for label in ["alpha", "beta"] {
        let key = key(label);
        let files = files_with(&proxy.home.state_dir(), &key);
        assert!(files.is_empty(), "{row} left a key in {files:?}");
        assert!(!proxy.said().contains(&key), "{row} made it say a key: {}", proxy.said());
    }
    assert!(!proxy.said().contains("panicked"), "{row}: {}", proxy.said());
}

/// The statuses of all final answers in what was received, in order.
fn statuses(received: &str) -> Vec<u16> {
    let heads = received.match_indices("HTTP/1.1 ").map(|(at, mark)| &received[at + mark.len()..]);
    heads.filter_map(|rest| rest.get(..3)?.parse().ok()).filter(|status| *status >= 200).collect()
}

/// A row in an assertion: its beginning will do.
fn shown(row: &str) -> String {
    row.chars().take(160).collect::<String>().escape_debug().to_string()
}

fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut made = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(at) = memchr::memmem::find(rest, from) {
        made.extend_from_slice(&rest[..at]);
        made.extend_from_slice(to);
        rest = &rest[at + from.len()..];
    }
    made.extend_from_slice(rest);
    made
}
