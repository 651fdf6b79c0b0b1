//! The grid of a volume, for `grid: {from: FILE}`.

use super::read_grid;
use crate::data::Grid;
use crate::error::Result;
use std::path::Path;

/// The grid of a volume of any format, mm, in canonical order (array axes closest to +z, +y, +x of LPS, obliqueness
/// kept). Of NIfTI, MetaImage, NRRD and DICOM the voxels are not read.
///
/// # Errors
/// [`crate::error::Error::Input`] when the file is missing or damaged, or is not a volume in a known format.
pub fn read(path: &Path) -> Result<Grid> {
    read_grid(path).map(|(grid, _)| grid)
}
