//! Both sides over a real socket, and what a stranger might send.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::{
    domain::{
        command::{Command, Severity},
        key::{Label, sample},
        policy::{Policy, Rotation},
        snapshot::{Mode, Setup},
        trace::TraceRecord,
    },
    engine::{Engine, Parts, wall},
    store::{state::StateFile, trace::TraceFile},
};

const NEVER: Rotation = Rotation { max_bytes: None, backups: 0 };

fn engine(folder: &std::path::Path) -> Engine {
    let mut state_file = StateFile::open(folder, true).expect("opened");
    let (state, _) = state_file.load(wall()).expect("loaded");
    Engine::start(Parts {
        policy: Policy::default(),
        setup: Setup {
            mode: Mode::Live,
            address: String::new(),
            local: String::new(),
            upstream: String::new(),
            auto_rotate_allowed: false,
            auths_dir: String::new(),
            state_dir: String::new(),
            pid: 7,
            version: "0".into(),
            settings: Vec::new(),
        },
        keys: ["alpha", "beta"].map(|label| sample(label, "https://api.kimi.com/coding/v1")).into(),
        state,
        state_file,
        trace_file: TraceFile::open(folder, NEVER, jiff::tz::TimeZone::UTC, true).expect("opened"),
        history: Vec::new(),
        actor: "me".into(),
        zone: jiff::tz::TimeZone::UTC,
    })
}

/// A served folder; the engine and its owner.
fn served(folder: &std::path::Path) -> (Engine, std::sync::Arc<Keeper>) {
    let engine = engine(folder);
    let socket = Socket::open(folder).expect("opened");
    let owner = std::sync::Arc::new(Keeper::default());
    tokio::spawn(serve(socket, engine.clone(), owner.clone()));
    (engine, owner)
}

/// An owner that writes down what it was told.
#[derive(Debug, Default)]
struct Keeper {
    told: std::sync::Mutex<Vec<&'static str>>,
    changed: tokio::sync::Notify,
}

impl Keeper {
    fn hears(&self, what: &'static str) {
        self.told.lock().expect("whole").push(what);
        self.changed.notify_one();
    }

    fn told(&self) -> Vec<&'static str> {
        self.told.lock().expect("whole").clone()
    }

    /// Waits until it was told so many things.
    async fn heard(&self, count: usize) -> Vec<&'static str> {
        while self.told().len() < count {
            self.changed.notified().await;
        }
        self.told()
    }
}

impl Owner for Keeper {
    fn stop(&self, now: bool) {
        self.hears(if now { "stop now" } else { "stop" });
    }

    async fn release(&self) -> std::io::Result<std::os::fd::OwnedFd> {
        self.hears("release");
        Ok(std::net::TcpListener::bind(("127.0.0.1", 0))?.into())
    }

    async fn released(&self) {
        self.hears("released");
    }

    async fn take_back(&self) {
        self.hears("take back");
    }
}

#[tokio::test]
async fn commands_go_in_and_the_next_look_shows_what_came_of_them() {
    let folder = tempfile::tempdir().expect("temp");
    assert!(Client::connect(folder.path()).await.expect("no fault").is_none(), "nobody is there");
    let (_engine, owner) = served(folder.path());
    let mut client = Client::connect(folder.path()).await.expect("connected").expect("somebody");
    assert_eq!(client.snapshot().await.expect("answered").active, Some(Label::new("alpha")));
    let notice = client.command(Command::RotateTo(Label::new("beta"))).await.expect("answered");
    assert_eq!((notice.severity, notice.message.id.as_ref()), (Severity::Ok, "notice-rotated"));
    assert_eq!(client.snapshot().await.expect("answered").active, Some(Label::new("beta")));
    let refused = client.command(Command::RotateTo(Label::new("nobody"))).await.expect("answered");
    assert_eq!(refused.severity, Severity::Warn);
    assert!(!client.stop(false, std::time::Duration::ZERO).await.expect("answered"));
    assert_eq!(owner.told(), ["stop"]);
}

#[tokio::test]
async fn a_subscriber_is_told_the_newest_and_how_many_more_there_were() {
    const ALL: u64 = 3_000;
    let folder = tempfile::tempdir().expect("temp");
    let (engine, _) = served(folder.path());
    let client = Client::connect(folder.path()).await.expect("connected").expect("somebody");
    let asked = engine.now().steady;
    let mut subscription = client.subscribe().await.expect("subscribed");
    let first = subscription.next().await.expect("told");
    assert!(matches!(first, News::Snapshot(snapshot) if snapshot.uptime >= asked), "none from before");
    let record = |number: u64| TraceRecord { request_id: number.to_string(), ..TraceRecord::default() };
    (0..ALL).for_each(|number| engine.record(record(number).into(), None));
    let (mut told, mut lost) = (Vec::new(), 0);
    while told.len() as u64 + lost < ALL {
        match subscription.next().await.expect("told") {
            News::Record(record) => told.push(record.request_id.parse::<u64>().expect("a number")),
            News::Lost(count) => lost += count,
            News::Snapshot(_) => {}
        }
    }
    assert!(told.is_sorted() && told.last() == Some(&(ALL - 1)), "{told:?}");
    assert!(told.len() < 1_000, "no more than a screen can show: {}", told.len());
}

