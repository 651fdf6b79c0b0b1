//! load: reads the object to scan, an analytic phantom or a volume in any supported format.

mod plane;
mod preparation;
mod slice;

pub use preparation::{Crop, Preparation};
pub use slice::Slice;

use super::Stage;
use super::flow::{Content, Object, Origin};
use crate::context::{Context, Inputs};
use crate::data::{MU_WATER_PER_MM, Warnings};
use crate::error::Result;
use crate::formats::{self, Loaded, Reading, Sheared, Units, dicom, nifti};
use crate::input_path::InputPath;
use crate::phantoms::Phantom;
use crate::progress;
use crate::registry::{Kinds, OneOf};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::Path;

crate::kinds! {
    /// Source of the object.
    pub enum SourceKind: "input" => dyn Input {
        /// An analytic phantom.
        phantom => Phantom(PhantomFile),
        /// A NIfTI volume.
        nifti => Nifti(NiftiFile),
        /// A DICOM CT series.
        dicom => Dicom(DicomFolder),
        /// A volume in any supported format.
        volume => Volume(VolumeFile),
    }
}

/// Source of an object.
pub trait Input {
    /// The file or folder that is read.
    fn path(&self) -> &Path;
    /// Reads the object as it is in the file.
    ///
    /// # Errors
    /// The error of the format's reader.
    fn read(&self) -> Result<(Raw, Warnings)>;
    /// The DICOM series that is read, if it is one.
    fn origin(&self) -> Option<Origin> {
        None
    }
    /// Whether the object may be a person, whose identity must be protected.
    fn may_be_a_person(&self) -> bool {
        true
    }
}

/// An object as a reader returns it, before preparation.
pub enum Raw {
    /// Analytic phantom.
    Phantom(Phantom),
    /// Voxels, in the quantity of the file.
    Voxels(Box<Loaded>),
}

/// Analytic phantom: solids with densities relative to water.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PhantomFile {
    /// Path of its YAML file, such as phantoms/shepp-logan.yaml.
    pub file: InputPath,
    /// Seed of the phantom's random variation (`jitter`). Default: the seed in the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
}

/// A NIfTI volume (.nii, .nii.gz, .hdr + .img).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NiftiFile {
    /// Path of the file.
    pub path: InputPath,
    /// Unit of the values.
    #[serde(default)]
    pub units: Units,
    /// Index, from 0, of the volume to read from a file with several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume: Option<usize>,
    /// Treatment of a grid whose axes are not perpendicular.
    #[serde(default)]
    pub sheared: Sheared,
}

/// A folder with a DICOM CT series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DicomFolder {
    /// Path of the folder.
    pub path: InputPath,
    /// Series Number, SeriesInstanceUID or Series Description; needed if the folder holds several series.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series: Option<String>,
    /// Unit of the values; modalities other than CT can only be read as relative values.
    #[serde(default)]
    pub units: Units,
    /// Treatment of the sheared grid of a tilted gantry.
    #[serde(default)]
    pub sheared: Sheared,
}

/// Volume in any supported format: NIfTI, DICOM, MetaImage, NRRD, NumPy, raw numbers or TIFF.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VolumeFile {
    /// Path of the file or folder.
    pub path: InputPath,
    /// Unit of the values.
    #[serde(default)]
    pub units: Units,
    /// Treatment of a grid whose axes are not perpendicular.
    #[serde(default)]
    pub sheared: Sheared,
    /// Index, from 0, of the volume to read from a file with several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume: Option<usize>,
    /// Series Number, SeriesInstanceUID or Series Description of the DICOM series to read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series: Option<String>,
}

/// Separates the volume from the reader's warnings.
fn raw(mut loaded: Loaded) -> (Raw, Warnings) {
    let warnings = std::mem::take(&mut loaded.warnings);
    (Raw::Voxels(Box::new(loaded)), warnings)
}

