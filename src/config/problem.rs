//! Something wrong with what the user gave us: a message, how bad it is, and the file it stands in. Never the text itself.

use std::path::PathBuf;

use crate::domain::{command::Severity, message::Message};

/// A warning, or a reason not to start.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Problem {
    pub(crate) severity: Severity,
    pub(crate) message: Message,
    pub(crate) file: Option<PathBuf>,
}

impl Problem {
    pub(crate) fn fail(message: Message) -> Self {
        Self { severity: Severity::Fail, message, file: None }
    }

    pub(crate) fn warn(message: Message) -> Self {
        Self { severity: Severity::Warn, ..Self::fail(message) }
    }
}
