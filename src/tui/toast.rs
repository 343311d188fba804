//! News that show themselves for a few seconds over the panes. Not the engine's notices, which they quote.

use std::{collections::VecDeque, time::Duration};

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
    widgets::{Block, Clear},
};

use super::{
    format::{cut, width, wrap},
    view::View,
};
use crate::domain::{
    command::{Notice, Severity},
    message::Message,
};

/// How many are on the screen at once; an older one gives way.
const MOST: usize = 3;

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Toast {
    pub(crate) severity: Severity,
    pub(crate) message: Message,
    /// On the clock of `Action::Tick`.
    until: Duration,
}

/// The toasts on the screen, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Toasts {
    shown: VecDeque<Toast>,
    /// Number of the last notice that was shown.
    last: u64,
    now: Duration,
}

impl Toasts {
    pub(crate) fn say(&mut self, severity: Severity, message: Message) {
        self.shown.retain(|toast| toast.message != message);
        self.shown.push_back(Toast { severity, message, until: self.now + span(severity) });
        if self.shown.len() > MOST {
            self.shown.pop_front();
        }
    }

    /// In place of what was said of the same before.
    pub(crate) fn say_instead(&mut self, severity: Severity, message: Message) {
        self.shown.retain(|toast| toast.message.id != message.id);
        self.say(severity, message);
    }

    /// Says what is wrong; with several faults, the first of them and how many there are.
    pub(crate) fn say_faults(&mut self, faults: Vec<Message>) {
        let count = faults.len();
        if let Some(first) = faults.into_iter().next() {
            let many = |first| Message::new("own-faults").with("count", count).with("first", first);
            self.say(Severity::Warn, if count == 1 { first } else { many(first) });
        }
    }

    /// Those notices that were not shown yet; from now on they were.
    pub(crate) fn unseen<'a>(&mut self, notices: &'a [Notice]) -> impl Iterator<Item = &'a Notice> + use<'a> {
        let last = self.last;
        self.last = notices.iter().map(|notice| notice.number).fold(last, u64::max);
        notices.iter().filter(move |notice| notice.number > last)
    }

    pub(crate) fn tick(&mut self, now: Duration) {
        self.now = now;
        self.shown.retain(|toast| toast.until > now);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.shown.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        self.shown.clear();
    }

    #[cfg(test)]
    pub(crate) fn messages(&self) -> Vec<&str> {
        self.shown.iter().map(|toast| toast.message.id.as_ref()).collect()
    }
}

const fn span(severity: Severity) -> Duration {
    Duration::from_secs(match severity {
        Severity::Ok | Severity::Info => 4,
        Severity::Warn => 7,
        Severity::Fail => 12,
    })
}

/// Draws them into the lower right corner of `area`.
pub(crate) fn draw(frame: &mut Frame<'_>, area: Rect, view: &View<'_>) {
    let toasts = &view.app.toasts;
    let room = usize::from(area.width.saturating_sub(8).min(66));
    if toasts.is_empty() || room < 12 || area.height < 5 {
        return;
    }
    let lines: Vec<_> = toasts.shown.iter().flat_map(|toast| lines(toast, room, view)).collect();
    let widest = lines.iter().map(Line::width).max().unwrap_or_default();
    let size = (u16::try_from(widest + 4).unwrap_or(area.width), u16::try_from(lines.len() + 2).unwrap_or(area.height));
    let corner = corner(area, size);
    let worst = toasts.shown.iter().map(|toast| toast.severity).max().unwrap_or(Severity::Info);
    frame.render_widget(Clear, corner);
    let block = Block::bordered().border_set(view.glyphs.border).style(view.theme.text);
    let block = block.border_style(view.theme.severity(worst));
    let inside = block.inner(corner);
    frame.render_widget(block, corner);
    view.put_lines(frame, inside, lines);
}

fn lines(toast: &Toast, room: usize, view: &View<'_>) -> Vec<Line<'static>> {
    let style = view.theme.severity(toast.severity);
    let mut text = wrap(&view.say(&toast.message), room.saturating_sub(2));
    if text.len() > 3 {
        let rest = text.split_off(2).join(" ");
        text.push(cut(&rest, room.saturating_sub(2), view.glyphs.ellipsis));
    }
    let line = |(at, text): (usize, String)| {
        let sign = if at == 0 { view.glyphs.severity(toast.severity) } else { " " };
        debug_assert_eq!(width(sign), 1);
        Line::from(vec![Span::raw(" "), Span::styled(sign, style), Span::raw(format!(" {text}"))])
    };
    text.into_iter().enumerate().map(line).collect()
}

fn corner(area: Rect, (width, height): (u16, u16)) -> Rect {
    let (width, height) = (width.min(area.width), height.min(area.height));
    let at = |end: u16, size: u16, margin: u16| end.saturating_sub(size + margin);
    Rect { x: at(area.right(), width, 2), y: at(area.bottom(), height, 1), width, height }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn a_notice_is_shown_once_and_leaves() {
        let notice = |number| Notice {
            number,
            at: Timestamp::UNIX_EPOCH,
            severity: Severity::Ok,
            message: Message::new("why-no-keys").with("n", i64::try_from(number).expect("small")),
        };
        let mut toasts = Toasts::default();
        let mut unseen = |numbers: &[u64]| {
            let notices: Vec<_> = numbers.iter().copied().map(notice).collect();
            toasts.unseen(&notices).map(|notice| notice.number).collect::<Vec<_>>()
        };
        assert_eq!(unseen(&[3, 4]), [3, 4]);
        assert_eq!(unseen(&[3, 4, 5]), [5]);
        assert_eq!(unseen(&[5]), [0; 0]);
        toasts.say(Severity::Ok, notice(5).message);
        toasts.tick(Duration::from_secs(5));
        assert!(toasts.is_empty());
    }

    #[test]
    fn saying_it_again_does_not_pile_up() {
        let mut toasts = Toasts::default();
        (0..5).for_each(|_| toasts.say(Severity::Warn, Message::new("why-no-keys")));
        assert_eq!(toasts.shown.len(), 1);
    }
}
