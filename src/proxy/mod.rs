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
mod target;
pub(crate) mod tls;
pub(crate) mod token;

pub(crate) use self::lanes::Lanes;

use std::{
    future::Future,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use http::Method;
use tokio::{net::TcpStream, sync::Semaphore, task::JoinSet, time::timeout};

use self::{
    answers::Whole,
    body::Budget,
    caller::{Caller, Callers},
    forward::Reply,
    lanes::Ear,
    tls::Tls,
    token::Door,
};
use crate::{
    domain::base_url::is_loopback,
    engine::Engine,
    http1::{Asked, Client, NextHead, RequestHead, Wire, WriteFault},
    upstream::Upstream,
};

/// A client has this long for a request's head; also how long an idle connection is kept.
const HEAD_READ_TIMEOUT: Duration = Duration::from_secs(30);
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
    /// Closed when connections without a request end.
    idle: Semaphore,
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
            idle: Semaphore::new(0),
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
            idle: Semaphore::new(0),
            closing: AtomicBool::new(false),
        }
    }
}

/// Serves on this thread until it is to end; the answer: whether all running requests could finish.
async fn serve_here(ear: Ear, app: &Arc<App>, ends: Ends) -> bool {
    let mut tasks = JoinSet::new();
    accept(ear, app, ends.stop, &mut tasks).await;
    app.closing.store(true, Ordering::Relaxed);
    let over = async {
        tokio::select! {
            () = all_of(&mut tasks) => {}
            () = ends.close_idle => {}
        }
        app.handshakes.close();
        app.idle.close();
        all_of(&mut tasks).await;
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
async fn accept(ear: Ear, app: &Arc<App>, stop: impl Future<Output = ()>, tasks: &mut JoinSet<()>) {
    let mut stop = pin!(stop);
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
        let (app, caller) = (app.clone(), Caller::new(peer));
        tasks.spawn(async move {
            // On the heap, and given back: within the task it would take room as long as the connection lasts.
            let wire = match app.tls.clone() {
                None => Some(Wire::Plain(stream)),
                Some(tls) => Box::pin(shake_hands(stream, &tls, &app)).await,
            };
            if let Some(wire) = wire {
                attend(wire, app, caller).await;
            }
            drop(permit);
        });
    }
}

async fn shake_hands(stream: TcpStream, tls: &Tls, app: &App) -> Option<Wire> {
    let session = tokio::select! {
        session = timeout(HEAD_READ_TIMEOUT, tls.accept(stream)) => session.ok()?.ok()?,
        _ = app.handshakes.acquire() => return None,
    };
    Some(Wire::Tls(Box::new(session.into())))
}

/// Answers the requests of one connection, one after another. What a client does wrong ends it; what it asked for is
/// recorded.
async fn attend(wire: Wire, app: Arc<App>, caller: Arc<Caller>) {
    let mut client = Client::new(wire, app.settings.idle_timeout);
    let mut over = pin!(app.idle.acquire());
    loop {
        let head = match client.next_head(HEAD_READ_TIMEOUT, over.as_mut()).await {
            NextHead::Head(head) => head,
            NextHead::End => return client.end(false).await,
            NextHead::Unfit(status) => {
                let asked = Asked { bare: false, old: false, keep: false };
                // Whoever has left needs no answer.
                let _ = tell(&mut client, &answers::unfit(status), &asked).await;
                return client.end(true).await;
            }
        };
        match answer(&app, &mut client, head, &caller).await {
            Next::Request => {}
            Next::End { still_sends } => return client.end(still_sends).await,
            Next::Cut => return,
        }
    }
}

/// What becomes of a connection after an answer.
enum Next {
    Request,
    End {
        /// The client was refused in the middle of sending.
        still_sends: bool,
    },
    /// It is closed at once: there is nobody any more, or an answer that is not whole must not look so.
    Cut,
}

async fn answer(app: &Arc<App>, client: &mut Client, head: RequestHead, caller: &Arc<Caller>) -> Next {
    let mut asked = Asked { bare: head.method == Method::HEAD, old: head.old, keep: head.keep };
    let Some(reply) = forward::handle(app, client, head, caller).await else { return Next::Cut };
    asked.keep &= !app.closing.load(Ordering::Relaxed);
    match reply {
        Reply::Whole(whole) => {
            // Whoever is answered before, or in the middle of, its body: the rest of that is no request.
            let still_sends = client.owes_body();
            asked.keep &= !(whole.close || still_sends);
            match tell(client, &whole, &asked).await {
                Ok(true) => Next::Request,
                Ok(false) => Next::End { still_sends },
                Err(_) => Next::Cut,
            }
        }
        Reply::Relay(relay) => relay.send(client, &asked).await,
    }
}

async fn tell(client: &mut Client, whole: &Whole, asked: &Asked) -> Result<bool, WriteFault> {
    client.tell(whole.status, &whole.lines, &whole.body, asked).await
}
