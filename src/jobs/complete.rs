//! [`complete`]: runs or continues a pipeline in a given folder, for the tasks of studies and the cells of suites.

use crate::data::{Report, Status};
use crate::error::{Result, Stop};
use crate::pipeline::Pipeline;
use crate::progress::StopSignal;
use std::path::Path;

/// Runs a pipeline in this folder, or continues it where an earlier run stopped. Returns the report, and the reason if
/// the run was stopped before its end.
///
/// # Errors
/// The errors of the pipeline: a folder that cannot be written, a stage that fails, a method that is refused, a stop
/// before the first method.
pub(super) fn complete(pipeline: &Pipeline, folder: &Path, stop: &dyn StopSignal) -> Result<(Report, Option<Stop>)> {
    let context = pipeline.open_in(folder, false, stop)?;
    let report = pipeline.run(&context)?;
    let interrupted = report.status == Status::Interrupted;
    let stopped = interrupted.then(|| context.stop_signal().stop().unwrap_or(Stop::Interrupt));
    Ok((report, stopped))
}
