//! The dashboard. It sees snapshots, trace records, commands and words; never the proxy, the store or the upstream.
//!
//! A key press goes `terminal event → keymap → Action → app::update → Effect`, and the next snapshot shows what came of it.

mod accounts;
mod action;
mod app;
mod caller;
mod columns;
mod copy;
mod countdown;
mod dialogs;
pub(crate) mod errand;
pub(crate) mod export;
mod field;
mod filter_line;
mod findings;
mod footer;
pub(crate) mod format;
mod glyphs;
mod header;
mod key_sort;
mod keymap;
mod layout;
mod mouse;
mod overlay;
mod own_toml;
mod painter;
mod panes;
mod possible;
mod reader;
mod requests;
mod runway;
mod screen;
pub(crate) mod stage;
mod terminal;
pub(crate) mod theme;
mod toast;
mod trace_list;
mod undo;
mod view;
pub(crate) mod wording;

#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod storm_tests;
#[cfg(test)]
mod terminal_tests;
#[cfg(test)]
mod tests;

use std::{io, pin::pin, sync::Arc, time::Duration};

use crossterm::event::Event;
use ratatui::{Frame, Terminal, backend::TestBackend, buffer::Buffer};
use tokio::{
    sync::{
        Notify,
        broadcast::{
            self,
            error::{RecvError, TryRecvError},
        },
        mpsc, watch,
    },
    time::{Instant, sleep_until},
};

pub(crate) use self::format::{width, wrap};
use self::{
    action::Action,
    app::{App, Effect, Overlay, update},
    caller::Caller,
    errand::{Answer, Errand},
    export::Format,
    glyphs::Glyphs,
    overlay::palette::Palette,
    screen::Shown,
    theme::{Theme, Themes},
    view::View,
};
pub(crate) use self::{format::took, keymap::Keymap, layout::Pane, terminal::calling, wording::window_name};
use crate::{
    domain::{
        alert::Call,
        command::{Command, Severity},
        message::Message,
        now,
        snapshot::Snapshot,
        trace::TraceRecord,
    },
    i18n::Words,
};

/// Shortest time between two frames.
const FRAME: Duration = Duration::from_millis(33);

/// The same while nobody presses a key: news come together, and a screen that is only read need not be quicker.
const NEWS_FRAME: Duration = Duration::from_millis(100);

/// The same where motion is to be reduced.
const CALM: Duration = Duration::from_secs(1);

/// What comes so soon after a key press is its effect.
const ATTENTIVE: Duration = Duration::from_secs(1);

/// How a screen is kept.
const KEPT: [(&str, Format); 3] = [("svg", Format::Svg), ("ansi", Format::Ansi), ("txt", Format::Text)];

/// What the dashboard is fed, and where its wishes go.
#[derive(Debug)]
pub(crate) struct Feed {
    pub(crate) snapshots: watch::Receiver<Arc<Snapshot>>,
    /// Requests from before, oldest first.
    pub(crate) history: Vec<Arc<TraceRecord>>,
    pub(crate) records: broadcast::Receiver<Arc<TraceRecord>>,
    /// How many more there were, which the other side left out.
    pub(crate) missed: mpsc::UnboundedReceiver<u64>,
    pub(crate) commands: mpsc::UnboundedSender<Command>,
    /// What is to be done to files, and what came of it.
    pub(crate) errands: mpsc::UnboundedSender<Errand>,
    pub(crate) answers: mpsc::UnboundedReceiver<Answer>,
    /// Notified when a proxy in the background is to take over.
    pub(crate) background: Arc<Notify>,
}

/// How it may look.
#[derive(Debug, Clone)]
pub(crate) struct Look {
    pub(crate) themes: Themes,
    pub(crate) keymap: Keymap,
    /// What was wrong with the person's own themes and keys.
    pub(crate) faults: Vec<Message>,
    pub(crate) motion: Motion,
    pub(crate) ascii: bool,
    /// How a person is called who looks elsewhere.
    pub(crate) call: Call,
}

/// How much the screen may move by itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Motion {
    /// Shortest time between two frames that nobody asked for.
    pub(crate) frame: Duration,
    pub(crate) reduced: bool,
}

