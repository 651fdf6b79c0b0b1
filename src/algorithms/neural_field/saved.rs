//! A fitted field, read from its checkpoint, to be evaluated on any grid: for example finer than the one of the fit, or
//! a part of it.

use super::Config;
use super::checkpoint::{self, Snapshot, fault};
use super::ensemble::Ensemble;
use super::weight_selection;
use crate::data::{Grid, Point, Quantity, Volume};
use crate::error::{Error, Result};
use crate::fields::coordinates::Coordinates;
use crate::fields::{Domain, Field};
use crate::progress::{self, StopSignal};
use crate::registry::Kinds;
use crate::tensors::{from_slice, to_vec, torch_error};
use tch::{Device, Kind, Tensor};

/// A field with its weights, or the members of an ensemble.
pub struct Fitted {
    config: Config,
    fields: Vec<Box<dyn Field>>,
    grid: Grid,
    mu_ref: f64,
    mu_water: f64,
    support: Option<Vec<bool>>,
    device: Device,
}

impl Fitted {
    /// Reads the bytes of a checkpoint.
    ///
    /// # Errors
    /// Bytes that are not a checkpoint of a neural field, or that have another format version.
    pub fn read(bytes: &[u8], device: Device) -> Result<Self> {
        let metadata = checkpoint::metadata(bytes)?;
        let entry = |key: &str| {
            metadata.get(key).map(String::as_str).ok_or_else(|| fault(format!("lacks `{key}` in its metadata")))
        };
        let config: Config = serde_json::from_str(entry("config")?).map_err(fault)?;
        let grid: Grid = serde_json::from_str(entry("grid")?).map_err(fault)?;
        let domain = Domain::of(&grid);
        let field = &config.field.kind;
        config.check_numbers().and_then(|()| field.named(field.as_part().check(&domain))).map_err(fault)?;
        let snapshot = Snapshot::decode(bytes, entry("identity")?)?;
        let names = match snapshot.ensemble.weights.len() {
            0 => vec!["field".to_string()],
            _ => (0..snapshot.ensemble.members).map(Ensemble::name).collect(),
        };
        let one = |name: &String| -> Result<Box<dyn Field>> {
            let field = config.field.kind.as_part().build(&domain, 0, (Kind::Float, device))?;
            weight_selection::put(field.parameters(), &snapshot.weights(name, field.parameters())?);
            Ok(field)
        };
        let fields: Vec<Box<dyn Field>> = names.iter().map(one).collect::<Result<_>>()?;
        if fields.is_empty() {
            return Err(fault("holds the weights of no field"));
        }
        if ![0, grid.voxels()].contains(&snapshot.support.len()) {
            let problem = format!("{} voxels of support, but its grid has {}", snapshot.support.len(), grid.voxels());
            return Err(fault(problem));
        }
        let support =
            (!snapshot.support.is_empty()).then(|| snapshot.support.iter().map(|inside| *inside > 0.0).collect());
        let number = |key: &str| -> Result<f64> {
            let value: f64 = entry(key)?.parse().map_err(fault)?;
            let fine = value.is_finite() && value > 0.0;
            if fine { Ok(value) } else { Err(fault(format!("expected a positive {key}, got {value}"))) }
        };
        Ok(Self { mu_ref: number("mu_ref")?, mu_water: number("mu_water")?, config, fields, grid, support, device })
    }

    /// The grid it was fitted on.
    #[must_use]
    pub fn grid(&self) -> &Grid {
        &self.grid
    }

    /// Attenuation of water in the fit, 1/mm.
    #[must_use]
    pub fn mu_water(&self) -> f64 {
        self.mu_water
    }

