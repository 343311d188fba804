//! Wiring: from settings to a running proxy, with or without the dashboard, and to a clean end.

use std::{
    convert::Infallible,
    fmt::Display,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::Path,
    pin::Pin,
    sync::Arc,
};

use serde_json::json;
use tokio::sync::{Notify, mpsc, watch};

use super::{
    Stop, USAGE,
    args::Args,
    complain, daemon, demo,
    errands::Clerk,
    follow::{self, Follower},
    harden, line, lines, listen, look, notify,
    owner::{self, Owner, Place},
    say,
    signals::{Stage, Stopper},
};
use crate::{
    config::{self, Config, Environment, Loaded, Problem},
    control::{self, Client, Socket},
    doctor,
    domain::{
        command::{Command, Severity},
        key::Key,
        message::Message,
        pool::Left,
        snapshot::{Mode, Setup},
        text,
    },
    engine::{self, Engine, Parts, task},
    i18n::Words,
    poller,
    proxy::{self, App, Lanes, tls::Tls},
    store::{
        self,
        lock::InstanceLock,
        log::{self, LogGuard},
        output,
        state::StateFile,
        trace::TraceFile,
    },
    tui,
    upstream::{Timeouts, Upstream},
};

/// Records read from the trace file at start.
const HISTORY: usize = 1000;
/// Most that a toast says of a failed start.
const REASON_MAX: usize = 300;

/// What is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Live,
    Demo,
}

/// Runs until it is told to stop.
pub(super) fn run(args: &Args, loaded: Loaded, environment: &Environment) -> Result<(), Stop> {
    let left = block_on(&runtime()?, async {
        let words = Words::new(loaded.config.locale, loaded.config.zone.clone());
        let place = Place::find(&loaded.config, args.take_over, &words).await?;
        serve(args, loaded, environment, Service { kind: Kind::Live, place, traffic: Box::pin(std::future::pending()) })
            .await
    })?;
    if left == tui::Leave::Demo { Err(demo::instead(args)) } else { Ok(()) }
}

pub(super) fn runtime() -> Result<tokio::runtime::Runtime, Stop> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(failed)
}

/// Runs one thing to its end. Boxed, since the runtime's loop is made anew for each kind of future.
pub(super) fn block_on<T>(runtime: &tokio::runtime::Runtime, future: impl Future<Output = T>) -> T {
    let boxed: Pin<Box<dyn Future<Output = T> + '_>> = Box::pin(future);
    runtime.block_on(boxed)
}

fn failed(error: impl Display) -> Stop {
    Stop::failed(error.to_string())
}

/// What is served, where, and what runs beside it.
pub(super) struct Service {
    pub(super) kind: Kind,
    pub(super) place: Place,
    /// The demo's clients.
    pub(super) traffic: Pin<Box<dyn Future<Output = ()> + Send>>,
}

