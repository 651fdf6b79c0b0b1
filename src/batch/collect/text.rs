//! `table.csv` (every result) and `table.md` (figures over the cases).

use super::{Collection, Figures, Paired, unit};
use crate::jobs::Spread;
use crate::jobs::setting;
use crate::report::{csv, numbers, ranking};
use std::fmt::Write;

/// Tasks that are listed.
const LISTED: usize = 10;

/// Every task with every method (RFC 4180): the case, what is varied, the method, its metrics, `seconds`,
/// `peak_memory_bytes`, `reason`, `report`; what does not exist is empty.
pub(super) fn csv(collection: &Collection) -> String {
    let axes: Vec<&String> =
        collection.rows.first().map_or(Vec::new(), |row| row.axes.iter().map(|(axis, _)| axis).collect());
    let (before, after) = (["task", "case"], ["seconds", "peak_memory_bytes", "reason", "report"]);
    let own = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<String>>();
    let header = own(&before).into_iter().chain(axes.iter().map(ToString::to_string));
    let header = header.chain(own(&["method", "algorithm", "status"])).chain(collection.metrics.clone());
    let mut text = csv::line(header.chain(own(&after)));
    for row in &collection.rows {
        let number = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
        let method = &row.method;
        let start =
            [row.task.clone(), row.case.clone()].into_iter().chain(row.axes.iter().map(|(_, name)| name.clone()));
        let status = csv::word(method.status).to_string();
        let metrics = collection.metrics.iter().map(|key| number(method.metrics.get(key).copied().flatten()));
        let memory = method.peak_memory_bytes.map_or_else(String::new, |bytes| bytes.to_string());
        let end = [method.seconds.to_string(), memory, method.reason.clone(), row.report.clone()];
        text +=
            &csv::line(start.chain([method.name.clone(), method.algorithm.clone(), status]).chain(metrics).chain(end));
    }
    text
}

/// Figures over the cases, methods in pairs, failures, the worst cases.
pub(super) fn markdown(collection: &Collection) -> String {
    let mut text = format!("### {}\n\n{}\n\n", escaped(&collection.study), headline(collection));
    text += &table(
        &[vec![figure_titles(collection)], collection.figures.iter().map(|row| figure(collection, row)).collect()]
            .concat(),
    );
    let paired: Vec<Vec<String>> = collection.figures.iter().flat_map(|row| pairs(collection, row)).collect();
    if !paired.is_empty() {
        let titles = ["setting", "method", "metric", "cases", "difference", "95 % interval", "Wilcoxon p"];
        let _ = write!(text, "\nEach method minus `{}`, case by case:\n\n", escaped(&collection.first));
        text += &table(&[vec![titles.map(String::from).to_vec()], paired].concat());
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

/// How many tasks are how far.
pub(super) fn headline(collection: &Collection) -> String {
    let Collection { tasks, done, failures, missing, .. } = collection;
    format!("{done} of {tasks} tasks are done, {} failed, {} have no result.", failures.len(), missing.len())
}

fn listed(names: &[String]) -> String {
    let rest = names.len().saturating_sub(LISTED);
    let more = if rest == 0 { String::new() } else { format!(" and {rest} more") };
    names.iter().take(LISTED).cloned().collect::<Vec<_>>().join(", ") + &more
}

/// Header of the figures.
pub(super) fn figure_titles(collection: &Collection) -> Vec<String> {
    let titles = collection.metrics.iter().map(|key| match unit(key) {
        "" | "1" => ranking::name(key),
        unit => format!("{} [{unit}]", ranking::name(key)),
    });
    let start = ["setting", "method", "cases"].map(String::from).into_iter();
    start.chain(titles).chain(["time".to_string()]).collect()
}

/// One row of the figures.
pub(super) fn figure(collection: &Collection, row: &Figures) -> Vec<String> {
    let shown =
        |key: &String| row.metrics.get(key).map_or_else(String::new, |spread| with_deviation(*spread, unit(key)));
    let seconds = row.seconds.mean.map_or_else(|| numbers::MISSING.to_string(), numbers::duration);
    let start = [setting(&row.axes), row.method.clone(), row.seconds.count.to_string()];
    start.into_iter().chain(collection.metrics.iter().map(shown)).chain([seconds]).collect()
}

fn with_deviation(spread: Spread, unit: &str) -> String {
    match (spread.mean, spread.deviation) {
        (Some(mean), Some(deviation)) => {
            format!("{} ± {}", numbers::metric(mean, unit), numbers::metric(deviation, unit))
        }
        (Some(mean), None) => numbers::metric(mean, unit),
        (None, _) => numbers::MISSING.to_string(),
    }
}

/// One row per metric of a method that is compared with the first one.
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

/// Text that breaks neither a table nor a terminal.
fn escaped(cell: &str) -> String {
    cell.lines().map(str::trim).collect::<Vec<_>>().join("; ").replace('|', "\\|").replace(char::is_control, "\u{fffd}")
}

fn table(rows: &[Vec<String>]) -> String {
    let line =
        |row: &Vec<String>| format!("| {} |\n", row.iter().map(|cell| escaped(cell)).collect::<Vec<_>>().join(" | "));
    let rule = format!("|{}\n", "---|".repeat(rows[0].len()));
    line(&rows[0]) + &rule + &rows[1..].iter().map(line).collect::<String>()
}
