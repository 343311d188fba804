//! The quota pane: a bar for each window of each key, full when all of it is left. Not rates (`limits`).

use std::time::Duration;

use ratatui::{
    Frame,
    layout::Rect,
    style::Style,
    text::{Line, Span},
};

use super::{explained, framed, scrolled};
use crate::{
    domain::{
        message::Message,
        snapshot::{KeyView, UsageView},
        usage::{Usage, Window},
    },
    tui::{
        format::{age, bar, count, countdown, cut, percent, width},
        layout::Pane,
        view::View,
        wording,
    },
};

/// Below this a bar says nothing.
const LEAST_BAR: usize = 4;
const MOST_BAR: usize = 40;
const MOST_LABEL: usize = 14;
/// A window that is empty by then is worth a look now.
const SOON: Duration = Duration::from_secs(1_800);
/// `100%`.
const PERCENT: usize = 4;

/// Widths shared by all lines.
struct Measure {
    label: usize,
    window: usize,
    used: usize,
    resets: usize,
    bar: usize,
    /// All that is right of the label.
    rest: usize,
}

pub(crate) fn draw(frame: &mut Frame<'_>, area: Rect, view: &View<'_>) {
    let area = framed(frame, area, view, Pane::Quota, info(view));
    let keys = &view.snapshot.keys;
    if keys.is_empty() {
        return explained(frame, area, view, &[(view.text("quota-empty"), view.theme.dim)]);
    }
    let measure = measure(view, usize::from(area.width));
    let row = view.app.key_row(view.snapshot);
    let mut lines = Vec::new();
    let mut selected = 0..1;
    for (at, key) in keys.iter().enumerate() {
        let start = lines.len();
        lines.extend(key_lines(view, key, at == row, &measure));
        if at == row {
            selected = start..lines.len();
        }
    }
    scrolled(frame, area, view, lines, &selected);
}

