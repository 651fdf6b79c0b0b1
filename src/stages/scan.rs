//! The scan that a configuration describes; reads the file of poses if the configuration names one.

use crate::data::{Geometry, Grid};
use crate::error::Result;
use crate::formats;
use crate::geometries::GeometryKind;

/// Geometry of a scan of `volume`.
///
/// # Errors
/// An invalid scan, or a file of poses that cannot be read.
pub fn geometry(kind: &GeometryKind, volume: &Grid) -> Result<Geometry> {
    match kind.as_part().file() {
        Some(file) => kind.place(formats::geometry::read_poses(file)?, volume),
        None => kind.build(volume),
    }
}
