//! What is kept on disk, who may read it, and whether there is room for more.

use std::time::Duration;

use jiff::Timestamp;

use super::{Seen, listed};
use crate::{
    doctor::facts::{Facts, FileFact, OpenPath, StateFact},
    domain::{message::Message, now::since, snapshot::Remedy},
};

const MEBIBYTE: u64 = 1 << 20;
/// Below this the trace may not fit for long.
const SPACE_WARN: u64 = 500 * MEBIBYTE;
/// Below this saving the state may fail at any moment.
const SPACE_FAIL: u64 = 50 * MEBIBYTE;

pub(super) fn state(facts: &Facts) -> Vec<Seen> {
    let failed = facts.snapshot.traffic.failed_saves;
    if failed > 0 {
        let what = Message::new("doctor-state-not-saved").with("count", number(failed));
        return vec![Seen::fail(what).fix(Message::new("doctor-file-not-written-fix"))];
    }
    vec![match &facts.files.state {
        StateFact::Missing => missing(),
        StateFact::Unreadable(error) => unreadable(error),
        StateFact::Corrupt => {
            Seen::fail(Message::new("doctor-state-corrupt")).fix(Message::new("doctor-state-corrupt-fix"))
        }
        StateFact::Fine { bytes } => Seen::ok(present(*bytes)),
    }]
}

pub(super) fn trace(facts: &Facts) -> Vec<Seen> {
    let dropped = facts.snapshot.traffic.dropped_records;
    if dropped > 0 {
        let what = Message::new("doctor-trace-dropped").with("count", number(dropped));
        return vec![Seen::warn(what).fix(Message::new("doctor-file-not-written-fix"))];
    }
    let unwritten = facts.snapshot.traffic.unwritten_records;
    if unwritten > 0 {
        let what = Message::new("doctor-trace-unwritten").with("count", number(unwritten));
        return vec![Seen::fail(what).fix(Message::new("doctor-file-not-written-fix"))];
    }
    vec![appended(&facts.files.trace, facts.now)]
}

pub(super) fn log(facts: &Facts) -> Vec<Seen> {
    let dropped = facts.snapshot.traffic.dropped_log_lines;
    if dropped > 0 {
        let what = Message::new("doctor-log-dropped").with("count", number(dropped));
        return vec![Seen::warn(what).fix(Message::new("doctor-file-not-written-fix"))];
    }
    vec![appended(&facts.files.log, facts.now)]
}

pub(super) fn permissions(facts: &Facts) -> Vec<Seen> {
    let open = &facts.files.open;
    if open.is_empty() {
        return vec![Seen::ok(Message::new("doctor-permissions-fine"))];
    }
    let shown = |open: &OpenPath| format!("{} ({:o})", open.path().display(), open.mode);
    let what =
        Message::new("doctor-permissions-open").with("count", open.len()).with("paths", listed(open.iter().map(shown)));
    // Who switched the enforcing off means it.
    let seen = if facts.settings.enforce { Seen::warn(what) } else { Seen::info(what) };
    vec![seen.fix(Message::new("doctor-permissions-fix")).remedy(Remedy::FixPermissions)]
}

pub(super) fn disk(facts: &Facts) -> Vec<Seen> {
    let Some(disk) = facts.files.disk else { return vec![Seen::info(Message::new("doctor-disk-unknown"))] };
    let fix = || Message::new("doctor-disk-fix");
    let free = Message::new("doctor-disk-free").with("megabytes", number(disk.free / MEBIBYTE));
    vec![match disk.free {
        _ if disk.read_only => Seen::fail(Message::new("doctor-disk-read-only")).fix(fix()),
        _ if disk.files == Some(0) => Seen::fail(Message::new("doctor-disk-no-files")).fix(fix()),
        ..SPACE_FAIL => Seen::fail(free).fix(fix()),
        SPACE_FAIL..SPACE_WARN => Seen::warn(free).fix(fix()),
        SPACE_WARN.. => Seen::ok(free),
    }]
}

pub(super) fn open_files(facts: &Facts) -> Vec<Seen> {
    let wanted = facts.settings.files_wanted;
    vec![match facts.open_files {
        Some(limit) if limit < wanted => {
            let what =
                Message::new("doctor-open-files-few").with("limit", number(limit)).with("wanted", number(wanted));
            Seen::warn(what).fix(Message::new("doctor-open-files-fix"))
        }
        Some(limit) => Seen::ok(Message::new("doctor-open-files-enough").with("limit", number(limit))),
        None => Seen::ok(Message::new("doctor-open-files-unlimited")),
    }]
}

fn appended(file: &FileFact, now: Timestamp) -> Seen {
    match file {
        FileFact::Missing => missing(),
        FileFact::Unreadable(error) => unreadable(error),
        FileFact::Present { bytes, changed: None } => Seen::ok(present(*bytes)),
        FileFact::Present { bytes, changed: Some(changed) } => {
            let age = Duration::from_secs(since(*changed, now).as_secs());
            Seen::ok(Message::new("doctor-file-changed").with("kilobytes", kilobytes(*bytes)).with("age", age))
        }
    }
}

fn missing() -> Seen {
    Seen::info(Message::new("doctor-file-missing"))
}

fn unreadable(error: &str) -> Seen {
    Seen::fail(Message::new("doctor-file-unreadable").with("error", error))
        .fix(Message::new("doctor-file-unreadable-fix"))
}

fn present(bytes: u64) -> Message {
    Message::new("doctor-file-present").with("kilobytes", kilobytes(bytes))
}

fn kilobytes(bytes: u64) -> i64 {
    number(bytes.div_ceil(1024))
}

fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
