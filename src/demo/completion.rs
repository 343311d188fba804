//! What the simulated model says, as a whole or as events, in both dialects. Not how fast (`stream`).

use std::borrow::Cow;

use bytes::Bytes;
use serde_json::{Value, json};

use super::{behaviour::Refusal, tools::Turn};

/// What a chat request asks for, as far as the answer depends on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Prompt {
    pub(super) model: String,
    pub(super) stream: bool,
    pub(super) include_usage: bool,
    /// Ids of uploaded files that it speaks of (`ms://id`).
    pub(super) files: Vec<String>,
    turn: Turn,
    tokens: u64,
    russian: bool,
}

/// One answer of the model.
#[derive(Debug)]
pub(super) struct Completion {
    /// Counts the requests; makes ids.
    pub(super) number: u64,
    /// Unix seconds.
    pub(super) created: i64,
    pub(super) prompt: Prompt,
}

/// What is thought, and what is said.
type Speech = (&'static str, &'static str);

const ENGLISH: [Speech; 3] = [
    (
        "The user wants a small change. I look at the function first, then at its callers.",
        "The loop reads one element too far. Compare with `<` instead of `<=`, and the test that fails today passes.",
    ),
    (
        "This is about error handling. The simplest way is to return early.",
        "Return the error with the file's name and line, and let the caller decide whether to go on. A retry belongs there too.",
    ),
    (
        "I should name the trade-off before I recommend one of them.",
        "A bounded channel is the better fit here: it makes the slow reader visible instead of letting memory grow.",
    ),
];

const RUSSIAN: [Speech; 2] = [
    (
        "Пользователь просит объяснить поведение. Сначала посмотрю, где меняется состояние.",
        "Состояние меняется в двух местах, и второе не берёт блокировку. Достаточно перенести запись под общий мьютекс.",
    ),
    (
        "Нужно короткое решение без новых зависимостей.",
        "Проще всего читать файл построчно и останавливаться на первой ошибке: так в сообщении будет номер строки.",
    ),
];

/// Words of an answer that go in one event.
const WORDS_PER_EVENT: usize = 3;

impl Prompt {
    /// Reads a request of either dialect.
    pub(super) fn parse(body: &[u8]) -> Result<Self, Refusal> {
        let request: Value = serde_json::from_slice(body).map_err(|_| bad("Invalid request: the body is not JSON"))?;
        if request["messages"].as_array().is_none_or(Vec::is_empty) {
            return Err(bad("Invalid request: messages must not be empty"));
        }
        let text = String::from_utf8_lossy(body);
        Ok(Self {
            model: request["model"].as_str().unwrap_or("kimi-for-coding").to_owned(),
            stream: request["stream"].as_bool().unwrap_or_default(),
            include_usage: request["stream_options"]["include_usage"].as_bool().unwrap_or_default(),
            files: text.split("ms://").skip(1).map(leading_id).collect(),
            turn: Turn::of(&request),
            tokens: 8 + body.len() as u64 / 4,
            russian: text.chars().any(|letter| ('а'..='я').contains(&letter)),
        })
    }

    pub(super) fn tokens(&self) -> u64 {
        self.tokens
    }

    fn speech(&self) -> (&'static str, Cow<'static, str>) {
        let speeches: &[Speech] = if self.russian { &RUSSIAN } else { &ENGLISH };
        let place = usize::try_from(self.tokens).unwrap_or_default() % speeches.len();
        let (thought, said) = speeches.get(place).copied().unwrap_or_default();
        match &self.turn {
            Turn::Speak => (thought, Cow::Borrowed(said)),
            Turn::Call { .. } => (thought, Cow::Borrowed("")),
            Turn::Result(text) => (thought, Cow::Owned(format!("The tool says: {text}"))),
        }
    }
}

impl Completion {
    /// `chat/completions` as a whole.
    pub(super) fn chat(&self) -> Value {
        let (thought, said) = self.prompt.speech();
        let mut message = json!({"role": "assistant", "content": said, "reasoning_content": thought});
        let mut reason = "stop";
        if let Turn::Call { name, arguments } = &self.prompt.turn {
            message["tool_calls"] = json!([self.chat_call(name, &arguments.to_string())]);
            reason = "tool_calls";
        }
        json!({
            "id": self.chat_id(),
            "object": "chat.completion",
            "created": self.created,
            "model": self.prompt.model,
            "choices": [{"index": 0, "message": message, "finish_reason": reason}],
            "usage": self.chat_usage(),
        })
    }

