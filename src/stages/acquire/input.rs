//! Projections from general file formats: HDF5, TIFF, NumPy, MATLAB. These files do not describe the scan; the pipeline
//! does.

use super::images::ImageFiles;
use super::setup::FirstRow;
use crate::error::{Error, Result};
use crate::formats::measured::{Frames, hdf5, mat, npy, tiff};
use crate::input_path::InputPath;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::path::Path;

/// Source of measured projections.
pub trait Input {
    /// The file or folder that is read, for messages.
    fn path(&self) -> &Path;
    /// Reads the frames as they are in the file, restricted to the detector rows `rows`.
    ///
    /// # Errors
    /// The error of the format's reader.
    fn read(&self, rows: Option<&Range<usize>>) -> Result<Frames>;
    /// The camera pictures, if this source reads pictures instead of projections.
    fn pictures(&self) -> Option<&ImageFiles> {
        None
    }
    /// Which end of the object the first image row usually shows in this format.
    fn first_row(&self) -> FirstRow {
        FirstRow::Bottom
    }
    /// Whether the file describes the scan, so that `geometry` may be left out.
    fn knows_the_scan(&self) -> bool {
        false
    }
}

impl Input for ImageFiles {
    fn path(&self) -> &Path {
        self.source()
    }
    fn read(&self, _: Option<&Range<usize>>) -> Result<Frames> {
        Err(Error::config("acquire.images", "expected X-ray projections, got camera pictures"))
    }
    fn knows_the_scan(&self) -> bool {
        true
    }
    fn pictures(&self) -> Option<&ImageFiles> {
        Some(self)
    }
}

/// HDF5 file. Datasets with the usual names (`data_white`, `data_dark`, `theta`) are found beside the data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Hdf5File {
    /// Path of the file.
    pub path: InputPath,
    /// Name of the dataset of projections [views, rows, columns] or [views, columns].
    #[serde(default = "exchange_data")]
    pub data: String,
    /// Dataset of exposures without the object (flats). Default: `data_white` beside the data, if it exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flats: Option<String>,
    /// Dataset of exposures without the beam (darks). Default: `data_dark` beside the data, if it exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub darks: Option<String>,
    /// Dataset of the angles of the views. Default: `theta` beside the data, if it exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub angles: Option<String>,
}

fn exchange_data() -> String {
    "/exchange/data".to_string()
}

/// Stack of images, TIFF or NumPy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Stack {
    /// Projections: an array [views, rows, columns] or [views, columns]; for TIFF a folder of images or a file with
    /// many images.
    pub path: InputPath,
    /// Exposures without the object (flats), in the same format.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flats: Option<InputPath>,
    /// Exposures without the beam (darks), in the same format.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub darks: Option<InputPath>,
    /// File with one angle per view: .npy, or text with one number per line.
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
    /// Path of the file.
    pub path: InputPath,
    /// Name of the array [views, columns]. Default: the array called `sinogram`, at any level.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sinogram: Option<String>,
    /// Name of the array of angles. Default: the array called `angles`, if it exists.
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
    /// The paths, as the readers expect them.
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
