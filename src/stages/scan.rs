//! The scan that a configuration describes, its file read if it names one.

use crate::data::{Geometry, Grid};
use crate::error::Result;
use crate::formats;
use crate::geometries::GeometryKind;

/// The views of a scan of `volume`.
///
/// # Errors
/// A scan that cannot be; a file of poses that cannot be read.
pub fn geometry(kind: &GeometryKind, volume: &Grid) -> Result<Geometry> {
    match kind.as_part().file() {
        Some(file) => kind.place(formats::geometry::read_poses(file)?, volume),
        None => kind.build(volume),
    }
}
