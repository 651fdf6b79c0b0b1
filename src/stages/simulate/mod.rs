//! simulate: simulates the projections of the object, and samples the ground truth on the reconstruction grid.
//!
//! Inverse crimes are avoided: phantoms are projected by exact line integrals, voxels on their own finer grid; each
//! detector pixel averages the intensities of its sub-rays; the ground truth is averaged over the larger voxels. With a
//! spectrum, beam hardening follows from the materials along each ray. The effects of the detector are applied to the
//! projections (docs/physics.md has their order).

pub mod pictures;
mod projecting;
mod scanner;
mod warnings;

use super::Stage;
use super::flow::{Acquisition, Content, LaidDown, Object};
use super::{grid, held_out, scan};
use crate::appearance;
use crate::cameras::{CameraKind, Lens};
use crate::context::layout::{GEOMETRY, PROJECTIONS, TRUTH};
use crate::context::{Context, Inputs, StageOutput};
use crate::data::{Geometry, Grid, MU_WATER_PER_MM, Projections, Quantity, Volume};
use crate::error::{Error, Result};
use crate::formats::{self, nifti, npy};
use crate::geometries::{GeometryKind, between};
use crate::physics::{
    self, BadPixelsConfig, Beam, BlurConfig, Detection, DriftConfig, NoiseConfig, PrecorrectionConfig, ScatterConfig,
    SpectrumKind,
};
use crate::registry::OneOf;
use crate::require;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Largest number of voxels along an axis of the grid on which the object is checked for truncation.
const OUTLINE: usize = 96;
/// Samples per voxel edge when a phantom is sampled on a grid.
const SUPERSAMPLING: usize = 4;

/// Simulated scanner, or cameras.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Orbit and detector of the scan. Give either this or `cameras`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub geometry: Option<OneOf<GeometryKind>>,
    /// Positions of cameras that take pictures, in place of projections.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cameras: Option<OneOf<CameraKind, Lens>>,
    /// Appearance of the object in these pictures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub appearance: Option<appearance::Config>,
    /// Spectrum of the source. `null`: a single energy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spectrum: Option<OneOf<SpectrumKind, Detection>>,
    /// Scattered photons. `null`: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scatter: Option<ScatterConfig>,
    /// Variation of the flux from view to view. `null`: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flux_drift: Option<DriftConfig>,
    /// Noise of the detector. `null`: none.
    #[serde(default)]
    pub noise: Option<NoiseConfig>,
    /// Blur and crosstalk of the detector. `null`: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blur: Option<BlurConfig>,
    /// Pixels, rows and columns with wrong readings. `null`: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bad_pixels: Option<BadPixelsConfig>,
    /// Water precorrection: corrects beam hardening as if the object were all water. `null`: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub water_precorrection: Option<PrecorrectionConfig>,
    /// Number of rays averaged in each detector pixel, [rows, columns], each 1 to 16 (a 2-D scan has one row).
    #[serde(default = "two_by_two")]
    pub subrays: [usize; 2],
    /// Number of additional views, halfway between those of the scan, that no method is given. Methods are evaluated by
    /// how well their volumes predict the ideal line integrals of these views. `null`: 10 if `evaluate.views` is given,
    /// otherwise none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_out: Option<usize>,
}

impl Config {
    /// The scan, for a simulation of projections.
    ///
    /// # Errors
    /// [`Error::Config`] if no scan is given.
    pub fn scan(&self) -> Result<&OneOf<GeometryKind>> {
        let missing = || {
            Error::config("simulate", "missing field `geometry`")
                .hint("add `geometry` for projections, or `cameras` for pictures")
        };
        self.geometry.as_ref().ok_or_else(missing)
    }

    /// Refuses keys that do not apply to the simulated measurement, projections or pictures.
    ///
    /// # Errors
    /// [`Error::Config`] with the key.
    pub fn check_kind(&self) -> Result<()> {
        if self.cameras.is_none() {
            self.scan()?;
            return match self.appearance {
                Some(_) => Err(Error::config("simulate.appearance", "projections do not show how an object looks")
                    .hint("add `cameras` in place of `geometry`, or remove it")),
                None => Ok(()),
            };
        }
        match self.projection_keys().into_iter().find(|(_, set)| *set) {
            Some((key, _)) => {
                let hint = if key == "held_out" { "write it below `cameras`" } else { "remove it" };
                Err(Error::config(format!("simulate.{key}"), "does not apply to `cameras`").hint(hint))
            }
            None => Ok(()),
        }
    }

