//! The proxy's own edge: who can reach it, by what locks, on which port, and who runs there.

use std::time::Duration;

use super::Seen;
use crate::{
    config::Problem,
    doctor::facts::{Facts, Instance, Port, Tls},
    domain::message::Message,
};

/// Rules of remote access that `config` holds, and the check that speaks of each.
const RULES: &[(&str, Rule)] =
    &[("config-remote", Rule::Bind), ("config-remote-tls", Rule::Tls), ("config-remote-token", Rule::Token)];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    Bind,
    Tls,
    Token,
}

/// A token of fewer characters, or of fewer distinct ones, can be guessed.
const TOKEN_SHORT: usize = 16;
const TOKEN_FEW: usize = 8;
/// A certificate that is valid for less should be renewed.
const RENEW: Duration = Duration::from_secs(14 * 86_400);

/// Whether the checks of this file name the problem.
pub(super) fn speaks_of(problem: &Problem) -> bool {
    RULES.iter().any(|(id, _)| problem.message.id == *id)
}

pub(super) fn bind(facts: &Facts) -> Vec<Seen> {
    if let Some(broken) = broken(facts, Rule::Bind) {
        return vec![broken];
    }
    let settings = &facts.settings;
    let what = |id| Message::new(id).with("address", settings.listen.as_str());
    vec![match (settings.remote, settings.token.is_some()) {
        (false, _) => Seen::ok(what("doctor-bind-local")),
        (true, true) => Seen::info(what("doctor-bind-remote")),
        (true, false) => Seen::fail(what("doctor-bind-open")).fix(Message::new("doctor-bind-open-fix")),
    }]
}

pub(super) fn tls(facts: &Facts) -> Vec<Seen> {
    if let Some(broken) = broken(facts, Rule::Tls) {
        return vec![broken];
    }
    vec![match (facts.settings.tls, facts.settings.remote) {
        (Tls::Own, _) => own(facts),
        (Tls::InFront, _) => Seen::ok(Message::new("doctor-tls-in-front")),
        (Tls::Nobody, false) => Seen::ok(Message::new("doctor-tls-not-needed")),
        (Tls::Nobody, true) => Seen::warn(Message::new("doctor-tls-none")).fix(Message::new("doctor-tls-none-fix")),
    }]
}

/// Clients refuse a certificate that has expired, and it is seldom noticed before.
fn own(facts: &Facts) -> Seen {
    let fix = || Message::new("doctor-tls-expires-fix");
    let left = facts.certificate_until.map(|until| Duration::try_from(until.duration_since(facts.now)));
    match left {
        Some(Err(_)) => Seen::fail(Message::new("doctor-tls-expired")).fix(fix()),
        Some(Ok(span)) if span < RENEW => Seen::warn(Message::new("doctor-tls-expires").with("span", span)).fix(fix()),
        Some(Ok(_)) | None => Seen::ok(Message::new("doctor-tls-own")),
    }
}

pub(super) fn token(facts: &Facts) -> Vec<Seen> {
    if let Some(broken) = broken(facts, Rule::Token) {
        return vec![broken];
    }
    vec![match facts.settings.token {
        None if facts.settings.remote => {
            Seen::fail(Message::new("doctor-token-missing")).fix(Message::new("doctor-token-fix"))
        }
        None => Seen::ok(Message::new("doctor-token-none")),
        Some(token) if token.length < TOKEN_SHORT => {
            let what = Message::new("doctor-token-short").with("count", token.length);
            Seen::warn(what).fix(Message::new("doctor-token-fix"))
        }
        Some(token) if token.distinct < TOKEN_FEW => {
            let what = Message::new("doctor-token-plain").with("count", token.distinct);
            Seen::warn(what).fix(Message::new("doctor-token-fix"))
        }
        Some(token) => Seen::ok(Message::new("doctor-token-strong").with("count", token.length)),
    }]
}

pub(super) fn port(facts: &Facts) -> Vec<Seen> {
    let what = |id| Message::new(id).with("address", facts.settings.listen.as_str());
    let fix = || Message::new("doctor-port-fix");
    vec![match &facts.port {
        Port::Any => Seen::info(Message::new("doctor-port-any")),
        Port::Free => Seen::ok(what("doctor-port-free")),
        Port::Ours => Seen::ok(Message::new("doctor-port-ours").with("address", facts.snapshot.setup.address.as_str())),
        Port::Held(Some((pid, program))) => {
            let what = what("doctor-port-held-by").with("pid", i64::from(*pid)).with("program", program.as_str());
            Seen::fail(what).fix(fix())
        }
        Port::Held(None) => Seen::fail(what("doctor-port-held")).fix(fix()),
        Port::Unusable(error) => Seen::fail(what("doctor-port-unusable").with("error", error.as_str())).fix(fix()),
    }]
}

pub(super) fn instance(facts: &Facts) -> Vec<Seen> {
    vec![match &facts.instance {
        Instance::Own => Seen::ok(Message::new("doctor-instance-own").with("pid", i64::from(facts.snapshot.setup.pid))),
        Instance::None => Seen::info(Message::new("doctor-instance-none")),
        Instance::Running { pid, version } => {
            let what = |id| Message::new(id).with("pid", i64::from(*pid)).with("version", version.as_str());
            if version == env!("CARGO_PKG_VERSION") {
                Seen::ok(what("doctor-instance-running"))
            } else {
                let own = env!("CARGO_PKG_VERSION");
                Seen::warn(what("doctor-instance-other").with("own", own)).fix(Message::new("doctor-instance-fix"))
            }
        }
        Instance::Silent { pid, why } => silent(*pid, why.as_ref()),
    }]
}

/// What is known of an instance that does not answer; the control socket's own words say what to do.
fn silent(pid: Option<u32>, why: Option<&Message>) -> Seen {
    let of = |id, pid: u32| Message::new(id).with("pid", i64::from(pid));
    match (why, pid) {
        (Some(why), Some(pid)) => Seen::fail(why.clone()).fix(of("doctor-instance-pid", pid)),
        (Some(why), None) => Seen::fail(why.clone()),
        (None, pid) => {
            let pid = pid.unwrap_or_default();
            Seen::fail(of("doctor-instance-silent", pid)).fix(Message::new("doctor-instance-fix"))
        }
    }
}

/// The rule's own words, where it is broken.
fn broken(facts: &Facts, rule: Rule) -> Option<Seen> {
    let (id, _) = RULES.iter().find(|(_, of)| *of == rule)?;
    facts.settings.problems.iter().find(|problem| problem.message.id == *id).map(Seen::problem)
}
