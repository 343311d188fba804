//! The sums of a trace as text, for people and for programs. Not how they come about (`domain`).

use crate::{
    cli::table::table,
    domain::{
        message::Message,
        order,
        summary::{Latencies, Summary, Sums},
        text,
        trace::TokenSums,
    },
    i18n::Words,
    store::json::pretty,
    tui::{
        format::{count, decimal, percent, took, whole},
        wording,
    },
};

/// A column that is cut at this width.
const LABEL_MAX: usize = 20;
/// Percentiles that are shown.
const PERCENTS: [u64; 3] = [50, 90, 99];

/// In ASCII: no text of the trace can command a terminal.
pub(super) fn json(sums: &Summary) -> serde_json::Result<String> {
    Ok(pretty(sums)? + "\n")
}

pub(super) fn text(sums: &Summary, words: &Words) -> String {
    [facts(sums, words), keys(sums, words) + &tables(sums, words), latencies(sums, words)].join("\n")
}

fn facts(sums: &Summary, words: &Words) -> String {
    let requests =
        Message::new("trace-sum-failed").with("count", whole(sums.all.count)).with("failed", whole(sums.all.errors));
    let mut rows = vec![("fact-requests", words.render(&requests))];
    if let Some((from, until)) = sums.span {
        let span = Message::new("trace-sum-span").with("from", from).with("until", until);
        rows.push(("fact-time", words.render(&span)));
    }
    rows.push(("fact-tokens", tokens(sums.all.tokens, words)));
    rows.push(("trace-sum-confidence", format!("{}%", decimal(words, sums.confidence().percent, 0))));
    let statuses: Vec<String> = sums.classes().map(|(class, count)| format!("{class} {count}")).collect();
    rows.push(("fact-answer", statuses.join(", ")));
    let rows: Vec<_> = rows.into_iter().map(|(name, value)| [words.text(name), value]).collect();
    table(&rows, &[]) + &causes(sums, words)
}

/// A line each, the most frequent first.
fn causes(sums: &Summary, words: &Words) -> String {
    let mut counted: Vec<(&String, &u64)> = sums.causes.iter().collect();
    order::sort_by_key(&mut counted, |(_, count)| std::cmp::Reverse(**count));
    if counted.is_empty() {
        return String::new();
    }
    let titles = [words.text("trace-sum-causes"), words.text("column-requests")];
    let rows = counted.iter().map(|(cause, count)| [wording::cause(words, cause), count.to_string()]);
    format!("\n{}", table(&std::iter::once(titles).chain(rows).collect::<Vec<_>>(), &[1]))
}

fn tokens(tokens: TokenSums, words: &Words) -> String {
    words.render(&wording::token_sums(words, tokens))
}

/// By model and by day, the newest first, where there is more than one.
fn tables(sums: &Summary, words: &Words) -> String {
    let models = sums.ledger.sums(|name| Some(name.model.clone()));
    let days = sums.ledger.sums(|name| Some(name.day));
    let models = models.into_iter().map(|(model, sums)| (text::clean(&model, LABEL_MAX), sums)).collect();
    let days = days.into_iter().rev().map(|(day, sums)| (day.to_string(), sums)).collect();
    let of = |title: &'static str, rows: Vec<(String, TokenSums)>| {
        let titles = [title, "column-tokens-in", "column-tokens-cached", "column-tokens-out"].map(|id| words.text(id));
        let row = |(name, sums): (String, TokenSums)| {
            let [input, cached, output] = [sums.input, sums.cached, sums.output].map(|number| count(words, number));
            [name, input, cached, output]
        };
        let rows: Vec<_> = std::iter::once(titles).chain(rows.into_iter().map(row)).collect();
        format!("\n{}", table(&rows, &[1, 2, 3]))
    };
    if sums.ledger.is_empty() { String::new() } else { of("fact-model", models) + &of("trace-sum-day", days) }
}

fn keys(sums: &Summary, words: &Words) -> String {
    let titles = ["column-key", "column-requests", "trace-sum-share", "column-errors", "column-tokens"];
    let row = |label: String, key: &Sums| {
        let share = percent(sums.share(key));
        [label, key.count.to_string(), share, key.errors.to_string(), tokens(key.tokens, words)]
    };
    let mut rows = vec![titles.map(|id| words.text(id))];
    rows.extend(sums.keys.iter().map(|(label, key)| row(text::clean(label.as_str(), LABEL_MAX), key)));
    if sums.without_key.count > 0 {
        rows.push(row(words.text("trace-sum-no-key"), &sums.without_key));
    }
    table(&rows, &[1, 2, 3])
}

fn latencies(sums: &Summary, words: &Words) -> String {
    let row = |name: &'static str, latencies: &Latencies| {
        let percentiles = PERCENTS.map(|percent| latencies.percentile(percent));
        let [p50, p90, p99] = percentiles.map(|span| span.map_or_else(|| "-".to_owned(), |span| took(words, span)));
        let max = latencies.max().map_or_else(|| "-".to_owned(), |span| took(words, span));
        [words.text(name), p50, p90, p99, max]
    };
    let titles = [String::new(), "p50".into(), "p90".into(), "p99".into(), words.text("trace-sum-max")];
    let rows = [titles, row("fact-first-byte", &sums.first_byte), row("fact-total", &sums.total)];
    table(&rows, &[1, 2, 3, 4])
}
