//! `logs/proxy.out`: what the background proxy prints: a line for each request, warnings, why it ended. Rotated like the log.

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use super::{Doing, StoreError, permissions, rotate::LineFile};
use crate::domain::policy::Rotation;

/// Where it is, below a state folder.
pub(crate) fn path(state_dir: &Path) -> PathBuf {
    state_dir.join("logs/proxy.out")
}

/// To be written to, line by line.
pub(crate) fn lines(state_dir: &Path, rotation: Rotation, enforce: bool) -> Result<LineFile, StoreError> {
    let path = path(state_dir);
    for folder in [state_dir, &state_dir.join("logs")] {
        permissions::private_folder(folder, enforce).map_err(StoreError::at(folder, Doing::Create))?;
    }
    LineFile::open(&path, rotation, enforce).map_err(StoreError::at(&path, Doing::Create))
}

/// For a child's stderr, and the length so far.
pub(crate) fn file(state_dir: &Path, rotation: Rotation, enforce: bool) -> Result<(File, u64), StoreError> {
    let path = path(state_dir);
    lines(state_dir, rotation, enforce)?.into_file().map_err(StoreError::at(&path, Doing::Read))
}
