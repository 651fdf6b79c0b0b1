//! Simulation of camera pictures in place of projections, from the object's transfer function and light. The pictures
//! are 8-bit PNG files, the camera files `transforms_train.json` and `transforms_test.json`, which other programs for
//! neural rendering can read. The methods are given what is read back from these files.

use crate::appearance::{self, Caster};
use crate::cameras::{CameraKind, Lens, Placed};
use crate::context::layout::{HELD_OUT_CAMERAS, PICTURES, TRAINING_CAMERAS};
use crate::context::{Context, Inputs, StageOutput};
use crate::data::{Camera, Grid, MU_WATER_PER_MM, Pictures, Shot, Volume};
use crate::error::{Error, Result};
use crate::formats::pictures::{self, transforms};
use crate::progress;
use crate::registry::OneOf;
use crate::stages::flow::{Content, Object, Scene};
use crate::stages::{Stage, grid};
use serde::{Deserialize, Serialize};

/// Number of voxels along the longest axis of the default grid for a density.
const VOXELS: usize = 64;
/// Samples per voxel edge when a phantom is sampled on a grid.
const SUPERSAMPLING: usize = 2;
/// Subfolders of [`PICTURES`] and their camera files: training, held-out.
const PARTS: [(&str, &str); 2] = [("train", TRAINING_CAMERAS), ("test", HELD_OUT_CAMERAS)];

/// The simulate stage for camera pictures.
#[derive(Debug, Clone, PartialEq)]
pub struct Photograph {
    /// Positions of the cameras.
    pub cameras: OneOf<CameraKind, Lens>,
    /// Appearance of the object.
    pub appearance: appearance::Config,
    /// Grid on which a density is sampled; default: 64 voxels along the object's longest axis.
    pub grid: Option<grid::Config>,
}

/// Values that the cache record keeps beside its files.
#[derive(Serialize, Deserialize)]
struct Sidecar {
    grid: Grid,
    files: Vec<String>,
}

impl Stage for Photograph {
    type Input<'a> = &'a Object<'a>;
    type Output<'a> = Scene;
    const NAME: &'static str = "simulate";

    fn work<'a>(&'a self, object: &'a Object<'a>, context: &'a Context) -> Result<Scene> {
        let inputs = Inputs::of(&(&self.cameras, &self.appearance, &self.grid))?;
        let key = context.key(Self::NAME, &inputs, &[&object.key])?;
        let kept = context.cached(Self::NAME, &key, || {
            let made = self.photograph(object.content()?, context)?;
            inputs.check_unchanged().map(|()| made)
        })?;
        let Sidecar { grid, files } = kept.value;
        let [training, held_out] = PARTS.map(|(_, list)| {
            let list = format!("{PICTURES}/{list}");
            // A list that is not of this run, such as the held-out cameras of an earlier one, is not read.
            if files.contains(&list) { read(&context.folder.path(&list)) } else { Ok(Vec::new()) }
        });
        let pictures = Pictures::new(grid, training?, held_out?)?;
        Ok(Scene { key, inputs: [object.files.as_slice(), inputs.files()].concat(), pictures, files })
    }
}

/// The pictures of a camera file.
fn read(path: &std::path::Path) -> Result<Vec<Shot>> {
    let file = transforms::read(path)?;
    file.frames.iter().map(|frame| file.shot(frame)).collect()
}

impl Photograph {
    /// Grid of the density and the cameras, without rendering.
    ///
    /// # Errors
    /// Invalid keys, a 2-D object, or a camera file that cannot be read.
    pub fn plan(&self, content: &Content, seed: u64) -> Result<(Grid, Placed)> {
        self.appearance.check().map_err(|error| error.under("simulate.appearance"))?;
        let bounds = content.bounds()?;
        if bounds.is_2d() {
            return Err(Error::config("simulate.cameras", "expected an object in space, got a slice"));
        }
        let grid = match &self.grid {
            Some(grid) => grid.over(&bounds).map_err(|error| error.under("grid"))?,
            None => even(&bounds, VOXELS)?,
        };
        if grid.is_2d() {
            return Err(Error::config("grid", "expected a grid in space, got a slice"));
        }
        Ok((grid, self.placed(&bounds, seed)?))
    }

