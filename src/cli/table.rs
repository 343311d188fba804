//! Cells in columns, for people. Not what stands in them.

use unicode_width::UnicodeWidthStr;

use super::say;

/// Prints columns that are as wide as their widest cell.
pub(super) fn print<const N: usize>(rows: &[[String; N]]) {
    say(table(rows, &[]).trim_end());
}

/// Lines of columns that are as wide as their widest cell; those named lean to the right, as numbers do.
pub(super) fn table<const N: usize>(rows: &[[String; N]], right: &[usize]) -> String {
    let widths: Vec<usize> =
        (0..N).map(|at| rows.iter().map(|row| row[at].width()).max().unwrap_or_default()).collect();
    let mut out = String::new();
    for row in rows {
        let cells = row.iter().zip(&widths).enumerate().map(|(at, (cell, width))| {
            let blanks = " ".repeat(width - cell.width());
            if right.contains(&at) { format!("{blanks}{cell}") } else { format!("{cell}{blanks}") }
        });
        out.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        out.push('\n');
    }
    out
}
