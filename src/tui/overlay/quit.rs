//! The question before leaving while requests are in flight. Not the shutdown.

use ratatui::{Frame, layout::Rect, text::Line};

use super::popup;
use crate::{
    domain::message::Message,
    tui::{format::wrap, view::View},
};

const WIDTH: u16 = 56;

pub(crate) fn draw(frame: &mut Frame<'_>, area: Rect, view: &View<'_>, waiting: bool) {
    let room = usize::from(WIDTH.min(area.width).saturating_sub(4));
    let flying = i64::from(view.snapshot.traffic.in_flight);
    let (question, foot) = if waiting { ("quit-waiting", "foot-waiting") } else { ("quit-question", "foot-leaving") };
    let text = view.say(&Message::new(question).with("count", flying));
    let mut lines = vec![Line::raw("")];
    lines.extend(wrap(&text, room).into_iter().map(|text| Line::styled(text, view.theme.text)));
    lines.push(Line::raw(""));
    popup(frame, area, view, &view.text("quit-title"), &view.text(foot), WIDTH, lines);
}
