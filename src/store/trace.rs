//! `trace/trace.jsonl`: one object a line, the old tool's fields first, then ours. Appended in batches, rotated by size.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use jiff::{Timestamp, fmt::strtime, tz::TimeZone};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Doing, StoreError, json, lock, permissions, rotate};
use crate::domain::{
    key::Label,
    policy::Rotation,
    trace::{Attempt, Ending, Tokens, TraceRecord},
};

/// `2026-02-02 15:30:00 +0300`
const TIME: &str = "%Y-%m-%d %H:%M:%S %z";
/// Files are read backwards in blocks of this size.
const BLOCK: u64 = 64 * 1024;

/// The trace, appended to by one owner.
#[derive(Debug)]
pub(crate) struct TraceFile {
    path: PathBuf,
    rotation: Rotation,
    zone: TimeZone,
    enforce: bool,
}

impl TraceFile {
    /// Below this state folder.
    pub(crate) fn open(
        state_folder: &Path,
        rotation: Rotation,
        zone: TimeZone,
        enforce: bool,
    ) -> Result<Self, StoreError> {
        let folder = state_folder.join("trace");
        permissions::private_folder(&folder, enforce).map_err(StoreError::at(&folder, Doing::Create))?;
        Ok(Self { path: folder.join("trace.jsonl"), rotation, zone, enforce })
    }

    /// Appends whole lines or nothing.
    pub(crate) fn append(&self, records: &[Arc<TraceRecord>]) -> Result<(), StoreError> {
        let mut batch = String::new();
        for record in records {
            let line = json::line(&Line::of(record, &self.zone)).map_err(io::Error::from);
            batch.push_str(&line.map_err(StoreError::at(&self.path, Doing::Write))?);
            batch.push('\n');
        }
        let _lock = lock::beside(&self.path, self.enforce)?;
        self.write(batch.as_bytes()).map_err(StoreError::at(&self.path, Doing::Write))
    }

    /// The last records, newest last, from rotated files too. Lines that can't be read are skipped.
    pub(crate) fn tail(&self, most: usize) -> Vec<TraceRecord> {
        let mut newest_first = Vec::new();
        let rotated = (1..=self.rotation.backups).map(|number| rotate::numbered(&self.path, number));
        for path in std::iter::once(self.path.clone()).chain(rotated) {
            let missing = most - newest_first.len();
            if missing == 0 {
                break;
            }
            // A file that can't be read shows nothing; the doctor names it.
            let text = last_lines(&path, missing).unwrap_or_default();
            let lines = text.split(|byte| *byte == b'\n').rev();
            newest_first.extend(
                lines.filter_map(|line| serde_json::from_slice::<Line>(line).ok()?.into_record()).take(missing),
            );
        }
        newest_first.reverse();
        newest_first
    }

    /// The file is opened anew each time, so that one that was moved away is not written to for ever.
    fn write(&self, batch: &[u8]) -> io::Result<()> {
        let mut file = permissions::private_file(&self.path, self.enforce)?;
        let mut size = file.metadata()?.len();
        if rotate::when_full(&self.path, size, self.rotation)? {
            file = permissions::private_file(&self.path, self.enforce)?;
            size = 0;
        }
        if size > 0 && !ends_line(&mut file, size)? {
            file.write_all(b"\n")?;
        }
        let before = file.metadata()?.len();
        file.write_all(batch).inspect_err(|_| {
            // Half a line is worse than none; when even this fails, the next batch starts on a new line.
            let _ = file.set_len(before);
        })
    }
}

/// Whether the last byte is a line's end; a sudden end may have left half a line.
fn ends_line(file: &mut File, size: u64) -> io::Result<bool> {
    let mut last = [0];
    file.seek(SeekFrom::Start(size - 1))?;
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

/// The end of a file that holds at least this many lines, or the whole of it.
fn last_lines(path: &Path, lines: usize) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let mut start = file.metadata()?.len();
    let mut text = Vec::new();
    while start > 0 && memchr::memchr_iter(b'\n', &text).count() <= lines {
        let from = start.saturating_sub(BLOCK);
        let mut block = Vec::new();
        file.seek(SeekFrom::Start(from))?;
        (&mut file).take(start - from).read_to_end(&mut block)?;
        block.append(&mut text);
        text = block;
        start = from;
    }
    Ok(text)
}

