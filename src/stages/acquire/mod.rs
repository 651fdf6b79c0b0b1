//! acquire: reads measured projections, instead of load and simulate.
//!
//! The values of a file become the line integrals of a scan: division by the open beam, replacement of dead pixels and
//! zingers, binning, logarithm, levelling of air. The axis of rotation is given or found. A preflight checks at an
//! early stage whether the data and the scan can be what the pipeline says. There is no ground truth: methods are
//! evaluated by their residual on the data.

mod axis;
mod calibrate;
mod calibration;
mod correction;
mod defects;
mod field_of_view;
mod header;
pub mod images;
mod input;
mod kinds;
mod layout;
mod posed;
mod preflight;
mod prepared;
mod scan;
mod scanners;
mod setup;
mod trial;

pub use calibrate::Parameter;
pub use correction::{AutoHardening, Corrections, Hardening};
pub use input::{Hdf5File, Input, MatFile, NpyStack, Stack, TiffStack};
pub use kinds::MeasuredKind;
pub use scanners::{
    AstraFile, MetaImageStack, NexusFile, NikonScan, PhoenixScan, RawFile, ScanFolder, SkyscanScan, ZeissFile,
};
pub use setup::{AngleUnit, Auto, Axis, FirstRow, Preflight, Setup, Values};

use super::Stage;
use super::flow::Acquisition;
use super::{grid, held_out};
use crate::context::layout::{CALIBRATION, GEOMETRY, POSES, PROJECTIONS};
use crate::context::{Context, Inputs, StageOutput};
use crate::data::{Geometry, Grid, Projections, Quantity, Warnings};
use crate::error::{Error, Result};
use crate::formats::{self, atomic, npy};
use crate::geometries::GeometryKind;
use crate::progress::{self, StopSignal};
use crate::registry::OneOf;
use prepared::{Calibration, Prepared};
use serde::{Deserialize, Serialize};

/// The acquire stage for X-ray projections.
#[derive(Debug, Clone, PartialEq)]
pub struct Acquire {
    /// Source of the data, and settings for their conversion to line integrals.
    pub config: OneOf<MeasuredKind, Setup>,
    /// Reconstruction grid; default: the field of view, with voxels of the size of a pixel at the axis.
    pub grid: Option<grid::Config>,
}

/// Values that the cache record keeps beside the files.
#[derive(Serialize, Deserialize)]
struct Sidecar {
    grid: Grid,
    mu_water: f64,
    files: Vec<String>,
}

/// Grid and scan of the measured data, for `recon check`.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// Reconstruction grid.
    pub grid: Grid,
    /// The scan.
    pub geometry: Geometry,
    /// Warnings that a run would give.
    pub warnings: Warnings,
}

impl Stage for Acquire {
    type Input<'a> = ();
    type Output<'a> = Acquisition;
    const NAME: &'static str = "acquire";

    fn work<'a>(&'a self, (): (), context: &'a Context) -> Result<Acquisition> {
        let inputs = Inputs::of(&(&self.config, &self.grid))?;
        let key = context.key(Self::NAME, &inputs, &[])?;
        let kept = context.cached(Self::NAME, &key, || self.acquire(&inputs, context))?;
        let geometry = formats::geometry::read(&context.folder.path(GEOMETRY))?;
        let projections = npy::read_projections(&context.folder.path(PROJECTIONS), geometry)?;
        let held_out = self.config.keys.held_out.map(|_| held_out::read(context)).transpose()?;
        let Sidecar { grid, mu_water, files } = kept.value;
        Ok(Acquisition {
            key,
            inputs: inputs.files().to_vec(),
            files,
            projections,
            held_out,
            grid,
            truth: None,
            object: None,
            mu_water,
            quantity: self.quantity(),
            origin: None,
            laid_down: None,
        })
    }
}

