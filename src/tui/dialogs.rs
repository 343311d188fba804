//! What is done through dialogs: they open, ask, and what was wished is on its way. Not how they look (`overlay`).

use super::{
    app::{App, Effect, Overlay},
    errand::{Answer, Errand},
    overlay::{
        confirm::Confirm,
        form::{Form, Kind},
        pick_key::PickKey,
    },
};
use crate::domain::{
    command::{Command, Severity},
    message::Message,
    running::Phase,
    snapshot::{Remedy, Skip, Snapshot},
};

impl App {
    pub(super) fn in_form(&mut self, change: impl FnOnce(&mut Form)) {
        if let Some(Overlay::Form(form)) = &mut self.overlay {
            change(form);
        }
    }

    pub(super) fn open_block(&mut self, snapshot: &Snapshot) {
        self.overlay = self.selected_key(snapshot).map(|key| Overlay::Form(Form::block(key.label.clone())));
    }

    pub(super) fn switch_key(&mut self, snapshot: &Snapshot) -> Vec<Effect> {
        let Some(key) = self.selected_key(snapshot) else { return Vec::new() };
        let disabled = key.skip != Some(Skip::Disabled);
        self.send(Effect::Errand(Errand::SwitchKey { label: key.label.clone(), disabled }), snapshot)
    }

    pub(super) fn ask_to_fix(&mut self, snapshot: &Snapshot) {
        self.overlay = self.remedy(snapshot).map(|remedy| {
            let (question, effect) = match remedy {
                Remedy::FixPermissions => ("fix-permissions-question", Effect::Errand(Errand::FixPermissions)),
                Remedy::ClearBlocklist => ("fix-blocklist-question", Effect::Send(Command::UnblockAll)),
                Remedy::RecheckKeys => ("fix-recheck-question", Effect::Send(Command::RefreshHealth)),
            };
            Overlay::Confirm(Confirm { question: Message::new(question), effect })
        });
    }

    pub(super) fn ask_to_import(&mut self) {
        let (question, effect) = (Message::new("import-question"), Effect::Errand(Errand::ImportKeys));
        self.overlay = Some(Overlay::Confirm(Confirm { question, effect }));
    }

    pub(super) fn ask_to_cancel(&mut self, snapshot: &Snapshot) {
        let Ok(running) = self.target(snapshot) else { return };
        let answering = matches!(running.phase, Phase::Answering { .. });
        let question = if answering { "cancel-answering-question" } else { "cancel-question" };
        let question = Message::new(question).with("method", running.method.as_str());
        let question = question.with("path", running.endpoint.as_str());
        let effect = Effect::Send(Command::Cancel(running.request_id.clone()));
        self.overlay = Some(Overlay::Confirm(Confirm { question, effect }));
    }

    pub(super) fn ask_where_to(&mut self, snapshot: &Snapshot) {
        let Ok(running) = self.target(snapshot) else { return };
        let without = running.phase.key().map(|(key, _)| key.clone());
        let request_id = running.request_id.clone();
        self.overlay = Some(Overlay::PickKey(PickKey { request_id, without, row: 0 }));
    }

    /// The engine says whether it can be.
    pub(super) fn send_here(&mut self, snapshot: &Snapshot) -> Vec<Effect> {
        let Some(Overlay::PickKey(pick)) = self.overlay.take() else { return Vec::new() };
        let Some(label) = pick.chosen(snapshot) else { return Vec::new() };
        vec![Effect::Send(Command::SendTo { request_id: pick.request_id, label })]
    }

    pub(super) fn confirmed(&mut self) -> Vec<Effect> {
        match self.overlay.take() {
            Some(Overlay::Confirm(Confirm { effect, .. })) => vec![effect],
            _ => Vec::new(),
        }
    }

    pub(super) fn send(&mut self, effect: Effect, snapshot: &Snapshot) -> Vec<Effect> {
        self.undo.remember(&effect, snapshot);
        vec![effect]
    }

    pub(super) fn submit(&mut self, snapshot: &Snapshot) -> Vec<Effect> {
        let Some(Overlay::Form(form)) = &mut self.overlay else { return Vec::new() };
        let Some(effect) = form.submit() else { return Vec::new() };
        if form.kind == Kind::AddKey {
            // It stays until its answer is there.
            return vec![effect];
        }
        self.overlay = None;
        self.send(effect, snapshot)
    }

    /// What came of an errand: into the dialog that waits for it, else over the panes.
    pub(super) fn answered(&mut self, answer: Answer) {
        let waits = matches!(&self.overlay, Some(Overlay::Form(form)) if form.kind == Kind::AddKey);
        match (answer.said, &mut self.overlay) {
            (Err(fault), Some(Overlay::Form(form))) if answer.of_new_key && waits => form.fail(fault),
            (Err(fault), _) => self.toasts.say(Severity::Fail, fault),
            (Ok(said), _) => {
                if answer.of_new_key && waits {
                    self.overlay = None;
                }
                let said = self.undo_hint(&said).unwrap_or(said);
                self.toasts.say(Severity::Ok, said);
            }
        }
    }
}
