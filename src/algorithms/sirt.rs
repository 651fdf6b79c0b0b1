//! SIRT, the simultaneous iterative reconstruction technique: x ← P(x + λ C Aᵀ R (y − A x)), R = 1 / row sums, C = 1 /
//! column sums.
//!
//! Converges to the minimum of ½ ‖A x − y‖² weighted by R for 0 < λ < 2. A. van der Sluis, H. A. van der Vorst, Linear
//! Algebra Appl. 130, 1990; J. Gregor, T. Benson, IEEE Trans. Med. Imaging 27, 2008. Robust and slow. Early iterates
//! are smooth, so that few iterations act as regularisation.

use super::iterative::sweep::SubsetSweep;
use super::iterative::{Common, Mask, Order};
use super::{Algorithm, Estimate, Problem, Reconstruction, Run, Setup};
use crate::error::Result;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Simultaneous iterative reconstruction technique (SIRT).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Number of iterations.
    pub iterations: u64,
    /// Relaxation λ of the first iteration, above 0 and below 2.
    pub relaxation: f64,
    /// Factor by which λ is multiplied after each iteration, above 0 and at most 1; 1 keeps λ constant.
    pub reduction: f64,
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
        Self { iterations: 100, relaxation: 1.0, reduction: 1.0, nonnegative: true, mask: Mask::None, tolerance: 0.0 }
    }
}

impl Config {
    fn common(&self) -> Common {
        let Self { iterations, tolerance, nonnegative, mask, .. } = *self;
        Common { key: "sirt", iterations, tolerance, nonnegative, mask }
    }
}

impl Algorithm for Config {
    fn check(&self, _setup: &Setup<'_>) -> Result<()> {
        let common = self.common();
        common.check()?;
        Common::check_relaxation(self.relaxation, self.reduction)
    }

    fn estimate(&self, setup: &Setup<'_>) -> Estimate {
        self.common().estimate(setup, 2.0, 5, 4)
    }

    fn reconstruct(&self, problem: &Problem<'_>, run: &mut Run<'_>) -> Result<Reconstruction> {
        self.accept(&problem.setup())?;
        self.common().solve(problem, run, |system, record| {
            SubsetSweep::new(system, 0, Order::Sequential)?.iterate(system, record, self.relaxation, self.reduction)
        })
    }
}
