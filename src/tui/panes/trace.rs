//! The trace pane: requests as they end, newest first. Not one in full (`details`), nor the file.

use ratatui::{
    Frame,
    layout::{Position, Rect},
    style::Style,
    text::{Line, Span},
};

use super::{Rows, explained, framed};
use crate::{
    domain::{
        message::Message,
        running::RunningView,
        trace::{Tokens, TraceRecord},
    },
    tui::{
        app::Overlay,
        columns::{Cell, Column, Row},
        field,
        format::{self, countdown, cut, took, whole, width, wrap},
        layout::Pane,
        view::View,
        wording,
    },
};

pub(crate) fn draw(frame: &mut Frame<'_>, area: Rect, view: &View<'_>) -> Rows {
    let list = &view.app.trace;
    let info = info(view, super::spare(area, view, Pane::Trace));
    let inside = framed(frame, area, view, Pane::Trace, info);
    let area = filter_line(frame, inside, view);
    let running = view.app.running(view.snapshot);
    let rows = running.len() + list.shown().len();
    if rows == 0 && list.all() > 0 {
        return explained(frame, area, view, &[(view.text("trace-none-meant"), view.theme.strong)]);
    }
    if rows == 0 {
        return explained(frame, area, view, &how_to_connect(view));
    }
    let selected = view.app.request_row(&running);
    // Only what can be seen is laid out, so that columns fit what is on the screen.
    let room = usize::from(area.height.saturating_sub(1)).max(1);
    // What waits stands at the top and stays in sight, as long as nobody goes below the newest.
    let at_top = selected <= running.len() && selected < room;
    let first = if at_top { 0 } else { super::first_line(rows, &(selected..selected + 1), room) };
    let focused = view.app.focus == Pane::Trace;
    let above = usize::from(area.y - inside.y) + 1;
    let numbers = std::iter::repeat_n(None, above).chain((first..rows).take(room).map(Some)).collect();
    let row = |at: usize| {
        let cells = match running.get(at) {
            Some(one) => running_cells(view, one),
            None => cells(view, list.shown().get(at - running.len())?),
        };
        Some(Row { cells, selected: focused && at == selected })
    };
    let rows: Vec<_> = (first..rows).take(room).filter_map(row).collect();
    let lines = view.table(&columns(view), &rows, area.width);
    view.put_lines(frame, area, lines);
    numbers
}

/// The line that is typed and what is wrong with it, at the top. Gives back the rest.
fn filter_line(frame: &mut Frame<'_>, area: Rect, view: &View<'_>) -> Rect {
    let Some(Overlay::Filter(line)) = &view.app.overlay else { return area };
    let room = usize::from(area.width).saturating_sub(4);
    let (shown, cursor) = field::visible(&line.input, room);
    let (text, style) = match shown.as_str() {
        "" => (cut(&view.text("filter-hint"), room, view.glyphs.ellipsis), view.theme.dim),
        _ => (shown, view.theme.text),
    };
    let mut lines = vec![Line::from(vec![Span::styled(" / ", view.theme.accent), Span::styled(text, style)])];
    let faults = line.faults.iter().flat_map(|fault| wrap(&view.say(fault), room));
    let most = usize::from(area.height).saturating_sub(3);
    lines.extend(faults.take(most).map(|text| Line::styled(format!("   {text}"), view.theme.bad)));
    let high = u16::try_from(lines.len()).unwrap_or(u16::MAX).min(area.height);
    view.put_lines(frame, area, lines);
    let at = Position::new(area.x.saturating_add(u16::try_from(cursor + 3).unwrap_or(u16::MAX)), area.y);
    if area.contains(at) {
        frame.set_cursor_position(at);
    }
    Rect { y: area.y + high, height: area.height - high, ..area }
}

