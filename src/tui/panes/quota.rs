//! The quota pane: a bar for each window of each account, full when all of it is left. Not rates (`limits`).

use std::time::Duration;

use ratatui::{
    Frame,
    layout::Rect,
    style::Style,
    text::{Line, Span},
};

use super::{Rows, explained, framed, scrolled};
use crate::{
    domain::{
        key::Label,
        message::Message,
        runway::Pace,
        snapshot::{KeyView, UsageView},
        usage::{Usage, Window},
    },
    tui::{
        accounts::accounts,
        format::{self, age, bar, count, countdown, cut, percent, width},
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

/// What stands right of a bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extra {
    /// `1.2k/2k`.
    Used,
    /// `18%/h`.
    Pace,
    /// `empty in 1h50m`, where that is before it comes back.
    Empty,
    /// `resets in 3h00m`.
    Resets,
    /// The sooner of both, in few letters.
    Sooner,
}

/// From much room to none, with the least bar that is wanted beside it.
const EXTRAS: [(&[Extra], usize); 6] = [
    (&[Extra::Used, Extra::Pace, Extra::Empty, Extra::Resets], 2 * LEAST_BAR),
    (&[Extra::Used, Extra::Empty, Extra::Resets], 2 * LEAST_BAR),
    (&[Extra::Empty, Extra::Resets], 2 * LEAST_BAR),
    (&[Extra::Used, Extra::Sooner], 2 * LEAST_BAR),
    (&[Extra::Sooner], LEAST_BAR),
    (&[], 0),
];

/// Widths shared by all lines.
struct Measure {
    label: usize,
    window: usize,
    /// What stands right of the bar, and its width.
    extras: Vec<(Extra, usize)>,
    bar: usize,
    /// All that is right of the label.
    rest: usize,
}

pub(crate) fn draw(frame: &mut Frame<'_>, area: Rect, view: &View<'_>) -> Rows {
    let area = framed(frame, area, view, Pane::Quota, info(view));
    let keys = &view.snapshot.keys;
    if keys.is_empty() {
        return explained(frame, area, view, &[(view.text("quota-empty"), view.theme.dim)]);
    }
    let accounts: Vec<Account<'_>> = accounts(keys).iter().map(|positions| Account::of(keys, positions)).collect();
    let measure = measure(view, &accounts, usize::from(area.width));
    let chosen = view.app.selected_key(view.snapshot).map(|key| &key.label);
    let (mut lines, mut rows) = (Vec::new(), Rows::new());
    let mut selected = 0..1;
    let mut listed = 0;
    for account in &accounts {
        let start = lines.len();
        lines.extend(account_lines(view, account, chosen, &measure));
        if account.keys.iter().any(|key| Some(&key.label) == chosen) {
            selected = start..lines.len();
        }
        rows.extend((start..lines.len()).map(|line| Some(listed + (line - start).min(account.keys.len() - 1))));
        listed += account.keys.len();
    }
    rows.split_off(scrolled(frame, area, view, lines, &selected))
}

/// Keys that share one quota.
struct Account<'a> {
    keys: Vec<&'a KeyView>,
    /// The one whose report is the newest.
    told_by: &'a KeyView,
}

impl<'a> Account<'a> {
    /// `positions` is never empty.
    fn of(keys: &'a [KeyView], positions: &[usize]) -> Self {
        let keys: Vec<&KeyView> = positions.iter().map(|position| &keys[*position]).collect();
        let newest = keys.iter().rev().max_by_key(|key| match &key.usage {
            UsageView::Known { at, .. } => (2, Some(*at)),
            UsageView::Failed { at, usage, .. } => (u8::from(usage.is_some()), Some(*at)),
            UsageView::Unknown => (0, None),
        });
        let told_by = newest.copied().unwrap_or(keys[0]);
        Self { keys, told_by }
    }

    fn windows(&self) -> &'a [Window] {
        usage_of(self.told_by).map_or(&[], |usage| usage.windows.as_slice())
    }
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

