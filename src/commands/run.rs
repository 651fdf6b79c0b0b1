//! `recon run FILE`: runs a pipeline, or continues one that was stopped.

use super::trace::TraceFlag;
use super::{Output, Overrides, covered};
use crate::context::layout;
use crate::data::{MethodReport, Report, Status};
use crate::error::{Error, Result, Stop};
use crate::pipeline::Pipeline;
use crate::progress::{self, StopSignal};
use crate::report;
use crate::stages::Stage;
use crate::stages::export::Export;
use std::path::{Path, PathBuf};

/// Arguments of `recon run`.
#[derive(Debug, Clone, PartialEq, clap::Args)]
pub struct Args {
    /// The pipeline (YAML)
    pub file: PathBuf,
    #[command(flatten)]
    /// Changes to the pipeline.
    pub overrides: Overrides,
    /// Stop after this stage: load, simulate, acquire, reconstruct, evaluate or export
    #[arg(long, value_name = "STAGE")]
    pub until: Option<String>,
    /// Compute every stage again, even if an earlier run has finished it
    #[arg(long)]
    pub force: bool,
    #[command(flatten)]
    /// The trace file.
    pub trace: TraceFlag,
}

/// Runs the pipeline.
///
/// # Errors
/// The errors of the pipeline and its stages; a method that failed (the other methods and the report are still
/// completed); a stop.
pub fn run(args: &Args, stop: &dyn StopSignal) -> Result<Output> {
    let pipeline = args.overrides.read(&args.file)?;
    let hidden = pipeline.hidden()?;
    work(args, &pipeline, stop).map_err(|error| covered(error, hidden.as_ref()))
}

fn work(args: &Args, pipeline: &Pipeline, stop: &dyn StopSignal) -> Result<Output> {
    if let Some(stage) = &args.until {
        Pipeline::check_stage(stage)?;
    }
    let context = pipeline.open(args.force, stop)?;
    let folder = pipeline.directory();
    match args.until.as_deref().filter(|stage| *stage != Export::NAME) {
        Some(stage) => {
            pipeline.run_until(stage, &context)?;
            Ok(Output {
                text: progress::place(&folder),
                value: serde_json::json!({"directory": folder}),
                summary: String::new(),
            })
        }
        None => concluded(&pipeline.run(&context)?, &folder, context.stop_signal().stop()),
    }
}

/// The report as the command's result, or the error that corresponds to its status.
fn concluded(report: &Report, folder: &Path, why: Option<Stop>) -> Result<Output> {
    match report.status {
        Status::Complete => result(report, folder),
        Status::Interrupted => Err(Error::Stopped(why.unwrap_or(Stop::Interrupt))),
        Status::Failed | Status::Diverged => Err(failure(report, folder)),
    }
}

fn result(report: &Report, folder: &Path) -> Result<Output> {
    let volumes = report.methods.iter().map(|method| method.volume.as_str());
    let paths =
        volumes.chain([layout::REPORT_HTML, layout::REPORT_JSON, layout::REPORT_CSV]).map(|path| folder.join(path));
    let present: Vec<String> = paths.filter(|path| path.exists()).map(|path| progress::place(&path)).collect();
    let value = serde_json::to_value(report).map_err(|error| Error::resource("report", error))?;
    let cached: Vec<&str> =
        report.stages.iter().filter(|stage| stage.cached).map(|stage| stage.name.as_str()).collect();
    let note = if cached.is_empty() {
        String::new()
    } else {
        format!("unchanged since an earlier run: {}\n", cached.join(", "))
    };
    let page = folder.join(layout::REPORT_HTML);
    let open = if page.exists() { format!("\nopen {}", progress::place(&page)) } else { String::new() };
    let summary = format!("{note}{}{open}", report::table::plain(report));
    Ok(Output { text: present.join("\n"), value, summary })
}

/// An error that names the failed methods and gives the reason of the first failure.
fn failure(report: &Report, folder: &Path) -> Error {
    let ended = |method: &&MethodReport| matches!(method.status, Status::Failed | Status::Diverged);
    let failed: Vec<&MethodReport> = report.methods.iter().filter(ended).collect();
    let names: Vec<&str> = failed.iter().map(|method| method.name.as_str()).collect();
    let reason =
        failed.first().and_then(|method| method.notes.get("reason")?.as_str()).unwrap_or("for an unknown reason");
    Error::resource(format!("method {}", names.join(", ")), reason)
        .hint(format!("the other methods are done; see the report in {}", progress::place(folder)))
}
