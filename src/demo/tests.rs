//! The simulator through real sockets: what every integration test relies on.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::{
    client::legacy::{Client, Error, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::*;

const ALPHA: &str = "sk-kimi-test-alpha-0000000000";
const BRAVO: &str = "sk-kimi-test-bravo-0000000000";

struct Bench {
    simulator: Simulator,
    client: Client<HttpConnector, Full<Bytes>>,
}

/// An answer read to its end.
struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    async fn read(response: http::Response<Incoming>) -> Result<Self, hyper::Error> {
        let (parts, body) = response.into_parts();
        let body = body.collect().await?.to_bytes();
        Ok(Self { status: parts.status.as_u16(), headers: parts.headers, body })
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("UTF-8")
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("text"))
    }

    /// The data of each event, with or without a blank after `data:`.
    fn events(&self) -> Vec<Value> {
        let data = self.text().lines().filter_map(|line| line.strip_prefix("data:")).map(str::trim);
        data.filter(|data| *data != "[DONE]").map(|data| serde_json::from_str(data).expect("JSON")).collect()
    }
}

impl Bench {
    async fn new(accounts: Vec<Account>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let simulator = Simulator::start(listener, accounts).expect("started");
        Self { simulator, client: Client::builder(TokioExecutor::new()).build_http() }
    }

    async fn with(behaviour: impl Into<Behaviour>) -> Self {
        Self::new(vec![Account { behaviour: behaviour.into(), ..Account::new(ALPHA) }]).await
    }

    async fn send(
        &self,
        key: &str,
        method: Method,
        path: &str,
        body: String,
    ) -> Result<http::Response<Incoming>, Error> {
        let (name, value) = if path.contains("messages") {
            ("x-api-key", key.to_owned())
        } else {
            ("authorization", format!("Bearer {key}"))
        };
        let request = Request::builder()
            .method(method)
            .uri(format!("http://{}{path}", self.simulator.address()))
            .header(name, value)
            .body(Full::from(body))
            .expect("a request");
        self.client.request(request).await
    }

    async fn ask(&self, key: &str, method: Method, path: &str, body: String) -> Answer {
        Answer::read(self.send(key, method, path, body).await.expect("a head")).await.expect("a whole body")
    }

    async fn get(&self, key: &str, rest: &str) -> Answer {
        self.ask(key, Method::GET, &format!("/coding/v1{rest}"), String::new()).await
    }

    async fn chat(&self, key: &str, stream: bool) -> Answer {
        self.ask(key, Method::POST, CHAT, prompt(stream)).await
    }

    async fn message(&self, key: &str, stream: bool) -> Answer {
        self.ask(key, Method::POST, MESSAGES, prompt(stream)).await
    }
}

const CHAT: &str = "/coding/v1/chat/completions";
const MESSAGES: &str = "/coding/v1/messages?beta=true";

fn prompt(stream: bool) -> String {
    json!({"model": "kimi-for-coding", "stream": stream, "stream_options": {"include_usage": true},
        "messages": [{"role": "user", "content": "Why does this test fail only on Mondays?"}]})
    .to_string()
}

#[tokio::test]
async fn only_known_keys_come_in_by_either_header() {
    let bench = Bench::with(Behaviour::Healthy).await;
    assert_eq!(bench.chat(ALPHA, false).await.status, 200);
    assert_eq!(bench.message(ALPHA, false).await.status, 200);
    let stranger = bench.chat("sk-kimi-stranger", false).await;
    assert_eq!((stranger.status, &stranger.json()["error"]["type"]), (401, &json!("invalid_authentication_error")));
    let stranger = bench.message("sk-kimi-stranger", false).await;
    assert_eq!((stranger.status, &stranger.json()["error"]["type"]), (401, &json!("authentication_error")));
    assert_eq!(bench.get("sk-kimi-stranger", "/usages").await.status, 401);
}

