//! One try on one key: send, and judge what comes back. Not whether to try again (`forward`).

use std::{collections::VecDeque, io::Read, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, header, request, response};
use http_body_util::{BodyExt, Full, Limited};
use tokio::time::{Instant, timeout_at};

use super::{App, answers::Refusal, exchange::Exchange, headers, relay::ProxyBody};
use crate::{
    domain::{
        base_url::BaseUrl,
        key::Secret,
        mask,
        opening::{self, Opening},
        outcome::{BODY_JUDGED, Cause, Verdict, classify},
        retry_after,
    },
    engine::Lease,
    upstream::{AnswerBody, Credential, TransportFault},
};

/// Largest error body that is relayed; more would have to be masked as it streams.
const ERROR_BODY_MAX: usize = 1 << 20;
/// An error body must be whole within this.
const ERROR_BODY_TIMEOUT: Duration = Duration::from_secs(15);

/// The head of a good stream is held for its first event, within these.
const OPENING_MAX: usize = 64 * 1024;
const OPENING_WAIT: Duration = Duration::from_secs(1);

/// A good answer: what of its body was looked at already, and the rest.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) head: response::Parts,
    pub(super) opening: VecDeque<Bytes>,
    pub(super) body: AnswerBody,
}

/// What every attempt of a request sends alike.
#[derive(Debug)]
pub(super) struct Outbound {
    pub(super) head: request::Parts,
    /// The path below the base path.
    pub(super) rest: String,
    pub(super) body: Bytes,
    pub(super) style: Credential,
}

/// An attempt without a good answer.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) verdict: Verdict,
    answer: Result<Box<ErrorAnswer>, TransportFault>,
}

#[derive(Debug)]
struct ErrorAnswer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Outbound {
    /// The URL at a key's own base. The open platform keeps the Anthropic dialect beside its base, not below it.
    pub(super) fn uri(&self, base: &BaseUrl) -> Option<Uri> {
        let query = self.head.uri.query();
        let host = base.host();
        let open_platform = host.starts_with("api.moonshot.") && base.path() == "/v1";
        if open_platform && (self.rest == "/messages" || self.rest.starts_with("/messages/")) {
            return base.on_host(&format!("/anthropic/v1{}", self.rest), query);
        }
        base.join(&self.rest, query)
    }

    fn request(&self, lease: &Lease) -> Option<Request<Full<Bytes>>> {
        let key = &lease.choice.key;
        let mut request = Request::new(Full::new(self.body.clone()));
        *request.method_mut() = self.head.method.clone();
        *request.uri_mut() = self.uri(&key.base)?;
        *request.headers_mut() = headers::for_upstream(&self.head.headers, self.style, &key.secret)?;
        // Holds how the client spelled its header names: servers tell clients apart by that too.
        *request.extensions_mut() = self.head.extensions.clone();
        Some(request)
    }
}

/// Sends one attempt. A good answer comes back with its body still to come; a failure is settled on its key already.
pub(super) async fn send(
    app: &Arc<App>,
    outbound: &Outbound,
    lease: &Lease,
    exchange: &mut Exchange,
) -> Result<Answer, Failure> {
    let began = app.engine.now().steady;
    let sent = app.upstream.send(|| outbound.request(lease)).await;
    let took = app.engine.now().steady.saturating_sub(began);
    match sent {
        Ok(answer) if answer.status().as_u16() < 400 => match open(app, answer, lease).await {
            Ok(answer) => {
                app.engine.answered(lease, &exchange.wish());
                exchange.tried(lease, Some(answer.head.status.as_u16()), &Verdict::bare(Cause::Ok), took);
                Ok(answer)
            }
            Err(failure) => {
                settle(app, lease, &failure.verdict, exchange, Some(StatusCode::OK.as_u16()), took);
                Err(failure)
            }
        },
        Ok(answer) => {
            let failure = Box::pin(judge(app, answer, lease)).await;
            let status = failure.answer.as_ref().ok().map(|answer| answer.status.as_u16());
            settle(app, lease, &failure.verdict, exchange, status, took);
            Err(failure)
        }
        Err(fault) => {
            let verdict = Verdict { message: Some(fault.to_string()), ..Verdict::bare(fault.cause()) };
            settle(app, lease, &verdict, exchange, None, took);
            Err(Failure { verdict, answer: Err(fault) })
        }
    }
}

impl Failure {
    /// A 200 that said nothing: the upstream's failure, which another key may not share.
    fn silent(what: &str) -> Self {
        let fault = TransportFault::Broken(what.to_owned());
        let verdict = Verdict { message: Some(fault.to_string()), ..Verdict::bare(Cause::ServerError) };
        Self { verdict, answer: Err(fault) }
    }