/// Serves with these settings until it is told to stop.
pub(super) async fn serve(
    args: &Args,
    loaded: Loaded,
    environment: &Environment,
    service: Service,
) -> Result<tui::Leave, Stop> {
    let config = loaded.config.clone();
    let words = Words::new(config.locale, config.zone.clone());
    let Service { kind, place, traffic } = service;
    let tls = config.proxy.tls.as_ref().map(|files| Tls::open(&files.cert, &files.key)).transpose();
    let tls = tls.map_err(|why| Stop { code: USAGE, text: words.render(&why) })?;
    let metrics = match (&config.metrics, &place) {
        (Some(listen), Place::Own(_)) => Some(listen::open(listen.address, &words).await?),
        _ => None,
    };
    let lock = take_lock(&config.state_dir, config.enforce_permissions, &words)?;
    let _log = install_log(&config, &words)?;
    let address = place.listener().local_addr().map_err(failed)?;
    let watcher = follow::watcher(&config, &args.flags(), environment);
    let (follower, keys) = Follower::new(args.flags(), environment.clone(), loaded);
    let setup = Setup { settings: follower.settings(), ..setup(&config, kind, address) };
    let sources = match kind {
        // The person's clients are not meant for the demo.
        Kind::Demo => doctor::Sources::new(&config, &Environment::default(), follower.problems().to_vec(), &keys),
        Kind::Live => doctor::Sources::new(&config, environment, follower.problems().to_vec(), &keys),
    };

    let (parts, lost) = parts(&config, setup, keys, &words)?;
    let engine = Engine::start(parts);
    announce(&engine, follower.problems(), lost, &words, args.no_ui);
    notify::start(config.call, !args.no_ui, engine.snapshots(), &words);

    let timeouts = Timeouts { connect: config.proxy.connect_timeout, head: config.proxy.head_timeout };
    let upstream = Upstream::new(timeouts).map_err(failed)?;
    task::spawn(poller::run(engine.clone(), upstream.clone(), config.dry_run));
    let (doctor, examined) = watch::channel(Arc::new(sources));
    task::spawn(doctor::run(engine.clone(), examined));
    match kind {
        // The demo's files are its own.
        Kind::Demo => drop((follower, watcher)),
        Kind::Live => {
            task::spawn(follow::follow(follower, watcher, engine.clone(), kind, address, doctor));
        }
    }
    task::spawn(forget_dead_connections(engine.clone(), upstream.clone()));
    task::spawn(traffic);

    let stopper = Stopper::listen().map_err(failed)?;
    let (listener, before) = place.split();
    let listener = Arc::new(listener.into_std().map_err(failed)?);
    let owner = Arc::new(Owner::new(&config, engine.clone(), stopper.clone(), Arc::downgrade(&listener), lock));
    let socket = Socket::open(&config.state_dir).map_err(failed)?;
    let control = task::spawn(control::serve(socket, engine.clone(), owner.clone()));
    if let Some(listen) = config.metrics.clone() {
        task::spawn(listen::metrics(metrics, listen, engine.clone(), stopper.clone()));
    }
    let app = App::new(proxy_settings(&config), engine.clone(), upstream, tls);
    let lanes = Lanes::start(&listener, &app, || owner::ends(&stopper, config.shutdown)).map_err(failed)?;
    drop(listener);
    if let Some(before) = before {
        // An error means that it has ended already.
        let _ = before.ready().await;
    }
    let left = if args.no_ui {
        lines::print(&engine, lines_into(args, &config, &words)?, &words);
        say_where(&engine, args, kind, &config, &words);
        stopper.reached(Stage::Leaving).await;
        Ok(tui::Leave::Quit)
    } else {
        dashboard(args, &config, environment, &engine, &stopper, &words).await
    };
    let drained = lanes.ended().await;
    let counted = engine.stop().await;
    let gave_away = owner.gave_away();
    if gave_away {
        bequeath(&config, counted).await;
    }
    owner.let_go();
    // Who waits for the end sees it now: everything is written, and the folder is free.
    control.abort();
    if !drained {
        complain(&words.text("cli-not-drained"));
    }
    if gave_away && !args.detached {
        say(&words.text("cli-taken-over"));
    }
    left
}

/// What was counted after another process took the place is added there.
async fn bequeath(config: &Config, left: Left) {
    if left.is_empty() {
        return;
    }
    let adopted = match Client::connect(&config.state_dir).await {
        Ok(Some(mut client)) => client.adopt(left).await.is_ok(),
        _ => false,
    };
    if !adopted {
        tracing::warn!("counts_of_the_last_requests_are_lost");
    }
}

/// Where a line for each request goes: stdout, or a file in the background.
fn lines_into(args: &Args, config: &Config, words: &Words) -> Result<lines::Into, Stop> {
    let (rotation, enforce) = (config.log_rotation, config.enforce_permissions);
    match (args.detached, args.json) {
        (true, _) => output::lines(&config.state_dir, rotation, enforce)
            .map(lines::Into::File)
            .map_err(|error| Stop::failed(words.render(&error.message()))),
        (false, true) => Ok(lines::Into::StdoutAsJson),
        (false, false) => Ok(lines::Into::Stdout),
    }
}

