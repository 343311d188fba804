//! The limits pane: how much of every rate is taken, how evenly the keys are used, and what was lost. Not quotas.

use std::time::Duration;

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};

use super::{Rows, framed};
use crate::{
    domain::{
        command::Severity,
        message::Message,
        snapshot::{CircuitState, KeyView, RateView, UsageView},
    },
    tui::{
        columns::{Cell, Column, Row},
        format::{bar, count, countdown, cut, decimal, sparkline, sparkline_up_to, took, whole, width},
        header,
        layout::Pane,
        view::View,
        wording,
    },
};

/// Columns of a gauge, where there is little room and where there is more.
const GAUGE: [usize; 2] = [5, 20];
const ROOMY: u16 = 56;
/// Lines that the rates keep: titles, all keys, and the selected one.
const RATES: usize = 3;
/// Most columns of a sparkline.
const SPARK: usize = 60;

pub(crate) fn draw(frame: &mut Frame<'_>, area: Rect, view: &View<'_>) -> Rows {
    let area = framed(frame, area, view, Pane::Limits, Line::default());
    let room = usize::from(area.width);
    // The first matters most: the rates below stay, and what finds no room above them is told by a taller pane.
    let mut lines = vec![activity(view, room)];
    lines.extend(queue(view, room));
    lines.extend(losses(view, room));
    lines.extend(troubles(view, room));
    lines.extend(latency(view, room));
    lines.push(evenness(view));
    lines.truncate(usize::from(area.height).saturating_sub(RATES).max(1));
    let spare = usize::from(area.height).saturating_sub(lines.len());
    if spare > view.snapshot.keys.len() + 2 {
        // What is well is told where there is room.
        lines.extend(well(view, room));
    }
    let head = u16::try_from(lines.len()).unwrap_or(area.height).min(area.height);
    view.put_lines(frame, area, lines);
    let below = Rect { y: area.y + head, height: area.height - head, ..area };
    let gauge = GAUGE[usize::from(area.width >= ROOMY)];
    let rows = rows(view, gauge);
    let table = view.table(&columns(view, gauge), &rows, area.width);
    let (lines, first) = fitting(table, &rows, usize::from(below.height));
    view.put_lines(frame, below, lines);
    std::iter::repeat_n(None, usize::from(head) + 2).chain((first..view.snapshot.keys.len()).map(Some)).collect()
}

/// The titles and the row of all keys stay; below them, the selected key is kept in sight. Gives back the first of them too.
fn fitting(mut lines: Vec<Line<'static>>, rows: &[Row], room: usize) -> (Vec<Line<'static>>, usize) {
    let selected = rows.iter().position(|row| row.selected).unwrap_or(1).saturating_sub(1);
    let keys = lines.split_off(2.min(lines.len()));
    let start = super::first_line(keys.len(), &(selected..selected + 1), room.saturating_sub(2));
    lines.extend(keys.into_iter().skip(start));
    (lines, start)
}

