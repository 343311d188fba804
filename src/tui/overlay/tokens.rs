//! Tokens by day, key and model: all kept days together, then each, the newest first. Not one key's own (`details`).

use ratatui::{
    style::Style,
    text::{Line, Span},
};

use super::sheet::Sheet;
use crate::{
    domain::{ledger::Name, trace::TokenSums},
    tui::{
        format::{count, cut, width},
        view::View,
    },
};

pub(super) const WIDTH: u16 = 74;
/// `9999.9k` and a blank.
const NUMBER: usize = 9;

pub(super) fn lines(view: &View<'_>, sheet: &Sheet, room: usize) -> Vec<Line<'static>> {
    let ledger = &view.snapshot.ledger;
    let meant = |name: &Name| sheet.means(&format!("{} {} {}", name.day, name.label, name.model));
    let days = ledger.sums(|name| meant(name).then_some(name.day));
    if days.is_empty() {
        return vec![Line::styled(view.text("tokens-none"), view.theme.dim)];
    }
    let titles = ["column-tokens-in", "column-tokens-cached", "column-tokens-out"].map(|id| view.text(id));
    let mut lines = vec![line(view, "", titles, view.theme.dim, room)];
    let mut block = |title: String, of: &dyn Fn(&Name) -> bool| {
        let named = ledger.sums(|name| (meant(name) && of(name)).then(|| (name.label.clone(), name.model.clone())));
        let all = named.values().fold(TokenSums::default(), |all, sums| all.plus(*sums));
        lines.push(line(view, &title, numbers(view, all), view.theme.strong, room));
        lines.extend(named.into_iter().map(|((label, model), sums)| {
            let name = format!("  {}  {}", view.clean(label.as_str()), view.clean(&model));
            line(view, &name, numbers(view, sums), view.theme.text, room)
        }));
        lines.push(Line::raw(""));
    };
    if days.len() > 1 {
        block(view.text("tokens-all-days"), &|_| true);
    }
    for day in days.keys().rev() {
        let today = if *day == view.snapshot.today { view.text("tokens-today") } else { String::new() };
        block(format!("{day} {today}"), &|name| name.day == *day);
    }
    lines.pop();
    lines
}

fn numbers(view: &View<'_>, sums: TokenSums) -> [String; 3] {
    [sums.input, sums.cached, sums.output].map(|number| count(view.words, number))
}

/// A name, and three numbers at the right.
fn line(view: &View<'_>, name: &str, numbers: [String; 3], style: Style, room: usize) -> Line<'static> {
    let left = room.saturating_sub(3 * NUMBER);
    let name = cut(name, left, view.glyphs.ellipsis);
    let mut text = format!("{name}{}", " ".repeat(left.saturating_sub(width(&name))));
    for number in numbers {
        let number = cut(&number, NUMBER - 1, view.glyphs.ellipsis);
        text += &" ".repeat(NUMBER.saturating_sub(width(&number)));
        text += &number;
    }
    Line::from(Span::styled(text, style))
}
