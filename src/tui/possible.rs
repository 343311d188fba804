//! Whether an action is possible now, or why not, in words. Not what it does (`app`).

use super::{app::App, layout::Pane};
use crate::domain::{
    message::Message,
    running::Phase,
    snapshot::{KeyView, Link, Mode, Remedy, Snapshot, Status},
};

pub(super) const fn always(_: &App, _: &Snapshot) -> Result<(), Message> {
    Ok(())
}

fn selected<'a>(app: &App, snapshot: &'a Snapshot) -> Result<&'a KeyView, Message> {
    app.selected_key(snapshot).ok_or_else(|| Message::new("why-no-keys"))
}

pub(super) fn some_key(app: &App, snapshot: &Snapshot) -> Result<(), Message> {
    selected(app, snapshot).map(|_| ())
}

pub(super) fn rotate_to(app: &App, snapshot: &Snapshot) -> Result<(), Message> {
    let key = selected(app, snapshot)?;
    let reason = match key.status {
        Status::Disabled => "why-disabled",
        Status::Blocked => "why-blocked",
        _ if key.active => "why-active-already",
        _ => return Ok(()),
    };
    Err(Message::new(reason).with("label", &key.label))
}

pub(super) fn auto_rotate(_: &App, snapshot: &Snapshot) -> Result<(), Message> {
    if snapshot.setup.auto_rotate_allowed || snapshot.auto_rotate {
        return Ok(());
    }
    Err(Message::new("why-auto-rotate").with("setting", "KMI_AUTO_ROTATE_ALLOWED=1"))
}

pub(super) fn unblock(app: &App, snapshot: &Snapshot) -> Result<(), Message> {
    let key = selected(app, snapshot)?;
    match key.status {
        Status::Blocked | Status::Exhausted => Ok(()),
        _ => Err(Message::new("why-not-blocked").with("label", &key.label)),
    }
}

/// The demo's files are its own.
pub(super) fn on_files(_: &App, snapshot: &Snapshot) -> Result<(), Message> {
    match snapshot.setup.mode {
        Mode::Demo => Err(Message::new("why-files-demo")),
        Mode::Live | Mode::DryRun => Ok(()),
    }
}

/// Only where there is nothing to lose by it.
pub(super) fn demo(_: &App, snapshot: &Snapshot) -> Result<(), Message> {
    let own = snapshot.link == Link::Own && snapshot.setup.mode != Mode::Demo;
    if own && snapshot.keys.is_empty() { Ok(()) } else { Err(Message::new("why-no-demo")) }
}

pub(super) fn switch_key(app: &App, snapshot: &Snapshot) -> Result<(), Message> {
    some_key(app, snapshot)?;
    on_files(app, snapshot)
}

pub(super) fn fix(app: &App, snapshot: &Snapshot) -> Result<(), Message> {
    match app.remedy(snapshot) {
        None => Err(Message::new("why-no-fix")),
        Some(Remedy::FixPermissions) => on_files(app, snapshot),
        Some(_) => Ok(()),
    }
}

pub(super) fn undo(app: &App, _: &Snapshot) -> Result<(), Message> {
    if app.undo.is_empty() { Err(Message::new("why-nothing-to-undo")) } else { Ok(()) }
}

pub(super) fn background(_: &App, snapshot: &Snapshot) -> Result<(), Message> {
    match (snapshot.link, snapshot.setup.mode) {
        (Link::Own, Mode::Demo) => Err(Message::new("why-background-demo")),
        (Link::Own, _) => Ok(()),
        _ => Err(Message::new("why-background-attached")),
    }
}

pub(super) fn details(app: &App, snapshot: &Snapshot) -> Result<(), Message> {
    app.subject(snapshot).map(|_| ()).ok_or_else(|| Message::new("why-nothing-selected"))
}

pub(super) fn copy(app: &App, snapshot: &Snapshot) -> Result<(), Message> {
    app.copied(snapshot).map(|_| ()).ok_or_else(|| Message::new("why-nothing-to-copy"))
}

pub(super) fn cancel(app: &App, snapshot: &Snapshot) -> Result<(), Message> {
    app.target(snapshot).map(|_| ())
}

pub(super) fn send_to(app: &App, snapshot: &Snapshot) -> Result<(), Message> {
    let reason = match app.target(snapshot)?.phase {
        Phase::Reading => "why-reading",
        Phase::Answering { .. } => "why-answering",
        _ if snapshot.keys.len() < 2 => "why-one-key",
        Phase::Held { .. } | Phase::Waiting { .. } | Phase::Asking { .. } => return Ok(()),
    };
    Err(Message::new(reason))
}

pub(super) fn copy_curl(app: &App, snapshot: &Snapshot) -> Result<(), Message> {
    let request = app.request(snapshot).filter(|_| app.focus == Pane::Trace);
    request.map(|_| ()).ok_or_else(|| Message::new("why-no-request"))
}

pub(super) fn sort(app: &App, _: &Snapshot) -> Result<(), Message> {
    if app.focus == Pane::Keys { Ok(()) } else { Err(Message::new("why-not-sorted")) }
}

pub(super) fn jump(app: &App, snapshot: &Snapshot) -> Result<(), Message> {
    match app.focus {
        Pane::Keys | Pane::Quota | Pane::Limits => some_key(app, snapshot),
        Pane::Trace => {
            let record = app.request(snapshot).ok_or_else(|| Message::new("why-no-request"))?.record();
            let label = record.key.as_ref().ok_or_else(|| Message::new("why-no-key-tried"))?;
            let known = snapshot.keys.iter().any(|key| key.label == *label);
            if known { Ok(()) } else { Err(Message::new("why-key-gone").with("label", label)) }
        }
        Pane::Doctor => Err(Message::new("why-no-request")),
    }
}
