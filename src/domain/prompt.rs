//! What a request's body says of itself: a few words of the prompt, the model, the session. One pass over bytes that may
//! be many megabytes; nothing is built but what is kept.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::text;

const HINT_WORDS: usize = 6;
const HINT_MAX: usize = 60;
/// Only so much of a prompt is looked at for its first words.
const LOOKED_AT: usize = 4096;

/// How coding agents begin what they tell the model beside the person's words.
const REMINDER: &str = "<system-reminder>";

/// What was found; all of it may be missing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RequestHints {
    /// First six words, 60 characters at most, `...` when cut.
    pub(crate) hint: String,
    /// First word, 60 characters at most.
    pub(crate) head: String,
    pub(crate) model: Option<String>,
    pub(crate) stream: bool,
}

/// Reads a JSON body; any other gives nothing.
pub(crate) fn read(content_type: Option<&str>, body: &[u8]) -> RequestHints {
    if !content_type.is_some_and(|kind| kind.to_ascii_lowercase().contains("json")) {
        return RequestHints::default();
    }
    let Ok(request) = serde_json::from_slice::<Body<'_>>(body) else { return RequestHints::default() };
    let prompt = request.prompt();
    RequestHints {
        hint: hint(&prompt),
        head: head(&prompt),
        model: lenient::<String>(request.model).map(|model| text::clean(&model, 80)).filter(|model| !model.is_empty()),
        stream: lenient::<bool>(request.stream).unwrap_or_default(),
    }
}

/// The fields that matter, still as text: what is not needed is skipped, never parsed.
#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow, default, deserialize_with = "raw_list")]
    messages: Vec<&'a RawValue>,
    #[serde(borrow)]
    prompt: Option<&'a RawValue>,
    #[serde(borrow)]
    input: Option<&'a RawValue>,
    #[serde(borrow)]
    query: Option<&'a RawValue>,
    #[serde(borrow)]
    text_query: Option<&'a RawValue>,
    #[serde(borrow)]
    text: Option<&'a RawValue>,
    #[serde(borrow)]
    model: Option<&'a RawValue>,
    #[serde(borrow)]
    stream: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    role: Option<&'a RawValue>,
    #[serde(borrow)]
    content: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Part<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<&'a RawValue>,
    #[serde(borrow)]
    text: Option<&'a RawValue>,
    #[serde(borrow)]
    content: Option<&'a RawValue>,
}

impl Body<'_> {
    /// The last thing the user said, else the last text of anyone, else a plain prompt.
    fn prompt(&self) -> String {
        let messages =
            || self.messages.iter().rev().filter_map(|raw| serde_json::from_str::<Message<'_>>(raw.get()).ok());
        let said = |message: Message<'_>| message.content.and_then(spoken);
        let by_user =
            messages().filter(|message| lenient::<String>(message.role).as_deref() == Some("user")).find_map(said);
        by_user
            .or_else(|| messages().find_map(said))
            .or_else(|| {
                [self.prompt, self.input, self.query, self.text_query, self.text]
                    .into_iter()
                    .find_map(lenient::<String>)
            })
            .unwrap_or_default()
    }
}

/// Text of a `content`: a string, an object with one, or the first of a list that has one.
fn spoken(raw: &RawValue) -> Option<String> {
    let text = match raw.get().as_bytes().first()? {
        b'"' => lenient::<String>(Some(raw)),
        b'{' => {
            let part: Part<'_> = serde_json::from_str(raw.get()).ok()?;
            if lenient::<String>(part.kind).as_deref() == Some("tool_result") {
                return None;
            }
            lenient::<String>(part.text).or_else(|| lenient::<String>(part.content))
        }
        b'[' => serde_json::from_str::<Vec<&RawValue>>(raw.get()).ok()?.into_iter().find_map(|part| {
            // One level only: content that nests deeper is not a prompt.
            if part.get().starts_with('[') { None } else { spoken(part) }
        }),
        _ => None,
    };
    // What a client puts beside the person's words is not the prompt.
    text.filter(|text| !text.trim().is_empty() && !text.trim_start().starts_with(REMINDER))
}

/// A field of the expected type, or nothing.
fn lenient<'a, T: Deserialize<'a>>(raw: Option<&'a RawValue>) -> Option<T> {
    serde_json::from_str(raw?.get()).ok()
}

/// A list of raw values; anything else counts as empty.
fn raw_list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<&'de RawValue>, D::Error> {
    let raw = <&RawValue>::deserialize(deserializer)?;
    Ok(serde_json::from_str(raw.get()).unwrap_or_default())
}

