//! A connection's bytes, which tell whether an answer has begun: a kept connection that dies without a byte was most likely
//! closed by the server while it idled, and one that sends without an end sends no head. Not what follows from that
//! (`upstream`).

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use hyper::rt::{Read, Write};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Most that may come before an answer's head: the interim answers, and the head itself.
const BEFORE_HEAD_MAX: usize = 1 << 20;

/// How far an exchange has come. Shared with whoever sends and waits.
#[derive(Debug, Clone, Default)]
pub(super) struct Progress(Arc<State>);

#[derive(Debug, Default)]
struct State {
    /// Bytes went out, and none has come since.
    silent: AtomicBool,
    head_awaited: AtomicBool,
    before_head: AtomicUsize,
}

impl Progress {
    pub(super) fn is_silent(&self) -> bool {
        self.0.silent.load(Ordering::Relaxed)
    }

    pub(super) fn await_head(&self) {
        self.0.before_head.store(0, Ordering::Relaxed);
        self.0.head_awaited.store(true, Ordering::Relaxed);
    }

    pub(super) fn head_came(&self) {
        self.0.head_awaited.store(false, Ordering::Relaxed);
    }

    fn sent(&self) {
        self.0.silent.store(true, Ordering::Relaxed);
    }

    fn came(&self, bytes: usize) -> io::Result<()> {
        self.0.silent.store(false, Ordering::Relaxed);
        let awaited = self.0.head_awaited.load(Ordering::Relaxed);
        if awaited && self.0.before_head.fetch_add(bytes, Ordering::Relaxed) + bytes > BEFORE_HEAD_MAX {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "interim answers without an end"));
        }
        Ok(())
    }
}

/// A stream that notes its [`Progress`].
#[derive(Debug)]
pub(super) struct Socket<T> {
    io: TokioIo<T>,
    progress: Progress,
}

impl<T> Socket<T> {
    pub(super) fn new(io: T, progress: Progress) -> Self {
        Self { io: TokioIo::new(io), progress }
    }
}

impl<T: Read + Unpin> AsyncRead for Socket<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.io).poll_read(context, buffer);
        let bytes = buffer.filled().len() - before;
        if bytes > 0 {
            self.progress.came(bytes)?;
        }
        read
    }
}

impl<T: Write + Unpin> AsyncWrite for Socket<T> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.progress.sent();
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.progress.sent();
        Pin::new(&mut self.io).poll_write_vectored(context, slices)
    }
}
