//! An HTTP/1.1 client that hides nothing: it sends the bytes it is given and shows head and body as they came.

use std::{collections::HashMap, net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// Nothing on loopback takes this long unless it hangs.
const PATIENCE: Duration = Duration::from_secs(20);

/// An answer, whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Names in lower case; repeated ones joined by `, `.
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Vec<u8>,
    /// The body ended as its framing said it would.
    pub(crate) complete: bool,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

/// A connection whose bytes the test decides on.
pub(crate) struct Raw {
    stream: TcpStream,
    pub(crate) received: Vec<u8>,
}

impl Raw {
    pub(crate) async fn open(address: SocketAddr) -> Self {
        Self { stream: TcpStream::connect(address).await.expect("the proxy accepts"), received: Vec::new() }
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        // A refusal may close the connection while we still write: what it answered is what counts.
        let _ = self.stream.write_all(bytes.as_ref()).await;
    }

    /// Reads until `text` has come, and keeps all of it.
    pub(crate) async fn read_until(&mut self, text: &str) {
        while memchr::memmem::find(&self.received, text.as_bytes()).is_none() {
            assert!(self.read_some().await > 0, "closed before {text:?}: {}", self.text());
        }
    }

    /// Reads whatever comes next.
    pub(crate) async fn read_more(&mut self) {
        assert!(self.read_some().await > 0, "closed: {}", self.text());
    }

    /// Reads until the other side closes; a reset counts as closed.
    pub(crate) async fn read_to_end(&mut self) {
        while self.read_some().await > 0 {}
    }

    /// Its end, once it is dropped, is a reset.
    pub(crate) fn reset(&self) {
        self.stream.set_zero_linger().expect("set");
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.received).into_owned()
    }

    async fn read_some(&mut self) -> usize {
        let mut block = [0; 16 * 1024];
        let read =
            timeout(PATIENCE, self.stream.read(&mut block)).await.expect("an answer in time").unwrap_or_default();
        self.received.extend_from_slice(&block[..read]);
        read
    }
}

/// One request on a connection of its own. `headers` come on top of `host` and, with a body, its length.
pub(crate) async fn request(
    address: SocketAddr,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Answer {
    let mut head = format!("{method} {target} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if !body.is_empty() {
        head.push_str(&format!("content-length: {}\r\n", body.len()));
    }
    head.push_str("\r\n");
    let mut raw = Raw::open(address).await;
    raw.send(head).await;
    raw.send(body).await;
    raw.read_to_end().await;
    parse(&raw.received, method)
}

fn parse(received: &[u8], method: &str) -> Answer {
    let end = memchr::memmem::find(received, b"\r\n\r\n").unwrap_or_else(|| panic!("no head: {received:?}"));
    let head = String::from_utf8_lossy(&received[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|status| status.parse().ok());
    let mut headers: HashMap<String, String> = HashMap::new();
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        let value = value.trim();
        headers
            .entry(name.to_ascii_lowercase())
            .and_modify(|known| {
                known.push_str(", ");
                known.push_str(value);
            })
            .or_insert_with(|| value.to_owned());
    }
    let rest = &received[end + 4..];
    let (body, complete) = if headers.get("transfer-encoding").is_some_and(|coding| coding == "chunked") {
        dechunked(rest)
    } else {
        let length: usize = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(rest.len());
        (rest.to_vec(), method == "HEAD" || rest.len() == length)
    };
    Answer { status: status.expect("a status"), headers, body, complete }
}

fn dechunked(mut rest: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    loop {
        let Some(end) = memchr::memmem::find(rest, b"\r\n") else { return (body, false) };
        let size = std::str::from_utf8(&rest[..end]).ok().and_then(|size| usize::from_str_radix(size.trim(), 16).ok());
        let Some(size) = size else { return (body, false) };
        rest = &rest[end + 2..];
        if size == 0 {
            return (body, true);
        }
        if rest.len() < size + 2 {
            body.extend_from_slice(rest);
            return (body, false);
        }
        body.extend_from_slice(&rest[..size]);
        rest = &rest[size + 2..];
    }
}
