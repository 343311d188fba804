//! The API's answers, whole or as events, and its errors in both dialects. Not when they are given (`state`).

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{
    behaviour::Refusal,
    completion::{Completion, Prompt, anthropic_event},
    endpoint::{Dialect, Endpoint},
    state::{Person, Shared, wall_clock},
};

/// One request, read to its end.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) number: u64,
    pub(super) endpoint: Endpoint,
    pub(super) method: String,
    pub(super) target: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) key: String,
    pub(super) body: Bytes,
}

/// An answer before it is on its way.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) content: Content,
}

#[derive(Debug)]
pub(super) enum Content {
    Whole(Bytes),
    Events(Vec<Bytes>),
}

/// Ids and display names.
const MODELS: [(&str, &str, u32); 4] = [
    ("kimi-for-coding", "Kimi for Coding", 262_144),
    ("kimi-for-coding-highspeed", "Kimi for Coding (high speed)", 262_144),
    ("k3", "Kimi K3", 1_048_576),
    ("k3-256k", "Kimi K3 256k", 262_144),
];

/// How names of models start that a chat may ask for.
const MODEL_NAMES: [&str; 3] = ["kimi-", "k3", "moonshot-"];

impl Call {
    /// The answer while all is well.
    pub(super) fn answer(&self, person: &Person, shared: &Arc<Shared>) -> Result<Reply, Refusal> {
        match self.endpoint {
            Endpoint::Models => Ok(Reply::json(&models())),
            Endpoint::Usages => shared.usages(&self.key).map(|body| Reply::ok("application/json", body)),
            Endpoint::Me => Ok(Reply::json(&me(person))),
            Endpoint::Balance => Ok(Reply::json(&balance())),
            Endpoint::Chat | Endpoint::Messages => self.chat(person, shared),
            Endpoint::CountTokens => Ok(Reply::json(&json!({"input_tokens": Prompt::parse(&self.body)?.tokens()}))),
            Endpoint::Search => Ok(Reply::json(&search())),
            Endpoint::Fetch => Ok(Reply::ok("text/markdown; charset=utf-8", "# Example\n\nA page of the demo.\n")),
            Endpoint::Files => Ok(self.upload(person, shared)),
            Endpoint::Echo => Ok(Reply::json(&self.echo())),
            Endpoint::Unknown => Err(Refusal::NotFound),
        }
    }

    /// The same refusal in the dialect that was asked in.
    pub(super) fn refuse(&self, refusal: &Refusal) -> Reply {
        let wording = refusal.wording(&self.key);
        let mut reply = Reply { status: wording.status, ..Reply::json(&self.error(refusal)) };
        reply.headers.extend(refusal.retry_after().map(|after| ("retry-after", after.to_owned())));
        reply
    }

    /// An error as an event of a stream.
    pub(super) fn error_event(&self, refusal: &Refusal) -> Bytes {
        let error = self.error(refusal);
        match self.endpoint.dialect() {
            Dialect::OpenAi => Bytes::from(format!("data: {error}\n\n")),
            Dialect::Anthropic => anthropic_event(&error),
        }
    }

    /// Whether the client asked for a stream.
    pub(super) fn wants_stream(&self) -> bool {
        self.endpoint.is_chat() && Prompt::parse(&self.body).is_ok_and(|prompt| prompt.stream)
    }

    fn error(&self, refusal: &Refusal) -> Value {
        let wording = refusal.wording(&self.key);
        match self.endpoint.dialect() {
            Dialect::OpenAi => json!({"error": {"message": wording.message, "type": wording.kind}}),
            Dialect::Anthropic => {
                json!({"type": "error", "error": {"type": wording.anthropic_kind(), "message": wording.message}})
            }
        }
    }

    fn chat(&self, person: &Person, shared: &Shared) -> Result<Reply, Refusal> {
        let prompt = Prompt::parse(&self.body)?;
        let model = &prompt.model;
        if self.endpoint == Endpoint::Chat && !MODEL_NAMES.iter().any(|name| model.starts_with(name)) {
            return Err(Refusal::ModelNotFound { model: model.clone() });
        }
        if let Some(id) = prompt.files.iter().find(|id| !shared.state().owns_file(id, &person.user_id)) {
            return Err(Refusal::BadRequest { message: format!("Invalid request: file {id} not found") });
        }
        let stream = prompt.stream;
        let completion = Completion { number: self.number, created: wall_clock().as_second(), prompt };
        Ok(match (self.endpoint.dialect(), stream) {
            (Dialect::OpenAi, false) => Reply::json(&completion.chat()),
            (Dialect::OpenAi, true) => Reply::events(completion.chat_events()),
            (Dialect::Anthropic, false) => Reply::json(&completion.message()),
            (Dialect::Anthropic, true) => Reply::events(completion.message_events()),
        })
    }

    fn upload(&self, person: &Person, shared: &Shared) -> Reply {
        let id = format!("demo-file-{:08}", self.number);
        shared.state().keep_file(&id, &person.user_id);
        Reply::json(&json!({"id": id, "object": "file", "bytes": self.body.len(),
            "created_at": wall_clock().as_second(), "purpose": "file-extract", "status": "ok"}))
    }

    fn echo(&self) -> Value {
        let digest: String = Sha256::digest(&self.body).iter().map(|byte| format!("{byte:02x}")).collect();
        json!({"method": self.method, "target": self.target, "headers": self.headers,
            "body_len": self.body.len(), "body_sha256": digest})
    }
}

impl Reply {
    pub(super) fn events(events: Vec<Bytes>) -> Self {
        let headers = [("content-type", "text/event-stream"), ("cache-control", "no-cache")];
        Self {
            status: 200,
            headers: headers.map(|(name, value)| (name, value.to_owned())).into(),
            content: Content::Events(events),
        }
    }

    pub(super) fn redirect(location: String) -> Self {
        Self { status: 307, headers: vec![("location", location)], content: Content::Whole(Bytes::new()) }
    }

    fn json(body: &Value) -> Self {
        Self::ok("application/json", body.to_string())
    }

    fn ok(content_type: &str, body: impl Into<Bytes>) -> Self {
        Self {
            status: 200,
            headers: vec![("content-type", content_type.to_owned())],
            content: Content::Whole(body.into()),
        }
    }
}

fn models() -> Value {
    let one = |(id, name, context): (&str, &str, u32)| {
        json!({"id": id, "object": "model", "created": 1_761_264_000, "owned_by": "moonshot",
            "display_name": name, "context_length": context, "supports_reasoning": true,
            "supports_image_in": true, "supports_video_in": false})
    };
    json!({"object": "list", "data": MODELS.map(one)})
}

fn me(person: &Person) -> Value {
    json!({"user_id": person.user_id, "nickname": "demo", "user_level_name": "Demo", "email": person.email,
        "phone": ""})
}

fn balance() -> Value {
    json!({"code": 0, "scode": "0x0", "status": true,
        "data": {"available_balance": 49.58, "voucher_balance": 46.58, "cash_balance": 3.0}})
}

fn search() -> Value {
    let hit = json!({"site_name": "example.com", "title": "An example", "url": "https://example.com/",
        "snippet": "A result of the demo.", "date": "2026-01-01"});
    json!({"search_results": [hit]})
}
