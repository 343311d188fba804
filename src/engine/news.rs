//! What the engine tells people: notices for commands and for what happened to keys. Not the words (`i18n/*/notice.ftl`).

use std::{collections::VecDeque, time::Duration};

use jiff::Timestamp;

use crate::domain::{
    command::{Notice, Severity},
    key::Label,
    message::{Argument, Message},
    now::since,
    pool::{Change, Refusal, Reloaded, Rotated, skip_until},
    prompt_cache::AtStake,
    shared_cause::{self, SharedCause},
};

/// Notices kept for clients that come late.
const KEPT: usize = 20;
/// The same shared cause is told again only after it has been away this long.
const SAME_CAUSE: Duration = Duration::from_secs(60);

/// The newest notices, numbered.
#[derive(Debug, Default)]
pub(super) struct News {
    notices: VecDeque<Notice>,
    last: u64,
    /// The last shared cause that was told, and when it was seen last.
    shared: Option<(shared_cause::Common, Timestamp)>,
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

    /// Whether a shared cause is worth telling: not the one that was just seen.
    pub(super) fn is_new(&mut self, cause: &SharedCause) -> bool {
        let last = self.shared.replace((cause.common, cause.at));
        last.is_none_or(|(common, at)| common != cause.common || since(at, cause.at) >= SAME_CAUSE)
    }

    pub(super) fn all(&self) -> Vec<Notice> {
        self.notices.iter().cloned().collect()
    }
}

/// The answer to a rotation: moved or stayed, the rule that decided, and what was left behind.
pub(super) fn rotated(rotated: &Rotated, stake: AtStake) -> (Severity, Message) {
    let why = Message::new(rotated.why.message_id());
    let Some(from) = rotated.from.as_ref().filter(|from| **from != rotated.to) else {
        let id = if rotated.from.is_some() { "notice-stayed" } else { "notice-rotated" };
        return (Severity::Ok, Message::new(id).with("label", &rotated.to).with("why", why).with("price", ""));
    };
    let price: Argument = match stake.tokens {
        0 => "".into(),
        _ => stake.message("notice-price").with("label", from).into(),
    };
    (Severity::Ok, Message::new("notice-rotated").with("label", &rotated.to).with("why", why).with("price", price))
}

/// One cause behind the same answer on every key.
pub(super) fn shared(shared: &SharedCause) -> (Severity, Message) {
    let cause = Message::new(shared.cause.message_id());
    let client = shared.client.clone().unwrap_or_else(|| "?".to_owned());
    let message = Message::new(shared.common.message_id()).with("count", i64::from(shared.keys));
    (Severity::Warn, message.with("cause", cause).with("client", client))
}

/// Auth files changed.
pub(super) fn reloaded(reloaded: &Reloaded) -> Vec<(Severity, Message)> {
    let told = |labels: &[Label], id: &'static str| {
        let (first, more) = labels.split_first()?;
        let message = Message::new(id).with("label", first).with("more", more.len());
        Some((Severity::Info, message))
    };
    [
        told(&reloaded.added, "notice-keys-added"),
        told(&reloaded.changed, "notice-keys-changed"),
        told(&reloaded.removed, "notice-keys-removed"),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Why a command was not carried out.
pub(super) fn refused(refusal: &Refusal) -> (Severity, Message) {
    let message = match refusal {
        Refusal::NoKeys => Message::new("refused-no-keys"),
        Refusal::NoneEligible => Message::new("refused-none-eligible"),
        Refusal::UnknownLabel(label) => Message::new("refused-unknown-label").with("label", label),
        Refusal::NotEligible(label, skip) => match skip_until(skip) {
            Some(until) => Message::new("refused-not-eligible-until").with("until", until),
            None => Message::new("refused-not-eligible"),
        }
        .with("label", label)
        .with("why", skip.told()),
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
