//! Tables of many jobs as Markdown and CSV text, and the writing of their files.

use crate::error::{Error, Result};
use crate::formats::atomic;
use crate::report::csv;
use std::path::Path;

/// Escapes text for a Markdown table: one line, no unescaped `|`, no control characters.
#[must_use]
pub fn escaped(cell: &str) -> String {
    cell.lines().map(str::trim).collect::<Vec<_>>().join("; ").replace('|', "\\|").replace(char::is_control, "\u{fffd}")
}

/// A Markdown table of cells, whose first row has the titles; columns are padded to equal width.
#[must_use]
pub fn markdown(rows: &[Vec<String>]) -> String {
    let rows: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(|cell| escaped(cell)).collect()).collect();
    let Some(titles) = rows.first() else { return String::new() };
    let width = |i: usize| rows.iter().map(|row| row[i].chars().count()).max().unwrap_or(0).max(3);
    let widths: Vec<usize> = (0..titles.len()).map(width).collect();
    let line = |cells: &[String]| {
        let padded: Vec<String> = cells.iter().zip(&widths).map(|(cell, &width)| format!("{cell:<width$}")).collect();
        format!("| {} |\n", padded.join(" | "))
    };
    let rule: Vec<String> = widths.iter().map(|&width| "-".repeat(width)).collect();
    line(titles) + &line(&rule) + &rows[1..].iter().map(|row| line(row)).collect::<String>()
}

/// CSV text (RFC 4180) of fields, whose first row has the titles; a missing value is an empty field.
#[must_use]
pub fn csv(rows: impl IntoIterator<Item = Vec<String>>) -> String {
    rows.into_iter().map(|row| csv::line(row.into_iter())).collect()
}

/// Names of the axes of all rows, in the order of their first appearance.
#[must_use]
pub fn axes<'a>(rows: impl Iterator<Item = &'a [(String, String)]>) -> Vec<&'a str> {
    let mut axes: Vec<&str> = Vec::new();
    for (axis, _) in rows.flatten() {
        if !axes.contains(&axis.as_str()) {
            axes.push(axis);
        }
    }
    axes
}

/// Writes files, given by name and text, into a folder, which is created if needed.
///
/// # Errors
/// A folder that cannot be written.
pub fn write(folder: &Path, files: &[(&str, String)]) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(|error| Error::write(folder, &error))?;
    files.iter().try_for_each(|(name, text)| atomic::write(&folder.join(name), text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_stays_in_its_column_whatever_it_holds() {
        let rows = [vec!["a".to_string(), "method".into()], vec!["x | y\n z\u{1b}".into(), "–".into()]];
        let expected = "| a          | method |\n| ---------- | ------ |\n| x \\| y; z\u{fffd} | –      |\n";
        assert_eq!(markdown(&rows), expected);
        assert_eq!(csv(rows), "a,method\r\n\"x | y\n z\u{1b}\",–\r\n");
        assert_eq!(markdown(&[]), "");
    }

    #[test]
    fn axes_of_any_row_are_named_once() {
        let row = |names: &[&str]| names.iter().map(|name| ((*name).to_string(), "1".to_string())).collect::<Vec<_>>();
        let rows = [row(&["views", "noise"]), row(&[]), row(&["dose", "views"])];
        assert_eq!(axes(rows.iter().map(Vec::as_slice)), ["views", "noise", "dose"]);
    }
}
