//! Group H: streams. Each piece comes when it is sent, whoever leaves ends the work upstream, whoever reads slowly holds the
//! upstream back and fills no memory, and many at once all come whole.

use kmi_tui::demo::{Account, Behaviour, Ended, Simulator};
use tokio::task::JoinSet;

use super::{Scene, idle, well};
use crate::support::{
    proxy::{home, key, simulator, until},
    raw_upstream::{Act, RawUpstream, Reads},
};

const EVENTS: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";

#[tokio::test]
async fn who_leaves_ends_the_work_upstream() {
    let event = "6\r\ndata: \r\n1\r\nx\r\n2\r\n\n\n\r\n".as_bytes().to_vec();
    for (row, script, heard) in [
        ("before the head", vec![Act::Wait], ""),
        ("after the head", vec![Act::send(EVENTS), Act::send(event.clone()), Act::Wait], "data: "),
        ("in mid-stream", vec![Act::send(EVENTS), Act::Endless(event)], "data: "),
    ] {
        for reset in [false, true] {
            let mut upstream = RawUpstream::start(Reads::Whole, vec![script.clone()]).await;
            let simulator = simulator(&["beta"]).await;
            let auth = format!("KMI_API_KEY={}\nKMI_UPSTREAM_BASE_URL={}\n", key("alpha"), upstream.base_url());
            let mut proxy = home(&simulator, &["beta"]).with_auth("alpha.env", &auth).start().await;
            let mut client = proxy.begin_chat().await;
            upstream.until("the request", |happened| happened.requests.len() == 1).await;
            client.read_until(heard).await;
            if reset {
                client.reset();
            }
            drop(client);
            let happened = upstream.until("the end", |happened| happened.left == 1).await;
            assert_eq!(happened.requests.len(), 1, "{row}");
            let trace = proxy.traced(1).await;
            assert_eq!(trace[0]["ending"], "client_gone", "{row}: {}", trace[0]);
            idle(&proxy).await;
            let state = proxy.state();
            assert_eq!(state["keys"]["alpha"]["error_5xx"].as_u64().unwrap_or_default(), 0, "{row}: no key is blamed");
            proxy.home.run(&["block", "alpha"]).await;
            well(&mut proxy, &[], row).await;
        }
    }
}

#[tokio::test]
async fn a_reader_that_does_not_read_holds_the_upstream_back() {
    let piece = format!("{:x}\r\n{}\r\n", 64 << 10, "x".repeat(64 << 10));
    let upstream = RawUpstream::start(
        Reads::Whole,
        vec![vec![Act::send(EVENTS), Act::send("6\r\ndata: \r\n"), Act::Endless(piece.into())]],
    )
    .await;
    let simulator = simulator(&["beta"]).await;
    let auth = format!("KMI_API_KEY={}\nKMI_UPSTREAM_BASE_URL={}\n", key("alpha"), upstream.base_url());
    let home = home(&simulator, &["beta"]).with_auth("alpha.env", &auth);
    let mut proxy = home.set("KMI_PROXY_IDLE_TIMEOUT_SECONDS", "2").start().await;
    let pid = proxy.child.id().expect("it runs");
    let memory = move || -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:")?.split_whitespace().next()?.parse().ok())
            .unwrap_or_default()
    };
    let before = memory();
    let mut lazy = proxy.begin_chat().await;
    lazy.read_until("data: ").await;
    // Its stream ends by itself: the client took not a byte for two seconds.
    let trace = proxy.traced(1).await;
    assert_eq!(trace[0]["ending"], "client_gone", "{}", trace[0]);
    idle(&proxy).await;
    // Sockets' buffers hold a few megabytes at most; all the rest was never taken.
    let (sent, grown) = (upstream.happened().sent, memory().saturating_sub(before));
    assert!(sent < 64 << 20, "the upstream could send {sent} bytes");
    assert!(grown < 32 << 10, "it grew by {grown} kB");
    drop(lazy);
    proxy.home.run(&["block", "alpha"]).await;
    well(&mut proxy, &[], "a lazy reader").await;
}

#[tokio::test]
async fn two_hundred_at_once_all_come_whole() {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let account = Account { parallel_limit: 1_000, ..Account::new(&key("alpha")) };
    let simulator = Simulator::start(listener, vec![account]).expect("started");
    let proxy = home(&simulator, &["alpha"]).start().await;
    let mut scene = Scene { simulator, proxy };
    let mut clients = JoinSet::new();
    for number in 0..200 {
        let mut client = scene.proxy.begin_chat().await;
        clients.spawn(async move {
            client.read_to_end().await;
            (number, client.text())
        });
    }
    for (number, text) in clients.join_all().await {
        assert!(text.starts_with("HTTP/1.1 200") && text.contains("[DONE]"), "{number}: {text}");
        assert!(text.ends_with("0\r\n\r\n"), "{number}: {text}");
    }
    let seen = scene.simulator.requests();
    assert_eq!(seen.iter().filter(|request| request.ended == Ended::Completed).count(), 200);
    idle(&scene.proxy).await;
    scene.well("200 streams").await;
    let in_flight = || scene.proxy.trace().iter().filter(|record| record["ending"] == "completed").count();
    until("each of them to be recorded", || (in_flight() >= 200).then_some(())).await;
}

#[tokio::test]
async fn pieces_come_one_by_one_and_none_is_held() {
    let mut scene = Scene::new().await;
    scene.simulator.set(&key("alpha"), Behaviour::Gated);
    let mut client = scene.proxy.begin_chat().await;
    for piece in 1..=5 {
        scene.simulator.release(1);
        while client.text().matches("data: ").count() < piece {
            client.read_more().await;
        }
    }
    scene.simulator.set(&key("alpha"), Behaviour::Healthy);
    scene.well("a stream that stands still").await;
    scene.simulator.release(10_000);
    client.read_to_end().await;
    assert!(client.text().contains("[DONE]"));
}
