//! The load: closed loops of small requests, streams that say when each chunk was sent, large bodies.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{task::JoinSet, time::Instant};

use crate::{clock, http::Connection, target::Target};

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

/// So many connections ask again as soon as they are answered.
pub(crate) async fn requests(target: &Target, connections: usize, span: Duration, request: &[u8]) -> Load {
    let request: Arc<[u8]> = request.into();
    let mut tasks = JoinSet::new();
    let opened: Vec<Connection> = open(target, connections).await;
    let (before, began) = (clock::cpu(&target.processes()), Instant::now());
    for mut connection in opened {
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
                    return load;
                }
                load.count += 1;
                load.times.push(asked.elapsed().as_secs_f64() * 1e6);
            }
            load
        });
    }
    let mut total = Load::default();
    while let Some(load) = tasks.join_next().await {
        let load = load.expect("nobody panicked");
        total.count += load.count;
        total.failed += load.failed;
        total.times.extend(load.times);
    }
    total.seconds = began.elapsed().as_secs_f64();
    total.cpu = (clock::cpu(&target.processes()) - before).as_secs_f64() * 1e6;
    total.sorted()
}

/// So many streams at once, each of so many chunks; the times are from the upstream's sending to our reading. `look` is
/// called when all are open.
pub(crate) async fn streams(
    target: &Target,
    streams: usize,
    chunks: usize,
    every: Duration,
    look: impl FnOnce(),
) -> Load {
    let rest = format!("/chat/completions?chunks={chunks}&every={}", every.as_micros());
    let request: Arc<[u8]> = target.request("POST", &rest, br#"{"model":"kimi-for-coding","stream":true}"#).into();
    let total = Arc::new(Mutex::new(Load::default()));
    let mut tasks = JoinSet::new();
    let opened = open(target, streams).await;
    let (before, began) = (clock::cpu(&target.processes()), Instant::now());
    for mut connection in opened {
        let (request, total) = (request.clone(), total.clone());
        tasks.spawn(async move {
            let mut times = Vec::with_capacity(chunks);
            let ran = async {
                connection.send(&request).await?;
                let came = |at| times.push(clock::nanoseconds().saturating_sub(at) as f64 / 1e3);
                connection.chunks(came).await
            };
            let ran = ran.await;
            let mut total = total.lock().expect("nobody panicked");
            total.failed += u64::from(ran.is_err() || times.len() != chunks);
            total.count += times.len() as u64;
            total.times.extend(times);
        });
    }
    tokio::time::sleep(every.mul_f64(chunks as f64 * 0.8)).await;
    look();
    while tasks.join_next().await.is_some() {}
    let mut total = std::mem::take(&mut *total.lock().expect("nobody panicked"));
    total.seconds = began.elapsed().as_secs_f64();
    total.cpu = (clock::cpu(&target.processes()) - before).as_secs_f64() * 1e6;
    total.sorted()
}

/// Streams of one chunk, one after the other on one connection: the way of the first token.
pub(crate) async fn first_chunks(target: &Target, count: u64) -> Load {
    let request = target.request("POST", "/chat/completions?chunks=1&every=1", br#"{"stream":true}"#);
    let mut connection = Connection::open(target.address).await.expect("it accepts");
    let mut load = Load { count, ..Load::default() };
    for _ in 0..count {
        let (asked, mut first) = (clock::nanoseconds(), None);
        let ran = async {
            connection.send(&request).await?;
            connection.chunks(|_| first = first.or_else(|| Some(clock::nanoseconds() - asked))).await
        };
        load.failed += u64::from(ran.await.is_err());
        load.times.extend(first.map(|first| first as f64 / 1e3));
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
