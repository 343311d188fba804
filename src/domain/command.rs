//! What a person may ask of the engine, and what it answers. Not how it is asked (`tui`, `cli`).

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{key::Label, message::Message};

/// A wish.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Command {
    /// Manual rotation to the best key.
    Rotate,
    RotateTo(Label),
    AutoRotate(bool),
    /// `span: None` blocks until unblocked.
    Block {
        label: Label,
        #[serde(default, with = "seconds", rename = "seconds")]
        span: Option<Duration>,
        reason: String,
    },
    Unblock(Label),
    /// Every key that is blocked or cooling down.
    UnblockAll,
    /// Read settings and auth files anew.
    Reload,
    RefreshHealth,
    RunDoctor,
    /// Ends a running request, by its id.
    Cancel(String),
    /// A request whose answer has not begun goes on with this key.
    SendTo {
        request_id: String,
        label: Label,
    },
}

/// How serious a notice or finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Severity {
    Ok,
    Info,
    Warn,
    Fail,
}

/// What happened, for people: the answer to a command, or news of the engine's own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Notice {
    /// Grows by one; a client shows those it has not shown yet.
    pub(crate) number: u64,
    pub(crate) at: Timestamp,
    pub(crate) severity: Severity,
    pub(crate) message: Message,
}

/// Whole seconds, as the control socket has them.
mod seconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(span: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
        span.map(|span| span.as_secs()).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
        Ok(Option::<u64>::deserialize(deserializer)?.map(Duration::from_secs))
    }
}
