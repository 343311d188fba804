//! A line of text that is typed: how it changes, and what of it fits. Not what it means.

use std::fmt;

use tui_input::{Input, InputRequest};
use zeroize::Zeroizing;

use super::format::width;
use crate::domain::text;

/// Most characters in a field.
pub(super) const FIELD: usize = 120;

/// Most bytes of what is typed unseen: no key is longer.
const HIDDEN: usize = 4096;

/// A field of a dialog.
#[derive(Debug, Clone)]
pub(super) enum Field {
    Open(Input),
    Hidden(Hidden),
}

/// What is typed unseen, at its end only. It prints nothing and is zeroed when dropped.
#[derive(Clone)]
pub(super) struct Hidden(Zeroizing<String>);

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hidden(***)")
    }
}

impl Hidden {
    fn push(&mut self, text: impl Iterator<Item = char>) {
        for character in text.filter(|character| !character.is_control()) {
            // It never grows, which would leave a copy behind.
            if self.0.len() + character.len_utf8() <= HIDDEN {
                self.0.push(character);
            }
        }
    }

    fn edit(&mut self, request: InputRequest) {
        match request {
            InputRequest::InsertChar(character) => self.push(std::iter::once(character)),
            InputRequest::DeletePrevChar => drop(self.0.pop()),
            InputRequest::DeleteLine | InputRequest::DeletePrevWord => self.0.clear(),
            _ => {}
        }
    }
}

impl Field {
    pub(super) fn open() -> Self {
        Self::Open(Input::default())
    }

    pub(super) fn hidden() -> Self {
        Self::Hidden(Hidden(Zeroizing::new(String::with_capacity(HIDDEN))))
    }

    pub(super) fn text(&self) -> &str {
        match self {
            Self::Open(input) => input.value(),
            Self::Hidden(Hidden(text)) => text,
        }
    }

    /// Changes the text; tells whether it did.
    pub(super) fn edit(&mut self, request: InputRequest) -> bool {
        match self {
            Self::Open(input) => edit(input, request),
            Self::Hidden(hidden) => {
                hidden.edit(request);
                true
            }
        }
    }

    /// Types a whole text; tells whether any of it went in.
    pub(super) fn paste(&mut self, text: &str) -> bool {
        match self {
            Self::Open(input) => {
                let typed = pasted(text);
                // Each of them, and not only the first that goes in.
                typed.chars().filter(|letter| edit(input, InputRequest::InsertChar(*letter))).count() > 0
            }
            Self::Hidden(hidden) => {
                hidden.push(text.trim().chars());
                true
            }
        }
    }

    /// The part that fits and the cursor's column in it; of what is hidden, a sign for each character.
    pub(super) fn visible(&self, room: usize, sign: &str) -> (String, usize) {
        match self {
            Self::Open(input) => visible(input, room),
            Self::Hidden(Hidden(text)) => {
                let shown = text.chars().count().min(room.saturating_sub(1));
                (sign.repeat(shown), shown)
            }
        }
    }
}

/// Changes the text; tells whether it did.
pub(super) fn edit(input: &mut Input, request: InputRequest) -> bool {
    let grows = matches!(request, InputRequest::InsertChar(_) | InputRequest::Yank);
    if grows && input.value().chars().count() >= FIELD {
        return false;
    }
    input.handle(request);
    true
}

/// What of a pasted text may be typed.
pub(super) fn pasted(text: &str) -> String {
    text::clean(text, FIELD)
}

/// The part of the text around the cursor that fits, and the cursor's column in it.
pub(super) fn visible(input: &Input, room: usize) -> (String, usize) {
    let scroll = input.visual_scroll(room.saturating_sub(1));
    let mut column = 0;
    let visible = input.value().chars().filter(|character| {
        let at = column;
        column += width(character.encode_utf8(&mut [0; 4]));
        at >= scroll && column <= scroll + room
    });
    (visible.collect(), input.visual_cursor().saturating_sub(scroll))
}
