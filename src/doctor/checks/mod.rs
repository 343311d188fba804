//! The table of checks: each looks at the facts and says what it saw, how bad it is, and what to do. Pure.

mod clients;
mod files;
mod keys;
mod network;
mod proxy;
mod settings;
#[cfg(test)]
mod tests;

use super::facts::Facts;
use crate::{
    config::Problem,
    domain::{
        command::Severity,
        message::Message,
        snapshot::{Finding, Remedy},
    },
};

/// One thing that is looked at.
struct Check {
    /// For scripts; docs/doctor.md explains it.
    id: &'static str,
    subject: &'static str,
    look: fn(&Facts) -> Vec<Seen>,
}

const fn check(id: &'static str, subject: &'static str, look: fn(&Facts) -> Vec<Seen>) -> Check {
    Check { id, subject, look }
}

/// Every check, in the order in which they are shown.
const CHECKS: &[Check] = &[
    check("env_file", "doctor-env-file", settings::env_file),
    check("settings", SETTINGS, settings::settings),
    check("auth_files", "doctor-auth-files", settings::auth_files),
    check("keys", "doctor-keys", keys::keys),
    check("duplicates", "doctor-duplicates", keys::duplicates),
    check("usage", "doctor-usage", keys::usage),
    check("dry_run", "doctor-dry-run", settings::dry_run),
    check("auto_rotation", "doctor-auto-rotation", settings::auto_rotation),
    check("bind", "doctor-bind", proxy::bind),
    check("tls", "doctor-tls", proxy::tls),
    check("token", "doctor-token", proxy::token),
    check("port", "doctor-port", proxy::port),
    check("instance", "doctor-instance", proxy::instance),
    check("upstream", "doctor-upstream", network::upstream),
    check("clock", "doctor-clock", network::clock),
    check("clients", "doctor-clients", clients::clients),
    check("state", "doctor-state", files::state),
    check("trace", "doctor-trace", files::trace),
    check("log", "doctor-log", files::log),
    check("permissions", "doctor-permissions", files::permissions),
    check("disk", "doctor-disk", files::disk),
    check("open_files", "doctor-open-files", files::open_files),
];
const SETTINGS: &str = "doctor-settings";

/// Names listed in one line before the rest is left out.
const NAMED: usize = 6;

/// All findings.
pub(super) fn judge(facts: &Facts) -> Vec<Finding> {
    CHECKS
        .iter()
        .flat_map(|check| (check.look)(facts).into_iter().map(|seen| seen.by(check.id, check.subject)))
        .collect()
}

pub(super) fn wrong_settings(problems: &[Problem]) -> Vec<Finding> {
    problems.iter().map(|problem| Seen::problem(problem).by("settings", SETTINGS)).collect()
}

/// What a check saw.
struct Seen {
    severity: Severity,
    what: Message,
    fix: Option<Message>,
    remedy: Option<Remedy>,
}

impl Seen {
    const fn new(severity: Severity, what: Message) -> Self {
        Self { severity, what, fix: None, remedy: None }
    }

    const fn ok(what: Message) -> Self {
        Self::new(Severity::Ok, what)
    }

    const fn info(what: Message) -> Self {
        Self::new(Severity::Info, what)
    }

    const fn warn(what: Message) -> Self {
        Self::new(Severity::Warn, what)
    }

    const fn fail(what: Message) -> Self {
        Self::new(Severity::Fail, what)
    }

    /// What was wrong with settings or auth files when they were read; it says what to do itself.
    fn problem(problem: &Problem) -> Self {
        Self::new(problem.severity, problem.message.clone())
    }

    fn fix(mut self, fix: Message) -> Self {
        self.fix = Some(fix);
        self
    }

    fn remedy(mut self, remedy: Remedy) -> Self {
        self.remedy = Some(remedy);
        self
    }

    fn by(self, id: &'static str, subject: &'static str) -> Finding {
        Finding {
            id: id.into(),
            severity: self.severity,
            subject: Message::new(subject),
            seen: self.what,
            fix: self.fix,
            remedy: self.remedy,
        }
    }
}

/// `a, b, c …`
fn listed(names: impl ExactSizeIterator<Item = String>) -> String {
    let more = if names.len() > NAMED { " …" } else { "" };
    let named: Vec<String> = names.take(NAMED).collect();
    format!("{}{more}", named.join(", "))
}
