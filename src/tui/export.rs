//! A screen as something to keep: text, ANSI, SVG. Where it goes is the caller's to say, and what it shows the panes'.

use std::fmt::Write as _;

use ratatui::{
    buffer::{Buffer, Cell},
    style::{Color, Modifier},
};
use unicode_width::UnicodeWidthStr;

use super::theme::{Page, rgb_of};

/// What a screen is turned into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// The characters alone.
    Text,
    /// With the terminal's own codes for colour and weight; to be shown by `cat`.
    Ansi,
    /// A picture, for a page.
    Svg,
}

impl Format {
    /// By name, which is also how a file's name ends.
    pub(crate) const NAMED: [(&str, Self); 5] =
        [("text", Self::Text), ("txt", Self::Text), ("ansi", Self::Ansi), ("ans", Self::Ansi), ("svg", Self::Svg)];
}

/// Pixels of a cell, and of the letters in it.
const CELL: (f64, f64) = (8.4, 17.0);
const LETTERS: f64 = 14.0;
const BASELINE: f64 = 13.0;
/// Around the screen.
const MARGIN: f64 = 10.0;
/// The sixteen colours that a terminal chooses, as common ones do.
const SIXTEEN: [&str; 16] = [
    "#16181d", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#d4d4d4", "#7f848e", "#ff7b86",
    "#b5e890", "#ffd68a", "#82c4ff", "#e0a0ff", "#7fdbe6", "#ffffff",
];