/// A line as it stands in the file. Old lines lack the second half.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    #[serde(alias = "ts_msk")]
    ts: String,
    #[serde(default)]
    request_id: String,
    #[serde(default)]
    method: String,
    #[serde(default)]
    prompt_hint: String,
    #[serde(default)]
    prompt_head: String,
    key_label: Option<String>,
    key_hash: Option<String>,
    #[serde(default)]
    endpoint: String,
    #[serde(default)]
    status: u16,
    #[serde(default)]
    latency_ms: u64,
    error_code: Option<Value>,
    #[serde(default)]
    rotation_index: u64,
    #[serde(default)]
    schema_version: u64,
    #[serde(default)]
    attempts: Vec<Attempt>,
    #[serde(default, skip_serializing_if = "is_zero")]
    waited_ms: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shared_cause: Option<String>,
    #[serde(default = "completed")]
    ending: Ending,
    total_ms: Option<u64>,
    first_byte_ms: Option<u64>,
    #[serde(default)]
    tokens: Tokens,
    #[serde(default)]
    bytes_in: u64,
    #[serde(default)]
    bytes_out: u64,
    model: Option<String>,
    #[serde(default)]
    stream: bool,
    client: Option<String>,
    error: Option<String>,
}

const fn completed() -> Ending {
    Ending::Completed
}

impl Line {
    fn of(record: &TraceRecord, zone: &TimeZone) -> Self {
        let record = record.clone();
        Self {
            ts: record.at.to_zoned(zone.clone()).strftime(TIME).to_string(),
            request_id: record.request_id,
            method: record.method,
            prompt_hint: record.prompt_hint,
            prompt_head: record.prompt_head,
            key_label: record.key.map(|label| label.as_str().to_owned()),
            key_hash: record.key_hash,
            endpoint: record.endpoint,
            status: record.status,
            latency_ms: millis(record.latency),
            error_code: record
                .error_code
                .map(|code| code.parse().map_or(Value::String(code), |status: u16| status.into())),
            rotation_index: record.rotation_index,
            schema_version: 1,
            attempts: record.attempts,
            waited_ms: millis(record.waited),
            shared_cause: record.shared_cause,
            ending: record.ending,
            total_ms: Some(millis(record.total)),
            first_byte_ms: record.first_byte.map(millis),
            tokens: record.tokens,
            bytes_in: record.bytes_in,
            bytes_out: record.bytes_out,
            model: record.model,
            stream: record.stream,
            client: record.client,
            error: record.error,
        }
    }

    fn into_record(self) -> Option<TraceRecord> {
        let latency = Duration::from_millis(self.latency_ms);
        Some(TraceRecord {
            at: moment(&self.ts)?,
            request_id: self.request_id,
            method: self.method,
            prompt_hint: self.prompt_hint,
            prompt_head: self.prompt_head,
            key: self.key_label.as_deref().map(Label::new),
            key_hash: self.key_hash,
            endpoint: self.endpoint,
            status: self.status,
            latency,
            total: self.total_ms.map_or(latency, Duration::from_millis),
            error_code: self.error_code.and_then(|code| match code {
                Value::String(text) => Some(text),
                Value::Null => None,
                other => Some(other.to_string()),
            }),
            rotation_index: self.rotation_index,
            attempts: self.attempts,
            waited: Duration::from_millis(self.waited_ms),
            shared_cause: self.shared_cause,
            ending: self.ending,
            first_byte: self.first_byte_ms.map(Duration::from_millis),
            tokens: self.tokens,
            bytes_in: self.bytes_in,
            bytes_out: self.bytes_out,
            model: self.model,
            stream: self.stream,
            client: self.client,
            error: self.error,
        })
    }
}

