//! `logs/kmi.log`: JSON lines `ts, level, message, …`, rotated by size, written by a thread that nobody waits for. Events come
//! through `tracing`; finished requests, of which there are more than all else, come by themselves and are worded here.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc::RecvTimeoutError,
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use jiff::{Timestamp, tz::TimeZone};
use serde::Serialize;
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    Layer,
    layer::{Context, SubscriberExt},
};

use super::{
    Doing, StoreError, json, permissions,
    queue::{self, Receiver, Sender},
    rotate::LineFile,
    stamp::Stamp,
};
use crate::domain::{
    policy::Rotation,
    trace::{Batch, TraceRecord},
};

/// Lines that may wait for the disk; further ones are dropped and counted.
const QUEUE: usize = 4096;
const LINE_USUAL: usize = 256;
/// Bytes that are written at once; what one entry has more is no matter.
const AT_ONCE: usize = 64 * 1024;
/// Bytes kept while the file can't be written; the oldest lines beyond are dropped and counted.
const KEPT: usize = 1024 * 1024;
/// How often they are tried again.
const RETRY: Duration = Duration::from_secs(1);
/// Lines are gathered so long: to wake the thread for each of them costs more than the line.
const GATHER: Duration = Duration::from_millis(20);
/// Targets of this crate; others speak from `WARN` on.
const OURS: &str = "kmi_tui";

/// Lines of this process that are lost: a process has one log.
static DROPPED: AtomicU64 = AtomicU64::new(0);
/// Where finished requests go.
static REQUESTS: OnceLock<Gate> = OnceLock::new();

/// Lines that are lost since the start.
pub(crate) fn dropped_lines() -> u64 {
    DROPPED.load(Ordering::Relaxed)
}

/// Logs finished requests, where there is a log.
pub(crate) fn requests(batch: &Batch) {
    if let Some(gate) = REQUESTS.get() {
        gate.let_in(batch.len(), |at, dropped| Entry::Requests { batch: batch.clone(), at, dropped });
    }
}

/// Writes what waits when it is dropped.
#[derive(Debug)]
pub(crate) struct LogGuard {
    entries: Option<Sender<Entry>>,
    thread: Option<JoinHandle<()>>,
}

/// What the thread is sent.
#[derive(Debug)]
enum Entry {
    Line(String),
    Requests {
        batch: Batch,
        at: Timestamp,
        /// Lines that were dropped before.
        dropped: u64,
    },
    End,
}

/// The way to the thread; nobody waits at it.
#[derive(Debug, Clone)]
struct Gate {
    entries: Sender<Entry>,
    /// Lines that were dropped since the last that was not.
    dropped: Arc<AtomicU64>,
    clock: fn() -> Timestamp,
}

impl Gate {
    /// `entry` is made of the time and of how many lines were dropped before.
    fn let_in(&self, lines: usize, entry: impl FnOnce(Timestamp, u64) -> Entry) {
        let dropped = self.dropped.swap(0, Ordering::Relaxed);
        if self.entries.offer(entry((self.clock)(), dropped), lines).is_err() {
            let lines = u64::try_from(lines).unwrap_or_default();
            self.dropped.fetch_add(dropped + lines, Ordering::Relaxed);
            DROPPED.fetch_add(lines, Ordering::Relaxed);
        }
    }
}

impl Drop for LogGuard {
    fn drop(&mut self) {
        if let Some(entries) = self.entries.take() {
            // The layer lives as long as the process and keeps its sender: this is how the thread learns of the end.
            let _ = entries.put(Entry::End, 0);
        }
        if let Some(thread) = self.thread.take() {
            // A writer that panicked has nothing left to flush.
            let _ = thread.join();
        }
    }
}

/// Where it is, below a state folder.
pub(crate) fn path(state_folder: &Path) -> PathBuf {
    state_folder.join("logs/kmi.log")
}

/// Sends this process's events to the log below this state folder. Only the first call in a process does.
pub(crate) fn install(
    state_folder: &Path,
    rotation: Rotation,
    zone: TimeZone,
    enforce: bool,
    clock: fn() -> Timestamp,
) -> Result<LogGuard, StoreError> {
    let (layer, guard) = open(state_folder, rotation, zone, enforce, clock)?;
    // An error means that it is set already, like the subscriber below.
    let _ = REQUESTS.set(layer.gate.clone());
    // An error means that a subscriber is set already, as in tests.
    let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer));
    Ok(guard)
}

fn open(
    state_folder: &Path,
    rotation: Rotation,
    zone: TimeZone,
    enforce: bool,
    clock: fn() -> Timestamp,
) -> Result<(JsonLines, LogGuard), StoreError> {
    let folder = state_folder.join("logs");
    permissions::private_folder(&folder, enforce).map_err(StoreError::at(&folder, Doing::Create))?;
    let path = path(state_folder);
    let file = LineFile::open(&path, rotation, enforce).map_err(StoreError::at(&path, Doing::Create))?;
    let (entries, inbox) = queue::bounded(QUEUE);
    let stamp = Stamp::new(zone.clone());
    let thread = thread::Builder::new().name("kmi-log".to_owned()).spawn(move || write(file, &inbox, stamp)).ok();
    let gate = Gate { entries: entries.clone(), dropped: Arc::default(), clock };
    Ok((JsonLines { gate, stamp: Mutex::new(Stamp::new(zone)) }, LogGuard { entries: Some(entries), thread }))
}

