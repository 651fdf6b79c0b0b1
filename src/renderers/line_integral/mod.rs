//! Differentiable ray integration: from a field to its line integrals, the loss against the data, and the gradient.
//!
//! Both forms minimise D + w TV with D = ½ rᵀW r / ‖√W A‖², r = A f − y, over f = mu / mu_ref; W = 1 unless the rays
//! have weights. Gradients are added to the parameters' `.grad`; losses are the true ones, never a surrogate.

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

/// What is minimised.
#[derive(Debug)]
pub struct Objective {
    /// The lattice of the volume; its box is the field's.
    pub grid: Grid,
    /// The scan.
    pub geometry: Geometry,
    /// The projector of the lattice.
    pub sampling: Sampling,
    /// Measured line integrals / mu_ref, `[view, row, column]`, mm.
    pub data: Tensor,
    /// What a ray's square counts, the inverse of its variance, `[view, row, column]`; all alike without.
    pub weights: Option<Tensor>,
    /// ‖√W A‖² of the lattice projector, mm².
    pub norm_squared: f64,
    /// How many voxels of `grid` a voxel of the picture is long: 2 on one twice as fine, 1/2 on one twice as coarse.
    pub finer: f64,
    /// What `tv` and the weights of `regularizers` are multiplied with.
    pub scale: f64,
    /// Weight w of the total variation, per voxel of the picture of x = mu / mu_ref.
    pub tv: f64,
    /// More that is known of the volume.
    pub regularizers: Vec<RegularizerKind>,
    /// Numbers (int64) of the voxels that can hold something; the others are air and never asked for.
    pub support: Tensor,
    /// Most points a field is evaluated at once: bounds memory whatever the volume.
    pub chunk: usize,
    /// Seed of jitter and subsets.
    pub seed: u64,
    /// Kind and device of the field.
    pub options: (Kind, Device),
}

/// Which residual drives the step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Residual {
    /// r = A f − y: D = ½ rᵀW r / ‖√W A‖².
    Plain,
    /// The ramp-filtered residual: D = ½ rᵀ√W F √W r / ‖√W A‖² with F symmetric and positive, whose gradient is a
    /// filtered backprojection of the residual: far better conditioned, but it amplifies noise.
    Ramp,
}

/// The parts of the loss.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Loss {
    /// The data term D.
    pub data: f64,
    /// w TV.
    pub regularizer: f64,
}

impl Loss {
    /// What is minimised.
    #[must_use]
    pub fn total(self) -> f64 {
        self.data + self.regularizer
    }
}

/// What an integrator keeps from step to step, of a meaning that only it knows; none before the first step. Saved in
/// checkpoints.
pub type Memory = Option<Tensor>;

/// A way to integrate a field along rays.
pub trait Integrator {
    /// Refuses what makes no sense, naming the key.
    ///
    /// # Errors
    /// [`crate::error::Error::Config`].
    fn check(&self) -> Result<()>;
    /// Whether a step sees whole projections, as [`Residual::Ramp`] needs.
    fn whole_projections(&self) -> bool;
    /// The loss of step `step` (its jitter and subset), without gradients, after steps that left `memory`.
    ///
    /// # Errors
    /// Memory; a [`Residual`] that this form cannot give.
    fn loss(
        &self,
        field: &dyn Field,
        objective: &Objective,
        residual: Residual,
        step: u64,
        memory: &Memory,
    ) -> Result<Loss>;
    /// The same loss, its gradient added to the parameters' `.grad`; `memory` is brought up to date.
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
    /// The forms of ray integration.
    pub enum IntegratorKind: "integrator" => dyn Integrator {
        /// The field on the voxel lattice, integrated by the projector: all rays share samples.
        lattice => Lattice(lattice::Config),
        /// Stratified samples along a random subset of rays.
        rays => Rays(rays::Config),
    }
}

impl Residual {
    /// What the adjoint takes of the difference r = A f − y: W r, or √W F √W r.
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
    /// The axes that have differences, with their weights. Differences are over the length of a voxel of the picture,
    /// so that weights, and what a regulariser takes for a high step, mean the same on every grid.
    #[must_use]
    pub fn axes(&self) -> Vec<(usize, f64)> {
        total_variation::axes(&self.grid).into_iter().map(|(axis, weight)| (axis, weight * self.finer)).collect()
    }

    /// `[0, count)` in ranges of at most `chunk`.
    pub fn chunks(&self, count: i64) -> impl Iterator<Item = (i64, i64)> {
        let chunk = self.chunk.max(1) as i64;
        (0..count).step_by(chunk as usize).map(move |first| (first, chunk.min(count - first)))
    }

    /// The field at `count` points without gradients, chunk by chunk: `[count]`. `points(first, n)` gives some of them.
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

    /// Backward of Σ f(points) · gradient, chunk by chunk, into the parameters' `.grad`.
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

/// Refuses the ramp-filtered residual for an integrator that sees single rays.
fn needs_whole_projections(residual: Residual) -> Result<()> {
    match residual {
        Residual::Plain => Ok(()),
        Residual::Ramp => Err(Error::config(
            "ramp_steps",
            "the ramp-filtered residual needs whole projections, and this integrator takes rays",
        )
        .hint("set ramp_steps: 0 or use the lattice integrator")),
    }
}
