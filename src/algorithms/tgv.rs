//! Second-order total generalised variation: min over x ≥ 0 and v of ½ ‖A x − y‖² / ‖A‖² + w Σ |∇x − v| + a w Σ |Ev|.
//!
//! Bredies, Kunisch, Pock, SIAM J. Imaging Sci. 3, 2010. Suited to objects with smooth shading: it preserves slopes, of
//! which total variation makes steps (staircasing). The solver is that of [`tv`](super::tv), see
//! [`primal_dual`](super::primal_dual).

use super::primal_dual::{Effort, Generalised, Penalty, Recipe};
use super::statistics::Statistics;
use super::weight::Weight;
use super::{Algorithm, Estimate, Problem, Reconstruction, Run, Setup};
use crate::error::{Error, Result};
use crate::require;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Second-order total generalised variation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Weight w of the first-order term of x = mu / (2.5 mu_water), for differences over one voxel of the output grid;
    /// `auto` chooses it from the projections.
    pub weight: Weight,
    /// Weight a of the second-order term, in units of w, above 0; the larger it is, the more the result resembles total
    /// variation.
    pub ratio: f64,
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

impl Default for Config {
    fn default() -> Self {
        let Effort { iterations, tolerance, nonnegative, step } = Effort::default();
        Self { weight: 2e-4.into(), ratio: 2.0, noise: None, iterations, tolerance, nonnegative, step }
    }
}

impl Config {
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
        require::positive("ratio", self.ratio)?;
        if setup.grid.voxels() < 2 {
            return Err(Error::config("", "expected a grid of at least two voxels, got one"));
        }
        if let Some(noise) = &self.noise {
            noise.check(setup).map_err(|error| error.under("noise"))?;
        }
        self.effort().check()
    }

    fn estimate(&self, setup: &Setup<'_>) -> Estimate {
        self.effort().estimate(setup, 36, 6, &self.weight)
    }

    fn reconstruct(&self, problem: &Problem<'_>, run: &mut Run<'_>) -> Result<Reconstruction> {
        self.accept(&problem.setup())?;
        let device = run.device;
        // On a grid k times finer, first differences are k times smaller and second differences k² times. `Recipe`
        // multiplies w by k, so that a must be multiplied by k too.
        let ratio = self.ratio * problem.lattice as f64;
        let penalty =
            |weight| Ok(Box::new(Generalised::new(&problem.grid, weight, ratio, device)?) as Box<dyn Penalty>);
        Recipe {
            label: "tgv",
            weight: &self.weight,
            noise: self.noise.as_ref(),
            effort: self.effort(),
            penalty: &penalty,
        }
        .reconstruct(problem, run)
    }
}
