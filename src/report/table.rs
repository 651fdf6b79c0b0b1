//! The methods as a text table: aligned columns for the terminal, or Markdown.

use super::finite::finite;
use super::{numbers, ranking};
use crate::data::{MethodReport, Report, Status};

/// The methods in aligned columns, one line each under a header; `*` marks the best value of a column. The text has no
/// colours, no control characters and no final line feed.
#[must_use]
pub fn plain(report: &Report) -> String {
    let rows = rows(&finite(report));
    let widths = widths(&rows);
    let lines = rows.iter().map(|row| cells(row, &widths).join("  ").trim_end().to_string());
    lines.collect::<Vec<_>>().join("\n")
}

/// The methods as a Markdown table with aligned source text; `*` marks the best value of a column.
#[must_use]
pub fn markdown(report: &Report) -> String {
    let mut rows = rows(&finite(report));
    for cell in rows.iter_mut().flatten() {
        *cell = cell.replace('|', "\\|");
    }
    let widths = widths(&rows);
    let rule: Vec<String> = widths
        .iter()
        .enumerate()
        .map(|(i, &width)| if i == 0 { "-".repeat(width) } else { "-".repeat(width - 1) + ":" })
        .collect();
    let mut lines: Vec<String> = rows.iter().map(|row| format!("| {} |", cells(row, &widths).join(" | "))).collect();
    lines.insert(1, format!("| {} |", rule.join(" | ")));
    lines.join("\n")
}

/// Header and one row per method, as text without control characters.
fn rows(report: &Report) -> Vec<Vec<String>> {
    let keys = ranking::main_keys(report);
    let title = |key: &String| match ranking::unit(report, key) {
        "" => ranking::name(key),
        unit => format!("{} [{unit}]", ranking::name(key)),
    };
    let header = ["method".to_string()]
        .into_iter()
        .chain(keys.iter().map(title))
        .chain(["time".to_string(), "peak memory".to_string()]);
    let mut rows = vec![header.collect::<Vec<_>>()];
    rows.extend(report.methods.iter().map(|method| row(report, method, &keys)));
    for cell in rows.iter_mut().flatten() {
        *cell = cell.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    }
    rows
}

fn row(report: &Report, method: &MethodReport, keys: &[String]) -> Vec<String> {
    let name = match method.status {
        Status::Complete => method.name.clone(),
        Status::Failed => format!("{} (failed)", method.name),
        Status::Diverged => format!("{} (diverged)", method.name),
        Status::Interrupted => format!("{} (interrupted)", method.name),
    };
    let figures = keys.iter().map(|key| match method.metrics.get(key).copied().flatten() {
        None => numbers::MISSING.to_string(),
        Some(value) => {
            let mark = if ranking::best(report, key).is_some_and(|best| best.name == method.name) { "*" } else { "" };
            numbers::metric(value, ranking::unit(report, key)) + mark
        }
    });
    let memory = method.peak_memory_bytes.map_or_else(|| numbers::MISSING.to_string(), numbers::size);
    [name].into_iter().chain(figures).chain([numbers::duration(method.seconds), memory]).collect()
}

fn widths(rows: &[Vec<String>]) -> Vec<usize> {
    (0..rows[0].len()).map(|i| rows.iter().map(|row| row[i].chars().count()).max().unwrap_or(0).max(3)).collect()
}

/// Pads the cells of a row: the first column is aligned to the left, the others to the right.
fn cells(row: &[String], widths: &[usize]) -> Vec<String> {
    let pad = |(i, (cell, &width)): (usize, (&String, &usize))| {
        if i == 0 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
    };
    row.iter().zip(widths).enumerate().map(pad).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    #[test]
    fn the_table_lines_up_and_marks_the_best() {
        let text = plain(&samples::report());
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 1 + samples::report().methods.len());
        assert!(lines.iter().all(|line| line.chars().count() == lines[0].chars().count()), "{text}");
        assert!(lines[2].contains("33.52*"), "{text}");
    }

    #[test]
    fn the_table_of_nothing_is_its_header() {
        let mut report = samples::report();
        report.methods.clear();
        assert_eq!(plain(&report).lines().count(), 1);
        assert_eq!(markdown(&report).lines().count(), 2);
    }

    #[test]
    fn hostile_names_break_neither_terminal_nor_markdown() {
        let mut report = samples::report();
        report.methods[0].name = "a|\u{1b}[31mb\n".into();
        assert!(!plain(&report).contains('\u{1b}'));
        let text = markdown(&report);
        assert!(text.contains("a\\|\u{fffd}[31mb\u{fffd}"), "{text}");
        assert_eq!(text.lines().count(), 2 + report.methods.len());
    }
}
