//! The question before what can't be taken back. Not what is done then.

use ratatui::{Frame, layout::Rect, text::Line};

use super::popup;
use crate::{
    domain::message::Message,
    tui::{app::Effect, format::wrap, view::View},
};

const WIDTH: u16 = 60;

/// What is asked, and what a yes does.
#[derive(Debug, Clone)]
pub(crate) struct Confirm {
    pub(crate) question: Message,
    pub(crate) effect: Effect,
}

pub(crate) fn draw(frame: &mut Frame<'_>, area: Rect, view: &View<'_>, confirm: &Confirm) {
    let room = usize::from(WIDTH.min(area.width).saturating_sub(4));
    let mut lines = vec![Line::raw("")];
    let text = wrap(&view.say(&confirm.question), room);
    lines.extend(text.into_iter().map(|text| Line::styled(text, view.theme.text)));
    lines.push(Line::raw(""));
    popup(frame, area, view, &view.text("confirm-title"), &view.text("foot-confirm"), WIDTH, lines);
}
