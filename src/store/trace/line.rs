//! One line of the trace as it stands in the file, and the record that it means. Not the file.

use std::time::Duration;

use jiff::{Timestamp, fmt::strtime, tz::TimeZone};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    domain::{
        key::Label,
        trace::{Attempt, Ending, Tokens, TraceRecord},
    },
    store::json,
};

/// `2026-02-02 15:30:00 +0300`
const TIME: &str = "%Y-%m-%d %H:%M:%S %z";

/// A record as a line without its end, in ASCII: no text in it can command a terminal.
pub(crate) fn as_line(record: &TraceRecord, zone: &TimeZone) -> serde_json::Result<String> {
    json::line(&Line::of(record, zone))
}

/// The record of a line; `None` when it is none.
pub(super) fn record(line: &[u8]) -> Option<TraceRecord> {
    serde_json::from_slice::<Line>(line).ok()?.into_record()
}

/// A moment as lines have it.
pub(crate) fn moment(text: &str) -> Option<Timestamp> {
    strtime::parse(TIME, text).ok()?.to_timestamp().ok()
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

fn is_zero(number: &u64) -> bool {
    *number == 0
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
