//! The context of one request, from its head to its end: what the trace record will say. Exactly one record comes of it.

use std::{sync::Arc, task::Context, time::Duration};

use http::StatusCode;

use super::{
    App,
    answers::{Refusal, Whole},
    caller::Caller,
};
use crate::{
    domain::{
        key::{KeyId, Label},
        mask::{mask_ids, mask_secret},
        now::Now,
        outcome::{Cause, Verdict},
        pool::NoKey,
        prompt::{self, RequestHints},
        reason::{PassedOvers, passed_over},
        shared_cause::SharedCause,
        text,
        trace::{self, Attempt, Ending, Tokens, TraceRecord},
    },
    engine::{Asked, Lease, Ticket, Wish},
    http1::{Lines, RequestHead},
};

/// Longest endpoint, client name and error text in a record.
const ENDPOINT_MAX: usize = 200;
const CLIENT_MAX: usize = 80;
const ERROR_MAX: usize = 300;

/// One request on its way. Dropping it unfinished means that the client hung up.
#[derive(Debug)]
pub(super) struct Exchange {
    app: Arc<App>,
    started: Now,
    /// Taken when it is recorded, so that nothing is recorded twice; until then it is nobody else's.
    record: Option<Arc<TraceRecord>>,
    /// The attempt that answers; in flight until the answer has ended.
    lease: Option<Lease>,
    wish: Arc<Wish>,
    /// Its place among those that have not ended, until it has.
    ticket: Option<Ticket>,
    /// Each try: the key, and what came of it.
    attempts: Vec<(KeyId, Cause)>,
}

impl Exchange {
    /// `endpoint`: the path below the base path, or the whole one when it is not below it.
    pub(super) fn open(app: &Arc<App>, request: &RequestHead, endpoint: &str, caller: &Arc<Caller>) -> Self {
        let started = app.engine.now();
        let client =
            request.fields.get("user-agent").map(|name| text::clean(&String::from_utf8_lossy(name), CLIENT_MAX));
        let request_id = format!("{:032x}", rand::random::<u128>());
        let endpoint = text::clean(endpoint, ENDPOINT_MAX);
        let method = request.method.clone();
        let process = caller.found.clone();
        let wish = Arc::new(Wish::new(started, request_id.clone(), method, endpoint.clone(), client.clone(), process));
        if let Some(callers) = &app.callers {
            callers.look_up(caller);
        }
        let record = TraceRecord {
            at: started.wall,
            request_id,
            method: trace::method(request.method.as_str()),
            prompt_hint: String::new(),
            prompt_head: String::new(),
            key: None,
            key_hash: None,
            endpoint,
            status: 0,
            latency: Duration::ZERO,
            total: Duration::ZERO,
            error_code: None,
            rotation_index: 0,
            attempts: Vec::new(),
            passed_over: PassedOvers::default(),
            waited: Duration::ZERO,
            shared_cause: None,
            ending: Ending::Completed,
            first_byte: None,
            tokens: Tokens::default(),
            bytes_in: 0,
            bytes_out: 0,
            model: None,
            stream: false,
            conversation: None,
            client,
            process: None,
            session: None,
            error: None,
        };
        Self {
            app: app.clone(),
            started,
            record: Some(Arc::new(record)),
            lease: None,
            ticket: Some(app.engine.begin(&wish)),
            wish,
            attempts: Vec::new(),
        }
    }

    /// What it asks of the engine.
    pub(super) fn wish(&self) -> Arc<Wish> {
        self.wish.clone()
    }

    pub(super) fn attempts(&self) -> &[(KeyId, Cause)] {
        &self.attempts
    }

    /// How old the request is.
    pub(super) fn age(&self) -> Duration {
        self.elapsed()
    }

    /// What the body says of itself.
    pub(super) fn read(&mut self, bytes: usize, hints: RequestHints) {
        let prompts = self.app.settings.trace_prompts;
        let RequestHints { model, stream, conversation, session, files, hint, head } = hints;
        self.wish.asks(Asked { model: model.clone(), stream, conversation, session: session.clone(), files });
        self.note(|record| {
            record.bytes_in = u64::try_from(bytes).unwrap_or(u64::MAX);
            record.stream = stream;
            record.session = session;
            record.model = model;
            record.conversation = conversation.map(|digest| format!("{digest:016x}"));
            if prompts {
                record.prompt_hint = hint;
                record.prompt_head = head;
            }
        });
    }

