//! Files ↔ values: volumes in the formats of [`VOLUMES`], projections as `.npy`, measured ones also from HDF5, TIFF and
//! MATLAB, scans as JSON, spectra as CSV.
//!
//! Files are hostile until checked: sizes before memory, sums before values, and no panic on any input. Everything that
//! is written goes through [`atomic`].

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

/// What any loader of volumes gives.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The volume, its array axes closest to +z, +y, +x of LPS.
    pub volume: Volume,
    /// What the user should know.
    pub warnings: Warnings,
}

/// A format that `recon info` understands. A new one is a file, its `mod` line and its entry in [`FORMATS`].
#[derive(Debug, Clone, Copy)]
pub struct Format {
    /// Its name.
    pub name: &'static str,
    /// What its files look like from outside.
    pub looks_like: &'static str,
    /// `None`: not this format; `Some(Err)`: this format, but damaged; `Some(Ok)`: what it holds.
    pub describe: fn(&Candidate) -> Option<Result<Description>>,
}

impl Format {
    /// A format of volumes as one that `recon info` understands.
    const fn of(volume: &VolumeFormat) -> Self {
        Self { name: volume.name, looks_like: volume.looks_like, describe: volume.describe }
    }
}

/// All formats; the first that claims a path has it.
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
