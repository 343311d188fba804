//! A line of text that is typed: how it changes, and what of it fits. Not what it means.

use tui_input::{Input, InputRequest};

use super::format::width;
use crate::domain::text;

/// Most characters in a field.
pub(super) const FIELD: usize = 120;

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
