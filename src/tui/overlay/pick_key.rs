//! The question which key a request is to go on with. Not whether that can be (`engine`).

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};

use super::popup;
use crate::{
    domain::{key::Label, snapshot::Snapshot},
    tui::{
        app::Extent,
        format::{cut, width, wrap},
        view::View,
        wording,
    },
};

const WIDTH: u16 = 60;
/// Lines around the list: border, question, blank.
const AROUND: u16 = 7;

/// What is to go where.
#[derive(Debug, Clone)]
pub(crate) struct PickKey {
    pub(crate) request_id: String,
    /// The key that it has: it is not offered.
    pub(crate) without: Option<Label>,
    pub(crate) row: usize,
}

impl PickKey {
    /// The keys that are offered.
    pub(crate) fn labels(&self, snapshot: &Snapshot) -> Vec<Label> {
        let others = snapshot.keys.iter().filter(|key| Some(&key.label) != self.without.as_ref());
        others.map(|key| key.label.clone()).collect()
    }

    pub(crate) fn chosen(&self, snapshot: &Snapshot) -> Option<Label> {
        self.labels(snapshot).into_iter().nth(self.row)
    }
}

pub(crate) fn draw(frame: &mut Frame<'_>, area: Rect, view: &View<'_>, pick: &PickKey) -> Extent {
    let room = usize::from(WIDTH.min(area.width).saturating_sub(4));
    let labels = pick.labels(view.snapshot);
    let high = usize::from(area.height.saturating_sub(AROUND)).min(labels.len());
    let mut lines: Vec<_> = wrap(&view.text("pick-key-question"), room)
        .into_iter()
        .map(|text| Line::styled(text, view.theme.dim))
        .chain([Line::raw("")])
        .collect();
    let first = (pick.row + 1).saturating_sub(high);
    let shown = labels.iter().enumerate().skip(first).take(high);
    lines.extend(shown.map(|(row, label)| line(view, label, row == pick.row, room)));
    popup(frame, area, view, &view.text("pick-key-title"), &view.text("foot-pick-key"), WIDTH, lines);
    Extent { page: high, scroll: 0 }
}

/// Its name, and what stands against it at the right.
fn line(view: &View<'_>, label: &Label, chosen: bool, room: usize) -> Line<'static> {
    let key = view.snapshot.keys.iter().find(|key| key.label == *label);
    let skip = key.and_then(|key| key.skip.as_ref());
    let (said, style) = match skip {
        Some(skip) => (view.join(&[wording::skip(view, skip), wording::back(view, skip)]), view.theme.warn),
        None => (view.text("pick-key-free"), view.theme.ok),
    };
    let mark = if chosen { view.glyphs.selected } else { " " };
    let name = cut(&view.clean(label.as_str()), 20, view.glyphs.ellipsis);
    let said = cut(&said, room.saturating_sub(width(&name) + 4), view.glyphs.ellipsis);
    let blank = " ".repeat(room.saturating_sub(width(&name) + width(&said) + 2));
    let line = Line::from(vec![
        Span::styled(mark, view.theme.accent),
        Span::styled(format!(" {name}{blank}"), view.theme.text),
        Span::styled(said, style),
    ]);
    if chosen { line.patch_style(view.theme.selected) } else { line }
}