#[tokio::test]
async fn a_chat_streams_thoughts_words_usage_and_the_end() {
    let bench = Bench::with(Behaviour::Healthy).await;
    let whole = bench.chat(ALPHA, false).await.json();
    let said = whole["choices"][0]["message"]["content"].as_str().expect("text").to_owned();
    let streamed = bench.chat(ALPHA, true).await;
    assert_eq!(streamed.header("content-type"), Some("text/event-stream"));
    assert!(streamed.text().ends_with("data: [DONE]\n\n"));
    let events = streamed.events();
    let joined = |field: &str| -> String {
        events.iter().filter_map(|event| event["choices"][0]["delta"][field].as_str()).collect()
    };
    // The prompt differs by one byte (`true`, `false`), and so may the answer; the shape may not.
    assert!(!said.is_empty() && !joined("content").is_empty() && !joined("reasoning_content").is_empty());
    let [.., last, usage] = events.as_slice() else { panic!("too few events") };
    assert_eq!(last["choices"][0]["finish_reason"], "stop");
    assert_eq!(last["choices"][0]["usage"], usage["usage"]);
    assert_eq!(usage["choices"], json!([]));
    let tokens = |name: &str| usage["usage"][name].as_u64().expect("a count");
    assert_eq!(tokens("total_tokens"), tokens("prompt_tokens") + tokens("completion_tokens"));
    assert!(tokens("cached_tokens") > 0 && tokens("cached_tokens") < tokens("prompt_tokens"));
}

#[tokio::test]
async fn a_message_streams_its_blocks_and_counts_the_cache_only_at_the_end() {
    let bench = Bench::with(Behaviour::Healthy).await;
    let whole = bench.message(ALPHA, false).await.json();
    assert_eq!((&whole["type"], &whole["content"][1]["type"]), (&json!("message"), &json!("text")));
    let streamed = bench.message(ALPHA, true).await;
    let events = streamed.events();
    let of = |kind: &str| events.iter().filter(|event| event["type"] == kind).collect::<Vec<_>>();
    assert_eq!(events[0]["message"]["usage"]["cache_read_input_tokens"], 0);
    assert_eq!(of("content_block_start").len(), 2);
    assert!(of("content_block_delta").len() > 4);
    let usage = &of("message_delta")[0]["usage"];
    assert!(usage["cache_read_input_tokens"].as_u64() > Some(0) && usage["output_tokens"].as_u64() > Some(0));
    assert_eq!(events.last().expect("events")["type"], "message_stop");
    assert!(streamed.text().starts_with("event: message_start\ndata:{"));
    let counted = bench.ask(ALPHA, Method::POST, "/coding/v1/messages/count_tokens", prompt(true)).await;
    assert!(counted.json()["input_tokens"].as_u64() > Some(0));
}

#[tokio::test]
async fn the_other_endpoints_answer_and_what_is_unknown_is_a_404() {
    let bench = Bench::with(Behaviour::Healthy).await;
    assert_eq!(bench.get(ALPHA, "/models").await.json()["data"][0]["id"], "kimi-for-coding");
    assert!(bench.get(ALPHA, "/me").await.json()["email"].as_str().expect("text").ends_with("@example.com"));
    let post = |path| bench.ask(ALPHA, Method::POST, path, "{}".to_owned());
    assert_eq!(post("/coding/v1/search").await.json()["search_results"][0]["site_name"], "example.com");
    assert!(post("/coding/v1/fetch").await.text().starts_with("# "));
    assert_eq!(post("/anthropic/v1/messages").await.status, 400);
    assert_eq!(post(CHAT).await.json()["error"]["type"], "invalid_request_error");
    let unknown = bench.get(ALPHA, "/nowhere").await;
    assert_eq!((unknown.status, &unknown.json()["error"]["type"]), (404, &json!("resource_not_found_error")));
    let strange = bench.ask(ALPHA, Method::POST, CHAT, prompt(false).replace("kimi-for-coding", "gpt-0")).await;
    assert_eq!(strange.status, 404);
    assert!(strange.text().contains("Not found the model gpt-0"));
}

