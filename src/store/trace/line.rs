//! One line of the trace as it stands in the file, and the record that it means. Not the file.

use std::{borrow::Cow, time::Duration};

use jiff::{Timestamp, fmt::strtime, tz::TimeZone};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    domain::{
        key::Label,
        reason::PassedOvers,
        trace::{Attempt, Ending, Process, Tokens, TraceRecord},
    },
    store::{
        json,
        stamp::{Stamp, TIME},
    },
};

/// A record as a line without its end, in ASCII: no text in it can command a terminal.
pub(crate) fn as_line(record: &TraceRecord, zone: &TimeZone) -> serde_json::Result<String> {
    stamped(record, &mut Stamp::new(zone.clone()))
}

/// The same for one of many.
pub(super) fn stamped(record: &TraceRecord, stamp: &mut Stamp) -> serde_json::Result<String> {
    json::line(&Line::of(record, stamp.text(record.at)))
}

/// The record of a line; `None` when it is none.
pub(super) fn record(line: &[u8]) -> Option<TraceRecord> {
    serde_json::from_slice::<Line<'_>>(line).ok()?.into_record()
}

/// A moment as lines have it.
pub(crate) fn moment(text: &str) -> Option<Timestamp> {
    strtime::parse(TIME, text).ok()?.to_timestamp().ok()
}

/// A line as it stands in the file. Old lines lack the second half.
#[derive(Debug, Serialize, Deserialize)]
struct Line<'a> {
    #[serde(alias = "ts_msk")]
    ts: Cow<'a, str>,
    #[serde(default)]
    request_id: Cow<'a, str>,
    #[serde(default)]
    method: Cow<'a, str>,
    #[serde(default)]
    prompt_hint: Cow<'a, str>,
    #[serde(default)]
    prompt_head: Cow<'a, str>,
    key_label: Option<Cow<'a, str>>,
    key_hash: Option<Cow<'a, str>>,
    #[serde(default)]
    endpoint: Cow<'a, str>,
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
    attempts: Cow<'a, [Attempt]>,
    #[serde(default, skip_serializing_if = "is_empty")]
    passed_over: PassedOvers,
    #[serde(default, skip_serializing_if = "is_zero")]
    waited_ms: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shared_cause: Option<Cow<'a, str>>,
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
    model: Option<Cow<'a, str>>,
    #[serde(default)]
    stream: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    conversation: Option<Cow<'a, str>>,
    client: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    process: Option<Cow<'a, Process>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    session: Option<Cow<'a, str>>,
    error: Option<Cow<'a, str>>,
}

const fn completed() -> Ending {
    Ending::Completed
}

impl<'a> Line<'a> {
    fn of(record: &'a TraceRecord, ts: &'a str) -> Self {
        let optional = |text: &'a Option<String>| text.as_deref().map(Cow::Borrowed);
        let code = |code: &String| code.parse::<u16>().map_or_else(|_| Value::from(code.as_str()), Value::from);
        Self {
            ts: ts.into(),
            request_id: (&record.request_id).into(),
            method: (&record.method).into(),
            prompt_hint: (&record.prompt_hint).into(),
            prompt_head: (&record.prompt_head).into(),
            key_label: record.key.as_ref().map(|label| label.as_str().into()),
            key_hash: optional(&record.key_hash),
            endpoint: (&record.endpoint).into(),
            status: record.status,
            latency_ms: millis(record.latency),
            error_code: record.error_code.as_ref().map(code),
            rotation_index: record.rotation_index,
            schema_version: 1,
            attempts: (&record.attempts).into(),
            passed_over: record.passed_over.clone(),
            waited_ms: millis(record.waited),
            shared_cause: optional(&record.shared_cause),
            ending: record.ending,
            total_ms: Some(millis(record.total)),
            first_byte_ms: record.first_byte.map(millis),
            tokens: record.tokens,
            bytes_in: record.bytes_in,
            bytes_out: record.bytes_out,
            model: optional(&record.model),
            stream: record.stream,
            conversation: optional(&record.conversation),
            client: optional(&record.client),
            process: record.process.as_ref().map(Cow::Borrowed),
            session: optional(&record.session),
            error: optional(&record.error),
        }
    }

    fn into_record(self) -> Option<TraceRecord> {
        let latency = Duration::from_millis(self.latency_ms);
        Some(TraceRecord {
            at: moment(&self.ts)?,
            request_id: self.request_id.into_owned(),
            method: self.method.into_owned(),
            prompt_hint: self.prompt_hint.into_owned(),
            prompt_head: self.prompt_head.into_owned(),
            key: self.key_label.as_deref().map(Label::new),
            key_hash: self.key_hash.map(Cow::into_owned),
            endpoint: self.endpoint.into_owned(),
            status: self.status,
            latency,
            total: self.total_ms.map_or(latency, Duration::from_millis),
            error_code: self.error_code.and_then(|code| match code {
                Value::String(text) => Some(text),
                Value::Null => None,
                other => Some(other.to_string()),
            }),
            rotation_index: self.rotation_index,
            attempts: self.attempts.into_owned(),
            passed_over: self.passed_over,
            waited: Duration::from_millis(self.waited_ms),
            shared_cause: self.shared_cause.map(Cow::into_owned),
            ending: self.ending,
            first_byte: self.first_byte_ms.map(Duration::from_millis),
            tokens: self.tokens,
            bytes_in: self.bytes_in,
            bytes_out: self.bytes_out,
            model: self.model.map(Cow::into_owned),
            stream: self.stream,
            conversation: self.conversation.map(Cow::into_owned),
            client: self.client.map(Cow::into_owned),
            process: self.process.map(Cow::into_owned),
            session: self.session.map(Cow::into_owned),
            error: self.error.map(Cow::into_owned),
        })
    }
}

fn is_empty(passed_over: &PassedOvers) -> bool {
    passed_over.is_empty()
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
