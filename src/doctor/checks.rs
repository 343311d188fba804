//! The table of checks: each looks at the facts and says what it saw and what to do. Pure.

use super::facts::{Facts, FileFact, Reached};
use crate::domain::{
    command::Severity,
    message::Message,
    snapshot::{Finding, KeyView, Skip, UsageView},
};

type Check = fn(&Facts) -> Vec<Finding>;

/// Every check, in the order of the pane.
const CHECKS: &[Check] = &[
    env_file,
    keys,
    problems,
    key_states,
    usage,
    dry_run,
    auto_rotation,
    bind,
    upstream,
    permissions,
    state,
    trace,
    log,
];

/// Names listed in one line before the rest is counted.
const NAMED: usize = 3;

/// All findings.
pub(super) fn judge(facts: &Facts) -> Vec<Finding> {
    CHECKS.iter().flat_map(|check| check(facts)).collect()
}

fn env_file(facts: &Facts) -> Vec<Finding> {
    let seen = match &facts.env_file {
        Some(path) => Message::new("doctor-env-file-read").with("path", path.as_str()),
        None => Message::new("doctor-env-file-none"),
    };
    one(Severity::Ok, "doctor-env-file", seen, None)
}

fn keys(facts: &Facts) -> Vec<Finding> {
    let keys = &facts.snapshot.keys;
    if keys.is_empty() {
        let seen = Message::new("doctor-keys-none").with("path", facts.auths_dir.as_str());
        return one(Severity::Fail, "doctor-keys", seen, Some(Message::new("doctor-keys-none-fix")));
    }
    one(Severity::Ok, "doctor-keys", Message::new("doctor-keys-found").with("count", keys.len()), None)
}

/// What was wrong with settings and auth files when they were read.
fn problems(facts: &Facts) -> Vec<Finding> {
    let findings = facts.problem_messages();
    findings.flat_map(|(problem, seen)| one(problem.severity, "doctor-settings", seen, None)).collect()
}

fn key_states(facts: &Facts) -> Vec<Finding> {
    let out = |key: &&KeyView| matches!(key.skip, Some(Skip::Blocked { .. } | Skip::Unauthorized));
    let blocked: Vec<&KeyView> = facts.snapshot.keys.iter().filter(out).collect();
    if blocked.is_empty() {
        return Vec::new();
    }
    let labels = listed(blocked.iter().map(|key| key.label.to_string()));
    let seen = Message::new("doctor-keys-blocked").with("count", blocked.len()).with("labels", labels);
    one(Severity::Warn, "doctor-keys", seen, Some(Message::new("doctor-keys-blocked-fix")))
}

fn usage(facts: &Facts) -> Vec<Finding> {
    let failed: Vec<(&KeyView, &str)> = facts
        .snapshot
        .keys
        .iter()
        .filter_map(|key| match &key.usage {
            UsageView::Failed { fault, .. } => Some((key, fault.as_str())),
            _ => None,
        })
        .collect();
    let Some((_, fault)) = failed.first() else { return Vec::new() };
    let labels = listed(failed.iter().map(|(key, _)| key.label.to_string()));
    let seen =
        Message::new("doctor-usage-failed").with("count", failed.len()).with("labels", labels).with("fault", *fault);
    one(Severity::Warn, "doctor-usage", seen, Some(Message::new("doctor-usage-failed-fix")))
}

fn dry_run(facts: &Facts) -> Vec<Finding> {
    if !facts.dry_run {
        return one(Severity::Ok, "doctor-dry-run", Message::new("doctor-dry-run-off"), None);
    }
    let fix = Message::new("doctor-dry-run-fix");
    one(Severity::Warn, "doctor-dry-run", Message::new("doctor-dry-run-on"), Some(fix))
}

