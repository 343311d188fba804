//! Private from the start: folders 700, files 600, whatever the umask.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::Path,
};

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
}
