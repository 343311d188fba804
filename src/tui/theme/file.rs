//! A theme as its file says it, and what is wrong with the file. Pure: who reads files and where they are is not known
//! here, nor which theme is chosen (`shelf`).

use ratatui::style::{Color, Modifier, Style};
use toml::de::DeTable;

use super::{Depth, MEANINGS, Theme};
use crate::{
    domain::message::Message,
    tui::own_toml::{Entry, Faults},
};

/// A theme with all its colours, whatever the terminal has.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Palette {
    pub(super) name: String,
    pub(super) page: Page,
    /// In the order of the meanings.
    paints: [Paint; MEANINGS.len()],
}

/// What is behind and before the styles where there is no terminal to say it: `#rrggbb`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) background: String,
    pub(crate) foreground: String,
}

/// One meaning's style.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Paint {
    fg: Ink,
    bg: Ink,
    modifier: Modifier,
}

/// A colour, and what stands for it among sixteen; without that, the nearest does.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Ink {
    color: Option<Color>,
    of_sixteen: Option<Color>,
}

impl Ink {
    fn at(self, depth: Depth) -> Option<Color> {
        let meant = if depth == Depth::Sixteen { self.of_sixteen.or(self.color) } else { self.color };
        meant.and_then(|color| depth.shown(color))
    }
}

impl Palette {
    /// Nothing but the terminal's own colours.
    pub(super) fn bare() -> Self {
        let page = Page { background: "#000000".to_owned(), foreground: "#ffffff".to_owned() };
        Self { name: String::new(), page, paints: [Paint::default(); MEANINGS.len()] }
    }

    /// With the colours that there are.
    pub(super) fn theme(&self, depth: Depth) -> Theme {
        let mut theme = Theme::default();
        for ((_, place), paint) in MEANINGS.iter().zip(&self.paints) {
            let (fg, bg) = (paint.fg.at(depth), paint.bg.at(depth));
            *place(&mut theme) = Style { fg, bg, add_modifier: paint.modifier, ..Style::new() };
        }
        theme
    }

    /// Reads `text`. With any fault, what the file builds on stands for it: that is what it names as `base`, else
    /// `default`.
    pub(super) fn read(name: &str, text: &str, file: &str, bases: &[Self], default: &Self) -> (Self, Vec<Message>) {
        let (table, faults) = Faults::parse(text, file);
        let mut reader = Reader { faults };
        let base = Self { name: name.to_owned(), ..reader.base(&table, bases).unwrap_or(default).clone() };
        let palette = reader.palette(&table, base.clone());
        let faults = reader.faults.into_messages();
        (if faults.is_empty() { palette } else { base }, faults)
    }
}

/// What is read, and what was wrong with it so far.
struct Reader<'a> {
    faults: Faults<'a>,
}

