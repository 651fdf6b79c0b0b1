//! Integration along rays: stratified samples along a random subset of the rays in each step.
//!
//! A ray of length ℓ in the grid's box is divided into n = ⌈ℓ / (voxel / samples_per_voxel)⌉ equal strata with one
//! random sample each; its integral is (ℓ / n) Σ f. The data term is estimated as (rays / subset) · ½ Σ (q − y)² /
//! ‖A‖², which is unbiased up to the variance of the quadrature; the total variation is estimated by forward
//! differences at a random subset of voxels. With `importance`, rays with a large residual are drawn more often.
//! Stratified sampling: Mildenhall et al., NeRF, ECCV 2020, §4. A step is cheap and needs no lattice: for very fine
//! grids.

use super::importance::Chances;
use super::{Integrator, Loss, Memory, Objective, Residual, needs_whole_projections};
use crate::error::{Error, Result};
use crate::fields::Field;
use crate::fields::coordinates::Coordinates;
use crate::fields::regularizers::total_variation;
use crate::operators::xray::rays::IndexRay;
use crate::random::stream;
use crate::tensors::torch_error;
use rand::RngExt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use tch::{Kind, TchError, Tensor};

/// Integration along rays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Number of rays per step, drawn from all views; 1 to 2^24.
    pub rays: usize,
    /// Fraction of the rays that is drawn with probabilities proportional to their last residuals, instead of
    /// uniformly; 0 (none) to 0.95. Rays that are drawn more often get a lower weight, so that the expected loss stays
    /// the same.
    pub importance: f64,
    /// Number of samples along a ray per smallest voxel edge, above 0 to 64.
    pub samples_per_voxel: f64,
    /// Number of random voxels per step at which the total variation and the other regularisers are estimated; 1 to
    /// 2^24.
    pub tv_voxels: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { rays: 256, importance: 0.0, samples_per_voxel: 1.0, tv_voxels: 1024 }
    }
}

type Tried = std::result::Result<Tensor, TchError>;

/// Samples of some rays.
struct Batch {
    /// `[points, 3]`, (z, y, x) index coordinates.
    indices: Tensor,
    /// `[points]`, position in `rays` of the ray that the point belongs to.
    owners: Tensor,
    /// `[points]`, length of the point's stratum, mm.
    lengths: Tensor,
    /// `[rays]`, flat indices into the projections `[view, row, column]`.
    rays: Tensor,
    /// `[rays]`, N pᵢ: probability of drawing the ray relative to uniform drawing.
    chances: Tensor,
}

/// The data of a [`Batch`] while it is collected.
#[derive(Default)]
struct Gathered {
    indices: Vec<f64>,
    owners: Vec<i64>,
    lengths: Vec<f64>,
    rays: Vec<i64>,
    chances: Vec<f64>,
}

impl Config {
    /// The rays of a step, drawn with replacement, in batches of at most `chunk` points (a single long ray may exceed
    /// this).
    fn batches(&self, objective: &Objective, chances: Option<&Chances>, step: u64) -> Result<Vec<Batch>> {
        let mut random = stream(objective.seed, "rays", step);
        let total = objective.geometry.samples();
        let spacing = objective.grid.spacing.iter().copied().fold(f64::INFINITY, f64::min);
        let mut batches = Vec::new();
        let mut gathered = Gathered::default();
        for _ in 0..self.rays {
            let (sample, chance) = match chances {
                Some(chances) => chances.draw(&mut random),
                None => (random.random_range(0..total as u64) as usize, 1.0),
            };
            let ray = IndexRay::of_sample(&objective.grid, &objective.geometry, sample);
            let strata = (ray.length() / spacing * self.samples_per_voxel).ceil() as usize;
            if !gathered.rays.is_empty() && gathered.owners.len() + strata > objective.chunk {
                batches.push(Batch::new(objective, &std::mem::take(&mut gathered))?);
            }
            for stratum in 0..strata {
                let t = ray.enter + ray.length() * (stratum as f64 + random.random_range(0.0..1.0)) / strata as f64;
                gathered.indices.extend((0..3).map(|k| ray.origin[k] + t * ray.direction[k]));
                gathered.owners.push(gathered.rays.len() as i64);
                gathered.lengths.push(ray.length() / strata as f64);
            }
            gathered.rays.push(sample as i64);
            gathered.chances.push(chance);
        }
        batches.push(Batch::new(objective, &gathered)?);
        Ok(batches)
    }

