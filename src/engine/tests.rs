//! The engine as its clients see it: commands in, snapshots and records out, files behind.

use super::*;
use crate::domain::{
    command::{Command, Notice},
    key::sample,
    outcome::Cause,
    policy::Rotation,
    snapshot::{Mode, Status},
    trace::Ending,
};

const NEVER: Rotation = Rotation { max_bytes: None, backups: 0 };

fn setup() -> Setup {
    Setup {
        mode: Mode::Live,
        address: "http://127.0.0.1:1/kmi-rotor/v1".into(),
        local: String::new(),
        upstream: "https://api.kimi.com/coding/v1".into(),
        auto_rotate_allowed: true,
        auths_dir: "auths".into(),
        state_dir: "state".into(),
        pid: 1,
        version: "0".into(),
        settings: Vec::new(),
    }
}

fn start(folder: &tempfile::TempDir) -> Engine {
    let keys = ["alpha", "beta"].map(|label| sample(label, "https://api.kimi.com/coding/v1")).into();
    start_with(folder, Policy { auto_rotate_allowed: true, ..Policy::default() }, keys)
}

fn start_with(folder: &tempfile::TempDir, policy: Policy, keys: Vec<Key>) -> Engine {
    let mut state_file = StateFile::open(folder.path(), true).expect("opened");
    let (state, _) = state_file.load(wall()).expect("loaded");
    let trace_file = TraceFile::open(folder.path(), NEVER, TimeZone::UTC, true).expect("opened");
    Engine::start(Parts {
        policy,
        setup: setup(),
        keys,
        state,
        state_file,
        history: trace_file.tail(10),
        trace_file,
        actor: "me".into(),
        zone: TimeZone::UTC,
    })
}

fn wish(engine: &Engine) -> Arc<Wish> {
    Arc::new(Wish::new(engine.now(), "1".into(), http::Method::POST, "/chat/completions".into(), None, Arc::default()))
}

fn record(engine: &Engine, number: u16) -> TraceRecord {
    TraceRecord {
        passed_over: Arc::default(),
        process: None,
        session: None,
        at: engine.now().wall,
        request_id: number.to_string(),
        method: "GET".into(),
        prompt_hint: String::new(),
        prompt_head: String::new(),
        key: Some(Label::new("alpha")),
        key_hash: None,
        endpoint: "/models".into(),
        status: number,
        latency: Duration::from_millis(5),
        total: Duration::from_millis(6),
        error_code: None,
        rotation_index: 0,
        waited: Duration::ZERO,
        shared_cause: None,
        attempts: Vec::new(),
        ending: Ending::Completed,
        first_byte: None,
        tokens: Tokens { input: Some(3), output: None, cached: None },
        bytes_in: 0,
        bytes_out: 0,
        model: None,
        stream: false,
        conversation: None,
        client: None,
        error: None,
    }
}

#[tokio::test]
async fn a_rotation_tells_what_it_leaves_behind() {
    let folder = tempfile::tempdir().expect("temp");
    let engine = start(&folder);
    engine.command(Command::RotateTo(Label::new("alpha")));
    let (_, mut records) = engine.records();
    let tokens = Tokens { input: Some(50_000), output: Some(10), cached: Some(48_000) };
    engine.record(Arc::new(TraceRecord { conversation: Some("c".into()), tokens, ..record(&engine, 200) }), None);
    records.recv().await.expect("recorded");
    let price = |notice: Notice| notice.message.arguments.into_iter().find(|(name, _)| name == "price");
    let told = price(engine.command(Command::RotateTo(Label::new("beta"))));
    let stake = Message::new("notice-price").with("tokens", 48_000_i64).with("count", 1_i64);
    assert_eq!(told.map(|(_, price)| price), Some(stake.with("label", "alpha").into()));
    let back = price(engine.command(Command::RotateTo(Label::new("alpha"))));
    assert_eq!(back.map(|(_, price)| price), Some("".into()), "beta has nothing");
    engine.stop().await;
}

