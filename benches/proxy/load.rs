//! The load: closed loops of small requests, streams that say when each chunk was sent, large bodies.

use std::{
    cell::RefCell,
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{task::JoinSet, time::Instant};

use crate::{clock, http::Connection, target::Target};

/// Before each measurement the same is done for so long, and nothing counted.
const WARM_UP: Duration = Duration::from_millis(200);
/// With new connections: kmi-tui looks up whose they are, at leisure.
const SETTLING: Duration = Duration::from_secs(1);

/// What a load came to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Load {
    pub(crate) count: u64,
    pub(crate) seconds: f64,
    /// CPU time of the target, in microseconds.
    pub(crate) cpu: f64,
    /// Microseconds of each request or chunk, in order of size.
    pub(crate) times: Vec<f64>,
    pub(crate) failed: u64,
}

impl Load {
    pub(crate) fn cpu_each(&self) -> f64 {
        self.cpu / self.count.max(1) as f64
    }

    pub(crate) fn rate(&self) -> f64 {
        self.count as f64 / self.seconds
    }

    /// `0.5` is the median.
    pub(crate) fn quantile(&self, part: f64) -> f64 {
        let last = self.times.len().saturating_sub(1);
        self.times.get((last as f64 * part).round() as usize).copied().unwrap_or(f64::NAN)
    }

    fn sorted(mut self) -> Self {
        self.times.sort_by(f64::total_cmp);
        self
    }
}

/// Clients that ask again as soon as they are answered. They keep their connections from one measurement to the next: what a
/// new one costs (kmi-tui looks up whose it is) is not what a request costs.
pub(crate) struct Clients {
    count: usize,
    kept: RefCell<HashMap<SocketAddr, Vec<Connection>>>,
}

impl Clients {
    pub(crate) fn new(count: usize) -> Self {
        Self { count, kept: RefCell::default() }
    }

    /// Warms up, then measures. Each gets the same time, not the same number of requests: what disturbs a measurement comes by
    /// the clock.
    pub(crate) async fn ask(&self, target: &Target, span: Duration, request: &[u8]) -> Load {
        let mut connections = self.kept.borrow_mut().remove(&target.address).unwrap_or_default();
        let missing = self.count - connections.len();
        let warm_up = if missing > 0 { SETTLING } else { WARM_UP };
        connections.extend(open(target, missing).await);
        let (warm, connections) = asked(target, connections, warm_up, request).await;
        let (mut load, connections) = asked(target, connections, span, request).await;
        load.failed += warm.failed;
        self.kept.borrow_mut().insert(target.address, connections);
        load
    }
}

/// So many new connections ask again as soon as they are answered.
pub(crate) async fn requests(target: &Target, connections: usize, span: Duration, request: &[u8]) -> Load {
    asked(target, open(target, connections).await, span, request).await.0
}

/// What came of it, and the connections that are still good.
async fn asked(
    target: &Target,
    connections: Vec<Connection>,
    span: Duration,
    request: &[u8],
) -> (Load, Vec<Connection>) {
    let request: Arc<[u8]> = request.into();
    let mut tasks = JoinSet::new();
    let (before, began) = (clock::cpu(&target.processes()), Instant::now());
    for mut connection in connections {
        let request = request.clone();
        tasks.spawn(async move {
            let mut load = Load::default();
            while began.elapsed() < span {
                let asked = Instant::now();
                let answered = async {
                    connection.send(&request).await?;
                    connection.answer().await
                };
                if let Err(error) = answered.await {
                    eprintln!("{error}");
                    load.failed += 1;
                    return (load, None);
                }
                load.count += 1;
                load.times.push(asked.elapsed().as_secs_f64() * 1e6);
            }
            (load, Some(connection))
        });
    }
    let (mut total, mut kept) = (Load::default(), Vec::new());
    while let Some(ended) = tasks.join_next().await {
        let (load, connection) = ended.expect("nobody panicked");
        kept.extend(connection);
        total.count += load.count;
        total.failed += load.failed;
        total.times.extend(load.times);
    }
    total.seconds = began.elapsed().as_secs_f64();
    total.cpu = (clock::cpu(&target.processes()) - before).as_secs_f64() * 1e6;
    (total.sorted(), kept)
}

/// So many streams at once, each of so many chunks; the times are from the upstream's sending to our reading. `look` is
/// called well before the first can end, with the number of those that are open.
pub(crate) async fn streams(
    target: &Target,
    streams: usize,
    chunks: usize,
    every: Duration,
    look: impl FnOnce(u64),
) -> Load {
    let rest = format!("/chat/completions?chunks={chunks}&every={}", every.as_micros());
    let request: Arc<[u8]> = target.request("POST", &rest, br#"{"model":"kimi-for-coding","stream":true}"#).into();
    let total = Arc::new(Mutex::new(Load::default()));
    let open_now = Arc::new(AtomicU64::new(0));
    let mut tasks = JoinSet::new();
    let opened = open(target, streams).await;
    let (before, began) = (clock::cpu(&target.processes()), Instant::now());
    for mut connection in opened {
        let (request, total, open_now) = (request.clone(), total.clone(), open_now.clone());
        tasks.spawn(async move {
            let mut times = Vec::with_capacity(chunks);
            let ran = async {
                connection.send(&request).await?;
                let came = |at| {
                    open_now.fetch_add(u64::from(times.is_empty()), Ordering::Relaxed);
                    times.push(clock::nanoseconds().saturating_sub(at) as f64 / 1e3);
                };
                connection.chunks(came).await
            };
            let ran = ran.await;
            open_now.fetch_sub(u64::from(!times.is_empty()), Ordering::Relaxed);
            let mut total = total.lock().expect("nobody panicked");
            total.failed += u64::from(ran.is_err() || times.len() != chunks);
            total.count += times.len() as u64;
            total.times.extend(times);
        });
    }
    // The first chunk comes at once, so the last comes after one pause less than there are chunks.
    tokio::time::sleep(every.mul_f64(chunks.saturating_sub(1) as f64 * 0.8)).await;
    look(open_now.load(Ordering::Relaxed));
    while tasks.join_next().await.is_some() {}
    let mut total = std::mem::take(&mut *total.lock().expect("nobody panicked"));
    total.seconds = began.elapsed().as_secs_f64();
    total.cpu = (clock::cpu(&target.processes()) - before).as_secs_f64() * 1e6;
    total.sorted()
}

/// Streams of one chunk, one after the other on one connection: the way of the first token. As many before them warm up.
pub(crate) async fn first_chunks(target: &Target, count: u64) -> Load {
    let request = target.request("POST", "/chat/completions?chunks=1&every=1", br#"{"stream":true}"#);
    let mut connection = Connection::open(target.address).await.expect("it accepts");
    let mut load = Load { count, ..Load::default() };
    for number in 0..count * 2 {
        let (asked, mut first) = (clock::nanoseconds(), None);
        let ran = async {
            connection.send(&request).await?;
            connection.chunks(|_| first = first.or_else(|| Some(clock::nanoseconds() - asked))).await
        };
        load.failed += u64::from(ran.await.is_err());
        load.times.extend(first.filter(|_| number >= count).map(|first| first as f64 / 1e3));
    }
    load.sorted()
}

async fn open(target: &Target, connections: usize) -> Vec<Connection> {
    let mut opened = Vec::with_capacity(connections);
    for _ in 0..connections {
        opened.push(Connection::open(target.address).await.expect("it accepts"));
    }
    opened
}