impl Reader<'_> {
    fn base<'p>(&mut self, table: &DeTable<'_>, bases: &'p [Palette]) -> Option<&'p Palette> {
        let value = table.get("base")?;
        let found = value.get_ref().as_str().and_then(|wanted| bases.iter().find(|base| base.name == wanted));
        if found.is_none() {
            let names: Vec<&str> = bases.iter().map(|base| base.name.as_str()).collect();
            self.faults.tell(value.span(), Message::new("theme-not-base").with("known", names.join(", ")));
        }
        found
    }

    fn palette(&mut self, table: &DeTable<'_>, mut palette: Palette) -> Palette {
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            match (name, MEANINGS.iter().position(|(known, _)| *known == name)) {
                (_, Some(meaning)) => palette.paints[meaning] = self.paint(value),
                ("base", _) => {}
                ("background", _) => palette.page.background = self.page(value),
                ("foreground", _) => palette.page.foreground = self.page(value),
                _ => {
                    let meanings: Vec<&str> = MEANINGS.iter().map(|(known, _)| *known).collect();
                    self.faults.tell(key.span(), Message::new("theme-not-meaning").with("known", meanings.join(", ")));
                }
            }
        }
        palette
    }

    fn paint(&mut self, value: Entry<'_, '_>) -> Paint {
        let mut paint = Paint::default();
        let Some(table) = value.get_ref().as_table() else {
            self.faults.tell(value.span(), Message::new("theme-not-style"));
            return paint;
        };
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "fg" => paint.fg.color = self.color(value),
                "bg" => paint.bg.color = self.color(value),
                "fg16" => paint.fg.of_sixteen = self.color(value),
                "bg16" => paint.bg.of_sixteen = self.color(value),
                "bold" => paint.modifier.set(Modifier::BOLD, self.is_on(value)),
                "dim" => paint.modifier.set(Modifier::DIM, self.is_on(value)),
                "underlined" => paint.modifier.set(Modifier::UNDERLINED, self.is_on(value)),
                "reversed" => paint.modifier.set(Modifier::REVERSED, self.is_on(value)),
                _ => self.faults.tell(key.span(), Message::new("theme-not-attribute")),
            }
        }
        paint
    }

    fn color(&mut self, value: Entry<'_, '_>) -> Option<Color> {
        let color = value.get_ref().as_str().and_then(|text| match text {
            "default" => Some(Color::Reset),
            _ => text.parse().ok(),
        });
        if color.is_none() {
            self.faults.tell(value.span(), Message::new("theme-not-colour"));
        }
        color
    }

    fn page(&mut self, value: Entry<'_, '_>) -> String {
        match value.get_ref().as_str().map(|text| (text, text.parse())) {
            Some((text, Ok(Color::Rgb(..)))) => text.to_owned(),
            _ => {
                self.faults.tell(value.span(), Message::new("theme-not-page"));
                String::new()
            }
        }
    }

    fn is_on(&mut self, value: Entry<'_, '_>) -> bool {
        value.get_ref().as_bool().unwrap_or_else(|| {
            self.faults.tell(value.span(), Message::new("theme-not-switch"));
            false
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Palette, Vec<String>) {
        let named = |name: &str| Palette { name: name.to_owned(), ..Palette::bare() };
        let (palette, faults) = Palette::read("mine", text, "/t/mine.toml", &[named("dark")], &named("dark"));
        let told = |fault: &Message| {
            let of =
                |name| fault.arguments.iter().find(|(known, _)| known == name).map(|(_, value)| format!("{value:?}"));
            format!("{} {} {}", fault.id, of("line").unwrap_or_default(), of("value").unwrap_or_default())
        };
        (palette, faults.iter().map(told).collect())
    }

    #[test]
    fn a_style_has_colours_and_weights() {
        let (palette, faults) = read(
            "foreground = '#010203'\nok = { fg = \"#56b4e9\", fg16 = \"cyan\", bg = 'default', bold = true, dim = false }\n[bad]\nbg = '196'\n",
        );
        assert_eq!(faults, Vec::<String>::new());
        assert_eq!((palette.name.as_str(), palette.page.foreground.as_str()), ("mine", "#010203"));
        let style = Style::new().bg(Color::Reset).add_modifier(Modifier::BOLD);
        for (depth, ok, bad) in [
            (Depth::True, style.fg(Color::Rgb(0x56, 0xb4, 0xe9)), Style::new().bg(Color::Indexed(196))),
            (Depth::Indexed, style.fg(Color::Indexed(74)), Style::new().bg(Color::Indexed(196))),
            (Depth::Sixteen, style.fg(Color::Cyan), Style::new().bg(Color::LightRed)),
            (Depth::Plain, Style::new().add_modifier(Modifier::BOLD), Style::new()),
        ] {
            let theme = palette.theme(depth);
            assert_eq!((theme.ok, theme.bad, theme.warn), (ok, bad, Style::new()), "{depth:?}");
        }
    }

    #[test]
    fn all_faults_are_told_at_once_and_the_base_stands() {
        let text = "base = \"drak\"\nbackground = \"red\"\nokay = {}\nok = { fg = \"#12345\", blink = true, bold = 1 }\n\
                    warn = \"red\"\nbad == { fg = }\nborder = { bg = 7 }\n";
        let (palette, faults) = read(text);
        assert_eq!(palette, Palette { name: "mine".to_owned(), ..Palette::bare() });
        let expected = [
            r#"theme-not-base Number(1) Text("drak")"#,
            r#"theme-not-page Number(2) Text("red")"#,
            r#"theme-not-meaning Number(3) Text("okay")"#,
            r##"theme-not-colour Number(4) Text("#12345")"##,
            r#"theme-not-attribute Number(4) Text("blink")"#,
            r#"theme-not-switch Number(4) Text("1")"#,
            r#"theme-not-style Number(5) Text("red")"#,
            r#"own-not-toml Number(6) Text("bad == { fg = }")"#,
            r#"theme-not-colour Number(7) Text("7")"#,
        ];
        assert_eq!(faults, expected);
    }
}
