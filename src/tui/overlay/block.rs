//! The dialog that blocks a key: how long, and why. Not the blocking itself, which the engine does.

use std::time::Duration;

use ratatui::{
    Frame,
    layout::{Position, Rect},
    text::{Line, Span},
};
use tui_input::{Input, InputRequest};

use super::popup;
use crate::{
    domain::{command::Command, key::Label, message::Message, text},
    tui::{
        field,
        format::{width, wrap},
        view::View,
    },
};

/// Longest span that is believed to be meant: ten years.
const LONGEST: u64 = 10 * 366 * DAY;
const DAY: u64 = 86_400;
/// Width of the dialog.
const WIDTH: u16 = 58;

/// What has been typed so far.
#[derive(Debug, Clone)]
pub(crate) struct Form {
    pub(crate) label: Label,
    span: Input,
    reason: Input,
    in_reason: bool,
    /// What is wrong with the span.
    fault: Option<Message>,
}

impl Form {
    pub(crate) fn new(label: Label) -> Self {
        Self { label, span: Input::default(), reason: Input::default(), in_reason: false, fault: None }
    }

    pub(crate) const fn next_field(&mut self) {
        self.in_reason = !self.in_reason;
    }

    pub(crate) fn edit(&mut self, request: InputRequest) {
        let input = if self.in_reason { &mut self.reason } else { &mut self.span };
        if field::edit(input, request) {
            self.fault = None;
        }
    }

    /// The command, or the fault shown in the dialog.
    pub(crate) fn submit(&mut self) -> Option<Command> {
        match parse_span(self.span.value()) {
            Ok(span) => {
                let reason = text::clean(self.reason.value(), field::FIELD);
                Some(Command::Block { label: self.label.clone(), span, reason })
            }
            Err(fault) => {
                self.fault = Some(fault);
                self.in_reason = false;
                None
            }
        }
    }
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

/// Draws the dialog with the cursor in its field.
pub(crate) fn draw(frame: &mut Frame<'_>, area: Rect, view: &View<'_>, form: &Form) {
    let room = usize::from(WIDTH.min(area.width).saturating_sub(4));
    let names = [view.text("block-span"), view.text("block-reason")];
    let indent = names.iter().map(|name| width(name)).max().unwrap_or_default() + 2;
    let wide = room.saturating_sub(indent);
    let mut lines = vec![Line::raw("")];
    for (name, input, focused) in [(&names[0], &form.span, !form.in_reason), (&names[1], &form.reason, form.in_reason)]
    {
        lines.extend([field_line(view, name, input, focused, indent, wide), Line::raw("")]);
    }
    let (text, style) = match &form.fault {
        Some(fault) => (view.say(fault), view.theme.bad),
        None => (view.text("block-hint"), view.theme.dim),
    };
    lines.extend(wrap(&text, room).into_iter().map(|text| Line::styled(text, style)));
    let title = view.say(&Message::new("block-title").with("label", &form.label));
    let inside = popup(frame, area, view, &title, &view.text("foot-dialog"), WIDTH, lines).inside;
    place_cursor(frame, inside, form, indent, wide);
}

fn field_line(view: &View<'_>, name: &str, input: &Input, focused: bool, indent: usize, room: usize) -> Line<'static> {
    let (shown, _) = field::visible(input, room);
    let blank = " ".repeat(room.saturating_sub(width(&shown)));
    let name_style = if focused { view.theme.accent } else { view.theme.dim };
    Line::from(vec![
        Span::styled(format!("{name}{}", " ".repeat(indent.saturating_sub(width(name)))), name_style),
        Span::styled(format!("{shown}{blank}"), view.theme.selected),
    ])
}

fn place_cursor(frame: &mut Frame<'_>, inside: Rect, form: &Form, indent: usize, room: usize) {
    let (input, row) = if form.in_reason { (&form.reason, 3) } else { (&form.span, 1) };
    let column = indent + field::visible(input, room).1;
    let position = Position::new(inside.x.saturating_add(u16::try_from(column).unwrap_or(u16::MAX)), inside.y + row);
    if inside.contains(position) {
        frame.set_cursor_position(position);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

    fn paste(form: &mut Form, text: &str) {
        field::pasted(text).chars().for_each(|character| form.edit(InputRequest::InsertChar(character)));
    }

    #[test]
    fn a_fault_stays_until_it_is_edited() {
        let mut form = Form::new(Label::new("alpha"));
        paste(&mut form, "5x\n\u{1b}[31m");
        assert_eq!((form.submit(), form.fault.is_some(), form.span.value()), (None, true, "5x"));
        form.edit(InputRequest::DeletePrevChar);
        form.edit(InputRequest::InsertChar('m'));
        form.next_field();
        paste(&mut form, "too slow");
        let expected = Command::Block {
            label: Label::new("alpha"),
            span: Some(Duration::from_secs(300)),
            reason: "too slow".into(),
        };
        assert_eq!((form.submit(), form.fault), (Some(expected), None));
    }
}
