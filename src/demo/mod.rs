//! An upstream simulator: Kimi's API on a loopback socket, its accounts, and gentle traffic for `--demo`.
//!
//! The integration tests use it as their upstream, so it is as truthful as is known: bodies, streams, error texts and
//! quotas are those of the real API. Not here: any model, and anything of the proxy's.

mod accounts;
mod answers;
mod behaviour;
mod completion;
mod delivery;
mod endpoint;
mod gzip;
mod log;
mod quota;
mod samples;
mod server;
mod state;
mod stream;
mod tap;
#[cfg(test)]
mod tests;
mod tools;
mod traffic;
mod usages;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{net::TcpListener, task::JoinHandle};

pub use self::{
    accounts::{Account, Usages},
    behaviour::{Behaviour, Refusal},
    log::{Ended, NotSeen, Received},
    quota::{Quota, Window},
    samples::sample,
    traffic::traffic,
};

/// A running simulator; it stops when it is dropped, and its connections break off.
#[derive(Debug)]
pub struct Simulator {
    address: SocketAddr,
    shared: Arc<state::Shared>,
    task: JoinHandle<()>,
}

impl Simulator {
    /// Serves `accounts` on `listener` from now on. Call it within a tokio runtime.
    pub fn start(listener: TcpListener, accounts: Vec<Account>) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let shared = Arc::new(state::Shared::new(accounts));
        let task = tokio::spawn(server::run(listener, Arc::clone(&shared)));
        Ok(Self { address, shared, task })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What an auth file names: `http://127.0.0.1:PORT/coding/v1`.
    pub fn base_url(&self) -> String {
        format!("http://{}/coding/v1", self.address)
    }

    /// The open platform's base on the same host: `http://127.0.0.1:PORT/v1`, with messages below `/anthropic/v1`.
    pub fn open_platform_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// One more account; one whose key is known is replaced.
    pub fn add(&self, account: Account) {
        self.shared.state().add(account);
    }

    /// How `key` answers from now on, once its script has run out.
    pub fn set(&self, key: &str, behaviour: impl Into<Behaviour>) {
        self.shared.state().edit(key, |login| login.behaviour = behaviour.into());
    }

    /// How `key` answers its next requests, one step a request (those for `/usages` take none).
    pub fn script(&self, key: &str, steps: impl IntoIterator<Item = Behaviour>) {
        self.shared.state().edit(key, |login| login.script.extend(steps));
    }

    /// How `key` answers `GET /usages` from now on.
    pub fn set_usages(&self, key: &str, usages: Usages) {
        self.shared.state().edit(key, |login| login.usages = usages);
    }

    /// Replaces the quota of `key`'s account.
    pub fn set_quota(&self, key: &str, quota: &Quota) {
        self.shared.state().set_quota(key, quota);
    }

    /// Lets time pass for the quota windows only.
    pub fn advance(&self, by: Duration) {
        self.shared.state().advance(by);
    }

    /// Lets `pieces` more pieces of gated answers (and heads of held ones) go.
    pub fn release(&self, pieces: usize) {
        self.shared.gate.add_permits(pieces);
    }

    /// Everything that was received so far, oldest first; the last few thousand of it.
    pub fn requests(&self) -> Vec<Received> {
        self.shared.log.requests()
    }

    /// Waits until `enough` likes what was received, and returns that; gives up after half a minute.
    pub async fn wait_for(&self, enough: impl Fn(&[Received]) -> bool) -> Result<Vec<Received>, NotSeen> {
        self.shared.log.wait_for(enough).await
    }

    /// Stops at once: connections break off, and the port is free when this returns.
    pub async fn shutdown(mut self) {
        self.task.abort();
        (&mut self.task).await.ok();
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.task.abort();
    }
}