fn hint(prompt: &str) -> String {
    let clean = opening(prompt);
    let whole: Vec<&str> = clean.split(' ').collect();
    let words = whole.get(..HINT_WORDS).unwrap_or(&whole).join(" ");
    let cut: String = words.chars().take(HINT_MAX).collect();
    let complete = cut.len() == clean.len() && prompt.len() <= LOOKED_AT;
    if complete { cut } else { format!("{}...", cut.trim_end()) }
}

fn head(prompt: &str) -> String {
    opening(prompt).split(' ').next().unwrap_or_default().chars().take(HINT_MAX).collect()
}

fn opening(prompt: &str) -> Cow<'_, str> {
    let end = (0..=LOOKED_AT.min(prompt.len())).rev().find(|end| prompt.is_char_boundary(*end)).unwrap_or_default();
    text::clean(&prompt[..end], LOOKED_AT).into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn json(body: &str) -> RequestHints {
        read(Some("application/json; charset=utf-8"), body.as_bytes())
    }

    #[test]
    fn the_prompt_is_what_the_user_said_last() {
        for (body, expected) in [
            (r#"{"messages":[{"role":"user","content":"hello world"}]}"#, "hello world"),
            (r#"{"messages":[{"role":"user","content":"first"},{"role":"assistant","content":"second"}]}"#, "first"),
            (r#"{"messages":[{"role":"system","content":"be kind"}]}"#, "be kind"),
            (
                r#"{"messages":[{"role":"user","content":[{"type":"image"},{"type":"text","text":"look at this"}]}]}"#,
                "look at this",
            ),
            (r#"{"messages":[{"role":"user","content":{"text":"an object"}}]}"#, "an object"),
            (r#"{"messages":[{"role":"user","content":""},{"role":"user","content":null}],"prompt":"plain"}"#, "plain"),
            (
                r#"{"messages":[{"role":"user","content":"do it"},{"role":"user","content":[{"type":"tool_result","content":"file list"},{"type":"text","text":"<system-reminder>x</system-reminder>"}]}]}"#,
                "do it",
            ),
            (r#"{"text_query":"kimi"}"#, "kimi"),
            (r#"{"input":["a","b"]}"#, ""),
            (r#"{"messages":{"a":1},"prompt":"odd"}"#, "odd"),
            (
                r#"{"messages":[{"role":"user","content":"one two three four five six seven"}]}"#,
                "one two three four five six...",
            ),
            (r#"{"messages":[{"role":"user","content":"a\u001b[31mb\n\u202ec"}]}"#, "ab c"),
            ("[]", ""),
            ("not json", ""),
        ] {
            assert_eq!(json(body).hint, expected, "{body}");
        }
        assert_eq!(read(Some("text/plain"), br#"{"prompt":"x"}"#), RequestHints::default());
    }

    #[test]
    fn long_words_are_cut() {
        let long = "漢".repeat(6_000);
        let hints = json(&format!(r#"{{"prompt":"{long}"}}"#));
        assert_eq!(hints.head.chars().count(), 60);
        assert_eq!(hints.hint, format!("{}...", "漢".repeat(60)));
    }

    #[test]
    fn model_and_stream_are_read_and_odd_types_ignored() {
        let hints = json(r#"{"model":"kimi-for-coding","stream":true,"messages":[]}"#);
        assert_eq!((hints.model.as_deref(), hints.stream), (Some("kimi-for-coding"), true));
        let odd = json(r#"{"model":7,"stream":"yes","prompt":"x"}"#);
        assert_eq!((odd.model, odd.stream, odd.hint.as_str()), (None, false, "x"));
    }

    #[test]
    fn deep_and_large_bodies_do_no_harm() {
        let deep = format!(r#"{{"prompt":"x","tools":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(json(&deep).hint, "x");
        let deep =
            format!(r#"{{"messages":[{{"role":"user","content":{}{}}}]}}"#, "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(json(&deep).hint, "");
    }

    proptest! {
        #[test]
        fn no_body_breaks_it(body: Vec<u8>) {
            read(Some("application/json"), &body);
        }

        #[test]
        fn hints_are_short_and_clean(prompt: String) {
            let hints = json(&serde_json::json!({"prompt": prompt}).to_string());
            prop_assert!(hints.hint.chars().count() <= 63);
            prop_assert!(!hints.hint.chars().any(text::is_unsafe));
        }
    }
}
