//! Time that processes agree on, and what a process has cost. Linux only: from `/proc`.

use std::{fs, time::Duration};

/// Nanoseconds of the machine's steady clock.
pub(crate) fn nanoseconds() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    u64::try_from(now.tv_sec).unwrap_or_default() * 1_000_000_000 + u64::try_from(now.tv_nsec).unwrap_or_default()
}

/// CPU time of processes, user and system, in ticks of 10 ms: of all threads, also of those that have ended. Their sum is what
/// the scheduler has measured; only how it is split between user and system is guessed from samples.
pub(crate) fn cpu(processes: &[u32]) -> Duration {
    processes.iter().map(|pid| of_process(*pid)).sum()
}

fn of_process(pid: u32) -> Duration {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name, in brackets, may hold anything; these are the twelfth and the thirteenth field after it.
    let fields = text.rsplit_once(')').map_or("", |(_, fields)| fields).split_whitespace();
    let ticks: u64 = fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

/// Bytes of memory: what is resident now, and at its most.
pub(crate) fn memory(pid: u32) -> (u64, u64) {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let field = |name: &str| {
        let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        line.split_whitespace().nth(1).and_then(|number| number.parse::<u64>().ok()).unwrap_or_default() * 1024
    };
    (field("VmRSS:"), field("VmHWM:"))
}

/// Processes below this one.
pub(crate) fn children(pid: u32) -> Vec<u32> {
    let text = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    text.split_whitespace().filter_map(|number| number.parse().ok()).collect()
}
