//! As much of HTTP/1.1 as a load generator needs: requests as bytes, the ends of answers. Nothing is checked twice.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Where the head ends, with its empty line.
pub(crate) fn head_end(bytes: &[u8]) -> Option<usize> {
    memchr::memmem::find(bytes, b"\r\n\r\n").map(|at| at + 4)
}

/// A kept connection.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> std::io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(8 * 1024) })
    }

    pub(crate) async fn send(&mut self, request: &[u8]) -> std::io::Result<()> {
        self.stream.write_all(request).await
    }

    /// An answer with a length, whole; its status must be 200.
    pub(crate) async fn answer(&mut self) -> std::io::Result<()> {
        let end = self.head().await?;
        let head = String::from_utf8_lossy(&self.buffer[..end]).to_ascii_lowercase();
        let length: usize = head
            .split("content-length: ")
            .nth(1)
            .and_then(|rest| rest.split('\r').next()?.parse().ok())
            .ok_or_else(|| std::io::Error::other(head.clone()))?;
        while self.buffer.len() < end + length {
            self.more().await?;
        }
        self.buffer.drain(..end + length);
        Ok(())
    }

    /// The head of an answer with status 200; the rest stays.
    pub(crate) async fn head(&mut self) -> std::io::Result<usize> {
        loop {
            if let Some(end) = head_end(&self.buffer) {
                let good = self.buffer.starts_with(b"HTTP/1.1 200");
                let text = || String::from_utf8_lossy(&self.buffer).into_owned();
                return if good { Ok(end) } else { Err(std::io::Error::other(text())) };
            }
            self.more().await?;
        }
    }

    /// Calls `event` with the sending time of each chunk, until the stream ends.
    pub(crate) async fn chunks(&mut self, mut event: impl FnMut(u64)) -> std::io::Result<()> {
        let end = self.head().await?;
        self.buffer.drain(..end);
        loop {
            let mut used = 0;
            while let Some(at) = memchr::memmem::find(&self.buffer[used..], b"\"at\":") {
                let from = used + at + 5;
                let Some(digits) = self.buffer.get(from..from + 20) else { break };
                event(std::str::from_utf8(digits).ok().and_then(|text| text.parse().ok()).unwrap_or_default());
                used = from + 20;
            }
            if self.buffer[used..].ends_with(b"0\r\n\r\n") {
                self.buffer.clear();
                return Ok(());
            }
            self.buffer.drain(..used);
            self.more().await?;
        }
    }

    async fn more(&mut self) -> std::io::Result<()> {
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err(std::io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}
