//! The scan that a configuration describes, its file read if it names one.

use crate::context::{InputFile, input_files};
use crate::data::{Geometry, Grid};
use crate::error::Result;
use crate::formats;
use crate::geometries::GeometryKind;
use std::path::PathBuf;

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

/// The files it is read from.
///
/// # Errors
/// A file that cannot be read.
pub fn files(kind: &GeometryKind) -> Result<Vec<InputFile>> {
    kind.as_part().file().map_or(Ok(Vec::new()), input_files)
}

/// The configuration without the place of its file, whose hash says more.
#[must_use]
pub fn without_paths(kind: &GeometryKind) -> GeometryKind {
    let mut kind = kind.clone();
    if let GeometryKind::Poses(poses) = &mut kind {
        poses.file = PathBuf::new();
    }
    kind
}
