//! Private from the start: folders 700, files 600, whatever the umask.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    },
    path::Path,
};

use rustix::fs::{CWD, FileType, Mode, OFlags};

const FOLDER: u32 = 0o700;
const FILE: u32 = 0o600;

/// Makes the folder and its parents; an existing one is tightened when `enforce` says so.
pub(crate) fn private_folder(path: &Path, enforce: bool) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(FOLDER).create(path)?;
    tighten(path, FOLDER, enforce)
}

/// Opens a file for appending and reading, making it when needed.
pub(crate) fn private_file(path: &Path, enforce: bool) -> io::Result<File> {
    let file = OpenOptions::new().read(true).append(true).create(true).mode(FILE).open(path)?;
    tighten(path, FILE, enforce)?;
    Ok(file)
}

/// Takes away what group and others may do, and says so once: afterwards there is nothing to take.
fn tighten(path: &Path, mode: u32, enforce: bool) -> io::Result<()> {
    if !enforce || fs::metadata(path)?.permissions().mode() & 0o077 == 0 {
        return Ok(());
    }
    fs::set_permissions(path, Permissions::from_mode(mode))?;
    tracing::info!(path = %path.display(), mode = format!("{mode:o}"), "permissions_hardened");
    Ok(())
}

/// Takes what group and others may do from a file or folder below `root`; the mode that it has now. No link is followed on
/// the way from `root` on, `root` included: what is behind one was not meant.
pub(crate) fn take_from_others(root: &Path, below: &Path) -> io::Result<u32> {
    let mut place = open(CWD, root)?;
    for name in below.components() {
        place = open(place.as_fd(), Path::new(name.as_os_str()))?;
    }
    let kind = FileType::from_raw_mode(rustix::fs::fstat(&place)?.st_mode);
    let mode = match kind {
        FileType::Directory => FOLDER,
        FileType::RegularFile => FILE,
        _ => return Err(io::ErrorKind::InvalidInput.into()),
    };
    rustix::fs::fchmod(&place, Mode::from_raw_mode(mode))?;
    Ok(mode)
}

/// A link is an error, and a pipe is not waited for.
fn open(folder: BorrowedFd<'_>, name: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(folder, name, flags, Mode::empty())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("exists").permissions().mode() & 0o777
    }

    #[test]
    fn what_is_made_is_private_and_what_was_open_is_tightened() {
        let folder = tempfile::tempdir().expect("temp");
        let inner = folder.path().join("a/b");
        private_folder(&inner, true).expect("made");
        assert_eq!((mode(&inner), mode(&folder.path().join("a"))), (0o700, 0o700));
        let file = inner.join("f");
        private_file(&file, true).expect("made");
        assert_eq!(mode(&file), 0o600);
        fs::set_permissions(&file, Permissions::from_mode(0o644)).expect("set");
        private_file(&file, false).expect("opened");
        assert_eq!(mode(&file), 0o644, "left alone when not enforced");
        private_file(&file, true).expect("opened");
        assert_eq!(mode(&file), 0o600);
    }

    #[test]
    fn what_is_open_is_closed_and_links_are_left_alone() {
        let folder = tempfile::tempdir().expect("temp");
        let (root, outside) = (folder.path().join("root"), folder.path().join("outside"));
        let set = |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).expect("set");
        for made in [&root.join("inner"), &outside] {
            fs::create_dir_all(made).expect("made");
            fs::write(made.join("f"), "").expect("written");
            set(&made.join("f"), 0o644);
            set(made, 0o755);
        }
        assert_eq!(take_from_others(&root, Path::new("inner/f")).expect("done"), 0o600);
        assert_eq!(take_from_others(&root, Path::new("inner")).expect("done"), 0o700);
        assert_eq!(take_from_others(&root, Path::new("")).expect("done"), 0o700);
        assert_eq!([mode(&root), mode(&root.join("inner")), mode(&root.join("inner/f"))], [0o700, 0o700, 0o600]);
        std::os::unix::fs::symlink(&outside, root.join("link")).expect("linked");
        std::os::unix::fs::symlink(outside.join("f"), root.join("file-link")).expect("linked");
        for link in ["link", "link/f", "file-link"] {
            take_from_others(&root, Path::new(link)).expect_err("a link");
        }
        take_from_others(&root.join("link"), Path::new("f")).expect_err("a link");
        assert_eq!([mode(&outside), mode(&outside.join("f"))], [0o755, 0o644]);
    }
}
