//! The data term ½ |Âx − ŷ|² and its dual variable p, with the dual step σR: p̃ = (1 + σR)⁻¹ (p + σR(Âx̄ − ŷ)).
//!
//! R is a ramp filter along the detector rows, circular, with a lower bound at low frequencies. ÂᵀÂ damps a wave in the
//! volume in inverse proportion to its frequency, so that fine structures converge only after hundreds of steps; ÂᵀRÂ
//! treats all frequencies about equally. R is symmetric and positive, so that the iteration converges to the minimum of
//! the same, unfiltered objective: it is a diagonal preconditioner in Fourier space (Pock and Chambolle, ICCV 2011;
//! Sidky, Jørgensen and Pan, Phys. Med. Biol. 57, 2012, precondition in the same place).

use super::Step;
use crate::error::Result;
use crate::operators::{LinearOperator, norm_squared};
use crate::tensors::{self, filter_rows, from_slice, ramp, torch_error};
use rand::RngExt;
use tch::{Device, Kind, TchError, Tensor};

/// Iterations of the power method for ‖A‖ and ‖√R A‖.
const POWER: usize = 15;
/// Safety factor on a norm, because the power method approaches it from below.
const MARGIN: f64 = 1.05;
/// Smallest value of the ramp filter, whose largest is 1.
const FLOOR: f64 = 0.03;

/// The operator Â = A/‖A‖ and the data ŷ scaled in the same way.
pub(super) struct Fidelity {
    operator: Box<dyn LinearOperator>,
    norm: f64,
    /// ŷ `[view, row, column]`.
    pub(super) data: Tensor,
    /// |ŷ|, 1 if that is 0.
    pub(super) size: f64,
    /// Response of R at the frequencies of a detector row, `[columns / 2 + 1]`, scaled so that ‖√R Â‖ = 1.
    ramp: Tensor,
}

impl Fidelity {
    /// The data term of projections `values` in units of mu_ref × mm.
    pub(super) fn new(operator: Box<dyn LinearOperator>, values: &Tensor, device: Device, seed: u64) -> Result<Self> {
        let norm = norm_squared(operator.as_ref(), device, POWER)?.sqrt();
        let data = values / norm;
        let size = tensors::norm(&data).map_err(torch_error)?;
        let ramp = ramp(operator.range()[2], FLOOR, (Kind::Float, device)).map_err(torch_error)?;
        let mut made = Self { operator, norm, data, size: if size > 0.0 { size } else { 1.0 }, ramp };
        let largest = made.filtered_norm(device, seed)?;
        made.ramp = made.ramp.f_mul_scalar(1.0 / (MARGIN * largest)).map_err(torch_error)?;
        Ok(made)
    }

    /// The largest eigenvalue of ÂᵀRÂ by the power method, from a random volume: the spectrum is flat, so that a smooth
    /// start would miss it.
    fn filtered_norm(&self, device: Device, seed: u64) -> Result<f64> {
        let grid = self.operator.domain();
        let mut random = crate::random::stream(seed, "power method", 0);
        let values: Vec<f32> = (0..grid.voxels()).map(|_| random.random_range(-1.0..1.0)).collect();
        let mut x = from_slice(&values, &grid.shape, device)?;
        let mut largest = 1.0;
        for _ in 0..POWER {
            x = &x / tensors::norm(&x).map_err(torch_error)?;
            let filtered = self.filter(&self.project(&x)?, &self.ramp).map_err(torch_error)?;
            x = self.back(&filtered)? / self.norm;
            largest = tensors::norm(&x).map_err(torch_error)?;
        }
        Ok(largest)
    }

    /// The detector rows with their spectra multiplied by `response` (circular convolution).
    fn filter(&self, projections: &Tensor, response: &Tensor) -> std::result::Result<Tensor, TchError> {
        filter_rows(projections, self.operator.range()[2], response)
    }

    pub(super) fn shape(&self) -> [usize; 3] {
        self.operator.range()
    }

    /// Âx.
    pub(super) fn project(&self, x: &Tensor) -> Result<Tensor> {
        let mut projected = self.operator.forward(x)?;
        let _ = projected.f_mul_scalar_(1.0 / self.norm).map_err(torch_error)?;
        Ok(projected)
    }

    /// Aᵀp: ‖A‖ Âᵀp.
    pub(super) fn back(&self, p: &Tensor) -> Result<Tensor> {
        self.operator.adjoint(p)
    }

    /// 1/‖A‖, the factor that turns [`Fidelity::back`] into Âᵀp.
    pub(super) fn scale(&self) -> f64 {
        1.0 / self.norm
    }

    /// p ← p + ρ σR/(1 + σR) (Â(2x̃ − x) − ŷ − p), in place.
    pub(super) fn dual(&self, p: &mut Tensor, ahead: &Tensor, behind: &Tensor, step: &Step) -> Result<()> {
        let mut run = || -> std::result::Result<(), TchError> {
            let mut missing = ahead.f_mul_scalar(2.0)?;
            let _ = missing.f_sub_(behind)?.f_sub_(&self.data)?.f_sub_(p)?;
            let weighted = self.ramp.f_mul_scalar(step.data)?;
            let part = weighted.f_div(&weighted.f_add_scalar(1.0)?)?.f_mul_scalar(step.relaxation)?;
            let _ = p.f_add_(&self.filter(&missing, &part)?)?;
            Ok(())
        };
        run().map_err(torch_error)
    }
}
