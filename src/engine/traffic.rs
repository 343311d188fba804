//! Aggregates over finished requests, for the screen. Only the keeper folds them; no request waits for them.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use crate::domain::{
    confidence,
    key::Label,
    limit::Meter,
    order,
    snapshot::{Confidence, KeyView, Skip, Traffic},
    trace::TraceRecord,
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
    /// How many were served before the oldest of `served`.
    forgotten: u64,
    /// Keys that take turns, and how many were served before they did.
    joined: HashMap<Label, u64>,
    newest: Option<Duration>,
}

impl Aggregates {
    pub(super) fn fold(&mut self, record: &TraceRecord, now: Duration) {
        self.requests += 1;
        self.newest = Some(now);
        self.finished.count(now);
        if record.failed() {
            self.errors += 1;
            self.failed.count(now);
        }
        push(&mut self.latencies, record.latency, LATENCIES);
        if let Some(label) = &record.key {
            self.forgotten += u64::from(self.served.len() == CONFIDENCE);
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

    /// Notes who takes turns now: the eligible keys of the best status (`warn` ones too where settings say so).
    pub(super) fn note_turns(&mut self, keys: &[KeyView], include_warn: bool) {
        // What passes in a moment is part of a turn.
        let may = |key: &&KeyView| matches!(key.skip, None | Some(Skip::Full { .. } | Skip::RateLimited { .. }));
        let eligible = || keys.iter().filter(may);
        let best = eligible().map(|key| key.status).min();
        let takes_turns = |key: &&KeyView| include_warn || Some(key.status) == best;
        let served = self.forgotten + self.served.len() as u64;
        let before = std::mem::take(&mut self.joined);
        self.joined = eligible()
            .filter(takes_turns)
            .map(|key| (key.label.clone(), before.get(&key.label).copied().unwrap_or(served)))
            .collect();
    }

    /// Evenness over the keys that take turns, since the last of them joined: what was served before says nothing of the
    /// turns, nor what others served that have dropped out.
    pub(super) fn confidence(&self) -> Confidence {
        let since = self.joined.values().max().copied().unwrap_or_default().saturating_sub(self.forgotten);
        let mut counts: HashMap<&Label, u64> = self.joined.keys().map(|label| (label, 0)).collect();
        for label in self.served.iter().skip(usize::try_from(since).unwrap_or(usize::MAX)) {
            if let Some(count) = counts.get_mut(label) {
                *count += 1;
            }
        }
        let mut counted: Vec<(Label, u64)> = counts.into_iter().map(|(label, count)| (label.clone(), count)).collect();
        order::sort(&mut counted);
        confidence::measure(&counted)
    }
}

fn push<T>(ring: &mut VecDeque<T>, value: T, most: usize) {
    if ring.len() == most {
        ring.pop_front();
    }
    ring.push_back(value);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        key::sample,
        now::Now,
        policy::Policy,
        pool::{Memory, Pool},
    };

    #[test]
    fn evenness_counts_from_when_the_last_key_joined() {
        let now = Now { wall: jiff::Timestamp::UNIX_EPOCH, steady: Duration::ZERO };
        let views = |labels: &[&str]| {
            let keys = labels.iter().map(|label| sample(label, "https://a.test/v1")).collect();
            Pool::new(Policy::default(), keys, &Memory::default(), now).views(now)
        };
        let mut aggregates = Aggregates::default();
        let serve = |aggregates: &mut Aggregates, labels: &[&str]| {
            for label in labels {
                aggregates.forgotten += u64::from(aggregates.served.len() == CONFIDENCE);
                push(&mut aggregates.served, Label::new(label), CONFIDENCE);
            }
        };
        let percent = |aggregates: &Aggregates| aggregates.confidence().percent;
        aggregates.note_turns(&views(&["a", "b"]), true);
        serve(&mut aggregates, &["a", "b", "a", "b"]);
        assert_eq!(percent(&aggregates), 100.0);
        aggregates.note_turns(&views(&["a", "b", "c"]), true);
        serve(&mut aggregates, &["c", "a", "b"]);
        assert_eq!((percent(&aggregates), aggregates.confidence().records), (100.0, 3), "c was not there before");
        aggregates.note_turns(&views(&["a", "b"]), true);
        assert_eq!(aggregates.confidence().records, 6, "what c served says nothing of a and b");
        for _ in 0..CONFIDENCE {
            serve(&mut aggregates, &["a"]);
        }
        assert_eq!((percent(&aggregates), aggregates.confidence().records), (0.0, 200));
    }
}
