//! What takes a command back. Not the command's carrying out, nor what can't be taken back.

use super::{app::Effect, errand::Errand};
use crate::domain::{
    command::Command,
    key::Label,
    now::until,
    snapshot::{KeyView, Skip, Snapshot},
};

/// Most commands that are remembered.
const MOST: usize = 20;
/// Answers to commands that can be taken back.
const ANSWERS: [&str; 8] = [
    "notice-rotated",
    "notice-blocked",
    "notice-blocked-until",
    "notice-unblocked",
    "notice-auto-rotate-on",
    "notice-auto-rotate-off",
    "key-enabled",
    "key-disabled",
];

/// What would take back what was done, newest last.
#[derive(Debug, Default)]
pub(crate) struct Undo(Vec<Effect>);

impl Undo {
    /// Remembers how to take back what is about to be done, as things stand before it.
    pub(crate) fn remember(&mut self, effect: &Effect, before: &Snapshot) {
        let inverse = match effect {
            Effect::Send(command) => inverse(command, before).map(Effect::Send),
            Effect::Errand(Errand::SwitchKey { label, disabled }) => {
                Some(Effect::Errand(Errand::SwitchKey { label: label.clone(), disabled: !disabled }))
            }
            _ => None,
        };
        let Some(inverse) = inverse else { return };
        if self.0.len() == MOST {
            self.0.remove(0);
        }
        self.0.push(inverse);
    }

    pub(crate) fn take(&mut self) -> Option<Effect> {
        self.0.pop()
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a notice with this id answers something that can be taken back now.
    pub(crate) fn is_offered(&self, notice: &str) -> bool {
        !self.is_empty() && ANSWERS.contains(&notice)
    }
}

fn inverse(command: &Command, before: &Snapshot) -> Option<Command> {
    let key = |label: &Label| before.keys.iter().find(|key| key.label == *label);
    match command {
        Command::Rotate | Command::RotateTo(_) => before.active.clone().map(Command::RotateTo),
        Command::AutoRotate(_) => Some(Command::AutoRotate(before.auto_rotate)),
        Command::Block { label, .. } => match key(label)?.skip {
            // It was blocked before, for another time or reason.
            Some(Skip::Blocked { .. }) => blocked_again(key(label)?, before),
            _ => Some(Command::Unblock(label.clone())),
        },
        Command::Unblock(label) => blocked_again(key(label)?, before),
        Command::UnblockAll
        | Command::Reload
        | Command::RefreshHealth
        | Command::RunDoctor
        | Command::Cancel(_)
        | Command::SendTo { .. } => None,
    }
}

fn blocked_again(key: &KeyView, before: &Snapshot) -> Option<Command> {
    let Some(Skip::Blocked { reason, until: end }) = &key.skip else { return None };
    let span = end.map(|end| until(end, before.at));
    Some(Command::Block { label: key.label.clone(), span, reason: reason.clone() })
}

#[cfg(test)]
mod tests {
    use super::{super::fixtures, *};

    #[test]
    fn each_command_has_what_takes_it_back() {
        let before = fixtures::normal();
        let label = |name: &str| Label::new(name);
        let blocked = before.keys.iter().find(|key| matches!(key.skip, Some(Skip::Blocked { .. }))).expect("one");
        let block = |label| Command::Block { label, span: None, reason: String::new() };
        for (command, expected) in [
            (Command::Rotate, Some(Command::RotateTo(label("alpha")))),
            (Command::RotateTo(label("beta")), Some(Command::RotateTo(label("alpha")))),
            (Command::AutoRotate(false), Some(Command::AutoRotate(true))),
            (block(label("beta")), Some(Command::Unblock(label("beta")))),
            (Command::RunDoctor, None),
            (block(label("nobody")), None),
        ] {
            assert_eq!(inverse(&command, &before), expected, "{command:?}");
        }
        for command in [Command::Unblock(blocked.label.clone()), block(blocked.label.clone())] {
            let again = inverse(&command, &before);
            assert!(matches!(again, Some(Command::Block { label, .. }) if label == blocked.label), "{command:?}");
        }
    }

    #[test]
    fn the_last_is_taken_back_first_and_the_oldest_forgotten() {
        let before = fixtures::normal();
        let mut undo = Undo::default();
        assert!(!undo.is_offered("notice-blocked"));
        (0..MOST).for_each(|_| undo.remember(&Effect::Send(Command::Rotate), &before));
        undo.remember(&Effect::Send(Command::AutoRotate(false)), &before);
        assert!(undo.is_offered("notice-blocked") && !undo.is_offered("notice-refreshing"));
        assert_eq!(undo.take(), Some(Effect::Send(Command::AutoRotate(true))));
        assert_eq!(std::iter::from_fn(|| undo.take()).count(), MOST - 1);
    }
}
