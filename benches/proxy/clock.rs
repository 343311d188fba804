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
    let held = Held::by(pid);
    (held.resident, held.most)
}

/// What a process holds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Held {
    /// Bytes of memory, those of files that are mapped too.
    pub(crate) resident: u64,
    /// Of these, what the process has allocated: heaps and stacks.
    pub(crate) anonymous: u64,
    /// The most that was resident, since the start or since `forget_most`.
    pub(crate) most: u64,
    pub(crate) threads: u64,
    pub(crate) files: usize,
}

impl Held {
    pub(crate) fn by(pid: u32) -> Self {
        let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let field = |name: &str| {
            let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
            line.split_whitespace().nth(1).and_then(|number| number.parse::<u64>().ok()).unwrap_or_default()
        };
        Self {
            resident: field("VmRSS:") * 1024,
            anonymous: field("RssAnon:") * 1024,
            most: field("VmHWM:") * 1024,
            threads: field("Threads:"),
            files: fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count),
        }
    }
}

/// From now on the most that is resident is counted anew. Where the system does not let us, it stays that since the start.
pub(crate) fn forget_most(pid: u32) {
    let _ = fs::write(format!("/proc/{pid}/clear_refs"), "5");
}

/// Processes below this one.
pub(crate) fn children(pid: u32) -> Vec<u32> {
    let text = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    text.split_whitespace().filter_map(|number| number.parse().ok()).collect()
}
