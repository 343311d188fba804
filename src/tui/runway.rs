//! The line below the header: what is ahead if all goes on as now. Not how that is known (`domain::runway`).

use ratatui::{style::Style, text::Line};

use super::{
    format::{cut, percent, width},
    header::fit,
    view::View,
    wording,
};
use crate::domain::{key::Label, message::Message, runway};

/// The ids of what is said, where there is room and where there is little.
const SAID: [Ids; 2] = [
    Ids {
        lead: Some("runway-lead"),
        lasts: "runway-lasts",
        first: "runway-first",
        all: "runway-all",
        reset: "runway-reset",
        unused: "runway-unused",
    },
    Ids {
        lead: None,
        lasts: "runway-lasts",
        first: "runway-first-short",
        all: "runway-all-short",
        reset: "runway-reset-short",
        unused: "runway-unused-short",
    },
];

struct Ids {
    lead: Option<&'static str>,
    lasts: &'static str,
    first: &'static str,
    all: &'static str,
    reset: &'static str,
    unused: &'static str,
}

/// The most urgent first; `None` while nothing is known.
pub(super) fn line(view: &View<'_>, room: usize) -> Option<Line<'static>> {
    let separator = format!(" {} ", view.glyphs.separator);
    let [long, short] = SAID.map(|ids| parts(view, &ids));
    let wide = long.iter().map(|(text, _)| width(text) + width(&separator)).sum::<usize>();
    let parts = if wide <= room + width(&separator) { long } else { short };
    (!parts.is_empty()).then(|| fit(&parts, &separator, room, view))
}

fn parts(view: &View<'_>, ids: &Ids) -> Vec<(String, Style)> {
    let theme = view.theme;
    let ahead = runway::runway(&view.snapshot.keys, view.now);
    let at = |id: &'static str, moment| Message::new(id).with("at", wording::time(view, moment));
    let label = |label: &Label| cut(&view.clean(label.as_str()), 20, view.glyphs.ellipsis);
    let first =
        ahead.first.as_ref().map(|(key, moment)| (at(ids.first, *moment).with("label", label(key)), theme.warn));
    let lasts = (first.is_none() && ahead.paced).then(|| (Message::new(ids.lasts), theme.ok));
    let all = ahead.all.map(|moment| (at(ids.all, moment), theme.warn));
    let reset = ahead.reset.map(|moment| (at(ids.reset, moment), theme.dim));
    let unused = ahead.unused.map(|(key, share, moment)| {
        let message = at(ids.unused, moment).with("label", label(&key)).with("share", percent(share));
        (message, theme.dim)
    });
    let mut parts: Vec<(String, Style)> = [first.or(lasts), all, reset, unused]
        .into_iter()
        .flatten()
        .map(|(message, style)| (view.say(&message), style))
        .collect();
    if let Some((text, _)) = parts.first_mut() {
        let lead = ids.lead.filter(|_| ahead.paced).map(|id| format!("{} ", view.text(id)));
        *text = format!(" {}{text}", lead.unwrap_or_default());
    }
    parts
}
