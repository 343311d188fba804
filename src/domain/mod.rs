//! Every decision, pure: `now` is an argument, and nothing here knows IO, async, a clock or a screen.
//!
//! Not here: how a decision touches the world. That is at the edges (`store`, `upstream`, `proxy`, `tui`).

pub(crate) mod affinity;
pub(crate) mod alert;
pub(crate) mod base_url;
pub(crate) mod breaker;
pub(crate) mod command;
pub(crate) mod confidence;
pub(crate) mod filter;
pub(crate) mod guesses;
pub(crate) mod key;
pub(crate) mod ledger;
pub(crate) mod limit;
pub(crate) mod mask;
pub(crate) mod message;
pub(crate) mod metrics;
pub(crate) mod now;
pub(crate) mod opening;
pub(crate) mod order;
pub(crate) mod outcome;
pub(crate) mod policy;
pub(crate) mod pool;
pub(crate) mod prompt;
pub(crate) mod prompt_cache;
pub(crate) mod ramp;
pub(crate) mod reason;
pub(crate) mod rehearsal;
pub(crate) mod retry;
pub(crate) mod retry_after;
pub(crate) mod running;
pub(crate) mod runway;
pub(crate) mod setting;
pub(crate) mod shared_cause;
pub(crate) mod snapshot;
pub(crate) mod summary;
pub(crate) mod tally;
pub(crate) mod text;
pub(crate) mod tokens;
pub(crate) mod trace;
pub(crate) mod usage;
