//! One connection to a host, driven by whoever uses it: no task of its own, so an answer wakes nobody but the request that
//! waits for it. Not which connection is used (`pool`).

use std::{
    future::poll_fn,
    io::{self, ErrorKind, IoSlice},
    task::{Context, Poll, Waker, ready},
    time::Duration,
};

use bytes::Bytes;
use http::uri::{Authority, Scheme};
use tokio::time::Instant;

use super::{Call, pool::Pool};
use crate::{
    domain::base_url::BaseUrl,
    http1::{AnswerHead, BadBody, Decoder, Framing, Patience, Wire, with_scratch},
};

/// Most that may come before an answer's head: the interim answers, and the head itself.
const BEFORE_HEAD_MAX: usize = 1 << 20;

/// What a connection reaches.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Host {
    scheme: Scheme,
    authority: Authority,
}

impl Host {
    pub(super) fn of(base: &BaseUrl) -> Self {
        let (scheme, authority) = base.place();
        Self { scheme: scheme.clone(), authority: authority.clone() }
    }
}

/// A connection, in use or kept.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) host: Host,
    /// Which flush of the pool it came after.
    pub(super) generation: u64,
    pub(super) idle_since: Instant,
    wire: Wire,
    request: Outgoing,
    /// What came and is not used yet.
    incoming: Vec<u8>,
    /// Bytes that came since a request was sent, until its answer's head.
    came: usize,
    requests: u32,
    patience: Patience,
}

/// A request on its way out. An answer may come before all of it has gone.
#[derive(Debug, Default)]
struct Outgoing {
    head: Bytes,
    body: Bytes,
    gone: usize,
    /// It can't go on.
    fault: Option<io::Error>,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum LinkFault {
    Late,
    /// The connection ended.
    Cut(io::Error),
    /// What came is no answer.
    Unfit(String),
}

impl Link {
    pub(super) fn new(wire: Wire, host: Host, generation: u64) -> Self {
        Self {
            host,
            generation,
            idle_since: Instant::now(),
            wire,
            request: Outgoing::default(),
            incoming: Vec::new(),
            came: 0,
            requests: 0,
            patience: Patience::default(),
        }
    }

    /// Sends a request and waits for the head of its answer, for `span`; dropping the future, and the link, cancels it.
    pub(super) async fn send(&mut self, call: &Call, span: Duration) -> Result<AnswerHead, LinkFault> {
        self.requests += 1;
        self.came = 0;
        self.request = Outgoing { head: call.head.clone(), body: call.body.clone(), ..Outgoing::default() };
        self.patience.begin(span);
        let head = poll_fn(|context| {
            self.request.poll_go(&mut self.wire, context);
            if let Poll::Ready(head) = self.poll_head(call.to_head, context) {
                return Poll::Ready(head);
            }
            self.patience.poll(context).map(|()| Err(LinkFault::Late))
        })
        .await;
        self.patience.end();
        head
    }

    /// It had served a request before this one.
    pub(super) const fn was_kept(&self) -> bool {
        self.requests > 1
    }

    /// Not a byte has come since a request was sent.
    pub(super) const fn is_silent(&self) -> bool {
        self.came == 0
    }

    /// Not a byte of the request has gone.
    pub(super) const fn is_unsent(&self) -> bool {
        self.request.gone == 0
    }

    /// Whether it can take a request: all of the last one has gone, and nothing has come since its answer, an end neither.
    /// Whoever waited for it is forgotten.
    pub(super) fn is_free(&mut self) -> bool {
        let mut byte = [0];
        let context = &mut Context::from_waker(Waker::noop());
        self.request.is_gone() && self.incoming.is_empty() && self.wire.poll_bytes(context, &mut byte).is_pending()
    }

    fn poll_head(&mut self, to_head: bool, context: &mut Context<'_>) -> Poll<Result<AnswerHead, LinkFault>> {
        loop {
            let head = with_scratch(|buffer| {
                let count = match ready!(self.wire.poll_bytes(context, buffer)) {
                    Ok(count @ 1..) => count,
                    // Why it could not be sent says more than that nothing came.
                    Ok(_) => {
                        return Poll::Ready(Err(self
                            .request
                            .fault
                            .take()
                            .unwrap_or(ErrorKind::UnexpectedEof.into())
                            .into()));
                    }
                    Err(error) => return Poll::Ready(Err(error.into())),
                };
                self.came += count;
                if self.came > BEFORE_HEAD_MAX {
                    return Poll::Ready(Err(LinkFault::Unfit("interim answers without an end".to_owned())));
                }
                if self.incoming.is_empty() {
                    return Poll::Ready(self.take_head(&buffer[..count], to_head));
                }
                let mut seen = std::mem::take(&mut self.incoming);
                seen.extend_from_slice(&buffer[..count]);
                Poll::Ready(self.take_head(&seen, to_head))
            });
            if let Some(head) = ready!(head)? {
                return Poll::Ready(Ok(head));
            }
        }
    }

