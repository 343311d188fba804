//! What things look like by what they mean: styles and glyphs. Panes name a meaning, never a colour.

use ratatui::{
    style::{Color, Modifier, Style},
    symbols::border,
};

use crate::domain::{command::Severity, snapshot::Status};

/// Below this share a quota is worth a warning, as in the health rules.
const SCARCE: f64 = 0.2;

/// Styles by meaning.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Theme {
    pub(crate) text: Style,
    pub(crate) strong: Style,
    pub(crate) dim: Style,
    pub(crate) accent: Style,
    pub(crate) ok: Style,
    pub(crate) warn: Style,
    pub(crate) bad: Style,
    pub(crate) border: Style,
    pub(crate) border_focused: Style,
    pub(crate) title: Style,
    pub(crate) title_focused: Style,
    /// Laid over a whole row.
    pub(crate) selected: Style,
}

impl Theme {
    pub(crate) const fn of(color: bool) -> Self {
        if color { Self::dark() } else { Self::mono() }
    }

    const fn dark() -> Self {
        let plain = Style::new();
        let dim = plain.fg(Color::Indexed(245));
        let accent = plain.fg(Color::Cyan);
        Self {
            text: plain,
            strong: plain.add_modifier(Modifier::BOLD),
            dim,
            accent,
            ok: plain.fg(Color::Green),
            warn: plain.fg(Color::Yellow),
            bad: plain.fg(Color::LightRed),
            border: plain.fg(Color::Indexed(240)),
            border_focused: accent,
            title: dim,
            title_focused: accent.add_modifier(Modifier::BOLD),
            selected: plain.bg(Color::Indexed(237)),
        }
    }

    /// No colour at all: what colour says elsewhere, weight and reverse say here.
    const fn mono() -> Self {
        let plain = Style::new();
        let bold = plain.add_modifier(Modifier::BOLD);
        let dim = plain.add_modifier(Modifier::DIM);
        Self {
            text: plain,
            strong: bold,
            dim,
            accent: bold,
            ok: plain,
            warn: bold,
            bad: bold.add_modifier(Modifier::UNDERLINED),
            border: dim,
            border_focused: bold,
            title: plain,
            title_focused: bold.add_modifier(Modifier::REVERSED),
            selected: plain.add_modifier(Modifier::REVERSED),
        }
    }

    pub(crate) const fn severity(&self, severity: Severity) -> Style {
        match severity {
            Severity::Ok => self.ok,
            Severity::Info => self.accent,
            Severity::Warn => self.warn,
            Severity::Fail => self.bad,
        }
    }

    pub(crate) const fn status(&self, status: Status) -> Style {
        match status {
            Status::Healthy => self.ok,
            Status::Warn | Status::Exhausted => self.warn,
            Status::Blocked => self.bad,
            Status::Disabled => self.dim,
        }
    }

    /// The share of a quota that is left.
    pub(crate) fn left(&self, share: f64) -> Style {
        match share {
            share if share <= 0.0 => self.bad,
            share if share < SCARCE => self.warn,
            _ => self.ok,
        }
    }

    /// The share of a limit that is taken.
    pub(crate) fn taken(&self, share: f64) -> Style {
        match share {
            share if share >= 1.0 => self.bad,
            share if share > 1.0 - SCARCE => self.warn,
            _ => self.accent,
        }
    }

    /// An HTTP status.
    pub(crate) const fn answer(&self, status: u16) -> Style {
        match status {
            ..400 => self.ok,
            400..500 => self.warn,
            _ => self.bad,
        }
    }
}

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
    /// From nothing to the most.
    pub(crate) levels: [&'static str; 9],
    status: [&'static str; 5],
    severity: [&'static str; 4],
}

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
            levels: [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"],
            status: ["●", "▲", "◐", "■", "○"],
            severity: ["✓", "•", "▲", "✗"],
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
            levels: [" ", ".", ":", "-", "=", "+", "*", "#", "@"],
            status: ["+", "!", "~", "x", "-"],
            severity: ["+", "i", "!", "x"],
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
    fn without_color_no_style_names_one() {
        let theme = Theme::of(false);
        for style in [theme.text, theme.dim, theme.accent, theme.ok, theme.warn, theme.bad, theme.border] {
            assert_eq!((style.fg, style.bg), (None, None));
        }
        assert_eq!((theme.selected.fg, theme.selected.bg), (None, None));
    }

    #[test]
    fn ascii_is_ascii_and_signs_are_one_column_wide() {
        for glyphs in [Glyphs::of(true), Glyphs::of(false)] {
            let signs = [glyphs.selected, glyphs.active, glyphs.ellipsis, glyphs.bar_full, glyphs.bar_rest];
            for sign in signs.iter().chain(&glyphs.levels).chain(&glyphs.status).chain(&glyphs.severity) {
                assert_eq!(sign.width(), 1, "{sign}");
                assert!(glyphs != Glyphs::of(true) || sign.is_ascii(), "{sign}");
            }
        }
    }
}
