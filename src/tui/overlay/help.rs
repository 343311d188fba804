//! The help: every action of the table, in its groups. It has no text of its own beside the headings.

use ratatui::{
    Frame,
    layout::{Position, Rect},
    text::{Line, Span},
};

use tui_input::{Input, InputRequest};

use super::scrolled_popup;
use crate::tui::{
    action::{Group, TABLE},
    app::Extent,
    field, footer,
    format::{cut, width, wrap},
    view::View,
};

const WIDTH: u16 = 74;

/// What is read of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Help {
    pub(crate) scroll: usize,
    search: Input,
    /// Whether what is searched for is being typed.
    pub(crate) typing: bool,
}

impl Help {
    pub(crate) fn edit(&mut self, request: InputRequest) {
        field::edit(&mut self.search, request);
        self.scroll = 0;
    }

    /// Stops typing.
    pub(crate) fn leave(&mut self, keep: bool) {
        self.typing = false;
        if !keep {
            self.search = Input::default();
        }
    }

    /// Whether a line of the help is among those that are searched for: each word stands somewhere in it.
    fn means(&self, names: &str, text: &str) -> bool {
        let line = format!("{names} {text}").to_lowercase();
        self.search.value().to_lowercase().split_whitespace().all(|word| line.contains(word))
    }
}

pub(crate) fn draw(frame: &mut Frame<'_>, area: Rect, view: &View<'_>, help: &Help) -> Extent {
    let room = usize::from(WIDTH.min(area.width).saturating_sub(4));
    let entries: Vec<_> = Group::IN_HELP.iter().map(|(group, heading)| (*heading, entries(view, *group))).collect();
    let keys = entries.iter().flat_map(|(_, entries)| entries).map(|(keys, _)| width(keys)).max().unwrap_or_default();
    let mut lines = search_line(view, help, room);
    for (heading, entries) in entries {
        let meant: Vec<_> = entries.into_iter().filter(|(names, text)| help.means(names, text)).collect();
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
    let (title, foot) = (view.text("help-title"), if help.typing { "foot-search" } else { "foot-help" });
    let foot = view.text(foot);
    let popup = scrolled_popup(frame, area, view, &title, &foot, WIDTH, lines, help.scroll);
    let at = field::visible(&help.search, room.saturating_sub(2)).1 + 2;
    let at = Position::new(popup.inside.x.saturating_add(u16::try_from(at).unwrap_or(u16::MAX)), popup.inside.y);
    if help.typing && popup.inside.contains(at) {
        frame.set_cursor_position(at);
    }
    popup.extent
}

/// What is searched for, while it is typed or kept.
fn search_line(view: &View<'_>, help: &Help, room: usize) -> Vec<Line<'static>> {
    if !help.typing && help.search.value().is_empty() {
        return Vec::new();
    }
    let text = field::visible(&help.search, room.saturating_sub(2)).0;
    vec![Line::from(vec![Span::styled("/ ", view.theme.accent), Span::styled(text, view.theme.text)])]
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
