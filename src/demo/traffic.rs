//! Gentle traffic for the demo: a few made-up clients that ask, read, sometimes err and sometimes hang up. Not a load
//! generator.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    time::Duration,
};

use http::{Method, uri::Uri};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng, seq::IndexedRandom as _};
use serde_json::{Value, json};
use tokio::{net::TcpStream, task::JoinSet};

use crate::http1::{Call, Decoder, Lines, Server, Wire};

/// Between two visits, in milliseconds: one to three a second.
const GAP: std::ops::Range<u64> = 330..900;
/// Visits at once; while the proxy is slow, no more are made.
const AT_ONCE: usize = 24;
/// For the head of an answer. The proxy gives up long before.
const PATIENCE: Duration = Duration::from_secs(3600);

/// A made-up program. Names say that they are the demo's: nothing here pretends to be a real client.
#[derive(Clone, Copy)]
struct Client {
    agent: &'static str,
    models: &'static [&'static str],
    speak: fn(&Conversation) -> (&'static str, Value),
}

/// What a request is made of.
struct Conversation {
    session: &'static str,
    model: &'static str,
    prompt: &'static str,
    stream: bool,
}

const CLIENTS: [Client; 3] = [
    Client {
        agent: "DemoTerminalAgent/1.4 (kmi-tui demo)",
        models: &["kimi-for-coding", "kimi-for-coding-highspeed", "k3"],
        speak: terminal_agent,
    },
    Client {
        agent: "demo-messages-cli/2.1 (kmi-tui demo)",
        models: &["kimi-for-coding", "k3-256k"],
        speak: messages_cli,
    },
    Client { agent: "DemoSDK/Python 0.9 (kmi-tui demo)", models: &["kimi-for-coding"], speak: plain_sdk },
];

const SESSIONS: [&str; 4] = ["demo-session-1", "demo-session-2", "demo-session-3", "demo-session-4"];

const PROMPTS: [&str; 12] = [
    "Why does the parser skip the last line of a file without a newline?",
    "Write a test for the retry logic that does not sleep.",
    "Refactor this function so that it fits on a screen.",
    "Explain the difference between a semaphore and a bounded channel.",
    "The build fails with a lifetime error in server.rs, line 120. Fix it.",
    "Rename the field `cnt` to `count` everywhere and run the tests.",
    "Summarise what changed between these two migrations.",
    "Объясни, почему этот тест иногда падает.",
    "Перепиши разбор аргументов без внешних библиотек.",
    "Найди место, где теряется ошибка записи в файл.",
    "Добавь в README раздел об установке.",
    "Add a --json flag to the status command and document it.",
];

/// One request and how its sender behaves.
#[derive(Debug, Clone, PartialEq)]
struct Visit {
    agent: &'static str,
    method: Method,
    path: &'static str,
    body: Option<Value>,
    /// Hangs up after this many pieces of the answer.
    leaves_after: Option<usize>,
}

/// Sends requests to `proxy_base` (`http://127.0.0.1:PORT/kmi-rotor/v1`) until `stop`; the same seed asks the same
/// things. What is still running then is hung up.
pub async fn traffic(proxy_base: String, seed: u64, stop: impl Future<Output = ()> + Send) {
    let Ok(proxy) = proxy_base.parse::<Uri>() else { return };
    let mut random = StdRng::seed_from_u64(seed);
    let mut visits = JoinSet::new();
    let mut stop = pin!(stop);
    loop {
        while visits.try_join_next().is_some() {}
        let visit = Visit::draw(&mut random);
        if visits.len() < AT_ONCE {
            visits.spawn(visit.make(proxy.clone()));
        }
        let gap = Duration::from_millis(random.random_range(GAP));
        tokio::select! {
            () = &mut stop => return,
            () = tokio::time::sleep(gap) => {}
        }
    }
}

impl Visit {
    fn draw(random: &mut StdRng) -> Self {
        let client = pick(random, &CLIENTS);
        let stream = random.random_bool(0.7);
        let conversation = Conversation {
            session: pick(random, &SESSIONS),
            model: pick(random, client.models),
            prompt: pick(random, &PROMPTS),
            stream,
        };
        let (path, body) = (client.speak)(&conversation);
        let visit = Self { agent: client.agent, method: Method::POST, path, body: Some(body), leaves_after: None };
        match random.random_range(0..100) {
            0..4 => visit.with_a_mistake(),
            4..9 if stream => Self { leaves_after: Some(random.random_range(1..6)), ..visit },
            9..13 => Self { method: Method::GET, path: "/models", body: None, ..visit },
            13..16 => Self { path: "/search", body: Some(json!({"text_query": "kimi", "limit": 5})), ..visit },
            _ => visit,
        }
    }

