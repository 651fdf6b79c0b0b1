//! Files ↔ values: volumes from NIfTI and DICOM, projections as `.npy`, measured ones also from HDF5, TIFF and MATLAB,
//! scans as JSON, spectra as CSV.
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
pub mod nifti;
pub mod npy;
mod orient;
pub mod spectrum;

pub use describe::{Candidate, Description, describe};
pub use nifti::Units;

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

/// All formats; the first that claims a path has it.
pub const FORMATS: &[Format] = &[
    nifti::FORMAT,
    dicom::FORMAT,
    npy::FORMAT,
    geometry::FORMAT,
    measured::HDF5,
    measured::TIFF,
    measured::MAT,
    folder::FORMAT,
];
