//! Records as CSV (RFC 4180) for spreadsheets, which take some texts for formulas: none of ours is one.

use std::time::Duration;

use jiff::tz::TimeZone;

use crate::domain::{text, trace::TraceRecord};

/// Names of the columns; `row` fills them in this order.
const COLUMNS: &[&str] = &[
    "time",
    "request_id",
    "key",
    "status",
    "method",
    "path",
    "model",
    "total_ms",
    "head_ms",
    "first_byte_ms",
    "waited_ms",
    "tokens_in",
    "tokens_out",
    "tokens_cached",
    "bytes_in",
    "bytes_out",
    "stream",
    "ending",
    "error_code",
    "causes",
    "tries",
    "client",
    "hint",
    "error",
];
/// Longest text of a cell.
const TEXT_MAX: usize = 1_000;
/// A cell that begins so would be a formula somewhere.
const FORMULA: &[char] = &['=', '+', '-', '@', '＝', '＋', '－', '＠'];

pub(super) fn header(out: &mut String) {
    out.push_str(&COLUMNS.join(","));
    out.push_str("\r\n");
}

pub(super) fn row(record: &TraceRecord, zone: &TimeZone, out: &mut String) {
    let number = |number: Option<u64>| number.map(|number| number.to_string()).unwrap_or_default();
    let foreign = |text: &str| cell(text);
    let maybe = |text: Option<&str>| text.map(cell).unwrap_or_default();
    let cells = [
        record.at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S%:z").to_string(),
        foreign(&record.request_id),
        maybe(record.key.as_ref().map(crate::domain::key::Label::as_str)),
        record.status.to_string(),
        foreign(&record.method),
        foreign(&record.endpoint),
        maybe(record.model.as_deref()),
        millis(record.total),
        millis(record.latency),
        record.first_byte.map(millis).unwrap_or_default(),
        millis(record.waited),
        number(record.tokens.input),
        number(record.tokens.output),
        number(record.tokens.cached),
        record.bytes_in.to_string(),
        record.bytes_out.to_string(),
        record.stream.to_string(),
        record.ending.code().to_owned(),
        maybe(record.error_code.as_deref()),
        foreign(&record.causes().collect::<Vec<_>>().join(" ")),
        record.attempts.len().to_string(),
        maybe(record.client.as_deref()),
        foreign(&record.prompt_hint),
        maybe(record.error.as_deref()),
    ];
    out.push_str(&cells.join(","));
    out.push_str("\r\n");
}

fn millis(span: Duration) -> String {
    span.as_millis().to_string()
}

/// Foreign text as a cell: cleaned, no formula, in quotes where it must be.
fn cell(foreign: &str) -> String {
    let text = text::clean(foreign, TEXT_MAX);
    let guard = if text.starts_with(FORMULA) { "'" } else { "" };
    let text = format!("{guard}{text}");
    if text.contains([',', '"']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::trace::sample;

    #[test]
    fn a_cell_is_neither_a_formula_nor_two() {
        for (foreign, expected) in [
            ("plain text", "plain text"),
            ("a, b", "\"a, b\""),
            ("say \"x\"", "\"say \"\"x\"\"\""),
            ("=1+1", "'=1+1"),
            ("\t =1+1", "'=1+1"),
            ("@SUM(A1,B1)", "\"'@SUM(A1,B1)\""),
            ("-x", "'-x"),
            ("+7", "'+7"),
            ("＝1", "'＝1"),
            ("\u{1b}[2J\u{200b}=1\r\nx", "'=1 x"),
            ("", ""),
        ] {
            assert_eq!(cell(foreign), expected, "{foreign:?}");
        }
    }

    #[test]
    fn a_row_fills_every_column() {
        let mut out = String::new();
        row(&sample("alpha"), &TimeZone::fixed(jiff::tz::offset(3)), &mut out);
        assert_eq!(
            out,
            "2026-02-02 15:30:00+03:00,00000000000000000000000000000001,alpha,200,POST,/chat/completions,,40,12,13,0,\
             ,,,10,20,false,completed,,,0,,hello,\r\n"
        );
        assert_eq!(out.split(',').count(), COLUMNS.len());
    }
}
