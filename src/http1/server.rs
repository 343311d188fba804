//! A server's end of a connection: requests go out, answers come in, one after another. It is driven by whoever uses it: no
//! task of its own, so an answer wakes nobody but the request that waits for it. Not which connection is used (`upstream`).

use std::{
    future::{Future, poll_fn},
    io::{self, ErrorKind, IoSlice},
    pin::pin,
    task::{Context, Poll, Waker, ready},
    time::Duration,
};

use bytes::{Buf, Bytes};
use tokio::task::coop::unconstrained;

use super::{
    answer::AnswerHead,
    framing::{BadBody, Decoder},
    patience::Patience,
    scratch::with_scratch,
    wire::Wire,
};

/// Most that may come before an answer's head: the interim answers, and the head itself.
const BEFORE_HEAD_MAX: usize = 1 << 20;

/// A connection with a server.
#[derive(Debug)]
pub(crate) struct Server {
    wire: Wire,
    request: Outgoing,
    /// What came and is not used yet.
    incoming: Vec<u8>,
    /// Bytes that came since a request was sent, until its answer's head.
    came: usize,
    requests: u32,
    patience: Patience,
}

/// A request as it goes over the wire.
pub(crate) struct Call {
    /// From the request line to the empty one.
    pub(crate) head: Bytes,
    pub(crate) body: Bytes,
    /// HEAD is asked: the answer has no body.
    pub(crate) to_head: bool,
}

/// A request on its way out. An answer may come before all of it has gone.
#[derive(Debug, Default)]
struct Outgoing {
    /// What of it is still to go. Nothing is held of what has gone: answers last, and so do kept connections.
    head: Bytes,
    body: Bytes,
    /// Bytes that have gone.
    gone: usize,
    /// It can't go on.
    fault: Option<io::Error>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AnswerFault {
    #[error("no answer in time")]
    Late,
    /// The connection ended.
    #[error("{0}")]
    Cut(io::Error),
    /// What came is no answer.
    #[error("{0}")]
    Unfit(String),
}

impl std::fmt::Debug for Call {
    /// Not its head: the key is in it.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Call").field("body", &self.body.len()).finish_non_exhaustive()
    }
}

impl Server {
    pub(crate) fn new(wire: Wire) -> Self {
        Self {
            wire,
            request: Outgoing::default(),
            incoming: Vec::new(),
            came: 0,
            requests: 0,
            patience: Patience::default(),
        }
    }

    /// Sends a request and waits for the head of its answer, for `span`; dropping the future, and the connection, cancels it.
    pub(crate) async fn send(&mut self, call: &Call, span: Duration) -> Result<AnswerHead, AnswerFault> {
        self.requests += 1;
        self.came = 0;
        self.request = Outgoing { head: call.head.clone(), body: call.body.clone(), ..Outgoing::default() };
        self.patience.begin(span);
        let head = poll_fn(|context| {
            self.request.poll_go(&mut self.wire, context);
            if let Poll::Ready(head) = self.poll_head(call.to_head, context) {
                return Poll::Ready(head);
            }
            self.patience.poll(context).map(|()| Err(AnswerFault::Late))
        })
        .await;
        self.patience.end();
        head
    }

    /// It had served a request before this one.
    pub(crate) const fn was_kept(&self) -> bool {
        self.requests > 1
    }

    /// Not a byte has come since a request was sent.
    pub(crate) const fn is_silent(&self) -> bool {
        self.came == 0
    }

    /// Not a byte of the request has gone.
    pub(crate) const fn is_unsent(&self) -> bool {
        self.request.gone == 0
    }

    /// Whether it can take a request: all of the last one has gone, and nothing has come since its answer, an end neither.
    /// Whoever waited for it is forgotten.
    pub(crate) fn is_free(&mut self) -> bool {
        if !self.request.is_gone() || !self.incoming.is_empty() {
            return false;
        }
        let (mut byte, context) = ([0], &mut Context::from_waker(Waker::noop()));
        // A task that has done much in one go would be told that nothing is there.
        let come = unconstrained(poll_fn(|context| self.wire.poll_bytes(context, &mut byte)));
        pin!(come).poll(context).is_pending()
    }