    /// A good head, and then the end: the request may have been executed.
    fn cut(what: &str) -> Self {
        let fault = TransportFault::Broken(what.to_owned());
        let verdict = Verdict { message: Some(fault.to_string()), ..Verdict::bare(Cause::BrokenAnswer) };
        Self { verdict, answer: Err(fault) }
    }

    /// The more telling of two failures; the earlier of equals.
    pub(super) fn more_telling(best: Option<Self>, next: Self) -> Self {
        match best {
            Some(best) if best.telling() >= next.telling() => best,
            _ => next,
        }
    }

    /// How telling it is; that something is not there says less than why a key was refused it.
    fn telling(&self) -> u8 {
        let not_found = self.answer.as_ref().is_ok_and(|answer| answer.status == StatusCode::NOT_FOUND);
        let telling = self.verdict.cause.rule().telling;
        if not_found { telling.min(Cause::ModelNotInPlan.rule().telling) } else { telling }
    }

    /// Relays the upstream's own words, or says that there were none.
    pub(super) fn give(self, mut exchange: Exchange) -> Response<ProxyBody> {
        match self.answer {
            Ok(answer) => {
                let code = match self.verdict.cause {
                    Cause::PaymentRequired => self.verdict.cause.code().to_owned(),
                    _ => answer.status.as_str().to_owned(),
                };
                exchange.failed(code);
                let mut response = Response::new(ProxyBody::whole(answer.body));
                *response.status_mut() = answer.status;
                *response.headers_mut() = answer.headers;
                exchange.answer(response)
            }
            Err(fault) => {
                let status = match fault {
                    TransportFault::Timeout => StatusCode::GATEWAY_TIMEOUT,
                    TransportFault::Connect(_) | TransportFault::Broken(_) => StatusCode::BAD_GATEWAY,
                };
                exchange.refuse(Refusal::upstream(status, &fault.to_string()))
            }
        }
    }
}

fn settle(app: &App, lease: &Lease, verdict: &Verdict, exchange: &mut Exchange, status: Option<u16>, took: Duration) {
    app.engine.settle(lease, verdict, &exchange.wish());
    exchange.tried(lease, status, verdict, took);
}

/// How the beginning of a good answer is judged.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Beginning {
    Events,
    Json,
    /// Nothing to see.
    Opaque,
}

impl Beginning {
    fn of(headers: &HeaderMap) -> Self {
        let text = |name| headers.get(name).map_or(&b""[..], HeaderValue::as_bytes).to_ascii_lowercase();
        let kind = text(header::CONTENT_TYPE);
        match &text(header::CONTENT_ENCODING)[..] {
            b"" | b"identity" if kind.starts_with(b"text/event-stream") => Self::Events,
            b"" | b"identity" if kind.starts_with(b"application/json") => Self::Json,
            _ => Self::Opaque,
        }
    }

    fn judge(self, seen: &[u8]) -> Opening {
        match self {
            Self::Events => opening::judge(seen),
            Self::Json => opening::judge_json(seen),
            Self::Opaque => Opening::Good,
        }
    }
}

/// Looks at the first event, or the first bytes of JSON, before anything goes to the client: an error there can still be
/// failed over.
async fn open(app: &App, answer: Response<AnswerBody>, lease: &Lease) -> Result<Answer, Failure> {
    let (head, mut body) = answer.into_parts();
    let mut opening = VecDeque::new();
    let beginning = Beginning::of(&head.headers);
    if beginning == Beginning::Opaque {
        return Ok(Answer { head, opening, body });
    }
    let mut seen = Vec::new();
    let deadline = Instant::now() + OPENING_WAIT;
    while seen.len() < OPENING_MAX {
        // Too slow to tell: the head must not wait any longer.
        let Ok(frame) = timeout_at(deadline, body.frame()).await else { break };
        match frame {
            Some(Ok(frame)) => {
                let Ok(chunk) = frame.into_data() else { continue };
                seen.extend_from_slice(&chunk);
                opening.push_back(chunk);
            }
            Some(Err(_)) if beginning == Beginning::Json => return Err(Failure::cut("its answer broke off")),
            Some(Err(_)) => return Err(Failure::silent("its stream broke off before the first event")),
            None if beginning == Beginning::Events && beginning.judge(&seen) == Opening::Unclear => {
                return Err(Failure::silent("its stream ended without an event"));
            }
            None => break,
        }
        match beginning.judge(&seen) {
            Opening::Unclear => {}
            Opening::Good => break,
            Opening::Error { status, body } => return Err(hidden_error(app, &head, status, &body, lease)),
        }
    }
    Ok(Answer { head, opening, body })
}

/// An error that came as the first event of a 200, as the answer that it should have been.
fn hidden_error(app: &App, head: &response::Parts, status: StatusCode, body: &[u8], lease: &Lease) -> Failure {
    let secret = &lease.choice.key.secret;
    let after = retry_after::of_headers(&head.headers, app.engine.now().wall);
    let verdict = classify(status, after, body);
    let mut headers = headers::for_client(&head.headers, secret);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let body = masked(Bytes::copy_from_slice(body), None, secret, &mut headers);
    Failure { verdict, answer: Ok(Box::new(ErrorAnswer { status, headers, body })) }
}

