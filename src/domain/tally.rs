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
    pub(crate) requests: BTreeMap<(Option<Label>, &'static str), u64>,
    /// Tries on keys, by what they met.
    pub(crate) attempts: BTreeMap<(Label, Arc<str>), u64>,
    pub(crate) tokens: BTreeMap<(Label, Arc<str>), TokenSums>,
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
    /// Until the first byte of an answer's body.
    pub(crate) first_byte: Histogram,
    /// Until an answer's end.
    pub(crate) total: Histogram,
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
        *self.requests.entry((record.key.clone(), outcome(record))).or_default() += 1;
        for attempt in &record.attempts {
            *named(&mut self.attempts, &attempt.key, &attempt.cause) += 1;
        }
        if let Some(label) = record.key.as_ref().filter(|_| record.tokens != Tokens::default()) {
            named(&mut self.tokens, label, record.model.as_deref().unwrap_or(OTHER)).count(record.tokens);
        }
        self.bytes_in = self.bytes_in.saturating_add(record.bytes_in);
        self.bytes_out = self.bytes_out.saturating_add(record.bytes_out);
        if let Some(span) = record.first_byte {
            self.first_byte.fold(span);
        }
        self.total.fold(record.total);
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

fn named<'a, T: Default>(map: &'a mut BTreeMap<(Label, Arc<str>), T>, label: &Label, name: &str) -> &'a mut T {
    let key = (label.clone(), name.into());
    let known = map.len() < NAMES_MAX || map.contains_key(&key);
    map.entry(if known { key } else { (label.clone(), OTHER.into()) }).or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::trace::{Attempt, sample};

    #[test]
    fn a_request_is_counted_by_its_key_and_outcome() {
        let tried = |key: &str, cause: &str| Attempt {
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
        let b = || Some(Label::new("b"));
        let requests: Vec<_> = tally.requests.into_iter().collect();
        assert_eq!(requests, [((None, "5xx"), 1), ((b(), "4xx"), 1), ((b(), "client_gone"), 1), ((b(), "ok"), 1)]);
        assert_eq!(tally.attempts.into_values().sum::<u64>(), 2);
        assert_eq!(tally.tokens[&(Label::new("b"), "k2".into())].input, 5);
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
        assert_eq!(tally.tokens.len(), NAMES_MAX + 1);
        assert_eq!(tally.tokens[&(Label::new("a"), OTHER.into())].input, NAMES_MAX as u64);
    }
}
