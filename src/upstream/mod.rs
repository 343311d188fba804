//! The Kimi side of the wire: one HTTP client, `send` and `fetch_usage`. Not what an answer means (`domain::outcome`).
//!
//! Requests are bytes, because a path must leave as it came: no redirect is followed, no cookie kept, no proxy of the
//! environment asked, nothing rewritten. HTTP/1.1 only: one connection a request, so that a large upload delays nobody.

mod link;
mod pool;
pub(crate) mod probe;
#[cfg(test)]
mod tests;

use std::{
    future::poll_fn,
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::StatusCode;
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::{RootCertStore, pki_types::ServerName};
use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio::{
    net::TcpStream,
    time::{Instant, timeout, timeout_at},
};
use tokio_rustls::TlsConnector;
use tower_service::Service as _;

pub(crate) use self::link::AnswerBody;
use self::{
    link::{Host, Link},
    pool::Pool,
};
use crate::{
    domain::{
        base_url::BaseUrl,
        key::{Key, Secret},
        outcome::Cause,
        pool::{CheckFault, CheckFaultKind},
        retry_after,
        usage::{self, Usage},
    },
    http1::{AnswerFault, AnswerHead, Call, Fields, Lines, Server, Wire},
};

/// A kept connection that was dead before shows it within this.
const DEAD_AT_ONCE: Duration = Duration::from_secs(1);
/// A whole usage check.
const USAGE_TIMEOUT: Duration = Duration::from_secs(10);
/// Largest usage answer that is read.
const USAGE_MAX: usize = 1 << 20;

/// How long to wait for the upstream.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timeouts {
    pub(crate) connect: Duration,
    /// Until the answer's head.
    pub(crate) head: Duration,
}

/// The client; clones share its connections.
#[derive(Clone)]
pub(crate) struct Upstream {
    tcp: HttpConnector,
    tls: TlsConnector,
    /// Why no server can be known by its certificate; None = it can.
    blind: Option<Arc<str>>,
    pool: Pool,
    /// Counts flushes, for all pools: what was kept before the last one is not used again.
    generation: Arc<AtomicU64>,
    timeouts: Timeouts,
}

/// Why no answer came.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TransportFault {
    #[error("the upstream could not be reached: {0}")]
    Connect(String),
    #[error("the upstream sent no answer in time")]
    Timeout,
    #[error("the upstream's answer broke off or is not valid HTTP: {0}")]
    Broken(String),
}

impl TransportFault {
    pub(crate) const fn cause(&self) -> Cause {
        match self {
            Self::Connect(_) => Cause::ConnectFailed,
            Self::Timeout => Cause::Timeout,
            Self::Broken(_) => Cause::BrokenAnswer,
        }
    }
}

/// How the key is presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Credential {
    Bearer,
    XApiKey,
}

/// An answer, its body still to come.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) head: AnswerHead,
    pub(crate) body: AnswerBody,
}

impl std::fmt::Debug for Upstream {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Upstream").field("timeouts", &self.timeouts).finish_non_exhaustive()
    }
}