    /// The keys that apply to projections only, and whether they are set.
    fn projection_keys(&self) -> [(&'static str, bool); 9] {
        [
            ("geometry", self.geometry.is_some()),
            ("spectrum", self.spectrum.is_some()),
            ("scatter", self.scatter.is_some()),
            ("flux_drift", self.flux_drift.is_some()),
            ("noise", self.noise.is_some()),
            ("blur", self.blur.is_some()),
            ("bad_pixels", self.bad_pixels.is_some()),
            ("water_precorrection", self.water_precorrection.is_some()),
            ("held_out", self.held_out.is_some()),
        ]
    }
}

fn two_by_two() -> [usize; 2] {
    [2, 2]
}

/// The simulate stage for projections.
#[derive(Debug, Clone, PartialEq)]
pub struct Simulate {
    /// Settings of the scanner.
    pub config: Config,
    /// Reconstruction grid; default: the grid of a voxel object with half as many voxels per axis.
    pub grid: Option<grid::Config>,
}

/// Values that the cache record keeps beside its files: the grids in double precision (NIfTI stores them as f32).
#[derive(Serialize, Deserialize)]
struct Sidecar {
    grid: Grid,
    /// Original pose of the object, if it is a slice that was rotated.
    #[serde(default)]
    laid_down: Option<LaidDown>,
    /// Grid of the voxels that were integrated, for a voxel object.
    voxels: Option<Grid>,
    mu_water: f64,
}

impl Stage for Simulate {
    type Input<'a> = &'a Object<'a>;
    type Output<'a> = Acquisition;
    const NAME: &'static str = "simulate";

    fn work<'a>(&'a self, object: &'a Object<'a>, context: &'a Context) -> Result<Acquisition> {
        let inputs = Inputs::of(&(&self.config, &self.grid))?;
        let key = context.key(Self::NAME, &inputs, &[&object.key])?;
        let kept = context.cached(Self::NAME, &key, || {
            let made = self.simulate(object.content()?, context)?;
            inputs.check_unchanged().map(|()| made)
        })?;
        let projections = npy::read_projections(
            &context.folder.path(PROJECTIONS),
            formats::geometry::read(&context.folder.path(GEOMETRY))?,
        )?;
        let truth = nifti::read(&context.folder.path(TRUTH), nifti::Units::Hounsfield)?.volume;
        let Sidecar { grid, laid_down, voxels, mu_water } = kept.value;
        let held_out = self.config.held_out.map(|_| held_out::read(context)).transpose()?;
        let truth = Some(Volume::new(grid.clone(), truth.quantity, truth.voxels().to_owned())?);
        let inputs = [object.files.as_slice(), inputs.files()].concat();
        Ok(Acquisition {
            key,
            inputs,
            files: files(held_out.as_ref()),
            projections,
            held_out,
            grid,
            truth,
            object: voxels,
            mu_water,
            quantity: Quantity::Hounsfield,
            origin: object.origin.clone(),
            laid_down,
        })
    }
}

fn files(held_out: Option<&Projections>) -> Vec<String> {
    let scan = [TRUTH, PROJECTIONS, GEOMETRY].map(str::to_string);
    scan.into_iter().chain(held_out.into_iter().flat_map(held_out::files)).collect()
}

/// Writes the ground truth, the projections with their geometry, and the held-out views.
fn write(truth: &Volume, measured: &Projections, held_out: Option<&Projections>, context: &Context) -> Result<()> {
    if let Some(held_out) = held_out {
        held_out::write(held_out, context)?;
    }
    nifti::write(&context.folder.path(TRUTH), &truth.to_hounsfield(MU_WATER_PER_MM), "truth, HU")?;
    npy::write_projections(&context.folder.path(PROJECTIONS), measured)?;
    formats::geometry::write(&context.folder.path(GEOMETRY), &measured.geometry)
}

impl Simulate {
    /// Reconstruction grid and scan geometry, without simulating.
    ///
    /// # Errors
    /// A grid or scan that does not fit the object.
    pub fn plan(&self, content: &Content) -> Result<(Grid, Geometry)> {
        let bounds = content.bounds()?;
        let grid = self.lattice(content, &bounds)?;
        // A phantom has no voxels: the automatic detector size follows from the reconstruction grid's spacing.
        let volume = match content {
            Content::Phantom(_) => {
                let along = |k: usize| (bounds.extent()[k] / grid.spacing[k]).round().max(1.0) as usize;
                bounds.with_shape(if bounds.is_2d() { [1, along(1), along(2)] } else { [0, 1, 2].map(along) })?
            }
            Content::Voxels(..) => bounds,
        };
        let geometry =
            scan::geometry(&self.config.scan()?.kind, &volume).map_err(|error| error.under("simulate.geometry"))?;
        self.check_subrays()?;
        self.config.beam()?;
        self.config
            .effects()
            .check(geometry.detector.rows, geometry.detector.columns)
            .map_err(|error| error.under("simulate"))?;
        self.unseen(content, &geometry)?;
        Ok((grid, geometry))
    }

