//! What the mouse does, where a person has switched it on: a click selects, one more shows the details, the wheel moves. Not
//! the terminal's reports of it (`terminal`, `keymap`).

use ratatui::layout::{Position, Rect};

use super::{
    accounts::accounts,
    action::Verb,
    app::App,
    findings::{self, findings},
    layout::Pane,
};
use crate::domain::{command::Severity, message::Message, snapshot::Snapshot};

/// What the mouse did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gesture {
    Click,
    /// Up or down.
    Wheel(Verb),
}

/// Something on the screen that leads to a pane, and which of its rows each line inside is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Spot {
    pub(crate) pane: Pane,
    pub(crate) area: Rect,
    /// From the line below the border on; `None` = no row.
    pub(crate) rows: Vec<Option<usize>>,
}

impl Spot {
    fn row(&self, at: Position) -> Option<usize> {
        let line = at.y.checked_sub(self.area.y + 1)?;
        self.rows.get(usize::from(line)).copied().flatten()
    }
}

impl App {
    pub(super) fn switch_mouse(&mut self) {
        self.mouse = !self.mouse;
        let said = if self.mouse { "mouse-on" } else { "mouse-off" };
        self.toasts.say_instead(Severity::Info, Message::new(said));
    }

    pub(super) fn pointed(&mut self, gesture: Gesture, at: Position, snapshot: &Snapshot) {
        if self.overlay.is_some() {
            // What lies over the panes is moved, and nothing below it is hit.
            if let Gesture::Wheel(verb) = gesture {
                self.go(verb, snapshot);
            }
            return;
        }
        let Some(spot) = self.spots.iter().find(|spot| spot.area.contains(at)) else { return };
        let (pane, row) = (spot.pane, spot.row(at));
        let before = (self.focus, self.row(snapshot));
        self.focus = pane;
        match (gesture, row) {
            (Gesture::Wheel(verb), _) => self.go(verb, snapshot),
            (Gesture::Click, Some(row)) if before == (pane, row) => self.open_details(snapshot),
            (Gesture::Click, Some(row)) => self.select(row, snapshot),
            (Gesture::Click, None) => {}
        }
    }

    /// The selected row of the focused pane, as its lines are numbered.
    pub(super) fn row(&self, snapshot: &Snapshot) -> usize {
        match self.focus {
            Pane::Trace => self.request_row(&self.running(snapshot)),
            Pane::Doctor => self.finding_row(snapshot),
            Pane::Keys | Pane::Quota | Pane::Limits => {
                let selected = self.key_row(snapshot);
                self.key_order(snapshot).iter().position(|key| *key == selected).unwrap_or_default()
            }
        }
    }

    pub(super) fn select(&mut self, row: usize, snapshot: &Snapshot) {
        match self.focus {
            Pane::Trace => self.select_request(row, snapshot),
            Pane::Doctor => self.finding = findings::named(&findings(snapshot), row).map(|named| named.name),
            Pane::Keys | Pane::Quota | Pane::Limits => {
                let key = self.key_order(snapshot).get(row).and_then(|key| snapshot.keys.get(*key));
                self.key = key.map(|key| key.label.clone());
            }
        }
    }

    /// Positions of the keys as the focused pane lists them.
    pub(super) fn key_order(&self, snapshot: &Snapshot) -> Vec<usize> {
        match self.focus {
            Pane::Keys => self.sort.order(&snapshot.keys),
            Pane::Quota => accounts(&snapshot.keys).concat(),
            Pane::Trace | Pane::Limits | Pane::Doctor => (0..snapshot.keys.len()).collect(),
        }
    }
}
