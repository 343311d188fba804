//! The threads that serve. Each has a runtime, connections to the upstream and an ear at the port of its own, so that a
//! request stays on one thread from its first byte to its last and wakes no other. Not what is done with a connection.

use std::{
    io,
    net::TcpListener as StdListener,
    sync::Arc,
    thread::{self, available_parallelism},
};

use tokio::{net::TcpListener, runtime, sync::oneshot, task::JoinHandle};

use super::{App, Ends, serve_here};

/// Most threads: each can take tens of thousands of requests a second.
const LANES_MAX: usize = 4;

/// The listening socket, as one lane has it.
#[derive(Debug)]
pub(super) struct Ear {
    pub(super) listener: TcpListener,
    /// The port is open, and can be handed over, while somebody listens.
    _port: Arc<StdListener>,
}

/// Threads that serve until they are to end.
#[derive(Debug)]
pub(crate) struct Lanes {
    ends: Vec<oneshot::Receiver<bool>>,
    /// Follows the certificate.
    follower: Option<JoinHandle<()>>,
}

impl Lanes {
    /// Serves from now on.
    ///
    /// # Errors
    /// When there are no threads to be had, or no files.
    pub(crate) fn start(port: &Arc<StdListener>, app: &App, ends: impl Fn() -> Ends) -> io::Result<Self> {
        let follower = app.tls.clone().map(|tls| tokio::spawn(tls.follow(app.engine.clone())));
        let lanes = (0..count()).map(|number| lane(number, port.clone(), app.beside(), ends()));
        Ok(Self { ends: lanes.collect::<io::Result<_>>()?, follower })
    }

    /// Resolves when the last has ended; the answer: whether all running requests could finish.
    pub(crate) async fn ended(self) -> bool {
        let mut drained = true;
        for end in self.ends {
            // One that panicked has cut its requests.
            drained &= end.await.unwrap_or(false);
        }
        self.follower.iter().for_each(JoinHandle::abort);
        drained
    }
}

/// Half of the machine is for those who ask.
fn count() -> usize {
    (available_parallelism().map_or(1, usize::from) / 2).clamp(1, LANES_MAX)
}

fn lane(number: usize, port: Arc<StdListener>, app: App, ends: Ends) -> io::Result<oneshot::Receiver<bool>> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let listener = {
        let _within = runtime.enter();
        port.set_nonblocking(true)?;
        TcpListener::from_std(port.try_clone()?)?
    };
    let ear = Ear { listener, _port: port };
    let (ended, end) = oneshot::channel();
    thread::Builder::new().name(format!("kmi-lane-{number}")).spawn(move || {
        let drained = runtime.block_on(serve_here(ear, &Arc::new(app), ends));
        // An error means that nobody waits any more.
        let _ = ended.send(drained);
    })?;
    Ok(end)
}
