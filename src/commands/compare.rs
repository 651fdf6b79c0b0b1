//! `recon compare A B`: every metric of volume B against volume A, or the metrics of the methods of run B beside those
//! of run A.

use super::kept::{Kept, is_run};
use super::{Output, rows, volumes};
use crate::context::hash_file;
use crate::data::MethodReport;
use crate::error::{Error, Result};
use crate::metrics::{Comparison, METRICS};
use serde_json::{Map, Value};
use std::path::PathBuf;

/// Arguments of `recon compare`.
#[derive(Debug, Clone, PartialEq, clap::Args)]
pub struct Args {
    /// The ground truth in HU: a volume in any format (NIfTI, MetaImage, NRRD, a DICOM folder, ...); or a run folder
    pub truth: PathBuf,
    /// The volume to measure, in HU on the same grid; or another run folder, whose methods are matched by name
    pub found: PathBuf,
    /// Resample the second volume onto the grid of the first before measuring
    #[arg(long)]
    pub resample: bool,
}

/// Compares two volumes or two runs.
///
/// # Errors
/// Files that cannot be read, volumes on different grids, one run and one volume, runs without a common method.
pub fn run(args: &Args) -> Result<Output> {
    match [&args.truth, &args.found].map(|path| is_run(path)) {
        [true, true] => runs(&Kept::open(&args.truth)?, &Kept::open(&args.found)?),
        [false, false] => two_volumes(args),
        [first, _] => {
            let run = if first { &args.truth } else { &args.found };
            let methods = Kept::open(run)?.report.methods;
            let volumes: Vec<String> =
                methods.iter().map(|method| run.join(&method.volume).display().to_string()).collect();
            Err(Error::input(run, "expected two volumes or two run folders, got one of each")
                .hint(format!("the run's volumes are {}", volumes.join(", "))))
        }
    }
}

fn two_volumes(args: &Args) -> Result<Output> {
    let (truth, mut found) = (volumes::read(&args.truth)?, volumes::read(&args.found)?);
    if args.resample {
        found = found.resampled(&truth.grid)?;
    }
    let comparison = Comparison::new(&truth, &found, None).map_err(|error| match error {
        Error::Input { problem, .. } => {
            Error::input(&args.found, problem).hint("`--resample` brings the second onto the grid of the first")
        }
        other => other,
    })?;
    let mut lines = Vec::new();
    let mut figures = Map::new();
    for metric in METRICS {
        let measured = metric.measure(&comparison);
        let shown = measured.as_ref().map_or_else(
            |reason| format!("does not exist: {reason}"),
            |value| format!("{value:.4} {}", metric.unit().trim_matches('1')),
        );
        lines.push((metric.key(), shown));
        figures.insert(metric.key().to_string(), measured.map_or(Value::Null, Value::from));
    }
    Ok(Output { text: rows(&lines), value: Value::Object(figures), summary: String::new() })
}

/// Compares the methods that both runs have: run time (s), every metric and its difference, and whether the volume
/// files are identical.
fn runs(first: &Kept, second: &Kept) -> Result<Output> {
    let mut table = vec![["method", "figure", "first", "second", "second - first"].map(String::from).to_vec()];
    let mut figures = Map::new();
    for one in &first.report.methods {
        let Some(other) = second.report.methods.iter().find(|other| other.name == one.name) else { continue };
        let same = same_bytes(first, one, second, other);
        let mut own = Map::new();
        own.insert("same_bytes".to_string(), same.into());
        let word = if same { "identical" } else { "different" };
        table.push([one.name.as_str(), "volume", word, "", ""].map(String::from).to_vec());
        let seconds = ("seconds", Some(one.seconds), Some(other.seconds));
        let metrics = one.metrics.iter().map(|(key, &a)| (key.as_str(), a, other.metrics.get(key).copied().flatten()));
        for (key, a, b) in metrics.chain([seconds]) {
            let difference = a.zip(b).map(|(a, b)| b - a);
            let shown = |value: Option<f64>, sign: bool| match value {
                None => "-".to_string(),
                Some(value) if sign => format!("{value:+.4}"),
                Some(value) => format!("{value:.4}"),
            };
            table.push(vec![String::new(), key.to_string(), shown(a, false), shown(b, false), shown(difference, true)]);
            own.insert(key.to_string(), serde_json::json!({"first": a, "second": b, "difference": difference}));
        }
        figures.insert(one.name.clone(), Value::Object(own));
    }
    let names = |kept: &Kept| {
        let names: Vec<&str> = kept.report.methods.iter().map(|method| method.name.as_str()).collect();
        format!("{} has {}", kept.name(), names.join(", "))
    };
    if figures.is_empty() {
        let problem = format!("expected a method of the same name in both runs: {}; {}", names(first), names(second));
        return Err(Error::input(&second.folder, problem).hint("`recon report RUN RUN` shows all methods on one page"));
    }
    let summary = format!("{}; {}", names(first), names(second));
    Ok(Output { text: columns(&table), value: Value::Object(figures), summary })
}

fn same_bytes(first: &Kept, one: &MethodReport, second: &Kept, other: &MethodReport) -> bool {
    let hash = |kept: &Kept, method: &MethodReport| hash_file(&kept.folder.join(&method.volume)).ok();
    hash(first, one).zip(hash(second, other)).is_some_and(|(a, b)| a == b)
}

/// The table as text: the first two columns aligned to the left, the others to the right.
fn columns(table: &[Vec<String>]) -> String {
    let width = |i: usize| table.iter().map(|row| row[i].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..table[0].len()).map(width).collect();
    let cell = |(i, (text, &width)): (usize, (&String, &usize))| {
        if i < 2 { format!("{text:<width$}") } else { format!("{text:>width$}") }
    };
    let line = |row: &Vec<String>| {
        let cells: Vec<String> = row.iter().zip(&widths).enumerate().map(cell).collect();
        cells.join("  ").trim_end().to_string()
    };
    table.iter().map(line).collect::<Vec<_>>().join("\n")
}
