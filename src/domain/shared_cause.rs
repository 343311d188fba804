//! The same answer from every key within seconds is one cause, and not many bad keys. What was seen lately, and which
//! cause it points to. Taking back the blame is the pool's.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{key::KeyId, outcome::Cause};

/// Answers within this time are the same event.
const WINDOW: Duration = Duration::from_secs(10);
/// A client that was served so lately is known to the upstream.
const KNOWN_CLIENT: Duration = Duration::from_secs(600);
/// Client programs remembered.
const CLIENTS_MAX: usize = 64;

/// What all keys have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Common {
    /// The upstream does not like the client program.
    ClientIdentity,
    /// The address that all requests come from.
    Address,
    /// This very request: others are answered.
    Request,
    /// The upstream has more to do than it can.
    UpstreamBusy,
    /// The upstream, or the way to it, is broken.
    Upstream,
}

impl Common {
    /// The name in traces and JSON.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::ClientIdentity => "client_identity",
            Self::Address => "address",
            Self::Request => "request",
            Self::UpstreamBusy => "upstream_busy",
            Self::Upstream => "upstream",
        }
    }

    /// The one of a name in a trace.
    pub(crate) fn from_code(code: &str) -> Option<Self> {
        let all = [Self::ClientIdentity, Self::Address, Self::Request, Self::UpstreamBusy, Self::Upstream];
        all.into_iter().find(|common| common.code() == code)
    }

    /// The Fluent id of what people are told.
    pub(crate) const fn message_id(self) -> &'static str {
        match self {
            Self::ClientIdentity => "shared-client-identity",
            Self::Address => "shared-address",
            Self::Request => "shared-request",
            Self::UpstreamBusy => "shared-upstream-busy",
            Self::Upstream => "shared-upstream",
        }
    }
}

/// One cause behind the same answer on several keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SharedCause {
    pub(crate) at: Timestamp,
    pub(crate) common: Common,
    /// What every key answered.
    pub(crate) cause: Cause,
    pub(crate) keys: u32,
    /// The client program that met it.
    pub(crate) client: Option<String>,
}

/// Whether an answer can be shared by keys that have nothing in common but us. Quota and money are each account's own.
pub(crate) const fn can_be_shared(cause: Cause) -> bool {
    matches!(
        cause,
        Cause::Unauthorized
            | Cause::Forbidden
            | Cause::RateLimited
            | Cause::Concurrency
            | Cause::Busy
            | Cause::ServerError
            | Cause::ConnectFailed
            | Cause::Timeout
            | Cause::BrokenAnswer
    )
}

/// What was answered lately. Times are on the steady clock.
#[derive(Debug, Default)]
pub(crate) struct Lately {
    refused: HashMap<Cause, BTreeMap<KeyId, Duration>>,
    served: Option<Duration>,
    clients: HashMap<String, Duration>,
}

impl Lately {
    pub(crate) fn refused(&mut self, cause: Cause, key: KeyId, now: Duration) {
        if can_be_shared(cause) {
            let keys = self.refused.entry(cause).or_default();
            keys.retain(|_, at| now.saturating_sub(*at) <= WINDOW);
            keys.insert(key, now);
        }
    }

    /// A request was answered well.
    pub(crate) fn served(&mut self, client: Option<&str>, now: Duration) {
        self.served = Some(now);
        let Some(client) = client else { return };
        if let Some(seen) = self.clients.get_mut(client) {
            *seen = now;
            return;
        }
        if self.clients.len() >= CLIENTS_MAX {
            let oldest = self.clients.iter().min_by_key(|(_, seen)| **seen).map(|(name, _)| name.clone());
            oldest.map(|oldest| self.clients.remove(&oldest));
        }
        self.clients.insert(client.to_owned(), now);
    }

    /// Keys that answered so within the last seconds, and since when.
    pub(crate) fn witnesses(&self, cause: Cause, now: Duration) -> Option<(Vec<KeyId>, Duration)> {
        let keys = self.refused.get(&cause)?;
        let lately = || keys.iter().filter(|(_, at)| now.saturating_sub(**at) <= WINDOW);
        Some((lately().map(|(key, _)| *key).collect(), lately().map(|(_, at)| *at).min()?))
    }

