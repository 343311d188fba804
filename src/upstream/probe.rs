//! Whether a host answers at all, step by step: name, connection, TLS, HTTP. No key is sent, no redirect followed. Not
//! what that means (`doctor`).

use std::{
    io,
    net::SocketAddr,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use jiff::Timestamp;
use tokio::{net::TcpStream, time::Instant};

use super::{Call, Timeouts, TransportFault, Upstream};
use crate::{
    domain::base_url::BaseUrl,
    http1::{Fields, Lines},
};

/// All steps together.
const TIMEOUT: Duration = Duration::from_secs(5);

/// A host that answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    /// Until the connection stood.
    pub(crate) connected: Duration,
    /// From the request on a new connection, TLS included, to the answer's head.
    pub(crate) answered: Duration,
    /// Its `Date`: whole seconds.
    pub(crate) date: Option<Timestamp>,
}

/// The step that failed, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unreached {
    Name(String),
    Connection(String),
    Tls(String),
    Http(String),
    /// Too slow, in whatever step.
    Time,
}

/// Asks `HEAD` of the base path, on a connection of its own, so that every step is really made.
pub(crate) async fn probe(base: &BaseUrl) -> Result<Answered, Unreached> {
    tokio::time::timeout(TIMEOUT, steps(base)).await.unwrap_or(Err(Unreached::Time))
}

async fn steps(base: &BaseUrl) -> Result<Answered, Unreached> {
    let began = Instant::now();
    let addresses = tokio::net::lookup_host((base.host(), base.port())).await;
    let addresses: Vec<SocketAddr> = addresses.map_err(|error| Unreached::Name(error.to_string()))?.collect();
    connect(&addresses).await.map_err(|error| Unreached::Connection(error.to_string()))?;
    let connected = began.elapsed();
    let client = Upstream::new(Timeouts { connect: TIMEOUT, head: TIMEOUT })
        .map_err(|error| Unreached::Tls(error.to_string()))?;
    let target = if base.path().is_empty() { "/" } else { base.path() };
    let mut lines = Lines::default();
    lines.raw(format!("HEAD {target} HTTP/1.1\r\n").as_bytes());
    lines.add(b"host", base.host_field());
    lines.raw(b"\r\n");
    let call = Call { head: lines.into_bytes().into(), body: Bytes::new(), to_head: true };
    let began = Instant::now();
    let answer = client.send(base, &call).await.map_err(|fault| match fault {
        // A connection stood a moment ago: what fails now is what comes on top of it.
        TransportFault::Connect(error) => Unreached::Tls(error),
        TransportFault::Timeout => Unreached::Time,
        TransportFault::Broken(error) => Unreached::Http(error),
    })?;
    Ok(Answered {
        status: answer.head.status.as_u16(),
        connected,
        answered: began.elapsed(),
        date: date(&answer.head.fields),
    })
}

/// The first address that takes a connection; else why the last one does not.
async fn connect(addresses: &[SocketAddr]) -> io::Result<()> {
    let mut last = io::ErrorKind::NotFound.into();
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(_) => return Ok(()),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn date(fields: &Fields) -> Option<Timestamp> {
    let moment: SystemTime = httpdate::parse_http_date(fields.ascii("date")?).ok()?;
    Timestamp::try_from(moment).ok()
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    /// A socket that answers one request so; it tells what it was asked.
    async fn answering(answer: &'static str) -> (SocketAddr, tokio::task::JoinHandle<String>) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let asked = tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.expect("a connection");
                let mut head = [0; 4096];
                let read = stream.read(&mut head).await.unwrap_or_default();
                if read > 0 {
                    stream.write_all(answer.as_bytes()).await.expect("written");
                    return String::from_utf8_lossy(&head[..read]).into_owned();
                }
            }
        });
        (address, asked)
    }

    fn base(scheme: &str, address: SocketAddr) -> BaseUrl {
        BaseUrl::parse(&format!("{scheme}://{address}/coding/v1")).expect("valid")
    }

    #[tokio::test]
    async fn an_answer_tells_time_and_nothing_is_followed_or_presented() {
        let answer =
            "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n";
        let (address, asked) = answering(answer).await;
        let answered = probe(&base("http", address)).await.expect("reached");
        assert_eq!((answered.status, answered.date), (302, "1994-11-06T08:49:37Z".parse().ok()));
        let asked = asked.await.expect("asked").to_lowercase();
        assert!(asked.starts_with("head /coding/v1 http/1.1\r\n"), "{asked}");
        assert!(!asked.contains("authorization") && !asked.contains("x-api-key"), "{asked}");
    }

    #[tokio::test]
    async fn the_step_that_fails_is_named() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let closed = listener.local_addr().expect("bound");
        drop(listener);
        assert!(matches!(probe(&base("http", closed)).await, Err(Unreached::Connection(_))));
        let (plain, _asked) = answering("HTTP/1.1 400 Bad Request\r\n\r\n").await;
        assert!(matches!(probe(&base("https", plain)).await, Err(Unreached::Tls(_))));
        let (odd, _asked) = answering("SSH-2.0-OpenSSH\r\n").await;
        assert!(matches!(probe(&base("http", odd)).await, Err(Unreached::Http(_))));
    }
}
