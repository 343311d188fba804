//! Bytes of a settings or auth file: few enough, and never waited for. Not what they say (`dotenv`, `auths::file`).

use std::{
    fmt,
    fs::{File, OpenOptions},
    io::{self, ErrorKind, Read},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    sync::Arc,
};

use rustix::fs::OFlags;
use zeroize::Zeroizing;

/// No settings or auth file is larger.
pub(super) const SIZE_MAX: u64 = 1 << 20;

/// Reads a plain file, or a link to one. A pipe or a device found in a folder could keep the reader waiting for ever.
pub(crate) fn of_plain_file(path: &Path) -> io::Result<Vec<u8>> {
    let at_once = OFlags::NONBLOCK.bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(at_once).open(path)?;
    if file.metadata()?.is_file() { bounded(file) } else { Err(ErrorKind::InvalidInput.into()) }
}

/// Reads what the person named, be it a pipe: `--env-file <(decrypt …)`. A pipe gives its bytes once, so they come back
/// to be kept.
pub(super) fn of_named_file(path: &Path) -> io::Result<(Vec<u8>, Option<Once>)> {
    let file = File::open(path)?;
    let plain = file.metadata()?.is_file();
    let bytes = bounded(file)?;
    let once = (!plain).then(|| Once(Arc::new(Zeroizing::new(bytes.clone()))));
    Ok((bytes, once))
}

/// What can't be read twice. It may hold secrets.
#[derive(Clone)]
pub(super) struct Once(Arc<Zeroizing<Vec<u8>>>);

impl Once {
    pub(super) fn bytes(&self) -> Vec<u8> {
        self.0.to_vec()
    }
}

impl fmt::Debug for Once {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Once(***)")
    }
}

fn bounded(file: File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(SIZE_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > SIZE_MAX { Err(ErrorKind::FileTooLarge.into()) } else { Ok(bytes) }
}
