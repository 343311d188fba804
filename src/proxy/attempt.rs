//! One try on one key: send, and judge what comes back. Not whether to try again (`forward`).

use std::{future::poll_fn, io::Read, sync::Arc, task::Poll, time::Duration};

use bytes::Bytes;
use http::{Method, StatusCode};

use super::{
    App,
    answers::{Refusal, Whole},
    exchange::Exchange,
    headers,
};
use crate::{
    domain::{
        base_url::BaseUrl,
        key::Secret,
        mask,
        opening::{self, Opening},
        outcome::{BODY_JUDGED, Cause, Verdict, classify},
    },
    engine::Lease,
    http1::{AnswerHead, Call, Fields, Lines, Patience, RequestHead},
    upstream::{self, AnswerBody, Credential, TransportFault, wait_asked_for},
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
    pub(super) head: AnswerHead,
    pub(super) opening: Vec<u8>,
    pub(super) body: AnswerBody,
}

/// What every attempt of a request sends alike.
#[derive(Debug)]
pub(super) struct Outbound {
    pub(super) head: RequestHead,
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
    lines: Lines,
    body: Bytes,
}

impl Outbound {
    /// What is named at a key's own base. The open platform keeps the Anthropic dialect beside its base, not below it.
    pub(super) fn target(&self, base: &BaseUrl) -> Option<String> {
        let query = self.head.uri.query();
        let messages = self.rest == "/messages" || self.rest.starts_with("/messages/");
        if messages && base.path() == "/v1" && base.host().starts_with("api.moonshot.") {
            return BaseUrl::target_on_host(&format!("/anthropic/v1{}", self.rest), query);
        }
        base.target(&self.rest, query)
    }

    fn call(&self, lease: &Lease) -> Option<Call> {
        let key = &lease.choice.key;
        let target = self.target(&key.base)?;
        let head = headers::for_upstream(&self.head, &target, self.style, key, self.body.len());
        Some(Call { head, body: self.body.clone(), to_head: self.is_head() })
    }

    /// Whether an answer to this request has a length but no body.
    pub(super) fn is_head(&self) -> bool {
        self.head.method == Method::HEAD
    }
}

