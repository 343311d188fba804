//! The simulator's socket: connections in, requests through state and answers, bytes out. Not what is answered
//! (`answers`), nor why (`state`).

use std::{
    error::Error,
    future::{Future, poll_fn},
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, header, request::Parts};
use http_body_util::BodyExt;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use super::{
    answers::{Call, Content, Reply},
    behaviour::Refusal,
    delivery::{Delivery, Outcome, Start},
    endpoint::Endpoint,
    log::{Ended, Received, Ticket},
    state::{Plan, Seat, Shared},
    stream::{AnswerBody, Pace, paced, pass_gate},
    tap::{Heard, Tap},
};

/// After a failed accept (no file descriptors), so as not to spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// Instead of an HTTP answer: these bytes, then the connection's end.
#[derive(Debug, thiserror::Error)]
#[error("answered with raw bytes")]
struct RawAnswer(Bytes);

type Answered = Result<Response<AnswerBody>, RawAnswer>;

/// Serves until it is dropped; its connections go with it.
pub(super) async fn run(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((stream, _)) => {
                connections.spawn(connection(stream, Arc::clone(&shared)));
            }
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

async fn connection(stream: TcpStream, shared: Arc<Shared>) {
    stream.set_nodelay(true).ok();
    let (tap, heard) = Tap::new(stream);
    let service = service_fn(move |request| boxed(answer(Arc::clone(&shared), heard.clone(), request)));
    let mut connection = http1::Builder::new().serve_connection(TokioIo::new(tap), service);
    let ended = poll_fn(|context| connection.poll_without_shutdown(context)).await;
    let mut stream = connection.into_parts().io.into_inner().into_inner();
    if let Some(RawAnswer(bytes)) = ended.as_ref().err().and_then(raw_answer) {
        stream.write_all(bytes).await.ok();
    }
    stream.shutdown().await.ok();
}

/// hyper wants a future that can be moved.
fn boxed(future: impl Future<Output = Answered> + Send + 'static) -> Pin<Box<dyn Future<Output = Answered> + Send>> {
    Box::pin(future)
}

fn raw_answer(error: &hyper::Error) -> Option<&RawAnswer> {
    error.source().and_then(<dyn Error>::downcast_ref)
}

async fn answer(shared: Arc<Shared>, heard: Heard, request: Request<Incoming>) -> Answered {
    let (parts, body) = request.into_parts();
    let received = received(&parts, &heard);
    let ticket = shared.log.open(received.clone());
    let Ok(body) = body.collect().await else {
        return Err(RawAnswer(Bytes::new()));
    };
    heard.listen();
    let body = body.to_bytes();
    ticket.body(&body);
    let endpoint = Endpoint::of(&parts.method, parts.uri.path());
    let Plan { behaviour, pace, person, seat } = shared.plan(received.key.as_deref(), endpoint);
    let call = Call {
        number: ticket.number(),
        endpoint,
        method: received.method,
        target: received.target,
        headers: received.headers,
        key: received.key.unwrap_or_default(),
        body,
    };
    let healthy = || match &person {
        Some(person) => call.answer(person, &shared).unwrap_or_else(|refusal| call.refuse(&refusal)),
        None => call.refuse(&Refusal::Unauthorized),
    };
    let delivery = Delivery::plan(behaviour, pace, &call, &healthy);
    head_start(delivery.start, &shared).await;
    let user_id = person.as_ref().map(|person| person.user_id.as_str());
    send(delivery, user_id, ticket, seat, shared)
}

/// Waits until the head may go.
async fn head_start(start: Start, shared: &Shared) {
    match start {
        Start::After(pause) => tokio::time::sleep(pause).await,
        Start::Released => pass_gate(shared).await,
        Start::Never => std::future::pending().await,
    }
}

/// Puts an answer on its way.
fn send(
    delivery: Delivery,
    user_id: Option<&str>,
    mut ticket: Ticket,
    seat: Option<Seat>,
    shared: Arc<Shared>,
) -> Answered {
    let Delivery { outcome, pace, cut_after, .. } = delivery;
    let reply = match outcome {
        Outcome::Reply(reply) => reply,
        Outcome::Raw(bytes) => {
            ticket.end(Ended::CutShort);
            return Err(RawAnswer(bytes));
        }
    };
    ticket.status(reply.status);
    let (status, headers) = head(&reply, user_id, ticket.number());
    let body = match (reply.content, pace, cut_after) {
        (Content::Whole(bytes), Pace::AtOnce | Pace::Every(_), None) => AnswerBody::whole(bytes, ticket, seat),
        (content, pace, cut_after) => {
            let mut pieces = content.into_pieces();
            pieces.truncate(cut_after.unwrap_or(usize::MAX));
            AnswerBody::pieces(paced(pieces, pace, cut_after.is_some(), shared), ticket, seat)
        }
    };
    let mut response = Response::new(body);
    (*response.status_mut(), *response.headers_mut()) = (status, headers);
    Ok(response)
}

impl Content {
    /// Something whole is two halves when it is to go in pieces.
    fn into_pieces(self) -> Vec<Bytes> {
        match self {
            Self::Events(events) => events,
            Self::Whole(mut bytes) => {
                let second = bytes.split_off(bytes.len() / 2);
                vec![bytes, second]
            }
        }
    }
}

/// The status and headers of a reply, with those that the real API and what stands before it add.
fn head(reply: &Reply, user_id: Option<&str>, number: u64) -> (StatusCode, HeaderMap) {
    let own = reply.headers.iter().map(|(name, value)| (*name, value.clone()));
    let added = [
        ("server", "kimi-demo".to_owned()),
        ("x-request-id", format!("demo-{number:08}")),
        ("x-trace-id", format!("{number:032x}")),
        ("set-cookie", format!("__cf_bm=demo-{number}; path=/; HttpOnly")),
    ];
    let headers = own
        .chain(added)
        .chain(user_id.map(|user_id| ("msh-uid", user_id.to_owned())))
        .filter_map(|(name, value)| Some((name.parse::<header::HeaderName>().ok()?, value.parse().ok()?)))
        .collect();
    (StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), headers)
}

fn received(parts: &Parts, heard: &Heard) -> Received {
    Received {
        number: 0,
        key: key(&parts.headers),
        method: parts.method.to_string(),
        target: parts.uri.to_string(),
        headers: heard.take_headers().unwrap_or_else(|| listed(&parts.headers)),
        body_len: 0,
        body: Bytes::new(),
        status: None,
        ended: Ended::Running,
    }
}

fn key(headers: &HeaderMap) -> Option<String> {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let api_key = || headers.get("x-api-key").and_then(|value| value.to_str().ok());
    bearer.or_else(api_key).map(str::to_owned)
}

fn listed(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect()
}
