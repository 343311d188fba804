//! A person's own file of the dashboard, as TOML: its entries with their places, and all that is wrong with it at once.
//! Not what the entries mean, nor where the file is.

use std::ops::Range;

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use crate::domain::{message::Message, order};

/// A value with its place.
pub(super) type Entry<'a, 'i> = &'a Spanned<DeValue<'i>>;

/// What was wrong with a file so far.
#[derive(Debug)]
pub(super) struct Faults<'a> {
    text: &'a str,
    file: &'a str,
    /// Lines that are not TOML: what was made of them is nobody's word.
    broken: Vec<usize>,
    /// With their lines.
    told: Vec<(usize, Message)>,
}

impl<'a> Faults<'a> {
    /// What of the text is TOML; the rest is among the faults.
    pub(super) fn parse(text: &'a str, file: &'a str) -> (DeTable<'a>, Self) {
        let mut faults = Self { text, file, broken: Vec::new(), told: Vec::new() };
        let (table, errors) = DeTable::parse_recoverable(text);
        for error in errors {
            faults.syntax(error.span().unwrap_or_default());
        }
        (table.into_inner(), faults)
    }

    /// One fault for a line, which is quoted whole.
    fn syntax(&mut self, span: Range<usize>) {
        let line = self.line(span.start);
        if !self.broken.contains(&line) {
            let whole = self.text.lines().nth(line - 1).unwrap_or_default();
            self.told.push((line, self.placed(Message::new("own-not-toml"), line, whole)));
            self.broken.push(line);
        }
    }

    /// Tells of what stands at `span`, with the file, the line and the value.
    pub(super) fn tell(&mut self, span: Range<usize>, message: Message) {
        let line = self.line(span.start);
        // A value without a place is the parser's own, where none was understood.
        if !span.is_empty() && !self.broken.contains(&line) {
            let value = self.text.get(span).unwrap_or_default().trim_matches(['"', '\'']);
            self.told.push((line, self.placed(message, line, value)));
        }
    }

    fn placed(&self, message: Message, line: usize, value: &str) -> Message {
        message.with("file", self.file).with("line", line).with("value", value)
    }

    /// Counted from 1.
    fn line(&self, at: usize) -> usize {
        1 + self.text.bytes().take(at).filter(|byte| *byte == b'\n').count()
    }

    /// All of them, in the file's order.
    pub(super) fn into_messages(mut self) -> Vec<Message> {
        order::sort_by_key(&mut self.told, |(line, _)| *line);
        self.told.into_iter().map(|(_, fault)| fault).collect()
    }
}
