//! What a snapshot says, in the text format of Prometheus: one table of metrics, described for people in `docs/metrics.md`.
//! Not how it is asked for (`control`). No label holds a secret: the snapshot has none.

use std::{
    borrow::Cow,
    collections::BTreeSet,
    fmt::{Display, Write},
    time::Duration,
};

use jiff::Timestamp;

use super::{
    snapshot::{CircuitState, KeyView, Snapshot, Status, UsageView},
    tally::{BOUNDS, Histogram},
    usage::{Window, WindowKind},
};

/// What the text is.
pub(crate) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// One metric.
struct Metric {
    name: &'static str,
    kind: Kind,
    /// Names of its labels.
    labels: &'static [&'static str],
    help: &'static str,
    write: fn(&Snapshot, &mut Page),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Counter,
    Gauge,
    Histogram,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

const STATUSES: [(Status, &str); 5] = [
    (Status::Healthy, "healthy"),
    (Status::Warn, "warn"),
    (Status::Exhausted, "exhausted"),
    (Status::Blocked, "blocked"),
    (Status::Disabled, "disabled"),
];

const METRICS: &[Metric] = &[
    Metric {
        name: "kmi_build_info",
        kind: Kind::Gauge,
        labels: &["version"],
        help: "Always 1; the version is in the label.",
        write: |snapshot, page| page.sample(&[&snapshot.setup.version], 1),
    },
    Metric {
        name: "kmi_start_time_seconds",
        kind: Kind::Gauge,
        labels: &[],
        help: "When the program started, in Unix time.",
        write: |snapshot, page| page.sample(&[], seconds(snapshot.at) - snapshot.uptime.as_secs_f64()),
    },
    Metric {
        name: "kmi_requests_total",
        kind: Kind::Counter,
        labels: &["key", "outcome"],
        help: "Requests that have ended, by the key that answered (empty: none) and by outcome: ok, 4xx, 5xx, error_event, upstream_cut, client_gone.",
        write: |snapshot, page| {
            for (key, outcomes) in &snapshot.tally.requests {
                for (outcome, count) in outcomes {
                    page.sample(&[key.as_ref().map_or("", |key| key.as_str()), outcome], *count);
                }
            }
        },
    },
    Metric {
        name: "kmi_attempts_total",
        kind: Kind::Counter,
        labels: &["key", "cause"],
        help: "Tries on keys, by what they met; ok when it was fine. A request that fails over makes several.",
        write: |snapshot, page| {
            for (key, cause, count) in snapshot.tally.attempts.rows() {
                page.sample(&[key.as_str(), cause], *count);
            }
        },
    },
    Metric {
        name: "kmi_tokens_total",
        kind: Kind::Counter,
        labels: &["key", "model", "kind"],
        help: "Tokens as the upstream counted them: input (cached ones included), output, cached.",
        write: |snapshot, page| {
            for (key, model, sums) in snapshot.tally.tokens.rows() {
                for (kind, count) in [("input", sums.input), ("output", sums.output), ("cached", sums.cached)] {
                    page.sample(&[key.as_str(), model, kind], count);
                }
            }
        },
    },
    Metric {
        name: "kmi_request_bytes_total",
        kind: Kind::Counter,
        labels: &[],
        help: "Bytes of request bodies.",
        write: |snapshot, page| page.sample(&[], snapshot.tally.bytes_in),
    },
    Metric {
        name: "kmi_response_bytes_total",
        kind: Kind::Counter,
        labels: &[],
        help: "Bytes of answers' bodies.",
        write: |snapshot, page| page.sample(&[], snapshot.tally.bytes_out),
    },
    Metric {
        name: "kmi_first_byte_seconds",
        kind: Kind::Histogram,
        labels: &[],
        help: "From a request to the first byte of its answer's body.",
        write: |snapshot, page| page.histogram(&snapshot.tally.first_byte),
    },
    Metric {
        name: "kmi_request_duration_seconds",
        kind: Kind::Histogram,
        labels: &[],
        help: "From a request to the end of its answer.",
        write: |snapshot, page| page.histogram(&snapshot.tally.total),
    },
    Metric {
        name: "kmi_requests_in_flight",
        kind: Kind::Gauge,
        labels: &["key"],
        help: "Requests that run on a key.",
        write: |snapshot, page| page.keys(snapshot, |key| Some(key.in_flight.into())),
    },
    Metric {
        name: "kmi_requests_held",
        kind: Kind::Gauge,
        labels: &[],
        help: "Requests that wait for a key.",
        write: |snapshot, page| page.sample(&[], snapshot.held.len()),
    },
    Metric {
        name: "kmi_keys",
        kind: Kind::Gauge,
        labels: &["status"],
        help: "Keys by status.",
        write: |snapshot, page| {
            for (status, name) in STATUSES {
                page.sample(&[name], snapshot.keys.iter().filter(|key| key.status == status).count());
            }
        },
    },
    Metric {
        name: "kmi_key_status",
        kind: Kind::Gauge,
        labels: &["key", "status"],
        help: "1 for the status that the key has, 0 for the others.",
        write: |snapshot, page| {
            for key in &snapshot.keys {
                for (status, name) in STATUSES {
                    page.sample(&[key.label.as_str(), name], u8::from(key.status == status));
                }
            }
        },
    },
    Metric {
        name: "kmi_key_available",
        kind: Kind::Gauge,
        labels: &["key"],
        help: "1 when the key could serve a request now.",
        write: |snapshot, page| page.keys(snapshot, |key| Some(f64::from(u8::from(key.skip.is_none())))),
    },
    Metric {
        name: "kmi_key_active",
        kind: Kind::Gauge,
        labels: &["key"],
        help: "1 for the active key.",
        write: |snapshot, page| page.keys(snapshot, |key| Some(f64::from(u8::from(key.active)))),
    },
    Metric {
        name: "kmi_key_last_used_timestamp_seconds",
        kind: Kind::Gauge,
        labels: &["key"],
        help: "When the key was used last, in Unix time.",
        write: |snapshot, page| page.keys(snapshot, |key| key.last_used.map(seconds)),
    },
    Metric {
        name: "kmi_key_errors",
        kind: Kind::Gauge,
        labels: &["key", "kind"],
        help: "Errors that stand against the key, by status; success and time lower them.",
        write: |snapshot, page| {
            for key in &snapshot.keys {
                let counters = key.counters;
                for (kind, count) in [
                    ("401", counters.error_401),
                    ("403", counters.error_403),
                    ("429", counters.error_429),
                    ("5xx", counters.error_5xx),
                ] {
                    page.sample(&[key.label.as_str(), kind], count);
                }
            }
        },
    },
    Metric {
        name: "kmi_quota_remaining_ratio",
        kind: Kind::Gauge,
        labels: &["key", "window"],
        help: "Share of a quota window that is left, 0 to 1, by the key's last good report.",
        write: |snapshot, page| page.windows(snapshot, |window| window.left),
    },
    Metric {
        name: "kmi_quota_reset_timestamp_seconds",
        kind: Kind::Gauge,
        labels: &["key", "window"],
        help: "When a quota window begins anew, in Unix time.",
        write: |snapshot, page| page.windows(snapshot, |window| window.resets_at.map(seconds)),
    },
    Metric {
        name: "kmi_upstream_circuit_open",
        kind: Kind::Gauge,
        labels: &["host"],
        help: "1 while an upstream host is left alone because it does not answer.",
        write: |snapshot, page| {
            for host in &snapshot.hosts {
                page.sample(&[&host.host], u8::from(matches!(host.circuit, CircuitState::Open { .. })));
            }
        },
    },
    Metric {
        name: "kmi_auto_rotation_enabled",
        kind: Kind::Gauge,
        labels: &[],
        help: "1 while auto-rotation is on.",
        write: |snapshot, page| page.sample(&[], u8::from(snapshot.auto_rotate)),
    },
    Metric {
        name: "kmi_trace_records_dropped_total",
        kind: Kind::Counter,
        labels: &[],
        help: "Trace records that could not be queued or written.",
        write: |snapshot, page| page.sample(&[], snapshot.traffic.dropped_records),
    },
    Metric {
        name: "kmi_state_save_failures",
        kind: Kind::Gauge,
        labels: &[],
        help: "Saves of the state that failed since the last good one.",
        write: |snapshot, page| page.sample(&[], snapshot.traffic.failed_saves),
    },
];

