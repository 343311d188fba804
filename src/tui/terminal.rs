//! The terminal while the dashboard has it: taken once, given back once, whatever ends the program. Not its events.

use std::{
    io::{self, Stdout, Write as _},
    mem::ManuallyDrop,
    panic,
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

/// Whether the terminal is ours just now; whoever turns it off restores.
static TAKEN: AtomicBool = AtomicBool::new(false);
static HOOK: Once = Once::new();

/// The terminal in raw mode on its other screen, until it is dropped.
pub(super) struct Guard {
    /// Never dropped: its own drop writes to the terminal and panics when that has hung up. `restore` does the work.
    terminal: ManuallyDrop<Terminal<CrosstermBackend<Stdout>>>,
}

impl Guard {
    pub(super) fn take() -> io::Result<Self> {
        HOOK.call_once(install_hook);
        // Under NO_COLOR crossterm also drops bold and reverse; the theme without colours needs them.
        style::force_color_output(true);
        TAKEN.store(true, Ordering::SeqCst);
        Self::prepare().inspect_err(|_| restore())
    }

    fn prepare() -> io::Result<Self> {
        raw::enable_raw_mode()?;
        // Pasted text must not be taken for keys.
        execute!(io::stdout(), raw::EnterAlternateScreen, event::EnableBracketedPaste, cursor::Hide)?;
        // Not ratatui's `clear`, which asks where the cursor is: nothing may depend on a terminal's answer.
        execute!(io::stdout(), raw::Clear(raw::ClearType::All))?;
        Ok(Self { terminal: ManuallyDrop::new(Terminal::new(CrosstermBackend::new(io::stdout()))?) })
    }

    /// Draws one frame, which the terminal shows at once.
    pub(super) fn draw(&mut self, render: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        queue!(io::stdout(), BeginSynchronizedUpdate)?;
        let drawn = self.terminal.draw(render).map(|_| ());
        let ended = execute!(io::stdout(), EndSynchronizedUpdate);
        drawn.and(ended)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        restore();
    }
}

/// Puts a text on the clipboard, if the terminal takes such wishes; it gives no answer. A terminal that is gone is
/// noticed when the next frame is drawn.
pub(super) fn copy(text: &str) {
    if TAKEN.load(Ordering::SeqCst) {
        let _ = execute!(io::stdout(), CopyToClipboard::to_clipboard_from(text));
    }
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
    let mut out = io::stdout();
    // Paste is turned off while still raw, so that no answer of the terminal is echoed.
    let _ = execute!(out, EndSynchronizedUpdate, event::DisableBracketedPaste, raw::LeaveAlternateScreen, cursor::Show);
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
