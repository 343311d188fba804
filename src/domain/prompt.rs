//! What a request's body says of itself: a few words of the prompt, the model, the session. One pass over bytes that may
//! be many megabytes; nothing is built but what is kept.

use std::{
    borrow::Cow,
    hash::{DefaultHasher, Hash, Hasher},
};

use memchr::memmem;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::text;

const HINT_WORDS: usize = 6;
const HINT_MAX: usize = 60;
const SESSION_MAX: usize = 8;
/// Only so much of a prompt is looked at for its first words.
const LOOKED_AT: usize = 4096;

/// How a body names an uploaded file.
const FILE_SCHEME: &[u8] = b"ms://";
const FILE_ID_MAX: usize = 128;
const FILES_MAX: usize = 8;

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
    /// Digest of the conversation that the body names, told apart by its first words: subagents share their parent's id.
    pub(crate) conversation: Option<u64>,
    /// The beginning of the conversation's name: enough to tell it from others.
    pub(crate) session: Option<String>,
    /// Digests of the uploaded files (`ms://…`) that the body names.
    pub(crate) files: Vec<u64>,
}

/// Reads a JSON body; any other gives nothing. `session` is the conversation that a header names; it goes before the body's.
pub(crate) fn read(content_type: Option<&str>, session: Option<&str>, body: &[u8]) -> RequestHints {
    if body.is_empty() || !content_type.is_some_and(text::names_json) {
        return RequestHints::default();
    }
    let Ok(request) = serde_json::from_slice::<Body<'_>>(body) else { return RequestHints::default() };
    let (prompt, named) = (request.prompt(), request.conversation(session));
    RequestHints {
        hint: hint(&prompt),
        head: head(&prompt),
        model: lenient::<String>(request.model).map(|model| text::clean(&model, 80)).filter(|model| !model.is_empty()),
        stream: lenient::<bool>(request.stream).unwrap_or_default(),
        conversation: named.as_deref().map(|name| digest(&[name, &request.first_words()])),
        session: named.as_deref().map(short),
        files: files(body),
    }
}

/// As much of a conversation's name as people look at. Claude Code used to put its session behind the user's name.
fn short(name: &str) -> String {
    let session = name.rsplit_once("session_").map_or(name, |(_, session)| session);
    text::clean(session, 2 * SESSION_MAX).chars().take(SESSION_MAX).collect()
}

/// A digest that names a conversation or a file.
pub(crate) fn digest(parts: &[&str]) -> u64 {
    let mut hasher = DefaultHasher::new();
    parts.hash(&mut hasher);
    hasher.finish()
}

/// The id of an uploaded file, from the answer to its upload.
pub(crate) fn uploaded_file(answer: &[u8]) -> Option<u64> {
    #[derive(Deserialize)]
    struct Uploaded {
        id: String,
    }
    let uploaded: Uploaded = serde_json::from_slice(answer).ok()?;
    Some(digest(&[&uploaded.id]))
}

/// The first few `ms://ID` of a body.
fn files(body: &[u8]) -> Vec<u64> {
    let is_of_id = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let ids = memmem::find_iter(body, FILE_SCHEME).filter_map(|at| {
        let rest = &body[at + FILE_SCHEME.len()..];
        let end = rest.iter().take(FILE_ID_MAX).position(|byte| !is_of_id(byte))?;
        str::from_utf8(&rest[..end]).ok().filter(|id| !id.is_empty())
    });
    ids.take(FILES_MAX).map(|id| digest(&[id])).collect()
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
    #[serde(borrow)]
    prompt_cache_key: Option<&'a RawValue>,
    #[serde(borrow)]
    metadata: Option<&'a RawValue>,
}

/// What the Anthropic dialect says of the user; Claude Code puts its session there, as JSON within a string.
#[derive(Deserialize)]
struct Metadata {
    user_id: String,
}

#[derive(Deserialize)]
struct Session {
    session_id: String,
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
    /// What the client calls its conversation.
    fn conversation(&self, session: Option<&str>) -> Option<String> {
        let named = session.map(str::to_owned).or_else(|| lenient(self.prompt_cache_key)).or_else(|| self.user());
        named.filter(|name| !name.trim().is_empty())
    }