/// The whole text.
pub(crate) fn text(snapshot: &Snapshot) -> String {
    let mut page = Page { text: String::with_capacity(16 * 1024), name: "", labels: &[] };
    for metric in METRICS {
        (page.name, page.labels) = (metric.name, metric.labels);
        // Writing to a string can't fail, here and below.
        let _ = writeln!(page.text, "# HELP {} {}", metric.name, metric.help);
        let _ = writeln!(page.text, "# TYPE {} {}", metric.name, metric.kind.name());
        (metric.write)(snapshot, &mut page);
    }
    page.text
}

/// The text as far as it is written.
struct Page {
    text: String,
    name: &'static str,
    labels: &'static [&'static str],
}

impl Page {
    fn sample(&mut self, values: &[&str], number: impl Display) {
        self.line("", self.labels.iter().copied().zip(values.iter().copied()), number);
    }

    fn line<'a>(&mut self, suffix: &str, labels: impl Iterator<Item = (&'a str, &'a str)>, number: impl Display) {
        let labels: Vec<String> = labels.map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let _ = writeln!(self.text, "{}{suffix}{labels} {number}", self.name);
    }

    /// A sample for each key that has one.
    fn keys(&mut self, snapshot: &Snapshot, value: impl Fn(&KeyView) -> Option<f64>) {
        for key in &snapshot.keys {
            if let Some(value) = value(key) {
                self.sample(&[key.label.as_str()], value);
            }
        }
    }

    /// A sample for each window of each key that has one.
    fn windows(&mut self, snapshot: &Snapshot, value: impl Fn(&Window) -> Option<f64>) {
        for key in &snapshot.keys {
            let (UsageView::Known { usage, .. } | UsageView::Failed { usage: Some(usage), .. }) = &key.usage else {
                continue;
            };
            let mut named = BTreeSet::new();
            for window in &usage.windows {
                let name = window_name(&window.kind);
                // An upstream may name two alike; a collector takes one.
                if let Some(value) = value(window).filter(|_| named.insert(name.clone())) {
                    self.sample(&[key.label.as_str(), &name], value);
                }
            }
        }
    }

    fn histogram(&mut self, histogram: &Histogram) {
        let mut up_to = 0;
        let ends = BOUNDS.map(|bound| Duration::from_millis(bound).as_secs_f64().to_string());
        let ends = ends.iter().map(String::as_str).chain(["+Inf"]);
        for (end, count) in ends.zip(histogram.counts) {
            up_to += count;
            self.line("_bucket", [("le", end)].into_iter(), up_to);
        }
        self.line("_sum", std::iter::empty(), histogram.sum.as_secs_f64());
        self.line("_count", std::iter::empty(), up_to);
    }
}

