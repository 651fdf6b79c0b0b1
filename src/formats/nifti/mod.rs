//! NIfTI-1 and NIfTI-2 volumes (`.nii`, `.nii.gz`, `.hdr` + `.img`), read; NIfTI-1 written.
//!
//! NIfTI is RAS+; this crate is LPS. The flip happens in `affine.rs` and `write.rs` and nowhere else. Supported are
//! int8 to uint64, float32 and float64 of either byte order, and one volume of several by its number; colour and
//! complex numbers are refused. Reference: nifti.nimh.nih.gov (nifti1.h, nifti2.h); the precedence of sform and qform
//! and the scaling are as in nibabel 5.

mod affine;
mod fields;
mod header;
mod info;
mod numbers;
mod pair;
mod refusal;
mod write;

pub use super::Units;
pub use write::write;

use super::stored;
use super::{Loaded, Reading, VolumeFormat};
use crate::data::{Grid, Warnings};
use crate::error::Result;
use std::path::Path;

/// The entry in the list of formats.
pub(super) const FORMAT: VolumeFormat = VolumeFormat {
    name: "NIfTI",
    key: "nifti",
    endings: &[".nii.gz", ".nii"],
    looks_like: ".nii, .nii.gz, .hdr + .img",
    claims: info::claims,
    describe: info::describe,
    read: read_with,
    read_grid,
    parts: |path| {
        let (header, data) = pair::pair(path);
        if header == data { vec![header] } else { vec![header, data] }
    },
    write: Some(|path, volume, description| write(path, volume, description).map(|()| vec![path.to_path_buf()])),
};

/// Reads a NIfTI file as a volume `[z, y, x]` in canonical order (axes closest to +z, +y, +x of LPS, obliqueness kept).
///
/// # Errors
/// [`crate::error::Error::Input`] for a file that is missing, truncated, damaged (gzip checksums are verified to the
/// end), contradicts itself, or does not hold one scalar volume of finite voxels.
pub fn read(path: &Path, units: Units) -> Result<Loaded> {
    read_with(path, &Reading { units, ..Reading::default() })
}

/// Like [`read`], with all options for reading.
///
/// # Errors
/// As [`read`].
pub fn read_with(path: &Path, reading: &Reading) -> Result<Loaded> {
    let (header, mut stream) = header::open(path, reading)?;
    let (_, data_path) = pair::pair(path);
    let mut warnings = header.warnings.clone();
    let values = stored::read(&mut stream, &header.stored).map_err(|error| error.at(&data_path))?;
    header.pass_rest(&mut stream, &data_path)?;
    warnings.extend(stream.finish().map_err(|error| error.at(&data_path))?);
    stored::finished(path, values, &header.stored.affine, reading, warnings)
}

/// The grid of a NIfTI file in canonical order; its voxels are not read.
fn read_grid(path: &Path) -> Result<(Grid, Warnings)> {
    let header = header::read(path)?;
    let (grid, sheared) = stored::grid(path, &header.stored.affine, &Reading::default())?;
    Ok((grid, header.warnings.into_iter().chain(sheared).collect()))
}