    /// Evaluates the field at the voxel centres of `grid`, attenuation in 1/mm; 0 (air) outside the box and the support
    /// of the fit.
    ///
    /// # Errors
    /// Lack of memory; a stop that was requested.
    pub fn volume(&self, grid: &Grid, stop: &dyn StopSignal) -> Result<Volume> {
        let coordinates = Coordinates::new(grid, &self.grid, (Kind::Float, self.device))?;
        let (count, chunk) = (grid.voxels() as i64, self.config.chunk as i64);
        let mut values = Vec::new();
        let memory = |_| Error::resource("memory", format!("not enough for {} voxels", grid.voxels()));
        values.try_reserve_exact(grid.voxels()).map_err(memory)?;
        let task = progress::begin("render", Some(grid.voxels() as u64));
        for first in (0..count).step_by(self.config.chunk) {
            stop.check_stop()?;
            let numbers = Tensor::f_arange_start(first, (first + chunk).min(count), (Kind::Int64, self.device))
                .map_err(torch_error)?;
            let part = to_vec(&self.mean(&coordinates.of_voxels(&numbers)?)?)?;
            values.extend(part.into_iter().map(|value| value * self.mu_ref as f32));
            progress::advance(values.len() as u64, &[]);
        }
        task.end();
        for (n, value) in values.iter_mut().enumerate() {
            let index = [n / (grid.shape[1] * grid.shape[2]), n / grid.shape[2] % grid.shape[1], n % grid.shape[2]];
            if !self.fitted_at(grid.point(index.map(|i| i as f64))) {
                *value = 0.0;
            }
        }
        Volume::from_vec(grid.clone(), Quantity::Attenuation, values)
    }

    /// Evaluates the field at points (x, y, z) in mm, attenuation in 1/mm; 0 (air) outside the box and the support of
    /// the fit. A field of a slice does not depend on z.
    ///
    /// # Errors
    /// Memory.
    pub fn at(&self, points: &[Point]) -> Result<Vec<f32>> {
        let coordinates = Coordinates::new(&self.grid, &self.grid, (Kind::Float, self.device))?;
        let mut values = Vec::with_capacity(points.len());
        for chunk in points.chunks(self.config.chunk) {
            let indices: Vec<f32> = chunk.iter().flat_map(|&p| self.grid.index(p).map(|i| i as f32)).collect();
            let indices = from_slice(&indices, &[chunk.len(), 3], self.device)?;
            let found = to_vec(&self.mean(&coordinates.of_indices(&indices)?)?)?;
            let at = |(value, &point): (f32, &Point)| {
                if self.fitted_at(point) { value * self.mu_ref as f32 } else { 0.0 }
            };
            values.extend(found.into_iter().zip(chunk).map(at));
        }
        Ok(values)
    }

    /// The mean of the fields at points `[n, axes]` in coordinates of the field, in units of mu_ref.
    fn mean(&self, points: &Tensor) -> Result<Tensor> {
        let one = |field: &dyn Field| -> Result<Tensor> {
            let values = field.evaluate(points)?;
            if self.config.nonnegative { values.f_clamp_min(0.0).map_err(torch_error) } else { Ok(values) }
        };
        let mut sum = one(self.fields[0].as_ref())?;
        for field in &self.fields[1..] {
            sum = sum.f_add(&one(field.as_ref())?).map_err(torch_error)?;
        }
        sum.f_div_scalar(self.fields.len() as f64).map_err(torch_error)
    }

    /// Whether a point (mm) lies in the box and the support of the fit.
    fn fitted_at(&self, point: Point) -> bool {
        let mut at = self.grid.index(point).map(f64::round);
        if self.grid.is_2d() {
            at[0] = 0.0;
        }
        if (0..3).any(|k| at[k] < 0.0 || at[k] >= self.grid.shape[k] as f64) {
            return false;
        }
        let [z, y, x] = at.map(|i| i as usize);
        self.support.as_ref().is_none_or(|inside| inside[(z * self.grid.shape[1] + y) * self.grid.shape[2] + x])
    }
}

impl std::fmt::Debug for Fitted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fitted").field("grid", &self.grid).finish_non_exhaustive()
    }
}
