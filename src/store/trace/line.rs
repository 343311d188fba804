//! One line of the trace as it stands in the file, and the record that it means. Not the file.

use std::{borrow::Cow, time::Duration};

use jiff::{Timestamp, fmt::strtime, tz::TimeZone};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    domain::{
        key::Label,
        reason::{Chosen, PassedOvers},
        trace::{self, Attempt, Ending, Process, Tokens, TraceRecord},
    },
    store::{
        json,
        stamp::{Stamp, TIME},
    },
};

/// Room for a line as most are.
const USUAL: usize = 1024;

/// A field's name as it stands in a line, after another field.
macro_rules! named {
    ($name:literal) => {
        concat!(",\"", $name, "\":")
    };
}

/// A record as a line without its end, in ASCII: no text in it can command a terminal.
pub(crate) fn as_line(record: &TraceRecord, zone: &TimeZone) -> serde_json::Result<String> {
    let mut line = Vec::new();
    push(&mut line, record, &mut Stamp::new(zone.clone()))?;
    Ok(String::from_utf8_lossy(&line).into_owned())
}

/// The same for one of many, onto those before it. Written field by field: what a serializer does for each of some thirty
/// names is most of what it costs.
pub(super) fn push(out: &mut Vec<u8>, record: &TraceRecord, stamp: &mut Stamp) -> serde_json::Result<()> {
    out.reserve(USUAL);
    out.extend_from_slice(b"{\"ts\":\"");
    out.extend_from_slice(stamp.text(record.at).as_bytes());
    out.push(b'"');
    let mut line = Fields(out);
    line.text(named!("request_id"), &record.request_id);
    line.text(named!("method"), &record.method);
    line.text(named!("prompt_hint"), &record.prompt_hint);
    line.text(named!("prompt_head"), &record.prompt_head);
    line.optional(named!("key_label"), record.key.as_ref().map(Label::as_str));
    line.optional(named!("key_hash"), record.key_hash.as_deref());
    line.text(named!("endpoint"), &record.endpoint);
    line.number(named!("status"), record.status.into())?;
    line.number(named!("latency_ms"), millis(record.latency))?;
    match record.error_code.as_deref().map(|code| (code, code.parse::<u16>())) {
        Some((_, Ok(status))) => line.number(named!("error_code"), status.into())?,
        Some((code, Err(_))) => line.text(named!("error_code"), code),
        None => line.null(named!("error_code")),
    }
    line.number(named!("rotation_index"), record.rotation_index)?;
    line.number(named!("schema_version"), 1)?;
    line.attempts(&record.attempts)?;
    if !record.passed_over.is_empty() {
        line.value(named!("passed_over"), &record.passed_over)?;
    }
    if millis(record.waited) > 0 {
        line.number(named!("waited_ms"), millis(record.waited))?;
    }
    line.where_known(named!("shared_cause"), record.shared_cause.as_deref());
    line.text(named!("ending"), record.ending.code());
    line.number(named!("total_ms"), millis(record.total))?;
    line.optional_number(named!("first_byte_ms"), record.first_byte.map(millis))?;
    line.tokens(record.tokens)?;
    line.number(named!("bytes_in"), record.bytes_in)?;
    line.number(named!("bytes_out"), record.bytes_out)?;
    line.optional(named!("model"), record.model.as_deref());
    line.value(named!("stream"), &record.stream)?;
    line.where_known(named!("conversation"), record.conversation.as_deref());
    line.optional(named!("client"), record.client.as_deref());
    if let Some(process) = &record.process {
        line.value(named!("process"), process)?;
    }
    line.where_known(named!("session"), record.session.as_deref());
    line.optional(named!("error"), record.error.as_deref());
    line.0.push(b'}');
    Ok(())
}

/// The fields of a line. Names come as they stand in it: `named!`.
struct Fields<'a>(&'a mut Vec<u8>);

impl Fields<'_> {
    fn text(&mut self, named: &'static str, text: &str) {
        self.0.extend_from_slice(named.as_bytes());
        json::push_text(self.0, text);
    }

    fn optional(&mut self, named: &'static str, text: Option<&str>) {
        match text {
            Some(text) => self.text(named, text),
            None => self.null(named),
        }
    }

    /// Not there at all, in place of `null`.
    fn where_known(&mut self, named: &'static str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(named, text);
        }
    }

    fn number(&mut self, named: &'static str, number: u64) -> serde_json::Result<()> {
        self.0.extend_from_slice(named.as_bytes());
        serde_json::to_writer(&mut *self.0, &number)
    }

    fn optional_number(&mut self, named: &'static str, number: Option<u64>) -> serde_json::Result<()> {
        match number {
            Some(number) => self.number(named, number),
            None => {
                self.null(named);
                Ok(())
            }
        }
    }

    fn null(&mut self, named: &'static str) {
        self.0.extend_from_slice(named.as_bytes());
        self.0.extend_from_slice(b"null");
    }

    fn attempts(&mut self, attempts: &[Attempt]) -> serde_json::Result<()> {
        self.0.extend_from_slice(named!("attempts").as_bytes());
        self.0.push(b'[');
        for (number, attempt) in attempts.iter().enumerate() {
            self.text(if number == 0 { "{\"key\":" } else { ",{\"key\":" }, attempt.key.as_str());
            self.optional_number(named!("status"), attempt.status.map(u64::from))?;
            self.text(named!("cause"), &attempt.cause);
            self.number(named!("ms"), attempt.ms)?;
            self.where_known(named!("why"), attempt.why.map(Chosen::code));
            self.0.push(b'}');
        }
        self.0.push(b']');
        Ok(())
    }

    fn tokens(&mut self, tokens: Tokens) -> serde_json::Result<()> {
        self.0.extend_from_slice(named!("tokens").as_bytes());
        self.optional_number("{\"input\":", tokens.input)?;
        self.optional_number(named!("output"), tokens.output)?;
        self.optional_number(named!("cached"), tokens.cached)?;
        self.0.push(b'}');
        Ok(())
    }

    fn value(&mut self, named: &'static str, value: &impl Serialize) -> serde_json::Result<()> {
        self.0.extend_from_slice(named.as_bytes());
        json::push(self.0, value)
    }
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
#[derive(Debug, Deserialize)]
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
    attempts: Cow<'a, [Attempt]>,
    #[serde(default)]
    passed_over: PassedOvers,
    #[serde(default)]
    waited_ms: u64,
    #[serde(default)]
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
    #[serde(default)]
    conversation: Option<Cow<'a, str>>,
    client: Option<Cow<'a, str>>,
    #[serde(default)]
    process: Option<Cow<'a, Process>>,
    #[serde(default)]
    session: Option<Cow<'a, str>>,
    error: Option<Cow<'a, str>>,
}

const fn completed() -> Ending {
    Ending::Completed
}

impl Line<'_> {
    fn into_record(self) -> Option<TraceRecord> {
        let latency = Duration::from_millis(self.latency_ms);
        Some(TraceRecord {
            at: moment(&self.ts)?,
            request_id: self.request_id.into_owned(),
            method: trace::method(&self.method),
            prompt_hint: self.prompt_hint.into_owned(),
            prompt_head: self.prompt_head.into_owned(),
            key: self.key_label.as_deref().map(Label::new),
            key_hash: self.key_hash.map(Into::into),
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

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
