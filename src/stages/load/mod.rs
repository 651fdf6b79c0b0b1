//! load: the object to scan, from an analytic phantom, a NIfTI file or a DICOM series.

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
use crate::formats::{Loaded, dicom, nifti};
use crate::input_path::InputPath;
use crate::phantoms::Phantom;
use crate::progress;
use crate::registry::{Kinds, OneOf};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::Path;

crate::kinds! {
    /// Where the object comes from.
    pub enum SourceKind: "input" => dyn Input {
        /// An analytic phantom.
        phantom => Phantom(PhantomFile),
        /// A NIfTI volume.
        nifti => Nifti(NiftiFile),
        /// A DICOM CT series.
        dicom => Dicom(DicomFolder),
    }
}

/// One way to get an object.
pub trait Input {
    /// The file or folder it is read from.
    fn path(&self) -> &Path;
    /// Reads it, as it is.
    ///
    /// # Errors
    /// What the format's reader says.
    fn read(&self) -> Result<(Raw, Warnings)>;
    /// The DICOM series it is.
    fn origin(&self) -> Option<Origin> {
        None
    }
    /// Whether it may be a person, whose identity must be guarded.
    fn may_be_a_person(&self) -> bool {
        true
    }
}

/// What a reader gave, before it is prepared.
pub enum Raw {
    /// An analytic object.
    Phantom(Phantom),
    /// Voxels in the file's quantity.
    Voxels(Box<Loaded>),
}

/// An analytic phantom: solids with densities relative to water.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PhantomFile {
    /// Its YAML file, such as phantoms/shepp-logan.yaml.
    pub file: InputPath,
    /// Which member of a family: the seed of its `jitter`. Default: the file's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
}

/// A NIfTI volume (.nii or .nii.gz).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NiftiFile {
    /// The file.
    pub path: InputPath,
    /// What its numbers are.
    #[serde(default = "hounsfield")]
    pub units: nifti::Units,
}

fn hounsfield() -> nifti::Units {
    nifti::Units::Hounsfield
}

/// A folder with a DICOM CT series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DicomFolder {
    /// The folder.
    pub path: InputPath,
    /// SeriesInstanceUID, needed if the folder holds several series.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series: Option<String>,
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
        let mut loaded = nifti::read(&self.path, self.units)?;
        let warnings = std::mem::take(&mut loaded.warnings);
        Ok((Raw::Voxels(Box::new(loaded)), warnings))
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
        let mut loaded = dicom::read_series(&self.path, self.series.as_deref())?;
        let warnings = std::mem::take(&mut loaded.warnings);
        Ok((Raw::Voxels(Box::new(loaded)), warnings))
    }
}

/// The stage.
#[derive(Debug, Clone, PartialEq)]
pub struct Load {
    /// What to load and how to prepare it.
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
    /// What the format's reader says; a preparation that the object cannot have.
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
                // A slice that was laid down has lost its place in the patient.
                let placed = laid_down.is_none();
                warnings.extend(laid_down);
                Content::Voxels(volume, placed)
            }
        };
        task.end();
        Ok((content, warnings))
    }
}
