//! What each upstream host answers, side by side. No key is sent.

use crate::{
    domain::{base_url::BaseUrl, order},
    engine,
    upstream::probe::{Answered, Unreached, probe},
};

use jiff::{SignedDuration, Timestamp};
use tokio::task::JoinSet;

/// Hosts that are asked; more than a few are a mistake that other checks name.
const HOSTS_MAX: usize = 16;

/// What came of asking a host.
#[derive(Debug, Clone)]
pub(in crate::doctor) struct HostFact {
    /// `host`, or `host:port` where the port is written.
    pub(in crate::doctor) host: String,
    pub(in crate::doctor) outcome: Result<Answered, Unreached>,
    /// When it answered, by our clock.
    pub(in crate::doctor) at: Timestamp,
}

impl HostFact {
    /// How far our clock is ahead of the host's; both tell whole seconds.
    pub(in crate::doctor) fn ahead(&self) -> Option<SignedDuration> {
        Some(self.at.duration_since(self.outcome.as_ref().ok()?.date?))
    }
}

pub(super) async fn look(hosts: &[BaseUrl]) -> Vec<HostFact> {
    let mut asked = JoinSet::new();
    for (place, base) in hosts.iter().take(HOSTS_MAX).cloned().enumerate() {
        asked.spawn(async move {
            let outcome = probe(&base).await;
            (place, HostFact { host: base.authority(), outcome, at: engine::wall() })
        });
    }
    let mut facts = asked.join_all().await;
    order::sort_by_key(&mut facts, |(place, _)| *place);
    facts.into_iter().map(|(_, fact)| fact).collect()
}
