//! The scan in the formats of other tools, beside the `geometry.json` that every run has.

use crate::context::Context;
use crate::error::{Error, Result};
use crate::formats::geometry::GeometryFormat;
use crate::progress;
use crate::stages::flow::Acquisition;

/// Writes the scan in every format but JSON. Gives the files, relative to the run folder; a format that cannot say the
/// scan is a warning, not an error.
pub(super) fn write(formats: &[GeometryFormat], scan: &Acquisition, context: &Context) -> Result<Vec<String>> {
    let mut files = Vec::new();
    for format in formats.iter().filter(|format| **format != GeometryFormat::Json) {
        match format.write(&context.folder.path(format.file()), &scan.projections.geometry) {
            Ok(()) => files.push(format.file().to_string()),
            Err(Error::Input { problem, .. }) => progress::warn("geometry_format", &problem),
            Err(error) => return Err(error),
        }
    }
    files.sort();
    files.dedup();
    Ok(files)
}
