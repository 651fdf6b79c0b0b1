//! A volume from whatever a path names.

use crate::data::{MU_WATER_PER_MM, Volume};
use crate::error::Result;
use crate::formats::{Loaded, Reading, read_volume};
use crate::progress;
use std::path::Path;

/// The volume in HU, from a file or folder of any format of volumes.
pub(super) fn read(path: &Path) -> Result<Volume> {
    let Loaded { volume, warnings } = read_volume(path, &Reading::default())?;
    for warning in warnings {
        progress::warn(&warning.code, &format!("{}: {}", progress::place(path), warning.message));
    }
    Ok(volume.to_hounsfield(MU_WATER_PER_MM))
}
