//! What many trace records come to: counts, shares, tokens, latencies. Folded one by one, in any order, in memory that
//! does not grow with their number. Not how it is shown (`cli`).

use std::{collections::BTreeMap, time::Duration};

use jiff::{Timestamp, tz::TimeZone};
use serde::{Serialize, Serializer};

use super::{
    confidence,
    key::Label,
    ledger::{self, Ledger},
    order,
    snapshot::Confidence,
    trace::{TokenSums, TraceRecord},
};

/// Most names of causes that are told apart: a file may hold any, and memory is not for the asking.
const CAUSES_MAX: usize = 64;
/// Where those beyond are counted.
const OTHER: &str = "other";

/// Sums over trace records.
#[derive(Debug, Clone, Default)]
pub(crate) struct Summary {
    pub(crate) all: Sums,
    /// Of records that no key answered.
    pub(crate) without_key: Sums,
    pub(crate) keys: BTreeMap<Label, Sums>,
    /// Until the first byte of the answer's body.
    pub(crate) first_byte: Latencies,
    /// Until the answer's end.
    pub(crate) total: Latencies,
    /// By class: none, 1xx, …, 5xx, beyond.
    classes: [u64; 7],
    /// How many records name it; one may name several.
    pub(crate) causes: BTreeMap<String, u64>,
    /// Tokens by day, key and model, of the newest days.
    pub(crate) ledger: Ledger,
    /// When the first and the last of these requests came in.
    pub(crate) span: Option<(Timestamp, Timestamp)>,
}

/// Sums over some of the records.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    pub(crate) count: u64,
    pub(crate) errors: u64,
    /// As far as the upstream counted them.
    pub(crate) tokens: TokenSums,
}

impl Summary {
    /// `zone`: whose days they are.
    pub(crate) fn fold(&mut self, record: &TraceRecord, zone: &TimeZone) {
        self.all.fold(record);
        match &record.key {
            Some(label) => {
                self.keys.entry(label.clone()).or_default().fold(record);
                self.ledger.count(ledger::day(record.at, zone), label, record.model.as_deref(), record.tokens);
            }
            None => self.without_key.fold(record),
        }
        if let Some(span) = record.first_byte {
            self.first_byte.fold(span);
        }
        self.total.fold(record.total);
        self.classes[usize::from(record.status / 100).min(6)] += 1;
        for cause in record.causes() {
            let known = self.causes.contains_key(cause) || self.causes.len() < CAUSES_MAX;
            *self.causes.entry(if known { cause } else { OTHER }.to_owned()).or_default() += 1;
        }
        let (from, until) = self.span.unwrap_or((record.at, record.at));
        self.span = Some((from.min(record.at), until.max(record.at)));
    }

    /// How evenly the keys that served here share the work. One that served nothing is not seen in a trace.
    pub(crate) fn confidence(&self) -> Confidence {
        let counts: Vec<(Label, u64)> = self.keys.iter().map(|(label, sums)| (label.clone(), sums.count)).collect();
        confidence::measure(&counts)
    }

    /// A key's part of all records, 0 to 1.
    pub(crate) fn share(&self, sums: &Sums) -> f64 {
        sums.count as f64 / self.all.count.max(1) as f64
    }

    /// Classes of status that occur, and how often: `4xx`, or `none` where there was no status.
    pub(crate) fn classes(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let names = ["none", "1xx", "2xx", "3xx", "4xx", "5xx", OTHER];
        names.into_iter().zip(self.classes).filter(|(_, count)| *count > 0)
    }
}

impl Sums {
    fn fold(&mut self, record: &TraceRecord) {
        self.count += 1;
        self.errors += u64::from(record.failed());
        self.tokens.count(record.tokens);
    }
}

/// Each power of two is parted into so many buckets (two to this power): a percentile is at most 1/64 too high.
const PRECISION: u32 = 6;
const PARTS: u64 = 1 << PRECISION;

/// Durations by how long they were, in whole milliseconds: exact below 128 ms, then in buckets that grow with them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Latencies {
    /// Grows to what the longest needs; under 4000 for any there can be.
    buckets: Vec<u64>,
    count: u64,
    max: u64,
}

