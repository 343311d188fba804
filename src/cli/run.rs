//! Wiring: from settings to a running proxy, with or without the dashboard, and to a clean end.

use std::{path::Path, sync::Arc};

use tokio::{
    net::TcpListener,
    sync::{mpsc, watch},
};

use super::{
    Stop, USAGE,
    args::Args,
    complain,
    follow::{self, Follower},
    line, listen, say,
    signals::{Stage, Stopper},
};
use crate::{
    config::{Config, Environment, Loaded, Problem},
    control::{self, Socket},
    doctor,
    domain::{
        command::Command,
        key::Key,
        message::Message,
        snapshot::{Mode, Setup},
    },
    engine::{self, Engine, Parts},
    i18n::Words,
    poller,
    proxy::{self, App},
    store::{
        self,
        lock::InstanceLock,
        log::{self, LogGuard},
        state::StateFile,
        trace::TraceFile,
    },
    tui,
    upstream::{Timeouts, Upstream},
};

/// Records read from the trace file at start.
const HISTORY: usize = 1000;

/// What is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Live,
    Demo,
}

/// Runs until it is told to stop.
pub(super) fn run(args: &Args, loaded: Loaded, environment: &Environment, kind: Kind) -> Result<(), Stop> {
    runtime()?.block_on(serve(args, loaded, environment, kind, None, std::future::pending()))
}

pub(super) fn runtime() -> Result<tokio::runtime::Runtime, Stop> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| Stop::failed(error.to_string()))
}

