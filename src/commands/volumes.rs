//! A volume from whatever a path names.

use crate::data::{MU_WATER_PER_MM, Volume};
use crate::error::Result;
use crate::formats::{Loaded, dicom, nifti};
use crate::progress;
use std::path::Path;

/// The volume in HU: a folder is a DICOM series, a file is NIfTI in HU.
pub(super) fn read(path: &Path) -> Result<Volume> {
    let Loaded { volume, warnings, .. } =
        if path.is_dir() { dicom::read_series(path, None)? } else { nifti::read(path, nifti::Units::Hounsfield)? };
    for warning in warnings {
        progress::warn(&warning.code, &format!("{}: {}", progress::place(path), warning.message));
    }
    Ok(volume.to_hounsfield(MU_WATER_PER_MM))
}
