//! What an account of the simulated upstream is. Not its live state (`state`), nor the sample accounts (`samples`).

use std::time::Duration;

use sha2::{Digest, Sha256};

use super::{behaviour::Behaviour, quota::Quota};

/// One key and the account behind it. Keys of one `user_id` share one quota: the one that was named first.
///
/// The keys are made up, so that showing them is no leak.
#[derive(Debug, Clone)]
pub struct Account {
    pub key: String,
    pub user_id: String,
    pub email: String,
    pub behaviour: Behaviour,
    pub quota: Quota,
    pub usages: Usages,
    /// Most chats at once, per `user_id`.
    pub parallel_limit: u32,
    /// The pause before an answer's head and between two pieces of a stream; zero in tests.
    pub pace: Duration,
}

/// How `GET /usages` is answered: the API has had two generations, and often mixes them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Usages {
    /// Counts as decimal strings: `usage` and `limits`.
    Counts,
    /// Ratios: `usages.limit_5h` and so on.
    Ratios,
    #[default]
    Both,
    /// 200 with this text, whatever it is.
    Body(String),
    /// This status with an error body.
    Status(u16),
}

impl Account {
    /// A healthy account with plenty of quota, which answers at once.
    pub fn new(key: &str) -> Self {
        let user_id: String = Sha256::digest(key).iter().take(10).map(|byte| format!("{byte:02x}")).collect();
        Self {
            key: key.to_owned(),
            email: format!("{user_id}@example.com"),
            user_id,
            behaviour: Behaviour::Healthy,
            quota: Quota::plenty(),
            usages: Usages::Both,
            parallel_limit: 30,
            pace: Duration::ZERO,
        }
    }
}
