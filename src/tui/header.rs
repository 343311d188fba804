//! The lines on top: what runs, where, how it goes, and what is ahead (`runway`). Not the panes' numbers.

use ratatui::{
    Frame,
    layout::Rect,
    style::Style,
    text::{Line, Span},
};

use super::{
    format::{cut, decimal, width},
    view::View,
    wording,
};
use crate::domain::{
    message::Message,
    snapshot::{Link, Mode, Status, Traffic},
};

/// Seconds over which the request rate is an average.
const RATE_SPAN: usize = 10;

pub(crate) fn draw(frame: &mut Frame<'_>, area: Rect, view: &View<'_>, ahead: Option<Line<'static>>) {
    let room = usize::from(area.width);
    view.put_lines(frame, area, [place(view, room), state(view, room)].into_iter().chain(ahead).collect());
}

/// Name, mode and address; the clock at the right.
fn place(view: &View<'_>, room: usize) -> Line<'static> {
    let setup = &view.snapshot.setup;
    let theme = view.theme;
    let (style, status) = match setup.mode {
        Mode::Live => (theme.ok, Status::Healthy),
        Mode::DryRun => (theme.warn, Status::Disabled),
        Mode::Demo => (theme.accent, Status::Exhausted),
    };
    let (style, status, mode) = match view.snapshot.link {
        Link::Own => (style, status, wording::mode(view, setup.mode)),
        Link::Attached => {
            let attached = Message::new("mode-attached").with("pid", i64::from(setup.pid));
            match setup.mode {
                Mode::Live => (theme.accent, Status::Healthy, view.say(&attached)),
                mode => (style, status, view.join(&[wording::mode(view, mode), view.say(&attached)])),
            }
        }
        Link::Lost => (theme.bad, Status::Blocked, view.text("mode-lost")),
    };
    let mode = format!("{} {mode}", view.glyphs.status(status));
    let clock = view.words.clock(view.now);
    let clock = clock.rsplit_once(':').map_or(clock.as_str(), |(minutes, _)| minutes).to_owned();
    let parts = [(" kmi-tui".to_owned(), theme.strong), (mode, style), (view.clean(&setup.address), theme.text)];
    let mut line = fit(&parts, "  ", room.saturating_sub(width(&clock) + 2), view);
    let blank = room.saturating_sub(line.width() + width(&clock) + 1);
    line.push_span(Span::raw(" ".repeat(blank)));
    line.push_span(Span::styled(clock, theme.dim));
    line
}

/// The active key, rotation, and how the last minute went; the least important last.
fn state(view: &View<'_>, room: usize) -> Line<'static> {
    let theme = view.theme;
    let traffic = &view.snapshot.traffic;
    let errors = error_share(traffic);
    let (rotation, rotation_style) =
        if view.snapshot.auto_rotate { ("header-auto-on", theme.ok) } else { ("header-auto-off", theme.dim) };
    let error_style = match errors {
        share if share >= 0.2 => theme.bad,
        share if share >= 0.05 => theme.warn,
        _ => theme.dim,
    };
    let flying = i64::from(traffic.in_flight);
    let parts = [
        (active(view), theme.strong),
        (view.text(rotation), rotation_style),
        (said(view, "header-rate", decimal(view.words, rate(traffic), 1)), theme.dim),
        (said(view, "header-errors", format!("{:.0}%", errors * 100.0)), error_style),
        (view.say(&Message::new("header-in-flight").with("count", flying)), theme.dim),
    ];
    let held = view.snapshot.held.len();
    let waiting = (view.say(&Message::new("header-held").with("count", held)), theme.warn);
    // Who waits is told before how it went.
    let parts: Vec<_> = if held > 0 { [&parts[..2], &[waiting], &parts[2..]].concat() } else { parts.to_vec() };
    fit(&parts, &format!(" {} ", view.glyphs.separator), room, view)
}

fn active(view: &View<'_>) -> String {
    let Some(label) = &view.snapshot.active else { return format!(" {}", view.text("header-no-active")) };
    let label = cut(&view.clean(label.as_str()), 20, view.glyphs.ellipsis);
    format!(" {} {label}", view.glyphs.active)
}

fn said(view: &View<'_>, id: &'static str, value: String) -> String {
    view.say(&Message::new(id).with("value", value))
}

/// Requests a second over the last ten.
pub(crate) fn rate(traffic: &Traffic) -> f64 {
    let recent = traffic.per_second.iter().rev().take(RATE_SPAN);
    recent.map(|count| f64::from(*count)).sum::<f64>() / RATE_SPAN as f64
}

/// The share of the last minute's requests that failed.
fn error_share(traffic: &Traffic) -> f64 {
    let sum = |counts: &[u32]| counts.iter().map(|count| f64::from(*count)).sum::<f64>();
    let requests = sum(&traffic.per_second);
    if requests > 0.0 { (sum(&traffic.errors_per_second) / requests).min(1.0) } else { 0.0 }
}

/// As many parts as fit, the first one always, cut if it must be.
pub(super) fn fit(parts: &[(String, Style)], separator: &str, room: usize, view: &View<'_>) -> Line<'static> {
    let mut line = Line::default();
    for (text, style) in parts {
        let before = if line.spans.is_empty() { "" } else { separator };
        let spare = room.saturating_sub(line.width() + width(before));
        if !line.spans.is_empty() && width(text) > spare {
            break;
        }
        line.push_span(Span::styled(before.to_owned(), view.theme.dim));
        line.push_span(Span::styled(cut(text, spare, view.glyphs.ellipsis), *style));
    }
    line
}
