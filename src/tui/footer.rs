//! The last line: what the keys do here. All of it comes from the table of `action`.

use crossterm::event::KeyCode;
use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};

use super::{
    action::{self, Chord, Context, Row, TABLE, Verb},
    keymap::with_control,
    layout::Pane,
    view::View,
};

/// Always offered, at the right.
const PINNED: [Verb; 2] = [Verb::Help, Verb::Quit];
/// Where there is no key, nothing else is possible.
const FIRST_START: [Verb; 5] = [Verb::AddKey, Verb::ImportKeys, Verb::Demo, Verb::Settings, Verb::Language];

pub(crate) fn draw(frame: &mut Frame<'_>, area: Rect, view: &View<'_>) {
    let room = usize::from(area.width);
    let line_open = view.app.context() == Context::Filter;
    let pinned: Vec<_> = PINNED
        .iter()
        .filter(|_| !line_open)
        .filter_map(|verb| action::find(*verb))
        .flat_map(|row| hint(view, row))
        .collect();
    let pinned = Line::from(pinned);
    let mut line = Line::from(" ");
    let first_start = view.snapshot.keys.is_empty() && view.app.focus == Pane::Keys;
    let offered = |row: &&Row| match (line_open, first_start) {
        (true, _) => row.contexts.contains(&Context::Filter),
        (false, true) => FIRST_START.contains(&row.verb),
        (false, false) => row.offered.contains(&view.app.focus),
    };
    for row in TABLE.iter().filter(offered) {
        let hint = Line::from(hint(view, row));
        if line.width() + hint.width() + pinned.width() <= room {
            line.spans.extend(hint.spans);
        }
    }
    let blank = room.saturating_sub(line.width() + pinned.width());
    line.push_span(Span::raw(" ".repeat(blank)));
    line.spans.extend(pinned.spans);
    view.put_lines(frame, area, vec![line]);
}

/// `r rotate  `: dim altogether when it is not possible now.
fn hint(view: &View<'_>, row: &Row) -> Vec<Span<'static>> {
    let enabled = (row.enabled)(view.app, view.snapshot).is_ok();
    let key_style = if enabled { view.theme.accent } else { view.theme.dim };
    let key = view.app.keymap.keys(row).first().map(|chord| name(view, *chord)).unwrap_or_default();
    vec![
        Span::styled(key, key_style),
        Span::styled(format!(" {}", view.text(row.word)), view.theme.dim),
        Span::raw("  "),
    ]
}

/// What is written on the key.
pub(crate) fn name(view: &View<'_>, chord: Chord) -> String {
    if let Some(name) = with_control(chord) {
        return name;
    }
    let name = match chord.code {
        KeyCode::Char(' ') => view.text("key-space"),
        KeyCode::Char(character) => character.to_string(),
        KeyCode::BackTab => "Shift-Tab".to_owned(),
        KeyCode::Up => view.glyphs.up.to_owned(),
        KeyCode::Down => view.glyphs.down.to_owned(),
        KeyCode::PageUp => "PgUp".to_owned(),
        KeyCode::PageDown => "PgDn".to_owned(),
        code => code.to_string(),
    };
    debug_assert!(!name.is_empty());
    name
}
