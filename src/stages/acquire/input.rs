//! Projections from containers: HDF5, TIFF, NumPy, MATLAB. What the pipeline does not say of the scan they do not know.

use super::images::ImageFiles;
use super::setup::FirstRow;
use crate::error::{Error, Result};
use crate::formats::measured::{Frames, hdf5, mat, npy, tiff};
use crate::input_path::InputPath;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::path::Path;

/// One way to get projections.
pub trait Input {
    /// The file or folder they are read from, to be named in messages.
    fn path(&self) -> &Path;
    /// Reads them, as they are; only `rows` of the detector.
    ///
    /// # Errors
    /// What the format's reader says.
    fn read(&self, rows: Option<&Range<usize>>) -> Result<Frames>;
    /// The pictures that are read in place of projections.
    fn pictures(&self) -> Option<&ImageFiles> {
        None
    }
    /// Which end of the object the first row of an image usually shows in this format.
    fn first_row(&self) -> FirstRow {
        FirstRow::Bottom
    }
    /// Whether its header describes the scan, so that `geometry` may be left out.
    fn knows_the_scan(&self) -> bool {
        false
    }
}

impl Input for ImageFiles {
    fn path(&self) -> &Path {
        self.source()
    }
    fn read(&self, _: Option<&Range<usize>>) -> Result<Frames> {
        Err(Error::config("acquire.images", "pictures are no projections"))
    }
    fn knows_the_scan(&self) -> bool {
        true
    }
    fn pictures(&self) -> Option<&ImageFiles> {
        Some(self)
    }
}

/// An HDF5 file. Parts with their usual names (`data_white`, `data_dark`, `theta`) are found beside the data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Hdf5File {
    /// The file.
    pub path: InputPath,
    /// The projections [views, rows, columns] or [views, columns].
    #[serde(default = "exchange_data")]
    pub data: String,
    /// Exposures without the object. Default: data_white beside the data, if it is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flats: Option<String>,
    /// Exposures without the beam. Default: data_dark beside the data, if it is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub darks: Option<String>,
    /// Angles of the views. Default: theta beside the data, if it is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub angles: Option<String>,
}

fn exchange_data() -> String {
    "/exchange/data".to_string()
}

/// A stack of images, TIFF or NumPy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Stack {
    /// The projections: an array [views, rows, columns] or [views, columns]; for TIFF a folder or a file with many
    /// images.
    pub path: InputPath,
    /// Exposures without the object, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flats: Option<InputPath>,
    /// Exposures without the beam, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub darks: Option<InputPath>,
    /// One angle per view: .npy, or text with one number per line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub angles: Option<InputPath>,
}

/// A stack of TIFF images.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct TiffStack(pub Stack);

/// A stack of NumPy arrays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct NpyStack(pub Stack);

/// A MATLAB file (level 5 or v7.3).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MatFile {
    /// The file.
    pub path: InputPath,
    /// Name of the array [views, columns]. Default: the one called `sinogram`, wherever it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sinogram: Option<String>,
    /// Name of the angles. Default: the array called `angles`, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub angles: Option<String>,
}

impl Input for Hdf5File {
    fn path(&self) -> &Path {
        &self.path
    }

    fn read(&self, rows: Option<&Range<usize>>) -> Result<Frames> {
        let folder = self.data.rsplit_once('/').map_or("", |(folder, _)| folder);
        let named = |asked: &Option<String>, usual: &str| -> Result<Option<String>> {
            let name = asked.clone().unwrap_or_else(|| format!("{folder}/{usual}"));
            Ok((asked.is_some() || hdf5::has(&self.path, &name)?).then_some(name))
        };
        let (flats, darks) = (named(&self.flats, "data_white")?, named(&self.darks, "data_dark")?);
        let angles = named(&self.angles, "theta")?;
        let names = hdf5::Names {
            data: &self.data,
            flats: flats.as_deref(),
            darks: darks.as_deref(),
            angles: angles.as_deref(),
        };
        hdf5::read(&self.path, &names, rows)
    }
}

impl Stack {
    /// The paths, as the readers take them.
    pub(super) fn files(&self) -> npy::Files<'_> {
        npy::Files {
            data: &self.path,
            flats: self.flats.as_deref(),
            darks: self.darks.as_deref(),
            angles: self.angles.as_deref(),
        }
    }
}

impl Input for TiffStack {
    fn path(&self) -> &Path {
        &self.0.path
    }

    fn read(&self, rows: Option<&Range<usize>>) -> Result<Frames> {
        tiff::read(&self.0.files(), rows)
    }

    fn first_row(&self) -> FirstRow {
        FirstRow::Top
    }
}

impl Input for NpyStack {
    fn path(&self) -> &Path {
        &self.0.path
    }

    fn read(&self, rows: Option<&Range<usize>>) -> Result<Frames> {
        npy::read(&self.0.files(), rows)
    }
}

impl Input for MatFile {
    fn path(&self) -> &Path {
        &self.path
    }

    fn read(&self, rows: Option<&Range<usize>>) -> Result<Frames> {
        mat::read(&self.path, &mat::Names { sinogram: self.sinogram.as_deref(), angles: self.angles.as_deref() }, rows)
    }
}
