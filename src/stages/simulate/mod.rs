//! simulate: what a scanner would have measured of the object, and the truth on the grid of the reconstructions.
//!
//! No inverse crime: phantoms are projected by exact line integrals, voxels on their own finer grid; each detector
//! pixel averages the intensities of its sub-rays; the truth is averaged down. With a spectrum each ray is hardened by
//! what it meets. The projections then pass the detector (docs/physics.md has the order of its effects).

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
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Most voxels along an axis of the grid on which an object's outline is looked at.
const OUTLINE: usize = 96;
/// Samples per voxel edge when a phantom is rasterised.
const SUPERSAMPLING: usize = 4;

/// The scanner.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The scan: orbit and detector. Either this, or `cameras` for pictures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub geometry: Option<OneOf<GeometryKind>>,
    /// Where cameras stand that take pictures in place of projections.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cameras: Option<OneOf<CameraKind, Lens>>,
    /// What the object looks like in these pictures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub appearance: Option<appearance::Config>,
    /// The spectrum of the source; one energy without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spectrum: Option<OneOf<SpectrumKind, Detection>>,
    /// Photons that scatter onto the detector.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scatter: Option<ScatterConfig>,
    /// Changes of the flux from view to view.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flux_drift: Option<DriftConfig>,
    /// The noise of the detector; ideal line integrals without it.
    #[serde(default)]
    pub noise: Option<NoiseConfig>,
    /// Blur and crosstalk of the detector.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blur: Option<BlurConfig>,
    /// Pixels, rows and columns that do not read what falls on them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bad_pixels: Option<BadPixelsConfig>,
    /// Undoes beam hardening as far as everything is water.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub water_precorrection: Option<PrecorrectionConfig>,
    /// Rays averaged in each detector pixel, [rows, columns] (a 2-D scan has one row).
    #[serde(default = "two_by_two")]
    pub subrays: [usize; 2],
    /// Number of further views, halfway between those of the scan, that no method is given: their ideal line integrals
    /// judge what each method's volume shows from there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_out: Option<usize>,
}

impl Config {
    /// The scan of a simulation of projections.
    ///
    /// # Errors
    /// [`Error::Config`] where there is none.
    pub fn scan(&self) -> Result<&OneOf<GeometryKind>> {
        let missing = || {
            Error::config("simulate", "missing field `geometry`")
                .hint("add `geometry` for projections, or `cameras` for pictures")
        };
        self.geometry.as_ref().ok_or_else(missing)
    }

    /// Refuses keys that mean nothing to what is simulated: projections or pictures.
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
        let others = [
            ("geometry", self.geometry.is_some()),
            ("spectrum", self.spectrum.is_some()),
            ("scatter", self.scatter.is_some()),
            ("flux_drift", self.flux_drift.is_some()),
            ("noise", self.noise.is_some()),
            ("blur", self.blur.is_some()),
            ("bad_pixels", self.bad_pixels.is_some()),
            ("water_precorrection", self.water_precorrection.is_some()),
            ("held_out", self.held_out.is_some()),
        ];
        match others.into_iter().find(|(_, set)| *set) {
            Some((key, _)) => {
                let hint = if key == "held_out" { "write it below `cameras`" } else { "remove it" };
                Err(Error::config(format!("simulate.{key}"), "means nothing to `cameras`").hint(hint))
            }
            None => Ok(()),
        }
    }
}

fn two_by_two() -> [usize; 2] {
    [2, 2]
}

/// The stage.
#[derive(Debug, Clone, PartialEq)]
pub struct Simulate {
    /// The scanner.
    pub config: Config,
    /// The grid to reconstruct on; default: that of a voxel object at half its shape.
    pub grid: Option<grid::Config>,
}