    /// The reconstruction grid over the object's grid `bounds`.
    fn lattice(&self, content: &Content, bounds: &Grid) -> Result<Grid> {
        match (&self.grid, content) {
            (Some(grid), _) => grid.over(bounds).map_err(|error| error.under("grid")),
            (None, Content::Voxels(..)) => bounds.with_shape(bounds.shape.map(|n| if n > 3 { n / 2 } else { n })),
            (None, Content::Phantom(_)) => {
                Err(Error::config("grid", "a phantom has no voxels of its own")
                    .hint("add `grid: {shape: [64, 64, 64]}`"))
            }
        }
    }

    /// Refuses numbers of sub-rays that are 0 or too large.
    fn check_subrays(&self) -> Result<()> {
        let subrays = &self.config.subrays;
        let possible = subrays.iter().all(|n| (1..=16).contains(n));
        require::holds(possible, "simulate.subrays", "1 to 16 along each side", format!("{subrays:?}"))
    }

    /// Geometry of the held-out views, if any.
    ///
    /// # Errors
    /// More held-out views than gaps between the views, or a scan from a file.
    fn unseen(&self, content: &Content, scan: &Geometry) -> Result<Option<Geometry>> {
        let Some(count) = self.config.held_out else { return Ok(None) };
        let kind = &self.config.scan()?.kind;
        between::between(kind, &content.bounds()?, scan, count).map(Some).map_err(|error| error.under("simulate"))
    }

    /// Warnings about the scan of this object: truncation, an inverse crime. To be fast, the object is sampled on
    /// `grid` with at most 96 voxels per axis.
    ///
    /// # Errors
    /// A grid that is rotated against the object's grid.
    pub fn concerns(content: &Content, grid: &Grid, geometry: &Geometry) -> Result<crate::data::Warnings> {
        let coarse = grid.with_shape(grid.shape.map(|n| n.min(OUTLINE)))?;
        let outline = match content {
            Content::Phantom(phantom) => phantom.rasterise(&coarse, MU_WATER_PER_MM, 1),
            Content::Voxels(volume, _) => volume.resampled(&coarse)?,
        };
        Ok(warnings::of(content, grid, &outline, geometry))
    }

    /// Ground truth: the object on the reconstruction grid, attenuation (1/mm).
    ///
    /// # Errors
    /// A grid that is rotated against the object's grid.
    pub fn truth(content: &Content, grid: &Grid) -> Result<Volume> {
        match content {
            Content::Phantom(phantom) => Ok(phantom.rasterise(grid, MU_WATER_PER_MM, SUPERSAMPLING)),
            Content::Voxels(volume, _) => volume.resampled(grid),
        }
    }

    fn simulate(&self, content: &Content, context: &Context) -> Result<StageOutput<Sidecar>> {
        let (grid, geometry) = self.plan(content)?;
        let truth = Self::truth(content, &grid)?;
        context.warn_all(&Self::concerns(content, &grid, &geometry)?);
        let beam = self.config.beam()?;
        let ideal = self.ideal(content, &geometry, beam.as_ref(), context)?;
        let held_out = self.unseen(content, &geometry)?;
        let held_out = held_out.map(|unseen| self.ideal(content, &unseen, beam.as_ref(), context)).transpose()?;
        let held_out = held_out.map(|ideal| self.config.precorrected(ideal, beam.as_ref())).transpose()?;
        let (measured, warnings) =
            physics::measure(ideal, &self.config.effects(), context.seed).map_err(|error| error.under("simulate"))?;
        context.warn_all(&warnings);
        let measured = self.config.precorrected(measured, beam.as_ref())?;
        write(&truth, &measured, held_out.as_ref(), context)?;
        let (laid_down, voxels) = match content {
            Content::Voxels(volume, laid_down) => (*laid_down, Some(volume.grid.clone())),
            Content::Phantom(_) => (None, None),
        };
        let mu_water = scanner::mu_water(beam.as_ref());
        let files = files(held_out.as_ref());
        Ok(StageOutput { value: Sidecar { grid, laid_down, voxels, mu_water }, files, seconds_before: 0.0 })
    }

    /// Line integrals of the object for its beam, without the effects of the detector.
    fn ideal(
        &self,
        content: &Content,
        geometry: &Geometry,
        beam: Option<&Beam>,
        context: &Context,
    ) -> Result<Projections> {
        let rays = projecting::Rays {
            content,
            beam: beam.zip(self.config.spectrum.as_ref().map(|spectrum| &spectrum.keys)),
            mu_water: scanner::mu_water(beam),
            subrays: self.config.subrays,
        };
        rays.project(geometry, context.stop_signal())
    }
}
