//! What a person asks of the engine, carried out: one pure call each, an audit record where one is due, and an answer.

use std::convert::Infallible;

use jiff::Timestamp;

use super::{Engine, Order, news};
use crate::{
    domain::{
        command::{Command, Notice, Severity},
        key::Label,
        message::Message,
        pool::Rotated,
        prompt_cache,
        running::Phase,
        text,
    },
    store::audit,
};

impl Engine {
    /// Carries out a command; the answer is also among the snapshot's notices.
    pub(crate) fn command(&self, command: Command) -> Notice {
        let judged = matches!(
            command,
            Command::AutoRotate(_) | Command::Block { .. } | Command::Unblock(_) | Command::UnblockAll
        );
        let (severity, message) = self.carry_out(command);
        if judged {
            // The doctor has an opinion on it.
            self.shared.doctor_outdated.notify_one();
        }
        self.change(|live, now| live.news.tell(now.wall, severity, message))
    }

    fn carry_out(&self, command: Command) -> (Severity, Message) {
        let now = self.now();
        match command {
            Command::Rotate => {
                let result = self.change(|live, now| live.pool.rotate(now));
                result.map_or_else(|refusal| news::refused(&refusal), |done| self.rotated(&done))
            }
            Command::RotateTo(label) => {
                let result = self.change(|live, now| live.pool.rotate_to(&label, now));
                result.map_or_else(|refusal| news::refused(&refusal), |done| self.rotated(&done))
            }
            Command::AutoRotate(on) => match self.change(|live, _| live.pool.set_auto_rotate(on)) {
                Ok(()) => {
                    let (action, id) = if on {
                        ("auto_rotate_enabled", "notice-auto-rotate-on")
                    } else {
                        ("auto_rotate_disabled", "notice-auto-rotate-off")
                    };
                    audit(action, &self.shared.actor, None);
                    (Severity::Ok, Message::new(id))
                }
                Err(refusal) => news::refused(&refusal),
            },
            Command::Block { label, span, reason } => {
                self.block(&label, span.map(|span| now.wall_after(span)), &reason)
            }
            Command::Unblock(label) => match self.change(|live, now| live.pool.unblock(&label, now)) {
                Ok(()) => {
                    audit("key_unblocked", &self.shared.actor, Some(&label));
                    self.shared.checks_wanted.notify_one();
                    (Severity::Ok, Message::new("notice-unblocked").with("label", &label))
                }
                Err(refusal) => news::refused(&refusal),
            },
            Command::UnblockAll => {
                let labels = self.change(|live, now| live.pool.unblock_all(now));
                for label in &labels {
                    audit("key_unblocked", &self.shared.actor, Some(label));
                }
                self.shared.checks_wanted.notify_one();
                (Severity::Ok, Message::new("notice-unblocked-all").with("count", labels.len()))
            }
            Command::Reload => {
                self.shared.reload_wanted.notify_one();
                (Severity::Info, Message::new("notice-reloading"))
            }
            Command::RefreshHealth => {
                self.change(|live, now| live.pool.check_all(now));
                self.shared.checks_wanted.notify_one();
                (Severity::Info, Message::new("notice-refreshing"))
            }
            Command::RunDoctor => {
                self.shared.doctor_wanted.notify_one();
                (Severity::Info, Message::new("notice-doctor"))
            }
            Command::Cancel(request_id) => self.cancel(&request_id),
            Command::SendTo { request_id, label } => self.send_to(&request_id, &label),
        }
    }

    fn cancel(&self, request_id: &str) -> (Severity, Message) {
        let Some(wish) = self.find_running(request_id) else { return ended(request_id) };
        wish.order(|_| Ok::<_, Infallible>(Order::Cancel)).unwrap_or_else(|never| match never {});
        audit("request_cancelled", &self.shared.actor, None);
        (Severity::Ok, Message::new("notice-cancelled").with("id", short(request_id)))
    }

    /// The key is lent when it is ordered, so that what is answered is true.
    fn send_to(&self, request_id: &str, label: &Label) -> (Severity, Message) {
        let Some(wish) = self.find_running(request_id) else { return ended(request_id) };
        let ordered = wish.order(|phase| match phase {
            Phase::Held { .. } | Phase::Waiting { .. } | Phase::Asking { .. } => {
                let choice = self.change(|live, now| live.pool.lend_to(label, &wish.ask(&[], true), now));
                choice.map(|choice| Order::SendTo(self.lease(choice))).map_err(|refusal| news::refused(&refusal))
            }
            Phase::Reading => Err((Severity::Warn, Message::new("refused-reading").with("id", short(request_id)))),
            Phase::Answering { .. } => {
                Err((Severity::Warn, Message::new("refused-answering").with("id", short(request_id))))
            }
        });
        if let Err(refused) = ordered {
            return refused;
        }
        audit("request_sent_to", &self.shared.actor, Some(label));
        (Severity::Ok, Message::new("notice-sent-to").with("id", short(request_id)).with("label", label))
    }

    /// While keys take turns, no conversation stays with the active one: nothing is left behind.
    fn rotated(&self, done: &Rotated) -> (Severity, Message) {
        let now = self.now().wall;
        let left = done.from.as_ref().filter(|from| **from != done.to && !self.shared.live().pool.auto_rotate());
        let history = self.shared.history();
        let newest_first = || history.recent.iter().rev().map(|record| &**record);
        let stake = left.map(|from| prompt_cache::at_stake(newest_first(), from, now));
        news::rotated(done, stake.unwrap_or_default())
    }

    fn block(&self, label: &Label, until: Option<Timestamp>, reason: &str) -> (Severity, Message) {
        match self.change(|live, now| live.pool.block(label, reason, until, now)) {
            Ok(()) => {
                audit("key_blocked", &self.shared.actor, Some(label));
                let message = match until {
                    Some(until) => Message::new("notice-blocked-until").with("until", until),
                    None => Message::new("notice-blocked"),
                };
                (Severity::Ok, message.with("label", label))
            }
            Err(refusal) => news::refused(&refusal),
        }
    }
}

fn ended(request_id: &str) -> (Severity, Message) {
    (Severity::Warn, Message::new("refused-request-ended").with("id", short(request_id)))
}

/// As much of a request id as people look at.
fn short(request_id: &str) -> String {
    text::clean(request_id, 8)
}
