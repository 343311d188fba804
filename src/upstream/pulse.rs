//! Connections that remember whether they were used before, and whether an answer has begun: a kept connection that dies
//! without a byte was most likely closed by the server while it idled. Not what follows from that (`upstream`).

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    task::{Context, Poll},
};

use http::{Extensions, Uri};
use hyper::rt::{Read, Write};
use hyper_util::{
    client::legacy::connect::{CaptureConnection, Connected, Connection},
    rt::TokioIo,
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tower_service::Service;

/// What is known of a connection; shared with whoever sent a request on it.
#[derive(Debug, Clone, Default)]
pub(super) struct Pulse(Arc<Marks>);

#[derive(Debug, Default)]
struct Marks {
    requests: AtomicU32,
    /// Bytes went out, and none has come since.
    silent: AtomicBool,
}

impl Pulse {
    /// The connection that a request went out on, counting it; `None` = none came about.
    pub(super) fn of(captured: &CaptureConnection) -> Option<Self> {
        let mut extras = Extensions::new();
        captured.connection_metadata().as_ref()?.get_extras(&mut extras);
        let pulse = extras.remove::<Self>()?;
        pulse.0.requests.fetch_add(1, Ordering::Relaxed);
        Some(pulse)
    }

    /// It had served a request before this one, and gave not a byte for this one.
    pub(super) fn died_idle(&self) -> bool {
        self.0.requests.load(Ordering::Relaxed) > 1 && self.0.silent.load(Ordering::Relaxed)
    }
}

/// Makes connections that carry a [`Pulse`].
#[derive(Debug, Clone)]
pub(super) struct Feeling<C>(pub(super) C);

impl<C> Service<Uri> for Feeling<C>
where
    C: Service<Uri>,
    C::Future: Send + 'static,
{
    type Response = TokioIo<Felt<C::Response>>;
    type Error = C::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, C::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), C::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connecting = self.0.call(uri);
        Box::pin(async move { Ok(TokioIo::new(Felt { io: TokioIo::new(connecting.await?), pulse: Pulse::default() })) })
    }
}

/// A connection with a [`Pulse`].
#[derive(Debug)]
pub(super) struct Felt<T> {
    io: TokioIo<T>,
    pulse: Pulse,
}

impl<T> Felt<T> {
    fn silent(&self, silent: bool) {
        self.pulse.0.silent.store(silent, Ordering::Relaxed);
    }
}

impl<T: Connection> Connection for Felt<T> {
    fn connected(&self) -> Connected {
        self.io.inner().connected().extra(self.pulse.clone())
    }
}

impl<T: Read + Unpin> AsyncRead for Felt<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.io).poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.silent(false);
        }
        read
    }
}

impl<T: Write + Unpin> AsyncWrite for Felt<T> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.silent(true);
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
        self.silent(true);
        Pin::new(&mut self.io).poll_write_vectored(context, slices)
    }
}
