//! An upstream whose bytes the test decides on: it reads a request, and then does what its script says. The simulator
//! answers as the real one does; this one as none should.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::{JoinHandle, JoinSet},
};

/// What it does once a request has come.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    Send(Vec<u8>),
    /// One byte after the other.
    Drip(Vec<u8>),
    /// The same bytes for ever, until the other side has left.
    Endless(Vec<u8>),
    /// Nothing until the other side has left.
    Wait,
    /// Takes in whatever still comes, until the other side has left.
    Drain,
    /// Ends the connection so that the other side sees a reset.
    Reset,
    /// Ends it.
    Close,
}

impl Act {
    pub(crate) fn send(bytes: impl Into<Vec<u8>>) -> Self {
        Self::Send(bytes.into())
    }
}

/// Which part of a request is read before the script begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reads {
    Nothing,
    Head,
    Whole,
}

/// What has happened so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Happened {
    /// Requests as they were read, in order.
    pub(crate) requests: Vec<String>,
    /// Bytes that were taken from it.
    pub(crate) sent: usize,
    /// Connections whose other side left.
    pub(crate) left: usize,
    pub(crate) connections: usize,
}

/// It ends, and its connections with it, when it is dropped.
pub(crate) struct RawUpstream {
    pub(crate) address: SocketAddr,
    happened: watch::Receiver<Happened>,
    task: JoinHandle<()>,
}

impl RawUpstream {
    /// Plays the next of these scripts for each request, the last one again and again. After a script without an end of
    /// its own the connection is kept for the next request.
    pub(crate) async fn start(reads: Reads, scripts: Vec<Vec<Act>>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let (tell, happened) = watch::channel(Happened::default());
        let (tell, scripts) = (Arc::new(tell), Arc::new(Mutex::new(scripts)));
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                tell.send_modify(|happened| happened.connections += 1);
                let _ = stream.set_nodelay(true);
                connections.spawn(connection(stream, reads, scripts.clone(), tell.clone()));
            }
        });
        Self { address, happened, task }
    }

    /// What an auth file names.
    pub(crate) fn base_url(&self) -> String {
        format!("http://{}/coding/v1", self.address)
    }

    pub(crate) fn happened(&self) -> Happened {
        self.happened.borrow().clone()
    }

    /// Waits until this has happened.
    pub(crate) async fn until(&mut self, what: &str, wanted: impl Fn(&Happened) -> bool) -> Happened {
        let seen = tokio::time::timeout(Duration::from_secs(20), self.happened.wait_for(|seen| wanted(seen))).await;
        if let Ok(Ok(happened)) = seen.map(|seen| seen.map(|happened| happened.clone())) {
            return happened;
        }
        panic!("waited in vain for {what}: {:?}", self.happened());
    }
}

impl Drop for RawUpstream {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn connection(
    mut stream: TcpStream,
    reads: Reads,
    scripts: Arc<Mutex<Vec<Vec<Act>>>>,
    tell: Arc<watch::Sender<Happened>>,
) {
    loop {
        let Some(request) = read(&mut stream, reads).await else { break };
        tell.send_modify(|happened| happened.requests.push(request));
        let script = {
            let mut scripts = scripts.lock().expect("nobody panicked");
            if scripts.len() > 1 { scripts.remove(0) } else { scripts[0].clone() }
        };
        for act in script {
            if !perform(&mut stream, act, &tell).await {
                return;
            }
        }
        if reads == Reads::Nothing {
            break;
        }
    }
    let _ = stream.shutdown().await;
}

/// Whether the script goes on.
async fn perform(stream: &mut TcpStream, act: Act, tell: &watch::Sender<Happened>) -> bool {
    let send = async |stream: &mut TcpStream, bytes: &[u8]| {
        let taken = stream.write_all(bytes).await.is_ok();
        tell.send_modify(|happened| happened.sent += if taken { bytes.len() } else { 0 });
        taken
    };
    match act {
        Act::Send(bytes) => drop(send(stream, &bytes).await),
        Act::Drip(bytes) => {
            for byte in bytes {
                send(stream, &[byte]).await;
                tokio::task::yield_now().await;
            }
        }
        Act::Endless(bytes) => {
            while send(stream, &bytes).await {}
            tell.send_modify(|happened| happened.left += 1);
            return false;
        }
        Act::Wait | Act::Drain => {
            let mut block = [0; 16 * 1024];
            while stream.read(&mut block).await.is_ok_and(|read| read > 0) {}
            tell.send_modify(|happened| happened.left += 1);
            return false;
        }
        Act::Reset => {
            let _ = stream.set_zero_linger();
            return false;
        }
        Act::Close => {
            let _ = stream.shutdown().await;
            return false;
        }
    }
    true
}

/// The next request as far as it is to be read; `None` when none comes any more.
async fn read(stream: &mut TcpStream, reads: Reads) -> Option<String> {
    let mut received = Vec::new();
    if reads == Reads::Nothing {
        return Some(String::new());
    }
    loop {
        if let Some(end) = memchr::memmem::find(&received, b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&received[..end]).to_ascii_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
            if reads == Reads::Head || received.len() >= end + 4 + length.unwrap_or(0) {
                return Some(String::from_utf8_lossy(&received).into_owned());
            }
        }
        let mut block = [0; 16 * 1024];
        let read = stream.read(&mut block).await.ok().filter(|read| *read > 0)?;
        received.extend_from_slice(&block[..read]);
    }
}
