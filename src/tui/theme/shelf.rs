//! The themes there are, built-in ones and the person's own, and which of them is shown. Not what stands in them (`file`).

use super::{
    Depth, Theme,
    file::{Page, Palette},
};
use crate::domain::message::Message;

/// Name, the message that names it, and the file.
const BUILT_IN: [(&str, &str, &str); 5] = [
    ("dark", "theme-dark", include_str!("../../../assets/themes/dark.toml")),
    ("light", "theme-light", include_str!("../../../assets/themes/light.toml")),
    ("high-contrast", "theme-high-contrast", include_str!("../../../assets/themes/high-contrast.toml")),
    ("colour-blind", "theme-colour-blind", include_str!("../../../assets/themes/colour-blind.toml")),
    (MONO, "theme-mono", include_str!("../../../assets/themes/mono.toml")),
];
/// What stands where there are no colours.
const MONO: &str = "mono";
/// The choice by the terminal's background.
const AUTO: &str = "auto";

/// A file of the person's own.
#[derive(Debug, Clone)]
pub(crate) struct OwnFile {
    /// The theme's; one of a built-in theme changes that one.
    pub(crate) name: String,
    /// As faults name it.
    pub(crate) file: String,
    pub(crate) text: String,
}

/// All themes, and the chosen one.
#[derive(Debug, Clone)]
pub(crate) struct Themes {
    /// Never empty.
    all: Vec<Palette>,
    chosen: usize,
    depth: Depth,
}

impl Themes {
    /// With the person's own, whose faults are told; the first is chosen.
    pub(crate) fn new(depth: Depth, own: &[OwnFile]) -> (Self, Vec<Message>) {
        let bare = Palette::bare();
        let read = |(name, _, text): (&str, &str, &str)| Palette::read(name, text, name, &[], &bare).0;
        let built_in = BUILT_IN.map(read);
        let (mut all, mut faults) = (built_in.to_vec(), Vec::new());
        for OwnFile { name, file, text } in own {
            let same = built_in.iter().position(|palette| palette.name == *name);
            let (palette, wrong) = Palette::read(name, text, file, &built_in, &built_in[same.unwrap_or_default()]);
            faults.extend(wrong);
            match same {
                Some(same) => all[same] = palette,
                None => all.push(palette),
            }
        }
        (Self { all, chosen: 0, depth }, faults)
    }

    /// Chooses by name; a name that nobody has chooses as `auto` does: by the background.
    pub(crate) fn choose(&mut self, wish: &str, light: bool) -> Result<(), Message> {
        let place = |name: &str| self.all.iter().position(|palette| palette.name == name);
        let auto = place(if light { "light" } else { "dark" }).unwrap_or_default();
        let found = if wish == AUTO { Some(auto) } else { place(wish) };
        let known: Vec<&str> = self.all.iter().map(|palette| palette.name.as_str()).collect();
        let unknown = Message::new("theme-unknown").with("value", wish).with("known", known.join(", "));
        self.chosen = found.unwrap_or(auto);
        found.map(|_| ()).ok_or(unknown)
    }

    /// The next one, and what to say of it.
    pub(crate) fn next(&mut self) -> Message {
        if self.depth == Depth::Plain {
            return Message::new("theme-no-colours");
        }
        self.chosen = (self.chosen + 1) % self.all.len();
        let name = self.all[self.chosen].name.as_str();
        let said = Message::new("theme-now");
        match BUILT_IN.iter().find(|(known, _, _)| *known == name) {
            Some((_, id, _)) => said.with("theme", Message::new(id)),
            None => said.with("theme", name),
        }
    }

    pub(crate) fn theme(&self) -> Theme {
        self.palette().theme(self.depth)
    }

    pub(crate) fn page(&self) -> &Page {
        &self.palette().page
    }

    fn palette(&self) -> &Palette {
        let mono = self.all.iter().find(|palette| palette.name == MONO);
        mono.filter(|_| self.depth == Depth::Plain).unwrap_or(&self.all[self.chosen])
    }
}