/// Sends one attempt. A good answer comes back with its body still to come; a failure is settled on its key already.
pub(super) async fn send(
    app: &Arc<App>,
    outbound: &Outbound,
    lease: &Lease,
    exchange: &mut Exchange,
) -> Result<Answer, Failure> {
    let began = app.engine.steady();
    let unfit = || TransportFault::Broken("the request does not fit the key's base URL".to_owned());
    let sent = match outbound.call(lease) {
        Some(call) => app.upstream.send(&lease.choice.key.base, &call).await,
        None => Err(unfit()),
    };
    let took = app.engine.steady().saturating_sub(began);
    match sent {
        Ok(answer) if answer.head.status.as_u16() < 400 => match open(app, answer, lease).await {
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
    pub(super) fn give(self, mut exchange: Exchange) -> Whole {
        match self.answer {
            Ok(answer) => {
                let code = match self.verdict.cause {
                    Cause::PaymentRequired => self.verdict.cause.code().to_owned(),
                    _ => answer.status.as_str().to_owned(),
                };
                exchange.failed(code);
                exchange.answer(Whole { status: answer.status, lines: answer.lines, body: answer.body, close: false })
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
    fn of(fields: &Fields) -> Self {
        let coding = fields.get("content-encoding").unwrap_or_default();
        if !(coding.is_empty() || coding.eq_ignore_ascii_case(b"identity")) {
            return Self::Opaque;
        }
        let kind = fields.get("content-type").unwrap_or_default();
        let is = |wanted: &[u8]| kind.get(..wanted.len()).is_some_and(|start| start.eq_ignore_ascii_case(wanted));
        match () {
            () if is(b"text/event-stream") => Self::Events,
            () if is(b"application/json") => Self::Json,
            () => Self::Opaque,
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
async fn open(app: &App, answer: upstream::Answer, lease: &Lease) -> Result<Answer, Failure> {
    let upstream::Answer { head, mut body } = answer;
    let mut opening = Vec::new();
    let beginning = Beginning::of(&head.fields);
    if beginning == Beginning::Opaque {
        return Ok(Answer { head, opening, body });
    }
    let mut patience = Patience::default();
    while opening.len() < OPENING_MAX {
        // All pieces together.
        patience.begin(OPENING_WAIT);
        let came = poll_fn(|context| match body.poll_data(context, &mut |data, _| opening.extend_from_slice(data)) {
            Poll::Ready(came) => Poll::Ready(Some(came)),
            Poll::Pending => patience.poll(context).map(|()| None),
        });
        match came.await {
            // Too slow to tell: the head must not wait any longer.
            None => break,
            Some(Ok(())) => {}
            Some(Err(_)) if beginning == Beginning::Json => return Err(Failure::cut("its answer broke off")),
            Some(Err(_)) => return Err(Failure::silent("its stream broke off before the first event")),
        }
        match beginning.judge(&opening) {
            Opening::Good => break,
            Opening::Error { status, body } => return Err(hidden_error(app, &head, status, &body, lease)),
            Opening::Unclear if !body.is_over() => {}
            Opening::Unclear if beginning == Beginning::Events => {
                return Err(Failure::silent("its stream ended without an event"));
            }
            Opening::Unclear => break,
        }
    }
    Ok(Answer { head, opening, body })
}

/// An error that came as the first event of a 200, as the answer that it should have been.
fn hidden_error(app: &App, head: &AnswerHead, status: StatusCode, body: &[u8], lease: &Lease) -> Failure {
    let secret = &lease.choice.key.secret;
    let after = wait_asked_for(&head.fields, app.engine.now().wall);
    let verdict = classify(status, after, body);
    let mut lines = headers::for_client(&head.fields, secret, &["content-type", "content-encoding"]);
    lines.add(b"content-type", "application/json");
    let body = mask::mask_secret(body, secret.expose().as_bytes()).unwrap_or_else(|| body.to_vec()).into();
    Failure { verdict, answer: Ok(Box::new(ErrorAnswer { status, lines, body })) }
}

/// Reads an error answer whole, judges it, and takes every trace of the key out of it.
async fn judge(app: &App, answer: upstream::Answer, lease: &Lease) -> Failure {
    let upstream::Answer { head, body } = answer;
    let secret = &lease.choice.key.secret;
    let after = wait_asked_for(&head.fields, app.engine.now().wall);
    let read = tokio::time::timeout(ERROR_BODY_TIMEOUT, body.collect(ERROR_BODY_MAX)).await;
    let Ok(Ok(body)) = read else {
        let verdict = classify(head.status, after, &[]);
        // What it blames the client for is not told: then it is the answer that is at fault.
        let cause = if verdict.cause == Cause::ClientFault { Cause::BrokenAnswer } else { verdict.cause };
        let verdict = Verdict { cause, ..verdict };
        let fault = TransportFault::Broken(format!("its error answer ({}) did not arrive whole", head.status));
        return Failure { verdict, answer: Err(fault) };
    };
    let plain = decoded(head.fields.get("content-encoding"), &body);
    let verdict = classify(head.status, after, plain.as_deref().unwrap_or(&body));
    let (body, without) = masked(body, plain.as_deref(), secret);
    let lines = headers::for_client(&head.fields, secret, without);
    Failure { verdict, answer: Ok(Box::new(ErrorAnswer { status: head.status, lines, body })) }
}

/// The body without the key, and the fields that are not true of it any more: a compressed one that held it goes out plain.
fn masked(body: Vec<u8>, plain: Option<&[u8]>, secret: &Secret) -> (Bytes, &'static [&'static str]) {
    let secret = secret.expose().as_bytes();
    if let Some(clean) = plain.and_then(|plain| mask::mask_secret(plain, secret)) {
        return (clean.into(), &["content-encoding"]);
    }
    (mask::mask_secret(&body, secret).unwrap_or(body).into(), &[])
}

/// The start of a compressed body in the clear; `None` when it is not compressed in a way that is known. `coding`: its
/// `Content-Encoding`.
pub(super) fn decoded(coding: Option<&[u8]>, body: &[u8]) -> Option<Vec<u8>> {
    let most = ERROR_BODY_MAX.max(BODY_JUDGED) as u64;
    let mut plain = Vec::new();
    let read = match coding? {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn outbound(rest: &str, query: &str) -> Outbound {
        let head = format!("GET /kmi-rotor/v1{rest}{query} HTTP/1.1\r\n\r\n");
        let (head, _) = RequestHead::parse(head.as_bytes()).expect("a head").expect("whole");
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
            let target = outbound(rest, "?beta=true").target(&base).expect("a target");
            assert_eq!(base.url(&target), expected);
        }
    }
}
