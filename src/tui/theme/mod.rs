//! Styles by what they mean, as a theme's file and the terminal's colours make them. Panes name a meaning, never a colour.

mod depth;
mod file;
mod shelf;

use ratatui::style::Style;

pub(crate) use self::{
    depth::Depth,
    shelf::{OwnFile, Themes, is_light},
};
pub(super) use self::{depth::rgb_of, file::Page};
use crate::domain::{command::Severity, snapshot::Status};

/// Below this share a quota is worth a warning, as in the health rules.
const SCARCE: f64 = 0.2;

/// Styles by meaning.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Theme {
    /// Under everything: what has no style of its own has this one.
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

/// A meaning's place in a theme.
type Place = fn(&mut Theme) -> &mut Style;

/// The meanings, by their names in a theme's file.
const MEANINGS: [(&str, Place); 12] = [
    ("text", |theme| &mut theme.text),
    ("strong", |theme| &mut theme.strong),
    ("dim", |theme| &mut theme.dim),
    ("accent", |theme| &mut theme.accent),
    ("ok", |theme| &mut theme.ok),
    ("warn", |theme| &mut theme.warn),
    ("bad", |theme| &mut theme.bad),
    ("border", |theme| &mut theme.border),
    ("border_focused", |theme| &mut theme.border_focused),
    ("title", |theme| &mut theme.title),
    ("title_focused", |theme| &mut theme.title_focused),
    ("selected", |theme| &mut theme.selected),
];

impl Theme {
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
