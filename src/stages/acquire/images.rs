//! Camera pictures in place of projections: a `transforms.json` file or a COLMAP model, and the pictures it names.

use crate::context::{Context, InputFile, Inputs, hash_file};
use crate::data::{Grid, Pictures, Shot};
use crate::error::{Error, Result};
use crate::formats::pictures::{CameraFile, Frame, colmap, transforms};
use crate::input_path::InputPath;
use crate::progress;
use crate::stages::flow::Scene;
use crate::stages::{Stage, grid};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Number of voxels along the longest axis of the default grid for a density.
const VOXELS: usize = 64;
/// Without a file of held-out cameras, one picture in this many is held out.
const EVERY: usize = 8;

/// Camera pictures and the files that describe their cameras. Give `transforms`, or `colmap` and `pictures`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ImageFiles {
    /// File of the training cameras and the names of their pictures: transforms_train.json in the format of Blender,
    /// nerfstudio and instant-ngp.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transforms: Option<InputPath>,
    /// File of the held-out cameras, in the same format. Default: every eighth of the training cameras is held out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_out: Option<InputPath>,
    /// Folder of a COLMAP text model (cameras.txt, images.txt, points3D.txt), in place of `transforms`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub colmap: Option<InputPath>,
    /// Folder of the pictures that the COLMAP model names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pictures: Option<InputPath>,
}

impl ImageFiles {
    /// The file or folder that describes the cameras.
    #[must_use]
    pub fn source(&self) -> &Path {
        self.transforms.as_deref().or(self.colmap.as_deref()).unwrap_or(Path::new(""))
    }

    /// Requires exactly one description of the cameras.
    ///
    /// # Errors
    /// [`Error::Config`].
    pub fn check(&self) -> Result<()> {
        match (&self.transforms, &self.colmap, &self.pictures) {
            (Some(_), None, None) => Ok(()),
            (None, Some(_), Some(_)) if self.held_out.is_none() => Ok(()),
            _ => Err(Error::config(
                "images",
                "expected `transforms` (with `held_out` or without), or `colmap` and `pictures`",
            )),
        }
    }

    fn read(&self) -> Result<CameraFile> {
        match (&self.transforms, &self.colmap, &self.pictures) {
            (Some(file), ..) => transforms::read(file),
            (None, Some(model), Some(pictures)) => colmap::read(model, pictures),
            _ => self.check().and_then(|()| transforms::read(self.source())),
        }
    }

    /// Training frames and held-out frames, each with their camera file.
    fn frames(&self) -> Result<[(CameraFile, Vec<Frame>); 2]> {
        let file = self.read()?;
        if let Some(held) = &self.held_out {
            let held = transforms::read(held)?;
            let (training, apart) = (file.frames.clone(), held.frames.clone());
            return Ok([(file, training), (held, apart)]);
        }
        let numbered = || file.frames.iter().cloned().enumerate();
        let apart = |i: usize| file.frames.len() > 1 && i % EVERY == EVERY / 2;
        let training = numbered().filter(|(i, _)| !apart(*i)).map(|(_, frame)| frame).collect();
        let held = numbered().filter(|(i, _)| apart(*i)).map(|(_, frame)| frame).collect();
        Ok([(file.clone(), training), (file, held)])
    }
}

/// The acquire stage for camera pictures.
#[derive(Debug, Clone, PartialEq)]
pub struct AcquireImages {
    /// Files of the pictures and cameras.
    pub files: ImageFiles,
    /// Grid on which a density is sampled; default: 64 voxels along the longest axis of the object's box.
    pub grid: Option<grid::Config>,
}

impl Stage for AcquireImages {
    type Input<'a> = ();
    type Output<'a> = Scene;
    const NAME: &'static str = "acquire";

    fn work<'a>(&'a self, (): (), context: &'a Context) -> Result<Scene> {
        let inputs = Inputs::of(&(&self.files, &self.grid))?;
        let parts = self.files.frames()?;
        let named = |path: &Path| -> Result<InputFile> {
            let (blake3, bytes) = hash_file(path)?;
            Ok(InputFile { path: path.to_path_buf(), blake3, bytes })
        };
        let pictures: Vec<InputFile> =
            parts.iter().flat_map(|(_, frames)| frames).map(|frame| named(&frame.picture)).collect::<Result<_>>()?;
        progress::cover_files(self.files.source(), pictures.iter().map(|file| file.path.as_path()));
        let hashes: Vec<&str> = pictures.iter().map(|file| file.blake3.as_str()).collect();
        let key = context.key(Self::NAME, &(&inputs, hashes), &[])?;
        context.fresh();
        let pictures_read = self.read(&parts)?;
        inputs.check_unchanged()?;
        let inputs = [inputs.files(), &pictures].concat();
        Ok(Scene { key, inputs, pictures: pictures_read, files: Vec::new() })
    }
}

impl AcquireImages {
    /// Reads pictures and cameras, for `recon check`.
    ///
    /// # Errors
    /// Every error that a run would give.
    pub fn plan(&self) -> Result<Pictures> {
        self.read(&self.files.frames()?)
    }

    fn read(&self, parts: &[(CameraFile, Vec<Frame>); 2]) -> Result<Pictures> {
        let task = progress::begin("acquire", None);
        let shots = |(file, frames): &(CameraFile, Vec<Frame>)| -> Result<Vec<Shot>> {
            frames.iter().map(|frame| file.shot(frame)).collect()
        };
        let file = &parts[0].0;
        let cube = Grid::centered([VOXELS; 3], [file.edge_mm() / VOXELS as f64; 3], file.center_mm())?;
        let grid = match &self.grid {
            Some(grid) => grid.over(&cube).map_err(|error| error.under("grid"))?,
            None => cube,
        };
        let pictures = Pictures::new(grid, shots(&parts[0])?, shots(&parts[1])?).map_err(|error| match error {
            Error::Input { place, problem, hint } => {
                Error::input(self.files.source(), format!("{}: {problem}", place.display())).hint(hint)
            }
            other => other,
        })?;
        task.end();
        Ok(pictures)
    }
}
