//! A connection's bytes, which tell whether an answer has begun: a kept connection that dies without a byte was most likely
//! closed by the server while it idled. Not what follows from that (`upstream`).

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use hyper::rt::{Read, Write};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes went out, and none has come since. Shared with whoever sent them.
#[derive(Debug, Clone, Default)]
pub(super) struct Silence(Arc<AtomicBool>);

impl Silence {
    pub(super) fn lasts(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    fn set(&self, silent: bool) {
        self.0.store(silent, Ordering::Relaxed);
    }
}

/// A stream that notes its [`Silence`].
#[derive(Debug)]
pub(super) struct Socket<T> {
    io: TokioIo<T>,
    silence: Silence,
}

impl<T> Socket<T> {
    pub(super) fn new(io: T, silence: Silence) -> Self {
        Self { io: TokioIo::new(io), silence }
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
        if buffer.filled().len() > before {
            self.silence.set(false);
        }
        read
    }
}

impl<T: Write + Unpin> AsyncWrite for Socket<T> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.silence.set(true);
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
        self.silence.set(true);
        Pin::new(&mut self.io).poll_write_vectored(context, slices)
    }
}
