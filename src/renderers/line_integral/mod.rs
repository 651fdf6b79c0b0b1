//! Differentiable line integrals of a field, the loss against the measured data, and its gradient.
//!
//! Both integrators minimise D + w TV with D = ½ rᵀW r / ‖√W A‖² and r = A f − y, for f = mu / mu_ref; W is the
//! identity unless the rays have weights. Gradients are added to the parameters' `.grad`; the returned loss is the
//! value (or estimate) of this function itself, not of a surrogate.

mod importance;
pub mod lattice;
pub mod quadrature;
pub mod rays;
mod subset;

use crate::data::{Geometry, Grid};
use crate::error::{Error, Result};
use crate::fields::Field;
use crate::fields::regularizers::{RegularizerKind, total_variation};
use crate::operators::xray::Sampling;
use crate::tensors::{filter_rows, ramp, torch_error};
use tch::{Device, Kind, Tensor};

/// The objective function of a fit, with its data.
#[derive(Debug)]
pub struct Objective {
    /// The voxel lattice; the field is defined on its box.
    pub grid: Grid,
    /// Geometry of the scan.
    pub geometry: Geometry,
    /// Sampling of the lattice's projector.
    pub sampling: Sampling,
    /// Measured line integrals / mu_ref, `[view, row, column]`, mm.
    pub data: Tensor,
    /// Weight of each ray's squared residual (the inverse of its variance), `[view, row, column]`; `None`: all equal.
    pub weights: Option<Tensor>,
    /// ‖√W A‖² of the lattice projector, mm².
    pub norm_squared: f64,
    /// Voxel size of the output grid divided by that of `grid`: 2 on a grid twice as fine, 1/2 on one twice as coarse.
    pub finer: f64,
    /// Factor on `tv` and on the weights of `regularizers`.
    pub scale: f64,
    /// Weight w of the total variation of x = mu / mu_ref, for differences over one voxel of the output grid.
    pub tv: f64,
    /// Further regularisers, each with its weight.
    pub regularizers: Vec<RegularizerKind>,
    /// Numbers (int64) of the voxels that may contain material; the others are air, and the field is not evaluated
    /// there.
    pub support: Tensor,
    /// Largest number of points at which a field is evaluated at once: bounds the memory.
    pub chunk: usize,
    /// Seed of the random numbers for jitter, subsets and rays.
    pub seed: u64,
    /// Number format and device of the field.
    pub options: (Kind, Device),
}

/// The residual that the data term is built from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Residual {
    /// The plain residual r = A f − y: D = ½ rᵀW r / ‖√W A‖².
    Plain,
    /// The ramp-filtered residual: D = ½ rᵀ√W F √W r / ‖√W A‖² with the ramp filter F symmetric and positive. Its
    /// gradient is a filtered backprojection of the residual, so that the problem is much better conditioned, but noise
    /// is amplified.
    Ramp,
}

/// The parts of the loss.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Loss {
    /// The data term D.
    pub data: f64,
    /// The total variation and the other regularisers, with their weights.
    pub regularizer: f64,
}

impl Loss {
    /// The value that is minimised.
    #[must_use]
    pub fn total(self) -> f64 {
        self.data + self.regularizer
    }
}

/// State that an integrator keeps between steps, and saves in checkpoints; only the integrator interprets it. `None`
/// before the first step.
pub type Memory = Option<Tensor>;

/// Method of integrating a field along rays.
pub trait Integrator {
    /// Refuses an invalid configuration, naming the key.
    ///
    /// # Errors
    /// [`crate::error::Error::Config`].
    fn check(&self) -> Result<()>;
    /// Whether a step computes whole projections, as [`Residual::Ramp`] requires.
    fn whole_projections(&self) -> bool;
    /// The loss of step `step` (which determines jitter and subset), without gradients, for the `memory` of the steps
    /// before.
    ///
    /// # Errors
    /// When memory runs out; a [`Residual`] that this integrator does not support.
    fn loss(
        &self,
        field: &dyn Field,
        objective: &Objective,
        residual: Residual,
        step: u64,
        memory: &Memory,
    ) -> Result<Loss>;
    /// The loss as [`Integrator::loss`]; adds its gradient to the parameters' `.grad` and updates `memory`.
    ///
    /// # Errors
    /// As [`Integrator::loss`].
    fn accumulate(
        &self,
        field: &dyn Field,
        objective: &Objective,
        residual: Residual,
        step: u64,
        memory: &mut Memory,
    ) -> Result<Loss>;
}

