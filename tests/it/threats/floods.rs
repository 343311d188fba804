//! Group E: too much of everything. Limits answer, others are served meanwhile, memory and files stay bounded. How long a
//! silent client is kept is held beside the code, in time that is not waited for (`src/proxy/`).

use std::{net::SocketAddr, time::Duration};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::{io::AsyncWriteExt, net::TcpStream, task::JoinSet, time::timeout};

use super::{Scene, statuses, well};
use crate::support::{
    client::Raw,
    proxy::{home, simulator, until},
};

/// How long a connection may take to be made where the proxy takes none for now.
const TRIED: Duration = Duration::from_secs(3);

#[tokio::test]
async fn heads_beyond_all_measure_are_refused() {
    let mut scene = Scene::new().await;
    let head = "GET /kmi-rotor/v1/echo HTTP/1.1\r\nHost: HOST\r\n";
    for (row, rest) in [
        ("a header of 1 MB", format!("X-Long: {}\r\n\r\n", "y".repeat(1 << 20))),
        ("a name of 70 kB", format!("{}: y\r\n\r\n", "x".repeat(70_000))),
        ("5,000 headers", format!("{}\r\n", "X-Many: y\r\n".repeat(5_000))),
        ("200 headers", format!("{}\r\n", "X: y\r\n".repeat(200))),
        ("an endless head", "X-Many: y\r\n".repeat(100_000)),
        ("one endless line", "y".repeat(2 << 20)),
    ] {
        let (answer, seen) = scene.seen(scene.tell(format!("{head}{rest}"))).await;
        assert!(seen.is_empty(), "{row}");
        assert!(statuses(&answer).iter().all(|status| matches!(status, 400 | 414 | 431)), "{row}: {answer}");
        scene.well(row).await;
    }
}

#[tokio::test]
async fn bodies_beyond_the_limit_are_refused_and_expectations_met() {
    let mut scene = Scene::with(|home| home.set("KMI_PROXY_MAX_BODY_MB", "1")).await;
    let post = "POST /kmi-rotor/v1/echo HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n";
    for length in ["1048577", "1099511627776", "9223372036854775807", "18446744073709551614"] {
        let (answer, seen) = scene.seen(scene.tell(format!("{post}Content-Length: {length}\r\n\r\n"))).await;
        assert!(seen.is_empty() && matches!(statuses(&answer)[..], [400 | 413 | 431]), "{length}: {answer}");
        let expect = format!("{post}Content-Length: {length}\r\nExpect: 100-continue\r\n\r\n");
        let answer = scene.tell(expect).await;
        assert!(!answer.contains("100 Continue"), "nobody is asked for what is too large: {answer}");
        scene.well(length).await;
    }
    let resident = memory(&scene).await;
    let chunk = format!("{:x}\r\n{}\r\n", 1 << 20, "a".repeat(1 << 20));
    let (answer, seen) =
        scene.seen(scene.tell(format!("{post}Transfer-Encoding: chunked\r\n\r\n{}0\r\n\r\n", chunk.repeat(80)))).await;
    assert!(seen.is_empty() && statuses(&answer) == [413], "{answer}");
    let grown = memory(&scene).await.saturating_sub(resident);
    assert!(grown < 32 << 10, "80 MB were sent, and it grew by {grown} kB");
    scene.well("80 MB in chunks").await;

    let host = scene.proxy.address.to_string();
    let mut raw = Raw::open(scene.proxy.address).await;
    raw.send(format!("{post}Content-Length: 2\r\nExpect: 100-continue\r\n\r\n").replace("HOST", &host)).await;
    raw.read_until("100 Continue").await;
    raw.send("{}").await;
    raw.read_until("HTTP/1.1 200").await;
    let received = scene.simulator.requests().pop().expect("one");
    assert_eq!((&received.body[..], received.header("expect")), (&b"{}"[..], None));
    scene.well("an expectation").await;
}