/// Cells side by side that look alike.
struct Run {
    column: u16,
    columns: u16,
    text: String,
    look: Look,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Look {
    ink: Color,
    paper: Color,
    modifier: Modifier,
}

impl Look {
    fn of(cell: &Cell) -> Self {
        Self { ink: cell.fg, paper: cell.bg, modifier: cell.modifier }
    }
}

/// `page` is what a picture has instead of the terminal's own colours.
pub(crate) fn export(screen: &Buffer, format: Format, page: &Page) -> String {
    match format {
        Format::Text => lines(screen, |run, line| line.push_str(&run.text)),
        Format::Ansi => lines(screen, ansi),
        Format::Svg => svg(screen, page),
    }
}

fn lines(screen: &Buffer, put: impl Fn(&Run, &mut String)) -> String {
    let mut text = String::new();
    for row in 0..screen.area.height {
        let mut line = String::new();
        for run in runs(screen, row) {
            put(&run, &mut line);
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// A row, left to right. A wide character takes the cell after it too.
fn runs(screen: &Buffer, row: u16) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut column = 0;
    while column < screen.area.width {
        let cell = &screen[(column, row)];
        let columns = u16::try_from(cell.symbol().width()).unwrap_or(1).max(1);
        let look = Look::of(cell);
        // Nothing that commands a terminal is drawn; nor is it kept.
        let symbol = if cell.symbol().contains(char::is_control) { " " } else { cell.symbol() };
        match runs.last_mut() {
            Some(run) if run.look == look => {
                run.text.push_str(symbol);
                run.columns += columns;
            }
            _ => runs.push(Run { column, columns, text: symbol.to_owned(), look }),
        }
        column += columns;
    }
    runs
}

fn ansi(run: &Run, line: &mut String) {
    let mut codes: Vec<String> = Vec::new();
    let weights = [(Modifier::BOLD, "1"), (Modifier::DIM, "2"), (Modifier::UNDERLINED, "4"), (Modifier::REVERSED, "7")];
    codes
        .extend(weights.iter().filter(|(one, _)| run.look.modifier.contains(*one)).map(|(_, code)| (*code).to_owned()));
    codes.extend(colour_code(run.look.ink, 30));
    codes.extend(colour_code(run.look.paper, 40));
    if codes.is_empty() {
        line.push_str(&run.text);
    } else {
        // Writing to a string can't fail.
        let _ = write!(line, "\u{1b}[{}m{}\u{1b}[0m", codes.join(";"), run.text);
    }
}

/// The code of a colour; `base` is 30 for ink and 40 for paper.
fn colour_code(color: Color, base: u8) -> Option<String> {
    match color {
        Color::Reset => None,
        Color::Rgb(red, green, blue) => Some(format!("{};2;{red};{green};{blue}", base + 8)),
        Color::Indexed(index) => Some(format!("{};5;{index}", base + 8)),
        named => number(named).map(|index| match index {
            0..8 => format!("{}", base + index),
            _ => format!("{}", base + 60 + index - 8),
        }),
    }
}

/// The place of a named colour among the sixteen.
fn number(color: Color) -> Option<u8> {
    const NAMED: [Color; 16] = [
        Color::Black,
        Color::Red,
        Color::Green,
        Color::Yellow,
        Color::Blue,
        Color::Magenta,
        Color::Cyan,
        Color::Gray,
        Color::DarkGray,
        Color::LightRed,
        Color::LightGreen,
        Color::LightYellow,
        Color::LightBlue,
        Color::LightMagenta,
        Color::LightCyan,
        Color::White,
    ];
    NAMED.iter().position(|named| *named == color).and_then(|place| u8::try_from(place).ok())
}

fn svg(screen: &Buffer, page: &Page) -> String {
    let paper = &page.background;
    let size = |cells: u16, cell: f64| f64::from(cells) * cell + 2.0 * MARGIN;
    let (width, height) = (size(screen.area.width, CELL.0), size(screen.area.height, CELL.1));
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" \
         height=\"{height:.0}\">\n<rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{paper}\"/>\n\
         <g font-family=\"ui-monospace, 'Cascadia Mono', 'DejaVu Sans Mono', Menlo, Consolas, monospace\" \
         font-size=\"{LETTERS}\" xml:space=\"preserve\">\n"
    );
    for row in 0..screen.area.height {
        for run in runs(screen, row) {
            draw(&run, row, page, &mut svg);
        }
    }
    svg.push_str("</g>\n</svg>\n");
    svg
}

fn draw(run: &Run, row: u16, page: &Page, svg: &mut String) {
    let (mut ink, mut paper) = (hex(run.look.ink, &page.foreground), hex(run.look.paper, &page.background));
    if run.look.modifier.contains(Modifier::REVERSED) {
        std::mem::swap(&mut ink, &mut paper);
    }
    let (left, top) = (MARGIN + f64::from(run.column) * CELL.0, MARGIN + f64::from(row) * CELL.1);
    let width = f64::from(run.columns) * CELL.0;
    // Writing to a string can't fail.
    if paper != page.background {
        let _ = writeln!(
            svg,
            "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{}\" fill=\"{paper}\"/>",
            CELL.1
        );
    }
    if run.text.trim().is_empty() {
        return;
    }
    let mut more = String::new();
    for (modifier, attribute) in [
        (Modifier::BOLD, " font-weight=\"bold\""),
        (Modifier::DIM, " opacity=\"0.6\""),
        (Modifier::UNDERLINED, " text-decoration=\"underline\""),
    ] {
        if run.look.modifier.contains(modifier) {
            more.push_str(attribute);
        }
    }
    let _ = writeln!(
        svg,
        "<text x=\"{left:.1}\" y=\"{:.1}\" textLength=\"{width:.1}\" fill=\"{ink}\"{more}>{}</text>",
        top + BASELINE,
        escaped(&run.text)
    );
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A colour for a page; `unset` where the terminal would use its own.
fn hex(color: Color, unset: &str) -> String {
    let rgb = |(red, green, blue): (u8, u8, u8)| format!("#{red:02x}{green:02x}{blue:02x}");
    match color {
        Color::Reset => unset.to_owned(),
        Color::Rgb(red, green, blue) => rgb((red, green, blue)),
        Color::Indexed(index @ 0..16) => SIXTEEN[usize::from(index)].to_owned(),
        Color::Indexed(index) => rgb(rgb_of(index)),
        named => number(named).map_or_else(|| unset.to_owned(), |place| SIXTEEN[usize::from(place)].to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use ratatui::{layout::Rect, style::Style};

    use super::*;

    fn kept(screen: &Buffer, format: Format) -> String {
        let page = Page { background: "#16181d".to_owned(), foreground: "#d4d4d4".to_owned() };
        export(screen, format, &page)
    }

    fn screen() -> Buffer {
        let mut screen = Buffer::empty(Rect::new(0, 0, 8, 2));
        screen.set_string(0, 0, "a<&>", Style::new());
        screen.set_string(4, 0, "日b", Style::new().fg(Color::Green).add_modifier(Modifier::BOLD));
        screen.set_string(0, 1, "x", Style::new().bg(Color::Indexed(237)).fg(Color::Rgb(1, 2, 3)));
        screen.set_string(1, 1, "y", Style::new().add_modifier(Modifier::REVERSED));
        screen
    }

    #[test]
    fn text_is_the_characters_alone() {
        assert_eq!(kept(&screen(), Format::Text), "a<&>日b\nxy\n");
    }

    #[test]
    fn ansi_says_colour_and_weight_and_takes_them_back() {
        let expected = "a<&>\u{1b}[1;32m日b\u{1b}[0m\n\u{1b}[38;2;1;2;3;48;5;237mx\u{1b}[0m\u{1b}[7my\u{1b}[0m\n";
        assert_eq!(kept(&screen(), Format::Ansi), expected);
        assert_eq!(colour_code(Color::LightRed, 30).as_deref(), Some("91"));
    }

    #[test]
    fn svg_has_each_run_in_its_place() {
        let svg = kept(&screen(), Format::Svg);
        for part in [
            "viewBox=\"0 0 87 54\"",
            ">a&lt;&amp;&gt;</text>",
            "<text x=\"43.6\" y=\"23.0\" textLength=\"25.2\" fill=\"#98c379\" font-weight=\"bold\">日b</text>",
            "<rect x=\"10.0\" y=\"27.0\" width=\"8.4\" height=\"17\" fill=\"#3a3a3a\"/>",
            "fill=\"#010203\">x</text>",
            "<text x=\"18.4\" y=\"40.0\" textLength=\"8.4\" fill=\"#16181d\">y</text>",
        ] {
            assert!(svg.contains(part), "{part}: {svg}");
        }
        assert_eq!((hex(Color::Indexed(231), ""), hex(Color::Indexed(255), "")), ("#ffffff".into(), "#eeeeee".into()));
    }

    #[test]
    fn what_commands_a_terminal_is_not_kept() {
        let mut screen = Buffer::empty(Rect::new(0, 0, 2, 1));
        screen[(0, 0)].set_symbol("\u{1b}[2J");
        for format in [Format::Text, Format::Ansi, Format::Svg] {
            assert!(!kept(&screen, format).contains("\u{1b}[2J"));
        }
    }
}
