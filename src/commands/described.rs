//! Descriptions of the program's own files for `recon info`: run folders, pipelines, phantoms.

use crate::context::layout;
use crate::data::{MethodReport, Report};
use crate::error::{Error, Result};
use crate::formats::Description;
use crate::input_path;
use crate::phantoms::Phantom;
use crate::pipeline::Config;
use crate::registry::Kinds;
use std::path::Path;

/// Size of the largest report or YAML file that is read, bytes; a larger file is an error.
const LARGEST: u64 = 1 << 26;

/// Describes a run folder, a pipeline or a phantom; `None` for anything else.
///
/// # Errors
/// An invalid pipeline or phantom, a damaged report, a file that cannot be read.
pub(super) fn run_or_pipeline(path: &Path) -> Result<Option<Description>> {
    if path.is_dir() {
        let is_run = path.join(layout::PIPELINE).is_file();
        return if is_run { run(path).map(Some) } else { Ok(None) };
    }
    if !path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml") {
        return Ok(None);
    }
    let keys: serde_yaml::Value = serde_yaml::from_str(&input_path::read_text(path, LARGEST)?)
        .map_err(|error| Error::input(path, format!("not YAML: {error}")))?;
    match () {
        () if keys.get("reconstruct").is_some() => pipeline(path).map(Some),
        () if keys.get("shapes").is_some() => phantom(path).map(Some),
        () => Ok(None),
    }
}

fn description(kind: &str, rows: Vec<(&str, String)>) -> Description {
    let rows = rows.into_iter().map(|(label, value)| (label.to_string(), value)).collect();
    Description { kind: kind.to_string(), rows, texts: Vec::new(), warnings: Vec::new() }
}

/// Describes a run folder: its status, and every method with its run time and metrics.
fn run(folder: &Path) -> Result<Description> {
    let path = folder.join(layout::REPORT_JSON);
    if !path.is_file() {
        let mut found = pipeline(&folder.join(layout::PIPELINE))?;
        found.kind = "run folder without a report (the run is not finished)".to_string();
        return Ok(found);
    }
    let report: Report = serde_json::from_str(&input_path::read_text(&path, LARGEST)?)
        .map_err(|error| Error::input(&path, format!("damaged report: {error}")).hint("run the pipeline again"))?;
    let status = format!("{:?}", report.status).to_lowercase();
    let rows = vec![("name", report.name), ("status", status), ("device", report.device)];
    let mut found = description("run folder", rows);
    found.rows.extend(report.methods.iter().map(|method| (method.name.clone(), line(method))));
    found.warnings = report.warnings;
    Ok(found)
}

/// A method's status, run time (s) and metrics in one line.
fn line(method: &MethodReport) -> String {
    let figures = method.metrics.iter().filter_map(|(key, value)| Some(format!("{key} {:.4}", (*value)?)));
    let status = format!("{} ({:?})", method.algorithm, method.status).to_lowercase();
    let words = [status, format!("{:.1} s", method.seconds)].into_iter().chain(figures);
    words.collect::<Vec<_>>().join(", ")
}

/// Describes a pipeline: the source of its projections, the files that it reads, its methods and its run folder.
fn pipeline(path: &Path) -> Result<Description> {
    let mut config = Config::read(path, &[])?;
    config.resolve()?;
    let source = match (&config.acquire, &config.load) {
        (Some(acquire), _) => format!("measured ({})", acquire.kind.name()),
        (None, Some(load)) => format!("simulated ({})", load.kind.name()),
        (None, None) => "none".to_string(),
    };
    let methods: Vec<&str> = config.reconstruct.iter().filter_map(|entry| entry.keys.name.as_deref()).collect();
    let mut rows = vec![("name", config.name.clone()), ("projections", source), ("methods", methods.join(", "))];
    for file in input_path::paths(&config)? {
        let gone = if file.exists() { "" } else { " (missing)" };
        rows.push(("reads", format!("{}{gone}", file.display())));
    }
    let directory = config.export.directory.as_deref().map_or(String::new(), |folder| folder.display().to_string());
    rows.push(("writes", directory));
    Ok(description("pipeline", rows))
}

fn phantom(path: &Path) -> Result<Description> {
    let phantom = Phantom::read(path)?;
    let dimension = if phantom.is_2d() { "2" } else { "3" };
    Ok(description("phantom", vec![("name", phantom.name.clone()), ("dimension", dimension.to_string())]))
}
