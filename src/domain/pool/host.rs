//! What is known of an upstream host: a breaker for requests, and one for health checks. Not the breaker itself.

use std::time::Duration;

use super::check::{CheckFault, CheckFaultKind};
use crate::domain::{
    breaker::{Breaker, Failing, Pauses},
    key::KeyId,
    outcome::Cause,
    usage::Usage,
};

/// Requests wait for a host: it is looked at again within the time that they wait.
const REQUESTS: Pauses = Pauses { first: Duration::from_secs(1), most: Duration::from_secs(2) };
/// Nobody waits for a health check.
const CHECKS: Pauses = Pauses { first: Duration::from_secs(30), most: Duration::from_secs(600) };

#[derive(Debug)]
pub(super) struct Host {
    pub(super) name: String,
    /// Keys that are sent there.
    pub(super) users: u32,
    pub(super) requests: Breaker,
    pub(super) checks: Breaker,
}

impl Host {
    pub(super) const fn new(name: String) -> Self {
        Self { name, users: 0, requests: Breaker::new(REQUESTS), checks: Breaker::new(CHECKS) }
    }

    pub(super) fn answered(&mut self, cause: Cause, key: KeyId, now: Duration) {
        match cause.of_host() {
            Some(how) => {
                self.requests.failed(how, key, now);
            }
            None => self.requests.succeeded(),
        }
    }

    /// A host that answers checks can take requests, too.
    pub(super) fn checked(&mut self, result: &Result<Usage, CheckFault>, key: KeyId, now: Duration) {
        match result {
            Err(fault) if fault.kind == CheckFaultKind::Host => {
                self.checks.failed(Failing::Unreachable, key, now);
            }
            Ok(_) => {
                self.checks.succeeded();
                self.requests.succeeded();
            }
            Err(_) => self.checks.succeeded(),
        }
    }
}