impl Motion {
    /// How long news wait for a frame. `attentive`: they may be the effect of what a person just did.
    fn pause(self, attentive: bool) -> Duration {
        let least = match (attentive, self.reduced) {
            (true, _) => FRAME,
            (false, true) => CALM,
            (false, false) => NEWS_FRAME,
        };
        least.max(self.frame)
    }
}

/// Why the dashboard was left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leave {
    /// A person said so.
    Quit,
    /// The same, and the demo is to be shown instead.
    Demo,
    /// A signal came, or the terminal went away.
    Signal,
}

/// A screen that nobody drives.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shot {
    pub(crate) columns: u16,
    pub(crate) rows: u16,
    pub(crate) pane: Pane,
    pub(crate) zoomed: bool,
}

/// What the dashboard shows of a moment.
pub(crate) fn shot(
    shot: Shot,
    snapshot: &Arc<Snapshot>,
    history: Vec<Arc<TraceRecord>>,
    words: &Words,
    look: &Look,
) -> Buffer {
    let mut app = App::new(history);
    app.keymap = look.keymap.clone();
    update(&mut app, Action::Snapshot, snapshot);
    (app.focus, app.zoomed) = (shot.pane, shot.zoomed);
    // What passes would stand there for ever.
    app.toasts.clear();
    let (theme, glyphs) = (look.themes.theme(), Glyphs::of(look.ascii));
    let view = View { app: &app, snapshot, words, theme: &theme, glyphs: &glyphs, now: snapshot.at };
    drawn(&view, shot.columns, shot.rows)
}

fn drawn(view: &View<'_>, columns: u16, rows: u16) -> Buffer {
    let mut terminal = match Terminal::new(TestBackend::new(columns, rows)) {
        Ok(terminal) => terminal,
        Err(never) => match never {},
    };
    let draw = |frame: &mut Frame<'_>| {
        screen::draw(frame, view);
    };
    match terminal.draw(draw) {
        Ok(drawn) => drawn.buffer.clone(),
        Err(never) => match never {},
    }
}

/// Shows the dashboard until it is left. The terminal is as before when this returns.
pub(crate) async fn run(feed: Feed, words: Words, look: Look, stop: impl Future<Output = ()>) -> io::Result<Leave> {
    let mut events = reader::start()?;
    let mut signals = terminal::Signals::listen()?;
    let mut terminal = terminal::Guard::take()?;
    let mut dashboard = Dashboard::new(feed, words, look);
    let mut stop = pin!(stop);
    loop {
        let happened = tokio::select! {
            () = &mut stop => return Ok(Leave::Signal),
            painted = terminal.painted() => Happened::Painted(painted),
            signal = signals.next() => Happened::Signal(signal),
            happened = dashboard.next(&mut events) => happened,
        };
        match happened {
            Happened::TerminalGone => return Ok(Leave::Signal),
            Happened::Draw => {
                if dashboard.catch_up() {
                    return Ok(Leave::Quit);
                }
                dashboard.draw(&mut terminal)?;
            }
            Happened::Painted(Err(fault)) if terminal::is_hangup(&fault) => return Ok(Leave::Signal),
            Happened::Painted(painted) => {
                dashboard.painting = false;
                painted?;
            }
            Happened::Signal(signal) => {
                terminal.obey(signal)?;
                dashboard.wants_frame(FRAME);
            }
            Happened::Event(event) => {
                if dashboard.press(&event) {
                    return Ok(dashboard.leaving);
                }
            }
            Happened::News(action) => {
                if dashboard.act(action) {
                    return Ok(dashboard.leaving);
                }
            }
        }
    }
}

/// What the loop woke up for.
enum Happened {
    Event(Event),
    News(Action),
    Draw,
    /// The terminal has taken a frame.
    Painted(io::Result<()>),
    Signal(terminal::Signal),
    TerminalGone,
}