#[tokio::test]
async fn a_place_is_given_with_its_listening_socket_and_taken_back_when_the_next_one_fails() {
    let folder = tempfile::tempdir().expect("temp");
    assert!(HandedOver::ask(folder.path()).await.expect("no fault").is_none(), "nobody is there");
    let (_engine, owner) = served(folder.path());
    let handed = HandedOver::ask(folder.path()).await.expect("answered").expect("somebody");
    let address = handed.listener.local_addr().expect("bound");
    tokio::net::TcpStream::connect(address).await.expect("it listens");
    drop(handed);
    assert_eq!(owner.heard(2).await, ["release", "take back"]);
    let handed = HandedOver::ask(folder.path()).await.expect("answered").expect("somebody");
    handed.ready().await.expect("told");
    assert_eq!(owner.heard(4).await[2..], ["release", "released"]);
}

#[tokio::test]
async fn a_socket_whose_name_another_has_taken_leaves_it_alone() {
    let folder = tempfile::tempdir().expect("temp");
    let (old, new) = (Socket::open(folder.path()).expect("opened"), Socket::open(folder.path()).expect("opened"));
    drop(old);
    assert!(folder.path().join(NAME).exists());
    drop(new);
    assert!(!folder.path().join(NAME).exists());
}

#[tokio::test]
async fn what_a_stranger_sends_is_refused_and_the_next_one_is_served() {
    let folder = tempfile::tempdir().expect("temp");
    let (_engine, _) = served(folder.path());
    let long = format!("{}\n", "x".repeat(1 << 20));
    for (sent, answer) in [
        (&b"garbage\n"[..], "is no request"),
        (b"{\"v\":9,\"id\":3,\"do\":\"snapshot\"}\n", "version 9"),
        (b"{\"v\":1,\"id\":3,\"do\":\"fly\"}\n", "is no request"),
        (b"{\"v\":1,\"id\":3,\"do\":\"command\",\"command\":{\"rotate_to\":7}}\n", "is no request"),
        (b"\xff\xfe\n", "is no request"),
        (b"half a line", ""),
        (long.as_bytes(), ""),
    ] {
        let mut stream = tokio::net::UnixStream::connect(folder.path().join(NAME)).await.expect("connected");
        // A line that is too long may be refused while it is still being sent.
        let _ = stream.write_all(sent).await;
        let _ = stream.shutdown().await;
        let mut said = Vec::new();
        let _ = stream.read_to_end(&mut said).await;
        let said = String::from_utf8_lossy(&said).into_owned();
        assert!(said.contains(answer), "{said:?}");
        assert!(!answer.is_empty() || said.is_empty(), "{said:?}");
    }
    let mut client = Client::connect(folder.path()).await.expect("connected").expect("somebody");
    assert_eq!(client.snapshot().await.expect("answered").keys.len(), 2);
}

/// Lines as a client sends them, each cut somewhere, with one byte changed, or twice in a row; and plain noise.
fn spoilt_lines() -> impl proptest::strategy::Strategy<Value = Vec<u8>> {
    use proptest::prelude::*;
    let good = [
        "{\"v\":1,\"id\":1,\"do\":\"snapshot\"}\n",
        "{\"v\":1,\"id\":2,\"do\":\"command\",\"command\":{\"block\":{\"label\":\"alpha\",\"seconds\":9,\"reason\":\"x\"}}}\n",
        "{\"v\":1,\"id\":3,\"do\":\"command\",\"command\":\"unblock_all\"}\n",
        "{\"v\":1,\"id\":4,\"do\":\"adopt\",\"counted\":[]}\n",
        "{\"v\":1,\"id\":5,\"do\":\"ready\"}\n",
    ];
    let spoilt = (prop::sample::select(good.to_vec()), any::<prop::sample::Index>(), any::<u8>(), 0..4_u8).prop_map(
        |(line, at, byte, how)| {
            let (mut line, at) = (line.as_bytes().to_vec(), at.index(line.len()));
            match how {
                0 => line.truncate(at),
                1 => line[at] = byte,
                2 => line.insert(at, byte),
                _ => line.extend_from_within(..),
            }
            line
        },
    );
    prop_oneof![4 => spoilt, 1 => prop::collection::vec(any::<u8>(), 0..300)]
}

#[tokio::test]
async fn no_spoilt_line_stops_it_or_is_left_without_an_answer() {
    use proptest::strategy::{Strategy, ValueTree};
    let folder = tempfile::tempdir().expect("temp");
    let (_engine, _) = served(folder.path());
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let lines = spoilt_lines();
    for _ in 0..proptest::test_runner::Config::default().cases {
        let sent = lines.new_tree(&mut runner).expect("made").current();
        let mut stream = tokio::net::UnixStream::connect(folder.path().join(NAME)).await.expect("connected");
        stream.write_all(&sent).await.expect("taken");
        stream.shutdown().await.expect("ended");
        let mut said = Vec::new();
        stream.read_to_end(&mut said).await.expect("answered");
        let answers: Vec<serde_json::Value> =
            said.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect();
        let whole = sent.iter().filter(|byte| **byte == b'\n').count();
        assert!(answers.len() >= whole, "{:?}: {answers:?}", String::from_utf8_lossy(&sent));
    }
    let mut client = Client::connect(folder.path()).await.expect("connected").expect("somebody");
    assert_eq!(client.snapshot().await.expect("answered").keys.len(), 2);
}

#[tokio::test]
async fn the_socket_is_for_its_user_alone_and_a_dead_one_is_replaced() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("temp");
    let path = folder.path().join(NAME);
    drop(std::os::unix::net::UnixListener::bind(&path).expect("bound"));
    assert!(Client::connect(folder.path()).await.expect("no fault").is_none(), "a dead one is nobody");
    let socket = Socket::open(folder.path()).expect("replaced");
    assert_eq!(std::fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
    drop(socket);
    assert!(!path.exists());
}
