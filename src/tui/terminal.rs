//! The terminal while the dashboard has it: taken once, given back once, whatever ends the program. Not its events.

use std::{
    cell::RefCell,
    io::{self, Write},
    mem, panic,
    rc::Rc,
    sync::{
        Once,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use crossterm::{
    clipboard::CopyToClipboard,
    cursor, event, execute, queue, style,
    terminal::{self as raw, BeginSynchronizedUpdate, EndSynchronizedUpdate},
};
use ratatui::{Frame, Terminal, backend::CrosstermBackend};
use rustix::process::{self, getpid, kill_process};
use tokio::signal::unix::{self, SignalKind, signal};

use super::painter::{self, Painter};
use crate::domain::alert::Way;

/// Whether the terminal is ours just now; whoever turns it off restores.
static TAKEN: AtomicBool = AtomicBool::new(false);
static HOOK: Once = Once::new();

/// The terminal in raw mode on its other screen, until it is dropped.
pub(super) struct Guard {
    terminal: Terminal<CrosstermBackend<Page>>,
    /// Where the terminal's writer puts a frame.
    page: Page,
    /// The frame before. One with the same bytes changes nothing: it is cells that differ from those on the screen.
    last: Vec<u8>,
    /// Whether it reports the mouse, or keeps it for its own selection of text.
    mouse: bool,
    painter: Painter,
}

impl Guard {
    pub(super) fn take() -> io::Result<Self> {
        HOOK.call_once(install_hook);
        // Under NO_COLOR crossterm also drops bold and reverse; the theme without colours needs them.
        style::force_color_output(true);
        let painter = Painter::start()?;
        let page = Page::default();
        enter().inspect_err(|_| restore())?;
        let terminal = Terminal::new(CrosstermBackend::new(page.clone())).inspect_err(|_| restore())?;
        Ok(Self { terminal, page, last: Vec::new(), mouse: false, painter })
    }

    /// Draws one frame, which the terminal shows at once. The answer: whether there is anything to paint.
    pub(super) fn draw(&mut self, render: impl FnOnce(&mut Frame<'_>)) -> io::Result<bool> {
        queue!(self.page, BeginSynchronizedUpdate)?;
        self.terminal.draw(render)?;
        queue!(self.page, EndSynchronizedUpdate)?;
        let frame = self.page.take();
        if frame == self.last {
            return Ok(false);
        }
        self.last.clone_from(&frame);
        self.painter.paint(frame);
        Ok(true)
    }

    /// See [`Painter::painted`].
    pub(super) async fn painted(&mut self) -> io::Result<()> {
        self.painter.painted().await
    }

    /// Puts a text on the clipboard with the next frame, if the terminal takes such wishes; it gives no answer.
    pub(super) fn copy(&mut self, text: &str) -> io::Result<()> {
        queue!(self.page, CopyToClipboard::to_clipboard_from(text))
    }

    /// Lets the terminal report the mouse from the next frame on, or not.
    pub(super) fn report_mouse(&mut self, on: bool) -> io::Result<()> {
        match (self.mouse, on) {
            (false, true) => queue!(self.page, event::EnableMouseCapture)?,
            (true, false) => queue!(self.page, event::DisableMouseCapture)?,
            _ => {}
        }
        self.mouse = on;
        Ok(())
    }

    /// Calls the person with the next frame, which is painted though it may be as the last one was.
    pub(super) fn call(&mut self, calling: &str) -> io::Result<()> {
        self.last.clear();
        self.page.write_all(calling.as_bytes())
    }

    pub(super) fn obey(&mut self, signal: Signal) -> io::Result<()> {
        match signal {
            Signal::Resized => Ok(()),
            Signal::Stop => {
                restore();
                // What the signal would have done by itself.
                Ok(kill_process(getpid(), process::Signal::STOP)?)
            }
            Signal::Continued => self.take_again(),
        }
    }

    /// Somebody else may have had the terminal meanwhile: nothing is known of what it shows.
    fn take_again(&mut self) -> io::Result<()> {
        restore();
        enter()?;
        self.terminal = Terminal::new(CrosstermBackend::new(self.page.clone()))?;
        self.last.clear();
        self.mouse = false;
        Ok(())
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        restore();
    }
}

/// What is written in between two frames.
#[derive(Debug, Clone, Default)]
struct Page(Rc<RefCell<Vec<u8>>>);

impl Page {
    fn take(&self) -> Vec<u8> {
        mem::take(&mut self.0.borrow_mut())
    }
}

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What the system says of the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signal {
    Resized,
    /// The program is to stand still, and others are to have the terminal.
    Stop,
    /// It goes on, on a terminal that others had.
    Continued,
}

#[derive(Debug)]
pub(super) struct Signals {
    resized: unix::Signal,
    stop: unix::Signal,
    continued: unix::Signal,
}

impl Signals {
    pub(super) fn listen() -> io::Result<Self> {
        let number = |signal: process::Signal| SignalKind::from_raw(signal.as_raw());
        Ok(Self {
            resized: signal(SignalKind::window_change())?,
            stop: signal(number(process::Signal::TSTP))?,
            continued: signal(number(process::Signal::CONT))?,
        })
    }

    /// Cancel safe.
    pub(super) async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.resized.recv() => Signal::Resized,
            _ = self.stop.recv() => Signal::Stop,
            _ = self.continued.recv() => Signal::Continued,
        }
    }
}

fn enter() -> io::Result<()> {
    TAKEN.store(true, Ordering::SeqCst);
    raw::enable_raw_mode()?;
    // Pasted text must not be taken for keys.
    execute!(io::stdout(), raw::EnterAlternateScreen, event::EnableBracketedPaste, cursor::Hide)?;
    // Not ratatui's `clear`, which asks where the cursor is: nothing may depend on a terminal's answer.
    execute!(io::stdout(), raw::Clear(raw::ClearType::All))
}

/// The bell; before it, where that is meant, a notification (OSC 9), which terminals pass over that know none. `text` has no
/// control characters.
pub(crate) fn calling(way: Way, text: &str) -> String {
    let notification = if way == Way::Terminal { format!("\x1b]9;kmi-tui: {text}\x1b\\") } else { String::new() };
    format!("{notification}\x07")
}

/// Whether drawing failed because the terminal went away.
pub(super) fn is_hangup(fault: &io::Error) -> bool {
    fault.kind() == io::ErrorKind::BrokenPipe || fault.raw_os_error() == Some(rustix::io::Errno::IO.raw_os_error())
}

/// Gives the terminal back. Faults are nobody's business any more: it may be gone.
fn restore() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    if !painter::is_settled() {
        // It takes nothing, and would hold up whoever writes.
        let _ = raw::disable_raw_mode();
        return;
    }
    let mut out = io::stdout();
    // Paste and mouse are turned off while still raw, so that no answer of the terminal is echoed.
    let _ = execute!(out, EndSynchronizedUpdate, event::DisableMouseCapture, event::DisableBracketedPaste);
    let _ = execute!(out, raw::LeaveAlternateScreen, cursor::Show);
    let _ = raw::disable_raw_mode();
    let _ = out.flush();
}

/// A panic here gives the terminal back before its message is printed. One in another thread must not paint
/// over a dashboard that lives on: it goes to the log.
fn install_hook() {
    let screen = thread::current().id();
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if TAKEN.load(Ordering::SeqCst) && thread::current().id() != screen {
            let place = info.location().map(ToString::to_string).unwrap_or_default();
            tracing::error!(place, "panic: {}", info.payload_as_str().unwrap_or("?"));
            return;
        }
        restore();
        before(info);
    }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::alert::told;

    #[test]
    fn a_call_is_a_bell_and_a_text_that_commands_nothing() {
        assert_eq!(calling(Way::Bell, "beta is blocked"), "\x07");
        let text = told(["--help \x1b]0;title\x07".to_owned(), "beta".to_owned()].into_iter());
        let called = calling(Way::Terminal, &text);
        assert!(called.starts_with("\x1b]9;kmi-tui: help ") && called.ends_with("beta\x1b\\\x07"), "{called:?}");
        assert_eq!(called.matches('\x1b').count(), 2, "{called:?}");
    }
}
