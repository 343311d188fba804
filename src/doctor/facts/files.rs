//! The program's own files and folders, the auth files, and the disk below them: what is there and who may read it.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use rustix::{
    fs::{StatVfsMountFlags, statvfs},
    io::Errno,
};

use crate::{
    config,
    domain::{
        message::{Argument, Message},
        order,
    },
    store::{
        permissions,
        state::{Peeked, peek},
    },
};

/// Folders below the state folder, and how the names begin of what is kept in them.
const OWN: &[(&str, &[&str])] = &[
    ("", &["state.json", "kmi.lock", "kmi.pid", "trusted.json"]),
    ("trace", &["trace.jsonl"]),
    ("logs", &["kmi.log"]),
];
/// Names that are kept of them.
const IGNORED_MAX: usize = 100;

/// What was found on disk.
#[derive(Debug, Default)]
pub(in crate::doctor) struct Files {
    pub(in crate::doctor) state: StateFact,
    pub(in crate::doctor) trace: FileFact,
    pub(in crate::doctor) log: FileFact,
    pub(in crate::doctor) open: Vec<OpenPath>,
    pub(in crate::doctor) disk: Option<Disk>,
}

/// The state file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::doctor) enum StateFact {
    #[default]
    Missing,
    Unreadable(String),
    Corrupt,
    Fine {
        bytes: u64,
    },
}

/// A file that the program appends to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::doctor) enum FileFact {
    #[default]
    Missing,
    Unreadable(String),
    Present {
        bytes: u64,
        changed: Option<Timestamp>,
    },
}

/// A file or folder that others on this machine may enter, read or write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::doctor) struct OpenPath {
    /// The folder that was named in the settings.
    root: PathBuf,
    /// Empty for the folder itself.
    below: PathBuf,
    pub(in crate::doctor) mode: u32,
}

/// Where the state folder is, or will be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::doctor) struct Disk {
    /// Bytes that we may still write.
    pub(in crate::doctor) free: u64,
    /// Files that may still be made, where the file system counts them.
    pub(in crate::doctor) files: Option<u64>,
    pub(in crate::doctor) read_only: bool,
}

/// What came of closing paths to others.
#[derive(Debug, Default)]
pub(crate) struct Tightened {
    /// With the mode that each has now.
    pub(crate) done: Vec<(PathBuf, u32)>,
    /// Left as they were, and why.
    pub(crate) left: Vec<(PathBuf, Argument)>,
}

impl OpenPath {
    #[cfg(test)]
    pub(in crate::doctor) fn new(root: &str, below: &str, mode: u32) -> Self {
        Self { root: root.into(), below: below.into(), mode }
    }

    pub(in crate::doctor) fn path(&self) -> PathBuf {
        if self.below.as_os_str().is_empty() { self.root.clone() } else { self.root.join(&self.below) }
    }
}

pub(super) fn look(state_dir: &Path, auths_dir: &Path) -> Files {
    Files {
        state: match peek(state_dir) {
            Peeked::Missing => StateFact::Missing,
            Peeked::Unreadable(error) => StateFact::Unreadable(error),
            Peeked::Corrupt => StateFact::Corrupt,
            Peeked::Read { bytes, .. } => StateFact::Fine { bytes },
        },
        trace: file(&state_dir.join("trace/trace.jsonl")),
        log: file(&state_dir.join("logs/kmi.log")),
        open: open_paths(state_dir, auths_dir),
        disk: disk(state_dir),
    }
}

pub(super) fn tighten(state_dir: &Path, auths_dir: &Path) -> Tightened {
    let mut tightened = Tightened::default();
    for open in open_paths(state_dir, auths_dir) {
        match permissions::take_from_others(&open.root, &open.below) {
            Ok(mode) => tightened.done.push((open.path(), mode)),
            Err(error) => {
                let link = error.raw_os_error() == Some(Errno::LOOP.raw_os_error());
                let why = if link { Message::new("doctor-fix-link").into() } else { error.to_string().into() };
                tightened.left.push((open.path(), why));
            }
        }
    }
    tightened
}

/// Files in the auths folder that no key is looked for in.
pub(super) fn ignored(auths_dir: &Path) -> Vec<String> {
    let ours = |path: &PathBuf| path.is_file() && !config::is_auth_file(path);
    let name = |path: &PathBuf| path.file_name().map(|name| name.to_string_lossy().into_owned());
    let mut names: Vec<String> = children(auths_dir).iter().filter(|path| ours(path)).filter_map(name).collect();
    names.retain(|name| !name.starts_with('.'));
    names.truncate(IGNORED_MAX);
    names
}

