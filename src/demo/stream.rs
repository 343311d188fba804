//! The body of an answer on its way: in one piece, or piece by piece at a pace, or cut. Not what it says (`answers`).

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use http_body::{Body, Frame, SizeHint};

use super::{
    log::{Ended, Ticket},
    state::{Seat, Shared},
};

/// When a piece may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    AtOnce,
    Every(Duration),
    Gated,
}

/// The simulator breaks the connection off.
#[derive(Debug, thiserror::Error)]
#[error("cut short, as told")]
pub(super) struct Cut;

type Pieces = Pin<Box<dyn Stream<Item = Result<Bytes, Cut>> + Send>>;

/// An answer's body. It settles its request in the log, whichever way it ends.
pub(super) struct AnswerBody {
    content: Content,
    /// Given back when the answer ends, before the log says so: tests go on from there.
    seat: Option<Seat>,
    ticket: Ticket,
}

enum Content {
    /// `None` when it has gone.
    Whole(Option<Bytes>),
    Pieces(Pieces),
}

impl AnswerBody {
    pub(super) fn whole(bytes: Bytes, ticket: Ticket, seat: Option<Seat>) -> Self {
        let bytes = Some(bytes).filter(|bytes| !bytes.is_empty());
        let mut body = Self { content: Content::Whole(bytes), seat, ticket };
        if body.is_end_stream() {
            // hyper does not ask for a body that is known to be empty.
            body.settle(Ended::Completed);
        }
        body
    }

    pub(super) fn pieces(pieces: Pieces, ticket: Ticket, seat: Option<Seat>) -> Self {
        Self { content: Content::Pieces(pieces), seat, ticket }
    }

    fn settle(&mut self, ended: Ended) {
        self.seat = None;
        self.ticket.end(ended);
    }
}

/// `pieces` one by one at their pace, then the end, or the break.
pub(super) fn paced(pieces: Vec<Bytes>, pace: Pace, cut: bool, shared: Arc<Shared>) -> Pieces {
    let pieces = stream::iter(pieces).then(move |piece| {
        let shared = Arc::clone(&shared);
        async move {
            wait(pace, &shared).await;
            Ok(piece)
        }
    });
    let end = stream::iter(cut.then_some(())).then(|()| async {
        // hyper writes out what it has when a body is not ready, so that the break comes after the last piece.
        tokio::task::yield_now().await;
        Err(Cut)
    });
    Box::pin(pieces.chain(end))
}

async fn wait(pace: Pace, shared: &Shared) {
    match pace {
        Pace::AtOnce => {}
        Pace::Every(gap) => tokio::time::sleep(gap).await,
        Pace::Gated => pass_gate(shared).await,
    }
}

/// Waits for one `Simulator::release`.
pub(super) async fn pass_gate(shared: &Shared) {
    if let Ok(permit) = shared.gate.acquire().await {
        permit.forget();
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        let next = match &mut self.content {
            Content::Whole(bytes) => bytes.take().map(Ok),
            Content::Pieces(pieces) => match pieces.as_mut().poll_next(cx) {
                Poll::Ready(next) => next,
                Poll::Pending => return Poll::Pending,
            },
        };
        match &next {
            None => self.settle(Ended::Completed),
            Some(Err(Cut)) => self.settle(Ended::CutShort),
            Some(Ok(_)) if self.is_end_stream() => self.settle(Ended::Completed),
            Some(Ok(_)) => {}
        }
        Poll::Ready(next.map(|piece| piece.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.content, Content::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Content::Pieces(_) => SizeHint::default(),
        }
    }
}

impl fmt::Debug for AnswerBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnswerBody").field("ticket", &self.ticket).finish_non_exhaustive()
    }
}
