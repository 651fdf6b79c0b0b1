//! Conjugate gradients on the normal equations: min ½ ‖A x − y‖² + ½ α² ‖A‖² ‖L x‖², L the identity or the gradient.
//!
//! M. R. Hestenes, E. Stiefel, J. Res. Nat. Bur. Stand. 49, 1952; as in Å. Björck, "Numerical Methods for Least Squares
//! Problems", 1996, algorithm 7.4.1. Converges to the least-squares solution faster than the other methods, in ten to
//! thirty iterations; further iterations fit noise, so that their number acts as the regularisation unless there is a
//! penalty. Each gradient is made orthogonal to the earlier ones; otherwise they lose orthogonality in f32 after a few
//! iterations. The method has no constraint: `nonnegative` is applied to the result only.

use super::iterative::orthogonal::Orthogonal;
use super::iterative::stacked::{self, Stacked};
use super::iterative::{Common, ConvergenceRecord, LinearSystem, Mask, Tikhonov, vectors};
use super::{Algorithm, Estimate, Problem, Reconstruction, Run, Setup};
use crate::data::{Grid, Projections, Volume};
use crate::error::Result;
use crate::progress::TRIAL;
use crate::tensors::torch_error;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{Device, Tensor};

/// Conjugate gradients for least squares.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Number of iterations.
    pub iterations: u64,
    /// Quadratic penalty on the volume or on its gradient (Tikhonov regularisation).
    pub tikhonov: Tikhonov,
    /// Set negative attenuation of the result to zero.
    pub nonnegative: bool,
    /// Support of the volume: outside it x stays 0 (air).
    pub mask: Mask,
    /// Stop early once the residual norm changes by less than this fraction of itself in one iteration; 0 never stops
    /// early.
    pub tolerance: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self { iterations: 20, tikhonov: Tikhonov::default(), nonnegative: false, mask: Mask::None, tolerance: 0.0 }
    }
}

/// Squared norm, relative to the largest one, below which a gradient is f32 rounding error only.
const ROUNDING: f64 = 1e-12;

impl Config {
    fn common(&self) -> Common {
        let Self { iterations, tolerance, nonnegative, mask, .. } = *self;
        Common { key: "cgls", iterations, tolerance, nonnegative, mask }
    }

    fn iterate(&self, system: &LinearSystem<'_>, record: &mut ConvergenceRecord<'_>) -> Result<Tensor> {
        let operator = Stacked::new(system, self.tikhonov)?;
        let mut x = system.start_or(0.0)?;
        let mut residual = operator.first_residual(&x)?;
        let mut slope = operator.adjoint(&residual)?;
        let mut slopes = Orthogonal::new(system.operator.domain());
        let mut square = slopes.add(&mut slope).map_err(torch_error)?;
        let mut direction = vectors::copied(&slope).map_err(torch_error)?;
        let mut largest = square;
        for iteration in 1.. {
            let norm = vectors::norm(&residual[0]).map_err(torch_error)?;
            let misfit = stacked::square(&residual)?;
            let last = record.step(iteration, 0.5 * misfit, norm)?;
            largest = square.max(largest);
            let image = operator.forward(&direction)?;
            let length = stacked::square(&image)?;
            // Stop if there is nothing to solve, or if x is as near to the solution as rounding allows: further steps
            // of the recurrence would move it away again. As in Paige and Saunders, ‖Ãᵀr‖ is compared with ‖Ã‖‖r‖,
            // where ‖Ã‖ is a lower estimate.
            let way = vectors::dot(&direction, &direction).map_err(torch_error)?;
            if length <= 0.0 || square <= ROUNDING * largest || square * way <= ROUNDING * length * misfit {
                break;
            }
            let step = square / length;
            vectors::add_scaled(&mut x, step, &direction).map_err(torch_error)?;
            if last {
                break;
            }
            stacked::add_scaled(&mut residual, -step, &image)?;
            slope = operator.adjoint(&residual)?;
            let next = slopes.add(&mut slope).map_err(torch_error)?;
            vectors::scale_and_add(&mut direction, next / square, &slope).map_err(torch_error)?;
            square = next;
        }
        system.constrain(&mut x).map_err(torch_error)?;
        Ok(x)
    }
}

impl Algorithm for Config {
    fn check(&self, _setup: &Setup<'_>) -> Result<()> {
        self.common().check()?;
        self.tikhonov.check()
    }

    fn estimate(&self, setup: &Setup<'_>) -> Estimate {
        let volumes = if self.tikhonov.weight > 0.0 { 11 } else { 4 };
        let kept = Orthogonal::volumes(setup.grid, self.iterations);
        self.common().estimate(setup, 2.0, 3, volumes + kept)
    }

    fn reconstruct(&self, problem: &Problem<'_>, run: &mut Run<'_>) -> Result<Reconstruction> {
        self.accept(&problem.setup())?;
        self.common().solve(problem, run, |system, record| self.iterate(system, record))
    }
}

/// Iterations of [`unexplained`]: enough to reconstruct edges, too few to fit inconsistent data.
const FEW: u64 = 12;

/// Relative residual ‖A x − y‖ / ‖y‖ after a few CGLS iterations from zero on `grid`, with Joseph's projector on the
/// CPU: the part of the line integrals that no volume explains. It is small only if the geometry is right; 0 if all
/// data are 0.
///
/// # Errors
/// Memory.
pub fn unexplained(data: &Projections, grid: &Grid) -> Result<f64> {
    if data.as_slice().iter().all(|&value| value == 0.0) {
        return Ok(0.0);
    }
    // The curve holds the residual before each iteration, so one more iteration gives the residual after the last one.
    let found = quick(data, grid, FEW + 1)?;
    Ok(found.curve.last().and_then(|point| point.figures.get("residual")).copied().unwrap_or(1.0))
}

/// The volume after `iterations` CGLS iterations from zero on `grid`, computed as for [`unexplained`].
///
/// # Errors
/// Memory.
pub fn few(data: &Projections, grid: &Grid, iterations: u64) -> Result<Volume> {
    quick(data, grid, iterations).map(|found| found.volume)
}

fn quick(data: &Projections, grid: &Grid, iterations: u64) -> Result<Reconstruction> {
    let config = Config { iterations, ..Config::default() };
    // The residual is relative, so that the attenuation of water does not matter.
    let problem = Problem::xrays(data, grid, 1.0);
    let trial = tracing::info_span!(target: TRIAL, "trial", label = "cgls");
    trial.in_scope(|| config.reconstruct(&problem, &mut Run::quiet(Device::Cpu, 0)))
}
