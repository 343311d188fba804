//! HTTP in, HTTP out. A request is named phases: accept, guard, read, pick, send, classify, settle, relay, record.
//!
//! Not here: which key (`domain::pool`), what an answer means (`domain::outcome`), whether to try again (`domain::retry`).

mod answers;
mod attempt;
mod body;
mod caller;
mod exchange;
mod forward;
mod guard;
mod headers;
mod lanes;
#[cfg(test)]
mod patience_tests;
mod relay;
mod stall;
mod target;
pub(crate) mod tls;
pub(crate) mod token;

pub(crate) use self::lanes::Lanes;

use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::FutureExt as _;
use http::{HeaderValue, header};
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::{GracefulShutdown, Watcher},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::Semaphore,
    task::JoinSet,
    time::timeout,
};

use self::{
    body::Budget,
    caller::{Caller, Callers},
    lanes::Ear,
    stall::Unstalled,
    tls::Tls,
    token::Door,
};
use crate::{domain::base_url::is_loopback, engine::Engine, upstream::Upstream};

/// A client has this long for a request's head; also how long an idle connection is kept.
const HEAD_READ_TIMEOUT: Duration = Duration::from_secs(30);
/// Largest head, and most headers, of a request.
const HEAD_MAX: usize = 64 * 1024;
const HEADERS_MAX: usize = 128;
/// Pause after `accept` failed: out of files, usually.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What the proxy's edge must know.
#[derive(Debug)]
pub(crate) struct Settings {
    /// `/kmi-rotor/v1`.
    pub(crate) base_path: String,
    /// The host it listens on, as typed: its clients may name it so.
    pub(crate) host: String,
    pub(crate) door: Door,
    /// Bytes.
    pub(crate) max_body: usize,
    pub(crate) max_connections: usize,
    /// Between two bytes, either way.
    pub(crate) idle_timeout: Duration,
    /// No further attempt begins when a request is this old; but see `retry::has_time`.
    pub(crate) deadline: Duration,
    /// Answers carry `x-kmi-key` and the like.
    pub(crate) headers: bool,
    /// Prompt words go into the trace.
    pub(crate) trace_prompts: bool,
    pub(crate) dry_run: bool,
}

impl Settings {
    /// Bound to this machine only: then `Host` and `Origin` must be of this machine too.
    fn local_only(&self) -> bool {
        is_loopback(&self.host)
    }
}

/// What every request of a lane shares, and much of it with those of other lanes.
#[derive(Debug)]
pub(crate) struct App {
    settings: Arc<Settings>,
    engine: Engine,
    upstream: Upstream,
    budget: Budget,
    /// For further connections.
    room: Arc<Semaphore>,
    /// None = the system gave no thread for it.
    callers: Option<Callers>,
    /// None = plain HTTP.
    tls: Option<Arc<Tls>>,
    /// Closed when handshakes that still run are given up.
    handshakes: Semaphore,
    /// No new connections are taken: every answer is its connection's last.
    closing: AtomicBool,
}

/// A moment that is waited for.
pub(crate) type End = Pin<Box<dyn Future<Output = ()> + Send>>;

/// When serving ends, step by step.
pub(crate) struct Ends {
    /// No more connections are taken.
    pub(crate) stop: End,
    /// Open connections without a request are closed. Until then they may ask once more: a client that is about to send
    /// on a kept connection loses nothing.
    pub(crate) close_idle: End,
    /// What still runs is cut.
    pub(crate) cut: End,
}

impl std::fmt::Debug for Ends {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Ends")
    }
}

impl App {
    pub(crate) fn new(settings: Settings, engine: Engine, upstream: Upstream, tls: Option<Tls>) -> Self {
        let (budget, room) = (Budget::new(settings.max_body), Semaphore::new(settings.max_connections));
        Self {
            settings: Arc::new(settings),
            engine,
            upstream,
            budget,
            room: Arc::new(room),
            callers: Callers::start().ok(),
            tls: tls.map(Arc::new),
            handshakes: Semaphore::new(0),
            closing: AtomicBool::new(false),
        }
    }

    /// The same for a lane of its own.
    fn beside(&self) -> Self {
        Self {
            settings: self.settings.clone(),
            engine: self.engine.clone(),
            upstream: self.upstream.beside(),
            budget: self.budget.clone(),
            room: self.room.clone(),
            callers: self.callers.clone(),
            tls: self.tls.clone(),
            handshakes: Semaphore::new(0),
            closing: AtomicBool::new(false),
        }
    }
}

