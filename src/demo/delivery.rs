//! From a behaviour to an answer and the way in which it goes out. Pure; the waiting is done by `server` and `stream`.

use std::time::Duration;

use bytes::Bytes;

use super::{
    answers::{Call, Content, Reply},
    behaviour::Behaviour,
    gzip,
    stream::Pace,
};

/// An answer and its way out.
#[derive(Debug)]
pub(super) struct Delivery {
    pub(super) start: Start,
    pub(super) outcome: Outcome,
    pub(super) pace: Pace,
    /// After how many pieces the connection breaks.
    pub(super) cut_after: Option<usize>,
}

/// When the head goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// After this pause.
    After(Duration),
    /// With the next `Simulator::release`.
    Released,
    Never,
}

#[derive(Debug)]
pub(super) enum Outcome {
    Reply(Reply),
    /// Bytes instead of HTTP.
    Raw(Bytes),
}

/// How much longer the head takes than a piece of a stream.
const HEAD_PACES: u32 = 4;

impl Delivery {
    /// `healthy` is the answer while all is well.
    pub(super) fn plan(behaviour: Behaviour, pace: Duration, call: &Call, healthy: &dyn Fn() -> Reply) -> Self {
        let usual = Self::usual(pace);
        match behaviour {
            Behaviour::Healthy | Behaviour::Every { .. } => usual(healthy()),
            Behaviour::Refuse(refusal) => usual(call.refuse(&refusal)),
            Behaviour::ErrorIn200(refusal) if call.wants_stream() => {
                usual(Reply::events(vec![call.error_event(&refusal)]))
            }
            Behaviour::ErrorIn200(refusal) => usual(Reply { status: 200, ..call.refuse(&refusal) }),
            Behaviour::ErrorAfter { chunks, refusal } => {
                usual(break_down(healthy(), chunks, call.error_event(&refusal)))
            }
            Behaviour::EmptyStream => usual(Reply::events(Vec::new())),
            Behaviour::CutAfter { chunks } => Self { cut_after: Some(chunks), ..usual(healthy()) },
            Behaviour::HangBeforeHead => Self { start: Start::Never, ..usual(healthy()) },
            Behaviour::Held => Self { start: Start::Released, ..usual(healthy()) },
            Behaviour::Gated => Self { pace: Pace::Gated, ..usual(healthy()) },
            Behaviour::SlowStream { gap } => Self { pace: Pace::Every(gap), ..usual(healthy()) },
            Behaviour::Gzipped(inner) => Self::plan(*inner, pace, call, healthy).gzipped(),
            Behaviour::Redirect { location } => usual(Reply::redirect(location)),
            Behaviour::Raw(bytes) => Self { outcome: Outcome::Raw(bytes), ..usual(Reply::redirect(String::new())) },
        }
    }

    /// What a key's own pace makes of a reply.
    fn usual(pace: Duration) -> impl Fn(Reply) -> Self {
        move |reply| Self {
            start: Start::After(pace * HEAD_PACES),
            outcome: Outcome::Reply(reply),
            pace: if pace.is_zero() { Pace::AtOnce } else { Pace::Every(pace) },
            cut_after: None,
        }
    }

    fn gzipped(mut self) -> Self {
        if let Outcome::Reply(Reply { headers, content: Content::Whole(bytes), .. }) = &mut self.outcome {
            headers.push(("content-encoding", "gzip".to_owned()));
            *bytes = gzip::wrap(bytes).into();
        }
        self
    }
}

/// A stream that ends with an error event after some good ones.
fn break_down(mut reply: Reply, chunks: usize, event: Bytes) -> Reply {
    if let Content::Events(events) = &mut reply.content {
        events.truncate(chunks);
        events.push(event);
    }
    reply
}