/// Whether the background is light, by the variable `COLORFGBG`: `15;0`, `0;default;15`. Terminals that do not set it are
/// taken for dark ones; they are not asked, since an answer may never come.
pub(crate) fn is_light(colorfgbg: Option<&str>) -> bool {
    let background = colorfgbg.and_then(|value| value.rsplit(';').next()?.trim().parse().ok());
    matches!(background, Some(7 | 9..=15_u8))
}

#[cfg(test)]
mod tests {
    use ratatui::style::{Color, Style};

    use super::{
        super::{MEANINGS, rgb_of},
        *,
    };

    fn themes(depth: Depth) -> Themes {
        Themes::new(depth, &[]).0
    }

    fn own(name: &str, text: &str) -> OwnFile {
        OwnFile { name: name.to_owned(), file: format!("/t/{name}.toml"), text: text.to_owned() }
    }

    fn styles(theme: &mut Theme) -> Vec<(&'static str, Style)> {
        MEANINGS.iter().map(|(name, place)| (*name, *place(theme))).collect()
    }

    #[test]
    fn every_built_in_theme_is_right_and_whole() {
        for (name, _, text) in BUILT_IN {
            let bare = Palette::bare();
            assert_eq!(Palette::read(name, text, name, &[], &bare).1, [], "{name}");
            let table: toml::Table = text.parse().expect("TOML");
            let page = ["background", "foreground"];
            for meaning in MEANINGS.iter().map(|(meaning, _)| *meaning).chain(page) {
                assert!(table.contains_key(meaning), "{name} does not say {meaning}");
            }
        }
    }

    #[test]
    fn every_text_can_be_read_on_its_background() {
        const READ: f64 = 4.5;
        /// In a row that is selected, what is bad is bold, and Okabe and Ito have no lighter vermillion.
        const SEEN: f64 = 3.0;
        let hex = |color: &str| rgb(color.parse().expect("a colour"));
        for chosen in 0..BUILT_IN.len() {
            for depth in [Depth::True, Depth::Indexed] {
                let themes = Themes { chosen, ..themes(depth) };
                let (page, mut theme) = (themes.page().clone(), themes.theme());
                let (paper, ink) = (hex(&page.background), hex(&page.foreground));
                let selected = theme.selected.bg.map_or(paper, rgb);
                for (name, style) in styles(&mut theme).into_iter().filter(|(name, _)| *name != "border") {
                    let text = style.fg.map_or(ink, rgb);
                    let on = [(paper, READ), (selected, if name == "bad" { SEEN } else { READ })];
                    for (under, least) in on {
                        let found = contrast(text, under);
                        assert!(found >= least, "{} {depth:?} {name}: {found:.2}", themes.palette().name);
                    }
                }
            }
        }
    }

    fn rgb(color: Color) -> (u8, u8, u8) {
        match color {
            Color::Rgb(red, green, blue) => (red, green, blue),
            Color::Indexed(index) => rgb_of(index),
            other => panic!("{other} is the terminal's own"),
        }
    }

