//! The list of volume formats, [`VOLUMES`]. Everything that reads or writes a volume goes through it, so that each
//! format works wherever a volume is read or written. A new format needs a module and an entry here.

use super::describe::{Candidate, Description};
use super::{Loaded, dicom, metaimage, nifti, nrrd, sidecar};
use crate::data::{Grid, Quantity, Volume, Warning, Warnings};
use crate::error::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// A format of volumes.
#[derive(Clone, Copy)]
pub struct VolumeFormat {
    /// Name of the format, as shown to the user.
    pub name: &'static str,
    /// Name of the format in YAML (`export.volumes`).
    pub key: &'static str,
    /// Endings of its file names; new files get the first. Empty for a format whose volumes are folders.
    pub endings: &'static [&'static str],
    /// Names or extensions of its files, as shown to the user.
    pub looks_like: &'static str,
    /// Whether a file or folder appears to be of this format, by its name or first bytes; it may be damaged.
    pub(super) claims: fn(&Candidate) -> bool,
    /// Describes a file or folder for `recon info`; `None` if it is not of this format.
    pub(super) describe: fn(&Candidate) -> Option<Result<Description>>,
    /// Reads a volume.
    pub(super) read: fn(&Path, &Reading) -> Result<Loaded>,
    /// Reads the grid of a volume, in canonical order.
    pub(super) read_grid: fn(&Path) -> Result<(Grid, Warnings)>,
    /// Lists all files that make up a volume, the given path included.
    pub(super) parts: fn(&Path) -> Vec<PathBuf>,
    /// Writes a volume and returns the paths of its files; each file is written completely or not at all. `None` if the
    /// format is only read.
    pub(super) write: Option<Writer>,
}

/// Writes a volume with a description, and returns the paths of its files.
type Writer = fn(&Path, &Volume, &str) -> Result<Vec<PathBuf>>;

/// All formats; a path belongs to the first that claims it.
pub const VOLUMES: &[VolumeFormat] = &[
    nifti::FORMAT,
    dicom::FORMAT,
    metaimage::FORMAT,
    nrrd::FORMAT,
    sidecar::NPY,
    sidecar::NPZ,
    sidecar::RAW,
    sidecar::TIFF,
];

/// Unit of the voxel values of a file; most formats do not store it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Units {
    /// Hounsfield units.
    #[default]
    Hounsfield,
    /// Linear attenuation coefficient, 1/mm.
    AttenuationPerMm,
    /// Attenuation relative to water: air 0, water 1.
    Relative,
}

/// What to do with a grid whose axes are not at right angles.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Sheared {
    /// Resample it to a grid with right angles, with a warning.
    #[default]
    Resample,
    /// Refuse the file.
    Refuse,
}

/// Options for reading a volume.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reading {
    /// Unit of the voxel values.
    pub units: Units,
    /// What to do with a sheared grid.
    pub sheared: Sheared,
    /// Index of the volume, from 0, in a file that holds several; without it such a file is refused.
    pub volume: Option<usize>,
    /// The DICOM series to read: its number, UID or description.
    pub series: Option<String>,
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

    /// A warning if the range of values, (lowest, highest), is implausible in these units.
    pub(super) fn doubt(self, (low, high): (f32, f32)) -> Option<Warning> {
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

impl std::fmt::Debug for VolumeFormat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VolumeFormat").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The format of a file or folder.
///
/// # Errors
/// [`Error::Input`] if the path is missing or is no volume in a format of [`VOLUMES`].
pub fn volume_format(path: &Path) -> Result<&'static VolumeFormat> {
    let candidate = Candidate::open(path)?;
    VOLUMES.iter().find(|format| (format.claims)(&candidate)).ok_or_else(|| {
        let known: Vec<String> =
            VOLUMES.iter().map(|format| format!("{} ({})", format.name, format.looks_like)).collect();
        Error::input(path, "no volume in a format that is known").hint(format!("known are {}", known.join(", ")))
    })
}

/// Reads a volume of any format, `[z, y, x]` in canonical order (axes closest to +z, +y, +x of LPS, obliqueness kept).
///
/// # Errors
/// [`Error::Input`] if the path is missing, damaged, or no volume in a format of [`VOLUMES`].
pub fn read_volume(path: &Path, reading: &Reading) -> Result<Loaded> {
    (volume_format(path)?.read)(path, reading)
}

/// Reads the grid of a volume of any format, in canonical order, with the warnings about it.
///
/// # Errors
/// As [`read_volume`], as far as the header shows it.
pub fn read_grid(path: &Path) -> Result<(Grid, Warnings)> {
    (volume_format(path)?.read_grid)(path)
}

/// Every file that makes up the volume at `path`: both files of a pair, whichever is named, or a header and its data.
#[must_use]
pub fn parts(path: &Path) -> Vec<PathBuf> {
    volume_format(path).map_or_else(|_| vec![path.to_path_buf()], |format| (format.parts)(path))
}

/// Writes a volume in the format that the ending of the name selects, and returns the paths of its files. `description`
/// is stored if the format has a place for it.
///
/// # Errors
/// [`Error::Config`] for an ending that no format has; [`Error::Resource`] when a file cannot be written.
pub fn write_volume(path: &Path, volume: &Volume, description: &str) -> Result<Vec<PathBuf>> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    let named = |format: &&VolumeFormat| format.endings.iter().any(|ending| name.ends_with(ending));
    let write = VOLUMES.iter().find(named).and_then(|format| format.write);
    let Some(write) = write else {
        let endings: Vec<&str> = VOLUMES.iter().flat_map(|format| format.endings).copied().collect();
        return Err(Error::config("", format!("expected a name ending in one of {}, got {name}", endings.join(", "))));
    };
    write(path, volume, description)
}