/// The loop's own things.
struct Dashboard {
    feed: Feed,
    words: Words,
    themes: Themes,
    /// The chosen one.
    theme: Theme,
    glyphs: Glyphs,
    app: App,
    caller: Caller,
    snapshot: Arc<Snapshot>,
    opened: Instant,
    /// When the snapshot came: the time on the screen is its own plus what passed since.
    arrived: Instant,
    drawn: Instant,
    /// Columns and rows then.
    size: (u16, u16),
    /// When a key was pressed last.
    pressed: Instant,
    /// When to draw, if something changed.
    due: Option<Instant>,
    /// A frame is on its way to the terminal: the next one waits, and shows what came meanwhile.
    painting: bool,
    /// What calls the person with the next frame.
    calling: Option<String>,
    /// To go to the clipboard with the next frame.
    copied: Option<String>,
    motion: Motion,
    /// Why, once it is left.
    leaving: Leave,
    /// Whether the engine's channels are still open.
    snapshots_open: bool,
    records_open: bool,
}

impl Dashboard {
    fn new(mut feed: Feed, words: Words, look: Look) -> Self {
        let now = Instant::now();
        let snapshot = feed.snapshots.borrow_and_update().clone();
        let mut app = App::new(std::mem::take(&mut feed.history));
        app.keymap = look.keymap;
        update(&mut app, Action::Snapshot, &snapshot);
        let (theme, glyphs) = (look.themes.theme(), Glyphs::of(look.ascii));
        app.toasts.say_faults(look.faults);
        let caller = Caller::new(look.call, &snapshot);
        let drawn = now.checked_sub(FRAME).unwrap_or(now);
        Self {
            feed,
            words,
            themes: look.themes,
            theme,
            glyphs,
            app,
            caller,
            snapshot,
            opened: now,
            arrived: now,
            drawn,
            size: (0, 0),
            pressed: now,
            due: Some(now),
            painting: false,
            calling: None,
            copied: None,
            motion: look.motion,
            leaving: Leave::Quit,
            snapshots_open: true,
            records_open: true,
        }
    }

    /// Waits for whatever comes first. Cancel safe: nothing is taken before it is returned. What the engine tells is not
    /// listened to while a frame is due: that will show all of it, and to wake for each would cost more than to draw.
    async fn next(&mut self, events: &mut mpsc::UnboundedReceiver<Event>) -> Happened {
        let wake = self.wake();
        let due = self.due.is_some();
        let wakes = !(self.painting && due);
        let feed = &mut self.feed;
        tokio::select! {
            biased;
            event = events.recv() => event.map_or(Happened::TerminalGone, Happened::Event),
            () = sleep_until(wake), if wakes => match self.due {
                Some(_) => Happened::Draw,
                None => Happened::News(Action::Tick(self.opened.elapsed())),
            },
            changed = feed.snapshots.changed(), if self.snapshots_open && !due => {
                self.snapshots_open = changed.is_ok();
                self.look();
                Happened::News(Action::Snapshot)
            }
            Some(count) = feed.missed.recv() => Happened::News(Action::Missed(count)),
            Some(answer) = feed.answers.recv() => Happened::News(Action::Answer(answer)),
            record = feed.records.recv(), if self.records_open && !due => match record {
                Ok(record) => Happened::News(Action::Record(record)),
                Err(RecvError::Lagged(count)) => Happened::News(Action::Missed(count)),
                Err(RecvError::Closed) => {
                    self.records_open = false;
                    Happened::News(Action::Snapshot)
                }
            },
        }
    }

    /// Takes the newest snapshot. The last one of an engine that has ended is as old as it was.
    fn look(&mut self) {
        self.snapshot = self.feed.snapshots.borrow_and_update().clone();
        if self.snapshots_open {
            self.arrived = Instant::now();
        }
    }

    /// Takes all that came while a frame was due; true when it is to leave.
    fn catch_up(&mut self) -> bool {
        loop {
            let news = match self.feed.records.try_recv() {
                Ok(record) => Action::Record(record),
                Err(TryRecvError::Lagged(count)) => Action::Missed(count),
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            };
            update(&mut self.app, news, &self.snapshot);
        }
        if !self.feed.snapshots.has_changed().unwrap_or(false) {
            return false;
        }
        self.look();
        self.act(Action::Snapshot)
    }