/// Turns events into lines.
struct JsonLines {
    gate: Gate,
    stamp: Mutex<Stamp>,
}

impl<S: Subscriber> Layer<S> for JsonLines {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        let most = if metadata.target().starts_with(OURS) { Level::INFO } else { Level::WARN };
        *metadata.level() <= most
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        self.gate.let_in(1, |at, dropped| {
            if dropped > 0 {
                fields.put("lines_dropped_before", &dropped);
            }
            let mut line = String::with_capacity(LINE_USUAL);
            line.push_str("{\"ts\":\"");
            line.push_str(self.stamp.lock().unwrap_or_else(PoisonError::into_inner).text(at));
            line.push_str("\",\"level\":\"");
            line.push_str(event.metadata().level().as_str());
            line.push_str("\",\"message\":");
            line.push_str(fields.message.as_deref().unwrap_or("\"\""));
            line.push_str(&fields.others);
            line.push_str("}\n");
            Entry::Line(line)
        });
    }
}

/// An event's fields, as JSON.
#[derive(Default)]
struct Fields {
    message: Option<String>,
    /// `,"name":value` for each.
    others: String,
}

impl Fields {
    fn put(&mut self, name: &str, value: &impl Serialize) {
        // What can't be written is left out: nobody could be told.
        let Ok(value) = json::line(value) else { return };
        if name == "message" {
            self.message = Some(value);
            return;
        }
        for part in [",\"", name, "\":", &value] {
            self.others.push_str(part);
        }
    }
}

impl Visit for Fields {
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field.name(), &value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field.name(), &value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field.name(), &value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field.name(), &value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field.name(), &format!("{value:?}"));
    }
}

/// Writes until it is told to end, all that waits at once. What can't be written is kept and tried again.
fn write(mut file: LineFile, inbox: &Receiver<Entry>, mut stamp: Stamp) {
    let mut lines = Vec::new();
    loop {
        let next = if lines.is_empty() {
            inbox.recv().map_err(|_| RecvTimeoutError::Disconnected)
        } else {
            inbox.recv_timeout(RETRY)
        };
        // Requests have been gathered before.
        let gather = matches!(next, Ok(Entry::Line(_)));
        let mut over = match next {
            Ok(entry) => push(&mut lines, entry, &mut stamp),
            Err(error) => error == RecvTimeoutError::Disconnected,
        };
        if gather {
            thread::sleep(GATHER);
        }
        let most = lines.len() + AT_ONCE;
        while lines.len() < most && !over {
            match inbox.try_recv() {
                Ok(entry) => over = push(&mut lines, entry, &mut stamp),
                Err(_) => break,
            }
        }
        match file.write(&lines) {
            Ok(()) => lines.clear(),
            // A log that can't be written has nowhere to say so; the count is shown.
            Err(_) => drop_oldest(&mut lines),
        }
        if over {
            return;
        }
    }
}

/// Adds the lines of an entry; the answer is whether it was the last.
fn push(lines: &mut Vec<u8>, entry: Entry, stamp: &mut Stamp) -> bool {
    match entry {
        Entry::Line(line) => lines.extend_from_slice(line.as_bytes()),
        Entry::Requests { batch, at, mut dropped } => {
            lines.reserve(batch.len() * LINE_USUAL);
            for record in &*batch {
                push_request(lines, record, stamp.text(at), std::mem::take(&mut dropped));
            }
        }
        Entry::End => return true,
    }
    false
}

/// The line of a request, as the old tool's users know it, and as an event of these fields would come out.
fn push_request(lines: &mut Vec<u8>, record: &TraceRecord, at: &str, dropped: u64) {
    let text = |lines: &mut Vec<u8>, named: &str, text: &str| {
        lines.extend_from_slice(named.as_bytes());
        json::push_text(lines, text);
    };
    let number = |lines: &mut Vec<u8>, named: &str, number: u64| {
        lines.extend_from_slice(named.as_bytes());
        // Writing to memory can't fail.
        let _ = json::push(lines, &number);
    };
    for part in ["{\"ts\":\"", at, "\",\"level\":\"INFO\",\"message\":\"proxy_request\""] {
        lines.extend_from_slice(part.as_bytes());
    }
    text(lines, ",\"endpoint\":", &record.endpoint);
    number(lines, ",\"status\":", record.status.into());
    if let Some(label) = &record.key {
        text(lines, ",\"key_label\":", label.as_str());
    }
    number(lines, ",\"latency_ms\":", u64::try_from(record.latency.as_millis()).unwrap_or(u64::MAX));
    text(lines, ",\"request_id\":", &record.request_id);
    if dropped > 0 {
        number(lines, ",\"lines_dropped_before\":", dropped);
    }
    lines.extend_from_slice(b"}\n");
}

