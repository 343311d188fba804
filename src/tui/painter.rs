//! The thread that hands frames to the terminal, one at a time. A terminal that is slow to take one delays the next, which
//! then shows all that came meanwhile; nothing else waits for it. Not what is in a frame.

use std::{
    fs::File,
    io::{self, Write as _},
    os::fd::AsFd,
    sync::{
        Condvar, Mutex, PoisonError,
        mpsc::{Receiver, Sender, channel},
    },
    thread,
    time::Duration,
};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// The end of the program waits so long for a frame that is on its way.
const PATIENCE: Duration = Duration::from_secs(1);

/// Whether a frame is on its way; told when it has arrived. For whoever gives the terminal back, a panic too.
static ON_ITS_WAY: (Mutex<bool>, Condvar) = (Mutex::new(false), Condvar::new());

/// The thread's other side.
#[derive(Debug)]
pub(super) struct Painter {
    frames: Sender<Vec<u8>>,
    painted: UnboundedReceiver<io::Result<()>>,
}

impl Painter {
    pub(super) fn start() -> io::Result<Self> {
        // Not the standard library's, whose lock would be held while the terminal takes its time.
        let terminal = File::from(io::stdout().as_fd().try_clone_to_owned()?);
        let ((frames, given), (said, painted)) = (channel(), unbounded_channel());
        thread::Builder::new().name("painter".to_owned()).spawn(move || paint(terminal, &given, &said))?;
        Ok(Self { frames, painted })
    }

    /// Sends a frame on its way; the one before must have been painted.
    pub(super) fn paint(&self, frame: Vec<u8>) {
        set(true);
        if self.frames.send(frame).is_err() {
            set(false);
        }
    }

    /// What came of the frame that is on its way; never, when none is.
    pub(super) async fn painted(&mut self) -> io::Result<()> {
        match self.painted.recv().await {
            Some(painted) => painted,
            None => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }
}

fn paint(mut terminal: File, frames: &Receiver<Vec<u8>>, said: &UnboundedSender<io::Result<()>>) {
    for frame in frames {
        let painted = terminal.write_all(&frame);
        set(false);
        if said.send(painted).is_err() {
            return;
        }
    }
}

/// Waits a while for the frame that is on its way; false when the terminal does not take it.
pub(super) fn is_settled() -> bool {
    let (on_its_way, arrived) = &ON_ITS_WAY;
    let guard = on_its_way.lock().unwrap_or_else(PoisonError::into_inner);
    match arrived.wait_timeout_while(guard, PATIENCE, |on_its_way| *on_its_way) {
        Ok((_, waited)) => !waited.timed_out(),
        Err(poisoned) => !poisoned.into_inner().1.timed_out(),
    }
}

fn set(on_its_way: bool) {
    *ON_ITS_WAY.0.lock().unwrap_or_else(PoisonError::into_inner) = on_its_way;
    ON_ITS_WAY.1.notify_all();
}