fn window_name(kind: &WindowKind) -> Cow<'_, str> {
    match kind {
        WindowKind::FiveHours => "5h".into(),
        WindowKind::Week => "week".into(),
        WindowKind::MonthTotal => "month".into(),
        WindowKind::MonthCode => "month_code".into(),
        WindowKind::Every(span) => format!("{}s", span.as_secs()).into(),
        WindowKind::Named(name) => name.as_str().into(),
    }
}

fn seconds(moment: Timestamp) -> f64 {
    moment.as_duration().as_secs_f64()
}

/// As the format asks for it: no value can end its quotes or its line.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page;

    fn table() -> String {
        let head = "| name | type | labels | |\n|---|---|---|---|\n".to_owned();
        METRICS.iter().fold(head, |text, metric| {
            let labels: Vec<String> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
            let kind = metric.kind.name();
            format!("{text}| `{}` | {kind} | {} | {} |\n", metric.name, labels.join(", "), metric.help)
        })
    }

    #[test]
    fn the_page_of_metrics_describes_every_one() {
        page::holds("docs/metrics.md", &table());
        let rows = include_str!("../../docs/ru/metrics.md").lines().filter_map(|line| line.strip_prefix("| `"));
        let names: Vec<_> = rows.filter_map(|row| row.split('`').next()).collect();
        assert_eq!(names, METRICS.iter().map(|metric| metric.name).collect::<Vec<_>>(), "docs/ru/metrics.md");
    }

    #[test]
    fn names_follow_the_conventions() {
        for (at, metric) in METRICS.iter().enumerate() {
            assert!(metric.name.starts_with("kmi_") && METRICS[at + 1..].iter().all(|other| other.name != metric.name));
            assert_eq!(metric.kind == Kind::Counter, metric.name.ends_with("_total"), "{}", metric.name);
            assert!(!metric.help.contains(['\n', '\\']) && metric.help.ends_with('.'), "{}", metric.name);
        }
    }

    #[test]
    fn no_value_leaves_its_quotes() {
        assert_eq!(escaped("a\"} 1\n# \\"), "a\\\"} 1\\n# \\\\");
    }
}
