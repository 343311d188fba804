//! Bytes of a settings or auth file: few enough, and never waited for. Not what they say (`dotenv`, `auths::file`).

use std::{
    fs::{File, OpenOptions},
    io::{self, ErrorKind, Read},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use rustix::fs::OFlags;

/// No settings or auth file is larger.
pub(super) const SIZE_MAX: u64 = 1 << 20;

/// Reads a plain file, or a link to one. A pipe or a device found in a folder could keep the reader waiting for ever.
pub(super) fn of_plain_file(path: &Path) -> io::Result<Vec<u8>> {
    let at_once = OFlags::NONBLOCK.bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(at_once).open(path)?;
    if file.metadata()?.is_file() { bounded(file) } else { Err(ErrorKind::InvalidInput.into()) }
}

/// Reads what the person named, be it a pipe: `--env-file <(decrypt …)`.
pub(super) fn of_named_file(path: &Path) -> io::Result<Vec<u8>> {
    bounded(File::open(path)?)
}

fn bounded(file: File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(SIZE_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > SIZE_MAX { Err(ErrorKind::FileTooLarge.into()) } else { Ok(bytes) }
}
