//! Requests that have not ended: what is seen of them, how a person ends one, and how one is sent to another key.

use kmi_tui::demo::{Behaviour, Ended, Received, Refusal};
use serde_json::{Value, json};

use crate::support::{
    client::Raw,
    proxy::{Proxy, home, key, simulator, until},
};

/// The status, and the body as JSON, of what came over a connection that was closed.
async fn answered(mut raw: Raw) -> (String, Value) {
    raw.read_to_end().await;
    let text = raw.text();
    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
    (head.to_owned(), serde_json::from_str(body).unwrap_or_default())
}

async fn cancel(proxy: &Proxy, running: &Value) {
    assert_eq!(proxy.command(json!({"cancel": running["request_id"]})).await, "notice-cancelled");
}

async fn send_to(proxy: &Proxy, running: &Value, label: &str) -> String {
    proxy.command(json!({"send_to": {"request_id": running["request_id"], "label": label}})).await
}

/// The only record, and that nothing was said against the key.
async fn cancelled_and_no_key_blamed(proxy: &Proxy) -> Value {
    let record = proxy.traced(1).await.pop().expect("one");
    assert_eq!((&record["ending"], &record["error_code"]), (&"cancelled".into(), &"cancelled".into()), "{record}");
    let snapshot = proxy.seen("nothing that runs", |snapshot| snapshot["running"] == json!([])).await;
    for key in snapshot["keys"].as_array().expect("keys") {
        assert_eq!((&key["in_flight"], &key["counters"]["error_5xx"]), (&0.into(), &0.into()), "{key}");
    }
    record
}

#[tokio::test]
async fn a_request_is_seen_with_what_it_does_and_ended_before_its_answer_with_a_clear_word() {
    let simulator = simulator(&["alpha"]).await;
    simulator.set(&key("alpha"), Behaviour::Held);
    let proxy = home(&simulator, &["alpha"]).start().await;
    let raw = proxy.begin_chat().await;
    let running = proxy.runs("asking").await;
    assert_eq!(running["phase"]["key"], "alpha");
    assert_eq!((&running["method"], &running["endpoint"]), (&"POST".into(), &"/chat/completions".into()));
    assert_eq!((&running["model"], &running["stream"]), (&"kimi-for-coding".into(), &true.into()));
    simulator.wait_for(|seen| seen.len() == 1).await.expect("the upstream was asked");
    cancel(&proxy, &running).await;
    let (head, body) = answered(raw).await;
    assert!(head.starts_with("HTTP/1.1 410 ") && head.contains("x-should-retry: false"), "{head}");
    assert_eq!((&body["error"]["code"], &body["error"]["fault"]), (&"cancelled".into(), &"proxy".into()), "{body}");
    let record = cancelled_and_no_key_blamed(&proxy).await;
    assert_eq!((&record["status"], &record["attempts"][0]["cause"]), (&410.into(), &"cancelled".into()), "{record}");
    let gone = |seen: &[Received]| seen.last().is_some_and(|request| request.ended == Ended::ClientGone);
    simulator.wait_for(gone).await.expect("the upstream is left alone");
    assert_eq!(proxy.command(json!({"cancel": running["request_id"]})).await, "refused-request-ended");
}

#[tokio::test]
async fn an_answer_that_has_begun_is_cut_for_all_to_see_and_goes_to_no_other_key() {
    let simulator = simulator(&["alpha", "beta"]).await;
    simulator.set(&key("alpha"), Behaviour::Gated);
    let proxy = home(&simulator, &["alpha", "beta"]).start().await;
    let mut raw = proxy.begin_chat().await;
    simulator.release(1);
    raw.read_until("data: ").await;
    let running = proxy.runs("answering").await;
    assert_eq!(send_to(&proxy, &running, "beta").await, "refused-answering");
    cancel(&proxy, &running).await;
    raw.read_to_end().await;
    assert!(!raw.text().ends_with("0\r\n\r\n"), "a cut never looks like an end: {}", raw.text());
    let record = cancelled_and_no_key_blamed(&proxy).await;
    assert_eq!((&record["status"], &record["key_label"]), (&200.into(), &"alpha".into()), "{record}");
    assert_eq!(simulator.requests().len(), 1);
}

#[tokio::test]
async fn what_waits_for_the_answer_goes_on_with_the_key_that_a_person_names() {
    let simulator = simulator(&["alpha", "beta"]).await;
    simulator.set(&key("alpha"), Behaviour::Held);
    let proxy = home(&simulator, &["alpha", "beta"]).start().await;
    let raw = proxy.begin_chat().await;
    let running = proxy.runs("asking").await;
    simulator.wait_for(|seen| seen.len() == 1).await.expect("alpha's upstream was asked");
    assert_eq!(send_to(&proxy, &running, "nobody").await, "refused-unknown-label");
    assert_eq!(send_to(&proxy, &running, "beta").await, "notice-sent-to");
    let (head, _) = answered(raw).await;
    assert!(head.starts_with("HTTP/1.1 200 ") && head.contains("x-kmi-key: beta"), "{head}");
    let record = proxy.traced(1).await.pop().expect("one");
    let tries: Vec<_> =
        record["attempts"].as_array().expect("tries").iter().map(|t| (&t["key"], &t["cause"])).collect();
    assert_eq!(tries, [(&"alpha".into(), &"sent_elsewhere".into()), (&"beta".into(), &"ok".into())], "{record}");
    let gone = |seen: &[Received]| seen.iter().any(|request| request.ended == Ended::ClientGone);
    simulator.wait_for(gone).await.expect("alpha's upstream is left alone");
    assert_eq!(simulator.requests().len(), 2);
}

