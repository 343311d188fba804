//! SIGTERM, SIGINT and SIGHUP ask for a graceful stop; the second one does not wait. A file that may not grow any more is
//! an error of its write, not the program's end.

use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};

use crate::engine::task;

/// SIGXFSZ: a limit on the size of files is reached.
const FILE_SIZE: i32 = rustix::process::Signal::XFSZ.as_raw();

/// How far a stop has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    Running,
    /// Another process takes new connections; those that are open may ask once more.
    Leaving,
    /// Let running requests finish.
    Draining,
    /// Do not wait any longer.
    Now,
}

/// The stage, moved on by signals and by the dashboard's end.
#[derive(Debug, Clone)]
pub(super) struct Stopper {
    stage: watch::Sender<Stage>,
}

impl Stopper {
    /// Starts to listen for signals.
    pub(super) fn listen() -> std::io::Result<Self> {
        let (stage, _) = watch::channel(Stage::Running);
        let stopper = Self { stage };
        // Once it is listened for, the signal does what else it does for those who ignore it: nothing.
        drop(signal(SignalKind::from_raw(FILE_SIZE))?);
        for kind in [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()] {
            let mut signals = signal(kind)?;
            let stopper = stopper.clone();
            task::spawn(async move {
                while signals.recv().await.is_some() {
                    stopper.advance();
                }
            });
        }
        Ok(stopper)
    }

    /// One stage further.
    pub(super) fn advance(&self) {
        self.stage.send_modify(|stage| {
            *stage = if *stage < Stage::Draining { Stage::Draining } else { Stage::Now };
        });
    }

    /// Begins to leave, since another process serves now; a stop that has begun goes on as it is.
    pub(super) fn leave(&self) {
        self.at_least(Stage::Leaving);
    }

    /// Ends a leave, or begins a stop.
    pub(super) fn drain(&self) {
        self.at_least(Stage::Draining);
    }

    fn at_least(&self, wanted: Stage) {
        self.stage.send_modify(|stage| *stage = (*stage).max(wanted));
    }

    /// Resolves once the stop has come at least this far.
    pub(super) async fn reached(&self, wanted: Stage) {
        // The sender lives in self, so waiting can't fail.
        let _ = self.stage.subscribe().wait_for(|stage| *stage >= wanted).await;
    }
}
