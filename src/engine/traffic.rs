//! Aggregates over finished requests, for the screen. Only the keeper folds them; no request waits for them.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use crate::domain::{
    confidence,
    key::Label,
    limit::Meter,
    snapshot::{Confidence, KeyView, Traffic},
    trace::{Ending, TraceRecord},
};

/// Latencies that the percentiles are taken over.
const LATENCIES: usize = 512;
/// Records that the confidence is taken over.
const CONFIDENCE: usize = 200;

/// Running sums over finished requests.
#[derive(Debug, Default)]
pub(super) struct Aggregates {
    requests: u64,
    errors: u64,
    finished: Meter,
    failed: Meter,
    latencies: VecDeque<Duration>,
    served: VecDeque<Label>,
    newest: Option<Duration>,
}

impl Aggregates {
    pub(super) fn fold(&mut self, record: &TraceRecord, now: Duration) {
        self.requests += 1;
        self.newest = Some(now);
        self.finished.count(now);
        if record.status >= 400 || record.ending != Ending::Completed {
            self.errors += 1;
            self.failed.count(now);
        }
        push(&mut self.latencies, record.latency, LATENCIES);
        if let Some(label) = &record.key {
            push(&mut self.served, label.clone(), CONFIDENCE);
        }
    }

    /// Whether the last minute still shows something.
    pub(super) fn lively(&self, now: Duration) -> bool {
        self.newest.is_some_and(|newest| now.saturating_sub(newest) < Duration::from_secs(62))
    }

    /// The traffic of the last minute; the caller knows what is in flight and what was lost.
    pub(super) fn traffic(&self, now: Duration) -> Traffic {
        let mut sorted: Vec<Duration> = self.latencies.iter().copied().collect();
        sorted.sort_unstable();
        let percentile =
            |percent: usize| sorted.get((sorted.len() * percent / 100).min(sorted.len().saturating_sub(1)));
        Traffic {
            requests: self.requests,
            errors: self.errors,
            per_second: self.finished.seconds(now),
            errors_per_second: self.failed.seconds(now),
            latency_p50: percentile(50).copied(),
            latency_p99: percentile(99).copied(),
            ..Traffic::default()
        }
    }

    /// Evenness over the keys that take turns now: the eligible ones of the best status (`warn` ones too where settings
    /// say so). What others served before they dropped out says nothing of the turns.
    pub(super) fn confidence(&self, keys: &[KeyView], include_warn: bool) -> Confidence {
        let eligible = || keys.iter().filter(|key| key.skip.is_none());
        let best = eligible().map(|key| key.status).min();
        let takes_turns = |key: &&KeyView| include_warn || Some(key.status) == best;
        let mut counts: HashMap<&Label, u64> = HashMap::new();
        for label in &self.served {
            *counts.entry(label).or_default() += 1;
        }
        let counted: Vec<(Label, u64)> = eligible()
            .filter(takes_turns)
            .map(|key| (key.label.clone(), counts.get(&key.label).copied().unwrap_or_default()))
            .collect();
        confidence::measure(&counted)
    }
}

fn push<T>(ring: &mut VecDeque<T>, value: T, most: usize) {
    if ring.len() == most {
        ring.pop_front();
    }
    ring.push_back(value);
}