/// What the record keeps beside its files: the grids exactly (NIfTI has them in f32).
#[derive(Serialize, Deserialize)]
struct Sidecar {
    grid: Grid,
    /// Where the object lay in its file, if it was turned.
    #[serde(default)]
    laid_down: Option<LaidDown>,
    /// The voxels that were integrated, if the object is voxels.
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

impl Simulate {
    /// The grid to reconstruct on and the scan, without the work.
    ///
    /// # Errors
    /// A grid or scan that the object cannot have.
    pub fn plan(&self, content: &Content) -> Result<(Grid, Geometry)> {
        let bounds = content.bounds()?;
        let grid = match (&self.grid, content) {
            (Some(grid), _) => grid.over(&bounds).map_err(|error| error.under("grid"))?,
            (None, Content::Voxels(..)) => bounds.with_shape(bounds.shape.map(|n| if n > 3 { n / 2 } else { n }))?,
            (None, Content::Phantom(_)) => {
                return Err(Error::config("grid", "a phantom has no voxels of its own")
                    .hint("add `grid: {shape: [64, 64, 64]}`"));
            }
        };
        // A phantom has no voxels: an automatic detector is made for those of the reconstruction.
        let volume = match content {
            Content::Phantom(_) => {
                let along = |k: usize| (bounds.extent()[k] / grid.spacing[k]).round().max(1.0) as usize;
                bounds.with_shape(if bounds.is_2d() { [1, along(1), along(2)] } else { [0, 1, 2].map(along) })?
            }
            Content::Voxels(..) => bounds,
        };
        let geometry =
            scan::geometry(&self.config.scan()?.kind, &volume).map_err(|error| error.under("simulate.geometry"))?;
        if self.config.subrays.contains(&0) || self.config.subrays.iter().any(|&n| n > 16) {
            return Err(Error::config(
                "simulate.subrays",
                format!("expected 1 to 16 along each side, got {:?}", self.config.subrays),
            ));
        }
        self.config.beam()?;
        self.config
            .effects()
            .check(geometry.detector.rows, geometry.detector.columns)
            .map_err(|error| error.under("simulate"))?;
        self.unseen(content, &geometry)?;
        Ok((grid, geometry))
    }

    /// The views that are held out, if any are.
    ///
    /// # Errors
    /// More than there are places between the views; a scan from a file.
    fn unseen(&self, content: &Content, scan: &Geometry) -> Result<Option<Geometry>> {
        let Some(count) = self.config.held_out else { return Ok(None) };
        let kind = &self.config.scan()?.kind;
        between::between(kind, &content.bounds()?, scan, count).map(Some).map_err(|error| error.under("simulate"))
    }

    /// What the run should know of this scan of this object: truncation, an inverse crime. The object is looked at on
    /// `grid`, or on fewer voxels where that has many: this is asked before the work.
    ///
    /// # Errors
    /// A grid that is turned against the object's.
    pub fn concerns(content: &Content, grid: &Grid, geometry: &Geometry) -> Result<crate::data::Warnings> {
        let coarse = grid.with_shape(grid.shape.map(|n| n.min(OUTLINE)))?;
        let outline = match content {
            Content::Phantom(phantom) => phantom.rasterise(&coarse, MU_WATER_PER_MM, 1),
            Content::Voxels(volume, _) => volume.resampled(&coarse)?,
        };
        Ok(warnings::of(content, grid, &outline, geometry))
    }

    /// The object on the grid of the reconstructions, attenuation (1/mm).
    ///
    /// # Errors
    /// A grid that is turned against the object's.
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
        if let Some(held_out) = &held_out {
            held_out::write(held_out, context)?;
        }
        nifti::write(&context.folder.path(TRUTH), &truth.to_hounsfield(MU_WATER_PER_MM), "truth, HU")?;
        npy::write_projections(&context.folder.path(PROJECTIONS), &measured)?;
        formats::geometry::write(&context.folder.path(GEOMETRY), &geometry)?;
        let (laid_down, voxels) = match content {
            Content::Voxels(volume, laid_down) => (*laid_down, Some(volume.grid.clone())),
            Content::Phantom(_) => (None, None),
        };
        let mu_water = scanner::mu_water(beam.as_ref());
        let files = files(held_out.as_ref());
        Ok(StageOutput { value: Sidecar { grid, laid_down, voxels, mu_water }, files, seconds_before: 0.0 })
    }

    /// Line integrals of the object as its beam sees them, without the effects of the detector.
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