#[tokio::test]
async fn a_file_belongs_to_the_account_that_uploaded_it() {
    let bench = Bench::new(vec![Account::new(ALPHA), Account::new(BRAVO)]).await;
    let file = bench.ask(ALPHA, Method::POST, "/coding/v1/files", "pretend".to_owned()).await.json();
    let speaks_of_it = prompt(false).replace("Mondays", &format!("ms://{}", file["id"].as_str().expect("an id")));
    assert_eq!(bench.ask(ALPHA, Method::POST, CHAT, speaks_of_it.clone()).await.status, 200);
    assert_eq!(bench.ask(BRAVO, Method::POST, CHAT, speaks_of_it).await.status, 400);
}

#[tokio::test]
async fn usages_follow_the_chats_in_every_generation() {
    let mut quota = Quota::plenty();
    (quota.five_hours.limit, quota.drain) = (4, 2);
    let bench = Bench::new(vec![Account { quota, ..Account::new(ALPHA) }]).await;
    bench.chat(ALPHA, false).await;
    let body = bench.get(ALPHA, "/usages").await.json();
    assert_eq!(body["limits"][0]["detail"]["remaining"], "2");
    assert_eq!(body["usages"]["limit_5h"]["used_ratio"], 0.5);
    bench.simulator.set_usages(ALPHA, Usages::Ratios);
    assert!(bench.get(ALPHA, "/usages").await.json().get("limits").is_none());
    bench.simulator.set_usages(ALPHA, Usages::Body("[]".to_owned()));
    assert_eq!(bench.get(ALPHA, "/usages").await.text(), "[]");
    bench.simulator.set_usages(ALPHA, Usages::Status(500));
    assert_eq!(bench.get(ALPHA, "/usages").await.status, 500);

    assert_eq!(bench.message(ALPHA, false).await.status, 200);
    let spent = bench.chat(ALPHA, false).await;
    assert_eq!(spent.status, 403);
    assert!(spent.text().contains("5-hour usage limit"));
    bench.simulator.advance(Duration::from_secs(5 * 3600));
    assert_eq!(bench.chat(ALPHA, false).await.status, 200, "the window has reset");
}

#[tokio::test]
async fn keys_of_one_user_share_quota_and_places() {
    let user = |key| Account { user_id: "u1".to_owned(), parallel_limit: 1, ..Account::new(key) };
    let bench = Bench::new(vec![user(ALPHA), user(BRAVO)]).await;
    bench.simulator.set(ALPHA, Behaviour::Gated);
    let open = bench.send(ALPHA, Method::POST, CHAT, prompt(true)).await.expect("a head");
    let crowded = bench.chat(BRAVO, false).await;
    assert_eq!(crowded.status, 403);
    assert!(crowded.text().contains("concurrent request limit"));
    drop(open);
    bench.simulator.wait_for(|requests| requests[0].ended == Ended::ClientGone).await.expect("the place is free");
    bench.simulator.set_quota(ALPHA, &Quota::plenty());
    assert_eq!(bench.chat(BRAVO, false).await.status, 200);
    assert_eq!(bench.get(BRAVO, "/usages").await.json()["limits"][0]["detail"]["used"], "1");
}