    /// `chat/completions` as events.
    pub(super) fn chat_events(&self) -> Vec<Bytes> {
        let (thought, said) = self.prompt.speech();
        let mut deltas = vec![json!({"role": "assistant", "content": ""})];
        deltas.extend(pieces(thought).map(|piece| json!({"reasoning_content": piece})));
        deltas.extend(pieces(&said).map(|piece| json!({"content": piece})));
        let mut reason = "stop";
        if let Turn::Call { name, arguments } = &self.prompt.turn {
            deltas.push(json!({"tool_calls": [self.chat_call(name, "")]}));
            let part = |piece| json!({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]});
            deltas.extend(pieces(&arguments.to_string()).map(part));
            reason = "tool_calls";
        }
        let going = |delta| json!([{"index": 0, "delta": delta, "finish_reason": null}]);
        let last = json!([{"index": 0, "delta": {}, "finish_reason": reason, "usage": self.chat_usage()}]);
        let mut chunks: Vec<Value> = deltas.into_iter().map(going).chain([last]).map(|it| self.chunk(&it)).collect();
        if self.prompt.include_usage {
            let mut usage = self.chunk(&json!([]));
            usage["usage"] = self.chat_usage();
            chunks.push(usage);
        }
        let events = chunks.iter().map(|chunk| format!("data: {chunk}\n\n"));
        events.chain(["data: [DONE]\n\n".to_owned()]).map(Bytes::from).collect()
    }

    /// `messages` as a whole.
    pub(super) fn message(&self) -> Value {
        let (thought, said) = self.prompt.speech();
        let thinking = json!({"type": "thinking", "thinking": thought, "signature": ""});
        let (then, reason) = match &self.prompt.turn {
            Turn::Call { name, arguments } => (self.message_call(name, arguments), "tool_use"),
            _ => (json!({"type": "text", "text": said}), "end_turn"),
        };
        self.message_shell(&json!([thinking, then]), Some(reason), &self.message_usage())
    }

    /// `messages` as events; the coding endpoint leaves out the blank after `data:`.
    pub(super) fn message_events(&self) -> Vec<Bytes> {
        let (thought, said) = self.prompt.speech();
        let started = json!({"input_tokens": self.prompt.tokens, "output_tokens": 0,
            "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0});
        let mut events = vec![
            json!({"type": "message_start", "message": self.message_shell(&json!([]), None, &started)}),
            json!({"type": "ping"}),
        ];
        let (then, reason) = match &self.prompt.turn {
            Turn::Call { name, arguments } => {
                let block = self.message_call(name, &json!({}));
                ((block, "input_json_delta", "partial_json", Cow::Owned(arguments.to_string())), "tool_use")
            }
            _ => ((json!({"type": "text", "text": ""}), "text_delta", "text", said), "end_turn"),
        };
        let thinking = json!({"type": "thinking", "thinking": "", "signature": ""});
        let blocks = [(thinking, "thinking_delta", "thinking", Cow::Borrowed(thought)), then];
        for (index, (block, kind, field, text)) in blocks.into_iter().enumerate() {
            events.push(json!({"type": "content_block_start", "index": index, "content_block": block}));
            events.extend(pieces(&text).map(
                |piece| json!({"type": "content_block_delta", "index": index, "delta": {"type": kind, field: piece}}),
            ));
            events.push(json!({"type": "content_block_stop", "index": index}));
        }
        let delta = json!({"stop_reason": reason, "stop_sequence": null});
        events.push(json!({"type": "message_delta", "delta": delta, "usage": self.message_usage()}));
        events.push(json!({"type": "message_stop"}));
        events.iter().map(anthropic_event).collect()
    }

    fn chunk(&self, choices: &Value) -> Value {
        json!({
            "id": self.chat_id(),
            "object": "chat.completion.chunk",
            "created": self.created,
            "model": self.prompt.model,
            "choices": choices,
            "system_fingerprint": "fpv0_demo",
        })
    }

    fn message_shell(&self, content: &Value, stop_reason: Option<&str>, usage: &Value) -> Value {
        json!({
            "id": format!("msg_demo{:08}", self.number),
            "type": "message",
            "role": "assistant",
            "model": self.prompt.model,
            "content": content,
            "stop_reason": stop_reason,
            "stop_sequence": null,
            "usage": usage,
        })
    }

    fn chat_call(&self, name: &str, arguments: &str) -> Value {
        json!({"index": 0, "id": format!("{name}:{}", self.number), "type": "function",
            "function": {"name": name, "arguments": arguments}})
    }

    fn message_call(&self, name: &str, input: &Value) -> Value {
        json!({"type": "tool_use", "id": format!("tool_demo{:08}", self.number), "name": name, "input": input})
    }

    fn chat_id(&self) -> String {
        format!("chatcmpl-demo{:08}", self.number)
    }

    /// Here the prompt's tokens include the cached ones.
    fn chat_usage(&self) -> Value {
        let (input, output, cached) = self.counts();
        json!({"prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output,
            "cached_tokens": cached})
    }

    /// Here the input's tokens exclude the cached ones.
    fn message_usage(&self) -> Value {
        let (input, output, cached) = self.counts();
        json!({"input_tokens": input - cached, "output_tokens": output, "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": cached})
    }

    /// Input, output, and how much of the input was cached: most of it, in blocks.
    fn counts(&self) -> (u64, u64, u64) {
        let (thought, said) = self.prompt.speech();
        let output = pieces(thought).chain(pieces(&said)).count() as u64 * 4;
        (self.prompt.tokens, output, self.prompt.tokens * 3 / 4 / 16 * 16)
    }
}

/// One event in the Anthropic dialect, named after its type.
pub(super) fn anthropic_event(event: &Value) -> Bytes {
    let name = event["type"].as_str().unwrap_or("error");
    Bytes::from(format!("event: {name}\ndata:{event}\n\n"))
}

/// A few words at a time, with the blanks that belong between them.
fn pieces(text: &str) -> impl Iterator<Item = String> + use<> {
    let words: Vec<&str> = text.split_inclusive(' ').collect();
    words.chunks(WORDS_PER_EVENT).map(<[&str]>::concat).collect::<Vec<_>>().into_iter()
}

fn leading_id(text: &str) -> String {
    text.chars().take_while(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_')).collect()
}

fn bad(message: &str) -> Refusal {
    Refusal::BadRequest { message: message.to_owned() }
}