/// Serves on this thread until it is to end; the answer: whether all running requests could finish.
async fn serve_here(ear: Ear, app: &Arc<App>, ends: Ends) -> bool {
    let connections = GracefulShutdown::new();
    let mut tasks = JoinSet::new();
    accept(ear, app, ends.stop, &connections, &mut tasks).await;
    app.closing.store(true, Ordering::Relaxed);
    let over = async {
        tokio::select! {
            () = all_of(&mut tasks) => {}
            () = ends.close_idle => {}
        }
        app.handshakes.close();
        connections.shutdown().await;
    };
    let drained = tokio::select! {
        () = over => true,
        () = ends.cut => false,
    };
    // A connection that is cut drops its requests, and each of them still leaves its record.
    tasks.shutdown().await;
    drained
}

async fn all_of(tasks: &mut JoinSet<()>) {
    while tasks.join_next().await.is_some() {}
}

/// Takes connections until `stop` resolves; the ear is closed then.
async fn accept(
    ear: Ear,
    app: &Arc<App>,
    stop: impl Future<Output = ()>,
    connections: &GracefulShutdown,
    tasks: &mut JoinSet<()>,
) {
    let mut stop = std::pin::pin!(stop);
    loop {
        let next = async {
            let permit = app.room.clone().acquire_owned().await;
            (ear.listener.accept().await, permit)
        };
        let (accepted, permit) = tokio::select! {
            next = next => next,
            // Only to forget those that have ended.
            Some(_) = tasks.join_next() => continue,
            () = &mut stop => return,
        };
        let Ok((stream, peer)) = accepted else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        // Without it small chunks wait for the peer's acknowledgement; a failure costs only delay.
        let _ = stream.set_nodelay(true);
        let (watcher, app, caller) = (connections.watcher(), app.clone(), Caller::new(peer));
        tasks.spawn(async move {
            // On the heap each takes what it needs; within the task, as much as the largest of them would.
            match app.tls.clone() {
                None => Box::pin(attend(stream, app, caller, watcher)).await,
                Some(tls) => Box::pin(attend_over_tls(stream, tls, app, caller, watcher)).await,
            }
            drop(permit);
        });
    }
}

async fn attend_over_tls(stream: TcpStream, tls: Arc<Tls>, app: Arc<App>, caller: Arc<Caller>, watcher: Watcher) {
    let shaken = tokio::select! {
        shaken = timeout(HEAD_READ_TIMEOUT, tls.accept(stream)) => shaken.ok().and_then(Result::ok),
        _ = app.handshakes.acquire() => None,
    };
    if let Some(stream) = shaken {
        Box::pin(attend(stream, app, caller, watcher)).await;
    }
}

/// Errors here are the client's: hung up, timed out, spoke no HTTP. What it asked for is recorded already.
fn attend<Io>(stream: Io, app: Arc<App>, caller: Arc<Caller>, watcher: Watcher) -> impl Future<Output = ()> + Send
where
    Io: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    watcher.watch(connection(stream, app, caller)).map(drop)
}

type Connection<Io, S> = http1::Connection<TokioIo<Unstalled<Io>>, S>;

fn connection<Io: AsyncRead + AsyncWrite + Unpin + Send>(
    stream: Io,
    app: Arc<App>,
    caller: Arc<Caller>,
) -> Connection<
    Io,
    impl hyper::service::Service<
        hyper::Request<hyper::body::Incoming>,
        Response = hyper::Response<relay::ProxyBody>,
        Error = Infallible,
        Future: Send,
    >,
> {
    let io = TokioIo::new(Unstalled::new(stream, app.settings.idle_timeout));
    let service = service_fn(move |request| {
        let (app, caller) = (app.clone(), caller.clone());
        // Given back when the answer begins; hyper would keep room for it as long as the connection lasts.
        Box::pin(async move {
            let mut response = forward::handle(&app, request, &caller).await;
            if app.closing.load(Ordering::Relaxed) {
                response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            Ok(response)
        })
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_READ_TIMEOUT)
        .max_header_size(HEAD_MAX)
        .max_headers(HEADERS_MAX)
        .preserve_header_case(true)
        .serve_connection(io, service)
}
