//! A setting as people may see it: its value, where that comes from, and when a change of it counts. Not which settings
//! there are, nor what they mean (`config`).

use serde::{Deserialize, Serialize};

/// One setting. Secrets are stars here already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SettingView {
    pub(crate) name: String,
    /// What is in force; empty = unset.
    pub(crate) value: String,
    pub(crate) origin: SettingOrigin,
    /// Whether a change takes effect without a restart.
    pub(crate) live: bool,
    /// It was changed since the program started, which waits for a restart.
    pub(crate) waits: bool,
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SettingOrigin {
    /// The flag's name, `--listen`.
    Flag(String),
    /// The `.env` file's path.
    File(String),
    Environment,
    Default,
}
