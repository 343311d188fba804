//! What a request costs in the pure parts beside the choice of a key: its prompt's words, what its answer means, the
//! tokens of a stream, a quota report. What grows with a body is measured at two sizes.
//!
//! `cargo bench --bench parts`. Not the choice (`benches/pick`), nor the filter, which the dashboard tries
//! (`benches/draw`), nor the wire (`benches/proxy`).

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use kmi_tui::bench::{cause, tokens_out, windows, words};

fn classify(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("classify");
    for (status, body, expected) in [
        (200, "", "ok"),
        (
            429,
            r#"{"error":{"message":"Your account reached max request concurrency","type":"rate_limit_reached_error"}}"#,
            "",
        ),
        (
            403,
            r#"{"error":{"message":"You've reached your usage limit for this period","type":"access_terminated_error"}}"#,
            "",
        ),
        (502, "<html><body>Bad Gateway</body></html>", "server_error"),
    ] {
        let found = cause(status, body.as_bytes());
        assert!(expected.is_empty() || found == expected, "{status}: {found}");
        group.bench_function(BenchmarkId::from_parameter(format!("{status} {found}")), |bench| {
            bench.iter(|| cause(black_box(status), black_box(body.as_bytes())));
        });
    }
    group.finish();
}

fn prompt(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("prompt words");
    for (name, size) in [("100 KB", 100 << 10), ("2 MB", 2 << 20)] {
        let body = conversation(size);
        assert_eq!(words(&body), "go on");
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.bench_function(name, |bench| bench.iter(|| words(black_box(&body))));
    }
    group.finish();
}

/// As a coding client sends it.
fn conversation(size: usize) -> Vec<u8> {
    let turn = format!(r#"{{"role":"user","content":"{}"}},"#, "some words of code\\nand prose ".repeat(30));
    let turns = turn.repeat(size / turn.len());
    let end = r#"{"role":"user","content":"go on"}],"stream":true}"#;
    format!(r#"{{"model":"kimi-for-coding","messages":[{turns}{end}"#).into_bytes()
}

fn stream(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("tokens of a stream");
    let event = "data: {\"id\":\"chatcmpl-1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\" some words\"}}]}\n\n";
    let last = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":12}}\n\ndata: [DONE]\n\n";
    let text = event.repeat(500) + last;
    for piece in [event.len(), 1_400] {
        assert_eq!(tokens_out(text.as_bytes().chunks(piece)), Some(12));
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(format!("500 events in pieces of {piece}"), |bench| {
            bench.iter(|| tokens_out(black_box(text.as_bytes()).chunks(piece)));
        });
    }
    group.finish();
}

fn usage(criterion: &mut Criterion) {
    let body = br#"{"usage":{"limit":"2048","used":"214","remaining":"1834","resetTime":"2026-03-09T15:23:13.7Z"},
        "limits":[{"window":{"duration":300,"timeUnit":"TIME_UNIT_MINUTE"},"detail":{"limit":"200","used":"139",
        "remaining":"61","resetTime":"2026-03-06T13:33:02.7Z"}}]}"#;
    assert_eq!(windows(body), 2);
    criterion.bench_function("quota report", |bench| bench.iter(|| windows(black_box(body))));
}

criterion_group!(benches, classify, prompt, stream, usage);
criterion_main!(benches);