/// Serves with these settings, on `listener` where one is open already. `traffic` runs beside it: the demo's clients.
pub(super) async fn serve(
    args: &Args,
    loaded: Loaded,
    environment: &Environment,
    kind: Kind,
    listener: Option<TcpListener>,
    traffic: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Stop> {
    let config = loaded.config.clone();
    let words = Words::new(config.locale, config.zone.clone());
    if config.proxy.tls.is_some() {
        // Serving in plain text what was meant to be encrypted would be worse than not serving.
        return Err(Stop { code: USAGE, text: words.text("cli-no-tls") });
    }
    let _lock = take_lock(&config.state_dir, config.enforce_permissions, &words)?;
    let _log = install_log(&config, &words)?;
    let listener = match listener {
        Some(listener) => listener,
        None => listen::open(config.listen.address, &words).await?,
    };
    let address = listener.local_addr().map_err(|error| Stop::failed(error.to_string()))?;
    let watcher = follow::watcher(&config, &args.flags(), environment);
    let (follower, keys) = Follower::new(args.flags(), environment.clone(), loaded);
    let setup = setup(&config, kind, address.port());
    let sources = match kind {
        // The person's clients are not meant for the demo.
        Kind::Demo => doctor::Sources::new(&config, &Environment::default(), follower.problems().to_vec(), &keys),
        Kind::Live => doctor::Sources::new(&config, environment, follower.problems().to_vec(), &keys),
    };

    let (parts, lost) = parts(&config, setup, keys, &words)?;
    let engine = Engine::start(parts);
    announce(&engine, follower.problems(), lost, &words, args.no_ui);

    let timeouts = Timeouts { connect: config.proxy.connect_timeout, head: config.proxy.head_timeout };
    let upstream = Upstream::new(timeouts).map_err(|error| Stop::failed(error.to_string()))?;
    tokio::spawn(poller::run(engine.clone(), upstream.clone(), config.dry_run));
    let (doctor, examined) = watch::channel(Arc::new(sources));
    tokio::spawn(doctor::run(engine.clone(), examined));
    match kind {
        // The demo's files are its own.
        Kind::Demo => drop((follower, watcher)),
        Kind::Live => {
            tokio::spawn(follow::follow(follower, watcher, engine.clone(), kind, address.port(), doctor));
        }
    }
    tokio::spawn(forget_dead_connections(engine.clone(), upstream.clone()));
    tokio::spawn(traffic);

    let stopper = Stopper::listen().map_err(|error| Stop::failed(error.to_string()))?;
    let socket = Socket::open(&config.state_dir).map_err(|error| Stop::failed(error.to_string()))?;
    let control = {
        let stopper = stopper.clone();
        tokio::spawn(control::serve(socket, engine.clone(), move || stopper.advance()))
    };
    let app = Arc::new(App::new(proxy_settings(&config), engine.clone(), upstream));
    let server = {
        let (stopper, drain) = (stopper.clone(), config.shutdown);
        tokio::spawn(async move {
            let cut = async {
                stopper.reached(Stage::Draining).await;
                // The second signal does not wait for the time to pass.
                let _ = tokio::time::timeout(drain, stopper.reached(Stage::Now)).await;
            };
            proxy::serve(listener, app, stopper.reached(Stage::Draining), cut).await
        })
    };
    if args.no_ui {
        say(&words.render(&Message::new("cli-listening").with("address", engine.setup().address.clone())));
        if kind == Kind::Demo {
            let upstream = Message::new("cli-demo-upstream").with("address", config.upstream.to_string());
            say(&words.render(&upstream.with("path", config.auths_dir.display().to_string())));
        }
        stopper.reached(Stage::Draining).await;
    } else {
        dashboard(args, &config, &engine, &stopper, &words).await?;
    }
    let drained = server.await.unwrap_or(false);
    engine.stop().await;
    // Who waits for the end sees it now: everything is written.
    control.abort();
    if !drained {
        complain(&words.text("cli-not-drained"));
    }
    Ok(())
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
    let state_file = StateFile::open(&config.state_dir, config.enforce_permissions).map_err(failed)?;
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
    engine: &Engine,
    stopper: &Stopper,
    words: &Words,
) -> Result<(), Stop> {
    let (commands, mut wishes) = mpsc::unbounded_channel::<Command>();
    let carrier = engine.clone();
    tokio::spawn(async move {
        while let Some(command) = wishes.recv().await {
            carrier.command(command);
        }
    });
    let (history, records) = engine.records();
    let feed = tui::Feed { snapshots: engine.snapshots(), history, records, commands };
    let own_words = words.in_locale(words.locale());
    let result = left(tui::run(feed, own_words, look(args, config), stopper.reached(Stage::Draining)).await, words);
    // A signal has moved it on already.
    if !matches!(result, Ok(tui::Leave::Signal)) {
        stopper.advance();
    }
    result.map(|_| ())
}

/// How the dashboard may look.
pub(super) const fn look(args: &Args, config: &Config) -> tui::Look {
    tui::Look { color: !config.no_color && !config.plain, ascii: args.ascii }
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
        engine.tell(crate::domain::command::Severity::Warn, message);
    }
}

pub(super) fn setup(config: &Config, kind: Kind, port: u16) -> Setup {
    let mode = match kind {
        Kind::Demo => Mode::Demo,
        Kind::Live if config.dry_run => Mode::DryRun,
        Kind::Live => Mode::Live,
    };
    let host =
        if config.listen.host.contains(':') { format!("[{}]", config.listen.host) } else { config.listen.host.clone() };
    let scheme = if config.proxy.tls_terminated { "https" } else { "http" };
    Setup {
        mode,
        address: format!("{scheme}://{host}:{port}{}", config.base_path),
        upstream: config.upstream.to_string(),
        auto_rotate_allowed: config.policy.auto_rotate_allowed,
        auths_dir: config.auths_dir.display().to_string(),
        state_dir: config.state_dir.display().to_string(),
        pid: std::process::id(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

fn proxy_settings(config: &Config) -> proxy::Settings {
    proxy::Settings {
        base_path: config.base_path.clone(),
        host: config.listen.host.clone(),
        token: config.proxy.token.clone(),
        max_body: config.proxy.max_body,
        max_connections: config.proxy.max_connections,
        idle_timeout: config.proxy.idle_timeout,
        headers: config.proxy.headers,
        trace_prompts: config.trace_prompts,
        deadline: config.proxy.head_timeout,
        dry_run: config.dry_run,
    }
}