#[tokio::test]
async fn refusals_are_told_in_the_dialect_that_was_asked_in() {
    let bench = Bench::with(Behaviour::Healthy).await;
    let after = || Refusal::RateLimited { retry_after: Some("7".to_owned()) };
    for (refusal, status, openai, anthropic) in [
        (after(), 429, "rate_limit_reached_error", "rate_limit_error"),
        (Refusal::TooManyAtOnce, 403, "permission_error", "permission_error"),
        (Refusal::QuotaWeek, 403, "access_terminated_error", "permission_error"),
        (Refusal::PaymentRequired, 402, "payment_required_error", "billing_error"),
        (Refusal::BalanceExhausted, 429, "exceeded_current_quota_error", "rate_limit_error"),
        (Refusal::Unauthorized, 401, "invalid_authentication_error", "authentication_error"),
        (Refusal::ClientNotAllowed, 403, "access_terminated_error", "permission_error"),
        (Refusal::EngineOverloaded, 429, "engine_overloaded_error", "rate_limit_error"),
        (Refusal::ServerError(529), 529, "server_error", "overloaded_error"),
        (Refusal::ServerError(503), 503, "server_error", "api_error"),
        (Refusal::ContentFilter, 400, "content_filter", "invalid_request_error"),
    ] {
        bench.simulator.script(ALPHA, [refusal.clone().into(), refusal.clone().into()]);
        let (chat, message) = (bench.chat(ALPHA, true).await, bench.message(ALPHA, true).await);
        assert_eq!((chat.status, message.status), (status, status), "{refusal:?}");
        assert_eq!(chat.json()["error"]["type"], openai, "{refusal:?}");
        assert_eq!(message.json()["error"]["type"], anthropic, "{refusal:?}");
        assert_eq!(message.json()["type"], "error");
        assert_eq!(chat.header("retry-after"), (refusal == after()).then_some("7"));
    }
    assert_eq!(bench.chat(ALPHA, false).await.status, 200, "the script has run out");
    bench.simulator.set(ALPHA, Refusal::UnauthorizedEchoingKey);
    assert!(bench.chat(ALPHA, false).await.text().contains(ALPHA));
    assert_eq!(bench.get(ALPHA, "/usages").await.status, 401);
}

#[tokio::test]
async fn every_nth_answer_is_another() {
    let behaviour = Behaviour::Every { nth: 3, behaviour: Box::new(Refusal::PaymentRequired.into()) };
    let bench = Bench::with(behaviour).await;
    let mut statuses = Vec::new();
    for _ in 0..6 {
        statuses.push(bench.chat(ALPHA, false).await.status);
        bench.get(ALPHA, "/usages").await;
    }
    assert_eq!(statuses, [200, 200, 402, 200, 200, 402]);
}

#[tokio::test]
async fn errors_hide_in_a_200_at_the_start_or_later() {
    let bench = Bench::with(Behaviour::ErrorIn200(Refusal::EngineOverloaded)).await;
    let chat = bench.chat(ALPHA, true).await;
    assert_eq!((chat.status, chat.events().len()), (200, 1));
    assert_eq!(chat.events()[0]["error"]["type"], "engine_overloaded_error");
    assert!(bench.message(ALPHA, true).await.text().starts_with("event: error\n"));
    assert_eq!(bench.chat(ALPHA, false).await.json()["error"]["type"], "engine_overloaded_error");
    bench.simulator.set(ALPHA, Behaviour::ErrorAfter { chunks: 2, refusal: Refusal::EngineOverloaded });
    let chat = bench.chat(ALPHA, true).await.events();
    assert!(chat.len() == 3 && chat[1].get("error").is_none() && chat[2].get("error").is_some());
    bench.simulator.set(ALPHA, Behaviour::EmptyStream);
    let empty = bench.chat(ALPHA, true).await;
    assert_eq!((empty.status, empty.body.len()), (200, 0));
}

