//! One connection to a host, driven by whoever uses it: no task of its own, so an answer wakes nobody but the request that
//! waits for it. Not which connection is used (`pool`).

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{
    Request, Response, Uri,
    uri::{Authority, Scheme},
};
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use hyper::{
    body::Incoming,
    client::conn::{
        TrySendError,
        http1::{self, Connection, SendRequest},
    },
};
use hyper_rustls::MaybeHttpsStream;
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, time::Instant};

use super::{
    nudge::Attendance,
    pool::Pool,
    socket::{Progress, Socket},
};

/// Most that is read at once, and the largest head of an answer.
const READ_MAX: usize = 64 * 1024;

/// What a connection reaches.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Host {
    scheme: Scheme,
    authority: Authority,
}

impl Host {
    pub(super) fn of(uri: &Uri) -> Option<Self> {
        Some(Self { scheme: uri.scheme()?.clone(), authority: uri.authority()?.clone() })
    }
}

pub(super) type Stream = MaybeHttpsStream<TokioIo<TcpStream>>;
type Io = TokioIo<Socket<Stream>>;

/// A connection, in use or kept.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) host: Host,
    /// Which flush of the pool it came after.
    pub(super) generation: u64,
    pub(super) idle_since: Instant,
    sender: SendRequest<Full<Bytes>>,
    /// None = it has ended.
    connection: Option<Box<Connection<Io, Full<Bytes>>>>,
    attendance: Attendance,
    progress: Progress,
    requests: u32,
}

impl Link {
    pub(super) async fn new(stream: Stream, host: Host, generation: u64) -> Result<Self, hyper::Error> {
        let progress = Progress::default();
        let io = TokioIo::new(Socket::new(stream, progress.clone()));
        let (sender, connection) =
            http1::Builder::new().preserve_header_case(true).max_buf_size(READ_MAX).handshake(io).await?;
        let (connection, idle_since) = (Some(Box::new(connection)), Instant::now());
        let attendance = Attendance::default();
        Ok(Self { host, generation, idle_since, sender, connection, attendance, progress, requests: 0 })
    }

    /// Sends a request and waits for the head of its answer; dropping the future, and the link, cancels it. An error with a
    /// message in it means that not a byte was sent.
    pub(super) async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, TrySendError<Request<Full<Bytes>>>> {
        self.requests += 1;
        self.progress.await_head();
        let mut answer = pin!(self.sender.try_send_request(request));
        let (connection, attendance) = (&mut self.connection, &mut self.attendance);
        let answer = poll_fn(|context| {
            attendance.poll(context, |context| {
                drive(connection, context);
                answer.as_mut().poll(context)
            })
        })
        .await;
        self.progress.head_came();
        answer
    }

    /// It had served a request before this one.
    pub(super) const fn was_kept(&self) -> bool {
        self.requests > 1
    }

    /// Not a byte has come since something was sent.
    pub(super) fn is_silent(&self) -> bool {
        self.progress.is_silent()
    }

    /// Whether it can take a request. Looks at the socket, and forgets whoever waited for it.
    pub(super) fn is_free(&mut self) -> bool {
        self.attendance.leave(|context| drive(&mut self.connection, context));
        self.connection.is_some() && self.sender.is_ready()
    }
}

fn drive(connection: &mut Option<Box<Connection<Io, Full<Bytes>>>>, context: &mut Context<'_>) {
    // How it ended is told to whoever waits for an answer.
    if connection.as_mut().is_some_and(|connection| Pin::new(connection).poll(context).is_ready()) {
        *connection = None;
    }
}

/// The body of an answer. Its connection is kept once it has come whole, and closed when it is dropped before.
#[derive(Debug)]
pub(crate) struct AnswerBody {
    inner: Incoming,
    link: Option<Link>,
    pool: Pool,
}

impl AnswerBody {
    pub(super) fn new(inner: Incoming, link: Link, pool: Pool) -> Self {
        let mut body = Self { inner, link: Some(link), pool };
        if body.inner.is_end_stream() {
            body.keep();
        }
        body
    }

    fn keep(&mut self) {
        if let Some(link) = self.link.take() {
            self.pool.keep(link);
        }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let Self { inner, link, .. } = &mut *self;
        let frame = match link {
            Some(Link { attendance, connection, .. }) => attendance.poll(context, |context| {
                drive(connection, context);
                Pin::new(&mut *inner).poll_frame(context)
            }),
            None => Pin::new(inner).poll_frame(context),
        };
        let frame = ready!(frame);
        match &frame {
            Some(Ok(_)) if !self.inner.is_end_stream() => {}
            Some(Err(_)) => self.link = None,
            Some(Ok(_)) | None => self.keep(),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