fn auto_rotation(facts: &Facts) -> Vec<Finding> {
    let (allowed, on) = (facts.snapshot.setup.auto_rotate_allowed, facts.snapshot.auto_rotate);
    match (allowed, on) {
        (true, true) if facts.affinity => {
            one(Severity::Ok, "doctor-auto-rotation", Message::new("doctor-auto-rotation-affine"), None)
        }
        (true, true) => one(
            Severity::Info,
            "doctor-auto-rotation",
            Message::new("doctor-auto-rotation-on"),
            Some(Message::new("doctor-auto-rotation-on-fix")),
        ),
        (true, false) => one(Severity::Ok, "doctor-auto-rotation", Message::new("doctor-auto-rotation-off"), None),
        (false, _) => one(Severity::Ok, "doctor-auto-rotation", Message::new("doctor-auto-rotation-not-allowed"), None),
    }
}

fn bind(facts: &Facts) -> Vec<Finding> {
    let address = facts.snapshot.setup.address.as_str();
    let (severity, id) = match (facts.remote, facts.token) {
        (false, false) => (Severity::Ok, "doctor-bind-local"),
        (false, true) => (Severity::Ok, "doctor-bind-local-token"),
        (true, true) => (Severity::Info, "doctor-bind-remote"),
        (true, false) => (Severity::Fail, "doctor-bind-open"),
    };
    one(severity, "doctor-bind", Message::new(id).with("address", address), None)
}

fn upstream(facts: &Facts) -> Vec<Finding> {
    let (severity, seen, fix) = match &facts.upstream {
        Reached::NotTried => (Severity::Info, Message::new("doctor-upstream-not-tried"), None),
        Reached::Yes { host, took } => {
            let ms = i64::try_from(took.as_millis()).unwrap_or(i64::MAX);
            (Severity::Ok, Message::new("doctor-upstream-reached").with("host", host.as_str()).with("ms", ms), None)
        }
        Reached::No { host, error } => (
            Severity::Fail,
            Message::new("doctor-upstream-unreachable").with("host", host.as_str()).with("error", error.as_str()),
            Some(Message::new("doctor-upstream-fix")),
        ),
    };
    one(severity, "doctor-upstream", seen, fix)
}

fn permissions(facts: &Facts) -> Vec<Finding> {
    if facts.open_to_others.is_empty() {
        return one(Severity::Ok, "doctor-permissions", Message::new("doctor-permissions-fine"), None);
    }
    let seen = Message::new("doctor-permissions-open")
        .with("count", facts.open_to_others.len())
        .with("paths", listed(facts.open_to_others.iter().cloned()));
    one(Severity::Warn, "doctor-permissions", seen, Some(Message::new("doctor-permissions-fix")))
}

fn state(facts: &Facts) -> Vec<Finding> {
    file("doctor-state", &facts.state)
}

fn trace(facts: &Facts) -> Vec<Finding> {
    file("doctor-trace", &facts.trace)
}

fn log(facts: &Facts) -> Vec<Finding> {
    file("doctor-log", &facts.log)
}

fn file(subject: &'static str, fact: &FileFact) -> Vec<Finding> {
    match fact {
        FileFact::Missing => one(Severity::Info, subject, Message::new("doctor-file-missing"), None),
        FileFact::Present { bytes } => {
            let kilobytes = i64::try_from(bytes.div_ceil(1024)).unwrap_or(i64::MAX);
            one(Severity::Ok, subject, Message::new("doctor-file-present").with("kilobytes", kilobytes), None)
        }
        FileFact::Unreadable(error) => {
            let seen = Message::new("doctor-file-unreadable").with("error", error.as_str());
            one(Severity::Fail, subject, seen, Some(Message::new("doctor-file-unreadable-fix")))
        }
    }
}

fn one(severity: Severity, subject: &'static str, seen: Message, fix: Option<Message>) -> Vec<Finding> {
    vec![Finding { severity, subject: Message::new(subject), seen, fix }]
}

/// `a, b, c …`
fn listed(names: impl ExactSizeIterator<Item = String>) -> String {
    let more = if names.len() > NAMED { " …" } else { "" };
    let named: Vec<String> = names.take(NAMED).collect();
    format!("{}{more}", named.join(", "))
}
