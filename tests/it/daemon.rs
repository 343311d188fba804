//! The proxy in the background: started, replaced, stopped; and what happens when that fails.

use std::{fs, net::TcpListener, path::PathBuf};

use tokio::io::AsyncWriteExt;

use crate::support::{
    client::{self, Raw},
    proxy::{EndsBackground, Home, home, key, simulator, until},
};

/// A proxy that was put into the background.
struct Background {
    home: EndsBackground,
    base: String,
}

impl Background {
    /// `proxy`, and where it says that it serves.
    async fn start(home: Home) -> Self {
        let (code, said, errors) = home.run(&["proxy"]).await;
        assert_eq!(code, Some(0), "{errors}");
        let base = said.split_whitespace().find(|word| word.starts_with("http://")).expect("an address").to_owned();
        Self { home: EndsBackground(home), base }
    }

    fn address(&self) -> std::net::SocketAddr {
        self.base.trim_start_matches("http://").split('/').next().and_then(|text| text.parse().ok()).expect("address")
    }

    fn pid(&self) -> String {
        fs::read_to_string(self.pid_file()).unwrap_or_default()
    }

    fn pid_file(&self) -> PathBuf {
        self.home.state_dir().join("kmi.pid")
    }

    async fn models(&self) -> client::Answer {
        client::request(self.address(), "GET", "/kmi-rotor/v1/models", &[], b"").await
    }
}

#[tokio::test]
async fn a_proxy_is_started_found_and_stopped() {
    let simulator = simulator(&["alpha"]).await;
    let background = Background::start(home(&simulator, &["alpha"])).await;
    assert_eq!(background.models().await.status, 200);
    let (code, said, _) = background.home.run(&["proxy"]).await;
    assert_eq!(code, Some(0));
    assert!(said.contains("already") && said.contains(background.pid().trim()), "{said}");
    let out = background.home.state_dir().join("logs/proxy.out");
    until("the request's line", || fs::read_to_string(&out).ok().filter(|text| text.contains("200 alpha GET"))).await;
    let (code, said, _) = background.home.run(&["proxy-stop"]).await;
    assert_eq!((code, said.trim()), (Some(0), "kmi-tui has stopped."));
    assert!(!background.pid_file().exists());
    assert!(tokio::net::TcpStream::connect(background.address()).await.is_err(), "the port is free");
    let (code, _, errors) = background.home.run(&["proxy-stop"]).await;
    assert_eq!(code, Some(1), "{errors}");
}

