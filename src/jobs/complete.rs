//! [`complete`]: a pipeline run as far as it comes, for whoever runs many.

use crate::data::{Report, Status};
use crate::error::{Result, Stop};
use crate::pipeline::Pipeline;
use crate::progress::StopSignal;
use std::path::Path;

/// Runs a pipeline in this folder, going on where it was; also why it ended before its end, if it did.
///
/// # Errors
/// What the pipeline says: a folder that cannot be written, a stage or method that fails, a stop before the first
/// method.
pub(super) fn complete(pipeline: &Pipeline, folder: &Path, stop: &dyn StopSignal) -> Result<(Report, Option<Stop>)> {
    let context = pipeline.open_in(folder, false, stop)?;
    let report = pipeline.run(&context)?;
    let interrupted = report.status == Status::Interrupted;
    let stopped = interrupted.then(|| context.stop_signal().stop().unwrap_or(Stop::Interrupt));
    Ok((report, stopped))
}
