//! The lines on the control socket: one JSON object each, a request with an `id`, its answer with the same. Versioned.
//! Not the socket itself.
//!
//! ```text
//! → {"v":1,"id":1,"do":"snapshot"}
//! ← {"id":1,"kind":"snapshot","snapshot":{…}}
//! → {"v":1,"id":2,"do":"command","command":{"rotate_to":"alpha"}}
//! ← {"id":2,"kind":"notice","notice":{…}}
//! ```

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::domain::{
    command::{Command, Notice},
    pool::Left,
    snapshot::Snapshot,
    trace::TraceRecord,
};

/// Both sides must speak the same.
pub(super) const VERSION: u32 = 1;
/// Longest line of a client.
pub(super) const LINE_MAX: usize = 64 * 1024;
/// Longest line of an instance: a snapshot of thousands of keys.
pub(super) const ANSWER_MAX: usize = 64 * 1024 * 1024;

/// A line of a client.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Request {
    pub(super) v: u32,
    pub(super) id: u64,
    #[serde(flatten)]
    pub(super) wish: Wish,
}

/// What it wants.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub(super) enum Wish {
    /// How things stand.
    Snapshot,
    /// From now on snapshots and records, with this `id`; the newest records first.
    Subscribe,
    Command {
        command: Command,
    },
    /// A stop; answered before it begins. `now`: without waiting for running requests.
    Stop {
        #[serde(default)]
        now: bool,
    },
    /// The place of this process: see `handover`.
    HandOver,
    /// The new process serves.
    Ready,
    /// What the process before counted while its last requests ended.
    Adopt(Left),
}

/// A line of the instance.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Line {
    pub(super) id: u64,
    #[serde(flatten)]
    pub(super) said: Said,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Said {
    Snapshot {
        snapshot: Arc<Snapshot>,
    },
    Record {
        record: Arc<TraceRecord>,
    },
    /// So many records were left out: more came than a screen can show, or than the client took.
    Lost {
        count: u64,
    },
    /// What came of a command.
    Notice {
        notice: Notice,
    },
    Done,
    /// The line could not be understood, or is of another version.
    Error {
        message: String,
    },
}

impl Said {
    /// What stands in the line as its `kind`.
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Snapshot { .. } => "snapshot",
            Self::Record { .. } => "record",
            Self::Lost { .. } => "lost",
            Self::Notice { .. } => "notice",
            Self::Done => "done",
            Self::Error { .. } => "error",
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn kinds_are_named_as_they_are_written() {
        let said = [
            Said::Snapshot { snapshot: Arc::default() },
            Said::Lost { count: 1 },
            Said::Done,
            Said::Error { message: String::new() },
        ];
        for said in said {
            assert_eq!(json!(said)["kind"], said.kind());
        }
    }
}