    /// No key serves.
    pub(super) fn passed_over(&mut self, no_key: &NoKey) {
        self.note(|record| record.passed_over = reasons(no_key));
    }

    /// It waited so long for a key.
    pub(super) fn waited(&mut self, span: Duration) {
        self.note(|record| record.waited += span);
    }

    /// Every key answered alike, for one cause.
    pub(super) fn shares(&mut self, cause: &SharedCause) {
        self.note(|record| record.shared_cause = Some(cause.common.code().to_owned()));
    }

    /// The answer to an upload has come whole: the file belongs to the key's account.
    pub(super) fn uploaded(&self, answer: &[u8]) {
        if let (Some(lease), Some(file)) = (&self.lease, prompt::uploaded_file(answer)) {
            self.app.engine.uploaded(lease, file);
        }
    }

    /// One attempt on a key, as it was judged.
    pub(super) fn tried(&mut self, lease: &Lease, status: Option<u16>, verdict: &Verdict, took: Duration) {
        let attempt = Attempt {
            key: lease.choice.key.label.clone(),
            status,
            cause: verdict.cause.code().into(),
            ms: millis(took),
            why: Some(lease.choice.why),
        };
        self.attempts.push((lease.choice.id, verdict.cause));
        if verdict.cause != Cause::Ok {
            self.wish.failed(attempt.clone());
        }
        let secret = lease.choice.key.secret.expose().as_bytes();
        let error = verdict.message.as_deref().map(|message| {
            let masked = mask_secret(message.as_bytes(), secret);
            let message = masked.map_or_else(|| message.into(), |masked| String::from_utf8_lossy(&masked).into_owned());
            text::clean(&mask_ids(&message), ERROR_MAX)
        });
        self.note(|record| {
            record.key = Some(lease.choice.key.label.clone());
            record.key_hash = Some(lease.choice.hash.clone());
            record.rotation_index = lease.choice.rotation_index;
            record.attempts.push(attempt);
            record.passed_over = lease.choice.passed_over.clone();
            record.error = error;
        });
    }

    /// The request will be answered by this attempt.
    pub(super) fn served_by(&mut self, lease: Lease, label: &Label, hash: &Arc<str>) {
        self.note(|record| {
            record.key = Some(label.clone());
            record.key_hash = Some(hash.clone());
        });
        self.lease = Some(lease);
    }

    /// Why the request has no good answer, as the trace words it.
    pub(super) fn failed(&mut self, code: String) {
        self.note(|record| record.error_code = Some(code));
    }

    /// The head is about to go out: stamps it, and adds our lines to it.
    pub(super) fn head(&mut self, status: StatusCode, lines: &mut Lines) {
        let latency = self.elapsed();
        let Some(record) = self.record.as_mut().and_then(Arc::get_mut) else { return };
        record.latency = latency;
        record.status = status.as_u16();
        if record.status >= 400 && record.error_code.is_none() {
            record.error_code = Some(status.as_str().to_owned());
        }
        if !self.app.settings.headers {
            return;
        }
        // A label may be any text: it goes as UTF-8 bytes.
        if let Some(label) = &record.key {
            lines.add(b"x-kmi-key", label.as_str());
        }
        lines.add(b"x-kmi-attempts", record.attempts.len().to_string());
        lines.add(b"x-kmi-request-id", &record.request_id);
    }

    /// Answers with a refusal of our own; that is the end of it.
    pub(super) fn refuse(mut self, refusal: Refusal) -> Whole {
        self.failed(refusal.code.to_owned());
        let message = text::clean(refusal.message(), ERROR_MAX);
        self.note(|record| {
            record.error.get_or_insert(message);
        });
        let ending = refusal.ending();
        self.finish(refusal.into_answer(), ending)
    }

    /// Answers with a whole body.
    pub(super) fn answer(self, whole: Whole) -> Whole {
        self.finish(whole, Ending::Completed)
    }

