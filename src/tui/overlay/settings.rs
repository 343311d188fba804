//! The settings: each with its value, where that comes from, and when a change of it counts. Not how one is changed, which
//! is done in files.

use ratatui::{
    style::Style,
    text::{Line, Span},
};

use super::sheet::Sheet;
use crate::{
    domain::{
        setting::{SettingOrigin, SettingView},
        snapshot::Mode,
    },
    tui::{
        format::{width, wrap},
        view::View,
    },
};

pub(super) const WIDTH: u16 = 112;
/// From this room on there are two blanks between columns.
const ROOMY: usize = 90;
/// A value gets at least this much.
const LEAST_VALUE: usize = 12;

const TITLES: [&str; 4] = ["settings-name", "settings-value", "settings-source", "settings-change"];

/// The texts of a setting, in the order of the columns: name, value, where from, when.
type Cells = [(String, Style); 4];

pub(super) fn lines(view: &View<'_>, sheet: &Sheet, room: usize) -> Vec<Line<'static>> {
    let setup = &view.snapshot.setup;
    let remark = match setup.mode {
        _ if setup.settings.is_empty() => Some("settings-untold"),
        Mode::Demo => Some("settings-demo"),
        Mode::Live | Mode::DryRun => None,
    };
    let remark = remark.map(|id| wrap(&view.text(id), room)).unwrap_or_default();
    let mut lines: Vec<_> = remark.into_iter().map(|text| Line::styled(text, view.theme.dim)).collect();
    let mut rows: Vec<Cells> = setup.settings.iter().map(|setting| cells(view, setting)).collect();
    rows.retain(|row| sheet.means(&row.each_ref().map(|(text, _)| text.as_str()).join(" ")));
    if rows.is_empty() {
        return lines;
    }
    rows.insert(0, TITLES.map(|id| (view.text(id), view.theme.dim)));
    let gap = if room < ROOMY { 1 } else { 2 };
    let widths = widths(&rows, room, gap);
    lines.extend(rows.iter().flat_map(|row| row_lines(row, widths, gap)));
    lines
}

fn cells(view: &View<'_>, setting: &SettingView) -> Cells {
    let theme = view.theme;
    let chosen = setting.origin != SettingOrigin::Default;
    let (name, value) = if chosen { (theme.strong, theme.accent) } else { (theme.text, theme.dim) };
    let text = if setting.value.is_empty() { view.nothing() } else { view.clean(&setting.value) };
    let when = match (setting.live, setting.waits) {
        (true, _) => (view.text("settings-live"), theme.dim),
        (false, false) => (view.text("settings-restart"), theme.dim),
        (false, true) => (view.text("settings-waits"), theme.warn),
    };
    [(view.clean(&setting.name), name), (text, value), (origin(view, &setting.origin), theme.dim), when]
}

fn origin(view: &View<'_>, origin: &SettingOrigin) -> String {
    match origin {
        SettingOrigin::Flag(text) | SettingOrigin::File(text) => view.clean(text),
        SettingOrigin::Environment => view.text("settings-environment"),
        SettingOrigin::Default => view.text("settings-default"),
    }
}

/// The value gets what the others leave: where there is little, a path that it comes from is wrapped.
fn widths(rows: &[Cells], room: usize, gap: usize) -> [usize; 4] {
    let widest = |at: usize| rows.iter().map(|row| width(&row[at].0)).max().unwrap_or_default();
    let (name, when) = (widest(0), widest(3));
    let rest = room.saturating_sub(name + when + 3 * gap);
    let origin = widest(2).min(rest.saturating_sub(LEAST_VALUE)).min(rest / 2);
    [name, rest.saturating_sub(origin), origin, when]
}

fn row_lines(row: &Cells, widths: [usize; 4], gap: usize) -> Vec<Line<'static>> {
    let mut columns = Vec::new();
    for ((text, style), room) in row.iter().zip(widths) {
        columns.push((wrap(text, room), *style, room));
    }
    let high = columns.iter().map(|(lines, ..)| lines.len()).max().unwrap_or_default();
    let line = |at: usize| {
        Line::from_iter(columns.iter().map(|(lines, style, room)| {
            let text = lines.get(at).map_or("", String::as_str);
            Span::styled(format!("{text}{}", " ".repeat(room.saturating_sub(width(text)) + gap)), *style)
        }))
    };
    (0..high).map(line).collect()
}