#[tokio::test]
async fn a_command_shows_in_the_next_snapshot_and_in_the_file() {
    let folder = tempfile::tempdir().expect("temp");
    let engine = start(&folder);
    let mut snapshots = engine.snapshots();
    let notice = engine.command(Command::RotateTo(Label::new("beta")));
    assert_eq!((notice.severity, notice.message.id.as_ref()), (Severity::Ok, "notice-rotated"));
    let refused = engine.command(Command::Unblock(Label::new("nobody")));
    assert_eq!((refused.number, refused.message.id.as_ref()), (notice.number + 1, "refused-unknown-label"));
    engine.command(Command::Block { label: Label::new("alpha"), span: None, reason: "mine".into() });
    engine.command(Command::AutoRotate(true));
    let snapshot = snapshots.wait_for(|snapshot| snapshot.notices.len() == 4).await.expect("published").clone();
    assert_eq!((snapshot.active.as_ref().map(Label::as_str), snapshot.auto_rotate), (Some("beta"), true));
    assert_eq!(snapshot.keys[0].status, Status::Blocked);
    let shown = serde_json::to_string(&*snapshot).expect("JSON");
    assert!(!shown.contains("sk-test-"), "a snapshot holds no secret: {shown}");
    engine.stop().await;
    let engine = start(&folder);
    let snapshot = engine.snapshots().borrow().clone();
    assert_eq!((snapshot.active.as_ref().map(Label::as_str), snapshot.auto_rotate), (Some("beta"), true));
    assert_eq!(snapshot.keys[0].status, Status::Blocked);
}

#[tokio::test]
async fn a_lease_counts_in_flight_until_it_is_dropped() {
    let folder = tempfile::tempdir().expect("temp");
    let engine = start(&folder);
    let mut snapshots = engine.snapshots();
    let lease = engine.acquire(&wish(&engine), &[], true).await.expect("a key");
    snapshots.wait_for(|snapshot| snapshot.traffic.in_flight == 1).await.expect("published");
    engine.settle(&lease, &Verdict::bare(Cause::RateLimited), &wish(&engine));
    drop(lease);
    let idle =
        |snapshot: &Arc<Snapshot>| snapshot.traffic.in_flight == 0 && snapshot.keys[0].status == Status::Exhausted;
    snapshots.wait_for(idle).await.expect("published");
}

#[tokio::test]
async fn records_reach_subscribers_late_comers_and_the_file() {
    let folder = tempfile::tempdir().expect("temp");
    let engine = start(&folder);
    let (history, mut records) = engine.records();
    assert!(history.is_empty());
    let id = engine.acquire(&wish(&engine), &[], true).await.expect("a key").choice.id;
    for number in 200..203 {
        engine.record(Arc::new(record(&engine, number)), Some(id));
    }
    for number in 200..203 {
        assert_eq!(records.recv().await.expect("heard").status, number);
    }
    assert_eq!(engine.records().0.len(), 3, "a late comer sees what was");
    engine.stop().await;
    let snapshot = engine.snapshots().borrow().clone();
    assert_eq!((snapshot.traffic.requests, snapshot.keys[0].tokens.input), (3, Some(9)));
    assert_eq!(start(&folder).records().0.len(), 3, "and so does the next run");
}

#[tokio::test]
async fn a_full_queue_drops_records_and_counts_them_but_never_waits() {
    let folder = tempfile::tempdir().expect("temp");
    let engine = start(&folder);
    // On this single-threaded runtime the keeper does not run until this test awaits.
    for _ in 0..QUEUE + 7 {
        engine.record(Arc::new(record(&engine, 200)), None);
    }
    engine.stop().await;
    let snapshot = engine.snapshots().borrow().clone();
    assert_eq!((snapshot.traffic.requests, snapshot.traffic.dropped_records), (QUEUE as u64, 7));
}

#[tokio::test]
async fn of_many_keys_each_one_is_worth_waiting_for() {
    let folder = tempfile::tempdir().expect("temp");
    let mut keys: Vec<Key> = (0..65).map(|key| sample(&format!("k{key:02}"), "https://a.test/v1")).collect();
    keys.iter_mut().take(64).for_each(|key| key.disabled = true);
    let hold = Some(Duration::from_secs(20));
    let engine = start_with(&folder, Policy { hold, ..Policy::default() }, keys);
    let lease = engine.acquire(&wish(&engine), &[], true).await.expect("the last one");
    let limited = Verdict { retry_after: Some(Duration::from_secs(1)), ..Verdict::bare(Cause::RateLimited) };
    engine.settle(&lease, &limited, &wish(&engine));
    drop(lease);
    assert_eq!(
        engine.acquire(&wish(&engine), &[], true).await.expect("it comes back").choice.key.label.as_str(),
        "k64"
    );
}

