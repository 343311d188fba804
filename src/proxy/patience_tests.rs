//! How long a client is waited for, in time that passes only here: nobody waits half a minute for a test.

use std::{sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{Instant, timeout},
};

use super::*;
use crate::{
    domain::{
        key::sample,
        policy::{Policy, Rotation},
        snapshot::Setup,
    },
    engine::{Parts, wall},
    store::{state::StateFile, trace::TraceFile},
    upstream::Timeouts,
};

fn app(folder: &tempfile::TempDir) -> Arc<App> {
    let mut state_file = StateFile::open(folder.path(), true).expect("opened");
    let (state, _) = state_file.load(wall()).expect("loaded");
    let rotation = Rotation { max_bytes: None, backups: 0 };
    let trace_file = TraceFile::open(folder.path(), rotation, jiff::tz::TimeZone::UTC, true).expect("opened");
    let engine = Engine::start(Parts {
        policy: Policy::default(),
        setup: Setup::default(),
        keys: vec![sample("alpha", "http://127.0.0.1:9/v1")],
        state,
        state_file,
        history: Vec::new(),
        trace_file,
        zone: jiff::tz::TimeZone::UTC,
        actor: String::new(),
    });
    let settings = Settings {
        base_path: "/kmi-rotor/v1".to_owned(),
        host: "127.0.0.1".to_owned(),
        door: Door::new(None, false),
        max_body: 1 << 20,
        max_connections: 1,
        idle_timeout: Duration::from_secs(300),
        deadline: Duration::from_secs(600),
        headers: true,
        trace_prompts: true,
        dry_run: true,
    };
    let timeouts = Timeouts { connect: Duration::from_secs(1), head: Duration::from_secs(1) };
    Arc::new(App::new(settings, engine, Upstream::new(timeouts).expect("TLS"), None))
}

/// What a client is told that sends these pieces, a second apart, and then nothing; and how long it is kept.
async fn kept(pieces: &[&str]) -> (String, Duration) {
    let folder = tempfile::tempdir().expect("temp");
    let app = app(&folder);
    let (mut client, server) = tokio::io::duplex(64 * 1024);
    let serving = tokio::spawn(attend(Wire::Memory(server), app.clone(), Caller::new(([127, 0, 0, 1], 1).into())));
    // Threads have no part in time that stands still: only from here on does it pass by itself.
    tokio::time::pause();
    let began = Instant::now();
    for piece in pieces {
        // It may have hung up by now.
        let _ = client.write_all(piece.as_bytes()).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let mut told = Vec::new();
    let ended = timeout(Duration::from_secs(3_600), client.read_to_end(&mut told)).await;
    let span = began.elapsed();
    assert!(ended.is_ok(), "left open for an hour: {}", String::from_utf8_lossy(&told));
    serving.abort();
    tokio::time::resume();
    (String::from_utf8_lossy(&told).into_owned(), span)
}

#[tokio::test]
async fn who_sends_nothing_or_half_is_left_in_time() {
    let half = "GET /kmi-rotor/v1/models HTTP/1.1\r\nHost: localhost\r\n";
    let whole = format!("{half}\r\n");
    let stalled = "POST /kmi-rotor/v1/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nabc";
    let chunked = "POST /kmi-rotor/v1/x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n";
    let drip: Vec<&str> = [half].into_iter().chain(std::iter::repeat_n("X-Slow: y\r\n", 100)).collect();
    for (row, pieces, answer, most) in [
        ("silence", &[][..], "", 45),
        ("half a request line", &["GET /kmi-ro"], "", 45),
        ("half a head", &[half], "", 45),
        ("a head line by line for ever", &drip, "", 45 + 100),
        ("nothing after an answer", &[&*whole], "HTTP/1.1 200", 45),
        ("half a body", &[stalled], "HTTP/1.1 408", 120),
        ("half a body in chunks", &[chunked], "HTTP/1.1 408", 120),
    ] {
        let (told, span) = kept(pieces).await;
        assert!(told.starts_with(answer), "{row}: {told}");
        assert!(span <= Duration::from_secs(most), "{row}: kept for {span:?}");
    }
}
