//! Whom a command is for: the running instance, or, without one, the files under their lock. Either answers alike.

use std::{path::PathBuf, sync::Arc};

use super::{
    Stop,
    follow::Follower,
    run::{self, Kind},
};
use crate::{
    config::{Config, Environment, Flags, Loaded},
    control::Client,
    domain::{
        command::{Command, Notice, Severity},
        message::Message,
        snapshot::Snapshot,
    },
    engine::{Engine, task},
    i18n::Words,
    poller,
    store::{lock::InstanceLock, log::LogGuard},
    upstream::{Timeouts, Upstream},
};

/// Somebody who can answer.
pub(super) enum Target {
    Running(Box<Client>),
    /// Nobody runs: the files are ours as long as the lock is.
    Files {
        engine: Engine,
        state_dir: PathBuf,
        /// Whether somebody asks the upstream when a check is due.
        polled: bool,
        _lock: InstanceLock,
        _log: LogGuard,
    },
}

impl Target {
    /// The running instance of the state folder, else its files.
    pub(super) async fn find(
        flags: Flags,
        loaded: Loaded,
        environment: &Environment,
        words: &Words,
    ) -> Result<Self, Stop> {
        let config: Config = loaded.config.clone();
        if let Some(client) = running(&config, words).await? {
            return Ok(Self::Running(Box::new(client)));
        }
        let lock = run::take_lock(&config.state_dir, config.enforce_permissions, words)?;
        let log = run::install_log(&config, words)?;
        let (_, keys) = Follower::new(flags, environment.clone(), loaded);
        let setup = run::setup(&config, Kind::Live, config.listen.address);
        let (parts, _) = run::parts(&config, setup, keys, words)?;
        Ok(Self::Files {
            engine: Engine::start(parts),
            state_dir: config.state_dir,
            polled: false,
            _lock: lock,
            _log: log,
        })
    }

    pub(super) const fn is_running(&self) -> bool {
        matches!(self, Self::Running(_))
    }

    pub(super) async fn snapshot(&mut self, words: &Words) -> Result<Arc<Snapshot>, Stop> {
        match self {
            Self::Running(client) => {
                client.snapshot().await.map_err(|error| Stop::failed(words.render(&error.message())))
            }
            Self::Files { engine, .. } => Ok(engine.fresh_snapshot().await),
        }
    }

    pub(super) async fn command(&mut self, command: Command, words: &Words) -> Result<Notice, Stop> {
        match self {
            Self::Running(client) => {
                client.command(command).await.map_err(|error| Stop::failed(words.render(&error.message())))
            }
            Self::Files { engine, state_dir, .. } => {
                let notice = engine.command(command);
                engine.saved().await;
                // A running instance tries again; this one is about to end.
                let unsaved = engine.fresh_snapshot().await.traffic.failed_saves > 0;
                if unsaved && notice.severity == Severity::Ok {
                    let message = Message::new("cli-not-saved").with("path", state_dir.display().to_string());
                    return Err(Stop::failed(words.render(&message)));
                }
                Ok(notice)
            }
        }
    }

    /// Asks for a check of every key's quota. Its results are in the snapshots that follow.
    pub(super) async fn check(&mut self, config: &Config, words: &Words) -> Result<(), Stop> {
        if let Self::Files { engine, polled, .. } = self
            && !std::mem::replace(polled, true)
        {
            let timeouts = Timeouts { connect: config.proxy.connect_timeout, head: config.proxy.head_timeout };
            let upstream = Upstream::new(timeouts).map_err(|error| Stop::failed(error.to_string()))?;
            task::spawn(poller::run(engine.clone(), upstream, config.dry_run));
        }
        self.command(Command::RefreshHealth, words).await.map(drop)
    }

    /// What was changed is on disk when this returns.
    pub(super) async fn finish(self) {
        if let Self::Files { engine, .. } = self {
            // Nothing is released here, so nothing was counted since.
            let _ = engine.stop().await;
        }
    }
}

/// The running instance of a state folder.
pub(super) async fn running(config: &Config, words: &Words) -> Result<Option<Client>, Stop> {
    Client::connect(&config.state_dir).await.map_err(|error| Stop::failed(words.render(&error.message())))
}
