//! What the program holds while it runs, and what it left behind at the end.

use std::{fs, time::Duration};

use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::{
    field::{Sample, Tally},
    load::Life,
    support::proxy::{Home, Proxy},
};

/// How long the last request may take to be counted and written.
const SETTLING: Duration = Duration::from_secs(30);

/// Looks every second, where the system tells.
pub(crate) async fn watch(life: Life, tally: Tally) {
    loop {
        sleep(Duration::from_secs(1)).await;
        let pid = life.proxy().await.pid();
        if let Some(sample) = look(&format!("/proc/{}", pid.as_raw_nonzero())) {
            tally.sample(sample);
        }
    }
}

fn look(process: &str) -> Option<Sample> {
    let status = fs::read_to_string(format!("{process}/status")).ok()?;
    let number =
        |name: &str| status.lines().find_map(|line| line.strip_prefix(name)?.split_whitespace().next()?.parse().ok());
    // What others may not look at counts as nothing.
    let files = fs::read_dir(format!("{process}/fd")).map_or(0, Iterator::count) as u64;
    Some(Sample { resident_kb: number("VmRSS:")?, files, threads: number("Threads:")? })
}

/// When all is over, nothing is under way and everything is written.
pub(crate) async fn settled(proxy: &Proxy, tally: &Tally) -> Vec<String> {
    let deadline = Instant::now() + SETTLING;
    loop {
        let (_, said, _) = proxy.home.run(&["status", "--json"]).await;
        let status: Value = serde_json::from_str(&said).unwrap_or_default();
        let mut breaches = Vec::new();
        for (what, value) in [
            ("requests that are stuck", &status["in_flight"]),
            ("requests that wait", &status["held"]),
            ("saves that failed", &status["not_written"]["failed_saves"]),
            ("records that wait", &status["not_written"]["waiting_records"]),
            ("records that are lost", &status["not_written"]["lost_records"]),
            ("log lines that are lost", &status["not_written"]["lost_log_lines"]),
        ] {
            if *value != 0 {
                breaches.push(format!("{what}: {value}"));
            }
        }
        if breaches.is_empty() || Instant::now() > deadline {
            tally.count("times looked until all was settled");
            return breaches;
        }
        sleep(Duration::from_millis(200)).await;
    }
}

/// Files that are not as they should be: no file was set aside, and each sudden end can have cut off one line of the trace and
/// one of the log.
pub(crate) fn spoilt_files(home: &Home, tally: &Tally) -> Vec<String> {
    let mut spoilt = Vec::new();
    for folder in ["", "trace", "logs"] {
        for entry in fs::read_dir(home.state_dir().join(folder)).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.contains("corrupt") || name.starts_with(".kmi-tmp-") {
                spoilt.push(format!("{name} is left"));
            }
            if name.starts_with("trace.jsonl") || name.starts_with("kmi.log") {
                let text = fs::read(entry.path()).unwrap_or_default();
                let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
                let half = lines.filter(|line| serde_json::from_slice::<Value>(line).is_err()).count() as u64;
                if half > tally.sudden_ends() {
                    spoilt.push(format!("{half} lines of {name} can't be read"));
                }
            }
        }
    }
    spoilt
}
