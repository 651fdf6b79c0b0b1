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

/// What `recon run` may be told.
#[derive(Debug, Clone, PartialEq, clap::Args)]
pub struct Args {
    /// The pipeline
    pub file: PathBuf,
    #[command(flatten)]
    /// Changes to it.
    pub overrides: Overrides,
    /// Stop after this stage: load, simulate, acquire, reconstruct, evaluate or export
    #[arg(long, value_name = "STAGE")]
    pub until: Option<String>,
    /// Do everything again, whatever earlier runs have done
    #[arg(long)]
    pub force: bool,
    #[command(flatten)]
    /// The trace to write.
    pub trace: TraceFlag,
}

/// Runs the pipeline.
///
/// # Errors
/// What the pipeline and its stages say; a method that failed (the others and the report are done), a stop.
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

/// The report as the command's result, or as the error it tells of.
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

/// The methods that failed and why the first did.
fn failure(report: &Report, folder: &Path) -> Error {
    let ended = |method: &&MethodReport| matches!(method.status, Status::Failed | Status::Diverged);
    let failed: Vec<&MethodReport> = report.methods.iter().filter(ended).collect();
    let names: Vec<&str> = failed.iter().map(|method| method.name.as_str()).collect();
    let reason =
        failed.first().and_then(|method| method.notes.get("reason")?.as_str()).unwrap_or("for an unknown reason");
    Error::resource(format!("method {}", names.join(", ")), reason)
        .hint(format!("the other methods are done; see the report in {}", progress::place(folder)))
}
