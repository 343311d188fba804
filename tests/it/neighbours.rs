//! Two at once on the same files: a second instance, commands beside the proxy and its dashboard, and the old tool, whose
//! locks are kept to. No change of anybody is lost.

use std::{collections::BTreeSet, process::Stdio};

use serde_json::Value;
use tokio::task::JoinSet;

use crate::support::{
    proxy::{Home, home, simulator, until},
    terminal::Terminal,
};

const LABELS: [&str; 6] = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta"];

/// `block` of each label at the same time: the labels of those that were told that it is done.
async fn block_all(home: &Home) -> BTreeSet<&'static str> {
    let mut commands = JoinSet::new();
    for label in LABELS {
        let home = home.beside();
        commands.spawn(async move { (label, home.run(&["block", label, "--reason", label]).await) });
    }
    let mut done = BTreeSet::new();
    while let Some(ended) = commands.join_next().await {
        match ended.expect("it ran") {
            (label, (Some(0), ..)) => drop(done.insert(label)),
            (label, (code, _, errors)) => {
                assert!(code == Some(1) && errors.contains("Another kmi-tui"), "{label}: {errors}");
            }
        }
    }
    done
}

fn blocked(state: &Value) -> BTreeSet<&'static str> {
    LABELS.into_iter().filter(|label| state["keys"][label]["blocked_reason"] == *label).collect()
}

#[tokio::test]
async fn of_two_that_start_at_once_one_serves_and_the_other_says_who() {
    let simulator = simulator(&["alpha"]).await;
    let home = home(&simulator, &["alpha"]);
    let starts = [(); 2].map(|()| home.command(&["--no-ui"]).stdout(Stdio::null()).spawn().expect("it starts"));
    let [mut one, mut other] = starts;
    let (code, loser) = tokio::select! {
        ended = one.wait() => (ended.expect("waited").code(), one),
        ended = other.wait() => (ended.expect("waited").code(), other),
    };
    let errors = loser.wait_with_output().await.expect("read").stderr;
    assert_eq!(code, Some(1));
    assert!(String::from_utf8_lossy(&errors).contains("Another kmi-tui"), "{}", String::from_utf8_lossy(&errors));
    until("the other to serve", || home.state_dir().join("kmi.sock").exists().then_some(())).await;
    assert_eq!(home.run(&["proxy-stop"]).await.0, Some(0));
}

#[tokio::test]
async fn commands_at_once_beside_a_proxy_are_on_disk_when_they_are_answered() {
    let simulator = simulator(&LABELS).await;
    let mut proxy = home(&simulator, &LABELS).start().await;
    let mut screen = Terminal::open(&proxy.home, &[], (120, 40));
    screen.until_text("attached").await;
    let done = block_all(&proxy.home).await;
    assert_eq!(done.len(), LABELS.len());
    // A sudden end right after the answers takes none of them back.
    proxy.child.kill().await.expect("killed");
    assert_eq!(blocked(&proxy.state()), done, "{}", proxy.state());
    screen.press("q").await;
}

#[tokio::test]
async fn commands_at_once_without_a_proxy_are_done_or_refused() {
    let simulator = simulator(&LABELS).await;
    let home = home(&simulator, &LABELS);
    let done = block_all(&home).await;
    let text = std::fs::read_to_string(home.state_dir().join("state.json")).expect("there");
    assert!(!done.is_empty());
    assert_eq!(blocked(&serde_json::from_str(&text).expect("JSON")), done, "{text}");
}

#[tokio::test]
async fn the_old_tool_beside_us_loses_nothing_and_costs_us_nothing() {
    const ROUNDS: usize = 60;
    const REQUESTS: usize = 40;
    let simulator = simulator(&["alpha", "beta"]).await;
    let proxy = home(&simulator, &["alpha", "beta"]).start().await;
    assert_eq!(proxy.chat("hello", false).await.status, 200);
    let own = |state: &Value| state["kmi_tui"]["keys"]["alpha"]["tokens_output"].is_u64();
    proxy.state_where("the first request", own).await;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/old_tool.py");
    let mut python = tokio::process::Command::new("python3");
    python.arg(script).arg(proxy.home.state_dir()).args(["alpha", &ROUNDS.to_string()]);
    let Ok(old_tool) = python.stderr(Stdio::piped()).kill_on_drop(true).spawn() else {
        return eprintln!("SKIPPED: there is no python3 to stand for the old tool");
    };
    for _ in 1..REQUESTS {
        assert_eq!(proxy.chat("hello", false).await.status, 200);
    }
    let ended = old_tool.wait_with_output().await.expect("it ends");
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    assert_eq!(proxy.home.run(&["block", "beta"]).await.0, Some(0));
    let both = |state: &Value| state["keys"]["alpha"]["request_count"] == ROUNDS + REQUESTS;
    let state = proxy.state_where("both to be counted", both).await;
    assert_eq!(state["auto_rotate"], true, "its switch is kept");
    assert!(own(&state) && state["keys"]["beta"]["blocked_reason"].is_string(), "and so is what only we know: {state}");
    let trace = proxy.traced(ROUNDS + REQUESTS).await;
    assert_eq!(trace.len(), ROUNDS + REQUESTS);
    let text = std::fs::read_to_string(proxy.home.state_dir().join("trace/trace.jsonl")).expect("there");
    assert_eq!(text.lines().count(), trace.len(), "no line is torn");
}
