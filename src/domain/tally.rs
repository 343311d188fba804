//! What finished requests came to since the program started, for who collects numbers over time. Not what is kept longer
//! (`ledger`), nor how it is written (`metrics`).

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use super::{
    key::Label,
    trace::{Ending, TokenSums, Tokens, TraceRecord},
};

/// Upper ends of a histogram's buckets, in milliseconds: from an answer out of a cache to a model that thinks for minutes.
pub(crate) const BOUNDS: [u64; 12] = [50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 120_000, 300_000];
/// Names of one kind that are told apart: clients may name any model.
const NAMES_MAX: usize = 1_000;
const OTHER: &str = "other";

/// Sums that only grow.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Tally {
    /// By the key that answered, if one did, and by outcome.
    pub(crate) requests: BTreeMap<Option<Label>, BTreeMap<&'static str, u64>>,
    /// Tries on keys, by what they met.
    pub(crate) attempts: Named<u64>,
    /// By key and model.
    pub(crate) tokens: Named<TokenSums>,
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
    /// Until the first byte of an answer's body.
    pub(crate) first_byte: Histogram,
    /// Until an answer's end.
    pub(crate) total: Histogram,
}

/// By key and by a name.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Named<T> {
    rows: BTreeMap<Label, BTreeMap<Arc<str>, T>>,
    /// How many rows there are.
    count: usize,
}

/// How many were how long.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Histogram {
    /// Up to each bound and not to the one before; the last is of those beyond all.
    pub(crate) counts: [u64; BOUNDS.len() + 1],
    pub(crate) sum: Duration,
}

impl Tally {
    pub(crate) fn fold(&mut self, record: &TraceRecord) {
        self.ended(&record.key, outcome(record));
        for attempt in &record.attempts {
            self.attempts.enter(&attempt.key, &attempt.cause, |count| *count += 1);
        }
        if let Some(label) = record.key.as_ref().filter(|_| record.tokens != Tokens::default()) {
            let model = record.model.as_deref().unwrap_or(OTHER);
            self.tokens.enter(label, model, |sums| sums.count(record.tokens));
        }
        self.bytes_in = self.bytes_in.saturating_add(record.bytes_in);
        self.bytes_out = self.bytes_out.saturating_add(record.bytes_out);
        if let Some(span) = record.first_byte {
            self.first_byte.fold(span);
        }
        self.total.fold(record.total);
    }

    fn ended(&mut self, key: &Option<Label>, outcome: &'static str) {
        match self.requests.get_mut(key) {
            Some(outcomes) => *outcomes.entry(outcome).or_default() += 1,
            None => drop(self.requests.insert(key.clone(), [(outcome, 1)].into())),
        }
    }
}

impl<T> Default for Named<T> {
    fn default() -> Self {
        Self { rows: BTreeMap::new(), count: 0 }
    }
}

impl<T: Default> Named<T> {
    pub(crate) fn rows(&self) -> impl Iterator<Item = (&Label, &str, &T)> {
        self.rows.iter().flat_map(|(label, names)| names.iter().map(move |(name, value)| (label, &**name, value)))
    }

    /// What is there already is found without a copy of either name.
    fn at(&mut self, label: &Label, name: &str) -> Option<&mut T> {
        self.rows.get_mut(label)?.get_mut(name)
    }

    fn enter(&mut self, label: &Label, name: &str, count: impl FnOnce(&mut T)) {
        let room = self.count < NAMES_MAX || self.at(label, name).is_some();
        let name = if room { name } else { OTHER };
        if let Some(known) = self.at(label, name) {
            return count(known);
        }
        self.count += 1;
        count(self.rows.entry(label.clone()).or_default().entry(name.into()).or_default());
    }
}

impl Histogram {
    fn fold(&mut self, span: Duration) {
        let at = BOUNDS.iter().position(|bound| span <= Duration::from_millis(*bound)).unwrap_or(BOUNDS.len());
        self.counts[at] += 1;
        self.sum = self.sum.saturating_add(span);
    }
}

/// How a request ended for its client.
fn outcome(record: &TraceRecord) -> &'static str {
    match (record.ending, record.status) {
        (Ending::Completed, ..400) => "ok",
        (Ending::Completed, 400..500) => "4xx",
        (Ending::Completed, _) => "5xx",
        (ending, _) => ending.code(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::trace::{Attempt, sample};

    #[test]
    fn a_request_is_counted_by_its_key_and_outcome() {
        let tried = |key: &str, cause: &'static str| Attempt {
            key: Label::new(key),
            status: None,
            cause: cause.into(),
            ms: 1,
            why: None,
        };
        let mut tally = Tally::default();
        for record in [
            TraceRecord {
                attempts: vec![tried("a", "quota_week"), tried("b", "ok")],
                tokens: Tokens { input: Some(5), output: Some(2), cached: None },
                model: Some("k2".into()),
                ..sample("b")
            },
            TraceRecord { status: 429, ..sample("b") },
            TraceRecord { status: 503, key: None, first_byte: None, ..sample("") },
            TraceRecord { ending: Ending::ClientGone, total: Duration::from_secs(3_600), ..sample("b") },
        ] {
            tally.fold(&record);
        }
        let requests: Vec<_> = tally.requests.into_iter().collect();
        let of_b = [("4xx", 1), ("client_gone", 1), ("ok", 1)].into();
        assert_eq!(requests, [(None, [("5xx", 1)].into()), (Some(Label::new("b")), of_b)]);
        assert_eq!(tally.attempts.rows().map(|(_, _, count)| count).sum::<u64>(), 2);
        assert_eq!(tally.tokens.rows[&Label::new("b")]["k2"].input, 5);
        assert_eq!((tally.bytes_in, tally.bytes_out), (40, 80));
        assert_eq!((tally.first_byte.counts[0], tally.total.counts[0], tally.total.counts[12]), (3, 3, 1));
    }

    #[test]
    fn names_are_bounded() {
        let mut tally = Tally::default();
        for number in 0..2 * NAMES_MAX {
            let tokens = Tokens { input: Some(1), ..Tokens::default() };
            tally.fold(&TraceRecord { model: Some(format!("m{number}")), tokens, ..sample("a") });
        }
        let of_a = &tally.tokens.rows[&Label::new("a")];
        assert_eq!((of_a.len(), of_a[OTHER].input), (NAMES_MAX + 1, NAMES_MAX as u64));
    }
}
