//! The part that the iterative methods share: the problem as tensors, its support and constraint, and the convergence
//! record.
//!
//! Every method solves for x = mu / mu_ref (mu_ref = 2.5 mu_water) from ŷ = y / mu_ref, so that a penalty weight means
//! the same whatever the unit of attenuation. Penalty weights are relative to ‖A‖², so that they mean the same at any
//! pixel size.

mod mask;
pub(super) mod momentum;
pub(super) mod order;
pub(super) mod orthogonal;
mod record;
pub(super) mod stacked;
pub(super) mod subsets;
pub(super) mod sweep;
pub(super) mod total_variation;
pub(super) mod vectors;

pub use mask::Mask;
pub use order::Order;
pub use stacked::{Operator, Tikhonov};

pub(super) use record::ConvergenceRecord;

use super::{Estimate, Problem, Reconstruction, Run, Setup};
use crate::data::{Quantity, Volume};
use crate::error::{Error, Result};
use crate::operators::{LinearOperator, norm_squared};
use crate::require;
use crate::tensors::{from_volume, to_vec, torch_error};
use tch::{Device, Kind, TchError, Tensor};

/// The configuration that all iterative methods have.
#[derive(Debug, Clone, Copy)]
pub(super) struct Common {
    /// Name of the method, for progress and errors.
    pub(super) key: &'static str,
    /// Maximum number of iterations.
    pub(super) iterations: u64,
    /// Stop early once the residual norm changes by less than this fraction of itself in one iteration; 0 never stops
    /// early.
    pub(super) tolerance: f64,
    /// Keep x ≥ 0.
    pub(super) nonnegative: bool,
    /// Support: outside it x stays 0.
    pub(super) mask: Mask,
}

/// A [`Problem`] as tensors on the run's device, in units of mu_ref: operator, data, initial volume and support.
pub(super) struct LinearSystem<'a> {
    pub(super) run: &'a Run<'a>,
    pub(super) common: Common,
    /// The operator A, from x `[z, y, x]` to ŷ.
    pub(super) operator: Box<dyn LinearOperator>,
    /// ŷ `[view, row, column]`, mm.
    pub(super) data: Tensor,
    /// Attenuation of x = 1, 1/mm.
    pub(super) mu_ref: f64,
    /// Factor by which the voxels of the operator's domain are finer than those of the output grid.
    pub(super) lattice: f64,
    /// The initial volume x `[z, y, x]`; `None` for the method's own initial volume.
    pub(super) start: Option<Tensor>,
    /// Support mask `[z, y, x]`, 1 inside and 0 outside; `None` if every voxel is inside.
    pub(super) mask: Option<Tensor>,
}

impl Common {
    /// Refuses values out of range.
    pub(super) fn check(&self) -> Result<()> {
        require::at_least_one("iterations", self.iterations)?;
        require::not_negative("tolerance", self.tolerance)
    }

    /// Refuses a relaxation outside 0 to 2, with which the iteration cannot converge, and a reduction factor above 1 or
    /// not above 0.
    pub(super) fn check_relaxation(relaxation: f64, reduction: f64) -> Result<()> {
        require::holds(relaxation > 0.0 && relaxation < 2.0, "relaxation", "above 0 and below 2", relaxation)?;
        require::share("reduction", reduction)
    }

    /// Cost of a method with `projections` forward or backprojections per iteration that holds `stacks` projection
    /// stacks and `volumes` volumes (f32) at once.
    pub(super) fn estimate(&self, setup: &Setup<'_>, projections: f64, stacks: u64, volumes: u64) -> Estimate {
        let (samples, voxels) = (setup.samples() as u64, setup.grid.voxels() as u64);
        let longest = setup.grid.shape.iter().copied().max().unwrap_or(1) as f64;
        let operations = self.iterations as f64 * projections * 16.0 * samples as f64 * longest;
        Estimate { operations, memory_bytes: 4 * (stacks * samples + volumes * voxels) }
    }