fn moment(text: &str) -> Option<Timestamp> {
    strtime::parse(TIME, text).ok()?.to_timestamp().ok()
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn record(number: u16) -> TraceRecord {
        TraceRecord {
            at: "2026-02-02T12:30:00Z".parse().expect("valid"),
            request_id: format!("{number:032x}"),
            method: "POST".into(),
            prompt_hint: "напиши \u{202e} стих".into(),
            prompt_head: "напиши".into(),
            key: Some(Label::new("alpha")),
            key_hash: Some("a4a6d307ad00".into()),
            endpoint: "/chat/completions".into(),
            status: number,
            latency: Duration::from_millis(12),
            total: Duration::from_millis(40),
            error_code: Some("429".into()),
            rotation_index: 2,
            waited: Duration::from_millis(3),
            shared_cause: Some("address".into()),
            attempts: vec![Attempt {
                key: Label::new("alpha"),
                status: Some(429),
                cause: "rate_limited".into(),
                ms: 11,
            }],
            ending: Ending::UpstreamCut,
            first_byte: Some(Duration::from_millis(13)),
            tokens: Tokens { input: Some(5), output: None, cached: Some(0) },
            bytes_in: 10,
            bytes_out: 20,
            model: Some("kimi-for-coding".into()),
            stream: true,
            client: Some("KimiCLI/1.49.0".into()),
            error: None,
        }
    }

    fn records(numbers: std::ops::Range<u16>) -> Vec<Arc<TraceRecord>> {
        numbers.map(|number| Arc::new(record(number))).collect()
    }

    fn open(folder: &Path, max_bytes: Option<u64>) -> TraceFile {
        let zone = TimeZone::fixed(jiff::tz::offset(3));
        TraceFile::open(folder, Rotation { max_bytes, backups: 2 }, zone, true).expect("opened")
    }

    #[test]
    fn a_line_has_the_old_fields_first_and_reads_back() {
        let folder = tempfile::tempdir().expect("temp");
        let trace = open(folder.path(), None);
        trace.append(&records(200..201)).expect("written");
        let text = fs::read_to_string(folder.path().join("trace/trace.jsonl")).expect("there");
        assert!(text.is_ascii());
        let start = r#"{"ts":"2026-02-02 15:30:00 +0300","request_id":"000000000000000000000000000000c8","method":"POST","prompt_hint":""#;
        assert!(text.starts_with(start), "{text}");
        assert!(text.contains(r#""key_label":"alpha","key_hash":"a4a6d307ad00","endpoint":"/chat/completions","status":200,"latency_ms":12,"error_code":429,"rotation_index":2,"schema_version":1,"#), "{text}");
        assert_eq!(trace.tail(10), [record(200)]);
    }

    #[test]
    fn lines_of_the_old_tool_are_read_and_bad_ones_skipped() {
        let folder = tempfile::tempdir().expect("temp");
        let trace = open(folder.path(), None);
        let old = concat!(
            r#"{"ts_msk":"2026-02-02 15:30:00 +0300","key_label":"a","status":200,"latency_ms":3,"error_code":"payment_required"}"#,
            "\nnot json\n{}\n\n",
            r#"{"ts":"2026-02-02 15:30:01 +0300","key_label":"b","status":503,"half"#
        );
        fs::write(folder.path().join("trace/trace.jsonl"), old).expect("written");
        trace.append(&records(1..2)).expect("written");
        let read = trace.tail(10);
        assert_eq!(read.len(), 2, "the half line does not swallow the next");
        assert_eq!(read[0].error_code.as_deref(), Some("payment_required"));
        assert_eq!(read[1], record(1));
    }

    #[test]
    fn the_tail_goes_on_in_rotated_files() {
        let folder = tempfile::tempdir().expect("temp");
        let trace = open(folder.path(), Some(4_000));
        for number in 0..15 {
            trace.append(&records(number..number + 1)).expect("written");
        }
        let numbers: Vec<u16> = trace.tail(9).iter().map(|record| record.status).collect();
        assert_eq!(numbers, (6..15).collect::<Vec<_>>());
        let files = fs::read_dir(folder.path().join("trace")).expect("there").count();
        assert_eq!(files, 4, "trace.jsonl, .1, .2 and the lock");
        assert_eq!(trace.tail(0), []);
    }

    #[test]
    fn a_file_that_was_moved_away_is_made_anew() {
        let folder = tempfile::tempdir().expect("temp");
        let trace = open(folder.path(), None);
        let path = folder.path().join("trace/trace.jsonl");
        trace.append(&records(1..2)).expect("written");
        fs::rename(&path, folder.path().join("elsewhere")).expect("moved");
        trace.append(&records(2..3)).expect("written");
        assert_eq!(trace.tail(9), [record(2)]);
    }
}
