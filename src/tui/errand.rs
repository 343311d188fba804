//! What the dashboard wants done to files, which it never touches itself, and what came of it. Not how it is done: the
//! edge that feeds the dashboard does it.

use std::fmt;

use zeroize::Zeroizing;

use crate::domain::{key::Label, message::Message};

/// A wish.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Errand {
    /// A new auth file, for a key that its upstream knows.
    AddKey {
        label: String,
        typed: Typed,
    },
    /// The keys that this person's other programs hold are copied.
    ImportKeys,
    SwitchKey {
        label: Label,
        disabled: bool,
    },
    /// The program's own files and the auth files are closed to others.
    FixPermissions,
    /// The screen as it is: contents by file ending.
    KeepScreen(Vec<(&'static str, String)>),
}

/// A key as it was typed. It prints nothing and is zeroed when dropped.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Typed(pub(crate) Zeroizing<String>);

impl fmt::Debug for Typed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Typed(***)")
    }
}

/// What came of an errand, in words.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    /// It answers the dialog that adds a key.
    pub(crate) of_new_key: bool,
    pub(crate) said: Result<Message, Message>,
}
