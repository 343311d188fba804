//! Keys over time: waiting for one that comes back, what stays on its key, what a host that is down does, and files that
//! change while the program runs.

use std::{fs, time::Duration};

use kmi_tui::demo::{Account, Behaviour, Refusal, Simulator};
use tokio::{net::TcpListener, time::timeout};

use crate::support::{
    client::Answer,
    proxy::{Home, Proxy, home, key, simulator, until},
};

const PATIENCE: Duration = Duration::from_secs(20);
const JSON: (&str, &str) = ("content-type", "application/json");

fn limited(seconds: &str) -> Behaviour {
    Refusal::RateLimited { retry_after: Some(seconds.into()) }.into()
}

/// A home whose keys take turns.
fn rotating(simulator: &Simulator, labels: &[&str]) -> Home {
    let home = home(simulator, labels).set("KMI_AUTO_ROTATE_ALLOWED", "1");
    fs::create_dir(home.state_dir()).expect("made");
    fs::write(home.state_dir().join("state.json"), r#"{"schema_version":1,"auto_rotate":true}"#).expect("written");
    home
}

async fn post(proxy: &Proxy, rest: &str, headers: &[(&str, &str)], body: &serde_json::Value) -> Answer {
    let headers: Vec<_> = headers.iter().copied().chain([JSON]).collect();
    proxy.request("POST", rest, &headers, body.to_string().as_bytes()).await
}

fn served_by(answer: &Answer) -> &str {
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.header("x-kmi-key").expect("told")
}

#[tokio::test]
async fn a_request_waits_for_the_first_key_that_comes_back() {
    let simulator = simulator(&["alpha"]).await;
    simulator.script(&key("alpha"), [limited("1"), Behaviour::Healthy]);
    let proxy = home(&simulator, &["alpha"]).set("KMI_HOLD_SECONDS", "15").start().await;
    let answer = proxy.chat("hello", false).await;
    assert_eq!((served_by(&answer), answer.header("x-kmi-attempts")), ("alpha", Some("2")));
    let trace = proxy.traced(1).await.pop().expect("one");
    assert!(trace["waited_ms"].as_u64().is_some_and(|ms| ms >= 900), "{trace}");
}

#[tokio::test]
async fn who_leaves_while_waiting_takes_no_key() {
    let simulator = simulator(&["alpha"]).await;
    simulator.set(&key("alpha"), limited("2"));
    let proxy = home(&simulator, &["alpha"]).set("KMI_HOLD_SECONDS", "30").start().await;
    let waiting = proxy.begin_chat().await;
    let refused = |seen: &[kmi_tui::demo::Received]| seen.iter().any(|request| request.status == Some(429));
    simulator.wait_for(refused).await.expect("it was refused once");
    simulator.set(&key("alpha"), Behaviour::Healthy);
    drop(waiting);
    let gone = proxy.traced(1).await.pop().expect("one");
    assert_eq!(gone["error_code"], "client_gone", "{gone}");
    // The next one waits in its turn, and is alone.
    assert_eq!(served_by(&proxy.chat("hello", false).await), "alpha");
    let chats = simulator.requests().iter().filter(|request| request.path().ends_with("/chat/completions")).count();
    assert_eq!(chats, 2);
}

#[tokio::test]
async fn a_conversation_stays_on_its_key_while_others_take_turns() {
    let labels = ["alpha", "beta", "gamma"];
    let simulator = simulator(&labels).await;
    let proxy = rotating(&simulator, &labels).set("KMI_AFFINITY_SECONDS", "600").start().await;
    let chat =
        |words: &str| serde_json::json!({"model": "kimi-for-coding", "messages": [{"role": "user", "content": words}]});
    let claude = serde_json::json!({"session_id": "s-1", "device_id": "d"}).to_string();
    let mut user = chat("by user");
    user["metadata"] = serde_json::json!({"user_id": claude});
    let mut cached = chat("by cache key");
    cached["prompt_cache_key"] = "p-1".into();
    let session = [("x-claude-code-session-id", "s-2")];
    let cases =
        [("metadata.user_id", &[][..], user), ("prompt_cache_key", &[], cached), ("header", &session, chat("x"))];
    for (name, headers, body) in &cases {
        let first = post(&proxy, "/chat/completions", headers, body).await;
        let mut turns = std::collections::BTreeSet::new();
        for _ in 0..3 {
            turns.insert(served_by(&proxy.chat("hello", false).await).to_owned());
            let again = post(&proxy, "/chat/completions", headers, body).await;
            assert_eq!(served_by(&again), served_by(&first), "{name}");
        }
        assert_eq!(turns.len(), 3, "others take turns");
    }
}

#[tokio::test]
async fn a_short_wait_on_a_bound_key_is_waited_out() {
    let simulator = simulator(&["alpha", "beta"]).await;
    let proxy = rotating(&simulator, &["alpha", "beta"]).set("KMI_AFFINITY_SECONDS", "600").start().await;
    let body = serde_json::json!({"prompt_cache_key": "p", "messages": [{"role": "user", "content": "x"}]});
    let first = post(&proxy, "/chat/completions", &[], &body).await;
    let bound = served_by(&first).to_owned();
    simulator.script(&key(&bound), [limited("1"), Behaviour::Healthy]);
    let again = post(&proxy, "/chat/completions", &[], &body).await;
    assert_eq!((served_by(&again), again.header("x-kmi-attempts")), (bound.as_str(), Some("2")));
}

#[tokio::test]
async fn a_file_is_asked_for_where_it_was_uploaded() {
    let simulator = simulator(&["alpha", "beta"]).await;
    let proxy = rotating(&simulator, &["alpha", "beta"]).start().await;
    let form = "--b\r\ncontent-disposition: form-data; name=\"purpose\"\r\n\r\nfile-extract\r\n--b--\r\n";
    let multipart = [("content-type", "multipart/form-data; boundary=b")];
    let uploaded = proxy.request("POST", "/files", &multipart, form.as_bytes()).await;
    let (owner, id) = (served_by(&uploaded).to_owned(), uploaded.json()["id"].as_str().expect("an id").to_owned());
    let url = format!("ms://{id}");
    let content =
        serde_json::json!([{"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": "see"}]);
    let body = serde_json::json!({"messages": [{"role": "user", "content": content}]});
    for _ in 0..4 {
        assert_eq!(served_by(&post(&proxy, "/chat/completions", &[], &body).await), owner);
    }
}

#[tokio::test]
async fn a_host_that_is_down_costs_no_key_its_name_and_is_found_again() {
    let simulator = simulator(&["beta"]).await;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let address = listener.local_addr().expect("bound");
    drop(listener);
    let auth = format!("KMI_API_KEY={}\nKMI_UPSTREAM_BASE_URL=http://{address}/coding/v1\n", key("alpha"));
    let proxy = home(&simulator, &["beta"]).with_auth("alpha.env", &auth).start().await;
    for attempts in ["2", "2", "2", "1"] {
        let answer = proxy.chat("hello", false).await;
        assert_eq!((served_by(&answer), answer.header("x-kmi-attempts")), ("beta", Some(attempts)));
    }
    let Ok(listener) = TcpListener::bind(address).await else {
        // Somebody else has taken the port meanwhile: nothing to find there.
        return;
    };
    let back = Simulator::start(listener, vec![Account::new(&key("alpha"))]).expect("started");
    let found = async {
        while served_by(&proxy.chat("hello", false).await) != "alpha" {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, found).await.expect("one request looks whether it is back");
    assert!(!back.requests().is_empty());
    let state = proxy.state_where("the last use", |state| state["keys"]["alpha"]["last_used"].is_string()).await;
    assert_eq!(
        (&state["keys"]["alpha"]["error_5xx"], &state["keys"]["alpha"]["exhausted_until"]),
        (&0.into(), &().into())
    );
}

#[tokio::test]
async fn the_same_refusal_of_every_key_is_one_cause() {
    let simulator = simulator(&["alpha", "beta"]).await;
    for label in ["alpha", "beta"] {
        simulator.set(&key(label), Refusal::Unauthorized);
    }
    let proxy = home(&simulator, &["alpha", "beta"]).start().await;
    let answer = proxy.chat("hello", false).await;
    assert_eq!((answer.status, answer.header("x-kmi-attempts")), (401, Some("2")));
    assert_eq!(proxy.traced(1).await[0]["shared_cause"], "upstream");
    simulator.set(&key("alpha"), Behaviour::Healthy);
    assert_eq!(served_by(&proxy.chat("hello", false).await), "alpha", "it was not blamed");
}

#[tokio::test]
async fn an_account_gets_no_more_at_once_than_it_takes() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let account = Account { parallel_limit: 2, behaviour: Behaviour::Held, ..Account::new(&key("alpha")) };
    let simulator = Simulator::start(listener, vec![account]).expect("started");
    let home = home(&simulator, &["alpha"]).set("KMI_USAGE_CACHE_SECONDS", "600");
    let proxy = std::sync::Arc::new(home.start().await);
    proxy.state_where("the check", |state| state["last_health_refresh"].is_string()).await;
    let ask = |proxy: &std::sync::Arc<Proxy>| {
        let proxy = proxy.clone();
        tokio::spawn(async move { proxy.chat("hello", false).await.status })
    };
    let all: Vec<_> = (0..6).map(|_| ask(&proxy)).collect();
    let chats =
        |seen: &[kmi_tui::demo::Received]| seen.iter().filter(|r| r.path().ends_with("/chat/completions")).count();
    for released in 0..6 {
        let due = (released + 2).min(6);
        let seen = simulator.wait_for(|seen| chats(seen) >= due).await.expect("the next ones come");
        assert_eq!(chats(&seen), due, "never more than two at once");
        simulator.release(1);
    }
    for one in all {
        assert_eq!(one.await.expect("answered"), 200, "those who waited were served");
    }
}

#[tokio::test]
async fn auth_files_come_change_and_go_while_requests_run() {
    let simulator = simulator(&["alpha", "beta"]).await;
    simulator.set(&key("alpha"), Behaviour::Gated);
    let proxy = home(&simulator, &["alpha"]).start().await;
    let mut running = proxy.begin_chat().await;
    running.read_until("HTTP/1.1 200").await;
    simulator.set(&key("alpha"), Behaviour::Healthy);
    let auths = proxy.home.auths();
    let known = |proxy: &Proxy, label: &str| proxy.state()["keys"][label].is_object().then_some(());
    fs::write(auths.join("beta.env"), format!("KMI_API_KEY={}\n", key("beta"))).expect("written");
    until("the new key", || known(&proxy, "beta")).await;
    fs::remove_file(auths.join("alpha.env")).expect("removed");
    until_served(&proxy, "beta").await;
    simulator.release(1_000);
    running.read_to_end().await;
    assert!(running.text().contains("[DONE]"), "the stream ends well on the key that is gone: {}", running.text());

    fs::write(auths.join("beta.env"), "").expect("half-written");
    fs::write(auths.join("gamma.env"), format!("KMI_API_KEY={}\n", key("alpha"))).expect("written");
    until("the next new key", || known(&proxy, "gamma")).await;
    assert_eq!(served_by(&proxy.chat("hello", false).await), "beta", "half a file is not taken for a key that is gone");
    fs::write(auths.join("beta.env"), format!("KMI_API_KEY={}\nKMI_KEY_DISABLED=1\n", key("beta"))).expect("written");
    until_served(&proxy, "gamma").await;
}

/// Asks until this key answers.
async fn until_served(proxy: &Proxy, label: &str) {
    let served = async {
        loop {
            let answer = proxy.chat("hello", false).await;
            if answer.status == 200 && answer.header("x-kmi-key") == Some(label) {
                return;
            }
        }
    };
    timeout(PATIENCE, served).await.unwrap_or_else(|_| panic!("{label} never answered"));
}

#[tokio::test]
async fn settings_change_while_it_runs_and_what_can_not_says_so() {
    let simulator = simulator(&["alpha"]).await;
    let proxy = home(&simulator, &["alpha"]).start().await;
    assert_eq!(proxy.chat("hello", false).await.status, 200);
    let file = proxy.home.folder.path().join(".env");
    fs::write(&file, "KMI_PROXY_MAX_RPM=1\nKMI_PROXY_MAX_BODY_MB=1\n").expect("written");
    let limited = async { while proxy.chat("hello", false).await.status != 429 {} };
    timeout(PATIENCE, limited).await.expect("the new limit counts");
    let log = proxy.home.state_dir().join("logs/kmi.log");
    let said = || fs::read_to_string(&log).ok().filter(|text| text.contains("KMI_PROXY_MAX_BODY_MB changed"));
    assert!(!until("what needs a restart", said).await.contains("KMI_PROXY_MAX_RPM changed"));
    fs::write(&file, "KMI_PROXY_MAX_RPM=many\n").expect("written");
    until("the error", || fs::read_to_string(&log).ok().filter(|text| text.contains("many"))).await;
    assert_eq!(proxy.chat("hello", false).await.status, 429, "what was good stays in force");
}

#[tokio::test]
async fn when_no_host_answers_the_client_is_told_soon_and_each_key_is_tried_once() {
    let labels = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let closed = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port").local_addr().expect("bound");
    let home = Home::new().set("KMI_USAGE_CACHE_SECONDS", "0");
    let home = home.set("KMI_UPSTREAM_BASE_URL", format!("http://{closed}/coding/v1"));
    let proxy = labels.iter().fold(home, |home, label| home.with_key(label)).start().await;
    let answer = proxy.chat("hello", false).await;
    assert_eq!((answer.status, answer.header("x-kmi-attempts")), (502, Some("8")), "{}", answer.text());
    let trace = proxy.traced(1).await.pop().expect("one");
    assert_eq!(trace["shared_cause"], "upstream", "{trace}");
    assert!(trace["waited_ms"].as_u64().is_some_and(|ms| ms < 5_000), "it waited once: {trace}");
}
