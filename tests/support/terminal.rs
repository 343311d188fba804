//! The real binary in a pseudo-terminal: keys go in, the screen is read as a terminal would show it. No judgement.

use std::{num::NonZeroU16, process::ExitStatus, time::Duration};

use pty_process::{OwnedWritePty, Size};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::Child,
    sync::watch,
    task::JoinHandle,
    time::timeout,
};

use super::proxy::{Home, Said};

/// Longest wait for anything that should happen at once.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a terminal shows and how it is set.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shown {
    pub(crate) text: String,
    /// A full-screen program is drawing.
    pub(crate) alternate: bool,
    pub(crate) cursor_hidden: bool,
    pub(crate) mouse: bool,
    /// Nothing comes any more.
    pub(crate) ended: bool,
}

/// A program in a terminal; killed when dropped.
pub(crate) struct Terminal {
    child: Child,
    keyboard: OwnedWritePty,
    shown: watch::Receiver<Shown>,
    size: watch::Sender<(u16, u16)>,
    held: watch::Sender<bool>,
    /// Every byte that came.
    pub(crate) said: Said,
    reading: JoinHandle<()>,
}

impl Terminal {
    /// Runs the binary in a home, on a screen of so many columns and rows.
    pub(crate) fn open(home: &Home, arguments: &[&str], (columns, rows): (u16, u16)) -> Self {
        let (pty, pts) = pty_process::open().expect("a pseudo-terminal");
        pty.resize(Size::new(rows, columns)).expect("sized");
        let mut program = pty_process::Command::new(home.program());
        if let Some(user) = home.user {
            program = program.uid(user).gid(user);
        }
        let child = program
            .args(arguments)
            .env_clear()
            .envs(home.environment())
            .env("TERM", "xterm-256color")
            .current_dir(home.folder.path())
            .kill_on_drop(true)
            .spawn(pts)
            .expect("the binary starts");
        let (mut screen, keyboard) = pty.into_split();
        let (show, shown) = watch::channel(Shown::default());
        let (size, mut sizes) = watch::channel((columns, rows));
        let (held, mut hold) = watch::channel(false);
        let said = Said::default();
        let heard = said.clone();
        let reading = tokio::spawn(async move {
            let side = |length| NonZeroU16::new(length).expect("not empty");
            let mut parser = vt100::Parser::new(side(rows), side(columns), 0);
            let mut bytes = [0; 16 * 1024];
            while hold.wait_for(|held| !held).await.is_ok() {
                tokio::select! {
                    // The other side's end is an error here.
                    read = screen.read(&mut bytes) => match read {
                        Ok(count) if count > 0 => {
                            heard.add(&bytes[..count]);
                            parser.process(&bytes[..count]);
                        }
                        _ => break,
                    },
                    Ok(()) = sizes.changed() => {
                        let (columns, rows) = *sizes.borrow_and_update();
                        parser.set_size(side(rows), side(columns));
                    }
                    Ok(()) = hold.changed() => continue,
                }
                show.send_replace(look(parser.screen(), false));
            }
            show.send_replace(look(parser.screen(), true));
        });
        Self { child, keyboard, shown, size, held, said, reading }
    }

    pub(crate) async fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).await.expect("typed");
    }

    pub(crate) fn resize(&mut self, (columns, rows): (u16, u16)) {
        self.size.send_replace((columns, rows));
        self.keyboard.resize(Size::new(rows, columns)).expect("sized");
    }

    /// Reads nothing of what is written to it, or goes on reading.
    pub(crate) fn hold(&self, held: bool) {
        self.held.send_replace(held);
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("sent");
    }

    fn pid(&self) -> Pid {
        self.child.id().and_then(|id| Pid::from_raw(i32::try_from(id).expect("small"))).expect("it runs")
    }

    /// Waits until the program stands still.
    pub(crate) async fn stands_still(&self) {
        let pid = self.pid();
        let options = WaitIdOptions::STOPPED | WaitIdOptions::NOWAIT;
        let stopped = tokio::task::spawn_blocking(move || waitid(WaitId::Pid(pid), options));
        timeout(PATIENCE, stopped).await.expect("in time").expect("no panic").expect("waited for");
    }

    /// Waits for the end of a program whose terminal is not read.
    pub(crate) async fn ends_unread(&mut self) -> Option<i32> {
        timeout(PATIENCE, self.child.wait()).await.expect("it ends").expect("waited for").code()
    }

    /// Waits until the screen is as wanted, and returns it.
    pub(crate) async fn until(&mut self, what: &str, wanted: impl Fn(&Shown) -> bool) -> Shown {
        let seen = timeout(PATIENCE, self.shown.wait_for(|shown| wanted(shown))).await;
        match seen.map(|seen| seen.map(|shown| shown.clone())) {
            Ok(Ok(shown)) => shown,
            _ => panic!("waited in vain for {what}:\n{}", self.shown.borrow().text),
        }
    }

    pub(crate) async fn until_text(&mut self, text: &str) -> Shown {
        self.until(text, |shown| shown.text.contains(text)).await
    }

    /// Waits for its end: the exit code, and the terminal that it left.
    pub(crate) async fn ended(&mut self) -> (Option<i32>, Shown) {
        let status = timeout(PATIENCE, self.child.wait()).await.expect("it ends").expect("waited for");
        (status.code(), self.until("the end", |shown| shown.ended).await)
    }
}

impl Terminal {
    /// Closes the terminal, as a window is closed, and waits for the program's end.
    pub(crate) async fn close(self) -> ExitStatus {
        let Self { mut child, keyboard, reading, .. } = self;
        reading.abort();
        // Its half of the terminal goes with it.
        let _ = reading.await;
        drop(keyboard);
        timeout(PATIENCE, child.wait()).await.expect("it ends").expect("waited for")
    }
}

fn look(screen: &vt100::Screen, ended: bool) -> Shown {
    Shown {
        text: screen.contents(),
        alternate: screen.alternate_screen(),
        cursor_hidden: screen.hide_cursor(),
        mouse: screen.mouse_protocol_mode() != vt100::MouseProtocolMode::None,
        ended,
    }
}