    /// When to act without being asked: the next frame when something changed, else when time alone changes the screen.
    fn wake(&self) -> Instant {
        self.due.unwrap_or_else(|| self.drawn + countdown::stays_true(&self.app, &self.snapshot, self.now()))
    }

    /// Draws so long after the last frame, or sooner when something else is sooner.
    fn wants_frame(&mut self, span: Duration) {
        let due = self.drawn + span;
        self.due = Some(self.due.map_or(due, |other| other.min(due)));
    }

    /// A key, or what else a person does; true when it is to leave.
    fn press(&mut self, event: &Event) -> bool {
        let action = self.app.keymap.action(event, self.app.context());
        if action.is_none() && matches!(event, Event::Mouse(_)) {
            // It only moved.
            return false;
        }
        self.pressed = Instant::now();
        // A resize is no action, but needs a frame.
        self.wants_frame(FRAME);
        action.is_some_and(|action| self.act(action))
    }

    fn now(&self) -> jiff::Timestamp {
        now::add(self.snapshot.at, self.arrived.elapsed())
    }

    /// Does what an action asks for; true when it is to leave.
    fn act(&mut self, action: Action) -> bool {
        if matches!(action, Action::Snapshot) {
            self.calling = self.caller.look(&self.snapshot, &self.words).or(self.calling.take());
        }
        self.wants_frame(self.motion.pause(self.pressed.elapsed() < ATTENTIVE));
        update(&mut self.app, Action::Tick(self.opened.elapsed()), &self.snapshot);
        let mut leaves = false;
        for effect in update(&mut self.app, action, &self.snapshot) {
            match effect {
                // A closed channel means that the engine stops; its last snapshot is still worth looking at.
                Effect::Send(command) => drop(self.feed.commands.send(command)),
                Effect::Errand(errand) => drop(self.feed.errands.send(errand)),
                Effect::KeepScreen => drop(self.feed.errands.send(Errand::KeepScreen(self.pictures()))),
                Effect::SwitchLanguage => self.words = self.words.in_locale(self.words.locale().next()),
                Effect::SwitchTheme => self.switch_theme(),
                Effect::OpenPalette => self.app.overlay = Some(Overlay::Palette(Palette::open(&self.words))),
                Effect::Copy(text) => self.copied = Some(text),
                Effect::Leave => leaves = true,
                Effect::Demo => (self.leaving, leaves) = (Leave::Demo, true),
                Effect::Background => self.feed.background.notify_one(),
            }
        }
        leaves
    }

    fn switch_theme(&mut self) {
        let said = self.themes.next();
        self.theme = self.themes.theme();
        self.app.toasts.say_instead(Severity::Info, said);
    }

    fn view(&self) -> View<'_> {
        View {
            app: &self.app,
            snapshot: &self.snapshot,
            words: &self.words,
            theme: &self.theme,
            glyphs: &self.glyphs,
            now: self.now(),
        }
    }

    /// The screen as it is, by file ending.
    fn pictures(&self) -> Vec<(&'static str, String)> {
        let (columns, rows) = self.size;
        let screen = drawn(&self.view(), columns, rows);
        let page = self.themes.page();
        KEPT.map(|(ending, format)| (ending, export::export(&screen, format, page))).into()
    }

    fn draw(&mut self, terminal: &mut terminal::Guard) -> io::Result<()> {
        if let Some(calling) = self.calling.take() {
            terminal.call(&calling)?;
        }
        if let Some(text) = self.copied.take() {
            terminal.copy(&text)?;
        }
        terminal.report_mouse(self.app.mouse)?;
        let mut shown = Shown::default();
        let mut size = self.size;
        let view = self.view();
        let painting = terminal.draw(|frame| {
            let area = frame.area();
            (shown, size) = (screen::draw(frame, &view), (area.width, area.height));
        })?;
        (self.app.extent, self.app.spots) = (shown.extent, shown.spots);
        (self.size, self.painting) = (size, painting);
        (self.due, self.drawn) = (None, Instant::now());
        Ok(())
    }
}
