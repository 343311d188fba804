//! The way of one request, phase by phase. Each phase is elsewhere; their order is here and nowhere else.

use std::{pin::pin, sync::Arc, time::Duration};

use http::{Method, StatusCode};

use super::{
    App,
    answers::{self, Refusal, Whole},
    attempt::{self, Answer, Failure, Outbound},
    body::{Held, NoBody},
    caller::Caller,
    exchange::Exchange,
    guard, headers,
    relay::{Relay, Upload, Watched},
    target::Target,
};
use crate::{
    domain::{
        key::KeyId,
        outcome::{Cause, Verdict},
        prompt,
        reason::Chosen,
        retry::{has_time, may_try_another_key, same_key_pause, worth_waiting},
        tokens::TokenReader,
    },
    engine::{Lease, Order, Wish},
    http1::{Client, RequestHead},
};

/// What counts as a wait for a key.
const A_WAIT: Duration = Duration::from_millis(500);
/// Claude Code names its conversation here.
const SESSION: &str = "x-claude-code-session-id";

/// What a request is answered.
#[derive(Debug)]
pub(super) enum Reply {
    Whole(Whole),
    Relay(Box<Relay>),
}

/// Finds the answer to one request, and records it once; `None` when the client has left before there was one.
pub(super) async fn handle(
    app: &Arc<App>,
    client: &mut Client,
    head: RequestHead,
    caller: &Arc<Caller>,
) -> Option<Reply> {
    let whole = |whole: Whole| Some(Reply::Whole(whole));
    let target = match guard::check(&app.settings, &head, caller.peer.ip()) {
        Ok(Target::Alive) => return whole(answers::plain(StatusCode::OK, "alive")),
        Ok(Target::Ready) if app.engine.ready() => return whole(answers::plain(StatusCode::OK, "ready")),
        Ok(Target::Ready) => return whole(answers::plain(StatusCode::SERVICE_UNAVAILABLE, "no_key_available")),
        Ok(Target::Doorstep) if is_knock(&head.method) => return whole(answers::plain(StatusCode::OK, "kmi-tui")),
        other => other,
    };
    let endpoint = if let Ok(Target::Below(rest)) = &target { rest } else { head.uri.path() };
    let mut exchange = Exchange::open(app, &head, endpoint, caller);
    let rest = match target {
        Ok(Target::Below(rest)) => rest,
        Ok(_) => return whole(exchange.refuse(nothing_here())),
        Err(refusal) => {
            if !refusal.pause.is_zero() {
                client.unless_gone(pin!(tokio::time::sleep(refusal.pause))).await?;
            }
            return whole(exchange.refuse(refusal));
        }
    };
    if let Err(wait) = app.engine.admit() {
        return whole(exchange.refuse(Refusal::over_global_rate(wait)));
    }
    let held = match exchange.wish().unless_ordered(pin!(app.budget.read(client, &head))).await {
        Ok(Ok(held)) => held,
        Ok(Err(NoBody::Refused(refusal))) => return whole(exchange.refuse(*refusal)),
        Ok(Err(NoBody::Gone)) => return None,
        // What is still read can only be ended.
        Err(_) => return whole(exchange.refuse(Refusal::cancelled())),
    };
    let hints = prompt::read(head.fields.ascii("content-type"), head.fields.ascii(SESSION), &held.bytes);
    exchange.read(held.bytes.len(), hints);
    let style = headers::credential_style(&head.fields);
    let outbound = Outbound { head, rest, body: held.bytes.clone(), style };
    client.unless_gone(pin!(try_keys(app, &outbound, held, exchange))).await
}

/// Tries keys until one answers or none is left. Nothing has gone to the client until this returns.
async fn try_keys(app: &Arc<App>, outbound: &Outbound, held: Held, mut exchange: Exchange) -> Reply {
    let (wish, asked) = (exchange.wish(), exchange.age());
    wish.waits(wish.since.steady + asked, None);
    let mut lease = match wish.unless_ordered(pin!(app.engine.acquire(&wish, &[], true))).await {
        Ok(Ok(lease)) | Err(Order::SendTo(lease)) => lease,
        Ok(Err(no_key)) => {
            exchange.passed_over(&no_key);
            return Reply::Whole(exchange.refuse(Refusal::no_key(&no_key, app.engine.now().wall)));
        }
        Err(Order::Cancel) => return Reply::Whole(exchange.refuse(Refusal::cancelled())),
    };
    exchange.waited(exchange.age().saturating_sub(asked));
    if app.settings.dry_run {
        return Reply::Whole(dry_run(outbound, lease, exchange));
    }
    let (mut retries, mut best) = (Retries::default(), None);
    loop {
        let failure = match try_one(app, &wish, outbound, &lease, &mut exchange).await {
            Ok(answer) => {
                drop(held);
                return Reply::Relay(Box::new(relay(app, answer, outbound, lease, exchange)));
            }
            Err(Setback::Failed(failure)) => failure,
            Err(Setback::Ordered(Order::Cancel)) => return Reply::Whole(exchange.refuse(Refusal::cancelled())),
            Err(Setback::Ordered(Order::SendTo(other))) => {
                let took = app.engine.steady().saturating_sub(lease.choice.at.steady);
                exchange.tried(&lease, None, &Verdict::bare(Cause::SentElsewhere), took);
                lease = other;
                continue;
            }
        };
        let verdict = failure.verdict.clone();
        best = Some(Failure::more_telling(best, failure));
        let next = {
            // Seldom, and large.
            let mut next = Box::pin(next(app, &wish, outbound, lease, &verdict, &mut retries, &mut exchange));
            wish.unless_ordered(next.as_mut()).await
        };
        lease = match next {
            Ok(Some(lease)) | Err(Order::SendTo(lease)) => lease,
            Ok(None) => break,
            Err(Order::Cancel) => return Reply::Whole(exchange.refuse(Refusal::cancelled())),
        };
    }
    if let Some(shared) = app.engine.all_failed(exchange.attempts(), &wish) {
        exchange.shares(&shared);
    }
    Reply::Whole(match best {
        Some(best) => best.give(exchange),
        None => exchange.refuse(nothing_here()),
    })
}