    /// The data term D, and the memory for the next step; if `backward` is set, adds the gradient.
    fn each_batch(
        &self,
        field: &dyn Field,
        objective: &Objective,
        step: u64,
        memory: &Memory,
        backward: bool,
    ) -> Result<(f64, Memory)> {
        let coordinates = Coordinates::new(&objective.grid, &objective.grid, objective.options)?;
        let scale = objective.geometry.samples() as f64 / self.rays as f64 / objective.norm_squared;
        let mut chances = Chances::new(objective, self.importance, memory)?;
        let mut data = 0.0;
        for batch in self.batches(objective, chances.as_ref(), step)? {
            let points = coordinates.of_indices(&batch.indices)?;
            let left = RefCell::new(None);
            let loss = |values: &Tensor| {
                let residuals = batch.residuals(values, objective)?;
                *left.borrow_mut() = Some(residuals.detach());
                residuals.f_square()?.f_div(&batch.chances)?.f_sum(Kind::Double)?.f_mul_scalar(0.5 * scale)
            };
            data += through(field, &points, backward, &loss)?;
            if let (Some(chances), Some(residuals)) = (&mut chances, left.into_inner()) {
                chances.note(&batch.rays, &residuals)?;
            }
        }
        Ok((data, chances.map_or(Ok(None), |chances| chances.memory())?))
    }

    /// w TV and the other regularisers, estimated at random voxels from their values and their forward neighbours'.
    fn variation(&self, field: &dyn Field, objective: &Objective, step: u64, backward: bool) -> Result<f64> {
        if objective.tv == 0.0 && objective.regularizers.is_empty() {
            return Ok(0.0);
        }
        let grid = &objective.grid;
        let axes = objective.axes();
        let mut random = stream(objective.seed, "tv voxels", step);
        let mut indices: Vec<f64> = Vec::new();
        for _ in 0..self.tv_voxels {
            let voxel: [usize; 3] = std::array::from_fn(|k| random.random_range(0..grid.shape[k]));
            indices.extend(voxel.map(|index| index as f64));
            for &(axis, _) in &axes {
                // At a far face the neighbour is the voxel itself: the difference is 0 there, as on the lattice.
                let next = |k: usize| if k == axis { (voxel[k] + 1).min(grid.shape[k] - 1) } else { voxel[k] };
                indices.extend((0..3).map(|k| next(k) as f64));
            }
        }
        let indices = options_tensor(objective, &indices).and_then(|t| t.f_view([-1, 3])).map_err(torch_error)?;
        let points = Coordinates::new(grid, grid, objective.options)?.of_indices(&indices)?;
        let estimate = |values: &Tensor| {
            let values = values.f_view([-1, axes.len() as i64 + 1])?;
            let here = values.f_select(1, 0)?;
            let slope = |(number, &(_, weight)): (usize, &(usize, f64))| {
                values.f_select(1, number as i64 + 1)?.f_sub(&here)?.f_mul_scalar(weight)
            };
            let slopes = axes.iter().enumerate().map(slope).collect::<std::result::Result<Vec<_>, TchError>>()?;
            let mut squares = here.f_full_like(total_variation::EPSILON_SQUARED)?;
            for slope in &slopes {
                squares = squares.f_add(&slope.f_square()?)?;
            }
            let mut penalty = squares.f_sqrt()?.f_mul_scalar(objective.tv)?;
            for kind in &objective.regularizers {
                let part = kind.as_part();
                penalty = penalty.f_add(&part.penalty(&here, &slopes)?.f_mul_scalar(part.weight())?)?;
            }
            penalty.f_mean(values.kind())?.f_mul_scalar(grid.voxels() as f64 * objective.scale)
        };
        through(field, &points, backward, &estimate)
    }
}

