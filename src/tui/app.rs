//! The dashboard's own state and the one function that changes it. No IO, no clock, no drawing; what the engine knows
//! is in the snapshot, never here.

use std::sync::Arc;

use tui_input::InputRequest;

use super::{
    action::{self, Action, Context, Verb},
    copy::Copied,
    errand::Errand,
    field,
    filter_line::FilterLine,
    findings::{self, Named, findings},
    key_sort::Sort,
    keymap::{Keymap, spelled, with_control},
    layout::Pane,
    mouse::Spot,
    overlay::{
        confirm::Confirm,
        form::Form,
        palette::Palette,
        pick_key::PickKey,
        sheet::{Sheet, Topic},
    },
    toast::Toasts,
    trace_list::TraceList,
    undo::Undo,
};
use crate::domain::{
    command::{Command, Severity},
    filter::Filter,
    key::Label,
    message::Message,
    snapshot::{KeyView, Link, Remedy, Snapshot},
    trace::TraceRecord,
};

/// What a person looks at.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) focus: Pane,
    pub(crate) zoomed: bool,
    pub(crate) overlay: Option<Overlay>,
    pub(crate) trace: TraceList,
    pub(crate) toasts: Toasts,
    pub(crate) sort: Sort,
    pub(crate) keymap: Keymap,
    pub(crate) undo: Undo,
    /// What the last drawing found out.
    pub(crate) extent: Extent,
    pub(crate) spots: Vec<Spot>,
    /// Whether the terminal is to report the mouse, from the next frame on.
    pub(crate) mouse: bool,
    /// One selection for all panes that list keys; `None` is the active key.
    pub(super) key: Option<Label>,
    /// The selected finding; `None` is the first.
    pub(super) finding: Option<findings::Name>,
}

/// What takes the keys before the panes do: most of it lies over them.
#[derive(Debug, Clone)]
pub(crate) enum Overlay {
    Sheet(Sheet),
    Palette(Palette),
    Details {
        subject: Subject,
        scroll: usize,
    },
    Form(Form),
    Confirm(Confirm),
    PickKey(PickKey),
    /// In the trace pane itself.
    Filter(FilterLine),
    Quit {
        waiting: bool,
    },
}

/// What details are about.
#[derive(Debug, Clone)]
pub(crate) enum Subject {
    Key(Label),
    Request(Arc<TraceRecord>),
    /// By its id: it goes on, and ends.
    Running(String),
    Finding(Named),
}

/// Sizes that only drawing knows, for paging and scrolling.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Extent {
    /// Rows of the focused pane, or of what is read over it.
    pub(crate) page: usize,
    /// How far the sheet or the details can be scrolled.
    pub(crate) scroll: usize,
}

/// What the loop is to do.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Effect {
    Send(Command),
    Errand(Errand),
    SwitchLanguage,
    SwitchTheme,
    /// Its entries are words, which only the loop has.
    OpenPalette,
    /// To the clipboard.
    Copy(String),
    /// The screen as it is, to files.
    KeepScreen,
    Leave,
    /// To leave, and to become the demo.
    Demo,
    /// A proxy in the background is to take over; when it does, the dashboard is told to stop.
    Background,
}

/// Changes the state by what happened.
pub(crate) fn update(app: &mut App, action: Action, snapshot: &Snapshot) -> Vec<Effect> {
    match action {
        Action::Run(verb) => return app.run(verb, snapshot),
        Action::Edit(request) => app.edit(request),
        Action::Paste(text) => app.paste(&text),
        Action::Pointed(gesture, at) => app.pointed(gesture, at, snapshot),
        Action::Answer(answer) => app.answered(answer),
        Action::Snapshot => return app.look(snapshot),
        Action::Record(record) => app.trace.push(record),
        Action::Missed(count) => app.trace.miss(count),
        Action::Tick(now) => app.toasts.tick(now),
    }
    Vec::new()
}

impl App {
    pub(crate) fn new(history: Vec<Arc<TraceRecord>>) -> Self {
        Self {
            focus: Pane::Keys,
            zoomed: false,
            overlay: None,
            trace: TraceList::new(history),
            toasts: Toasts::default(),
            sort: Sort::default(),
            keymap: Keymap::default(),
            undo: Undo::default(),
            extent: Extent::default(),
            spots: Vec::new(),
            mouse: false,
            key: None,
            finding: None,
        }
    }

    pub(crate) const fn context(&self) -> Context {
        Context::of(self.overlay.as_ref())
    }

