//! The way to the upstream: each host, and how its clock agrees with ours.

use std::time::Duration;

use super::Seen;
use crate::{
    doctor::facts::{Facts, HostFact},
    domain::message::Message,
    upstream::probe::Unreached,
};

/// Times of quotas and cooldowns are moments: a clock that is off makes them wrong.
const SKEW_WARN: Duration = Duration::from_secs(60);
const SKEW_FAIL: Duration = Duration::from_secs(300);
/// Longer answers to an empty request are worth a word.
const SLOW: Duration = Duration::from_secs(2);

pub(super) fn upstream(facts: &Facts) -> Vec<Seen> {
    if facts.hosts.is_empty() {
        return vec![Seen::info(Message::new("doctor-upstream-not-tried"))];
    }
    facts.hosts.iter().map(host).collect()
}

fn host(fact: &HostFact) -> Seen {
    let what = |id| Message::new(id).with("host", fact.host.as_str());
    let failed = |id, error: &str, fix| Seen::fail(what(id).with("error", error)).fix(Message::new(fix));
    match &fact.outcome {
        Ok(answered) if answered.status >= 500 => {
            Seen::warn(what("doctor-upstream-troubled").with("status", i64::from(answered.status)))
                .fix(Message::new("doctor-upstream-troubled-fix"))
        }
        Ok(answered) => {
            let times = what("doctor-upstream-reached")
                .with("connected", milliseconds(answered.connected))
                .with("answered", milliseconds(answered.answered));
            if answered.answered < SLOW {
                Seen::ok(times)
            } else {
                Seen::warn(times).fix(Message::new("doctor-upstream-slow-fix"))
            }
        }
        Err(Unreached::Name(error)) => failed("doctor-upstream-no-name", error, "doctor-upstream-no-name-fix"),
        Err(Unreached::Connection(error)) => failed("doctor-upstream-no-connection", error, "doctor-upstream-fix"),
        Err(Unreached::Tls(error)) => failed("doctor-upstream-no-tls", error, "doctor-upstream-no-tls-fix"),
        Err(Unreached::Http(error)) => failed("doctor-upstream-no-http", error, "doctor-upstream-no-http-fix"),
        Err(Unreached::Time) => Seen::fail(what("doctor-upstream-no-answer")).fix(Message::new("doctor-upstream-fix")),
    }
}

/// Our clock against that of the first host that tells the time.
pub(super) fn clock(facts: &Facts) -> Vec<Seen> {
    let Some((fact, ahead)) = facts.hosts.iter().find_map(|fact| Some((fact, fact.ahead()?))) else {
        return vec![Seen::info(Message::new("doctor-clock-unknown"))];
    };
    let off = ahead.unsigned_abs();
    let host = fact.host.as_str();
    if off <= SKEW_WARN {
        return vec![Seen::ok(Message::new("doctor-clock-right").with("host", host))];
    }
    let id = if ahead.is_positive() { "doctor-clock-ahead" } else { "doctor-clock-behind" };
    let what = Message::new(id).with("host", host).with("span", Duration::from_secs(off.as_secs()));
    let seen = if off > SKEW_FAIL { Seen::fail(what) } else { Seen::warn(what) };
    vec![seen.fix(Message::new("doctor-clock-fix"))]
}

fn milliseconds(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}
