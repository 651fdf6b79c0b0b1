//! Reading a volume from a file or folder in any format.

use crate::data::{MU_WATER_PER_MM, Volume};
use crate::error::Result;
use crate::formats::{Loaded, Reading, read_volume};
use crate::progress;
use std::path::Path;

/// Reads a volume `[z, y, x]` from a file or folder in any volume format and converts it to HU.
pub(super) fn read(path: &Path) -> Result<Volume> {
    let Loaded { volume, warnings } = read_volume(path, &Reading::default())?;
    for warning in warnings {
        progress::warn(&warning.code, &format!("{}: {}", progress::place(path), warning.message));
    }
    Ok(volume.to_hounsfield(MU_WATER_PER_MM))
}
