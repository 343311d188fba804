//! Where records go: standard output, in the form that was asked for. Not which records.

use std::io::{self, IsTerminal, Write};

use jiff::{Timestamp, tz::TimeZone};

use super::{TraceArgs, csv, table::Table};
use crate::{config::Config, domain::trace::TraceRecord, i18n::Words, store::trace};

/// Shows records as they come.
pub(super) struct Output<'a> {
    form: Form<'a>,
    zone: &'a TimeZone,
}

enum Form<'a> {
    Table(Table<'a>),
    Json,
    Csv {
        /// Its first row is still to come.
        begun: bool,
    },
}

impl<'a> Output<'a> {
    pub(super) fn new(typed: &TraceArgs, now: Timestamp, config: &'a Config, words: &'a Words) -> Self {
        let form = match (typed.as_json, typed.csv) {
            (true, _) => Form::Json,
            (_, true) => Form::Csv { begun: false },
            _ => Form::Table(Table::new(colours(config), width(), now, config, words)),
        };
        Self { form, zone: &config.zone }
    }

    /// All of them at once: who reads sees whole lines.
    pub(super) fn show(&mut self, records: &[TraceRecord]) -> io::Result<()> {
        let mut text = String::new();
        match &mut self.form {
            Form::Table(table) => table.put(records, &mut text),
            Form::Json => {
                for record in records {
                    text.push_str(&trace::as_line(record, self.zone)?);
                    text.push('\n');
                }
            }
            Form::Csv { begun } => {
                if !std::mem::replace(begun, true) {
                    csv::header(&mut text);
                }
                records.iter().for_each(|record| csv::row(record, self.zone, &mut text));
            }
        }
        write(&text)
    }
}

/// Writes it, and all of it now.
pub(super) fn write(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

fn colours(config: &Config) -> bool {
    io::stdout().is_terminal() && !config.plain && !config.no_color
}

/// Columns to use: the terminal's, else what fits everywhere.
fn width() -> usize {
    const ELSEWHERE: usize = 80;
    let terminal = || crossterm::terminal::size().ok().filter(|(columns, _)| *columns > 0);
    if io::stdout().is_terminal() { terminal().map_or(ELSEWHERE, |(columns, _)| columns.into()) } else { ELSEWHERE }
}
