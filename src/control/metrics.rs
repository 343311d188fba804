//! `/metrics` over HTTP, on the control socket and on a port of its own. Not what stands there (`domain::metrics`).

use std::{future::pending, pin::pin, sync::Arc, time::Duration};

use http::{Method, StatusCode};
use tokio::{net::TcpListener, sync::Semaphore, time::timeout};

use crate::{
    domain::{
        base_url::is_loopback,
        metrics::{self, CONTENT_TYPE},
    },
    engine::{Engine, task},
    http1::{Asked, Client, Fields, Framing, Lines, NextHead, RequestHead, Wire},
};

/// Clients at once on the port: who collects comes alone, or in twos.
const CLIENTS_MAX: usize = 16;
/// From a connection to its request, and from one request to the next: collectors ask every minute or more often.
const HEAD_PATIENCE: Duration = Duration::from_secs(120);
/// A client that does not take an answer for so long is let go; a connection to the port does not last longer.
pub(super) const PATIENCE: Duration = Duration::from_secs(600);
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
            // An error means that its time is over.
            let _ = timeout(PATIENCE, converse(Client::new(Wire::Plain(stream), PATIENCE), &engine, reach)).await;
            drop(permit);
        });
    }
}

/// Answers the requests of one connection.
pub(super) async fn converse(mut client: Client, engine: &Engine, reach: Reach) {
    let mut over = pin!(pending::<()>());
    loop {
        let (status, asked, has_body) = match client.next_head(HEAD_PATIENCE, over.as_mut()).await {
            NextHead::Head(head) => judged(&head, reach),
            NextHead::Unfit(status) => (status, Asked { bare: false, old: false, keep: false }, true),
            NextHead::End => return client.end(false).await,
        };
        let (content_type, text) = match status {
            StatusCode::OK => (CONTENT_TYPE, metrics::text(&*engine.fresh_snapshot().await)),
            status => ("text/plain; charset=utf-8", format!("{status}\n")),
        };
        let mut lines = Lines::default();
        lines.add(b"content-type", content_type);
        match client.tell(status, &lines, text.as_bytes(), &asked).await {
            Ok(true) => {}
            Ok(false) => return client.end(has_body).await,
            Err(_) => return,
        }
    }
}

/// What is answered, how it was asked, and whether a body comes. Nobody needs one here: it is not read, and the connection
/// ends.
fn judged(head: &RequestHead, reach: Reach) -> (StatusCode, Asked, bool) {
    let has_body = head.framing != Framing::None;
    let asked = Asked { bare: head.method == Method::HEAD, old: head.old, keep: head.keep && !has_body };
    (judge(head, reach), asked, has_body)
}

fn judge(head: &RequestHead, reach: Reach) -> StatusCode {
    if reach == Reach::Loopback && !names_this_machine(&head.fields) {
        return StatusCode::FORBIDDEN;
    }
    match (&head.method, head.uri.path()) {
        (&Method::GET | &Method::HEAD, "/metrics") => StatusCode::OK,
        (_, "/metrics") => StatusCode::METHOD_NOT_ALLOWED,
        _ => StatusCode::NOT_FOUND,
    }
}

/// Exactly one `Host`, and a loopback one: a foreign name that leads here is a page's trick.
fn names_this_machine(fields: &Fields) -> bool {
    let mut hosts = fields.all("host");
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return false };
    let host = std::str::from_utf8(host).ok().filter(|host| !host.contains('@'));
    let authority = host.and_then(|host| host.parse::<http::uri::Authority>().ok());
    authority.is_some_and(|authority| is_loopback(authority.host().trim_start_matches('[').trim_end_matches(']')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(text: &str) -> RequestHead {
        RequestHead::parse(text.as_bytes()).expect("a head").expect("whole").0
    }

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
            let request = head(&format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\n\r\n"));
            assert_eq!(judge(&request, reach).as_u16(), status, "{method} {path} {host}");
        }
        let twice = head("GET /metrics HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n");
        assert_eq!(judge(&twice, Reach::Loopback), StatusCode::FORBIDDEN);
    }
}
