//! Where everything is, by the size of the screen. Not what is drawn there.
//!
//! 110×30 and larger, all panes:
//!
//! ```text
//! kmi-tui  ● live  http://127.0.0.1:54123/kmi-rotor/v1       14:10
//! active ▸alpha · auto-rotation off · 1.2 req/s · errors 0.4 %
//! At this rate alpha is dry 14:10 · all keys 16:40 · first reset 15:05
//! ╭ 1 Keys ──────────────────────────────────────────────────────╮
//! ╰──────────────────────────────────────────────────────────────╯
//! ╭ 2 Quota ───────────╮╭ 4 Limits ────────╮╭ 5 Doctor ──────────╮
//! ╰────────────────────╯╰──────────────────╯╰────────────────────╯
//! ╭ 3 Trace ─────────────────────────────────────────────────────╮
//! ╰──────────────────────────────────────────────────────────────╯
//! r rotate  R to this key  b block …               ? help  q quit
//! ```
//!
//! 70×18 and larger (80×24): a tab bar, the keys, and under them the trace or the focused other pane
//! (both from 34 rows on). Smaller, or zoomed: the focused pane alone. Under 30×7: one line.

use ratatui::layout::{Constraint, Layout, Rect};

/// The five panes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Pane {
    Keys,
    Quota,
    Trace,
    Limits,
    Doctor,
}

impl Pane {
    /// In the order of their numbers.
    pub(crate) const ALL: [Self; 5] = [Self::Keys, Self::Quota, Self::Trace, Self::Limits, Self::Doctor];

    /// The digit that leads there.
    pub(crate) const fn number(self) -> usize {
        self as usize + 1
    }

    /// Fluent id of its title.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Keys => "pane-keys",
            Self::Quota => "pane-quota",
            Self::Trace => "pane-trace",
            Self::Limits => "pane-limits",
            Self::Doctor => "pane-doctor",
        }
    }

    /// The pane `steps` further, around the end.
    pub(crate) fn after(self, steps: usize) -> Self {
        Self::ALL[(self as usize + steps) % Self::ALL.len()]
    }
}

/// What the layout depends on beside the size.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wish {
    pub(crate) focus: Pane,
    pub(crate) zoomed: bool,
    /// Lines that the keys pane would like, without its border.
    pub(crate) key_lines: u16,
    /// Whether there is something to say of what is ahead.
    pub(crate) runway: bool,
}

impl Wish {
    fn header(self) -> u16 {
        2 + u16::from(self.runway)
    }
}

/// A screen divided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Screen {
    /// No room for panes: one line that says the most important.
    Line(Rect),
    Panes(Panes),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Panes {
    pub(crate) header: Rect,
    /// Where not all panes are shown.
    pub(crate) tabs: Option<Rect>,
    pub(crate) panes: Vec<(Pane, Rect)>,
    pub(crate) footer: Rect,
}

/// Divides the screen.
pub(crate) fn screen(area: Rect, wish: Wish) -> Screen {
    match (area.width, area.height) {
        (..30, _) | (_, ..7) => Screen::Line(Rect { height: area.height.min(1), ..area }),
        (110.., 30..) if !wish.zoomed => all(area, wish),
        (70.., 18..) if !wish.zoomed => some(area, wish),
        _ => one(area, wish),
    }
}

fn all(area: Rect, wish: Wish) -> Screen {
    let keys = (wish.key_lines + 2).clamp(5, area.height / 3);
    let [header, keys, middle, trace, footer] = area.layout(&Layout::vertical([
        Constraint::Length(wish.header()),
        Constraint::Length(keys),
        Constraint::Length((area.height / 3).clamp(9, 16)),
        Constraint::Fill(1),
        Constraint::Length(1),
    ]));
    let [quota, limits, doctor] =
        middle.layout(&Layout::horizontal([Constraint::Fill(10), Constraint::Fill(9), Constraint::Fill(9)]));
    let panes = vec![
        (Pane::Keys, keys),
        (Pane::Quota, quota),
        (Pane::Limits, limits),
        (Pane::Doctor, doctor),
        (Pane::Trace, trace),
    ];
    Screen::Panes(Panes { header, tabs: None, panes, footer })
}

fn some(area: Rect, wish: Wish) -> Screen {
    let keys = (wish.key_lines + 2).clamp(5, area.height / 3 + 1);
    let [header, tabs, keys, rest, footer] = area.layout(&Layout::vertical([
        Constraint::Length(wish.header()),
        Constraint::Length(1),
        Constraint::Length(keys),
        Constraint::Fill(1),
        Constraint::Length(1),
    ]));
    let mut panes = vec![(Pane::Keys, keys)];
    match wish.focus {
        Pane::Keys | Pane::Trace => panes.push((Pane::Trace, rest)),
        other if area.height < 34 => panes.push((other, rest)),
        other => {
            let [upper, lower] = rest.layout(&Layout::vertical([Constraint::Fill(1), Constraint::Fill(1)]));
            panes.extend([(other, upper), (Pane::Trace, lower)]);
        }
    }
    Screen::Panes(Panes { header, tabs: Some(tabs), panes, footer })
}

fn one(area: Rect, wish: Wish) -> Screen {
    let header = if area.height < 12 { 1 } else { wish.header() };
    let [header, tabs, pane, footer] = area.layout(&Layout::vertical([
        Constraint::Length(header),
        Constraint::Length(1),
        Constraint::Fill(1),
        Constraint::Length(1),
    ]));
    Screen::Panes(Panes { header, tabs: Some(tabs), panes: vec![(wish.focus, pane)], footer })
}

/// A box of at most this size in the middle of `area`.
pub(crate) fn centered(area: Rect, width: u16, height: u16) -> Rect {
    area.centered(Constraint::Length(width.min(area.width)), Constraint::Length(height.min(area.height)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(width: u16, height: u16, focus: Pane, zoomed: bool) -> Option<Vec<Pane>> {
        let wish = Wish { focus, zoomed, key_lines: 6, runway: true };
        match screen(Rect::new(0, 0, width, height), wish) {
            Screen::Line(_) => None,
            Screen::Panes(panes) => Some(panes.panes.into_iter().map(|(pane, _)| pane).collect()),
        }
    }

    #[test]
    fn size_decides_what_is_shown() {
        use Pane::{Doctor, Keys, Limits, Quota, Trace};
        for (width, height, focus, zoomed, expected) in [
            (120, 40, Keys, false, Some(vec![Keys, Quota, Limits, Doctor, Trace])),
            (120, 40, Quota, true, Some(vec![Quota])),
            (80, 24, Keys, false, Some(vec![Keys, Trace])),
            (80, 24, Doctor, false, Some(vec![Keys, Doctor])),
            (80, 40, Limits, false, Some(vec![Keys, Limits, Trace])),
            (60, 24, Trace, false, Some(vec![Trace])),
            (20, 24, Trace, false, None),
            (80, 6, Trace, false, None),
            (0, 0, Trace, false, None),
        ] {
            assert_eq!(shown(width, height, focus, zoomed), expected, "{width}×{height}");
        }
    }

    #[test]
    fn the_focused_pane_is_always_on_the_screen() {
        for (width, height) in [(120, 40), (80, 24), (80, 40), (40, 10), (30, 7)] {
            for focus in Pane::ALL {
                assert!(shown(width, height, focus, false).is_some_and(|panes| panes.contains(&focus)));
            }
        }
    }
}
