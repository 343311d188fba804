//! What was asked for: settings, auth files, dry run, rotation.

use super::{Seen, listed, proxy};
use crate::{
    config::Problem,
    doctor::facts::Facts,
    domain::{command::Severity, message::Message},
};

/// Problems that another check speaks of.
const ELSEWHERE: &[&str] = &["auth-same-key", "auth-open-to-others"];

pub(super) fn env_file(facts: &Facts) -> Vec<Seen> {
    vec![match &facts.settings.env_file {
        Some(path) => Seen::ok(Message::new("doctor-env-file-read").with("path", path.as_str())),
        None => Seen::info(Message::new("doctor-env-file-none")),
    }]
}

pub(super) fn settings(facts: &Facts) -> Vec<Seen> {
    let own = |problem: &&Problem| !of_auth_files(problem) && !proxy::speaks_of(problem);
    let seen: Vec<Seen> = facts.settings.problems.iter().filter(own).map(Seen::problem).collect();
    if seen.is_empty() { vec![Seen::ok(Message::new("doctor-settings-fine"))] } else { seen }
}

/// What became of each file that gives no key, or an odd one.
pub(super) fn auth_files(facts: &Facts) -> Vec<Seen> {
    let own = |problem: &&Problem| of_auth_files(problem) && !ELSEWHERE.contains(&problem.message.id.as_ref());
    let mut seen: Vec<Seen> = facts.settings.problems.iter().filter(own).map(Seen::problem).collect();
    let ignored = &facts.settings.ignored;
    if !ignored.is_empty() {
        let names = listed(ignored.iter().cloned());
        let what = Message::new("doctor-auth-files-ignored").with("count", ignored.len()).with("names", names);
        seen.push(Seen::info(what).fix(Message::new("doctor-auth-files-ignored-fix")));
    }
    if seen.is_empty() {
        let path = facts.settings.auths_dir.as_str();
        seen.push(Seen::ok(Message::new("doctor-auth-files-fine").with("path", path)));
    }
    seen
}

pub(super) fn dry_run(facts: &Facts) -> Vec<Seen> {
    vec![if facts.settings.dry_run {
        Seen::warn(Message::new("doctor-dry-run-on")).fix(Message::new("doctor-dry-run-fix"))
    } else {
        Seen::ok(Message::new("doctor-dry-run-off"))
    }]
}

pub(super) fn auto_rotation(facts: &Facts) -> Vec<Seen> {
    let (allowed, on) = (facts.snapshot.setup.auto_rotate_allowed, facts.snapshot.auto_rotate);
    vec![match (allowed, on) {
        (true, true) if facts.settings.affinity => Seen::ok(Message::new("doctor-auto-rotation-affine")),
        (true, true) => {
            Seen::info(Message::new("doctor-auto-rotation-on")).fix(Message::new("doctor-auto-rotation-on-fix"))
        }
        (true, false) => Seen::ok(Message::new("doctor-auto-rotation-off")),
        (false, _) => Seen::ok(Message::new("doctor-auto-rotation-not-allowed")),
    }]
}

fn of_auth_files(problem: &Problem) -> bool {
    problem.message.id.starts_with("auth-") && problem.severity <= Severity::Warn
}