    /// The selected key: by label, else the active one, else the first.
    pub(crate) fn selected_key<'a>(&self, snapshot: &'a Snapshot) -> Option<&'a KeyView> {
        snapshot.keys.get(self.key_row(snapshot))
    }

    pub(crate) fn key_row(&self, snapshot: &Snapshot) -> usize {
        let by_label = |key: &KeyView| self.key.as_ref() == Some(&key.label);
        let keys = &snapshot.keys;
        keys.iter().position(by_label).or_else(|| keys.iter().position(|key| key.active)).unwrap_or_default()
    }

    /// Where the selected key stands in the keys pane.
    pub(crate) fn key_line(&self, snapshot: &Snapshot) -> usize {
        let row = self.key_row(snapshot);
        self.sort.order(&snapshot.keys).iter().position(|key| *key == row).unwrap_or_default()
    }

    /// The selected finding among `findings(snapshot)`.
    pub(crate) fn finding_row(&self, snapshot: &Snapshot) -> usize {
        let name = self.finding.as_ref();
        name.and_then(|name| findings::row_of(&findings(snapshot), name)).unwrap_or_default()
    }

    /// What Enter would show.
    pub(crate) fn subject(&self, snapshot: &Snapshot) -> Option<Subject> {
        match self.focus {
            Pane::Keys | Pane::Quota | Pane::Limits => {
                self.selected_key(snapshot).map(|key| Subject::Key(key.label.clone()))
            }
            Pane::Trace => self.request(snapshot).map(|request| request.subject()),
            Pane::Doctor => {
                let row = self.finding_row(snapshot);
                findings::named(&findings(snapshot), row).map(Subject::Finding)
            }
        }
    }

    /// What would be copied of the selected row.
    pub(crate) fn copied(&self, snapshot: &Snapshot) -> Option<Copied> {
        match self.focus {
            Pane::Keys | Pane::Quota | Pane::Limits => {
                self.selected_key(snapshot).map(|key| Copied::label(key.label.as_str()))
            }
            Pane::Trace => self.request(snapshot).map(|request| Copied::request_id(&request.record())),
            Pane::Doctor => None,
        }
    }

    /// What the program could do about the selected finding.
    pub(crate) fn remedy(&self, snapshot: &Snapshot) -> Option<Remedy> {
        findings(snapshot).get(self.finding_row(snapshot)).filter(|_| self.focus == Pane::Doctor)?.remedy
    }

    fn curl(&self, snapshot: &Snapshot) -> Option<Copied> {
        self.request(snapshot).map(|request| Copied::curl(&request.record(), &snapshot.setup))
    }

    fn run(&mut self, verb: Verb, snapshot: &Snapshot) -> Vec<Effect> {
        let enabled = action::find(verb).map_or(Ok(()), |row| (row.enabled)(self, snapshot));
        if let Err(reason) = enabled {
            self.toasts.say(Severity::Warn, reason);
            return Vec::new();
        }
        if let Some(command) = self.command(verb, snapshot) {
            return self.send(Effect::Send(command), snapshot);
        }
        match verb {
            Verb::Block => self.open_block(snapshot),
            Verb::AddKey => self.overlay = Some(Overlay::Form(Form::add_key())),
            Verb::ImportKeys => self.ask_to_import(),
            Verb::Demo => return vec![Effect::Demo],
            Verb::SwitchKey => return self.switch_key(snapshot),
            Verb::Fix => self.ask_to_fix(snapshot),
            Verb::Cancel => self.ask_to_cancel(snapshot),
            Verb::SendTo => self.ask_where_to(snapshot),
            Verb::SendHere => return self.send_here(snapshot),
            Verb::Confirm => return self.confirmed(),
            Verb::KeepScreen => return vec![Effect::KeepScreen],
            Verb::Submit => return self.submit(snapshot),
            Verb::Undo => return self.undo.take().into_iter().collect(),
            Verb::NextField => self.in_form(Form::next_field),
            Verb::Pause => self.trace.toggle_pause(),
            Verb::Filter => self.open_filter_line(),
            Verb::Palette => return vec![Effect::OpenPalette],
            Verb::RunChosen => return self.run_chosen(snapshot),
            Verb::Copy => return self.copy(self.copied(snapshot)),
            Verb::CopyRow => return self.copy(self.request(snapshot).map(|request| Copied::row(&request.record()))),
            Verb::CopyCurl => return self.copy(self.curl(snapshot)),
            Verb::Jump => self.jump(snapshot),
            Verb::Sort => self.sort = self.sort.next(),
            Verb::KeepFilter => self.leave_filter_line(true),
            Verb::ClearFilter => self.leave_filter_line(false),
            Verb::Details => self.open_details(snapshot),
            Verb::Zoom => self.zoomed = !self.zoomed,
            Verb::Language => return vec![Effect::SwitchLanguage],
            Verb::Theme => return vec![Effect::SwitchTheme],
            Verb::Mouse => self.switch_mouse(),
            Verb::Help => self.toggle_sheet(Topic::Help),
            Verb::Settings => self.toggle_sheet(Topic::Settings),
            Verb::Tokens => self.toggle_sheet(Topic::Tokens),
            Verb::Quit => return self.quit(snapshot),
            Verb::Wait => self.overlay = Some(Overlay::Quit { waiting: true }),
            Verb::StopNow => return vec![Effect::Leave],
            Verb::Background => {
                self.overlay = None;
                return vec![Effect::Background];
            }
            Verb::Close => self.close(),
            Verb::Focus(pane) => self.focus = pane,
            Verb::NextPane => self.focus = self.focus.after(1),
            Verb::PreviousPane => self.focus = self.focus.after(Pane::ALL.len() - 1),
            _ => self.go(verb, snapshot),
        }
        Vec::new()
    }

    /// The command that a verb is, for those that are one.
    fn command(&mut self, verb: Verb, snapshot: &Snapshot) -> Option<Command> {
        let label = || self.selected_key(snapshot).map(|key| key.label.clone());
        match verb {
            Verb::Rotate => Some(Command::Rotate),
            Verb::RotateTo => label().map(Command::RotateTo),
            Verb::AutoRotate => Some(Command::AutoRotate(!snapshot.auto_rotate)),
            Verb::Unblock => label().map(Command::Unblock),
            Verb::RefreshHealth => Some(Command::RefreshHealth),
            Verb::Doctor => {
                self.focus = Pane::Doctor;
                Some(Command::RunDoctor)
            }
            _ => None,
        }
    }

    /// Moves the selection, or scrolls what is read.
    pub(super) fn go(&mut self, verb: Verb, snapshot: &Snapshot) {
        let Extent { page, scroll: most } = self.extent;
        let page = page.saturating_sub(1).max(1);
        match &mut self.overlay {
            Some(Overlay::Sheet(Sheet { scroll, .. }) | Overlay::Details { scroll, .. }) => {
                *scroll = step(verb, *scroll, most + 1, page);
                return;
            }
            Some(Overlay::Palette(palette)) => {
                palette.row = step(verb, palette.row, palette.len(), page);
                return;
            }
            Some(Overlay::PickKey(pick)) => {
                pick.row = step(verb, pick.row, pick.labels(snapshot).len(), page);
                return;
            }
            _ => {}
        }
        match self.focus {
            Pane::Trace if verb == Verb::Home => self.trace.follow(),
            pane => {
                let count = match pane {
                    Pane::Trace => self.running(snapshot).len() + self.trace.shown().len(),
                    Pane::Doctor => findings(snapshot).len(),
                    Pane::Keys | Pane::Quota | Pane::Limits => snapshot.keys.len(),
                };
                self.select(step(verb, self.row(snapshot), count, page), snapshot);
            }
        }
    }

    fn copy(&mut self, copied: Option<Copied>) -> Vec<Effect> {
        let Some(Copied { text, said }) = copied else { return Vec::new() };
        self.toasts.say(Severity::Ok, said);
        vec![Effect::Copy(text)]
    }

    /// From a key to its requests, from a request to its key.
    fn jump(&mut self, snapshot: &Snapshot) {
        if self.focus == Pane::Trace {
            self.key = self.request(snapshot).and_then(|request| request.record().key.clone());
            self.focus = Pane::Keys;
        } else if let Some(key) = self.selected_key(snapshot)
            && let Ok(filter) = Filter::of("key", &[key.label.as_str()])
        {
            let line = filter.to_string();
            self.trace.filter(filter, &line);
            self.focus = Pane::Trace;
        }
    }

    /// Types into the field that is open.
    fn edit(&mut self, request: InputRequest) {
        match &mut self.overlay {
            Some(Overlay::Form(form)) => form.edit(request),
            Some(Overlay::Palette(palette)) => palette.edit(request),
            Some(Overlay::Sheet(sheet)) => sheet.edit(request),
            Some(Overlay::Filter(line)) => {
                if let Some((filter, line)) = line.edit(request) {
                    self.trace.filter(filter, line);
                }
            }
            _ => {}
        }
    }

    fn paste(&mut self, text: &str) {
        match &mut self.overlay {
            Some(Overlay::Form(form)) => form.paste(text),
            _ => field::pasted(text).chars().for_each(|letter| self.edit(InputRequest::InsertChar(letter))),
        }
    }

    /// On a sheet for a search, else in the trace pane.
    fn open_filter_line(&mut self) {
        match &mut self.overlay {
            Some(Overlay::Sheet(sheet)) => sheet.typing = true,
            Some(_) => {}
            None => {
                self.focus = Pane::Trace;
                self.overlay = Some(Overlay::Filter(FilterLine::new(self.trace.line())));
            }
        }
    }

    fn leave_filter_line(&mut self, keep: bool) {
        match &mut self.overlay {
            Some(Overlay::Sheet(sheet)) => sheet.leave(keep),
            Some(Overlay::Filter(_)) => {
                self.overlay = None;
                if !keep {
                    self.trace.filter(Filter::default(), "");
                }
            }
            _ => {}
        }
    }

    /// What was chosen in the palette, which closes.
    fn run_chosen(&mut self, snapshot: &Snapshot) -> Vec<Effect> {
        let Some(Overlay::Palette(palette)) = &self.overlay else { return Vec::new() };
        let Some(verb) = palette.chosen() else { return Vec::new() };
        self.overlay = None;
        self.run(verb, snapshot)
    }

    pub(super) fn open_details(&mut self, snapshot: &Snapshot) {
        self.overlay = self.subject(snapshot).map(|subject| Overlay::Details { subject, scroll: 0 });
    }

    fn toggle_sheet(&mut self, topic: Topic) {
        self.overlay = match &self.overlay {
            Some(Overlay::Sheet(sheet)) if sheet.topic == topic => None,
            _ => Some(Overlay::Sheet(Sheet::new(topic))),
        };
    }

    /// Closes what is on top; with nothing open, the filter of the trace that has the focus, else the zoom and the toasts.
    fn close(&mut self) {
        if self.overlay.take().is_some() {
            return;
        }
        if self.focus == Pane::Trace && !self.trace.line().is_empty() {
            self.trace.filter(Filter::default(), "");
        } else {
            self.zoomed = false;
            self.toasts.clear();
        }
    }

    fn quit(&mut self, snapshot: &Snapshot) -> Vec<Effect> {
        // The proxy of an attached dashboard goes on without it.
        if snapshot.traffic.in_flight == 0 || snapshot.link != Link::Own {
            return vec![Effect::Leave];
        }
        self.overlay = Some(Overlay::Quit { waiting: false });
        Vec::new()
    }

    /// An answer with how to take back what it tells, where that can be.
    pub(super) fn undo_hint(&self, said: &Message) -> Option<Message> {
        let key = action::find(Verb::Undo).and_then(|row| self.keymap.keys(row).first())?;
        let offered = self.undo.is_offered(&said.id);
        let name = with_control(*key).unwrap_or_else(|| spelled(*key));
        offered.then(|| Message::new("toast-undo").with("said", said.clone()).with("key", name))
    }

    /// Shows what is new among the notices.
    fn quote(&mut self, snapshot: &Snapshot) {
        for notice in self.toasts.unseen(&snapshot.notices) {
            let said = self.undo_hint(&notice.message).unwrap_or_else(|| notice.message.clone());
            self.toasts.say(notice.severity, said);
        }
    }

    fn look(&mut self, snapshot: &Snapshot) -> Vec<Effect> {
        self.quote(snapshot);
        match self.overlay {
            Some(Overlay::Quit { waiting: true }) if snapshot.traffic.in_flight == 0 => vec![Effect::Leave],
            _ => Vec::new(),
        }
    }
}

fn step(verb: Verb, at: usize, count: usize, page: usize) -> usize {
    let last = count.saturating_sub(1);
    let to = match verb {
        Verb::Up => at.saturating_sub(1),
        Verb::Down => at.saturating_add(1),
        Verb::PageUp => at.saturating_sub(page),
        Verb::PageDown => at.saturating_add(page),
        Verb::Home => 0,
        Verb::End => last,
        _ => at,
    };
    to.min(last)
}