crate::kinds! {
    /// The methods of integrating a field along rays.
    pub enum IntegratorKind: "integrator" => dyn Integrator {
        /// The field is evaluated at the voxels and integrated by the projector; all rays share these samples.
        lattice => Lattice(lattice::Config),
        /// The field is sampled along a random subset of rays.
        rays => Rays(rays::Config),
    }
}

impl Residual {
    /// The vector that the adjoint is applied to, for the difference r = A f − y: W r, or √W F √W r.
    ///
    /// # Errors
    /// When memory runs out.
    pub fn of(self, difference: &Tensor, weights: Option<&Tensor>) -> Result<Tensor> {
        match (self, weights) {
            (Self::Plain, None) => Ok(difference.shallow_clone()),
            (Self::Plain, Some(weights)) => difference.f_mul(weights).map_err(torch_error),
            (Self::Ramp, None) => ramp_filtered(difference),
            (Self::Ramp, Some(weights)) => {
                let factors = weights.f_sqrt().map_err(torch_error)?;
                ramp_filtered(&difference.f_mul(&factors).map_err(torch_error)?)?.f_mul(&factors).map_err(torch_error)
            }
        }
    }
}

impl Objective {
    /// The axes along which differences are taken, with their weights. Differences are scaled to the voxel size of the
    /// output grid, so that the weights and thresholds of the regularisers mean the same on every grid.
    #[must_use]
    pub fn axes(&self) -> Vec<(usize, f64)> {
        total_variation::axes(&self.grid).into_iter().map(|(axis, weight)| (axis, weight * self.finer)).collect()
    }

    /// Divides `[0, count)` into ranges of at most `chunk`: (first, length).
    pub fn chunks(&self, count: i64) -> impl Iterator<Item = (i64, i64)> {
        let chunk = self.chunk.max(1) as i64;
        (0..count).step_by(chunk as usize).map(move |first| (first, chunk.min(count - first)))
    }

    /// Values `[count]` of the field at `count` points, without gradients, chunk by chunk. `points(first, n)` returns
    /// the points `[n, inputs]` from number `first` on.
    ///
    /// # Errors
    /// When memory runs out.
    pub fn evaluate(
        &self,
        field: &dyn Field,
        count: i64,
        points: &dyn Fn(i64, i64) -> Result<Tensor>,
    ) -> Result<Tensor> {
        let parts =
            self.chunks(count).map(|(first, n)| field.evaluate(&points(first, n)?)).collect::<Result<Vec<_>>>()?;
        Tensor::f_cat(&parts, 0).map_err(torch_error)
    }

    /// Adds the gradient of Σ f(point) · gradient to the parameters' `.grad`, chunk by chunk.
    pub(super) fn backward(
        &self,
        field: &dyn Field,
        gradient: &Tensor,
        points: &dyn Fn(i64, i64) -> Result<Tensor>,
    ) -> Result<()> {
        for (first, n) in self.chunks(gradient.size()[0]) {
            field.accumulate(&points(first, n)?, &mut |_| Ok(gradient.narrow(0, first, n)))?;
        }
        Ok(())
    }
}

/// F r along detector columns: zero-padded, weights |frequency| (cycles per pixel) · columns / 2, a small floor at
/// frequency zero so that F stays positive.
fn ramp_filtered(projections: &Tensor) -> Result<Tensor> {
    let columns = projections.size()[2] as usize;
    let points = 2 * columns.next_power_of_two();
    let run = || {
        let response = ramp(points, 0.5 / points as f64, (projections.kind(), projections.device()))?;
        filter_rows(projections, points, &response.f_mul_scalar(columns as f64 / 4.0)?)
    };
    run().map_err(torch_error)
}

/// Refuses the ramp-filtered residual for an integrator that computes single rays.
fn needs_whole_projections(residual: Residual) -> Result<()> {
    match residual {
        Residual::Plain => Ok(()),
        Residual::Ramp => Err(Error::config(
            "ramp_steps",
            "the ramp-filtered residual needs whole projections, but this integrator computes single rays",
        )
        .hint("set ramp_steps: 0 or use the lattice integrator")),
    }
}