/// A loss of the field's values at some points; if `backward` is set, adds its gradient to the parameters' `.grad` by
/// the chain rule through the values.
fn through(field: &dyn Field, points: &Tensor, backward: bool, loss: &dyn Fn(&Tensor) -> Tried) -> Result<f64> {
    if points.size()[0] == 0 {
        let none = Tensor::f_zeros([0], (points.kind(), points.device())).map_err(torch_error)?;
        return Ok(loss(&none).map_err(torch_error)?.double_value(&[]));
    }
    if !backward {
        return Ok(loss(&field.evaluate(points)?).map_err(torch_error)?.double_value(&[]));
    }
    let mut total = 0.0;
    field.accumulate(points, &mut |values| {
        let leaf = values.detach().set_requires_grad(true);
        let loss = loss(&leaf).map_err(torch_error)?;
        total += loss.double_value(&[]);
        loss.f_backward().map_err(torch_error)?;
        Ok(leaf.grad())
    })?;
    Ok(total)
}

/// The values as a tensor of the objective's kind and device.
fn options_tensor(objective: &Objective, values: &[f64]) -> std::result::Result<Tensor, TchError> {
    Tensor::f_from_slice(values)?.f_to_device(objective.options.1)?.f_to_kind(objective.options.0)
}

impl Batch {
    fn new(objective: &Objective, gathered: &Gathered) -> Result<Self> {
        let numbers = |values: &[i64]| Tensor::f_from_slice(values)?.f_to_device(objective.options.1);
        let build = || {
            Ok(Self {
                indices: options_tensor(objective, &gathered.indices)?.f_view([-1, 3])?,
                owners: numbers(&gathered.owners)?,
                lengths: options_tensor(objective, &gathered.lengths)?,
                rays: numbers(&gathered.rays)?,
                chances: options_tensor(objective, &gathered.chances)?,
            })
        };
        build().map_err(torch_error)
    }

    /// √W (q − y) of the rays `[rays]`, from the field's `values` at the points.
    fn residuals(&self, values: &Tensor, objective: &Objective) -> Tried {
        let zeros = Tensor::f_zeros([self.rays.size()[0]], objective.options)?;
        let integrals = zeros.f_index_add(0, &self.owners, &values.f_mul(&self.lengths)?)?;
        let measured = objective.data.f_view([-1])?.f_index_select(0, &self.rays)?;
        let residuals = integrals.f_sub(&measured)?;
        match &objective.weights {
            Some(weights) => residuals.f_mul(&weights.f_view([-1])?.f_index_select(0, &self.rays)?.f_sqrt()?),
            None => Ok(residuals),
        }
    }
}

impl Integrator for Config {
    fn check(&self) -> Result<()> {
        if self.rays == 0 || self.rays > 1 << 24 {
            return Err(Error::config("rays", format!("expected 1 to 2^24, got {}", self.rays)));
        }
        if !(self.samples_per_voxel > 0.0 && self.samples_per_voxel <= 64.0) {
            return Err(Error::config(
                "samples_per_voxel",
                format!("expected above 0 and at most 64, got {}", self.samples_per_voxel),
            ));
        }
        if !(0.0..=0.95).contains(&self.importance) {
            return Err(Error::config("importance", format!("expected 0 to 0.95, got {}", self.importance)));
        }
        if self.tv_voxels == 0 || self.tv_voxels > 1 << 24 {
            return Err(Error::config("tv_voxels", format!("expected 1 to 2^24, got {}", self.tv_voxels)));
        }
        Ok(())
    }

    fn whole_projections(&self) -> bool {
        false
    }

    fn loss(
        &self,
        field: &dyn Field,
        objective: &Objective,
        residual: Residual,
        step: u64,
        memory: &Memory,
    ) -> Result<Loss> {
        needs_whole_projections(residual)?;
        let (data, _) = self.each_batch(field, objective, step, memory, false)?;
        Ok(Loss { data, regularizer: self.variation(field, objective, step, false)? })
    }

    fn accumulate(
        &self,
        field: &dyn Field,
        objective: &Objective,
        residual: Residual,
        step: u64,
        memory: &mut Memory,
    ) -> Result<Loss> {
        needs_whole_projections(residual)?;
        let (data, next) = self.each_batch(field, objective, step, memory, true)?;
        *memory = next;
        Ok(Loss { data, regularizer: self.variation(field, objective, step, true)? })
    }
}
