//! The help: every action of the table, in its groups. It has no text of its own beside the headings.

use ratatui::text::{Line, Span};

use super::sheet::Sheet;
use crate::tui::{
    action::{Group, TABLE},
    footer,
    format::{cut, width, wrap},
    view::View,
};

pub(super) const WIDTH: u16 = 74;

pub(super) fn lines(view: &View<'_>, sheet: &Sheet, room: usize) -> Vec<Line<'static>> {
    let entries: Vec<_> = Group::IN_HELP.iter().map(|(group, heading)| (*heading, entries(view, *group))).collect();
    let keys = entries.iter().flat_map(|(_, entries)| entries).map(|(keys, _)| width(keys)).max().unwrap_or_default();
    let mut lines = Vec::new();
    for (heading, entries) in entries {
        let meant: Vec<_> =
            entries.into_iter().filter(|(names, text)| sheet.means(&format!("{names} {text}"))).collect();
        if meant.is_empty() {
            continue;
        }
        if !lines.is_empty() {
            lines.push(Line::raw(""));
        }
        lines.push(Line::styled(view.text(heading), view.theme.strong));
        for (names, text) in meant {
            lines.extend(entry(view, &names, &text, keys, room));
        }
    }
    lines
}

/// The keys and the text of each action; neighbours that share a text share the line.
fn entries(view: &View<'_>, group: Group) -> Vec<(String, String)> {
    let mut entries: Vec<(&'static str, Vec<String>)> = Vec::new();
    for row in TABLE.iter().filter(|row| row.group == group) {
        let names = view.app.keymap.keys(row).iter().map(|chord| footer::name(view, *chord));
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
