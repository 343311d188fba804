//! A file is written whole or not at all, and survives a power cut: temporary file beside it, fsync, rename, fsync of the folder.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use jiff::Timestamp;

/// How our temporary files begin: what a sudden end left behind is swept by this name.
const PREFIX: &str = ".kmi-tmp-";

/// Replaces the file's content. A symlink keeps pointing to its file; that file is replaced.
pub(crate) fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    replace(path, content).map(drop)
}

/// The same; the answer is the new file.
pub(super) fn replace(path: &Path, content: &[u8]) -> io::Result<File> {
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = folder_of(&target);
    let mut temporary = tempfile::Builder::new().prefix(PREFIX).tempfile_in(&folder)?;
    temporary.write_all(content)?;
    temporary.as_file().sync_all()?;
    let file = temporary.persist(&target)?;
    File::open(&folder)?.sync_all()?;
    Ok(file)
}

/// Where a person's file is kept before it is changed: `config.toml.kmi-20261123T101500Z.bak`, beside it.
pub(crate) fn backup_of(path: &Path, now: Timestamp) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".kmi-{}.bak", now.strftime("%Y%m%dT%H%M%SZ")));
    name.into()
}

/// Removes temporary files that a sudden end left behind. The caller holds the folder's lock.
pub(crate) fn sweep(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(PREFIX) {
            // What can't be removed now is tried at the next start.
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn a_file_is_replaced_whole_private_and_through_its_link() {
        let folder = tempfile::tempdir().expect("temp");
        let (real, link) = (folder.path().join("real"), folder.path().join("link"));
        write(&real, b"one").expect("written");
        symlink(&real, &link).expect("linked");
        write(&link, b"two").expect("written");
        assert_eq!(fs::read(&real).expect("there"), b"two");
        assert!(fs::symlink_metadata(&link).expect("there").is_symlink());
        assert_eq!(fs::metadata(&real).expect("there").permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).expect("there").count(), 2, "no temporary file is left");
    }

    #[test]
    fn leftovers_are_swept_and_nothing_else() {
        let folder = tempfile::tempdir().expect("temp");
        fs::write(folder.path().join(format!("{PREFIX}x")), "").expect("written");
        fs::write(folder.path().join("state.json"), "").expect("written");
        sweep(folder.path());
        assert_eq!(fs::read_dir(folder.path()).expect("there").count(), 1);
    }
}
