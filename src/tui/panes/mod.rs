//! The five panes. Each draws itself from a `View`; what they share is their frame and how they scroll.

pub(crate) mod doctor;
pub(crate) mod keys;
pub(crate) mod limits;
pub(crate) mod quota;
pub(crate) mod trace;

use std::ops::Range;

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
    widgets::Block,
};

use super::{format::width, layout::Pane, view::View};

/// The row that each line of a pane is, from the first below the border on; `None` = no row.
type Rows = Vec<Option<usize>>;

/// Draws one pane, and tells which row each line inside is.
pub(crate) fn draw(frame: &mut Frame<'_>, area: Rect, view: &View<'_>, pane: Pane) -> Rows {
    if area.width < 4 || area.height < 3 {
        return Rows::new();
    }
    match pane {
        Pane::Keys => keys::draw(frame, area, view),
        Pane::Quota => quota::draw(frame, area, view),
        Pane::Trace => trace::draw(frame, area, view),
        Pane::Limits => limits::draw(frame, area, view),
        Pane::Doctor => doctor::draw(frame, area, view),
    }
}

fn titled(view: &View<'_>, pane: Pane) -> String {
    let mark = if pane == view.app.focus { view.glyphs.active } else { " " };
    format!("{mark}{} {} ", pane.number(), view.text(pane.title()))
}

/// Columns for what stands at the right end of the border.
fn spare(area: Rect, view: &View<'_>, pane: Pane) -> usize {
    usize::from(area.width).saturating_sub(width(&titled(view, pane)) + 6)
}

/// The border with its title, and a word at its right end when there is room. Gives back the inside.
fn framed(frame: &mut Frame<'_>, area: Rect, view: &View<'_>, pane: Pane, info: Line<'static>) -> Rect {
    let focused = pane == view.app.focus;
    let theme = view.theme;
    let (border, style) =
        if focused { (theme.border_focused, theme.title_focused) } else { (theme.border, theme.title) };
    let title = titled(view, pane);
    let spare = spare(area, view, pane);
    let mut block = Block::bordered()
        .border_set(view.glyphs.border)
        .border_style(border)
        .title_top(Line::from(Span::styled(title, style)));
    if info.width() > 0 && info.width() <= spare {
        let mut padded = Line::from(" ").right_aligned();
        padded.spans.extend(info.spans);
        padded.push_span(Span::raw(" "));
        block = block.title_top(padded);
    }
    let inside = block.inner(area);
    frame.render_widget(block, area);
    inside
}

/// The part of `lines` that keeps `selected` in sight; gives back the first that is shown.
fn scrolled(
    frame: &mut Frame<'_>,
    area: Rect,
    view: &View<'_>,
    lines: Vec<Line<'static>>,
    selected: &Range<usize>,
) -> usize {
    let start = first_line(lines.len(), selected, usize::from(area.height));
    view.put_lines(frame, area, lines.into_iter().skip(start).collect());
    start
}

/// Keeps the selection near the middle, without leaving room unused at the end.
fn first_line(count: usize, selected: &Range<usize>, room: usize) -> usize {
    let middle = selected.start.saturating_sub(room.saturating_sub(selected.len()) / 2);
    middle.min(count.saturating_sub(room))
}

/// Explains an empty pane, which has no rows: each line in its style, wrapped, with a blank before the edge.
fn explained(frame: &mut Frame<'_>, area: Rect, view: &View<'_>, lines: &[(String, ratatui::style::Style)]) -> Rows {
    let room = usize::from(area.width).saturating_sub(3);
    let wrapped = lines.iter().flat_map(|(text, style)| {
        let indent = if text.starts_with(' ') { 2 } else { 0 };
        super::format::wrap(text, room.saturating_sub(indent))
            .into_iter()
            .map(move |line| Line::styled(format!(" {}{line}", " ".repeat(indent)), *style))
    });
    view.put_lines(frame, area, wrapped.collect());
    Rows::new()
}

#[cfg(test)]
mod tests {
    use super::first_line;

    #[test]
    fn the_selection_stays_in_sight() {
        for (count, selected, room, expected) in [
            (5, 0..1, 10, 0),
            (20, 0..1, 5, 0),
            (20, 10..11, 5, 8),
            (20, 19..20, 5, 15),
            (20, 3..6, 0, 3),
            (0, 0..0, 0, 0),
        ] {
            assert_eq!(first_line(count, &selected, room), expected, "{count} {selected:?} {room}");
        }
    }
}