impl Acquire {
    /// Refuses invalid keys.
    ///
    /// # Errors
    /// [`Error::Config`] with the key and the expected value.
    pub fn check(&self) -> Result<()> {
        let needs_geometry = !self.config.kind.as_part().knows_the_scan();
        self.config.keys.check(needs_geometry).map_err(|error| error.under(Self::NAME))
    }

    /// Reads and prepares the data, including the preflight.
    ///
    /// # Errors
    /// Every error that a run would give before its first method.
    pub fn plan(&self, stop: &dyn StopSignal) -> Result<Planned> {
        let Prepared { projections, grid, warnings, .. } = self.prepared(stop)?;
        Ok(Planned { grid, geometry: projections.geometry, warnings })
    }

    /// HU if the attenuation of water is known, otherwise attenuation (1/mm).
    fn quantity(&self) -> Quantity {
        if self.config.keys.mu_water_per_mm.is_some() { Quantity::Hounsfield } else { Quantity::Attenuation }
    }

    fn acquire(&self, inputs: &Inputs, context: &Context) -> Result<StageOutput<Sidecar>> {
        let made = self.prepared(context.stop_signal())?;
        inputs.check_unchanged()?;
        context.warn_all(&made.warnings);
        npy::write_projections(&context.folder.path(PROJECTIONS), &made.projections)?;
        formats::geometry::write(&context.folder.path(GEOMETRY), &made.projections.geometry)?;
        if let Some(held_out) = &made.held_out {
            held_out::write(held_out, context)?;
        }
        let mut files = files(made.held_out.as_ref());
        if let Some(calibration) = &made.calibration {
            files.extend(written(calibration, context)?);
        }
        let value = Sidecar { grid: made.grid, mu_water: made.mu_water, files: files.clone() };
        Ok(StageOutput { value, files, seconds_before: 0.0 })
    }

    fn prepared(&self, stop: &dyn StopSignal) -> Result<Prepared> {
        self.check()?;
        let task = progress::begin("acquire", None);
        let input = self.config.kind.as_part();
        let mut frames = input.read(self.config.keys.rows().as_ref())?;
        let keys = Setup { first_row: Some(self.first_row(input)), ..self.config.keys.clone() };
        if keys.first_row == Some(FirstRow::Top) {
            frames.turn_rows();
        }
        let keys = header::completed(&keys, &frames, input.path())?;
        let made = prepared::prepare(frames, &keys, self.grid.as_ref(), input.path(), stop)?;
        task.end();
        Ok(made)
    }

    /// As configured, otherwise as usual in the format. With poses it is `Bottom`, because they define the direction of
    /// the rows.
    fn first_row(&self, input: &dyn input::Input) -> FirstRow {
        let posed = self.config.keys.geometry.as_ref().is_some_and(|scan| matches!(scan.kind, GeometryKind::Poses(_)));
        self.config.keys.first_row.unwrap_or(if posed { FirstRow::Bottom } else { input.first_row() })
    }
}

/// Writes the result of a calibration; returns the names of the files, relative to the run folder.
fn written(calibration: &Calibration, context: &Context) -> Result<Vec<String>> {
    let path = context.folder.path(CALIBRATION);
    let text = serde_json::to_string_pretty(&calibration.record)
        .map_err(|error| Error::resource(path.display().to_string(), error))?;
    atomic::write(&path, (text + "\n").as_bytes())?;
    let mut files = vec![CALIBRATION.to_string()];
    if let Some(poses) = &calibration.poses {
        formats::geometry::write(&context.folder.path(POSES), poses)?;
        files.push(POSES.to_string());
    }
    Ok(files)
}

fn files(held_out: Option<&Projections>) -> Vec<String> {
    let scan = [PROJECTIONS, GEOMETRY].map(str::to_string);
    scan.into_iter().chain(held_out.into_iter().flat_map(held_out::files)).collect()
}

/// Error for a finding that stops the run.
fn refusal(place: &std::path::Path, code: &str, message: &str) -> Error {
    Error::input(place, format!("{code}: {message}")).hint("if the preflight is wrong, `preflight: warn` goes on")
}
