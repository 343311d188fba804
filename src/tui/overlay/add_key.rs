//! The dialog that adds a key: what it is called, and the key itself, which nobody sees. Not the file that is written.

use crate::{
    domain::message::Message,
    tui::{
        app::Effect,
        errand::{Errand, Typed},
        field::Field,
    },
};

/// What is to be done, or the field that is at fault and why.
pub(super) fn wish(fields: &[Field; 2]) -> Result<Effect, (usize, Message)> {
    let [label, typed] = fields;
    let label = label.text().trim().to_owned();
    match (label.is_empty(), typed.text().is_empty()) {
        (true, _) => Err((0, Message::new("new-key-fault-label"))),
        (_, true) => Err((1, Message::new("new-key-fault-secret"))),
        _ => Ok(Effect::Errand(Errand::AddKey { label, typed: Typed(typed.text().to_owned().into()) })),
    }
}
