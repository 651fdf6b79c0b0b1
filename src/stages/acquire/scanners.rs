//! Projections of scanners whose headers describe the scan, and of files that need more than a path.

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

/// The folder of a scan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScanFolder {
    /// The folder that holds the scanner's header and its images.
    pub path: InputPath,
}

/// A folder with a header of one kind and TIFF images, top row first.
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
    /// The .txrm or .xrm file.
    pub path: InputPath,
}

/// A scan in the NeXus definition NXtomo.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NexusFile {
    /// The file.
    pub path: InputPath,
    /// The images [image, row, column]. Default: `data` beside the image keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// What each image is: 0 projection, 1 flat, 2 dark, 3 invalid. Default: the dataset called `image_key`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_key: Option<String>,
    /// The angle of each image. Default: the dataset called `rotation_angle`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub angles: Option<String>,
}

/// A MetaImage stack.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MetaImageStack {
    /// The .mha file, [views, rows, columns].
    pub path: InputPath,
    /// One angle per view: .npy, or text with one number per line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub angles: Option<InputPath>,
}

/// A sinogram and proj_geom of the ASTRA toolbox.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AstraFile {
    /// The MATLAB file.
    pub path: InputPath,
    /// Name of the line integrals. Default: the array called `sinogram`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sinogram: Option<String>,
}

/// Files of bare numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawFile {
    /// The projections.
    pub path: InputPath,
    /// Their shape [views, rows, columns].
    pub shape: [usize; 3],
    /// Type of a number.
    #[serde(rename = "type")]
    pub number: NumberType,
    /// Order of the bytes of a number.
    #[serde(default)]
    pub byte_order: ByteOrder,
    /// Bytes before the first number.
    #[serde(default)]
    pub skip_bytes: u64,
    /// Exposures without the object, of the same rows, columns and type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flats: Option<InputPath>,
    /// Exposures without the beam, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub darks: Option<InputPath>,
    /// One angle per view: .npy, or text with one number per line.
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