fn drop_oldest(lines: &mut Vec<u8>) {
    let excess = lines.len().saturating_sub(KEPT);
    let Some(end) = lines.iter().skip(excess).position(|byte| *byte == b'\n').filter(|_| excess > 0) else {
        return;
    };
    let dropped = lines.drain(..=excess + end).filter(|byte| *byte == b'\n').count();
    DROPPED.fetch_add(u64::try_from(dropped).unwrap_or_default(), Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::Value;

    use super::*;
    use crate::domain::{key::Label, trace::sample};

    fn clock() -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    fn logged(rotation: Rotation, events: impl FnOnce()) -> (tempfile::TempDir, Vec<Value>) {
        let folder = tempfile::tempdir().expect("temp");
        let (layer, guard) = open(folder.path(), rotation, TimeZone::UTC, true, clock).expect("opened");
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), events);
        drop(guard);
        let text = fs::read_to_string(folder.path().join("logs/kmi.log")).expect("there");
        let lines = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        (folder, lines)
    }

    const NEVER: Rotation = Rotation { max_bytes: None, backups: 0 };

    #[test]
    fn events_are_flat_json_lines() {
        let (_folder, lines) = logged(NEVER, || {
            tracing::info!(key_label = "ключ\u{1b}[2J", latency_ms = 3_u64, "proxy_request");
            tracing::debug!("too small");
            tracing::info!(target: "hyper", "not ours");
            super::super::audit("key_blocked", "me", None);
        });
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert_eq!(
            lines[0],
            serde_json::json!({"ts": "1970-01-01 00:00:00 +0000", "level": "INFO", "message": "proxy_request", "key_label": "ключ\u{1b}[2J", "latency_ms": 3})
        );
        assert_eq!((&lines[1]["message"], &lines[1]["action"]), (&"audit_event".into(), &"key_blocked".into()));
    }

    #[test]
    fn a_request_is_worded_as_its_event_would_be() {
        let keyless = TraceRecord { key: None, endpoint: "/odd \"ключ\"\u{1b}".into(), ..sample("") };
        let batch: Batch = [sample("alpha"), keyless].map(Arc::new).into();
        let (folder, _) = logged(NEVER, || {
            for record in &*batch {
                tracing::info!(
                    endpoint = record.endpoint,
                    status = u64::from(record.status),
                    key_label = record.key.as_ref().map(Label::as_str),
                    latency_ms = u64::try_from(record.latency.as_millis()).unwrap_or(u64::MAX),
                    request_id = record.request_id,
                    "proxy_request"
                );
            }
        });
        let event = fs::read(folder.path().join("logs/kmi.log")).expect("there");
        let (mut lines, mut stamp) = (Vec::new(), Stamp::new(TimeZone::UTC));
        assert!(!push(&mut lines, Entry::Requests { batch: batch.clone(), at: clock(), dropped: 0 }, &mut stamp));
        assert_eq!(String::from_utf8_lossy(&lines), String::from_utf8_lossy(&event));
        lines.clear();
        push(&mut lines, Entry::Requests { batch, at: clock(), dropped: 3 }, &mut stamp);
        let counts: Vec<Value> = String::from_utf8_lossy(&lines)
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).expect("JSON")["lines_dropped_before"].take())
            .collect();
        assert_eq!(counts, [Value::from(3), Value::Null]);
    }

    #[test]
    fn the_log_is_rotated() {
        let (folder, lines) = logged(Rotation { max_bytes: Some(200), backups: 1 }, || {
            // More than is written at once.
            for number in 0..2_000_u64 {
                tracing::info!(number, "proxy_request");
            }
        });
        assert_eq!(lines.last().expect("a line")["number"], 1_999);
        assert_eq!(fs::read_dir(folder.path().join("logs")).expect("there").count(), 2);
    }

    #[test]
    fn what_cant_be_written_waits_and_the_oldest_goes() {
        let folder = tempfile::tempdir().expect("temp");
        let (layer, guard) = open(folder.path(), NEVER, TimeZone::UTC, true, clock).expect("opened");
        let logs = folder.path().join("logs");
        fs::rename(&logs, folder.path().join("away")).expect("moved");
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            tracing::info!("one");
            fs::create_dir(&logs).expect("made");
            tracing::info!("two");
        });
        drop(guard);
        let text = fs::read_to_string(logs.join("kmi.log")).expect("there");
        assert_eq!(text.lines().count(), 2, "{text}");

        let mut lines = ("old\n".repeat(KEPT / 4 + 1) + "new\n").into_bytes();
        drop_oldest(&mut lines);
        assert!(lines.len() <= KEPT && lines.starts_with(b"old\n") && lines.ends_with(b"new\n"), "{}", lines.len());
    }
}