/// Resident memory in kB.
async fn memory(scene: &Scene) -> u64 {
    let pid = scene.proxy.child.id().expect("it runs");
    let status = tokio::fs::read_to_string(format!("/proc/{pid}/status")).await.expect("a process");
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:")?.split_whitespace().next()?.parse().ok())
        .expect("a size")
}

#[tokio::test]
async fn three_hundred_that_never_finish_their_heads_keep_nobody_out() {
    let mut scene = Scene::new().await;
    let mut slow = Vec::new();
    for number in 0..300 {
        let mut raw = Raw::open(scene.proxy.address).await;
        raw.send(&b"GET /kmi-rotor/v1/models HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "[..20 + number % 40]).await;
        slow.push(raw);
    }
    for _ in 0..20 {
        assert_eq!(scene.proxy.get("/models").await.status, 200);
        for raw in &mut slow {
            raw.send("x").await;
        }
    }
    scene.well("300 slow heads").await;
    drop(slow);
    scene.well("they have left").await;
}

/// As many connections as this, all at once; those that the system took.
async fn crowd(address: SocketAddr, count: usize) -> Vec<TcpStream> {
    let mut attempts = JoinSet::new();
    for _ in 0..count {
        attempts.spawn(async move {
            let mut stream = timeout(TRIED, TcpStream::connect(address)).await.ok()?.ok()?;
            stream.write_all(b"GET /kmi-rotor/v1/models HTTP/1.1\r\n").await.ok()?;
            Some(stream)
        });
    }
    attempts.join_all().await.into_iter().flatten().collect()
}

/// Lets this test hold so many files; whether the system allows it.
fn may_hold(files: u64) -> bool {
    let known = getrlimit(Resource::Nofile);
    if known.current.is_none_or(|current| current >= files) {
        return true;
    }
    let wanted = Rlimit { current: Some(files), maximum: known.maximum };
    known.maximum.is_none_or(|most| most >= files) && setrlimit(Resource::Nofile, wanted).is_ok()
}

#[tokio::test]
async fn more_clients_than_files_are_survived() {
    for (clients, files) in [(1_000, 256), (10_000, 1_024)] {
        if !may_hold(clients as u64 + 1_000) {
            eprintln!("skipped: this system lets a test hold fewer than {clients} connections");
            continue;
        }
        let simulator = simulator(&["alpha"]).await;
        let mut proxy = home(&simulator, &["alpha"]).start_in(&format!("ulimit -n {files}")).await;
        let pid = proxy.child.id().expect("it runs");
        let held = crowd(proxy.address, clients).await;
        let open = || std::fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count);
        assert!(open() + 8 < files, "{} of {files} files are open: none is left for upstreams and state", open());
        assert!(proxy.child.try_wait().expect("asked").is_none(), "it ended: {}", proxy.said());
        drop(held);
        let served = timeout(Duration::from_secs(20), well(&mut proxy, &[], "a crowd")).await;
        assert!(served.is_ok(), "{clients} have left, and nobody is served");
        until("their files to be closed", || (open() < 100).then_some(())).await;
    }
}

#[tokio::test]
async fn while_the_doors_are_full_those_inside_are_served() {
    let simulator = simulator(&["alpha"]).await;
    let mut proxy = home(&simulator, &["alpha"]).start_in("ulimit -n 256").await;
    let host = proxy.address;
    // One that came before the crowd, and keeps its connection.
    let mut inside = Raw::open(host).await;
    let ask = format!("POST /kmi-rotor/v1/echo HTTP/1.1\r\nHost: {host}\r\nContent-Length: 2\r\n\r\n{{}}");
    inside.send(&ask).await;
    inside.read_until("HTTP/1.1 200").await;
    let held = crowd(host, 1_000).await;
    for _ in 0..10 {
        inside.received.clear();
        inside.send(&ask).await;
        inside.read_until("HTTP/1.1 200").await;
    }
    assert!(statuses(&inside.text()).iter().all(|status| *status == 200), "{}", inside.text());
    drop((held, inside));
    well(&mut proxy, &[], "a crowd at the doors").await;
}
