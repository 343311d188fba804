//! The answer's body on its way to the client: observed once, never held. End, cut and hang-up all lead to one record.

use std::{
    collections::VecDeque,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Sleep};

use super::{attempt, exchange::Exchange};
use crate::{
    domain::{tokens::TokenReader, trace::Ending},
    upstream::AnswerBody,
};

/// What the server sends: our own words, or the upstream's as they come.
#[derive(Debug)]
pub(crate) enum ProxyBody {
    Whole(Option<Bytes>),
    Relay(Box<Relay>),
}

/// The upstream broke off, or a person did; the client must see a cut, never a clean end.
#[derive(Debug, thiserror::Error)]
#[error("the answer was broken off")]
pub(crate) struct Cut;

impl ProxyBody {
    pub(super) fn whole(bytes: Bytes) -> Self {
        Self::Whole(Some(bytes).filter(|bytes| !bytes.is_empty()))
    }
}

/// A body that is passed on chunk by chunk.
#[derive(Debug)]
pub(crate) struct Relay {
    /// What was looked at before the head went out.
    opening: VecDeque<Bytes>,
    inner: AnswerBody,
    exchange: Exchange,
    reader: TokenReader,
    /// Fires no later than the wait is over. It is set anew when it fires too early, not for each chunk: that costs.
    idle: Pin<Box<Sleep>>,
    /// Since when the upstream is waited for; a slow client is not its fault.
    waiting: Option<Instant>,
    idle_timeout: Duration,
    /// The answer to an upload, until it is whole: it names the file.
    upload: Option<Upload>,
    /// The upstream broke off.
    broken: bool,
}

/// Most of an upload's answer that is kept to read the file's id.
const UPLOAD_MAX: usize = 16 * 1024;

/// The answer to an upload as far as it has come.
#[derive(Debug)]
pub(super) struct Upload {
    headers: HeaderMap,
    bytes: Vec<u8>,
}

impl Upload {
    pub(super) fn new(headers: &HeaderMap) -> Self {
        Self { headers: headers.clone(), bytes: Vec::new() }
    }

    fn feed(&mut self, chunk: &[u8]) {
        if self.bytes.len() < UPLOAD_MAX {
            self.bytes.extend_from_slice(chunk);
        }
    }

    /// Its text, unpacked.
    fn text(self) -> Vec<u8> {
        attempt::decoded(&self.headers, &self.bytes).unwrap_or(self.bytes)
    }
}

impl Relay {
    pub(super) fn new(
        opening: VecDeque<Bytes>,
        inner: AnswerBody,
        mut exchange: Exchange,
        reader: TokenReader,
        idle_timeout: Duration,
        upload: Option<Upload>,
    ) -> Self {
        if opening.is_empty() && inner.is_end_stream() {
            exchange.end(Ending::Completed, reader.finish());
        }
        let idle = Box::pin(tokio::time::sleep(idle_timeout));
        Self { opening, inner, exchange, reader, idle, waiting: None, idle_timeout, upload, broken: false }
    }

    /// Ready when the upstream has been silent for too long.
    fn poll_silence(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let since = *self.waiting.get_or_insert_with(Instant::now);
        loop {
            ready!(self.idle.as_mut().poll(context));
            let end = since + self.idle_timeout;
            if Instant::now() >= end {
                return Poll::Ready(());
            }
            self.idle.as_mut().reset(end);
        }
    }

    fn observe(&mut self, chunk: &Bytes) {
        self.waiting = None;
        self.exchange.sent(chunk.len());
        self.reader.feed(chunk);
        if let Some(upload) = &mut self.upload {
            upload.feed(chunk);
        }
        // A server that knows the length stops asking here, and would never come to the end below.
        if self.is_over() {
            self.end();
        }
    }

    fn is_over(&self) -> bool {
        self.opening.is_empty() && self.inner.is_end_stream()
    }

    fn end(&mut self) {
        if let Some(upload) = self.upload.take() {
            self.exchange.uploaded(&upload.text());
        }
        let ending = if self.reader.saw_error_event() { Ending::ErrorEvent } else { Ending::Completed };
        self.exchange.end(ending, self.reader.finish());
    }

    fn cut(&mut self, ending: Ending) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        self.exchange.end(ending, self.reader.finish());
        Poll::Ready(Some(Err(Cut)))
    }
}

impl Drop for Relay {
    /// Dropped before its end: the client hung up. The exchange takes only the first ending.
    fn drop(&mut self) {
        self.exchange.end(Ending::ClientGone, self.reader.finish());
    }
}

impl Body for ProxyBody {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        let relay = match self.get_mut() {
            Self::Whole(bytes) => return Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Relay(relay) => relay,
        };
        if relay.exchange.is_cancelled() {
            return relay.cut(Ending::Cancelled);
        }
        if let Some(chunk) = relay.opening.pop_front() {
            relay.observe(&chunk);
            return Poll::Ready(Some(Ok(Frame::data(chunk))));
        }
        if relay.broken {
            return relay.cut(Ending::UpstreamCut);
        }
        loop {
            let Poll::Ready(frame) = Pin::new(&mut relay.inner).poll_frame(context) else {
                if relay.exchange.poll_cancelled(context) {
                    return relay.cut(Ending::Cancelled);
                }
                ready!(relay.poll_silence(context));
                return relay.cut(Ending::UpstreamCut);
            };
            match frame {
                None => {
                    relay.end();
                    return Poll::Ready(None);
                }
                Some(Err(_)) => {
                    // The server drops what it has not written yet; what came before the cut is the client's.
                    relay.broken = true;
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Some(Ok(frame)) => {
                    // Trailers end here: no client of this upstream reads any.
                    if let Ok(chunk) = frame.into_data() {
                        relay.observe(&chunk);
                        return Poll::Ready(Some(Ok(Frame::data(chunk))));
                    }
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.is_none(),
            Self::Relay(relay) => relay.is_over(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Self::Relay(relay) => {
                let taken: usize = relay.opening.iter().map(Bytes::len).sum();
                let rest = relay.inner.size_hint().exact();
                rest.map_or_else(SizeHint::default, |rest| SizeHint::with_exact(rest + taken as u64))
            }
        }
    }
}
