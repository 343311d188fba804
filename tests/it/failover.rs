//! A key that fails, and what the client sees of it: nothing, while another key can serve.

use kmi_tui::demo::{Behaviour, Refusal};
use tokio::net::TcpListener;

use crate::support::proxy::{Home, home, key, simulator};

#[tokio::test]
async fn whatever_a_key_answers_another_serves() {
    for (refusal, status, field, cause) in [
        (Refusal::RateLimited { retry_after: Some("7".into()) }, 429, "error_429", "rate_limited"),
        (Refusal::PaymentRequired, 402, "blocked_reason", "payment_required"),
        (Refusal::Unauthorized, 401, "error_401", "unauthorized"),
        (Refusal::ServerError(500), 500, "error_5xx", "server_error"),
        (Refusal::QuotaWeek, 403, "error_403", "quota_week"),
        (Refusal::AccountTerminated, 403, "blocked_reason", "account_terminated"),
    ] {
        let simulator = simulator(&["alpha", "beta"]).await;
        simulator.set(&key("alpha"), Behaviour::Refuse(refusal));
        let proxy = home(&simulator, &["alpha", "beta"]).start().await;
        let answer = proxy.chat("hello", false).await;
        assert_eq!((answer.status, answer.header("x-kmi-key")), (200, Some("beta")), "{cause}: {}", answer.text());
        assert_eq!(answer.header("x-kmi-attempts"), Some("2"));
        let trace = proxy.traced(1).await.pop().expect("one");
        assert_eq!((&trace["key_label"], &trace["status"]), (&"beta".into(), &200.into()));
        let first = &trace["attempts"][0];
        assert_eq!(
            (&first["key"], &first["status"], &first["cause"]),
            (&"alpha".into(), &status.into(), &cause.into())
        );
        let stands = |value: &serde_json::Value| value.as_u64().is_some_and(|count| count > 0) || value.is_string();
        proxy.state_where(cause, |state| stands(&state["keys"]["alpha"][field])).await;
    }
}

#[tokio::test]
async fn an_error_hidden_in_a_200_and_an_empty_stream_count_as_failures() {
    let simulator = simulator(&["alpha", "beta"]).await;
    let proxy = home(&simulator, &["alpha", "beta"]).start().await;
    let limited = Refusal::RateLimited { retry_after: None };
    simulator.set(&key("alpha"), Behaviour::ErrorIn200(limited.clone()));
    let answer = proxy.chat("hello", true).await;
    assert_eq!((answer.status, answer.header("x-kmi-key")), (200, Some("beta")), "{}", answer.text());
    assert!(answer.complete && answer.text().contains("[DONE]"));
    proxy.home.run(&["unblock", "alpha"]).await;
    let plain = proxy.chat("hello", false).await;
    assert_eq!((plain.status, plain.header("x-kmi-key")), (200, Some("beta")), "{}", plain.text());
    assert!(plain.header("content-length").is_some(), "what has a length keeps it: {:?}", plain.headers);
    simulator.set(&key("beta"), Behaviour::EmptyStream);
    let answer = proxy.chat("hello", true).await;
    assert_eq!(answer.status, 502, "alpha rests, beta says nothing: {}", answer.text());
    let trace = proxy.traced(3).await;
    assert_eq!(trace[0]["attempts"][0]["cause"], "rate_limited");
    assert_eq!(trace[2]["attempts"][0]["cause"], "server_error");
}

#[tokio::test]
async fn a_key_whose_host_refuses_connections_is_passed_over() {
    let simulator = simulator(&["beta"]).await;
    let closed = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port").local_addr().expect("bound");
    let auth = format!("KMI_API_KEY={}\nKMI_UPSTREAM_BASE_URL=http://{closed}/coding/v1\n", key("alpha"));
    let proxy = home(&simulator, &["beta"]).with_auth("alpha.env", &auth).start().await;
    let answer = proxy.chat("hello", false).await;
    assert_eq!((answer.status, answer.header("x-kmi-key")), (200, Some("beta")), "{}", answer.text());
    assert_eq!(proxy.traced(1).await[0]["attempts"][0]["cause"], "connect_failed");
}

#[tokio::test]
async fn when_all_fail_the_most_telling_answer_is_relayed() {
    let simulator = simulator(&["alpha", "beta", "gamma"]).await;
    simulator.set(&key("alpha"), Refusal::ServerError(503));
    simulator.set(&key("beta"), Refusal::RateLimited { retry_after: Some("9".into()) });
    simulator.set(&key("gamma"), Refusal::PaymentRequired);
    let proxy = home(&simulator, &["alpha", "beta", "gamma"]).start().await;
    let answer = proxy.chat("hello", false).await;
    assert_eq!((answer.status, answer.header("retry-after")), (429, Some("9")), "{}", answer.text());
    assert_eq!(answer.header("x-kmi-attempts"), Some("3"));
    let trace = proxy.traced(1).await.pop().expect("one");
    assert_eq!(trace["error_code"], 429);
    let none = proxy.chat("hello", false).await;
    assert_eq!(none.status, 503);
    assert!(none.header("retry-after").is_some(), "{:?}", none.headers);
    let error = &none.json()["error"];
    assert_eq!(
        (&error["code"], error["keys"].as_array().map(Vec::len)),
        (&"no_key_available".into(), Some(3)),
        "{error}"
    );
}

