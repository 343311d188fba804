//! A table in the room it has: columns as wide as their content, numbers to the right, the least important ones
//! left out first. Not scrolling, nor what the cells say.

use ratatui::{
    style::Style,
    text::{Line, Span},
};

use super::{
    format::{cut, width},
    glyphs::Glyphs,
    theme::Theme,
};

/// From this room on there are two blanks between columns.
const ROOMY: usize = 100;

/// One column.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    title: String,
    right: bool,
    /// The highest is left out first; 0 stays.
    rank: u8,
    least: usize,
    most: usize,
    /// Takes the room that the others leave.
    stretch: bool,
    /// Stands before the title in the gap, so that it takes no room.
    mark: Option<&'static str>,
}

impl Column {
    pub(crate) fn left(title: String) -> Self {
        Self { title, right: false, rank: 0, least: 1, most: usize::MAX, stretch: false, mark: None }
    }

    pub(crate) fn right(title: String) -> Self {
        Self { right: true, ..Self::left(title) }
    }

    /// Marks the title of a column that is not the first.
    pub(crate) fn mark(self, mark: &'static str) -> Self {
        Self { mark: Some(mark), ..self }
    }

    pub(crate) fn rank(self, rank: u8) -> Self {
        Self { rank, ..self }
    }

    pub(crate) fn between(self, least: usize, most: usize) -> Self {
        Self { least, most, ..self }
    }

    pub(crate) fn stretch(self, least: usize) -> Self {
        Self { least, stretch: true, ..self }
    }
}

/// What a cell says, and how it looks.
pub(crate) type Cell = (String, Style);

/// One line of the table.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) cells: Vec<Cell>,
    pub(crate) selected: bool,
}

/// The title line and one line a row, each `room` columns wide; the first column holds the selection's mark.
pub(crate) fn lines(
    columns: &[Column],
    rows: &[Row],
    room: usize,
    theme: &Theme,
    glyphs: &Glyphs,
) -> Vec<Line<'static>> {
    let gap = if room < ROOMY { 1 } else { 2 };
    let widths = fit(columns, rows, room.saturating_sub(2), gap);
    let title_style = |column: &Column| if column.mark.is_some() { theme.strong } else { theme.dim };
    let titles = columns.iter().map(|column| (column.title.clone(), title_style(column))).collect();
    let titles = Row { cells: titles, selected: false };
    let plain: Vec<Column> = columns.iter().cloned().map(|column| Column { mark: None, ..column }).collect();
    let title = line(columns, &titles, &widths, gap, theme, glyphs);
    std::iter::once(title).chain(rows.iter().map(|row| line(&plain, row, &widths, gap, theme, glyphs))).collect()
}

/// The width of each column; `None` for those that are left out.
fn fit(columns: &[Column], rows: &[Row], room: usize, gap: usize) -> Vec<Option<usize>> {
    let mut widths: Vec<_> = (0..columns.len()).map(|at| Some(wanted(columns, rows, at))).collect();
    while taken(&widths, gap) > room {
        let last = (0..columns.len())
            .filter(|at| widths[*at].is_some() && columns[*at].rank > 0)
            .max_by_key(|at| columns[*at].rank);
        let Some(last) = last else { break };
        widths[last] = None;
    }
    shrink(columns, &mut widths, room, gap);
    let spare = room.saturating_sub(taken(&widths, gap));
    for (column, width) in columns.iter().zip(&mut widths).filter(|(column, _)| column.stretch).take(1) {
        *width = width.map(|width| (width + spare).min(column.most));
    }
    widths
}

fn wanted(columns: &[Column], rows: &[Row], at: usize) -> usize {
    let column = &columns[at];
    if column.stretch {
        return column.least;
    }
    let widest = rows.iter().filter_map(|row| row.cells.get(at)).map(|(text, _)| width(text)).max();
    widest.unwrap_or_default().max(width(&column.title)).clamp(column.least, column.most)
}

