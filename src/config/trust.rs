//! Which `.env` files the person vouched for: `trusted.json` in the state folder. Not what trust changes (`load`).

use std::{
    collections::BTreeMap,
    fs, io,
    io::Write,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use super::content;

const FILE: &str = "trusted.json";

/// Canonical path to the SHA-256 of the content that was trusted.
type Trusted = BTreeMap<String, String>;

/// Whether the file at `path`, with these `contents`, was trusted: another content or place is another file.
pub(crate) fn is_trusted(path: &Path, contents: &[u8], state_dir: &Path) -> bool {
    let Ok(place) = place(path) else { return false };
    read(state_dir).is_ok_and(|trusted| trusted.get(&place) == Some(&digest(contents)))
}

/// Remembers the file at `path` as it is now.
pub(crate) fn trust(path: &Path, state_dir: &Path) -> io::Result<()> {
    let (place, contents) = (place(path)?, content::of_plain_file(path)?);
    fs::DirBuilder::new().recursive(true).mode(0o700).create(state_dir)?;
    let mut trusted = read(state_dir)?;
    trusted.insert(place, digest(&contents));
    write(state_dir, &trusted)
}

/// The list itself.
pub(super) fn list(state_dir: &Path) -> PathBuf {
    state_dir.join(FILE)
}

fn place(path: &Path) -> io::Result<String> {
    let canonical: PathBuf = path.canonicalize()?;
    canonical.into_os_string().into_string().map_err(|_| io::ErrorKind::InvalidFilename.into())
}

fn digest(contents: &[u8]) -> String {
    Sha256::digest(contents).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// An unreadable list is an error and a broken one is empty: it only forgets whom to trust.
fn read(state_dir: &Path) -> io::Result<Trusted> {
    match fs::read(list(state_dir)) {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes).unwrap_or_default()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Trusted::new()),
        Err(error) => Err(error),
    }
}

/// Written beside and renamed, so that a crash leaves the old list or the new one.
fn write(state_dir: &Path, trusted: &Trusted) -> io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(state_dir)?;
    file.as_file().set_permissions(fs::Permissions::from_mode(0o600))?;
    serde_json::to_writer_pretty(&mut file, trusted)?;
    file.write_all(b"\n")?;
    file.as_file().sync_all()?;
    file.persist(list(state_dir))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trust_holds_for_one_path_and_one_content() {
        let folder = tempfile::tempdir().expect("a folder");
        let (state, file, other) = (folder.path().join("state"), folder.path().join(".env"), folder.path().join("b"));
        fs::write(&file, "A=1").expect("written");
        fs::write(&other, "A=1").expect("written");
        assert!(!is_trusted(&file, b"A=1", &state));
        trust(&file, &state).expect("trusted");
        assert!(is_trusted(&file, b"A=1", &state));
        assert!(is_trusted(&folder.path().join("state/../.env"), b"A=1", &state), "the same file by another way");
        assert!(!is_trusted(&file, b"A=2", &state), "changed since");
        assert!(!is_trusted(&other, b"A=1", &state), "the same content elsewhere");
        let mode = fs::metadata(state.join(FILE)).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_broken_list_trusts_nobody_and_can_be_written_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join(".env");
        fs::write(&file, "A=1").expect("written");
        fs::write(folder.path().join(FILE), "{").expect("written");
        assert!(!is_trusted(&file, b"A=1", folder.path()));
        trust(&file, folder.path()).expect("trusted");
        assert!(is_trusted(&file, b"A=1", folder.path()));
    }

    #[test]
    fn a_missing_file_cannot_be_trusted() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(trust(&folder.path().join(".env"), folder.path()).is_err());
    }
}
