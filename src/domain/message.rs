//! Something to tell a person, before a language is chosen: an id of `i18n/` and its arguments. Not text.

use std::{borrow::Cow, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A Fluent message id with its arguments; `i18n` turns it into words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Message {
    pub(crate) id: Cow<'static, str>,
    pub(crate) arguments: Vec<(Cow<'static, str>, Argument)>,
}

/// One argument of a [`Message`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Argument {
    /// Foreign text; cleaned when it is rendered.
    Text(String),
    Number(i64),
    /// Rendered as "1 h 50 min".
    Duration(Duration),
    /// Rendered as local date and time.
    Moment(Timestamp),
    /// A reason inside a sentence.
    Message(Message),
}

impl Message {
    pub(crate) const fn new(id: &'static str) -> Self {
        Self { id: Cow::Borrowed(id), arguments: Vec::new() }
    }

    pub(crate) fn with(self, name: &'static str, value: impl Into<Argument>) -> Self {
        self.with_argument(name, value.into())
    }

    /// Never inlined: hundreds of messages are made, none of them in a hurry.
    #[inline(never)]
    fn with_argument(mut self, name: &'static str, value: Argument) -> Self {
        self.arguments.push((Cow::Borrowed(name), value));
        self
    }
}

impl From<&str> for Argument {
    #[inline(never)]
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Argument {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Argument {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<usize> for Argument {
    fn from(number: usize) -> Self {
        Self::Number(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<Duration> for Argument {
    fn from(duration: Duration) -> Self {
        Self::Duration(duration)
    }
}

impl From<Timestamp> for Argument {
    fn from(moment: Timestamp) -> Self {
        Self::Moment(moment)
    }
}

impl From<Message> for Argument {
    fn from(message: Message) -> Self {
        Self::Message(message)
    }
}

impl From<&super::key::Label> for Argument {
    fn from(label: &super::key::Label) -> Self {
        Self::Text(label.as_str().to_owned())
    }
}
