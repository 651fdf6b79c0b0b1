//! Text of `table.csv` (every result) and of `table.md` (statistics over the cases).

use super::{Collection, Figures, Paired, Row, unit};
use crate::jobs::{
    setting,
    tables::{self, escaped},
};
use crate::report::{csv, numbers, ranking};
use std::fmt::Write;

/// Largest number of tasks in a list; further tasks are only counted or left out.
const LISTED: usize = 10;

/// CSV text (RFC 4180) with one line per task and method: the names of the task and case, the setting on each axis, the
/// method with its algorithm and status, its metrics, `seconds`, `peak_memory_bytes`, `reason`, `report`. A missing
/// value is an empty field.
pub(super) fn csv(collection: &Collection) -> String {
    let axes = tables::axes(collection.rows.iter().map(|row| row.axes.as_slice()));
    let own = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<String>>();
    let metrics = collection.metrics.clone();
    let end = own(&["seconds", "peak_memory_bytes", "reason", "report"]);
    let titles = [own(&["task", "case"]), own(&axes), own(&["method", "algorithm", "status"]), metrics, end].concat();
    let line = |row: &Row| {
        let method = &row.method;
        let number = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
        let start = [row.task.clone(), row.case.clone()];
        let axes = row.axes.iter().map(|(_, name)| name.clone()).collect();
        let middle = [method.name.clone(), method.algorithm.clone(), csv::word(method.status).to_string()];
        let metrics = collection.metrics.iter().map(|key| number(method.metrics.get(key).copied().flatten())).collect();
        let memory = method.peak_memory_bytes.map_or_else(String::new, |bytes| bytes.to_string());
        let end = [method.seconds.to_string(), memory, method.reason.clone(), row.report.clone()];
        [start.to_vec(), axes, middle.to_vec(), metrics, end.to_vec()].concat()
    };
    tables::csv(std::iter::once(titles).chain(collection.rows.iter().map(line)))
}

/// Markdown text: statistics over the cases, paired comparisons of methods, failures, and the worst tasks.
pub(super) fn markdown(collection: &Collection) -> String {
    let mut text = format!("### {}\n\n{}\n\n", escaped(&collection.study), headline(collection));
    text += &tables::markdown(
        &[vec![figure_titles(collection)], collection.figures.iter().map(|row| figure(collection, row)).collect()]
            .concat(),
    );
    let paired: Vec<Vec<String>> = collection.figures.iter().flat_map(|row| pairs(collection, row)).collect();
    if !paired.is_empty() {
        let titles = ["setting", "method", "metric", "cases", "difference", "95 % interval", "Wilcoxon p"];
        let _ = write!(text, "\nEach method minus `{}`, case by case:\n\n", escaped(&collection.first));
        text += &tables::markdown(&[vec![titles.map(String::from).to_vec()], paired].concat());
    }
    if !collection.failures.is_empty() {
        text += "\nFailed:\n\n";
        for failure in &collection.failures {
            let _ =
                writeln!(text, "- {} (exit code {}): {}", failure.task, failure.exit_code, escaped(&failure.reason));
        }
    }
    if !collection.missing.is_empty() {
        let _ = writeln!(text, "\nWithout a result: {}", listed(&collection.missing));
    }
    if let Some(key) = collection.metrics.first().filter(|_| !collection.worst.is_empty()) {
        let _ = write!(text, "\nThe worst by {}, mean over the methods:\n\n", ranking::name(key));
        for ranked in collection.worst.iter().take(LISTED) {
            let _ = writeln!(
                text,
                "- [{}](<{}>): {}",
                ranked.task,
                ranked.report,
                numbers::metric(ranked.value, unit(key))
            );
        }
    }
    text
}

/// A sentence with the number of tasks that are done, that failed and that have no result.
pub(super) fn headline(collection: &Collection) -> String {
    let Collection { tasks, done, failures, missing, .. } = collection;
    format!("{done} of {tasks} tasks are done, {} failed, {} have no result.", failures.len(), missing.len())
}

fn listed(names: &[String]) -> String {
    let rest = names.len().saturating_sub(LISTED);
    let more = if rest == 0 { String::new() } else { format!(" and {rest} more") };
    names.iter().take(LISTED).cloned().collect::<Vec<_>>().join(", ") + &more
}

/// Titles of the columns of [`figure`].
pub(super) fn figure_titles(collection: &Collection) -> Vec<String> {
    let titles = collection.metrics.iter().map(|key| match unit(key) {
        "" | "1" => ranking::name(key),
        unit => format!("{} [{unit}]", ranking::name(key)),
    });
    let start = ["setting", "method", "cases"].map(String::from).into_iter();
    start.chain(titles).chain(["time".to_string()]).collect()
}

/// One row of the table of statistics: setting, method, number of cases, each metric, mean computing time.
pub(super) fn figure(collection: &Collection, row: &Figures) -> Vec<String> {
    let shown = |key: &String| row.metrics.get(key).map_or_else(String::new, |spread| spread.shown(unit(key)));
    let seconds = row.seconds.mean.map_or_else(|| numbers::MISSING.to_string(), numbers::duration);
    let start = [setting(&row.axes), row.method.clone(), row.seconds.count.to_string()];
    start.into_iter().chain(collection.metrics.iter().map(shown)).chain([seconds]).collect()
}

/// One row per metric with the differences between a method and the first one; no row for the first method.
pub(super) fn pairs(collection: &Collection, row: &Figures) -> Vec<Vec<String>> {
    let Some(paired) = &row.minus_first else { return Vec::new() };
    let line = |key: &String| {
        let Paired { count, mean, interval, wilcoxon_p } = paired.get(key).copied().unwrap_or_default();
        let number = |value: f64| numbers::metric(value, unit(key));
        let missing = || numbers::MISSING.to_string();
        vec![
            setting(&row.axes),
            row.method.clone(),
            ranking::name(key),
            count.to_string(),
            mean.map_or_else(missing, |mean| format!("{}{}", if mean > 0.0 { "+" } else { "" }, number(mean))),
            interval.map_or_else(missing, |[low, high]| format!("{} to {}", number(low), number(high))),
            wilcoxon_p.map_or_else(missing, |p| numbers::significant(p, 2)),
        ]
    };
    collection.metrics.iter().map(line).collect()
}
