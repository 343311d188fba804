//! The answer's body on its way to the client: observed once, never held. End, cut and hang-up all lead to one record.

use std::{
    future::poll_fn,
    task::{Context, Poll, ready},
    time::Duration,
};

use http::StatusCode;

use super::{Next, attempt, exchange::Exchange};
use crate::{
    domain::{tokens::TokenReader, trace::Ending},
    http1::{Asked, Client, Fields, Lines, Patience},
    upstream::AnswerBody,
};

/// A good answer on its way.
#[derive(Debug)]
pub(super) struct Relay {
    pub(super) status: StatusCode,
    /// The head's, as the client may see them.
    pub(super) lines: Lines,
    /// What was looked at before the head went out.
    pub(super) opening: Vec<u8>,
    pub(super) body: AnswerBody,
    pub(super) watched: Watched,
    /// The upstream may be silent for so long.
    pub(super) idle_timeout: Duration,
}

/// What is noted of a body as it passes.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) exchange: Exchange,
    pub(super) reader: TokenReader,
    /// The answer to an upload, until it is whole: it names the file.
    pub(super) upload: Option<Upload>,
}

/// Most of an upload's answer that is kept to read the file's id.
const UPLOAD_MAX: usize = 16 * 1024;

/// The answer to an upload as far as it has come.
#[derive(Debug)]
pub(super) struct Upload {
    coding: Option<Vec<u8>>,
    bytes: Vec<u8>,
}

/// How a relay has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Whole,
    /// The upstream broke off, or a person did, or the client has left: a client must see a cut, never a clean end.
    Cut,
}

impl Upload {
    pub(super) fn new(fields: &Fields) -> Self {
        Self { coding: fields.get("content-encoding").map(<[u8]>::to_vec), bytes: Vec::new() }
    }

    fn feed(&mut self, chunk: &[u8]) {
        if self.bytes.len() < UPLOAD_MAX {
            self.bytes.extend_from_slice(chunk);
        }
    }

    /// Its text, unpacked.
    fn text(self) -> Vec<u8> {
        attempt::decoded(self.coding.as_deref(), &self.bytes).unwrap_or(self.bytes)
    }
}

impl Watched {
    fn observe(&mut self, chunk: &[u8]) {
        self.exchange.sent(chunk.len());
        self.reader.feed(chunk);
        if let Some(upload) = &mut self.upload {
            upload.feed(chunk);
        }
    }

    fn whole(&mut self) {
        if let Some(upload) = self.upload.take() {
            self.exchange.uploaded(&upload.text());
        }
        let ending = if self.reader.saw_error_event() { Ending::ErrorEvent } else { Ending::Completed };
        self.exchange.end(ending, self.reader.finish());
    }

    fn cut(&mut self, ending: Ending) -> End {
        self.exchange.end(ending, self.reader.finish());
        End::Cut
    }
}

impl Drop for Watched {
    /// Dropped before its end: the client hung up. The exchange takes only the first ending.
    fn drop(&mut self) {
        self.exchange.end(Ending::ClientGone, self.reader.finish());
    }
}

impl Relay {
    /// Hands it on as it comes.
    pub(super) async fn send(mut self: Box<Self>, client: &mut Client, asked: &Asked) -> Next {
        let lines = std::mem::take(&mut self.lines);
        let keep = client.put_head(self.status, &lines, self.body.framing(), asked);
        drop(lines);
        let opening = std::mem::take(&mut self.opening);
        if !opening.is_empty() {
            self.watched.observe(&opening);
            poll_fn(|context| {
                client.put(&opening, context);
                Poll::Ready(())
            })
            .await;
        }
        drop(opening);
        let (mut silence, mut over) = (Patience::default(), None);
        let end = poll_fn(|context| self.poll(client, &mut silence, &mut over, context)).await;
        match end {
            End::Whole if keep => Next::Request,
            End::Whole => Next::End { still_sends: false },
            End::Cut => Next::Cut,
        }
    }

    /// A piece is read when the last one has gone: a slow client holds the upstream back, and nothing is heaped up here.
    /// `over`: how the body has ended, of which something may still be to go.
    fn poll(
        &mut self,
        client: &mut Client,
        silence: &mut Patience,
        over: &mut Option<End>,
        context: &mut Context<'_>,
    ) -> Poll<End> {
        loop {
            if over.is_none() && self.body.is_over() {
                *over = Some(End::Whole);
                client.put_end();
            }
            match (client.poll_flush(context), *over) {
                (Poll::Ready(Ok(())), Some(end)) => {
                    // The client has all of it; what it leaves behind need not be waited for.
                    self.settle(end);
                    return Poll::Ready(end);
                }
                (Poll::Ready(Ok(())), None) => {}
                (Poll::Ready(Err(_)), _) => return Poll::Ready(self.watched.cut(Ending::ClientGone)),
                (Poll::Pending, end) => {
                    // A client that takes its time holds no key.
                    end.into_iter().for_each(|end| self.settle(end));
                    return self.poll_ended(client, context);
                }
            }
            if self.watched.exchange.is_cancelled() {
                return Poll::Ready(self.watched.cut(Ending::Cancelled));
            }
            let Self { body, watched, .. } = self;
            let came = body.poll_data(context, &mut |data, context| {
                watched.observe(data);
                client.put(data, context);
            });
            match came {
                Poll::Ready(Ok(())) => silence.end(),
                // What came before the cut is the client's.
                Poll::Ready(Err(_)) => *over = Some(self.watched.cut(Ending::UpstreamCut)),
                Poll::Pending => {
                    if let Poll::Ready(end) = self.poll_ended(client, context) {
                        return Poll::Ready(end);
                    }
                    silence.begin(self.idle_timeout);
                    ready!(silence.poll(context));
                    return Poll::Ready(self.watched.cut(Ending::UpstreamCut));
                }
            }
        }
    }

    fn settle(&mut self, end: End) {
        if end == End::Whole {
            self.watched.whole();
        }
    }

    /// Ready when the client has left, or a person has ended it.
    fn poll_ended(&mut self, client: &mut Client, context: &mut Context<'_>) -> Poll<End> {
        if client.poll_gone(context).is_ready() {
            return Poll::Ready(self.watched.cut(Ending::ClientGone));
        }
        if self.watched.exchange.poll_cancelled(context) {
            return Poll::Ready(self.watched.cut(Ending::Cancelled));
        }
        Poll::Pending
    }
}
