//! The first thing that happens: this process holds keys, so no core file, no reading of its memory, no loose files.

use std::sync::OnceLock;

use rustix::{
    fs::Mode,
    process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit, umask},
};

/// Most open files asked for: a connection takes two.
const FILES: u64 = 65_536;
/// Files that no client takes: state, trace, logs, the control socket and who speaks over it, the runtime's own.
const OWN_FILES: u64 = 64;

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

/// How many clients may be connected at once, at most `wanted`: so many that files are left for each one's request upstream
/// and for what is the program's own. More of them wait at the door, instead of a request failing inside.
pub(super) fn connections(wanted: usize) -> usize {
    getrlimit(Resource::Nofile).current.map_or(wanted, |files| wanted.min(room(files)))
}

fn room(files: u64) -> usize {
    let own = OWN_FILES.min(files / 2);
    usize::try_from((files - own) / 2).unwrap_or(usize::MAX).max(1)
}

/// Before this process becomes another program: its files and cores are its own affair.
pub(super) fn undo() {
    if let Some((mask, core)) = BEFORE.get() {
        umask(*mask);
        let _ = setrlimit(Resource::Core, *core);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_left_for_upstreams_and_for_the_programs_own() {
        for (files, clients) in [(65_536, 32_736), (1_024, 480), (256, 96), (64, 16), (3, 1), (0, 1)] {
            assert_eq!(room(files), clients, "{files} files");
        }
    }
}
