//! The figures as a table for people and as JSON. Not how they are taken.

use std::fmt::Write as _;

use serde_json::json;

/// How CPU is counted, for those who read the table.
pub(crate) const NOTE: &str = "CPU is the time of all threads of all processes of nginx or of kmi-tui, user and system, as the \
scheduler counts it. What the kernel does for their sockets meanwhile is in it; upstream and load are not.";

/// The unit of a count of failures.
const MUST_BE_NONE: &str = "must be 0";

/// One figure, for those it was measured of.
#[derive(Debug)]
struct Row {
    what: String,
    unit: &'static str,
    direct: Option<f64>,
    nginx: Option<f64>,
    kmi: f64,
}

#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<Row>,
}

impl Table {
    pub(crate) fn add(
        &mut self,
        what: impl Into<String>,
        unit: &'static str,
        direct: Option<f64>,
        nginx: Option<f64>,
        kmi: f64,
    ) {
        self.rows.push(Row { what: what.into(), unit, direct, nginx, kmi });
    }

    /// What went wrong, of each: anything but none spoils the figures.
    pub(crate) fn add_failures(&mut self, what: impl Into<String>, direct: Option<u64>, nginx: Option<u64>, kmi: u64) {
        let number = |count: Option<u64>| count.map(|count| count as f64);
        self.add(what, MUST_BE_NONE, number(direct), number(nginx), kmi as f64);
    }

    /// The rows that say that something went wrong.
    pub(crate) fn failures(&self) -> Vec<&str> {
        let failed = |row: &&Row| [row.direct, row.nginx, Some(row.kmi)].into_iter().flatten().any(|count| count > 0.0);
        let counts = self.rows.iter().filter(|row| row.unit == MUST_BE_NONE);
        counts.filter(failed).map(|row| row.what.as_str()).collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The rows that were added after the first so many.
    pub(crate) fn since(&self, first: usize) -> String {
        let mut text = String::from(
            "| figure | unit | no proxy | nginx | kmi-tui | kmi-tui / nginx |\n|---|---|--:|--:|--:|--:|\n",
        );
        let cell = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), short);
        for row in &self.rows[first..] {
            let ratio = row.nginx.filter(|nginx| *nginx > 0.0).map(|nginx| row.kmi / nginx);
            let (direct, nginx, kmi, ratio) = (cell(row.direct), cell(row.nginx), short(row.kmi), cell(ratio));
            let _ = writeln!(text, "| {} | {} | {direct} | {nginx} | {kmi} | {ratio} |", row.what, row.unit);
        }
        text
    }

    pub(crate) fn json(&self) -> String {
        let rows = self.rows.iter().map(|row| {
            json!({"figure": row.what, "unit": row.unit, "direct": row.direct, "nginx": row.nginx, "kmi_tui": row.kmi})
        });
        format!("{:#}\n", json!(rows.collect::<Vec<_>>()))
    }
}

/// Three digits.
fn short(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}