    /// What all have in common when every key answers `cause`, the first of them at `since`; `None` when something was
    /// served meanwhile that contradicts it. `attempts`: how many keys one and the same request has tried.
    pub(crate) fn common(
        &self,
        cause: Cause,
        client: Option<&str>,
        attempts: usize,
        since: Duration,
        now: Duration,
    ) -> Option<Common> {
        let others_served = self.served.is_some_and(|served| served >= since);
        let lately_served = self.served.is_some_and(|served| now.saturating_sub(served) <= WINDOW);
        let known_client = client
            .and_then(|client| self.clients.get(client))
            .is_some_and(|seen| now.saturating_sub(*seen) < KNOWN_CLIENT);
        match cause {
            Cause::Busy if known_client => Some(Common::UpstreamBusy),
            // "Overloaded" on every key from a program that was never served: the upstream's way to turn it away.
            Cause::Busy => Some(Common::ClientIdentity),
            Cause::ServerError if attempts > 1 && lately_served => Some(Common::Request),
            Cause::ServerError if others_served => None,
            Cause::ServerError | Cause::ConnectFailed | Cause::Timeout | Cause::BrokenAnswer => Some(Common::Upstream),
            _ if others_served => None,
            Cause::RateLimited | Cause::Concurrency | Cause::Forbidden => Some(Common::Address),
            Cause::Unauthorized => Some(Common::Upstream),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn witnesses_are_heard_for_seconds_only() {
        let mut lately = Lately::default();
        lately.refused(Cause::Busy, KeyId(1), seconds(0));
        lately.refused(Cause::Busy, KeyId(2), seconds(8));
        lately.refused(Cause::PaymentRequired, KeyId(3), seconds(8));
        assert_eq!(lately.witnesses(Cause::Busy, seconds(9)), Some((vec![KeyId(1), KeyId(2)], seconds(0))));
        assert_eq!(lately.witnesses(Cause::Busy, seconds(12)), Some((vec![KeyId(2)], seconds(8))));
        assert_eq!(lately.witnesses(Cause::Busy, seconds(30)), None);
        assert_eq!(lately.witnesses(Cause::PaymentRequired, seconds(9)), None, "money is each account's own");
    }

    #[test]
    fn overload_from_a_client_that_was_never_served_is_its_identity() {
        let mut lately = Lately::default();
        let common = |lately: &Lately, client| lately.common(Cause::Busy, client, 2, seconds(50), seconds(60));
        assert_eq!(common(&lately, Some("Odd/1")), Some(Common::ClientIdentity));
        lately.served(Some("KimiCLI/1"), seconds(55));
        assert_eq!(common(&lately, Some("KimiCLI/1")), Some(Common::UpstreamBusy));
        assert_eq!(common(&lately, Some("Odd/1")), Some(Common::ClientIdentity));
    }

    #[test]
    fn what_others_are_served_meanwhile_decides() {
        let mut lately = Lately::default();
        let common = |lately: &Lately, cause| lately.common(cause, None, 2, seconds(50), seconds(60));
        for (cause, alone) in [
            (Cause::ServerError, Common::Upstream),
            (Cause::Unauthorized, Common::Upstream),
            (Cause::RateLimited, Common::Address),
            (Cause::ConnectFailed, Common::Upstream),
        ] {
            assert_eq!(common(&lately, cause), Some(alone));
        }
        lately.served(None, seconds(51));
        assert_eq!(common(&lately, Cause::ServerError), Some(Common::Request));
        assert_eq!(common(&lately, Cause::Unauthorized), None, "some key works: the others are at fault");
    }

    #[test]
    fn clients_are_bounded() {
        let mut lately = Lately::default();
        for client in 0..1_000 {
            lately.served(Some(&client.to_string()), seconds(client));
        }
        assert_eq!(lately.clients.len(), CLIENTS_MAX);
    }
}
