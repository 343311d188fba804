//! Plain tables for people. Not what is in them.

use unicode_width::UnicodeWidthStr;

use super::say;

/// Columns as wide as their widest cell.
pub(super) fn print<const N: usize>(rows: &[[String; N]]) {
    let widths: Vec<usize> =
        (0..N).map(|at| rows.iter().map(|row| row[at].width()).max().unwrap_or_default()).collect();
    for row in rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell}{}", " ".repeat(width - cell.width())));
        say(cells.collect::<Vec<_>>().join("  ").trim_end());
    }
}
