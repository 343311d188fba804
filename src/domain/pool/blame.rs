//! The same answer from every key: names the one cause behind it, and takes back what was held against the keys.

use std::{collections::BTreeSet, time::Duration};

use super::Pool;
use crate::domain::{
    key::KeyId,
    now::Now,
    order,
    outcome::Cause,
    shared_cause::{Common, SharedCause, can_be_shared},
    snapshot::Skip,
};

impl Pool {
    /// A request has tried what there was, in vain. When every key that could have served has answered alike within
    /// seconds, the cause is shared.
    pub(crate) fn all_failed(
        &mut self,
        attempts: &[(KeyId, Cause)],
        client: Option<&str>,
        now: Now,
    ) -> Option<SharedCause> {
        let (_, cause) = *attempts.first()?;
        if !can_be_shared(cause) || attempts.iter().any(|(_, other)| *other != cause) {
            return None;
        }
        let tried = |position: &usize| attempts.iter().any(|(id, _)| *id == self.slots[*position].id);
        if self.roster.from(0).any(|position| !tried(&position) && self.counts(position, now)) {
            return None;
        }
        let (witnesses, since) = self.lately.witnesses(cause, now.steady)?;
        let witnesses = order::set(witnesses.into_iter().filter_map(|id| self.position(id)));
        let unheard =
            (0..self.slots.len()).any(|position| !witnesses.contains(&position) && self.counts(position, now));
        if unheard || self.accounts_of(&witnesses) < 2 {
            return None;
        }
        let common = self.lately.common(cause, client, attempts.len(), since, now.steady)?;
        for position in &witnesses {
            if common == Common::Request {
                // The hosts do serve others.
                let host = self.slots[*position].host;
                self.hosts[host].requests.succeeded();
            }
            self.slots[*position].take_back(cause);
            self.restand(*position, now);
        }
        Some(SharedCause {
            at: now.wall,
            common,
            cause,
            keys: u32::try_from(witnesses.len()).unwrap_or(u32::MAX),
            client: client.map(str::to_owned),
        })
    }

    /// Whether a key that was not heard could have served: one that was out for reasons of its own could not.
    fn counts(&self, position: usize, now: Now) -> bool {
        let slot = &self.slots[position];
        match slot.unavailable(now.wall) {
            // A host that is left alone could not have served.
            None => self.hosts[slot.host].requests.closed_until(now.steady).is_none(),
            Some(Skip::CoolingDown { .. } | Skip::Unauthorized) => {
                // Out for another cause since a moment ago: it speaks against a shared one.
                slot.blamed.is_some_and(|(_, at)| now.steady.saturating_sub(at) < Duration::from_secs(10))
            }
            Some(_) => false,
        }
    }

    /// How many accounts stand behind these keys; one whose account is not known counts as one of its own.
    fn accounts_of(&self, positions: &BTreeSet<usize>) -> usize {
        order::set(positions.iter().map(|position| self.slots[*position].account().ok_or(*position))).len()
    }
}
