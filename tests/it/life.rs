//! Start and end: settings, ports, locks, signals, and what is on disk afterwards.

use std::time::Duration;

use kmi_tui::demo::Behaviour;
use rustix::process::Signal;
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    time::timeout,
};

use crate::support::{
    client::{self, Raw},
    proxy::{Home, files_with, home, key, simulator},
    schema::fits,
};

#[tokio::test]
async fn wrong_settings_are_all_named_at_once() {
    let home =
        Home::new().set("KMI_DRY_RUN", "ture").set("KMI_PROXY_RETRY_MAX", "-1").set("KMI_UPSTREAM_BASE_URL", "ftp://x");
    let (code, _, errors) = home.run(&["--no-ui"]).await;
    assert_eq!(code, Some(2), "{errors}");
    for name in ["KMI_DRY_RUN", "\"ture\"", "KMI_PROXY_RETRY_MAX", "KMI_UPSTREAM_BASE_URL"] {
        assert!(errors.contains(name), "{name}: {errors}");
    }
}

#[tokio::test]
async fn a_taken_port_and_a_held_folder_name_their_holder() {
    let proxy = Home::new().start().await;
    let pid = proxy.child.id().expect("it runs").to_string();
    let (code, _, errors) = Home::new().run(&["--no-ui", "--listen", &proxy.address.to_string()]).await;
    assert_eq!(code, Some(1), "{errors}");
    assert!(errors.contains(&pid), "{errors}");
    let (code, _, errors) = proxy.home.run(&["--no-ui"]).await;
    assert_eq!(code, Some(1), "{errors}");
    assert!(errors.contains(&pid), "{errors}");
}

#[tokio::test]
async fn a_stop_lets_running_streams_finish_and_takes_no_new_ones() {
    let simulator = simulator(&["alpha"]).await;
    simulator.set(&key("alpha"), Behaviour::Gated);
    let mut proxy = home(&simulator, &["alpha"]).start().await;
    let mut raw = proxy.begin_chat().await;
    simulator.release(1);
    raw.read_until("data: ").await;
    proxy.signal(Signal::TERM);
    let address = proxy.address;
    crate::support::proxy::until("the port to close", || std::net::TcpStream::connect(address).err()).await;
    simulator.release(10_000);
    raw.read_to_end().await;
    assert!(raw.text().ends_with("0\r\n\r\n"), "the stream ends whole: {}", raw.text());
    assert_eq!(proxy.ended().await.code(), Some(0));
    assert_eq!(proxy.trace().len(), 1);
    assert_eq!(proxy.state()["keys"]["alpha"]["request_count"], 1);
}

#[tokio::test]
async fn a_second_signal_does_not_wait() {
    let simulator = simulator(&["alpha"]).await;
    simulator.set(&key("alpha"), Behaviour::HangBeforeHead);
    let mut proxy = home(&simulator, &["alpha"]).start().await;
    let address = proxy.address;
    let hanging = tokio::spawn(async move {
        let mut raw = Raw::open(address).await;
        raw.send(format!("GET /kmi-rotor/v1/models HTTP/1.1\r\nhost: {address}\r\n\r\n")).await;
        raw.read_to_end().await;
    });
    simulator
        .wait_for(|requests| requests.iter().any(|request| request.path().ends_with("/models")))
        .await
        .expect("it hangs");
    proxy.signal(Signal::TERM);
    crate::support::proxy::until("the port to close", || std::net::TcpStream::connect(address).err()).await;
    proxy.signal(Signal::TERM);
    assert_eq!(proxy.ended().await.code(), Some(0));
    hanging.await.expect("cut off");
    assert_eq!(proxy.trace().len(), 1, "even a request that was cut off is recorded");
}

#[tokio::test]
async fn a_stream_without_end_does_not_hold_a_stop_up() {
    let simulator = simulator(&["alpha"]).await;
    simulator.set(&key("alpha"), Behaviour::Gated);
    let mut proxy = home(&simulator, &["alpha"]).set("KMI_SHUTDOWN_SECONDS", "1").start().await;
    let mut raw = proxy.begin_chat().await;
    simulator.release(1);
    raw.read_until("data: ").await;
    proxy.signal(Signal::TERM);
    assert_eq!(proxy.ended().await.code(), Some(0));
    raw.read_to_end().await;
    assert!(!raw.text().ends_with("0\r\n\r\n"), "what was cut does not look whole: {}", raw.text());
    assert_eq!(proxy.trace().len(), 1, "and is recorded");
}

#[tokio::test]
async fn every_signal_that_ends_it_ends_it_cleanly() {
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        let simulator = simulator(&["alpha"]).await;
        let mut proxy = home(&simulator, &["alpha"]).start().await;
        assert_eq!(proxy.chat("hello", true).await.status, 200);
        proxy.signal(signal);
        assert_eq!(proxy.ended().await.code(), Some(0), "{signal:?}");
        assert_eq!((proxy.trace().len(), &proxy.state()["keys"]["alpha"]["request_count"]), (1, &1.into()));
        assert!(proxy.home.pid().is_none(), "{signal:?}: nobody owns the folder");
    }
}

#[tokio::test]
async fn it_serves_on_when_nobody_reads_its_lines() {
    let simulator = simulator(&["alpha"]).await;
    let home = home(&simulator, &["alpha"]);
    let mut child = home.command(&["--no-ui"]).spawn().expect("the binary starts");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let first = timeout(Duration::from_secs(20), lines.next_line()).await.expect("in time").expect("text");
    let first = first.expect("a line");
    let address = first.split("http://").nth(1).and_then(|rest| rest.split('/').next()).expect("an address");
    let address = address.parse().expect("an address");
    // Both pipes break: each line from now on is a SIGPIPE, or would be.
    drop((lines, child.stderr.take()));
    for _ in 0..5 {
        assert_eq!(client::request(address, "GET", "/kmi-rotor/v1/models", &[], b"").await.status, 200);
    }
    assert!(child.try_wait().expect("asked").is_none(), "it goes on");
}