fn measure(view: &View<'_>, accounts: &[Account<'_>], room: usize) -> Measure {
    let widest = |texts: &mut dyn Iterator<Item = String>| texts.map(|text| width(&text)).max().unwrap_or_default();
    let windows = || accounts.iter().flat_map(|account| account.windows().iter().map(move |window| (account, window)));
    let names = |account: &Account<'_>| (0..account.keys.len()).map(|at| name(view, account, at)).collect::<Vec<_>>();
    let label = widest(&mut accounts.iter().flat_map(names)).min(MOST_LABEL);
    let window = widest(&mut windows().map(|(_, window)| wording::window(view, &window.kind))).min(10);
    let taken = 2 + label + 1 + window + 1 + 1 + PERCENT;
    let mut measure = Measure { label, window, extras: Vec::new(), bar: 0, rest: room.saturating_sub(label + 3) };
    for (extras, least) in EXTRAS {
        let wide = |extra: &Extra| {
            widest(&mut windows().map(|(account, window)| said(view, *extra, account.told_by, window).0))
        };
        measure.extras = extras.iter().map(|extra| (*extra, wide(extra))).collect();
        let extra: usize = measure.extras.iter().map(|(_, width)| gap(*width)).sum();
        if let Some(bar) = room.checked_sub(taken + extra).filter(|bar| *bar >= least) {
            measure.bar = bar.min(MOST_BAR);
            break;
        }
    }
    measure
}

const fn gap(width: usize) -> usize {
    if width == 0 { 0 } else { width + 1 }
}

/// The name of one of the account's keys; those after the first are added to it.
fn name(view: &View<'_>, account: &Account<'_>, at: usize) -> String {
    let label = account.keys.get(at).map(|key| view.clean(key.label.as_str())).unwrap_or_default();
    if at > 0 && !label.is_empty() { format!("+{label}") } else { label }
}

/// The bars of an account, and beside them its keys.
fn account_lines(
    view: &View<'_>,
    account: &Account<'_>,
    chosen: Option<&Label>,
    measure: &Measure,
) -> Vec<Line<'static>> {
    let teller = account.told_by;
    let mut bodies: Vec<_> =
        account.windows().iter().map(|window| window_spans(view, teller, window, measure)).collect();
    if let Some((text, style)) = remark(view, teller) {
        bodies.push(vec![Span::styled(cut(&text, measure.rest, view.glyphs.ellipsis), style)]);
    }
    bodies.resize(bodies.len().max(account.keys.len()), Vec::new());
    let line = |(at, body): (usize, Vec<Span<'static>>)| {
        // A key that is alone owns all lines, one of several only its own.
        let key = if account.keys.len() == 1 { account.keys.first() } else { account.keys.get(at) };
        let selected = key.is_some_and(|key| Some(&key.label) == chosen);
        let mark = if selected { view.glyphs.selected } else { " " };
        let style = if key.is_some_and(|key| key.active) { view.theme.strong } else { view.theme.text };
        let label = cut(&name(view, account, at), measure.label, view.glyphs.ellipsis);
        let mut spans = vec![
            Span::styled(mark, view.theme.accent),
            Span::styled(padded(&label, measure.label), style),
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
    for (extra, room) in measure.extras.iter().filter(|(_, room)| *room > 0) {
        let (text, style) = said(view, *extra, key, window);
        let blank = " ".repeat(1 + room.saturating_sub(width(&text)));
        spans.push(Span::styled(format!("{blank}{text}"), style));
    }
    spans
}

fn said(view: &View<'_>, extra: Extra, key: &KeyView, window: &Window) -> (String, Style) {
    let dim = view.theme.dim;
    let span = |id, moment| view.say(&Message::new(id).with("span", countdown(view.words, view.until(moment))));
    let empty = wording::empty_at(key, window).filter(|_| window.left.is_some_and(|left| left > 0.0));
    let urgent = empty.map_or(dim, |empty| if view.until(empty) < SOON { view.theme.bad } else { view.theme.warn });
    match extra {
        Extra::Used => (used(view, window), dim),
        Extra::Pace => (pace(view, key, window), dim),
        Extra::Empty => (empty.map(|empty| span("quota-empty-in", empty)).unwrap_or_default(), urgent),
        Extra::Resets => (window.resets_at.map(|moment| span("quota-resets-in", moment)).unwrap_or_default(), dim),
        Extra::Sooner => match (empty, window.resets_at) {
            (Some(empty), _) => (span("quota-dry", empty), urgent),
            (None, Some(moment)) => (countdown(view.words, view.until(moment)), dim),
            (None, None) => (view.nothing(), dim),
        },
    }
}

/// `1.2k/2k`.
fn used(view: &View<'_>, window: &Window) -> String {
    let (Some(used), Some(limit)) = (window.used, window.limit) else { return String::new() };
    format!("{}/{}", count(view.words, used.max(0.0) as u64), count(view.words, limit.max(0.0) as u64))
}

/// What goes in an hour, once that is known.
fn pace(view: &View<'_>, key: &KeyView, window: &Window) -> String {
    let pace = key.pace.iter().find(|pace| pace.kind == window.kind && pace.per_hour > 0.0);
    let said = |pace: &Pace| view.say(&Message::new("quota-pace").with("share", format::pace(pace.per_hour)));
    pace.map(said).unwrap_or_default()
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
