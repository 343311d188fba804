//! Reading a request's body: whole, once, within a limit, with all bodies together within a budget. Failover needs it whole.

use std::{sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use http::StatusCode;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::answers::Refusal;
use crate::http1::{BodyFault, Client, Decoder, Framing, RequestHead};

/// How many bodies of the largest size may be held at once.
const BODIES: usize = 8;
/// The budget is counted in this many bytes.
const UNIT: usize = 1024;
/// A client has this long between two pieces of its body.
const STALL: Duration = Duration::from_secs(60);
/// A body waits this long for room.
const ROOM_WAIT: Duration = Duration::from_secs(30);

/// Memory for request bodies, shared by all requests; clones share it.
#[derive(Debug, Clone)]
pub(super) struct Budget {
    room: Arc<Semaphore>,
    max_body: usize,
}

/// A body and its share of the budget, given back when dropped.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) bytes: Bytes,
    _share: Option<OwnedSemaphorePermit>,
}

/// Why there is no body.
#[derive(Debug)]
pub(super) enum NoBody {
    /// And nobody any more who could be told.
    Gone,
    Refused(Box<Refusal>),
}

impl Budget {
    pub(super) fn new(max_body: usize) -> Self {
        let units = units(max_body).saturating_mul(BODIES).min(Semaphore::MAX_PERMITS);
        Self { room: Arc::new(Semaphore::new(units)), max_body }
    }

    /// Reads a body. What announces its length reserves it first, so that a crowd of large ones queues instead of swelling.
    pub(super) async fn read(&self, client: &mut Client, head: &RequestHead) -> Result<Held, NoBody> {
        match head.framing {
            // No request ends with its connection.
            Framing::None | Framing::UntilEnd => Ok(Held { bytes: Bytes::new(), _share: None }),
            Framing::Length(length) => {
                let length = usize::try_from(length).unwrap_or(usize::MAX);
                if length > self.max_body {
                    return Err(self.too_large());
                }
                let share = self.reserve(length).await?;
                let mut bytes = BytesMut::with_capacity(length);
                allow(client, head).await?;
                let mut left = length;
                while left > 0 {
                    left = client.read_length(&mut bytes, left, STALL).await?;
                }
                Ok(Held { bytes: bytes.freeze(), _share: share })
            }
            Framing::Chunked => self.read_chunks(client, head).await,
        }
    }

    async fn read_chunks(&self, client: &mut Client, head: &RequestHead) -> Result<Held, NoBody> {
        let (mut bytes, mut share) = (Vec::new(), None);
        let mut decoder = Decoder::new(head.framing);
        allow(client, head).await?;
        while !decoder.is_over() {
            let before = bytes.len();
            client.read_framed(&mut bytes, &mut decoder, STALL).await?;
            if bytes.len() > self.max_body {
                return Err(self.too_large());
            }
            let reserved = share.as_ref().map_or(0, OwnedSemaphorePermit::num_permits) * UNIT;
            if bytes.len() > reserved {
                merge(&mut share, self.reserve(bytes.len() - before).await?);
            }
        }
        Ok(Held { bytes: bytes.into(), _share: share })
    }

    async fn reserve(&self, bytes: usize) -> Result<Option<OwnedSemaphorePermit>, NoBody> {
        if bytes == 0 {
            return Ok(None);
        }
        let units = u32::try_from(units(bytes)).unwrap_or(u32::MAX);
        if let Ok(permit) = self.room.clone().try_acquire_many_owned(units) {
            return Ok(Some(permit));
        }
        match tokio::time::timeout(ROOM_WAIT, self.room.clone().acquire_many_owned(units)).await {
            Ok(Ok(permit)) => Ok(Some(permit)),
            _ => Err(Refusal::of_request(
                StatusCode::SERVICE_UNAVAILABLE,
                "bodies_too_many",
                "Too many large request bodies at once",
                "Try again shortly; KMI_PROXY_MAX_BODY_MB sets how much memory bodies may take.",
            )
            .into()),
        }
    }

    fn too_large(&self) -> NoBody {
        Refusal::of_request(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body_too_large",
            &format!("The request body is larger than {} MB", self.max_body / (1024 * 1024)),
            "The limit is KMI_PROXY_MAX_BODY_MB.",
        )
        .into()
    }
}

fn merge(share: &mut Option<OwnedSemaphorePermit>, more: Option<OwnedSemaphorePermit>) {
    match (share.as_mut(), more) {
        (Some(share), Some(more)) => share.merge(more),
        (None, more) => *share = more,
        (Some(_), None) => {}
    }
}

const fn units(bytes: usize) -> usize {
    bytes.div_ceil(UNIT)
}

/// A client that waits for leave to send its body gets it.
async fn allow(client: &mut Client, head: &RequestHead) -> Result<(), NoBody> {
    if head.expects_continue {
        client.put_continue();
        client.flush().await.map_err(|_| NoBody::Gone)?;
    }
    Ok(())
}

impl From<Refusal> for NoBody {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Box::new(refusal))
    }
}

impl From<BodyFault> for NoBody {
    fn from(fault: BodyFault) -> Self {
        let (status, code, message) = match fault {
            BodyFault::Gone => return Self::Gone,
            BodyFault::Stalled => (StatusCode::REQUEST_TIMEOUT, "body_stalled", "The request body stopped coming"),
            BodyFault::Broken => (StatusCode::BAD_REQUEST, "body_broken", "The request body is framed wrongly"),
        };
        Refusal::of_request(status, code, message, "").into()
    }
}
