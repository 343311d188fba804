//! The doctor pane: what was checked, worst first, and what to do about it. Not the checks.

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};

use super::{Rows, explained, framed, scrolled};
use crate::{
    domain::{command::Severity, message::Message, snapshot::Finding},
    tui::{
        findings::findings,
        format::{cut, width, wrap},
        layout::Pane,
        view::View,
    },
};

pub(crate) fn draw(frame: &mut Frame<'_>, area: Rect, view: &View<'_>) -> Rows {
    let area = framed(frame, area, view, Pane::Doctor, info(view));
    let findings = findings(view.snapshot);
    if findings.is_empty() {
        return explained(frame, area, view, &[(view.text("doctor-empty"), view.theme.dim)]);
    }
    let row = view.app.finding_row(view.snapshot);
    let focused = view.app.focus == Pane::Doctor;
    let room = usize::from(area.width).saturating_sub(2);
    let (mut lines, mut rows) = (Vec::new(), Rows::new());
    let mut selected = 0..1;
    for (at, finding) in findings.iter().enumerate() {
        let start = lines.len();
        lines.extend(finding_lines(view, finding, focused && at == row, room));
        rows.resize(lines.len(), Some(at));
        if at == row {
            selected = start..lines.len();
        }
    }
    rows.split_off(scrolled(frame, area, view, lines, &selected))
}

/// `2 problems`, or that all is well.
fn info(view: &View<'_>) -> Line<'static> {
    let findings = &view.snapshot.findings;
    let problems = findings.iter().filter(|finding| finding.severity >= Severity::Warn).count();
    let worst = findings.iter().map(|finding| finding.severity).max();
    match (worst, problems) {
        (None, _) => Line::default(),
        (_, 0) => Line::from(Span::styled(view.text("doctor-fine"), view.theme.ok)),
        (Some(worst), problems) => {
            let text = view.say(&Message::new("doctor-problems").with("count", problems));
            Line::from(Span::styled(text, view.theme.severity(worst)))
        }
    }
}

/// One line when all is well; else what was seen and what to do, in full.
fn finding_lines(view: &View<'_>, finding: &Finding, selected: bool, room: usize) -> Vec<Line<'static>> {
    let theme = view.theme;
    let mark = if selected { view.glyphs.selected } else { " " };
    let sign = Span::styled(view.glyphs.severity(finding.severity), theme.severity(finding.severity));
    let (subject, seen) = (view.say(&finding.subject), view.say(&finding.seen));
    let start = |spans: Vec<Span<'static>>| {
        let mut line = Line::from(vec![Span::styled(mark, theme.accent)]);
        line.spans.extend(spans);
        line
    };
    let indented = |text: String, style| start(vec![Span::raw("  "), Span::styled(text, style)]);
    let blank = Span::raw(" ");
    if finding.severity < Severity::Warn {
        let subject = cut(&subject, room.saturating_sub(2), view.glyphs.ellipsis);
        let spare = room.saturating_sub(width(&subject) + 4);
        let seen = Span::styled(cut(&seen, spare, view.glyphs.ellipsis), theme.dim);
        return vec![start(vec![sign, blank, Span::styled(subject, theme.text), Span::raw("  "), seen])];
    }
    let mut lines = vec![start(vec![sign, blank, Span::styled(subject, theme.strong)])];
    let body = room.saturating_sub(2);
    lines.extend(wrap(&seen, body).into_iter().map(|text| indented(text, theme.text)));
    if let Some(fix) = &finding.fix {
        let fix = format!("{} {}", view.glyphs.arrow, view.say(fix));
        lines.extend(wrap(&fix, body).into_iter().map(|text| indented(text, theme.accent)));
    }
    lines
}
