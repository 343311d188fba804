//! What passes through, and how: headers, paths, streams, hang-ups. Not what happens when a key fails (`failover`).

use kmi_tui::demo::{Behaviour, Ended};

use crate::support::{
    client::{self, Raw},
    proxy::{home, key, simulator},
};

#[tokio::test]
async fn a_request_passes_unchanged_but_for_the_key() {
    let simulator = simulator(&["alpha"]).await;
    let proxy = home(&simulator, &["alpha"]).start().await;
    let headers = [
        ("User-Agent", "KimiCLI/1.49.0"),
        ("X-Msh-Platform", "kimi_cli"),
        ("Authorization", "Bearer kmi-local"),
        ("Cookie", "a=b"),
        ("X-Forwarded-For", "10.1.2.3"),
        ("anthropic-beta", "one"),
        ("anthropic-beta", "two"),
        ("Connection", "x-private"),
        ("X-Private", "1"),
        ("content-type", "application/json"),
    ];
    assert_eq!(proxy.get("/files/a%2Fb%20;c?x=%zz&&y").await.status, 404);
    assert_eq!(simulator.requests().pop().expect("one").target, "/coding/v1/files/a%2Fb%20;c?x=%zz&&y");
    let answer = proxy.request("POST", "/echo", &headers, b"{\"a\": 1}").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let received = simulator.requests().pop().expect("one");
    assert_eq!(&received.body[..], b"{\"a\": 1}");
    let names: Vec<&str> = received.headers.iter().map(|(name, _)| name.as_str()).collect();
    for kept in ["User-Agent", "X-Msh-Platform"] {
        assert!(names.contains(&kept), "{kept} keeps its spelling: {names:?}");
    }
    assert_eq!(received.header("authorization"), Some(&*format!("Bearer {}", key("alpha"))));
    for gone in ["cookie", "x-forwarded-for", "x-private"] {
        assert_eq!(received.header(gone), None, "{gone}");
    }
    let betas: Vec<&str> =
        received.headers.iter().filter(|(name, _)| name == "anthropic-beta").map(|(_, v)| v.as_str()).collect();
    assert_eq!(betas, ["one", "two"]);
    assert_eq!(answer.header("x-kmi-key"), Some("alpha"));
    assert_eq!(answer.header("x-kmi-attempts"), Some("1"));
}

#[tokio::test]
async fn the_anthropic_dialect_keeps_its_key_header() {
    let simulator = simulator(&["alpha"]).await;
    let proxy = home(&simulator, &["alpha"]).start().await;
    let body = br#"{"model":"kimi-for-coding","max_tokens":9,"messages":[{"role":"user","content":"hello"}]}"#;
    let headers = [("x-api-key", "kmi-local"), ("content-type", "application/json")];
    let answer = proxy.request("POST", "/v1/messages?beta=true", &headers, body).await;
    assert_eq!(answer.status, 200, "a doubled /v1 counts as one: {}", answer.text());
    let received = simulator.requests().pop().expect("one");
    assert_eq!(received.target, "/coding/v1/messages?beta=true");
    assert_eq!(received.header("x-api-key"), Some(&*key("alpha")));
    assert_eq!(received.header("authorization"), None);
    for target in ["/kmi-rotor", "/kmi-rotor/", "/kmi-rotor/v1"] {
        assert_eq!(client::request(proxy.address, "HEAD", target, &[], b"").await.status, 200, "{target}");
    }
    assert_eq!(simulator.requests().iter().filter(|request| request.method == "HEAD").count(), 0, "answered here");
}

#[tokio::test]
async fn a_key_goes_to_its_own_base_url() {
    let simulator = simulator(&["alpha"]).await;
    let auth = format!("KMI_API_KEY={}\nKMI_UPSTREAM_BASE_URL={}\n", key("alpha"), simulator.open_platform_url());
    let proxy = home(&simulator, &[]).with_auth("alpha.env", &auth).start().await;
    assert_eq!(proxy.get("/models").await.status, 200);
    assert_eq!(simulator.requests().pop().expect("one").target, "/v1/models");
}

#[tokio::test]
async fn a_stream_arrives_piece_by_piece_and_is_counted() {
    let simulator = simulator(&["alpha"]).await;
    simulator.set(&key("alpha"), Behaviour::Gated);
    let proxy = home(&simulator, &["alpha"]).start().await;
    let mut raw = proxy.begin_chat().await;
    for piece in 1..=3 {
        simulator.release(1);
        while raw.text().matches("data: ").count() < piece {
            raw.read_more().await;
        }
        assert_eq!(raw.text().matches("data: ").count(), piece, "each piece comes when it is sent, and none before");
    }
    simulator.release(10_000);
    raw.read_to_end().await;
    assert!(raw.text().contains("data: [DONE]"));
    let trace = proxy.traced(1).await.pop().expect("one");
    assert_eq!(
        (&trace["status"], &trace["ending"], &trace["stream"]),
        (&200.into(), &"completed".into(), &true.into())
    );
    assert_eq!((&trace["prompt_hint"], &trace["prompt_head"]), (&"tell me a story".into(), &"tell".into()));
    assert!(trace["tokens"]["input"].as_u64().is_some_and(|tokens| tokens > 0), "{trace}");
    assert!(trace["tokens"]["output"].as_u64().is_some_and(|tokens| tokens > 0), "{trace}");
}

