//! Everything known of one key, request or finding. Never a secret: the snapshot has none.

use std::{sync::Arc, time::Duration};

use jiff::ToSpan;
use ratatui::{
    Frame,
    layout::Rect,
    style::Style,
    text::{Line, Span},
};

use super::scrolled_popup;
use crate::{
    domain::{
        key::Label,
        ledger::Name,
        message::Message,
        now,
        outcome::Cause,
        prompt_cache,
        reason::{Act, Chosen},
        running::{Phase, RunningView},
        shared_cause::Common,
        snapshot::{Contradiction, Finding, KeyView, UsageView},
        trace::{Attempt, TokenSums, Tokens, TraceRecord},
        usage::Window,
    },
    tui::{
        app::{Extent, Subject},
        countdown::back_at,
        findings::{Named, findings, row_of},
        format::{self, age, count, countdown, percent, sparkline, took, whole, width, wrap},
        panes::{keys::error_rate, trace},
        view::View,
        wording,
    },
};

const WIDTH: u16 = 84;
/// What the history of a key goes back to, and its columns.
const HISTORY: Duration = Duration::from_secs(3_600);
const SPARK: usize = 30;
/// Enough of a conversation's digest to tell it from others.
const CONVERSATION: usize = 8;
const WEEK: i64 = 7;
/// Most keys whose reasons are told.
const KEYS_TOLD: usize = 64;

