//! The thread that reads the terminal's events and forwards them. It ends with the program, and with the terminal.

use std::{
    fs::File,
    io::{self, IsTerminal as _},
    os::fd::{AsFd, OwnedFd},
    thread,
    time::Duration,
};

use crossterm::event::{self, Event};
use rustix::event::{PollFd, PollFlags, poll};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// crossterm looks at nothing within no time at all. Its other way to wait, which does, forgets a key that comes together
/// with a resize until the next one comes (that is why its feature `use-dev-tty` is on).
const MOMENT: Duration = Duration::from_millis(1);

/// Starts reading. The channel closes when the terminal is gone.
pub(super) fn start() -> io::Result<UnboundedReceiver<Event>> {
    let terminal = input()?;
    let (sender, receiver) = unbounded_channel();
    thread::Builder::new().name("terminal".to_owned()).spawn(move || read(&terminal, &sender))?;
    Ok(receiver)
}

/// The same input that crossterm reads.
fn input() -> io::Result<OwnedFd> {
    let stdin = io::stdin();
    if stdin.is_terminal() { stdin.as_fd().try_clone_to_owned() } else { Ok(File::open("/dev/tty")?.into()) }
}

fn read(terminal: &OwnedFd, sender: &UnboundedSender<Event>) {
    while is_there(terminal) && !sender.is_closed() {
        // With next to no waiting: crossterm does not come back from a terminal that hangs up while it waits.
        while let Some(event) = next() {
            if event.is_none_or(|event| sender.send(event).is_err()) {
                return;
            }
        }
    }
}

/// The next event that is there; `Some(None)` when reading failed.
fn next() -> Option<Option<Event>> {
    match event::poll(MOMENT) {
        Ok(false) => None,
        Ok(true) => Some(event::read().ok()),
        Err(_) => Some(None),
    }
}

/// Waits for input; false when the terminal hung up.
fn is_there(terminal: &OwnedFd) -> bool {
    let mut watched = [PollFd::new(terminal, PollFlags::IN)];
    match poll(&mut watched, None) {
        Ok(_) => !watched[0].revents().intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL),
        Err(fault) => fault == rustix::io::Errno::INTR,
    }
}
