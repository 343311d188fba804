//! How many colours a terminal has, by what it says of itself without being asked, and which of them comes nearest. Not
//! which colour means what (`file`).

use ratatui::style::Color;

/// How many colours there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    /// Weight and reverse alone.
    Plain,
    /// The sixteen that the terminal's owner chose.
    Sixteen,
    /// Those, a cube and greys.
    Indexed,
    /// Any.
    True,
}

impl Depth {
    /// By the variables `TERM` and `COLORTERM`.
    pub(crate) fn of(term: Option<&str>, colorterm: Option<&str>) -> Self {
        let term = term.unwrap_or_default();
        match colorterm.unwrap_or_default() {
            _ if term == "dumb" => Self::Plain,
            "truecolor" | "24bit" => Self::True,
            _ if term.contains("256color") => Self::Indexed,
            _ => Self::Sixteen,
        }
    }

    /// The colour that shows `color` here; `None` without colours. Names stay: the terminal knows them.
    pub(super) fn shown(self, color: Color) -> Option<Color> {
        match (self, color) {
            (Self::Plain, _) => None,
            (Self::Indexed, Color::Rgb(red, green, blue)) => Some(nearest_indexed((red, green, blue))),
            (Self::Sixteen, Color::Rgb(red, green, blue)) => Some(nearest_named((red, green, blue))),
            (Self::Sixteen, Color::Indexed(index @ 16..)) => Some(nearest_named(rgb_of(index))),
            _ => Some(color),
        }
    }
}

type Rgb = (u8, u8, u8);

/// The sixteen, as xterm has them unless its owner chose others.
const NAMED: [(Color, Rgb); 16] = [
    (Color::Black, (0, 0, 0)),
    (Color::Red, (205, 0, 0)),
    (Color::Green, (0, 205, 0)),
    (Color::Yellow, (205, 205, 0)),
    (Color::Blue, (0, 0, 238)),
    (Color::Magenta, (205, 0, 205)),
    (Color::Cyan, (0, 205, 205)),
    (Color::Gray, (229, 229, 229)),
    (Color::DarkGray, (127, 127, 127)),
    (Color::LightRed, (255, 0, 0)),
    (Color::LightGreen, (0, 255, 0)),
    (Color::LightYellow, (255, 255, 0)),
    (Color::LightBlue, (92, 92, 255)),
    (Color::LightMagenta, (255, 0, 255)),
    (Color::LightCyan, (0, 255, 255)),
    (Color::White, (255, 255, 255)),
];

/// A colour of the 256, as xterm has it.
pub(crate) fn rgb_of(index: u8) -> Rgb {
    // https://invisible-island.net/xterm/xterm.faq.html: sixteen, a cube of 6×6×6, and 24 greys.
    let step = |level: u8| if level == 0 { 0 } else { 55 + 40 * level };
    match index {
        0..16 => NAMED[usize::from(index)].1,
        16..232 => {
            let place = index - 16;
            (step(place / 36), step(place / 6 % 6), step(place % 6))
        }
        _ => {
            let grey = 8 + 10 * (index - 232);
            (grey, grey, grey)
        }
    }
}

/// Never one of the first sixteen, which look as the terminal's owner likes.
fn nearest_indexed(wanted: Rgb) -> Color {
    let nearest = (16..=u8::MAX).min_by_key(|index| distance(wanted, rgb_of(*index)));
    nearest.map_or(Color::Reset, Color::Indexed)
}

fn nearest_named(wanted: Rgb) -> Color {
    let nearest = NAMED.iter().min_by_key(|(_, rgb)| distance(wanted, *rgb));
    nearest.map_or(Color::Reset, |(named, _)| *named)
}

/// How far apart two colours look; <https://www.compuphase.com/cmetric.htm>.
fn distance(one: Rgb, other: Rgb) -> u32 {
    let apart = |one: u8, other: u8| u32::from(one.abs_diff(other)).pow(2);
    let red = (u32::from(one.0) + u32::from(other.0)) / 2;
    (((512 + red) * apart(one.0, other.0)) >> 8)
        + 4 * apart(one.1, other.1)
        + (((767 - red) * apart(one.2, other.2)) >> 8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_has_the_colours_that_it_says() {
        for (term, colorterm, expected) in [
            (Some("xterm-256color"), Some("truecolor"), Depth::True),
            (Some("xterm"), Some("24bit"), Depth::True),
            (Some("tmux-256color"), None, Depth::Indexed),
            (Some("screen-256color-bce"), Some("yes"), Depth::Indexed),
            (Some("xterm"), None, Depth::Sixteen),
            (Some("linux"), Some(""), Depth::Sixteen),
            (None, None, Depth::Sixteen),
            (Some("dumb"), Some("truecolor"), Depth::Plain),
        ] {
            assert_eq!(Depth::of(term, colorterm), expected, "{term:?} {colorterm:?}");
        }
    }

    #[test]
    fn a_colour_comes_down_to_the_nearest_there_is() {
        let rgb = |hex: u32| Color::from_u32(hex);
        for (wanted, indexed, named) in [
            (rgb(0x00_00_00), Color::Indexed(16), Color::Black),
            (rgb(0xff_ff_ff), Color::Indexed(231), Color::White),
            (rgb(0xd5_5e_00), Color::Indexed(166), Color::Red),
            (rgb(0x56_b4_e9), Color::Indexed(74), Color::Cyan),
            (rgb(0x3a_3a_3b), Color::Indexed(237), Color::Black),
            (rgb(0x7f_7f_7f), Color::Indexed(244), Color::DarkGray),
            (rgb(0xff_00_00), Color::Indexed(196), Color::LightRed),
            (Color::Indexed(196), Color::Indexed(196), Color::LightRed),
            (Color::Indexed(3), Color::Indexed(3), Color::Indexed(3)),
            (Color::Green, Color::Green, Color::Green),
            (Color::Reset, Color::Reset, Color::Reset),
        ] {
            assert_eq!(Depth::True.shown(wanted), Some(wanted));
            assert_eq!(Depth::Indexed.shown(wanted), Some(indexed), "{wanted}");
            assert_eq!(Depth::Sixteen.shown(wanted), Some(named), "{wanted}");
            assert_eq!(Depth::Plain.shown(wanted), None);
        }
    }

    #[test]
    fn every_colour_of_the_256_is_its_own_nearest() {
        for index in 16..=u8::MAX {
            let (red, green, blue) = rgb_of(index);
            let Some(Color::Indexed(found)) = Depth::Indexed.shown(Color::Rgb(red, green, blue)) else { panic!() };
            assert_eq!(rgb_of(found), rgb_of(index));
        }
    }
}