impl Upstream {
    /// Verifies TLS as the system does. A trust store that is empty is missed when it is needed: who reaches upstreams on
    /// this machine alone never does.
    ///
    /// # Errors
    /// When there is no TLS at all.
    pub(crate) fn new(timeouts: Timeouts) -> Result<Self, rustls::Error> {
        let builder = rustls::ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
            .with_safe_default_protocol_versions()?;
        let (tls, blind) = match builder.clone().with_platform_verifier() {
            Ok(builder) => (builder, None),
            Err(error) => (builder.with_root_certificates(RootCertStore::empty()), Some(error.to_string().into())),
        };
        let tls = TlsConnector::from(Arc::new(tls.with_no_client_auth()));
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(timeouts.connect));
        let (pool, generation) = (Pool::default(), Arc::new(AtomicU64::new(0)));
        Ok(Self { tcp, tls, blind, pool, generation, timeouts })
    }

    /// The same with connections of its own: a connection is best used on the thread that opened it.
    pub(crate) fn beside(&self) -> Self {
        Self { pool: Pool::default(), ..self.clone() }
    }

    /// Forgets every kept connection: after sleep, or when one of them turns out to be dead. Running requests go on.
    pub(crate) fn flush(&self) {
        self.generation.fetch_add(1, Ordering::Relaxed);
    }

    /// Sends a request to the host of `base` and waits for the answer's head. Dropping the future, or the answer, cancels it
    /// upstream. When a kept connection turns out to be dead before a byte of an answer, it is sent once more on a fresh one.
    pub(crate) async fn send(&self, base: &BaseUrl, call: &Call) -> Result<Answer, TransportFault> {
        let deadline = Instant::now() + self.timeouts.head;
        let answer = match self.try_once(base, call, deadline).await {
            Err(Failed { dead: true, .. }) => {
                self.flush();
                self.try_once(base, call, deadline).await
            }
            other => other,
        };
        answer.map_err(|failed| failed.fault)
    }

    async fn try_once(&self, base: &BaseUrl, call: &Call, deadline: Instant) -> Result<Answer, Failed> {
        let host = Host::of(base);
        let generation = self.generation.load(Ordering::Relaxed);
        let mut link = match self.pool.take(&host, generation) {
            Some(link) => link,
            // Seldom, and large.
            None => {
                let connecting = Box::pin(timeout_at(deadline, self.connect(base)));
                let connected = connecting.await.unwrap_or(Err(TransportFault::Timeout));
                let wire = connected.map_err(|fault| Failed { fault, dead: false })?;
                Link { host, generation, idle_since: Instant::now(), server: Server::new(wire) }
            }
        };
        let began = Instant::now();
        match link.server.send(call, deadline.saturating_duration_since(began)).await {
            Ok(head) => Ok(Answer { body: AnswerBody::new(&head, link, self.pool.clone()), head }),
            Err(fault) => {
                // One that the server had closed before says so at once; later, the request may have been executed.
                let died_idle = fault.is_cut() && began.elapsed() < DEAD_AT_ONCE && link.server.is_silent();
                let dead = link.server.was_kept() && (fault.is_cut() && link.server.is_unsent() || died_idle);
                Err(Failed { fault: fault.into(), dead })
            }
        }
    }

    /// TLS and all within the time to connect: until then nothing was sent, and another key may serve.
    async fn connect(&self, base: &BaseUrl) -> Result<Wire, TransportFault> {
        let failed = |error: &dyn std::error::Error| TransportFault::Connect(root_cause(error));
        if let (Some(why), true) = (&self.blind, base.is_https()) {
            let text = format!("no TLS server can be verified here: {why}; install the package ca-certificates");
            return Err(TransportFault::Connect(text));
        }
        let connecting = timeout(self.timeouts.connect, async {
            let stream = self.connect_tcp(base).await?;
            if !base.is_https() {
                return Ok(Wire::Plain(stream));
            }
            let name = ServerName::try_from(base.host()).map_err(|error| failed(&error))?;
            let session = self.tls.connect(name, stream).await.map_err(|error| failed(&error))?;
            Ok(Wire::Tls(Box::new(session.into())))
        });
        connecting.await.unwrap_or_else(|late| Err(failed(&late)))
    }

    /// To whichever of the host's addresses answers first.
    async fn connect_tcp(&self, base: &BaseUrl) -> Result<TcpStream, TransportFault> {
        let failed = |error: &dyn std::error::Error| TransportFault::Connect(root_cause(error));
        let uri = base.uri().ok_or_else(|| TransportFault::Connect("the base URL takes no path".to_owned()))?;
        let mut tcp = self.tcp.clone();
        poll_fn(|context| tcp.poll_ready(context)).await.map_err(|error| failed(&error))?;
        Ok(tcp.call(uri).await.map_err(|error| failed(&error))?.into_inner())
    }

    /// Asks for a key's quota at its own base URL. Only Authorization and Accept are sent, as Kimi's own clients do.
    pub(crate) async fn fetch_usage(&self, key: &Key, now: jiff::Timestamp) -> Result<Usage, CheckFault> {
        let exchange = async {
            let Answer { head, body } = self
                .send(&key.base, &usage_request(&key.base, &key.secret))
                .await
                .map_err(|error| host_fault(&error.to_string()))?;
            if !head.status.is_success() {
                return Err(refused(head.status, &head.fields, now));
            }
            let body = body.collect(USAGE_MAX).await.map_err(|_| host_fault("the answer broke off or is too large"))?;
            usage::parse(&body, now).map_err(|error| fault(&error.to_string()))
        };
        timeout(USAGE_TIMEOUT, exchange).await.unwrap_or_else(|_| Err(host_fault("no answer in time")))
    }
}

impl Credential {
    /// The header that carries it, in lower case.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Bearer => "authorization",
            Self::XApiKey => "x-api-key",
        }
    }

    /// Adds the line that presents `secret`; `name`: the header as it is to be spelled.
    pub(crate) fn present(self, lines: &mut Lines, name: &[u8], secret: &Secret) {
        match self {
            Self::Bearer => lines.add(name, format!("Bearer {}", secret.expose())),
            Self::XApiKey => lines.add(name, secret.expose()),
        }
    }
}

fn usage_request(base: &BaseUrl, secret: &Secret) -> Call {
    let mut lines = Lines::default();
    lines.raw(format!("GET {}/usages HTTP/1.1\r\n", base.path()).as_bytes());
    lines.add(b"host", base.host_field());
    Credential::Bearer.present(&mut lines, b"authorization", secret);
    lines.add(b"accept", "application/json");
    lines.raw(b"\r\n");
    Call { head: lines.into_bytes().into(), body: Bytes::new(), to_head: false }
}

/// A try that failed; `dead` = on a kept connection that had died before.
struct Failed {
    fault: TransportFault,
    dead: bool,
}

impl From<AnswerFault> for TransportFault {
    fn from(fault: AnswerFault) -> Self {
        match fault {
            AnswerFault::Late => Self::Timeout,
            AnswerFault::Cut(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                Self::Broken("the connection ended before an answer".to_owned())
            }
            AnswerFault::Cut(error) => Self::Broken(root_cause(&error)),
            AnswerFault::Unfit(why) => Self::Broken(why),
        }
    }
}

/// The innermost error, which is the one that names the reason.
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

fn fault(text: &str) -> CheckFault {
    CheckFault { text: text.to_owned(), kind: CheckFaultKind::Answer, retry_after: None }
}

/// The host, or the way to it, is meant, and not the key.
fn host_fault(text: &str) -> CheckFault {
    CheckFault { kind: CheckFaultKind::Host, ..fault(text) }
}

fn refused(status: StatusCode, fields: &Fields, now: jiff::Timestamp) -> CheckFault {
    CheckFault {
        text: format!("the upstream answered {status}"),
        kind: match status {
            StatusCode::UNAUTHORIZED => CheckFaultKind::Unauthorized,
            status if status.is_server_error() => CheckFaultKind::Host,
            _ => CheckFaultKind::Answer,
        },
        retry_after: wait_asked_for(fields, now),
    }
}

/// The longest wait that an answer asks for.
pub(crate) fn wait_asked_for(fields: &Fields, now: jiff::Timestamp) -> Option<Duration> {
    retry_after::longest(fields.all("retry-after"), fields.all("retry-after-ms"), now)
}