fn file(path: &Path) -> FileFact {
    // A pipe would be waited for.
    let plain = |metadata: fs::Metadata| match metadata.is_file() {
        true => fs::File::open(path).map(|_| metadata),
        false => Err(io::Error::other("it is no plain file")),
    };
    match fs::metadata(path).and_then(plain) {
        Ok(metadata) => FileFact::Present {
            bytes: metadata.len(),
            changed: metadata.modified().ok().and_then(|moment| Timestamp::try_from(moment).ok()),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => FileFact::Missing,
        Err(error) => FileFact::Unreadable(error.to_string()),
    }
}

fn open_paths(state_dir: &Path, auths_dir: &Path) -> Vec<OpenPath> {
    let mut paths = Vec::new();
    for (folder, names) in OWN {
        let folder = if folder.is_empty() { state_dir.to_owned() } else { state_dir.join(folder) };
        let kept = |path: &PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            path.is_file() && names.iter().any(|start| name.starts_with(start))
        };
        let files: Vec<PathBuf> = children(&folder).into_iter().filter(kept).collect();
        paths.push((state_dir, folder));
        paths.extend(files.into_iter().map(|file| (state_dir, file)));
    }
    paths.push((auths_dir, auths_dir.to_owned()));
    for child in children(auths_dir) {
        if child.is_dir() {
            let inner = children(&child).into_iter().filter(|path| is_auth_file(path));
            let inner: Vec<PathBuf> = inner.collect();
            // A folder without auth files is somebody else's.
            if !inner.is_empty() {
                paths.push((auths_dir, child));
            }
            paths.extend(inner.into_iter().map(|file| (auths_dir, file)));
        } else if is_auth_file(&child) {
            paths.push((auths_dir, child));
        }
    }
    paths.into_iter().filter_map(|(root, path)| open_path(root, &path)).collect()
}

fn is_auth_file(path: &Path) -> bool {
    config::is_auth_file(path) && path.is_file()
}

fn open_path(root: &Path, path: &Path) -> Option<OpenPath> {
    let mode = fs::metadata(path).ok()?.permissions().mode() & 0o777;
    let below = path.strip_prefix(root).unwrap_or(path).to_owned();
    (mode & 0o077 != 0).then(|| OpenPath { root: root.to_owned(), below, mode })
}

/// What is in a folder, by name; empty when it can't be listed.
fn children(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    order::sort(&mut paths);
    paths
}

/// The disk of the folder, or of the nearest one above that is there.
fn disk(folder: &Path) -> Option<Disk> {
    let there = folder.ancestors().find(|path| path.is_dir())?;
    let found = statvfs(there).ok()?;
    Some(Disk {
        free: found.f_bavail.saturating_mul(found.f_frsize),
        files: (found.f_files > 0).then_some(found.f_favail),
        read_only: found.f_flag.contains(StatVfsMountFlags::RDONLY),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(path: &Path, mode: u32) {
        fs::create_dir_all(path.parent().expect("a parent")).expect("made");
        fs::write(path, "{}").expect("written");
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("set");
    }

    fn closed(folder: &Path) {
        fs::create_dir_all(folder).expect("made");
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).expect("set");
    }

    #[test]
    fn what_is_open_is_found_and_closed_and_nothing_else_is_touched() {
        let home = tempfile::tempdir().expect("temp");
        let (state, auths) = (home.path().join("state"), home.path().join("auths"));
        for (path, mode) in [
            (state.join("state.json"), 0o644),
            (state.join("state.json.corrupt.1"), 0o640),
            (state.join("trace/trace.jsonl.2"), 0o604),
            (state.join("logs/kmi.log"), 0o600),
            (state.join("mine.txt"), 0o644),
            (auths.join("alpha.env"), 0o644),
            (auths.join("notes.txt"), 0o644),
            (auths.join("team/beta.toml"), 0o660),
            (auths.join("photos/cat.png"), 0o644),
        ] {
            made(&path, mode);
        }
        for folder in [&state, &state.join("trace"), &state.join("logs"), &auths, &auths.join("team")] {
            closed(folder);
        }
        std::os::unix::fs::symlink(auths.join("notes.txt"), auths.join("link.env")).expect("linked");
        let names = || {
            let open = open_paths(&state, &auths);
            open.iter().map(|open| open.below.display().to_string()).collect::<Vec<_>>()
        };
        let expected = ["state.json", "state.json.corrupt.1", "trace/trace.jsonl.2", "alpha.env", "link.env"];
        assert_eq!(names()[..5], expected);
        assert_eq!(names()[5..], ["team/beta.toml"]);
        let tightened = tighten(&state, &auths);
        assert_eq!((tightened.done.len(), tightened.left.len()), (5, 1), "{tightened:?}");
        assert_eq!(names(), ["link.env"], "a link is named and left alone");
        let mode = |path: PathBuf| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!([mode(auths.join("notes.txt")), mode(state.join("mine.txt"))], [0o644, 0o644]);
        assert_eq!(ignored(&auths), ["notes.txt"]);
    }

    #[test]
    fn what_is_not_there_is_looked_for_and_not_made() {
        let home = tempfile::tempdir().expect("temp");
        let files = look(&home.path().join("a/b"), &home.path().join("c"));
        assert_eq!((files.state, files.trace, files.open), (StateFact::Missing, FileFact::Missing, Vec::new()));
        assert!(files.disk.is_some_and(|disk| disk.free > 0), "the disk above it is looked at");
        assert_eq!(children(home.path()), Vec::<PathBuf>::new());
    }

    #[test]
    fn a_state_file_is_read_as_the_engine_would() {
        let home = tempfile::tempdir().expect("temp");
        let state = |content: &[u8]| {
            fs::write(home.path().join("state.json"), content).expect("written");
            look(home.path(), home.path()).state
        };
        assert_eq!(state(b"{}"), StateFact::Fine { bytes: 2 });
        assert_eq!(state(b"{"), StateFact::Corrupt);
        assert_eq!(state(b"\xff"), StateFact::Corrupt);
    }
}