/// Says where it listens: whoever waits for this line can send requests now.
fn say_where(engine: &Engine, args: &Args, kind: Kind, config: &Config, words: &Words) {
    if args.json {
        let (address, pid) = (&engine.setup().address, std::process::id());
        return say(&json!({"listening": address, "upstream": config.upstream.to_string(), "state_dir": config.state_dir, "pid": pid}).to_string());
    }
    say(&words.render(&Message::new("cli-listening").with("address", engine.setup().address.clone())));
    if kind == Kind::Demo {
        let upstream = Message::new("cli-demo-upstream").with("address", config.upstream.to_string());
        say(&words.render(&upstream.with("path", config.auths_dir.display().to_string())));
    }
}

/// Sends what is logged to the state folder, until the guard is dropped.
pub(super) fn install_log(config: &Config, words: &Words) -> Result<LogGuard, Stop> {
    let (zone, enforce) = (config.zone.clone(), config.enforce_permissions);
    log::install(&config.state_dir, config.log_rotation, zone, enforce, engine::wall)
        .map_err(|error| Stop::failed(words.render(&error.message())))
}

/// What the engine is made of, from the state folder; the messages say what of it could not be used.
pub(super) fn parts(
    config: &Config,
    setup: Setup,
    keys: Vec<Key>,
    words: &Words,
) -> Result<(Parts, Vec<Message>), Stop> {
    let failed = |error: store::StoreError| Stop::failed(words.render(&error.message()));
    let mut state_file = StateFile::open(&config.state_dir, config.enforce_permissions).map_err(failed)?;
    let (state, lost) = state_file.load(engine::wall()).map_err(failed)?;
    let trace_file =
        TraceFile::open(&config.state_dir, config.trace_rotation, config.zone.clone(), config.enforce_permissions)
            .map_err(failed)?;
    let parts = Parts {
        policy: config.policy.clone(),
        setup,
        keys,
        state,
        state_file,
        history: trace_file.tail(HISTORY),
        trace_file,
        actor: config.audit_actor.clone(),
        zone: config.zone.clone(),
    };
    Ok((parts, lost))
}

/// After sleep, or a long standstill, pooled connections are dead without knowing it.
async fn forget_dead_connections(engine: Engine, upstream: Upstream) {
    loop {
        engine.interrupted().await;
        upstream.flush();
    }
}

pub(super) fn take_lock(state_dir: &Path, enforce: bool, words: &Words) -> Result<InstanceLock, Stop> {
    InstanceLock::acquire(state_dir, enforce).map_err(|error| Stop::failed(words.render(&error.message())))
}

/// Runs the dashboard until the person leaves it or a signal comes; either way the proxy stops after it.
async fn dashboard(
    args: &Args,
    config: &Config,
    environment: &Environment,
    engine: &Engine,
    stopper: &Stopper,
    words: &Words,
) -> Result<tui::Leave, Stop> {
    let (commands, mut wishes) = mpsc::unbounded_channel::<Command>();
    let carrier = engine.clone();
    task::spawn(async move {
        while let Some(command) = wishes.recv().await {
            carrier.command(command);
        }
    });
    let (history, records) = engine.records();
    let background = Arc::new(Notify::new());
    let own_words = words.in_locale(words.locale());
    let home = match engine.setup().mode {
        Mode::Demo => config::state_dir(&args.flags(), environment),
        Mode::Live | Mode::DryRun => config.state_dir.clone(),
    };
    let look = look::on_terminal(&home, args, config, environment, words);
    let clerk = Clerk {
        flags: args.flags(),
        environment: environment.clone(),
        auths_dir: config.auths_dir.clone(),
        home,
        zone: config.zone.clone(),
        commands: commands.clone(),
    };
    let (errands, answers) = clerk.start();
    let (snapshots, asked) = (engine.snapshots(), background.clone());
    // The engine's own channel counts what is missed.
    let missed = mpsc::unbounded_channel().1;
    let feed = tui::Feed { snapshots, history, records, missed, commands, errands, answers, background: asked };
    let result = tokio::select! {
        left = tui::run(feed, own_words, look, stopper.reached(Stage::Leaving)) => left,
        never = hand_over_when_asked(args, config, engine, &background, words) => match never {},
    };
    let result = left(result, words);
    // A signal has moved it on already.
    if !matches!(result, Ok(tui::Leave::Signal)) {
        stopper.advance();
    }
    result
}

