//! Formats of volumes: everything that reads or writes one goes through [`VOLUMES`], so that a format is understood
//! wherever a volume is taken or given. A new one is a file and its entry here.

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
    /// Its name, for people.
    pub name: &'static str,
    /// Its name in YAML (`export.volumes`).
    pub key: &'static str,
    /// Endings of its files; the first is that of a new one. None for folders.
    pub endings: &'static [&'static str],
    /// What its files look like from outside.
    pub looks_like: &'static str,
    /// Whether a file or folder is (or pretends to be) one.
    pub(super) claims: fn(&Candidate) -> bool,
    /// What it holds.
    pub(super) describe: fn(&Candidate) -> Option<Result<Description>>,
    /// Reads it.
    pub(super) read: fn(&Path, &Reading) -> Result<Loaded>,
    /// Reads its grid, in canonical order.
    pub(super) read_grid: fn(&Path) -> Result<(Grid, Warnings)>,
    /// All files that are read with it, itself included.
    pub(super) parts: fn(&Path) -> Vec<PathBuf>,
    /// Writes it, and gives the files; a volume in a file is whole or not there.
    pub(super) write: Option<Writer>,
}

/// Writes a volume with a description, and gives the files.
type Writer = fn(&Path, &Volume, &str) -> Result<Vec<PathBuf>>;

/// All formats; the first that claims a path has it.
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

/// What the numbers of a file are; most formats do not say.
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

/// What becomes of a grid whose axes are not at right angles.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Sheared {
    /// It is resampled to a right-angled one, with a warning.
    #[default]
    Resample,
    /// It is refused.
    Refuse,
}

/// How a volume is read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reading {
    /// What its numbers are.
    pub units: Units,
    /// What becomes of a sheared grid.
    pub sheared: Sheared,
    /// Which volume of several in one file, from 0; none is chosen without it.
    pub volume: Option<usize>,
    /// Which DICOM series: its number, UID or description.
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

    /// A warning if the range of values is unlike these units.
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
/// [`Error::Input`] for what is missing, or no volume in a format of [`VOLUMES`].
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
/// [`Error::Input`] for what is missing, damaged, or no volume in a format of [`VOLUMES`].
pub fn read_volume(path: &Path, reading: &Reading) -> Result<Loaded> {
    (volume_format(path)?.read)(path, reading)
}

/// The grid of a volume of any format in canonical order, with what is to be said of it.
///
/// # Errors
/// As [`read_volume`], as far as the header shows it.
pub fn read_grid(path: &Path) -> Result<(Grid, Warnings)> {
    (volume_format(path)?.read_grid)(path)
}

/// Every file that is read where `path` names a volume: both of a pair, whichever is named, a header and its data.
#[must_use]
pub fn parts(path: &Path) -> Vec<PathBuf> {
    volume_format(path).map_or_else(|_| vec![path.to_path_buf()], |format| (format.parts)(path))
}

/// Writes a volume in the format that the name's ending says; gives the files. `description` goes where the format has
/// a place for it.
///
/// # Errors
/// [`Error::Config`] for an ending of no format; [`Error::Resource`] when a file cannot be written.
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
