//! `recon run FILE`: the experiment, or what is left of it.

use super::{Output, Overrides};
use crate::data::{Report, Status};
use crate::error::{Error, Result, Stop};
use crate::pipeline::Pipeline;
use crate::progress::Progress;
use crate::report;
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
}

/// Runs the pipeline.
///
/// # Errors
/// What the pipeline and its stages say; a method that failed (the others and the report are done), a stop.
pub fn run(args: &Args, progress: &dyn Progress) -> Result<Output> {
    let mut pipeline = args.overrides.read(&args.file)?;
    if let Some(stage) = &args.until {
        Pipeline::check_stage(stage)?;
    }
    let context = pipeline.open(args.force, progress)?;
    let folder = pipeline.directory();
    match pipeline.run(&context, args.until.as_deref())? {
        None => Ok(Output { text: folder.display().to_string(), value: serde_json::json!({"directory": folder}), summary: String::new() }),
        Some(report) => {
            let why = context.progress().stop();
            concluded(&report, &folder, why)
        }
    }
}

/// The report as the command's result, or as the error it tells of.
fn concluded(report: &Report, folder: &Path, why: Option<Stop>) -> Result<Output> {
    let failed = |status| report.methods.iter().filter(move |method| method.status == status).map(|method| method.name.as_str());
    match report.status {
        Status::Interrupted => return Err(Error::Stopped(why.unwrap_or(Stop::Interrupt))),
        Status::Failed => {
            let names: Vec<&str> = failed(Status::Failed).collect();
            let reason = report.methods.iter().find(|method| method.status == Status::Failed).and_then(|method| method.notes.get("reason"));
            let reason = reason.and_then(serde_json::Value::as_str).unwrap_or("unknown").to_string();
            return Err(Error::resource(format!("method {}", names.join(", ")), reason)
                .hint(format!("the other methods are done; see the report in {}", folder.display())));
        }
        Status::Complete => {}
    }
    let mut paths: Vec<String> = report.methods.iter().map(|method| method.volume.clone()).collect();
    paths.extend(["report.html", "report.json", "report.csv"].map(str::to_string));
    let present: Vec<String> =
        paths.iter().map(|path| folder.join(path)).filter(|path| path.exists()).map(|path| path.display().to_string()).collect();
    let value = serde_json::to_value(report).map_err(|error| Error::resource("report", error))?;
    let cached: Vec<&str> = report.stages.iter().filter(|stage| stage.cached).map(|stage| stage.name.as_str()).collect();
    let note = if cached.is_empty() { String::new() } else { format!("unchanged since an earlier run: {}\n", cached.join(", ")) };
    Ok(Output { text: present.join("\n"), value, summary: note + &report::table::plain(report) })
}
