//! Projections of scanners whose headers describe the scan, and of formats that need more than a path.

use super::input::{Input, Stack};
use super::setup::FirstRow;
use crate::error::Result;
use crate::formats::measured::raw::{ByteOrder, Layout, NumberType};
use crate::formats::measured::{Frames, astra, metaimage, nexus, nikon, phoenix, raw, skyscan, zeiss};
use crate::input_path::InputPath;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::path::Path;

/// Folder of a scan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScanFolder {
    /// Folder with the scanner's header and its images.
    pub path: InputPath,
}

/// Defines the input for a folder with one kind of header and TIFF images, top row first.
macro_rules! scan_folder {
    ($(#[$doc:meta])* $name:ident, $read:path) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(pub ScanFolder);

        impl Input for $name {
            fn path(&self) -> &Path {
                &self.0.path
            }

            fn read(&self, rows: Option<&Range<usize>>) -> Result<Frames> {
                $read(&self.0.path, rows)
            }

            fn first_row(&self) -> FirstRow {
                FirstRow::Top
            }

            fn knows_the_scan(&self) -> bool {
                true
            }
        }
    };
}

scan_folder! {
    /// A scan of a Nikon (X-Tek) scanner.
    NikonScan, nikon::read
}
scan_folder! {
    /// A scan of a Bruker (SkyScan) scanner.
    SkyscanScan, skyscan::read
}
scan_folder! {
    /// A scan of a GE (phoenix) scanner.
    PhoenixScan, phoenix::read
}

/// A scan of a Zeiss (Xradia) microscope.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ZeissFile {
    /// Path of the .txrm or .xrm file.
    pub path: InputPath,
}

/// A scan in the NeXus definition NXtomo.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NexusFile {
    /// Path of the file.
    pub path: InputPath,
    /// Dataset of the images [image, row, column]. Default: `data` beside the image keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// Dataset of the kind of each image: 0 projection, 1 flat, 2 dark, 3 invalid. Default: the dataset called
    /// `image_key`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_key: Option<String>,
    /// Dataset of the angle of each image. Default: the dataset called `rotation_angle`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub angles: Option<String>,
}

/// A MetaImage stack.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MetaImageStack {
    /// Path of the .mha file, an array [views, rows, columns].
    pub path: InputPath,
    /// File with one angle per view: .npy, or text with one number per line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub angles: Option<InputPath>,
}

/// A sinogram with the proj_geom of the ASTRA toolbox.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AstraFile {
    /// Path of the MATLAB file.
    pub path: InputPath,
    /// Name of the array of line integrals. Default: the array called `sinogram`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sinogram: Option<String>,
}

/// Files of raw numbers without a header that is read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawFile {
    /// File of the projections.
    pub path: InputPath,
    /// Shape of the projections, [views, rows, columns].
    pub shape: [usize; 3],
    /// Type of the numbers.
    #[serde(rename = "type")]
    pub number: NumberType,
    /// Byte order of the numbers.
    #[serde(default)]
    pub byte_order: ByteOrder,
    /// Number of bytes before the first number.
    #[serde(default)]
    pub skip_bytes: u64,
    /// File of exposures without the object (flats), with the same rows, columns and type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flats: Option<InputPath>,
    /// File of exposures without the beam (darks), with the same rows, columns and type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub darks: Option<InputPath>,
    /// File with one angle per view: .npy, or text with one number per line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub angles: Option<InputPath>,
}

impl Input for ZeissFile {
    fn path(&self) -> &Path {
        &self.path
    }

    fn read(&self, rows: Option<&Range<usize>>) -> Result<Frames> {
        zeiss::read(&self.path, rows)
    }

    fn knows_the_scan(&self) -> bool {
        true
    }
}

impl Input for NexusFile {
    fn path(&self) -> &Path {
        &self.path
    }

    fn read(&self, rows: Option<&Range<usize>>) -> Result<Frames> {
        let names = nexus::Names {
            data: self.data.as_deref(),
            image_key: self.image_key.as_deref(),
            angles: self.angles.as_deref(),
        };
        nexus::read(&self.path, &names, rows)
    }

    fn knows_the_scan(&self) -> bool {
        true
    }
}

impl Input for MetaImageStack {
    fn path(&self) -> &Path {
        &self.path
    }

    fn read(&self, rows: Option<&Range<usize>>) -> Result<Frames> {
        metaimage::read(&self.path, self.angles.as_deref(), rows)
    }
}

impl Input for AstraFile {
    fn path(&self) -> &Path {
        &self.path
    }

    fn read(&self, rows: Option<&Range<usize>>) -> Result<Frames> {
        astra::read(&self.path, &astra::Names { sinogram: self.sinogram.as_deref() }, rows)
    }

    fn knows_the_scan(&self) -> bool {
        true
    }
}

impl Input for RawFile {
    fn path(&self) -> &Path {
        &self.path
    }

    fn read(&self, rows: Option<&Range<usize>>) -> Result<Frames> {
        let [views, height, width] = self.shape;
        let layout =
            Layout { pixels: [height, width], kind: self.number, order: self.byte_order, skip: self.skip_bytes };
        let stack = Stack {
            path: self.path.clone(),
            flats: self.flats.clone(),
            darks: self.darks.clone(),
            angles: self.angles.clone(),
        };
        raw::read(&stack.files(), views, &layout, rows)
    }
}
