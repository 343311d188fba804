//! The kinds of a connection as one: plain, TLS, and one within this machine. Not what is said over it.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpStream, UnixStream},
};
use tokio_rustls::TlsStream;

/// A connection.
#[derive(Debug)]
pub(crate) enum Wire {
    Plain(TcpStream),
    /// A session is large, and kept connections are many.
    Tls(Box<TlsStream<TcpStream>>),
    /// Over the control socket.
    Local(UnixStream),
    #[cfg(test)]
    Memory(tokio::io::DuplexStream),
}

macro_rules! each {
    ($wire:expr, $stream:ident => $work:expr) => {
        match $wire {
            Wire::Plain($stream) => $work,
            Wire::Tls($stream) => $work,
            Wire::Local($stream) => $work,
            #[cfg(test)]
            Wire::Memory($stream) => $work,
        }
    };
}

impl AsyncRead for Wire {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        each!(self.get_mut(), stream => Pin::new(stream).poll_read(context, buffer))
    }
}

impl Wire {
    /// Reads some bytes; none = the other side has ended.
    pub(crate) fn poll_bytes(&mut self, context: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut buffer = ReadBuf::new(into);
        ready!(Pin::new(self).poll_read(context, &mut buffer))?;
        Poll::Ready(Ok(buffer.filled().len()))
    }

    /// Writes what it takes of these, in their order.
    pub(crate) fn poll_write(
        &mut self,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = match parts {
            [only] => ready!(each!(self, stream => Pin::new(stream).poll_write(context, only)))?,
            parts => ready!(each!(self, stream => Pin::new(stream).poll_write_vectored(context, parts)))?,
        };
        if written == 0 && parts.iter().any(|part| !part.is_empty()) {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        Poll::Ready(Ok(written))
    }

    /// Sends what a TLS session still holds.
    pub(crate) fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(_) | Self::Local(_) => Poll::Ready(Ok(())),
            other => each!(other, stream => Pin::new(stream).poll_flush(context)),
        }
    }

    /// Says that nothing more comes from here.
    pub(crate) fn poll_end(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, stream => Pin::new(stream).poll_shutdown(context))
    }
}
