//! [`Table`]: the rows of a benchmark as Markdown, CSV and JSON text.

use super::columns::COLUMNS;
use super::gather::{Row, State};
use crate::jobs::tables;
use crate::report::numbers;
use serde_json::Value;

/// Heading of a table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    /// Name of the suite, with `-quick` for its small part.
    pub suite: String,
    /// Title of the suite.
    pub title: String,
    /// Command that makes the same table.
    pub command: String,
    /// Processor, threads and versions of the software.
    pub machine: String,
}

/// Results of a suite.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table {
    /// Heading of the table.
    pub head: Head,
    /// One row per setting and method, in the order of the suite.
    pub rows: Vec<Row>,
}

impl Table {
    /// Number of rows in the state [`State::Missing`]; failed and skipped rows do not count.
    #[must_use]
    pub fn missing(&self) -> usize {
        self.rows.iter().filter(|row| row.state == State::Missing).count()
    }

    /// Content of `table.json`.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::json!({
            "suite": self.head.suite,
            "title": self.head.title,
            "command": self.head.command,
            "machine": self.head.machine,
            "missing": self.missing(),
            "rows": self.rows.iter().map(Row::value).collect::<Vec<_>>(),
        })
    }

    /// Text of `table.csv` (RFC 4180): the case, the axes of all cases, then the fields of `table.json`. A missing
    /// value is an empty field.
    #[must_use]
    pub fn csv(&self) -> String {
        let axes = tables::axes(self.rows.iter().map(|row| row.axes.as_slice()));
        let names = COLUMNS[..1].iter().chain(&axes).chain(&COLUMNS[1..]);
        let titles = names.map(ToString::to_string).collect();
        let line = |row: &Row| {
            let value = row.value();
            let field = |value: Option<&Value>| match value {
                None | Some(Value::Null) => String::new(),
                Some(Value::String(text)) => text.clone(),
                Some(other) => other.to_string(),
            };
            let of_axes = axes.iter().map(|axis| field(value["setting"].get(axis)));
            let others = COLUMNS[1..].iter().map(|key| field(value.get(key)));
            std::iter::once(row.case.clone()).chain(of_axes).chain(others).collect()
        };
        tables::csv(std::iter::once(titles).chain(self.rows.iter().map(line)))
    }

    /// Text of `table.md`: one table per case. The best PSNR of a setting is bold, if at least two methods without an
    /// oracle are complete.
    #[must_use]
    pub fn markdown(&self) -> String {
        let cases = self.rows.chunk_by(|a, b| a.case == b.case);
        let sections: Vec<String> =
            cases.map(|rows| format!("### {}\n\n{}\n", rows[0].case, tables::markdown(&cells(rows)))).collect();
        let text = sections.concat();
        match self.missing() {
            0 => text,
            n => {
                text + &format!("{n} of {} rows are missing: run the same command again to go on.\n\n", self.rows.len())
            }
        }
    }
}

/// Titles and rows of the table of one case.
fn cells(rows: &[Row]) -> Vec<Vec<String>> {
    let has = |note: fn(&Row) -> bool| rows.iter().any(note);
    let (start, notes) = (has(|row| row.start_psnr_db.mean.is_some()), has(|row| !note(row).is_empty()));
    let axes = rows[0].axes.iter().map(|(axis, _)| axis.as_str());
    let figures = ["PSNR [dB]", "SSIM", "RMSE [HU]", "time", "memory"];
    let optional =
        [("start [dB]", start), ("note", notes)].into_iter().filter_map(|(title, shown)| shown.then_some(title));
    let header = axes.chain(["method"]).chain(figures).chain(optional).map(str::to_string).collect();
    let body = rows.iter().map(|row| {
        let best = best(rows, row).is_some_and(|best| std::ptr::eq(best, row));
        let psnr = row.psnr_db.shown("dB");
        let mut cells: Vec<String> = row.axes.iter().map(|(_, name)| name.clone()).collect();
        cells.extend([row.method.clone(), if best { format!("**{psnr}**") } else { psnr }]);
        cells.extend([row.ssim.shown(""), row.rmse_hu.shown("HU")]);
        cells.push(row.seconds.map_or_else(|| numbers::MISSING.to_string(), numbers::duration));
        cells.push(row.peak_memory_bytes.map_or_else(|| numbers::MISSING.to_string(), numbers::size));
        cells.extend(start.then(|| row.start_psnr_db.shown("dB")));
        cells.extend(notes.then(|| note(row)));
        cells
    });
    std::iter::once(header).chain(body).collect()
}

/// The complete row with the best PSNR at the same setting as `like`, without oracles; `None` if there are fewer than
/// two such rows.
fn best<'a>(rows: &'a [Row], like: &Row) -> Option<&'a Row> {
    let fair = rows
        .iter()
        .filter(|row| row.axes == like.axes && row.state == State::Complete && !row.method.ends_with("(oracle)"));
    let mut scored: Vec<(&Row, f64)> = fair.filter_map(|row| Some((row, row.psnr_db.mean?))).collect();
    scored.sort_by(|a, b| b.1.total_cmp(&a.1));
    scored.first().filter(|_| scored.len() > 1).map(|(row, _)| *row)
}

/// The note of a row, with its state in front if it is not complete.
fn note(row: &Row) -> String {
    let state = match row.state {
        State::Complete => return row.note.clone(),
        State::Failed => "failed",
        State::Skipped => "skipped",
        State::Missing => "missing",
    };
    if row.note.is_empty() { state.to_string() } else { format!("{state}: {}", row.note) }
}
