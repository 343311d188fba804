//! Dialogs with fields: what is typed into them, and how they look. What each asks for is its kind's (`block`, `add_key`).

use ratatui::{
    Frame,
    layout::{Position, Rect},
    text::{Line, Span},
};
use tui_input::InputRequest;

use super::{add_key, block, popup};
use crate::{
    domain::{key::Label, message::Message},
    tui::{
        app::Effect,
        field::Field,
        format::{width, wrap},
        view::View,
    },
};

/// Width of the dialog.
const WIDTH: u16 = 58;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    Block(Label),
    AddKey,
}

/// What has been typed so far.
#[derive(Debug, Clone)]
pub(crate) struct Form {
    pub(crate) kind: Kind,
    pub(super) fields: [Field; 2],
    at: usize,
    note: Note,
}

/// What stands under the fields.
#[derive(Debug, Clone, PartialEq)]
enum Note {
    Hint,
    /// Why it can't be done so.
    Fault(Message),
    /// It is being done, and nothing can be typed.
    Waiting,
}

/// A dialog's words, as Fluent ids.
struct Words {
    title: Message,
    fields: [&'static str; 2],
    hint: &'static str,
    waiting: &'static str,
    foot: &'static str,
}

impl Form {
    pub(crate) fn block(label: Label) -> Self {
        Self::new(Kind::Block(label), [Field::open(), Field::open()])
    }

    pub(crate) fn add_key() -> Self {
        Self::new(Kind::AddKey, [Field::open(), Field::hidden()])
    }

    const fn new(kind: Kind, fields: [Field; 2]) -> Self {
        Self { kind, fields, at: 0, note: Note::Hint }
    }

    pub(crate) const fn next_field(&mut self) {
        self.at = (self.at + 1) % self.fields.len();
    }

    pub(crate) fn edit(&mut self, request: InputRequest) {
        if self.note != Note::Waiting && self.fields[self.at].edit(request) {
            self.note = Note::Hint;
        }
    }

    pub(crate) fn paste(&mut self, text: &str) {
        if self.note != Note::Waiting && self.fields[self.at].paste(text) {
            self.note = Note::Hint;
        }
    }

    /// What is to be done; else the fault is shown in the dialog, and nothing that was typed is lost.
    pub(crate) fn submit(&mut self) -> Option<Effect> {
        let wish = match (&self.note, &self.kind) {
            (Note::Waiting, _) => return None,
            (_, Kind::Block(label)) => block::wish(label, &self.fields),
            (_, Kind::AddKey) => add_key::wish(&self.fields),
        };
        match wish {
            Ok(effect) => {
                self.note = Note::Waiting;
                Some(effect)
            }
            Err((at, fault)) => {
                self.at = at;
                self.fail(fault);
                None
            }
        }
    }

    pub(crate) fn fail(&mut self, fault: Message) {
        self.note = Note::Fault(fault);
    }

    fn words(&self) -> Words {
        match &self.kind {
            Kind::Block(label) => Words {
                title: Message::new("block-title").with("label", label),
                fields: ["block-span", "block-reason"],
                hint: "block-hint",
                waiting: "block-hint",
                foot: "foot-dialog",
            },
            Kind::AddKey => Words {
                title: Message::new("new-key-title"),
                fields: ["new-key-label", "new-key-secret"],
                hint: "new-key-hint",
                waiting: "new-key-waiting",
                foot: "foot-add",
            },
        }
    }
}

/// Draws the dialog with the cursor in its field.
pub(crate) fn draw(frame: &mut Frame<'_>, area: Rect, view: &View<'_>, form: &Form) {
    let words = form.words();
    let room = usize::from(WIDTH.min(area.width).saturating_sub(4));
    let names = words.fields.map(|id| view.text(id));
    let indent = names.iter().map(|name| width(name)).max().unwrap_or_default() + 2;
    let wide = room.saturating_sub(indent);
    let mut lines = vec![Line::raw("")];
    for (at, (name, field)) in names.iter().zip(&form.fields).enumerate() {
        lines.extend([field_line(view, name, field, at == form.at, indent, wide), Line::raw("")]);
    }
    let (text, style) = match &form.note {
        Note::Fault(fault) => (view.say(fault), view.theme.bad),
        Note::Hint => (view.text(words.hint), view.theme.dim),
        Note::Waiting => (view.text(words.waiting), view.theme.accent),
    };
    lines.extend(wrap(&text, room).into_iter().map(|text| Line::styled(text, style)));
    let inside = popup(frame, area, view, &view.say(&words.title), &view.text(words.foot), WIDTH, lines).inside;
    place_cursor(frame, inside, form, view, (indent, wide));
}

fn field_line(view: &View<'_>, name: &str, field: &Field, focused: bool, indent: usize, room: usize) -> Line<'static> {
    let (shown, _) = field.visible(room, view.glyphs.hidden);
    let blank = " ".repeat(room.saturating_sub(width(&shown)));
    let name_style = if focused { view.theme.accent } else { view.theme.dim };
    Line::from(vec![
        Span::styled(format!("{name}{}", " ".repeat(indent.saturating_sub(width(name)))), name_style),
        Span::styled(format!("{shown}{blank}"), view.theme.selected),
    ])
}

fn place_cursor(frame: &mut Frame<'_>, inside: Rect, form: &Form, view: &View<'_>, (indent, room): (usize, usize)) {
    let column = indent + form.fields[form.at].visible(room, view.glyphs.hidden).1;
    let column = u16::try_from(column).unwrap_or(u16::MAX);
    // A blank line stands before each field.
    let row = u16::try_from(1 + 2 * form.at).unwrap_or(u16::MAX);
    let position = Position::new(inside.x.saturating_add(column), inside.y.saturating_add(row));
    if inside.contains(position) {
        frame.set_cursor_position(position);
    }
}