#[tokio::test]
async fn a_client_that_hangs_up_ends_the_request_upstream() {
    let simulator = simulator(&["alpha"]).await;
    let proxy = home(&simulator, &["alpha"]).start().await;
    for (behaviour, before_head) in [(Behaviour::Gated, false), (Behaviour::HangBeforeHead, true)] {
        simulator.set(&key("alpha"), behaviour);
        let known = simulator.requests().len();
        let mut raw = proxy.begin_chat().await;
        if before_head {
            simulator.wait_for(|requests| requests.len() > known).await.expect("it arrives");
        } else {
            simulator.release(1);
            raw.read_until("data: ").await;
        }
        drop(raw);
        let ended = |requests: &[kmi_tui::demo::Received]| {
            requests.len() > known && requests.last().is_some_and(|request| request.ended == Ended::ClientGone)
        };
        simulator.wait_for(ended).await.expect("the upstream sees the hang-up");
    }
    let trace = proxy.traced(2).await;
    assert!(
        trace.iter().all(|record| record["ending"] == "client_gone" && record["error_code"] == "client_gone"),
        "{trace:?}"
    );
    let state =
        proxy.state_where("two requests", |state| state["keys"]["alpha"]["request_count"].as_u64() >= Some(1)).await;
    assert_eq!(state["keys"]["alpha"]["error_5xx"], 0, "a client's hang-up says nothing against the key");
}

#[tokio::test]
async fn a_client_that_leaves_in_the_middle_of_its_body_is_recorded_as_gone() {
    let simulator = simulator(&["alpha"]).await;
    let proxy = home(&simulator, &["alpha"]).start().await;
    for framing in ["Content-Length: 100", "Transfer-Encoding: chunked"] {
        let mut raw = Raw::open(proxy.address).await;
        let post = format!("POST /kmi-rotor/v1/chat/completions HTTP/1.1\r\nHost: {}", proxy.address);
        raw.send(format!("{post}\r\n{framing}\r\n\r\n9\r\n{{\"model")).await;
    }
    for record in proxy.traced(2).await {
        assert_eq!((&record["status"], &record["ending"]), (&499.into(), &"client_gone".into()), "{record}");
    }
    assert!(simulator.requests().is_empty());
}

#[tokio::test]
async fn a_stream_that_breaks_off_is_seen_recorded_and_never_sent_again() {
    let simulator = simulator(&["alpha", "beta"]).await;
    simulator.set(&key("alpha"), Behaviour::CutAfter { chunks: 2 });
    let proxy = home(&simulator, &["alpha", "beta"]).start().await;
    let answer = proxy.chat("hello", true).await;
    assert_eq!(answer.status, 200);
    assert!(!answer.complete, "a cut never looks like an end");
    let chats = simulator.requests().iter().filter(|request| request.path().ends_with("/chat/completions")).count();
    assert_eq!(chats, 1);
    let trace = proxy.traced(1).await.pop().expect("one");
    assert_eq!((&trace["ending"], &trace["error_code"]), (&"upstream_cut".into(), &"stream_cut".into()));
}

#[tokio::test]
async fn dry_run_sends_nothing() {
    let simulator = simulator(&["alpha"]).await;
    let proxy = home(&simulator, &["alpha"]).set("KMI_DRY_RUN", "1").start().await;
    let answer = proxy.get("/models?x=1").await;
    assert_eq!((answer.status, answer.header("x-kmi-dry-run")), (200, Some("true")));
    let body = answer.json();
    assert_eq!((&body["dry_run"], &body["method"], &body["path"]), (&true.into(), &"GET".into(), &"models".into()));
    assert_eq!(
        (&body["key_label"], body["upstream_url"].as_str()),
        (&"alpha".into(), Some(&*format!("{}/models?x=1", simulator.base_url())))
    );
    assert_eq!(proxy.traced(1).await[0]["status"], 200);
    assert_eq!(simulator.requests().len(), 0);
}

#[tokio::test]
async fn an_error_passes_with_its_words_and_without_the_key() {
    let echo = || Behaviour::from(kmi_tui::demo::Refusal::UnauthorizedEchoingKey);
    for behaviour in [echo(), Behaviour::Gzipped(Box::new(echo()))] {
        let simulator = simulator(&["alpha"]).await;
        simulator.set(&key("alpha"), behaviour);
        let proxy = home(&simulator, &["alpha"]).start().await;
        let answer = proxy.chat("hello", false).await;
        assert_eq!(answer.status, 401, "{}", answer.text());
        assert!(answer.text().contains("***") && !answer.text().contains(&key("alpha")), "{}", answer.text());
        assert_eq!(answer.header("content-encoding"), None, "what was masked goes out plain");
    }
}

#[tokio::test]
async fn a_client_that_stops_reading_is_left_and_holds_nothing() {
    let body = vec![b'x'; 48 << 20];
    let mut answer = format!("HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: {}\r\n\r\n", body.len());
    answer.push_str(std::str::from_utf8(&body).expect("text"));
    let simulator = simulator(&["alpha"]).await;
    simulator.script(&key("alpha"), [Behaviour::Raw(answer.into())]);
    let proxy = home(&simulator, &["alpha"]).set("KMI_PROXY_IDLE_TIMEOUT_SECONDS", "1").start().await;
    let mut lazy = proxy.begin_chat().await;
    lazy.read_until("HTTP/1.1 200").await;
    let trace = proxy.traced(1).await.pop().expect("one");
    assert_eq!((&trace["ending"], &trace["error_code"]), (&"client_gone".into(), &"client_gone".into()), "{trace}");
    assert_eq!(proxy.chat("hello", false).await.status, 200);
}
