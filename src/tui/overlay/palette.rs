//! The palette: every action by its words, found by a few letters of them. Not what the actions do.

use nucleo_matcher::{
    Config, Matcher,
    pattern::{CaseMatching, Normalization, Pattern},
};
use ratatui::{
    Frame,
    layout::{Position, Rect},
    text::{Line, Span},
};
use tui_input::{Input, InputRequest};

use super::popup;
use crate::{
    domain::order,
    i18n::Words,
    tui::{
        action::{Group, Row, TABLE, Verb},
        app::Extent,
        field, footer,
        format::{cut, width, wrap},
        view::View,
    },
};

const WIDTH: u16 = 74;
/// Lines around the list: border, line of text, and why what is chosen is not possible.
const AROUND: u16 = 5;

/// What has been typed so far, and what it means.
#[derive(Debug, Clone)]
pub(crate) struct Palette {
    input: Input,
    entries: Vec<Entry>,
    /// Those that are meant, best first.
    meant: Vec<usize>,
    pub(crate) row: usize,
}

#[derive(Debug, Clone)]
struct Entry {
    row: &'static Row,
    text: String,
    /// What is searched: also its name, which is the same in every language.
    searched: String,
}

impl Palette {
    pub(crate) fn open(words: &Words) -> Self {
        let entries: Vec<Entry> =
            TABLE.iter().filter(|row| is_offered(row)).map(|row| Entry::new(row, words)).collect();
        let meant = (0..entries.len()).collect();
        Self { input: Input::default(), entries, meant, row: 0 }
    }

    pub(crate) const fn len(&self) -> usize {
        self.meant.len()
    }

    pub(crate) fn edit(&mut self, request: InputRequest) {
        if !field::edit(&mut self.input, request) {
            return;
        }
        let pattern = Pattern::parse(self.input.value(), CaseMatching::Ignore, Normalization::Smart);
        let mut matcher = Matcher::new(Config::DEFAULT);
        let mut buffer = Vec::new();
        let mut scored: Vec<(u32, usize)> = Vec::new();
        for (at, entry) in self.entries.iter().enumerate() {
            let searched = nucleo_matcher::Utf32Str::new(&entry.searched, &mut buffer);
            scored.extend(pattern.score(searched, &mut matcher).map(|score| (score, at)));
        }
        // Equals stay in the table's order.
        order::sort_by_key(&mut scored, |(score, at)| (std::cmp::Reverse(*score), *at));
        self.meant = scored.into_iter().map(|(_, at)| at).collect();
        self.row = 0;
    }

    pub(crate) fn chosen(&self) -> Option<Verb> {
        self.entry(self.row).map(|entry| entry.row.verb)
    }

    fn entry(&self, row: usize) -> Option<&Entry> {
        self.meant.get(row).and_then(|at| self.entries.get(*at))
    }
}

impl Entry {
    fn new(row: &'static Row, words: &Words) -> Self {
        // Panes share one line of the help; here each has its title.
        let text = words.text(if matches!(row.verb, Verb::Focus(_)) { row.word } else { row.help });
        // The footer's word too: it is what people see all day.
        Self { row, searched: format!("{} {text} {}", words.text(row.word), row.name), text }
    }
}

/// Moving about and closing is done by keys, or not at all.
const fn is_offered(row: &Row) -> bool {
    use Verb::{Close, Down, End, Home, PageDown, PageUp, Palette, Up};
    let moves = matches!(row.verb, Up | Down | PageUp | PageDown | Home | End | Close | Palette);
    !moves && !matches!(row.group, Group::Dialog)
}

/// Draws the palette with the cursor in its line.
pub(crate) fn draw(frame: &mut Frame<'_>, area: Rect, view: &View<'_>, palette: &Palette) -> Extent {
    let room = usize::from(WIDTH.min(area.width).saturating_sub(4));
    let high = usize::from(area.height.saturating_sub(AROUND)).min(palette.entries.len());
    let (shown, cursor) = field::visible(&palette.input, room.saturating_sub(2));
    let mut lines = vec![Line::from(vec![Span::styled(": ", view.theme.accent), Span::styled(shown, view.theme.text)])];
    let first = (palette.row + 1).saturating_sub(high);
    let rows = (first..palette.len()).take(high);
    lines.extend(rows.filter_map(|row| Some(line(view, palette.entry(row)?, row == palette.row, room))));
    if palette.len() == 0 {
        lines.push(Line::styled(view.text("palette-none"), view.theme.dim));
    }
    lines.resize(high + 1, Line::raw(""));
    let reason = palette.entry(palette.row).and_then(|entry| (entry.row.enabled)(view.app, view.snapshot).err());
    let reason = reason.map(|reason| wrap(&view.say(&reason), room)).unwrap_or_default();
    lines.extend((0..2).map(|at| Line::styled(reason.get(at).cloned().unwrap_or_default(), view.theme.warn)));
    let title = view.text("palette-title");
    let inside = popup(frame, area, view, &title, &view.text("foot-palette"), WIDTH, lines).inside;
    let at = Position::new(inside.x.saturating_add(u16::try_from(cursor + 2).unwrap_or(u16::MAX)), inside.y);
    if inside.contains(at) {
        frame.set_cursor_position(at);
    }
    Extent { page: high, scroll: 0 }
}

/// What it does, and its keys at the right.
fn line(view: &View<'_>, entry: &Entry, chosen: bool, room: usize) -> Line<'static> {
    let possible = (entry.row.enabled)(view.app, view.snapshot).is_ok();
    let names: Vec<_> = view.app.keymap.keys(entry.row).iter().map(|chord| footer::name(view, *chord)).collect();
    let names = names.join(" ");
    let mark = if chosen { view.glyphs.selected } else { " " };
    let text = cut(&entry.text, room.saturating_sub(width(&names) + 4), view.glyphs.ellipsis);
    let blank = " ".repeat(room.saturating_sub(width(&text) + width(&names) + 2));
    let style = if possible { view.theme.text } else { view.theme.dim };
    let line = Line::from(vec![
        Span::styled(mark, view.theme.accent),
        Span::styled(format!(" {text}{blank}"), style),
        Span::styled(names, view.theme.accent),
    ]);
    if chosen { line.patch_style(view.theme.selected) } else { line }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::i18n::Locale;

    fn found(locale: Locale, typed: &str) -> Option<Verb> {
        let mut palette = Palette::open(&Words::new(locale, TimeZone::UTC));
        typed.chars().for_each(|letter| palette.edit(InputRequest::InsertChar(letter)));
        palette.chosen()
    }

    #[test]
    fn a_few_letters_find_an_action_in_either_language() {
        for (locale, typed, expected) in [
            (Locale::English, "unbl", Some(Verb::Unblock)),
            (Locale::English, "as curl", Some(Verb::CopyCurl)),
            (Locale::Russian, "разбл", Some(Verb::Unblock)),
            (Locale::Russian, "unblock", Some(Verb::Unblock)),
            (Locale::English, "zzzz", None),
        ] {
            assert_eq!(found(locale, typed), expected, "{typed}");
        }
    }
}
