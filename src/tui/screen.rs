//! The whole screen, put together from its parts. Not where they are (`layout`), nor what they say.

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};

use super::{
    app::Extent,
    footer,
    format::{cut, width},
    header,
    layout::{self, Pane, Screen, Wish},
    mouse::Spot,
    overlay, panes, runway, toast,
    view::View,
};
use crate::domain::snapshot::Status;

/// What only drawing finds out.
#[derive(Debug, Default)]
pub(crate) struct Shown {
    pub(crate) extent: Extent,
    pub(crate) spots: Vec<Spot>,
}

/// Draws everything, and tells how far there is to scroll and what is where.
pub(crate) fn draw(frame: &mut Frame<'_>, view: &View<'_>) -> Shown {
    let area = frame.area();
    frame.buffer_mut().set_style(area, view.theme.text);
    let ahead = runway::line(view, usize::from(area.width));
    let wish = Wish {
        focus: view.app.focus,
        zoomed: view.app.zoomed,
        key_lines: panes::keys::lines_wanted(view),
        runway: ahead.is_some(),
    };
    let panes = match layout::screen(frame.area(), wish) {
        Screen::Line(area) => {
            one_line(frame, area, view);
            return Shown::default();
        }
        Screen::Panes(panes) => panes,
    };
    header::draw(frame, panes.header, view, ahead);
    let mut spots = panes.tabs.map(|area| tabs(frame, area, view)).unwrap_or_default();
    let mut page = 0;
    for (pane, area) in &panes.panes {
        let rows = panes::draw(frame, *area, view, *pane);
        spots.push(Spot { pane: *pane, area: *area, rows });
        if *pane == view.app.focus {
            page = usize::from(area.height.saturating_sub(3));
        }
    }
    footer::draw(frame, panes.footer, view);
    let body = Rect { height: frame.area().height.saturating_sub(panes.footer.height), ..frame.area() };
    toast::draw(frame, body, view);
    let extent = overlay::draw(frame, body, view).unwrap_or(Extent { page, scroll: 0 });
    view.glyphs.replace_in(frame.buffer_mut());
    Shown { extent, spots }
}

/// `1 Keys  2 Quota  …`, the focused one marked by more than colour.
fn tabs(frame: &mut Frame<'_>, area: Rect, view: &View<'_>) -> Vec<Spot> {
    let (mut spans, mut spots) = (Vec::new(), Vec::new());
    let mut x = area.x;
    for pane in Pane::ALL {
        let focused = pane == view.app.focus;
        let (mark, style) =
            if focused { (view.glyphs.active, view.theme.title_focused) } else { (" ", view.theme.title) };
        let text = format!("{mark}{} {}", pane.number(), view.text(pane.title()));
        let wide = u16::try_from(width(&text)).unwrap_or(u16::MAX);
        spots.push(Spot { pane, area: Rect { x, width: wide, ..area }.intersection(area), rows: Vec::new() });
        x = x.saturating_add(wide).saturating_add(1);
        spans.extend([Span::styled(text, style), Span::raw(" ")]);
    }
    view.put_lines(frame, area, vec![Line::from(spans)]);
    spots
}

/// All that fits when there is no room for panes.
fn one_line(frame: &mut Frame<'_>, area: Rect, view: &View<'_>) {
    let snapshot = view.snapshot;
    let usable = snapshot.keys.iter().filter(|key| key.skip.is_none()).count();
    let status = if usable > 0 { Status::Healthy } else { Status::Blocked };
    let active = snapshot.active.as_ref().map_or_else(|| view.nothing(), |label| view.clean(label.as_str()));
    let text = format!("{usable}/{} {}", snapshot.keys.len(), active);
    let room = usize::from(area.width).saturating_sub(2);
    let line = Line::from(vec![
        Span::styled(view.glyphs.status(status), view.theme.status(status)),
        Span::raw(" "),
        Span::raw(cut(&text, room, view.glyphs.ellipsis)),
    ]);
    view.put_lines(frame, area, vec![line]);
}