    fn placed(&self, bounds: &Grid, seed: u64) -> Result<Placed> {
        let (kind, lens) = (&self.cameras.kind, &self.cameras.keys);
        let CameraKind::File(files) = kind else {
            return lens.place(kind, bounds, seed).map_err(|error| error.under("simulate.cameras"));
        };
        let all = |path: &std::path::Path| -> Result<Vec<Camera>> {
            let file = transforms::read(path)?;
            file.frames.iter().map(|frame| file.camera(frame, lens.pixels)).collect()
        };
        let cameras = all(&files.transforms)?;
        if let Some(held) = &files.held_out {
            return Ok(Placed { training: cameras, held_out: all(held)? });
        }
        let apart = |i: usize| cameras.len() > 1 && i % 8 == 4;
        let part = |wanted: bool| {
            let chosen = cameras.iter().enumerate().filter(|(i, _)| apart(*i) == wanted);
            chosen.map(|(_, camera)| camera.clone()).collect()
        };
        Ok(Placed { training: part(false), held_out: part(true) })
    }

    fn photograph(&self, content: &Content, context: &Context) -> Result<StageOutput<Sidecar>> {
        let (grid, placed) = self.plan(content, context.seed)?;
        let bounds = content.bounds()?;
        let volume = self.volume(content, &bounds)?;
        let caster = Caster::new(&volume, &self.appearance);
        let mut files = Vec::new();
        let mut drawn = 0;
        let total = placed.training.len() + placed.held_out.len();
        let task = progress::begin("simulate", Some(total as u64));
        context.folder.make(PICTURES)?;
        for ((part, list), cameras) in PARTS.into_iter().zip([&placed.training, &placed.held_out]) {
            if cameras.is_empty() {
                continue;
            }
            context.folder.make(&format!("{PICTURES}/{part}"))?;
            let names: Vec<String> = (0..cameras.len()).map(|i| format!("./{part}/r_{i}")).collect();
            for (i, camera) in cameras.iter().enumerate() {
                context.stop_signal().check_stop()?;
                let file = format!("{PICTURES}/{part}/r_{i}.png");
                pictures::write(&context.folder.path(&file), &caster.picture(camera)?)?;
                files.push(file);
                drawn += 1;
                progress::advance(drawn, &[]);
            }
            let file = format!("{PICTURES}/{list}");
            let edge = 2.0 * bounds.half_extent();
            transforms::write(&context.folder.path(&file), &names, cameras, bounds.center(), edge)?;
            files.push(file);
        }
        task.end();
        Ok(StageOutput { value: Sidecar { grid, files: files.clone() }, files, seconds_before: 0.0 })
    }

    /// The object as voxels, HU.
    fn volume(&self, content: &Content, bounds: &Grid) -> Result<Volume> {
        let attenuation = match content {
            Content::Phantom(phantom) => {
                let grid = even(bounds, self.appearance.voxels)?;
                phantom.rasterise(&grid, MU_WATER_PER_MM, SUPERSAMPLING)
            }
            Content::Voxels(volume, _) => volume.clone(),
        };
        Ok(attenuation.to_hounsfield(MU_WATER_PER_MM))
    }
}

/// Grid of nearly cubic voxels over a box, with `voxels` along its longest axis.
fn even(bounds: &Grid, voxels: usize) -> Result<Grid> {
    let extent = bounds.extent();
    let longest = extent.iter().copied().fold(0.0, f64::max);
    bounds.with_shape(extent.map(|mm| ((mm / longest * voxels as f64).round() as usize).max(2)))
}