impl Latencies {
    fn fold(&mut self, span: Duration) {
        let value = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        let bucket = bucket(value);
        if self.buckets.len() <= bucket {
            self.buckets.resize(bucket + 1, 0);
        }
        self.buckets[bucket] += 1;
        self.count += 1;
        self.max = self.max.max(value);
    }

    pub(crate) const fn count(&self) -> u64 {
        self.count
    }

    /// The longest, exactly.
    pub(crate) fn max(&self) -> Option<Duration> {
        (self.count > 0).then(|| Duration::from_millis(self.max))
    }

    /// What so many percent did not exceed; at most 1/64 more than it was.
    pub(crate) fn percentile(&self, percent: u64) -> Option<Duration> {
        let rank = (self.count * percent).div_ceil(100).max(1);
        let mut seen = 0;
        let bucket = self.buckets.iter().position(|count| {
            seen += count;
            seen >= rank
        })?;
        Some(Duration::from_millis(highest(bucket).min(self.max)))
    }
}

/// The bucket of a value: the value itself while it is small, else its power of two and the bits after the first.
fn bucket(value: u64) -> usize {
    let power = value.checked_ilog2().unwrap_or_default().saturating_sub(PRECISION);
    let index = u64::from(power) * PARTS + (value >> power);
    usize::try_from(index).unwrap_or(usize::MAX)
}

/// The highest value of a bucket.
fn highest(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    let power = (bucket / PARTS).saturating_sub(1);
    let first = bucket - power * PARTS;
    (first << power) | ((1 << power) - 1)
}

/// As JSON: `docs/schemas/trace-summary.json`.
impl Serialize for Summary {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let stamp = |moment: Timestamp| moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let confidence = self.confidence();
        let keys = self.keys.iter().map(|(label, sums)| KeyJson {
            label,
            count: sums.count,
            share: (self.share(sums) * 1e4).round() / 1e4,
            errors: sums.errors,
            tokens: sums.tokens,
        });
        Json {
            count: self.all.count,
            errors: self.all.errors,
            from: self.span.map(|(from, _)| stamp(from)),
            until: self.span.map(|(_, until)| stamp(until)),
            tokens: self.all.tokens,
            without_key: self.without_key.count,
            confidence: confidence.percent,
            first_byte_ms: LatencyJson::of(&self.first_byte),
            total_ms: LatencyJson::of(&self.total),
            statuses: order::map(self.classes()),
            causes: &self.causes,
            keys: keys.collect(),
            tokens_by_day: &self.ledger,
        }
        .serialize(serializer)
    }
}

#[derive(Serialize)]
struct Json<'a> {
    count: u64,
    errors: u64,
    from: Option<String>,
    until: Option<String>,
    tokens: TokenSums,
    without_key: u64,
    confidence: f64,
    first_byte_ms: LatencyJson,
    total_ms: LatencyJson,
    statuses: BTreeMap<&'static str, u64>,
    causes: &'a BTreeMap<String, u64>,
    keys: Vec<KeyJson<'a>>,
    tokens_by_day: &'a Ledger,
}

#[derive(Serialize)]
struct KeyJson<'a> {
    label: &'a Label,
    count: u64,
    share: f64,
    errors: u64,
    tokens: TokenSums,
}

#[derive(Serialize)]
struct LatencyJson {
    count: u64,
    p50: Option<u64>,
    p90: Option<u64>,
    p99: Option<u64>,
    max: Option<u64>,
}

