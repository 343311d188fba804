//! What the dashboard costs: a frame with 50 keys after 100,000 requests, the filter over as many, the palette.
//!
//! `cargo bench --bench draw`. Everything but the terminal itself: what is written goes nowhere.

use criterion::{Criterion, criterion_group, criterion_main};
use kmi_tui::bench::{Filtered, Frames};

const KEYS: u32 = 50;
const RECORDS: u32 = 100_000;
const FILTERS: [&str; 4] = ["key:key-00007", "status:429 >800ms", "-path:/models model:turbo", "падает"];

fn frames(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("frame");
    for (name, russian, size) in [
        ("200x60", false, (200, 60)),
        ("200x60 in Russian", true, (200, 60)),
        ("120x40", false, (120, 40)),
        ("80x24", false, (80, 24)),
    ] {
        let mut frames = Frames::new(russian, size, KEYS, RECORDS);
        group.bench_function(name, |bench| bench.iter(|| frames.busy()));
    }
    let mut frames = Frames::new(false, (200, 60), KEYS, RECORDS);
    group.bench_function("200x60 with nothing new", |bench| bench.iter(|| frames.still()));
    group.finish();
}

fn typing(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("typing, with its frames");
    let mut frames = Frames::new(false, (200, 60), KEYS, RECORDS);
    group.bench_function("the palette: rotate", |bench| bench.iter(|| frames.type_in(":rotate\u{1b}")));
    group.bench_function("the filter: key:key-00007", |bench| bench.iter(|| frames.type_in("/key:key-00007\u{1b}")));
    group.finish();
}

fn filters(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("filter over 100,000 requests");
    let filtered = Filtered::new(RECORDS);
    for line in FILTERS {
        group.bench_function(line, |bench| {
            bench.iter(|| {
                let meant = filtered.meant(line);
                assert!(meant > 0 && meant < 100_000, "{meant}");
            });
        });
    }
    group.finish();
}

criterion_group!(benches, frames, typing, filters);
criterion_main!(benches);