/// `checked 2m ago`.
fn info(view: &View<'_>) -> Line<'static> {
    let Some(moment) = view.snapshot.last_health_refresh else { return Line::default() };
    let age = age(view.words, view.since(moment));
    Line::from(Span::styled(view.say(&Message::new("quota-checked").with("age", age)), view.theme.dim))
}

fn usage_of(key: &KeyView) -> Option<&Usage> {
    match &key.usage {
        UsageView::Known { usage, .. } | UsageView::Failed { usage: Some(usage), .. } => Some(usage),
        _ => None,
    }
}

fn measure(view: &View<'_>, room: usize) -> Measure {
    let keys = &view.snapshot.keys;
    let widest = |texts: &mut dyn Iterator<Item = String>| texts.map(|text| width(&text)).max().unwrap_or_default();
    let windows = || keys.iter().filter_map(usage_of).flat_map(|usage| &usage.windows);
    let label = widest(&mut keys.iter().map(|key| view.clean(key.label.as_str()))).min(MOST_LABEL);
    let window = widest(&mut windows().map(|window| wording::window(view, &window.kind))).min(10);
    let mut used = widest(&mut windows().map(|window| used(view, window)));
    let all = || {
        keys.iter().flat_map(|key| {
            usage_of(key).into_iter().flat_map(move |usage| usage.windows.iter().map(move |window| (key, window)))
        })
    };
    let mut resets = widest(&mut all().map(|(key, window)| ahead(view, key, window).0));
    let bar_room = |used, resets| {
        let taken = 2 + label + 1 + window + 1 + 1 + PERCENT + gap(used) + gap(resets);
        room.checked_sub(taken).filter(|bar| *bar >= LEAST_BAR)
    };
    if bar_room(used, resets).is_none_or(|bar| bar < 2 * LEAST_BAR) {
        used = 0;
    }
    if bar_room(used, resets).is_none() {
        resets = 0;
    }
    Measure {
        label,
        window,
        used,
        resets,
        bar: bar_room(used, resets).unwrap_or_default().min(MOST_BAR),
        rest: room.saturating_sub(label + 3),
    }
}

const fn gap(width: usize) -> usize {
    if width == 0 { 0 } else { width + 1 }
}

fn key_lines(view: &View<'_>, key: &KeyView, selected: bool, measure: &Measure) -> Vec<Line<'static>> {
    let usage = usage_of(key);
    let mut bodies: Vec<_> =
        usage.iter().flat_map(|usage| &usage.windows).map(|window| window_spans(view, key, window, measure)).collect();
    if let Some((text, style)) = remark(view, key) {
        bodies.push(vec![Span::styled(cut(&text, measure.rest, view.glyphs.ellipsis), style)]);
    }
    let label = cut(&view.clean(key.label.as_str()), measure.label, view.glyphs.ellipsis);
    let style = if key.active { view.theme.strong } else { view.theme.text };
    let mark = if selected { view.glyphs.selected } else { " " };
    let line = |(at, body): (usize, Vec<Span<'static>>)| {
        let name = if at == 0 { label.as_str() } else { "" };
        let mut spans = vec![
            Span::styled(mark, view.theme.accent),
            Span::styled(padded(name, measure.label), style),
            Span::raw(" "),
        ];
        spans.extend(body);
        Line::from(spans)
    };
    bodies.into_iter().enumerate().map(line).collect()
}

fn window_spans(view: &View<'_>, key: &KeyView, window: &Window, measure: &Measure) -> Vec<Span<'static>> {
    let theme = view.theme;
    let name = cut(&wording::window(view, &window.kind), measure.window, view.glyphs.ellipsis);
    let mut spans = vec![Span::styled(padded(&name, measure.window), theme.dim), Span::raw(" ")];
    let share = match window.left {
        Some(share) => {
            let (full, rest) = bar(share, measure.bar, view.glyphs);
            spans.extend([Span::styled(full, theme.left(share)), Span::styled(rest, theme.border)]);
            Span::styled(format!(" {:>PERCENT$}", percent(share)), theme.left(share))
        }
        None => {
            spans.push(Span::raw(" ".repeat(measure.bar)));
            Span::styled(format!(" {:>PERCENT$}", "?"), theme.dim)
        }
    };
    spans.push(share);
    let ahead = ahead(view, key, window);
    for ((text, style), room) in [((used(view, window), theme.dim), measure.used), (ahead, measure.resets)] {
        if room > 0 {
            let blank = " ".repeat(1 + room.saturating_sub(width(&text)));
            spans.push(Span::styled(format!("{blank}{text}"), style));
        }
    }
    spans
}

/// `1.2k/2k`.
fn used(view: &View<'_>, window: &Window) -> String {
    let (Some(used), Some(limit)) = (window.used, window.limit) else { return String::new() };
    format!("{}/{}", count(view.words, used.max(0.0) as u64), count(view.words, limit.max(0.0) as u64))
}

/// When it comes back; or when it will be empty, where that is sooner.
fn ahead(view: &View<'_>, key: &KeyView, window: &Window) -> (String, Style) {
    let empty = wording::empty_at(key, window).filter(|_| window.left.is_some_and(|left| left > 0.0));
    if let Some(empty) = empty {
        let left = view.until(empty);
        let style = if left < SOON { view.theme.bad } else { view.theme.warn };
        return (view.say(&Message::new("quota-dry").with("span", countdown(view.words, left))), style);
    }
    let resets = window.resets_at.map_or_else(|| view.nothing(), |moment| countdown(view.words, view.until(moment)));
    (resets, view.theme.dim)
}

/// What the bars can't say.
fn remark(view: &View<'_>, key: &KeyView) -> Option<(String, Style)> {
    let theme = view.theme;
    match &key.usage {
        UsageView::Unknown => Some((view.text("quota-unknown"), theme.dim)),
        UsageView::Failed { fault, .. } => {
            let message = Message::new("quota-failed-short").with("fault", wording::cause(view.words, fault));
            Some((view.say(&message), theme.warn))
        }
        UsageView::Known { usage, .. } if usage.windows.is_empty() => Some((view.text("quota-no-windows"), theme.dim)),
        UsageView::Known { .. } => None,
    }
}

fn padded(text: &str, room: usize) -> String {
    format!("{text}{}", " ".repeat(room.saturating_sub(width(text))))
}