/// Reads an error answer whole, judges it, and takes every trace of the key out of it.
async fn judge(app: &App, answer: Response<AnswerBody>, lease: &Lease) -> Failure {
    let (head, body) = answer.into_parts();
    let secret = &lease.choice.key.secret;
    let after = retry_after::of_headers(&head.headers, app.engine.now().wall);
    let read = tokio::time::timeout(ERROR_BODY_TIMEOUT, Limited::new(body, ERROR_BODY_MAX).collect()).await;
    let Ok(Ok(body)) = read else {
        let verdict = classify(head.status, after, &[]);
        // What it blames the client for is not told: then it is the answer that is at fault.
        let cause = if verdict.cause == Cause::ClientFault { Cause::BrokenAnswer } else { verdict.cause };
        let verdict = Verdict { cause, ..verdict };
        let fault = TransportFault::Broken(format!("its error answer ({}) did not arrive whole", head.status));
        return Failure { verdict, answer: Err(fault) };
    };
    let body = body.to_bytes();
    let plain = decoded(&head.headers, &body);
    let verdict = classify(head.status, after, plain.as_deref().unwrap_or(&body));
    let mut headers = headers::for_client(&head.headers, secret);
    let body = masked(body, plain.as_deref(), secret, &mut headers);
    Failure { verdict, answer: Ok(Box::new(ErrorAnswer { status: head.status, headers, body })) }
}

/// The body without the key. A compressed one that held it goes out plain.
fn masked(body: Bytes, plain: Option<&[u8]>, secret: &Secret, headers: &mut HeaderMap) -> Bytes {
    let secret = secret.expose().as_bytes();
    if let Some(clean) = plain.and_then(|plain| mask::mask_secret(plain, secret)) {
        headers.remove(header::CONTENT_ENCODING);
        return clean.into();
    }
    mask::mask_secret(&body, secret).map_or(body, Bytes::from)
}

/// The start of a gzip or deflate body in the clear; `None` when it is not compressed so.
pub(super) fn decoded(headers: &HeaderMap, body: &[u8]) -> Option<Vec<u8>> {
    let most = ERROR_BODY_MAX.max(BODY_JUDGED) as u64;
    let mut plain = Vec::new();
    let read = match headers.get(header::CONTENT_ENCODING).map(HeaderValue::as_bytes)? {
        b"gzip" | b"x-gzip" => flate2::read::MultiGzDecoder::new(body).take(most).read_to_end(&mut plain),
        b"deflate" => flate2::read::ZlibDecoder::new(body).take(most).read_to_end(&mut plain),
        b"br" => brotli_decompressor::Decompressor::new(body, 4096).take(most).read_to_end(&mut plain),
        b"zstd" => ruzstd::decoding::StreamingDecoder::new(body)
            .map_err(|_| std::io::ErrorKind::InvalidData.into())
            .and_then(|decoder| decoder.take(most).read_to_end(&mut plain)),
        _ => return None,
    };
    read.is_ok().then_some(plain)
}

/// Whether an answer to this request has a length but no body.
pub(super) fn is_head(outbound: &Outbound) -> bool {
    outbound.head.method == Method::HEAD
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outbound(rest: &str, query: &str) -> Outbound {
        let request = Request::builder().uri(format!("/kmi-rotor/v1{rest}{query}")).body(()).expect("valid");
        let (head, ()) = request.into_parts();
        Outbound { head, rest: rest.to_owned(), body: Bytes::new(), style: Credential::Bearer }
    }

    #[test]
    fn the_open_platform_gets_messages_at_their_own_place() {
        for (base, rest, expected) in [
            ("https://api.moonshot.ai/v1", "/messages", "https://api.moonshot.ai/anthropic/v1/messages?beta=true"),
            (
                "https://api.moonshot.cn/v1",
                "/messages/count_tokens",
                "https://api.moonshot.cn/anthropic/v1/messages/count_tokens?beta=true",
            ),
            (
                "https://api.moonshot.ai/v1",
                "/chat/completions",
                "https://api.moonshot.ai/v1/chat/completions?beta=true",
            ),
            ("https://api.moonshot.ai/v1", "/messagesx", "https://api.moonshot.ai/v1/messagesx?beta=true"),
            ("https://api.kimi.com/coding/v1", "/messages", "https://api.kimi.com/coding/v1/messages?beta=true"),
        ] {
            let base = BaseUrl::parse(base).expect("valid");
            let uri = outbound(rest, "?beta=true").uri(&base).expect("a URL");
            assert_eq!(uri.to_string(), expected);
        }
    }
}
