//! What is kept on disk: state, trace, log and the lock on their folder. Formats are the old tool's; decisions are not here.

pub(crate) mod atomic;
pub(crate) mod json;
pub(crate) mod lines;
pub(crate) mod lock;
pub(crate) mod log;
mod merge;
pub(crate) mod output;
pub(crate) mod permissions;
pub(crate) mod queue;
pub(crate) mod rotate;
mod stamp;
pub(crate) mod state;
pub(crate) mod trace;

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::domain::{key::Label, message::Message};

/// A file that could not be used as meant.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {doing} failed: {error}", path = .path.display(), doing = .doing.name())]
pub(crate) struct StoreError {
    path: PathBuf,
    doing: Doing,
    error: io::Error,
}

/// What was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Doing {
    Create,
    Read,
    Write,
    Lock,
}

impl Doing {
    const fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Read => "read",
            Self::Write => "write",
            Self::Lock => "lock",
        }
    }
}

impl StoreError {
    /// For `map_err`: names the path and what was tried.
    pub(crate) fn at(path: &Path, doing: Doing) -> impl FnOnce(io::Error) -> Self {
        move |error| Self { path: path.to_owned(), doing, error }
    }

    /// For people.
    pub(crate) fn message(&self) -> Message {
        let id = match self.doing {
            Doing::Create => "store-create-failed",
            Doing::Read => "store-read-failed",
            Doing::Write => "store-write-failed",
            Doing::Lock => "store-lock-failed",
        };
        Message::new(id).with("path", self.path.display().to_string()).with("error", self.error.to_string())
    }
}

/// Writes an audit event to the log: who did what, to which key.
pub(crate) fn audit(action: &'static str, actor: &str, label: Option<&Label>) {
    match label {
        Some(label) => tracing::info!(action, actor, key_label = %label, "audit_event"),
        None => tracing::info!(action, actor, "audit_event"),
    }
}
