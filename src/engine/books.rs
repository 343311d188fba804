//! What the keeper counts of finished requests for longer than the screen shows it: tokens by day, key and model, and sums
//! since the start. Not the last minute's traffic (`traffic`), and nothing that a request waits for.

use std::sync::Arc;

use jiff::{Timestamp, civil::Date, tz::TimeZone};

use crate::domain::{
    ledger::{self, Ledger},
    tally::Tally,
    trace::{Tokens, TraceRecord},
};

/// The accounts, by the days of the person's time zone.
#[derive(Debug)]
pub(super) struct Books {
    zone: TimeZone,
    /// Shared with snapshots, and copied when one that is still looked at would change.
    ledger: Arc<Ledger>,
    /// Shared likewise.
    tally: Arc<Tally>,
}

impl Books {
    /// `kept` is what the state file says. When that is nothing, as after the old tool has written the file anew, the newest
    /// records tell what they can.
    pub(super) fn new(zone: TimeZone, kept: &Ledger, newest: &[TraceRecord]) -> Self {
        let mut books = Self { zone, ledger: Arc::new(kept.clone()), tally: Arc::default() };
        if kept.is_empty() {
            newest.iter().for_each(|record| books.enter(record));
        }
        books
    }

    pub(super) fn fold(&mut self, record: &TraceRecord) {
        Arc::make_mut(&mut self.tally).fold(record);
        self.enter(record);
    }

    fn enter(&mut self, record: &TraceRecord) {
        let Some(label) = record.key.as_ref().filter(|_| record.tokens != Tokens::default()) else { return };
        let day = self.day(record.at);
        Arc::make_mut(&mut self.ledger).count(day, label, record.model.as_deref(), record.tokens);
    }

    /// Adds what the process before counted.
    pub(super) fn adopt(&mut self, tokens: &Ledger) {
        Arc::make_mut(&mut self.ledger).add(tokens);
    }

    pub(super) fn ledger(&self) -> Arc<Ledger> {
        self.ledger.clone()
    }

    pub(super) fn tally(&self) -> Arc<Tally> {
        self.tally.clone()
    }

    pub(super) fn day(&self, at: Timestamp) -> Date {
        ledger::day(at, &self.zone)
    }
}
