//! A socket that remembers the head of the request just read, so that tests see headers in the wire's order and
//! spelling, which an HTTP library does not keep. Not a parser of more than that.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// A stream whose reads are listened to.
#[derive(Debug)]
pub(super) struct Tap {
    stream: TcpStream,
    heard: Heard,
}

/// What was read since the last request.
#[derive(Debug, Clone)]
pub(super) struct Heard(Arc<Mutex<Recording>>);

#[derive(Debug)]
struct Recording {
    bytes: Vec<u8>,
    /// Off while a body is read.
    on: bool,
}

impl Tap {
    pub(super) fn new(stream: TcpStream) -> (Self, Heard) {
        let heard = Heard(Arc::new(Mutex::new(Recording { bytes: Vec::new(), on: true })));
        (Self { stream, heard: heard.clone() }, heard)
    }

    pub(super) fn into_inner(self) -> TcpStream {
        self.stream
    }
}

impl Heard {
    /// The headers of the request whose head was just read; `None` when they were read ahead of it.
    pub(super) fn take_headers(&self) -> Option<Vec<(String, String)>> {
        let mut recording = self.recording();
        recording.on = false;
        parse(&std::mem::take(&mut recording.bytes))
    }

    /// The body has been read: the next request's head follows.
    pub(super) fn listen(&self) {
        self.recording().on = true;
    }

    fn recording(&self) -> MutexGuard<'_, Recording> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn parse(bytes: &[u8]) -> Option<Vec<(String, String)>> {
    let text = String::from_utf8_lossy(bytes);
    let (head, _) = text.split_once("\r\n\r\n")?;
    let fields = head.split("\r\n").skip(1).filter_map(|line| line.split_once(':'));
    Some(fields.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect())
}

impl AsyncRead for Tap {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buffer);
        let mut recording = self.heard.recording();
        if recording.on {
            recording.bytes.extend_from_slice(buffer.filled().get(before..).unwrap_or_default());
        }
        drop(recording);
        polled
    }
}

impl AsyncWrite for Tap {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