#[tokio::test]
async fn who_is_held_can_be_ended_or_sent_to_a_key_that_rests_but_not_to_one_that_is_blocked() {
    let simulator = simulator(&["alpha", "beta"]).await;
    let rests = Refusal::RateLimited { retry_after: Some("600".into()) };
    simulator.set(&key("alpha"), rests);
    let proxy = home(&simulator, &["alpha", "beta"]).set("KMI_HOLD_SECONDS", "300").start().await;
    let blocked = json!({"block": {"label": "beta", "seconds": null, "reason": "holiday"}});
    assert_eq!(proxy.command(blocked).await, "notice-blocked");
    let raw = proxy.begin_chat().await;
    let running = proxy.runs("held").await;
    assert_eq!(running["attempts"][0]["cause"], "rate_limited", "{running}");
    let reasons: Vec<_> = running["passed_over"].as_array().expect("reasons").iter().collect();
    assert_eq!((&reasons[0]["code"], &reasons[0]["cause"]), (&"cooling_down".into(), &"rate_limited".into()));
    assert_eq!((&reasons[1]["code"], &reasons[1]["reason"]), (&"blocked".into(), &"holiday".into()), "{running}");
    cancel(&proxy, &running).await;
    assert!(answered(raw).await.0.starts_with("HTTP/1.1 410 "));
    let record = proxy.traced(1).await.pop().expect("one");
    assert_eq!(record["passed_over"], running["passed_over"], "{record}");
    assert!(record["waited_ms"].as_u64() > Some(0), "{record}");
    let raw = proxy.begin_chat().await;
    let running = proxy.runs("held").await;
    assert_eq!(send_to(&proxy, &running, "beta").await, "refused-not-eligible");
    simulator.set(&key("alpha"), Behaviour::Healthy);
    assert_eq!(send_to(&proxy, &running, "alpha").await, "notice-sent-to");
    let (head, _) = answered(raw).await;
    assert!(head.starts_with("HTTP/1.1 200 ") && head.contains("x-kmi-key: alpha"), "{head}");
}

#[tokio::test]
async fn what_is_still_coming_in_can_be_ended_only() {
    let simulator = simulator(&["alpha"]).await;
    let proxy = home(&simulator, &["alpha"]).start().await;
    let mut raw = Raw::open(proxy.address).await;
    let host = proxy.address;
    raw.send(format!("POST /kmi-rotor/v1/chat/completions HTTP/1.1\r\nhost: {host}\r\ncontent-length: 9\r\n\r\nhalf"))
        .await;
    let running = proxy.runs("reading").await;
    assert_eq!(send_to(&proxy, &running, "alpha").await, "refused-reading");
    cancel(&proxy, &running).await;
    raw.read_until("cancelled").await;
    // The rest of the body is no request.
    raw.send("more of it\r\n\r\n").await;
    raw.read_to_end().await;
    assert_eq!(raw.text().matches("HTTP/1.1 ").count(), 1, "{}", raw.text());
    let record = until("the record", || proxy.trace().pop()).await;
    assert_eq!((&record["ending"], &record["attempts"]), (&"cancelled".into(), &json!([])), "{record}");
    assert!(simulator.requests().is_empty());
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn who_asks_and_why_its_key_was_chosen_is_seen_and_kept() {
    let simulator = simulator(&["alpha", "beta"]).await;
    simulator.set(&key("beta"), Behaviour::Held);
    let proxy = home(&simulator, &["alpha", "beta"]).start().await;
    let blocked = json!({"block": {"label": "alpha", "seconds": null, "reason": "holiday"}});
    assert_eq!(proxy.command(blocked).await, "notice-blocked");
    let body = json!({"prompt_cache_key": "3f2a9c1e-0b7d-4c55", "messages": [{"role": "user", "content": "hello"}]})
        .to_string();
    let mut raw = Raw::open(proxy.address).await;
    let head = "POST /kmi-rotor/v1/chat/completions HTTP/1.1\r\ncontent-type: application/json\r\n";
    raw.send(format!("{head}host: {}\r\ncontent-length: {}\r\n\r\n{body}", proxy.address, body.len())).await;
    let mut running = proxy.runs("asking").await;
    while running["process"].is_null() {
        running = proxy.runs("asking").await;
    }
    let me = json!({"pid": std::process::id(), "name": running["process"]["name"]});
    let alpha = json!([{"key": "alpha", "code": "blocked", "reason": "holiday", "until": null}]);
    assert_eq!((&running["process"], &running["session"]), (&me, &"3f2a9c1e".into()));
    assert_eq!((&running["phase"]["why"], &running["passed_over"]), (&"in_its_place".into(), &alpha), "{running}");
    simulator.release(1);
    raw.read_until("chat.completion").await;
    let record = proxy.traced(1).await.pop().expect("one");
    assert_eq!((&record["process"], &record["session"], &record["passed_over"]), (&me, &"3f2a9c1e".into(), &alpha));
    assert_eq!(record["attempts"][0]["why"], "in_its_place", "{record}");
}