#[tokio::test]
async fn a_restart_loses_no_request_and_no_count() {
    let simulator = simulator(&["alpha"]).await;
    let background = Background::start(home(&simulator, &["alpha"])).await;
    let (address, before) = (background.address(), background.pid());
    // A kept connection that is about to ask again, and a stream that runs.
    let mut kept = Raw::open(address).await;
    let ask = format!("GET /kmi-rotor/v1/models HTTP/1.1\r\nhost: {address}\r\n\r\n");
    kept.send(&ask).await;
    kept.read_until("kimi-for-coding").await;
    let body = r#"{"model":"kimi-for-coding","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"tell me a story"}]}"#;
    let mut stream = Raw::open(address).await;
    let head =
        "POST /kmi-rotor/v1/chat/completions HTTP/1.1\r\ncontent-type: application/json\r\nconnection: close\r\n";
    stream.send(format!("{head}host: {address}\r\ncontent-length: {}\r\n\r\n{body}", body.len())).await;
    stream.read_until("data:").await;

    let (code, said, errors) = background.home.run(&["proxy-restart"]).await;
    assert_eq!(code, Some(0), "{said}{errors}");
    assert_ne!(background.pid(), before, "another process");
    kept.send(&ask).await;
    kept.read_to_end().await;
    let last = kept.text();
    let last = last.rsplit("HTTP/1.1 ").next().expect("an answer");
    assert!(last.contains("200 OK") && last.to_ascii_lowercase().contains("connection: close"), "{last}");
    stream.read_to_end().await;
    assert!(stream.text().contains("[DONE]"));
    assert_eq!(background.models().await.status, 200);

    let state = background.home.state_dir().join("state.json");
    until("all four to be counted", || {
        let state: serde_json::Value = serde_json::from_str(&fs::read_to_string(&state).ok()?).ok()?;
        let tokens = state["kmi_tui"]["tokens"][0]["output"].as_u64() > Some(0);
        (state["keys"]["alpha"]["request_count"] == 4 && tokens).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_restart_that_fails_leaves_the_one_that_runs() {
    let simulator = simulator(&["alpha"]).await;
    let background = Background::start(home(&simulator, &["alpha"])).await;
    let before = background.pid();
    let other = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let taken = other.local_addr().expect("bound").to_string();
    let (code, _, errors) = background.home.run(&["--listen", &taken, "proxy-restart"]).await;
    assert_eq!(code, Some(1));
    assert!(errors.contains(&taken) && errors.contains("goes on"), "{errors}");
    assert_eq!(background.models().await.status, 200);
    until("the lock to be ours again", || (background.pid() == before).then_some(())).await;
    let (code, _, errors) = background.home.run(&["block", "alpha"]).await;
    assert_eq!(code, Some(0), "{errors}");
    let state = background.home.state_dir().join("state.json");
    until("the block to be saved", || {
        fs::read_to_string(&state)
            .ok()
            .filter(|text| text.contains("\"blocked_reason\": \"\"") || text.contains("blocked_reason\":\""))
    })
    .await;
}

#[tokio::test]
async fn a_start_that_fails_says_why_and_with_what_code() {
    let simulator = simulator(&["alpha"]).await;
    let other = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let taken = other.local_addr().expect("bound").to_string();
    let one = home(&simulator, &["alpha"]);
    let (code, _, errors) = one.run(&["proxy", "--listen", &taken]).await;
    assert_eq!(code, Some(1));
    assert!(errors.contains(&format!("pid {}", std::process::id())), "the holder is named: {errors}");
    assert!(!one.state_dir().join("kmi.pid").exists());
    let (code, _, errors) = one.set("KMI_STRATEGY", "fastest").run(&["proxy"]).await;
    assert_eq!(code, Some(2));
    assert!(errors.contains("fastest"), "{errors}");
}

#[tokio::test]
async fn a_hand_over_that_is_begun_and_left_changes_nothing() {
    let simulator = simulator(&["alpha"]).await;
    let background = Background::start(home(&simulator, &["alpha"])).await;
    let before = background.pid();
    let socket = background.home.state_dir().join("kmi.sock");
    let mut stream = tokio::net::UnixStream::connect(&socket).await.expect("connected");
    stream.write_all(b"{\"v\":1,\"id\":1,\"do\":\"hand_over\"}\n").await.expect("sent");
    stream.readable().await.expect("answered");
    drop(stream);
    until("the lock to be taken back", || (background.pid() == before).then_some(())).await;
    assert_eq!(background.models().await.status, 200);
    let (code, said, _) = background.home.run(&["status"]).await;
    assert_eq!(code, Some(0));
    assert!(said.contains("(running)") && !said.contains(&key("alpha")), "{said}");
}

#[tokio::test]
async fn its_lines_and_its_log_are_shown() {
    let simulator = simulator(&["alpha"]).await;
    let background = Background::start(home(&simulator, &["alpha"])).await;
    for _ in 0..3 {
        assert_eq!(background.models().await.status, 200);
    }
    let printed = background.home.state_dir().join("logs/proxy.out");
    let enough = || fs::read_to_string(&printed).ok().filter(|text| text.matches("/models").count() == 3);
    until("three lines", enough).await;
    let (_, all, _) = background.home.run(&["proxy-logs"]).await;
    assert!(all.lines().all(|line| !line.trim().is_empty()), "{all}");
    let (code, last, errors) = background.home.run(&["proxy-logs", "-n", "2"]).await;
    assert_eq!((code, last.lines().count(), errors.as_str()), (Some(0), 2, ""), "{last}");
    assert!(all.ends_with(&last), "{last}");
    let (_, none, errors) = background.home.run(&["proxy-logs", "--since", "2099-01-01"]).await;
    assert!(none.is_empty() && !errors.is_empty(), "{none}{errors}");
    let (code, log, _) = background.home.run(&["proxy-logs", "--app"]).await;
    assert_eq!(code, Some(0));
    assert!(log.contains("proxy_request") && !log.contains(&key("alpha")), "{log}");
    let (code, _, errors) = background.home.run(&["proxy-logs", "--since", "someday"]).await;
    assert_eq!(code, Some(2));
    assert!(errors.contains("“someday”"), "{errors}");
}
