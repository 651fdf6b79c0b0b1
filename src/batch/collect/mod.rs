//! [`Collection`]: the results of a study: every method of every task, statistics over the cases, paired comparisons of
//! the methods, failures with their reasons, and the tasks from the worst to the best.

mod html;
mod statistics;
mod text;

pub use statistics::Paired;

use crate::data::Status;
use crate::error::{Error, Result};
use crate::jobs::{Failure, Ledger, MethodRecord, Spread, State, TaskRecord, newest_work, tables};
use crate::metrics;
use crate::report::ranking::{self, Better};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;

/// Result of one method in one task.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// Name of the task.
    pub task: String,
    /// Name of the case.
    pub case: String,
    /// Name of each axis and of the setting on it.
    pub axes: Vec<(String, String)>,
    /// Path of the run's HTML report or, without one, of its folder, relative to the study's folder; empty if the run
    /// has no folder.
    pub report: String,
    /// Outcome of the method.
    #[serde(flatten)]
    pub method: MethodRecord,
}

/// Statistics of one method at one setting over the cases.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figures {
    /// Name of each axis and of the setting on it.
    pub axes: Vec<(String, String)>,
    /// Name of the method.
    pub method: String,
    /// Statistics of each metric, by its key, over the cases in which the method completed.
    pub metrics: BTreeMap<String, Spread>,
    /// Computing time over the same cases, seconds.
    pub seconds: Spread,
    /// Differences of each metric between this method and the setting's first one, case by case; null for the first
    /// one.
    pub minus_first: Option<BTreeMap<String, Paired>>,
}

/// A task in the ranking by the first metric.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ranked {
    /// Name of the task.
    pub task: String,
    /// Path of its report as in [`Row::report`].
    pub report: String,
    /// Mean of the first metric over the methods of the task.
    pub value: f64,
}

/// Results of a study.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Collection {
    /// Name of the study.
    pub study: String,
    /// Number of all tasks.
    pub tasks: usize,
    /// Number of tasks that are complete.
    pub done: usize,
    /// Names of the tasks that have no result and did not fail.
    pub missing: Vec<String>,
    /// The tasks that failed, with the reasons.
    pub failures: Vec<Failure>,
    /// Keys of the metrics; the first one ranks the tasks.
    pub metrics: Vec<String>,
    /// Name of the first method, with which the others are compared; empty without a result.
    pub first: String,
    /// Statistics of every method at every setting.
    pub figures: Vec<Figures>,
    /// The tasks that have a value of the first metric, the worst first.
    pub worst: Vec<Ranked>,
    /// Results of every method in every task.
    pub rows: Vec<Row>,
}

/// Names of the files with the tables in the study's folder.
pub const TABLES: [&str; 4] = ["table.html", "table.csv", "table.json", "table.md"];

impl Collection {
    /// Reads the results of a study from the records of its tasks.
    ///
    /// # Errors
    /// A study that cannot be read.
    pub fn of(ledger: &Ledger) -> Result<Self> {
        let Gathered { tasks, done, missing, failures, rows } = Gathered::of(ledger)?;
        let metrics = ledger.header.metrics.clone();
        let first = rows.first().map(|row: &Row| row.method.name.clone()).unwrap_or_default();
        Ok(Self {
            study: ledger.header.name.clone(),
            tasks,
            done,
            missing,
            failures,
            figures: figures(&rows, &metrics),
            worst: worst(&rows, metrics.first().map_or("", String::as_str)),
            metrics,
            first,
            rows,
        })
    }

    /// Whether every task is done.
    #[must_use]
    pub fn complete(&self) -> bool {
        self.done == self.tasks
    }

    /// Writes the tables into the study's folder, as the files [`TABLES`].
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let json = serde_json::to_string_pretty(self).map_err(|error| Error::resource("table.json", error))? + "\n";
        let texts = [html::page(self), text::csv(self), json, text::markdown(self)];
        tables::write(folder, &TABLES.into_iter().zip(texts).collect::<Vec<_>>())
    }

    /// The table as Markdown text, for a terminal.
    #[must_use]
    pub fn markdown(&self) -> String {
        text::markdown(self)
    }
}

/// What the records of a study's tasks hold, under the names of [`Collection`].
#[derive(Default)]
struct Gathered {
    tasks: usize,
    done: usize,
    missing: Vec<String>,
    failures: Vec<Failure>,
    rows: Vec<Row>,
}

impl Gathered {
    fn of(ledger: &Ledger) -> Result<Self> {
        let labels = ledger.labels()?;
        let mut all = Self { tasks: labels.len(), ..Self::default() };
        for (label, state) in labels.iter().zip(ledger.states(&labels)) {
            match state {
                State::Done => match ledger.record(&label.id) {
                    Ok(record) => all.add(ledger, record),
                    // The task counts as done, so that nothing runs it again: the error says what to do.
                    Err(error) => all.failures.push(Failure::new(&label.id, &error)),
                },
                State::Failed(record) => all.add(ledger, *record),
                State::Running | State::Begun | State::Missing => all.missing.push(label.id.clone()),
            }
        }
        Ok(all)
    }