/// An attempt without an answer for the client.
enum Setback {
    Failed(Failure),
    /// A person wants something else.
    Ordered(Order),
}

/// One attempt, unless something is ordered before its answer begins.
async fn try_one(
    app: &Arc<App>,
    wish: &Wish,
    outbound: &Outbound,
    lease: &Lease,
    exchange: &mut Exchange,
) -> Result<Answer, Setback> {
    wish.tries(lease);
    let sent = wish.unless_ordered(pin!(attempt::send(app, outbound, lease, exchange))).await;
    let answer = sent.map_err(Setback::Ordered)?.map_err(Setback::Failed)?;
    match wish.answers(lease, app.engine.steady()) {
        Some(order) => Err(Setback::Ordered(order)),
        None => Ok(answer),
    }
}

/// Tries of the same key.
#[derive(Debug, Default)]
struct Retries {
    /// Of those that KMI_PROXY_RETRY_MAX allows.
    done: u32,
    /// A short wait was waited out already.
    waited: bool,
    /// It has waited for another key before.
    has_waited: bool,
}

/// The key for the next attempt: the same one where the conversation is bound to it and the wait is short, else another,
/// else the same one where settings say so.
async fn next(
    app: &Arc<App>,
    wish: &Arc<Wish>,
    outbound: &Outbound,
    lease: Lease,
    verdict: &Verdict,
    retries: &mut Retries,
    exchange: &mut Exchange,
) -> Option<Lease> {
    if !has_time(verdict.cause, &outbound.head.method, exchange.age(), app.settings.deadline) {
        return None;
    }
    let policy = app.engine.policy();
    let (cause, id, bound) = (verdict.cause, lease.choice.id, lease.choice.why == Chosen::Bound);
    // Whoever waits for a place on this account must not wait for us.
    drop(lease);
    if let Some(wait) = worth_waiting(cause, verdict.retry_after, &policy).filter(|_| bound && !retries.waited) {
        retries.waited = true;
        exchange.waited(wait);
        pause(app, wish, wait).await;
        if let Some(lease) = app.engine.again(id) {
            return Some(lease);
        }
    }
    // Keys that are out only because all of them were refused alike are not waited for.
    if matches!(cause, Cause::Unauthorized | Cause::Forbidden)
        && let Some(shared) = app.engine.all_failed(exchange.attempts(), wish)
    {
        exchange.shares(&shared);
        return None;
    }
    if may_try_another_key(cause, &outbound.head.method, &policy) {
        // A key that a person took the request from may well have it again.
        let failed = exchange.attempts().iter().filter(|(_, cause)| *cause != Cause::SentElsewhere);
        let tried: Vec<KeyId> = failed.map(|(id, _)| *id).collect();
        let asked = exchange.age();
        wish.waits(wish.since.steady + asked, None);
        let another = app.engine.acquire(wish, &tried, !retries.has_waited).await;
        let waited = exchange.age().saturating_sub(asked);
        exchange.waited(waited);
        retries.has_waited |= waited >= A_WAIT;
        if let Ok(lease) = another {
            return Some(lease);
        }
    }
    let wait = same_key_pause(cause, retries.done, verdict.retry_after, &policy, rand::random())?;
    retries.done += 1;
    pause(app, wish, wait).await;
    app.engine.again(id)
}

async fn pause(app: &App, wish: &Wish, wait: Duration) {
    let now = app.engine.steady();
    wish.waits(now, Some(now + wait));
    tokio::time::sleep(wait).await;
}

/// The answer as it is handed on.
fn relay(app: &App, answer: Answer, outbound: &Outbound, lease: Lease, mut exchange: Exchange) -> Relay {
    let Answer { head, opening, body } = answer;
    let reader =
        TokenReader::for_content_type(head.fields.ascii("content-type"), head.fields.ascii("content-encoding"));
    let mut lines = headers::for_client(&head.fields, &lease.choice.key.secret, &[]);
    if let (true, Some(length)) = (outbound.is_head(), head.fields.get("content-length")) {
        lines.pass(b"content-length", length);
    }
    let is_upload = outbound.head.method == Method::POST && outbound.rest == "/files";
    let upload = is_upload.then(|| Upload::new(&head.fields));
    let choice = lease.choice.clone();
    exchange.served_by(lease, &choice.key.label, &choice.hash);
    exchange.head(head.status, &mut lines);
    let watched = Watched { exchange, reader, upload };
    Relay { status: head.status, lines, opening, body, watched, idle_timeout: app.settings.idle_timeout }
}

fn dry_run(outbound: &Outbound, lease: Lease, mut exchange: Exchange) -> Whole {
    let choice = lease.choice.clone();
    let url = outbound.target(&choice.key.base).map(|target| choice.key.base.url(&target)).unwrap_or_default();
    let label = choice.key.label.as_str();
    exchange.served_by(lease, &choice.key.label, &choice.hash);
    exchange.answer(answers::dry_run(&outbound.head.method, &url, &outbound.rest, label))
}

/// Claude Code looks whether somebody is home before it sends anything.
fn is_knock(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

fn nothing_here() -> Refusal {
    Refusal::of_request(
        StatusCode::NOT_FOUND,
        "not_found",
        "There is nothing at this path",
        "Name an endpoint below it.",
    )
}