fn taken(widths: &[Option<usize>], gap: usize) -> usize {
    let shown = widths.iter().flatten();
    shown.clone().sum::<usize>() + shown.count().saturating_sub(1) * gap
}

/// What must stay gives up what it wants beyond its least, the last column first.
fn shrink(columns: &[Column], widths: &mut [Option<usize>], room: usize, gap: usize) {
    for at in (0..columns.len()).rev() {
        let over = taken(widths, gap).saturating_sub(room);
        widths[at] = widths[at].map(|width| width.saturating_sub(over).max(columns[at].least.min(width)));
    }
}

fn line(
    columns: &[Column],
    row: &Row,
    widths: &[Option<usize>],
    gap: usize,
    theme: &Theme,
    glyphs: &Glyphs,
) -> Line<'static> {
    let mark = if row.selected { glyphs.selected } else { " " };
    let mut spans = vec![Span::styled(mark, theme.accent)];
    let shown = columns.iter().zip(&row.cells).zip(widths).filter_map(|(pair, width)| Some((pair, (*width)?)));
    for (at, ((column, (text, style)), room)) in shown.enumerate() {
        let text = cut(text, room, glyphs.ellipsis);
        let blank = " ".repeat(room.saturating_sub(width(&text)));
        let (before, after) = if column.right { (blank, String::new()) } else { (String::new(), blank) };
        let mut before = if at > 0 { " ".repeat(gap) + &before } else { before };
        if let Some(mark) = column.mark.filter(|_| before.pop().is_some()) {
            before.push_str(mark);
        }
        spans.extend([Span::raw(before), Span::styled(format!("{text}{after}"), *style)]);
    }
    spans.push(Span::raw(" "));
    if !row.selected {
        return Line::from(spans).style(theme.text);
    }
    // Over what the cells say too: with sixteen colours, a cell's own may not be seen on it.
    Line::from_iter(spans.into_iter().map(|span| span.patch_style(theme.selected))).style(theme.selected)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(room: usize) -> Vec<String> {
        let columns = [
            Column::left("name".into()).between(3, 10),
            Column::right("n".into()).rank(1).mark("v"),
            Column::right("extra".into()).rank(2),
            Column::left("note".into()).stretch(4),
        ];
        let row = |cells: [&str; 4], selected| Row {
            cells: cells.map(|text| (text.to_owned(), Style::new())).to_vec(),
            selected,
        };
        let rows = [row(["alpha", "5", "1", "first"], true), row(["b", "1234", "22", "second one"], false)];
        lines(&columns, &rows, room, &Theme::default(), &Glyphs::of(true)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn columns_align_and_leave_in_order() {
        assert_eq!(
            drawn(30),
            [" name    vn extra note        ", ">alpha    5     1 first       ", " b     1234    22 second one  ",]
        );
        assert_eq!(drawn(20), [" name    vn note    ", ">alpha    5 first   ", " b     1234 second~ "]);
        assert_eq!(
            drawn(12),
            [" name  note ", ">alpha firs ", " b     sec~ "].map(|line| line.replace("firs ", "fir~ "))
        );
    }

    #[test]
    fn a_selection_lies_over_the_cells() {
        use ratatui::style::Color;

        let theme = Theme {
            selected: Style::new().bg(Color::Blue),
            text: Style::new().fg(Color::White).bg(Color::Black),
            ..Theme::default()
        };
        let row = |selected| Row { cells: vec![("a".to_owned(), theme.text)], selected };
        let columns = [Column::left("name".into())];
        let lines = lines(&columns, &[row(true), row(false)], 10, &theme, &Glyphs::of(true));
        let cell = |line: &Line<'_>| line.spans.iter().find(|span| span.content.trim() == "a").map(|span| span.style);
        assert_eq!(cell(&lines[1]), Some(theme.text.bg(Color::Blue)));
        assert_eq!(cell(&lines[2]), Some(theme.text));
    }

    #[test]
    fn no_room_is_no_panic() {
        for room in 0..12 {
            assert_eq!(drawn(room).len(), 3);
        }
    }
}
