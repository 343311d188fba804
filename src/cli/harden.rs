//! The first thing that happens: this process holds keys, so no core file, no reading of its memory, no loose files.

use rustix::{
    fs::Mode,
    process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit, umask},
};

/// Most open files asked for: a connection takes two.
const FILES: u64 = 65_536;

/// Makes the process private. What the system refuses is not worth stopping for.
pub(super) fn process() {
    umask(Mode::RWXG | Mode::RWXO);
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    let files = getrlimit(Resource::Nofile);
    let wanted = files.maximum.unwrap_or(FILES).min(FILES);
    if files.current.is_some_and(|current| current < wanted) {
        let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), ..files });
    }
}