impl LatencyJson {
    fn of(latencies: &Latencies) -> Self {
        let millis = |span: Option<Duration>| span.map(|span| u64::try_from(span.as_millis()).unwrap_or(u64::MAX));
        let percentile = |percent| millis(latencies.percentile(percent));
        let (p50, p90, p99) = (percentile(50), percentile(90), percentile(99));
        Self { count: latencies.count(), p50, p90, p99, max: millis(latencies.max()) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::domain::trace::{Ending, Tokens, sample};

    fn of(records: &[TraceRecord]) -> Summary {
        let mut summary = Summary::default();
        records.iter().for_each(|record| summary.fold(record, &TimeZone::UTC));
        summary
    }

    #[test]
    fn records_come_to_their_sums() {
        let tokens = |input, output, cached| Tokens { input, output, cached };
        let records = [
            TraceRecord { tokens: tokens(Some(10), Some(2), None), model: Some("k2".into()), ..sample("alpha") },
            TraceRecord { tokens: tokens(Some(5), None, Some(4)), total: Duration::from_millis(7), ..sample("alpha") },
            TraceRecord {
                status: 503,
                error_code: Some("no_key_available".into()),
                key: None,
                first_byte: None,
                at: "2026-02-02T12:00:00Z".parse().expect("valid"),
                ..sample("")
            },
            TraceRecord { ending: Ending::ClientGone, error_code: Some("client_gone".into()), ..sample("beta") },
        ];
        let zero = json!({"input": 0, "output": 0, "cached": 0});
        let expected = json!({
            "count": 4, "errors": 2,
            "from": "2026-02-02T12:00:00Z", "until": "2026-02-02T12:30:00Z",
            "tokens": {"input": 15, "output": 2, "cached": 4},
            "without_key": 1,
            "confidence": 66.67,
            "first_byte_ms": {"count": 3, "p50": 13, "p90": 13, "p99": 13, "max": 13},
            "total_ms": {"count": 4, "p50": 40, "p90": 40, "p99": 40, "max": 40},
            "statuses": {"2xx": 3, "5xx": 1},
            "causes": {"client_gone": 1, "no_key_available": 1},
            "keys": [
                {"label": "alpha", "count": 2, "share": 0.5, "errors": 0, "tokens": {"input": 15, "output": 2, "cached": 4}},
                {"label": "beta", "count": 1, "share": 0.25, "errors": 1, "tokens": zero},
            ],
            "tokens_by_day": [
                {"day": "2026-02-02", "label": "alpha", "model": "k2", "input": 10, "output": 2, "cached": 0},
                {"day": "2026-02-02", "label": "alpha", "model": "other", "input": 5, "output": 0, "cached": 4},
            ],
        });
        assert_eq!(serde_json::to_value(of(&records)).expect("JSON"), expected);
    }

    #[test]
    fn nothing_comes_to_nothing() {
        let summary = serde_json::to_value(Summary::default()).expect("JSON");
        assert_eq!(
            (&summary["count"], &summary["from"], &summary["confidence"]),
            (&json!(0), &json!(null), &json!(100.0))
        );
        assert_eq!(summary["total_ms"], json!({"count": 0, "p50": null, "p90": null, "p99": null, "max": null}));
    }

    #[test]
    fn nonsense_neither_grows_nor_overflows() {
        let tokens = Tokens { input: Some(u64::MAX), output: Some(u64::MAX), cached: None };
        let nonsense = |number: u16| TraceRecord {
            status: number.wrapping_mul(999),
            error_code: Some(format!("cause-{number}")),
            total: Duration::MAX,
            tokens,
            ..sample("alpha")
        };
        let summary = of(&(0..200).map(nonsense).collect::<Vec<_>>());
        assert_eq!(summary.causes.len(), CAUSES_MAX + 1);
        assert_eq!(summary.causes[OTHER], 200 - CAUSES_MAX as u64);
        assert_eq!(summary.all.tokens.input, u64::MAX);
        assert!(summary.total.buckets.len() < 4_000, "{}", summary.total.buckets.len());
    }

    #[test]
    fn percentiles_are_those_of_the_sorted_values() {
        let mut latencies = Latencies::default();
        (1..=100).rev().for_each(|value| latencies.fold(Duration::from_millis(value)));
        let seen = [50, 90, 99, 100].map(|percent| latencies.percentile(percent).expect("some").as_millis());
        assert_eq!(seen, [50, 90, 99, 100]);
    }

    proptest! {
        #[test]
        fn a_percentile_is_a_little_too_high_at_most(values in prop::collection::vec(0..10_000_000_u64, 1..200), percent in 1..=100_u64) {
            let mut latencies = Latencies::default();
            values.iter().for_each(|value| latencies.fold(Duration::from_millis(*value)));
            let mut sorted = values.clone();
            sorted.sort_unstable();
            let rank = (values.len() as u64 * percent).div_ceil(100).max(1);
            let exact = sorted[usize::try_from(rank).expect("small") - 1];
            let told = latencies.percentile(percent).expect("some").as_millis() as u64;
            prop_assert!(told >= exact && told <= exact + exact / PARTS, "{told} for {exact}");
        }
    }
}
