//! The help: every action of the table, in its groups. It has no text of its own beside the headings.

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};

use super::scrolled_popup;
use crate::tui::{
    action::{Group, TABLE},
    app::Extent,
    footer,
    format::{cut, width, wrap},
    view::View,
};

const WIDTH: u16 = 74;

pub(crate) fn draw(frame: &mut Frame<'_>, area: Rect, view: &View<'_>, scroll: usize) -> Extent {
    let room = usize::from(WIDTH.min(area.width).saturating_sub(4));
    let entries: Vec<_> = Group::IN_HELP.iter().map(|(group, heading)| (*heading, entries(view, *group))).collect();
    let keys = entries.iter().flat_map(|(_, entries)| entries).map(|(keys, _)| width(keys)).max().unwrap_or_default();
    let mut lines = Vec::new();
    for (heading, entries) in entries {
        if !lines.is_empty() {
            lines.push(Line::raw(""));
        }
        lines.push(Line::styled(view.text(heading), view.theme.strong));
        for (names, text) in entries {
            lines.extend(entry(view, &names, &text, keys, room));
        }
    }
    scrolled_popup(frame, area, view, &view.text("help-title"), &view.text("foot-reading"), WIDTH, lines, scroll).extent
}

/// The keys and the text of each action; neighbours that share a text share the line.
fn entries(view: &View<'_>, group: Group) -> Vec<(String, String)> {
    let mut entries: Vec<(&'static str, Vec<String>)> = Vec::new();
    for row in TABLE.iter().filter(|row| row.group == group) {
        let names = row.keys.iter().map(|chord| footer::name(view, *chord));
        match entries.last_mut() {
            Some((help, known)) if *help == row.help => known.extend(names),
            _ => entries.push((row.help, names.collect())),
        }
    }
    entries.into_iter().map(|(help, names)| (names.join(" "), view.text(help))).collect()
}

fn entry(view: &View<'_>, names: &str, text: &str, keys: usize, room: usize) -> Vec<Line<'static>> {
    let indent = keys + 4;
    let wrapped = wrap(text, room.saturating_sub(indent)).into_iter().enumerate();
    let line = |(at, text): (usize, String)| {
        let names = if at == 0 { cut(names, keys, view.glyphs.ellipsis) } else { String::new() };
        let blank = " ".repeat(keys.saturating_sub(width(&names)) + 2);
        Line::from(vec![Span::raw("  "), Span::styled(names, view.theme.accent), Span::raw(blank), Span::raw(text)])
    };
    wrapped.map(line).collect()
}
