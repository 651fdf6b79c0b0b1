//! Total variation: min ½ ‖A x − y‖² / ‖A‖² + w Σ h(|∇x|), x ≥ 0, by the primal-dual hybrid gradient method, which
//! stops at a duality gap.
//!
//! h is the absolute value (Rudin, Osher, Fatemi 1992) or Huber's function of width `huber`. x = mu / mu_ref, so that a
//! weight means the same whatever the unit of attenuation. [`primal_dual`](super::primal_dual) describes the solver,
//! its step sizes and the gap. Suited to objects that are nearly piecewise constant; neural fields start from it by
//! default.

use super::primal_dual::{Effort, Penalty, Recipe, Variation};
use super::statistics::Statistics;
use super::weight::{Choice, Weight};
use super::{Algorithm, Estimate, Problem, Reconstruction, Run, Setup};
use crate::error::Result;
use crate::require;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::Device;

/// Total variation by a primal-dual method.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Weight w of the total variation of x = mu / (2.5 mu_water), for differences over one voxel of the output grid;
    /// `auto` chooses it from the projections.
    pub weight: Weight,
    /// Huber width: differences of x between neighbouring voxels below this have a quadratic penalty, which preserves
    /// smooth shading; 0 is total variation.
    pub huber: f64,
    /// Noise model of the data: each ray is then weighted by the inverse of its variance. `null` weights all rays
    /// equally.
    pub noise: Option<Statistics>,
    /// Maximum number of iterations.
    pub iterations: u64,
    /// Stop once the duality gap falls to this fraction of the objective; 0 runs all iterations.
    pub tolerance: f64,
    /// Keep x ≥ 0.
    pub nonnegative: bool,
    /// Primal step size τ at weight 2e-4; it scales as 1/√weight. It affects only the speed of convergence; 3 to 20
    /// suits most scans.
    pub step: f64,
}

/// Maximum number of weights tried on a finer grid, near the weight found on the output grid.
pub(super) const NEAR: usize = 6;
/// Maximum iterations and relative gap on a finer grid. An iteration costs about ten times as much there, and the
/// volume is within 0.05 dB of the converged one long before the gap is small.
const FINE: (u64, f64) = (250, 0.05);

impl Default for Config {
    fn default() -> Self {
        let Effort { iterations, tolerance, nonnegative, step } = Effort::default();
        Self { weight: 2e-4.into(), huber: 0.0, noise: None, iterations, tolerance, nonnegative, step }
    }
}

impl Config {
    /// The defaults for a grid `lattice` times finer than the output grid, with fewer iterations if `lattice` is above
    /// 1.
    pub(super) fn on_lattice(lattice: usize) -> Self {
        let usual = Self::default();
        if lattice == 1 { usual } else { Self { iterations: FINE.0, tolerance: FINE.1, ..usual } }
    }

    /// Chooses the weight only: the given number, or the choice from the projections.
    ///
    /// # Errors
    /// Errors of a trial reconstruction.
    pub fn choose_weight(&self, problem: &Problem<'_>, run: &Run<'_>) -> Result<Choice> {
        let penalty = self.penalty(problem, run.device);
        self.recipe(&penalty).choose(problem, run)
    }

    /// Builds the penalty for a weight on the problem's grid; `huber` is divided by the factor by which its voxels are
    /// finer.
    fn penalty<'p>(
        &self,
        problem: &'p Problem<'_>,
        device: Device,
    ) -> impl Fn(f64) -> Result<Box<dyn Penalty>> + use<'p> {
        let huber = self.huber / problem.lattice as f64;
        move |weight| Ok(Box::new(Variation::new(&problem.grid, weight, huber, device)?))
    }

    fn recipe<'a>(&'a self, penalty: &'a dyn Fn(f64) -> Result<Box<dyn Penalty>>) -> Recipe<'a> {
        Recipe { label: "tv", weight: &self.weight, noise: self.noise.as_ref(), effort: self.effort(), penalty }
    }

    fn effort(&self) -> Effort {
        Effort {
            iterations: self.iterations,
            tolerance: self.tolerance,
            nonnegative: self.nonnegative,
            step: self.step,
        }
    }
}

impl Algorithm for Config {
    fn check(&self, setup: &Setup<'_>) -> Result<()> {
        self.weight.check(setup).map_err(|error| error.under("weight"))?;
        require::not_negative("huber", self.huber)?;
        if let Some(noise) = &self.noise {
            noise.check(setup).map_err(|error| error.under("noise"))?;
        }
        self.effort().check()
    }

    fn estimate(&self, setup: &Setup<'_>) -> Estimate {
        // Volumes: x twice, three components of q, a backprojection, and temporaries. Projection stacks: data, p, Ax,
        // and temporaries.
        self.effort().estimate(setup, 8, 6, &self.weight)
    }

    fn reconstruct(&self, problem: &Problem<'_>, run: &mut Run<'_>) -> Result<Reconstruction> {
        self.accept(&problem.setup())?;
        let penalty = self.penalty(problem, run.device);
        self.recipe(&penalty).reconstruct(problem, run)
    }
}