    fn add(&mut self, ledger: &Ledger, record: TaskRecord) {
        if record.status == Status::Complete {
            self.done += 1;
        } else {
            self.failures.push(Failure::from(&record));
        }
        self.rows.extend(rows_of(ledger, record));
    }
}

fn rows_of(ledger: &Ledger, record: TaskRecord) -> Vec<Row> {
    let id = record.label.id;
    let folder = if record.status == Status::Complete { Some(ledger.published(&id)) } else { newest_work(ledger, &id) };
    let report = folder.map_or(String::new(), |folder| {
        let page = folder.join("report.html");
        let shown = if page.exists() { page } else { folder };
        shown.strip_prefix(&ledger.root).unwrap_or(&shown).display().to_string()
    });
    let row = |method: MethodRecord| Row {
        task: id.clone(),
        case: record.label.case.clone(),
        axes: record.label.axes.clone(),
        report: report.clone(),
        method,
    };
    record.methods.into_iter().map(row).collect()
}

/// Unit of a metric; empty if the metric is unknown.
fn unit(key: &str) -> &'static str {
    metrics::by_name(key).map_or("", metrics::Metric::unit)
}

fn value(row: &Row, key: &str) -> Option<f64> {
    row.method.metrics.get(key).copied().flatten().filter(|_| row.method.status == Status::Complete)
}

/// Rows of one setting, by method.
struct Setting<'a> {
    axes: &'a [(String, String)],
    methods: Vec<(&'a str, Vec<&'a Row>)>,
}

/// Groups rows by setting and method, in the order in which these first appear.
fn settings(rows: &[Row]) -> Vec<Setting<'_>> {
    let mut settings: Vec<Setting> = Vec::new();
    for row in rows {
        let known = settings.iter().position(|setting| setting.axes == row.axes);
        let at = known.unwrap_or_else(|| {
            settings.push(Setting { axes: &row.axes, methods: Vec::new() });
            settings.len() - 1
        });
        let methods = &mut settings[at].methods;
        match methods.iter_mut().find(|(name, _)| *name == row.method.name) {
            Some((_, rows)) => rows.push(row),
            None => methods.push((&row.method.name, vec![row])),
        }
    }
    settings
}

fn figures(rows: &[Row], metrics: &[String]) -> Vec<Figures> {
    settings(rows).iter().flat_map(|setting| setting.figures(metrics)).collect()
}

impl Setting<'_> {
    fn figures(&self, metrics: &[String]) -> Vec<Figures> {
        let first = &self.methods[0].1;
        let of = |(i, (method, rows)): (usize, &(&str, Vec<&Row>))| Figures {
            axes: self.axes.to_vec(),
            method: (*method).to_string(),
            metrics: metrics.iter().map(|key| (key.clone(), spread(rows, |row| value(row, key)))).collect(),
            seconds: spread(rows, |row| (row.method.status == Status::Complete).then_some(row.method.seconds)),
            minus_first: (i > 0)
                .then(|| metrics.iter().map(|key| (key.clone(), Paired::of(&differences(rows, first, key)))).collect()),
        };
        self.methods.iter().enumerate().map(of).collect()
    }
}

fn spread(rows: &[&Row], value: impl Fn(&Row) -> Option<f64>) -> Spread {
    Spread::of(&rows.iter().filter_map(|row| value(row)).collect::<Vec<f64>>())
}

/// Differences of a metric between a method and the first one, on each case in which both have a value.
fn differences(rows: &[&Row], first: &[&Row], key: &str) -> Vec<f64> {
    let values: BTreeMap<&str, f64> =
        first.iter().filter_map(|row| Some((row.case.as_str(), value(row, key)?))).collect();
    rows.iter().filter_map(|row| Some(value(row, key)? - values.get(row.case.as_str())?)).collect()
}

/// Ranks the tasks by the mean of a metric over their methods, the worst first.
fn worst(rows: &[Row], key: &str) -> Vec<Ranked> {
    let mut ranked: Vec<Ranked> = rows
        .chunk_by(|a, b| a.task == b.task)
        .filter_map(|rows| {
            let values: Vec<f64> = rows.iter().filter_map(|row| value(row, key)).collect();
            let value = Spread::of(&values).mean?;
            Some(Ranked { task: rows[0].task.clone(), report: rows[0].report.clone(), value })
        })
        .collect();
    ranked.sort_by(|a, b| a.value.total_cmp(&b.value));
    if ranking::better(key) == Some(Better::Lower) {
        ranked.reverse();
    }
    ranked
}

#[cfg(test)]
mod tests;