#[tokio::test]
async fn a_cut_comes_after_the_pieces_that_were_promised() {
    let bench = Bench::with(Behaviour::CutAfter { chunks: 3 }).await;
    for (path, stream) in [(CHAT, true), (MESSAGES, true)] {
        let mut body = bench.send(ALPHA, Method::POST, path, prompt(stream)).await.expect("a head").into_body();
        let mut read = String::new();
        let error = loop {
            match body.frame().await.expect("an error before the end") {
                Ok(frame) => read.push_str(std::str::from_utf8(frame.data_ref().expect("data")).expect("UTF-8")),
                Err(error) => break error,
            }
        };
        assert_eq!(read.matches("data:").count(), 3, "{read}");
        assert!(!read.contains("[DONE]") && !error.is_timeout(), "{error}");
    }
    let plain = bench.send(ALPHA, Method::POST, CHAT, prompt(false)).await.expect("a head");
    assert!(Answer::read(plain).await.is_err());
    assert!(bench.simulator.requests().iter().all(|request| request.ended == Ended::CutShort));
}

#[tokio::test]
async fn gated_pieces_go_when_they_are_released() {
    let bench = Bench::with(Behaviour::Gated).await;
    let mut body = bench.send(ALPHA, Method::POST, CHAT, prompt(true)).await.expect("a head").into_body();
    for _ in 0..3 {
        bench.simulator.release(1);
        let frame = body.frame().await.expect("a piece").expect("fine").into_data().expect("data");
        assert_eq!(frame.iter().filter(|byte| **byte == b'\n').count(), 2, "one event a release");
    }
    assert_eq!(bench.simulator.requests()[0].ended, Ended::Running);
    bench.simulator.release(1000);
    assert!(body.collect().await.expect("the rest").to_bytes().ends_with(b"data: [DONE]\n\n"));
    bench.simulator.wait_for(|requests| requests[0].ended == Ended::Completed).await.expect("completed");
}

