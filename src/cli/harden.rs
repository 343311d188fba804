//! The first thing that happens: this process holds keys, so no core file, no reading of its memory, no loose files.

use std::sync::OnceLock;

use rustix::{
    fs::Mode,
    process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit, umask},
};

/// Most open files asked for: a connection takes two.
const FILES: u64 = 65_536;

/// What was before: a program that this process becomes gets it back.
static BEFORE: OnceLock<(Mode, Rlimit)> = OnceLock::new();

/// Makes the process private. What the system refuses is not worth stopping for.
pub(super) fn process() {
    let mask = umask(Mode::RWXG | Mode::RWXO);
    let core = getrlimit(Resource::Core);
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), ..core });
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    // Only the first call finds what was before.
    let _ = BEFORE.set((mask, core));
    let files = getrlimit(Resource::Nofile);
    let wanted = files.maximum.unwrap_or(FILES).min(FILES);
    if files.current.is_some_and(|current| current < wanted) {
        let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), ..files });
    }
}

/// Before this process becomes another program: its files and cores are its own affair.
pub(super) fn undo() {
    if let Some((mask, core)) = BEFORE.get() {
        umask(*mask);
        let _ = setrlimit(Resource::Core, *core);
    }
}