    fn finish(mut self, mut whole: Whole, ending: Ending) -> Whole {
        self.head(whole.status, &mut whole.lines);
        self.sent(whole.body.len());
        self.end(ending, Tokens::default());
        whole
    }

    /// Bytes of the answer's body went out.
    pub(super) fn sent(&mut self, bytes: usize) {
        let Some(record) = self.record.as_mut().and_then(Arc::get_mut) else { return };
        record.first_byte.get_or_insert_with(|| self.app.engine.steady().saturating_sub(self.started.steady));
        record.bytes_out = record.bytes_out.saturating_add(bytes as u64);
        self.wish.sent(record.bytes_out);
    }

    /// Whether a person has ended it, in the middle of its answer.
    pub(super) fn is_cancelled(&self) -> bool {
        self.wish.is_ordered()
    }

    /// The same; who is not told so now is woken then.
    pub(super) fn poll_cancelled(&self, context: &Context<'_>) -> bool {
        self.wish.poll_order(context).is_ready()
    }

    /// The first ending counts: settles the key that answered, gives it back, and records the request.
    pub(super) fn end(&mut self, ending: Ending, tokens: Tokens) {
        let total = self.elapsed();
        let Some(mut own) = self.record.take() else { return };
        let Some(record) = Arc::get_mut(&mut own) else { return };
        self.ticket = None;
        let lease = self.lease.take();
        if matches!(ending, Ending::ClientGone | Ending::Cancelled) {
            self.leave_waiting(record);
            self.leave_unanswered(record, ending);
        }
        match (&lease, cause_of(ending)) {
            (Some(lease), Some(cause)) => self.app.engine.settle(lease, &Verdict::bare(cause), &self.wish),
            (Some(lease), None) => self.app.engine.abandoned(lease),
            (None, _) => {}
        }
        record.ending = ending;
        record.process = self.wish.process().cloned();
        record.tokens = tokens;
        record.total = total;
        if record.status == 0 {
            // Gone before an answer: the code that proxies log for it, never sent to anyone.
            record.status = 499;
            record.latency = total;
        }
        if let Some(code) = ending.error_code() {
            record.error_code = Some(code.to_owned());
        }
        self.app.engine.record(own, lease.as_ref().map(|lease| lease.choice.id));
    }

    /// The wait for a key that somebody had enough of.
    fn leave_waiting(&self, record: &mut TraceRecord) {
        let Some(since) = self.wish.waits_for_a_key() else { return };
        record.waited += self.app.engine.steady().saturating_sub(since);
        record.passed_over = reasons(&self.app.engine.why_none(&self.wish));
    }

    /// The attempt that got no answer before somebody had enough of it.
    fn leave_unanswered(&self, record: &mut TraceRecord, ending: Ending) {
        let Some(choice) = self.wish.unanswered() else { return };
        let took = self.app.engine.steady().saturating_sub(choice.at.steady);
        let key = choice.key.label.clone();
        record.attempts.push(Attempt {
            key: key.clone(),
            status: None,
            cause: ending.code().into(),
            ms: millis(took),
            why: Some(choice.why),
        });
        record.passed_over = choice.passed_over.clone();
        record.key = Some(key);
        record.key_hash = Some(choice.hash.clone());
        record.rotation_index = choice.rotation_index;
    }

    fn note(&mut self, change: impl FnOnce(&mut TraceRecord)) {
        if let Some(record) = self.record.as_mut().and_then(Arc::get_mut) {
            change(record);
        }
    }

    fn elapsed(&self) -> Duration {
        self.app.engine.steady().saturating_sub(self.started.steady)
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.end(Ending::ClientGone, Tokens::default());
    }
}

fn reasons(no_key: &NoKey) -> PassedOvers {
    passed_over(no_key.reasons.iter().map(|(label, skip)| (label, skip.clone())))
}

/// What the end of a good answer says of its key; `None` = nothing, when somebody had enough of it.
const fn cause_of(ending: Ending) -> Option<Cause> {
    match ending {
        Ending::Completed => Some(Cause::Ok),
        Ending::ClientGone | Ending::Cancelled => None,
        Ending::ErrorEvent => Some(Cause::Busy),
        Ending::UpstreamCut => Some(Cause::BrokenAnswer),
    }
}

pub(super) fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
