//! Records as lines for people: one each, as wide as the terminal and no wider. Not which records, nor the dashboard's
//! list (`tui`).

use crossterm::style::{Color, Stylize};
use jiff::{Timestamp, civil::Date, tz::TimeZone};

use crate::{
    config::Config,
    domain::{command::Severity, key::Label, text, trace::TraceRecord},
    i18n::Words,
    tui::{
        format::{cut, tokens, took, width},
        wording,
    },
};

/// Most characters of foreign text that are looked at.
const FOREIGN: usize = 400;
/// Titles, the widths that a column has at least and at most, and which way it leans. The hint has the rest.
const COLUMNS: [Column; 8] = [
    Column { title: "column-time", least: 8, most: 8, right: false },
    Column { title: "column-key", least: 5, most: 14, right: false },
    Column { title: "column-answer", least: 3, most: 6, right: false },
    Column { title: "column-method", least: 4, most: 7, right: false },
    Column { title: "column-endpoint", least: 9, most: 24, right: false },
    Column { title: "column-took", least: 5, most: 7, right: true },
    Column { title: "column-first-byte", least: 5, most: 7, right: true },
    Column { title: "column-tokens", least: 7, most: 13, right: true },
];
/// Columns that give way when the hint has too little room, and how much it should have.
const YIELDING: [usize; 2] = [4, 1];
const HINT: usize = 11;

struct Column {
    title: &'static str,
    least: usize,
    most: usize,
    right: bool,
}

type Cells = [String; COLUMNS.len()];

/// Lines of one shape: columns are as wide as the first records need.
pub(super) struct Table<'a> {
    words: &'a Words,
    zone: &'a TimeZone,
    colours: bool,
    arrow: &'static str,
    width: usize,
    /// Set by the first records.
    widths: Option<[usize; COLUMNS.len()]>,
    /// The day of the line before.
    day: Date,
}

impl<'a> Table<'a> {
    pub(super) fn new(colours: bool, width: usize, now: Timestamp, config: &'a Config, words: &'a Words) -> Self {
        let day = now.to_zoned(config.zone.clone()).date();
        let arrow = if config.plain { ">" } else { "→" };
        Self { words, zone: &config.zone, colours, arrow, width, widths: None, day }
    }

    /// Appends a line for each.
    pub(super) fn put(&mut self, records: &[TraceRecord], out: &mut String) {
        let rows: Vec<Cells> = records.iter().map(|record| self.cells(record)).collect();
        if rows.is_empty() {
            return;
        }
        let widths = self.widths.unwrap_or_else(|| {
            let titles = COLUMNS.map(|column| self.words.text(column.title));
            let widths = widths(self.width, &titles, &rows);
            let hint = self.words.text("column-hint");
            let line = format!("{}{hint}", line(&titles, &widths));
            self.push(line.trim_end(), Some(Color::DarkGrey), out);
            widths
        });
        self.widths = Some(widths);
        for (record, cells) in records.iter().zip(&rows) {
            self.row(record, cells, &widths, out);
        }
    }

    fn row(&mut self, record: &TraceRecord, cells: &Cells, widths: &[usize], out: &mut String) {
        let day = record.at.to_zoned(self.zone.clone()).date();
        if std::mem::replace(&mut self.day, day) != day {
            self.push(&day.to_string(), Some(Color::DarkGrey), out);
        }
        let trouble = wording::trouble(self.words, record);
        let hint = trouble.unwrap_or_else(|| text::clean(&record.prompt_hint, FOREIGN));
        let line = line(cells, widths);
        let room = self.width.saturating_sub(width(&line));
        let whole = format!("{line}{}", cut(&hint, room, "…"));
        let colour = match record.severity() {
            Severity::Fail => Some(Color::Red),
            Severity::Warn => Some(Color::Yellow),
            Severity::Info => Some(Color::DarkGrey),
            Severity::Ok => None,
        };
        self.push(whole.trim_end(), colour, out);
    }

    fn cells(&self, record: &TraceRecord) -> Cells {
        let foreign = |foreign: &str| text::clean(foreign, FOREIGN);
        [
            self.words.clock(record.at),
            foreign(record.key.as_ref().map_or("-", Label::as_str)),
            record.status.to_string(),
            foreign(&record.method),
            foreign(&record.endpoint),
            took(self.words, record.total),
            record.first_byte.map_or_else(|| "-".to_owned(), |span| took(self.words, span)),
            tokens(self.words, record.tokens, self.arrow),
        ]
    }

    fn push(&self, line: &str, colour: Option<Color>, out: &mut String) {
        match colour.filter(|_| self.colours) {
            Some(colour) => out.push_str(&line.with(colour).to_string()),
            None => out.push_str(line),
        }
        out.push('\n');
    }
}

/// As wide as titles and cells need, within the limits; some give way to the hint.
fn widths(room: usize, titles: &Cells, rows: &[Cells]) -> [usize; COLUMNS.len()] {
    let mut widths = std::array::from_fn(|at| {
        let needed = rows.iter().chain([titles]).map(|cells| width(&cells[at])).max().unwrap_or_default();
        needed.clamp(COLUMNS[at].least, COLUMNS[at].most.max(width(&titles[at])))
    });
    for at in YIELDING {
        let taken: usize = widths.iter().map(|width| width + 1).sum();
        let missing = (taken + HINT).saturating_sub(room);
        widths[at] -= missing.min(widths[at] - COLUMNS[at].least);
    }
    widths
}

/// Cells side by side, each followed by a blank.
fn line(cells: &Cells, widths: &[usize]) -> String {
    let cells = cells.iter().zip(widths).zip(COLUMNS).map(|((cell, room), column)| {
        let cell = cut(cell, *room, "…");
        let blanks = " ".repeat(room.saturating_sub(width(&cell)));
        if column.right { format!("{blanks}{cell} ") } else { format!("{cell}{blanks} ") }
    });
    cells.collect()
}
