//! Conjugate gradients on the normal equations: min ½ ‖A x − y‖² + ½ α² ‖A‖² ‖L x‖², L the identity or the gradient.
//!
//! M. R. Hestenes, E. Stiefel, J. Res. Nat. Bur. Stand. 49, 1952; as in Å. Björck, "Numerical Methods for Least Squares
//! Problems", 1996, algorithm 7.4.1. The fastest way to least squares, ten to thirty iterations; noise comes back after
//! that, so that their number regularises unless a penalty does. Each slope is made orthogonal to those before it,
//! without which f32 loses their conjugacy after a few iterations. It knows no constraint: `nonnegative` acts on the
//! result alone.

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
    /// Iterations.
    pub iterations: u64,
    /// A penalty on the volume or on its gradient.
    pub tikhonov: Tikhonov,
    /// Negative attenuation of the result is set to zero.
    pub nonnegative: bool,
    /// Where x may be anything but air.
    pub mask: Mask,
    /// Ends the iteration once the residual changes by less than this part of itself; 0 = never.
    pub tolerance: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self { iterations: 20, tikhonov: Tikhonov::default(), nonnegative: false, mask: Mask::None, tolerance: 0.0 }
    }
}

/// The square of what rounding to f32 leaves of a slope that should be 0, relative.
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
            // Nothing to solve, or at the solution as near as rounding allows: beyond, the recurrence would carry x
            // away again. ‖Ãᵀr‖ is compared with ‖Ã‖‖r‖ as Paige and Saunders do, ‖Ã‖ from below.
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

/// Iterations of [`unexplained`]: enough to form edges, too few to fit contradictions.
const FEW: u64 = 12;

/// ‖A x − y‖ / ‖y‖ of the volume x that a few iterations from zero find on `grid`, by Joseph's projector on the CPU:
/// what of line integrals no volume explains. It is small only if the geometry is right. 0 for data that are 0.
///
/// # Errors
/// Memory.
pub fn unexplained(data: &Projections, grid: &Grid) -> Result<f64> {
    if data.as_slice().iter().all(|&value| value == 0.0) {
        return Ok(0.0);
    }
    // The curve tells what each iteration begins with: one more tells what the last one has left.
    let found = quick(data, grid, FEW + 1)?;
    Ok(found.curve.last().and_then(|point| point.figures.get("residual")).copied().unwrap_or(1.0))
}

/// The volume that so many iterations from zero find on `grid`, as for [`unexplained`].
///
/// # Errors
/// Memory.
pub fn few(data: &Projections, grid: &Grid, iterations: u64) -> Result<Volume> {
    quick(data, grid, iterations).map(|found| found.volume)
}

fn quick(data: &Projections, grid: &Grid, iterations: u64) -> Result<Reconstruction> {
    let config = Config { iterations, ..Config::default() };
    // The residual is relative, so that any attenuation of water will do.
    let problem = Problem::xrays(data, grid, 1.0);
    let trial = tracing::info_span!(target: TRIAL, "trial", label = "cgls");
    trial.in_scope(|| config.reconstruct(&problem, &mut Run::quiet(Device::Cpu, 0)))
}
