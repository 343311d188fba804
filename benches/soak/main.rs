//! The real binary under load, while keys, files, disk and the process itself fail at random: as long as one key is well, no
//! client may see an error, and nothing may be lost, leak or get stuck. Not a measure of speed.
//!
//! - `cargo bench --bench soak -- --seconds 600 --rate 200 --seed 7`: keys that fail.
//! - `… -- --seconds 1800 --faults`: all of it. In its first third the program is also ended and started again; then one
//!   life goes on to the end, whose first half is compared with its second.
//! - `… -- --ends 100`: sudden ends alone, with a look at the files after each.
//!
//! It prints a table, names each breach, and fails when there is one.

#![expect(clippy::print_stdout, reason = "the table is what it is for")]

#[expect(dead_code, reason = "the tests use the rest of it")]
#[path = "../../tests/support/mod.rs"]
mod support;

mod faults;
mod field;
mod load;
mod watch;

use std::{fs, sync::Arc, time::Duration};

use kmi_tui::demo::Simulator;
use rand::{SeedableRng, rngs::StdRng};
use support::{
    proxy::{Home, files_with, home, key, simulator},
    sudden_end,
};

use self::{
    faults::Faults,
    field::{Field, LABELS, Tally},
    load::Life,
};

struct Options {
    seconds: u64,
    rate: u64,
    seed: u64,
    faults: bool,
    ends: u64,
}

fn main() {
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let options = Options {
        seconds: option("--seconds", 20),
        rate: option("--rate", 200),
        seed: option("--seed", 7),
        faults: std::env::args().any(|argument| argument == "--faults"),
        ends: option("--ends", 0),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let breaches =
        runtime.block_on(async { if options.ends > 0 { ends(&options).await } else { soak(&options).await } });
    println!("\n{} breaches", breaches.len());
    for breach in &breaches {
        println!("- {breach}");
    }
    if !breaches.is_empty() {
        std::process::exit(1);
    }
}

fn option(name: &str, default: u64) -> u64 {
    let mut arguments = std::env::args().skip_while(|argument| argument != name).skip(1);
    arguments
        .next()
        .map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} takes a number, not {text:?}")))
}

async fn ends(options: &Options) -> Vec<String> {
    let simulator = simulator(&sudden_end::LABELS).await;
    let ends = u32::try_from(options.ends).expect("a count");
    let seen = sudden_end::sudden_ends(&simulator, home(&simulator, &sudden_end::LABELS), ends, options.seed).await;
    println!("\n| {} sudden ends, seed {} | |\n|---|---|", seen.ends, options.seed);
    println!("| commands answered | {} |\n| requests served | {} |", seen.commands, seen.served);
    println!("| whole lines in the trace | {} |\n| lines cut by an end | {} |", seen.traced, seen.half_lines);
    seen.faults
}

async fn soak(options: &Options) -> Vec<String> {
    let simulator = Arc::new(simulator(&LABELS).await);
    let home = prepared(&simulator, options.faults);
    let (tally, field) = (Tally::default(), Field::new(simulator));
    let life = Life::begin(home.start().await);
    let rng = StdRng::seed_from_u64(options.seed);
    let keys = tokio::spawn(field.clone().trouble_keys(options.faults, rng, tally.clone()));
    let watch = tokio::spawn(watch::watch(life.clone(), tally.clone()));
    let load = tokio::spawn(load::load(life.clone(), field.clone(), options.rate, options.seconds, tally.clone()));
    if options.faults {
        let rng = StdRng::seed_from_u64(options.seed + 1);
        let faults = Faults::new(life.clone(), field.clone(), rng, tally.clone());
        faults.run(Duration::from_secs(options.seconds)).await;
    }
    load.await.expect("nobody panicked");
    keys.abort();
    let (sitting, proxy) = life.last().await;
    let mut breaches = watch::settled(&proxy, &tally).await;
    watch.abort();
    drop(sitting);
    let mut proxy = proxy;
    proxy.signal(rustix::process::Signal::TERM);
    let ended = proxy.ended().await;
    if !ended.success() {
        breaches.push(format!("the program ended with {ended}"));
    }
    breaches.extend(tally.breaches());
    breaches.extend(watch::spoilt_files(&proxy.home, &tally));
    breaches.extend(leaks(&proxy.home).into_iter().map(|path| format!("{path} holds a key")));
    if options.faults {
        breaches.extend(tally.growth());
    }
    println!("\n| {} s at {} requests a second, seed {} | |\n|---|---|", options.seconds, options.rate, options.seed);
    tally.print();
    for (label, state) in proxy.state()["keys"].as_object().cloned().unwrap_or_default() {
        println!("| attempts on {label} | {} |", state["request_count"]);
    }
    breaches
}

fn prepared(simulator: &Simulator, faults: bool) -> Home {
    let home = home(simulator, &LABELS)
        .set("KMI_AUTO_ROTATE_ALLOWED", "1")
        .set("KMI_AUTO_ROTATE_E2E", "0")
        .set("KMI_ROTATION_COOLDOWN_SECONDS", "5")
        .set("KMI_PAYMENT_BLOCK_SECONDS", "10")
        .set("KMI_USAGE_CACHE_SECONDS", "300")
        .set("KMI_PROXY_HEAD_TIMEOUT_SECONDS", "5")
        .set("KMI_TRACE_MAX_MB", "2");
    fs::create_dir(home.state_dir()).expect("made");
    fs::write(home.state_dir().join("state.json"), r#"{"schema_version":1,"auto_rotate":true}"#).expect("written");
    // Root would write into a closed folder.
    if faults { home.of_an_ordinary_user() } else { home }
}

/// Files that the program wrote and that hold a key.
fn leaks(home: &Home) -> Vec<String> {
    let found = LABELS.iter().flat_map(|label| files_with(&home.state_dir(), &key(label)));
    found.map(|path| path.display().to_string()).collect()
}