#[tokio::test]
async fn a_client_that_leaves_is_seen_before_the_head_and_within_a_stream() {
    let bench = Bench::with(Behaviour::HangBeforeHead).await;
    let address = bench.simulator.address();
    for (behaviour, number) in [(Behaviour::HangBeforeHead, 0), (Behaviour::Held, 1), (Behaviour::Gated, 2)] {
        bench.simulator.set(ALPHA, behaviour);
        let mut client = TcpStream::connect(address).await.expect("connected");
        let body = prompt(true);
        let request = format!(
            "POST {CHAT} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {ALPHA}\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        client.write_all(request.as_bytes()).await.expect("sent");
        let there = |requests: &[Received]| requests.get(number).is_some_and(|request| request.body_len == body.len());
        bench.simulator.wait_for(there).await.expect("arrived");
        drop(client);
        bench.simulator.wait_for(|requests| requests[number].ended == Ended::ClientGone).await.expect("seen");
    }
}

#[tokio::test]
async fn a_held_head_goes_with_a_release() {
    let bench = Bench::with(Behaviour::Held).await;
    let asked = bench.chat(ALPHA, false);
    let released = async {
        bench.simulator.wait_for(|requests| requests.len() == 1).await.expect("arrived");
        assert_eq!(bench.simulator.requests()[0].status, None);
        bench.simulator.release(1);
    };
    assert_eq!(tokio::join!(asked, released).0.status, 200);
}

#[tokio::test]
async fn raw_bytes_redirects_and_gzip_go_out_as_told() {
    let bench = Bench::with(Behaviour::Raw(Bytes::from_static(b"SSH-2.0-garbage\r\n"))).await;
    let mut client = TcpStream::connect(bench.simulator.address()).await.expect("connected");
    let request = format!("GET /coding/v1/models HTTP/1.1\r\nhost: x\r\nx-api-key: {ALPHA}\r\n\r\n");
    client.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.expect("read");
    assert_eq!(answer, "SSH-2.0-garbage\r\n");

    bench.simulator.set(ALPHA, Behaviour::Redirect { location: "http://127.0.0.1:1/elsewhere".to_owned() });
    let redirect = bench.chat(ALPHA, false).await;
    assert_eq!((redirect.status, redirect.header("location")), (307, Some("http://127.0.0.1:1/elsewhere")));

    bench.simulator.set(ALPHA, Behaviour::Gzipped(Box::new(Refusal::QuotaWeek.into())));
    let zipped = bench.chat(ALPHA, false).await;
    assert_eq!((zipped.status, zipped.header("content-encoding")), (403, Some("gzip")));
    assert!(zipped.body.starts_with(&[0x1f, 0x8b]));
    assert!(String::from_utf8_lossy(&zipped.body).contains("weekly (7-day)"));
}

#[tokio::test]
async fn a_slow_stream_takes_its_time() {
    let bench = Bench::with(Behaviour::SlowStream { gap: Duration::from_millis(1) }).await;
    assert!(bench.chat(ALPHA, true).await.text().ends_with("[DONE]\n\n"));
}

#[tokio::test]
async fn the_log_and_the_echo_keep_what_was_on_the_wire() {
    let bench = Bench::with(Behaviour::Healthy).await;
    let mut client = TcpStream::connect(bench.simulator.address()).await.expect("connected");
    let head = |length: usize, more: &str| {
        format!(
            "PUT /coding/v1/echo?a=%2F&b HTTP/1.1\r\nHost: x\r\nX-Api-Key: {ALPHA}\r\nZ-Last: 1\r\nAccept: a\r\nz-last: 2\r\nContent-Length: {length}\r\n{more}\r\n"
        )
    };
    client.write_all(format!("{}hello", head(5, "")).as_bytes()).await.expect("sent");
    bench.simulator.wait_for(|requests| requests.len() == 1).await.expect("arrived");
    // The second request of a connection is heard as well, and its body comes after its head.
    client.write_all(head(3, "Connection: close\r\n").as_bytes()).await.expect("sent");
    bench.simulator.wait_for(|requests| requests.len() == 2).await.expect("arrived");
    client.write_all(b"abc").await.expect("sent");
    let mut answers = String::new();
    client.read_to_string(&mut answers).await.expect("read");
    let names = ["Host", "X-Api-Key", "Z-Last", "Accept", "z-last", "Content-Length"];
    for (request, body) in bench.simulator.requests().iter().zip(["hello", "abc"]) {
        let heard: Vec<&str> = request.headers.iter().map(|(name, _)| name.as_str()).take(names.len()).collect();
        assert_eq!(heard, names);
        assert_eq!((request.method.as_str(), request.target.as_str()), ("PUT", "/coding/v1/echo?a=%2F&b"));
        assert_eq!((request.path(), request.header("Z-LAST")), ("/coding/v1/echo", Some("1")));
        assert_eq!((request.key.as_deref(), request.body.as_ref()), (Some(ALPHA), body.as_bytes()));
        assert_eq!((request.status, request.ended), (Some(200), Ended::Completed));
    }
    // SHA-256 of "hello".
    assert!(answers.contains("2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"));
    assert!(answers.contains(r#"["Accept","a"],["z-last","2"]"#));
}

#[tokio::test]
async fn a_stop_frees_the_port_and_breaks_connections_off() {
    let bench = Bench::with(Behaviour::Gated).await;
    let address = bench.simulator.address();
    let open = bench.send(ALPHA, Method::POST, CHAT, prompt(true)).await.expect("a head");
    bench.simulator.shutdown().await;
    assert!(Answer::read(open).await.is_err());
    assert!(TcpStream::connect(address).await.is_err());
    TcpListener::bind(address).await.expect("free again");
}

#[tokio::test]
async fn traffic_asks_until_it_is_stopped() {
    let bench = Bench::new(vec![Account::new("kmi-local")]).await;
    let enough = async {
        bench
            .simulator
            .wait_for(|requests| requests.iter().any(|one| one.ended == Ended::Completed))
            .await
            .expect("asks");
    };
    traffic(bench.simulator.base_url(), 1, enough).await;
    let first = &bench.simulator.requests()[0];
    assert!(first.header("user-agent").expect("named").contains("kmi-tui demo"));
    assert_eq!(first.status, Some(200));
}
