//! The dashboard on a terminal that nobody sees: what is measured of it. Not the loop around it, nor what is shown.

use std::{
    fmt,
    io::{self, Sink},
    sync::Arc,
};

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use jiff::tz::TimeZone;
use ratatui::{Terminal, TerminalOptions, Viewport, backend::CrosstermBackend, layout::Rect};
use tokio::sync::{broadcast, mpsc, watch};

use super::{
    Dashboard, FRAME, Feed, Keymap, Look, Motion,
    action::Action,
    screen,
    theme::{Depth, Themes},
};
use crate::{
    domain::{snapshot::Snapshot, trace::TraceRecord},
    i18n::{Locale, Words},
};

/// A dashboard that is fed by hand.
pub(crate) struct Stage {
    dashboard: Dashboard,
    terminal: Terminal<CrosstermBackend<Sink>>,
}

impl Stage {
    pub(crate) fn new(locale: Locale, (columns, rows): (u16, u16), snapshot: &Arc<Snapshot>) -> Self {
        let feed = Feed {
            snapshots: watch::channel(snapshot.clone()).1,
            history: Vec::new(),
            records: broadcast::channel(1).1,
            missed: mpsc::unbounded_channel().1,
            commands: mpsc::unbounded_channel().0,
            errands: mpsc::unbounded_channel().0,
            answers: mpsc::unbounded_channel().1,
            background: Arc::default(),
        };
        let themes = Themes::new(Depth::True, &[]).0;
        let motion = Motion { frame: FRAME, reduced: false };
        let call = Default::default();
        let look = Look { themes, keymap: Keymap::default(), faults: Vec::new(), motion, ascii: false, call };
        let viewport = Viewport::Fixed(Rect::new(0, 0, columns, rows));
        let terminal = match Terminal::with_options(CrosstermBackend::new(io::sink()), TerminalOptions { viewport }) {
            Ok(terminal) => terminal,
            Err(never) => unreachable!("a sink takes all: {never}"),
        };
        Self { dashboard: Dashboard::new(feed, Words::new(locale, TimeZone::UTC), look), terminal }
    }

    pub(crate) fn snapshot(&mut self, snapshot: &Arc<Snapshot>) {
        self.dashboard.snapshot = snapshot.clone();
        self.dashboard.act(Action::Snapshot);
    }

    pub(crate) fn record(&mut self, record: Arc<TraceRecord>) {
        self.dashboard.act(Action::Record(record));
    }

    pub(crate) fn press(&mut self, letter: char) {
        let code = if letter == '\u{1b}' { KeyCode::Esc } else { KeyCode::Char(letter) };
        let event = Event::Key(KeyEvent::new(code, KeyModifiers::NONE));
        if let Some(action) = self.dashboard.app.keymap.action(&event, self.dashboard.app.context()) {
            self.dashboard.act(action);
        }
    }

    /// Draws, and writes what changed.
    pub(crate) fn frame(&mut self) {
        let view = self.dashboard.view();
        let drawn = self.terminal.draw(|frame| {
            screen::draw(frame, &view);
        });
        debug_assert!(drawn.is_ok(), "a sink takes all");
    }
}

impl fmt::Debug for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stage").field("words", &self.dashboard.words).finish_non_exhaustive()
    }
}
