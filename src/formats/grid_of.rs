//! The lattice of a NIfTI file, for `grid: {from: FILE}`.

use super::nifti;
use crate::data::Grid;
use crate::error::Result;
use std::path::Path;

/// The lattice of a NIfTI file in canonical order (array axes closest to +z, +y, +x of LPS, obliqueness kept), mm. Its
/// voxels are not read.
///
/// # Errors
/// [`crate::error::Error::Input`] when the file is missing, no NIfTI-1, damaged, or its lattice is sheared.
pub fn read(path: &Path) -> Result<Grid> {
    nifti::read_grid(path).map(|(grid, _)| grid)
}
