//! The Kimi side of the wire: one HTTP client, `send` and `fetch_usage`. Not what an answer means (`domain::outcome`).
//!
//! hyper's own connections, because a path must leave as it came: no redirect is followed, no cookie kept, no proxy of the
//! environment asked, nothing rewritten. HTTP/1.1 only: one connection a request, so that a large upload delays nobody.

mod link;
mod nudge;
mod pool;
pub(crate) mod probe;
mod socket;
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
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::RootCertStore;
use tokio::time::Instant;
use tower_service::Service as _;

pub(crate) use self::link::AnswerBody;
use self::{
    link::{Host, Link},
    pool::Pool,
};
use crate::domain::{
    key::{Key, Secret},
    outcome::Cause,
    pool::{CheckFault, CheckFaultKind},
    retry_after,
    usage::{self, Usage},
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
#[derive(Debug, Clone)]
pub(crate) struct Upstream {
    connector: HttpsConnector<HttpConnector>,
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

impl Upstream {
    /// Verifies TLS as the system does. A trust store that is empty is missed when it is needed: who reaches upstreams on
    /// this machine alone never does.
    ///
    /// # Errors
    /// When there is no TLS at all.
    pub(crate) fn new(timeouts: Timeouts) -> Result<Self, rustls::Error> {
        let builder = rustls::ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
            .with_safe_default_protocol_versions()?;
        let (tls, blind) = match builder.clone().try_with_platform_verifier() {
            Ok(builder) => (builder, None),
            Err(error) => (builder.with_root_certificates(RootCertStore::empty()), Some(error.to_string().into())),
        };
        let tls = tls.with_no_client_auth();
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(timeouts.connect));
        let connector =
            HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().wrap_connector(tcp);
        let (pool, generation) = (Pool::default(), Arc::new(AtomicU64::new(0)));
        Ok(Self { connector, blind, pool, generation, timeouts })
    }

    /// The same with connections of its own: a connection is best used on the thread that opened it.
    pub(crate) fn beside(&self) -> Self {
        Self { pool: Pool::default(), ..self.clone() }
    }

    /// Forgets every kept connection: after sleep, or when one of them turns out to be dead. Running requests go on.
    pub(crate) fn flush(&self) {
        self.generation.fetch_add(1, Ordering::Relaxed);
    }

    /// Sends what `build` makes and waits for the answer's head. Dropping the future, or the answer, cancels it upstream.
    /// When a kept connection turns out to be dead before a byte of an answer, it is sent once more on a fresh one.
    pub(crate) async fn send(
        &self,
        build: impl Fn() -> Option<Request<Full<Bytes>>>,
    ) -> Result<Response<AnswerBody>, TransportFault> {
        let exchange = async {
            match self.try_once(&build).await {
                Err(Failed { dead: true, .. }) => {
                    self.flush();
                    self.try_once(&build).await
                }
                other => other,
            }
        };
        let answer = tokio::time::timeout(self.timeouts.head, exchange)
            .await
            .map_err(|_| TransportFault::Timeout)?
            .map_err(|failed| failed.fault)?;
        check_head(&answer)?;
        Ok(answer)
    }

    async fn try_once(
        &self,
        build: &impl Fn() -> Option<Request<Full<Bytes>>>,
    ) -> Result<Response<AnswerBody>, Failed> {
        let unfit = || TransportFault::Broken("the request does not fit the key's base URL".to_owned());
        let (request, uri) = build().and_then(addressed).ok_or_else(|| Failed { fault: unfit(), dead: false })?;
        let host = Host::of(&uri).ok_or_else(|| Failed { fault: unfit(), dead: false })?;
        let generation = self.generation.load(Ordering::Relaxed);
        let mut link = match self.pool.take(&host, generation) {
            Some(link) => link,
            // Seldom, and large.
            None => Box::pin(self.connect(uri, host, generation)).await?,
        };
        let began = Instant::now();
        match link.send(request).await {
            Ok(answer) => Ok(answer.map(|body| AnswerBody::new(body, link, self.pool.clone()))),
            Err(mut error) => {
                let unsent = error.take_message().is_some();
                let error = error.into_error();
                // One that the server had closed before says so at once; later, the request may have been executed.
                let died_idle = is_cut(&error) && began.elapsed() < DEAD_AT_ONCE && link.is_silent();
                let dead = link.was_kept() && (unsent || died_idle);
                Err(Failed { fault: TransportFault::Broken(root_cause(&error)), dead })
            }
        }
    }

    /// TLS and all within the time to connect: until then nothing was sent, and another key may serve.
    async fn connect(&self, uri: Uri, host: Host, generation: u64) -> Result<Link, Failed> {
        let failed =
            |error: &dyn std::error::Error| Failed { fault: TransportFault::Connect(root_cause(error)), dead: false };
        if let (Some(why), Some("https")) = (&self.blind, uri.scheme_str()) {
            let text = format!("no TLS server can be verified here: {why}; install the package ca-certificates");
            return Err(Failed { fault: TransportFault::Connect(text), dead: false });
        }
        let mut connector = self.connector.clone();
        poll_fn(|context| connector.poll_ready(context)).await.map_err(|error| failed(&*error))?;
        let connecting = tokio::time::timeout(self.timeouts.connect, connector.call(uri));
        let stream = connecting.await.map_err(|late| failed(&late))?.map_err(|error| failed(&*error))?;
        Link::new(stream, host, generation).await.map_err(|error| failed(&error))
    }

    /// Asks for a key's quota at its own base URL. Only Authorization and Accept are sent, as Kimi's own clients do.
    pub(crate) async fn fetch_usage(&self, key: &Key, now: jiff::Timestamp) -> Result<Usage, CheckFault> {
        let uri = key.base.join("/usages", None).ok_or_else(|| fault("the base URL takes no path"))?;
        let exchange = async {
            let answer = self
                .send(|| usage_request(uri.clone(), &key.secret))
                .await
                .map_err(|error| host_fault(&error.to_string()))?;
            let (head, body) = answer.into_parts();
            if !head.status.is_success() {
                return Err(refused(head.status, &head.headers, now));
            }
            let body = Limited::new(body, USAGE_MAX)
                .collect()
                .await
                .map_err(|_| host_fault("the answer broke off or is too large"))?;
            usage::parse(&body.to_bytes(), now).map_err(|error| fault(&error.to_string()))
        };
        tokio::time::timeout(USAGE_TIMEOUT, exchange).await.unwrap_or_else(|_| Err(host_fault("no answer in time")))
    }
}

/// The header that presents `secret`, marked so that no debug output shows it.
pub(crate) fn credential(style: Credential, secret: &Secret) -> Option<(header::HeaderName, HeaderValue)> {
    let (name, text) = match style {
        Credential::Bearer => (header::AUTHORIZATION, format!("Bearer {}", secret.expose())),
        Credential::XApiKey => (header::HeaderName::from_static("x-api-key"), secret.expose().to_owned()),
    };
    let mut value = HeaderValue::try_from(text).ok()?;
    value.set_sensitive(true);
    Some((name, value))
}

fn usage_request(uri: Uri, secret: &Secret) -> Option<Request<Full<Bytes>>> {
    let (name, value) = credential(Credential::Bearer, secret)?;
    Request::builder()
        .method(Method::GET)
        .uri(uri)
        .header(name, value)
        .header(header::ACCEPT, "application/json")
        .body(Full::default())
        .ok()
}

/// What hyper lets pass but no client should see: two framings, unknown codings, switched protocols.
fn check_head<B>(answer: &Response<B>) -> Result<(), TransportFault> {
    let broken = |what: &str| Err(TransportFault::Broken(what.to_owned()));
    let headers = answer.headers();
    if answer.status().is_informational() {
        return broken("an interim answer in place of a final one");
    }
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => Ok(()),
        (Some(only), None) if only.as_bytes().eq_ignore_ascii_case(b"chunked") => {
            if headers.contains_key(header::CONTENT_LENGTH) {
                return broken("both Content-Length and Transfer-Encoding");
            }
            Ok(())
        }
        _ => broken("an unknown Transfer-Encoding"),
    }
}

