//! The keys pane: how each key is, and what stands against it. Not its quota in full (`quota`), nor all of it (`details`).

use ratatui::{Frame, layout::Rect, style::Style, text::Line};

use super::{Rows, explained, framed, scrolled};
use crate::{
    domain::{
        message::Message,
        snapshot::{KeyView, UsageView},
    },
    tui::{
        action::{self, Verb},
        columns::{Cell, Column, Row},
        footer,
        format::{age, count, percent},
        key_sort::Sort,
        layout::Pane,
        view::View,
        wording,
    },
};

/// Lines that the pane would like to have inside.
pub(crate) fn lines_wanted(view: &View<'_>) -> u16 {
    match view.snapshot.keys.len() {
        0 => 7,
        keys => u16::try_from(keys + 1).unwrap_or(u16::MAX - 2),
    }
}

pub(crate) fn draw(frame: &mut Frame<'_>, area: Rect, view: &View<'_>) -> Rows {
    let keys = &view.snapshot.keys;
    let area = framed(frame, area, view, Pane::Keys, info(view));
    if keys.is_empty() {
        return explained(frame, area, view, &where_keys_go(view));
    }
    let selected = view.app.key_line(view.snapshot);
    let order = view.app.sort.order(keys).into_iter().enumerate();
    let rows: Vec<_> = order.map(|(at, key)| row(view, &keys[key], at == selected)).collect();
    let mut lines = view.table(&columns(view), &rows, area.width);
    let rest = lines.split_off(1.min(lines.len()));
    view.put_lines(frame, area, lines);
    let below = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    let first = scrolled(frame, below, view, rest, &(selected..selected + 1));
    std::iter::once(None).chain((first..keys.len()).map(Some)).collect()
}

/// `4 of 6 ready`.
fn info(view: &View<'_>) -> Line<'static> {
    let keys = &view.snapshot.keys;
    if keys.is_empty() {
        return Line::default();
    }
    let ready = keys.iter().filter(|key| key.skip.is_none()).count();
    let style = if ready == 0 { view.theme.bad } else { view.theme.dim };
    Line::styled(view.say(&Message::new("keys-ready").with("ready", ready).with("all", keys.len())), style)
}

fn columns(view: &View<'_>) -> [Column; 13] {
    let title = |id| view.text(id);
    // What the pane is sorted by is marked, and not left out.
    let sortable = |sort: Sort, id, rank| match view.app.sort == sort {
        true => Column::right(view.text(id)).mark(view.glyphs.sorted),
        false => Column::right(view.text(id)).rank(rank),
    };
    [
        Column::left(title("column-status")).between(1, 16),
        Column::left(String::new()),
        Column::left(title("column-key")).between(5, 18),
        Column::left(title("column-masked")).rank(6),
        Column::left(title("column-email")).between(7, 24).rank(8),
        sortable(Sort::Left, "column-left", 0),
        Column::right(title("column-in-flight")).rank(3),
        sortable(Sort::Requests, "column-requests", 2),
        sortable(Sort::Errors, "column-errors", 1),
        Column::right(title("column-tokens")).rank(7),
        sortable(Sort::LastUsed, "column-last-used", 5),
        Column::left(title("column-why")).stretch(19),
        Column::right(title("column-back")),
    ]
}

fn row(view: &View<'_>, key: &KeyView, selected: bool) -> Row {
    let theme = view.theme;
    let status_style = theme.status(key.status);
    let status = format!("{} {}", view.glyphs.status(key.status), wording::status(view, key.status));
    let active = if key.active { view.glyphs.active } else { " " };
    let used = key.last_used.map_or_else(|| view.nothing(), |moment| age(view.words, view.since(moment)));
    let errors = error_rate(key);
    let zero_is_dim = |zero: bool| if zero { theme.dim } else { theme.text };
    let cells = vec![
        (status, status_style),
        (active.to_owned(), theme.accent),
        (view.clean(key.label.as_str()), if key.active { theme.strong } else { theme.text }),
        (view.clean(&key.masked), theme.dim),
        (key.email.as_deref().map(|email| view.clean(email)).unwrap_or_default(), theme.dim),
        left(view, key),
        (count(view.words, key.in_flight.into()), zero_is_dim(key.in_flight == 0)),
        (count(view.words, key.requests), zero_is_dim(key.requests == 0)),
        (percent(errors), if errors > 0.0 { theme.warn } else { theme.dim }),
        (super::trace::tokens(view, key.tokens), theme.dim),
        (used, theme.dim),
        why(view, key),
        (key.skip.as_ref().map(|skip| wording::back(view, skip)).unwrap_or_default(), theme.text),
    ];
    Row { cells, selected }
}

/// Outstanding errors of all kinds per request; counters outlive restarts apart, so it is never more than all.
pub(crate) fn error_rate(key: &KeyView) -> f64 {
    let counters = key.counters;
    let all = [counters.error_401, counters.error_403, counters.error_429, counters.error_5xx];
    (all.into_iter().map(f64::from).sum::<f64>() / key.requests.max(1) as f64).min(1.0)
}

/// What the tightest window has left; unknown is a question mark, neither empty nor full.
fn left(view: &View<'_>, key: &KeyView) -> Cell {
    match tightest(&key.usage) {
        Some(share) => (percent(share), view.theme.left(share)),
        None => ("?".to_owned(), view.theme.dim),
    }
}

/// The smallest share left among the windows that say so.
pub(crate) fn tightest(usage: &UsageView) -> Option<f64> {
    let (UsageView::Known { usage, .. } | UsageView::Failed { usage: Some(usage), .. }) = usage else { return None };
    usage.windows.iter().filter_map(|window| window.left).min_by(f64::total_cmp)
}

/// Why it is passed over; else what is worth knowing.
fn why(view: &View<'_>, key: &KeyView) -> Cell {
    if let Some(skip) = &key.skip {
        return (wording::skip(view, skip), view.theme.text);
    }
    if matches!(key.usage, UsageView::Failed { .. }) {
        return (view.text("note-usage-failed"), view.theme.warn);
    }
    match key.shares_account_with.first() {
        Some(other) => (view.say(&Message::new("note-shares").with("label", other)), view.theme.dim),
        None => (String::new(), view.theme.dim),
    }
}

/// What there is to do where no key is.
fn where_keys_go(view: &View<'_>) -> Vec<(String, Style)> {
    let theme = view.theme;
    let offers = [Verb::AddKey, Verb::ImportKeys, Verb::Demo].into_iter().filter_map(|verb| {
        let row = action::find(verb).filter(|row| (row.enabled)(view.app, view.snapshot).is_ok())?;
        let key = view.app.keymap.keys(row).first()?;
        Some((format!("  {} {}", footer::name(view, *key), view.text(row.help)), theme.accent))
    });
    let head = (view.text("keys-empty"), theme.strong);
    let files = [
        (view.text("keys-empty-where"), theme.text),
        (format!("  {}", view.clean(&view.snapshot.setup.auths_dir)), theme.text),
        (view.text("keys-empty-then"), theme.dim),
    ];
    std::iter::once(head).chain(offers).chain(files).collect()
}
