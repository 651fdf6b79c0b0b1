//! LSQR: min ½ ‖A x − y‖² + ½ α² ‖A‖² ‖L x‖² by Golub and Kahan's bidiagonalisation.
//!
//! C. C. Paige, M. A. Saunders, ACM Trans. Math. Software 8, 1982. In exact arithmetic its iterates are those of CGLS,
//! but its recurrence suffers less from rounding when the problem is ill-conditioned. With a penalty, the curve's
//! residual is that of the stacked system (see `iterative::stacked`). The method has no constraint: `nonnegative` is
//! applied to the result only.

use super::iterative::orthogonal::Orthogonal;
use super::iterative::stacked::{self, Blocks, Stacked};
use super::iterative::{Common, ConvergenceRecord, LinearSystem, Mask, Tikhonov, vectors};
use super::{Algorithm, Estimate, Problem, Reconstruction, Run, Setup};
use crate::error::Result;
use crate::tensors::torch_error;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::Tensor;

/// Least squares by Golub–Kahan bidiagonalisation (LSQR).
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

/// The state of the bidiagonalisation: Ã v = α u + …, with ‖u‖ = ‖v‖ = 1.
struct Bidiagonal {
    u: Blocks,
    v: Tensor,
    alpha: f64,
    /// The earlier vectors v, for reorthogonalisation, and the largest α².
    before: Orthogonal,
    largest: f64,
}

/// Squared norm, relative to the largest one, below which a vector is f32 rounding error only.
const ROUNDING: f64 = 1e-12;

impl Bidiagonal {
    /// Computes the next u, v and α; returns β, which is 0 at the end.
    fn advance(&mut self, operator: &Stacked<'_>) -> Result<f64> {
        let mut u = operator.forward(&self.v)?;
        stacked::add_scaled(&mut u, -self.alpha, &self.u)?;
        self.u = u;
        let beta = normalise(&mut self.u)?;
        let mut v = operator.adjoint(&self.u)?;
        vectors::add_scaled(&mut v, -beta, &self.v).map_err(torch_error)?;
        self.v = v;
        self.direct()?;
        Ok(beta)
    }

    /// Makes v orthogonal to the earlier ones and scales it to length 1; α is its length before, or 0 if v is rounding
    /// error only.
    fn direct(&mut self) -> Result<()> {
        let square = self.before.add(&mut self.v).map_err(torch_error)?;
        self.largest = square.max(self.largest);
        self.alpha = if square <= ROUNDING * self.largest { 0.0 } else { square.sqrt() };
        if self.alpha > 0.0 {
            let _ = self.v.f_mul_scalar_(1.0 / self.alpha).map_err(torch_error)?;
        }
        Ok(())
    }
}

/// Scales a vector that is not 0 to length 1; returns its length before.
fn normalise(blocks: &mut [Tensor]) -> Result<f64> {
    let length = stacked::square(blocks)?.sqrt();
    if length > 0.0 {
        stacked::scale(blocks, 1.0 / length)?;
    }
    Ok(length)
}

impl Config {
    fn common(&self) -> Common {
        let Self { iterations, tolerance, nonnegative, mask, .. } = *self;
        Common { key: "lsqr", iterations, tolerance, nonnegative, mask }
    }

    fn iterate(&self, system: &LinearSystem<'_>, record: &mut ConvergenceRecord<'_>) -> Result<Tensor> {
        let operator = Stacked::new(system, self.tikhonov)?;
        let mut x = system.start_or(0.0)?;
        let mut u = operator.first_residual(&x)?;
        // φ̄ is the norm of the residual, ρ̄ the last diagonal entry before its rotation.
        let mut phi_bar = normalise(&mut u)?;
        let v = operator.adjoint(&u)?;
        let before = Orthogonal::new(system.operator.domain());
        let mut state = Bidiagonal { u, v, alpha: 0.0, before, largest: 0.0 };
        state.direct()?;
        let mut direction = vectors::copied(&state.v).map_err(torch_error)?;
        let mut rho_bar = state.alpha;
        for iteration in 1.. {
            let last = record.step(iteration, 0.5 * phi_bar * phi_bar, phi_bar)?;
            if state.alpha <= 0.0 {
                break;
            }
            let beta = state.advance(&operator)?;
            let rho = rho_bar.hypot(beta);
            let (cosine, sine) = (rho_bar / rho, beta / rho);
            vectors::add_scaled(&mut x, cosine * phi_bar / rho, &direction).map_err(torch_error)?;
            if last || beta <= 0.0 {
                break;
            }
            vectors::scale_and_add(&mut direction, -sine * state.alpha / rho, &state.v).map_err(torch_error)?;
            (rho_bar, phi_bar) = (-cosine * state.alpha, sine * phi_bar);
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
        let volumes = if self.tikhonov.weight > 0.0 { 12 } else { 5 };
        let kept = Orthogonal::volumes(setup.grid, self.iterations);
        self.common().estimate(setup, 2.0, 3, volumes + kept)
    }

    fn reconstruct(&self, problem: &Problem<'_>, run: &mut Run<'_>) -> Result<Reconstruction> {
        self.accept(&problem.setup())?;
        self.common().solve(problem, run, |system, record| self.iterate(system, record))
    }
}
