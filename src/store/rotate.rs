//! Files of lines: appended to whole or not at all, and rotated by size: `name` becomes `name.1`, `.1` becomes `.2`, and the
//! oldest goes. Shared by trace and log.

use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use super::permissions;
use crate::domain::policy::Rotation;

/// A file of lines that is appended to by one owner and rotated when it is full.
#[derive(Debug)]
pub(crate) struct LineFile {
    path: PathBuf,
    file: File,
    rotation: Rotation,
    enforce: bool,
}

impl LineFile {
    /// Opens or makes it; a full one is rotated first.
    pub(super) fn open(path: &Path, rotation: Rotation, enforce: bool) -> io::Result<Self> {
        let file = permissions::private_file(path, enforce)?;
        let mut opened = Self { path: path.to_owned(), file, rotation, enforce };
        opened.rotate()?;
        Ok(opened)
    }

    /// Each of `lines` ends with its line's end. All of them are written, or none.
    pub(crate) fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        if !self.has_its_name() {
            self.file = permissions::private_file(&self.path, self.enforce)?;
        }
        self.rotate()?;
        append(&mut self.file, lines)
    }

    /// Who moved the file away, or its folder, does not want it written to for ever.
    fn has_its_name(&self) -> bool {
        let (Ok(named), Ok(open)) = (fs::metadata(&self.path), self.file.metadata()) else { return false };
        (named.dev(), named.ino()) == (open.dev(), open.ino())
    }

    /// The file itself, to be given to a child, and its length.
    pub(super) fn into_file(self) -> io::Result<(File, u64)> {
        let size = self.file.metadata()?.len();
        Ok((self.file, size))
    }

    fn rotate(&mut self) -> io::Result<()> {
        if when_full(&self.path, self.file.metadata()?.len(), self.rotation)? {
            self.file = permissions::private_file(&self.path, self.enforce)?;
        }
        Ok(())
    }
}

/// Appends whole lines or nothing, on a new line: a sudden end may have left half of one. The caller is the only one who writes.
pub(super) fn append(file: &mut File, lines: &[u8]) -> io::Result<()> {
    let before = file.metadata()?.len();
    let written = if before > 0 && !ends_line(file, before)? { file.write_all(b"\n") } else { Ok(()) };
    written.and_then(|()| file.write_all(lines)).inspect_err(|_| {
        // Half a line is worse than none; when even this fails, the next lines start on a new one.
        let _ = file.set_len(before);
    })
}

/// Whether the last byte is a line's end.
fn ends_line(file: &mut File, size: u64) -> io::Result<bool> {
    let mut last = [0];
    file.seek(SeekFrom::Start(size - 1))?;
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

/// Rotates when the file has reached its size. The caller is the only one who writes it.
pub(super) fn when_full(path: &Path, size: u64, rotation: Rotation) -> io::Result<bool> {
    if rotation.max_bytes.is_none_or(|most| size < most) || size == 0 {
        return Ok(false);
    }
    if rotation.backups == 0 {
        fs::remove_file(path)?;
        return Ok(true);
    }
    for number in (1..rotation.backups).rev() {
        let from = numbered(path, number);
        if from.exists() {
            fs::rename(from, numbered(path, number + 1))?;
        }
    }
    fs::rename(path, numbered(path, 1))?;
    Ok(true)
}

/// `trace.jsonl.2`
pub(super) fn numbered(path: &Path, number: u32) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(format!(".{number}"));
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_the_backups_asked_for_are_kept() {
        for (backups, expected) in [(3, &["f.1", "f.2", "f.3"][..]), (1, &["f.1"]), (0, &[])] {
            let folder = tempfile::tempdir().expect("temp");
            let path = folder.path().join("f");
            for round in 0..6 {
                fs::write(&path, format!("{round}")).expect("written");
                assert!(when_full(&path, 1, Rotation { max_bytes: Some(1), backups }).expect("rotated"));
            }
            let mut names: Vec<_> = fs::read_dir(folder.path())
                .expect("there")
                .map(|entry| entry.expect("entry").file_name().into_string().expect("text"))
                .collect();
            names.sort();
            assert_eq!(names, expected);
            if backups > 0 {
                assert_eq!(fs::read_to_string(folder.path().join("f.1")).expect("there"), "5", "the newest is .1");
            }
        }
        assert!(!when_full(Path::new("/nonexistent"), 10, Rotation { max_bytes: None, backups: 3 }).expect("never"));
    }

    #[test]
    fn lines_are_appended_whole_on_a_line_of_their_own_to_the_file_of_that_name() {
        let folder = tempfile::tempdir().expect("temp");
        let (path, moved) = (folder.path().join("f"), folder.path().join("moved"));
        fs::write(&path, "half").expect("written");
        let mut lines = LineFile::open(&path, Rotation { max_bytes: None, backups: 0 }, true).expect("opened");
        lines.write(b"one\n").expect("written");
        fs::rename(&path, &moved).expect("moved");
        lines.write(b"two\n").expect("written");
        let text = |path| fs::read_to_string(path).expect("there");
        assert_eq!((text(&moved), text(&path)), ("half\none\n".into(), "two\n".into()));
    }
}
