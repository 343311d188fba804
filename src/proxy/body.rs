//! Reading a request's body: whole, once, within a limit, with all bodies together within a budget. Failover needs it whole.

use std::{sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use http::StatusCode;
use http_body::Body as _;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::answers::Refusal;

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

impl Budget {
    pub(super) fn new(max_body: usize) -> Self {
        let units = units(max_body).saturating_mul(BODIES).min(Semaphore::MAX_PERMITS);
        Self { room: Arc::new(Semaphore::new(units)), max_body }
    }

    /// Reads a body. What announces its length reserves it first, so that a crowd of large ones queues instead of swelling.
    pub(super) async fn read(&self, mut body: Incoming) -> Result<Held, Refusal> {
        let announced = usize::try_from(body.size_hint().upper().unwrap_or_default()).unwrap_or(usize::MAX);
        if announced > self.max_body {
            return Err(self.too_large());
        }
        let mut share = self.reserve(announced).await?;
        let mut bytes = BytesMut::with_capacity(announced);
        loop {
            let frame = tokio::time::timeout(STALL, body.frame()).await.map_err(|_| stalled())?;
            let Some(frame) = frame else { break };
            let Ok(data) = frame.map_err(|_| broken())?.into_data() else { continue };
            if bytes.len() + data.len() > self.max_body {
                return Err(self.too_large());
            }
            let reserved = share.as_ref().map_or(0, OwnedSemaphorePermit::num_permits) * UNIT;
            if bytes.len() + data.len() > reserved {
                merge(&mut share, self.reserve(data.len()).await?);
            }
            bytes.extend_from_slice(&data);
        }
        Ok(Held { bytes: bytes.freeze(), _share: share })
    }

    async fn reserve(&self, bytes: usize) -> Result<Option<OwnedSemaphorePermit>, Refusal> {
        if bytes == 0 {
            return Ok(None);
        }
        let units = u32::try_from(units(bytes)).unwrap_or(u32::MAX);
        match tokio::time::timeout(ROOM_WAIT, self.room.clone().acquire_many_owned(units)).await {
            Ok(Ok(permit)) => Ok(Some(permit)),
            _ => Err(Refusal::of_request(
                StatusCode::SERVICE_UNAVAILABLE,
                "bodies_too_many",
                "Too many large request bodies at once",
                "Try again shortly; KMI_PROXY_MAX_BODY_MB sets how much memory bodies may take.",
            )),
        }
    }

    fn too_large(&self) -> Refusal {
        Refusal::of_request(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body_too_large",
            &format!("The request body is larger than {} MB", self.max_body / (1024 * 1024)),
            "The limit is KMI_PROXY_MAX_BODY_MB.",
        )
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

fn stalled() -> Refusal {
    Refusal::of_request(StatusCode::REQUEST_TIMEOUT, "body_stalled", "The request body stopped coming", "")
}

fn broken() -> Refusal {
    Refusal::of_request(StatusCode::BAD_REQUEST, "body_broken", "The request body broke off or is framed wrongly", "")
}