impl Input for PhantomFile {
    fn path(&self) -> &Path {
        &self.file
    }
    fn may_be_a_person(&self) -> bool {
        false
    }
    fn read(&self) -> Result<(Raw, Warnings)> {
        let phantom = Phantom::read(&self.file)?;
        let member = match self.seed {
            Some(seed) => phantom.with_seed(seed).map_err(|error| error.under("load.phantom"))?,
            None => phantom,
        };
        Ok((Raw::Phantom(member), Warnings::new()))
    }
}

impl Input for NiftiFile {
    fn path(&self) -> &Path {
        &self.path
    }
    fn read(&self) -> Result<(Raw, Warnings)> {
        let reading = Reading { units: self.units, sheared: self.sheared, volume: self.volume, ..Reading::default() };
        nifti::read_with(&self.path, &reading).map(raw)
    }
}

impl Input for VolumeFile {
    fn path(&self) -> &Path {
        &self.path
    }
    fn origin(&self) -> Option<Origin> {
        let dicom = formats::volume_format(&self.path).is_ok_and(|format| format.key == "dicom");
        dicom.then(|| Origin { path: self.path.to_path_buf(), series: self.series.clone() })
    }
    fn read(&self) -> Result<(Raw, Warnings)> {
        let Self { units, sheared, volume, series, .. } = self.clone();
        let reading = Reading { units, sheared, volume, series };
        formats::read_volume(&self.path, &reading).map(raw)
    }
}

impl Input for DicomFolder {
    fn path(&self) -> &Path {
        &self.path
    }
    fn origin(&self) -> Option<Origin> {
        Some(Origin { path: self.path.to_path_buf(), series: self.series.clone() })
    }
    fn read(&self) -> Result<(Raw, Warnings)> {
        let reading = Reading { units: self.units, sheared: self.sheared, series: self.series.clone(), volume: None };
        dicom::read_with(&self.path, &reading).map(raw)
    }
}

/// The load stage.
#[derive(Debug, Clone, PartialEq)]
pub struct Load {
    /// The source of the object and its preparation.
    pub config: OneOf<SourceKind, Preparation>,
}

impl Stage for Load {
    type Input<'a> = ();
    type Output<'a> = Object<'a>;
    const NAME: &'static str = "load";

    fn work<'a>(&'a self, (): (), context: &'a Context) -> Result<Object<'a>> {
        let inputs = Inputs::of(&self.config)?;
        let key = context.key(Self::NAME, &inputs, &[])?;
        let files = inputs.files().to_vec();
        let origin = self.config.kind.as_part().origin();
        Ok(Object::new(key, files, origin, move || context.stage(Self::NAME, || self.read(&inputs, context))))
    }
}

impl Load {
    fn read(&self, inputs: &Inputs, context: &Context) -> Result<Content> {
        context.fresh();
        let (content, warnings) = self.content()?;
        inputs.check_unchanged()?;
        context.warn_all(&warnings);
        Ok(content)
    }

    /// Reads and prepares the object.
    ///
    /// # Errors
    /// The error of the format's reader, or a preparation that does not apply to the object.
    pub fn content(&self) -> Result<(Content, Warnings)> {
        let task = progress::begin(&format!("load {}", self.config.kind.name()), None);
        let (raw, mut warnings) = self.config.kind.as_part().read()?;
        let content = match raw {
            Raw::Phantom(phantom) => {
                self.config.keys.refuse_for_phantom()?;
                Content::Phantom(phantom)
            }
            Raw::Voxels(loaded) => {
                warnings.extend(preparation::implausible(&loaded.volume));
                let prepared =
                    self.config.keys.prepare(loaded.volume, MU_WATER_PER_MM).map_err(|error| error.under("load"))?;
                let (volume, laid_down) = plane::in_own_plane(prepared)?;
                let (lay, said) = laid_down.unzip();
                warnings.extend(said);
                Content::Voxels(volume, lay)
            }
        };
        task.end();
        Ok((content, warnings))
    }
}