#[tokio::test]
async fn a_sudden_end_never_costs_the_file() {
    let simulator = simulator(&["alpha"]).await;
    let mut home = home(&simulator, &["alpha"]);
    let mut counted = 0;
    for _ in 0..3 {
        let mut proxy = home.start().await;
        for _ in 0..5 {
            assert_eq!(proxy.chat("hello", false).await.status, 200);
        }
        counted += 5;
        proxy.state_where("the counters", |state| state["keys"]["alpha"]["request_count"] == counted).await;
        proxy.child.kill().await.expect("killed");
        home = proxy.home;
    }
}

#[tokio::test]
async fn a_corrupt_state_is_set_aside_and_work_goes_on() {
    let simulator = simulator(&["alpha"]).await;
    let home = home(&simulator, &["alpha"]);
    std::fs::create_dir(home.state_dir()).expect("made");
    std::fs::write(home.state_dir().join("state.json"), "{\"keys\": [").expect("written");
    let proxy = home.start().await;
    assert_eq!(proxy.chat("hello", false).await.status, 200);
    assert_eq!(files_with(&proxy.home.state_dir(), "{\"keys\": [").len(), 1);
}

#[tokio::test]
async fn no_key_is_anywhere_but_in_its_auth_file() {
    let labels = ["alpha", "beta"];
    let simulator = simulator(&labels).await;
    simulator.set(&key("alpha"), kmi_tui::demo::Refusal::UnauthorizedEchoingKey);
    let mut proxy =
        home(&simulator, &labels).with_auth("broken.toml", &format!("api_key = \"{}\" x", key("gamma"))).start().await;
    for prompt in ["hello", "\u{1b}[31mred\u{202e}"] {
        assert_eq!(proxy.chat(prompt, true).await.status, 200);
    }
    proxy.traced(2).await;
    proxy.signal(Signal::INT);
    proxy.ended().await;
    for label in ["alpha", "beta", "gamma"] {
        let found = files_with(proxy.home.folder.path(), &key(label));
        assert!(found.iter().all(|path| path.starts_with(proxy.home.auths())), "{found:?}");
    }
    assert!(files_with(&proxy.home.state_dir(), "\u{1b}").is_empty());
}

#[tokio::test]
async fn headless_lines_can_be_json() {
    let simulator = simulator(&["alpha"]).await;
    let home = home(&simulator, &["alpha"]);
    let mut child = home.command(&["--no-ui", "--json"]).spawn().expect("the binary starts");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let mut next = async || {
        let line = timeout(Duration::from_secs(20), lines.next_line()).await.expect("in time").expect("text");
        serde_json::from_str::<Value>(&line.expect("a line")).expect("JSON")
    };
    let first = next().await;
    assert_eq!(first["pid"], child.id().expect("it runs"));
    let base = first["listening"].as_str().expect("an address").to_owned();
    let address = base.trim_start_matches("http://").split('/').next().and_then(|text| text.parse().ok());
    let answer = client::request(address.expect("an address"), "GET", "/kmi-rotor/v1/models", &[], b"").await;
    assert_eq!(answer.status, 200);
    let record = next().await;
    assert_eq!((&record["key_label"], &record["status"]), (&"alpha".into(), &200.into()));
    fits(&record, "trace");
    let (code, _, errors) = home.run(&["--json"]).await;
    assert_eq!(code, Some(2), "{errors}");
}

#[tokio::test]
async fn tokens_are_kept_by_day_and_outlive_restarts_and_the_old_tool() {
    let simulator = simulator(&["alpha"]).await;
    let mut proxy = home(&simulator, &["alpha"]).start().await;
    let sums = |state: &Value| {
        let row = &state["kmi_tui"]["tokens"][0];
        assert!(row.is_null() || row["label"] == "alpha" && row["model"] == "kimi-for-coding", "{row}");
        row["input"].as_u64().unwrap_or_default()
    };
    let file = proxy.home.state_dir().join("state.json");
    // The old tool writes the fields that it knows and no others.
    let as_the_old_tool = || {
        let mut state: Value = serde_json::from_str(&std::fs::read_to_string(&file).expect("there")).expect("JSON");
        state.as_object_mut().expect("an object").remove("kmi_tui");
        std::fs::write(&file, state.to_string()).expect("written");
    };
    assert_eq!(proxy.chat("hello", true).await.status, 200);
    let once = sums(&proxy.state_where("tokens", |state| sums(state) > 0).await);
    as_the_old_tool();
    assert_eq!(proxy.chat("hello", false).await.status, 200);
    let twice = sums(&proxy.state_where("both to be counted", |state| sums(state) > once).await);
    assert_eq!(twice, 2 * once, "what was counted before is not lost");

    proxy.signal(Signal::TERM);
    proxy.ended().await;
    as_the_old_tool();
    let home = proxy.home.beside();
    drop(proxy);
    let proxy = home.start().await;
    let (_, said, _) = proxy.home.run(&["status", "--json"]).await;
    let status: Value = serde_json::from_str(&said).expect("JSON");
    let row = &status["tokens_by_day"][0];
    assert_eq!((&row["input"], &row["day"]), (&twice.into(), &status["today"]), "the trace knows: {status:#}");
    assert_eq!(proxy.chat("hello", false).await.status, 200);
    assert_eq!(sums(&proxy.state_where("the third", |state| sums(state) > twice).await), 3 * once);
}
