//! What the dialog that blocks a key asks for: how long, and why. Not the blocking itself, which the engine does.

use std::time::Duration;

use crate::{
    domain::{command::Command, key::Label, message::Message, text},
    tui::{
        app::Effect,
        field::{FIELD, Field},
    },
};

/// Longest span that is believed to be meant: ten years.
const LONGEST: u64 = 10 * 366 * DAY;
const DAY: u64 = 86_400;

/// What is to be done, or the field that is at fault and why.
pub(super) fn wish(label: &Label, fields: &[Field; 2]) -> Result<Effect, (usize, Message)> {
    let [span, reason] = fields;
    let span = parse_span(span.text()).map_err(|fault| (0, fault))?;
    let reason = text::clean(reason.text(), FIELD);
    Ok(Effect::Send(Command::Block { label: label.clone(), span, reason }))
}

/// Reads `1h`, `30m`, `2d`, `1h30m`, in Latin or Russian letters; empty is no end.
fn parse_span(typed: &str) -> Result<Option<Duration>, Message> {
    let fault = || Message::new("block-fault-span").with("typed", typed);
    let mut rest = typed.trim();
    if rest.is_empty() {
        return Ok(None);
    }
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|character: char| !character.is_ascii_digit()).ok_or_else(fault)?;
        let (number, after) = rest.split_at(digits);
        let unit = after.chars().next().ok_or_else(fault)?;
        let seconds = seconds_in(unit).ok_or_else(fault)?;
        let part = number.parse::<u64>().ok().and_then(|number| number.checked_mul(seconds)).ok_or_else(fault)?;
        total = total.saturating_add(part);
        rest = after[unit.len_utf8()..].trim_start();
    }
    match total {
        0 => Err(Message::new("block-fault-zero")),
        1..=LONGEST => Ok(Some(Duration::from_secs(total))),
        _ => Err(Message::new("block-fault-long")),
    }
}

const fn seconds_in(unit: char) -> Option<u64> {
    match unit {
        's' | 'S' | 'с' | 'С' => Some(1),
        'm' | 'M' | 'м' | 'М' => Some(60),
        'h' | 'H' | 'ч' | 'Ч' => Some(3_600),
        'd' | 'D' | 'д' | 'Д' => Some(DAY),
        'w' | 'W' | 'н' | 'Н' => Some(7 * DAY),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use tui_input::InputRequest;

    use super::{super::form::Form, *};

    #[test]
    fn spans_are_read_in_both_languages() {
        let seconds = |seconds| Ok(Some(Duration::from_secs(seconds)));
        let fault = |id: &'static str| Err(id.to_owned());
        for (typed, expected) in [
            ("", Ok(None)),
            ("  ", Ok(None)),
            ("30m", seconds(1_800)),
            ("1h", seconds(3_600)),
            ("1h 30m", seconds(5_400)),
            ("2д", seconds(172_800)),
            ("1Н", seconds(604_800)),
            ("45", fault("block-fault-span")),
            ("h", fault("block-fault-span")),
            ("5x", fault("block-fault-span")),
            ("-5m", fault("block-fault-span")),
            ("99999999999999999999h", fault("block-fault-span")),
            ("0m", fault("block-fault-zero")),
            ("99999w", fault("block-fault-long")),
        ] {
            assert_eq!(parse_span(typed).map_err(|fault| fault.id.into_owned()), expected, "{typed:?}");
        }
    }

    #[test]
    fn a_fault_stays_until_it_is_edited() {
        let mut form = Form::block(Label::new("alpha"));
        form.paste("5x\n\u{1b}[31m");
        assert_eq!((form.submit(), form.fields[0].text()), (None, "5x"));
        form.edit(InputRequest::DeletePrevChar);
        form.edit(InputRequest::InsertChar('m'));
        form.next_field();
        form.paste("too slow");
        let expected = Command::Block {
            label: Label::new("alpha"),
            span: Some(Duration::from_secs(300)),
            reason: "too slow".into(),
        };
        assert_eq!(form.submit(), Some(Effect::Send(expected)));
        assert_eq!(form.submit(), None, "once is enough");
    }
}