/// A fact: Fluent id of its name, what it is, how it looks.
type Fact = (&'static str, String, Style);

pub(crate) fn draw(frame: &mut Frame<'_>, area: Rect, view: &View<'_>, subject: &Subject, scroll: usize) -> Extent {
    let (title, facts) = match subject {
        Subject::Key(label) => key(view, label),
        Subject::Request(record) => (view.text("details-request"), request(view, record)),
        Subject::Running(id) => running(view, id),
        Subject::Finding(named) => finding(view, named),
    };
    let room = usize::from(WIDTH.min(area.width).saturating_sub(4));
    let lines = listed(view, &facts, room);
    scrolled_popup(frame, area, view, &title, &view.text("foot-reading"), WIDTH, lines, scroll).extent
}

/// Names in one column, facts in the other, wrapped; a name is written once for its neighbours.
fn listed(view: &View<'_>, facts: &[Fact], room: usize) -> Vec<Line<'static>> {
    let names: Vec<_> =
        facts.iter().map(|(id, _, _)| if id.is_empty() { String::new() } else { view.text(id) }).collect();
    let indent = names.iter().map(|name| width(name)).max().unwrap_or_default() + 2;
    let mut lines = Vec::new();
    let mut before = "";
    for ((id, text, style), name) in facts.iter().zip(&names) {
        for (at, text) in wrap(text, room.saturating_sub(indent)).into_iter().enumerate() {
            let name = if at == 0 && *id != before { name.as_str() } else { "" };
            let blank = " ".repeat(indent.saturating_sub(width(name)));
            lines.push(Line::from(vec![
                Span::styled(format!("{name}{blank}"), view.theme.dim),
                Span::styled(text, *style),
            ]));
        }
        before = id;
    }
    lines
}

fn key(view: &View<'_>, label: &Label) -> (String, Vec<Fact>) {
    let title = view.say(&Message::new("details-key").with("label", label));
    let facts = match view.snapshot.keys.iter().find(|key| key.label == *label) {
        Some(key) => key_facts(view, key),
        None => vec![("", view.text("details-gone"), view.theme.warn)],
    };
    (title, facts)
}

fn key_facts(view: &View<'_>, key: &KeyView) -> Vec<Fact> {
    let theme = view.theme;
    let plain = |id, text| (id, text, theme.text);
    let nothing = || view.nothing();
    let status = format!("{} {}", view.glyphs.status(key.status), wording::status(view, key.status));
    let mut facts = vec![("fact-status", status, theme.status(key.status))];
    if let Some(skip) = &key.skip {
        facts.push(plain("fact-skip", wording::skip(view, skip)));
        facts.push(plain("fact-who-acts", view.text(Act::on_skip(skip).map_or("act-nobody", Act::message_id))));
        facts.extend(back_at(skip).map(|until| plain("fact-back", moment_and_left(view, until))));
    }
    let active = view.text(if key.active { "yes" } else { "no" });
    let used = key.last_used.map_or_else(nothing, |at| moment_and_age(view, at));
    facts.extend([
        plain("fact-active", active),
        plain("fact-masked", view.clean(&key.masked)),
        plain("fact-host", view.clean(&key.host)),
        plain("fact-source", view.clean(&key.source)),
        plain("fact-email", key.email.as_deref().map_or_else(nothing, |email| view.clean(email))),
        plain("fact-priority", key.priority.to_string()),
        plain("fact-requests", count(view.words, key.requests)),
        plain("fact-in-flight", key.in_flight.to_string()),
        plain("fact-errors", errors(view, key)),
        plain("fact-last-used", used),
        plain("fact-tokens", tokens(view, key.tokens)),
    ]);
    facts.extend(activity(view, key).map(|text| ("fact-activity", text, theme.accent)));
    facts.extend(at_stake(view, key).map(|text| plain("fact-at-stake", text)));
    facts.extend(usage_facts(view, key));
    facts.extend(key.contradiction.iter().flat_map(|contradiction| contradiction_facts(view, contradiction)));
    let others = key.shares_account_with.iter().map(|label| view.clean(label.as_str())).collect::<Vec<_>>();
    if !others.is_empty() {
        facts.push(plain("fact-shares", others.join(", ")));
    }
    facts.extend(token_facts(view, &key.label));
    facts
}

/// `429 ×2 (<1%)`: what is outstanding, and its share of all requests.
fn errors(view: &View<'_>, key: &KeyView) -> String {
    let counters = key.counters;
    let named = [
        ("401", counters.error_401),
        ("403", counters.error_403),
        ("429", counters.error_429),
        ("5xx", counters.error_5xx),
    ];
    let outstanding = named.into_iter().filter(|(_, count)| *count > 0);
    let parts: Vec<_> = outstanding.map(|(name, count)| format!("{name} ×{count}")).collect();
    if parts.is_empty() {
        return view.nothing();
    }
    format!("{} ({})", parts.join(", "), percent(error_rate(key)))
}

fn usage_facts(view: &View<'_>, key: &KeyView) -> Vec<Fact> {
    let theme = view.theme;
    let (checked, usage) = match &key.usage {
        UsageView::Unknown => return vec![("fact-usage", view.text("quota-unknown"), theme.dim)],
        UsageView::Known { at, usage } => ((moment_and_age(view, *at), theme.text), Some(usage)),
        UsageView::Failed { at, fault, usage } => {
            let (age, fault) = (age(view.words, view.since(*at)), wording::cause(view.words, fault));
            let failed = Message::new("quota-failed").with("age", age).with("fault", fault);
            ((view.say(&failed), theme.warn), usage.as_ref())
        }
    };
    let mut facts = vec![("fact-usage-checked", checked.0, checked.1)];
    let Some(usage) = usage else { return facts };
    for window in &usage.windows {
        facts.push(("fact-usage", window_text(view, window), theme.text));
        facts.extend(window_pace(view, key, window).map(|text| ("fact-usage", text, theme.dim)));
    }
    facts.extend(usage.user_id.as_deref().map(|id| ("fact-account", view.clean(id), theme.text)));
    facts.extend(usage.parallel_limit.map(|limit| ("fact-parallel", limit.to_string(), theme.text)));
    facts
}

/// Two readings that do not agree, each with its age.
fn contradiction_facts(view: &View<'_>, contradiction: &Contradiction) -> Vec<Fact> {
    let message = Message::new("details-contradiction")
        .with("left", percent(contradiction.left))
        .with("reported", age(view.words, view.since(contradiction.reported_at)))
        .with("cause", wording::cause(view.words, &contradiction.cause))
        .with("refused", age(view.words, view.since(contradiction.refused_at)));
    let expected =
        contradiction.expected.map(|moment| ("fact-expected", moment_and_left(view, moment), view.theme.text));
    std::iter::once(("fact-contradiction", view.say(&message), view.theme.warn)).chain(expected).collect()
}

/// `week: 18 % left, resets 2026-02-08 12:00 (6 d 4 h)`.
fn window_text(view: &View<'_>, window: &Window) -> String {
    let left = window.left.map_or_else(|| "?".to_owned(), percent);
    let message = Message::new(if window.resets_at.is_some() { "details-window-resets" } else { "details-window" })
        .with("window", wording::window(view, &window.kind))
        .with("left", left);
    match window.resets_at {
        Some(moment) => {
            let span = countdown(view.words, view.until(moment));
            view.say(&message.with("moment", wording::time(view, moment)).with("span", span))
        }
        None => view.say(&message),
    }
}

/// How fast it goes and when it will be empty, where that is before it comes back.
fn window_pace(view: &View<'_>, key: &KeyView, window: &Window) -> Option<String> {
    let pace = key.pace.iter().find(|pace| pace.kind == window.kind && pace.per_hour > 0.0)?;
    let pace = view.say(&Message::new("quota-pace").with("share", format::pace(pace.per_hour)));
    let empty = wording::empty_at(key, window).map(|moment| {
        view.say(&Message::new("quota-empty-in").with("span", countdown(view.words, view.until(moment))))
    });
    Some(view.join(&std::iter::once(pace).chain(empty).collect::<Vec<_>>()))
}

fn request(view: &View<'_>, record: &TraceRecord) -> Vec<Fact> {
    let theme = view.theme;
    let plain = |id, text| (id, text, theme.text);
    let known = |text: Option<&str>| text.map_or_else(|| view.nothing(), |text| view.clean(text));
    let took = |span| took(view.words, span);
    let line = format!("{} {}", view.clean(&record.method), view.clean(&record.endpoint));
    let mut facts = vec![
        plain("fact-time", moment(view, record.at)),
        plain("fact-request-line", line),
        ("fact-answer", trace::answer(view, record), theme.answer(record.status)),
    ];
    facts.extend(wording::trouble(view.words, record).map(|trouble| ("fact-trouble", trouble, theme.bad)));
    facts.extend(record.error.as_deref().map(|error| ("fact-error", view.clean(error), theme.bad)));
    facts.push(plain("fact-key", known(record.key.as_ref().map(Label::as_str))));
    let last = record.attempts.last().and_then(|tried| Some((&tried.key, tried.why?)));
    facts.extend(key_reasons(view, record, last));
    facts.extend(record.attempts.iter().map(|attempt| attempt_fact(view, attempt)));
    if record.waited >= Duration::from_millis(1) {
        facts.push(plain("fact-waited", took(record.waited)));
    }
    let shared = record.shared_cause.as_deref().and_then(Common::from_code);
    facts.extend(shared.map(|common| plain("fact-shared-cause", view.text(wording::common(common)))));
    facts.extend([
        plain("fact-latency", took(record.latency)),
        plain("fact-first-byte", record.first_byte.map_or_else(|| view.nothing(), took)),
        plain("fact-total", took(record.total)),
        plain("fact-tokens", tokens(view, record.tokens)),
        plain("fact-bytes", format!("{}{}{}", record.bytes_in, view.glyphs.arrow, record.bytes_out)),
        plain("fact-model", known(record.model.as_deref())),
        plain("fact-conversation", conversation(view, record)),
        plain("fact-stream", view.text(if record.stream { "yes" } else { "no" })),
        plain("fact-client", known(record.client.as_deref())),
    ]);
    facts.extend(who(view, record));
    facts.extend([
        plain("fact-hint", known(Some(record.prompt_hint.as_str()).filter(|hint| !hint.is_empty()))),
        plain("fact-request-id", view.clean(&record.request_id)),
    ]);
    facts
}

/// A request on its way; once it has ended, its record.
fn running(view: &View<'_>, id: &str) -> (String, Vec<Fact>) {
    if let Some(running) = view.snapshot.running.iter().find(|running| running.request_id == id) {
        return (view.text("details-running"), running_facts(view, running));
    }
    let ended = view.app.trace.find(id).map(|record| request(view, record));
    let facts = ended.unwrap_or_else(|| vec![("", view.text("details-gone"), view.theme.warn)]);
    (view.text("details-request"), facts)
}

fn running_facts(view: &View<'_>, running: &RunningView) -> Vec<Fact> {
    let theme = view.theme;
    let plain = |id, text| (id, text, theme.text);
    let known = |text: Option<&str>| text.map_or_else(|| view.nothing(), |text| view.clean(text));
    let record = running.so_far();
    let line = format!("{} {}", view.clean(&running.method), view.clean(&running.endpoint));
    let style = if running.waits() { theme.warn } else { theme.accent };
    let since = countdown(view.words, view.since(running.since));
    let phase = Message::new("details-phase").with("phase", view.text(wording::phase(&running.phase)));
    let mut facts = vec![
        plain("fact-time", moment_and_age(view, running.at)),
        plain("fact-request-line", line),
        ("fact-doing", view.say(&phase.with("since", since)), style),
    ];
    let wait = wording::wait(view, running);
    if !wait.is_empty() {
        facts.push(("fact-doing", wait, style));
    }
    if let Phase::Held { until } = running.phase {
        facts.push((
            "fact-doing",
            view.say(&Message::new("details-gives-up").with("moment", until).with("span", view.until(until))),
            theme.text,
        ));
    }
    facts.extend(key_reasons(view, &record, running.phase.key()));
    facts.extend(running.attempts.iter().map(|attempt| attempt_fact(view, attempt)));
    facts.extend([
        plain("fact-bytes", running.bytes_out.to_string()),
        plain("fact-model", known(running.model.as_deref())),
        plain("fact-stream", view.text(if running.stream { "yes" } else { "no" })),
        plain("fact-client", known(running.client.as_deref())),
    ]);
    facts.extend(who(view, &record));
    facts.push(plain("fact-request-id", view.clean(&running.request_id)));
    facts
}

/// The program and the session behind a request, where they are known.
fn who(view: &View<'_>, record: &TraceRecord) -> Vec<Fact> {
    let process = record.process.as_ref().map(|process| {
        let said = Message::new("details-process").with("name", view.clean(&process.name));
        ("fact-process", view.say(&said.with("pid", process.pid.to_string())), view.theme.text)
    });
    let session = record.session.as_deref().map(|session| ("fact-session", view.clean(session), view.theme.text));
    process.into_iter().chain(session).collect()
}

/// Every key with the reason why it was chosen or not: those that were tried stand among the tries with what came of it.
fn key_reasons(view: &View<'_>, record: &TraceRecord, chosen: Option<(&Label, Chosen)>) -> Vec<Fact> {
    let theme = view.theme;
    let fact =
        |label: &Label, said: String, style| ("fact-keys", view.join(&[view.clean(label.as_str()), said]), style);
    let mut facts: Vec<Fact> =
        chosen.iter().map(|(label, why)| fact(label, view.text(why.message_id()), theme.ok)).collect();
    for passed in record.passed_over.iter() {
        facts.push(fact(&passed.key, wording::passed_over(view, &passed.skip), theme.warn));
    }
    // Nobody is chosen while it waits; older lines of the trace do not tell, nor do those of more keys than anybody reads.
    if chosen.is_none() || view.snapshot.keys.len() > KEYS_TOLD {
        return facts;
    }
    let told = |label: &Label| {
        chosen.is_some_and(|(chosen, _)| chosen == label)
            || record.passed_over.iter().any(|passed| passed.key == *label)
            || record.attempts.iter().any(|tried| tried.key == *label)
    };
    let others = view.snapshot.keys.iter().filter(|key| !told(&key.label));
    facts.extend(others.map(|key| fact(&key.label, view.text("chosen-not"), theme.dim)));
    facts
}

fn attempt_fact(view: &View<'_>, attempt: &Attempt) -> Fact {
    let status = attempt.status.map_or_else(|| view.nothing(), |status| status.to_string());
    let mut parts = vec![
        view.clean(attempt.key.as_str()),
        status,
        wording::cause(view.words, &attempt.cause),
        took(view.words, Duration::from_millis(attempt.ms)),
    ];
    parts.extend(Cause::from_code(&attempt.cause).and_then(Act::on_cause).map(|act| view.text(act.message_id())));
    let style = if attempt.cause == "ok" { view.theme.ok } else { view.theme.warn };
    ("fact-attempts", view.join(&parts), style)
}

fn finding(view: &View<'_>, named: &Named) -> (String, Vec<Fact>) {
    let findings = findings(view.snapshot);
    let facts = row_of(&findings, &named.name)
        .map(|row| findings[row])
        .map_or_else(|| vec![("", view.text("details-gone"), view.theme.warn)], |finding| finding_facts(view, finding));
    (view.say(&named.subject), facts)
}

fn finding_facts(view: &View<'_>, finding: &Finding) -> Vec<Fact> {
    let theme = view.theme;
    let seen = format!("{} {}", view.glyphs.severity(finding.severity), view.say(&finding.seen));
    let fix = finding.fix.as_ref().map(|fix| ("fact-fix", view.say(fix), theme.text));
    std::iter::once(("fact-seen", seen, theme.severity(finding.severity))).chain(fix).collect()
}

/// What a key was used for today, by model, and in a week.
fn token_facts(view: &View<'_>, label: &Label) -> Vec<Fact> {
    let (ledger, today) = (&view.snapshot.ledger, view.snapshot.today);
    let mine = |name: &Name| name.label == *label;
    let since = today.checked_sub(WEEK.days()).unwrap_or(today);
    let models = ledger.sums(|name| (mine(name) && name.day == today).then(|| name.model.clone()));
    let week = ledger.sums(|name| (mine(name) && name.day > since).then_some(()));
    let of_model = |(model, sums): (Arc<str>, TokenSums)| {
        let message = Message::new("details-tokens-of").with("model", view.clean(&model));
        ("fact-tokens-today", view.say(&message.with("tokens", token_sums(view, sums))), view.theme.text)
    };
    let of_week = |sums: TokenSums| ("fact-tokens-week", token_sums(view, sums), view.theme.text);
    models.into_iter().map(of_model).chain(week.into_values().map(of_week)).collect()
}

fn token_sums(view: &View<'_>, sums: TokenSums) -> String {
    view.say(&wording::token_sums(view.words, sums))
}

fn tokens(view: &View<'_>, tokens: Tokens) -> String {
    let known = |number: Option<u64>| number.map_or_else(|| "?".to_owned(), |number| count(view.words, number));
    if tokens == Tokens::default() {
        return view.nothing();
    }
    let message = Message::new("details-tokens")
        .with("input", known(tokens.input))
        .with("cached", known(tokens.cached))
        .with("output", known(tokens.output));
    view.say(&message)
}

/// Its requests among those that are kept, oldest left; a sign that is no blank stands for none.
fn activity(view: &View<'_>, key: &KeyView) -> Option<String> {
    let trace = &view.app.trace;
    let oldest = trace.newest_first().last()?.at.max(now::before(view.now, HISTORY));
    let span = view.since(oldest).max(Duration::from_secs(1));
    let mut counts = vec![0_u32; SPARK];
    let of_it = trace.newest_first().filter(|record| record.key.as_ref() == Some(&key.label));
    for record in of_it.filter(|record| record.at >= oldest) {
        let at = now::since(oldest, record.at).as_secs_f64() / span.as_secs_f64() * (SPARK as f64);
        counts[(at as usize).min(SPARK - 1)] += 1;
    }
    let total = i64::from(counts.iter().sum::<u32>());
    let spark = sparkline(&counts, SPARK, view.glyphs).replace(' ', view.glyphs.none);
    let said = view.say(&Message::new("details-activity").with("count", total).with("span", span));
    (total > 0).then(|| format!("{spark} {said}"))
}

/// What its conversations would lose elsewhere; nothing while that is nothing.
fn at_stake(view: &View<'_>, key: &KeyView) -> Option<String> {
    let stake = prompt_cache::at_stake(view.app.trace.newest_first(), &key.label, view.now);
    (stake.tokens > 0).then(|| view.say(&stake.message("details-at-stake")))
}

/// `3f2a91c0 · 12 requests · 91% from the cache`.
fn conversation(view: &View<'_>, record: &TraceRecord) -> String {
    let Some(name) = &record.conversation else { return view.nothing() };
    let hits = prompt_cache::hits(view.app.trace.newest_first(), name);
    let short = name.get(..CONVERSATION).unwrap_or(name);
    let count = view.say(&Message::new("details-conversation").with("count", whole(hits.requests)));
    let share = hits.share().map(|share| view.say(&Message::new("details-cached").with("share", percent(share))));
    view.join(&[view.clean(short), count].into_iter().chain(share).collect::<Vec<_>>())
}

/// Date and time to the second.
fn moment(view: &View<'_>, moment: jiff::Timestamp) -> String {
    let minute = view.words.moment(moment);
    let date = minute.split_once(' ').map_or("", |(date, _)| date);
    format!("{date} {}", view.words.clock(moment))
}

fn moment_and_age(view: &View<'_>, moment: jiff::Timestamp) -> String {
    let age = age(view.words, view.since(moment));
    view.say(&Message::new("details-moment-ago").with("moment", moment).with("age", age))
}

fn moment_and_left(view: &View<'_>, moment: jiff::Timestamp) -> String {
    view.say(&Message::new("details-moment-left").with("moment", moment).with("span", view.until(moment)))
}
