//! What a dashboard costs the proxy, its own or one that is attached; what it writes; and what one costs that nothing happens
//! on. Each has 50 keys to show at 200×60.

use std::time::Duration;

use tokio::time::Instant;

use crate::{
    Options, clock,
    load::{Clients, Load},
    scenarios::{SMALL, home, middle},
    screen::Screen,
    support::proxy::Home,
    table::Table,
    target::Target,
};

const KEYS: usize = 50;

/// A proxy without a screen, the home to attach one from, and a proxy with a dashboard of its own.
fn proxies(upstream: &Target) -> (Target, Home, Target) {
    let home = home(upstream, KEYS);
    let beside = home.beside();
    (Target::kmi(home), beside, Target::kmi_on_screen(self::home(upstream, KEYS)))
}

/// A load with a dashboard against one without, just before or just after it.
struct Pair {
    rate: f64,
    cpu: f64,
}

impl Pair {
    fn of(with: &Load, without: &Load) -> Self {
        Self { rate: with.rate() / without.rate(), cpu: with.cpu_each() / without.cpu_each() }
    }
}

/// Under as many requests as are answered. The one without a dashboard is always between the two with one, and every other
/// round goes backwards.
pub(crate) async fn busy(options: &Options, upstream: &Target, table: &mut Table) {
    let (headless, beside, own) = proxies(upstream);
    let clients = Clients::new(16);
    let cost = async |target: &Target| clients.ask(target, options.window(), &target.request("GET", SMALL, b"")).await;
    let attach = async || {
        let screen = Screen::open(&beside);
        tokio::time::sleep(Duration::from_millis(500)).await;
        let (bytes, spent, began) = (screen.bytes(), clock::cpu(&[screen.pid()]), Instant::now());
        let with = cost(&headless).await;
        let seconds = began.elapsed().as_secs_f64();
        let drawing = (clock::cpu(&[screen.pid()]) - spent).as_secs_f64() / seconds * 100.0;
        (with, drawing, (screen.bytes() - bytes) as f64 / seconds / 1024.0)
    };
    let (mut attached, mut in_process, mut written, mut drawn, mut failed) = (vec![], vec![], vec![], vec![], 0);
    for round in 0..options.windows().max(3) {
        let (without, with_own, (with, drawing, bytes)) = if round % 2 == 0 {
            let with_own = cost(&own).await;
            (cost(&headless).await, with_own, attach().await)
        } else {
            let attached = attach().await;
            (cost(&headless).await, cost(&own).await, attached)
        };
        written.push(bytes);
        drawn.push(drawing);
        failed += without.failed + with_own.failed + with.failed;
        attached.push(Pair::of(&with, &without));
        in_process.push(Pair::of(&with_own, &without));
    }
    let mut add = |what: &str, unit, values: Vec<f64>| table.add(what, unit, None, None, middle(values).expect("some"));
    let rates = |pairs: &[Pair]| pairs.iter().map(|pair| pair.rate).collect();
    let costs = |pairs: &[Pair]| pairs.iter().map(|pair| pair.cpu).collect();
    add("rate with an attached dashboard, against none", "×", rates(&attached));
    add("CPU of the proxy with one, against none", "×", costs(&attached));
    add("rate with a dashboard of its own, against none", "×", rates(&in_process));
    add("CPU with one, its own included, against none", "×", costs(&in_process));
    add("CPU of the attached dashboard meanwhile", "%", drawn);
    add("what it writes to its terminal meanwhile", "KB/s", written);
    table.add_failures("requests beside dashboards: failures", None, None, failed);
}

/// With nothing going on, once the last minute's traffic is off the screen.
pub(crate) async fn at_rest(_: &Options, upstream: &Target, table: &mut Table) {
    const SPAN: Duration = Duration::from_secs(10);
    let (headless, beside, own) = proxies(upstream);
    let screen = Screen::open(&beside);
    tokio::time::sleep(Duration::from_secs(65)).await;
    let spent = || [clock::cpu(&[screen.pid(), headless.pid()]), clock::cpu(&[own.pid()])];
    let before = spent();
    tokio::time::sleep(SPAN).await;
    let after = spent();
    for (at, what) in ["with an attached dashboard", "with its own"].into_iter().enumerate() {
        let share = (after[at] - before[at]).as_secs_f64() / SPAN.as_secs_f64() * 100.0;
        table.add(format!("CPU of an idle proxy {what}"), "%", None, None, share);
    }
}
