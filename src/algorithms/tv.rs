//! Total variation: min ½ ‖A x − y‖² / ‖A‖² + w Σ h(|∇x|), x ≥ 0, by the primal-dual hybrid gradient method, which
//! stops at a duality gap.
//!
//! h is the absolute value (Rudin, Osher, Fatemi 1992) or Huber's function of width `huber`. x = mu / mu_ref, so that a
//! weight means the same at any dose unit. Method, steps and gap: [`primal_dual`](super::primal_dual). Strong where the
//! object is nearly piecewise constant; the classical start of neural fields.

use super::primal_dual::{Effort, Penalty, Recipe, Variation};
use super::statistics::Statistics;
use super::weight::{Choice, Weight};
use super::{Algorithm, Estimate, Problem, Reconstruction, Run, Setup};
use crate::error::Result;
use crate::require;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::Device;

/// Total variation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Weight w of the total variation, per voxel of x = mu / (2.5 mu_water); `auto`: chosen from the projections.
    pub weight: Weight,
    /// Differences below this, in x per voxel, cost their square (Huber): smooth shading stays smooth. 0: total
    /// variation.
    pub huber: f64,
    /// The noise of the data: rays then count by the inverse of their variance. `null`: all alike.
    pub noise: Option<Statistics>,
    /// Iterations at most.
    pub iterations: u64,
    /// Duality gap, relative to the objective, to stop at; 0: all iterations.
    pub tolerance: f64,
    /// Keep x ≥ 0.
    pub nonnegative: bool,
    /// Primal step at weight 2e-4 (it goes as 1/√weight): changes the speed of convergence only, 3 to 20 suit most
    /// scans.
    pub step: f64,
}

/// Most weights that are tried on a finer lattice, near the one that was found on the picture's voxels.
pub(super) const NEAR: usize = 6;
/// Iterations and gap on a finer lattice. An iteration costs about ten times as much there, and the volume is within
/// 0.05 dB of where it goes long before its gap says so.
const FINE: (u64, f64) = (250, 0.05);

impl Default for Config {
    fn default() -> Self {
        let Effort { iterations, tolerance, nonnegative, step } = Effort::default();
        Self { weight: 2e-4.into(), huber: 0.0, noise: None, iterations, tolerance, nonnegative, step }
    }
}

impl Config {
    /// The defaults, with what a method that works on a lattice so many times finer than the picture iterates.
    pub(super) fn on_lattice(lattice: usize) -> Self {
        let usual = Self::default();
        if lattice == 1 { usual } else { Self { iterations: FINE.0, tolerance: FINE.1, ..usual } }
    }

    /// The weight alone: the number, or the choice from the projections.
    ///
    /// # Errors
    /// What a trial says.
    pub fn choose_weight(&self, problem: &Problem<'_>, run: &Run<'_>) -> Result<Choice> {
        let penalty = self.penalty(problem, run.device);
        self.recipe(&penalty).choose(problem, run)
    }

    /// The penalty of a weight on the problem's grid, on whose finer voxels a step of `huber` is that much smaller.
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
        // x twice, three parts of q, a backprojection and a spare; data, p, Ax and two spares.
        self.effort().estimate(setup, 8, 6, &self.weight)
    }

    fn reconstruct(&self, problem: &Problem<'_>, run: &mut Run<'_>) -> Result<Reconstruction> {
        self.accept(&problem.setup())?;
        let penalty = self.penalty(problem, run.device);
        self.recipe(&penalty).reconstruct(problem, run)
    }
}