#[tokio::test]
async fn what_is_the_clients_fault_blames_no_key() {
    let simulator = simulator(&["alpha", "beta"]).await;
    let proxy = home(&simulator, &["alpha", "beta"]).start().await;
    for (refusal, status) in
        [(Refusal::ContextTooLong, 400), (Refusal::ContentFilter, 400), (Refusal::ClientNotAllowed, 403)]
    {
        simulator.set(&key("alpha"), refusal);
        let answer = proxy.chat("hello", false).await;
        assert_eq!((answer.status, answer.header("x-kmi-attempts")), (status, Some("1")), "{}", answer.text());
    }
    simulator.set(&key("alpha"), Behaviour::Healthy);
    assert_eq!(proxy.chat("hello", false).await.header("x-kmi-key"), Some("alpha"));
}

#[tokio::test]
async fn a_post_that_may_have_been_executed_is_not_sent_again() {
    let simulator = simulator(&["alpha", "beta"]).await;
    simulator.set(&key("alpha"), Behaviour::Raw(bytes::Bytes::new()));
    let proxy = home(&simulator, &["alpha", "beta"]).start().await;
    let answer = proxy.chat("hello", false).await;
    assert_eq!(answer.status, 502, "{}", answer.text());
    assert_eq!(answer.json()["error"]["fault"], "upstream");
    let chats = simulator.requests().iter().filter(|request| request.path().ends_with("/chat/completions")).count();
    assert_eq!(chats, 1);
}

#[tokio::test]
async fn what_does_no_harm_twice_goes_to_another_key_when_the_first_never_answers() {
    let simulator = simulator(&["alpha", "beta"]).await;
    simulator.set(&key("alpha"), Behaviour::Held);
    let home = home(&simulator, &["alpha", "beta"]).set("KMI_PROXY_HEAD_TIMEOUT_SECONDS", "1");
    let proxy = home.start().await;
    let answer = proxy.request("GET", "/models", &[], b"").await;
    let by = (answer.header("x-kmi-key"), answer.header("x-kmi-attempts"));
    assert_eq!((answer.status, by), (200, (Some("beta"), Some("2"))), "{}", answer.text());
}

#[tokio::test]
async fn the_same_key_is_tried_again_where_settings_say_so() {
    // The second may have been executed: the setting asks for it all the same.
    for fault in [Refusal::ServerError(500).into(), Behaviour::Raw(bytes::Bytes::new())] {
        let simulator = simulator(&["alpha"]).await;
        simulator.script(&key("alpha"), [fault.clone(), Behaviour::Healthy]);
        let home = home(&simulator, &["alpha"]).set("KMI_PROXY_RETRY_MAX", "1").set("KMI_PROXY_RETRY_BASE_MS", "1");
        let proxy = home.start().await;
        let answer = proxy.chat("hello", false).await;
        assert_eq!((answer.status, answer.header("x-kmi-attempts")), (200, Some("2")), "{fault:?}: {}", answer.text());
        assert_eq!(proxy.chat("hello", false).await.status, 200, "what came after the failure was good");
    }
}

#[tokio::test]
async fn auto_rotation_is_exact_under_concurrency() {
    let labels = ["alpha", "beta", "gamma"];
    let simulator = simulator(&labels).await;
    let home = home(&simulator, &labels).set("KMI_AUTO_ROTATE_ALLOWED", "1").set("KMI_USAGE_CACHE_SECONDS", "600");
    std::fs::create_dir(home.state_dir()).expect("made");
    std::fs::write(home.state_dir().join("state.json"), r#"{"schema_version":1,"auto_rotate":true}"#).expect("written");
    let proxy = std::sync::Arc::new(home.start().await);
    let checked = |requests: &[kmi_tui::demo::Received]| {
        requests.iter().filter(|request| request.path().ends_with("/usages") && request.status == Some(200)).count()
            >= 3
    };
    simulator.wait_for(checked).await.expect("every key is checked");
    proxy.state_where("the checks to count", |state| state["last_health_refresh"].is_string()).await;
    let requests = (0..90).map(|_| {
        let proxy = proxy.clone();
        tokio::spawn(async move { proxy.chat("hello", false).await.header("x-kmi-key").map(str::to_owned) })
    });
    let mut counts = std::collections::HashMap::<String, u32>::new();
    for request in requests.collect::<Vec<_>>() {
        *counts.entry(request.await.expect("answered").expect("a key")).or_default() += 1;
    }
    assert_eq!(counts.values().copied().collect::<Vec<_>>(), [30, 30, 30], "{counts:?}");
}

#[tokio::test]
async fn without_a_key_it_says_so() {
    let proxy = Home::new().start().await;
    let answer = proxy.chat("hello", false).await;
    assert_eq!((answer.status, answer.header("x-should-retry")), (503, Some("false")));
    assert_eq!(answer.json()["error"]["code"], "no_keys");
    assert_eq!(crate::support::client::request(proxy.address, "GET", "/readyz", &[], b"").await.status, 503);
    assert_eq!(crate::support::client::request(proxy.address, "GET", "/healthz", &[], b"").await.status, 200);
}
