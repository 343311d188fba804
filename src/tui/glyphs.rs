//! Signs by what they mean, in Unicode or ASCII. Not their colours (`theme`).

use ratatui::{buffer::Buffer, symbols::border};

use crate::domain::{command::Severity, snapshot::Status};

/// Signs, each one column wide.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Glyphs {
    pub(crate) border: border::Set<'static>,
    pub(crate) selected: &'static str,
    pub(crate) active: &'static str,
    pub(crate) ellipsis: &'static str,
    pub(crate) separator: &'static str,
    pub(crate) bar_full: &'static str,
    pub(crate) bar_rest: &'static str,
    pub(crate) nothing: &'static str,
    pub(crate) arrow: &'static str,
    pub(crate) up: &'static str,
    pub(crate) down: &'static str,
    /// Marks what a table is sorted by, most first; one column wide.
    pub(crate) sorted: &'static str,
    pub(crate) left: &'static str,
    pub(crate) right: &'static str,
    /// A character that nobody is to see.
    pub(crate) hidden: &'static str,
    /// For nothing, where a blank would be lost.
    pub(crate) none: &'static str,
    /// From nothing to the most.
    pub(crate) levels: [&'static str; 9],
    status: [&'static str; 5],
    severity: [&'static str; 4],
    /// Signs within words, and what stands for them.
    instead: &'static [(&'static str, &'static str)],
}

/// One column each, as what they stand for.
const IN_ASCII: &[(&str, &str)] = &[
    ("“", "\""),
    ("”", "\""),
    ("«", "\""),
    ("»", "\""),
    ("’", "'"),
    ("…", "~"),
    ("–", "-"),
    ("—", "-"),
    ("×", "x"),
    ("→", ">"),
    ("·", "-"),
    ("\u{a0}", " "),
];

impl Glyphs {
    pub(crate) const fn of(ascii: bool) -> Self {
        if ascii { Self::ascii() } else { Self::unicode() }
    }

    const fn unicode() -> Self {
        Self {
            border: border::ROUNDED,
            selected: "▌",
            active: "▸",
            ellipsis: "…",
            separator: "·",
            bar_full: "━",
            bar_rest: "╌",
            nothing: "–",
            arrow: "→",
            up: "↑",
            down: "↓",
            sorted: "↓",
            left: "←",
            right: "→",
            hidden: "•",
            none: "·",
            levels: [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"],
            status: ["●", "▲", "◐", "■", "○"],
            severity: ["✓", "•", "▲", "✗"],
            instead: &[],
        }
    }

    const fn ascii() -> Self {
        Self {
            border: border::Set {
                top_left: "+",
                top_right: "+",
                bottom_left: "+",
                bottom_right: "+",
                vertical_left: "|",
                vertical_right: "|",
                horizontal_top: "-",
                horizontal_bottom: "-",
            },
            selected: ">",
            active: "*",
            ellipsis: "~",
            separator: "-",
            bar_full: "#",
            bar_rest: ".",
            nothing: "-",
            arrow: ">",
            up: "Up",
            down: "Down",
            sorted: "v",
            left: "Left",
            right: "Right",
            hidden: "*",
            none: "_",
            levels: [" ", ".", ":", "-", "=", "+", "*", "#", "@"],
            status: ["+", "!", "~", "x", "-"],
            severity: ["+", "i", "!", "x"],
            instead: IN_ASCII,
        }
    }

    /// Puts signs that can be shown in the place of those that words hold.
    pub(crate) fn replace_in(&self, buffer: &mut Buffer) {
        if self.instead.is_empty() {
            return;
        }
        for cell in &mut buffer.content {
            if let Some((_, plain)) = self.instead.iter().find(|(sign, _)| *sign == cell.symbol()) {
                cell.set_symbol(plain);
            }
        }
    }

    pub(crate) const fn status(&self, status: Status) -> &'static str {
        self.status[status as usize]
    }

    pub(crate) const fn severity(&self, severity: Severity) -> &'static str {
        self.severity[severity as usize]
    }
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr;

    use super::*;

    #[test]
    fn ascii_is_ascii_and_signs_are_one_column_wide() {
        for glyphs in [Glyphs::of(true), Glyphs::of(false)] {
            let signs = [
                glyphs.selected,
                glyphs.active,
                glyphs.ellipsis,
                glyphs.bar_full,
                glyphs.bar_rest,
                glyphs.hidden,
                glyphs.none,
            ];
            assert!(glyphs.instead.iter().all(|(sign, plain)| sign.width() == plain.width() && plain.is_ascii()));
            for sign in signs.iter().chain(&glyphs.levels).chain(&glyphs.status).chain(&glyphs.severity) {
                assert_eq!(sign.width(), 1, "{sign}");
                assert!(glyphs != Glyphs::of(true) || sign.is_ascii(), "{sign}");
            }
        }
    }
}
