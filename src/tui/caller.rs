//! Calls a person who looks elsewhere, by the dashboard's own terminal. Not what for (`domain::alert`), nor by the desktop,
//! which is not the terminal's (`cli`).

use super::terminal::calling;
use crate::{
    domain::{
        alert::{Alerts, Call, Way, told},
        snapshot::{Link, Snapshot},
    },
    i18n::Words,
};

pub(super) struct Caller(Option<(Way, Alerts)>);

impl Caller {
    /// What `snapshot` tells is no news.
    pub(super) fn new(call: Call, snapshot: &Snapshot) -> Self {
        let way = call.way.filter(|way| *way != Way::Desktop);
        let mut alerts = Alerts::below(call.percent);
        alerts.look(&snapshot.keys, snapshot.at);
        Self(way.map(|way| (way, alerts)))
    }

    /// What is to be written to the terminal for the new snapshot. Of an instance that is gone nothing new is known.
    pub(super) fn look(&mut self, snapshot: &Snapshot, words: &Words) -> Option<String> {
        let (way, alerts) = self.0.as_mut().filter(|_| snapshot.link != Link::Lost)?;
        let news = alerts.look(&snapshot.keys, snapshot.at);
        let text = told(news.iter().map(|message| words.render(message)));
        (!news.is_empty()).then(|| calling(*way, &text))
    }
}
