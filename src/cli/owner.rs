//! The place of the process that serves: state folder and listening socket, and how they go to the next process.

use std::{
    io,
    net::TcpListener as StdListener,
    os::fd::{AsFd, OwnedFd},
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use tokio::net::TcpListener;

use super::{
    Stop, listen,
    signals::{Stage, Stopper},
};
use crate::{
    config::Config,
    control::{self, HandedOver},
    domain::message::Message,
    engine::Engine,
    i18n::Words,
    proxy::Ends,
    store::lock::InstanceLock,
};

/// How long clients may go on sending on connections that they keep, when another process has taken the place.
const LINGER: Duration = Duration::from_secs(5);

/// What this process has, and may have to give away.
#[derive(Debug)]
pub(super) struct Owner {
    state_dir: PathBuf,
    enforce: bool,
    engine: Engine,
    stopper: Stopper,
    /// Gone when serving has ended.
    listener: Weak<StdListener>,
    /// `None` = given away.
    lock: Mutex<Option<InstanceLock>>,
}

impl Owner {
    pub(super) fn new(
        config: &Config,
        engine: Engine,
        stopper: Stopper,
        listener: Weak<StdListener>,
        lock: InstanceLock,
    ) -> Self {
        let (state_dir, enforce) = (config.state_dir.clone(), config.enforce_permissions);
        Self { state_dir, enforce, engine, stopper, listener, lock: Mutex::new(Some(lock)) }
    }

    /// Whether another process serves in our place.
    pub(super) fn gave_away(&self) -> bool {
        self.lock().is_none()
    }

    /// The end: the folder is free for the next one.
    pub(super) fn let_go(&self) {
        drop(self.lock().take());
    }

    fn lock(&self) -> MutexGuard<'_, Option<InstanceLock>> {
        self.lock.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl control::Owner for Owner {
    fn stop(&self, now: bool) {
        self.stopper.advance();
        if now {
            self.stopper.advance();
        }
    }

    async fn release(&self) -> io::Result<OwnedFd> {
        let ended = || io::Error::other("it is ending already");
        let listener = self.listener.upgrade().ok_or_else(ended)?.as_fd().try_clone_to_owned()?;
        let lock = self.lock().take().ok_or_else(ended)?;
        self.engine.release_state().await;
        drop(lock);
        Ok(listener)
    }

    async fn released(&self) {
        tracing::info!("handed_over");
        self.stopper.leave();
        tokio::time::sleep(LINGER).await;
        self.stopper.drain();
    }

    async fn take_back(&self) {
        match InstanceLock::acquire(&self.state_dir, self.enforce) {
            Ok(lock) => {
                *self.lock() = Some(lock);
                self.engine.take_state_back().await;
                tracing::warn!("hand_over_failed");
            }
            // Somebody has the folder after all: there can't be two.
            Err(_) => self.released().await,
        }
    }
}

/// Where the listening socket comes from.
#[derive(Debug)]
pub(super) enum Place {
    Own(TcpListener),
    /// From the process before, which goes on serving if this is dropped.
    Inherited(TcpListener, HandedOver),
}

impl Place {
    /// The place of the running instance when we are to take it and there is one, else one of our own.
    pub(super) async fn find(config: &Config, take_over: bool, words: &Words) -> Result<Self, Stop> {
        let asked = config.listen.address;
        let handed = if take_over {
            let ask = HandedOver::ask(&config.state_dir).await;
            ask.map_err(|error| Stop::failed(words.render(&error.message())))?
        } else {
            None
        };
        let Some(handed) = handed else { return listen::open(asked, words).await.map(Self::Own) };
        let failed = |error: io::Error| {
            Stop::failed(words.render(&Message::new("cli-take-over-failed").with("error", error.to_string())))
        };
        let there = handed.listener.local_addr().map_err(failed)?;
        let listener = if asked.port() == 0 || asked == there {
            reuse(&handed.listener).map_err(failed)?
        } else {
            // The address was changed: what runs goes on until the new one is ours.
            listen::open(asked, words).await?
        };
        Ok(Self::Inherited(listener, handed))
    }

    pub(super) const fn listener(&self) -> &TcpListener {
        match self {
            Self::Own(listener) | Self::Inherited(listener, _) => listener,
        }
    }

    /// The listener, and what must hear when we serve.
    pub(super) fn split(self) -> (TcpListener, Option<HandedOver>) {
        match self {
            Self::Own(listener) => (listener, None),
            Self::Inherited(listener, handed) => (listener, Some(handed)),
        }
    }
}

fn reuse(listener: &StdListener) -> io::Result<TcpListener> {
    let listener = listener.try_clone()?;
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}

/// When serving ends, by the stages of a stop.
pub(super) fn ends(stopper: &Stopper, drain: Duration) -> Ends {
    let reached = |stage| {
        let stopper = stopper.clone();
        Box::pin(async move { stopper.reached(stage).await })
    };
    let (leaving, now) = (reached(Stage::Leaving), reached(Stage::Now));
    Ends {
        stop: reached(Stage::Leaving),
        close_idle: reached(Stage::Draining),
        cut: Box::pin(async move {
            leaving.await;
            // The second signal does not wait for the time to pass.
            let _ = tokio::time::timeout(drain, now).await;
        }),
    }
}