/// Starts a proxy in the background as often as it is asked for: when it serves, this process is told to leave.
async fn hand_over_when_asked(
    args: &Args,
    config: &Config,
    engine: &Engine,
    asked: &Notify,
    words: &Words,
) -> Infallible {
    loop {
        asked.notified().await;
        engine.tell(Severity::Info, Message::new("notice-background"));
        if let Err(stop) = daemon::spawn(args, config, words).await {
            let reason = text::clean(&stop.text, REASON_MAX);
            engine.tell(Severity::Fail, Message::new("notice-background-failed").with("reason", reason));
        }
    }
}

/// Why the dashboard was left, or what kept it from showing.
pub(super) fn left(left: std::io::Result<tui::Leave>, words: &Words) -> Result<tui::Leave, Stop> {
    left.map_err(|error| Stop::failed(words.render(&Message::new("cli-no-terminal").with("error", error.to_string()))))
}

/// Tells what is not as it should be: on the screen and in the log, and on stderr without a screen.
fn announce(engine: &Engine, problems: &[Problem], lost: Vec<Message>, words: &Words, no_ui: bool) {
    let english = words.in_locale(crate::i18n::Locale::English);
    for problem in problems {
        tracing::warn!(warning = english.render(&problem.message), "settings_warning");
        engine.tell(problem.severity, problem.message.clone());
        if no_ui {
            complain(&line(problem, words));
        }
    }
    for message in lost {
        tracing::warn!(warning = english.render(&message), "state_warning");
        if no_ui {
            complain(&words.render(&message));
        }
        engine.tell(Severity::Warn, message);
    }
}

/// `bound`: where it really listens.
pub(super) fn setup(config: &Config, kind: Kind, bound: SocketAddr) -> Setup {
    let mode = match kind {
        Kind::Demo => Mode::Demo,
        Kind::Live if config.dry_run => Mode::DryRun,
        Kind::Live => Mode::Live,
    };
    let host =
        if config.listen.host.contains(':') { format!("[{}]", config.listen.host) } else { config.listen.host.clone() };
    let own = config.proxy.tls.is_some();
    let scheme = if own || config.proxy.tls_terminated { "https" } else { "http" };
    let local = if own { "https" } else { "http" };
    Setup {
        mode,
        address: format!("{scheme}://{host}:{}{}", bound.port(), config.base_path),
        local: format!("{local}://{}{}", reachable(bound), config.base_path),
        upstream: config.upstream.to_string(),
        auto_rotate_allowed: config.policy.auto_rotate_allowed,
        auths_dir: config.auths_dir.display().to_string(),
        state_dir: config.state_dir.display().to_string(),
        pid: std::process::id(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        settings: Vec::new(),
    }
}

/// An address that means "all of this machine" is reached on the loopback one.
fn reachable(bound: SocketAddr) -> SocketAddr {
    match bound.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => (Ipv4Addr::LOCALHOST, bound.port()).into(),
        IpAddr::V6(ip) if ip.is_unspecified() => (Ipv6Addr::LOCALHOST, bound.port()).into(),
        _ => bound,
    }
}

fn proxy_settings(config: &Config) -> proxy::Settings {
    proxy::Settings {
        base_path: config.base_path.clone(),
        host: config.listen.host.clone(),
        door: proxy::token::Door::new(config.proxy.token.clone(), config.proxy.tls_terminated),
        max_body: config.proxy.max_body,
        max_connections: harden::connections(config.proxy.max_connections),
        idle_timeout: config.proxy.idle_timeout,
        headers: config.proxy.headers,
        trace_prompts: config.trace_prompts,
        deadline: config.proxy.head_timeout,
        dry_run: config.dry_run,
    }
}