/// The filter and how many it means; following, or paused with what came in meanwhile.
fn info(view: &View<'_>, room: usize) -> Line<'static> {
    let list = &view.app.trace;
    let state = state(view);
    if list.line().is_empty() {
        return state;
    }
    let count = view.say(&Message::new("trace-meant").with("shown", list.shown().len()).with("all", list.all()));
    let rest = room.saturating_sub(width(&count) + state.width() + 4);
    let filter = cut(&view.clean(list.line()), rest, view.glyphs.ellipsis);
    let mut spans = vec![
        Span::styled(filter, view.theme.accent),
        Span::raw("  "),
        Span::styled(count, view.theme.strong),
        Span::raw("  "),
    ];
    spans.extend(state.spans);
    Line::from(spans)
}

fn state(view: &View<'_>) -> Line<'static> {
    let list = &view.app.trace;
    let mut spans = Vec::new();
    if list.missed() > 0 {
        let missed = view.say(&Message::new("trace-missed").with("count", whole(list.missed())));
        spans.push(Span::styled(format!("{missed}  "), view.theme.warn));
    }
    spans.push(match (list.paused(), list.waiting()) {
        (false, _) => Span::styled(view.text("trace-following"), view.theme.dim),
        (true, 0) => Span::styled(view.text("trace-paused"), view.theme.warn),
        (true, new) => {
            let text = view.say(&Message::new("trace-paused-new").with("count", whole(new)));
            Span::styled(text, view.theme.warn)
        }
    });
    Line::from(spans)
}

fn columns(view: &View<'_>) -> [Column; 10] {
    let title = |id| view.text(id);
    [
        Column::left(title("column-time")).between(8, 8),
        Column::left(title("column-key")).between(4, 14),
        Column::left(title("column-method")).rank(5),
        Column::left(title("column-endpoint")).between(8, 26).rank(1),
        Column::left(title("column-answer")),
        Column::right(title("column-took")),
        Column::right(title("column-first-byte")).rank(6),
        Column::right(title("column-tries")).rank(4),
        Column::right(title("column-tokens")).rank(3),
        Column::left(title("column-hint")).stretch(17).rank(2),
    ]
}

/// A request that has not ended: what it does, for how long, and what it waits for.
fn running_cells(view: &View<'_>, running: &RunningView) -> Vec<Cell> {
    let theme = view.theme;
    let style = if running.waits() { theme.warn } else { theme.accent };
    let key = running.phase.key().map_or_else(|| view.nothing(), |(key, _)| view.clean(key.as_str()));
    let tries = match running.attempts.len() {
        0 => String::new(),
        failed => (failed + 1).to_string(),
    };
    vec![
        (view.words.clock(running.at), theme.dim),
        (key, theme.text),
        (view.clean(&running.method), theme.dim),
        (view.clean(&running.endpoint), theme.text),
        (view.text(wording::phase(&running.phase)), style),
        (countdown(view.words, view.since(running.at)), theme.text),
        (view.nothing(), theme.dim),
        (tries, theme.warn),
        // Tokens are known at its end.
        (view.nothing(), theme.dim),
        (wording::wait(view, running), style),
    ]
}

fn cells(view: &View<'_>, record: &TraceRecord) -> Vec<Cell> {
    let theme = view.theme;
    let style = severity_style(view, record);
    let label = record.key.as_ref().map_or_else(|| view.nothing(), |label| view.clean(label.as_str()));
    let first_byte = record.first_byte.map_or_else(|| view.nothing(), |span| took(view.words, span));
    let tries = match record.attempts.len() {
        0 | 1 => (String::new(), theme.dim),
        tries => (tries.to_string(), theme.warn),
    };
    vec![
        (view.words.clock(record.at), theme.dim),
        (label, theme.text),
        (view.clean(&record.method), theme.dim),
        (view.clean(&record.endpoint), theme.text),
        (answer(view, record), style),
        (took(view.words, record.total), theme.text),
        (first_byte, theme.dim),
        tries,
        (tokens(view, record.tokens), theme.dim),
        hint(view, record, style),
    ]
}

/// `✓ 200`.
pub(crate) fn answer(view: &View<'_>, record: &TraceRecord) -> String {
    format!("{} {}", view.glyphs.severity(record.severity()), record.status)
}

fn severity_style(view: &View<'_>, record: &TraceRecord) -> Style {
    view.theme.severity(record.severity())
}

pub(crate) fn tokens(view: &View<'_>, tokens: Tokens) -> String {
    format::tokens(view.words, tokens, view.glyphs.arrow)
}

/// What went wrong, else how the prompt began.
fn hint(view: &View<'_>, record: &TraceRecord, style: Style) -> Cell {
    match wording::trouble(view.words, record) {
        Some(trouble) => (trouble, style),
        None => (view.clean(&record.prompt_hint), view.theme.dim),
    }
}

fn how_to_connect(view: &View<'_>) -> [(String, Style); 6] {
    let theme = view.theme;
    let address = view.clean(&view.snapshot.setup.address);
    let parent = address.strip_suffix("/v1").unwrap_or(&address);
    [
        (view.text("trace-empty"), theme.strong),
        (view.text("trace-empty-openai"), theme.text),
        (format!("  OPENAI_BASE_URL={address}"), theme.accent),
        (view.text("trace-empty-anthropic"), theme.text),
        (format!("  ANTHROPIC_BASE_URL={parent}"), theme.accent),
        (view.text("trace-empty-key"), theme.dim),
    ]
}
