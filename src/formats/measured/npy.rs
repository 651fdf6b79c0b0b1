//! NumPy arrays as projections: `[views, columns]` or `[views, rows, columns]`, floats or integers.

use super::{Frames, stacked, table};
use crate::error::Result;
use crate::formats::npy;
use std::ops::Range;
use std::path::Path;

/// Files of one measurement.
#[derive(Debug, Clone, Copy)]
pub struct Files<'a> {
    /// The projections.
    pub data: &'a Path,
    /// Exposures without the object.
    pub flats: Option<&'a Path>,
    /// Exposures without the beam.
    pub darks: Option<&'a Path>,
    /// One angle per view: `.npy`, or text with one number per line.
    pub angles: Option<&'a Path>,
}

/// Reads projections, and flats, darks and angles where files are given; only `rows` of the detector.
///
/// # Errors
/// [`crate::error::Error::Input`] when a file is missing or damaged, or the parts do not fit.
pub fn read(files: &Files, rows: Option<&Range<usize>>) -> Result<Frames> {
    let part = |path: &Path, what: &str| stacked(path, what, npy::read_array(path)?, rows);
    let optional =
        |path: Option<&Path>, what: &str| path.map(|path| part(path, what).map(|(part, _)| part)).transpose();
    let angles = files.angles.map(table::numbers).transpose()?;
    let (data, height) = part(files.data, "projections")?;
    Ok(Frames::new(files.data, data, optional(files.flats, "flats")?, optional(files.darks, "darks")?, angles)?
        .of(height))
}
