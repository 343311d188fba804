//! What choosing a key costs, with three keys and with thousands, side by side in one run: the ratio is what is held.
//!
//! `cargo bench --bench pick`. Not the network, the lock or the body around it (`benches/soak`).

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use kmi_tui::bench::{Case, Picks};

const SIZES: [u32; 3] = [3, 100, 10_000];

fn requests(criterion: &mut Criterion) {
    for case in [Case::RoundRobin, Case::MostRemaining, Case::LeastBusy, Case::Priority, Case::HalfOut, Case::Active] {
        let mut group = criterion.benchmark_group(format!("request {case:?}"));
        for keys in SIZES {
            let mut picks = Picks::new(keys, case);
            group.bench_function(BenchmarkId::from_parameter(keys), |bench| {
                bench.iter(|| assert!(picks.request(), "a key is found"));
            });
        }
        group.finish();
    }
}

fn refusals(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("refusal");
    for keys in SIZES {
        let mut picks = Picks::new(keys, Case::RoundRobin);
        group.bench_function(BenchmarkId::from_parameter(keys), |bench| {
            bench.iter(|| picks.refusal());
        });
    }
    group.finish();
}

criterion_group!(benches, requests, refusals);
criterion_main!(benches);