/// Requests a second over the last minute, and now.
fn activity(view: &View<'_>, room: usize) -> Line<'static> {
    let traffic = &view.snapshot.traffic;
    let rate = decimal(view.words, header::rate(traffic), 1);
    let rate = view.say(&Message::new("header-rate").with("value", rate));
    let flying = view.say(&Message::new("header-in-flight").with("count", i64::from(traffic.in_flight)));
    let said = view.join(&[rate, flying]);
    let spark = sparkline(&traffic.per_second, spark_room(&said, room), view.glyphs);
    sparked(view, spark, said)
}

/// How long the last requests took to be answered, and what is usual.
fn latency(view: &View<'_>, room: usize) -> Option<Line<'static>> {
    let traffic = &view.snapshot.traffic;
    let named = [("p50", traffic.latency_p50?), ("p99", traffic.latency_p99?)];
    let said = view.join(&named.map(|(name, span)| format!("{name} {}", took(view.words, span))));
    // The root keeps one slow answer from flattening all others.
    let height = |span: Duration| (span.as_millis() as f64).sqrt().ceil() as u32;
    let mut heights: Vec<u32> =
        view.app.trace.newest_first().take(SPARK).map(|record| height(record.latency)).collect();
    heights.reverse();
    let room = spark_room(&said, room);
    Some(sparked(view, sparkline_up_to(height(traffic.latency_p99?), &heights, room, view.glyphs), said))
}

/// A sparkline, and words right of it.
fn sparked(view: &View<'_>, spark: String, said: String) -> Line<'static> {
    Line::from(vec![
        Span::raw(" "),
        Span::styled(spark, view.theme.accent),
        Span::raw("  "),
        Span::styled(said, view.theme.text),
    ])
}

/// Columns that the words leave.
fn spark_room(said: &str, room: usize) -> usize {
    room.saturating_sub(width(said) + 4).min(SPARK)
}

/// How even the round robin was.
fn evenness(view: &View<'_>) -> Line<'static> {
    let confidence = &view.snapshot.confidence;
    // Evenness means something only while keys take turns.
    let silent = match view.snapshot.auto_rotate {
        false => Some("limits-confidence-unknown"),
        true if confidence.records == 0 || !confidence.percent.is_finite() => Some("limits-confidence-none"),
        true => None,
    };
    if let Some(id) = silent {
        return Line::styled(format!(" {}", view.text(id)), view.theme.dim);
    }
    let message = Message::new("limits-confidence")
        .with("percent", format!("{:.0}", confidence.percent.clamp(0.0, 100.0)))
        .with("count", whole(confidence.records));
    Line::styled(format!(" {}", view.say(&message)), view.theme.text)
}

/// Only when something was lost.
fn losses(view: &View<'_>, room: usize) -> Option<Line<'static>> {
    let lost = view.snapshot.traffic.losses().into_iter().filter(|(_, count)| *count > 0);
    let parts: Vec<_> = lost.map(|(id, count)| view.say(&Message::new(id).with("count", whole(count)))).collect();
    let text = format!(" {} {}", view.glyphs.severity(Severity::Fail), view.join(&parts));
    (!parts.is_empty()).then(|| Line::styled(cut(&text, room, view.glyphs.ellipsis), view.theme.bad))
}

/// Hosts that answer, that nothing was lost, and that nobody waits.
fn well(view: &View<'_>, room: usize) -> Option<Line<'static>> {
    let hosts = view.snapshot.hosts.iter().filter_map(|host| match host.circuit {
        CircuitState::Closed { failures: 0 } => Some(view.clean(&host.host)),
        CircuitState::Closed { failures } => {
            let message = Message::new("limits-host-failures").with("host", view.clean(&host.host));
            Some(view.say(&message.with("count", i64::from(failures))))
        }
        CircuitState::Open { .. } | CircuitState::HalfOpen => None,
    });
    let mut parts: Vec<String> = hosts.collect();
    if view.snapshot.traffic.dropped_records == 0 {
        parts.push(view.text("limits-nothing-lost"));
    }
    if view.snapshot.held.is_empty() {
        parts.push(view.text("limits-queue-empty"));
    }
    let text = format!(" {} {}", view.glyphs.severity(Severity::Ok), view.join(&parts));
    (!parts.is_empty()).then(|| Line::styled(cut(&text, room, view.glyphs.ellipsis), view.theme.dim))
}

/// What every key has in common, and hosts that are left alone.
fn troubles(view: &View<'_>, room: usize) -> Vec<Line<'static>> {
    let snapshot = view.snapshot;
    let shared = snapshot.shared_cause.iter().map(|shared| {
        Message::new("limits-shared-cause")
            .with("cause", Message::new(shared.cause.message_id()))
            .with("common", Message::new(wording::common(shared.common)))
    });
    let hosts = snapshot.hosts.iter().filter_map(|host| match host.circuit {
        CircuitState::Closed { .. } => None,
        CircuitState::Open { until } => {
            let left = countdown(view.words, view.until(until));
            Some(Message::new("limits-host-open").with("host", view.clean(&host.host)).with("left", left))
        }
        CircuitState::HalfOpen => Some(Message::new("limits-host-half-open").with("host", view.clean(&host.host))),
    });
    let mark = view.glyphs.severity(Severity::Warn);
    let line = |message: Message| {
        let text = format!(" {mark} {}", view.say(&message));
        Line::styled(cut(&text, room, view.glyphs.ellipsis), view.theme.warn)
    };
    shared.chain(hosts).map(line).collect()
}

/// How many requests wait for a key, and how long the next one has. The trace pane lists them.
fn queue(view: &View<'_>, room: usize) -> Option<Line<'static>> {
    let held = &view.snapshot.held;
    let first = held.first()?;
    let waited = view.since(first.since);
    let message = Message::new("limits-queue")
        .with("count", held.len())
        .with("waited", countdown(view.words, waited))
        .with("most", countdown(view.words, waited + view.until(first.until)));
    let text = format!(" {} {}", view.glyphs.severity(Severity::Warn), view.say(&message));
    Some(Line::styled(cut(&text, room, view.glyphs.ellipsis), view.theme.warn))
}

fn columns(view: &View<'_>, gauge: usize) -> [Column; 6] {
    let title = |id| view.text(id);
    [
        Column::left(title("column-limit")).between(4, 14),
        Column::right(title("column-per-second")),
        Column::right(title("column-per-minute")),
        Column::left(String::new()).between(gauge, gauge).rank(2),
        Column::right(title("column-in-flight")).rank(3),
        Column::right(title("column-served")).rank(1),
    ]
}

fn rows(view: &View<'_>, gauge: usize) -> Vec<Row> {
    let snapshot = view.snapshot;
    let name = (view.text("limits-all"), view.theme.strong);
    let flying = taken(view, snapshot.traffic.in_flight, 0);
    let all = Row {
        cells: cells(view, gauge, name, snapshot.global_rate, flying, snapshot.confidence.records),
        selected: false,
    };
    let selected = view.app.key_row(snapshot);
    let keys = snapshot.keys.iter().enumerate().map(|(at, key)| Row {
        cells: cells(
            view,
            gauge,
            (view.clean(key.label.as_str()), view.theme.text),
            key.rate,
            taken(view, key.in_flight, parallel_limit(key)),
            served(view, key),
        ),
        selected: at == selected && view.app.focus == Pane::Limits,
    });
    std::iter::once(all).chain(keys).collect()
}

/// Requests that a key answered among the recent ones.
fn served(view: &View<'_>, key: &KeyView) -> u64 {
    let counts = &view.snapshot.confidence.counts;
    counts.iter().find(|(label, _)| *label == key.label).map_or(0, |(_, count)| *count)
}

/// Most requests at once that its account takes, by its last report; 0 where that is not known.
fn parallel_limit(key: &KeyView) -> u32 {
    let (UsageView::Known { usage, .. } | UsageView::Failed { usage: Some(usage), .. }) = &key.usage else { return 0 };
    usage.parallel_limit.unwrap_or_default()
}

fn cells(view: &View<'_>, room: usize, name: Cell, rate: RateView, flying: Cell, served: u64) -> Vec<Cell> {
    let share = share(rate);
    let style = share.map_or(view.theme.text, |share| view.theme.taken(share));
    let gauge = share.map(|share| bar(share, room, view.glyphs)).map(|(full, rest)| full + &rest);
    vec![
        name,
        taken(view, rate.last_second, rate.per_second),
        taken(view, rate.last_minute, rate.per_minute),
        (gauge.unwrap_or_default(), style),
        flying,
        (count(view.words, served), view.theme.dim),
    ]
}

/// `3/10`, or `3` where there is no limit.
fn taken(view: &View<'_>, taken: u32, limit: u32) -> Cell {
    match limit {
        0 => (taken.to_string(), view.theme.dim),
        limit => (format!("{taken}/{limit}"), view.theme.taken(f64::from(taken) / f64::from(limit))),
    }
}

/// How much of the tighter limit is taken; `None` without limits.
fn share(rate: RateView) -> Option<f64> {
    let share = |taken: u32, limit: u32| (limit > 0).then(|| f64::from(taken) / f64::from(limit));
    let shares = [share(rate.last_second, rate.per_second), share(rate.last_minute, rate.per_minute)];
    shares.into_iter().flatten().max_by(f64::total_cmp)
}