    /// Sets up the linear system, solves it for x with `method`, and converts x to a volume of attenuation (1/mm).
    pub(super) fn solve(
        self,
        problem: &Problem<'_>,
        run: &Run<'_>,
        method: impl FnOnce(&LinearSystem<'_>, &mut ConvergenceRecord<'_>) -> Result<Tensor>,
    ) -> Result<Reconstruction> {
        let _threads = crate::tensors::ThreadScope::for_tensors_of(problem.largest());
        tch::no_grad(|| {
            let system = LinearSystem::new(self, problem, run)?;
            let norm = vectors::norm(&system.data).map_err(torch_error)?;
            let mut record = ConvergenceRecord::begin(run.stop, self, norm);
            let x = method(&system, &mut record)?;
            let curve = record.end();
            let values = to_vec(&(x.to_device(Device::Cpu) * system.mu_ref))?;
            Ok(Reconstruction {
                curve,
                ..Reconstruction::plain(Volume::from_vec(problem.grid.clone(), Quantity::Attenuation, values)?)
            })
        })
    }
}

impl<'a> LinearSystem<'a> {
    fn new(common: Common, problem: &Problem<'_>, run: &'a Run<'a>) -> Result<Self> {
        let mu_ref = problem.unit();
        let start = run.initial.as_ref().map(|volume| on_grid(volume, problem, run.device)).transpose()?;
        let mask = common.mask.build(problem, run.device)?;
        let mut system = Self {
            run,
            common,
            operator: problem.operator(run.device)?,
            data: problem.values(run.device)? / mu_ref,
            mu_ref,
            lattice: problem.lattice as f64,
            start: None,
            mask,
        };
        if let Some(start) = start {
            let mut start = start / mu_ref;
            system.constrain(&mut start).map_err(torch_error)?;
            system.start = Some(start);
        }
        Ok(system)
    }

    /// A copy of the initial volume, or `value` within the support if there is none.
    pub(super) fn start_or(&self, value: f64) -> Result<Tensor> {
        match (&self.start, &self.mask) {
            (Some(start), _) => vectors::copied(start).map_err(torch_error),
            (None, Some(mask)) => mask.f_mul_scalar(value).map_err(torch_error),
            (None, None) => self.volume(value),
        }
    }

    /// A volume `[z, y, x]` filled with one value.
    pub(super) fn volume(&self, value: f64) -> Result<Tensor> {
        Tensor::f_full(self.operator.domain().shape.map(|n| n as i64), value, (Kind::Float, self.run.device))
            .map_err(torch_error)
    }

    /// The support mask `[z, y, x]`: 1 inside, 0 outside.
    pub(super) fn support(&self) -> Result<Tensor> {
        self.mask.as_ref().map_or_else(|| self.volume(1.0), |mask| Ok(mask.shallow_clone()))
    }

    /// Sets x to 0 outside the support.
    pub(super) fn masked(&self, x: &mut Tensor) -> std::result::Result<(), TchError> {
        self.mask.as_ref().map_or(Ok(()), |mask| x.f_mul_(mask).map(drop))
    }

    /// Projects x onto the constraints: 0 outside the support, and non-negative if `nonnegative` is set.
    pub(super) fn constrain(&self, x: &mut Tensor) -> std::result::Result<(), TchError> {
        if self.common.nonnegative {
            let _ = x.f_clamp_min_(0.0)?;
        }
        self.masked(x)
    }

    /// ‖A‖² increased by 2 %, because the power method approaches it from below.
    pub(super) fn norm_squared(&self) -> Result<f64> {
        Ok(1.02 * norm_squared(self.operator.as_ref(), self.run.device, 15)?)
    }
}

/// The initial volume as a tensor, if it is on the problem's grid.
fn on_grid(volume: &Volume, problem: &Problem<'_>, device: Device) -> Result<Tensor> {
    let (expected, found) = (problem.grid.shape, volume.grid.shape);
    if found == expected {
        return from_volume(volume, device);
    }
    let problem = format!("expected the volume to start from on the grid {expected:?}, got {found:?}");
    Err(Error::input("initial", problem))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_make_no_sense_are_refused_with_their_key() {
        let common = Common { key: "sirt", iterations: 1, tolerance: 0.0, nonnegative: true, mask: Mask::None };
        assert!(common.check().is_ok());
        assert!(Common { iterations: 0, ..common }.check().unwrap_err().to_string().starts_with("iterations"));
        for tolerance in [-1.0, f64::NAN, f64::INFINITY] {
            assert!(Common { tolerance, ..common }.check().unwrap_err().to_string().starts_with("tolerance"));
        }
    }
}
