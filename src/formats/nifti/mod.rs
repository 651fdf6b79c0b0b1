//! NIfTI-1 volumes (`.nii`, `.nii.gz`, `.hdr` + `.img`), read and written.
//!
//! NIfTI is RAS+; this crate is LPS. The flip happens in `affine.rs` and `write.rs` and nowhere else. Read are int8 to
//! uint64, float32 and float64 of either byte order; refused with a reason are NIfTI-2, colour, complex, several
//! volumes, shear. The `nifti` crate parses the header, behind our own checks: it panics on contradicting headers and
//! does not check gzip sums (0.18.0). Its writer can lose data silently, so writing is our own. Reference:
//! nifti.nimh.nih.gov/nifti-1 (nifti1.h); precedence and scaling as nibabel 5.

mod affine;
mod header;
mod info;
mod numbers;
mod open;
mod refusal;
mod voxels;
mod write;

pub(super) use info::FORMAT;
pub use open::parts;
pub use write::write;

use super::Loaded;
use super::orient::reorder;
use crate::data::{Grid, Quantity, Volume, Warning, Warnings};
use crate::error::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// What the numbers of a NIfTI file are; the format itself does not say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Units {
    /// Hounsfield units.
    #[default]
    Hounsfield,
    /// Linear attenuation, 1/mm.
    AttenuationPerMm,
    /// Multiples of water: air 0, water 1.
    Relative,
}

impl Units {
    /// The quantity of a volume in these units.
    #[must_use]
    pub fn quantity(self) -> Quantity {
        match self {
            Self::Hounsfield => Quantity::Hounsfield,
            Self::AttenuationPerMm => Quantity::Attenuation,
            Self::Relative => Quantity::Relative,
        }
    }

    /// A warning if the range of values is unlike these units.
    fn doubt(self, (low, high): (f32, f32)) -> Option<Warning> {
        let warn = |problem: &str, other: &str| {
            Some(Warning::new(
                "units_doubtful",
                format!("values lie in [{low}, {high}]: {problem}; is `units: {other}` meant?"),
            ))
        };
        match self {
            Self::Hounsfield if low >= 0.0 && high <= 20.0 => {
                warn("Hounsfield units of a scan begin at air, about -1000", "attenuation_per_mm")
            }
            Self::Hounsfield if low > -300.0 => {
                warn("Hounsfield units of a scan begin at air, about -1000", "relative")
            }
            Self::AttenuationPerMm if low < -0.1 || high > 10.0 => {
                warn("attenuation of water is about 0.02 /mm", "hounsfield")
            }
            Self::Relative if low < -2.0 => warn("air is 0 and water 1 in relative units", "hounsfield"),
            _ => None,
        }
    }
}

/// Reads a NIfTI-1 file as a volume `[z, y, x]` in canonical order (axes closest to +z, +y, +x of LPS, obliqueness
/// kept).
///
/// # Errors
/// [`Error::Input`] for a file that is missing, truncated, damaged (gzip sums are checked to the end), contradicts
/// itself, or holds what is not one scalar volume on a right-angled affine of finite voxels.
pub fn read(path: &Path, units: Units) -> Result<Loaded> {
    let (header, mut data) = header::open(path)?;
    let mut warnings = header.warnings.clone();
    let values = voxels::read(&mut data, &header).map_err(|error| error.at(path))?;
    warnings.extend(data.finish().map_err(|error| error.at(path))?);
    let range = voxels::range(path, &values)?;
    let order = header.affine.canonical_order();
    let grid = header.affine.grid(order).map_err(|error| Error::input(path, error))?;
    let volume = Volume::from_vec(grid, units.quantity(), reorder(values, header.affine.shape, order))
        .map_err(|error| Error::input(path, error))?;
    warnings.extend(units.doubt(range));
    Ok(Loaded { volume, warnings })
}

/// The affine of a NIfTI-1 file in canonical order; its voxels are not read.
///
/// # Errors
/// As [`read`], as far as the header shows it.
pub(super) fn read_grid(path: &Path) -> Result<(Grid, Warnings)> {
    let (header, _) = header::open(path)?;
    let grid = header.affine.grid(header.affine.canonical_order()).map_err(|error| Error::input(path, error))?;
    Ok((grid, header.warnings))
}