    /// A request that the upstream answers with a 400.
    fn with_a_mistake(mut self) -> Self {
        if let Some(body) = &mut self.body {
            body["messages"] = json!([]);
        }
        self
    }

    /// Asks, on a connection of its own, and reads the answer. How it went is the proxy's to show, and nobody's here.
    async fn make(self, proxy: Uri) {
        let Some(place) = proxy.authority() else { return };
        let Ok(stream) = TcpStream::connect(place.as_str()).await else { return };
        let mut server = Server::new(Wire::Plain(stream));
        let Ok(head) = server.send(&self.call(place.as_str(), proxy.path()), PATIENCE).await else { return };
        let mut body = Decoder::new(head.framing);
        let mut pieces = 0;
        while !body.is_over() && self.leaves_after.is_none_or(|enough| pieces < enough) {
            let came = poll_fn(|context| server.poll_body(&mut body, context, &mut |_, _| pieces += 1));
            if came.await.is_err() {
                return;
            }
        }
    }

    fn call(&self, place: &str, base: &str) -> Call {
        let body = self.body.as_ref().map(Value::to_string).unwrap_or_default();
        let mut lines = Lines::default();
        lines.raw(format!("{} {base}{} HTTP/1.1\r\n", self.method, self.path).as_bytes());
        lines.add(b"host", place);
        lines.add(b"user-agent", self.agent);
        lines.add(b"authorization", "Bearer kmi-local");
        lines.add(b"content-type", "application/json");
        if !body.is_empty() {
            lines.add(b"content-length", body.len().to_string());
        }
        lines.raw(b"\r\n");
        Call { head: lines.into_bytes().into(), body: body.into(), to_head: false }
    }
}

fn terminal_agent(conversation: &Conversation) -> (&'static str, Value) {
    let mut body = chat(conversation);
    body["prompt_cache_key"] = json!(conversation.session);
    body["max_completion_tokens"] = json!(32_000);
    if conversation.stream {
        body["stream_options"] = json!({"include_usage": true});
    }
    ("/chat/completions", body)
}

fn plain_sdk(conversation: &Conversation) -> (&'static str, Value) {
    ("/chat/completions", chat(conversation))
}

fn messages_cli(conversation: &Conversation) -> (&'static str, Value) {
    let Conversation { session, model, prompt, stream } = conversation;
    let body = json!({"model": model, "max_tokens": 8192, "stream": stream, "metadata": {"user_id": session},
        "messages": [{"role": "user", "content": prompt}]});
    ("/messages?beta=true", body)
}

fn chat(conversation: &Conversation) -> Value {
    let Conversation { model, prompt, stream, .. } = conversation;
    json!({"model": model, "stream": stream, "messages": [
        {"role": "system", "content": "You are a careful programmer. This is a conversation of the demo."},
        {"role": "user", "content": prompt},
    ]})
}

/// One of a table that is never empty.
fn pick<T: Copy>(random: &mut StdRng, table: &[T]) -> T {
    *table.choose(random).unwrap_or(&table[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(seed: u64) -> Vec<Visit> {
        let mut random = StdRng::seed_from_u64(seed);
        (0..300).map(|_| Visit::draw(&mut random)).collect()
    }

    #[test]
    fn a_seed_always_asks_the_same_things() {
        assert_eq!(drawn(7), drawn(7));
        assert_ne!(drawn(7), drawn(8));
    }

    #[test]
    fn the_mix_holds_every_kind_of_visit() {
        let visits = drawn(1);
        let count = |wanted: fn(&Visit) -> bool| visits.iter().filter(|visit| wanted(visit)).count();
        let body = |visit: &Visit| visit.body.clone().unwrap_or_default();
        let streams = visits.iter().filter(|visit| body(visit)["stream"] == json!(true)).count();
        let mistakes = visits.iter().filter(|visit| body(visit)["messages"] == json!([])).count();
        assert!((1..30).contains(&mistakes), "{mistakes}");
        assert!((150..280).contains(&streams), "{streams}");
        assert!(count(|visit| visit.leaves_after.is_some()) > 3);
        assert!(count(|visit| visit.path == "/models") > 3);
        assert!(count(|visit| visit.path.starts_with("/messages")) > 50);
        assert!(count(|visit| visit.path == "/chat/completions") > 100);
    }
}
