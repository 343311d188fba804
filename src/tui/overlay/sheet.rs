//! Sheets to read and to search: the help, the settings, the tokens. Not what stands on them (`help`, `settings`,
//! `tokens`).

use ratatui::{
    Frame,
    layout::{Position, Rect},
    text::{Line, Span},
};
use tui_input::{Input, InputRequest};

use super::{help, scrolled_popup, settings, tokens};
use crate::tui::{app::Extent, field, view::View};

/// What is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Topic {
    Help,
    Settings,
    Tokens,
}

/// A sheet as it is read.
#[derive(Debug, Clone)]
pub(crate) struct Sheet {
    pub(crate) topic: Topic,
    pub(crate) scroll: usize,
    search: Input,
    /// Whether what is searched for is being typed.
    pub(crate) typing: bool,
}

impl Sheet {
    pub(crate) fn new(topic: Topic) -> Self {
        Self { topic, scroll: 0, search: Input::default(), typing: false }
    }

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

    /// Whether an entry is among those that are searched for: each word stands somewhere in it.
    pub(super) fn means(&self, entry: &str) -> bool {
        let entry = entry.to_lowercase();
        self.search.value().to_lowercase().split_whitespace().all(|word| entry.contains(word))
    }

    /// What is searched for, while it is typed or kept.
    fn search_line(&self, view: &View<'_>, room: usize) -> Vec<Line<'static>> {
        if !self.typing && self.search.value().is_empty() {
            return Vec::new();
        }
        let text = field::visible(&self.search, room.saturating_sub(2)).0;
        vec![Line::from(vec![Span::styled("/ ", view.theme.accent), Span::styled(text, view.theme.text)])]
    }
}

pub(crate) fn draw(frame: &mut Frame<'_>, area: Rect, view: &View<'_>, sheet: &Sheet) -> Extent {
    let (title, wide) = match sheet.topic {
        Topic::Help => ("help-title", help::WIDTH),
        Topic::Settings => ("settings-title", settings::WIDTH),
        Topic::Tokens => ("fact-tokens", tokens::WIDTH),
    };
    let room = usize::from(wide.min(area.width).saturating_sub(4));
    let mut lines = sheet.search_line(view, room);
    lines.extend(match sheet.topic {
        Topic::Help => help::lines(view, sheet, room),
        Topic::Settings => settings::lines(view, sheet, room),
        Topic::Tokens => tokens::lines(view, sheet, room),
    });
    let foot = view.text(if sheet.typing { "foot-search" } else { "foot-sheet" });
    let popup = scrolled_popup(frame, area, view, &view.text(title), &foot, wide, lines, sheet.scroll);
    let at = field::visible(&sheet.search, room.saturating_sub(2)).1 + 2;
    let at = Position::new(popup.inside.x.saturating_add(u16::try_from(at).unwrap_or(u16::MAX)), popup.inside.y);
    if sheet.typing && popup.inside.contains(at) {
        frame.set_cursor_position(at);
    }
    popup.extent
}
