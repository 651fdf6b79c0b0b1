//! FISTA: min ½ ‖A x − y‖² / ‖A‖² + w TV(x), x ≥ 0, by accelerated proximal gradients.
//!
//! x⁺ = prox(z − Aᵀ(A z − y)/‖A‖²), z = x⁺ + β (x⁺ − x). A. Beck, M. Teboulle, SIAM J. Imaging Sci. 2, 2009, with the
//! proximal map of the total variation of IEEE Trans. Image Process. 18, 2009. With weight 0 it solves non-negative
//! least squares. It minimises the same objective as `tv`, with fewer projections, which pays where they are expensive,
//! but more work on the volume.

use super::iterative::momentum::Momentum;
use super::iterative::total_variation::Proximal;
use super::iterative::{Common, ConvergenceRecord, LinearSystem, Mask, vectors};
use super::{Algorithm, Estimate, Problem, Reconstruction, Run, Setup};
use crate::error::{Error, Result};
use crate::require;
use crate::tensors::torch_error;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{TchError, Tensor};

/// Accelerated proximal gradients.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Weight w of the total variation of x = mu / (2.5 mu_water), for differences over one voxel of the output grid; 0
    /// is no penalty.
    pub weight: f64,
    /// Number of iterations.
    pub iterations: u64,
    /// Number of inner steps with which each proximal map of the total variation is computed.
    pub inner: u64,
    /// Restart the momentum when it points in a direction of increasing objective.
    pub restart: bool,
    /// Keep x ≥ 0.
    pub nonnegative: bool,
    /// Support of the volume: outside it x stays 0 (air).
    pub mask: Mask,
    /// Stop early once the residual norm changes by less than this fraction of itself in one iteration; 0 never stops
    /// early.
    pub tolerance: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            weight: 2e-4,
            iterations: 100,
            inner: 10,
            restart: true,
            nonnegative: true,
            mask: Mask::None,
            tolerance: 0.0,
        }
    }
}

impl Config {
    fn common(&self) -> Common {
        let Self { iterations, tolerance, nonnegative, mask, .. } = *self;
        Common { key: "fista", iterations, tolerance, nonnegative, mask }
    }

    fn iterate(&self, system: &LinearSystem<'_>, record: &mut ConvergenceRecord<'_>) -> Result<Tensor> {
        let norm_squared = system.norm_squared()?;
        let mut proximal = Proximal::new(system).map_err(torch_error)?;
        let mut ahead = system.start_or(0.0)?;
        let mut momentum = Momentum::new(vectors::copied(&ahead).map_err(torch_error)?, self.restart);
        let (mut residual, mut factor) = (None, 0.0);
        for iteration in 1.. {
            let mut gap = system.operator.forward(&ahead)?;
            let _ = gap.f_sub_(&system.data).map_err(torch_error)?;
            let norm = track(&mut residual, &gap, factor).map_err(torch_error)?;
            let variation = if self.weight > 0.0 { proximal.value(&momentum.x).map_err(torch_error)? } else { 0.0 };
            let last = record.step(iteration, 0.5 * norm * norm / norm_squared + self.weight * variation, norm)?;
            let mut step = || -> std::result::Result<(), TchError> {
                let mut descent = system.operator.adjoint(&gap).map_err(|error| TchError::Torch(error.to_string()))?;
                vectors::scale_and_add(&mut descent, -1.0 / norm_squared, &ahead)?;
                let next = proximal.apply(system, &descent, self.weight, self.inner)?;
                factor = momentum.advance(next, &mut ahead)?;
                Ok(())
            };
            step().map_err(torch_error)?;
            if last {
                break;
            }
        }
        Ok(momentum.x)
    }
}

/// Computes A x − y in place from A x_last − y and A z − y, where z = x + β (x − x_last), which saves a projection of
/// x; returns its norm.
fn track(residual: &mut Option<Tensor>, gap: &Tensor, factor: f64) -> std::result::Result<f64, TchError> {
    if let Some(residual) = residual {
        let _ = residual.f_mul_scalar_(factor)?.f_add_(gap)?.f_mul_scalar_(1.0 / (1.0 + factor))?;
        vectors::norm(residual)
    } else {
        *residual = Some(vectors::copied(gap)?);
        vectors::norm(gap)
    }
}

impl Algorithm for Config {
    fn check(&self, _setup: &Setup<'_>) -> Result<()> {
        let common = self.common();
        common.check()?;
        if self.inner == 0 {
            return Err(Error::config("inner", "expected at least 1, got 0"));
        }
        require::not_negative("weight", self.weight)
    }

    fn estimate(&self, setup: &Setup<'_>) -> Estimate {
        let common = self.common();
        let proximal = if self.weight > 0.0 {
            40.0 * (self.iterations * self.inner) as f64 * setup.grid.voxels() as f64
        } else {
            0.0
        };
        let estimate = common.estimate(setup, 2.0, 3, 20);
        Estimate { operations: estimate.operations + proximal, ..estimate }
    }

    fn reconstruct(&self, problem: &Problem<'_>, run: &mut Run<'_>) -> Result<Reconstruction> {
        self.accept(&problem.setup())?;
        let scaled = Self { weight: self.weight * problem.lattice as f64, ..self.clone() };
        self.common().solve(problem, run, |system, record| scaled.iterate(system, record))
    }
}