    fn user(&self) -> Option<String> {
        let user = lenient::<Metadata>(self.metadata)?.user_id;
        Some(serde_json::from_str::<Session>(&user).map_or(user, |session| session.session_id))
    }

    /// The first thing that the user said: it stays the same as the conversation grows.
    fn first_words(&self) -> String {
        let messages = self.messages.iter().filter_map(|raw| serde_json::from_str::<Message<'_>>(raw.get()).ok());
        let mut by_user = messages.filter(|message| lenient::<String>(message.role).as_deref() == Some("user"));
        let said = by_user.find_map(|message| message.content.and_then(spoken));
        said.map(|text| opening(&text).into_owned()).unwrap_or_default()
    }

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
        read(Some("application/json; charset=utf-8"), None, body.as_bytes())
    }

    #[test]
    fn a_conversation_is_its_session_and_its_first_words() {
        let of =
            |session: Option<&str>, body: &str| read(Some("application/json"), session, body.as_bytes()).conversation;
        let said = |first: &str| {
            format!(
                r#""messages":[{{"role":"system","content":"x"}},{{"role":"user","content":"{first}"}},{{"role":"assistant","content":"{first}!"}}]"#
            )
        };
        let (a, b) = (said("mend the bug"), said("look for tests"));
        let by_key = |words: &str| of(None, &format!(r#"{{"prompt_cache_key":"s1",{words}}}"#));
        let longer = a.replace("]", r#",{"role":"user","content":"and now this"}]"#);
        assert!(by_key(&a).is_some());
        assert_eq!(by_key(&a), by_key(&longer), "it stays the same as it grows");
        assert_ne!(by_key(&a), by_key(&b), "a subagent is another");
        let by_user = |user: &str| of(None, &serde_json::json!({"metadata": {"user_id": user}}).to_string());
        assert_eq!(by_user(r#"{"device_id":"d","session_id":"s2"}"#), by_user("s2"));
        assert_eq!(of(Some("s2"), r#"{"metadata":{"user_id":"other"}}"#), by_user("s2"), "the header goes first");
        for nothing in [r#"{"metadata":{"user_id":""}}"#, r#"{"metadata":7}"#, r#"{"prompt_cache_key":7}"#, "{}", "x"] {
            assert_eq!(of(None, nothing), None, "{nothing}");
        }
    }

    #[test]
    fn a_file_is_known_by_the_id_of_its_upload() {
        let hints = json(
            r#"{"messages":[{"role":"user","content":[{"type":"video_url","video_url":{"url":"ms://cv-1_a"}},{"text":"see ms:// and ms://b"}]}]}"#,
        );
        assert_eq!(hints.files, [digest(&["cv-1_a"]), digest(&["b"])]);
        assert_eq!(uploaded_file(br#"{"id":"cv-1_a","object":"file"}"#), Some(digest(&["cv-1_a"])));
        assert_eq!((uploaded_file(b"[]"), uploaded_file(br#"{"id":7}"#)), (None, None));
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
        assert_eq!(read(Some("text/plain"), None, br#"{"prompt":"x"}"#), RequestHints::default());
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
            read(Some("application/json"), None, &body);
        }

        #[test]
        fn hints_are_short_and_clean(prompt: String) {
            let hints = json(&serde_json::json!({"prompt": prompt}).to_string());
            prop_assert!(hints.hint.chars().count() <= 63);
            prop_assert!(!hints.hint.chars().any(text::is_unsafe));
        }
    }

    proptest! {
        #[test]
        fn no_spoilt_request_breaks_it_or_the_bounds(body in crate::spoil::spoilt(&[
            r#"{"model":"kimi-for-coding","stream":true,"messages":[{"role":"system","content":"be kind"},{"role":"user","content":[{"type":"text","text":"write a poem"},{"type":"image_url","image_url":{"url":"ms://f1"}}]}]}"#,
            r#"{"model":"m","metadata":{"user_id":"u"},"prompt_cache_key":"p","messages":[{"role":"user","content":"hello there"}]}"#,
        ])) {
            let read = read(Some("application/json"), None, &body);
            prop_assert!(read.hint.chars().count() <= 63 && !read.hint.chars().any(text::is_unsafe));
            prop_assert!(read.head.chars().count() <= 63 && !read.head.chars().any(text::is_unsafe));
        }
    }
}
