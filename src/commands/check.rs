//! `recon check FILE`: validates a pipeline and estimates its memory and run time, without running it.

use super::{Output, Overrides, bytes, covered, rows};
use crate::data::Warning;
use crate::error::{Error, Result};
use crate::pipeline::Plan;
use crate::progress::{self, StopSignal};
use std::path::PathBuf;

/// Arguments of `recon check`.
#[derive(Debug, Clone, PartialEq, clap::Args)]
pub struct Args {
    /// The pipeline (YAML)
    pub file: PathBuf,
    #[command(flatten)]
    /// Changes to the pipeline.
    pub overrides: Overrides,
}

/// Checks the pipeline.
///
/// # Errors
/// Every error that a run would end with before its first method starts.
pub fn run(args: &Args, stop: &dyn StopSignal) -> Result<Output> {
    let pipeline = args.overrides.read(&args.file)?;
    let hidden = pipeline.hidden()?;
    let plan = pipeline.check(stop).map_err(|error| covered(error, hidden.as_ref()))?;
    for Warning { code, message } in &plan.warnings {
        progress::warn(code, message);
    }
    let value = serde_json::to_value(&plan).map_err(|error| Error::resource("plan", error))?;
    Ok(Output { text: table(&plan), value, summary: String::new() })
}

fn table(plan: &Plan) -> String {
    let [views, height, width] = plan.projections;
    let measured = if plan.seen.is_some() { "projections" } else { "pictures" };
    let extent = plan.grid.extent().map(|mm| format!("{mm:.1}")).join(" x ");
    let mut lines = vec![
        ("pipeline".to_string(), plan.name.clone()),
        ("device".to_string(), plan.device.clone()),
        ("threads".to_string(), plan.threads.to_string()),
        ("grid [z, y, x]".to_string(), format!("{:?} voxels over {extent} mm", plan.grid.shape)),
        (measured.to_string(), format!("{views} views of {height} x {width} pixels")),
        ("run folder".to_string(), plan.directory.clone()),
        ("free memory".to_string(), plan.available_memory_bytes.map_or("unknown".to_string(), bytes)),
    ];
    lines.extend(plan.seen.iter().flat_map(|seen| seen.rows(views)));
    for method in &plan.methods {
        let cost = format!("{}, about {}, {}", method.algorithm, duration(method.seconds), bytes(method.memory_bytes));
        lines.push((format!("method {}", method.name), cost));
    }
    rows(&lines)
}

/// An estimated duration (input in seconds) in words, such as `12 min`.
fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 1.0 => "a second".to_string(),
        s if s < 90.0 => format!("{s:.0} s"),
        s if s < 5400.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3600.0),
    }
}
