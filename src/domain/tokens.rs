//! Tokens read from an answer as it streams by: both dialects, event streams and plain JSON. It holds one line at most,
//! and parses only lines that speak of usage or errors.

use std::sync::LazyLock;

use memchr::{memchr, memmem};
use serde_json::Value;

use super::{text, trace::Tokens};

/// Lines longer than this are skipped.
const LINE_MAX: usize = 64 * 1024;
/// So much of the end of a plain answer is kept: usage stands there.
const TAIL_MAX: usize = 16 * 1024;

/// Made once: to make one takes longer than to look through a line.
static USAGE: LazyLock<memmem::Finder<'static>> = LazyLock::new(|| memmem::Finder::new(b"\"usage\""));
static LAST_USAGE: LazyLock<memmem::FinderRev<'static>> = LazyLock::new(|| memmem::FinderRev::new(b"\"usage\""));
static ERROR: LazyLock<memmem::Finder<'static>> = LazyLock::new(|| memmem::Finder::new(b"\"error\""));

const EVENTS: &str = "text/event-stream";

/// Watches one answer's body.
#[derive(Debug)]
pub(crate) struct TokenReader {
    kind: Kind,
    /// An unfinished line, or the tail of a plain answer.
    held: Vec<u8>,
    /// Inside a line that is too long.
    skipping: bool,
    tokens: Tokens,
    error_event: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Events,
    Json,
    /// Compressed, or no text: nothing can be read.
    Opaque,
}

impl TokenReader {
    pub(crate) fn for_content_type(content_type: Option<&str>, content_encoding: Option<&str>) -> Self {
        let content_type = content_type.unwrap_or_default();
        let events = content_type.get(..EVENTS.len()).is_some_and(|start| start.eq_ignore_ascii_case(EVENTS));
        let plain = content_encoding.is_none_or(|coding| coding.eq_ignore_ascii_case("identity"));
        let kind = match plain {
            true if events => Kind::Events,
            true if text::names_json(content_type) => Kind::Json,
            _ => Kind::Opaque,
        };
        Self { kind, held: Vec::new(), skipping: false, tokens: Tokens::default(), error_event: false }
    }

    /// Looks at the next piece of the body, cut anywhere.
    pub(crate) fn feed(&mut self, chunk: &[u8]) {
        match self.kind {
            Kind::Opaque => {}
            Kind::Json => self.keep_tail(chunk),
            Kind::Events => self.lines(chunk),
        }
    }

    /// What has been counted so far.
    pub(crate) fn finish(&self) -> Tokens {
        match self.kind {
            Kind::Json => usage_in_tail(&self.held).unwrap_or_default(),
            _ => self.tokens,
        }
    }

    /// Whether the stream carried an error event.
    pub(crate) fn saw_error_event(&self) -> bool {
        self.error_event
    }

    fn keep_tail(&mut self, chunk: &[u8]) {
        let chunk = chunk.get(chunk.len().saturating_sub(TAIL_MAX)..).unwrap_or(chunk);
        let excess = (self.held.len() + chunk.len()).saturating_sub(TAIL_MAX);
        self.held.drain(..excess.min(self.held.len()));
        self.held.extend_from_slice(chunk);
    }

    fn lines(&mut self, mut chunk: &[u8]) {
        while let Some(end) = memchr(b'\n', chunk) {
            let (line, rest) = chunk.split_at(end);
            if self.skipping {
                self.skipping = false;
            } else if self.held.is_empty() {
                self.line(line);
            } else {
                let mut whole = std::mem::take(&mut self.held);
                whole.extend_from_slice(line);
                self.line(&whole);
                whole.clear();
                self.held = whole;
            }
            chunk = &rest[1..];
        }
        if self.skipping || self.held.len() + chunk.len() > LINE_MAX {
            self.skipping = true;
            self.held.clear();
        } else {
            self.held.extend_from_slice(chunk);
        }
    }

    fn line(&mut self, line: &[u8]) {
        let line = line.trim_ascii();
        if let Some(name) = line.strip_prefix(b"event:") {
            self.error_event |= name.trim_ascii() == b"error";
            return;
        }
        let Some(data) = line.strip_prefix(b"data:") else { return };
        let usage = USAGE.find(data).is_some();
        let error = ERROR.find(data).is_some();
        if !usage && !error {
            return;
        }
        let Ok(event) = serde_json::from_slice::<Value>(data) else { return };
        self.error_event |= event.get("error").is_some_and(Value::is_object);
        if let Some(counted) = usage_of(&event) {
            self.tokens = updated(self.tokens, read_usage(counted));
        }
    }
}

/// Where the usage of an event or answer stands: at the top, in the message, in the first choice.
fn usage_of(event: &Value) -> Option<&Value> {
    let places = [event.get("usage"), event.pointer("/message/usage"), event.pointer("/choices/0/usage")];
    places.into_iter().flatten().find(|usage| usage.is_object())
}

/// The last `"usage"` object that is whole.
fn usage_in_tail(tail: &[u8]) -> Option<Tokens> {
    LAST_USAGE.rfind_iter(tail).find_map(|at| {
        let after = tail.get(at + USAGE.needle().len()..)?.trim_ascii_start().strip_prefix(b":")?;
        let usage = serde_json::Deserializer::from_slice(after).into_iter::<Value>().next()?.ok()?;
        usage.is_object().then(|| read_usage(&usage))
    })
}