    /// The head of the final answer, if it is there; what is not used is kept.
    fn take_head(&mut self, mut seen: &[u8], to_head: bool) -> Result<Option<AnswerHead>, LinkFault> {
        let mut found = None;
        while found.is_none() {
            let parsed = AnswerHead::parse(seen, to_head).map_err(LinkFault::Unfit)?;
            let Some((head, length)) = parsed else { break };
            seen = &seen[length..];
            match head.status.as_u16() {
                101 => return Err(LinkFault::Unfit("an interim answer in place of a final one".to_owned())),
                100..200 => {}
                _ => found = Some(head),
            }
        }
        self.incoming = seen.to_vec();
        Ok(found)
    }
}

impl From<io::Error> for LinkFault {
    fn from(error: io::Error) -> Self {
        Self::Cut(error)
    }
}

impl Outgoing {
    const fn is_gone(&self) -> bool {
        self.gone == self.head.len() + self.body.len()
    }

    /// Sends on, as far as the other side takes it. A fault is kept: an answer may be there that says why.
    fn poll_go(&mut self, wire: &mut Wire, context: &mut Context<'_>) {
        while !self.is_gone() && self.fault.is_none() {
            let head = &self.head[self.gone.min(self.head.len())..];
            let body = &self.body[self.gone.saturating_sub(self.head.len())..];
            let both = [IoSlice::new(head), IoSlice::new(body)];
            let parts = match (head.is_empty(), body.is_empty()) {
                (true, _) => &both[1..],
                (false, true) => &both[..1],
                (false, false) => &both[..],
            };
            match wire.poll_write(context, parts) {
                Poll::Ready(Ok(count)) => self.gone += count,
                Poll::Ready(Err(error)) => self.fault = Some(error),
                Poll::Pending => return,
            }
        }
        if let (true, None, Poll::Ready(Err(error))) = (self.is_gone(), &self.fault, wire.poll_flush(context)) {
            self.fault = Some(error);
        }
    }
}

/// The body of an answer. Its connection is kept once it has come whole, and closed when it is dropped before.
#[derive(Debug)]
pub(crate) struct AnswerBody {
    framing: Framing,
    decoder: Decoder,
    /// The head said nothing against it.
    keep: bool,
    /// None = the body is whole.
    link: Option<Link>,
    pool: Pool,
}

impl AnswerBody {
    pub(super) fn new(head: &AnswerHead, link: Link, pool: Pool) -> Self {
        let decoder = Decoder::new(head.framing);
        let mut body = Self { framing: head.framing, decoder, keep: head.keep, link: Some(link), pool };
        body.keep_if_over();
        body
    }

    /// How it is framed on this side.
    pub(crate) const fn framing(&self) -> Framing {
        self.framing
    }

    /// It has come whole.
    pub(crate) const fn is_over(&self) -> bool {
        self.link.is_none()
    }

    /// Ready when something of it was given to `take`, or it is over.
    pub(crate) fn poll_data(
        &mut self,
        context: &mut Context<'_>,
        take: &mut dyn FnMut(&[u8], &mut Context<'_>),
    ) -> Poll<Result<(), BadBody>> {
        let Some(link) = &mut self.link else { return Poll::Ready(Ok(())) };
        link.request.poll_go(&mut link.wire, context);
        if link.incoming.is_empty() {
            let decoder = &mut self.decoder;
            let came = with_scratch(|buffer| {
                let Ok(count) = ready!(link.wire.poll_bytes(context, buffer)) else { return Poll::Ready(Err(BadBody)) };
                if count == 0 {
                    self.keep = false;
                    return Poll::Ready(decoder.end());
                }
                let used = decoder.decode(&buffer[..count], &mut |data| take(data, context))?;
                // Nobody asked for what comes behind.
                self.keep &= used == count;
                Poll::Ready(Ok(()))
            });
            ready!(came)?;
        } else {
            let came = std::mem::take(&mut link.incoming);
            let used = self.decoder.decode(&came, &mut |data| take(data, context))?;
            self.keep &= used == came.len();
        }
        self.keep_if_over();
        Poll::Ready(Ok(()))
    }

    /// All of it.
    ///
    /// # Errors
    /// When it breaks off, or is longer than `most` bytes.
    pub(crate) async fn collect(mut self, most: usize) -> Result<Vec<u8>, BadBody> {
        let mut whole = Vec::new();
        while !self.is_over() {
            poll_fn(|context| self.poll_data(context, &mut |data, _| whole.extend_from_slice(data))).await?;
            if whole.len() > most {
                return Err(BadBody);
            }
        }
        Ok(whole)
    }

    fn keep_if_over(&mut self) {
        if !self.decoder.is_over() {
            return;
        }
        if let Some(link) = self.link.take().filter(|_| self.keep) {
            self.pool.keep(link);
        }
    }
}
