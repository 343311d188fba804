//! What lies over the panes, one at a time: sheets, palette, details, dialogs. Not toasts, which never take keys.

mod add_key;
mod block;
pub(crate) mod confirm;
mod details;
pub(crate) mod form;
mod help;
pub(crate) mod palette;
pub(crate) mod pick_key;
mod quit;
mod settings;
pub(crate) mod sheet;
mod tokens;

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
    widgets::{Block, Clear, Padding},
};

use super::{
    app::{Extent, Overlay},
    format::{cut, width},
    layout::centered,
    view::View,
};

/// Draws what is open, and tells how far it can be scrolled; `None` when nothing is open.
pub(crate) fn draw(frame: &mut Frame<'_>, area: Rect, view: &View<'_>) -> Option<Extent> {
    match view.app.overlay.as_ref()? {
        Overlay::Sheet(sheet) => Some(sheet::draw(frame, area, view, sheet)),
        Overlay::Palette(palette) => Some(palette::draw(frame, area, view, palette)),
        Overlay::Details { subject, scroll } => Some(details::draw(frame, area, view, subject, *scroll)),
        Overlay::Form(form) => {
            form::draw(frame, area, view, form);
            Some(Extent::default())
        }
        Overlay::PickKey(pick) => Some(pick_key::draw(frame, area, view, pick)),
        Overlay::Confirm(confirm) => {
            confirm::draw(frame, area, view, confirm);
            Some(Extent::default())
        }
        // It stands in its pane.
        Overlay::Filter(_) => None,
        Overlay::Quit { waiting } => {
            quit::draw(frame, area, view, *waiting);
            Some(Extent::default())
        }
    }
}

/// What a popup turned out to be.
struct Popup {
    inside: Rect,
    extent: Extent,
}

/// A box over the middle, as high as its lines.
fn popup(
    frame: &mut Frame<'_>,
    area: Rect,
    view: &View<'_>,
    title: &str,
    foot: &str,
    width: u16,
    lines: Vec<Line<'static>>,
) -> Popup {
    scrolled_popup(frame, area, view, title, foot, width, lines, 0)
}

#[expect(clippy::too_many_arguments, reason = "one stroke with all it needs; a struct would name them no better")]
fn scrolled_popup(
    frame: &mut Frame<'_>,
    area: Rect,
    view: &View<'_>,
    title: &str,
    foot: &str,
    wide: u16,
    lines: Vec<Line<'static>>,
    scroll: usize,
) -> Popup {
    let high = u16::try_from(lines.len() + 2).unwrap_or(area.height);
    let area = centered(area, wide, high);
    if area.width < 4 || area.height < 3 {
        return Popup { inside: Rect::default(), extent: Extent::default() };
    }
    let theme = view.theme;
    let fitted = |text: &str| cut(text, usize::from(area.width).saturating_sub(6), view.glyphs.ellipsis);
    let mut block = Block::bordered()
        .border_set(view.glyphs.border)
        .style(theme.text)
        .border_style(theme.border_focused)
        .padding(Padding::horizontal(1))
        .title_top(Line::from(Span::styled(format!(" {} ", fitted(title)), theme.title_focused)));
    let inside = block.inner(area);
    let page = usize::from(inside.height);
    let most = lines.len().saturating_sub(page);
    let foot = if most > 0 { format!("{foot}  {}{}", view.glyphs.up, view.glyphs.down) } else { foot.to_owned() };
    if width(&foot) > 0 {
        block = block.title_bottom(Line::from(Span::styled(format!(" {} ", fitted(&foot)), theme.dim)).right_aligned());
    }
    frame.render_widget(Clear, area);
    frame.render_widget(block, area);
    view.put_lines(frame, inside, lines.into_iter().skip(scroll.min(most)).collect());
    Popup { inside, extent: Extent { page, scroll: most } }
}