    /// <https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio>
    fn contrast(one: (u8, u8, u8), other: (u8, u8, u8)) -> f64 {
        let light = |(red, green, blue)| {
            let linear = |part: u8| match f64::from(part) / 255.0 {
                part if part <= 0.040_45 => part / 12.92,
                part => ((part + 0.055) / 1.055).powf(2.4),
            };
            0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue) + 0.05
        };
        let (one, other) = (light(one), light(other));
        one.max(other) / one.min(other)
    }

    #[test]
    fn without_colours_no_style_names_one_whatever_is_chosen() {
        let (mut themes, _) = Themes::new(Depth::Plain, &[own(MONO, "ok = { fg = 'red' }")]);
        assert_eq!(themes.choose("light", true), Ok(()));
        assert_eq!(themes.next(), Message::new("theme-no-colours"));
        let mut theme = themes.theme();
        assert!(styles(&mut theme).iter().all(|(_, style)| (style.fg, style.bg) == (None, None)));
        assert_ne!(theme.selected, Style::new());
    }

    #[test]
    fn with_sixteen_colours_only_those_are_named() {
        for chosen in 0..BUILT_IN.len() {
            let mut theme = Themes { chosen, ..themes(Depth::Sixteen) }.theme();
            for (name, style) in styles(&mut theme) {
                let named = |color: Option<Color>| !matches!(color, Some(Color::Rgb(..) | Color::Indexed(_)));
                assert!(named(style.fg) && named(style.bg), "{name}: {style:?}");
            }
        }
    }

    #[test]
    fn a_theme_is_chosen_by_name_or_by_the_background() {
        let (mut themes, faults) = Themes::new(Depth::True, &[own("mine", "base = 'light'")]);
        assert_eq!(faults, []);
        for (wish, light, expected) in
            [("auto", false, "dark"), ("auto", true, "light"), ("mono", true, "mono"), ("mine", false, "mine")]
        {
            assert_eq!(themes.choose(wish, light), Ok(()), "{wish}");
            assert_eq!(themes.palette().name, expected, "{wish}");
        }
        let unknown = themes.choose("drak", true).expect_err("there is none");
        let known = "dark, light, high-contrast, colour-blind, mono, mine";
        assert_eq!(unknown, Message::new("theme-unknown").with("value", "drak").with("known", known));
        assert_eq!(themes.palette().name, "light");
    }

    #[test]
    fn one_after_the_other_is_shown_and_named() {
        let mut themes = Themes::new(Depth::True, &[own("mine", "")]).0;
        let said: Vec<Message> = (0..6).map(|_| themes.next()).collect();
        let built_in = |id| Message::new("theme-now").with("theme", Message::new(id));
        assert_eq!((&said[0], &said[5]), (&built_in("theme-light"), &built_in("theme-dark")));
        assert_eq!(said[4], Message::new("theme-now").with("theme", "mine"));
    }

    #[test]
    fn an_own_file_changes_a_theme_or_adds_one() {
        let files =
            [own("light", "ok = { fg = 'blue' }"), own("mine", "base = 'mono'\nbad = { fg = 'red' }"), own("x", "")];
        let (mut changed, faults) = Themes::new(Depth::True, &files);
        assert_eq!(faults, []);
        let plain = themes(Depth::True);
        let theme = |themes: &mut Themes, name| {
            themes.choose(name, false).expect("it is there");
            themes.theme()
        };
        let of = |name| theme(&mut plain.clone(), name);
        assert_eq!(theme(&mut changed, "light"), Theme { ok: Style::new().fg(Color::Blue), ..of("light") });
        assert_eq!(theme(&mut changed, "mine"), Theme { bad: Style::new().fg(Color::Red), ..of("mono") });
        assert_eq!(theme(&mut changed, "x"), of("dark"));
    }

    #[test]
    fn the_example_in_the_docs_is_right() {
        let docs = include_str!("../../../docs/themes.md");
        let example = docs.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("an example");
        assert_eq!(Themes::new(Depth::True, &[own("dusk", example)]).1, []);
        for (meaning, _) in MEANINGS {
            assert!(docs.contains(&format!("`{meaning}`")), "docs/themes.md does not know {meaning}");
        }
    }

    #[test]
    fn faults_of_all_files_are_told_and_the_base_goes_on() {
        let files = [own("light", "ok = 1"), own("mine", "base = 'mono'\nbad = { fg = 'rde' }\nwarn = { fg = 'red' }")];
        let (mut themes, faults) = Themes::new(Depth::True, &files);
        let ids: Vec<&str> = faults.iter().map(|fault| fault.id.as_ref()).collect();
        assert_eq!(ids, ["theme-not-style", "theme-not-colour"]);
        themes.choose("mine", false).expect("it is there");
        let shown = themes.theme();
        themes.choose("mono", false).expect("it is there");
        assert_eq!(shown, themes.theme());
    }

    #[test]
    fn the_background_is_what_the_terminal_s_variable_says() {
        for (value, light) in [
            (Some("15;0"), false),
            (Some("0;15"), true),
            (Some("0;default;15"), true),
            (Some("0;7"), true),
            (Some("7;8"), false),
            (Some("15;default"), false),
            (Some("0;255"), false),
            (Some(""), false),
            (None, false),
        ] {
            assert_eq!(is_light(value), light, "{value:?}");
        }
    }
}
