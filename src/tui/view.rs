//! What every pane is handed to draw itself: state, words, looks and the time; and the few strokes they share.

use std::time::Duration;

use jiff::Timestamp;
use ratatui::{Frame, layout::Rect, text::Line};

use super::{
    app::App,
    columns::{self, Column, Row},
    glyphs::Glyphs,
    theme::Theme,
};
use crate::{
    domain::{message::Message, now, snapshot::Snapshot, text},
    i18n::Words,
};

/// Most characters of foreign text that are looked at.
pub(super) const FOREIGN: usize = 400;

/// One moment, about to be drawn.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) app: &'a App,
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) words: &'a Words,
    pub(crate) theme: &'a Theme,
    pub(crate) glyphs: &'a Glyphs,
    pub(crate) now: Timestamp,
}

impl View<'_> {
    pub(crate) fn text(&self, id: &'static str) -> String {
        self.words.text(id)
    }

    pub(crate) fn say(&self, message: &Message) -> String {
        self.words.render(message)
    }

    /// Foreign text made safe; everything that is not ours goes through here or through a message.
    pub(crate) fn clean(&self, foreign: &str) -> String {
        text::clean(foreign, FOREIGN)
    }

    /// The sign for "there is nothing to say".
    pub(crate) fn nothing(&self) -> String {
        self.glyphs.nothing.to_owned()
    }

    pub(crate) fn until(&self, moment: Timestamp) -> Duration {
        now::until(moment, self.now)
    }

    pub(crate) fn since(&self, moment: Timestamp) -> Duration {
        now::since(moment, self.now)
    }

    /// Parts of one line with the separator between them.
    pub(crate) fn join(&self, parts: &[String]) -> String {
        parts.join(&format!(" {} ", self.glyphs.separator))
    }

    pub(crate) fn table(&self, columns: &[Column], rows: &[Row], room: u16) -> Vec<Line<'static>> {
        columns::lines(columns, rows, usize::from(room), self.theme, self.glyphs)
    }

    /// Writes lines from the top, each cut at the edge.
    pub(crate) fn put_lines(&self, frame: &mut Frame<'_>, area: Rect, lines: Vec<Line<'static>>) {
        let area = area.intersection(frame.area());
        for (line, row) in lines.into_iter().zip(area.rows()) {
            frame.render_widget(line, row);
        }
    }
}
