//! Reads and writes files: volumes in the formats of [`VOLUMES`], projections as `.npy`, scan geometries, spectra as
//! CSV. Measured projections are read from many more formats (see [`measured`]).
//!
//! Input files are not trusted: sizes are checked before memory is allocated, checksums before values are used, and no
//! input causes a panic. Everything that is written goes through [`atomic`].

pub mod atomic;
mod describe;
pub mod dicom;
mod folder;
pub mod geometry;
pub mod grid_of;
pub mod measured;
mod metaimage;
pub mod nifti;
pub mod npy;
mod npz;
mod nrrd;
mod orient;
pub mod pictures;
mod sidecar;
pub mod spectrum;
mod stored;
mod volumes;

pub use describe::{Candidate, Description, describe};
pub use volumes::volume_format;
pub use volumes::{Reading, Sheared, Units, VOLUMES, VolumeFormat, parts, read_grid, read_volume, write_volume};

use crate::data::{Volume, Warnings};
use crate::error::Result;

/// A volume that was read, with the warnings about it.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The volume, its array axes closest to +z, +y, +x of LPS.
    pub volume: Volume,
    /// Warnings for the user.
    pub warnings: Warnings,
}

/// A format that `recon info` understands. A new one is a file, its `mod` line and its entry in [`FORMATS`].
#[derive(Debug, Clone, Copy)]
pub struct Format {
    /// Name of the format, as shown to the user.
    pub name: &'static str,
    /// Names or extensions of its files, as shown to the user.
    pub looks_like: &'static str,
    /// Describes a file or folder. `None`: not this format; `Some(Err)`: this format, but damaged; `Some(Ok)`: its
    /// contents.
    pub describe: fn(&Candidate) -> Option<Result<Description>>,
}

impl Format {
    /// The entry of [`FORMATS`] for a volume format.
    const fn of(volume: &VolumeFormat) -> Self {
        Self { name: volume.name, looks_like: volume.looks_like, describe: volume.describe }
    }
}

/// All formats; a path belongs to the first that claims it.
pub const FORMATS: &[Format] = &[
    Format::of(&nifti::FORMAT),
    Format::of(&dicom::FORMAT),
    Format::of(&metaimage::FORMAT),
    Format::of(&nrrd::FORMAT),
    Format::of(&sidecar::RAW),
    Format::of(&sidecar::NPY),
    Format::of(&sidecar::NPZ),
    geometry::FORMAT,
    measured::HDF5,
    Format::of(&sidecar::TIFF),
    measured::MAT,
    folder::FORMAT,
];
