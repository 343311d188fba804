//! Locks: one owner of a state folder at a time, and the old tool's `flock` files with a wait that ends.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Seek, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use super::{Doing, StoreError, permissions};
use crate::domain::message::Message;

/// How long a file of the old tool's may be held by somebody else before we give up for now.
const PATIENCE: Duration = Duration::from_secs(2);
const STEP: Duration = Duration::from_millis(10);
const NAME: &str = "kmi.lock";

/// The folder is ours until this is dropped.
#[derive(Debug)]
pub(crate) struct InstanceLock {
    pid_file: PathBuf,
    /// Holds the lock; the file itself is never removed, so that two owners can't lock two files of one name.
    _file: File,
}

/// Why the folder is not ours.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LockError {
    #[error("another instance holds {folder}", folder = .folder.display())]
    Held { folder: PathBuf, pid: Option<u32> },
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl LockError {
    pub(crate) fn message(&self) -> Message {
        match self {
            Self::Held { folder, pid } => {
                let message = Message::new(if pid.is_some() { "store-held-by" } else { "store-held" });
                let message = message.with("path", folder.display().to_string());
                pid.map_or(message.clone(), |pid| message.with("pid", i64::from(pid)))
            }
            Self::Store(error) => error.message(),
        }
    }
}

impl InstanceLock {
    /// Takes the folder, making it when needed, and leaves our pid in it.
    pub(crate) fn acquire(folder: &Path, enforce: bool) -> Result<Self, LockError> {
        permissions::private_folder(folder, enforce).map_err(StoreError::at(folder, Doing::Create))?;
        let (path, pid_file) = (folder.join(NAME), folder.join("kmi.pid"));
        let file = permissions::private_file(&path, enforce).map_err(StoreError::at(&path, Doing::Create))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let pid = fs::read_to_string(&pid_file).ok().and_then(|text| text.trim().parse().ok());
                return Err(LockError::Held { folder: folder.to_owned(), pid });
            }
            Err(TryLockError::Error(error)) => return Err(StoreError::at(&path, Doing::Lock)(error).into()),
        }
        // A full disk is no reason not to serve: the lock alone counts, and the pid is for people.
        let _ = write_pid(&pid_file, enforce);
        super::atomic::sweep(folder);
        Ok(Self { pid_file, _file: file })
    }
}

impl Drop for InstanceLock {
    fn drop(&mut self) {
        // Removed while still locked; a pid file that stays is harmless, the lock alone counts.
        let _ = fs::remove_file(&self.pid_file);
    }
}

fn write_pid(path: &Path, enforce: bool) -> io::Result<()> {
    let mut file = permissions::private_file(path, enforce)?;
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(std::process::id().to_string().as_bytes())
}

/// The process that holds the folder, where the system lists locks. Takes no lock and makes no file, unlike asking for it.
pub(crate) fn owner(folder: &Path) -> Option<u32> {
    let inode = fs::metadata(folder.join(NAME)).ok()?.ino();
    let locks = fs::read_to_string("/proc/locks").ok()?;
    locks.lines().find_map(|line| owner_in(line, inode))
}

/// `1: FLOCK  ADVISORY  WRITE 1234 08:01:5678 0 EOF`: process 1234 locks the file 5678.
fn owner_in(line: &str, inode: u64) -> Option<u32> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let (_, of_line) = fields.get(5)?.rsplit_once(':')?;
    let ours = *fields.get(1)? == "FLOCK" && of_line.parse() == Ok(inode);
    ours.then(|| fields.get(4)?.parse().ok()).flatten()
}

/// Locks `<file>.lock` as the old tool does; released when the answer is dropped. Waits up to two seconds.
pub(super) fn beside(file: &Path, enforce: bool) -> Result<File, StoreError> {
    let mut name = file.as_os_str().to_owned();
    name.push(".lock");
    let path = PathBuf::from(name);
    let lock = permissions::private_file(&path, enforce).map_err(StoreError::at(&path, Doing::Create))?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        match lock.try_lock() {
            Ok(()) => return Ok(lock),
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => thread::sleep(STEP),
            Err(TryLockError::WouldBlock) => {
                return Err(StoreError::at(&path, Doing::Lock)(io::ErrorKind::WouldBlock.into()));
            }
            Err(TryLockError::Error(error)) => return Err(StoreError::at(&path, Doing::Lock)(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_owner_and_names_him() {
        let folder = tempfile::tempdir().expect("temp");
        let first = InstanceLock::acquire(folder.path(), true).expect("free");
        let held = InstanceLock::acquire(folder.path(), true).expect_err("held");
        assert!(matches!(held, LockError::Held { pid: Some(pid), .. } if pid == std::process::id()));
        drop(first);
        assert!(!folder.path().join("kmi.pid").exists());
        InstanceLock::acquire(folder.path(), true).expect("free again");
    }

    #[test]
    fn an_owner_is_found_without_asking_for_the_lock() {
        let line = "1: FLOCK  ADVISORY  WRITE 1234 08:01:5678 0 EOF";
        assert_eq!(owner_in(line, 5678), Some(1234));
        assert_eq!(owner_in(line, 678), None);
        assert_eq!(owner_in("1: POSIX  ADVISORY  WRITE 1234 08:01:5678 0 EOF", 5678), None);
        assert_eq!(owner_in("", 5678), None);
        let folder = tempfile::tempdir().expect("temp");
        assert_eq!(owner(folder.path()), None);
        assert_eq!(fs::read_dir(folder.path()).expect("there").count(), 0, "nothing was made");
    }

    #[test]
    fn a_stale_pid_file_is_harmless() {
        let folder = tempfile::tempdir().expect("temp");
        fs::write(folder.path().join("kmi.pid"), "999999999").expect("written");
        InstanceLock::acquire(folder.path(), true).expect("free");
    }
}
