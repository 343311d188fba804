//! Connections to a host, and the bodies that come over them. Not which connection is used (`pool`), nor what is said over
//! it (`http1`).

use std::{
    future::poll_fn,
    task::{Context, Poll, ready},
};

use http::uri::{Authority, Scheme};
use tokio::time::Instant;

use super::pool::Pool;
use crate::{
    domain::base_url::BaseUrl,
    http1::{AnswerHead, BadBody, Decoder, Framing, Server},
};

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
    pub(super) server: Server,
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
        self.keep &= ready!(link.server.poll_body(&mut self.decoder, context, take))?;
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