#[tokio::test]
async fn who_is_held_tries_a_key_again_that_only_its_host_kept_away() {
    let folder = tempfile::tempdir().expect("temp");
    let hold = Some(Duration::from_secs(20));
    let keys = vec![sample("alpha", "https://a.test/v1")];
    let engine = start_with(&folder, Policy { hold, ..Policy::default() }, keys);
    let wish = wish(&engine);
    let lease = engine.acquire(&wish, &[], true).await.expect("a key");
    engine.settle(&lease, &Verdict::bare(Cause::ConnectFailed), &wish);
    let tried = [lease.choice.id];
    drop(lease);
    assert!(engine.acquire(&wish, &tried, true).await.is_ok(), "after a while, although it was tried");
}

#[tokio::test]
async fn who_came_first_is_served_first_and_who_leaves_is_not_waited_for() {
    use crate::domain::usage::Usage;
    let folder = tempfile::tempdir().expect("temp");
    let engine = start_with(&folder, Policy::default(), vec![sample("alpha", "https://a.test/v1")]);
    let check = engine.due_checks().pop().expect("due");
    engine.checked(&check, Ok(Usage { parallel_limit: Some(1), ..Usage::default() }));
    let held = engine.acquire(&wish(&engine), &[], true).await.expect("the only place");
    let (served, mut order) = mpsc::unbounded_channel();
    let mut waiting = Vec::new();
    for number in 0..4 {
        let (engine, served) = (engine.clone(), served.clone());
        waiting.push(tokio::spawn(async move {
            let lease = engine.acquire(&wish(&engine), &[], true).await.expect("a place");
            served.send(number).expect("heard");
            drop(lease);
        }));
        // On this single thread each is in the queue before the next one comes.
        tokio::task::yield_now().await;
    }
    let views: Vec<_> = engine.fresh_snapshot().await.held.iter().map(|held| held.endpoint.clone()).collect();
    assert_eq!(views, ["/chat/completions"; 4], "they are seen");
    waiting[1].abort();
    tokio::task::yield_now().await;
    drop(held);
    let mut seen = Vec::new();
    while seen.len() < 3 {
        seen.push(order.recv().await.expect("served"));
    }
    assert_eq!(seen, [0, 2, 3]);
    assert_eq!(engine.fresh_snapshot().await.keys[0].in_flight, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_looks_after_a_change_sees_it_however_busy_the_keeper_is() {
    let folder = tempfile::tempdir().expect("temp");
    let engine = start(&folder);
    let label = Label::new("alpha");
    let busy = {
        let engine = engine.clone();
        tokio::spawn(async move {
            loop {
                engine.set_findings(Vec::new());
                tokio::task::yield_now().await;
            }
        })
    };
    for _ in 0..5 {
        let block = Command::Block { label: label.clone(), span: None, reason: String::new() };
        for (command, blocked) in [(block, true), (Command::Unblock(label.clone()), false)] {
            engine.command(command);
            assert_eq!(engine.fresh_snapshot().await.keys[0].status == Status::Blocked, blocked);
        }
    }
    busy.abort();
}

/// Who orders lends a key while the request stands still; who publishes looks at requests. Neither may have what the other
/// waits for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_and_a_snapshot_do_not_wait_for_each_other() {
    let folder = tempfile::tempdir().expect("temp");
    let engine = start(&folder);
    let wish = wish(&engine);
    let _ticket = engine.begin(&wish);
    let shared = engine.shared.clone();
    engine.set_findings(Vec::new());
    let ordering = tokio::task::spawn_blocking(move || {
        wish.order(|_| {
            let patience = std::time::Instant::now() + Duration::from_secs(5);
            let in_time = || {
                std::thread::yield_now();
                std::time::Instant::now() < patience
            };
            shared.looked_at.notify_one();
            while shared.changed.load(Ordering::Acquire) && in_time() {
                std::hint::spin_loop();
            }
            // It is being published from here on.
            for _ in 0..1_000 {
                while shared.live.try_lock().is_err() {
                    if !in_time() {
                        return Err("the engine is held for as long as the order takes");
                    }
                }
                std::thread::yield_now();
            }
            Ok(Order::Cancel)
        })
    });
    assert_eq!(ordering.await.expect("no panic"), Ok(()));
}
