//! The data term ½ |Âx − ŷ|² and its dual variable p: p̃ = (p + σ(Âx̄ − ŷ))/(1 + σ).
//!
//! A ramp filter as dual step (exact for this term in any metric) was tried: on few views the penalty, not the data,
//! sets the pace, and it took as many iterations or more.

use super::Step;
use crate::data::Grid;
use crate::error::Result;
use crate::fields::regularizers::total_variation as tv;
use crate::operators::xray::{self, Projector};
use crate::tensors::{self, from_slice, torch_error};
use rand::RngExt;
use tch::{Device, TchError, Tensor};

/// Iterations of the power method for ‖A‖.
const POWER: usize = 15;
/// The same for the joint norm, from noise: it needs the highest frequencies only, which noise is full of.
const JOINT: usize = 6;

/// The projector scaled to norm 1, and the data with it.
pub(super) struct Fidelity {
    projector: Box<dyn Projector>,
    norm: f64,
    /// ŷ `[view, row, column]`.
    pub(super) data: Tensor,
    /// |ŷ|, 1 if that is 0.
    pub(super) size: f64,
    /// ‖ÂᵀÂ + ∇ᵀ∇/‖∇‖²‖, between 1 and 2.
    pub(super) joint: f64,
}

impl Fidelity {
    /// Of projections in units of mu_ref × mm.
    pub(super) fn new(projector: Box<dyn Projector>, values: &Tensor, device: Device, seed: u64) -> Result<Self> {
        let norm = xray::norm_squared(projector.as_ref(), device, POWER)?.sqrt();
        let data = values / norm;
        let size = tensors::norm(&data).map_err(torch_error)?;
        let mut made = Self { projector, norm, data, size: if size > 0.0 { size } else { 1.0 }, joint: 2.0 };
        made.joint = (1.05 * made.joint_norm(device, seed)?).max(made.waves()).min(2.0);
        Ok(made)
    }

    /// What a wave as short as voxels can make of ÂᵀÂ + ∇ᵀ∇/‖∇‖²: across the axis of rotation it is seen by one view or
    /// two of V, but along the axis by all of them.
    fn waves(&self) -> f64 {
        let axes = tv::axes(self.projector.domain());
        let views = 2.0 / self.shape()[0] as f64;
        let squares: Vec<f64> = axes.iter().map(|(_, slope)| slope * slope).collect();
        let along = if axes.len() == 3 {
            squares.iter().copied().fold(0.0, f64::max) / squares.iter().sum::<f64>()
        } else {
            0.0
        };
        1.0 + views + along
    }

    /// The largest eigenvalue of ÂᵀÂ + ∇ᵀ∇/‖∇‖², from below: data see low frequencies and differences high ones, so it
    /// is far from the sum of the two norms, 2, unless the views are few.
    fn joint_norm(&self, device: Device, seed: u64) -> Result<f64> {
        let grid: &Grid = self.projector.domain();
        let axes = tv::axes(grid);
        if axes.is_empty() {
            return Ok(1.0);
        }
        let norm_squared = tv::norm_squared(&axes);
        let mut random = crate::random::stream(seed, "power method", 0);
        let values: Vec<f32> = (0..grid.voxels()).map(|_| random.random_range(-1.0..1.0)).collect();
        let mut x = from_slice(&values, &grid.shape, device)?;
        let mut largest = 1.0;
        for _ in 0..JOINT {
            x = &x / tensors::norm(&x).map_err(torch_error)?;
            let differences =
                tv::gradient(&x, &axes).and_then(|slopes| tv::gradient_adjoint(&slopes, &axes)).map_err(torch_error)?;
            x = self.back(&self.project(&x)?)? / self.norm + differences / norm_squared;
            largest = tensors::norm(&x).map_err(torch_error)?;
        }
        Ok(largest)
    }

    pub(super) fn shape(&self) -> [usize; 3] {
        self.projector.range().shape()
    }

    /// Âx.
    pub(super) fn project(&self, x: &Tensor) -> Result<Tensor> {
        let mut projected = self.projector.forward(x)?;
        let _ = projected.f_mul_scalar_(1.0 / self.norm).map_err(torch_error)?;
        Ok(projected)
    }

    /// Aᵀp: ‖A‖ Âᵀp.
    pub(super) fn back(&self, p: &Tensor) -> Result<Tensor> {
        self.projector.adjoint(p)
    }

    /// 1/‖A‖, by which [`Fidelity::back`] is too large.
    pub(super) fn scale(&self) -> f64 {
        1.0 / self.norm
    }

    /// p ← p + ρ σ/(1 + σ) (Â(2x̃ − x) − ŷ − p), in place.
    pub(super) fn dual(&self, p: &mut Tensor, ahead: &Tensor, behind: &Tensor, step: &Step) -> Result<()> {
        let part = step.relaxation * step.data / (1.0 + step.data);
        let mut run = || -> std::result::Result<(), TchError> {
            let _ = p.f_mul_scalar_(1.0 - part)?.f_add_(&ahead.f_mul_scalar(2.0 * part)?)?;
            let _ = p.f_sub_(&behind.f_add(&self.data)?.f_mul_scalar_(part)?)?;
            Ok(())
        };
        run().map_err(torch_error)
    }
}
