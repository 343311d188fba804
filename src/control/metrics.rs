//! `/metrics` over HTTP, on the control socket and on a port of its own. Not what stands there (`domain::metrics`).

use std::{convert::Infallible, io, sync::Arc, time::Duration};

use http_body_util::Full;
use hyper::{
    HeaderMap, Method, Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header::{self, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    sync::Semaphore,
    time::timeout,
};

use crate::{
    domain::{
        base_url::is_loopback,
        metrics::{self, CONTENT_TYPE},
    },
    engine::{Engine, task},
};

/// Clients at once on the port: who collects comes alone, or in twos.
const CLIENTS_MAX: usize = 16;
/// From a connection to its request, and from one request to the next: collectors ask every minute or more often.
const HEAD_PATIENCE: Duration = Duration::from_secs(120);
/// A client that does not take an answer for so long is let go.
const PATIENCE: Duration = Duration::from_secs(600);
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Who is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Whoever can open the socket's file.
    Socket,
    /// Programs of this machine, and no web page that gave itself a name of it.
    Loopback,
    /// Other machines too: that was asked for.
    Remote,
}

/// Serves the port until it is dropped.
pub(crate) async fn serve(listener: TcpListener, engine: Engine, reach: Reach) {
    let room = Arc::new(Semaphore::new(CLIENTS_MAX));
    loop {
        // The semaphore is never closed.
        let Ok(permit) = room.clone().acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let engine = engine.clone();
        task::spawn(async move {
            // An error means that the client has left, or spoke no HTTP.
            let _ = timeout(PATIENCE, converse(Box::new(stream), engine, reach)).await;
            drop(permit);
        });
    }
}

/// A client's end, of whichever kind: hyper is compiled anew for each kind that it is given.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<Io: AsyncRead + AsyncWrite + Send + Unpin> Stream for Io {}

/// Answers the requests of one connection.
pub(super) async fn converse(stream: Box<dyn Stream>, engine: Engine, reach: Reach) -> io::Result<()> {
    let service = service_fn(move |request: Request<Incoming>| {
        let engine = engine.clone();
        async move { Ok::<_, Infallible>(answer(&request, &engine, reach).await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_PATIENCE)
        .serve_connection(TokioIo::new(stream), service);
    served.await.map_err(io::Error::other)
}

async fn answer<B>(request: &Request<B>, engine: &Engine, reach: Reach) -> Response<Full<Bytes>> {
    match judge(request, reach) {
        StatusCode::OK => {
            let text = metrics::text(&*engine.fresh_snapshot().await);
            said(StatusCode::OK, CONTENT_TYPE, text)
        }
        status => said(status, "text/plain; charset=utf-8", format!("{status}\n")),
    }
}

fn said(status: StatusCode, content_type: &'static str, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

fn judge<B>(request: &Request<B>, reach: Reach) -> StatusCode {
    if reach == Reach::Loopback && !names_this_machine(request.headers()) {
        return StatusCode::FORBIDDEN;
    }
    match (request.method(), request.uri().path()) {
        (&Method::GET | &Method::HEAD, "/metrics") => StatusCode::OK,
        (_, "/metrics") => StatusCode::METHOD_NOT_ALLOWED,
        _ => StatusCode::NOT_FOUND,
    }
}

/// Exactly one `Host`, and a loopback one: a foreign name that leads here is a page's trick.
fn names_this_machine(headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(header::HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return false };
    let host = host.to_str().ok().filter(|host| !host.contains('@'));
    let authority = host.and_then(|host| host.parse::<http::uri::Authority>().ok());
    authority.is_some_and(|authority| is_loopback(authority.host().trim_start_matches('[').trim_end_matches(']')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_metrics_are_served_and_only_to_this_machine() {
        for (method, path, host, reach, status) in [
            ("GET", "/metrics", "127.0.0.1:9100", Reach::Loopback, 200),
            ("HEAD", "/metrics?x=1", "localhost", Reach::Loopback, 200),
            ("GET", "/metrics", "[::1]:9100", Reach::Loopback, 200),
            ("GET", "/metrics", "evil.test", Reach::Loopback, 403),
            ("GET", "/metrics", "127.0.0.1.evil.test", Reach::Loopback, 403),
            ("GET", "/metrics", "a@localhost", Reach::Loopback, 403),
            ("GET", "/metrics", "", Reach::Loopback, 403),
            ("GET", "/metrics", "kmi.lan:9100", Reach::Remote, 200),
            ("POST", "/metrics", "localhost", Reach::Socket, 405),
            ("GET", "/kmi-rotor/v1/models", "localhost", Reach::Socket, 404),
        ] {
            let request = Request::builder().method(method).uri(path).header("host", host).body(()).expect("valid");
            assert_eq!(judge(&request, reach).as_u16(), status, "{method} {path} {host}");
        }
        let twice = Request::builder().uri("/metrics").header("host", "localhost").header("host", "localhost");
        assert_eq!(judge(&twice.body(()).expect("valid"), Reach::Loopback), StatusCode::FORBIDDEN);
    }
}
