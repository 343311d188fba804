//! Dashboards in terminals of 200×60 that somebody reads. What is read is counted, and nothing else.

use std::{
    io::Read as _,
    process::Child,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::support::proxy::Home;

/// A dashboard that somebody looks at, until it is dropped.
pub(crate) struct Screen {
    child: Child,
    bytes: Arc<AtomicU64>,
}

impl Screen {
    pub(crate) fn open(home: &Home) -> Self {
        let (child, bytes) = spawn(home);
        Self { child, bytes }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has written so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// kmi-tui on a screen, and the count of what it writes there.
pub(crate) fn spawn(home: &Home) -> (Child, Arc<AtomicU64>) {
    let (mut pty, pts) = pty_process::blocking::open().expect("a terminal");
    pty.resize(pty_process::Size::new(60, 200)).expect("sized");
    let child = pty_process::blocking::Command::new(env!("CARGO_BIN_EXE_kmi-tui"))
        .env_clear()
        .envs(home.environment())
        .env("TERM", "xterm-256color")
        .spawn(pts)
        .expect("it starts");
    let bytes = Arc::new(AtomicU64::new(0));
    let count = bytes.clone();
    std::thread::spawn(move || {
        let mut buffer = [0; 64 * 1024];
        // An error is its end.
        while let Ok(read) = pty.read(&mut buffer)
            && read > 0
        {
            count.fetch_add(read as u64, Ordering::Relaxed);
        }
    });
    (child, bytes)
}
