//! The start of the refinement: a total variation volume, its residual, and the projector for corrections on the output
//! grid.

use super::consistency::Consistency;
use super::pair::Pair;
use super::prior::Prior;
use crate::algorithms::{Discretisation, Problem};
use crate::data::Volume;
use crate::error::Result;
use crate::operators::xray::kernels::filter::{Filter, ramp_rows};
use crate::operators::{Finer, LinearOperator, norm_squared};
use crate::tensors::{dot, from_volume, lend_mut, to_vec, torch_error};
use tch::{Device, Tensor};

/// Radius of the cylinder on which the factor of the backprojection is fitted, as a fraction of half the grid's width.
const RADIUS: f64 = 0.9;
/// Iterations of the power method for ‖A‖².
const POWER: usize = 12;

/// A volume to be refined, in units of mu_ref, with its residual and its projector.
pub struct Start {
    operator: Finer,
    x: Tensor,
    residual: Tensor,
    factor: f64,
    mu_ref: f64,
}

impl Start {
    /// The start from a volume (attenuation, 1/mm) on the finer grid of `discretisation`.
    ///
    /// # Errors
    /// A scan whose rays miss the grid; lack of memory.
    pub fn new(
        problem: &Problem<'_>,
        volume: &Volume,
        discretisation: &Discretisation,
        device: Device,
    ) -> Result<Self> {
        let (mu_ref, grid) = (problem.unit(), &problem.grid);
        let fine = discretisation.problem(problem)?.operator(device)?;
        let predicted = fine.forward(&(from_volume(volume, device)? / mu_ref))?;
        let residual = problem.values(device)? / mu_ref - predicted;
        let x = from_volume(&volume.resampled(grid)?, device)? / mu_ref;
        let operator = Finer::new(grid, fine);
        let factor = factor(&operator, device)?;
        Ok(Self { operator, x, residual, factor, mu_ref })
    }

    /// The input of the network: x and the filtered backprojection of the residual, as axial slices `[z, 2, y, x]` in
    /// units of mu_ref.
    ///
    /// # Errors
    /// Memory.
    pub fn channels(&self) -> Result<Tensor> {
        let back = filtered(&self.operator, &self.residual)? * self.factor;
        Tensor::f_stack(&[&self.x, &back], 1).map_err(torch_error)
    }

    /// The refined volume `[z, y, x]` in units of mu_ref, 0 or more where `nonnegative`.
    ///
    /// # Errors
    /// Memory.
    pub fn refined(&self, prior: &Prior, consistency: Consistency, nonnegative: bool) -> Result<Tensor> {
        let correction = prior.network.correct(&self.channels()?)?;
        let delta = consistency.apply(&self.operator, &self.residual, &correction.contiguous())?;
        let refined = self.x.f_add(&delta).map_err(torch_error)?;
        if nonnegative { refined.f_clamp_min(0.0).map_err(torch_error) } else { Ok(refined) }
    }

    /// [`Start::refined`] as plain values in C order.
    ///
    /// # Errors
    /// Memory.
    pub fn refined_values(&self, prior: &Prior, consistency: Consistency, nonnegative: bool) -> Result<Vec<f32>> {
        to_vec(&self.refined(prior, consistency, nonnegative)?)
    }

    /// Squared residual norms of `refined` `[z, y, x]` (units of mu_ref) and of this start, in that order, for
    /// projections that neither was made from. `unseen` is the start from the same volume with those projections.
    ///
    /// # Errors
    /// Memory.
    pub fn misfits(&self, refined: &Tensor, unseen: &Start) -> Result<[f64; 2]> {
        let change = unseen.operator.forward(&(refined - &self.x))?;
        let left = &unseen.residual - change;
        let square = |t: &Tensor| dot(t, t).map_err(torch_error);
        Ok([square(&left)?, square(&unseen.residual)?])
    }

    /// The training pair of this start and the true volume (attenuation, 1/mm) on the same grid.
    ///
    /// # Errors
    /// Memory.
    pub fn pair(&self, truth: &Volume) -> Result<Pair> {
        let channels = self.channels()?;
        let part = |i: i64| channels.f_select(1, i).map_err(torch_error).and_then(|t| to_vec(&t));
        let truth = truth.as_slice().iter().map(|&mu| (f64::from(mu) / self.mu_ref) as f32).collect();
        Ok(Pair { shape: self.operator.domain().shape, truth, start: part(0)?, residual: part(1)? })
    }
}

/// The total variation weight (for x in units of mu_ref and differences over one voxel) that matches noise n
/// backprojected to the voxels: rms(Aᵀ n) / (‖A‖² mu_ref). `noise` holds n in place of the measurements.
///
/// # Errors
/// A scan whose rays miss the grid; lack of memory.
pub fn noise_weight(noise: &Problem<'_>, device: Device) -> Result<f64> {
    let operator = noise.operator(device)?;
    let back = operator.adjoint(&noise.values(device)?)?;
    let rms = (dot(&back, &back).map_err(torch_error)? / noise.grid.voxels() as f64).sqrt();
    let square = norm_squared(operator.as_ref(), device, POWER)?;
    Ok(rms / (square * noise.unit()))
}

/// Aᵀ of the ramp-filtered measurements `[view, row, column]`.
fn filtered(operator: &dyn LinearOperator, measurements: &Tensor) -> Result<Tensor> {
    let device = measurements.device();
    let mut rows = measurements.to_device(Device::Cpu).contiguous().copy();
    let columns = operator.range()[2];
    ramp_rows(lend_mut(&mut rows)?, columns, 1.0, Filter::RamLak, 1.0);
    operator.adjoint(&rows.to_device(device))
}

/// The factor by which Aᵀ of ramp-filtered data must be multiplied to approximate a cylinder from its projections, in
/// the least-squares sense. It works for any scan, without a formula for its orbit.
fn factor(operator: &dyn LinearOperator, device: Device) -> Result<f64> {
    let [nz, ny, nx] = operator.domain().shape;
    let away = |i: usize, n: usize| (2.0 * i as f64 + 1.0) / n as f64 - 1.0;
    let inside = |y: usize, x: usize| away(y, ny).hypot(away(x, nx)) < RADIUS;
    let slice: Vec<f32> = (0..ny * nx).map(|i| if inside(i / nx, i % nx) { 1.0 } else { 0.0 }).collect();
    let object = crate::tensors::from_slice(&slice, &[1, ny, nx], device)?;
    let object = object.f_expand([nz as i64, -1, -1], false).map_err(torch_error)?.contiguous();
    let back = filtered(operator, &operator.forward(&object)?)? * &object;
    let (with, square) = (dot(&back, &object).map_err(torch_error)?, dot(&back, &back).map_err(torch_error)?);
    Ok(if square > 0.0 { with / square } else { 0.0 })
}