/// Both dialects into one shape: `input` includes what came from the cache.
fn read_usage(usage: &Value) -> Tokens {
    let number = |path: &str| usage.pointer(path).and_then(Value::as_u64);
    if let Some(prompt) = number("/prompt_tokens") {
        let cached = number("/cached_tokens").or_else(|| number("/prompt_tokens_details/cached_tokens"));
        return Tokens { input: Some(prompt), output: number("/completion_tokens"), cached };
    }
    let cached = number("/cache_read_input_tokens");
    let fresh = number("/input_tokens");
    let created = number("/cache_creation_input_tokens").unwrap_or_default();
    let input = fresh.map(|fresh| fresh.saturating_add(cached.unwrap_or_default()).saturating_add(created));
    Tokens { input, output: number("/output_tokens"), cached }
}

/// Later numbers are running totals: they replace, they are never added.
fn updated(known: Tokens, newer: Tokens) -> Tokens {
    let cached = newer.cached.or(known.cached);
    // A last event that counts only output says nothing new of the input.
    let input = match (newer.input, known.input) {
        (Some(newer), Some(known)) => Some(newer.max(known)),
        (newer, known) => newer.or(known),
    };
    Tokens { input, output: newer.output.or(known.output), cached }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const OPENAI: &str = concat!(
        "data: {\"choices\":[{\"delta\":{\"content\":\"hi\"}}],\"usage\":null}\n\n",
        "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\",\"usage\":{\"prompt_tokens\":8,\"completion_tokens\":11,\"cached_tokens\":8}}]}\r\n\r\n",
        "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":12,\"cached_tokens\":8}}\n\n",
        "data: [DONE]\n\n",
    );
    const ANTHROPIC: &str = concat!(
        "event: message_start\ndata:{\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":5,\"output_tokens\":0}}}\n\n",
        "event: content_block_delta\ndata:{\"type\":\"content_block_delta\"}\n\n",
        "event: message_delta\ndata:{\"type\":\"message_delta\",\"usage\":{\"input_tokens\":5,\"cache_read_input_tokens\":20,\"output_tokens\":7}}\n\n",
        "event: message_stop\ndata:{\"type\":\"message_stop\"}\n\n",
    );

    fn read(kind: &str, coding: Option<&str>, body: &str, size: usize) -> (Tokens, bool) {
        let mut reader = TokenReader::for_content_type(Some(kind), coding);
        for chunk in body.as_bytes().chunks(size.max(1)) {
            reader.feed(chunk);
        }
        (reader.finish(), reader.saw_error_event())
    }

    fn tokens(input: u64, output: u64, cached: Option<u64>) -> Tokens {
        Tokens { input: Some(input), output: Some(output), cached }
    }

    #[test]
    fn both_dialects_are_counted_however_the_stream_is_cut() {
        for size in [1, 2, 7, 64, 10_000] {
            assert_eq!(read("text/event-stream", None, OPENAI, size), (tokens(9, 12, Some(8)), false));
            assert_eq!(
                read("text/event-stream; charset=utf-8", None, ANTHROPIC, size),
                (tokens(25, 7, Some(20)), false)
            );
        }
    }

    #[test]
    fn plain_answers_are_counted_by_their_end() {
        let long = "x".repeat(100_000);
        let body = format!(
            r#"{{"choices":[{{"message":{{"content":"{long} \"usage\": 3"}}}}],"usage":{{"prompt_tokens":3,"completion_tokens":4,"prompt_tokens_details":{{"cached_tokens":1}}}}}}"#
        );
        assert_eq!(read("application/json", None, &body, 1_000).0, tokens(3, 4, Some(1)));
        assert_eq!(read("application/json", Some("gzip"), &body, 1_000).0, Tokens::default());
        assert_eq!(read("application/json", None, "{\"usage\":", 3).0, Tokens::default());
    }

    #[test]
    fn errors_inside_a_stream_are_seen() {
        for body in ["data: {\"error\":{\"message\":\"x\"}}\n\n", "event: error\ndata: {}\n\n"] {
            assert!(read("text/event-stream", None, body, 3).1, "{body}");
        }
        assert!(!read("text/event-stream", None, "data: {\"text\":\"\\\"error\\\"\"}\n\n", 3).1);
    }

    #[test]
    fn a_line_without_end_is_not_held() {
        let mut reader = TokenReader::for_content_type(Some("text/event-stream"), None);
        for _ in 0..100 {
            reader.feed(&[b'x'; 10_000]);
        }
        assert!(reader.held.len() <= LINE_MAX);
        reader.feed(b"\n");
        reader.feed(OPENAI.as_bytes());
        assert_eq!(reader.finish(), tokens(9, 12, Some(8)));
    }

    proptest! {
        #[test]
        fn no_body_breaks_it(chunks: Vec<Vec<u8>>, events: bool) {
            let kind = if events { "text/event-stream" } else { "application/json" };
            let mut reader = TokenReader::for_content_type(Some(kind), None);
            for chunk in &chunks {
                reader.feed(chunk);
            }
            reader.finish();
        }
    }

    proptest! {
        #[test]
        fn a_spoilt_stream_reads_the_same_however_it_is_cut(
            body in crate::spoil::spoilt(&[OPENAI, ANTHROPIC]),
            size in 1..200_usize,
            events: bool,
        ) {
            let kind = if events { "text/event-stream" } else { "application/json" };
            let read = |size: usize| {
                let mut reader = TokenReader::for_content_type(Some(kind), None);
                for chunk in body.chunks(size) {
                    reader.feed(chunk);
                    assert!(reader.held.len() <= LINE_MAX, "{}", reader.held.len());
                }
                (reader.finish(), reader.saw_error_event())
            };
            prop_assert_eq!(read(size), read(body.len().max(1)));
        }
    }
}
