//! What the engine tells people: notices for commands and for what happened to keys. Not the words (`i18n/*/notice.ftl`).

use std::collections::VecDeque;

use jiff::Timestamp;

use crate::domain::{
    command::{Notice, Severity},
    key::Label,
    message::Message,
    pool::{Change, Refusal, Rotated},
};

/// Notices kept for clients that come late.
const KEPT: usize = 20;

/// The newest notices, numbered.
#[derive(Debug, Default)]
pub(super) struct News {
    notices: VecDeque<Notice>,
    last: u64,
}

impl News {
    pub(super) fn tell(&mut self, at: Timestamp, severity: Severity, message: Message) -> Notice {
        self.last += 1;
        let notice = Notice { number: self.last, at, severity, message };
        if self.notices.len() == KEPT {
            self.notices.pop_front();
        }
        self.notices.push_back(notice.clone());
        notice
    }

    pub(super) fn all(&self) -> Vec<Notice> {
        self.notices.iter().cloned().collect()
    }
}

/// The answer to a rotation: moved or stayed, and the rule that decided.
pub(super) fn rotated(rotated: &Rotated) -> (Severity, Message) {
    let id = if rotated.from.as_ref() == Some(&rotated.to) { "notice-stayed" } else { "notice-rotated" };
    let message = Message::new(id).with("label", &rotated.to).with("why", Message::new(rotated.why.message_id()));
    (Severity::Ok, message)
}

/// Why a command was not carried out.
pub(super) fn refused(refusal: &Refusal) -> (Severity, Message) {
    let message = match refusal {
        Refusal::NoKeys => Message::new("refused-no-keys"),
        Refusal::NoneEligible => Message::new("refused-none-eligible"),
        Refusal::UnknownLabel(label) => Message::new("refused-unknown-label").with("label", label),
        Refusal::NotEligible(label, _) => Message::new("refused-not-eligible").with("label", label),
        Refusal::AutoRotateNotAllowed => Message::new("refused-auto-rotate"),
    };
    (Severity::Warn, message)
}

/// What happened to a key.
pub(super) fn changed(label: &Label, change: &Change) -> (Severity, Message) {
    match change {
        Change::CooledDown { cause, until } => {
            let message = Message::new("notice-cooled-down")
                .with("label", label)
                .with("cause", Message::new(cause.message_id()))
                .with("until", *until);
            (Severity::Info, message)
        }
        Change::Blocked { until: Some(until), .. } => {
            (Severity::Warn, Message::new("notice-key-blocked-until").with("label", label).with("until", *until))
        }
        Change::Blocked { until: None, .. } => {
            (Severity::Fail, Message::new("notice-key-blocked-for-good").with("label", label))
        }
        Change::Unauthorized => (Severity::Fail, Message::new("notice-key-unauthorized").with("label", label)),
        Change::Cleared => (Severity::Ok, Message::new("notice-key-cleared").with("label", label)),
    }
}
