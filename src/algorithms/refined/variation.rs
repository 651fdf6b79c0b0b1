//! The total variation reconstruction that is refined, on the finer grid.

use crate::algorithms::statistics::Statistics;
use crate::algorithms::weight::{Auto, Weight};
use crate::algorithms::{Algorithm, Discretisation, Estimate, Problem, Reconstruction, Run, Setup, tv};
use crate::error::Result;

/// Settings of the total variation reconstruction on the finer grid.
pub(super) struct Variation {
    pub(super) weight: Weight,
    pub(super) noise: Option<Statistics>,
    pub(super) discretisation: Discretisation,
    pub(super) nonnegative: bool,
}

impl Variation {
    fn tv(&self, weight: Weight, noise: Option<Statistics>) -> tv::Config {
        tv::Config {
            weight,
            noise,
            nonnegative: self.nonnegative,
            ..tv::Config::on_lattice(self.discretisation.lattice)
        }
    }

    pub(super) fn check(&self, setup: &Setup<'_>) -> Result<()> {
        self.tv(self.weight.clone(), self.noise).check(setup)
    }

    pub(super) fn estimate(&self, setup: &Setup<'_>) -> Estimate {
        self.discretisation.estimate(&self.tv(self.near(1e-4), self.noise), setup)
    }

    /// The weight setting for the finer grid: a search near `first`, the weight found on the output grid.
    fn near(&self, first: f64) -> Weight {
        match &self.weight {
            Weight::Auto(auto) if self.discretisation.lattice > 1 => {
                Weight::Auto(Auto { first, near: Some(tv::NEAR), ..auto.clone() })
            }
            other => other.clone(),
        }
    }

    /// Reconstructs on the finer grid. An automatic weight is first searched for on the output grid, where a trial
    /// costs about a tenth.
    pub(super) fn reconstruct(&self, problem: &Problem<'_>, run: &Run<'_>) -> Result<Reconstruction> {
        let mut inner = run.trial(None);
        let mut weight = self.weight.clone();
        if self.discretisation.lattice > 1 && matches!(weight, Weight::Auto(_)) {
            let found = self.tv(weight, None).choose_weight(problem, &inner)?;
            weight = self.near(found.weight);
        }
        self.tv(weight, self.noise).reconstruct(&self.discretisation.problem(problem)?, &mut inner)
    }
}