    /// Ready when something of an answer's body was given to `take`, or it is over. The answer is whether the connection may
    /// still be used once more.
    pub(crate) fn poll_body(
        &mut self,
        decoder: &mut Decoder,
        context: &mut Context<'_>,
        take: &mut dyn FnMut(&[u8], &mut Context<'_>),
    ) -> Poll<Result<bool, BadBody>> {
        self.request.poll_go(&mut self.wire, context);
        if !self.incoming.is_empty() {
            let came = std::mem::take(&mut self.incoming);
            let used = decoder.decode(&came, &mut |data| take(data, context))?;
            return Poll::Ready(Ok(used == came.len()));
        }
        with_scratch(|buffer| {
            let Ok(count) = ready!(self.wire.poll_bytes(context, buffer)) else { return Poll::Ready(Err(BadBody)) };
            if count == 0 {
                return Poll::Ready(decoder.end().map(|()| false));
            }
            let used = decoder.decode(&buffer[..count], &mut |data| take(data, context))?;
            // Nobody asked for what comes behind.
            Poll::Ready(Ok(used == count))
        })
    }

    fn poll_head(&mut self, to_head: bool, context: &mut Context<'_>) -> Poll<Result<AnswerHead, AnswerFault>> {
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
                    return Poll::Ready(Err(AnswerFault::Unfit("interim answers without an end".to_owned())));
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
    fn take_head(&mut self, mut seen: &[u8], to_head: bool) -> Result<Option<AnswerHead>, AnswerFault> {
        let mut found = None;
        while found.is_none() {
            let parsed = AnswerHead::parse(seen, to_head).map_err(AnswerFault::Unfit)?;
            let Some((head, length)) = parsed else { break };
            seen = &seen[length..];
            match head.status.as_u16() {
                101 => return Err(AnswerFault::Unfit("an interim answer in place of a final one".to_owned())),
                100..200 => {}
                _ => found = Some(head),
            }
        }
        self.incoming = seen.to_vec();
        Ok(found)
    }
}

impl AnswerFault {
    /// Whether the connection ended, as opposed to an answer that makes no sense.
    pub(crate) fn is_cut(&self) -> bool {
        use ErrorKind as Kind;
        let Self::Cut(error) = self else { return false };
        matches!(
            error.kind(),
            Kind::ConnectionReset | Kind::ConnectionAborted | Kind::BrokenPipe | Kind::UnexpectedEof | Kind::WriteZero
        )
    }
}

impl From<io::Error> for AnswerFault {
    fn from(error: io::Error) -> Self {
        Self::Cut(error)
    }
}

impl Outgoing {
    const fn is_gone(&self) -> bool {
        self.head.is_empty() && self.body.is_empty()
    }

    fn has_gone(&mut self, count: usize) {
        self.gone += count;
        let of_head = count.min(self.head.len());
        self.head.advance(of_head);
        self.body.advance(count - of_head);
        if self.is_gone() {
            (self.head, self.body) = (Bytes::new(), Bytes::new());
        }
    }

    /// Sends on, as far as the other side takes it. A fault is kept: an answer may be there that says why.
    fn poll_go(&mut self, wire: &mut Wire, context: &mut Context<'_>) {
        while !self.is_gone() && self.fault.is_none() {
            let both = [IoSlice::new(&self.head), IoSlice::new(&self.body)];
            let parts = match (self.head.is_empty(), self.body.is_empty()) {
                (true, _) => &both[1..],
                (false, true) => &both[..1],
                (false, false) => &both[..],
            };
            match wire.poll_write(context, parts) {
                Poll::Ready(Ok(count)) => self.has_gone(count),
                Poll::Ready(Err(error)) => self.fault = Some(error),
                Poll::Pending => return,
            }
        }
        if let (true, None, Poll::Ready(Err(error))) = (self.is_gone(), &self.fault, wire.poll_flush(context)) {
            self.fault = Some(error);
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::{io::duplex, task::coop};

    use super::*;

    #[tokio::test]
    async fn an_end_is_seen_by_a_task_that_has_done_much_too() {
        poll_fn(|context| {
            while coop::has_budget_remaining() {
                assert!(pin!(coop::consume_budget()).poll(context).is_ready());
            }
            let (far, near) = duplex(1);
            let mut server = Server::new(Wire::Memory(near));
            assert!(server.is_free());
            drop(far);
            assert!(!server.is_free());
            Poll::Ready(())
        })
        .await;
    }
}
