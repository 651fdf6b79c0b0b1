//! The scan geometry in the formats of other tools, in addition to `geometry.json`.

use crate::context::Context;
use crate::error::{Error, Result};
use crate::formats::geometry::GeometryFormat;
use crate::progress;
use crate::stages::flow::Acquisition;

/// Writes the geometry in every format except JSON, and returns the names of the files, relative to the run folder. If
/// a format cannot represent the scan, a warning is given.
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