/// A try that failed; `dead` = on a kept connection that had died before.
struct Failed {
    fault: TransportFault,
    dead: bool,
}

/// The request as it goes over the wire, and where to: its target without the host, which is a header instead.
fn addressed(mut request: Request<Full<Bytes>>) -> Option<(Request<Full<Bytes>>, Uri)> {
    let uri = std::mem::take(request.uri_mut());
    let default_port = if uri.scheme_str() == Some("https") { 443 } else { 80 };
    let host = match uri.port_u16() {
        Some(port) if port != default_port => HeaderValue::try_from(format!("{}:{port}", uri.host()?)),
        _ => HeaderValue::try_from(uri.host()?),
    };
    request.headers_mut().entry(header::HOST).or_insert(host.ok()?);
    *request.uri_mut() = uri.path_and_query()?.clone().into();
    Some((request, uri))
}

/// Whether the connection ended, as opposed to an answer that makes no sense.
fn is_cut(error: &hyper::Error) -> bool {
    use io::ErrorKind as Kind;
    let mut next: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = next {
        let by_hyper = error.downcast_ref::<hyper::Error>();
        if by_hyper.is_some_and(|error| error.is_incomplete_message() || error.is_canceled() || error.is_closed()) {
            return true;
        }
        let by_system = error.downcast_ref::<io::Error>().map(io::Error::kind);
        if matches!(
            by_system,
            Some(Kind::ConnectionReset | Kind::ConnectionAborted | Kind::BrokenPipe | Kind::UnexpectedEof)
        ) {
            return true;
        }
        next = error.source();
    }
    false
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

fn refused(status: StatusCode, headers: &HeaderMap, now: jiff::Timestamp) -> CheckFault {
    CheckFault {
        text: format!("the upstream answered {status}"),
        kind: match status {
            StatusCode::UNAUTHORIZED => CheckFaultKind::Unauthorized,
            status if status.is_server_error() => CheckFaultKind::Host,
            _ => CheckFaultKind::Answer,
        },
        retry_after: retry_after::of_headers(headers, now),
    }
}
